//! Beta calibration (Kull, Silva Filho & Flach 2017): logit = a · ln s − b · ln(1 − s) + c, a and b not below 0.
//!
//! It bends both ends of the line by themselves, so it can undo over- and underconfidence that differ between low and high
//! scores, and it contains the identity, which Platt's sigmoid on probabilities does not. Scores here are of any size, so s is
//! Platt's probability of the score.

use serde::{Deserialize, Serialize};

use super::{Platt, fit_line};
use crate::estimator::{Cholesky, log_loss, sigmoid};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beta {
    platt: Platt,
    a: f64,
    b: f64,
    c: f64,
}

impl Beta {
    /// Maximum likelihood on scores that Platt's line was fitted on. Where one of a and b would be negative it is 0 and the
    /// others are fitted without it, as in the paper.
    pub(super) fn fit(platt: Platt, scores: &[f64], targets: &[f64]) -> Self {
        let (rising, falling): (Vec<f64>, Vec<f64>) =
            scores.iter().map(|it| logs(platt.log_odds(*it))).unzip();
        let (a, b, c) = fit_plane([&rising, &falling], targets);
        let (a, b, c) = match (a < 0.0, b < 0.0) {
            (false, false) => (a, b, c),
            (true, _) => {
                let (b, c) = fit_line(&falling, targets, |_| 1.0, (1.0, 0.0));
                (0.0, b.max(0.0), c)
            }
            (_, true) => {
                let (a, c) = fit_line(&rising, targets, |_| 1.0, (1.0, 0.0));
                (a.max(0.0), 0.0, c)
            }
        };
        Self { platt, a, b, c }
    }

    pub(super) fn log_odds(&self, score: f64) -> f64 {
        let (rising, falling) = logs(self.platt.log_odds(score));
        self.a * rising + self.b * falling + self.c
    }
}

/// ln s and −ln(1 − s) of s = σ(log-odds), without overflow.
fn logs(log_odds: f64) -> (f64, f64) {
    (-log_loss(log_odds, true), log_loss(log_odds, false))
}

/// Coefficients and intercept that maximise Σ t·ln p + (1 − t)·ln(1 − p): Newton's method from the identity, steps halved
/// while the likelihood falls.
fn fit_plane(x: [&[f64]; 2], targets: &[f64]) -> (f64, f64, f64) {
    let mut here = [1.0, 1.0, 0.0];
    for _ in 0..50 {
        let (gradient, curve) = slope(x, targets, here);
        let Some(factor) = Cholesky::of(curve, 3) else { break };
        let step = factor.solve(&gradient);
        let cost = cost(x, targets, here);
        let better = (0..20).map(|halvings| 0.5f64.powi(halvings)).find_map(|share| {
            let there: [f64; 3] = std::array::from_fn(|it| here[it] + share * step[it]);
            (self::cost(x, targets, there) <= cost + 1e-13 * cost.abs()).then_some(there)
        });
        let Some(there) = better else { break };
        here = there;
        if step.iter().all(|it| it.abs() < 1e-8) {
            break;
        }
    }
    (here[0], here[1], here[2])
}

fn cost([u, v]: [&[f64]; 2], targets: &[f64], [a, b, c]: [f64; 3]) -> f64 {
    let one = |it: usize| {
        let eta = a * u[it] + b * v[it] + c;
        targets[it] * log_loss(eta, true) + (1.0 - targets[it]) * log_loss(eta, false)
    };
    (0..targets.len()).map(one).sum()
}

/// Gradient of the likelihood and its curvature, row-major `[3, 3]`.
fn slope([u, v]: [&[f64]; 2], targets: &[f64], [a, b, c]: [f64; 3]) -> (Vec<f64>, Vec<f64>) {
    // A ridge keeps the matrix invertible where all scores are equal; it moves nothing else in the digits that count.
    let (mut gradient, mut curve) = (vec![0.0; 3], vec![0.0; 9]);
    (0..3).for_each(|it| curve[4 * it] = 1e-9);
    for it in 0..targets.len() {
        let row = [u[it], v[it], 1.0];
        let p = sigmoid(a * row[0] + b * row[1] + c);
        for i in 0..3 {
            gradient[i] += (targets[it] - p) * row[i];
            (0..3).for_each(|j| curve[3 * i + j] += p * (1.0 - p) * row[i] * row[j]);
        }
    }
    (gradient, curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Platt = Platt { slope: 1.0, intercept: 0.0 };

    #[test]
    fn parameters_of_known_log_odds_are_found_again() {
        let scores: Vec<f64> = (-40..=40).map(|it| f64::from(it) / 10.0).collect();
        let truth = |score: &f64| {
            let (rising, falling) = logs(*score);
            sigmoid(0.6 * rising + 1.7 * falling - 0.3)
        };
        let targets: Vec<f64> = scores.iter().map(truth).collect();
        let found = Beta::fit(PLAIN, &scores, &targets);
        let apart = [found.a - 0.6, found.b - 1.7, found.c + 0.3];
        assert!(apart.iter().all(|it| it.abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn it_never_falls_even_where_the_targets_do() {
        let scores: Vec<f64> = (-20..=20).map(|it| f64::from(it) / 5.0).collect();
        for bend in [-1.0, 0.5, 2.0] {
            let targets: Vec<f64> = scores.iter().map(|it| sigmoid(bend * it - 0.2 * it * it)).collect();
            let fitted = Beta::fit(PLAIN, &scores, &targets);
            let odds: Vec<f64> = scores.iter().map(|it| fitted.log_odds(*it)).collect();
            assert!(odds.is_sorted() && fitted.a >= 0.0 && fitted.b >= 0.0, "{bend} {fitted:?}");
        }
    }

    #[test]
    fn scores_far_out_stay_finite() {
        let fitted = Beta { platt: PLAIN, a: 0.5, b: 2.0, c: 0.1 };
        assert!([-1e6, 1e6].iter().all(|it| fitted.log_odds(*it).is_finite()));
    }
}
