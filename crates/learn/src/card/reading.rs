//! One estimator on one reading of a cohort, in numbers and points that a page can draw.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Plan,
    bootstrap::{Spread, spread},
    evaluate::{Nested, mean_auc},
    metric::{BINS, Bin, Interval, Judged, Metrics, logit},
    seed::derive,
};

/// Metrics, curves and distributions of one reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Number of people.
    pub people: usize,
    /// Impaired people.
    pub impaired: usize,
    /// Every metric with its 95 % interval from drawing people. `auc.value` is the mean over outer folds and repeats; the other
    /// values, and all intervals, are means over repeats of pooled out-of-fold probabilities. Where groups were left out, `auc`
    /// is the mean over the groups of both classes, its interval from drawing people within each.
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// Healthy people a bin.
    pub healthy: Vec<f64>,
    /// Impaired people a bin.
    pub impaired: Vec<f64>,
}

/// A point of the decision curve (Vickers & Elkin 2006) at the plan's prevalence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    let mut reading = reading_of(&nested.repeats, &nested.fold_aucs, found, plan.prevalence);
    if !nested.groups.is_empty() {
        let seed = derive(plan.seed, &[SEED, 1]);
        let mean = mean_auc(&nested.repeats[0], &nested.groups, (plan.draws, seed));
        reading.metrics.auc = mean.unwrap_or(reading.metrics.auc);
    }
    reading
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

#[cfg(test)]
mod tests {
    use super::*;

    fn repeats() -> Vec<Judged> {
        let labels = vec![false, false, true, true];
        let probabilities = [[0.1, 0.6, 0.7, 0.9], [0.2, 0.3, 0.4, 0.8]];
        probabilities.map(|it| Judged::new(it.to_vec(), labels.clone())).into()
    }

    #[test]
    fn histograms_hold_each_person_once() {
        let (healthy, impaired) = (histogram(&repeats(), false), histogram(&repeats(), true));
        assert!((healthy.iter().sum::<f64>() - 2.0).abs() < 1e-12);
        assert!((impaired.iter().sum::<f64>() - 2.0).abs() < 1e-12);
        assert_eq!((healthy[2], healthy[12], impaired[8]), (0.5, 0.5, 0.5));
    }

    #[test]
    fn reliability_bins_are_means_over_repeats_without_empty_ones() {
        let bins = calibration(&repeats());
        assert!((bins.iter().map(|bin| bin.people).sum::<f64>() - 4.0).abs() < 1e-12);
        let last = bins.last().unwrap();
        assert_eq!((last.impaired, last.people), (1.0, 0.5));
    }

    #[test]
    fn the_decision_curve_counts_what_vickers_and_elkin_count() {
        // At the study's own prevalence of one half and a threshold of .50, cuts are at .50: repeat one refers 2 of 2
        // impaired and 1 of 2 healthy people, repeat two 1 and 0.
        let curve = decision(&repeats(), 0.5);
        let last = curve.last().unwrap();
        let benefit = ((2.0 / 4.0 - 1.0 / 4.0) + 1.0 / 4.0) / 2.0;
        assert!((last.screener - benefit).abs() < 1e-12, "{last:?}");
        assert!((last.threshold, last.everybody) == (0.5, 0.0));
        // Where nearly everybody is referred anyway, the screener equals referring everybody.
        assert!((curve[0].screener - curve[0].everybody).abs() < 1e-12);
    }

    #[test]
    fn the_headline_is_the_mean_over_folds() {
        let found = spread(&repeats(), &[], (50, 1)).unwrap();
        let reading = reading_of(&repeats(), &[0.5, 1.0], found, 0.1);
        assert_eq!((reading.metrics.auc.value, reading.people, reading.impaired), (0.75, 4, 2));
        assert!((reading.auc_fold_sd - 0.125f64.sqrt()).abs() < 1e-12);
    }
}
