//! Grids of integers that stand for real numbers: `value ≈ (code − zero) · scale` (Jacob et al. 2018, eq. 1).
//!
//! Zero is always on the grid, so that padding, ReLU and masks stay exact.

use crate::kernel::rows::affine;

/// Greatest magnitude of a signed 8-bit code. −128 is left out: weights of both signs then meet one grid.
pub(super) const MOST: f32 = 127.0;

/// Shrunk ranges that are tried for a channel of weights: 1, 0.98, … 0.5 of its greatest weight.
const SHRINKS: usize = 26;

/// One step of [`SHRINKS`].
const SHRINK: f32 = 0.02;

/// A grid for activations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) scale: f32,
    pub(super) zero: i32,
    /// Whether codes are −127 to 127 around a zero of 0, or 0 to 255.
    pub(super) signed: bool,
}

impl Grid {
    /// The grid that holds `low ..= high` and 0.
    pub(super) fn over(low: f32, high: f32, signed: bool) -> Grid {
        let (low, high) = (low.min(0.0), high.max(0.0));
        if signed {
            return Grid { scale: step(low.abs().max(high)), zero: 0, signed };
        }
        let (scale, zero) = affine(low, high);
        Grid { scale, zero, signed }
    }

    /// The code of a value; ties go to the even code, as ONNX's `QuantizeLinear` says.
    pub(super) fn code(self, value: f32) -> i32 {
        let (low, high) = if self.signed { (-MOST, MOST) } else { (0.0, 255.0) };
        ((value / self.scale).round_ties_even() + self.zero as f32).clamp(low, high) as i32
    }

    /// The value that stands for this one on the grid.
    pub(super) fn nearest(self, value: f32) -> f32 {
        (self.code(value) - self.zero) as f32 * self.scale
    }
}

/// The step of a grid of signed codes that reaches `most`; 1 where nothing has to be reached.
fn step(most: f32) -> f32 {
    let step = most / MOST;
    if step > f32::MIN_POSITIVE && step.is_finite() { step } else { 1.0 }
}

/// The signed code of a weight.
fn code(weight: f32, scale: f32) -> i8 {
    (weight / scale).round_ties_even().clamp(-MOST, MOST) as i8
}

/// The signed codes of a channel's weights. Pair-safe, no two neighbours of one sign are together beyond 128, so that no sum of two
/// products with unsigned 8-bit activations leaves 16 bits: processors that add pairs with saturation (AVX2's `vpmaddubsw`) then
/// count exactly. What is beyond is taken off both.
pub(super) fn codes(weights: &[f32], scale: f32, pair_safe: bool) -> Vec<i8> {
    let mut codes: Vec<i8> = weights.iter().map(|it| code(*it, scale)).collect();
    for pair in codes.as_chunks_mut::<2>().0.iter_mut().filter(|_| pair_safe) {
        let sum = i16::from(pair[0]) + i16::from(pair[1]);
        let beyond = sum - sum.clamp(-128, 128);
        if beyond != 0 {
            let most = i16::from(pair[0].unsigned_abs().min(pair[1].unsigned_abs()));
            let second = (beyond / 2).clamp(-most, most);
            pair[0] = (i16::from(pair[0]) - (beyond - second)) as i8;
            pair[1] = (i16::from(pair[1]) - second) as i8;
        }
    }
    codes
}

/// The scale of a channel of weights that loses least: the squared error of each weight counts by the mean square of what it is
/// multiplied with. The greatest weights may be cut off where that helps the others (Banner et al. 2019 cut likewise).
pub(super) fn scale_that_loses_least(weights: &[f32], importance: &[f64], pair_safe: bool) -> f32 {
    let whole = step(weights.chunks(2).map(|it| reach(it, pair_safe)).fold(0.0, f32::max));
    let loss = |scale: f32| -> f64 {
        let codes = codes(weights, scale, pair_safe);
        let lost = |(weight, code): (&f32, &i8)| f64::from(weight - f32::from(*code) * scale).powi(2);
        weights.iter().zip(&codes).map(lost).zip(importance).map(|(lost, counts)| lost * counts).sum()
    };
    let tried = (1..SHRINKS).map(|it| whole * (1.0 - it as f32 * SHRINK));
    let better = |best: (f32, f64), scale| {
        let loss = loss(scale);
        if loss < best.1 { (scale, loss) } else { best }
    };
    tried.fold((whole, loss(whole)), better).0
}

/// What a grid has to reach for neighbours to be on it.
fn reach(pair: &[f32], pair_safe: bool) -> f32 {
    match *pair {
        [a, b] if pair_safe && (a < 0.0) == (b < 0.0) => (a + b).abs(),
        _ => pair.iter().fold(0.0, |most, it| most.max(it.abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_range_comes_back_within_half_a_step() {
        for (low, high) in [(-1.0, 3.0), (0.0, 6.0), (-5.0, 0.0), (0.2, 0.9), (-1e-3, 1e4)] {
            for signed in [false, true] {
                let grid = Grid::over(low, high, signed);
                for step in 0..=1000 {
                    let value = low + (high - low) * step as f32 / 1000.0;
                    let lost = (grid.nearest(value) - value).abs();
                    // The ends may be cut by half a step more, where the zero point was rounded.
                    assert!(
                        lost <= grid.scale * 0.5001 || value < low + grid.scale || value > high - grid.scale
                    );
                    assert!(lost <= grid.scale * 1.0001, "{value} on {grid:?}");
                }
            }
        }
    }

    #[test]
    fn zero_is_exact_and_the_grid_of_grid_values_is_the_same() {
        for grid in [Grid::over(-0.7, 9.1, false), Grid::over(2.0, 3.0, false), Grid::over(-0.7, 9.1, true)] {
            assert_eq!(grid.nearest(0.0), 0.0);
            for value in [-0.7, 0.1, 3.3, 9.1, 1e9, -1e9] {
                let once = grid.nearest(value);
                assert_eq!(grid.nearest(once), once, "{value} on {grid:?}");
            }
        }
    }

    #[test]
    fn what_has_no_width_still_has_a_grid() {
        for value in [0.0, 1e-42, 5.0, -5.0] {
            let grid = Grid::over(value, value, false);
            assert!(grid.scale.is_normal());
            assert!((grid.nearest(value) - value).abs() <= grid.scale * 1e-3 + 1e-41, "{value}");
        }
        assert_eq!(scale_that_loses_least(&[0.0; 4], &[1.0; 4], false), 1.0);
        assert_eq!(scale_that_loses_least(&[], &[], true), 1.0);
    }

    #[test]
    fn cutting_is_never_worse_than_reaching_all_and_keeps_what_is_already_quantised() {
        let weights: Vec<f32> = (0..64).map(|it| ((it * 37 % 64) as f32 - 31.5).powi(3) / 3e4).collect();
        let loss = |scale: f32| -> f32 {
            weights.iter().map(|it| (it - f32::from(code(*it, scale)) * scale).powi(2)).sum()
        };
        let whole = weights.iter().fold(0.0f32, |most, it| most.max(it.abs())) / MOST;
        assert!(loss(scale_that_loses_least(&weights, &[1.0; 64], false)) <= loss(whole));
        let quantised: Vec<f32> = weights.iter().map(|it| f32::from(code(*it, whole)) * whole).collect();
        let again = scale_that_loses_least(&quantised, &[1.0; 64], false);
        for value in &quantised {
            assert!((f32::from(code(*value, again)) * again - value).abs() <= value.abs() * 1e-6);
        }
    }

    #[test]
    fn pairs_cannot_leave_16_bits_whatever_the_scale_and_no_sign_turns() {
        let weights = [0.9, 0.9, -0.3, -0.8, 1.0, -1.0, -1.0, -1.0, 0.01, 1.0, 0.5];
        let best = scale_that_loses_least(&weights, &[1.0; 11], true);
        for scale in [best, best / 2.0, best / 10.0, 1e-3] {
            let codes = codes(&weights, scale, true);
            for (pair, weights) in codes.chunks(2).zip(weights.chunks(2)) {
                let sum: i32 = pair.iter().map(|it| 255 * i32::from(*it)).sum();
                assert!((-32768..=32767).contains(&sum), "{pair:?} gives {sum}");
                assert!(pair.iter().zip(weights).all(|(code, it)| f32::from(*code) * it >= 0.0), "{pair:?}");
            }
        }
    }

    #[test]
    fn pair_safe_codes_lose_less_than_the_scale_that_cuts_nothing() {
        let weights = crate::kernel::noise::Noise(17).normals(400, 1.0);
        let loss = |scale: f32| -> f32 {
            let codes = codes(&weights, scale, true);
            weights.iter().zip(codes).map(|(it, code)| (it - f32::from(code) * scale).powi(2)).sum()
        };
        let whole = step(weights.chunks(2).map(|it| reach(it, true)).fold(0.0, f32::max));
        let best = scale_that_loses_least(&weights, &[1.0; 400], true);
        assert!(best < whole && loss(best) < loss(whole), "{} {}", loss(best), loss(whole));
    }
}
