//! Minimising a smooth function of many unknowns by limited-memory BFGS (Nocedal & Wright 2006, algorithm 7.5).

use super::{cholesky::dot, logistic::axpy};

/// Steps remembered.
const MEMORY: usize = 10;

/// Share of the promised fall that a step must bring (Nocedal & Wright 2006, equation 3.4).
const ENOUGH: f64 = 1e-4;

/// A function that can be minimised: value, with the gradient written into the second argument.
pub(crate) trait Smooth {
    fn at(&self, place: &[f64], gradient: &mut [f64]) -> f64;
}

impl<F: Fn(&[f64], &mut [f64]) -> f64> Smooth for F {
    fn at(&self, place: &[f64], gradient: &mut [f64]) -> f64 {
        self(place, gradient)
    }
}

/// Takes at most `steps` steps from `place`; stops when no part of the gradient is larger than `tolerance`. `seen` is shown
/// each place after its step (numbered from 1) and may stop by answering `false`.
pub(crate) fn minimise(
    function: &impl Smooth,
    mut place: Vec<f64>,
    (steps, tolerance): (usize, f64),
    mut seen: impl FnMut(usize, &[f64]) -> bool,
) -> Vec<f64> {
    let mut gradient = vec![0.0; place.len()];
    let mut value = function.at(&place, &mut gradient);
    let mut memory = Memory::default();
    for step in 1..=steps {
        if gradient.iter().all(|part| part.abs() <= tolerance) {
            break;
        }
        let mut direction = memory.direction(&gradient);
        if dot(&direction, &gradient) >= 0.0 {
            memory = Memory::default();
            direction = memory.direction(&gradient);
        }
        let Some((there, found, slopes)) = search(function, (&place, value, &gradient), &direction) else {
            break;
        };
        memory.learn(&place, &there, &gradient, &slopes);
        (place, value, gradient) = (there, found, slopes);
        if !seen(step, &place) {
            break;
        }
    }
    place
}

/// Halves the step until the function falls enough; `None` where it does not within 40 halvings.
fn search(
    function: &impl Smooth,
    (place, value, gradient): (&[f64], f64, &[f64]),
    direction: &[f64],
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let slope = dot(direction, gradient);
    (0..40).map(|halvings| 0.5f64.powi(halvings)).find_map(|share| {
        let mut there = place.to_vec();
        axpy(&mut there, share, direction);
        let mut slopes = vec![0.0; place.len()];
        let found = function.at(&there, &mut slopes);
        // Close to the minimum the function is flat to its last digits: the slope then decides.
        let flat = found <= value + 1e-13 * value.abs() && dot(&slopes, direction).abs() <= slope.abs();
        (found <= value + ENOUGH * share * slope || flat).then_some((there, found, slopes))
    })
}

/// The last steps with how the gradient changed along them, and 1 / (sᵀ·y).
#[derive(Default)]
struct Memory(Vec<(Vec<f64>, Vec<f64>, f64)>);

impl Memory {
    fn learn(&mut self, place: &[f64], there: &[f64], gradient: &[f64], slopes: &[f64]) {
        let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x - y).collect::<Vec<f64>>();
        let (moved, turned) = (less(there, place), less(slopes, gradient));
        let product = dot(&moved, &turned);
        // A step without positive curvature would make the next direction point uphill.
        if product > 1e-14 * dot(&turned, &turned) {
            if self.0.len() == MEMORY {
                self.0.remove(0);
            }
            self.0.push((moved, turned, 1.0 / product));
        }
    }

    /// −H·gradient by the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4).
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|part| -part).collect();
        let mut shares = Vec::with_capacity(self.0.len());
        for (moved, turned, inverse) in self.0.iter().rev() {
            let share = inverse * dot(moved, &direction);
            axpy(&mut direction, -share, turned);
            shares.push(share);
        }
        let scale = match self.0.last() {
            Some((_, turned, inverse)) => 1.0 / (inverse * dot(turned, turned)),
            None => 1.0 / dot(gradient, gradient).sqrt().max(1.0),
        };
        direction.iter_mut().for_each(|part| *part *= scale);
        for ((moved, turned, inverse), share) in self.0.iter().zip(shares.iter().rev()) {
            let back = inverse * dot(turned, &direction);
            axpy(&mut direction, share - back, moved);
        }
        direction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_of_a_curved_valley_is_found() {
        // Rosenbrock 1960; the minimum is at (1, 1).
        let valley = |x: &[f64], gradient: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient.copy_from_slice(&[-2.0 * a - 400.0 * b * x[0], 200.0 * b]);
            a * a + 100.0 * b * b
        };
        let found = minimise(&valley, vec![-1.2, 1.0], (500, 1e-10), |_, _| true);
        assert!(found.iter().all(|it| (it - 1.0).abs() < 1e-8), "{found:?}");
        let stopped = minimise(&valley, vec![-1.2, 1.0], (500, 1e-10), |step, _| step < 2);
        assert!((stopped[0] - 1.0).abs() > 0.1);
    }
}
