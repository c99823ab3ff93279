//! A card as one self-contained page: how a screener or estimator was judged, and what is not known.

use learn::{Card, FormEvidence, Interval, Reading, SetEvidence};
use maud::{Markup, html};

use super::page::{auc, document};
use crate::{
    figure::{self, CalibrationBin, RocPoint},
    words,
};

/// The whole card as HTML. Nothing is loaded from elsewhere.
pub fn card_page(card: &Card) -> String {
    let masked = &card.readings.masked;
    let body = html! {
        header {
            h1 { "Inkling · card of " (card.name) }
            div.meta { (card.software) " · " (card.estimator) }
        }
        @if card.cohort.synthetic { div.banner { "The people of this cohort are made up: nothing here is clinical evidence." } }
        (headline(card))
        section {
            h2 { "How it was judged" small { "nested cross-validation by people, reading masked" } }
            div.pair {
                figure { (figure::roc(&roc(masked), &format!("AUC {}", auc(&masked.metrics.auc)))) figcaption { "ROC curve with its 95 % band" } }
                figure { (figure::calibration(&bins(masked))) figcaption { "observed share against predicted probability; the size of a dot is its people" } }
            }
        }
        (readings(card))
        (metrics(masked))
        @for form in &card.forms { (tasks(form)) }
        (subgroups(card))
        (findings(card))
        (origin(card))
    };
    document(&format!("Inkling card · {}", card.name), &body).into_string()
}

fn headline(card: &Card) -> Markup {
    let (masked, predictive) = (&card.readings.masked, &card.predictive_values);
    html! {
        section class="answer open" {
            div {
                p.lead { "AUC " (auc(&masked.metrics.auc)) }
                p { (masked.people) " people, " (masked.impaired) " of them impaired; " (card.plan.repeats) " × " (card.plan.outer) " folds, everything fitted inside the fold." }
                p.not { "A screening aid for research and clinician support. It does not diagnose." }
            }
            div {
                p {
                    "Sensitivity " (format!("{:.2}", predictive.sensitivity)) " with specificity " (format!("{:.2}", predictive.specificity))
                    " means, where " (words::stated_percent(predictive.prevalence)) " of the people screened are impaired:"
                }
                ul {
                    li { "of those it flags, " b { (words::percent(predictive.positive)) } " are impaired and " (words::percent(1.0 - predictive.positive)) " are not" }
                    li { "of those it does not flag, " b { (words::percent(predictive.negative)) } " are not impaired" }
                }
            }
        }
    }
}

fn readings(card: &Card) -> Markup {
    let row = |name: &str, what: &str, reading: &Reading| {
        html! {
            tr {
                td.name { (name) }
                td.num { (auc(&reading.metrics.auc)) }
                td.num { (short(&reading.metrics.sensitivity)) }
                td.num { (short(&reading.metrics.specificity)) }
                td.num { (reading.people) }
                td.why { (what) }
            }
        }
    };
    html! {
        section {
            h2 { "Readings of the same cohort" }
            div.table-scroll { table {
                tr { th { "estimator · reading" } th.num { "AUC (95 %)" } th.num { "sensitivity" } th.num { "specificity" } th.num { "people" } th { "what it is" } }
                @for it in &card.estimators {
                    (row(&format!("{} · masked", it.name), "copied blocks missing, imputed inside the fold", &it.readings.masked))
                    (row(&format!("{} · as published", it.name), "the file as it is, copies and all", &it.readings.as_published))
                    @if let Some(reading) = &it.readings.untouched { (row(&format!("{} · untouched", it.name), "only people with no copied block", reading)) }
                    @if let Some(reading) = &it.missingness_only { (row(&format!("{} · missingness only", it.name), "which blocks are missing, and nothing measured", reading)) }
                }
            } }
        }
    }
}

fn metrics(reading: &Reading) -> Markup {
    let m = &reading.metrics;
    let rows = [
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
            h2 { "Every metric" small { "reading masked, 95 % interval from drawing people" } }
            table { @for (name, interval) in rows { tr { td.name { (name) } td.num { (short(interval)) } } } }
        }
    }
}

fn tasks(form: &FormEvidence) -> Markup {
    html! {
        section {
            h2 { "Form " (form.form) small { (if form.features.is_empty() { "every feature".to_owned() } else { form.features.join(", ") }) } }
            div.table-scroll { table {
                tr {
                    th { "tasks" } th.num { "AUC (95 %)" } th.num { "people" }
                    th.num { "sens. at upper cut" } th.num { "spec. at upper cut" } th.num { "sens. at lower cut" } th.num { "spec. at lower cut" }
                }
                @for set in &form.sets { (task_row(set)) }
            } }
        }
    }
}

fn task_row(set: &SetEvidence) -> Markup {
    let operating = &set.operating;
    let name = match operating.tasks.as_slice() {
        [] => format!("{} tasks, average over random sets", operating.size),
        [task] => task.to_string(),
        tasks => format!("all {} tasks", tasks.len()),
    };
    html! {
        tr {
            td.name { (name) }
            td.num { (auc(&set.metrics.auc)) }
            td.num { (operating.people) }
            td.num { (short(&operating.upper.sensitivity)) }
            td.num { (short(&operating.upper.specificity)) }
            td.num { (short(&operating.lower.sensitivity)) }
            td.num { (short(&operating.lower.specificity)) }
        }
    }
}

fn subgroups(card: &Card) -> Markup {
    let cell =
        |interval: &Option<Interval>| interval.as_ref().map_or_else(|| "one class only".to_owned(), short);
    html! {
        @if !card.subgroups.is_empty() {
            section {
                h2 { "Groups of people" small { "groups below 30 people are grey: too few to read" } }
                table {
                    tr { th { "group" } th.num { "people" } th.num { "AUC" } th.num { "sensitivity" } th.num { "specificity" } }
                    @for group in &card.subgroups {
                        tr class=(if group.greyed { "meta" } else { "" }) {
                            td.name { (group.by) ": " (group.group) }
                            td.num { (group.people) }
                            td.num { (cell(&group.auc)) } td.num { (cell(&group.sensitivity)) } td.num { (cell(&group.specificity)) }
                        }
                    }
                }
            }
        }
    }
}

fn findings(card: &Card) -> Markup {
    html! {
        section {
            h2 { "What the audit found" }
            @if card.findings.is_empty() { p { "Nothing." } }
            @for finding in &card.findings {
                p {
                    b { (finding.kind) } " · "
                    @match &finding.decision {
                        Some(decision) => { (format!("{decision:?}").to_lowercase()) }
                        None if finding.open() => { span.warn { "open" } }
                        None => { "note" }
                    }
                    " · " (finding.evidence) " " (finding.advice)
                }
            }
            h2 { "What is not known" }
            ul { @for limit in &card.limits { li { (limit) } } }
        }
    }
}

fn origin(card: &Card) -> Markup {
    let (cohort, plan) = (&card.cohort, &card.plan);
    html! {
        section {
            h2 { "Where it comes from" }
            table {
                tr { td.name { "cohort" } td { (cohort.name) ": " (cohort.people) " people, " (cohort.healthy) " healthy, " (cohort.mci) " MCI, " (cohort.dementia) " dementia" } }
                tr { td.name { "about it" } td { (cohort.description) } }
                tr { td.name { "source" } td { (cohort.source) } }
                tr { td.name { "licence" } td { (cohort.licence) } }
                tr { td.name { "plan" } td { (plan.repeats) " × " (plan.outer) " outer and " (plan.inner) " inner folds, " (plan.draws) " draws of people, seed " (plan.seed) } }
                tr { td.name { "hash of the table" } td { code { (card.data_hash) } } }
                tr { td.name { "hash of the splits" } td { code { (card.split_hash) } } }
                @if let Some(digest) = &card.screener_digest { tr { td.name { "digest of the screener" } td { code { (digest) } } } }
            }
        }
        div.words { p { "Screening aid for research and clinician support. It does not diagnose." } p.meta { (card.software) } }
    }
}

fn roc(reading: &Reading) -> Vec<RocPoint> {
    let point = |it: &learn::RocPoint| RocPoint {
        fpr: it.false_positive_rate,
        tpr: it.sensitivity,
        low: it.low,
        high: it.high,
    };
    reading.roc.iter().map(point).collect()
}

fn bins(reading: &Reading) -> Vec<CalibrationBin> {
    let bin = |it: &learn::Bin| CalibrationBin {
        predicted: it.probability,
        observed: it.impaired,
        people: it.people,
    };
    reading.calibration.iter().map(bin).collect()
}

fn short(interval: &Interval) -> String {
    format!("{:.2} ({:.2}–{:.2})", interval.value, interval.low, interval.high)
}
