//! From a session to a report.
#![forbid(unsafe_code)]

mod cohort;
mod error;
mod figure;

pub use cohort::{Layout, import_cohort};
pub use error::Error;
