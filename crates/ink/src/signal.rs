//! From points to an even raster and smooth derivatives, and spectra of what is left.
//!
//! Resampling is linear: tablets report 100–240 times a second, so a straight line between two reports is what is
//! known. Each derivative is that of a cubic fitted by least squares to five samples, 50 ms (Savitzky & Golay 1964,
//! Analytical Chemistry 36:1627–1639), with the one-sided fits at both ends.

use std::f64::consts::PI;
use std::sync::{LazyLock, Mutex, PoisonError};

use realfft::RealFftPlanner;

/// Samples per second of every track.
pub const RASTER_HZ: f64 = 100.0;
/// Samples of the Savitzky-Golay window.
const WINDOW: usize = 5;

/// Value of the fitted cubic at each of the five samples, from the first to the middle; the rest mirrors.
const SMOOTH: [[f64; 5]; 3] = [
    [69.0 / 70.0, 4.0 / 70.0, -6.0 / 70.0, 4.0 / 70.0, -1.0 / 70.0],
    [2.0 / 35.0, 27.0 / 35.0, 12.0 / 35.0, -8.0 / 35.0, 2.0 / 35.0],
    [-3.0 / 35.0, 12.0 / 35.0, 17.0 / 35.0, 12.0 / 35.0, -3.0 / 35.0],
];
/// Slope of the fitted cubic at each of the five samples, per sample; the rest mirrors with the sign turned.
const SLOPE: [[f64; 5]; 3] = [
    [-125.0 / 84.0, 136.0 / 84.0, 48.0 / 84.0, -88.0 / 84.0, 29.0 / 84.0],
    [-38.0 / 84.0, -2.0 / 84.0, 24.0 / 84.0, 26.0 / 84.0, -10.0 / 84.0],
    [1.0 / 12.0, -8.0 / 12.0, 0.0, 8.0 / 12.0, -1.0 / 12.0],
];

/// Length of a vector. Coordinates are bounded, so the care that `hypot` takes against overflow would be paid for nothing.
pub(crate) fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// `values` at `times_s` (rising), read every 10 ms from the first time on. Shape: `[floor(span / 10 ms) + 1]`.
pub(crate) fn resample(times_s: &[f64], values: &[f64]) -> Vec<f64> {
    let (Some(&start_s), Some(&end_s)) = (times_s.first(), times_s.last()) else { return Vec::new() };
    // A span that is a whole number of steps but for rounding keeps its last sample.
    let count = ((end_s - start_s) * RASTER_HZ + 1e-6).floor() as usize + 1;
    let mut segment = 0;
    (0..count)
        .map(|sample| {
            let t_s = start_s + sample as f64 / RASTER_HZ;
            while segment + 2 < times_s.len() && times_s[segment + 1] <= t_s {
                segment += 1;
            }
            between(times_s, values, segment, t_s)
        })
        .collect()
}

/// The straight line through points `segment` and `segment + 1` at `t_s`.
fn between(times_s: &[f64], values: &[f64], segment: usize, t_s: f64) -> f64 {
    let Some(&next_s) = times_s.get(segment + 1) else { return values[segment] };
    let share = ((t_s - times_s[segment]) / (next_s - times_s[segment])).clamp(0.0, 1.0);
    values[segment] + (values[segment + 1] - values[segment]) * share
}

/// Smoothed samples; as they are where there are fewer than five.
pub(crate) fn smooth(values: &[f64]) -> Vec<f64> {
    if values.len() < WINDOW { values.to_vec() } else { fit(values, &SMOOTH, 1.0) }
}

/// First derivative per second; `None` below five samples.
pub(crate) fn slope(values: &[f64]) -> Option<Vec<f64>> {
    let per_second = |slope: f64| slope * RASTER_HZ;
    (values.len() >= WINDOW).then(|| fit(values, &SLOPE, -1.0).into_iter().map(per_second).collect())
}

/// Applies the middle row inside, and the one-sided rows at both ends (mirrored with `mirror`'s sign at the far one).
fn fit(values: &[f64], rows: &[[f64; WINDOW]; 3], mirror: f64) -> Vec<f64> {
    let dot = |row: &[f64; WINDOW], window: &[f64]| row.iter().zip(window).map(|(a, b)| a * b).sum::<f64>();
    let far: Vec<f64> = values.iter().rev().take(WINDOW).copied().collect();
    let mut fitted = Vec::with_capacity(values.len());
    fitted.extend(rows[..2].iter().map(|row| dot(row, values)));
    fitted.extend(values.windows(WINDOW).map(|window| dot(&rows[2], window)));
    fitted.extend(rows[..2].iter().rev().map(|row| mirror * dot(row, &far)));
    fitted
}

/// The value that 95 % of `values` do not exceed (nearest rank): what is brisk for this hand. `None` if that is 0 or less.
pub(crate) fn brisk(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    let rank = (values.len() * 95 / 100).min(values.len().checked_sub(1)?);
    let (_, brisk, _) = values.select_nth_unstable_by(rank, f64::total_cmp);
    Some(*brisk).filter(|it| *it > 0.0)
}

/// Mean over a centred window of `half` samples either side, shorter towards the ends.
pub(crate) fn moving_mean(values: &[f64], half: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for value in values {
        sums.push(sums[sums.len() - 1] + value);
    }
    let mean = |n: usize| {
        let reach = half.min(n).min(values.len() - 1 - n);
        (sums[n + reach + 1] - sums[n - reach]) / (2 * reach + 1) as f64
    };
    (0..values.len()).map(mean).collect()
}

/// Plans of Fourier transforms, kept for the life of the program: a plan costs more than the transform it is for.
static PLANS: LazyLock<Mutex<RealFftPlanner<f64>>> = LazyLock::new(|| Mutex::new(RealFftPlanner::new()));

/// Magnitudes of the first `bins` of the Fourier transform of `values`, padded with zeros to `length`.
pub(crate) fn magnitudes(values: &[f64], length: usize, bins: usize) -> Vec<f64> {
    // A thread that died while planning left nothing half done that a plan could be made of.
    let transform = PLANS.lock().unwrap_or_else(PoisonError::into_inner).plan_fft_forward(length);
    let mut input = transform.make_input_vec();
    for (slot, value) in input.iter_mut().zip(values) {
        *slot = *value;
    }
    let mut output = transform.make_output_vec();
    // The lengths come from the transform itself, so it cannot refuse them.
    let done = transform.process(&mut input, &mut output);
    debug_assert!(done.is_ok(), "buffers have the transform's own lengths");
    output.iter().take(bins).map(|bin| bin.norm_sqr().sqrt()).collect()
}

/// One-sided power spectral densities summed over pieces of `length` samples with half overlap (Welch 1967), Hann
/// window, straight line removed; and how many pieces there were. Shape: `[length / 2 + 1]`, power per Hz.
pub(crate) fn welch(values: &[f64], length: usize) -> (Vec<f64>, usize) {
    let hann: Vec<f64> =
        (0..length).map(|n| 0.5 - 0.5 * (2.0 * PI * n as f64 / length as f64).cos()).collect();
    let power: f64 = hann.iter().map(|it| it * it).sum();
    let mut density = vec![0.0; length / 2 + 1];
    let mut pieces = 0;
    for start in (0..=values.len().saturating_sub(length)).step_by(length / 2) {
        let Some(piece) = values.get(start..start + length) else { break };
        let windowed: Vec<f64> =
            without_line(piece).iter().zip(&hann).map(|(it, window)| it * window).collect();
        let bins = magnitudes(&windowed, length, density.len());
        for (sum, bin) in density.iter_mut().zip(bins) {
            *sum += 2.0 * bin * bin / (power * RASTER_HZ);
        }
        pieces += 1;
    }
    (density, pieces)
}

/// The values less their least-squares line.
fn without_line(values: &[f64]) -> Vec<f64> {
    let centre = (values.len() as f64 - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (mut up, mut across) = (0.0, 0.0);
    for (n, value) in values.iter().enumerate() {
        let from = n as f64 - centre;
        up += from * (value - mean);
        across += from * from;
    }
    let slope = if across > 0.0 { up / across } else { 0.0 };
    values.iter().enumerate().map(|(n, value)| value - mean - slope * (n as f64 - centre)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_is_smoothed_to_itself_and_its_slope_is_exact_to_both_ends() {
        let cubic = |n: usize| {
            let t = n as f64 / RASTER_HZ;
            (3.0 * t * t * t - 2.0 * t * t + t, 9.0 * t * t - 4.0 * t + 1.0)
        };
        let values: Vec<f64> = (0..9).map(|n| cubic(n).0).collect();
        let slopes = slope(&values).unwrap();
        for n in 0..9 {
            assert!((smooth(&values)[n] - values[n]).abs() < 1e-12, "sample {n}");
            assert!((slopes[n] - cubic(n).1).abs() < 1e-9, "sample {n}: {} {}", slopes[n], cubic(n).1);
        }
    }

    #[test]
    fn four_samples_have_no_slope_and_stay_as_they_are() {
        let values = [1.0, 5.0, 2.0, 8.0];
        assert_eq!((slope(&values), smooth(&values)), (None, values.to_vec()));
    }

    #[test]
    fn resampling_reads_straight_lines_between_reports() {
        let values = resample(&[0.0, 0.02, 0.05], &[0.0, 2.0, 8.0]);
        let expected = [0.0, 1.0, 2.0, 4.0, 6.0, 8.0];
        assert_eq!(values.len(), expected.len());
        assert!(
            values.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-9),
            "{values:?}"
        );
        assert_eq!(resample(&[3.0], &[7.0]), [7.0]);
    }

    #[test]
    fn a_sine_has_its_power_in_its_own_bin() {
        let values: Vec<f64> = (0..1024).map(|n| (2.0 * PI * 6.25 * n as f64 / RASTER_HZ).sin()).collect();
        let (density, pieces) = welch(&values, 256);
        let hz_per_bin = RASTER_HZ / 256.0;
        let power: f64 = density.iter().sum::<f64>() * hz_per_bin / pieces as f64;
        let top = (0..density.len()).max_by(|a, b| density[*a].total_cmp(&density[*b])).unwrap();
        assert_eq!((pieces, top), (7, 16));
        assert!((power - 0.5).abs() < 0.01, "{power}");
    }

    #[test]
    fn brisk_is_what_nineteen_of_twenty_do_not_exceed() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((brisk(&hundred), brisk(&[]), brisk(&[0.0; 9])), (Some(96.0), None, None));
    }

    #[test]
    fn a_moving_mean_leaves_a_straight_line() {
        let line: Vec<f64> = (0..30).map(f64::from).collect();
        assert!(moving_mean(&line, 5).iter().zip(&line).all(|(got, line)| (got - line).abs() < 1e-9));
    }
}
