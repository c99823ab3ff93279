//! Looking for ways in which a cohort gives its labels away, and for people and values that should be looked at.
//!
//! A check reads a cohort and answers with findings, or with the reason why it could not look: what was *not* checked is part
//! of an audit. The checks of its list are cheap, so every card carries them. [`audit()`] adds what needs nested fits: how far
//! the silence, the file, the device, the duration or the age of a person alone go, beside what the whole table reaches, and the
//! people whose label their numbers contradict in every repeat.
//!
//! A finding is *serious* where a number of the card can be wrong because of it, else a *note*. What no estimator here can see
//! — the order of rows, the ids — is a note even where it tells the label completely. A serious finding is *open* until the
//! cohort's file answers it; copied blocks are masked in the headline, which answers them.

mod baseline;
mod chance;
mod copies;
mod finding;
mod missing;
mod order;
mod origin;
mod outlier;
mod room;
mod single;
mod suspect;
mod twins;
mod unstable;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Block, Cohort, Decision, FeatureTable};

use crate::{
    Error, Interval, Plan, Training,
    card::software,
    evaluate::{COPIED, Watch, table_of},
    repeat::Repeated,
};

pub use baseline::{Baseline, Baselines};
pub(crate) use chance::midranks;
pub use copies::copied_blocks;
pub use finding::{BlockName, Figure, Finding, Severity};
pub(crate) use room::of_people;

/// What a check looks at.
pub(crate) struct Seen<'a> {
    cohort: &'a Cohort,
    /// Every column as published, those of rooms, files and devices among them.
    every: &'a FeatureTable,
    /// The columns that speak of people.
    table: &'a FeatureTable,
    /// The same with copied blocks missing.
    masked: &'a FeatureTable,
    copies: &'a [Vec<Block<'a>>],
    /// One entry a row; `true` is impaired.
    labels: &'a [bool],
    seed: u64,
}

/// Findings, or why the check could not look.
type Check = fn(&Seen<'_>) -> Result<Vec<Finding>, String>;

/// The cheap checks, by the name under which an audit says that one could not look.
const CHECKS: &[(&str, Check)] = &[
    ("copied blocks", copies::copies),
    ("people who are near copies of one another", twins::twins),
    ("files handed in for several people", twins::shared_files),
    ("order of rows", order::rows),
    ("ids", order::ids),
    ("missing values", missing::missing),
    ("values of one class only", single::single),
    ("device", origin::device),
    ("site", origin::site),
    ("language", origin::language),
    ("age", origin::age),
    ("sex", origin::sex),
    ("education", origin::education),
    ("implausible values", outlier::outliers),
    ("features that do not repeat (ICC)", unstable::unstable),
];

/// A check that could not look, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unchecked {
    /// What was not checked.
    pub check: String,
    /// Why.
    pub reason: String,
}

/// What an audit of a cohort found. Fields of its JSON are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Name of the cohort.
    pub name: String,
    /// Program and version that looked.
    pub software: String,
    /// Folds, repeats and seed of the fits.
    pub plan: Plan,
    /// People looked at.
    pub people: usize,
    /// How many of them are impaired.
    pub impaired: usize,
    /// Columns of the table that speak of people; those of rooms, files and devices are for the baselines.
    pub columns: usize,
    /// What was found: serious and open first, then serious, then notes.
    pub findings: Vec<Finding>,
    /// AUC of the baselines' estimator on every column, copied blocks masked; `None` where it could not be fitted.
    pub whole_table: Option<Interval>,
    /// What the same estimator reaches on columns that should not matter.
    pub baselines: Vec<Baseline>,
    /// How each column repeats where people came again, the worst first.
    #[serde(default)]
    pub repeats: Vec<Repeated>,
    /// Checks that could not look.
    pub unchecked: Vec<Unchecked>,
}

impl Audit {
    /// Findings that are serious and that nobody answered.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.open())
    }
}

/// Looks at a cohort with every check. The plan's first family is fitted for the baselines and the suspects; five repeats of
/// the default logistic regression are enough ([`Plan::audit`]).
///
/// People without a label are left out and counted under `unchecked`; without numbers, what is known of people is still
/// checked. Two rows of one person are refused.
pub fn audit(cohort: &Cohort, plan: &Plan, watch: Watch<'_>) -> Result<Audit, Error> {
    plan.check()?;
    let mut unchecked = vec![];
    let every = labelled(cohort, &mut unchecked)?;
    let table = &*of_people(&every);
    let everybody = Training::new(table)?;
    everybody.both_classes("cohort")?;
    let copies = copied_blocks(table);
    let masked = masked(table, &copies.concat());
    let (labels, seed) = (everybody.labels(), plan.seed);
    let seen = Seen { cohort, every: &every, table, masked: &masked, copies: &copies, labels, seed };
    let mut findings = look(&seen, &mut unchecked);
    let (whole, baselines) = baseline::baselines(&seen, plan, watch, &mut unchecked)?;
    let whole_table = whole.as_ref().map(|it| it.auc);
    findings.extend(baselines.iter().filter_map(|it| it.finding(whole_table)));
    findings.extend(whole.and_then(|it| suspect::suspects(&seen, &it.repeats)));
    answer(cohort, &mut findings);
    findings.sort_by_key(|it| (!it.open(), std::cmp::Reverse(it.severity)));
    unchecked.extend(without_dates(cohort));
    Ok(Audit {
        name: cohort.provenance.name.clone(),
        software: software(),
        plan: plan.clone(),
        people: table.len(),
        impaired: labels.iter().filter(|&&label| label).count(),
        columns: table.columns().len(),
        findings,
        whole_table,
        baselines,
        repeats: unstable::of(&seen),
        unchecked,
    })
}

/// What the plan's first family reaches on columns that should not matter, with the findings that follow beside a headline of
/// `whole`; for a card.
pub(crate) fn baselines_of(
    cohort: &Cohort,
    copies: &[Vec<Block<'_>>],
    (plan, whole): (&Plan, Interval),
    watch: Watch<'_>,
) -> Result<(Baselines, Vec<Finding>), Error> {
    let table = &*table_of(cohort)?;
    let every = cohort.table.as_ref().unwrap_or(table);
    let everybody = Training::new(table)?;
    let masked = masked(table, &copies.concat());
    let (labels, seed) = (everybody.labels(), plan.seed);
    let seen = Seen { cohort, every, table, masked: &masked, copies, labels, seed };
    let baselines = baseline::of_card(&seen, plan, watch)?;
    let mut findings: Vec<Finding> =
        baselines.fitted.iter().filter_map(|it| it.finding(Some(whole))).collect();
    answer(cohort, &mut findings);
    Ok((baselines, findings))
}

/// The cheap findings of a cohort's table, for a card.
pub(crate) fn findings_of(cohort: &Cohort, copies: &[Vec<Block<'_>>], seed: u64) -> Vec<Finding> {
    let Some(every) = &cohort.table else { return vec![] };
    let table = &*of_people(every);
    let Ok(everybody) = Training::new(table) else { return vec![] };
    let masked = masked(table, &copies.concat());
    let seen = Seen { cohort, every, table, masked: &masked, copies, labels: everybody.labels(), seed };
    let mut findings = look(&seen, &mut vec![]);
    answer(cohort, &mut findings);
    findings
}

/// The table with copied blocks missing. A second table is worth its memory only where it differs.
pub(crate) fn masked<'t>(table: &'t FeatureTable, copied: &[Block<'_>]) -> Cow<'t, FeatureTable> {
    if copied.is_empty() { Cow::Borrowed(table) } else { Cow::Owned(table.masked(copied, &COPIED.into())) }
}

fn look(seen: &Seen<'_>, unchecked: &mut Vec<Unchecked>) -> Vec<Finding> {
    let mut findings = vec![];
    for (name, check) in CHECKS {
        match check(seen) {
            Ok(found) => findings.extend(found),
            Err(reason) => unchecked.push(Unchecked { check: (*name).to_owned(), reason }),
        }
    }
    findings
}

/// The rows with a label; a table without columns where the cohort has no numbers.
fn labelled(cohort: &Cohort, unchecked: &mut Vec<Unchecked>) -> Result<FeatureTable, Error> {
    let mut say = |check: &str, reason: String| {
        unchecked.push(Unchecked { check: check.to_owned(), reason });
    };
    let table = match &cohort.table {
        Some(table) => table.clone(),
        None => {
            say(
                "measured values",
                "the cohort has no numbers; `inkling measure` of its folder makes them".to_owned(),
            );
            let mut people = FeatureTable::new(vec![])?;
            cohort.participants.iter().try_for_each(|it| people.push(it.clone(), []))?;
            people
        }
    };
    let known: Vec<usize> =
        (0..table.len()).filter(|&row| table.participants()[row].label.is_some()).collect();
    if known.len() < table.len() {
        let left_out = table.len() - known.len();
        say("people without a label", format!("{left_out} of {} people were left out", table.len()));
    }
    Ok(table.of_people(&known))
}

/// Puts the cohort's answers beside the findings. Only copied blocks are masked by the program, so for other kinds the answer
/// `masked` is none: had somebody taken the values out, nothing would be found.
fn answer(cohort: &Cohort, findings: &mut [Finding]) {
    for finding in findings {
        let answered = cohort.provenance.decision(&finding.kind);
        finding.decision = if finding.kind == copies::COPIED_BLOCKS {
            answered.or(Some(Decision::Masked))
        } else {
            answered.filter(|it| *it == Decision::Acknowledged)
        };
    }
}

/// What a cohort without dates cannot show.
fn without_dates(cohort: &Cohort) -> Option<Unchecked> {
    let check = "date of the session".to_owned();
    let none = cohort.submissions.iter().all(|it| it.date.is_none());
    none.then(|| Unchecked { check, reason: "no row of submissions.csv has one".to_owned() })
}

/// Made-up cohorts with one fault each, for the tests of the checks.
#[cfg(test)]
mod planted {
    use feature::Value;
    use study::{Participant, Provenance};

    use super::*;
    use crate::synthetic;

    /// `people` half impaired without any difference: two tasks of four times each.
    pub(crate) fn plain(people: usize) -> FeatureTable {
        synthetic::blocks(people, (2, 4), 0.0, 7)
    }

    /// The table with its people and cells changed: `change(row, person, cells)`.
    pub(crate) fn changed(
        table: &FeatureTable,
        change: impl Fn(usize, &mut Participant, &mut Vec<Option<f64>>),
    ) -> FeatureTable {
        let mut new = FeatureTable::new(table.columns().to_vec()).unwrap();
        for row in 0..table.len() {
            let mut person = table.participants()[row].clone();
            let mut cells: Vec<Option<f64>> = table.row(row).map(|it| it.map(f64::from)).collect();
            change(row, &mut person, &mut cells);
            let value = |it: Option<f64>| it.map_or(Value::Missing("left out".into()), Value::Measured);
            new.push(person, cells.into_iter().map(value)).unwrap();
        }
        new
    }

    pub(crate) fn cohort(table: FeatureTable) -> Cohort {
        let provenance = Provenance { name: "planted".to_owned(), ..Provenance::default() };
        let participants = table.participants().to_vec();
        Cohort { provenance, participants, table: Some(table), later: vec![], submissions: vec![] }
    }

    /// What one check says of a cohort.
    pub(crate) fn asked(check: Check, cohort: &Cohort) -> Result<Vec<Finding>, String> {
        let table = cohort.table.as_ref().unwrap();
        let copies = copied_blocks(table);
        let masked = table.masked(&copies.concat(), &COPIED.into());
        let everybody = Training::new(table).unwrap();
        let labels = everybody.labels();
        check(&Seen { cohort, every: table, table, masked: &masked, copies: &copies, labels, seed: 1 })
    }

    /// What one check says of a table.
    pub(crate) fn found(check: Check, table: FeatureTable) -> Vec<Finding> {
        asked(check, &cohort(table)).unwrap()
    }
}
