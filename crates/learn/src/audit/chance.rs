//! What chance alone would do: permutations of the labels and exact counts.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    bootstrap::{drawn, percentiles},
    metric::{Interval, Judged},
    seed::derive,
};

/// Permutations of the labels. A p-value cannot fall below one in this plus one.
pub(crate) const PERMUTATIONS: usize = 1999;

/// Draws of people for the interval of an AUC.
const DRAWS: usize = 500;

/// Above this p-value nothing is said: of two hundred cohorts without a fault, one would hear of a check.
pub(crate) const LIKELY: f64 = 0.005;

/// How well one number a person tells the label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Area under the ROC curve with its bootstrap interval; below .5 where low numbers mean impaired.
    pub(crate) auc: Interval,
    /// Share of permuted labels whose AUC is as far from .5 (Good 2005; the observed order counts as one).
    pub(crate) p: f64,
}

impl Told {
    /// The same with numbers turned around where low ones mean impaired, so that the AUC is at least .5.
    pub(crate) fn turned(self) -> Self {
        let Interval { value, low, high } = self.auc;
        let auc = if value >= 0.5 {
            self.auc
        } else {
            Interval { value: 1.0 - value, low: 1.0 - high, high: 1.0 - low }
        };
        Self { auc, ..self }
    }
}

/// Tests numbers (one a person, none missing) against labels; `None` where one class is missing or all numbers are equal.
pub(crate) fn told(numbers: &[f64], labels: &[bool], seed: u64) -> Option<Told> {
    let ranks = midranks(numbers);
    let impaired = labels.iter().filter(|&&label| label).count();
    let constant = ranks.iter().all(|rank| *rank == ranks[0]);
    if impaired == 0 || impaired == labels.len() || constant {
        return None;
    }
    let area = |labels: &[bool]| area(&ranks, labels, impaired);
    let value = area(labels);
    let mut random = ChaCha8Rng::seed_from_u64(derive(seed, &[0]));
    let mut permuted = labels.to_vec();
    let as_far = (0..PERMUTATIONS).filter(|_| {
        permuted.shuffle(&mut random);
        (area(&permuted) - 0.5).abs() >= (value - 0.5).abs() - 1e-12
    });
    let p = (1 + as_far.count()) as f64 / (1 + PERMUTATIONS) as f64;
    let judged = Judged::new(numbers.to_vec(), labels.to_vec());
    let areas = (0..DRAWS).map(|draw| judged.curve(&drawn(labels.len(), derive(seed, &[1]), draw)).auc());
    Some(Told { auc: percentiles(value, areas), p })
}

/// Area under the ROC curve from ranks (Mann & Whitney 1947).
fn area(ranks: &[f64], labels: &[bool], impaired: usize) -> f64 {
    let sum: f64 = ranks.iter().zip(labels).filter(|(_, label)| **label).map(|(rank, _)| rank).sum();
    let (positive, negative) = (impaired as f64, (labels.len() - impaired) as f64);
    (sum - positive * (positive + 1.0) / 2.0) / (positive * negative)
}

/// The area of numbers under the ROC curve and its two-sided p-value, by the normal approximation with ties (Mann & Whitney 1947;
/// Lehmann 1975, "Nonparametrics", section 1.4); `None` where one class is missing or all numbers are equal.
pub(crate) fn rank_sum(numbers: &[f64], labels: &[bool]) -> Option<(f64, f64)> {
    let ranks = midranks(numbers);
    let impaired = labels.iter().filter(|&&label| label).count();
    let (n, positive, negative) = (labels.len() as f64, impaired as f64, (labels.len() - impaired) as f64);
    let mean = (n + 1.0) / 2.0;
    let spread = ranks.iter().map(|rank| (rank - mean).powi(2)).sum::<f64>() / (n - 1.0);
    if positive * negative == 0.0 || spread == 0.0 {
        return None;
    }
    let area = area(&ranks, labels, impaired);
    // Half a step towards the middle: areas are discrete.
    let step = 0.5 / (positive * negative);
    let error = (spread / (n * positive * negative)).sqrt();
    let z = ((area - 0.5).abs() - step).max(0.0) / error;
    Some((area, libm::erfc(z / std::f64::consts::SQRT_2)))
}

/// Ranks from 1, equal numbers sharing their mean rank.
pub(crate) fn midranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    for alike in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let rank = start as f64 + (alike.len() as f64 + 1.0) / 2.0;
        alike.iter().for_each(|&it| ranks[it] = rank);
        start += alike.len();
    }
    ranks
}

/// A table of two by two: of `n` people `class` are impaired; of the `group`, `both` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) n: usize,
    pub(crate) class: usize,
    pub(crate) group: usize,
    pub(crate) both: usize,
}

impl Counts {
    /// Fisher's exact test, two-sided: the sum over all tables with the same margins that are no likelier (Fisher 1935).
    pub(crate) fn p(&self) -> f64 {
        let factorials = LogFactorials::up_to(self.n);
        let chance = |both| factorials.hypergeometric(&Self { both, ..*self });
        let observed = chance(self.both) * (1.0 + 1e-9);
        let fewest = (self.group + self.class).saturating_sub(self.n);
        let all = (fewest..=self.group.min(self.class)).map(chance);
        all.filter(|it| *it <= observed).sum::<f64>().min(1.0)
    }
}

/// ln k! for k = 0 … n.
pub(crate) struct LogFactorials(Vec<f64>);

impl LogFactorials {
    pub(crate) fn up_to(n: usize) -> Self {
        let sums = (1..=n).scan(0.0, |sum, k| {
            *sum += (k as f64).ln();
            Some(*sum)
        });
        Self(std::iter::once(0.0).chain(sums).collect())
    }

    fn choose(&self, n: usize, k: usize) -> f64 {
        self.0[n] - self.0[k] - self.0[n - k]
    }

    /// Chance of exactly this table, given its margins.
    pub(crate) fn hypergeometric(&self, it: &Counts) -> f64 {
        let ways = self.choose(it.class, it.both) + self.choose(it.n - it.class, it.group - it.both);
        (ways - self.choose(it.n, it.group)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_two_classes_apart_have_the_p_value_of_the_tables() {
        let numbers: Vec<f64> = (0..8).map(f64::from).collect();
        let labels: Vec<bool> = (0..8).map(|it| it > 3).collect();
        // W is 26 where 18 is expected with variance 12: z = 7.5 / sqrt(12).
        let (area, p) = rank_sum(&numbers, &labels).unwrap();
        assert!(area == 1.0 && (p - 0.030_383).abs() < 1e-5, "{area} {p}");
        assert!(rank_sum(&[1.0; 8], &labels).is_none() && rank_sum(&numbers, &[true; 8]).is_none());
    }

    #[test]
    fn fisher_gives_the_ladies_tea_and_scipys_numbers() {
        // Fisher's tea: 3 of 4 guessed, 34/70. scipy.stats.fisher_exact([[8, 2], [1, 5]]) = .03496503496503495.
        assert!((Counts { n: 8, class: 4, group: 4, both: 3 }.p() - 34.0 / 70.0).abs() < 1e-12);
        assert!(
            (Counts { n: 16, class: 9, group: 10, both: 8 }.p() - 0.034_965_034_965_034_95).abs() < 1e-12
        );
    }

    #[test]
    fn numbers_in_the_order_of_labels_tell_them_and_shuffled_ones_do_not() {
        let labels: Vec<bool> = (0..60).map(|it| it >= 30).collect();
        let order: Vec<f64> = (0..60).map(f64::from).collect();
        let sorted = told(&order, &labels, 1).unwrap();
        assert_eq!((sorted.auc.value, sorted.p), (1.0, 1.0 / 2000.0));
        let alternating: Vec<bool> = (0..60).map(|it| it % 2 == 1).collect();
        let mixed = told(&order, &alternating, 1).unwrap();
        assert!(mixed.p > 0.5 && mixed.auc.low < 0.5 && mixed.auc.high > 0.5, "{mixed:?}");
    }

    #[test]
    fn the_p_value_is_uniform_where_nothing_is_told() {
        let labels: Vec<bool> = (0..30).map(|it| it % 3 == 0).collect();
        let mut numbers: Vec<f64> = (0..30).map(f64::from).collect();
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let small = (0..200).filter(|&seed| {
            numbers.shuffle(&mut random);
            told(&numbers, &labels, seed).unwrap().p <= 0.1
        });
        let small = small.count();
        assert!((8..=34).contains(&small), "{small} of 200 below .1");
    }

    #[test]
    fn turned_around_is_as_strong_and_a_constant_tells_nothing() {
        let labels = [true, true, true, false, false, false, false];
        let told_by = |numbers: &[f64]| told(numbers, &labels, 1);
        let low = told_by(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).unwrap();
        assert_eq!((low.auc.value, low.turned().auc.value, low.turned().auc.low), (0.0, 1.0, 1.0));
        assert!(told_by(&[1.0; 7]).is_none());
        assert!(told(&[1.0, 2.0], &[true, true], 1).is_none());
    }

    #[test]
    fn equal_numbers_share_a_rank() {
        assert_eq!(midranks(&[2.0, 1.0, 2.0, 5.0]), [2.5, 1.0, 2.5, 4.0]);
    }
}
