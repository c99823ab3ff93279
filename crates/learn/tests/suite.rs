//! One binary: honesty, screeners, and DARWIN where it is at hand.
// clippy.toml lets tests unwrap, but does not see that helpers of an integration test are tests.
#![allow(clippy::unwrap_used)]

#[path = "suite/fused.rs"]
mod fused;
#[path = "suite/graded.rs"]
mod graded;
#[path = "suite/honesty.rs"]
mod honesty;
#[path = "suite/people.rs"]
mod people;
#[path = "suite/reference.rs"]
mod reference;
#[path = "suite/screener.rs"]
mod screener;
