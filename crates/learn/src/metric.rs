//! How good calibrated probabilities are: every metric of the card, from one walk along the ROC curve.

mod curve;
mod graded;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{calibrate::fit_line, estimator::sigmoid};
pub(crate) use curve::Curve;
#[cfg(test)]
pub(crate) use graded::pearson;
pub use graded::{ClassMetrics, OneClass, PointsMetrics};
pub(crate) use graded::{confusion, of_classes, of_points};

/// Probabilities closer to 0 or 1 than this are moved there before a logarithm is taken.
const NEVER_CERTAIN: f64 = 1e-9;

/// Bins of the expected calibration error and of the reliability plot.
pub(crate) const BINS: usize = 10;

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Every metric of one reading: plain numbers (`T = f64`) or with intervals.
        ///
        /// A person screens positive where the probability, at the study's own prevalence, is at least 0.5.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct Metrics<T> { $($(#[$doc])* pub $name: T,)* }

        impl<T: Copy> Metrics<T> {
            /// How many metrics there are.
            pub(crate) const COUNT: usize = [$(stringify!($name)),*].len();

            /// The metrics in order.
            pub(crate) fn array(&self) -> [T; Metrics::<f64>::COUNT] { [$(self.$name),*] }

            /// Metrics from their values in order.
            pub(crate) fn of_array(array: [T; Metrics::<f64>::COUNT]) -> Self {
                let [$($name),*] = array;
                Self { $($name),* }
            }
        }
    };
}

metrics! {
    /// Area under the ROC curve: the share of (impaired, healthy) pairs in the right order, ties count half.
    auc,
    /// Mean precision over the impaired people in order of probability (area under precision-recall, no interpolation).
    average_precision,
    /// Share of impaired people who screen positive.
    sensitivity,
    /// Share of healthy people who screen negative.
    specificity,
    /// Mean of sensitivity and specificity.
    balanced_accuracy,
    /// Largest sensitivity at any cut with a specificity of at least .80.
    sensitivity_at_specificity_80,
    /// Largest sensitivity at any cut with a specificity of at least .90.
    sensitivity_at_specificity_90,
    /// Largest specificity at any cut with a sensitivity of at least .80.
    specificity_at_sensitivity_80,
    /// Largest specificity at any cut with a sensitivity of at least .90.
    specificity_at_sensitivity_90,
    /// Likelihood ratio of a positive screen: sensitivity / (1 − specificity).
    positive_likelihood_ratio,
    /// Likelihood ratio of a negative screen: (1 − sensitivity) / specificity.
    negative_likelihood_ratio,
    /// Mean squared distance between probability and outcome (Brier 1950).
    brier,
    /// Slope of the outcome on the log-odds (Cox 1958): 1 is ideal, below 1 is overconfident.
    calibration_slope,
    /// Log-odds by which the probabilities are too low on average: intercept with the slope held at 1; 0 is ideal.
    calibration_intercept,
    /// Expected calibration error: |mean probability − share impaired| over ten bins of equal width, weighted by people.
    calibration_error,
}

/// Probabilities with what turned out to be true, sorted once.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) probabilities: Vec<f64>,
    pub(crate) labels: Vec<bool>,
    log_odds: Vec<f64>,
    outcomes: Vec<f64>,
    /// People by falling probability.
    order: Vec<usize>,
}

impl Judged {
    pub(crate) fn new(probabilities: Vec<f64>, labels: Vec<bool>) -> Self {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let log_odds = probabilities.iter().map(|&p| logit(p)).collect();
        let outcomes = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        Self { probabilities, labels, log_odds, outcomes, order }
    }

    /// The ROC curve with each person counted `weights` times.
    pub(crate) fn curve(&self, weights: &[u32]) -> Curve {
        let steps = self.order.iter().map(|&it| (self.probabilities[it], self.labels[it], weights[it]));
        Curve::of(steps)
    }

    /// Every metric with each person counted `weights` times; `None` where only one class is counted.
    pub(crate) fn metrics(&self, weights: &[u32]) -> Option<(Metrics<f64>, Curve)> {
        let curve = self.curve(weights);
        if curve.healthy == 0.0 || curve.impaired == 0.0 {
            return None;
        }
        let (false_positive, sensitivity) = curve.at(0.5);
        let specificity = 1.0 - false_positive;
        let (calibration_slope, _) =
            fit_line(&self.log_odds, &self.outcomes, |it| f64::from(weights[it]), (1.0, 0.0));
        let metrics = Metrics {
            auc: curve.auc(),
            average_precision: curve.average_precision(),
            sensitivity,
            specificity,
            balanced_accuracy: 0.5 * (sensitivity + specificity),
            sensitivity_at_specificity_80: curve.sensitivity_at(0.8),
            sensitivity_at_specificity_90: curve.sensitivity_at(0.9),
            specificity_at_sensitivity_80: curve.specificity_at(0.8),
            specificity_at_sensitivity_90: curve.specificity_at(0.9),
            positive_likelihood_ratio: ratio(sensitivity, false_positive, curve.healthy),
            negative_likelihood_ratio: ratio(1.0 - sensitivity, specificity, curve.healthy),
            brier: self.brier(weights),
            calibration_slope,
            calibration_intercept: self.calibration_intercept(weights),
            calibration_error: self.calibration_error(weights),
        };
        Some((metrics, curve))
    }

    /// Mean squared distance of probability and outcome.
    fn brier(&self, weights: &[u32]) -> f64 {
        let square =
            |it: usize| f64::from(weights[it]) * (self.probabilities[it] - self.outcomes[it]).powi(2);
        (0..weights.len()).map(square).sum::<f64>() / total(weights)
    }

    /// Newton on one unknown: Σ weight · (outcome − σ(log-odds + intercept)) = 0.
    fn calibration_intercept(&self, weights: &[u32]) -> f64 {
        let mut intercept = 0.0;
        for _ in 0..20 {
            let (mut residual, mut curve) = (0.0, 1e-12);
            for (it, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
                let p = sigmoid(self.log_odds[it] + intercept);
                residual += f64::from(weight) * (self.outcomes[it] - p);
                curve += f64::from(weight) * p * (1.0 - p);
            }
            let step = (residual / curve).clamp(-2.0, 2.0);
            intercept += step;
            if step.abs() < 1e-10 {
                break;
            }
        }
        intercept
    }

    /// Weighted mean over bins of how far mean probability and share impaired are apart (Naeini 2015).
    fn calibration_error(&self, weights: &[u32]) -> f64 {
        let apart = self
            .bins(weights)
            .iter()
            .map(|bin| (bin.probability - bin.impaired).abs() * bin.people)
            .sum::<f64>();
        apart / total(weights)
    }

    /// Ten bins of equal width: mean probability, share impaired, people (all 0 in an empty bin).
    pub(crate) fn bins(&self, weights: &[u32]) -> [Bin; BINS] {
        let mut bins = [Bin { probability: 0.0, impaired: 0.0, people: 0.0 }; BINS];
        for (it, weight) in weights.iter().enumerate() {
            let bin = &mut bins[((self.probabilities[it] * BINS as f64) as usize).min(BINS - 1)];
            let weight = f64::from(*weight);
            bin.people += weight;
            bin.probability += weight * self.probabilities[it];
            bin.impaired += weight * self.outcomes[it];
        }
        for bin in bins.iter_mut().filter(|bin| bin.people > 0.0) {
            bin.probability /= bin.people;
            bin.impaired /= bin.people;
        }
        bins
    }
}

/// One bin of the reliability plot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bin {
    /// Mean probability of its people.
    pub probability: f64,
    /// Share of them who are impaired.
    pub impaired: f64,
    /// How many they are (a mean over repeats, so not whole).
    pub people: f64,
}

/// Half a person is added to a count of zero, so that a ratio stays finite (Haldane 1956).
fn ratio(above: f64, below: f64, people: f64) -> f64 {
    above / below.max(0.5 / people)
}

fn total(weights: &[u32]) -> f64 {
    weights.iter().map(|&weight| f64::from(weight)).sum()
}

/// ln(p / (1 − p)).
pub(crate) fn logit(p: f64) -> f64 {
    let p = p.clamp(NEVER_CERTAIN, 1.0 - NEVER_CERTAIN);
    (p / (1.0 - p)).ln()
}

/// Area under the ROC curve of any scores (higher means impaired), ties count half; NaN where only one class is there.
pub fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    Curve::of(order.iter().map(|&it| (scores[it], labels[it], 1))).auc()
}

/// Share of the impaired among positive screens, and of the healthy among negative ones, where `prevalence` of the people
/// screened are impaired (Bayes' theorem): (PPV, NPV).
pub fn predictive_values(sensitivity: f64, specificity: f64, prevalence: f64) -> (f64, f64) {
    let (true_positive, false_negative) = (sensitivity * prevalence, (1.0 - sensitivity) * prevalence);
    let (true_negative, false_positive) =
        (specificity * (1.0 - prevalence), (1.0 - specificity) * (1.0 - prevalence));
    (true_positive / (true_positive + false_positive), true_negative / (true_negative + false_negative))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged() -> (Judged, Vec<u32>) {
        let probabilities = vec![0.1, 0.4, 0.35, 0.8, 0.65, 0.9, 0.3, 0.2];
        let labels = vec![false, false, true, true, false, true, true, false];
        (Judged::new(probabilities, labels), vec![1; 8])
    }

    #[test]
    fn metrics_follow_scikit_learn() {
        // sklearn.metrics 1.7: roc_auc_score, average_precision_score, brier_score_loss, recall_score at .5.
        let (judged, weights) = judged();
        let (metrics, _) = judged.metrics(&weights).unwrap();
        let known = [
            (metrics.auc, 0.75),
            (metrics.average_precision, 0.816_666_666_666_666_7),
            (metrics.brier, 0.199_375),
            (metrics.sensitivity, 0.5),
            (metrics.specificity, 0.75),
            (metrics.balanced_accuracy, 0.625),
            (metrics.sensitivity_at_specificity_80, 0.5),
            (metrics.specificity_at_sensitivity_80, 0.5),
            (metrics.positive_likelihood_ratio, 2.0),
            (metrics.negative_likelihood_ratio, 2.0 / 3.0),
        ];
        for (place, (got, expected)) in known.iter().enumerate() {
            assert!((got - expected).abs() < 1e-12, "metric {place}: {got} against {expected}");
        }
    }

    #[test]
    fn a_person_counted_twice_is_two_people() {
        let (judged, _) = judged();
        let weights = [2, 0, 1, 3, 1, 1, 0, 2];
        let places: Vec<usize> =
            (0..8).flat_map(|it| std::iter::repeat_n(it, weights[it] as usize)).collect();
        let copies = Judged::new(
            places.iter().map(|&it| judged.probabilities[it]).collect(),
            places.iter().map(|&it| judged.labels[it]).collect(),
        );
        let weighted = judged.metrics(&weights).unwrap().0.array();
        let copied = copies.metrics(&vec![1; places.len()]).unwrap().0.array();
        assert!(weighted.iter().zip(copied).all(|(x, y)| (x - y).abs() < 1e-7), "{weighted:?} {copied:?}");
    }

    #[test]
    fn ties_count_half_and_one_class_has_no_area() {
        assert_eq!(auc(&[1.0, 1.0], &[true, false]), 0.5);
        assert_eq!(auc(&[2.0, 1.0, 3.0], &[true, false, true]), 1.0);
        assert!(auc(&[1.0, 2.0], &[true, true]).is_nan());
        assert!(judged().0.metrics(&[1, 1, 0, 0, 1, 0, 0, 1]).is_none());
    }

    #[test]
    fn predictive_values_fall_with_prevalence() {
        // The example of the specification: sensitivity .80, specificity .80, prevalence 9.25 %.
        let (ppv, npv) = predictive_values(0.8, 0.8, 0.0925);
        assert!((ppv - 0.290).abs() < 0.001 && (npv - 0.975).abs() < 0.001, "{ppv} {npv}");
    }

    #[test]
    fn overconfident_probabilities_have_a_slope_below_one() {
        let truth = [0.2, 0.4, 0.6, 0.8];
        let (mut probabilities, mut labels) = (vec![], vec![]);
        for p in truth {
            for person in 0..10 {
                probabilities.push(sigmoid(2.0 * logit(p)));
                labels.push(f64::from(person) < p * 10.0);
            }
        }
        let (metrics, _) = Judged::new(probabilities, labels).metrics(&[1; 40]).unwrap();
        assert!((metrics.calibration_slope - 0.5).abs() < 1e-6, "{metrics:?}");
        assert!(
            metrics.calibration_intercept.abs() < 1e-6 && metrics.calibration_error > 0.09,
            "{metrics:?}"
        );
    }
}
