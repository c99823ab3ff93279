//! Support vector machines for two classes (Cortes & Vapnik 1995), linear or with a Gaussian kernel.
//!
//! Minimises ½·αᵀQα − Σα with 0 ≤ αᵢ ≤ C·weightᵢ and Σ yᵢαᵢ = 0, Q = yᵢyⱼ·K(xᵢ, xⱼ), two α at a time: the pair that second-order
//! information says lowers the objective most (Fan, Chen & Lin 2005, "Working set selection using second order information for
//! training support vector machines", WSS 2), as LIBSVM does, whose optimum this is. The kernel matrix is held whole and shared
//! by every C.

use serde::{Deserialize, Serialize};

use super::{
    cholesky::dot,
    logistic::{Line, axpy},
};
use crate::prepare::Design;

/// Stops when no pair violates the optimality conditions by more: scores are then exact to about this.
const TOLERANCE: f64 = 1e-9;

/// Stands in for a curvature that is not positive (LIBSVM's TAU): two people with the same numbers.
const FLAT: f64 = 1e-12;

/// Most people of a machine: the kernel matrix of 10,000 takes 800 MB.
pub(crate) const MOST_PEOPLE: usize = 10_000;

/// The multipliers of a solved machine: yᵢαᵢ one a person, and what is added to Σ yᵢαᵢ·K(xᵢ, x).
struct Solved {
    signed: Vec<f64>,
    intercept: f64,
}

/// A machine with a Gaussian kernel: the people on whom it rests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// K(x, z) = exp(−width · |x − z|²).
    width: f64,
    intercept: f64,
    /// yᵢαᵢ of each supporting person.
    signed: Vec<f64>,
    /// Their prepared numbers, `[people, columns]`.
    people: Vec<f64>,
}

/// The line of a linear machine; `gram` is X·Xᵀ.
pub(crate) fn linear(design: &Design, gram: &[f64], labels: &[bool], limits: &[f64]) -> Line {
    let solved = solve(gram, labels, limits);
    let weight = |column: usize| dot(design.column(column), &solved.signed);
    Line { intercept: solved.intercept, coefficients: (0..design.columns).map(weight).collect() }
}

/// exp(−width · |x − z|²) of every pair, from X·Xᵀ.
pub(crate) fn gaussian(gram: &[f64], people: usize, width: f64) -> Vec<f64> {
    let mut kernel = vec![0.0; people * people];
    for row in 0..people {
        for column in 0..people {
            let square =
                gram[row * people + row] + gram[column * people + column] - 2.0 * gram[row * people + column];
            kernel[row * people + column] = (-width * square.max(0.0)).exp();
        }
    }
    kernel
}

impl Machine {
    pub(crate) fn fit(
        design: &Design,
        (kernel, width): (&[f64], f64),
        labels: &[bool],
        limits: &[f64],
    ) -> Self {
        let solved = solve(kernel, labels, limits);
        let supporting: Vec<usize> = (0..labels.len()).filter(|&it| solved.signed[it] != 0.0).collect();
        let row = |&person: &usize| (0..design.columns).map(move |column| design.column(column)[person]);
        Self {
            width,
            intercept: solved.intercept,
            signed: supporting.iter().map(|&it| solved.signed[it]).collect(),
            people: supporting.iter().flat_map(row).collect(),
        }
    }

    /// Decision values: above 0 is impaired.
    pub(crate) fn outputs(&self, design: &Design) -> Vec<f64> {
        let mut row = vec![0.0; design.columns];
        let value = |person: usize| {
            row.iter_mut().enumerate().for_each(|(it, cell)| *cell = design.column(it)[person]);
            let kernel = |other: &[f64]| {
                let square: f64 = other.iter().zip(&row).map(|(a, b)| (a - b) * (a - b)).sum();
                (-self.width * square).exp()
            };
            let others = self.people.chunks_exact(design.columns.max(1));
            self.intercept
                + self.signed.iter().zip(others).map(|(signed, other)| signed * kernel(other)).sum::<f64>()
        };
        (0..design.people).map(value).collect()
    }
}

/// α of everybody; `limits` are C·weight.
fn solve(kernel: &[f64], labels: &[bool], limits: &[f64]) -> Solved {
    let people = labels.len();
    let signs: Vec<f64> = labels.iter().map(|&label| if label { 1.0 } else { -1.0 }).collect();
    let (mut alpha, mut gradient) = (vec![0.0; people], vec![-1.0; people]);
    // LIBSVM's own limit; the gap shrinks linearly, so that it is met long before.
    for _ in 0..(100 * people).max(10_000_000) {
        let Some((i, j)) = worst_pair(kernel, (&signs, limits), &alpha, &gradient) else { break };
        let (row_i, row_j) = (&kernel[i * people..(i + 1) * people], &kernel[j * people..(j + 1) * people]);
        let (before_i, before_j) = (alpha[i], alpha[j]);
        step(
            (i, j),
            (row_i[i] + row_j[j] - 2.0 * row_i[j]).max(FLAT),
            (&signs, limits),
            (&mut alpha, &gradient),
        );
        let (by_i, by_j) = (signs[i] * (alpha[i] - before_i), signs[j] * (alpha[j] - before_j));
        for (it, slope) in gradient.iter_mut().enumerate() {
            *slope += signs[it] * (row_i[it] * by_i + row_j[it] * by_j);
        }
    }
    let intercept = intercept((&signs, limits), &alpha, &gradient);
    let mut signed = vec![0.0; people];
    axpy(&mut signed, 1.0, &signs);
    signed.iter_mut().zip(&alpha).for_each(|(sign, alpha)| *sign *= alpha);
    Solved { signed, intercept }
}

/// Whether yα may grow, and whether it may shrink.
fn free((sign, limit): (f64, f64), alpha: f64) -> (bool, bool) {
    let (below, above) = (alpha < limit, alpha > 0.0);
    if sign > 0.0 { (below, above) } else { (above, below) }
}

/// The person whose yα wants to grow most, and the partner with whom the objective falls most; `None` at the optimum.
fn worst_pair(
    kernel: &[f64],
    (signs, limits): (&[f64], &[f64]),
    alpha: &[f64],
    gradient: &[f64],
) -> Option<(usize, usize)> {
    let people = signs.len();
    let (mut i, mut most) = (None, f64::NEG_INFINITY);
    for it in 0..people {
        let want = -signs[it] * gradient[it];
        if free((signs[it], limits[it]), alpha[it]).0 && want > most {
            (i, most) = (Some(it), want);
        }
    }
    let i = i?;
    let row = &kernel[i * people..(i + 1) * people];
    let (mut j, mut least, mut best) = (None, f64::INFINITY, 0.0);
    for it in 0..people {
        if !free((signs[it], limits[it]), alpha[it]).1 {
            continue;
        }
        let want = -signs[it] * gradient[it];
        least = f64::min(least, want);
        let apart = most - want;
        if apart > 0.0 {
            let curvature = (row[i] + kernel[it * people + it] - 2.0 * row[it]).max(FLAT);
            let fall = apart * apart / curvature;
            if fall > best {
                (j, best) = (Some(it), fall);
            }
        }
    }
    (most - least > TOLERANCE).then_some((i, j?))
}

/// Moves the pair along yᵢαᵢ + yⱼαⱼ = constant to its minimum, within the box.
fn step(
    (i, j): (usize, usize),
    curvature: f64,
    (signs, limits): (&[f64], &[f64]),
    (alpha, gradient): (&mut [f64], &[f64]),
) {
    // yα of i grows by this much and that of j falls by as much.
    let room = |it: usize, grows: bool| {
        if (signs[it] > 0.0) == grows { limits[it] - alpha[it] } else { alpha[it] }
    };
    let (room_i, room_j) = (room(i, true), room(j, false));
    let wanted = (signs[j] * gradient[j] - signs[i] * gradient[i]) / curvature;
    let by = wanted.min(room_i).min(room_j);
    let end = |it: usize, grows: bool| if (signs[it] > 0.0) == grows { limits[it] } else { 0.0 };
    // At a bound the value is the bound itself, not one rounding off it.
    alpha[i] = if by == room_i { end(i, true) } else { alpha[i] + signs[i] * by };
    alpha[j] = if by == room_j { end(j, false) } else { alpha[j] - signs[j] * by };
}

/// From the people inside the box, for whom the margin is exactly 1; midway between the bounds where nobody is.
fn intercept((signs, limits): (&[f64], &[f64]), alpha: &[f64], gradient: &[f64]) -> f64 {
    let (mut sum, mut inside) = (0.0, 0u32);
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for it in 0..signs.len() {
        let want = -signs[it] * gradient[it];
        match free((signs[it], limits[it]), alpha[it]) {
            (true, true) => (sum, inside) = (sum + want, inside + 1),
            (true, false) => low = low.max(want),
            (false, true) => high = high.min(want),
            (false, false) => {}
        }
    }
    if inside > 0 { sum / f64::from(inside) } else { (low + high) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::logistic::gram;

    #[test]
    fn two_people_are_parted_midway_with_a_margin_of_one() {
        let design = Design { people: 2, columns: 1, cells: vec![-2.0, 2.0] };
        let line = linear(&design, &gram(&design), &[false, true], &[10.0, 10.0]);
        assert!((line.coefficients[0] - 0.5).abs() < 1e-12 && line.intercept.abs() < 1e-12, "{line:?}");
    }

    #[test]
    fn a_gaussian_kernel_parts_what_no_line_can() {
        let cells = vec![-1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0];
        let design = Design { people: 4, columns: 2, cells };
        let (labels, limits) = ([true, false, false, true], [5.0; 4]);
        let kernel = gaussian(&gram(&design), 4, 0.5);
        let scores = Machine::fit(&design, (&kernel, 0.5), &labels, &limits).outputs(&design);
        assert!(scores.iter().zip(labels).all(|(score, label)| (*score > 0.0) == label), "{scores:?}");
    }

    #[test]
    fn everybody_at_the_bound_gives_an_intercept_between_the_bounds() {
        let design = Design { people: 4, columns: 1, cells: vec![0.0, 1.0, 0.0, 1.0] };
        let line = linear(&design, &gram(&design), &[false, false, true, true], &[0.1; 4]);
        assert!(line.intercept.is_finite() && line.coefficients[0].abs() < 1e-9, "{line:?}");
    }
}
