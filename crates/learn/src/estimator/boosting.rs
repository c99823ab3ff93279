//! Gradient boosting of small trees on binned columns (Friedman 2001; histograms and best-first growth as LightGBM, Ke et al.
//! 2017), with the binning, order of growth and limits of scikit-learn's `HistGradientBoosting*`.
//!
//! Each round fits one tree an output to the gradient g and curvature h of the loss at the current raw scores: log-loss of two
//! classes (g = p − y, h = p·(1 − p)), of three through softmax, half squared error of numbers (g = raw − y, h = 1), each times
//! the person's weight. A cut gains Σg²/(Σh + λ) on both sides less the same of the node, a leaf adds −rate · Σg/(Σh + λ) (Chen &
//! Guestrin 2016, equations 5 and 7). Nothing is drawn: the same people give the same trees.
//!
//! A missing value either counts as the median, as everywhere else, or every cut sends the people without a value to the side
//! where the gain is larger (Chen & Guestrin 2016, algorithm 3): see [`Missing`](super::Missing).

mod bins;
mod histogram;
mod order;
mod tree;

use serde::{Deserialize, Serialize};

use super::sigmoid;
use crate::{label::Answers, prepare::Design};
pub(crate) use bins::Bins;
use histogram::Histograms;
use order::Orders;
use tree::{Grower, Search, Slope, Tree};

/// What trees are grown by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// Share of each tree's answer that is added.
    pub(crate) rate: f64,
    /// Most leaves of a tree.
    pub(crate) leaves: usize,
    /// Fewest people in a leaf.
    pub(crate) leaf: usize,
    /// λ, added to a leaf's curvature.
    pub(crate) l2: f64,
}

/// What rounds of boosting learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Boosted {
    /// Raw scores before the first round, one an output.
    start: Vec<f64>,
    /// Trees, `[rounds, outputs]`.
    trees: Vec<Tree>,
    /// Whether the raw scores are of three classes.
    softmax: bool,
}

impl Boosted {
    /// `rounds` rounds on people, and how much each of them counts.
    pub(crate) fn grow(
        bins: &Bins,
        answers: &Answers,
        weights: &[f64],
        (growth, rounds): (Growth, usize),
    ) -> Self {
        if bins.people <= Orders::MOST {
            Self::by(Grower::new(bins, growth, Orders::new(bins)), answers, weights, rounds)
        } else {
            Self::by(Grower::new(bins, growth, Histograms::new(bins)), answers, weights, rounds)
        }
    }

    fn by<S: Search>(mut grower: Grower<'_, S>, answers: &Answers, weights: &[f64], rounds: usize) -> Self {
        let start = start(answers, weights);
        let (people, outputs) = (answers.len(), start.len());
        let targets = answers.targets();
        let mut raw = start.repeat(people);
        let mut trees = Vec::with_capacity(rounds * outputs);
        let mut slopes = vec![(0.0, 0.0); people];
        for _ in 0..rounds {
            let before = raw.clone();
            for output in 0..outputs {
                slopes_of(answers, (&before, &targets, output), (weights, &mut slopes));
                trees.push(grower.grow(&slopes, |person, value| raw[person * outputs + output] += value));
            }
        }
        Self { start, trees, softmax: outputs > 1 }
    }

    /// What the first rounds alone had learned: boosting only adds.
    pub(crate) fn first(&self, rounds: usize) -> Self {
        let trees = self.trees[..(rounds * self.start.len()).min(self.trees.len())].to_vec();
        Self { start: self.start.clone(), trees, softmax: self.softmax }
    }

    /// Log-odds of two classes, probabilities of three, or points: `[people, outputs]`.
    pub(crate) fn outputs(&self, design: &Design) -> Vec<f64> {
        let (width, mut row) = (self.start.len(), vec![0.0; design.columns]);
        let mut outputs = self.start.repeat(design.people);
        for (person, raw) in outputs.chunks_exact_mut(width).enumerate() {
            row.iter_mut().enumerate().for_each(|(it, cell)| *cell = design.column(it)[person]);
            for (place, tree) in self.trees.iter().enumerate() {
                raw[place % width] += tree.value_of(&row);
            }
            if self.softmax {
                super::softmax(raw);
            }
        }
        outputs
    }
}

/// The best constant raw scores: log-odds, logs of shares around their mean, or the mean.
fn start(answers: &Answers, weights: &[f64]) -> Vec<f64> {
    let (outputs, targets, total) = (answers.outputs(), answers.targets(), weights.iter().sum::<f64>());
    let mean = |output: usize| {
        let of_person = |(person, weight): (usize, &f64)| weight * targets[person * outputs + output];
        weights.iter().enumerate().map(of_person).sum::<f64>() / total
    };
    match answers {
        Answers::Two(_) => vec![(mean(0) / (1.0 - mean(0))).ln()],
        Answers::Numbers(_) => vec![mean(0)],
        Answers::Three(_) => {
            let logs: Vec<f64> = (0..outputs).map(|it| mean(it).ln()).collect();
            let centre = logs.iter().sum::<f64>() / outputs as f64;
            logs.iter().map(|log| log - centre).collect()
        }
    }
}

/// Gradient and curvature of each person's loss in one output.
fn slopes_of(
    answers: &Answers,
    (raw, targets, output): (&[f64], &[f64], usize),
    (weights, slopes): (&[f64], &mut [Slope]),
) {
    let outputs = answers.outputs();
    for (person, slope) in slopes.iter_mut().enumerate() {
        let place = person * outputs;
        let target = targets[place + output];
        let (gradient, curvature) = match answers {
            Answers::Two(_) => {
                let p = sigmoid(raw[place]);
                (p - target, p * (1.0 - p))
            }
            Answers::Three(_) => {
                let mut shares: [f64; crate::label::CLASSES] = std::array::from_fn(|it| raw[place + it]);
                super::softmax(&mut shares);
                (shares[output] - target, shares[output] * (1.0 - shares[output]))
            }
            Answers::Numbers(_) => (raw[place] - target, 1.0),
        };
        *slope = (weights[person] * gradient, weights[person] * curvature);
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const GROWTH: Growth = Growth { rate: 0.3, leaves: 4, leaf: 2, l2: 0.0 };

    fn design(gaps: bool) -> Design {
        let cell = |person: usize| if gaps && person % 4 == 3 { f64::NAN } else { (person % 10) as f64 };
        let cells = (0..60).map(cell).chain((0..60).map(|it| f64::from(it * 7 % 60))).collect();
        Design { people: 60, columns: 2, cells }
    }

    #[test]
    fn squared_error_follows_a_step_function_to_any_precision() {
        let design = design(false);
        let points =
            Answers::Numbers((0..60).map(|it| f64::from(u8::from(it % 10 >= 5)) * 10.0 + 15.0).collect());
        let bins = Bins::of(&design);
        let boosted = Boosted::grow(&bins, &points, &[1.0; 60], (GROWTH, 60));
        assert!(boosted.outputs(&design).iter().zip(points.targets()).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!(boosted.first(20), Boosted::grow(&bins, &points, &[1.0; 60], (GROWTH, 20)));
    }

    #[test]
    fn no_rounds_are_the_share_of_each_class() {
        let three = Answers::Three((0..60).map(|it| u8::from(it % 2 == 0) + u8::from(it % 4 == 0)).collect());
        let design = design(false);
        let shares = Boosted::grow(&Bins::of(&design), &three, &[1.0; 60], (GROWTH, 0)).outputs(&design);
        assert!(shares[..3].iter().zip([0.5, 0.25, 0.25]).all(|(a, b)| (a - b).abs() < 1e-12), "{shares:?}");
    }

    #[test]
    fn people_without_a_value_go_where_they_belong() {
        // Whoever lacks the first column is impaired, and nothing else tells the classes apart.
        let design = design(true);
        let labels: Vec<bool> = (0..60).map(|it| it % 4 == 3).collect();
        let boosted =
            Boosted::grow(&Bins::of(&design), &Answers::Two(labels.clone()), &[1.0; 60], (GROWTH, 30));
        let scores = boosted.outputs(&design);
        assert_eq!(crate::metric::auc(&scores, &labels), 1.0);
        assert!(scores.iter().all(|score| score.is_finite()));
    }

    #[test]
    fn few_people_in_order_and_many_in_bins_give_the_same_trees() {
        for (gaps, leaf, leaves) in [(false, 1, 3), (false, 5, 8), (true, 1, 8), (true, 4, 3)] {
            let mut random = ChaCha8Rng::seed_from_u64(leaf as u64);
            let mut cell = |it: usize| match it % 7 {
                6 if gaps => f64::NAN,
                _ if it < 120 => random.random_range(0..6).into(),
                _ => random.random_range(-2.0..2.0),
            };
            let design = Design { people: 60, columns: 8, cells: (0..480).map(&mut cell).collect() };
            let bins = Bins::of(&design);
            let answers = Answers::Two((0..60).map(|it| design.column(3)[it] + cell(200) > 0.0).collect());
            let weights: Vec<f64> = (0..60).map(|it| 1.0 + f64::from(it % 3)).collect();
            let growth = Growth { rate: 0.1, leaves, leaf, l2: f64::from(u8::from(gaps)) };
            let ordered = Boosted::by(Grower::new(&bins, growth, Orders::new(&bins)), &answers, &weights, 20);
            let binned =
                Boosted::by(Grower::new(&bins, growth, Histograms::new(&bins)), &answers, &weights, 20);
            assert!(ordered.trees.iter().zip(&binned.trees).all(|(a, b)| a.cuts_as(b)), "{growth:?}");
            let (a, b) = (ordered.outputs(&design), binned.outputs(&design));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9), "{growth:?}");
        }
    }

    #[test]
    fn threads_change_nothing() {
        let design = design(false);
        let answers = Answers::Two((0..60).map(|it| it % 10 > 4 || it % 7 == 0).collect());
        let grow = || Boosted::grow(&Bins::of(&design), &answers, &[1.0; 60], (GROWTH, 10));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(grow);
        assert_eq!(one, grow());
    }
}
