//! The page of three classes or points: the headline beside what needs no measurement, how what was said agrees with what is true, for
//! whom it errs, and what is not known.

use learn::{
    Graded, Interval,
    evaluate::{ClassEvidence, GradedEvidence, GradedGroup, GradedMetrics},
    metric::PointsMetrics,
};
use maud::{Markup, html};

use super::{not_run, origin, rows, short};
use crate::{
    figure::{self, Forest, RocPoint},
    report::page::document,
};

/// The whole result as HTML. Nothing is loaded from elsewhere.
pub fn graded_page(graded: &Graded) -> String {
    let body = html! {
        header {
            h1 { "Inkling · " (graded.cohort) " · " (graded.target.words()) }
            div.meta { (graded.software) @if let Some(it) = graded.estimators.first() { " · " (it.name) } }
        }
        @if graded.about.synthetic { div.banner { "The people of this cohort are made up: nothing here is clinical evidence." } }
        @if let Some(it) = graded.estimators.first() {
            (headline(graded, it))
            (plots(graded, it))
        }
        (every_metric(graded))
        (super::more::graded_chance_and_size(graded))
        @if let Some(it) = graded.estimators.first() { (groups(graded, it)) }
        (origin::findings(&graded.findings, &graded.limits))
        (origin::about(&graded.about, &graded.plan, &[("hash of the table", &graded.data_hash)]))
        div.words { p { "Screening aid for research and clinician support. It does not diagnose." } p.meta { (graded.software) } }
    };
    document(&format!("Inkling · {} · {}", graded.cohort, graded.target.words()), &body).into_string()
}

fn headline(graded: &Graded, it: &GradedEvidence) -> Markup {
    let open: Vec<&str> = graded.open_findings().map(|it| it.kind.as_str()).collect();
    html! {
        section class=(if open.is_empty() { "answer open" } else { "answer high" }) {
            div {
                @match &it.metrics {
                    GradedMetrics::Points(m) => p.lead { "Off by " (short(&m.mean_absolute_error)) " points on average" },
                    GradedMetrics::Classes { metrics, .. } => p.lead { "Macro F1 " (short(&metrics.macro_f1)) },
                }
                p {
                    b { (graded.people) " people" } " judged, " (folds(graded)) ", everything fitted inside the fold."
                    @if graded.left_out > 0 { " " (graded.left_out) " were left out, because what was asked of them is not known." }
                }
                @if open.is_empty() { p { "No serious finding of the audit is open." } }
                @else { p class="warn" { b { (open.len()) " serious finding" (if open.len() == 1 { "" } else { "s" }) " open: " } (open.join(", ")) ". The number above may be wrong because of it." } }
                p.not { "A screening aid for research and clinician support. It does not diagnose." }
            }
            div { (beside(it)) }
        }
    }
}

fn folds(graded: &Graded) -> String {
    let plan = &graded.plan;
    match plan.by {
        Some(by) => format!("each {} left out whole in turn", by.word()),
        None => format!("{} × {} × {} nested folds by people", plan.repeats, plan.outer, plan.inner),
    }
}

/// What the headline is worth beside what needs no measurement.
fn beside(it: &GradedEvidence) -> Markup {
    match (&it.metrics, &it.without_measurement) {
        (GradedMetrics::Points(m), GradedMetrics::Points(constant)) => html! {
            p { "Saying the training people's mean of everybody, without a measurement, is off by " b { (short(&constant.mean_absolute_error)) } " points." }
            p {
                "95 of 100 differences of said and true points lie between " b { (figure::signed(m.lower_limit.value)) } " and " b { (figure::signed(m.upper_limit.value)) } ". "
                "Agreement, ICC(2,1): " b { (short(&m.icc)) } "; of the spread between people " b { (format!("{:.0} %", 100.0 * m.r2.value.max(0.0))) } " is told."
            }
            p.meta { "A test's own error bounds what can be told: a second sitting would not give the same points either." }
        },
        (GradedMetrics::Classes { metrics, .. }, GradedMetrics::Classes { metrics: constant, .. }) => html! {
            p { "Giving everybody the largest class, without a measurement, reaches macro F1 " b { (short(&constant.macro_f1)) } " and balanced accuracy " b { (short(&constant.balanced_accuracy)) } "." }
            p { "Balanced accuracy " b { (short(&metrics.balanced_accuracy)) } "; each class against the others, macro AUC " b { (short(&metrics.macro_auc)) } "." }
            p.meta { "A person's class is the likeliest one; probabilities are not calibrated." }
        },
        _ => html! {},
    }
}

fn plots(graded: &Graded, it: &GradedEvidence) -> Markup {
    let body = match &it.metrics {
        GradedMetrics::Points(m) => of_points(graded, it, m),
        GradedMetrics::Classes { confusion, each, .. } => of_classes(graded, confusion, each),
    };
    html! {
        section {
            h2 { "How it was judged" small { "out of fold, copied blocks masked" } }
            (body)
        }
    }
}

fn of_points(graded: &Graded, it: &GradedEvidence, m: &PointsMetrics<Interval>) -> Markup {
    let pairs: Vec<(f64, f64)> = it.said.iter().map(|it| (it.observed, it.predicted)).collect();
    let mean = pairs.iter().map(|it| it.0).sum::<f64>() / pairs.len().max(1) as f64;
    let name = graded.target.words();
    html! {
        div.pair {
            figure {
                (figure::predicted(&pairs, mean, name))
                figcaption {
                    b { "Said and true. " } "Each person once, first repeat. On the dashed line both are the same; slope of true on said points "
                    (short(&m.slope)) ", 1 is ideal."
                }
            }
            figure {
                (figure::agreement(&pairs, m.bias.value, (m.lower_limit.value, m.upper_limit.value), name))
                figcaption {
                    b { "Agreement. " } "Bias " (figure::signed(m.bias.value)) ", limits of agreement " (limits(&m.lower_limit)) " and " (limits(&m.upper_limit))
                    " (Bland & Altman 1986). Dots that fall from left to right: high points are said too low, low ones too high."
                }
            }
        }
    }
}

fn limits(it: &Interval) -> String {
    format!("{} ({} to {})", figure::signed(it.value), figure::signed(it.low), figure::signed(it.high))
}

fn of_classes(graded: &Graded, confusion: &[[f64; 3]; 3], each: &[ClassEvidence]) -> Markup {
    let curve = |it: &ClassEvidence| {
        let point = |it: &learn::card::RocPoint| RocPoint {
            fpr: it.false_positive_rate,
            tpr: it.sensitivity,
            low: it.low,
            high: it.high,
        };
        let words = format!("{}, AUC {}", class(&it.class), short(&it.metrics.auc));
        (words, it.roc.iter().map(point).collect::<Vec<_>>())
    };
    let one = |it: &ClassEvidence| rows::Row {
        name: class(&it.class).to_owned(),
        people: it.people.to_string(),
        estimate: Some(it.metrics.sensitivity),
        greyed: it.people < 30,
        words: format!(
            "{} · {} · {}",
            short(&it.metrics.specificity),
            short(&it.metrics.precision),
            short(&it.metrics.auc)
        ),
    };
    let each_row: Vec<rows::Row> = each.iter().map(one).collect();
    let forest = Forest::new([0.0], None).with_chance(None);
    let heads = ["class", "people", "sensitivity (95 %)", "specificity · precision · AUC against the others"];
    html! {
        div.pair {
            figure {
                (figure::confusion(confusion, ["healthy", "MCI", "dementia"]))
                figcaption { b { "Given and true. " } "Share of each true class that was given each class, and people"
                    @if graded.plan.by.is_none() { " (means over " (graded.plan.repeats) " repeats)" } "."
                }
            }
            figure {
                (figure::of_classes(&each.iter().map(curve).collect::<Vec<_>>()))
                figcaption { b { "Order. " } "Each class against the other two; bands hold 95 % of curves of people drawn with replacement." }
            }
        }
        (rows::on(&forest, heads, &each_row, short))
    }
}

/// A class as it is written.
fn class(word: &str) -> &str {
    if word == "mci" { "MCI" } else { word }
}

/// Every metric of every estimator, beside what needs no measurement.
fn every_metric(graded: &Graded) -> Markup {
    let Some(first) = graded.estimators.first() else { return html! {} };
    let of = graded.estimators.iter().map(|it| (it.name.as_str(), &it.metrics));
    html! {
        section {
            h2 { "Every estimator, every metric" small { "95 % from drawing people" } }
            (metrics_of(of.chain([("no measurement", &first.without_measurement)])))
        }
    }
}

/// A table of metrics, one column each.
pub(super) fn metrics_of<'a>(columns: impl Iterator<Item = (&'a str, &'a GradedMetrics)>) -> Markup {
    let columns: Vec<(&str, Vec<(&'static str, Interval)>)> =
        columns.map(|(name, metrics)| (name, named(metrics))).collect();
    let rows = columns.first().map_or(0, |it| it.1.len());
    html! {
        div.table-scroll { table {
            tr { th { "metric" } @for (name, _) in &columns { th.num { (name) } } }
            @for place in 0..rows {
                tr {
                    td.name { (columns[0].1[place].0) }
                    @for (name, metrics) in &columns {
                        @let (metric, value) = &metrics[place];
                        // What is said of everybody alike has no slope.
                        td.num { @if *name == "no measurement" && metric.starts_with("slope") { "–" } @else { (number(value)) } }
                    }
                }
            }
        } }
    }
}

/// A number that may be below 0, with its interval.
fn number(it: &Interval) -> String {
    let one = |value: f64| format!("{:.2}", if value.abs() < 0.005 { 0.0 } else { value }).replace('-', "−");
    let to = if it.low < 0.0 { " to " } else { "–" };
    format!("{} ({}{to}{})", one(it.value), one(it.low), one(it.high))
}

/// Metrics with their names.
fn named(metrics: &GradedMetrics) -> Vec<(&'static str, Interval)> {
    match metrics {
        GradedMetrics::Points(m) => vec![
            ("mean absolute error, points", m.mean_absolute_error),
            ("root mean squared error, points", m.root_mean_squared_error),
            ("R²", m.r2),
            ("ICC(2,1), absolute agreement", m.icc),
            ("Pearson's correlation", m.pearson),
            ("Spearman's correlation", m.spearman),
            ("slope of true on said (1 is ideal)", m.slope),
            ("bias, points", m.bias),
            ("lower limit of agreement", m.lower_limit),
            ("upper limit of agreement", m.upper_limit),
        ],
        GradedMetrics::Classes { metrics: m, .. } => vec![
            ("macro F1", m.macro_f1),
            ("balanced accuracy", m.balanced_accuracy),
            ("macro AUC, each against the others", m.macro_auc),
            ("log-loss", m.log_loss),
        ],
    }
}

/// The error within groups of people, and of each site or device that was left out whole.
fn groups(graded: &Graded, it: &GradedEvidence) -> Markup {
    html! {
        section {
            h2 { "Groups of people" small { "pale: fewer than 30, too few to read" } }
            @if it.groups.is_empty() { p.meta { "Age, sex, education, language, site and device of these people are not recorded: an average may hide a group that fails." } }
            @else { (group_rows(it, &it.groups)) }
            @if it.each_left_out.is_empty() { (not_run("Leaving out whole sites was", "inkling evaluate … --by site")) }
            @else {
                h3 { "Each " (graded.plan.by.map_or("group", learn::evaluate::By::word)) " left out whole" }
                (group_rows(it, &it.each_left_out))
            }
        }
    }
}

fn group_rows(evidence: &GradedEvidence, groups: &[GradedGroup]) -> Markup {
    let row = |it: &GradedGroup| {
        let bias = it.bias.as_ref().map(|it| format!("bias {}", limits(it)));
        let trained = it.trained_on.map(|it| format!("fitted on {it} others"));
        rows::Row {
            name: if it.trained_on.is_some() { it.group.clone() } else { format!("{}: {}", it.by, it.group) },
            people: it.people.to_string(),
            estimate: Some(it.value),
            greyed: it.greyed,
            words: bias.into_iter().chain(trained).collect::<Vec<_>>().join("; "),
        }
    };
    let rows: Vec<rows::Row> = groups.iter().map(row).collect();
    let (forest, head) = match &evidence.metrics {
        GradedMetrics::Points(m) => {
            let highs = groups.iter().map(|it| it.value.high);
            let headline = m.mean_absolute_error.value;
            (Forest::of_errors(highs, Some(headline)), "mean absolute error, points (95 %)")
        }
        GradedMetrics::Classes { metrics, .. } => {
            let lows = groups.iter().map(|it| it.value.low);
            let forest = Forest::new(lows, Some(metrics.balanced_accuracy.value));
            (forest.with_chance(Some(1.0 / 3.0)), "balanced accuracy (95 %)")
        }
    };
    rows::on(&forest, ["group", "people", head, ""], &rows, short)
}
