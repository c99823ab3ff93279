//! Judging estimators on three classes or on points: the same nested recursion as for two classes.
//!
//! Inner folds choose the setting (by the mean over classes of the one-against-others AUC, or by the mean absolute error), a
//! refit on all training people follows, and the held people are judged by it. Nothing is calibrated: probabilities of three
//! classes are taken as they are, and a person's class is the likeliest one. Copied blocks are masked, as in the headline of a
//! card. Beside each result stands what would be reached without a single measurement: every person given the training
//! people's largest class and class shares, or their mean points.

mod chance;
mod judged;
mod look;

use std::borrow::Cow;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Block, Cohort, FeatureTable};

use super::{
    By, COPIED, Family, Permutation, Plan, Stage, Watch, Work,
    outer::{Outer, outer},
    splits::inner_seed,
    table_of,
};
use crate::{
    Error, Estimator, Training, audit,
    audit::Finding,
    bootstrap::{drawn, percentiles},
    card,
    card::{CohortSummary, RocPoint},
    label::{CLASSES, Points},
    metric::{ClassMetrics, Interval, OneClass, PointsMetrics},
    seed::derive,
    subgroup::{GREYED_BELOW, groups},
};
pub use chance::GradedPoint;
use judged::Judged;
pub use look::{GradedHoldout, GradedLook, count_graded_look, look_graded};

/// What is asked of people beside whether they are impaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Healthy, MCI or dementia.
    Classes,
    /// Points of the Mini-Mental State Examination.
    Mmse,
    /// Points of the Montreal Cognitive Assessment.
    Moca,
}

impl Target {
    /// In words: `healthy, MCI or dementia`, `MMSE`, `MoCA`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Classes => "healthy, MCI or dementia",
            Self::Mmse => "MMSE",
            Self::Moca => "MoCA",
        }
    }

    /// What permutations and learning curves are drawn of: `macro AUC`, `mean absolute error`.
    pub fn headline(self) -> &'static str {
        match self {
            Self::Classes => "macro AUC",
            Self::Mmse | Self::Moca => "mean absolute error",
        }
    }
}

/// How well estimators tell three classes or points: `graded.json`. Fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Graded {
    /// Name of the cohort.
    pub cohort: String,
    /// Where the people come from.
    pub about: CohortSummary,
    /// Name and version of the program.
    pub software: String,
    /// What was asked.
    pub target: Target,
    /// People judged.
    pub people: usize,
    /// People of the table left out, because what was asked of them, or the group they would be left out with, is not known.
    pub left_out: usize,
    /// One entry an estimator, in the plan's order.
    pub estimators: Vec<GradedEvidence>,
    /// Whether labels that were dealt out anew are told as well; `None` where the plan asked for no permutations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permutation: Option<Permutation>,
    /// What more people bring; empty where the plan asked for no curve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning_curve: Vec<GradedPoint>,
    /// A look at the people set aside, where one was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<GradedLook>,
    /// What the audit found.
    pub findings: Vec<Finding>,
    /// What the card does not show, in words.
    pub limits: Vec<String>,
    /// SHA-256 of the table as published.
    pub data_hash: String,
    /// The plan.
    pub plan: Plan,
}

impl Graded {
    /// Serious findings that nobody answered.
    pub fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.open())
    }

    /// Reads `graded.json`.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|source| Error::Json { place: "graded.json", source })
    }

    /// What is written to `graded.json`.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self).map_err(|source| Error::Json { place: "graded.json", source })
    }

    /// The JSON Schema (2020-12) of `graded.json`, from the documentation of its fields.
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        schema["title"] = "Inkling graded card".into();
        schema
    }
}

/// What one estimator family reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradedEvidence {
    /// Name of the family.
    pub name: String,
    /// The settings with how often the inner search chose each.
    pub chosen: Vec<(Estimator, usize)>,
    /// Metrics with 95 % intervals over people.
    pub metrics: GradedMetrics,
    /// The same of what needs no measurement.
    pub without_measurement: GradedMetrics,
    /// Said and true points of everybody in the first repeat, by rising true points and without names; empty for classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<SaidPoints>,
    /// The same judgement within groups of people.
    pub groups: Vec<GradedGroup>,
    /// Each site or device when it was left out whole; empty where folds were drawn over people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each_left_out: Vec<GradedGroup>,
}

/// What was said of one person, and what is true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaidPoints {
    /// The points.
    pub observed: f64,
    /// What was said of them out of fold.
    pub predicted: f64,
}

/// One group of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradedGroup {
    /// What divides the people: `age`, `sex`, `education`, `language`, `site`, `device`.
    pub by: String,
    /// Which group.
    pub group: String,
    /// People of the group.
    pub people: usize,
    /// People fitted on, where the group was left out whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<usize>,
    /// Whether the group is too small to be read.
    pub greyed: bool,
    /// Mean absolute error in points; of classes the balanced accuracy over the classes that are there.
    pub value: Interval,
    /// Mean of said less true points; `None` for classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Interval>,
}

/// One of three classes against the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassEvidence {
    /// `healthy`, `mci`, `dementia`.
    pub class: String,
    /// Its people.
    pub people: usize,
    /// Its metrics.
    #[serde(flatten)]
    pub metrics: OneClass<Interval>,
    /// ROC curve of its probability against the others, with its 95 % band.
    pub roc: Vec<RocPoint>,
}

/// Metrics of three classes, with the confusion table, or of points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GradedMetrics {
    /// Of three classes.
    Classes {
        /// The metrics.
        metrics: ClassMetrics<Interval>,
        /// People by true (rows) and given class (columns), healthy, MCI, dementia; means over repeats, so not whole.
        confusion: [[f64; CLASSES]; CLASSES],
        /// Each class against the others.
        each: Vec<ClassEvidence>,
    },
    /// Of points.
    Points(PointsMetrics<Interval>),
}

/// Judges the plan's estimators on three classes or on points.
pub fn evaluate_graded(
    cohort: &Cohort,
    target: Target,
    plan: &Plan,
    watch: Watch<'_>,
) -> Result<Graded, Error> {
    evaluate_graded_resuming(cohort, target, plan, &Work::none(), watch)
}

/// The same, taking up finished pieces of `work` and keeping there what is finished.
pub fn evaluate_graded_resuming(
    cohort: &Cohort,
    target: Target,
    plan: &Plan,
    work: &Work,
    watch: Watch<'_>,
) -> Result<Graded, Error> {
    plan.check()?;
    let whole = table_of(cohort)?;
    let groups = audit::copied_blocks(&whole);
    let copied: Vec<Block<'_>> = groups.concat();
    let masked = if copied.is_empty() {
        Cow::Borrowed(&*whole)
    } else {
        Cow::Owned(whole.masked(&copied, &COPIED.into()))
    };
    let known = plan.by.map(|by| by.known(&masked)).transpose()?;
    let table: &FeatureTable = known.as_ref().unwrap_or(&masked);
    let stage = |name| Stage::new(name, work, watch);
    let found = match target {
        Target::Classes => found(&Training::by_diagnosis(table)?, plan, &stage)?,
        Target::Mmse => found(&Training::by_points(table, Points::Mmse)?, plan, &stage)?,
        Target::Moca => found(&Training::by_points(table, Points::Moca)?, plan, &stage)?,
    };
    Ok(Graded {
        cohort: cohort.provenance.name.clone(),
        about: CohortSummary::of(cohort),
        software: card::software(),
        target,
        people: found.people,
        left_out: whole.len() - found.people,
        estimators: found.estimators,
        permutation: found.permutation,
        learning_curve: found.learning_curve,
        holdout: None,
        findings: audit::findings_of(cohort, &groups, plan.seed),
        limits: card::graded_limits(cohort),
        data_hash: cohort.table.as_ref().map(crate::digest::of_table).unwrap_or_default(),
        plan: plan.clone(),
    })
}

/// What is found of some people.
struct Found {
    people: usize,
    estimators: Vec<GradedEvidence>,
    permutation: Option<Permutation>,
    learning_curve: Vec<GradedPoint>,
}

fn found<'w, Y: Judged>(
    everybody: &Training<'_, Y>,
    plan: &Plan,
    stage: &impl Fn(&'static str) -> Stage<'w>,
) -> Result<Found, Error> {
    Ok(Found {
        people: everybody.len(),
        estimators: judge(everybody, plan, &stage("masked"))?,
        permutation: chance::permutation(everybody, plan, &stage("permutations"))?,
        learning_curve: chance::learning_curve(everybody, plan, &stage("learning curve"))?,
    })
}

/// What one family said of the held people of one outer fold.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
struct Fold<Y: Judged> {
    chosen: usize,
    said: Vec<Said<Y::Score>>,
}

/// An outer fold and what one family said in it.
type Judgement<'a, 'b, Y> = (&'a Outer<'b, Y>, &'a Fold<Y>);

/// Place among everybody, what was said, and what would be said without a measurement.
type Said<S> = (usize, S, S);

fn judge<Y: Judged>(
    everybody: &Training<'_, Y>,
    plan: &Plan,
    stage: &Stage<'_>,
) -> Result<Vec<GradedEvidence>, Error> {
    everybody.check("cohort")?;
    let place_of: std::collections::HashMap<usize, usize> =
        everybody.rows().iter().enumerate().map(|(place, &row)| (row, place)).collect();
    let units = outer(everybody, plan)?;
    let progress = stage.steps(units.len());
    let fold = |unit: &Outer<'_, Y>| {
        let families = || {
            let of_family = |family| outer_fold(family, unit, plan);
            let mut judged = plan.families.iter().map(of_family).collect::<Result<Vec<Fold<Y>>, Error>>()?;
            judged.iter_mut().flat_map(|it| &mut it.said).for_each(|said| said.0 = place_of[&said.0]);
            Ok(judged)
        };
        let judged = stage.piece(&format!("{}/{}", unit.repeat, unit.fold), families);
        progress();
        judged
    };
    let judged: Vec<Vec<Fold<Y>>> = units.par_iter().map(fold).collect::<Result<_, Error>>()?;
    let evidence = |(number, family): (usize, &Family)| {
        let folds: Vec<Judgement<'_, '_, Y>> =
            units.iter().zip(judged.iter().map(|folds| &folds[number])).collect();
        evidence(family, &folds, everybody, plan)
    };
    plan.families.iter().enumerate().map(evidence).collect()
}

/// Chooses a setting on inner folds of the training people, refits on all of them, and says what it does of the held.
fn outer_fold<Y: Judged>(
    family: &Family,
    Outer { repeat, fold, training, held }: &Outer<'_, Y>,
    plan: &Plan,
) -> Result<Fold<Y>, Error> {
    let seed = inner_seed(plan, *repeat, *fold);
    let mut qualities = vec![0.0; family.grid.len()];
    for (inner, (inner_training, inner_held)) in training.split(plan.inner, seed)?.iter().enumerate() {
        let seed = derive(seed, &[1 + inner as u64]);
        let grid: Vec<Estimator> = family.grid.iter().map(|it| it.clone().seeded(seed)).collect();
        for (quality, fitted) in qualities.iter_mut().zip(Estimator::fit_each(&grid, inner_training)?) {
            *quality += Y::quality(&fitted.scores(inner_held), inner_held.labels());
        }
    }
    // Differences below a millionth are rounding: the earlier setting, which is the simpler one, stays.
    let better = |best: usize, it: usize| if qualities[it] > qualities[best] + 1e-6 { it } else { best };
    let chosen = (0..qualities.len()).fold(0, better);
    let fitted = family.grid[chosen].clone().seeded(derive(seed, &[0])).fit(training)?;
    let constant = Y::constant(training.labels());
    let said = held.rows().iter().zip(fitted.scores(held)).map(|(&row, score)| (row, score, constant));
    Ok(Fold { chosen, said: said.collect() })
}

fn evidence<Y: Judged>(
    family: &Family,
    folds: &[Judgement<'_, '_, Y>],
    everybody: &Training<'_, Y>,
    plan: &Plan,
) -> Result<GradedEvidence, Error> {
    let truth = everybody.labels();
    let mut counts = vec![0; family.grid.len()];
    folds.iter().for_each(|(_, fold)| counts[fold.chosen] += 1);
    let repeats = |of: fn(&Said<Y::Score>) -> Y::Score| -> Vec<Vec<Y::Score>> {
        let repeat = |folds: &[Judgement<'_, '_, Y>]| {
            let mut said: Vec<_> = folds.iter().flat_map(|(_, fold)| &fold.said).collect();
            said.sort_by_key(|it| it.0);
            said.into_iter().map(of).collect()
        };
        folds.chunk_by(|a, b| a.0.repeat == b.0.repeat).map(repeat).collect()
    };
    let said = repeats(|it| it.1);
    let metrics = |repeats: &[Vec<Y::Score>]| {
        let none = || Error::OneNumber { place: "cohort", people: truth.len() };
        let intervals = spread(repeats, truth, (plan.draws, derive(plan.seed, &[DRAWS])), Y::metrics);
        Ok::<_, Error>(Y::gathered(&intervals.ok_or_else(none)?, repeats, truth))
    };
    Ok(GradedEvidence {
        name: family.name.clone(),
        chosen: family.grid.iter().cloned().zip(counts).collect(),
        metrics: metrics(&said)?,
        without_measurement: metrics(&repeats(|it| it.2))?,
        said: Y::shown(&said[0], truth),
        groups: subgroups(&said, everybody, plan),
        each_left_out: plan.by.map(|by| left_out(by, &said, (folds, everybody), plan)).unwrap_or_default(),
    })
}

/// Every group of people of whom the grouping is known.
fn subgroups<Y: Judged>(
    said: &[Vec<Y::Score>],
    everybody: &Training<'_, Y>,
    plan: &Plan,
) -> Vec<GradedGroup> {
    let people = everybody.0.table.participants();
    let groups = groups(everybody.rows().iter().map(|&row| &people[row]));
    let judged = |(by, group, places): (&str, String, Vec<usize>)| {
        one_group((by, group, None), &places, said, (everybody.labels(), plan))
    };
    groups.into_iter().filter_map(judged).collect()
}

/// Each group that was left out, judged by what was fitted on all others.
fn left_out<Y: Judged>(
    by: By,
    said: &[Vec<Y::Score>],
    (folds, everybody): (&[Judgement<'_, '_, Y>], &Training<'_, Y>),
    plan: &Plan,
) -> Vec<GradedGroup> {
    let people = everybody.0.table.participants();
    let judged = |(outer, fold): &Judgement<'_, '_, Y>| {
        let name = outer.held.rows().first().and_then(|&row| by.of(&people[row]))?;
        let places: Vec<usize> = fold.said.iter().map(|it| it.0).collect();
        let of = (by.word(), name.to_owned(), Some(outer.training.len()));
        one_group(of, &places, said, (everybody.labels(), plan))
    };
    folds.iter().filter_map(judged).collect()
}

fn one_group<Y: Judged>(
    (by, group, trained_on): (&str, String, Option<usize>),
    places: &[usize],
    said: &[Vec<Y::Score>],
    (truth, plan): (&[Y], &Plan),
) -> Option<GradedGroup> {
    let of_group: Vec<Vec<Y::Score>> =
        said.iter().map(|repeat| places.iter().map(|&it| repeat[it]).collect()).collect();
    let truth: Vec<Y> = places.iter().map(|&it| truth[it]).collect();
    let intervals = spread(&of_group, &truth, (plan.draws, derive(plan.seed, &[DRAWS, 1])), Y::of_group)?;
    Some(GradedGroup {
        by: by.to_owned(),
        group,
        people: places.len(),
        trained_on,
        greyed: places.len() < GREYED_BELOW,
        value: *intervals.first()?,
        bias: intervals.get(1).copied(),
    })
}

/// Each repeat's metrics and percentiles over draws of people, averaged over repeats; `None` where they cannot be had.
fn spread<Y: Judged>(
    repeats: &[Vec<Y::Score>],
    truth: &[Y],
    (draws, seed): (usize, u64),
    metrics: impl Fn(&[Y::Score], &[Y], &[u32]) -> Option<Vec<f64>> + Sync,
) -> Option<Vec<Interval>> {
    let people = truth.len();
    let of_repeat = |said: &Vec<Y::Score>| {
        let values = metrics(said, truth, &vec![1; people])?;
        let metrics = |draw| metrics(said, truth, &drawn(people, seed, draw));
        let drawn: Vec<Vec<f64>> = (0..draws).into_par_iter().filter_map(metrics).collect();
        let interval = |(it, value): (usize, f64)| percentiles(value, drawn.iter().map(|draw| draw[it]));
        Some(values.into_iter().enumerate().map(interval).collect::<Vec<Interval>>())
    };
    let each: Vec<Vec<Interval>> = repeats.iter().map(of_repeat).collect::<Option<_>>()?;
    let mean = |of: &dyn Fn(&Vec<Interval>) -> f64| each.iter().map(of).sum::<f64>() / each.len() as f64;
    let average = |it: usize| Interval {
        value: mean(&|repeat| repeat[it].value),
        low: mean(&|repeat| repeat[it].low),
        high: mean(&|repeat| repeat[it].high),
    };
    Some((0..each.first()?.len()).map(average).collect())
}

/// Seed's place of the draws of people, apart from those of folds.
const DRAWS: u64 = 0x6472_6177;
