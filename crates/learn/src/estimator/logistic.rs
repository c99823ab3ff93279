//! Logistic regression with an L2 penalty, by Newton's method.
//!
//! Minimises ½·wᵀw + C·Σ ln(1 + exp(−s·(x·w + b))) with s = ±1: scikit-learn's convention for C, the intercept b not
//! penalised. Each Newton step is a weighted least-squares problem (IRLS, McCullagh & Nelder 1989, section 2.5). With
//! fewer people than columns it is solved over people instead of columns: w = Xᵀ·a, and only the Gram matrix X·Xᵀ is
//! needed, which is computed once for every C (the algebra of Rasmussen & Williams 2006, section 3.4).

use serde::{Deserialize, Serialize};

use crate::prepare::Design;

use super::{
    cholesky::{Cholesky, dot},
    lbfgs,
};

/// Newton stops when no part of the gradient, divided by C and the number of people, is larger than this.
const TOLERANCE: f64 = 1e-12;

/// Newton needs about eight steps; a problem that has not converged after this many cannot improve in f64.
const MAX_STEPS: usize = 100;

/// People × columns² from which forming the Hessian costs more than the many cheaper steps of L-BFGS do.
const LARGE: usize = 1_000_000_000;

/// Steps of L-BFGS; standardised columns need a few dozen.
const MAX_SMALL_STEPS: usize = 2000;

/// Intercept and coefficients of standardised columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) intercept: f64,
    pub(crate) coefficients: Vec<f64>,
}

/// A design with everything that does not depend on C.
pub(crate) struct Problem<'a> {
    design: &'a Design,
    labels: &'a [bool],
    /// Gram matrix `[people, people]` where there are fewer people than columns.
    gram: Option<Vec<f64>>,
    /// Rows `[people, columns + 1]` with a leading 1 where there are not; empty where these would be too large.
    rows: Vec<f64>,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(design: &'a Design, labels: &'a [bool]) -> Self {
        let over_people = design.people <= design.columns;
        let gram = over_people.then(|| gram(design));
        let large = design.people.saturating_mul(design.columns).saturating_mul(design.columns) > LARGE;
        let rows = if over_people || large { vec![] } else { rows(design) };
        Self { design, labels, gram, rows }
    }

    /// The minimum for this C, each person counting with a weight.
    pub(crate) fn solve(&self, c: f64, weights: &[f64]) -> Line {
        match &self.gram {
            Some(gram) => self.over_people(gram, c, weights),
            None if self.rows.is_empty() => self.by_small_steps(c, weights),
            None => self.over_columns(c, weights),
        }
    }

    /// Many people and many columns: gradients only, and no second copy of the numbers.
    fn by_small_steps(&self, c: f64, weights: &[f64]) -> Line {
        let cost = |theta: &[f64], gradient: &mut [f64]| {
            let eta = self.design.linear(theta[0], &theta[1..]);
            let residuals: Vec<f64> = self.parts(&eta, weights).map(|(residual, _)| residual).collect();
            gradient[0] = -c * residuals.iter().sum::<f64>();
            for (column, slope) in gradient[1..].iter_mut().enumerate() {
                *slope = theta[column + 1] - c * dot(self.design.column(column), &residuals);
            }
            0.5 * dot(&theta[1..], &theta[1..]) + c * logistic_loss(&eta, self.labels, weights)
        };
        let (start, tolerance) =
            (vec![0.0; self.design.columns + 1], c * self.design.people as f64 * TOLERANCE);
        let theta = lbfgs::minimise(&cost, start, (MAX_SMALL_STEPS, tolerance), |_, _| true);
        Line { intercept: theta[0], coefficients: theta[1..].to_vec() }
    }

    /// Residual and weight of each person, times how much the person counts.
    fn parts(&self, eta: &[f64], weights: &[f64]) -> impl Iterator<Item = (f64, f64)> {
        eta.iter().zip(self.labels).zip(weights).map(|((eta, label), counts)| {
            let (residual, weight) = residual_and_weight(*eta, *label);
            (counts * residual, counts * weight)
        })
    }

    /// Newton on b and w, in this order: for more people than columns.
    fn over_columns(&self, c: f64, weights: &[f64]) -> Line {
        let (people, width) = (self.design.people, self.design.columns + 1);
        let eta =
            |theta: &[f64]| self.rows.chunks_exact(width).map(|row| dot(row, theta)).collect::<Vec<_>>();
        let cost = |theta: &[f64], eta: &[f64]| {
            0.5 * dot(&theta[1..], &theta[1..]) + c * logistic_loss(eta, self.labels, weights)
        };
        let step = |theta: &[f64], eta: &[f64]| self.step_over_columns((c, weights), (theta, eta));
        let theta = newton(vec![0.0; width], c * people as f64 * TOLERANCE, (eta, cost, step));
        Line { intercept: theta[0], coefficients: theta[1..].to_vec() }
    }

    /// Gradient C·Xᵀ(p − y) + w and Hessian C·Xᵀ·W·X + I, the intercept's part without the penalty.
    fn step_over_columns(
        &self,
        (c, weights): (f64, &[f64]),
        (theta, eta): (&[f64], &[f64]),
    ) -> (f64, Option<Vec<f64>>) {
        let width = theta.len();
        let mut gradient = theta.to_vec();
        gradient[0] = 0.0;
        let mut hessian = vec![0.0; width * width];
        (1..width).for_each(|it| hessian[it * width + it] = 1.0);
        // Keeps the matrix positive definite where every weight has underflowed.
        hessian[0] = f64::MIN_POSITIVE;
        let parts = self.parts(eta, weights);
        for (row, (residual, weight)) in self.rows.chunks_exact(width).zip(parts) {
            axpy(&mut gradient, -c * residual, row);
            for it in 0..width {
                axpy(&mut hessian[it * width..it * width + it + 1], c * weight * row[it], &row[..it + 1]);
            }
        }
        let largest = gradient.iter().fold(0.0, |largest: f64, it| largest.max(it.abs()));
        let solved = Cholesky::of(hessian, width).map(|it| it.solve(&gradient));
        (largest, solved.map(|it| it.iter().map(|part| -part).collect()))
    }

    /// Newton on a (with w = Xᵀ·a) and b: for more columns than people. The last entry of the unknowns is b.
    fn over_people(&self, gram: &[f64], c: f64, weights: &[f64]) -> Line {
        let people = self.design.people;
        let eta = |unknown: &[f64]| {
            let person = |row: usize| dot(&gram[row * people..(row + 1) * people], &unknown[..people]);
            (0..people).map(|row| person(row) + unknown[people]).collect::<Vec<_>>()
        };
        let cost = |unknown: &[f64], eta: &[f64]| {
            let penalty: f64 = (0..people).map(|it| unknown[it] * (eta[it] - unknown[people])).sum();
            0.5 * penalty + c * logistic_loss(eta, self.labels, weights)
        };
        let step = |unknown: &[f64], eta: &[f64]| self.step_over_people(gram, (c, weights), (unknown, eta));
        let unknown = newton(vec![0.0; people + 1], c * people as f64 * TOLERANCE, (eta, cost, step));
        let weight = |column: usize| dot(self.design.column(column), &unknown[..people]);
        Line { intercept: unknown[people], coefficients: (0..self.design.columns).map(weight).collect() }
    }

    /// At the minimum a = C·residual and Σ residual = 0; B = I + W½·K·W½ is well conditioned whatever the weights are.
    fn step_over_people(
        &self,
        gram: &[f64],
        (c, weights): (f64, &[f64]),
        at: (&[f64], &[f64]),
    ) -> (f64, Option<Vec<f64>>) {
        let ((unknown, eta), people) = (at, self.design.people);
        let parts: Vec<_> = self.parts(eta, weights).collect();
        let roots: Vec<f64> = parts.iter().map(|(_, weight)| (c * weight).sqrt()).collect();
        let total: f64 = parts.iter().map(|(residual, _)| residual).sum();
        let apart = parts.iter().zip(unknown).map(|((residual, _), a)| (a - c * residual).abs());
        let largest = apart.fold((c * total).abs(), f64::max);
        let mut matrix = vec![0.0; people * people];
        for row in 0..people {
            for column in 0..=row {
                matrix[row * people + column] = roots[row] * gram[row * people + column] * roots[column];
            }
            matrix[row * people + row] += 1.0;
        }
        let solve = |cholesky: Cholesky| {
            // M⁻¹·v = W½·B⁻¹·W½·v with M = K + W⁻¹; the working response is z = eta + C·residual / W.
            let inverse = |scaled: &[f64]| -> Vec<f64> {
                cholesky.solve(scaled).iter().zip(&roots).map(|(part, root)| part * root).collect()
            };
            let response =
                |it: usize| roots[it] * eta[it] + c * parts[it].0 / roots[it].max(f64::MIN_POSITIVE);
            let of_z = inverse(&(0..people).map(response).collect::<Vec<_>>());
            let of_one = inverse(&roots);
            let b = of_z.iter().sum::<f64>() / of_one.iter().sum::<f64>();
            let a = (0..people).map(|it| of_z[it] - b * of_one[it]);
            a.chain([b]).zip(unknown).map(|(new, old)| new - old).collect()
        };
        (largest, Cholesky::of(matrix, people).map(solve))
    }
}

/// Newton's method with step halving. `eta` gives the linear predictors at a point, `cost` what is minimised, `step` the
/// largest part of the gradient and the full step.
fn newton<E, C, S>(mut at: Vec<f64>, tolerance: f64, (eta, cost, step): (E, C, S)) -> Vec<f64>
where
    E: Fn(&[f64]) -> Vec<f64>,
    C: Fn(&[f64], &[f64]) -> f64,
    S: Fn(&[f64], &[f64]) -> (f64, Option<Vec<f64>>),
{
    let mut predictors = eta(&at);
    let mut now = cost(&at, &predictors);
    for _ in 0..MAX_STEPS {
        let (largest, Some(full)) = step(&at, &predictors) else { break };
        if largest <= tolerance {
            break;
        }
        let shorter = (0..40).map(|halvings| 0.5f64.powi(halvings)).find_map(|share| {
            let there: Vec<f64> = at.iter().zip(&full).map(|(place, part)| place + share * part).collect();
            let predictors = eta(&there);
            let cost = cost(&there, &predictors);
            // Close to the minimum the cost is flat to the last digits: a full step may leave it where it is.
            (cost <= now + 1e-13 * now.abs()).then_some((there, predictors, cost))
        });
        let Some((there, found, cost)) = shorter else { break };
        (at, predictors, now) = (there, found, cost);
    }
    at
}

fn logistic_loss(eta: &[f64], labels: &[bool], weights: &[f64]) -> f64 {
    eta.iter().zip(labels).zip(weights).map(|((eta, label), weight)| weight * log_loss(*eta, *label)).sum()
}

/// −ln of the probability that log-odds give to what is true: ln(1 + exp(−s·log-odds)), without overflow.
pub(crate) fn log_loss(log_odds: f64, label: bool) -> f64 {
    let margin = if label { log_odds } else { -log_odds };
    (1.0 + (-margin.abs()).exp()).ln() + (-margin).max(0.0)
}

/// y − p and p·(1 − p), exact in both tails.
fn residual_and_weight(eta: f64, label: bool) -> (f64, f64) {
    let (p, q) = (sigmoid(eta), sigmoid(-eta));
    (if label { q } else { -p }, p * q)
}

/// The probability of log-odds.
pub(crate) fn sigmoid(eta: f64) -> f64 {
    if eta >= 0.0 {
        1.0 / (1.0 + (-eta).exp())
    } else {
        let odds = eta.exp();
        odds / (1.0 + odds)
    }
}

/// sums += factor · terms.
pub(crate) fn axpy(sums: &mut [f64], factor: f64, terms: &[f64]) {
    sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += factor * term);
}

/// X·Xᵀ, `[people, people]`.
pub(crate) fn gram(design: &Design) -> Vec<f64> {
    let people = design.people;
    let mut gram = vec![0.0; people * people];
    for column in 0..design.columns {
        let cells = design.column(column);
        for row in 0..people {
            axpy(&mut gram[row * people..row * people + row + 1], cells[row], &cells[..row + 1]);
        }
    }
    for row in 0..people {
        (0..row).for_each(|column| gram[column * people + row] = gram[row * people + column]);
    }
    gram
}

/// Rows of 1 and the columns, `[people, columns + 1]`.
fn rows(design: &Design) -> Vec<f64> {
    let person = |person: usize| {
        std::iter::once(1.0).chain((0..design.columns).map(move |column| design.column(column)[person]))
    };
    (0..design.people).flat_map(person).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::normal;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn problem(people: usize, columns: usize) -> (Design, Vec<bool>) {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let labels: Vec<bool> = (0..people).map(|_| random.random()).collect();
        let cells = (0..columns * people)
            .map(|it| normal(&mut random) + if it < people && labels[it] { 1.0 } else { 0.0 })
            .collect();
        (Design { people, columns, cells }, labels)
    }

    #[test]
    fn all_ways_to_solve_agree() {
        let (design, labels) = problem(40, 12);
        let columns = Problem::new(&design, &labels);
        assert!(columns.gram.is_none());
        let gram = gram(&design);
        let weights: Vec<f64> = (0..40).map(|it| 1.0 + f64::from(it % 3)).collect();
        for c in [1e-4, 0.03, 1.0, 100.0] {
            let (a, b) = (columns.over_columns(c, &weights), columns.over_people(&gram, c, &weights));
            let small = columns.by_small_steps(c, &weights);
            let apart = a.coefficients.iter().zip(&small.coefficients).map(|(x, y)| (x - y).abs());
            assert!(
                apart.fold((a.intercept - small.intercept).abs(), f64::max) < 1e-7,
                "{c}: {a:?} {small:?}"
            );
            assert!((a.intercept - b.intercept).abs() < 1e-9, "{c}: {a:?} {b:?}");
            for (x, y) in a.coefficients.iter().zip(&b.coefficients) {
                assert!((x - y).abs() < 1e-9, "{c}: {a:?} {b:?}");
            }
        }
    }

    #[test]
    fn the_gradient_vanishes_at_the_answer_even_when_the_classes_can_be_separated() {
        for (people, columns) in [(30, 60), (60, 5)] {
            let (design, labels) = problem(people, columns);
            for c in [1e-3, 1.0, 1000.0] {
                let line = Problem::new(&design, &labels).solve(c, &vec![1.0; people]);
                let eta = design.linear(line.intercept, &line.coefficients);
                let residuals: Vec<f64> =
                    eta.iter().zip(&labels).map(|(eta, label)| residual_and_weight(*eta, *label).0).collect();
                let slopes =
                    (0..columns).map(|it| line.coefficients[it] - c * dot(design.column(it), &residuals));
                let largest = slopes.fold((c * residuals.iter().sum::<f64>()).abs(), |a, b| a.max(b.abs()));
                assert!(largest <= 1e-9 * c.max(1.0), "{people} × {columns}, C {c}: {largest}");
            }
        }
    }

    #[test]
    fn the_sigmoid_is_exact_in_both_tails() {
        assert_eq!((sigmoid(0.0), sigmoid(-800.0), sigmoid(800.0)), (0.5, 0.0, 1.0));
        assert!((sigmoid(-40.0) / (-40f64).exp() - 1.0).abs() < 1e-12);
    }
}
