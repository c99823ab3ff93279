//! One test build for everything that is asked of the whole: the walls of the house, whole command lines, bad input, and
//! reference runs over real data.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/bad_input.rs"]
mod bad_input;
#[path = "suite/batch.rs"]
mod batch;
#[path = "suite/cards.rs"]
mod cards;
#[path = "suite/commands.rs"]
mod commands;
#[path = "suite/cost.rs"]
mod cost;
#[path = "suite/house.rs"]
mod house;
#[path = "suite/judged.rs"]
mod judged;
#[path = "suite/line.rs"]
mod line;
#[path = "suite/networks.rs"]
mod networks;
#[path = "suite/quantize.rs"]
mod quantize;
#[path = "suite/real.rs"]
mod real;
#[path = "suite/serve.rs"]
mod serve;
#[path = "suite/speaker.rs"]
mod speaker;
#[path = "suite/spoken.rs"]
mod spoken;
