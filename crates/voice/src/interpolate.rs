//! Between samples: the top of a maximum, and a value read by a windowed sinc.
//!
//! A parabola through a maximum and its neighbours tells where the top is, to a hundredth of a step where the curve is smooth.
//! Where it is not (a correlation at a few lags a period) a windowed sinc reads the curve itself between its points (Smith,
//! *Digital Audio Resampling*, CCRMA 2002), and a parabola over what was read gives the top.

use std::f64::consts::PI;

/// Vertex of the parabola through three equally spaced heights: its offset from the middle, in steps, and its height.
pub(crate) fn vertex(left: f32, middle: f32, right: f32) -> (f32, f32) {
    let bend = left - 2.0 * middle + right;
    if bend >= 0.0 {
        return (0.0, middle);
    }
    let offset = (0.5 * (left - right) / bend).clamp(-1.0, 1.0);
    (offset, middle - 0.25 * (left - right) * offset)
}

/// Places between two values where a [`Sinc`] can read.
pub(crate) const PHASES: usize = 32;

/// Weights of a windowed sinc at every phase.
pub(crate) struct Sinc {
    taps: usize,
    /// `[PHASES, taps]`; tap 0 reads `taps / 2 − 1` values before the place.
    weights: Vec<f32>,
}

impl Sinc {
    /// A sinc of `taps` values under a Hann window that is 0 half a step beyond the last of them.
    pub(crate) fn new(taps: usize) -> Self {
        Self::under(taps, (taps / 2) as f64 + 0.5, |_| 1.0)
    }

    /// A sinc of `taps` values under a Hann window that is 0 at the last of them, its weights summing to 1 so that a flat top
    /// stays flat.
    pub(crate) fn flat(taps: usize) -> Self {
        Self::under(taps, (taps / 2) as f64, |row| row.sum())
    }

    /// `reach`: where the window is 0, in steps from the place; `norm`: what a row is divided by.
    fn under(taps: usize, reach: f64, norm: impl Fn(&mut dyn Iterator<Item = f64>) -> f64) -> Self {
        let before = (taps / 2) as f64 - 1.0;
        let weight = |x: f64| {
            let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) };
            sinc * (0.5 + 0.5 * (PI * x / reach).cos())
        };
        let row = |phase: usize| {
            let at = move |tap: usize| weight(tap as f64 - before - phase as f64 / PHASES as f64);
            let norm = norm(&mut (0..taps).map(at));
            (0..taps).map(move |tap| (at(tap) / norm) as f32)
        };
        Self { taps, weights: (0..PHASES).flat_map(row).collect() }
    }

    /// The value at `place / PHASES`, counted from `values[taps / 2 - 1]` on.
    pub(crate) fn read(&self, values: &[f32], place: usize) -> f32 {
        let (whole, phase) = (place / PHASES, place % PHASES);
        let weights = &self.weights[phase * self.taps..(phase + 1) * self.taps];
        weights.iter().zip(&values[whole..whole + self.taps]).map(|(weight, value)| weight * value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vertex_of_a_parabola_is_exact() {
        let height = |x: f32| 2.0 - (x - 0.25) * (x - 0.25);
        let (offset, top) = vertex(height(-1.0), height(0.0), height(1.0));
        assert!((offset - 0.25).abs() < 1e-6 && (top - 2.0).abs() < 1e-6);
        assert_eq!(vertex(1.0, 1.0, 1.0), (0.0, 1.0));
    }

    #[test]
    fn a_smooth_curve_is_read_between_its_values() {
        let curve = |x: f64| (0.6 * x).sin() as f32;
        let values: Vec<f32> = (0..60).map(|n| curve(f64::from(n))).collect();
        for (sinc, taps) in [(Sinc::new(48), 48), (Sinc::flat(16), 16)] {
            for phase in [0, 7, 16, 31] {
                let want = curve((taps / 2 - 1 + 3) as f64 + phase as f64 / PHASES as f64);
                let got = sinc.read(&values, 3 * PHASES + phase);
                assert!((got - want).abs() < 2e-3, "{taps} taps: {got} {want}");
            }
        }
        assert!((Sinc::flat(16).read(&[1.0; 16], 9) - 1.0).abs() < 1e-6);
    }
}
