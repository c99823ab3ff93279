//! Networks run whole: by one executor and the other, and weights as they come from elsewhere.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

#[path = "suite/executors.rs"]
mod executors;
#[path = "suite/files.rs"]
mod files;
#[path = "suite/judge.rs"]
mod judge;
#[path = "suite/language.rs"]
mod language;
#[path = "suite/quantize.rs"]
mod quantize;
#[path = "suite/shipped.rs"]
mod shipped;
#[path = "suite/whisper.rs"]
mod whisper;
