//! What an evaluation makes only when it is asked for: permutations, learning curve, groups left out whole, conformal bands, people set aside.

use learn::{
    Card, Graded, Interval,
    evaluate::{CurvePoint, GradedPoint, Permutation, Target},
};
use maud::{Markup, html};

use super::{not_run, rows, short};
use crate::figure::{self, Metric};

/// Permutation histogram and learning curve beside one another, or how to have them; then what a card has beside them.
pub(super) fn chance_and_size(card: &Card) -> Markup {
    let point = |it: &CurvePoint| (it.people, it.auc);
    let curve: Vec<(f64, Interval)> = card.learning_curve.iter().map(point).collect();
    let size = "The same held people at every point, logistic regression. A curve that still rises asks for more people.";
    html! {
        section {
            h2 { "Is it more than chance, and would more people help?" }
            (pair(card.permutation.as_ref(), (&curve, size), Metric::Area("AUC")))
            (coverage(card))
            (holdout(card))
        }
    }
}

/// The same of three classes or points.
pub(super) fn graded_chance_and_size(graded: &Graded) -> Markup {
    let point = |it: &GradedPoint| (it.people, it.value);
    let curve: Vec<(f64, Interval)> = graded.learning_curve.iter().map(point).collect();
    let (metric, size) = match graded.target {
        Target::Classes => (
            Metric::Area("macro AUC"),
            "The same held people at every point, logistic regression. A curve that still rises asks for more people.",
        ),
        Target::Mmse | Target::Moca => (
            Metric::Error("mean absolute error"),
            "The same held people at every point, elastic net. A curve that still falls asks for more people.",
        ),
    };
    html! {
        section {
            h2 { "Is it more than chance, and would more people help?" }
            (pair(graded.permutation.as_ref(), (&curve, size), metric))
            (graded_holdout(graded))
        }
    }
}

fn pair(
    permutation: Option<&Permutation>,
    (curve, size): (&[(f64, Interval)], &str),
    metric: Metric,
) -> Markup {
    let points: Vec<_> = curve.iter().map(|(people, it)| (*people, it.value, it.low, it.high)).collect();
    html! {
        div.pair {
            @match permutation {
                Some(it) => figure {
                    (figure::permutation(&it.permuted, it.observed, metric))
                    figcaption {
                        b { "Chance. " } (it.permuted.len()) " permutations of the labels, " (it.family) ", one repeat: p = " (format!("{:.3}", it.p))
                        @if (it.p * (it.permuted.len() + 1) as f64).round() <= 1.0 { ", the least that so many permutations can give" } "."
                    }
                },
                None => (not_run("The permutation test was", "inkling evaluate … --permutations 99")),
            }
            @if points.is_empty() { (not_run("The learning curve was", "inkling evaluate … --curve 0.2,0.4,0.6,0.8,1.0")) }
            @else {
                figure {
                    (figure::learning_curve(&points, metric))
                    figcaption { b { "Size. " } (size) }
                }
            }
        }
    }
}

fn coverage(card: &Card) -> Markup {
    let Some(it) = card.estimators.first().and_then(|it| it.coverage.as_ref()) else {
        return not_run("Conformal bands were", "inkling evaluate … --error-rate 0.1");
    };
    html! {
        p {
            b { "Bands. " } "Made so that at most " (format!("{:.0} %", 100.0 * it.error_rate)) " of each class stand in the wrong band. Out of fold, impaired people in band low: "
            (short(&it.impaired_in_low)) "; healthy people in band high: " (short(&it.healthy_in_high)) "; nothing concluded: " (short(&it.indeterminate)) "."
        }
    }
}

/// How the columns repeat in people who came again; nothing where nobody did.
pub(super) fn repeats(card: &Card) -> Markup {
    let all = &card.repeats;
    let values: Vec<f64> = all.iter().map(|it| it.icc.value).collect();
    let poor = values.iter().filter(|it| **it < 0.5).count();
    let people = all.iter().map(|it| it.people).max().unwrap_or(0);
    html! {
        @if let Some(median) = feature::median(&values) {
            section {
                h2 { "Do the measures repeat?" small { "up to " (people) " people who came again" } }
                p {
                    "Median ICC(2,1) of " (all.len()) " columns: " b { (format!("{median:.2}")) } "; " (poor) " below .5, which is poor. \
                    A change of one person is judged by the standard error of measurement."
                }
                details {
                    summary { "every column, the worst first" }
                    table {
                        tr { th { "column" } th.num { "people × sessions" } th.num { "ICC (95 %)" } th.num { "standard error" } th.num { "least change" } th.num { "mean shift" } }
                        @for it in all {
                            tr {
                                td.name { (it.column) } td.num { (it.people) " × " (it.sessions) } td.num { (short(&it.icc)) }
                                td.num { (format!("{:.3}", it.sem)) } td.num { (format!("{:.3}", it.minimal_change)) } td.num { (format!("{:+.3}", it.shift)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Each site or device when it was left out whole.
pub(super) fn left_out(card: &Card) -> Markup {
    let Some(it) = &card.left_out else {
        return not_run("Leaving out whole sites was", "inkling evaluate … --by site");
    };
    html! {
        h3 { "Each " (it.by.word()) " left out whole" }
        (rows::left_out(it, card.readings.masked.metrics.auc.value))
        p.meta {
            "AUC of all probabilities pooled: " (format!("{:.3}", it.pooled_auc)) "; far below the headline, groups do not share one scale."
            @if !it.one_class.is_empty() { " Of one class only, without part in the headline: " (it.one_class.join(", ")) "." }
            @if it.unknown > 0 { " " (it.unknown) " people of whom it is not known were left out." }
        }
    }
}

/// The people set aside, where somebody looked, with the number of looks.
fn holdout(card: &Card) -> Markup {
    let Some(it) = &card.holdout else {
        return not_run("A look at people set aside was", "inkling evaluate … --holdout");
    };
    html! {
        h3 { "People set aside" }
        (rows::holdout(it, card.readings.masked.metrics.auc.value))
        (looked(it.looks.len(), it.trained_on))
    }
}

fn looked(looks: usize, trained_on: usize) -> Markup {
    html! {
        p class=(if looks > 1 { "warn" } else { "meta" }) {
            "Look number " (looks) ", fitted on " (trained_on) " others. Every look at the same people makes the next one worth less."
        }
    }
}

/// The same of three classes or points: every metric on the people set aside.
fn graded_holdout(graded: &Graded) -> Markup {
    let Some(it) = &graded.holdout else {
        return not_run("A look at people set aside was", "inkling evaluate … --holdout");
    };
    html! {
        h3 { "People set aside" small { (it.people) " people" } }
        (super::graded::metrics_of(it.estimators.iter().map(|it| (it.name.as_str(), &it.metrics))))
        (looked(it.looks.len(), it.trained_on))
    }
}
