//! The report as one self-contained page: the answer first, evidence below.

mod grounds;
mod performed;

use learn::{Interval, Score};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Wording, published, wording};
use crate::{
    assessment::{Assessment, Conclusion},
    figure,
};

pub(crate) use grounds::{auc, rests_on};

/// The whole report as HTML. Nothing is loaded from elsewhere.
pub fn report_page(assessment: &Assessment, how: Wording) -> String {
    let body = html! {
        header {
            h1 { "Inkling · screening report" }
            div.meta { (wording::who(&assessment.session)) }
        }
        @if assessment.session.synthetic { div.banner { (wording::SYNTHETIC) } }
        @if wording::synthetic_screener(assessment) { div.banner { (wording::SYNTHETIC_SCREENER) } }
        (answer(assessment, how))
        @for (place, performed) in assessment.performed.iter().enumerate() { (performed::performed(assessment, performed, place)) }
        (published::changes_page(assessment))
        (published::published_page(assessment))
        (missing(assessment))
        @if let (Some(score), Some(card)) = (assessment.conclusion.score(), &assessment.card) { (grounds::grounds(assessment, (score, card), how)) }
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
        Conclusion::Scored(score) if score.band == learn::screener::Band::High => "high",
        Conclusion::Scored(score) if score.band == learn::screener::Band::Low => "low",
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
