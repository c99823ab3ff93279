//! Saying nothing rather than something wrong: how often a band may be wrong is chosen, not hoped for.
//!
//! A person's score is ranked among the scores of people of one class whom the scored thing was not fitted on. Were the person
//! of that class, every rank would be as likely as any other, so a rank among the lowest `error rate` of the impaired speaks
//! against *impaired* and is wrong for at most that share of impaired people, whatever the scores are and however badly they
//! are calibrated (Vovk, Gammerman & Shafer 2005, §2.2 and §4.5: label-conditional, or Mondrian, prediction; Angelopoulos &
//! Bates 2021, §4.6). Where neither class can be ruled out the band is indeterminate.
//!
//! The ranks are of inner out-of-fold scores, so nobody is spent on calibration alone. For such *cross-conformal* ranks (Vovk
//! 2015) the bound is proved for split ranks and holds for crossed ones up to how much the fits of the folds differ: what it
//! comes to is measured on the outer folds and printed beside the rate that was asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bootstrap::{drawn, percentiles},
    metric::Interval,
    screener::Band,
};

/// Scores of people whom the scored thing was not fitted on, by class, each sorted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranks {
    healthy: Vec<f64>,
    impaired: Vec<f64>,
}

impl Ranks {
    pub(crate) fn of(scores: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut ranks = Self { healthy: vec![], impaired: vec![] };
        for (score, impaired) in scores {
            if impaired { &mut ranks.impaired } else { &mut ranks.healthy }.push(score);
        }
        ranks.healthy.sort_unstable_by(f64::total_cmp);
        ranks.impaired.sort_unstable_by(f64::total_cmp);
        ranks
    }

    /// p-values of the two hypotheses: the share of healthy people who score at least this, and of impaired people who score
    /// at most this, the person counted with them.
    pub(crate) fn p(&self, score: f64) -> (f64, f64) {
        let above = self.healthy.len() - self.healthy.partition_point(|it| *it < score);
        let below = self.impaired.partition_point(|it| *it <= score);
        let share = |count: usize, of: usize| (count + 1) as f64 / (of + 1) as f64;
        (share(above, self.healthy.len()), share(below, self.impaired.len()))
    }

    /// Low where *impaired* is ruled out, high where *healthy* is, indeterminate where neither is.
    ///
    /// Between classes so far apart that both are ruled out, the likelier one is taken: a cut anywhere in that gap leaves no
    /// more people on its wrong side than were allowed.
    pub(crate) fn band(&self, score: f64, error_rate: f64) -> Band {
        let (healthy, impaired) = self.p(score);
        match (healthy > error_rate, impaired > error_rate) {
            (true, true) => Band::Indeterminate,
            (true, false) => Band::Low,
            (false, true) => Band::High,
            (false, false) if healthy == impaired => Band::Indeterminate,
            (false, false) if healthy > impaired => Band::Low,
            (false, false) => Band::High,
        }
    }
}

/// How the bands did for people whom nothing was fitted on: what was allowed, and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// The share of each class that may be in the wrong band.
    pub error_rate: f64,
    /// Share of impaired people in band low.
    pub impaired_in_low: Interval,
    /// Share of healthy people in band high.
    pub healthy_in_high: Interval,
    /// Share of people in band indeterminate, at the study's prevalence.
    pub indeterminate: Interval,
}

impl Coverage {
    /// Means over repeats of everybody's bands (`[repeats][people]`), with 95 % intervals from drawing people.
    pub(crate) fn of(
        repeats: &[Vec<Band>],
        labels: &[bool],
        error_rate: f64,
        (draws, seed): (usize, u64),
    ) -> Self {
        let shares = |weights: &[u32]| shares(repeats, labels, weights);
        let value = shares(&vec![1; labels.len()]);
        let each: Vec<[f64; 3]> = (0..draws).map(|draw| shares(&drawn(labels.len(), seed, draw))).collect();
        let interval = |it: usize| percentiles(value[it], each.iter().map(|draw| draw[it]));
        Self {
            error_rate,
            impaired_in_low: interval(0),
            healthy_in_high: interval(1),
            indeterminate: interval(2),
        }
    }
}

/// Impaired in low, healthy in high, all in indeterminate; NaN where a class was not drawn.
fn shares(repeats: &[Vec<Band>], labels: &[bool], weights: &[u32]) -> [f64; 3] {
    let (mut wrong, mut of_class, mut undecided) = ([0.0; 2], [0.0; 2], 0.0);
    for bands in repeats {
        for ((band, &label), &weight) in bands.iter().zip(labels).zip(weights) {
            let (weight, class) = (f64::from(weight), usize::from(!label));
            of_class[class] += weight;
            match (band, label) {
                (Band::Low, true) | (Band::High, false) => wrong[class] += weight,
                (Band::Indeterminate, _) => undecided += weight,
                _ => {}
            }
        }
    }
    [wrong[0] / of_class[0], wrong[1] / of_class[1], undecided / (of_class[0] + of_class[1])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::normal;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn people(count: usize, distance: f64, random: &mut ChaCha8Rng) -> Vec<(f64, bool)> {
        let one = |it: usize| (normal(random) + if it % 2 == 1 { distance } else { 0.0 }, it % 2 == 1);
        (0..count).map(one).collect()
    }

    /// Shares wrong of each class and undecided of all, over many draws of calibration people and new people.
    fn happened(distance: f64, calibration: usize, error_rate: f64) -> [f64; 3] {
        let mut random = ChaCha8Rng::seed_from_u64(17);
        let mut sums = [0.0; 3];
        for _ in 0..400 {
            let ranks = Ranks::of(people(calibration, distance, &mut random).into_iter());
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                people(50, distance, &mut random).into_iter().unzip();
            let bands: Vec<Band> = scores.iter().map(|it| ranks.band(*it, error_rate)).collect();
            let found = shares(&[bands], &labels, &[1; 50]);
            sums.iter_mut().zip(found).for_each(|(sum, it)| *sum += it / 400.0);
        }
        sums
    }

    #[test]
    fn of_each_class_no_more_than_the_error_rate_is_in_the_wrong_band() {
        for error_rate in [0.05, 0.1, 0.2] {
            for (distance, calibration) in [(0.0, 60), (1.0, 60), (1.0, 25), (2.0, 200), (5.0, 60)] {
                let [missed, alarmed, _] = happened(distance, calibration, error_rate);
                // 400 · 25 people a class: a standard error below .005, most of it from the calibration people.
                let limit = error_rate + 0.015;
                assert!(missed <= limit && alarmed <= limit, "{distance} {calibration} {missed} {alarmed}");
            }
        }
    }

    #[test]
    fn the_rate_is_used_up_where_classes_overlap_and_nothing_is_undecided_where_they_do_not() {
        let [missed, alarmed, undecided] = happened(1.0, 199, 0.1);
        assert!((missed - 0.1).abs() < 0.015 && (alarmed - 0.1).abs() < 0.015, "{missed} {alarmed}");
        assert!(undecided > 0.3, "{undecided}");
        assert!(happened(6.0, 199, 0.1)[2] < 0.01);
    }

    #[test]
    fn with_too_few_people_to_rule_anything_out_all_is_indeterminate() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let ranks = Ranks::of(people(16, 3.0, &mut random).into_iter());
        // Of eight people a class the rarest rank is 1 in 9, which is no rarer than .10.
        assert!([-9.0, 0.0, 9.0].iter().all(|it| ranks.band(*it, 0.1) == Band::Indeterminate));
        assert_eq!((ranks.band(-9.0, 0.12), ranks.band(9.0, 0.12)), (Band::Low, Band::High));
    }

    #[test]
    fn p_values_count_the_person_and_ties_against_ruling_out() {
        let ranks = Ranks::of([(1.0, false), (2.0, false), (2.0, true), (3.0, true)].into_iter());
        assert_eq!(ranks.p(2.0), (2.0 / 3.0, 2.0 / 3.0));
        assert_eq!(ranks.p(0.0), (1.0, 1.0 / 3.0));
    }

    #[test]
    fn coverage_is_counted_by_class_with_an_interval() {
        let labels = [true, true, false, false];
        let repeats = [
            vec![Band::Low, Band::High, Band::High, Band::Low],
            vec![Band::High, Band::High, Band::Indeterminate, Band::Low],
        ];
        let found = Coverage::of(&repeats, &labels, 0.1, (200, 1));
        let values = [found.impaired_in_low.value, found.healthy_in_high.value, found.indeterminate.value];
        assert_eq!(values, [0.25, 0.25, 0.125]);
        assert!(found.impaired_in_low.low == 0.0 && found.impaired_in_low.high >= 0.5);
    }
}
