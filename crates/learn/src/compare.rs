//! Which of two screeners is better, on the same people.
//!
//! Two cards side by side say little: people whom one of them finds hard are often hard for the other too, so intervals
//! overlap where the difference is certain. Here each draw of people judges both, and what is drawn is the difference.

mod delong;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

use crate::{
    Error,
    bootstrap::{drawn, percentiles},
    metric::{Interval, Judged, Metrics},
    scores::Scores,
};

pub use delong::DeLong;

/// Two screeners, or estimators, on the people whom both judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Name of the first card and its estimator.
    pub a: String,
    /// Name of the second.
    pub b: String,
    /// People in both.
    pub people: usize,
    /// How many of them are impaired.
    pub impaired: usize,
    /// People only the first judged; they are left out.
    pub only_a: usize,
    /// People only the second judged; they are left out.
    pub only_b: usize,
    /// Whether both were judged on the same splits. Where not, part of a difference is the luck of the splits.
    pub same_splits: bool,
    /// The first by itself: means over repeats of pooled out-of-fold metrics, intervals over draws of people. (The AUC of a
    /// card's headline is a mean over folds and differs a little.)
    pub metrics_a: Metrics<Interval>,
    /// The second by itself, from the same draws.
    pub metrics_b: Metrics<Interval>,
    /// First minus second, from the same draws: an interval without 0 is a difference.
    pub difference: Metrics<Interval>,
    /// Two-sided p-value of the difference of AUCs: twice the smaller share of draws on either side of 0, each counted with
    /// one draw more (Davison & Hinkley 1997, §4.2.1).
    pub p: f64,
    /// The same without drawing, as a check: difference and standard error are means over repeats.
    pub delong: DeLong,
    /// How often both decide the same.
    pub agreement: Agreement,
}

/// Decisions of two screeners at their operating points: positive where the probability at the study's prevalence is at
/// least .5. With several repeats, people are shares: somebody positive in 7 of 10 repeats counts .7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Share of people about whom both decide the same.
    pub same: Interval,
    /// Cohen's kappa (Cohen 1960): agreement beyond what both shares of positives give by chance; 0 where chance is all.
    pub kappa: Interval,
    /// Impaired people whom only the first finds.
    pub found_by_a: f64,
    /// Impaired people whom only the second finds.
    pub found_by_b: f64,
    /// Healthy people whom only the first alarms.
    pub alarmed_by_a: f64,
    /// Healthy people whom only the second alarms.
    pub alarmed_by_b: f64,
}

/// Compares the first estimators of two lists of scores on the people who are in both.
///
/// `draws` draws of people (2,000 are usual) from `seed`. Repeats are paired in order; where one has more, the others are used
/// for its own mean only. A person whose label differs between the two, people of one class and nobody in common are errors.
pub fn compare(a: &Scores, b: &Scores, (draws, seed): (usize, u64)) -> Result<Comparison, Error> {
    let pairs = common(a, b)?;
    let of = |scores: &Scores, side: fn(&(usize, usize)) -> usize| -> Vec<Judged> {
        let take = |repeat: &Vec<f64>| pairs.iter().map(|it| repeat[side(it)]).collect();
        let labels: Vec<bool> = pairs.iter().map(|it| a.labels[it.0]).collect();
        scores.estimators[0].repeats.iter().map(|it| Judged::new(take(it), labels.clone())).collect()
    };
    let sides = (of(a, |it| it.0), of(b, |it| it.1));
    let people = pairs.len();
    let impaired = pairs.iter().filter(|it| a.labels[it.0]).count();
    let one_class = Error::OneClass { place: "people in both", healthy: people - impaired, impaired };
    let Some(values) = Drawn::of(&sides, &vec![1; people]) else { return Err(one_class) };
    let each: Vec<Drawn> =
        (0..draws).into_par_iter().filter_map(|draw| Drawn::of(&sides, &drawn(people, seed, draw))).collect();
    let metrics = |of: &dyn Fn(&Drawn) -> Numbers| {
        let (value, drawn): (Numbers, Vec<Numbers>) = (of(&values), each.iter().map(of).collect());
        Metrics::of_array(std::array::from_fn(|it| percentiles(value[it], drawn.iter().map(|draw| draw[it]))))
    };
    let name = |it: &Scores| format!("{}, {}", it.name, it.estimators[0].name);
    Ok(Comparison {
        a: name(a),
        b: name(b),
        people,
        impaired,
        only_a: a.people.len() - people,
        only_b: b.people.len() - people,
        same_splits: a.split_hash == b.split_hash,
        metrics_a: metrics(&|it| it.a),
        metrics_b: metrics(&|it| it.b),
        difference: metrics(&|it| std::array::from_fn(|metric| it.a[metric] - it.b[metric])),
        p: two_sided(each.iter().map(|it| it.a[AUC] - it.b[AUC])),
        delong: delong(&sides),
        agreement: agreement(&values, &each, &sides),
    })
}

type Numbers = [f64; Metrics::<f64>::COUNT];

/// Place of the AUC among the metrics.
const AUC: usize = 0;

/// Places in both lists of the people who are in both, in the order of the first.
fn common(a: &Scores, b: &Scores) -> Result<Vec<(usize, usize)>, Error> {
    let place: HashMap<&str, usize> =
        b.people.iter().enumerate().map(|(it, key)| (key.as_str(), it)).collect();
    let pair = |(it, key): (usize, &String)| Some((it, *place.get(key.as_str())?));
    let pairs: Vec<(usize, usize)> = a.people.iter().enumerate().filter_map(pair).collect();
    let apart = pairs.iter().filter(|it| a.labels[it.0] != b.labels[it.1]).count();
    let bad = |expected: &str, got: String| {
        Err(Error::BadArtefact { place: "scores.json".to_owned(), expected: expected.to_owned(), got })
    };
    match (pairs.len(), apart) {
        (0, _) => bad("people whom both cards judged", "nobody in common".to_owned()),
        (_, 0) => Ok(pairs),
        _ => bad("the same labels in both", format!("{apart} people with another label")),
    }
}

/// What one draw of people says of both: metrics, and what they decide alike.
struct Drawn {
    a: Numbers,
    b: Numbers,
    same: f64,
    kappa: f64,
}

impl Drawn {
    /// `None` where the draw is of one class.
    fn of((a, b): &(Vec<Judged>, Vec<Judged>), weights: &[u32]) -> Option<Self> {
        let mean = |repeats: &[Judged]| {
            let arrays = repeats.iter().map(|it| Some(it.metrics(weights)?.0.array()));
            let arrays: Vec<Numbers> = arrays.collect::<Option<_>>()?;
            Some(std::array::from_fn(|it| {
                arrays.iter().map(|array| array[it]).sum::<f64>() / arrays.len() as f64
            }))
        };
        let alike: Vec<(f64, f64)> = a.iter().zip(b).map(|(a, b)| alike(a, b, weights)).collect();
        let n = alike.len() as f64;
        let (same, kappa) = alike.iter().fold((0.0, 0.0), |sum, it| (sum.0 + it.0 / n, sum.1 + it.1 / n));
        Some(Self { a: mean(a)?, b: mean(b)?, same, kappa })
    }
}

fn positive(judged: &Judged, person: usize) -> bool {
    judged.probabilities[person] >= 0.5
}

/// Share of people about whom both decide the same, and kappa.
fn alike(a: &Judged, b: &Judged, weights: &[u32]) -> (f64, f64) {
    let (mut n, mut same, mut by_a, mut by_b) = (0.0, 0.0, 0.0, 0.0);
    for (person, weight) in weights.iter().enumerate() {
        let (weight, a, b) = (f64::from(*weight), positive(a, person), positive(b, person));
        n += weight;
        same += if a == b { weight } else { 0.0 };
        by_a += if a { weight } else { 0.0 };
        by_b += if b { weight } else { 0.0 };
    }
    let (same, by_a, by_b) = (same / n, by_a / n, by_b / n);
    let chance = by_a * by_b + (1.0 - by_a) * (1.0 - by_b);
    (same, if chance < 1.0 { (same - chance) / (1.0 - chance) } else { 0.0 })
}

fn agreement(values: &Drawn, each: &[Drawn], (a, b): &(Vec<Judged>, Vec<Judged>)) -> Agreement {
    let repeats = a.len().min(b.len()) as f64;
    let only = |label: bool, first: bool| {
        let of_repeat = |(a, b): (&Judged, &Judged)| {
            let people = (0..a.labels.len()).filter(|&it| a.labels[it] == label);
            people.filter(|&it| positive(a, it) == first && positive(b, it) != first).count() as f64
        };
        a.iter().zip(b).map(of_repeat).sum::<f64>() / repeats
    };
    Agreement {
        same: percentiles(values.same, each.iter().map(|it| it.same)),
        kappa: percentiles(values.kappa, each.iter().map(|it| it.kappa)),
        found_by_a: only(true, true),
        found_by_b: only(true, false),
        alarmed_by_a: only(false, true),
        alarmed_by_b: only(false, false),
    }
}

fn two_sided(differences: impl Iterator<Item = f64>) -> f64 {
    let (mut n, mut above, mut below) = (0.0, 0.0, 0.0);
    for it in differences {
        n += 1.0;
        above += if it >= 0.0 { 1.0 } else { 0.0 };
        below += if it <= 0.0 { 1.0 } else { 0.0 };
    }
    (2.0 * (1.0 + f64::min(above, below)) / (n + 1.0)).min(1.0)
}

/// Mean over paired repeats. Repeats share the people, so their errors do not average out: the mean error stays.
fn delong((a, b): &(Vec<Judged>, Vec<Judged>)) -> DeLong {
    let each: Vec<DeLong> =
        a.iter().zip(b).map(|(a, b)| DeLong::of(&a.probabilities, &b.probabilities, &a.labels)).collect();
    let mean = |part: fn(&DeLong) -> f64| each.iter().map(part).sum::<f64>() / each.len() as f64;
    DeLong::of_error(mean(|it| it.difference), mean(|it| it.standard_error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{estimator::sigmoid, scores::EstimatorScores, synthetic::normal};
    use rand::SeedableRng;

    /// Two repeats of people whose score is a shared number plus `noise`; impaired people are 1.5 higher.
    fn scores(people: usize, noise: f64, seed: u64) -> Scores {
        let mut shared = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut own = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let labels: Vec<bool> = (0..people).map(|it| it % 2 == 0).collect();
        let person = |&label: &bool| normal(&mut shared) + if label { 0.75 } else { -0.75 };
        let known: Vec<f64> = labels.iter().map(person).collect();
        let mut repeat = || known.iter().map(|it| sigmoid(it + noise * normal(&mut own))).collect();
        let estimator = EstimatorScores { name: "demo".to_owned(), repeats: vec![repeat(), repeat()] };
        Scores {
            name: format!("noise {noise}"),
            split_hash: "same".to_owned(),
            people: (0..people).map(|it| format!("{it:04}")).collect(),
            labels,
            estimators: vec![estimator],
        }
    }

    #[test]
    fn the_better_of_two_is_found_where_their_own_intervals_overlap() {
        let found = compare(&scores(200, 0.2, 2), &scores(200, 0.9, 3), (500, 1)).unwrap();
        assert!(found.metrics_a.auc.low < found.metrics_b.auc.high, "{found:?}");
        assert!(found.difference.auc.low > 0.0 && found.p < 0.05 && found.delong.p < 0.05, "{found:?}");
        // Drawing and the asymptotic error agree on how wide the difference is.
        let width = (found.difference.auc.high - found.difference.auc.low) / (2.0 * 1.96);
        assert!((width / found.delong.standard_error - 1.0).abs() < 0.3, "{width} {:?}", found.delong);
        assert!((found.difference.auc.value - found.delong.difference).abs() < 1e-12);
    }

    #[test]
    fn a_screener_compared_with_itself_shows_nothing() {
        let a = scores(80, 0.3, 2);
        let found = compare(&a, &a, (200, 1)).unwrap();
        assert_eq!((found.difference.auc.low, found.difference.auc.high, found.p), (0.0, 0.0, 1.0));
        assert_eq!((found.agreement.same.low, found.agreement.kappa.value), (1.0, 1.0));
        assert_eq!((found.agreement.found_by_a, found.agreement.alarmed_by_b), (0.0, 0.0));
    }

    #[test]
    fn equally_good_screeners_differ_as_often_as_the_p_value_says() {
        let rejected = (0..60).filter(|&seed| {
            let found =
                compare(&scores(60, 0.5, 100 + seed), &scores(60, 0.5, 900 + seed), (100, seed)).unwrap();
            found.p <= 0.1
        });
        // 6 of 60 expected; 15 or more have a chance below one in a thousand.
        assert!(rejected.count() < 15);
    }

    #[test]
    fn only_people_in_both_are_compared_whatever_their_order() {
        let (a, mut b) = (scores(60, 0.3, 2), scores(60, 0.3, 2));
        b.people.reverse();
        b.labels.reverse();
        b.estimators[0].repeats.iter_mut().for_each(|it| it.reverse());
        b.people[0] = "stranger".to_owned();
        let found = compare(&a, &b, (100, 1)).unwrap();
        assert_eq!((found.people, found.only_a, found.only_b), (59, 1, 1));
        assert_eq!(found.difference.auc.value, 0.0);
    }

    #[test]
    fn other_labels_other_people_and_one_class_are_clear_errors() {
        let a = scores(20, 0.3, 2);
        let refused = |b: &Scores| compare(&a, b, (10, 1)).unwrap_err().to_string();
        let mut b = a.clone();
        b.labels[3] = !b.labels[3];
        assert!(refused(&b).contains("1 people with another label"));
        b.people.iter_mut().for_each(|it| it.push('x'));
        assert!(refused(&b).contains("nobody in common"));
        let part: Vec<usize> = (0..20).step_by(2).collect();
        let mut b = a.clone();
        b.people = part.iter().map(|&it| a.people[it].clone()).collect();
        b.labels = part.iter().map(|&it| a.labels[it]).collect();
        b.estimators[0]
            .repeats
            .iter_mut()
            .for_each(|repeat| *repeat = part.iter().map(|&it| repeat[it]).collect());
        assert!(refused(&b).contains("people in both: expected people of both classes"));
    }
}
