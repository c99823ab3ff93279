//! Fit, calibrate and judge without fooling ourselves.
#![forbid(unsafe_code)]

mod audit;
mod bootstrap;
mod calibrate;
mod card;
mod digest;
mod error;
mod estimator;
mod evaluate;
mod metric;
mod prepare;
mod screener;
mod seed;
mod subgroup;
#[cfg(test)]
mod synthetic;
mod train;
mod training;

pub use audit::copied_blocks;
pub use calibrate::Platt;
pub use card::{
    BlockName, Card, CohortSummary, Decider, Distribution, Evidence, Finding, PredictiveValues, Reading,
    Readings, RocPoint, Severity,
};
pub use error::Error;
pub use estimator::{Estimator, Fitted, MaxFeatures};
pub use evaluate::{Evaluation, Family, OuterFold, Plan, Progress, Splits, Watch, evaluate};
pub use metric::{Bin, Interval, Metrics, auc, predictive_values};
pub use screener::{
    Band, Contribution, CutPoint, FormEvidence, Measurements, Operating, Outcome, Outside, Score, Screener,
    SetEvidence,
};
pub use subgroup::Subgroup;
pub use train::{FormSettings, Settings, Trained, train};
pub use training::{Held, Training};
