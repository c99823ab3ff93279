//! The grounds of a score: contributions, card and limits.

use learn::{Card, Interval, Score, screener::SetEvidence};
use maud::{Markup, html};

use super::super::{Wording, wording};
use crate::{assessment::Assessment, figure};

/// What moved the score, what it rests on, and what is not known.
pub(super) fn grounds(assessment: &Assessment, (score, card): (&Score, &Card), how: Wording) -> Markup {
    let bars: Vec<(String, f64, String)> = score
        .contributions
        .iter()
        .map(|it| {
            let task = wording::own_name(&it.task, assessment);
            (format!("{} ({task})", wording::label(&it.feature)), it.amount, format!("{:+.2}", it.amount))
        })
        .collect();
    html! {
        section {
            h2 { "What moved the score" small { "contributions to the log likelihood ratio" } }
            (figure::bars(&bars))
            p.meta {
                "Baseline " (format!("{:+.2}", score.baseline)) " and contributions sum to "
                (format!("{:+.2}", score.likelihood_ratio.value.ln())) ", the natural logarithm of the likelihood ratio. Each is the \
                coefficient times the distance of the value (as a logarithm) from the study's mean."
            }
        }
        section {
            h2 { "What this rests on" }
            table {
                @for (name, words) in rests_on(score, card) { tr { td.name { (name) } td { (words) } } }
            }
            @if let Some(words) = wording::arithmetic(score, card, how) { p { (words) } }
            @if let Some(words) = wording::coverage(score) { p { (words) } }
            h3 { "What is not known" }
            ul { @for limit in &card.limits { li { (limit) } } }
        }
    }
}

/// The card in a few lines: screener, people, honest estimate, the other readings.
pub(crate) fn rests_on(score: &Score, card: &Card) -> Vec<(&'static str, String)> {
    let cohort = &card.cohort;
    let mut lines = vec![
        (
            "screener",
            format!(
                "{}, form {}, digest {}",
                score.screener,
                score.form,
                &score.digest[..12.min(score.digest.len())]
            ),
        ),
        (
            "fitted on",
            format!(
                "{}: {} people ({} healthy, {} dementia, {} MCI). {}",
                cohort.name, cohort.people, cohort.healthy, cohort.dementia, cohort.mci, cohort.description
            ),
        ),
    ];
    if let Some(set) = evidence_for(score, card) {
        let of = match score.tasks.as_slice() {
            [task] => format!("task {task} alone"),
            tasks => format!("{} tasks", tasks.len()),
        };
        lines.push((
            "honest estimate",
            format!("AUC {} for {of}; nested cross-validation by people", auc(&set.metrics.auc)),
        ));
    }
    let readings = &card.readings;
    let mut others = format!(
        "all tasks: masked {}, as published {}",
        auc(&readings.masked.metrics.auc),
        auc(&readings.as_published.metrics.auc)
    );
    if let Some(untouched) = &readings.untouched {
        others +=
            &format!(", {} people with no copied block {}", untouched.people, auc(&untouched.metrics.auc));
    }
    if let Some(missingness) = &card.missingness_only {
        others += &format!(", missingness alone {}", auc(&missingness.metrics.auc));
    }
    lines.push(("other readings", others));
    lines.push(("source", format!("{}. {}.", cohort.source.trim_end_matches('.'), cohort.licence)));
    lines
}

/// The evidence that the score names as its own: for exactly its tasks or modalities, or for random sets of a smaller number.
fn evidence_for<'a>(score: &Score, card: &'a Card) -> Option<&'a SetEvidence> {
    let form = card.forms.iter().find(|form| form.form == score.form)?;
    form.sets.iter().find(|set| Some(&set.operating) == score.operating.as_ref())
}

/// `.77 (.70–.84)`.
pub(crate) fn auc(interval: &Interval) -> String {
    let short = |value: f64| format!("{value:.3}").trim_start_matches('0').to_owned();
    format!("{} ({}–{})", short(interval.value), short(interval.low), short(interval.high))
}
