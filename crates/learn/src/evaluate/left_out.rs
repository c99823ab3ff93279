//! What became of each site or device when it was left out whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::FeatureTable;

use super::{By, Nested, Plan};
use crate::{
    bootstrap::{drawn, percentiles},
    metric::{Interval, Judged, auc},
    seed::derive,
};

/// An evaluation by site or device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// What was left out in turn.
    pub by: By,
    /// People of whom it is not known: they neither trained nor judged.
    pub unknown: usize,
    /// Each group, judged by what was fitted on all others.
    pub groups: Vec<LeftOutGroup>,
    /// Groups with people of one class only: they have no AUC and no part in the headline.
    pub one_class: Vec<String>,
    /// AUC of everybody's probabilities pooled over groups, where the headline is the mean over groups of both classes. Far
    /// below it, the groups do not share one scale.
    pub pooled_auc: f64,
}

/// One group that was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutGroup {
    /// Its name, as in the cohort.
    pub name: String,
    /// People fitted on: everybody else.
    pub trained_on: usize,
    /// People judged.
    pub people: usize,
    /// How many of them are impaired.
    pub impaired: usize,
    /// Area under the ROC curve; `None` where everybody is of one class.
    pub auc: Option<Interval>,
    /// Share of its impaired people who screen positive; `None` where it has none.
    pub sensitivity: Option<Interval>,
    /// Share of its healthy people who screen negative; `None` where it has none.
    pub specificity: Option<Interval>,
}

/// The groups of a nested evaluation by groups.
pub(crate) fn left_out(
    table: &FeatureTable,
    nested: &Nested,
    plan: &Plan,
    unknown: usize,
) -> Option<LeftOut> {
    let (by, judged) = (plan.by?, nested.repeats.first()?);
    let one = |(place, (name, rows)): (usize, (String, Vec<usize>))| {
        let seed = derive(plan.seed, &[SEED, place as u64]);
        group(name, &part(judged, &rows), table.len() - rows.len(), (plan.draws, seed))
    };
    let groups: Vec<LeftOutGroup> = by.groups(table).into_iter().enumerate().map(one).collect();
    let alone = groups.iter().filter(|it| it.auc.is_none()).map(|it| it.name.clone());
    Some(LeftOut {
        by,
        unknown,
        one_class: alone.collect(),
        groups,
        pooled_auc: auc(&judged.probabilities, &judged.labels),
    })
}

const SEED: u64 = 0x51;

fn part(judged: &Judged, rows: &[usize]) -> Judged {
    let probabilities = rows.iter().map(|&row| judged.probabilities[row]).collect();
    Judged::new(probabilities, rows.iter().map(|&row| judged.labels[row]).collect())
}

fn group(name: String, judged: &Judged, trained_on: usize, (draws, seed): (usize, u64)) -> LeftOutGroup {
    let people = judged.labels.len();
    let numbers = |weights: &[u32]| {
        let curve = judged.curve(weights);
        let (false_positive, sensitivity) = curve.at(0.5);
        [curve.auc(), sensitivity, 1.0 - false_positive]
    };
    let value = numbers(&vec![1; people]);
    let each: Vec<[f64; 3]> = (0..draws).map(|draw| numbers(&drawn(people, seed, draw))).collect();
    let known =
        |it: usize| value[it].is_finite().then(|| percentiles(value[it], each.iter().map(|draw| draw[it])));
    LeftOutGroup {
        name,
        trained_on,
        people,
        impaired: judged.labels.iter().filter(|&&label| label).count(),
        auc: known(0),
        sensitivity: known(1),
        specificity: known(2),
    }
}

/// Mean AUC over the groups of both classes, with its interval from drawing people within each group; `None` where no
/// group has both.
pub(crate) fn mean_auc(
    judged: &Judged,
    groups: &[Vec<usize>],
    (draws, seed): (usize, u64),
) -> Option<Interval> {
    let parts: Vec<Judged> = groups.iter().map(|rows| part(judged, rows)).collect();
    let mean = |weights: &dyn Fn(usize, usize) -> Vec<u32>| {
        let each =
            parts.iter().enumerate().map(|(it, part)| part.curve(&weights(it, part.labels.len())).auc());
        feature::mean(&each.filter(|auc| auc.is_finite()).collect::<Vec<f64>>())
    };
    let value = mean(&|_, people| vec![1; people])?;
    let draw = |draw| mean(&|group, people| drawn(people, derive(seed, &[group as u64]), draw));
    Some(percentiles(value, (0..draws).filter_map(draw)))
}
