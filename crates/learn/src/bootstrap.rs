//! Intervals by drawing people (Efron 1979; percentiles, Efron & Tibshirani 1993, chapter 13).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    metric::{Interval, Judged, Metrics},
    seed::derive,
};

/// False-positive rates at which the ROC band is given.
pub(crate) const RATES: usize = 51;

/// Metrics and ROC with their intervals.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    pub(crate) metrics: Metrics<Interval>,
    /// Sensitivity at false-positive rates 0, .02 … 1.
    pub(crate) roc: Vec<(f64, Interval)>,
    /// Sensitivity and specificity at each cut asked for.
    pub(crate) cuts: Vec<(Interval, Interval)>,
}

/// How often each of `people` people is drawn in draw number `draw`: with replacement, as many as there are.
pub(crate) fn drawn(people: usize, seed: u64, draw: usize) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(derive(seed, &[draw as u64]));
    let mut weights = vec![0; people];
    (0..people).for_each(|_| weights[random.random_range(0..people)] += 1);
    weights
}

/// Values and intervals of several repeats over the same people: each repeat's percentiles over `draws` draws, averaged over
/// repeats. Scores of different repeats are never mixed. `cuts` are probabilities at which sensitivity and specificity are
/// wanted. `None` where the people are all of one class.
pub(crate) fn spread(repeats: &[Judged], cuts: &[f64], (draws, seed): (usize, u64)) -> Option<Spread> {
    repeats.first()?;
    let each: Option<Vec<Vec<Interval>>> =
        repeats.par_iter().map(|repeat| of_repeat(repeat, cuts, (draws, seed))).collect();
    let each = each?;
    let average = |it: usize| {
        let over = |part: fn(&Interval) -> f64| {
            each.iter().map(|repeat| part(&repeat[it])).sum::<f64>() / each.len() as f64
        };
        Interval { value: over(|it| it.value), low: over(|it| it.low), high: over(|it| it.high) }
    };
    let metrics = Metrics::of_array(std::array::from_fn(average));
    let first = Metrics::<f64>::COUNT;
    let roc = (0..RATES).map(|it| (rate(it), average(first + it))).collect();
    let pair = |it: usize| (average(first + RATES + 2 * it), average(first + RATES + 2 * it + 1));
    Some(Spread { metrics, roc, cuts: (0..cuts.len()).map(pair).collect() })
}

/// The false-positive rate of a point of the band.
pub(crate) fn rate(place: usize) -> f64 {
    place as f64 / (RATES - 1) as f64
}

/// Metrics, sensitivities at the rates, and sensitivity and specificity at the cuts, each with its percentiles.
///
/// Draws are made anew for each repeat: kept, those of many people would outgrow everything else in memory.
fn of_repeat(repeat: &Judged, cuts: &[f64], (draws, seed): (usize, u64)) -> Option<Vec<Interval>> {
    let numbers = |weights: &[u32]| {
        let (metrics, curve) = repeat.metrics(weights)?;
        let roc = (0..RATES).map(|it| curve.sensitivity_between(rate(it)));
        let at_cuts = cuts.iter().map(|&cut| curve.at(cut)).flat_map(|(rate, found)| [found, 1.0 - rate]);
        Some(metrics.array().into_iter().chain(roc).chain(at_cuts).collect::<Vec<f64>>())
    };
    let values = numbers(&vec![1; repeat.labels.len()])?;
    let people = repeat.labels.len();
    let drawn: Vec<Vec<f64>> =
        (0..draws).into_par_iter().filter_map(|draw| numbers(&drawn(people, seed, draw))).collect();
    Some(
        values
            .into_iter()
            .enumerate()
            .map(|(it, value)| percentiles(value, drawn.iter().map(|draw| draw[it])))
            .collect(),
    )
}

/// The middle 95 % of drawn values around `value`; the value itself where nothing was drawn.
pub(crate) fn percentiles(value: f64, drawn: impl Iterator<Item = f64>) -> Interval {
    let mut drawn: Vec<f64> = drawn.filter(|it| it.is_finite()).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| match drawn.len() {
        0 => value,
        n => drawn[(share * (n - 1) as f64).round() as usize],
    };
    Interval { value, low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{estimator::sigmoid, synthetic::normal};

    fn judged(people: usize, distance: f64) -> Judged {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let labels: Vec<bool> = (0..people).map(|it| it % 2 == 0).collect();
        let score = |label: &bool| normal(&mut random) + if *label { distance } else { 0.0 };
        Judged::new(labels.iter().map(score).map(sigmoid).collect(), labels)
    }

    #[test]
    fn the_interval_of_auc_is_as_wide_as_hanley_and_mcneil_say() {
        let auc = spread(&[judged(200, 1.0)], &[], (1000, 1)).unwrap().metrics.auc;
        // Hanley & McNeil 1982: the standard error at 100 + 100 people.
        let (a, n) = (auc.value, 100.0);
        let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
        let error = ((a * (1.0 - a) + (n - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a)) / (n * n)).sqrt();
        let width = (auc.high - auc.low) / (2.0 * 1.96);
        assert!((width / error - 1.0).abs() < 0.15, "{width} against {error}");
    }

    #[test]
    fn a_seed_reproduces_the_interval() {
        let repeats = [judged(60, 1.0), judged(60, 0.5)];
        let (a, b) = (spread(&repeats, &[], (200, 3)).unwrap(), spread(&repeats, &[], (200, 3)).unwrap());
        assert_eq!((a.metrics, a.roc), (b.metrics, b.roc));
        assert_ne!(spread(&repeats, &[], (200, 4)).unwrap().metrics, a.metrics);
    }

    #[test]
    fn one_class_has_no_spread() {
        assert!(spread(&[Judged::new(vec![0.1, 0.2], vec![true, true])], &[], (10, 1)).is_none());
    }
}
