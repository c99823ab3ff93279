//! From a score to log-odds that mean what they say. No calibration ever turns people around: all of them rise, or are flat.
//!
//! Platt 1999 ("Probabilistic outputs for support vector machines"): log-odds = slope · score + intercept, fitted by
//! maximum likelihood to the softened targets of Lin, Lin & Weng 2007 ("A note on Platt's probabilistic outputs"). It has two
//! parameters and is right where scores of each class are normal. Beta (Kull 2017) has three; isotonic (Zadrozny & Elkan
//! 2002) has as many as the people allow, needs many of them, and ties people with one another.

mod beta;
mod isotonic;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, estimator::log_loss, metric::logit};
use beta::Beta;
use isotonic::Isotonic;

/// How scores become log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Calibrator {
    /// A line through log-odds.
    #[default]
    Platt,
    /// The best rising step function.
    Isotonic,
    /// Three parameters that bend both ends.
    Beta,
    /// Whichever of the three has the smallest log loss on inner folds that it was not fitted on; Platt's of equals.
    Best,
}

impl Calibrator {
    /// The setting of this word: `platt`, `isotonic`, `beta`, `best`.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Platt, Self::Isotonic, Self::Beta, Self::Best].into_iter().find(|it| it.word() == word)
    }

    /// `platt`, `isotonic`, `beta`, `best`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Platt => "platt",
            Self::Isotonic => "isotonic",
            Self::Beta => "beta",
            Self::Best => "best",
        }
    }
}

/// A fitted calibration of any kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Calibration {
    Platt(Platt),
    Isotonic(Isotonic),
    Beta(Beta),
}

impl Calibration {
    /// Fits on out-of-fold scores and labels, one pair of lists a fold; one class only is an error.
    pub(crate) fn fit(calibrator: Calibrator, folds: &[(&[f64], &[bool])]) -> Result<Self, Error> {
        let (scores, labels) = joined(folds.iter());
        let platt = || Platt::fit(&scores, &labels);
        Ok(match calibrator {
            Calibrator::Platt => Self::Platt(platt()?),
            Calibrator::Isotonic => {
                // One class is refused as for Platt's line.
                platt()?;
                Self::Isotonic(Isotonic::fit(&scores, &softened(&labels)))
            }
            Calibrator::Beta => Self::Beta(Beta::fit(platt()?, &scores, &softened(&labels))),
            Calibrator::Best => return Self::fit(best(folds)?, folds),
        })
    }

    /// The calibrated log-odds of a score.
    pub(crate) fn log_odds(&self, score: f64) -> f64 {
        match self {
            Self::Platt(it) => it.log_odds(score),
            Self::Isotonic(it) => it.log_odds(score),
            Self::Beta(it) => it.log_odds(score),
        }
    }

    /// Which kind it is.
    pub(crate) fn kind(&self) -> Calibrator {
        match self {
            Self::Platt(_) => Calibrator::Platt,
            Self::Isotonic(_) => Calibrator::Isotonic,
            Self::Beta(_) => Calibrator::Beta,
        }
    }
}

/// The kind with the smallest log loss where each fold is calibrated by the others.
fn best(folds: &[(&[f64], &[bool])]) -> Result<Calibrator, Error> {
    let mut best = (Calibrator::Platt, f64::INFINITY);
    for kind in [Calibrator::Platt, Calibrator::Beta, Calibrator::Isotonic] {
        let mut loss = 0.0;
        for (it, (scores, labels)) in folds.iter().enumerate() {
            let others: Vec<_> =
                folds.iter().enumerate().filter(|(other, _)| *other != it).map(|it| *it.1).collect();
            let fitted = Calibration::fit(kind, &others)?;
            loss += scores.iter().zip(*labels).map(|(s, l)| log_loss(fitted.log_odds(*s), *l)).sum::<f64>();
        }
        // Differences below a millionth are rounding: the kind with fewer parameters stays.
        if loss < best.1 - 1e-6 {
            best = (kind, loss);
        }
    }
    Ok(best.0)
}

fn joined<'a>(folds: impl Iterator<Item = &'a (&'a [f64], &'a [bool])>) -> (Vec<f64>, Vec<bool>) {
    folds.flat_map(|(scores, labels)| scores.iter().copied().zip(labels.iter().copied())).unzip()
}

/// Targets (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2) instead of 1 and 0: what a uniform prior makes of n people.
fn softened(labels: &[bool]) -> Vec<f64> {
    let impaired = labels.iter().filter(|&&label| label).count();
    let (n1, n0) = (impaired as f64, (labels.len() - impaired) as f64);
    let target = |label: &bool| if *label { (n1 + 1.0) / (n1 + 2.0) } else { 1.0 / (n0 + 2.0) };
    labels.iter().map(target).collect()
}

/// A fitted calibration. It must be fitted on scores of people whom the scored thing was not fitted on: out-of-fold
/// scores of the inner folds, never the training scores themselves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Log-odds a unit of score.
    pub slope: f64,
    /// Log-odds of score 0.
    pub intercept: f64,
}

impl Platt {
    /// Fits on out-of-fold scores and labels (`true` is impaired); one class only is an error.
    ///
    /// Scores that point the wrong way say nothing: the line is then flat at the share of impaired people, not turned around.
    pub fn fit(scores: &[f64], labels: &[bool]) -> Result<Self, Error> {
        let impaired = labels.iter().filter(|&&label| label).count();
        let healthy = labels.len() - impaired;
        if impaired == 0 || healthy == 0 {
            return Err(Error::OneClass { place: "calibration", healthy, impaired });
        }
        let targets = softened(labels);
        // Scores may be of any size: a spread of one makes Newton's first step a good one.
        let spread = feature::standard_deviation(scores).filter(|it| *it > 0.0).unwrap_or(1.0);
        let centre = feature::mean(scores).unwrap_or(0.0);
        let standard: Vec<f64> = scores.iter().map(|score| (score - centre) / spread).collect();
        let (slope, intercept) = fit_line(&standard, &targets, |_| 1.0, (0.0, 0.0));
        if slope < 0.0 {
            return Ok(Self { slope: 0.0, intercept: logit(feature::mean(&targets).unwrap_or(0.5)) });
        }
        Ok(Self { slope: slope / spread, intercept: intercept - slope * centre / spread })
    }

    /// The calibrated log-odds of a score.
    pub fn log_odds(&self, score: f64) -> f64 {
        self.slope * score + self.intercept
    }
}

/// Slope and intercept that maximise Σ weight · [t·ln p + (1 − t)·ln(1 − p)] with p = σ(slope·x + intercept): Newton's
/// method from `start`, steps halved while the likelihood falls. A separable sample has no maximum: it stops after 30 steps.
pub(crate) fn fit_line(
    x: &[f64],
    targets: &[f64],
    weight: impl Fn(usize) -> f64,
    start: (f64, f64),
) -> (f64, f64) {
    let (mut slope, mut intercept) = start;
    let mut here = Slope::at(x, targets, &weight, start);
    for _ in 0..30 {
        let (by_slope, by_intercept) = here.step();
        let better = (0..20).map(|halvings| 0.5f64.powi(halvings)).find_map(|share| {
            let (a, b) = (slope + share * by_slope, intercept + share * by_intercept);
            let there = Slope::at(x, targets, &weight, (a, b));
            // Close to the maximum the cost is flat to the last digits.
            (there.cost <= here.cost + 1e-13 * here.cost.abs()).then_some((a, b, there))
        });
        let Some((a, b, there)) = better else { break };
        (slope, intercept, here) = (a, b, there);
        // Newton doubles the digits with each step: what is left is below 1e-12.
        if by_slope.abs().max(by_intercept.abs()) < 1e-6 {
            break;
        }
    }
    (slope, intercept)
}

/// Cost, gradient and curvature of the likelihood at one line.
struct Slope {
    cost: f64,
    gradient: [f64; 2],
    curve: [f64; 3],
}

impl Slope {
    fn at(
        x: &[f64],
        targets: &[f64],
        weight: &impl Fn(usize) -> f64,
        (slope, intercept): (f64, f64),
    ) -> Self {
        // 1e-12 keeps the 2 × 2 matrix invertible where all scores are equal (Lin 2007 does the same).
        let mut sum = Self { cost: 0.0, gradient: [0.0; 2], curve: [1e-12, 0.0, 1e-12] };
        for (it, (&x, target)) in x.iter().zip(targets).enumerate() {
            let weight = weight(it);
            if weight == 0.0 {
                continue;
            }
            let eta = slope * x + intercept;
            let small = (-eta.abs()).exp();
            let p = if eta >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
            let (residual, curve) = (weight * (target - p), weight * p * (1.0 - p));
            sum.cost += weight * ((1.0 + small).ln() + eta.max(0.0) - target * eta);
            sum.gradient = [sum.gradient[0] + residual * x, sum.gradient[1] + residual];
            sum.curve = [sum.curve[0] + curve * x * x, sum.curve[1] + curve * x, sum.curve[2] + curve];
        }
        sum
    }

    /// Newton's step.
    fn step(&self) -> (f64, f64) {
        let ([g, h], [a, b, c]) = (self.gradient, self.curve);
        let determinant = a * c - b * b;
        ((c * g - b * h) / determinant, (a * h - b * g) / determinant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::sigmoid;

    #[test]
    fn targets_are_softened_so_that_separable_scores_stay_finite() {
        let scores = [-2.0, -1.0, 1.0, 2.0];
        let platt = Platt::fit(&scores, &[false, false, true, true]).unwrap();
        // Two people a class: targets 1/4 and 3/4, so log-odds near ±ln 3 whatever the scores.
        assert!(platt.log_odds(2.0) > 0.9 && platt.log_odds(2.0) < 1.6, "{platt:?}");
        assert!((platt.log_odds(0.0)).abs() < 1e-9);
    }

    #[test]
    fn scores_of_any_size_calibrate_to_the_same_log_odds() {
        let labels = [false, true, false, true, true, false, true, false];
        let scores = [0.1, 0.9, 0.4, 0.3, 0.8, 0.2, 0.6, 0.7];
        let large = scores.map(|score| 1e6 + 1e4 * score);
        let (a, b) = (Platt::fit(&scores, &labels).unwrap(), Platt::fit(&large, &labels).unwrap());
        for (x, y) in scores.iter().zip(large) {
            assert!((a.log_odds(*x) - b.log_odds(y)).abs() < 1e-6);
        }
    }

    #[test]
    fn equal_scores_give_the_prevalence() {
        let platt = Platt::fit(&[1.0; 4], &[true, false, false, false]).unwrap();
        // Softened targets: (2/3 + 3 · 1/5) / 4.
        assert!((sigmoid(platt.log_odds(1.0)) - (2.0 / 3.0 + 0.6) / 4.0).abs() < 1e-9);
    }

    #[test]
    fn scores_that_point_the_wrong_way_are_flat_and_not_turned_around() {
        let platt = Platt::fit(&[2.0, 1.0, -1.0, -2.0], &[false, false, true, true]).unwrap();
        assert_eq!((platt.slope, platt.log_odds(3.0)), (0.0, 0.0));
    }

    /// Out-of-fold scores in four folds, with labels drawn from known log-odds of the score.
    fn drawn(people: usize, truth: impl Fn(f64) -> f64) -> (Vec<Vec<f64>>, Vec<Vec<bool>>) {
        use rand::{Rng, SeedableRng};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let mut folds = (vec![vec![]; 4], vec![vec![]; 4]);
        for it in 0..people {
            let score = 2.0 * crate::synthetic::normal(&mut random);
            folds.0[it % 4].push(score);
            folds.1[it % 4].push(random.random::<f64>() < sigmoid(truth(score)));
        }
        folds
    }

    fn fitted(calibrator: Calibrator, (scores, labels): &(Vec<Vec<f64>>, Vec<Vec<bool>>)) -> Calibration {
        let folds: Vec<(&[f64], &[bool])> =
            scores.iter().zip(labels).map(|(s, l)| (s.as_slice(), l.as_slice())).collect();
        Calibration::fit(calibrator, &folds).unwrap()
    }

    #[test]
    fn every_calibration_rises_and_comes_near_the_truth() {
        let folds = drawn(4000, |score| 1.2 * score - 0.5);
        for calibrator in [Calibrator::Platt, Calibrator::Isotonic, Calibrator::Beta, Calibrator::Best] {
            let fitted = fitted(calibrator, &folds);
            let at: Vec<f64> = (-30..=30).map(|it| fitted.log_odds(f64::from(it) / 10.0)).collect();
            assert!(at.is_sorted(), "{calibrator:?}");
            for (it, odds) in (-30..=30).zip(at) {
                let apart = sigmoid(odds) - sigmoid(1.2 * f64::from(it) / 10.0 - 0.5);
                assert!(apart.abs() < 0.12, "{calibrator:?} at {it}: {apart}");
            }
        }
    }

    #[test]
    fn the_best_calibration_is_the_one_that_fits_the_bend() {
        let line = fitted(Calibrator::Best, &drawn(2000, |score| 0.8 * score));
        assert_eq!(line.kind(), Calibrator::Platt);
        // A step, which neither line nor bend can follow.
        let step = fitted(Calibrator::Best, &drawn(2000, |score| if score > 1.0 { 3.0 } else { -1.0 }));
        assert_eq!(step.kind(), Calibrator::Isotonic);
    }

    #[test]
    fn calibrations_are_found_by_their_words() {
        assert_eq!(Calibrator::named("beta"), Some(Calibrator::Beta));
        assert_eq!(Calibrator::named("temperature"), None);
    }

    #[test]
    fn one_class_cannot_be_calibrated() {
        assert!(matches!(Platt::fit(&[1.0, 2.0], &[true, true]), Err(Error::OneClass { .. })));
    }
}
