//! From a score to log-odds that mean what they say.
//!
//! Platt 1999 ("Probabilistic outputs for support vector machines"): log-odds = slope · score + intercept, fitted by
//! maximum likelihood to the softened targets of Lin, Lin & Weng 2007 ("A note on Platt's probabilistic outputs").

use serde::{Deserialize, Serialize};

use crate::Error;

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
    /// Targets are (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2) instead of 1 and 0: what a uniform prior makes of n people.
    pub fn fit(scores: &[f64], labels: &[bool]) -> Result<Self, Error> {
        let impaired = labels.iter().filter(|&&label| label).count();
        let healthy = labels.len() - impaired;
        if impaired == 0 || healthy == 0 {
            return Err(Error::OneClass { place: "calibration", healthy, impaired });
        }
        let (n1, n0) = (impaired as f64, healthy as f64);
        let target = |label: &bool| if *label { (n1 + 1.0) / (n1 + 2.0) } else { 1.0 / (n0 + 2.0) };
        let targets: Vec<f64> = labels.iter().map(target).collect();
        // Scores may be of any size: a spread of one makes Newton's first step a good one.
        let spread = feature::standard_deviation(scores).filter(|it| *it > 0.0).unwrap_or(1.0);
        let centre = feature::mean(scores).unwrap_or(0.0);
        let standard: Vec<f64> = scores.iter().map(|score| (score - centre) / spread).collect();
        let (slope, intercept) = fit_line(&standard, &targets, |_| 1.0, (0.0, 0.0));
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
    fn one_class_cannot_be_calibrated() {
        assert!(matches!(Platt::fit(&[1.0, 2.0], &[true, true]), Err(Error::OneClass { .. })));
    }
}
