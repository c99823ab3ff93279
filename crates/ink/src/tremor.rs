//! Tremor: what the pen does between 4 and 12 times a second beside its smooth way.
//!
//! Meant for slow drawing (spirals, circles, lines). In quick writing the letters themselves move in this band.

use feature::{Definition, Measure, Reach, Row, Unit, median};

use crate::analysis::reason;
use crate::signal::{RASTER_HZ, moving_mean, welch};
use crate::{Analysis, Place, Track};

/// Peak, share and size of tremor.
pub(crate) struct Tremor;

/// Samples of one piece of the spectrum: 2.56 s, bins of 0.39 Hz.
const PIECE: usize = 256;
/// Half a window of the moving mean that is taken twice for the smooth way: 25 samples, whose first zero is at 4 Hz.
const HALF_WINDOW: usize = 12;
/// The band of pathological and enhanced physiological tremor (Deuschl et al. 1998, Movement Disorders 13 Suppl 3).
const BAND_HZ: (f64, f64) = (4.0, 12.0);
/// The spectrum that the band is a share of; above it a digitiser's noise begins.
const WHOLE_HZ: (f64, f64) = (2.0, 25.0);
/// A peak stands this far above the median of its band: chance gives half of that in one piece of white noise.
const CLEAR: f64 = 10.0;
/// Said instead of the edge of the band, where every smooth spectrum is highest.
const NO_PEAK: &str = "no peak between 4 and 12 Hz stands out";

/// What all measures of tremor share.
const OF_TREMOR: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::Hertz,
    range: BAND_HZ,
    formula: "",
    source: "docs/ink-format.md, Tremor; Deuschl et al. 1998, Movement Disorders 13 Suppl 3:2-23; Welch 1967, IEEE \
             Trans Audio Electroacoust 15:70-73",
    missing: "no stroke on paper lasts 2.56 s, or the file has no times",
    reach: Reach::SameDevice,
    fragile: None,
};

/// Where, how much of the whole, how large.
static TREMOR: &[Definition] = &[
    Definition {
        name: "ink.tremor.peak",
        label: "frequency of tremor on paper",
        formula: "highest local maximum between 4 and 12 Hz of the power spectrum of the deviation from the smooth way \
                  (0.25 s moving mean taken twice), if 10 times the median of the band; the tablet's noise may hide it",
        missing: "no peak stands out, no stroke on paper lasts 2.56 s, or the file has no times",
        ..OF_TREMOR
    },
    Definition {
        name: "ink.tremor.band_ratio",
        label: "share of tremor in the unsteadiness of the line",
        unit: Unit::One,
        range: (0.0, 1.0),
        formula: "power of that deviation from 4 to 12 Hz / power from 2 to 25 Hz; depends on the tablet's noise",
        ..OF_TREMOR
    },
    Definition {
        name: "ink.tremor.amplitude",
        label: "size of tremor on paper",
        unit: Unit::Millimetre,
        range: (0.0, 50.0),
        formula: "square root of the power of that deviation from 4 to 12 Hz (root mean square, x and y together); \
                  depends on the tablet",
        missing: "resolution of the device is not known, no stroke lasts 2.56 s, or the file has no times",
        ..OF_TREMOR
    },
];

impl Measure<Analysis> for Tremor {
    fn definitions(&self) -> &'static [Definition] {
        TREMOR
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let density = match density(analysis) {
            Ok(density) => density,
            Err(reason) => return row.missing_rest(reason),
        };
        let (band, whole) = (power(&density, BAND_HZ), power(&density, WHOLE_HZ));
        row.put("ink.tremor.peak", peak_hz(&density).ok_or(NO_PEAK));
        row.put("ink.tremor.band_ratio", (whole > 0.0).then(|| band / whole).ok_or(reason::STILL));
        row.put("ink.tremor.amplitude", analysis.in_mm().map(|()| band.sqrt()));
    }
}

/// Mean power spectral density of the deviation, x and y summed, over all pieces of all strokes on paper.
fn density(analysis: &Analysis) -> Result<Vec<f64>, &'static str> {
    analysis.moved(Place::Paper)?;
    let mut sum = vec![0.0; PIECE / 2 + 1];
    let mut pieces = 0;
    for track in analysis.moving(Place::Paper).filter(|track| track.x.len() >= PIECE) {
        let (of_track, count) = track_density(track);
        sum.iter_mut().zip(of_track).for_each(|(sum, it)| *sum += it);
        pieces += count;
    }
    if pieces == 0 {
        return Err("no stroke on paper lasts 2.56 s");
    }
    Ok(sum.into_iter().map(|it| it / pieces as f64).collect())
}

/// Sums over the pieces of one track, x and y together, and their number.
fn track_density(track: &Track) -> (Vec<f64>, usize) {
    let (x, pieces) = welch(&deviation(&track.x), PIECE);
    let (y, _) = welch(&deviation(&track.y), PIECE);
    (x.into_iter().zip(y).map(|(x, y)| x + y).collect(), pieces)
}

/// The values less their smooth way.
fn deviation(values: &[f64]) -> Vec<f64> {
    let way = moving_mean(&moving_mean(values, HALF_WINDOW), HALF_WINDOW);
    values.iter().zip(way).map(|(value, way)| value - way).collect()
}

/// Width of one bin of the spectrum.
const HZ_PER_BIN: f64 = RASTER_HZ / PIECE as f64;

/// Places of the bins of a band.
fn bins((low_hz, high_hz): (f64, f64)) -> std::ops::RangeInclusive<usize> {
    (low_hz / HZ_PER_BIN).ceil() as usize..=(high_hz / HZ_PER_BIN).floor() as usize
}

/// Power within a band: the integral of the density.
fn power(density: &[f64], band_hz: (f64, f64)) -> f64 {
    density[bins(band_hz)].iter().sum::<f64>() * HZ_PER_BIN
}

/// The highest local maximum of the band, between bins by a parabola through the logarithms of three.
fn peak_hz(density: &[f64]) -> Option<f64> {
    let highest = |n: &usize| density[*n] > density[*n - 1] && density[*n] > density[*n + 1];
    let top = bins(BAND_HZ).filter(highest).max_by(|a, b| density[*a].total_cmp(&density[*b]))?;
    if density[top] < CLEAR * median(&density[bins(BAND_HZ)])? {
        return None;
    }
    let [before, at, after] = [density[top - 1], density[top], density[top + 1]].map(f64::ln);
    let aside = 0.5 * (before - after) / (before - 2.0 * at + after);
    let hz = (top as f64 + aside) * HZ_PER_BIN;
    Some(if aside.is_finite() { hz.clamp(BAND_HZ.0, BAND_HZ.1) } else { top as f64 * HZ_PER_BIN })
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Usable};

    use super::*;
    use crate::{set, synth};

    fn spiral(pen: &synth::Pen) -> FeatureVector {
        let drawing = synth::spiral(4.0, 10.0, 20.0, pen);
        set().measure(&Analysis::new(&Usable::new(drawing).unwrap()))
    }

    #[test]
    fn a_planted_tremor_is_found_at_its_frequency_and_size() {
        for tremor_hz in [4.6, 5.3, 6.0, 7.7, 9.5, 11.2] {
            for rate_hz in [110.0, 142.0, 200.0] {
                let pen = synth::Pen { tremor_hz, tremor_mm: 0.5, rate_hz, ..synth::Pen::steady() };
                let natural = spiral(&synth::Pen { wander_mm: 0.2, grid_mm: 0.01, ..pen.clone() });
                let waxing = natural.number("ink.tremor.peak").unwrap();
                assert!((waxing - tremor_hz).abs() < 0.3, "{tremor_hz} Hz, waxing: {waxing}");
                let vector = spiral(&pen);
                let peak = vector.number("ink.tremor.peak").unwrap();
                let amplitude = vector.number("ink.tremor.amplitude").unwrap();
                assert!((peak - tremor_hz).abs() < 0.1, "{tremor_hz} Hz at {rate_hz} Hz: {peak}");
                // A sine of 0.5 mm along one diagonal has a root mean square of 0.354 mm; linear resampling and
                // smoothing take up to a seventh of a fast tremor.
                assert!((amplitude / 0.353_55 - 1.0).abs() < 0.15, "{tremor_hz} Hz: {amplitude} mm");
                assert!(vector.number("ink.tremor.band_ratio").unwrap() > 0.9);
            }
        }
    }

    #[test]
    fn a_hand_without_tremor_has_no_peak() {
        for seed in 0..10 {
            let vector = spiral(&synth::Pen::natural(seed));
            let reason = vector.value("ink.tremor.peak").unwrap().reason().map(ToString::to_string);
            assert_eq!(
                reason.as_deref(),
                Some(NO_PEAK),
                "seed {seed}: {:?}",
                vector.value("ink.tremor.peak")
            );
        }
    }

    #[test]
    fn strokes_too_short_for_a_spectrum_are_said_to_be() {
        let drawing = synth::lines(50.0, 1.0, 5, 0.5, &synth::Pen::steady());
        let vector = set().measure(&Analysis::new(&Usable::new(drawing).unwrap()));
        let reason = vector.value("ink.tremor.peak").unwrap().reason().unwrap();
        assert_eq!(reason.as_str(), "no stroke on paper lasts 2.56 s");
    }
}
