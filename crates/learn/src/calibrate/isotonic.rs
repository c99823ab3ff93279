//! Isotonic calibration (Zadrozny & Elkan 2002): the best rising step function, by pooling adjacent violators (Ayer 1955).

use serde::{Deserialize, Serialize};

use crate::metric::logit;

/// Rising points between which probabilities are straight; flat outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Isotonic {
    points: Vec<(f64, f64)>,
}

/// People whose probabilities were pooled.
struct Pool {
    first: f64,
    last: f64,
    sum: f64,
    people: f64,
}

impl Isotonic {
    /// Fits on scores and targets of the people. Targets softened as Platt's keep the ends away from 0 and 1, which no
    /// number of people can prove.
    pub(super) fn fit(scores: &[f64], targets: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let mut pools: Vec<Pool> = Vec::new();
        for alike in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
            let (score, people) = (scores[alike[0]], alike.len() as f64);
            let mut pool =
                Pool { first: score, last: score, sum: alike.iter().map(|&it| targets[it]).sum(), people };
            while let Some(before) = pools.pop_if(|it| it.sum * pool.people >= pool.sum * it.people) {
                pool = Pool {
                    first: before.first,
                    sum: before.sum + pool.sum,
                    people: before.people + pool.people,
                    ..pool
                };
            }
            pools.push(pool);
        }
        let ends = |it: &Pool| [(it.first, it.sum / it.people), (it.last, it.sum / it.people)];
        let mut points: Vec<(f64, f64)> = pools.iter().flat_map(ends).collect();
        points.dedup();
        Self { points }
    }

    pub(super) fn log_odds(&self, score: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 <= score);
        let probability = match (after.checked_sub(1).map(|it| self.points[it]), self.points.get(after)) {
            (None, Some(&(_, lowest))) => lowest,
            (Some((left, low)), Some(&(right, high))) => low + (high - low) * (score - left) / (right - left),
            (Some((_, highest)), None) => highest,
            (None, None) => 0.5,
        };
        logit(probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::sigmoid;

    #[test]
    fn violators_are_pooled_as_by_hand() {
        // 1, 3 and 2 pool to 2 twice; scikit-learn's IsotonicRegression gives [1, 2.5, 2.5, 4] / 10.
        let fitted = Isotonic::fit(&[1.0, 2.0, 3.0, 4.0], &[0.1, 0.3, 0.2, 0.4]);
        let at = |score| (sigmoid(fitted.log_odds(score)) * 1e6).round() / 1e6;
        assert_eq!([at(1.0), at(2.0), at(3.0), at(4.0)], [0.1, 0.25, 0.25, 0.4]);
        assert_eq!([at(0.0), at(1.5), at(9.0)], [0.1, 0.175, 0.4]);
    }

    #[test]
    fn equal_scores_share_one_probability_and_falling_ones_are_flat() {
        let fitted = Isotonic::fit(&[1.0, 1.0, 2.0], &[0.9, 0.5, 0.1]);
        assert!((sigmoid(fitted.log_odds(1.0)) - 0.5).abs() < 1e-12);
        assert_eq!(fitted.log_odds(1.0), fitted.log_odds(2.0));
    }
}
