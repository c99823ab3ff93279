//! Networks run whole: by one executor and the other, and weights as they come from elsewhere.

#[path = "suite/executors.rs"]
mod executors;
#[path = "suite/judge.rs"]
mod judge;
