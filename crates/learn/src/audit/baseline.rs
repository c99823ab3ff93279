//! How far one gets without what should matter: the same estimator on columns that say nothing of cognition.
//!
//! On a well-known corpus the silence between words alone told patients from controls (arXiv 2406.07410): what was learned was
//! the room. Each baseline chooses columns of the table by the name of their set, or what is recorded of people, and is judged
//! by the same nested folds as everything else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Column, FeatureTable, Participant};

use feature::{Unit, Value};

use super::{
    Figure, Finding, Seen, Severity, Unchecked,
    chance::rank_sum,
    finding::{auc_words, p_words},
    room::of_the_room,
};
use crate::{
    Error, Interval, Plan, Training,
    evaluate::{Nested, Progress, Stage, Watch, missingness, nested},
    metric::Judged,
};

/// What an estimator reaches on columns that should not matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Name: `silence`, `file`, `capture`, `file_order`, `duration`, `metadata`, `demographics`, `missingness`.
    pub name: String,
    /// The columns it was given.
    pub columns: Vec<String>,
    /// Area under the ROC curve; mean over outer folds and repeats, interval from drawing people.
    pub auc: Interval,
    /// The column that alone tells most, and the area under its ROC curve (at least .5), nothing fitted.
    #[serde(default)]
    pub most: Option<(String, f64)>,
    /// The column that differs most surely between the classes: its name, its area (at least .5), and the p-value of its ranks
    /// times the columns looked at (at most 1).
    #[serde(default)]
    pub surest: Option<(String, f64, f64)>,
}

/// The baselines of a card: what the headline's estimator reaches on columns that should not matter, in folds over people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baselines {
    /// The estimator that was fitted: the headline's, or logistic regression beside a screener.
    pub estimator: String,
    /// What it reached.
    pub fitted: Vec<Baseline>,
    /// Baselines that could not be fitted, and why.
    pub unchecked: Vec<Unchecked>,
}

/// The whole table under the baselines' estimator.
pub(crate) struct Whole {
    pub(crate) auc: Interval,
    pub(crate) repeats: Vec<Judged>,
}

enum Source {
    /// Columns whose feature name passes.
    Columns(fn(&str) -> bool),
    /// What is recorded of people.
    Recorded(&'static [Recorded]),
    /// Which blocks are missing.
    Gaps,
}

type Recorded = (&'static str, Read);

#[derive(Clone, Copy)]
enum Read {
    Number(fn(&Participant) -> Option<f64>),
    Word(fn(&Participant) -> Option<String>),
}

struct Kind {
    name: &'static str,
    source: Source,
    /// Whether telling the label by it alone is a fault of the cohort.
    fault: bool,
    words: &'static str,
    advice: &'static str,
}

/// Where a file stands in its cohort's list.
const ORDER: &str = "file.order";

/// Whether a feature says how long something took, or is the size of a file, which says it too.
fn timed(feature: &str) -> bool {
    feature == "file.bytes"
        || [".duration", "time.total", ".total_time"].iter().any(|end| feature.ends_with(end))
}

const ROOM: &str = "What was recorded differs between the classes in ways that are not the person. Record both classes in the same \
                    way, or judge within one room and device.";

static KINDS: [Kind; 8] = [
    Kind {
        name: "silence",
        // How long it is silent is a pause, and a pause is the person's: it counts with durations.
        source: Source::Columns(|it| it.starts_with("silence.") && !timed(it)),
        fault: true,
        words: "The sound between words, without any speech",
        advice: ROOM,
    },
    Kind {
        name: "file",
        // Of one format the size is the duration; where the files stand in the list is no property of theirs.
        source: Source::Columns(|it| it.starts_with("file.") && !timed(it) && it != ORDER),
        fault: true,
        words: "Facts of the files: format, sampling rate, channels, bits,",
        advice: ROOM,
    },
    Kind {
        name: "capture",
        source: Source::Columns(|it| it.starts_with("capture.")),
        fault: true,
        words: "Device, place and date of capture",
        advice: ROOM,
    },
    Kind {
        name: "file_order",
        source: Source::Columns(|it| it == ORDER),
        fault: false,
        words: "Places in the list of files",
        advice: "No estimator here sees them; one that does, or a split by position, would.",
    },
    Kind {
        name: "metadata",
        source: Source::Recorded(&[
            ("device", Read::Word(|it| it.device.clone())),
            ("site", Read::Word(|it| it.site.clone())),
            ("language", Read::Word(|it| it.language.as_ref().map(|it| it.0.clone()))),
        ]),
        fault: true,
        words: "Device, site and language",
        advice: ROOM,
    },
    Kind {
        name: "duration",
        source: Source::Columns(timed),
        fault: false,
        words: "Durations",
        advice: "Where people set the pace, slowness is a sign of its own and may be most of the result; where an examiner stopped \
                 the task or the tape, it is not. Say which.",
    },
    Kind {
        name: "demographics",
        source: Source::Recorded(&[
            ("age", Read::Number(|it| it.age)),
            ("sex", Read::Word(|it| it.sex.map(|it| it.to_string()))),
            ("education", Read::Number(|it| it.education)),
        ]),
        fault: false,
        words: "Age, sex and schooling",
        advice: "A screener must add to what a birth date says. Match the groups, or report within them.",
    },
    Kind {
        name: "missingness",
        source: Source::Gaps,
        fault: false,
        words: "Which blocks are missing or masked",
        advice: "Ask why they are missing, and judge people who have everything by themselves.",
    },
];

/// An AUC whose interval ends below this is not worth a finding.
const TELLING: f64 = 0.55;

/// How people were recorded should not differ at all, so a difference is noted sooner than a telling column is called one: at
/// the usual level, after correction for the columns looked at.
const DIFFERENT: f64 = 0.05;

/// A baseline this near to the whole table leaves nothing to it.
const AS_GOOD: f64 = 0.02;

impl Baseline {
    /// What is to be said of it, beside what the whole table reaches.
    pub(crate) fn finding(&self, whole: Option<Interval>) -> Option<Finding> {
        let kind = KINDS.iter().find(|kind| kind.name == self.name)?;
        if self.auc.low <= TELLING {
            return self.difference(kind);
        }
        let as_good = !matches!(kind.name, "duration" | "file_order")
            && whole.is_some_and(|it| self.auc.value >= it.value - AS_GOOD);
        let severity = if kind.fault || as_good { Severity::Serious } else { Severity::Note };
        let beside = whole.map_or(String::new(), |it| format!("; every column reaches {}", auc_words(&it)));
        let most = self.most.as_ref().filter(|_| self.columns.len() > 1);
        let most = most.map_or(String::new(), |(name, auc)| format!(", most of all {name} ({auc:.2})"));
        let evidence =
            format!("{} alone tell the label: {}{most}{beside}.", kind.words, auc_words(&self.auc));
        // The cheap check of gaps has the other name already.
        let name = match kind.source {
            Source::Gaps => "missingness_only".to_owned(),
            _ => format!("{}_predicts_label", self.name),
        };
        let mut finding = Finding::new(&name, severity, evidence, kind.advice)
            .number(Figure::within("auc", self.auc))
            .columns(self.columns.clone());
        finding.numbers.extend(whole.map(|it| Figure::within("whole_table_auc", it)));
        Some(finding)
    }
}

impl Baseline {
    /// Where nothing that was fitted tells the label, one fact of how people were recorded may still differ between the classes.
    fn difference(&self, kind: &Kind) -> Option<Finding> {
        let (name, auc, p) = self.surest.as_ref()?;
        let differs = kind.fault && *p <= DIFFERENT;
        let evidence =
            format!("{name} differs between the classes (AUC {auc:.2} by itself, {}).", p_words(*p));
        differs.then(|| {
            Finding::new(&format!("{}_differs_by_label", self.name), Severity::Note, evidence, kind.advice)
                .number(Figure::tested("auc", *auc, *p))
                .columns(vec![name.clone()])
        })
    }
}

/// The whole table and every baseline that can be fitted; what cannot goes to `unchecked`.
pub(crate) fn baselines(
    seen: &Seen<'_>,
    plan: &Plan,
    watch: Watch<'_>,
    unchecked: &mut Vec<Unchecked>,
) -> Result<(Option<Whole>, Vec<Baseline>), Error> {
    let mut say = |name: &str, reason: String| {
        unchecked.push(Unchecked { check: format!("{name} baseline"), reason });
    };
    let whole = match judged(seen.masked, plan) {
        Ok(nested) => Some(Whole { auc: auc_of(&nested, plan), repeats: nested.repeats }),
        Err(reason) => {
            say("whole table as a", reason?);
            None
        }
    };
    let baselines = each(seen, plan, KINDS.iter(), watch, &mut say)?;
    Ok((whole, baselines))
}

/// The baselines of a card under the plan's first family. Gaps are left out: every card has them as a reading.
pub(crate) fn of_card(seen: &Seen<'_>, plan: &Plan, watch: Watch<'_>) -> Result<Baselines, Error> {
    let plan = Plan {
        families: plan.families[..1].to_vec(),
        by: None,
        permutations: 0,
        curve: vec![],
        ..plan.clone()
    };
    let mut unchecked = vec![];
    let kinds = KINDS.iter().filter(|kind| !matches!(kind.source, Source::Gaps));
    let fitted = each(seen, &plan, kinds, watch, &mut |check: &str, reason| {
        unchecked.push(Unchecked { check: check.to_owned(), reason });
    })?;
    Ok(Baselines { estimator: plan.families[0].name.clone(), fitted, unchecked })
}

/// Fits each kind that has columns; `say` hears of those that have none.
fn each<'k>(
    seen: &Seen<'_>,
    plan: &Plan,
    kinds: impl Iterator<Item = &'k Kind> + Clone,
    watch: Watch<'_>,
    say: &mut dyn FnMut(&str, String),
) -> Result<Vec<Baseline>, Error> {
    let of = kinds.clone().count();
    let mut baselines = vec![];
    for (done, kind) in kinds.enumerate() {
        match columns(kind, seen)?.ok_or_else(|| Ok(absent(kind))).and_then(|table| {
            let nested = judged(&table, plan)?;
            Ok((table, nested))
        }) {
            Ok((table, nested)) => {
                let alone = alone(&table, seen.labels);
                let most = alone.iter().reduce(|best, it| if it.1 > best.1 { it } else { best });
                let surest = alone.iter().reduce(|best, it| if it.2 < best.2 { it } else { best });
                baselines.push(Baseline {
                    name: kind.name.to_owned(),
                    columns: table.columns().iter().map(name_of).collect(),
                    auc: auc_of(&nested, plan),
                    most: most.map(|(name, auc, _)| (name.clone(), *auc)),
                    surest: surest.cloned(),
                });
            }
            Err(reason) => say(kind.name, reason?),
        }
        watch(Progress { stage: "baselines", done: done + 1, of });
    }
    Ok(baselines)
}

fn absent(kind: &Kind) -> String {
    match &kind.source {
        Source::Columns(_) => {
            "the table has no such columns; `inkling measure` of a cohort with submissions.csv makes them"
                .to_owned()
        }
        Source::Recorded(_) => "not recorded, or the same for everybody".to_owned(),
        Source::Gaps => "nothing is missing".to_owned(),
    }
}

/// Each column by the people of whom it is known, at least half: its name, its area (at least .5), and its p-value times the
/// number of such columns.
fn alone(table: &FeatureTable, labels: &[bool]) -> Vec<(String, f64, f64)> {
    let known = |column: usize| {
        let cells =
            (0..table.len()).filter_map(|row| Some((f64::from(table.value(row, column)?), labels[row])));
        let (cells, labels): (Vec<f64>, Vec<bool>) = cells.unzip();
        let (area, p) = (2 * cells.len() >= table.len()).then(|| rank_sum(&cells, &labels))??;
        Some((name_of(&table.columns()[column]), area.max(1.0 - area), p))
    };
    let mut found: Vec<(String, f64, f64)> = (0..table.columns().len()).filter_map(known).collect();
    let tests = found.len() as f64;
    found.iter_mut().for_each(|it| it.2 = (it.2 * tests).min(1.0));
    found
}

fn name_of(column: &Column) -> String {
    if column.task.as_str() == RECORDED { column.feature.clone() } else { column.name() }
}

/// Nested folds on a table; `Err(Ok(…))` says why it cannot be fitted, `Err(Err(…))` is a broken house.
fn judged(table: &FeatureTable, plan: &Plan) -> Result<Nested, Result<String, Error>> {
    let fitted = Training::new(table).and_then(|everybody| nested(&everybody, plan, &Stage::silent()));
    let first = |mut families: Vec<Nested>| families.swap_remove(0);
    fitted.map(first).map_err(|error| match error {
        Error::NothingMeasured { .. }
        | Error::Groups { .. }
        | Error::Study(study::Error::TooFewPeople { .. }) => Ok(error.to_string()),
        other => Err(other),
    })
}

fn auc_of(nested: &Nested, plan: &Plan) -> Interval {
    crate::card::reading(nested, plan).metrics.auc
}

/// The table of a baseline; `None` where there is nothing to fit.
fn columns(kind: &Kind, seen: &Seen<'_>) -> Result<Option<FeatureTable>, Error> {
    match kind.source {
        Source::Columns(chosen) => {
            let of = |table: &FeatureTable| {
                let columns = table.columns();
                let places: Vec<usize> =
                    (0..columns.len()).filter(|&it| chosen(&columns[it].feature)).collect();
                (!places.is_empty()).then(|| table.select(&places))
            };
            // Columns of people are taken with copied blocks missing, those of rooms and files as they are.
            let room = of(seen.every).filter(|it| it.columns().iter().any(|it| of_the_room(&it.feature)));
            Ok(room.or_else(|| of(seen.masked)))
        }
        Source::Recorded(recorded) => known(seen.table.participants(), recorded),
        Source::Gaps => missingness(seen.masked),
    }
}

/// Stands for a task in columns of what is recorded of people.
const RECORDED: &str = "recorded";

/// Most words of one kind that get a column; rarer ones share none.
const MOST_WORDS: usize = 20;

/// A column a number and one a word, each 0 or 1, and missing where nothing is recorded.
fn known(people: &[Participant], recorded: &[Recorded]) -> Result<Option<FeatureTable>, Error> {
    let mut columns: Vec<(String, Vec<Option<f64>>)> = vec![];
    for (name, read) in recorded {
        match read {
            Read::Number(read) => columns.push(((*name).to_owned(), people.iter().map(read).collect())),
            Read::Word(read) => {
                let words: Vec<Option<String>> = people.iter().map(read).collect();
                for word in frequent(&words) {
                    let is = |it: &Option<String>| it.as_ref().map(|it| f64::from(u8::from(*it == word)));
                    columns.push((format!("{name}={word}"), words.iter().map(is).collect()));
                }
            }
        }
    }
    columns.retain(|(_, cells)| {
        let mut known = cells.iter().flatten();
        known.next().is_some_and(|first| known.any(|it| it != first))
    });
    if columns.is_empty() {
        return Ok(None);
    }
    let task = study::Task::new(RECORDED)?;
    let header = columns.iter().map(|(name, _)| Column::new(task.clone(), name, Unit::One));
    let mut table = FeatureTable::new(header.collect())?;
    for (row, person) in people.iter().enumerate() {
        let cell = |(_, cells): &(String, Vec<Option<f64>>)| {
            cells[row].map_or(Value::Missing("not recorded".into()), Value::Measured)
        };
        table.push(person.clone(), columns.iter().map(cell).collect::<Vec<_>>())?;
    }
    Ok(Some(table))
}

fn frequent(words: &[Option<String>]) -> Vec<String> {
    let mut counts: std::collections::BTreeMap<&String, usize> = std::collections::BTreeMap::new();
    words.iter().flatten().for_each(|word| *counts.entry(word).or_default() += 1);
    let mut words: Vec<(&String, usize)> = counts.into_iter().collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    words.into_iter().take(MOST_WORDS).map(|(word, _)| word.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Audit, audit,
        audit::planted::{changed, cohort, plain},
        synthetic,
    };
    use study::{Cohort, Task};

    fn audited(cohort: &Cohort) -> Audit {
        audit(cohort, &Plan { repeats: 2, draws: 200, ..Plan::audit() }, &|_| ()).unwrap()
    }

    fn baseline<'a>(audit: &'a Audit, name: &str) -> Option<&'a Baseline> {
        audit.baselines.iter().find(|it| it.name == name)
    }

    /// Eight columns of nothing and one more, of `feature`, that holds the label.
    fn with_column(feature: &str, told: bool) -> FeatureTable {
        let plain = synthetic::blocks(80, (2, 4), 0.3, 3);
        let mut columns = plain.columns().to_vec();
        columns.push(Column::new(Task::new("picture").unwrap(), feature, Unit::Decibel));
        let mut table = FeatureTable::new(columns).unwrap();
        for row in 0..80 {
            let level = if told && row % 2 == 1 { 3.0 } else { 0.0 } + (row / 2 * 7 % 10) as f64 / 2.0 + 40.0;
            let cells = plain.row(row).flatten().map(f64::from).chain([level]).map(Value::Measured);
            table.push(plain.participants()[row].clone(), cells.collect::<Vec<_>>()).unwrap();
        }
        table
    }

    #[test]
    fn a_room_that_tells_the_label_by_its_silence_is_serious() {
        for (feature, name) in
            [("silence.level.dbfs", "silence"), ("file.sample_rate", "file"), ("capture.weekday", "capture")]
        {
            let audit = audited(&cohort(with_column(feature, true)));
            assert!(baseline(&audit, name).unwrap().auc.low > 0.8, "{:?}", audit.baselines);
            let kind = format!("{name}_predicts_label");
            let finding = audit.open().find(|it| it.kind == kind).unwrap();
            assert_eq!(finding.columns, [format!("picture/{feature}")]);
            assert!(finding.evidence.contains("every column reaches AUC"), "{finding:?}");
            assert!(audited(&cohort(with_column(feature, false))).findings.iter().all(|it| it.kind != kind));
        }
    }

    #[test]
    fn durations_are_a_note_whatever_they_tell() {
        let timed =
            ["voice.duration", "ink.time.total", "ink.darwin.total_time", "silence.time.total", "file.bytes"];
        for feature in timed {
            let audit = audited(&cohort(with_column(feature, true)));
            let finding = audit.findings.iter().find(|it| it.kind == "duration_predicts_label").unwrap();
            assert_eq!(finding.severity, Severity::Note, "{feature}");
            assert!(
                !audit
                    .findings
                    .iter()
                    .any(|it| it.kind.starts_with("silence") || it.kind.starts_with("file"))
            );
        }
    }

    #[test]
    fn what_is_of_the_room_does_not_reach_the_whole_table() {
        let audit = audited(&cohort(with_column("file.sample_rate", true)));
        assert_eq!(audit.columns, 8);
        assert!(audit.whole_table.unwrap().value < 0.8, "the label's own column was left in");
        let order = audited(&cohort(with_column("file.order", true)));
        assert!(order.findings.iter().any(|it| it.kind == "file_order_predicts_label" && !it.open()));
        assert!(baseline(&order, "file").is_none());
    }

    #[test]
    fn the_column_that_tells_most_is_named() {
        let table = changed(&with_column("file.sample_rate", true), |_, _, _| ());
        let labels: Vec<bool> = table.participants().iter().map(|it| it.label.unwrap().impaired()).collect();
        let all = alone(&table, &labels);
        let (name, area, p) = all.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert!(name == "picture/file.sample_rate" && *area > 0.8 && *p < 1e-3, "{name} {area} {p}");
    }

    #[test]
    fn sites_and_ages_are_fitted_like_any_other_column() {
        let table = changed(&plain(80), |row, person, _| {
            let second = if row % 2 == 1 { row % 16 != 1 } else { row % 16 == 0 };
            person.site = Some(if second { "Busan" } else { "Seoul" }.to_owned());
            person.age =
                (row != 3).then_some(65.0 + (row * 7 % 13) as f64 + if row % 2 == 1 { 4.0 } else { 0.0 });
        });
        let audit = audited(&cohort(table));
        let metadata = baseline(&audit, "metadata").unwrap();
        assert_eq!(metadata.columns, ["site=Busan", "site=Seoul"]);
        assert!(metadata.auc.low > 0.6, "{metadata:?}");
        assert!(audit.open().any(|it| it.kind == "metadata_predicts_label"));
        assert!(baseline(&audit, "demographics").unwrap().auc.value > 0.65);
        assert!(audit.findings.iter().any(|it| it.kind == "demographics_predicts_label"));
    }

    #[test]
    fn what_cannot_be_fitted_is_said() {
        let audit = audited(&cohort(plain(60)));
        let reason = |check: &str| audit.unchecked.iter().find(|it| it.check == check).map(|it| &*it.reason);
        assert_eq!(
            reason("silence baseline"),
            Some(
                "the table has no such columns; `inkling measure` of a cohort with submissions.csv makes them"
            )
        );
        assert_eq!(reason("demographics baseline"), Some("not recorded, or the same for everybody"));
        assert_eq!(reason("missingness baseline"), Some("nothing is missing"));
        assert!(audit.baselines.is_empty() && audit.whole_table.is_some());
    }
}
