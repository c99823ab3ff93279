//! One recording or drawing: its figure, its values, and what they can be held against.

use feature::{Feature, Quality, Unit, Value};
use maud::{Markup, html};

use super::super::{key::is_key, reference::References, wording};
use crate::{
    assessment::{Assessment, Performed},
    figure::{self, Reference},
    measurement::{Analysis, Measurement},
    plot::{inked, sounding},
    words,
};

/// The section of one recording or drawing; `place` counts the submissions of the session.
pub(super) fn performed(assessment: &Assessment, performed: &Performed, place: usize) -> Markup {
    let references = References::of(assessment, performed);
    let (title, quality) = wording::title(performed);
    html! {
        section {
            h2 id=(format!("task-{place}")) { (title) small { (quality) } }
            @match &performed.measured.outcome {
                Err(declined) => { p { "This could not be measured: " (declined) "." } }
                Ok(measurement) => { (measured(measurement, &references, place)) }
            }
        }
    }
}

fn measured(measurement: &Measurement, references: &References<'_>, place: usize) -> Markup {
    let quality = &measurement.quality;
    let (key, rest): (Vec<&Feature>, Vec<&Feature>) =
        measurement.values.features().iter().partition(|it| is_key(it.definition.name));
    let more = html! {
        details {
            summary { "all " (rest.len()) " other measures" }
            (values(&rest, references, quality))
        }
    };
    match &measurement.analysis {
        Analysis::Voice(analysis) => html! {
            @if let Some(voices) = wording::voices(measurement) { p.meta { (voices) } }
            figure { (figure::waveform(&sounding(analysis))) }
            (values(&key, references, quality)) (more)
        },
        Analysis::Ink(analysis) => html! {
            div.two {
                (drawing(analysis, place))
                div { (values(&key, references, quality)) (more) }
            }
        },
    }
}

fn values(features: &[&Feature], references: &References<'_>, quality: &Quality) -> Markup {
    let any = features.iter().any(|feature| references.find(feature.definition.name).is_some());
    html! {
        table {
            tr {
                th { "measure" } th.num { "value" } th.unit { "unit" }
                th { @if any { (references.group()) } }
            }
            @for feature in features { (row(feature, references, quality)) }
        }
    }
}

fn row(feature: &Feature, references: &References<'_>, quality: &Quality) -> Markup {
    let definition = feature.definition;
    let reference = references.find(definition.name);
    html! {
        tr title=(format!("{}: {}", definition.name, definition.formula)) {
            td.name { (definition.label) }
            @match &feature.value {
                Value::Measured(number) => {
                    td.num { (words::number(*number, definition.unit)) }
                    td.unit { (words::unit(definition.unit)) }
                    td.why {
                        @if let Some(reference) = reference { (against(*number, &reference, definition.unit)) }
                        @if !definition.plausible(*number) { span.warn { "outside its plausible range" } }
                        @if let Some(caution) = words::caution(definition, quality) { span.warn { (caution) } }
                    }
                }
                Value::Missing(reason) => { td class="num missing" { "missing" } td.unit {} td.why { (reason) } }
            }
        }
    }
}

/// The value on the group's range, and the range in numbers.
fn against(number: f64, reference: &Reference, unit: Unit) -> Markup {
    let [low, _, middle, _, high] = reference.percentiles.map(|it| words::number(it, unit));
    html! {
        (figure::strip(number, reference))
        span.range { (middle) " (" (low) "–" (high) ")" }
    }
}

fn drawing(analysis: &ink::Analysis, place: usize) -> Markup {
    let strokes = inked(analysis);
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
