//! One estimator on one reading of a cohort, in numbers and points that a page can draw.

use serde::{Deserialize, Serialize};

use crate::{
    Plan,
    bootstrap::{Spread, spread},
    evaluate::Nested,
    metric::{BINS, Bin, Interval, Judged, Metrics, logit},
    seed::derive,
};

/// Metrics, curves and distributions of one reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Number of people.
    pub people: usize,
    /// Impaired people.
    pub impaired: usize,
    /// Every metric with its 95 % interval from drawing people. `auc.value` is the mean over outer folds and repeats; the other
    /// values, and all intervals, are means over repeats of pooled out-of-fold probabilities.
    #[serde(flatten)]
    pub metrics: Metrics<Interval>,
    /// Standard deviation of the AUC over outer folds and repeats.
    pub auc_fold_sd: f64,
    /// ROC curve with its 95 % band.
    pub roc: Vec<RocPoint>,
    /// Reliability: ten bins of equal width, means over repeats; empty ones are left out.
    pub calibration: Vec<Bin>,
    /// Probabilities of each class.
    pub distribution: Distribution,
    /// Net benefit by threshold.
    pub decision: Vec<Decider>,
}

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Share of healthy people who screen positive.
    pub false_positive_rate: f64,
    /// Share of impaired people who do.
    pub sensitivity: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// How many people of each class have which probability: 20 bins of equal width, means over repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Healthy people a bin.
    pub healthy: Vec<f64>,
    /// Impaired people a bin.
    pub impaired: Vec<f64>,
}

/// A point of the decision curve (Vickers & Elkin 2006) at the plan's prevalence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decider {
    /// Probability at which somebody would be referred.
    pub threshold: f64,
    /// Net benefit of referring by the screener: true positives − false positives · odds of the threshold, a person.
    pub screener: f64,
    /// Net benefit of referring everybody. Referring nobody has 0.
    pub everybody: f64,
}

/// The reading of a nested cross-validation.
pub(crate) fn reading(nested: &Nested, plan: &Plan) -> Reading {
    let found = spread(&nested.repeats, &[], (plan.draws, derive(plan.seed, &[SEED])))
        .expect("the folds were stratified, so both classes are there");
    reading_of(&nested.repeats, &nested.fold_aucs, found, plan.prevalence)
}

/// Seed of the draws of people, below the plan's.
const SEED: u64 = 0xb0;

/// The reading of out-of-fold probabilities whose spread is known.
pub(crate) fn reading_of(repeats: &[Judged], fold_aucs: &[f64], found: Spread, prevalence: f64) -> Reading {
    let mut metrics = found.metrics;
    metrics.auc.value = feature::mean(fold_aucs).unwrap_or(metrics.auc.value);
    let labels = &repeats[0].labels;
    let point = |&(false_positive_rate, it): &(f64, Interval)| RocPoint {
        false_positive_rate,
        sensitivity: it.value,
        low: it.low,
        high: it.high,
    };
    Reading {
        people: labels.len(),
        impaired: labels.iter().filter(|&&label| label).count(),
        metrics,
        auc_fold_sd: feature::standard_deviation(fold_aucs).unwrap_or(0.0),
        roc: found.roc.iter().map(point).collect(),
        calibration: calibration(repeats),
        distribution: Distribution { healthy: histogram(repeats, false), impaired: histogram(repeats, true) },
        decision: decision(repeats, prevalence),
    }
}

fn calibration(repeats: &[Judged]) -> Vec<Bin> {
    let ones = vec![1; repeats[0].labels.len()];
    let bins: Vec<[Bin; BINS]> = repeats.iter().map(|it| it.bins(&ones)).collect();
    let average = |it: usize| {
        let people: f64 = bins.iter().map(|bins| bins[it].people).sum();
        let weighted = |part: fn(&Bin) -> f64| {
            bins.iter().map(|bins| part(&bins[it]) * bins[it].people).sum::<f64>() / people
        };
        Bin {
            probability: weighted(|bin| bin.probability),
            impaired: weighted(|bin| bin.impaired),
            people: people / bins.len() as f64,
        }
    };
    (0..BINS).map(average).filter(|bin| bin.people > 0.0).collect()
}

fn histogram(repeats: &[Judged], class: bool) -> Vec<f64> {
    let mut counts = vec![0.0; HISTOGRAM];
    for judged in repeats {
        for (p, _) in judged.probabilities.iter().zip(&judged.labels).filter(|(_, label)| **label == class) {
            counts[((p * HISTOGRAM as f64) as usize).min(HISTOGRAM - 1)] += 1.0 / repeats.len() as f64;
        }
    }
    counts
}

const HISTOGRAM: usize = 20;

/// Thresholds .01 … .50 on probabilities moved from the study's prevalence to the stated one.
fn decision(repeats: &[Judged], prevalence: f64) -> Vec<Decider> {
    let labels = &repeats[0].labels;
    let ones = vec![1; labels.len()];
    let study = labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64;
    let curves: Vec<_> = repeats.iter().map(|it| it.curve(&ones)).collect();
    let decider = |percent: u32| {
        let threshold = f64::from(percent) / 100.0;
        let cut = crate::estimator::sigmoid(logit(threshold) - logit(prevalence) + logit(study));
        let odds = threshold / (1.0 - threshold);
        let benefit = |(false_positive, sensitivity): (f64, f64)| {
            sensitivity * prevalence - false_positive * (1.0 - prevalence) * odds
        };
        let screener = curves.iter().map(|curve| benefit(curve.at(cut))).sum::<f64>() / curves.len() as f64;
        Decider { threshold, screener, everybody: benefit((1.0, 1.0)) }
    };
    (1..=50).map(decider).collect()
}
