//! One look at people who were set aside.

use serde::{Deserialize, Serialize};
use study::{Cohort, Holdout};

use super::{
    COPIED, Family, Plan, Work,
    nested::{gather, outer_fold},
    outer::Outer,
    table_of,
};
use crate::{
    Error, Held, Reading, Training, audit,
    card::{self, HoldoutEvidence},
    seed::derive,
};

/// What a look at the people set aside showed. It is worth what the count of looks leaves of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldoutLook {
    /// Which look it is: 1 for the first.
    pub look: usize,
    /// When each look was, the first first, in UTC.
    pub looks: Vec<String>,
    /// Each estimator, fitted on everybody else, in the order of the plan.
    pub estimators: Vec<HoldoutEvidence>,
}
