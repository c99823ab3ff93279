//! Intensity over time, and the level of a whole recording.
//!
//! With weights w of a window around a frame, intensity is
//! 10 log10((Σ w x² / Σ w − (Σ w x / Σ w)²) / (20 µPa)²): the variance, so that a constant part of the signal does not
//! count. The level of a recording is 10 log10 of its mean square, re full scale: a sine that just fits has −3.01 dBFS.
//!
//! The reference of the contour is 20 µPa with full scale taken as 1 Pa, as the reference studies do: it is comparable
//! between recordings of one calibrated set-up only.

use feature::{Definition, Measure, Reach, Row, Unit};

use crate::{
    analysis::Analysis,
    contour::{Contour, Grid},
    recording::RATE,
    resample,
};

/// Length of the window in seconds: 6.4 periods of a 75 Hz pitch floor, of which the middle half counts, so that the
/// periods of a voice do not ripple the contour.
const WINDOW_S: f64 = 6.4 / 75.0;
/// Kaiser's β: side lobes below −190 dB (Kaiser & Schafer 1980: 0.1102 (190 − 8.7)).
const BETA: f64 = 20.0;
/// Square of 20 µPa.
const REFERENCE: f64 = 4e-10;
/// Samples summed in single precision before the double sum takes over.
const BLOCK: usize = 128;

/// Intensity of 16 kHz `samples` in dB re 20 µPa, one value a frame: the variance under a Kaiser window. Undefined where
/// the window lies partly outside (the first and last 43 ms) and in digital silence.
pub fn intensity(samples: &[f32], grid: Grid) -> Contour {
    let window = kaiser((WINDOW_S * f64::from(RATE)).round() as usize | 1);
    let total: f64 = window.iter().map(|weight| f64::from(*weight)).sum();
    let half = window.len() / 2;
    let value = |centre: f64| {
        let start = (centre.round() as usize).checked_sub(half)?;
        let frame = samples.get(start..start + window.len())?;
        Some(10.0 * (variance(frame, &window, total) / REFERENCE).log10())
    };
    let values = grid.centres(samples.len()).map(|centre| value(centre).map_or(f32::NAN, |db| db as f32));
    Contour::new(grid, values.map(|db| if db.is_finite() { db } else { f32::NAN }).collect())
}

/// Weighted variance: the mean square less the square of the mean.
fn variance(frame: &[f32], window: &[f32], total: f64) -> f64 {
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    for (samples, weights) in frame.chunks(BLOCK).zip(window.chunks(BLOCK)) {
        let (block, block_squares) = moments(samples, weights);
        sum += f64::from(block);
        squares += f64::from(block_squares);
    }
    (squares / total - (sum / total).powi(2)).max(0.0)
}

/// Σ w x and Σ w x², in eight lanes each: a loop the compiler turns into vector instructions.
fn moments(samples: &[f32], weights: &[f32]) -> (f32, f32) {
    let (mut sums, mut squares) = ([0.0f32; 8], [0.0f32; 8]);
    for (samples, weights) in samples.chunks(8).zip(weights.chunks(8)) {
        for lane in 0..samples.len().min(weights.len()) {
            let weighted = samples[lane] * weights[lane];
            sums[lane] += weighted;
            squares[lane] += weighted * samples[lane];
        }
    }
    (sums.iter().sum(), squares.iter().sum())
}

/// Kaiser's window of `length` samples, 1 in the middle.
fn kaiser(length: usize) -> Vec<f32> {
    let half = length as f64 / 2.0;
    let weight = |n: usize| resample::kaiser(BETA, (n as f64 + 0.5 - half) / half);
    let top = resample::kaiser(BETA, 0.0);
    (0..length).map(|n| (weight(n) / top) as f32).collect()
}

/// Mean square of all samples; 0 of none.
pub(crate) fn mean_square(samples: &[f32]) -> f64 {
    let sum: f64 = samples.chunks(BLOCK).map(|block| f64::from(moments_of(block))).sum();
    sum / samples.len().max(1) as f64
}

/// Σ x² of one block.
fn moments_of(block: &[f32]) -> f32 {
    block.iter().map(|sample| sample * sample).sum()
}

/// Level in dB re full scale: 10 log10 of the mean square; `None` in digital silence.
pub(crate) fn level_dbfs(mean_square: f64) -> Option<f64> {
    (mean_square > 0.0).then(|| 10.0 * mean_square.log10())
}

/// Intensity and level of the whole recording.
pub(crate) struct Loudness;

const fn decibels(
    name: &'static str,
    label: &'static str,
    range: (f64, f64),
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        label,
        unit: Unit::Decibel,
        range,
        formula,
        source: "spec voice, sections Contours and Acceptance",
        missing: "no frame lies within the recording, or digital silence throughout",
        reach: Reach::SameDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Loudness {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 2] = [
            decibels(
                "voice.intensity.energy_mean",
                "mean intensity re 20 uPa",
                (0.0, 100.0),
                "10 log10 of the mean, over the intensity contour, of 10^(dB/10)",
            ),
            decibels(
                "voice.level.dbfs",
                "level re full scale",
                (-70.0, 0.0),
                "10 log10 of the mean square of the samples",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        // Digital silence is undefined in dB and counts here as what it is: no energy.
        let frames = analysis.intensity().iter().filter(|(time, _)| is_within(time.0, analysis.duration().0));
        let energies: Vec<f64> =
            frames.map(|(_, db)| db.map_or(0.0, |db| 10f64.powf(f64::from(db) / 10.0))).collect();
        let mean = energies.iter().sum::<f64>() / energies.len() as f64;
        let missing = "no frame of intensity above digital silence";
        row.put(
            "voice.intensity.energy_mean",
            if mean > 0.0 { Ok(10.0 * mean.log10()) } else { Err(missing) },
        );
        let level = level_dbfs(analysis.power());
        row.put("voice.level.dbfs", level.ok_or("digital silence throughout"));
    }
}

/// Whether the window of a frame lies within the recording.
fn is_within(time: f64, duration: f64) -> bool {
    time >= WINDOW_S / 2.0 && time <= duration - WINDOW_S / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn a_tone_has_the_level_of_its_amplitude() {
        // A sine of amplitude a has mean square a²/2: a = 0.1 gives −23.0103 dBFS and 70.969 dB re 20 µPa.
        let tone = synth::tone(440.0, 0.1, 1.0);
        assert!((level_dbfs(mean_square(&tone)).unwrap() + 23.0103).abs() < 0.001);
        let contour = intensity(&tone, Grid::default());
        assert!(contour.defined().count() > 90);
        assert!(contour.defined().all(|db| (db - 70.969).abs() < 0.005));
    }

    #[test]
    fn a_constant_offset_adds_nothing() {
        let tone = synth::tone(440.0, 0.1, 0.5);
        let lifted: Vec<f32> = tone.iter().map(|sample| sample + 0.2).collect();
        let (plain, lifted) = (intensity(&tone, Grid::default()), intensity(&lifted, Grid::default()));
        assert!(plain.defined().zip(lifted.defined()).all(|(a, b)| (a - b).abs() < 0.001));
    }

    #[test]
    fn silence_has_no_intensity() {
        assert_eq!(intensity(&[0.0; 8000], Grid::default()).defined().count(), 0);
        assert_eq!(level_dbfs(mean_square(&[])), None);
    }
}
