//! Where values stand among published ones, and what has changed: words for text, page and JSON.

use feature::{Definition, Unit};
use maud::{Markup, html};

use super::{text::Text, wording};
use crate::{
    assessment::Assessment,
    norm::{Change, Judgement, Standing, Stands},
    words,
};

/// What is said above every table of published values.
const NOT_A_NORM: &str = "What other studies found, for context: nothing here enters the score, and no probability follows from it.";

/// One value with what is published about it: task, measure with value, sentences, notes.
struct Line {
    measure: String,
    value: String,
    sentences: Vec<String>,
    notes: Vec<String>,
}

fn lines(assessment: &Assessment) -> Vec<Line> {
    let line = |it: &Stands| {
        let unit = unit(&it.feature);
        Line {
            measure: format!("{} ({})", wording::label(&it.feature), it.task),
            value: with_unit(it.value, unit),
            sentences: it.standings.iter().map(|standing| sentence(standing, unit)).collect(),
            notes: it.standings.iter().filter_map(note).collect(),
        }
    };
    assessment.standings.iter().map(line).collect()
}

/// What may be said, by how good the source is.
fn sentence(standing: &Standing, unit: Unit) -> String {
    match standing {
        Standing::Percentile { percentile, z, stratum, n, .. } => {
            let n = n.map(|n| format!(", n {n}")).unwrap_or_default();
            format!("Better than {percentile:.0} % of {stratum}{n} (z {z:+.1}).")
        }
        Standing::Study { groups, language, .. } => {
            let group = |(name, n, mean, sd): &(String, Option<u32>, f64, Option<f64>)| {
                let sd = sd.map(|sd| format!(" ± {}", words::number(sd, unit))).unwrap_or_default();
                let n = n.map(|n| format!(", n {n}")).unwrap_or_default();
                format!("{name} {}{sd}{n}", words::number(*mean, unit))
            };
            let groups: Vec<String> = groups.iter().map(group).collect();
            format!("In one study ({language}) group means were: {}.", groups.join("; "))
        }
        Standing::Context { group, sensitivity, specificity, .. } => {
            format!(
                "Elsewhere ({group}) a cut-off reached sensitivity {sensitivity:.2} and specificity {specificity:.2}."
            )
        }
        Standing::Unknown { reason } => format!("No percentile: {reason}."),
    }
}

/// Citation and warning.
fn note(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Percentile { source, note, .. }
        | Standing::Study { source, note, .. }
        | Standing::Context { source, note, .. } => {
            Some(if note.is_empty() { source.clone() } else { format!("{source}: {note}") })
        }
        Standing::Unknown { .. } => None,
    }
}

/// Every source once, in the order in which it is needed.
fn sources(lines: &[Line]) -> Vec<String> {
    let mut sources: Vec<String> = Vec::new();
    for note in lines.iter().flat_map(|it| &it.notes) {
        if !sources.contains(note) {
            sources.push(note.clone());
        }
    }
    sources
}

/// The section of the page; nothing where nothing is published.
pub(super) fn published_page(assessment: &Assessment) -> Markup {
    let lines = lines(assessment);
    let sources = sources(&lines);
    let mark = |line: &Line| {
        let place = |note: &String| sources.iter().position(|it| it == note).map(|it| (it + 1).to_string());
        line.notes.iter().filter_map(place).collect::<Vec<_>>().join(", ")
    };
    html! {
        @if !lines.is_empty() {
            section {
                details {
                    summary { "what other studies found for " (lines.len()) " of these measures" }
                    p.meta { (NOT_A_NORM) }
                    table {
                        tr { th { "measure" } th.num { "value" } th { "published" } th { "source" } }
                        @for line in &lines {
                            tr { td.name { (line.measure) } td.num { (line.value) } td.why { (line.sentences.join(" ")) } td.why { (mark(line)) } }
                        }
                    }
                    ol.meta { @for source in &sources { li { (source) } } }
                }
            }
        }
    }
}

/// The same for a terminal.
pub(super) fn published_text(text: &mut Text, assessment: &Assessment) {
    let lines = lines(assessment);
    if lines.is_empty() {
        return;
    }
    text.blank();
    text.wrapped("", NOT_A_NORM);
    for line in &lines {
        text.wrapped("  ", &format!("{}, {}. {}", line.measure, line.value, line.sentences.join(" ")));
    }
    sources(&lines).iter().for_each(|source| text.wrapped("  source  ", source));
}

/// How a change is shown, and what follows from it.
fn judged(change: &Change) -> (&'static str, String) {
    match &change.judgement {
        Judgement::Reliable { index, better, .. } => {
            let way = match better {
                Some(true) => "better",
                Some(false) => "worse",
                None => "other",
            };
            ("warn", format!("reliably {way} ({index:+.1} standard errors)"))
        }
        Judgement::Noise { index, .. } => ("why", format!("within noise ({index:+.1} standard errors)")),
        Judgement::NotJudged { .. } => ("why", "not judged".to_owned()),
    }
}

/// `2026-05-02, 206 days before`.
fn since(assessment: &Assessment) -> String {
    let Some(changes) = &assessment.changes else { return String::new() };
    let day = changes.since.clone().unwrap_or_else(|| "a day not recorded".to_owned());
    match changes.days {
        Some(days) => format!("{day}, {days} days before"),
        None => day,
    }
}

/// Sources of the reliability that changes rest on, each once.
fn grounds(rows: &[Change]) -> Vec<String> {
    let mut grounds: Vec<String> = Vec::new();
    for row in rows {
        if let Judgement::Reliable { source, note, .. } | Judgement::Noise { source, note, .. } =
            &row.judgement
        {
            let words = format!("{source}: {note}");
            if !grounds.contains(&words) {
                grounds.push(words);
            }
        }
    }
    grounds
}

/// Why measures were not judged, each reason once with the number of measures.
fn not_judged(rows: &[Change]) -> Vec<String> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        let Judgement::NotJudged { reason } = &row.judgement else { continue };
        match reasons.iter_mut().find(|it| it.0 == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.into_iter().map(|(reason, count)| format!("Not judged ({count}): {reason}.")).collect()
}

/// «Since last time» on the page.
pub(super) fn changes_page(assessment: &Assessment) -> Markup {
    let Some(changes) = &assessment.changes else { return html! {} };
    html! {
        section {
            h2 { "Since last time" small { (since(assessment)) } }
            @if changes.rows.is_empty() { p.meta { "No measure is in both sessions." } }
            @else {
                table {
                    tr { th { "measure" } th.num { "then" } th.num { "now" } th.num { "change" } th { "more than noise?" } }
                    @for row in &changes.rows {
                        @let unit = unit(&row.feature);
                        @let (class, words) = judged(row);
                        tr {
                            td.name { (wording::label(&row.feature)) " (" (row.task) ")" }
                            td.num { (with_unit(row.then, unit)) } td.num { (with_unit(row.now, unit)) }
                            td.num { (difference(row, unit)) } td class=(class) { (words) }
                        }
                    }
                }
            }
            @for reason in not_judged(&changes.rows) { p.meta { (reason) } }
            p.meta { (RELIABLE) }
            @for ground in grounds(&changes.rows) { p.meta { (ground) } }
        }
    }
}

/// What «reliable» means here.
const RELIABLE: &str = "Reliable: more than 1.96 standard errors of a difference (Jacobson & Truax 1991), from the published reliability of the \
                        measure, or else from the people of the screener's own cohort who came again. Where there is neither, nothing is \
                        concluded from a change.";

/// The same for a terminal.
pub(super) fn changes_text(text: &mut Text, assessment: &Assessment) {
    let Some(changes) = &assessment.changes else { return };
    text.blank();
    text.line(&format!("Since last time ({})", since(assessment)));
    for row in &changes.rows {
        let unit = unit(&row.feature);
        let name = format!("{} ({})", wording::label(&row.feature), row.task);
        let values = format!("{} → {}", words::number(row.then, unit), with_unit(row.now, unit));
        text.wrapped("  ", &format!("{name}: {values}; {}", judged(row).1));
    }
    not_judged(&changes.rows).iter().for_each(|reason| text.wrapped("  ", reason));
    text.wrapped("  ", RELIABLE);
    grounds(&changes.rows).iter().for_each(|ground| text.wrapped("  source  ", ground));
}

fn difference(row: &Change, unit: Unit) -> String {
    let change = row.now - row.then;
    let sign = if change > 0.0 { "+" } else { "" };
    format!("{sign}{}", words::number(change, unit)).replace('-', "−")
}

fn unit(feature: &str) -> Unit {
    let found: Option<Definition> =
        crate::dictionary().into_iter().map(|it| it.1).find(|it| it.name == feature);
    found.map_or(Unit::One, |it| it.unit)
}

fn with_unit(value: f64, unit: Unit) -> String {
    format!("{} {}", words::number(value, unit), words::unit(unit)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_and_a_study_read_as_sentences() {
        let percentile = Standing::Percentile {
            percentile: 15.87,
            z: -1.0,
            stratum: "healthy people, 70–79 y, female, English".to_owned(),
            n: Some(392),
            source: "NACC".to_owned(),
            note: String::new(),
        };
        assert_eq!(
            sentence(&percentile, Unit::Count),
            "Better than 16 % of healthy people, 70–79 y, female, English, n 392 (z -1.0)."
        );
        let study = Standing::Study {
            groups: vec![
                ("healthy".to_owned(), Some(82), 47.463, Some(26.2)),
                ("AD".to_owned(), None, 84.287, None),
            ],
            language: "Italian".to_owned(),
            source: "DARWIN".to_owned(),
            note: "no ages".to_owned(),
        };
        assert_eq!(
            sentence(&study, Unit::Second),
            "In one study (Italian) group means were: healthy 47.5 ± 26.2, n 82; AD 84.3."
        );
        assert_eq!(note(&study).unwrap(), "DARWIN: no ages");
    }
}
