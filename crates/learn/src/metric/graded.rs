//! How good probabilities of three classes, and points of a test, are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Curve;
use crate::label::CLASSES;

/// Metrics of three classes: plain numbers (`T = f64`) or with intervals. A person's class is the one with the largest
/// probability, the milder one of equals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassMetrics<T> {
    /// Mean over classes of the F1 score 2·TP / (2·TP + FP + FN); a class nobody has or was given counts 0.
    pub macro_f1: T,
    /// Mean over classes of the share of their people who were given that class.
    pub balanced_accuracy: T,
    /// Mean over classes of the area under the ROC curve of that class against the others.
    pub macro_auc: T,
    /// Mean of −ln of the probability given to the class that is true, at least 1e-6.
    pub log_loss: T,
}

impl<T: Copy> ClassMetrics<T> {
    pub(crate) fn array(&self) -> [T; 4] {
        [self.macro_f1, self.balanced_accuracy, self.macro_auc, self.log_loss]
    }

    pub(crate) fn of_array([macro_f1, balanced_accuracy, macro_auc, log_loss]: [T; 4]) -> Self {
        Self { macro_f1, balanced_accuracy, macro_auc, log_loss }
    }
}

/// One class against the others: plain numbers (`T = f64`) or with intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OneClass<T> {
    /// Share of its people who were given it.
    pub sensitivity: T,
    /// Share of the others who were not.
    pub specificity: T,
    /// Share of those who were given it whose class it is; 0 where nobody was.
    pub precision: T,
    /// Area under the ROC curve of its probability against the others.
    pub auc: T,
}

impl<T: Copy> OneClass<T> {
    pub(crate) fn array(&self) -> [T; 4] {
        [self.sensitivity, self.specificity, self.precision, self.auc]
    }

    pub(crate) fn of_array([sensitivity, specificity, precision, auc]: [T; 4]) -> Self {
        Self { sensitivity, specificity, precision, auc }
    }
}

/// Metrics of points: plain numbers (`T = f64`) or with intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PointsMetrics<T> {
    /// Mean distance between said and true points.
    pub mean_absolute_error: T,
    /// Root of the mean squared distance.
    pub root_mean_squared_error: T,
    /// Pearson's correlation of said and true points.
    pub pearson: T,
    /// Spearman's: the same of ranks, ties at their mean rank.
    pub spearman: T,
    /// 1 − squared error / squared distance of the true points from their mean; 0 is no better than saying the mean.
    pub r2: T,
    /// Intraclass correlation of said and true points, two-way, absolute agreement, single: ICC(2,1) (Shrout & Fleiss 1979).
    pub icc: T,
    /// Slope of true on said points: 1 is ideal, below 1 what is said lies too far apart. 0 where what is said hardly differs between
    /// people: its variance is less than a hundredth of the true points'.
    pub slope: T,
    /// Mean of said less true points.
    pub bias: T,
    /// Lower limit of agreement: bias − 1.96 standard deviations of the differences (Bland & Altman 1986, Lancet 327:307–310).
    pub lower_limit: T,
    /// Upper limit of agreement.
    pub upper_limit: T,
}

impl<T: Copy> PointsMetrics<T> {
    pub(crate) fn array(&self) -> [T; 10] {
        let Self { mean_absolute_error, root_mean_squared_error, pearson, spearman, r2, .. } = *self;
        let Self { icc, slope, bias, lower_limit, upper_limit, .. } = *self;
        [
            mean_absolute_error,
            root_mean_squared_error,
            pearson,
            spearman,
            r2,
            icc,
            slope,
            bias,
            lower_limit,
            upper_limit,
        ]
    }

    pub(crate) fn of_array(array: [T; 10]) -> Self {
        let [mean_absolute_error, root_mean_squared_error, pearson, spearman, r2, ..] = array;
        let [.., icc, slope, bias, lower_limit, upper_limit] = array;
        Self {
            mean_absolute_error,
            root_mean_squared_error,
            pearson,
            spearman,
            r2,
            icc,
            slope,
            bias,
            lower_limit,
            upper_limit,
        }
    }
}

/// People by true class (rows) and given class (columns), each counted `weights` times.
pub(crate) fn confusion(
    shares: &[[f64; CLASSES]],
    truth: &[usize],
    weights: &[u32],
) -> [[f64; CLASSES]; CLASSES] {
    let mut table = [[0.0; CLASSES]; CLASSES];
    for ((shares, &class), &weight) in shares.iter().zip(truth).zip(weights) {
        table[class][likeliest(shares)] += f64::from(weight);
    }
    table
}

/// The class with the largest share, the first of equals.
pub(crate) fn likeliest(shares: &[f64; CLASSES]) -> usize {
    (1..CLASSES).fold(0, |best, it| if shares[it] > shares[best] { it } else { best })
}

/// Everything that is known of three classes.
pub(crate) struct Classes {
    pub(crate) metrics: ClassMetrics<f64>,
    pub(crate) each: [OneClass<f64>; CLASSES],
    pub(crate) curves: [Curve; CLASSES],
}

/// Metrics with each person counted `weights` times; `None` where a class has nobody.
pub(crate) fn of_classes(shares: &[[f64; CLASSES]], truth: &[usize], weights: &[u32]) -> Option<Classes> {
    let table = confusion(shares, truth, weights);
    let people = |class: usize| table[class].iter().sum::<f64>();
    let given = |class: usize| table.iter().map(|row| row[class]).sum::<f64>();
    if (0..CLASSES).any(|class| people(class) == 0.0) {
        return None;
    }
    let all = (0..CLASSES).map(people).sum::<f64>();
    let curve = |class: usize| {
        let mut order: Vec<usize> = (0..truth.len()).collect();
        order.sort_by(|&a, &b| shares[b][class].total_cmp(&shares[a][class]));
        Curve::of(order.iter().map(|&it| (shares[it][class], truth[it] == class, weights[it])))
    };
    let curves: [Curve; CLASSES] = std::array::from_fn(curve);
    let one = |class: usize| {
        let right = table[class][class];
        OneClass {
            sensitivity: right / people(class),
            specificity: 1.0 - (given(class) - right) / (all - people(class)),
            precision: if given(class) > 0.0 { right / given(class) } else { 0.0 },
            auc: curves[class].auc(),
        }
    };
    let each: [OneClass<f64>; CLASSES] = std::array::from_fn(one);
    let mean = |of: &dyn Fn(usize) -> f64| (0..CLASSES).map(of).sum::<f64>() / CLASSES as f64;
    let loss = |it: usize| -f64::from(weights[it]) * shares[it][truth[it]].max(1e-6).ln();
    let metrics = ClassMetrics {
        macro_f1: mean(&|class| 2.0 * table[class][class] / (people(class) + given(class))),
        balanced_accuracy: mean(&|class| each[class].sensitivity),
        macro_auc: mean(&|class| each[class].auc),
        log_loss: (0..truth.len()).map(loss).sum::<f64>() / all,
    };
    Some(Classes { metrics, each, curves })
}

/// Metrics with each person counted `weights` times; `None` where all true points are the same. Where all said points are
/// the same they relate to nothing: both correlations are 0.
pub(crate) fn of_points(said: &[f64], truth: &[f64], weights: &[u32]) -> Option<PointsMetrics<f64>> {
    let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
    let mean_of = |of: &dyn Fn(usize) -> f64| {
        (0..truth.len()).map(|it| f64::from(weights[it]) * of(it)).sum::<f64>() / total
    };
    let centre = mean_of(&|it| truth[it]);
    let variance = mean_of(&|it| (truth[it] - centre).powi(2));
    if variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let squared = mean_of(&|it| (said[it] - truth[it]).powi(2));
    let bias = mean_of(&|it| said[it] - truth[it]);
    let spread = (total / (total - 1.0).max(1.0) * (squared - bias * bias).max(0.0)).sqrt();
    let middle = mean_of(&|it| said[it]);
    let said_variance = mean_of(&|it| (said[it] - middle).powi(2));
    let together = mean_of(&|it| (said[it] - middle) * (truth[it] - centre));
    Some(PointsMetrics {
        mean_absolute_error: mean_of(&|it| (said[it] - truth[it]).abs()),
        root_mean_squared_error: squared.sqrt(),
        pearson: correlation(said, truth, weights),
        spearman: correlation(&ranks(said, weights), &ranks(truth, weights), weights),
        r2: 1.0 - squared / variance,
        icc: icc(said, truth, weights),
        slope: if said_variance > 0.01 * variance { together / said_variance } else { 0.0 },
        bias,
        lower_limit: bias - LIMITS * spread,
        upper_limit: bias + LIMITS * spread,
    })
}

/// Standard deviations that 95 in 100 differences of a normal distribution lie within.
const LIMITS: f64 = 1.96;

/// ICC(2,1) of two judgements of each person: mean squares of people, judgements and what is left (Shrout & Fleiss 1979, case 2).
fn icc(said: &[f64], truth: &[f64], weights: &[u32]) -> f64 {
    let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
    let sum =
        |of: &dyn Fn(usize) -> f64| (0..truth.len()).map(|it| f64::from(weights[it]) * of(it)).sum::<f64>();
    let (of_said, of_true) = (sum(&|it| said[it]) / total, sum(&|it| truth[it]) / total);
    let whole = f64::midpoint(of_said, of_true);
    let people = sum(&|it| 2.0 * (f64::midpoint(said[it], truth[it]) - whole).powi(2));
    let judgements = total * ((of_said - whole).powi(2) + (of_true - whole).powi(2));
    let all = sum(&|it| (said[it] - whole).powi(2) + (truth[it] - whole).powi(2));
    let rest = (all - people - judgements).max(0.0) / (total - 1.0);
    let people = people / (total - 1.0);
    let of = people + rest + 2.0 / total * (judgements - rest);
    if of > 0.0 { (people - rest) / of } else { 0.0 }
}

/// Pearson's correlation; 0 where either side does not vary.
#[cfg(test)]
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> f64 {
    correlation(a, b, &vec![1; a.len()])
}

fn correlation(a: &[f64], b: &[f64], weights: &[u32]) -> f64 {
    let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
    let sum = |of: &dyn Fn(usize) -> f64| (0..a.len()).map(|it| f64::from(weights[it]) * of(it)).sum::<f64>();
    let (mean_a, mean_b) = (sum(&|it| a[it]) / total, sum(&|it| b[it]) / total);
    let product = sum(&|it| (a[it] - mean_a) * (b[it] - mean_b));
    let spread = (sum(&|it| (a[it] - mean_a).powi(2)) * sum(&|it| (b[it] - mean_b).powi(2))).sqrt();
    if spread > 0.0 { product / spread } else { 0.0 }
}

/// Mean ranks of values with each counted `weights` times, from 1.
fn ranks(values: &[f64], weights: &[u32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut ranks, mut before) = (vec![0.0; values.len()], 0.0);
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let here: f64 = equal.iter().map(|&it| f64::from(weights[it])).sum();
        equal.iter().for_each(|&it| ranks[it] = before + (here + 1.0) / 2.0);
        before += here;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_three_classes_follow_scikit_learn() {
        let shares = [
            [0.6, 0.3, 0.1],
            [0.2, 0.5, 0.3],
            [0.1, 0.2, 0.7],
            [0.3, 0.4, 0.3],
            [0.2, 0.3, 0.5],
            [0.5, 0.4, 0.1],
        ];
        let truth = [0, 1, 2, 0, 1, 0];
        let found = of_classes(&shares, &truth, &[1; 6]).unwrap();
        // sklearn.metrics 1.7: f1_score and roc_auc_score (ovr) with average="macro", balanced_accuracy_score, log_loss.
        let known = [
            0.655_555_555_555_555_6,
            0.722_222_222_222_222_2,
            0.895_833_333_333_333_4,
            0.776_956_756_246_081,
        ];
        for (got, expected) in found.metrics.array().iter().zip(known) {
            assert!((got - expected).abs() < 1e-9, "{:?}", found.metrics);
        }
        let healthy = found.each[0].array();
        // Two of three healthy people were given healthy, and nobody else was.
        let known = [2.0 / 3.0, 1.0, 1.0, 1.0];
        assert!(healthy.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-12), "{healthy:?}");
        assert_eq!(confusion(&shares, &truth, &[1; 6]), [[2.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]);
        assert!(of_classes(&shares, &truth, &[1, 1, 0, 1, 1, 1]).is_none(), "nobody has dementia");
    }

    #[test]
    fn metrics_of_points_follow_scipy() {
        let (said, truth) = ([28.0, 25.0, 20.0, 27.5, 15.0], [29.0, 22.0, 22.0, 30.0, 12.0]);
        let found = of_points(&said, &truth, &[1; 5]).unwrap();
        // sklearn.metrics 1.7 and scipy.stats 1.17: mean_absolute_error, root_mean_squared_error, pearsonr, spearmanr, r2_score.
        let known =
            [2.3, 2.418_677_324_489_564_7, 0.943_993_990_332_144_6, 0.872_081_599_272_380_9, 0.859_375];
        for (got, expected) in found.array().iter().zip(known) {
            assert!((got - expected).abs() < 1e-9, "{found:?}");
        }
        // Of the five differences −1, 3, −2, −2.5, 3 the mean is .1 and the standard deviation (n − 1) 2.702.
        assert!((found.bias - 0.1).abs() < 1e-12, "{found:?}");
        assert!((found.upper_limit - 0.1 - 1.96 * 2.701_851_217).abs() < 1e-6, "{found:?}");
        assert!((found.lower_limit + found.upper_limit - 0.2).abs() < 1e-12, "{found:?}");
        assert!(of_points(&said, &[20.0; 5], &[1; 5]).is_none());
        assert_eq!(of_points(&[20.0; 5], &truth, &[1; 5]).unwrap().pearson, 0.0);
    }

    /// Two judges who differ by a constant: what is left is nothing, and the constant counts against agreement.
    #[test]
    fn a_constant_shift_lowers_agreement_and_not_correlation() {
        let truth: Vec<f64> = (0..12).map(f64::from).collect();
        let said: Vec<f64> = truth.iter().map(|it| it + 4.0).collect();
        let found = of_points(&said, &truth, &[1; 12]).unwrap();
        // Mean squares: people 2 · 13, judgements 96, rest 0; ICC = 26 / (26 + 2 / 12 · 96).
        assert!((found.icc - 26.0 / 42.0).abs() < 1e-9, "{found:?}");
        assert!((found.pearson - 1.0).abs() < 1e-12 && (found.slope - 1.0).abs() < 1e-12);
        assert_eq!((found.bias, found.lower_limit, found.upper_limit), (4.0, 4.0, 4.0));
    }

    #[test]
    fn a_person_counted_twice_is_two_people() {
        let (said, truth, weights) = ([28.0, 25.0, 20.0, 27.5], [29.0, 22.0, 22.0, 30.0], [2, 1, 3, 0]);
        let places = [0, 0, 1, 2, 2, 2];
        let (a, b) = (places.map(|it| said[it]), places.map(|it| truth[it]));
        let (weighed, copied) =
            (of_points(&said, &truth, &weights).unwrap(), of_points(&a, &b, &[1; 6]).unwrap());
        assert!(weighed.array().iter().zip(copied.array()).all(|(x, y)| (x - y).abs() < 1e-12));
    }
}
