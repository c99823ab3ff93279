//! How well something tells many classes apart, judged on items that people made: digits by their writers.
//!
//! Items of one person are alike, so people are drawn for intervals, each with all their items (Field & Welsh 2007, the cluster
//! bootstrap); drawing items would make intervals too narrow.

use std::collections::BTreeMap;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Interval,
    bootstrap::{drawn, percentiles},
    metric::Curve,
};

/// What was said of items of many classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognition {
    classes: usize,
    /// `[items, classes]`.
    shares: Vec<f64>,
    truth: Vec<usize>,
    /// A number from 0 for whoever made each item.
    people: Vec<usize>,
    /// Items of each class by falling share.
    orders: Vec<Vec<usize>>,
}

/// Metrics of many classes: plain numbers (`T = f64`) or with intervals. An item's class is the one with the largest share, the
/// first of equals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecognitionMetrics<T> {
    /// Share of the items given their true class.
    pub accuracy: T,
    /// Mean over classes of the area under the ROC curve of that class against the others.
    pub macro_auc: T,
    /// Mean squared distance between shares and truth, summed over classes (Brier 1950): 0 is perfect, 2 always wrong.
    pub brier: T,
    /// Mean of −ln of the share given to the true class, at least 1e-6.
    pub log_loss: T,
    /// Expected calibration error of the class given: |mean share − accuracy| over ten bins of equal width, weighted by items
    /// (Guo et al. 2017).
    pub calibration_error: T,
}

/// Two recognisers on the same items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecognitionCompared {
    /// Items judged.
    pub items: usize,
    /// People who made them.
    pub people: usize,
    /// The first by itself.
    pub metrics_a: RecognitionMetrics<Interval>,
    /// The second by itself, from the same draws.
    pub metrics_b: RecognitionMetrics<Interval>,
    /// First minus second, from the same draws: an interval without 0 is a difference.
    pub difference: RecognitionMetrics<Interval>,
    /// Share of items given the same class by both.
    pub agreement: Interval,
}

impl<T: Copy> RecognitionMetrics<T> {
    /// The metrics in order, each with its name.
    pub fn named(&self) -> [(&'static str, T); 5] {
        [
            ("accuracy", self.accuracy),
            ("macro_auc", self.macro_auc),
            ("brier", self.brier),
            ("log_loss", self.log_loss),
            ("calibration_error", self.calibration_error),
        ]
    }

    fn of_array([accuracy, macro_auc, brier, log_loss, calibration_error]: [T; 5]) -> Self {
        Self { accuracy, macro_auc, brier, log_loss, calibration_error }
    }
}

/// Bins of the calibration error.
const BINS: usize = 10;

impl Recognition {
    /// Takes over shares `[items, classes]` with the true class and the maker of each item; makers are told apart by equality.
    ///
    /// # Errors
    /// [`Error::BadArtefact`] where lengths differ, a share is not between 0 and 1, a class is unknown, or a class has no item.
    pub fn new(
        classes: usize,
        shares: Vec<f64>,
        truth: Vec<usize>,
        makers: &[u64],
    ) -> Result<Recognition, Error> {
        let items = truth.len();
        let (fits, sound) =
            (shares.len() == items * classes, shares.iter().all(|it| (0.0..=1.0).contains(it)));
        if !fits || makers.len() != items || items == 0 {
            let expected = format!("{classes} shares, a class and a maker for each item, at least one item");
            return bad(expected, format!("{}, {items} and {}", shares.len(), makers.len()));
        }
        if !sound {
            return bad("shares between 0 and 1".to_owned(), "one that is not".to_owned());
        }
        if let Some(class) = (0..classes).find(|class| !truth.contains(class)) {
            return bad("items of every class".to_owned(), format!("none of class {class}"));
        }
        if let Some(class) = truth.iter().find(|it| **it >= classes) {
            return bad(format!("classes below {classes}"), class.to_string());
        }
        let mut numbers = BTreeMap::new();
        let number = |maker: &u64| {
            let next = numbers.len();
            *numbers.entry(*maker).or_insert(next)
        };
        let people = makers.iter().map(number).collect();
        let order = |class: usize| {
            let mut order: Vec<usize> = (0..items).collect();
            order.sort_by(|&a, &b| shares[b * classes + class].total_cmp(&shares[a * classes + class]));
            order
        };
        let orders = (0..classes).map(order).collect();
        Ok(Recognition { classes, shares, truth, people, orders })
    }

    /// Items judged.
    pub fn items(&self) -> usize {
        self.truth.len()
    }

    /// People who made them.
    pub fn people(&self) -> usize {
        self.people.iter().max().map_or(0, |it| it + 1)
    }

    /// Every metric with its 95 % interval over `draws` draws of people.
    pub fn judge(&self, draws: (usize, u64)) -> RecognitionMetrics<Interval> {
        let of = |weights: &[u32]| self.metrics(weights);
        RecognitionMetrics::of_array(spread(&of, self.people(), &self.people, draws))
    }

    /// This and another on the same items, from the same draws of people.
    ///
    /// # Errors
    /// [`Error::BadArtefact`] where the items or who made them differ.
    pub fn compare(&self, other: &Self, draws: (usize, u64)) -> Result<RecognitionCompared, Error> {
        if (&self.truth, &self.people, self.classes) != (&other.truth, &other.people, other.classes) {
            return bad("the same items by the same people".to_owned(), "others".to_owned());
        }
        let (a, b) = (self.given(), other.given());
        let same: Vec<f64> = a.iter().zip(&b).map(|(a, b)| f64::from(u8::from(a == b))).collect();
        let of = |weights: &[u32]| {
            let (a, b) = (self.metrics(weights), other.metrics(weights));
            let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
            let agree =
                same.iter().zip(weights).map(|(it, &weight)| it * f64::from(weight)).sum::<f64>() / total;
            let apart: [f64; 5] = std::array::from_fn(|it| a[it] - b[it]);
            let mut all = [agree; 16];
            all[..5].copy_from_slice(&a);
            all[5..10].copy_from_slice(&b);
            all[10..15].copy_from_slice(&apart);
            all
        };
        let all = spread(&of, self.people(), &self.people, draws);
        let metrics = |from: usize| RecognitionMetrics::of_array(std::array::from_fn(|it| all[from + it]));
        Ok(RecognitionCompared {
            items: self.items(),
            people: self.people(),
            metrics_a: metrics(0),
            metrics_b: metrics(5),
            difference: metrics(10),
            agreement: all[15],
        })
    }

    /// Some of the items, by their places; `None` where there is none.
    pub(crate) fn of_items(&self, items: &[usize]) -> Option<Part> {
        let given = self.given();
        let right = |&it: &usize| f64::from(u8::from(given[it] == self.truth[it]));
        let mut numbers = BTreeMap::new();
        let number = |&it: &usize| {
            let next = numbers.len();
            *numbers.entry(self.people[it]).or_insert(next)
        };
        let people = items.iter().map(number).collect();
        (!items.is_empty()).then(|| Part { right: items.iter().map(right).collect(), people })
    }

    /// The class given to each item.
    fn given(&self) -> Vec<usize> {
        let likeliest = |shares: &[f64]| {
            (1..shares.len()).fold(0, |best, it| if shares[it] > shares[best] { it } else { best })
        };
        self.shares.chunks_exact(self.classes).map(likeliest).collect()
    }

    /// Every metric with each item counted `weights` times; NaN where a class has no item.
    fn metrics(&self, weights: &[u32]) -> [f64; 5] {
        let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
        let (mut right, mut squares, mut loss) = (0.0, 0.0, 0.0);
        let mut bins = [[0.0; 2]; BINS];
        for ((shares, &truth), &weight) in
            self.shares.chunks_exact(self.classes).zip(&self.truth).zip(weights).filter(|it| *it.1 > 0)
        {
            let weight = f64::from(weight);
            let best =
                (1..shares.len()).fold(0, |best, it| if shares[it] > shares[best] { it } else { best });
            let hit = if best == truth { weight } else { 0.0 };
            right += hit;
            loss -= weight * shares[truth].max(1e-6).ln();
            squares += weight * (shares.iter().map(|it| it * it).sum::<f64>() + 1.0 - 2.0 * shares[truth]);
            let bin = &mut bins[((shares[best] * BINS as f64) as usize).min(BINS - 1)];
            bin[0] += weight * shares[best];
            bin[1] += hit;
        }
        let area = |class: usize| {
            let step =
                |&it: &usize| (self.shares[it * self.classes + class], self.truth[it] == class, weights[it]);
            Curve::of(self.orders[class].iter().map(step)).auc()
        };
        let areas: f64 = (0..self.classes).map(area).sum();
        let apart: f64 = bins.iter().map(|[said, right]| (said - right).abs()).sum();
        [right, areas * total / self.classes as f64, squares, loss, apart].map(|it| it / total)
    }
}

/// Which of some items were given their true class, and who made them. Some classes may have no item.
pub(crate) struct Part {
    right: Vec<f64>,
    people: Vec<usize>,
}

impl Part {
    pub(crate) fn people(&self) -> usize {
        self.people.iter().max().map_or(0, |it| it + 1)
    }

    /// Accuracy minus that of another on the same items.
    pub(crate) fn accuracy_against(&self, other: &Self, draws: (usize, u64)) -> Interval {
        let apart: Vec<f64> = self.right.iter().zip(&other.right).map(|(a, b)| a - b).collect();
        let of = |weights: &[u32]| {
            let total: f64 = weights.iter().map(|&it| f64::from(it)).sum();
            [apart.iter().zip(weights).map(|(it, &weight)| it * f64::from(weight)).sum::<f64>() / total]
        };
        let [apart] = spread(&of, self.people(), &self.people, draws);
        apart
    }
}

/// Numbers of everybody, each with the middle 95 % over draws of people.
fn spread<const N: usize>(
    of: &(dyn Fn(&[u32]) -> [f64; N] + Sync),
    people: usize,
    person_of: &[usize],
    (draws, seed): (usize, u64),
) -> [Interval; N] {
    let values = of(&vec![1; person_of.len()]);
    let draw = |draw: usize| {
        let weights = drawn(people, seed, draw);
        of(&person_of.iter().map(|&it| weights[it]).collect::<Vec<u32>>())
    };
    let each: Vec<[f64; N]> = (0..draws).into_par_iter().map(draw).collect();
    std::array::from_fn(|it| percentiles(values[it], each.iter().map(|draw| draw[it])))
}

fn bad<T>(expected: String, got: String) -> Result<T, Error> {
    Err(Error::BadArtefact { place: "recognition".to_owned(), expected, got })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::normal;
    use rand::SeedableRng;

    fn known() -> Recognition {
        let shares =
            vec![0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.2, 0.7, 0.3, 0.4, 0.3, 0.2, 0.3, 0.5, 0.5, 0.4, 0.1];
        Recognition::new(3, shares, vec![0, 1, 2, 0, 1, 0], &[7, 7, 8, 8, 9, 9]).unwrap()
    }

    #[test]
    fn metrics_of_many_classes_follow_scikit_learn() {
        // sklearn.metrics 1.7: accuracy_score, roc_auc_score (ovr, macro), log_loss; Brier's sum by hand.
        let [accuracy, area, brier, loss, _] = known().metrics(&[1; 6]);
        assert!((accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert!((area - 0.895_833_333_333_333_4).abs() < 1e-12, "{area}");
        assert!((loss - 0.776_956_756_246_081).abs() < 1e-12, "{loss}");
        let squares = 0.26 + 0.38 + 0.14 + 0.74 + 0.78 + 0.42;
        assert!((brier - squares / 6.0).abs() < 1e-12, "{brier}");
    }

    #[test]
    fn the_calibration_error_is_that_of_the_class_given() {
        let shares = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.25, 0.75]].concat();
        let it = Recognition::new(2, shares, vec![0, 0, 1, 1, 1], &[0; 5]).unwrap();
        // Said .9 with half right, four of five; said .75 and right, one of five.
        assert!((it.metrics(&[1; 5])[4] - (0.4 * 0.8 + 0.25 * 0.2)).abs() < 1e-12);
    }

    /// Items of `people` people, 20 each, of two classes; each person as a whole is read well or badly.
    fn clustered(people: usize) -> Recognition {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        let (mut shares, mut truth, mut makers) = (vec![], vec![], vec![]);
        for person in 0..people {
            let skill = 0.6 + 0.3 * normal(&mut random);
            for item in 0..20 {
                let right = normal(&mut random) < 2.0 * skill;
                let share = if right == (item % 2 == 0) { 0.8 } else { 0.2 };
                shares.extend([share, 1.0 - share]);
                truth.push(item % 2);
                makers.push(person as u64);
            }
        }
        Recognition::new(2, shares, truth, &makers).unwrap()
    }

    #[test]
    fn intervals_are_those_of_people_not_of_items() {
        let it = clustered(40);
        let alone: Vec<u64> = (0..800).collect();
        let items = Recognition::new(2, it.shares.clone(), it.truth.clone(), &alone).unwrap();
        let width = |it: &Recognition| {
            let accuracy = it.judge((400, 1)).accuracy;
            accuracy.high - accuracy.low
        };
        assert!(width(&it) > 1.3 * width(&items), "{} {}", width(&it), width(&items));
        assert_eq!((it.items(), it.people()), (800, 40));
    }

    #[test]
    fn a_recogniser_compared_with_itself_shows_nothing_and_with_a_worse_one_the_difference() {
        let (a, mut worse) = (clustered(30), clustered(30));
        let same = a.compare(&a, (100, 1)).unwrap();
        assert_eq!((same.difference.accuracy.low, same.difference.accuracy.high), (0.0, 0.0));
        assert_eq!((same.agreement.low, same.difference.brier.value), (1.0, 0.0));
        worse.shares.chunks_exact_mut(2).take(100).for_each(|it| it.reverse());
        let shares = worse.shares.clone();
        let makers: Vec<u64> = worse.people.iter().map(|&it| it as u64).collect();
        let worse = Recognition::new(2, shares, worse.truth, &makers).unwrap();
        let found = a.compare(&worse, (200, 1)).unwrap();
        assert!(found.difference.accuracy.value > 0.0 && found.agreement.value < 1.0, "{found:?}");
        let (apart, each) =
            (found.difference.accuracy.value, (found.metrics_a.accuracy, found.metrics_b.accuracy));
        assert!((apart - (each.0.value - each.1.value)).abs() < 1e-12);
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let refused = |classes, shares, truth: Vec<usize>, makers: &[u64]| {
            Recognition::new(classes, shares, truth, makers).unwrap_err().to_string()
        };
        assert!(refused(2, vec![0.5; 3], vec![0, 1], &[1, 2]).contains("got 3, 2 and 2"));
        assert!(refused(2, vec![0.5, 0.5, 1.5, 0.0], vec![0, 1], &[1, 2]).contains("between 0 and 1"));
        assert!(refused(2, vec![0.5; 4], vec![0, 0], &[1, 2]).contains("none of class 1"));
        assert!(refused(2, vec![0.5; 6], vec![0, 1, 2], &[1, 2, 3]).contains("classes below 2"));
        let other = Recognition::new(2, vec![0.5; 4], vec![1, 0], &[1, 2]).unwrap();
        let it = Recognition::new(2, vec![0.5; 4], vec![0, 1], &[1, 2]).unwrap();
        assert!(it.compare(&other, (10, 1)).unwrap_err().to_string().contains("the same items"));
    }
}
