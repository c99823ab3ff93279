//! Two cards side by side: their numbers, and whether their difference is more than chance.
//!
//! Intervals of two cards may overlap where the difference is certain, and part where people differ. Only people whom both
//! judged say which screener is better; without them the table stands and nothing is concluded from it.

mod page;
mod text;

use std::path::Path;

use learn::{
    Card, Interval, card::Reading, compare, compare::Comparison, metric::predictive_values, scores::Scores,
};
use serde_json::{Value, json};

use crate::Error;

pub use page::compared_page;
pub use text::compared_text;

/// A card, with the out-of-fold scores beside it where there are any.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The card.
    pub card: Card,
    /// Every person's probabilities.
    pub scores: Option<Scores>,
}

impl Judged {
    /// Reads a folder with `card.json` (and `scores.json`), or a `card.json` itself.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let card = if path.is_dir() { path.join("card.json") } else { path.to_owned() };
        let scores = card.with_file_name("scores.json");
        let read =
            |path: &Path| std::fs::read(path).map_err(|source| Error::Open { path: path.to_owned(), source });
        Ok(Self {
            card: Card::from_json(&read(&card)?)?,
            scores: scores
                .exists()
                .then(|| Ok::<_, Error>(Scores::from_json(&read(&scores)?)?))
                .transpose()?,
        })
    }
}

/// Two cards and what can be said of their difference.
#[derive(Debug, Clone)]
pub struct Compared {
    a: Card,
    b: Card,
    /// The paired comparison, or why there is none.
    paired: Result<Comparison, String>,
    prevalence: f64,
}

impl Compared {
    /// Compares two cards at a prevalence; differences from draws of the people whom both judged (`draws`, `seed`).
    pub fn new(a: Judged, b: Judged, prevalence: f64, (draws, seed): (usize, u64)) -> Self {
        let paired = match (&a.scores, &b.scores) {
            _ if a.card.cohort.name != b.card.cohort.name => Err(format!(
                "different people: not paired ({} and {})",
                a.card.cohort.name, b.card.cohort.name
            )),
            (Some(left), Some(right)) => {
                compare(left, right, (draws, seed)).map_err(|error| format!("not paired: {error}"))
            }
            (left, _) => {
                let name = if left.is_none() { &a.card.name } else { &b.card.name };
                Err(format!("not paired: no scores.json beside the card of {name}"))
            }
        };
        Self { a: a.card, b: b.card, paired, prevalence }
    }

    /// Every number for programs. Fields are added, never renamed.
    pub fn json(&self) -> Value {
        json!({
            "a": self.a.name,
            "b": self.b.name,
            "same_table": self.same_table(),
            "same_splits": self.a.split_hash == self.b.split_hash,
            "prevalence": self.prevalence,
            "rows": self.rows().iter().map(|row| json!({
                "name": row.name, "a": row.a, "b": row.b, "difference": row.difference, "beyond_chance": row.beyond_chance(),
            })).collect::<Vec<_>>(),
            "paired": self.paired.as_ref().ok(),
            "not_paired": self.paired.as_ref().err(),
        })
    }

    /// Whether both cards are of the same file.
    fn same_table(&self) -> bool {
        self.a.data_hash == self.b.data_hash
    }

    /// What may be concluded, in one sentence.
    fn verdict(&self) -> String {
        let found = match &self.paired {
            Err(reason) => {
                return format!(
                    "Which is better cannot be said: {reason}. Two intervals side by side do not decide it."
                );
            }
            Ok(found) => found,
        };
        let Interval { value, low, high } = found.difference.auc;
        let people =
            format!("on the {} people whom both judged, {} of them impaired", found.people, found.impaired);
        let difference = signed(Some(found.difference.auc));
        let numbers = format!("difference of AUC {}, p = {:.3}", difference, found.p);
        let luck = if found.same_splits { "" } else { " The splits differ, so part of it is their luck." };
        if low > 0.0 || high < 0.0 {
            let better = if value > 0.0 { &self.a.name } else { &self.b.name };
            format!("{better} orders people better, {people}: {numbers}.{luck}")
        } else {
            format!("No difference beyond chance, {people}: {numbers}.{luck}")
        }
    }

    fn rows(&self) -> Vec<Row> {
        let (a, b) = (&self.a.readings.masked, &self.b.readings.masked);
        let mut rows: Vec<Row> = METRICS
            .iter()
            .map(|(name, of)| Row {
                name,
                a: Some(of(&a.metrics)),
                b: Some(of(&b.metrics)),
                difference: self.paired.as_ref().ok().map(|it| of(&it.difference)),
            })
            .collect();
        let reading = |name, of: fn(&Card) -> Option<&Reading>| Row {
            name,
            a: of(&self.a).map(|it| it.metrics.auc),
            b: of(&self.b).map(|it| it.metrics.auc),
            difference: None,
        };
        rows.push(reading("AUC as published", |it| Some(&it.readings.as_published)));
        rows.push(reading("AUC, untouched people", |it| it.readings.untouched.as_ref()));
        rows.push(reading("AUC, missingness only", |it| it.missingness_only.as_ref()));
        rows.retain(|it| it.a.is_some() || it.b.is_some());
        rows
    }

    /// Of those flagged the share impaired, of the others the share healthy, at the prevalence, for each card.
    fn predictive(&self) -> [(f64, f64); 2] {
        [&self.a, &self.b].map(|it| {
            let m = &it.readings.masked.metrics;
            predictive_values(m.sensitivity.value, m.specificity.value, self.prevalence)
        })
    }
}

/// One number of both cards, and the difference first minus second where it is paired.
struct Row {
    name: &'static str,
    a: Option<Interval>,
    b: Option<Interval>,
    difference: Option<Interval>,
}

impl Row {
    /// Whether the interval of the difference leaves out 0; `None` where there is none.
    fn beyond_chance(&self) -> Option<bool> {
        self.difference.map(|it| it.low > 0.0 || it.high < 0.0)
    }

    fn conclusion(&self) -> &'static str {
        match self.beyond_chance() {
            Some(true) => "beyond chance",
            Some(false) => "within chance",
            None => "",
        }
    }
}

type Metric = (&'static str, fn(&learn::metric::Metrics<Interval>) -> Interval);

/// The metrics of the table, for which a difference has a meaning.
const METRICS: [Metric; 10] = [
    ("AUC", |it| it.auc),
    ("average precision", |it| it.average_precision),
    ("sensitivity", |it| it.sensitivity),
    ("specificity", |it| it.specificity),
    ("sensitivity at specificity .80", |it| it.sensitivity_at_specificity_80),
    ("sensitivity at specificity .90", |it| it.sensitivity_at_specificity_90),
    ("specificity at sensitivity .90", |it| it.specificity_at_sensitivity_90),
    ("balanced accuracy", |it| it.balanced_accuracy),
    ("calibration slope", |it| it.calibration_slope),
    ("Brier score", |it| it.brier),
];

/// `0.963 (0.932–0.982)`, or a dash.
fn three(interval: Option<Interval>) -> String {
    interval.map_or("–".to_owned(), |it| format!("{:.3} ({:.3}–{:.3})", it.value, it.low, it.high))
}

/// `+0.016 (−0.004 to +0.031)`, or a dash.
fn signed(interval: Option<Interval>) -> String {
    let words = interval
        .map_or("–".to_owned(), |it| format!("{:+.3} ({:+.3} to {:+.3})", it.value, it.low, it.high));
    words.replace('-', "−")
}
