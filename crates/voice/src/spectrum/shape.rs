//! The shape of one spectrum: tilt, slopes, and its change since the last.

use std::ops::Range;

use crate::spectrum::{BIN_HZ, bins, logarithm};

/// What is read off one frame; NaN where a band holds no power.
pub(super) struct Read {
    /// 10 log10(Σ 1–5 kHz / Σ 50–1000 Hz), dB (Eyben et al. 2016; Patel et al. 2010).
    pub(super) alpha_ratio: f32,
    /// 10 log10(max 0–2 kHz / max 2–5 kHz), dB (Hammarberg et al. 1980, Acta Oto-Laryngologica 90:441-451).
    pub(super) hammarberg: f32,
    /// Least squares of dB on hertz from 0 to 500 Hz, the constant part left out, dB/Hz.
    pub(super) slope_0_500: f32,
    /// The same from 500 to 1500 Hz.
    pub(super) slope_500_1500: f32,
    /// Root mean square of the change in magnitude from 0 to 5 kHz, full scale 1; NaN in the first frame.
    pub(super) flux: f32,
}

/// Reads shapes frame by frame.
pub(super) struct Shape {
    low: Line,
    high: Line,
    /// Magnitudes of the frame before, 0–5 kHz; NaN before the first.
    last: Vec<f32>,
}

impl Shape {
    pub(super) fn new() -> Self {
        Self {
            low: Line::new(bins(1.0, 500.0)),
            high: Line::new(bins(500.0, 1500.0)),
            last: vec![f32::NAN; bins(0.0, 5000.0).end],
        }
    }

    pub(super) fn read(&mut self, power: &[f32]) -> Read {
        let sum = |low: f64, high: f64| power[bins(low, high)].iter().sum::<f32>();
        let max = |low: f64, high: f64| power[bins(low, high)].iter().copied().fold(0.0, f32::max);
        Read {
            alpha_ratio: ratio(sum(1000.0 + BIN_HZ, 5000.0), sum(50.0, 1000.0)),
            hammarberg: ratio(max(0.0, 2000.0), max(2000.0 + BIN_HZ, 5000.0)),
            slope_0_500: self.low.slope(power),
            slope_500_1500: self.high.slope(power),
            flux: self.flux(power),
        }
    }

    fn flux(&mut self, power: &[f32]) -> f32 {
        let mut squares = 0.0f32;
        for (last, power) in self.last.iter_mut().zip(power) {
            let magnitude = power.sqrt();
            squares += (magnitude - *last) * (magnitude - *last);
            *last = magnitude;
        }
        (squares / self.last.len() as f32).sqrt()
    }
}

/// 10 log10 of a ratio of powers; NaN where either is 0.
fn ratio(above: f32, below: f32) -> f32 {
    if above > 0.0 && below > 0.0 { 10.0 * (above / below).log10() } else { f32::NAN }
}

/// The straight line through the decibels of a band, by least squares. With the weights made once, a slope is one sum.
struct Line {
    band: Range<usize>,
    /// (f − mean f) / Σ (f − mean f)², of each bin.
    weights: Vec<f32>,
}

impl Line {
    fn new(band: Range<usize>) -> Self {
        let middle = (band.start + band.end - 1) as f64 / 2.0;
        let off: Vec<f64> = band.clone().map(|bin| (bin as f64 - middle) * BIN_HZ).collect();
        let squares: f64 = off.iter().map(|off| off * off).sum();
        Self { band, weights: off.iter().map(|off| (off / squares) as f32).collect() }
    }

    /// Slope in dB/Hz; NaN where a bin is empty.
    fn slope(&self, power: &[f32]) -> f32 {
        let power = &power[self.band.clone()];
        let least = power.iter().copied().fold(f32::MAX, f32::min);
        let line =
            power.iter().zip(&self.weights).map(|(power, weight)| logarithm::decibels(*power) * weight);
        if least >= f32::MIN_POSITIVE { line.sum() } else { f32::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_of_decibels_has_its_slope() {
        // −12 dB at 0 Hz and 0.02 dB/Hz less from there on.
        let power: Vec<f32> =
            (0..257).map(|bin| 10f64.powf((-12.0 - 0.02 * bin as f64 * BIN_HZ) / 10.0) as f32).collect();
        let read = Shape::new().read(&power);
        assert!((read.slope_0_500 + 0.02).abs() < 1e-6 && (read.slope_500_1500 + 0.02).abs() < 1e-6);
    }

    #[test]
    fn the_change_of_one_bin_is_the_flux() {
        let mut shape = Shape::new();
        let mut power = vec![0.0f32; 257];
        assert!(shape.read(&power).flux.is_nan());
        power[40] = 0.04;
        // Magnitude 0.2 in one of the 161 bins from 0 to 5 kHz, there and gone; above 5 kHz nothing counts.
        let jump = 0.2 / 161f32.sqrt();
        assert!((shape.read(&power).flux - jump).abs() < 1e-7);
        power[200] = 0.5;
        assert_eq!(shape.read(&power).flux, 0.0);
        power[40] = 0.0;
        assert!((shape.read(&power).flux - jump).abs() < 1e-7);
    }

    #[test]
    fn an_empty_band_has_no_ratio() {
        let mut power = vec![0.0f32; 257];
        power[16] = 1.0;
        let read = Shape::new().read(&power);
        assert!(read.alpha_ratio.is_nan() && read.hammarberg.is_nan() && read.slope_0_500.is_nan());
    }
}
