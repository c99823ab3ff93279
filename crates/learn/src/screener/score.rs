//! What a screener says of one person.

use std::collections::BTreeMap;

use feature::{FeatureVector, Unit, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{FeatureTable, Task};

use crate::metric::Interval;

/// Values by task and feature: what a screener scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurements {
    values: BTreeMap<Task, BTreeMap<String, Value>>,
}

impl Measurements {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one value, in the unit of the feature's definition; a later value of the same name replaces it.
    pub fn put(&mut self, task: &Task, feature: &str, value: impl Into<Value>) {
        self.values.entry(task.clone()).or_default().insert(feature.to_owned(), value.into());
    }

    /// Adds every value of a vector measured at a task.
    pub fn put_vector(&mut self, task: &Task, vector: &FeatureVector) {
        for feature in vector.features() {
            self.put(task, feature.definition.name, feature.value.clone());
        }
    }

    /// The values of one person of a table. A task of which nothing was measured is left out.
    pub fn of_row(table: &FeatureTable, row: usize) -> Self {
        let mut measurements = Self::new();
        let done: std::collections::HashSet<&Task> = table
            .columns()
            .iter()
            .zip(table.row(row))
            .filter(|(_, cell)| cell.is_some())
            .map(|(it, _)| &it.task)
            .collect();
        for (place, (column, cell)) in table.columns().iter().zip(table.row(row)).enumerate() {
            if done.contains(&column.task) {
                let reason = || table.reason(row, place).cloned().unwrap_or_else(|| "empty cell".into());
                let value = cell
                    .map_or_else(|| Value::Missing(reason()), |number| Value::Measured(f64::from(number)));
                measurements.put(&column.task, &column.feature, value);
            }
        }
        measurements
    }

    /// The tasks of which there are values.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.values.keys()
    }

    /// One value, if it was put.
    pub fn value(&self, task: &Task, feature: &str) -> Option<&Value> {
        self.values.get(task)?.get(feature)
    }
}

/// Where a likelihood ratio falls between the screener's two cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Below the lower cut: the values are more like those of healthy people.
    Low,
    /// Between the cuts: the values say little.
    Indeterminate,
    /// At or above the upper cut: the values are more like those of impaired people.
    High,
}

/// What one feature added to the log likelihood ratio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// Task it was measured at.
    pub task: Task,
    /// Its name.
    pub feature: String,
    /// Its unit.
    pub unit: Unit,
    /// The value; `None` where it was missing and the training median stood in.
    pub value: Option<f64>,
    /// The training people's centre: the value at the mean of the logs.
    pub training_mean: f64,
    /// 5th, 25th, 50th, 75th and 95th percentile of the training people who are healthy, for a reader's orientation; `None`
    /// where none of them has the value.
    pub healthy: Option<[f64; 5]>,
    /// Coefficient · (value − training mean) on the scale of standardised logs: positive speaks for impaired.
    pub amount: f64,
}

/// A value outside what the training people showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outside {
    /// Task it was measured at.
    pub task: Task,
    /// Its name.
    pub feature: String,
    /// Its unit.
    pub unit: Unit,
    /// The value.
    pub value: f64,
    /// Smallest and largest value of the training people.
    pub range: (f64, f64),
}

/// How a band did for people whom the screener was not fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Operating {
    /// The tasks; empty for an average over random sets of `size` tasks.
    pub tasks: Vec<Task>,
    /// Number of tasks.
    pub size: usize,
    /// People judged.
    pub people: usize,
    /// At the lower cut: share of impaired people not in band low, and of healthy people in it.
    pub lower: CutPoint,
    /// At the upper cut: share of impaired people in band high, and of healthy people not in it.
    pub upper: CutPoint,
}

/// Sensitivity and specificity at one cut of the likelihood ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CutPoint {
    /// The cut.
    pub likelihood_ratio: f64,
    /// Share of impaired people at or above it.
    pub sensitivity: Interval,
    /// Share of healthy people below it.
    pub specificity: Interval,
}

/// What the screener's evidence is worth for one person. It exists only whole: with interval, band and origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Name of the screener.
    pub screener: String,
    /// SHA-256 of its artefact.
    pub digest: String,
    /// The form that was used.
    pub form: String,
    /// The tasks that were used.
    pub tasks: Vec<Task>,
    /// How much more likely these values are in the study's impaired people than in its healthy ones: posterior odds over
    /// the study's prior odds. 1 says nothing. Its 95 % interval comes from the stored refits.
    pub likelihood_ratio: Interval,
    /// Log-odds at the study's own prevalence. For a probability see [`probability_at`](Self::probability_at).
    pub log_odds: f64,
    /// Share of impaired people in the study.
    pub study_prevalence: f64,
    /// Where the likelihood ratio falls.
    pub band: Band,
    /// How the bands did out of fold for this task, all tasks, or the nearest smaller number of tasks.
    pub operating: Option<Operating>,
    /// Natural logarithm of the likelihood ratio of somebody with every value at the training mean. Baseline and
    /// contributions sum to ln(`likelihood_ratio.value`).
    pub baseline: f64,
    /// What moved it, the largest first.
    pub contributions: Vec<Contribution>,
    /// Values outside the training range.
    pub outside: Vec<Outside>,
}

impl Score {
    /// The probability of impairment where `prevalence` (between 0 and 1) of the people screened are impaired:
    /// odds · likelihood ratio, as Bayes' theorem says.
    pub fn probability_at(&self, prevalence: f64) -> Interval {
        let probability = |ratio: f64| {
            let odds = ratio * prevalence / (1.0 - prevalence);
            if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 }
        };
        let Interval { value, low, high } = self.likelihood_ratio;
        Interval { value: probability(value), low: probability(low), high: probability(high) }
    }
}

/// What became of a request to score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// A score.
    Scored(Score),
    /// No conclusion should be drawn, for these reasons.
    Inconclusive {
        /// The score, where one could be computed.
        score: Option<Score>,
        /// Why it does not count.
        reasons: Vec<String>,
    },
    /// The screener has nothing to say about these tasks.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The score, if one was computed, conclusive or not.
    pub fn score(&self) -> Option<&Score> {
        match self {
            Self::Scored(score) => Some(score),
            Self::Inconclusive { score, .. } => score.as_ref(),
            Self::NotApplicable { .. } => None,
        }
    }
}
