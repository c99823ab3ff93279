//! The four plots of the headline reading.

use learn::{Card, card::Reading};
use maud::{Markup, html};

use super::{auc, short};
use crate::{
    figure::{self, Benefit, CalibrationBin, RocPoint},
    words,
};

/// ROC, calibration, probabilities by class and decision curve.
pub(super) fn judged(card: &Card) -> Markup {
    let masked = &card.readings.masked;
    let m = &masked.metrics;
    html! {
        section {
            h2 { "How it was judged" small { "nested cross-validation by people, copied blocks masked" } }
            div.pair {
                figure {
                    (figure::roc(&[(format!("AUC {}", auc(&m.auc)), roc(masked))]))
                    figcaption { b { "Order. " } "ROC curve; the band holds 95 % of curves of people drawn with replacement." }
                }
                figure {
                    (figure::calibration(&bins(masked), &people(masked)))
                    figcaption {
                        b { "Calibration. " } "Slope " (short(&m.calibration_slope)) ", 1 is ideal; intercept " (short(&m.calibration_intercept)) ", 0 is ideal. \
                        Bars are Wilson's 95 % interval of each bin."
                    }
                }
                figure {
                    (figure::distribution(&masked.distribution.healthy, &masked.distribution.impaired))
                    figcaption { b { "Overlap. " } "People of each class by probability, means over repeats. Right of the dotted line a person screens positive." }
                }
                figure {
                    (figure::decision(&decision(masked)))
                    figcaption {
                        b { "Use. " } "Net benefit at a prevalence of " (words::stated_percent(card.plan.prevalence)) ": people rightly referred, \
                        less those wrongly referred weighted by the odds of the threshold (Vickers & Elkin 2006). Above both others, it is of use."
                    }
                }
            }
        }
    }
}

/// The curve of a reading, for the figure.
pub(crate) fn roc(reading: &Reading) -> Vec<RocPoint> {
    let point = |it: &learn::card::RocPoint| RocPoint {
        fpr: it.false_positive_rate,
        tpr: it.sensitivity,
        low: it.low,
        high: it.high,
    };
    reading.roc.iter().map(point).collect()
}

fn bins(reading: &Reading) -> Vec<CalibrationBin> {
    let bin = |it: &learn::metric::Bin| CalibrationBin {
        predicted: it.probability,
        observed: it.impaired,
        people: it.people,
    };
    reading.calibration.iter().map(bin).collect()
}

/// People of both classes by probability.
fn people(reading: &Reading) -> Vec<f64> {
    let it = &reading.distribution;
    it.healthy.iter().zip(&it.impaired).map(|(healthy, impaired)| healthy + impaired).collect()
}

fn decision(reading: &Reading) -> Vec<Benefit> {
    let point = |it: &learn::card::Decider| Benefit {
        threshold: it.threshold,
        screener: it.screener,
        everybody: it.everybody,
    };
    reading.decision.iter().map(point).collect()
}
