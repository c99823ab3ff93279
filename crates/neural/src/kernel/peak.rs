//! What a processor can do at most, by measurement: products of what the first-level cache holds.

use super::float::FloatWeights;
use super::product::Plane;
use super::quantised::{Activations, Int8Matrix, Int8Weights};
use super::rows::Activation;
use super::{Isa, WIDTH};
use std::time::{Duration, Instant};

/// Operations a second of one core; a product and the sum it goes to are two operations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// On 8-bit integers.
    pub int8: f64,
    /// On 32-bit floating-point numbers.
    pub float: f64,
}

/// Rows, products in a sum and columns of what is timed.
const SHAPE: (usize, usize, usize) = (24, 128, 64);
/// Times each product is run; the fastest counts.
const RUNS: usize = 2000;

impl Peak {
    /// Measures this processor for a few milliseconds. Other work on the machine only lowers what is found.
    pub fn measure(isa: Isa) -> Peak {
        let (rows, depth, columns) = SHAPE;
        let (values, bias) = (vec![0.5; rows * depth], vec![0.0; columns]);
        let matrix = Int8Matrix::quantise(&vec![0.5; depth * columns], depth, columns);
        let (int8, float) = (
            Int8Weights::pack(isa, &matrix, &bias),
            FloatWeights::pack(isa, &vec![0.5; depth * columns], depth, &bias),
        );
        let mut activations = Activations::new(isa, rows, depth);
        activations.quantise(&values, depth, rows);
        let mut out = vec![0.0; rows * columns.next_multiple_of(WIDTH)];
        let mut plane = Plane { values: &mut out, stride: columns, activation: Activation::None, add: false };
        Peak {
            int8: rate(|| int8.multiply(&activations, rows, &mut plane)),
            float: rate(|| float.multiply(&values, depth, rows, &mut plane)),
        }
    }
}

fn rate(mut run: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    let (rows, depth, columns) = SHAPE;
    2.0 * (rows * depth * columns) as f64 / best.as_secs_f64()
}
