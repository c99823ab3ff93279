//! The report as one self-contained page: the answer first, evidence below.

use feature::{Feature, Value};
use learn::{Card, Interval, Score, SetEvidence};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Wording, key::is_key, wording};
use crate::{
    assessment::{Assessment, Conclusion, Performed},
    figure::{self, Inked, Sounding},
    measurement::{Analysis, Measurement},
    words,
};

/// Columns of the drawn waveform: one for each pixel of the figure.
const COLUMNS: usize = 800;

/// The whole report as HTML. Nothing is loaded from elsewhere.
pub fn report_page(assessment: &Assessment, how: Wording) -> String {
    let body = html! {
        header {
            h1 { "Inkling · screening report" }
            div.meta { (wording::who(&assessment.session)) }
        }
        @if assessment.session.synthetic { div.banner { (wording::SYNTHETIC) } }
        (answer(assessment, how))
        @for (place, performed) in assessment.performed.iter().enumerate() { (task(performed, place)) }
        (missing(assessment))
        @if let (Some(score), Some(card)) = (assessment.conclusion.score(), &assessment.card) { (grounds(assessment, (score, card), how)) }
        div.words {
            p { (wording::WHAT_IT_IS) }
            p.meta { (wording::colophon(assessment)) }
        }
        script { (PreEscaped(include_str!("replay.js"))) }
    };
    let lead = if assessment.session.synthetic {
        format!("<!-- {} -->\n", wording::SYNTHETIC)
    } else {
        String::new()
    };
    lead + &document("Inkling screening report", &body).into_string()
}

/// A page of ours: title, style, body.
pub(crate) fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { (body) }
        }
    }
}

fn answer(assessment: &Assessment, how: Wording) -> Markup {
    let conclusion = &assessment.conclusion;
    let class = match conclusion {
        Conclusion::Scored(score) if score.band == learn::Band::High => "high",
        Conclusion::Scored(score) if score.band == learn::Band::Low => "low",
        _ => "open",
    };
    let judged = conclusion.score().zip(assessment.card.as_deref());
    html! {
        section class=(format!("answer {class}")) {
            div {
                p.lead { (wording::headline(conclusion)) }
                @for reason in wording::why_not(conclusion) { p { (reason) } }
                @if let Some((score, card)) = judged {
                    p { (wording::evidence(score, card)) }
                    p { (wording::probability(score, card, how)) }
                    p.not { "It does not diagnose. " (wording::people_like_this(score, card, how)) }
                } @else { p.not { (wording::WHAT_IT_IS) } }
            }
            div {
                @if let Some((score, _)) = judged { (moved(score, assessment)) }
                @for line in wording::not_in_score(assessment) { p.meta { (line) } }
                @for (performed, why) in wording::declined(assessment) { p.meta { b { (performed.task) } " (" (performed.measured.file) ") declined: " (why) } }
            }
        }
    }
}

fn moved(score: &Score, assessment: &Assessment) -> Markup {
    let Interval { value, low, high } = score.likelihood_ratio;
    let cuts = score
        .operating
        .as_ref()
        .map_or((0.5, 2.0), |it| (it.lower.likelihood_ratio, it.upper.likelihood_ratio));
    let strongest = score.contributions.iter().take(3);
    html! {
        (figure::evidence(value, (low, high), cuts))
        h3 { "What moved it most" }
        ol {
            @for it in strongest {
                li {
                    (wording::label(&it.feature)) ": " (wording::contribution(it))
                    span.meta { (if it.amount > 0.0 { " (speaks for)" } else { " (speaks against)" }) }
                }
            }
        }
        @for it in &score.outside { p class="meta warn" { (wording::outside(it, assessment)) } }
    }
}

fn task(performed: &Performed, place: usize) -> Markup {
    let (title, quality) = wording::title(performed);
    html! {
        section {
            h2 id=(format!("task-{place}")) { (title) small { (quality) } }
            @match &performed.measured.outcome {
                Err(declined) => { p { "This could not be measured: " (declined) "." } }
                Ok(measurement) => { (measured(measurement, place)) }
            }
        }
    }
}

fn measured(measurement: &Measurement, place: usize) -> Markup {
    let (key, rest): (Vec<&Feature>, Vec<&Feature>) =
        measurement.values.features().iter().partition(|it| is_key(it.definition.name));
    let more = html! {
        details {
            summary { "all " (rest.len()) " other measures" }
            (values(&rest))
        }
    };
    match &measurement.analysis {
        Analysis::Voice(analysis) => html! {
            figure { (figure::waveform(&sounding(analysis))) }
            (values(&key)) (more)
        },
        Analysis::Ink(analysis) => html! {
            div.two {
                (drawing(analysis, place))
                div { (values(&key)) (more) }
            }
        },
    }
}

fn values(features: &[&Feature]) -> Markup {
    html! {
        table {
            tr { th { "measure" } th.num { "value" } th.unit { "unit" } th { "remark" } }
            @for feature in features { (row(feature)) }
        }
    }
}

fn row(feature: &Feature) -> Markup {
    let definition = feature.definition;
    html! {
        tr title=(format!("{}: {}", definition.name, definition.formula)) {
            td.name { (definition.label) }
            @match &feature.value {
                Value::Measured(number) => {
                    td.num { (words::number(*number, definition.unit)) }
                    td.unit { (words::unit(definition.unit)) }
                    td.why { @if !definition.plausible(*number) { span.warn { "outside its plausible range" } } }
                }
                Value::Missing(reason) => { td class="num missing" { "missing" } td.unit {} td.why { (reason) } }
            }
        }
    }
}

fn sounding(analysis: &voice::Analysis) -> Sounding {
    Sounding {
        duration_s: analysis.duration().0,
        envelope: analysis.envelope(COLUMNS),
        pauses: analysis
            .pauses()
            .iter()
            .map(|it| (it.start.0, it.end.0))
            .filter(|(from, to)| to - from >= 0.25)
            .collect(),
        pitch: analysis.f0().iter().map(|(t, f0)| (t.0, f0.map(f64::from))).collect(),
    }
}

fn drawing(analysis: &ink::Analysis, place: usize) -> Markup {
    let strokes: Vec<Inked> = analysis.tracks().iter().map(inked).collect();
    if strokes.is_empty() {
        return html! { p.meta { "The file has no times, so the drawing is not shown by speed." } };
    }
    let id = format!("drawing-{place}");
    html! {
        figure {
            div id=(id) { (figure::strokes(&strokes)) }
            div.legend {
                span { "slow" } span.ramp {} span { "fast" }
                @if analysis.capture().pen_up_reported { span { "· dotted: pen in the air" } }
                button type="button" data-replay=(id) { "replay" }
            }
        }
    }
}

fn inked(track: &ink::Track) -> Inked {
    let speed = |n: usize| track.speed.get(n).copied().unwrap_or(0.0);
    let t_s = |n: usize| track.start_s + n as f64 / ink::RASTER_HZ;
    let points = (0..track.x.len()).map(|n| [t_s(n), track.x[n], track.y[n], speed(n)]).collect();
    Inked { air: track.place == ink::Place::Air, points }
}

fn missing(assessment: &Assessment) -> Markup {
    let missing = wording::missing(assessment);
    html! {
        @if !missing.is_empty() {
            section {
                h2 { "What is missing, and why" }
                table {
                    @for (reason, labels) in &missing {
                        tr { td.name { (reason) } td.why { (labels.join(", ")) } }
                    }
                }
            }
        }
    }
}

fn grounds(assessment: &Assessment, (score, card): (&Score, &Card), how: Wording) -> Markup {
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

/// The evidence for exactly the score's tasks, or for random sets of the nearest smaller size.
fn evidence_for<'a>(score: &Score, card: &'a Card) -> Option<&'a SetEvidence> {
    let form = card.forms.iter().find(|form| form.form == score.form)?;
    let exact = form.sets.iter().find(|set| set.operating.tasks == score.tasks);
    let smaller = form
        .sets
        .iter()
        .filter(|set| set.operating.tasks.is_empty() && set.operating.size <= score.tasks.len());
    exact.or_else(|| smaller.max_by_key(|set| set.operating.size))
}

/// `.77 (.70–.84)`.
pub(crate) fn auc(interval: &Interval) -> String {
    let short = |value: f64| format!("{value:.3}").trim_start_matches('0').to_owned();
    format!("{} ({}–{})", short(interval.value), short(interval.low), short(interval.high))
}
