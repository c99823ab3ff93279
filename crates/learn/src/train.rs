//! Making a screener from a cohort, with the evidence for it.
//!
//! The order matters: first the audit takes out what carries the label, then the whole way of fitting is judged on people it
//! did not see, and last it is run once more on everybody. What is shipped was therefore never judged itself; what was judged
//! is how it was made, on four fifths of the people, which is slightly pessimistic.
//!
//! Nothing here knows a cohort by name. Features are chosen by the caller, and a form that travels to other devices is a list
//! of features like any other.

use serde::{Deserialize, Serialize};
use study::{Block, Cohort, Column, FeatureTable};

use crate::{
    Card, Error, Plan, Screener, Training, audit,
    bootstrap::spread,
    card::{Evidence, Reading, Readings, reading_of},
    estimator::Parts,
    evaluate::{COPIED, Family, Splits, Watch, missingness, nested_reading, table_of, without},
    scores::Scores,
    screener::{Honest, Joining, honest},
    seed::derive,
};

/// One form of a screener: the features it uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormSettings {
    /// Name: `all`, `portable`.
    pub name: String,
    /// The features; empty means every feature of the table.
    pub features: Vec<String>,
}

/// How a screener is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `name@version`.
    pub name: String,
    /// Name of the cohort.
    pub cohort: String,
    /// The forms; the first heads the card.
    pub forms: Vec<FormSettings>,
    /// What is fitted by itself.
    #[serde(default = "tasks")]
    pub parts: Parts,
    /// How the parts of a person are joined.
    #[serde(default)]
    pub joining: Joining,
    /// Inner folds that calibrate the tasks and join them.
    pub inner: usize,
    /// Refits on people drawn with replacement, for the interval of a score.
    pub refits: usize,
    /// Likelihood ratios that part low, indeterminate and high.
    pub cuts: (f64, f64),
    /// Share of people like the training people about whom nothing is concluded because they look unlike them: what it costs
    /// to turn away whoever the screener was not made for.
    pub turned_away: f64,
    /// Seed of the fit.
    pub seed: u64,
    /// How the screener is judged (its families are not used).
    pub plan: Plan,
}

fn tasks() -> Parts {
    Parts::Task
}

impl Settings {
    /// A screener of one form, `all`, with every feature of the table.
    ///
    /// Cuts of 0.5 and 2 halve or double the odds: less is a "minimal" change in the reading of Jaeschke, Guyatt & Sackett
    /// 1994. 200 refits and one in a hundred turned away are choices of the project. The error rate of the bands is the plan's.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cohort: String::new(),
            forms: vec![FormSettings { name: "all".to_owned(), features: vec![] }],
            parts: Parts::Task,
            joining: Joining::Correlation,
            inner: 4,
            refits: 200,
            cuts: (0.5, 2.0),
            turned_away: 0.01,
            seed: 1,
            plan: Plan::default(),
        }
    }

    /// The same with one more form of these features.
    pub fn with_form(mut self, name: &str, features: impl IntoIterator<Item = String>) -> Self {
        self.forms.push(FormSettings { name: name.to_owned(), features: features.into_iter().collect() });
        self
    }

    /// The settings for a table: `all`, and `portable` with the features of columns that `portable` says mean the same on
    /// any device, where these are some but not all.
    pub fn for_table(name: &str, table: &FeatureTable, portable: impl Fn(&Column) -> bool) -> Self {
        let mut features: Vec<String> = Vec::new();
        for column in table.columns().iter().filter(|column| portable(column)) {
            if !features.contains(&column.feature) {
                features.push(column.feature.clone());
            }
        }
        let some = !features.is_empty() && table.columns().iter().any(|it| !features.contains(&it.feature));
        let settings = Self::new(name);
        if some { settings.with_form("portable", features) } else { settings }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let bad = |what, expected, got: String| Err(Error::BadSetting { what, expected, got });
        self.plan.check()?;
        match self {
            Self { inner: 0 | 1, .. } => bad("inner", "at least two folds", self.inner.to_string()),
            Self { plan: Plan { by: Some(by), .. }, .. } => bad(
                "by",
                "no groups: a screener is fitted on all of them; evaluate leaves them out",
                by.word().to_owned(),
            ),
            Self { refits: 0, .. } => bad("refits", "at least one", "0".to_owned()),
            Self { cuts: (low, high), .. } if !(*low > 0.0 && low < high && high.is_finite()) => {
                bad("cuts", "two likelihood ratios above 0 in order", format!("{low} and {high}"))
            }
            Self { turned_away, .. } if !(*turned_away > 0.0 && *turned_away < 0.5) => {
                bad("turned away", "a share between 0 and .5", turned_away.to_string())
            }
            Self { forms, .. } if forms.is_empty() => bad("forms", "at least one", "none".to_owned()),
            _ if !named_and_versioned(&self.name) => {
                bad("name", "name@version, for example handwriting-darwin@1", self.name.clone())
            }
            _ => Ok(()),
        }
    }
}

fn named_and_versioned(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let parts = name.split_once('@');
    parts.is_some_and(|(name, version)| {
        !name.is_empty() && name.chars().all(plain) && version.parse::<u32>().is_ok()
    })
}

/// A screener, its card, and the splits the card's numbers were made on.
#[derive(Debug, Clone)]
pub struct Trained {
    /// What scores people.
    pub screener: Screener,
    /// The evidence for it.
    pub card: Card,
    /// Splits of the evidence.
    pub splits: Splits,
    /// Out-of-fold probabilities of the first form with all tasks, for comparisons.
    pub scores: Scores,
}

/// Makes a screener from a cohort: copied blocks become missing, every form is judged by nested cross-validation — each part
/// alone, sets of parts and all parts — and then fitted on everybody. The card's readings are those of the first form
/// with all tasks.
pub fn train(cohort: &Cohort, settings: &Settings, watch: Watch<'_>) -> Result<Trained, Error> {
    let settings = &Settings { cohort: cohort.provenance.name.clone(), ..settings.clone() };
    settings.check()?;
    let table = &*table_of(cohort)?;
    let groups = audit::copied_blocks(table);
    let copied: Vec<Block<'_>> = groups.concat();
    let masked = table.masked(&copied, &COPIED.into());
    let everybody = Training::new(&masked)?;
    everybody.both_classes("cohort")?;
    let splits = Splits::draw(&everybody, &settings.plan)?;

    let stage = |it: usize| if it == 0 { "first form" } else { "other form" };
    let judged = settings
        .forms
        .iter()
        .enumerate()
        .map(|(it, form)| honest(&everybody, form, settings, (stage(it), watch)));
    let judged: Vec<Honest> = judged.collect::<Result<_, Error>>()?;
    let forms = judged.iter().zip(&settings.forms).map(|(it, form)| it.evidence(form, settings));
    let forms: Vec<_> = forms.collect();

    let screener = Screener::fit(&everybody, settings, watch)?.with_evidence(&forms);
    let masked_reading = whole_reading(&judged[0], settings);
    let other = |table: &FeatureTable, stage| {
        let judged = honest(&Training::new(table)?, &settings.forms[0], settings, (stage, watch))?;
        Ok::<_, Error>(whole_reading(&judged, settings))
    };
    let as_published = if copied.is_empty() { masked_reading.clone() } else { other(table, "as published")? };
    let untouched =
        without(table, &copied, &settings.plan).map(|part| other(&part, "untouched")).transpose()?;
    let missingness_only = match missingness(&masked)? {
        Some(mask) => Some(nested_reading(&mask, &settings.plan, Family::logistic())?),
        None => None,
    };
    let readings = Readings { as_published, masked: masked_reading, untouched };
    let evidence = Evidence {
        name: settings.estimator().to_owned(),
        chosen: vec![],
        calibrated: vec![],
        coverage: forms[0].sets.last().and_then(|it| it.operating.coverage),
        readings,
        missingness_only,
    };
    let subgroups = crate::subgroup::subgroups(table, &judged[0].whole().repeats, &settings.plan);
    let simple = Plan { families: vec![Family::logistic()], ..settings.plan.clone() };
    let mut card = Card::new(cohort, &settings.plan, (vec![evidence], subgroups), &splits, &groups)
        .with_baselines(cohort, &groups, &simple, watch)?;
    card.name.clone_from(&settings.name);
    card.forms = forms;
    card.screener_digest = Some(screener.digest());
    card.plan.families.clear();
    let whole = judged[0].whole();
    let named = std::iter::once((settings.estimator().to_owned(), &whole.repeats[..]));
    let scores = Scores::of((&card.name, &card.split_hash), (&cohort.provenance.name, table), named);
    Ok(Trained { screener, card, splits, scores })
}

impl Settings {
    /// What a screener is made of, as its card names it.
    fn estimator(&self) -> &'static str {
        match (self.parts, self.joining) {
            (Parts::Task, Joining::Correlation) => "fused logistic regressions",
            (Parts::Modality, Joining::Correlation) => {
                "logistic regressions of modalities, fused by one correlation"
            }
            (Parts::Task, Joining::Lines) => "logistic regressions of tasks, fused by lines",
            (Parts::Modality, Joining::Lines) => "logistic regressions of modalities, fused by lines",
        }
    }
}

fn whole_reading(judged: &Honest, settings: &Settings) -> Reading {
    let whole = judged.whole();
    let found = spread(&whole.repeats, &[], (settings.plan.draws, derive(settings.seed, &[SEED])))
        .expect("the folds were stratified, so both classes are there");
    reading_of(&whole.repeats, &whole.fold_aucs, found, settings.plan.prevalence)
}

const SEED: u64 = 0xb1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_sense_are_refused() {
        let good = || Settings::new("demo@1");
        let bad = [
            Settings::new("demo"),
            Settings::new("Demo@1"),
            Settings::new("@1"),
            Settings { inner: 1, ..good() },
            Settings { refits: 0, ..good() },
            Settings { cuts: (2.0, 0.5), ..good() },
            Settings { cuts: (0.0, 2.0), ..good() },
            Settings { forms: vec![], ..good() },
            Settings { turned_away: 0.0, ..good() },
        ];
        assert!(bad.iter().all(|it| matches!(it.check(), Err(Error::BadSetting { .. }))));
        assert!(good().check().is_ok());
    }
}
