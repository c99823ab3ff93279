//! What is asked of each kind of label: how settings are compared, what needs no measurement, and which metrics there are.

use study::Diagnosis;

use super::{ClassEvidence, GradedMetrics, SaidPoints};
use crate::evaluate::Family;
use crate::{
    bootstrap::{RATES, rate},
    card::RocPoint,
    label::{CLASSES, Label},
    metric::{self, ClassMetrics, Interval, OneClass, PointsMetrics},
};

/// A label that can be judged: how inner folds compare settings, what needs no measurement, and the metrics.
pub(super) trait Judged: Label {
    /// The family that stands for all where only the labels are asked about.
    fn quick() -> Family;
    /// Place among the metrics of the one that [`quality`](Self::quality) is made of.
    const HEADLINE: usize;
    /// A quality as it is written: the macro AUC, the mean absolute error.
    fn written(quality: f64) -> f64;
    /// Larger is better.
    fn quality(said: &[Self::Score], truth: &[Self]) -> f64;
    /// What is said of anybody from the labels of the training people alone.
    fn constant(training: &[Self]) -> Self::Score;
    /// Every metric with each person counted `weights` times; `None` where they cannot be had.
    fn metrics(said: &[Self::Score], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>>;
    /// What is told of a group of people: see [`GradedGroup`](super::GradedGroup).
    fn of_group(said: &[Self::Score], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>>;
    /// Puts metrics with intervals together with what is not a single number.
    fn gathered(intervals: &[Interval], repeats: &[Vec<Self::Score>], truth: &[Self]) -> GradedMetrics;
    /// What can be shown person by person.
    fn shown(said: &[Self::Score], truth: &[Self]) -> Vec<SaidPoints>;
}

fn classes(truth: &[Diagnosis]) -> Vec<usize> {
    truth.iter().map(|&label| label as usize).collect()
}

/// Metrics of all classes together, and of each: numbers of their arrays, and sensitivities at the rates of a ROC curve.
const TOGETHER: usize = 4;
const OF_ONE: usize = 4 + RATES;

impl Judged for Diagnosis {
    /// Among [`ClassMetrics`]: macro AUC.
    const HEADLINE: usize = 2;

    fn quick() -> Family {
        Family::logistic()
    }

    fn written(quality: f64) -> f64 {
        quality
    }

    fn quality(said: &[[f64; CLASSES]], truth: &[Self]) -> f64 {
        let found = metric::of_classes(said, &classes(truth), &vec![1; truth.len()]);
        found.map_or(f64::NAN, |it| it.metrics.macro_auc)
    }

    fn constant(training: &[Self]) -> [f64; CLASSES] {
        let mut shares = [0.0; CLASSES];
        training.iter().for_each(|&label| shares[label as usize] += 1.0 / training.len() as f64);
        shares
    }

    fn metrics(said: &[[f64; CLASSES]], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>> {
        let found = metric::of_classes(said, &classes(truth), weights)?;
        let mut numbers = found.metrics.array().to_vec();
        for (one, curve) in found.each.iter().zip(&found.curves) {
            numbers.extend(one.array());
            numbers.extend((0..RATES).map(|it| curve.sensitivity_between(rate(it))));
        }
        Some(numbers)
    }

    fn of_group(said: &[[f64; CLASSES]], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>> {
        let table = metric::confusion(said, &classes(truth), weights);
        let shares: Vec<f64> = (0..CLASSES)
            .map(|class| (table[class][class], table[class].iter().sum::<f64>()))
            .filter(|(_, people)| *people > 0.0)
            .map(|(right, people)| right / people)
            .collect();
        Some(vec![feature::mean(&shares)?])
    }

    fn gathered(intervals: &[Interval], repeats: &[Vec<[f64; CLASSES]>], truth: &[Self]) -> GradedMetrics {
        let mut confusion = [[0.0; CLASSES]; CLASSES];
        for said in repeats {
            let table = metric::confusion(said, &classes(truth), &vec![1; truth.len()]);
            for (sums, counts) in confusion.iter_mut().zip(table) {
                sums.iter_mut().zip(counts).for_each(|(sum, it)| *sum += it / repeats.len() as f64);
            }
        }
        let metrics = ClassMetrics::of_array(std::array::from_fn(|it| intervals[it]));
        let each = [Self::Healthy, Self::Mci, Self::Dementia].map(|class| {
            let own = &intervals[TOGETHER + OF_ONE * class as usize..][..OF_ONE];
            let point = |(it, &Interval { value, low, high }): (usize, &Interval)| RocPoint {
                false_positive_rate: rate(it),
                sensitivity: value,
                low,
                high,
            };
            ClassEvidence {
                class: class.to_string(),
                people: truth.iter().filter(|&&label| label == class).count(),
                metrics: OneClass::of_array(std::array::from_fn(|it| own[it])),
                roc: own[4..].iter().enumerate().map(point).collect(),
            }
        });
        GradedMetrics::Classes { metrics, confusion, each: each.to_vec() }
    }

    fn shown(_said: &[[f64; CLASSES]], _truth: &[Self]) -> Vec<SaidPoints> {
        vec![]
    }
}

impl Judged for f64 {
    /// Among [`PointsMetrics`]: mean absolute error.
    const HEADLINE: usize = 0;

    fn quick() -> Family {
        Family::elastic_net()
    }

    fn written(quality: f64) -> f64 {
        -quality
    }

    fn quality(said: &[f64], truth: &[Self]) -> f64 {
        -said.iter().zip(truth).map(|(a, b)| (a - b).abs()).sum::<f64>() / truth.len() as f64
    }

    fn constant(training: &[Self]) -> f64 {
        training.iter().sum::<f64>() / training.len() as f64
    }

    fn metrics(said: &[f64], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>> {
        Some(metric::of_points(said, truth, weights)?.array().to_vec())
    }

    fn of_group(said: &[f64], truth: &[Self], weights: &[u32]) -> Option<Vec<f64>> {
        let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
        let mean = |of: &dyn Fn(f64) -> f64| {
            let each = said.iter().zip(truth).zip(weights);
            each.map(|((said, truth), &weight)| f64::from(weight) * of(said - truth)).sum::<f64>() / total
        };
        Some(vec![mean(&f64::abs), mean(&|it| it)])
    }

    fn gathered(intervals: &[Interval], _repeats: &[Vec<f64>], _truth: &[Self]) -> GradedMetrics {
        GradedMetrics::Points(PointsMetrics::of_array(std::array::from_fn(|it| intervals[it])))
    }

    fn shown(said: &[f64], truth: &[Self]) -> Vec<SaidPoints> {
        let pair = |(&predicted, &observed): (&f64, &f64)| SaidPoints { observed, predicted };
        let mut shown: Vec<SaidPoints> = said.iter().zip(truth).map(pair).collect();
        shown.sort_by(|a, b| a.observed.total_cmp(&b.observed).then(a.predicted.total_cmp(&b.predicted)));
        shown
    }
}
