//! The card: everything that was found about a screener or estimator, and what was not.

mod reading;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Block, Cohort, Diagnosis};

use crate::{
    Error, Estimator, Plan, audit,
    audit::{Baselines, Finding},
    calibrate::Calibrator,
    conformal::Coverage,
    cost::CostTable,
    digest,
    evaluate::{COPIED, CurvePoint, HoldoutLook, LeftOut, Permutation, Splits, Watch},
    metric::predictive_values,
    repeat::{Repeated, repeated},
    screener::FormEvidence,
    subgroup::Subgroup,
};

pub use reading::{Decider, Distribution, Reading, RocPoint};
pub(crate) use reading::{reading, reading_of};
pub(crate) use words::graded_limits;

/// What `evaluate` and `train` write down: `card.json`. Fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Card {
    /// Name of the screener, or of the cohort and estimator that were judged.
    pub name: String,
    /// Program and version that made the card.
    pub software: String,
    /// The estimator of the headline.
    pub estimator: String,
    /// Where the people come from.
    pub cohort: CohortSummary,
    /// SHA-256 of the table as published.
    pub data_hash: String,
    /// SHA-256 of the splits.
    pub split_hash: String,
    /// Folds, repeats, seed, settings.
    pub plan: Plan,
    /// The headline estimator's readings. The headline is `readings.masked.auc`.
    pub readings: Readings,
    /// Which blocks are missing, as the only predictor: what the file gives away without a measurement. `None` where nothing is
    /// missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missingness_only: Option<Reading>,
    /// Every estimator that was judged, the headline's first.
    pub estimators: Vec<Evidence>,
    /// What the headline means where fewer people are impaired.
    pub predictive_values: PredictiveValues,
    /// The headline within groups of people.
    pub subgroups: Vec<Subgroup>,
    /// Each site or device when it was left out whole; `None` where folds were drawn over people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// What the procedure reaches on labels dealt out anew; `None` where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permutation: Option<Permutation>,
    /// AUC by number of people to learn from, fewest first; empty where it was not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning_curve: Vec<CurvePoint>,
    /// The people set aside, looked at with this evaluation; `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HoldoutLook>,
    /// The headline beside columns that should not matter: silence, file, device, duration, demographics. `None` where nobody
    /// fitted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baselines: Option<Baselines>,
    /// How each column repeats in people who came again; empty where too few did. `assess --previous` judges a change by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Repeated>,
    /// What the audit found.
    pub findings: Vec<Finding>,
    /// What the card does not show, in words.
    pub limits: Vec<String>,
    /// The evidence for each form and task of a trained screener; empty for an evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<FormEvidence>,
    /// What running it in fewer bits costs; `None` where it is no network, or nobody measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostTable>,
    /// SHA-256 of the artefact of a trained screener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screener_digest: Option<String>,
}

/// A cohort in numbers and words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CohortSummary {
    /// Short name.
    pub name: String,
    /// Paper or page it comes from.
    pub source: String,
    /// Licence of the data.
    pub licence: String,
    /// What a reader must know.
    pub description: String,
    /// Whether its people are made up.
    pub synthetic: bool,
    /// Number of people.
    pub people: usize,
    /// Labelled healthy.
    pub healthy: usize,
    /// Labelled MCI.
    pub mci: usize,
    /// Labelled dementia.
    pub dementia: usize,
}

/// One estimator on the readings of a cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Name of the family.
    pub name: String,
    /// Each setting of the grid and how many outer folds chose it (reading `masked`).
    pub chosen: Vec<(Estimator, usize)>,
    /// Each kind of calibration and how many outer folds used it (reading `masked`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibrated: Vec<(Calibrator, usize)>,
    /// How often conformal bands were wrong or undecided (reading `masked`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// What it reached.
    pub readings: Readings,
    /// What it reached on the pattern of missing blocks alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missingness_only: Option<Reading>,
}

/// The same estimator on several readings of the same cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Readings {
    /// The file as it is.
    pub as_published: Reading,
    /// Copied blocks missing, and imputed inside the fold. Equal to `as_published` where nothing is copied.
    pub masked: Reading,
    /// Only the people with no copied block. `None` where nothing is copied or too few people are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untouched: Option<Reading>,
}

/// Arithmetic for a place where `prevalence` of the people screened are impaired.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictiveValues {
    /// Share of impaired people there.
    pub prevalence: f64,
    /// The headline's sensitivity.
    pub sensitivity: f64,
    /// The headline's specificity.
    pub specificity: f64,
    /// Share of impaired people among those who screen positive.
    pub positive: f64,
    /// Share of healthy people among those who screen negative.
    pub negative: f64,
}

impl Card {
    /// The card of an evaluation. `groups` are the copied blocks of the table.
    pub(crate) fn new(
        cohort: &Cohort,
        plan: &Plan,
        (estimators, subgroups): (Vec<Evidence>, Vec<Subgroup>),
        splits: &Splits,
        groups: &[Vec<Block<'_>>],
    ) -> Self {
        let headline = &estimators[0];
        let masked = headline.readings.masked.metrics;
        let (sensitivity, specificity) = (masked.sensitivity.value, masked.specificity.value);
        let (positive, negative) = predictive_values(sensitivity, specificity, plan.prevalence);
        let prevalence = plan.prevalence;
        Self {
            name: format!("{} {}", cohort.provenance.name, headline.name),
            software: software(),
            estimator: headline.name.clone(),
            cohort: CohortSummary::of(cohort),
            data_hash: cohort.table.as_ref().map(digest::of_table).unwrap_or_default(),
            split_hash: digest::of_json(&splits.repeats),
            plan: plan.clone(),
            readings: headline.readings.clone(),
            missingness_only: headline.missingness_only.clone(),
            predictive_values: PredictiveValues { prevalence, sensitivity, specificity, positive, negative },
            estimators,
            subgroups,
            left_out: None,
            permutation: None,
            learning_curve: vec![],
            holdout: None,
            baselines: None,
            repeats: repeats(cohort, groups),
            findings: audit::findings_of(cohort, groups, plan.seed),
            limits: words::limits(cohort),
            forms: vec![],
            cost: None,
            screener_digest: None,
        }
    }

    /// Fits the baselines with the plan's first family and puts them, and what they give away, beside the headline.
    pub(crate) fn with_baselines(
        mut self,
        cohort: &Cohort,
        groups: &[Vec<Block<'_>>],
        plan: &Plan,
        watch: Watch<'_>,
    ) -> Result<Self, Error> {
        let whole = self.readings.masked.metrics.auc;
        let (baselines, findings) = audit::baselines_of(cohort, groups, (plan, whole), watch)?;
        self.baselines = Some(baselines);
        self.findings.extend(findings);
        Ok(self)
    }

    /// Reads `card.json`.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|source| Error::Json { place: "card.json", source })
    }

    /// What is written to `card.json`.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self).map_err(|source| Error::Json { place: "card.json", source })
    }

    /// The JSON Schema (2020-12) of `card.json`, from the documentation of its fields.
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        schema["title"] = "Inkling card".into();
        schema
    }

    /// Serious findings that nobody answered.
    pub fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.open())
    }
}

/// How the columns repeat that speak of people; a copied block is no session.
fn repeats(cohort: &Cohort, groups: &[Vec<Block<'_>>]) -> Vec<Repeated> {
    let Some(table) = cohort.table.as_ref().filter(|_| !cohort.later.is_empty()) else { return vec![] };
    let masked = audit::of_people(table).masked(&groups.concat(), &COPIED.into());
    repeated(&masked, &cohort.later)
}

/// Name and version of this program.
pub(crate) fn software() -> String {
    format!("inkling {}", env!("CARGO_PKG_VERSION"))
}

impl CohortSummary {
    /// The summary of a cohort's labelled people.
    pub(crate) fn of(cohort: &Cohort) -> Self {
        let people = cohort.table.as_ref().map_or(&cohort.participants[..], |table| table.participants());
        let count = |label| people.iter().filter(|person| person.label == Some(label)).count();
        let about = cohort.provenance.clone();
        Self {
            name: about.name,
            source: about.source,
            licence: about.licence,
            description: about.description,
            synthetic: about.synthetic,
            people: people.len(),
            healthy: count(Diagnosis::Healthy),
            mci: count(Diagnosis::Mci),
            dementia: count(Diagnosis::Dementia),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use study::Provenance;

    #[test]
    fn a_cohort_is_counted_by_label() {
        let table = Some(synthetic::table(7, 1, 1.0, 1));
        let provenance = Provenance::default();
        let cohort = Cohort { provenance, participants: vec![], table, later: vec![], submissions: vec![] };
        let summary = CohortSummary::of(&cohort);
        assert_eq!((summary.people, summary.healthy, summary.mci, summary.dementia), (7, 4, 0, 3));
    }
}
