//! What a screener says of one person.

use std::collections::BTreeMap;

use feature::{FeatureVector, Unit, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{FeatureTable, Task};

use crate::{conformal::Coverage, metric::Interval};

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

/// What a score says. Low and high ask for two things: a likelihood ratio beyond a cut, so that the evidence is worth a word,
/// and a rank among the training people that makes it wrong for no more than the error rate of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Below the lower cut, and impaired people hardly ever score so low: the values are more like those of healthy people.
    Low,
    /// The values say little, or neither class can be ruled out.
    Indeterminate,
    /// At or above the upper cut, and healthy people hardly ever score so high.
    High,
}

impl Band {
    /// The band of a log likelihood ratio with these cuts (of the ratio) whose rank is in band `ranked`. A ratio at the upper
    /// cut is beyond it, one at the lower cut is not.
    pub(crate) fn of(log_ratio: f64, (lower, upper): (f64, f64), ranked: Self) -> Self {
        let ratio = log_ratio.exp();
        match ranked {
            Self::Low if ratio < lower => Self::Low,
            Self::High if ratio >= upper => Self::High,
            _ => Self::Indeterminate,
        }
    }
}

/// How a score ranks among people whom the screener's parts were not fitted on and who did the same tasks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranked {
    /// Share of each class that a band may put on the wrong side.
    pub error_rate: f64,
    /// Share of the healthy people who score at least this, the person counted: at most the error rate rules *healthy* out.
    pub p_healthy: f64,
    /// Share of the impaired people who score at most this, the person counted: at most the error rate rules *impaired* out.
    pub p_impaired: f64,
    /// Healthy people it was ranked among. With few of them nothing can be ruled out.
    pub healthy: usize,
    /// Impaired people it was ranked among.
    pub impaired: usize,
}

/// How far a person's values lie from the training people's, correlations counted (Mahalanobis 1936).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distance {
    /// Root mean square over tasks and features, in standard deviations: about 1 for a training person.
    pub value: f64,
    /// What all but the settings' share of the training people stay within, out of fold; nothing is concluded beyond it. `None`
    /// where none of them did all these tasks.
    pub limit: Option<f64>,
    /// The features that make at least a tenth of it, the farthest first.
    pub farthest: Vec<Farthest>,
}

/// A feature's part of a distance. It may lie within everything that was seen and be strange beside the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Farthest {
    /// Task it was measured at.
    pub task: Task,
    /// Its name.
    pub feature: String,
    /// Share of the squared distance.
    pub share: f64,
}

impl Distance {
    /// Why the score does not count, where the distance is beyond its limit.
    pub(crate) fn doubt(&self, turned_away: f64) -> Option<String> {
        let limit = self.limit.filter(|limit| self.value > *limit)?;
        let names: Vec<String> =
            self.farthest.iter().take(3).map(|it| format!("{} ({})", it.feature, it.task)).collect();
        let among = if names.is_empty() { "many features together".to_owned() } else { names.join(", ") };
        Some(format!(
            "the values are unlike those of the screener's people: distance {:.1}, within which all but {:.0} % of them stay \
             is {limit:.1}; farthest: {among}",
            self.value,
            100.0 * turned_away
        ))
    }
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
    /// The modalities, where these are what the screener joins; empty for an average.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modalities: Vec<String>,
    /// Number of tasks, or of modalities.
    pub size: usize,
    /// People judged.
    pub people: usize,
    /// At the lower cut.
    pub lower: CutPoint,
    /// At the upper cut.
    pub upper: CutPoint,
    /// How often the bands were wrong or undecided, beside the error rate that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Share of people about whom nothing would have been concluded because of their distance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned_away: Option<Interval>,
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
    /// The modalities that were used, where these are what the screener joins: `voice`, `ink`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modalities: Vec<String>,
    /// How much more likely these values are in the study's impaired people than in its healthy ones: posterior odds over
    /// the study's prior odds. 1 says nothing. Its 95 % interval comes from the stored refits.
    pub likelihood_ratio: Interval,
    /// Log-odds at the study's own prevalence. For a probability see [`probability_at`](Self::probability_at).
    pub log_odds: f64,
    /// Share of impaired people in the study.
    pub study_prevalence: f64,
    /// What it says.
    pub band: Band,
    /// How it ranks among the training people.
    pub ranked: Ranked,
    /// How far the values lie from the training people's.
    pub distance: Distance,
    /// How the bands did out of fold for this task, all tasks, or the nearest smaller number of tasks.
    pub operating: Option<Operating>,
    /// Natural logarithm of the likelihood ratio of somebody with every value at the training mean. Baseline and
    /// contributions sum to ln(`likelihood_ratio.value`).
    pub baseline: f64,
    /// What moved it, the largest first.
    pub contributions: Vec<Contribution>,
    /// Values outside the training range.
    pub outside: Vec<Outside>,
    /// Parts the screener knows and could not use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Aside>,
}

/// A task or modality that was measured and is not in a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aside {
    /// Its tasks of which something was measured.
    pub tasks: Vec<Task>,
    /// Why.
    pub reason: String,
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
