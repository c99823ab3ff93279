//! The list of every measure: `ink@1`.

use feature::{FeatureSet, Measure};

use crate::{Analysis, kinematics, timing};

/// Every measure of drawing, in the order of a table's columns.
pub static MEASURES: &[&dyn Measure<Analysis>] = &[
    &timing::Times,
    &timing::Stops,
    &kinematics::SPEED,
    &kinematics::ACCELERATION,
    &kinematics::JERK,
    &kinematics::Strokes,
];

/// The set `ink@1`.
pub fn set() -> FeatureSet<Analysis> {
    FeatureSet::new("ink", 1, MEASURES)
}
