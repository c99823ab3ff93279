//! The same judgement within groups of people: an average can hide a group that fails.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{FeatureTable, Participant};

use crate::{
    Plan,
    bootstrap::spread,
    cost::Groups,
    metric::{Interval, Judged},
    seed::derive,
};

/// Groups smaller than this are greyed: their interval says little.
pub(crate) const GREYED_BELOW: usize = 30;

/// One group of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subgroup {
    /// What divides the people: `age`, `sex`, `education`, `language`, `site`, `device`.
    pub by: String,
    /// Which group: `65–74`, `female`.
    pub group: String,
    /// People of the group.
    pub people: usize,
    /// Impaired people of the group.
    pub impaired: usize,
    /// Whether the group is too small to be read.
    pub greyed: bool,
    /// Area under the ROC curve; `None` where everybody is of one class.
    pub auc: Option<Interval>,
    /// Share of its impaired people who screen positive.
    pub sensitivity: Option<Interval>,
    /// Share of its healthy people who screen negative.
    pub specificity: Option<Interval>,
}

type Grouping = (&'static str, fn(&Participant) -> Option<String>);

/// What people are grouped by. Age bands as in screening studies of people over 60; education in years of school.
const GROUPINGS: [Grouping; 6] = [
    ("age", |it| band(it.age, [(65.0, "below 65"), (75.0, "65–74"), (f64::INFINITY, "75 and older")])),
    ("sex", |it| it.sex.map(|sex| sex.to_string())),
    ("education", |it| {
        band(it.education, [(7.0, "0–6 years"), (13.0, "7–12 years"), (f64::INFINITY, "13 years and more")])
    }),
    ("language", |it| it.language.as_ref().map(|language| language.name().to_owned())),
    ("site", |it| it.site.clone()),
    ("device", |it| it.device.clone()),
];

/// The first band that a value lies below.
fn band(value: Option<f64>, bands: [(f64, &str); 3]) -> Option<String> {
    let value = value?;
    bands.iter().find(|(below, _)| value < *below).map(|(_, name)| (*name).to_owned())
}

/// What divides the people, the group, and the places of its people.
pub(crate) type Grouped = (&'static str, String, Vec<usize>);

/// Every group of people of whom the grouping is known.
pub(crate) fn groups<'a>(people: impl Iterator<Item = &'a Participant> + Clone) -> Vec<Grouped> {
    let mut all = Vec::new();
    for (by, group_of) in GROUPINGS {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, person) in people.clone().enumerate() {
            if let Some(group) = group_of(person) {
                groups.entry(group).or_default().push(place);
            }
        }
        all.extend(groups.into_iter().map(|(group, places)| (by, group, places)));
    }
    all
}

/// Every group of people of whom a grouping is known, by name (`sex female`), with their rows in the table.
pub fn named_groups(table: &FeatureTable) -> Groups {
    let named = |(by, group, rows): Grouped| (format!("{by} {group}"), rows);
    groups(table.participants().iter()).into_iter().map(named).collect()
}

/// Every group, judged by the same out-of-fold probabilities.
pub(crate) fn subgroups(table: &FeatureTable, repeats: &[Judged], plan: &Plan) -> Vec<Subgroup> {
    let judge = |(by, group, rows): Grouped| subgroup((by, group), &rows, repeats, plan);
    groups(table.participants().iter()).into_iter().map(judge).collect()
}

/// One group's people, judged by the probabilities they have in each repeat.
fn subgroup((by, group): (&str, String), rows: &[usize], repeats: &[Judged], plan: &Plan) -> Subgroup {
    let part = |judged: &Judged| {
        let probabilities = rows.iter().map(|&row| judged.probabilities[row]).collect();
        Judged::new(probabilities, rows.iter().map(|&row| judged.labels[row]).collect())
    };
    let parts: Vec<Judged> = repeats.iter().map(part).collect();
    let impaired = parts.first().map_or(0, |it| it.labels.iter().filter(|&&label| label).count());
    let metrics = spread(&parts, &[], (plan.draws, derive(plan.seed, &[SEED]))).map(|it| it.metrics);
    Subgroup {
        by: by.to_owned(),
        group,
        people: rows.len(),
        impaired,
        greyed: rows.len() < GREYED_BELOW,
        auc: metrics.map(|it| it.auc),
        sensitivity: metrics.map(|it| it.sensitivity),
        specificity: metrics.map(|it| it.specificity),
    }
}

const SEED: u64 = 0x5b;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use study::Sex;

    #[test]
    fn every_known_group_is_judged_and_a_small_one_greyed() {
        let plain = synthetic::table(60, 1, 1.0, 1);
        let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
        for (row, person) in plain.participants().iter().enumerate() {
            let sex = if row < 40 { Sex::Female } else { Sex::Male };
            let person = Participant { sex: Some(sex), age: (row < 5).then_some(80.0), ..person.clone() };
            table.push(person, [feature::Value::Measured(1.0)]).unwrap();
        }
        let labels: Vec<bool> = (0..60).map(|row| row % 2 == 1).collect();
        let judged = Judged::new((0..60).map(|row| f64::from(row) / 60.0).collect(), labels);
        let plan = Plan { draws: 50, ..Plan::default() };
        let groups = subgroups(&table, &[judged], &plan);
        let seen: Vec<_> = groups.iter().map(|it| (it.group.as_str(), it.people, it.greyed)).collect();
        assert_eq!(seen, [("75 and older", 5, true), ("female", 40, false), ("male", 20, true)]);
        assert!(groups.iter().all(|it| it.auc.is_some()));
    }
}
