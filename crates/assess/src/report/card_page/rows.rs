//! Tables whose rows are estimates on one scale: readings, baselines, groups of people, tasks.

use learn::{
    Card, Interval,
    card::Reading,
    screener::{FormEvidence, SetEvidence},
};
use maud::{Markup, html};

use super::{auc, not_run, short};
use crate::figure::Forest;

/// One estimate of a forest.
pub(super) struct Row {
    pub(super) name: String,
    /// Number of people, and what more stands in the column.
    pub(super) people: String,
    pub(super) estimate: Option<Interval>,
    pub(super) greyed: bool,
    /// What is to be said of it.
    pub(super) words: String,
}

impl Row {
    fn new(name: &str, people: usize, estimate: Interval, words: &str) -> Self {
        let (name, words) = (name.to_owned(), words.to_owned());
        Self { name, people: people.to_string(), estimate: Some(estimate), greyed: false, words }
    }
}

/// A table of rows on one scale; the pale line is `headline`.
fn forest(heads: [&str; 4], rows: &[Row], headline: Option<f64>) -> Markup {
    let forest = Forest::new(rows.iter().filter_map(|it| it.estimate).map(|it| it.low), headline);
    on(&forest, heads, rows, auc)
}

/// A table of rows on a scale of its own, their estimates in `words`.
pub(super) fn on(forest: &Forest, heads: [&str; 4], rows: &[Row], words: fn(&Interval) -> String) -> Markup {
    html! {
        div.table-scroll { table.forest {
            tr { th { (heads[0]) } th.num { (heads[1]) } th.plot { (forest.scale()) } th.num { (heads[2]) } th { (heads[3]) } }
            @for row in rows {
                tr class=(if row.greyed { "greyed" } else { "" }) {
                    td.name { (row.name) }
                    td.num { (row.people) }
                    @match &row.estimate {
                        Some(it) => { td.plot { (forest.row((it.value, it.low, it.high), row.greyed)) } td.num { (words(it)) } }
                        None => { td.plot {} td.num { "one class only" } }
                    }
                    td.why { (row.words) }
                }
            }
        } }
    }
}

/// The headline's estimator on every reading of the cohort, then the other estimators.
pub(super) fn readings(card: &Card) -> Markup {
    let headline = card.readings.masked.metrics.auc.value;
    let rows_of = |it: &learn::card::Evidence| {
        let row = |name: &str, reading: &Reading, words: &str| {
            Row::new(name, reading.people, reading.metrics.auc, words)
        };
        let mut rows = vec![
            row(
                "copied blocks masked",
                &it.readings.masked,
                "the headline: copies missing, and imputed inside the fold",
            ),
            row("as published", &it.readings.as_published, "the file as it is, copies and all"),
        ];
        rows.extend(
            it.readings
                .untouched
                .as_ref()
                .map(|it| row("untouched people", it, "only people with no copied block")),
        );
        rows.extend(
            it.missingness_only
                .as_ref()
                .map(|it| row("missingness only", it, "which blocks are missing, and nothing measured")),
        );
        rows
    };
    let heads = ["reading", "people", "AUC (95 %)", "what it is"];
    html! {
        section {
            h2 { "The same cohort, read side by side" small { (card.estimator) } }
            @if let Some(first) = card.estimators.first() { (forest(heads, &rows_of(first), Some(headline))) }
            @for it in card.estimators.iter().skip(1) {
                details {
                    summary { "the same with " (it.name) ": AUC " (auc(&it.readings.masked.metrics.auc)) }
                    (forest(heads, &rows_of(it), Some(headline)))
                }
            }
        }
    }
}

/// The headline beside columns that should not matter.
pub(super) fn baselines(card: &Card) -> Markup {
    let masked = &card.readings.masked;
    let mut rows = vec![Row::new("the headline", masked.people, masked.metrics.auc, "every column")];
    if let Some(it) = &card.missingness_only {
        rows.push(Row::new("missingness", it.people, it.metrics.auc, "which blocks are missing"));
    }
    for it in card.baselines.iter().flat_map(|it| &it.fitted) {
        rows.push(Row::new(&it.name, masked.people, it.auc, &columns(&it.columns)));
    }
    // Each reason once, with all it holds for.
    let mut absent: Vec<(&str, Vec<&str>)> = vec![];
    for it in card.baselines.iter().flat_map(|it| &it.unchecked) {
        let check = it.check.trim_end_matches(" baseline");
        match absent.iter_mut().find(|known| known.0 == it.reason) {
            Some((_, checks)) => checks.push(check),
            None => absent.push((&it.reason, vec![check])),
        }
    }
    let absent: Vec<String> =
        absent.iter().map(|(reason, checks)| format!("{} ({reason})", checks.join(", "))).collect();
    let by = card.baselines.as_ref().map_or(String::new(), |it| format!("baselines by {}", it.estimator));
    html! {
        section {
            h2 { "Could it be something else?" small { (by) } }
            (forest(["columns", "people", "AUC (95 %)", "what they are"], &rows, Some(masked.metrics.auc.value)))
            @if card.baselines.is_none() { (not_run("Baselines (silence, file, device, duration, demographics) were", "inkling evaluate COHORT")) }
            @if !absent.is_empty() { p.meta { "Could not be fitted: " (absent.join("; ")) "." } }
        }
    }
}

/// Columns in words: their number, and the first.
fn columns(columns: &[String]) -> String {
    match columns {
        [] => String::new(),
        [one] => one.clone(),
        [first, ..] => format!("{} columns: {first}, …", columns.len()),
    }
}

/// The headline within groups of people.
pub(super) fn subgroups(card: &Card) -> Markup {
    let rows: Vec<Row> = card.subgroups.iter().map(group).collect();
    let headline = Some(card.readings.masked.metrics.auc.value);
    html! {
        section {
            h2 { "Groups of people" small { "pale: fewer than 30, too few to read" } }
            @if rows.is_empty() { p.meta { "Age, sex, education, language, site and device of these people are not recorded: an average may hide a group that fails." } }
            @else { (forest(GROUPS, &rows, headline)) }
            (super::more::left_out(card))
        }
    }
}

/// Heads of a table of groups.
const GROUPS: [&str; 4] = ["group", "people (impaired)", "AUC (95 %)", "sensitivity · specificity"];

/// Each site or device that was left out whole.
pub(super) fn left_out(it: &learn::evaluate::LeftOut, headline: f64) -> Markup {
    let row = |it: &learn::evaluate::LeftOutGroup| Row {
        name: it.name.clone(),
        people: format!("{} ({})", it.people, it.impaired),
        estimate: it.auc,
        greyed: it.people < SMALL,
        words: both(it.sensitivity.as_ref(), it.specificity.as_ref()),
    };
    forest(GROUPS, &it.groups.iter().map(row).collect::<Vec<_>>(), Some(headline))
}

/// Every estimator on the people set aside.
pub(super) fn holdout(it: &learn::evaluate::HoldoutLook, headline: f64) -> Markup {
    let row = |it: &learn::evaluate::HoldoutEvidence| {
        let m = &it.reading.metrics;
        let people = format!("{} ({})", it.reading.people, it.reading.impaired);
        Row { people, ..Row::new(&it.name, 0, m.auc, &both(Some(&m.sensitivity), Some(&m.specificity))) }
    };
    let heads = ["estimator", GROUPS[1], GROUPS[2], GROUPS[3]];
    forest(heads, &it.estimators.iter().map(row).collect::<Vec<_>>(), Some(headline))
}

/// Groups of fewer people are pale, as in `learn`.
const SMALL: usize = 30;

/// Sensitivity and specificity, each where there is one.
fn both(sensitivity: Option<&Interval>, specificity: Option<&Interval>) -> String {
    let words = |it: Option<&Interval>| it.map_or("–".to_owned(), short);
    format!("{} · {}", words(sensitivity), words(specificity))
}

fn group(it: &learn::subgroup::Subgroup) -> Row {
    let words = both(it.sensitivity.as_ref(), it.specificity.as_ref());
    Row {
        name: format!("{}: {}", it.by, it.group),
        people: format!("{} ({})", it.people, it.impaired),
        estimate: it.auc,
        greyed: it.greyed,
        words,
    }
}

/// Every task alone, and sets of tasks, of one form of a screener.
pub(super) fn tasks(form: &FormEvidence) -> Markup {
    let mut sets: Vec<&SetEvidence> = form.sets.iter().collect();
    sets.sort_by(|a, b| {
        let single = |it: &SetEvidence| it.operating.size == 1 && !it.operating.tasks.is_empty();
        single(a).cmp(&single(b)).then(b.metrics.auc.value.total_cmp(&a.metrics.auc.value))
    });
    let parts =
        if sets.iter().any(|it| !it.operating.modalities.is_empty()) { "modalities" } else { "tasks" };
    let by = if parts == "tasks" { "task by task" } else { "modality by modality" };
    let rows: Vec<Row> = sets.into_iter().map(|it| set(it, parts)).collect();
    html! {
        section {
            h2 { "Form " (form.form) ", " (by) small { (if form.features.is_empty() { "every feature".to_owned() } else { form.features.join(", ") }) } }
            (forest([parts, "people", "AUC (95 %)", "sensitivity · specificity at the upper cut"], &rows, None))
        }
    }
}

fn set(it: &SetEvidence, parts: &str) -> Row {
    let operating = &it.operating;
    let name = match (operating.modalities.as_slice(), operating.tasks.as_slice()) {
        ([], []) if operating.size == 1 => format!("any one of the {parts}, on average"),
        ([], []) => format!("any {} {parts}, on average", operating.size),
        ([], [task]) => task.to_string(),
        ([], tasks) => format!("all {} tasks", tasks.len()),
        ([modality], _) => modality.clone(),
        (modalities, _) => modalities.join(" + "),
    };
    let words = format!("{} · {}", short(&operating.upper.sensitivity), short(&operating.upper.specificity));
    Row::new(&name, operating.people, it.metrics.auc, &words)
}
