//! Joining the evidence of several tasks.
//!
//! Each task gives a log likelihood ratio of its own. Were tasks independent, their sum would be the joint one; they are
//! not, because somebody who is slow is slow everywhere. With the same correlation ρ between all tasks within a class, the
//! best joint log likelihood ratio of k equally good Gaussian ones is mean · k / (1 + (k − 1)·ρ): one task counts as it is,
//! and however many there are, they count for less than 1 / ρ tasks.
//!
//! ρ is not taken from the correlation itself but chosen so that the fused log likelihood ratios of random sets of every
//! size, out of fold, have the smallest log loss: this is the recalibration, and it leaves single tasks as they are.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estimator::{Joint, log_loss};

/// How the parts of a screener — tasks or modalities — are joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Joining {
    /// By one correlation between all parts within a class: any set of parts is scored, and no part counts for more than another of
    /// the same evidence.
    #[default]
    Correlation,
    /// By a logistic line for each set of parts, on out-of-fold evidence of the people who have at least that set: a part that tells
    /// more weighs more. Sets that fewer than ten people of a class have are joined without their rarest part.
    Lines,
}

/// The joint of a set of parts by one correlation.
pub(crate) fn correlated(parts: &[usize], rho: f64) -> Joint {
    Joint {
        parts: parts.to_vec(),
        intercept: 0.0,
        share: share(parts.len() as f64, rho),
        weights: vec![1.0; parts.len()],
    }
}

/// The joint of one part, which counts as it is.
pub(crate) fn alone(part: usize) -> Joint {
    Joint { parts: vec![part], intercept: 0.0, share: 1.0, weights: vec![1.0] }
}

/// Out-of-fold log likelihood ratios, one list of people a task; `None` where the task is missing.
pub(crate) type Evidence = Vec<Vec<Option<f64>>>;

/// The joint log likelihood ratio of one person's tasks; 0, which is no evidence, where there are none.
pub(crate) fn fuse(ratios: impl Iterator<Item = f64>, rho: f64) -> f64 {
    let (sum, tasks) = ratios.fold((0.0, 0.0), |(sum, tasks), ratio| (sum + ratio, tasks + 1.0));
    sum * share(tasks, rho)
}

/// What each of `tasks` log likelihood ratios counts for: 1 / (1 + (k − 1)·ρ).
pub(crate) fn share(tasks: f64, rho: f64) -> f64 {
    1.0 / (1.0 + (tasks - 1.0).max(0.0) * rho)
}

/// The ρ with the smallest log loss over random sets of tasks of every size; 0 where there is only one task.
///
/// `prior` is the log-odds of the study's prevalence.
pub(crate) fn fit_rho(evidence: &Evidence, labels: &[bool], (prior, seed): (f64, u64)) -> f64 {
    let sets = sets(evidence.len(), seed);
    if sets.is_empty() {
        return 0.0;
    }
    let sums: Vec<Vec<(f64, f64)>> = sets.iter().map(|set| sums(evidence, set, labels.len())).collect();
    let loss = |rho: f64| -> f64 {
        let person =
            |(&(sum, tasks), &label): (&(f64, f64), &bool)| log_loss(sum * share(tasks, rho) + prior, label);
        sums.iter().map(|people| people.iter().zip(labels).map(person).sum::<f64>()).sum()
    };
    golden(loss, 0.0, 1.0)
}

/// Ten random sets of each of a few sizes, and the whole.
fn sets(tasks: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let sizes = [2, 3, 5, 10, 15, 20].into_iter().filter(|&size| size < tasks);
    let mut sets: Vec<Vec<usize>> =
        sizes.flat_map(|size| [size; 10]).map(|size| random_set(tasks, size, &mut random)).collect();
    if tasks > 1 {
        sets.extend(std::iter::repeat_n((0..tasks).collect(), 10));
    }
    sets
}

/// `size` of the places 0 .. `tasks`, sorted.
pub(crate) fn random_set(tasks: usize, size: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..tasks).collect();
    let mut set = all.partial_shuffle(random, size).0.to_vec();
    set.sort_unstable();
    set
}

/// Sum and number of each person's log likelihood ratios in a set.
fn sums(evidence: &Evidence, set: &[usize], people: usize) -> Vec<(f64, f64)> {
    let of_person = |person: usize| {
        let known = set.iter().filter_map(|&task| evidence[task][person]);
        known.fold((0.0, 0.0), |(sum, tasks), ratio| (sum + ratio, tasks + 1.0))
    };
    (0..people).map(of_person).collect()
}

/// The minimum of a function with one valley (golden section, Kiefer 1953), to 1e-4.
fn golden(cost: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (cost(left), cost(right));
    while high - low > 1e-4 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = cost(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = cost(right);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::normal;

    /// Log likelihood ratios of `tasks` Gaussian tasks with the classes one standard deviation apart and correlation `rho`.
    fn evidence(tasks: usize, rho: f64) -> (Evidence, Vec<bool>) {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let labels: Vec<bool> = (0..2000).map(|person| person % 2 == 0).collect();
        let shared: Vec<f64> = labels.iter().map(|_| normal(&mut random)).collect();
        let ratio = |(label, shared): (&bool, &f64)| {
            let centre = if *label { 0.5 } else { -0.5 };
            Some(centre + rho.sqrt() * shared + (1.0 - rho).sqrt() * normal(&mut random))
        };
        let mut ratio = ratio;
        ((0..tasks).map(|_| labels.iter().zip(&shared).map(&mut ratio).collect()).collect(), labels)
    }

    #[test]
    fn one_task_counts_as_it_is_and_none_is_no_evidence() {
        assert_eq!(fuse([1.5].into_iter(), 0.7), 1.5);
        assert_eq!(fuse(std::iter::empty(), 0.7), 0.0);
        assert_eq!(fuse([1.0, 3.0].into_iter(), 1.0), 2.0);
        assert_eq!(fuse([1.0, 3.0].into_iter(), 0.0), 4.0);
    }

    #[test]
    fn the_correlation_of_gaussian_tasks_is_found() {
        for rho in [0.0, 0.3, 0.8] {
            let (evidence, labels) = evidence(6, rho);
            let found = fit_rho(&evidence, &labels, (0.0, 1));
            assert!((found - rho).abs() < 0.08, "{found} against {rho}");
        }
    }

    #[test]
    fn random_sets_differ_and_hold_as_many_tasks_as_asked() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let sets: std::collections::BTreeSet<_> = (0..50).map(|_| random_set(25, 5, &mut random)).collect();
        assert!(sets.len() > 45 && sets.iter().all(|set| set.len() == 5 && set.is_sorted()));
    }

    #[test]
    fn one_task_needs_no_correlation() {
        let (evidence, labels) = evidence(1, 0.0);
        assert_eq!(fit_rho(&evidence, &labels, (0.0, 1)), 0.0);
    }
}
