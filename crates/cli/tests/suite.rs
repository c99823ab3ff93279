//! One test build for everything that is asked of the whole: the walls of the house, whole command lines, and reference
//! runs over real data.

#[path = "suite/house.rs"]
mod house;
