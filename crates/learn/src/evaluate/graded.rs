//! Judging estimators on three classes or on points: the same nested recursion as for two classes.
//!
//! Inner folds choose the setting (by the mean over classes of the one-against-others AUC, or by the mean absolute error), a
//! refit on all training people follows, and the held people are judged by it. Nothing is calibrated: probabilities of three
//! classes are taken as they are, and a person's class is the likeliest one. Copied blocks are masked, as in the headline of a
//! card. Beside each result stands what would be reached without a single measurement: every person given the training
//! people's largest class and class shares, or their mean points.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use study::{Block, Cohort, Diagnosis};

use super::{
    COPIED, Family, Plan, Progress, Watch,
    splits::{inner_seed, outer_seed},
    table_of,
};
use crate::{
    Error, Estimator, Finding, Held, Label, Points, Training, audit,
    bootstrap::{drawn, percentiles},
    card,
    label::CLASSES,
    metric::{self, ClassMetrics, Interval, PointsMetrics},
    seed::derive,
};

/// What is asked of people beside whether they are impaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Healthy, MCI or dementia.
    Classes,
    /// Points of the Mini-Mental State Examination.
    Mmse,
    /// Points of the Montreal Cognitive Assessment.
    Moca,
}

/// How well estimators tell three classes or points: `graded.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graded {
    /// Name of the cohort.
    pub cohort: String,
    /// Name and version of the program.
    pub software: String,
    /// What was asked.
    pub target: Target,
    /// People judged.
    pub people: usize,
    /// People of the table left out, because what was asked of them is not known.
    pub left_out: usize,
    /// One entry an estimator, in the plan's order.
    pub estimators: Vec<GradedEvidence>,
    /// What the audit found.
    pub findings: Vec<Finding>,
    /// The plan.
    pub plan: Plan,
}

impl Graded {
    /// Serious findings that nobody answered.
    pub fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.open())
    }
}

/// What one estimator family reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradedEvidence {
    /// Name of the family.
    pub name: String,
    /// The settings with how often the inner search chose each.
    pub chosen: Vec<(Estimator, usize)>,
    /// Metrics with 95 % intervals over people.
    pub metrics: GradedMetrics,
    /// The same of what needs no measurement.
    pub without_measurement: GradedMetrics,
}

/// Metrics of three classes, with the confusion table, or of points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GradedMetrics {
    /// Of three classes.
    Classes {
        /// The metrics.
        metrics: ClassMetrics<Interval>,
        /// People by true (rows) and given class (columns), healthy, MCI, dementia; means over repeats, so not whole.
        confusion: [[f64; CLASSES]; CLASSES],
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
    plan.check()?;
    if let Some(by) = plan.by {
        let expected = "folds over people where classes or points are asked";
        return Err(Error::BadSetting { what: "by", expected, got: by.word().to_owned() });
    }
    let table = table_of(cohort)?;
    let groups = audit::copied_blocks(table);
    let copied: Vec<Block<'_>> = groups.concat();
    let masked = (!copied.is_empty()).then(|| table.masked(&copied, &COPIED.into()));
    let table = masked.as_ref().unwrap_or(table);
    let (people, estimators) = match target {
        Target::Classes => judge(&Training::by_diagnosis(table)?, plan, watch)?,
        Target::Mmse => judge(&Training::by_points(table, Points::Mmse)?, plan, watch)?,
        Target::Moca => judge(&Training::by_points(table, Points::Moca)?, plan, watch)?,
    };
    Ok(Graded {
        cohort: cohort.provenance.name.clone(),
        software: card::software(),
        target,
        people,
        left_out: table.len() - people,
        estimators,
        findings: audit::findings_of(cohort, &groups, plan.seed),
        plan: plan.clone(),
    })
}

/// A label that can be judged: how inner folds compare settings, what needs no measurement, and the metrics.
trait Judged: Label {
    /// Larger is better.
    fn quality(said: &[Self::Score], truth: &[Self]) -> f64;
    /// What is said of anybody from the labels of the training people alone.
    fn constant(training: &[Self]) -> Self::Score;
    /// Every metric with each person counted `weights` times; `None` where they cannot be had.
    fn metrics(said: &[Self::Score], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>>;
    /// Puts metrics with intervals together with what is not a single number.
    fn gathered(intervals: &[Interval], repeats: &[Vec<Self::Score>], truth: &[Self]) -> GradedMetrics;
}

fn classes(truth: &[Diagnosis]) -> Vec<usize> {
    truth.iter().map(|&label| label as usize).collect()
}

impl Judged for Diagnosis {
    fn quality(said: &[[f64; CLASSES]], truth: &[Self]) -> f64 {
        metric::of_classes(said, &classes(truth), &vec![1; truth.len()]).map_or(f64::NAN, |it| it.macro_auc)
    }

    fn constant(training: &[Self]) -> [f64; CLASSES] {
        let mut shares = [0.0; CLASSES];
        training.iter().for_each(|&label| shares[label as usize] += 1.0 / training.len() as f64);
        shares
    }

    fn metrics(said: &[[f64; CLASSES]], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>> {
        Some(metric::of_classes(said, &classes(truth), weights)?.array().to_vec())
    }

    fn gathered(intervals: &[Interval], repeats: &[Vec<[f64; CLASSES]>], truth: &[Self]) -> GradedMetrics {
        let mut confusion = [[0.0; CLASSES]; CLASSES];
        for said in repeats {
            let table = metric::confusion(said, &classes(truth), &vec![1; truth.len()]);
            for (sums, counts) in confusion.iter_mut().zip(table) {
                sums.iter_mut().zip(counts).for_each(|(sum, it)| *sum += it / repeats.len() as f64);
            }
        }
        let metrics = ClassMetrics::of_array(std::array::from_fn(|it| intervals[it]));
        GradedMetrics::Classes { metrics, confusion }
    }
}

impl Judged for f64 {
    fn quality(said: &[f64], truth: &[Self]) -> f64 {
        -said.iter().zip(truth).map(|(a, b)| (a - b).abs()).sum::<f64>() / truth.len() as f64
    }

    fn constant(training: &[Self]) -> f64 {
        training.iter().sum::<f64>() / training.len() as f64
    }

    fn metrics(said: &[f64], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>> {
        Some(metric::of_points(said, truth, weights)?.array().to_vec())
    }

    fn gathered(intervals: &[Interval], _repeats: &[Vec<f64>], _truth: &[Self]) -> GradedMetrics {
        GradedMetrics::Points(PointsMetrics::of_array(std::array::from_fn(|it| intervals[it])))
    }
}

/// What one family said of the held people of one outer fold.
struct Fold<Y: Label> {
    chosen: usize,
    said: Vec<Said<Y::Score>>,
}

/// Place among everybody, what was said, and what would be said without a measurement.
type Said<S> = (usize, S, S);

fn judge<Y: Judged>(
    everybody: &Training<'_, Y>,
    plan: &Plan,
    watch: Watch<'_>,
) -> Result<(usize, Vec<GradedEvidence>), Error> {
    everybody.check("cohort")?;
    let place_of: std::collections::HashMap<usize, usize> =
        everybody.rows().iter().enumerate().map(|(place, &row)| (row, place)).collect();
    let mut units = Vec::new();
    for repeat in 0..plan.repeats {
        let folds = everybody.split(plan.outer, outer_seed(plan, repeat))?;
        units.extend(folds.into_iter().enumerate().map(|(fold, sides)| (repeat, fold, sides)));
    }
    let (done, of) = (AtomicUsize::new(0), units.len());
    let fold = |(repeat, fold, (training, held)): &(usize, usize, (Training<'_, Y>, Held<'_, Y>))| {
        let seed = inner_seed(plan, *repeat, *fold);
        let of_family = |family| outer_fold(family, training, held, (plan.inner, seed));
        let mut judged = plan.families.iter().map(of_family).collect::<Result<Vec<Fold<Y>>, Error>>()?;
        judged.iter_mut().flat_map(|it| &mut it.said).for_each(|said| said.0 = place_of[&said.0]);
        watch(Progress { stage: "masked", done: 1 + done.fetch_add(1, Ordering::Relaxed), of });
        Ok(judged)
    };
    let judged: Vec<Vec<Fold<Y>>> = units.par_iter().map(fold).collect::<Result<_, Error>>()?;
    let evidence = |(number, family): (usize, &Family)| {
        let folds: Vec<&Fold<Y>> = judged.iter().map(|folds| &folds[number]).collect();
        evidence(family, &folds, everybody.labels(), plan)
    };
    Ok((everybody.len(), plan.families.iter().enumerate().map(evidence).collect::<Result<_, _>>()?))
}

/// Chooses a setting on inner folds of the training people, refits on all of them, and says what it does of the held.
fn outer_fold<Y: Judged>(
    family: &Family,
    training: &Training<'_, Y>,
    held: &Held<'_, Y>,
    (folds, seed): (usize, u64),
) -> Result<Fold<Y>, Error> {
    let mut qualities = vec![0.0; family.grid.len()];
    for (inner, (inner_training, inner_held)) in training.split(folds, seed)?.iter().enumerate() {
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
    folds: &[&Fold<Y>],
    truth: &[Y],
    plan: &Plan,
) -> Result<GradedEvidence, Error> {
    let mut counts = vec![0; family.grid.len()];
    folds.iter().for_each(|fold| counts[fold.chosen] += 1);
    let repeats = |of: fn(&Said<Y::Score>) -> Y::Score| -> Vec<Vec<Y::Score>> {
        let repeat = |folds: &[&Fold<Y>]| {
            let mut said: Vec<_> = folds.iter().flat_map(|fold| &fold.said).collect();
            said.sort_by_key(|it| it.0);
            said.into_iter().map(of).collect()
        };
        folds.chunks(plan.outer).map(repeat).collect()
    };
    Ok(GradedEvidence {
        name: family.name.clone(),
        chosen: family.grid.iter().cloned().zip(counts).collect(),
        metrics: spread(&repeats(|it| it.1), truth, plan)?,
        without_measurement: spread(&repeats(|it| it.2), truth, plan)?,
    })
}

/// Each repeat's metrics and percentiles over draws of people, averaged over repeats.
fn spread<Y: Judged>(repeats: &[Vec<Y::Score>], truth: &[Y], plan: &Plan) -> Result<GradedMetrics, Error> {
    let people = truth.len();
    let of_repeat = |said: &Vec<Y::Score>| {
        let values = Y::metrics(said, truth, &vec![1; people])?;
        let seed = derive(plan.seed, &[DRAWS]);
        let metrics = |draw| Y::metrics(said, truth, &drawn(people, seed, draw));
        let drawn: Vec<Vec<f64>> = (0..plan.draws).into_par_iter().filter_map(metrics).collect();
        let interval = |(it, value): (usize, f64)| percentiles(value, drawn.iter().map(|draw| draw[it]));
        Some(values.into_iter().enumerate().map(interval).collect::<Vec<Interval>>())
    };
    let each: Vec<Vec<Interval>> = repeats
        .iter()
        .map(|it| of_repeat(it).ok_or(Error::OneNumber { place: "cohort", people }))
        .collect::<Result<_, _>>()?;
    let mean = |of: &dyn Fn(&Vec<Interval>) -> f64| each.iter().map(of).sum::<f64>() / each.len() as f64;
    let average = |it: usize| Interval {
        value: mean(&|repeat| repeat[it].value),
        low: mean(&|repeat| repeat[it].low),
        high: mean(&|repeat| repeat[it].high),
    };
    let intervals: Vec<Interval> = (0..each[0].len()).map(average).collect();
    Ok(Y::gathered(&intervals, repeats, truth))
}

/// Seed's place of the draws of people, apart from those of folds.
const DRAWS: u64 = 0x6472_6177;
