//! Judging estimators on a cohort: nested cross-validation of every reading, written down as a card.
//!
//! Each outer fold does on its training people all that a user would do with a whole cohort: inner folds choose the
//! settings and calibrate, a refit on everybody follows, and only then are the held people looked at. Doing the choice once,
//! outside, makes small cohorts look better than they are (Varma & Simon 2006, "Bias in error estimation when using
//! cross-validation for model selection").
//!
//! The same is done for several *readings* of a cohort, because one number hides where it comes from. Where a file gives
//! its labels away — blocks copied between people of one class, tasks missing more often in one class — the readings differ,
//! and the card prints them side by side.

mod curve;
mod family;
mod graded;
mod holdout;
mod left_out;
mod nested;
mod outer;
mod permutation;
mod splits;
mod stage;
mod work;

use std::borrow::Cow;

use feature::{Unit, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Block, Cohort, Column, FeatureTable};

use crate::{
    Card, Error, Estimator, Training, audit,
    calibrate::Calibrator,
    card::{self, Evidence, Reading, Readings},
    conformal::Coverage,
    scores::Scores,
    seed::derive,
};
pub(crate) use left_out::mean_auc;
pub(crate) use nested::{Nested, nested};
pub(crate) use outer::{Outer, outer};
pub(crate) use splits::inner_seed;
pub(crate) use stage::Stage;

pub use curve::CurvePoint;
pub use graded::{
    ClassEvidence, Graded, GradedEvidence, GradedGroup, GradedHoldout, GradedLook, GradedMetrics,
    GradedPoint, SaidPoints, Target, count_graded_look, evaluate_graded, evaluate_graded_resuming,
    look_graded,
};
pub use holdout::{HoldoutEvidence, HoldoutLook, count_look, look};
pub use left_out::{LeftOut, LeftOutGroup};
pub use outer::By;
pub use permutation::Permutation;
pub use splits::{OuterFold, Splits};
pub use work::Work;

/// An estimator with the settings its inner search chooses among.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Family {
    /// Name on the card: `logistic`, `extra-trees`; [`names`](Self::names) lists them.
    pub name: String,
    /// The settings, the simplest first.
    pub grid: Vec<Estimator>,
}

/// How a cohort is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Outer folds: each person is judged once a repeat.
    pub outer: usize,
    /// Times the outer folds are drawn anew.
    pub repeats: usize,
    /// Inner folds, which choose settings and calibrate.
    pub inner: usize,
    /// Draws of people for intervals.
    pub draws: usize,
    /// Seed of everything.
    pub seed: u64,
    /// Share of impaired people where the screener would be used; predictive values and the decision curve are for it.
    pub prevalence: f64,
    /// The estimators; the first gives the headline.
    pub families: Vec<Family>,
    /// Leaves out whole sites or devices in turn instead of drawing folds; `outer` and `repeats` are then not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// How scores become probabilities.
    #[serde(default)]
    pub calibration: Calibrator,
    /// Share of each class that the bands may put on the wrong side.
    #[serde(default = "error_rate")]
    pub error_rate: f64,
    /// Permutations of the labels through the whole procedure; 0 for no test.
    #[serde(default)]
    pub permutations: usize,
    /// Shares of the training people at which the learning curve has points; empty for no curve.
    #[serde(default)]
    pub curve: Vec<f64>,
}

/// One in ten of each class: for a screening aid that is followed by an examination, a choice of the project.
fn error_rate() -> f64 {
    0.1
}

impl Default for Plan {
    /// 10 × 5 × 4 folds, 2,000 draws, dementia at 9.25 % (Korea, 65 and older), and every family; neither permutations nor a
    /// learning curve.
    fn default() -> Self {
        Self {
            outer: 5,
            repeats: 10,
            inner: 4,
            draws: 2000,
            seed: 1,
            prevalence: 0.0925,
            families: vec![Family::profile_trees(), Family::extra_trees(), Family::logistic()],
            by: None,
            calibration: Calibrator::Platt,
            error_rate: error_rate(),
            permutations: 0,
            curve: vec![],
        }
    }
}

impl Plan {
    /// The plan of an audit: logistic regression alone, five repeats.
    pub fn audit() -> Self {
        Self { repeats: 5, families: vec![Family::logistic()], ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let bad = |what, expected, got: &dyn ToString| {
            Err(Error::BadSetting { what, expected, got: got.to_string() })
        };
        match self {
            Self { outer: 0 | 1, .. } => bad("outer", "at least two folds", &self.outer),
            Self { inner: 0 | 1, .. } => bad("inner", "at least two folds", &self.inner),
            Self { repeats: 0, .. } => bad("repeats", "at least one", &0),
            _ if !(self.prevalence > 0.0 && self.prevalence < 1.0) => {
                bad("prevalence", "a share between 0 and 1", &self.prevalence)
            }
            _ if !(self.error_rate > 0.0 && self.error_rate < 0.5) => {
                bad("error rate", "a share between 0 and .5", &self.error_rate)
            }
            _ if self.curve.iter().any(|it| !(*it > 0.0 && *it <= 1.0)) => {
                bad("curve", "shares above 0, at most 1", &format!("{:?}", self.curve))
            }
            _ if self.families.is_empty() || self.families.iter().any(|it| it.grid.is_empty()) => {
                bad("families", "at least one estimator, each with settings", &"none")
            }
            _ => Ok(()),
        }
    }
}

/// How far a long computation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: `as published`, `masked`, `refits`.
    pub stage: &'static str,
    /// Steps done in this stage.
    pub done: usize,
    /// Steps of this stage.
    pub of: usize,
}

/// Called from several threads while something long is computed.
pub type Watch<'a> = &'a (dyn Fn(Progress) + Sync);

/// A card and the splits it was made on.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// What was found.
    pub card: Card,
    /// Splits of the readings over everybody (the untouched people have their own).
    pub splits: Splits,
    /// Out-of-fold probabilities of the reading `masked`, for comparisons.
    pub scores: Scores,
}

/// Judges the plan's estimators on a cohort.
///
/// Readings: the file as published; with copied blocks masked, and imputed inside the fold (the headline); which blocks are
/// missing or copied as the only predictor; and the people with no copied block alone. All but the last use the same
/// splits. Threads change nothing, and a seed reproduces every number to the bit.
pub fn evaluate(cohort: &Cohort, plan: &Plan, watch: Watch<'_>) -> Result<Evaluation, Error> {
    evaluate_resuming(cohort, plan, &Work::none(), watch)
}

/// The same, taking up finished pieces of `work` and keeping there what is finished: a run that is killed goes on where it
/// was, to the same card.
pub fn evaluate_resuming(
    cohort: &Cohort,
    plan: &Plan,
    work: &Work,
    watch: Watch<'_>,
) -> Result<Evaluation, Error> {
    plan.check()?;
    let whole = &*table_of(cohort)?;
    let known = plan.by.map(|by| by.known(whole)).transpose()?;
    let table = known.as_ref().unwrap_or(whole);
    let everybody = Training::new(table)?;
    everybody.both_classes("cohort")?;
    let splits = Splits::draw(&everybody, plan)?;
    let groups = audit::copied_blocks(table);
    let copied: Vec<Block<'_>> = groups.concat();
    let masked = &*audit::masked(table, &copied);

    let stage = |name| Stage::new(name, work, watch);
    let judge = |table: &FeatureTable, name| nested(&Training::new(table)?, plan, &stage(name));
    let as_published = judge(table, "as published")?;
    let on_masked = if copied.is_empty() { as_published.clone() } else { judge(masked, "masked")? };
    let missing = missingness(masked)?.map(|table| judge(&table, "missingness only")).transpose()?;
    let untouched = without(table, &copied, plan).map(|table| judge(&table, "untouched")).transpose()?;
    let permutation = permutation::permutation(&Training::new(masked)?, plan, &stage("permutations"))?;
    let curve = curve::learning_curve(&Training::new(masked)?, plan, &stage("learning curve"))?;

    let evidence = |family: usize| {
        let reading = |nested: &Vec<Nested>| card::reading(&nested[family], plan);
        let published = reading(&as_published);
        let readings = Readings {
            masked: if copied.is_empty() { published.clone() } else { reading(&on_masked) },
            as_published: published,
            untouched: untouched.as_ref().map(reading),
        };
        let Family { name, grid } = &plan.families[family];
        let nested = &on_masked[family];
        Evidence {
            name: name.clone(),
            chosen: grid.iter().cloned().zip(nested.chosen.iter().copied()).collect(),
            calibrated: counted(&nested.calibrated),
            coverage: Some(coverage(nested, plan)),
            readings,
            missingness_only: missing.as_ref().map(reading),
        }
    };
    let estimators: Vec<Evidence> = (0..plan.families.len()).map(evidence).collect();
    let subgroups = crate::subgroup::subgroups(table, &on_masked[0].repeats, plan);
    // The card speaks of the whole cohort, whose rows are others where people of no known group were left out.
    let of_cohort = known.is_some().then(|| audit::copied_blocks(whole));
    let of_cohort = of_cohort.as_ref().unwrap_or(&groups);
    let mut card = Card::new(cohort, plan, (estimators, subgroups), &splits, of_cohort)
        .with_baselines(cohort, of_cohort, plan, watch)?;
    card.left_out = left_out::left_out(table, &on_masked[0], plan, whole.len() - table.len());
    (card.permutation, card.learning_curve) = (permutation, curve);
    let named =
        plan.families.iter().zip(&on_masked).map(|(it, nested)| (it.name.clone(), &nested.repeats[..]));
    let scores = Scores::of((&card.name, &card.split_hash), (&cohort.provenance.name, table), named);
    Ok(Evaluation { card, splits, scores })
}

/// How the conformal bands of a family did.
fn coverage(nested: &Nested, plan: &Plan) -> Coverage {
    let labels = &nested.repeats[0].labels;
    Coverage::of(&nested.bands, labels, plan.error_rate, (plan.draws, derive(plan.seed, &[COVERAGE])))
}

const COVERAGE: u64 = 0xc2;

/// Each kind of calibration and how many outer folds used it.
fn counted(calibrated: &[Calibrator]) -> Vec<(Calibrator, usize)> {
    let count = |kind| (kind, calibrated.iter().filter(|it| **it == kind).count());
    let kinds = [Calibrator::Platt, Calibrator::Beta, Calibrator::Isotonic];
    kinds.map(count).into_iter().filter(|it| it.1 > 0).collect()
}

/// Why a copied block is missing.
pub(crate) const COPIED: &str = "copy of another person's block";

/// The numbers of a cohort that speak of its people (not of rooms, files and devices), or an error that says there are none.
pub(crate) fn table_of(cohort: &Cohort) -> Result<Cow<'_, FeatureTable>, Error> {
    let table =
        cohort.table.as_ref().ok_or_else(|| Error::NoTable { name: cohort.provenance.name.clone() })?;
    Ok(audit::of_people(table))
}

/// The reading of one family on a table, without progress.
pub(crate) fn nested_reading(table: &FeatureTable, plan: &Plan, family: Family) -> Result<Reading, Error> {
    let plan = Plan { families: vec![family], ..plan.clone() };
    Ok(card::reading(&nested(&Training::new(table)?, &plan, &Stage::silent())?[0], &plan))
}

/// Which tasks of whom are missing, as numbers 0 and 1; `None` where nothing is.
pub(crate) fn missingness(table: &FeatureTable) -> Result<Option<FeatureTable>, Error> {
    let tasks = table.tasks();
    let columns: Vec<Vec<usize>> = tasks.iter().map(|task| table.columns_of(task)).collect();
    let missing = |row: usize, columns: &Vec<usize>| columns.iter().all(|&it| table.value(row, it).is_none());
    let header = tasks.iter().map(|&task| Column::new(task.clone(), "learn.block.missing", Unit::One));
    let mut mask = FeatureTable::new(header.collect())?;
    let mut any = false;
    for (row, person) in table.participants().iter().enumerate() {
        let cells: Vec<bool> = columns.iter().map(|columns| missing(row, columns)).collect();
        any |= cells.contains(&true);
        mask.push(person.clone(), cells.iter().map(|&cell| Value::Measured(f64::from(u8::from(cell)))))?;
    }
    Ok(any.then_some(mask))
}

/// The people with no copied block; `None` where nothing is copied, or too few people of a class are left to judge or to leave
/// out by the plan.
pub(crate) fn without(table: &FeatureTable, copied: &[Block<'_>], plan: &Plan) -> Option<FeatureTable> {
    let rows: Vec<usize> =
        (0..table.len()).filter(|&row| copied.iter().all(|block| block.row != row)).collect();
    let part = table.of_people(&rows);
    let people = Training::new(&part).ok()?;
    let (healthy, impaired) = people.0.classes();
    let enough = !copied.is_empty() && healthy.min(impaired) >= FEWEST;
    // Whole groups may have gone with the people.
    (enough && (plan.by.is_none() || Splits::draw(&people, plan).is_ok())).then_some(part)
}

/// Fewest people of a class for whom a reading of its own is worth a number.
const FEWEST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use study::Task;

    #[test]
    fn copies_are_named_rightly_where_people_of_no_known_site_were_left_out() {
        let plain = synthetic::blocks(60, (2, 4), 1.0, 1);
        let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
        for row in 0..60 {
            let site = (row > 0).then(|| ["a", "b"][row / 2 % 2].to_owned());
            let cells = plain.row(row).enumerate().map(|(it, cell)| match (row, it) {
                (12, 0..4) => plain.value(10, it),
                _ => cell,
            });
            table
                .push_cells(study::Participant { site, ..plain.participants()[row].clone() }, cells)
                .unwrap();
        }
        let cohort = Cohort {
            provenance: study::Provenance::default(),
            participants: vec![],
            table: Some(table),
            later: vec![],
            submissions: vec![],
        };
        let plan = Plan {
            by: Some(By::Site),
            families: vec![Family { name: "logistic".into(), grid: vec![Estimator::Logistic { c: 0.1 }] }],
            draws: 50,
            permutations: 0,
            curve: vec![],
            ..Plan::default()
        };
        let card = evaluate(&cohort, &plan, &|_| ()).unwrap().card;
        let finding = card.findings.iter().find(|it| it.kind == "copied_blocks").unwrap();
        let mut named: Vec<&str> = finding.blocks.iter().map(|it| it.participant.as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, ["p10", "p12"]);
    }

    fn with_missing() -> (FeatureTable, FeatureTable) {
        let plain = synthetic::blocks(50, (2, 2), 1.0, 1);
        let task = Task::new("task-1").unwrap();
        let masked =
            plain.masked(&[Block { row: 3, task: &task }, Block { row: 8, task: &task }], &COPIED.into());
        (plain, masked)
    }

    #[test]
    fn missingness_is_one_column_a_task_and_none_where_all_is_there() {
        let (plain, masked) = with_missing();
        assert!(missingness(&plain).unwrap().is_none());
        let mask = missingness(&masked).unwrap().unwrap();
        let ones: Vec<(usize, usize)> = (0..50)
            .flat_map(|row| (0..2).map(move |it| (row, it)))
            .filter(|&(row, it)| mask.value(row, it) == Some(1.0))
            .collect();
        assert_eq!((mask.columns().len(), ones), (2, vec![(3, 1), (8, 1)]));
    }

    #[test]
    fn untouched_people_are_those_without_a_copied_block() {
        let (plain, _) = with_missing();
        let task = Task::new("task-1").unwrap();
        let copied = [Block { row: 3, task: &task }, Block { row: 8, task: &task }];
        let part = without(&plain, &copied, &Plan::default()).unwrap();
        assert_eq!((part.len(), part.participants()[3].id.reveal()), (48, "p4"));
        assert!(without(&plain, &[], &Plan::default()).is_none(), "nothing was copied");
        let many: Vec<_> = (0..20).map(|row| Block { row, task: &task }).collect();
        assert!(without(&plain, &many, &Plan::default()).is_none(), "too few people are left");
    }

    #[test]
    fn plans_without_sense_are_refused() {
        let bad = [
            Plan { outer: 1, ..Plan::default() },
            Plan { inner: 0, ..Plan::default() },
            Plan { repeats: 0, ..Plan::default() },
            Plan { prevalence: f64::NAN, ..Plan::default() },
            Plan { families: vec![], ..Plan::default() },
            Plan { error_rate: 0.5, ..Plan::default() },
            Plan { curve: vec![0.5, 1.5], ..Plan::default() },
            Plan { families: vec![Family { name: "empty".to_owned(), grid: vec![] }], ..Plan::default() },
        ];
        assert!(bad.iter().all(|plan| matches!(plan.check(), Err(Error::BadSetting { .. }))));
        assert!(Plan::default().check().is_ok());
    }
}
