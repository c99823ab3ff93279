//! Two cards as one page.

use maud::{Markup, html};

use super::{
    super::{
        card_page::{percent, roc},
        page::{auc, document},
    },
    Compared, signed, three,
};
use crate::{figure, words};

/// The verdict, both ROC curves in one plot, and every number side by side. Nothing is loaded from elsewhere.
pub fn compared_page(compared: &Compared) -> String {
    let (a, b) = (&compared.a, &compared.b);
    let curve = |letter: &str, card: &learn::Card| {
        (format!("{letter}: AUC {}", auc(&card.readings.masked.metrics.auc)), roc(&card.readings.masked))
    };
    let body = html! {
        header { h1 { "Inkling · two cards" } div.meta { "A: " (a.name) " · B: " (b.name) } }
        @if a.cohort.synthetic || b.cohort.synthetic { div.banner { "People of these cohorts are made up: nothing here is clinical evidence." } }
        section class="answer open" {
            div {
                p.lead { (lead(compared)) }
                p { (compared.verdict()) }
                p.not { "A screening aid for research and clinician support. It does not diagnose." }
            }
            figure {
                (figure::roc(&[curve("A", a), curve("B", b)]))
                figcaption { "A: " (a.name) ", solid. B: " (b.name) ", dashed." }
            }
        }
        section { h2 { "Side by side" small { "copied blocks masked, 95 % intervals" } } (table(compared)) }
        @if let Ok(found) = &compared.paired {
            section {
                h2 { "Where they decide differently" }
                p {
                    "Both decide the same for " (words::percent(found.agreement.same.value)) " of people (kappa " (format!("{:.2}", found.agreement.kappa.value)) "). "
                    "Impaired people found by A only: " (format!("{:.1}", found.agreement.found_by_a)) ", by B only: " (format!("{:.1}", found.agreement.found_by_b)) ". "
                    "Healthy people alarmed by A only: " (format!("{:.1}", found.agreement.alarmed_by_a)) ", by B only: " (format!("{:.1}", found.agreement.alarmed_by_b))
                    ". Numbers are means over repeats."
                }
            }
        }
        div.words { p { "Screening aid for research and clinician support. It does not diagnose." } }
    };
    document("Inkling · two cards", &body).into_string()
}

fn lead(compared: &Compared) -> &'static str {
    match &compared.paired {
        Err(_) => "Not comparable person by person.",
        Ok(found) if found.difference.auc.low > 0.0 => "A orders people better.",
        Ok(found) if found.difference.auc.high < 0.0 => "B orders people better.",
        Ok(_) => "No difference beyond chance.",
    }
}

fn table(compared: &Compared) -> Markup {
    let [a, b] = compared.predictive();
    let share = words::stated_percent(compared.prevalence);
    let plain = |name: &str, a: String, b: String| {
        html! { tr { td.name { (name) } td.num { (a) } td.num { (b) } td {} td {} } }
    };
    let masked = [&compared.a, &compared.b].map(|it| &it.readings.masked);
    html! {
        div.table-scroll { table {
            tr { th { "" } th.num { "A" } th.num { "B" } th.num { "A − B, paired" } th { "" } }
            (plain("people (impaired)", format!("{} ({})", masked[0].people, masked[0].impaired), format!("{} ({})", masked[1].people, masked[1].impaired)))
            @for row in compared.rows() {
                tr {
                    td.name { (row.name) } td.num { (three(row.a)) } td.num { (three(row.b)) } td.num { (signed(row.difference)) }
                    td class=(if row.beyond_chance() == Some(true) { "warn" } else { "why" }) { (row.conclusion()) }
                }
            }
            (plain(&format!("flagged: impaired, at {share}"), percent(a.0), percent(b.0)))
            (plain(&format!("not flagged: healthy, at {share}"), percent(a.1), percent(b.1)))
        } }
    }
}
