//! Logistic regression of three classes with an L2 penalty.
//!
//! Minimises ½·Σ|w|² + C·Σ weight · (−ln p of the true class) with p the softmax of one line a class, intercepts not penalised:
//! scikit-learn's multinomial `LogisticRegression`. The lines are determined up to a constant that the penalty fixes for the
//! coefficients; intercepts are centred.

use super::{
    lbfgs,
    logistic::{Line, axpy},
    softmax,
};
use crate::{label::CLASSES, prepare::Design};

/// L-BFGS stops when no part of the gradient, divided by C and the number of people, is larger than this.
const TOLERANCE: f64 = 1e-11;

/// Far more steps than any penalty needs that the inner search would choose.
const MAX_STEPS: usize = 5000;

/// One line a class.
pub(crate) fn lines(design: &Design, labels: &[u8], weights: &[f64], c: f64) -> Vec<Line> {
    let (people, width) = (design.people, design.columns + 1);
    let cost = |theta: &[f64], gradient: &mut [f64]| {
        let mut eta = vec![0.0; people * CLASSES];
        for (class, line) in theta.chunks_exact(width).enumerate() {
            let predictors = design.linear(line[0], &line[1..]);
            predictors.iter().enumerate().for_each(|(it, value)| eta[it * CLASSES + class] = *value);
        }
        let loss = c * residuals(&mut eta, labels, weights);
        let mut penalty = 0.0;
        for (class, (line, slopes)) in
            theta.chunks_exact(width).zip(gradient.chunks_exact_mut(width)).enumerate()
        {
            let residual: Vec<f64> = eta.iter().skip(class).step_by(CLASSES).copied().collect();
            slopes[0] = c * residual.iter().sum::<f64>();
            for column in 0..design.columns {
                slopes[column + 1] =
                    line[column + 1] + c * super::cholesky::dot(design.column(column), &residual);
            }
            penalty += line[1..].iter().map(|it| it * it).sum::<f64>();
        }
        loss + 0.5 * penalty
    };
    let tolerance = TOLERANCE * c * people as f64;
    let theta = lbfgs::minimise(&cost, vec![0.0; width * CLASSES], (MAX_STEPS, tolerance), |_, _| true);
    let centre = theta.iter().step_by(width).sum::<f64>() / CLASSES as f64;
    let line = |line: &[f64]| Line { intercept: line[0] - centre, coefficients: line[1..].to_vec() };
    theta.chunks_exact(width).map(line).collect()
}

/// Turns linear predictors `[people, classes]` into weight · (p − y); Σ weight · −ln p of the true class.
fn residuals(eta: &mut [f64], labels: &[u8], weights: &[f64]) -> f64 {
    let mut loss = 0.0;
    for ((shares, &label), &weight) in eta.chunks_exact_mut(CLASSES).zip(labels).zip(weights) {
        let true_one = shares[usize::from(label)];
        loss += weight * (softmax(shares) - true_one);
        shares[usize::from(label)] -= 1.0;
        shares.iter_mut().for_each(|share| *share *= weight);
    }
    loss
}

/// What the lines say: probabilities, `[people, classes]`.
pub(crate) fn shares(design: &Design, lines: &[Line]) -> Vec<f64> {
    let mut eta = vec![0.0; design.people * CLASSES];
    for (class, line) in lines.iter().enumerate() {
        let mut of_class = vec![line.intercept; design.people];
        for (column, coefficient) in line.coefficients.iter().enumerate() {
            axpy(&mut of_class, *coefficient, design.column(column));
        }
        of_class.iter().enumerate().for_each(|(it, value)| eta[it * CLASSES + class] = *value);
    }
    eta.chunks_exact_mut(CLASSES).for_each(|it| _ = softmax(it));
    eta
}
