//! The command line of Inkling.
#![forbid(unsafe_code)]

fn main() {}
