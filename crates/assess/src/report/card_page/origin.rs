//! What the audit found, what is not known, every metric, and where it all comes from.

use learn::{Card, Plan, audit::Finding, card::CohortSummary};
use maud::{Markup, html};

use super::short;

/// Findings, the serious ones first, and limits.
pub(super) fn findings(found: &[Finding], limits: &[String]) -> Markup {
    let mut findings: Vec<&Finding> = found.iter().collect();
    findings.sort_by_key(|it| (!it.open(), std::cmp::Reverse(it.severity)));
    html! {
        section {
            h2 { "What the audit found" }
            @if findings.is_empty() { p { "Nothing." } }
            @for finding in findings { (one(finding)) }
            h2 { "What is not known" }
            ul { @for limit in limits { li { (limit) } } }
        }
    }
}

fn one(finding: &Finding) -> Markup {
    html! {
        p {
            b { (finding.kind) } " · "
            @match &finding.decision {
                Some(decision) => { (format!("{decision:?}").to_lowercase()) }
                None if finding.open() => { span.warn { b { "open" } } }
                None => { "note" }
            }
            " · " (finding.evidence) " " span.meta { (finding.advice) }
        }
    }
}

/// Every metric of the headline, folded.
pub(super) fn metrics(card: &Card) -> Markup {
    let m = &card.readings.masked.metrics;
    let rows = [
        ("sensitivity", &m.sensitivity),
        ("specificity", &m.specificity),
        ("sensitivity at specificity .80", &m.sensitivity_at_specificity_80),
        ("sensitivity at specificity .90", &m.sensitivity_at_specificity_90),
        ("specificity at sensitivity .80", &m.specificity_at_sensitivity_80),
        ("specificity at sensitivity .90", &m.specificity_at_sensitivity_90),
        ("balanced accuracy", &m.balanced_accuracy),
        ("average precision", &m.average_precision),
        ("likelihood ratio of a positive screen", &m.positive_likelihood_ratio),
        ("likelihood ratio of a negative screen", &m.negative_likelihood_ratio),
        ("calibration slope (1 is ideal)", &m.calibration_slope),
        ("calibration intercept (0 is ideal)", &m.calibration_intercept),
        ("expected calibration error", &m.calibration_error),
        ("Brier score", &m.brier),
    ];
    html! {
        section {
            details {
                summary { "every metric of the headline" }
                table {
                    tr { th { "metric" } th.num { "value (95 % from drawing people)" } }
                    @for (name, interval) in rows { tr { td.name { (name) } td.num { (short(interval)) } } }
                }
            }
        }
    }
}

/// Cohort, plan, hashes.
pub(super) fn origin(card: &Card) -> Markup {
    let mut hashes =
        vec![("hash of the table", card.data_hash.as_str()), ("hash of the splits", &card.split_hash)];
    hashes.extend(card.screener_digest.as_deref().map(|it| ("digest of the screener", it)));
    about(&card.cohort, &card.plan, &hashes)
}

/// The same of any judgement.
pub(super) fn about(cohort: &CohortSummary, plan: &Plan, hashes: &[(&str, &str)]) -> Markup {
    let folds = format!(
        "{} repeats of {} outer and {} inner folds, {} draws of people, seed {}",
        plan.repeats, plan.outer, plan.inner, plan.draws, plan.seed
    );
    html! {
        section {
            h2 { "Where it comes from" }
            table {
                tr { td.name { "cohort" } td { (cohort.name) ": " (cohort.people) " people, " (cohort.healthy) " healthy, " (cohort.mci) " MCI, " (cohort.dementia) " dementia" } }
                @for (name, said) in [("about it", &cohort.description), ("source", &cohort.source), ("licence", &cohort.licence)] {
                    tr { td.name { (name) } td { @if said.is_empty() { "not stated" } @else { (said) } } }
                }
                tr { td.name { "plan" } td { (folds) } }
                @for (name, hash) in hashes { tr { td.name { (name) } td { code { (hash) } } } }
            }
        }
    }
}
