//! A card as one self-contained page: the headline with its interval first, then the same cohort read in several ways, how good
//! and how useful it is, what else it could be, for whom, and what is not known.

mod appendix;
mod graded;
mod more;
mod origin;
mod plots;
mod prevalence;
mod rows;

use learn::{Card, Interval};
use maud::{Markup, PreEscaped, html};

use super::page::{auc, document};
use crate::words;
pub use graded::graded_page;
pub(super) use plots::roc;

/// The whole card as HTML. Nothing is loaded from elsewhere; the slider works offline.
pub fn card_page(card: &Card) -> String {
    let body = html! {
        header {
            h1 { "Inkling · card of " (card.name) }
            div.meta { (card.software) " · " (card.estimator) }
        }
        @if card.cohort.synthetic { div.banner { "The people of this cohort are made up: nothing here is clinical evidence." } }
        (headline(card))
        (rows::readings(card))
        (plots::judged(card))
        (prevalence::slider(card))
        (rows::baselines(card))
        (more::chance_and_size(card))
        (rows::subgroups(card))
        @if let Some(cost) = &card.cost { (super::costs::section(cost)) }
        @for form in &card.forms { (rows::tasks(form)) }
        (more::repeats(card))
        (origin::findings(&card.findings, &card.limits))
        (origin::metrics(card))
        (origin::origin(card))
        (appendix::appendices(card))
        div.words { p { "Screening aid for research and clinician support. It does not diagnose." } p.meta { (card.software) } }
        script { (PreEscaped(include_str!("card_page/prevalence.js"))) }
    };
    document(&format!("Inkling card · {}", card.name), &body).into_string()
}

fn headline(card: &Card) -> Markup {
    let (masked, predictive) = (&card.readings.masked, &card.predictive_values);
    let open: Vec<&str> = card.open_findings().map(|it| it.kind.as_str()).collect();
    html! {
        section class=(if open.is_empty() { "answer open" } else { "answer high" }) {
            div {
                p.lead { "AUC " (auc(&masked.metrics.auc)) }
                p {
                    b { (masked.people) " people" } ", " (masked.impaired) " of them impaired. "
                    (card.plan.repeats) " × " (card.plan.outer) " × " (card.plan.inner)
                    " nested folds by people, everything fitted inside the fold."
                }
                @if open.is_empty() { p { "No serious finding of the audit is open." } }
                @else { p class="warn" { b { (open.len()) " serious finding" (if open.len() == 1 { "" } else { "s" }) " open: " } (open.join(", ")) ". The number above may be wrong because of it." } }
                p.not { "A screening aid for research and clinician support. It does not diagnose." }
            }
            div {
                (prevalence::sentence(predictive.sensitivity, predictive.specificity, predictive.prevalence))
                p.meta { "The same arithmetic for other places and operating points is below, with a slider." }
            }
        }
    }
}

/// `0.89 (0.82–0.94)`.
fn short(interval: &Interval) -> String {
    format!("{:.2} ({:.2}–{:.2})", interval.value, interval.low, interval.high)
}

/// A line in place of a figure that was not made, and the command that makes it.
fn not_run(what: &str, how: &str) -> Markup {
    html! { p.meta { (what) " not run. " code { (how) } } }
}

/// Impaired people in words: dementia, MCI, or both.
fn condition(card: &Card) -> &'static str {
    match (card.cohort.dementia > 0, card.cohort.mci > 0) {
        (true, false) => "have dementia",
        (false, true) => "have MCI",
        _ => "are impaired",
    }
}

/// A predictive value, as the page's script writes it too.
pub(super) fn percent(share: f64) -> String {
    words::predictive(share)
}
