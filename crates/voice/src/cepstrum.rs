//! How clearly periodic a voice is: the cepstral peak above its trend.
//!
//! Hillenbrand, J., & Houde, R. A. (1996). Acoustic correlates of breathy vocal quality: dysphonic voices and continuous
//! speech. *Journal of Speech and Hearing Research* 39, 311–321. The more regular a voice, the deeper the comb of its log
//! spectrum, and the higher the peak of the transform of it, the cepstrum, at the quefrency of one period.
//!
//! Parameters, all stated because values depend on them: frames of 93 ms (1024 samples at 11 kHz) under a Gaussian, of which
//! the middle half counts; highs raised from 50 Hz; ln of the power from 0 to 5156 Hz; squared real cepstrum, smoothed
//! over five quefrencies (0.48 ms); in dB; the peak between 60 and 330 Hz, refined by a parabola; over the least squares line
//! from 1 to 46 ms. There is no further smoothing over time: frames of this length overlap by nine tenths.

use std::sync::Arc;

use feature::{Definition, Measure, Reach, Row, Unit, mean, standard_deviation};
use realfft::{ComplexToReal, RealFftPlanner, num_complex::Complex32};

use crate::{
    analysis::Analysis,
    contour::{Contour, Grid},
    formant::{Raised, gaussian},
    recording::RATE,
    spectrum::{Frames, logarithm},
};

/// Samples of a frame and its transform.
const FRAME: usize = 1024;
/// Points of the cepstrum's transform: the spectrum is cut at bin 480.
const SIZE: usize = 960;
/// Highest frequency that must be there, in hertz.
pub(crate) const NEEDS_HZ: f64 = 5156.25;
/// Quefrencies averaged.
const SMOOTHED: usize = 5;
/// Highest and lowest F0 whose peak is looked for, in hertz.
const CEILING_HZ: f64 = 330.0;
/// See [`CEILING_HZ`].
const FLOOR_HZ: f64 = 60.0;
/// Where the trend begins, in seconds: below it lies the vocal tract.
const TREND_FROM_S: f64 = 0.001;
/// Least power before the logarithm.
const LEAST: f32 = 1e-20;

/// Cepstral peak prominence in dB, one value a frame, of those `asked` for.
pub(crate) fn prominence(raised: &Raised, count: usize, asked: impl Fn(usize) -> bool) -> Contour {
    let mut cepstrum = Cepstrum::new(raised.rate);
    let value = |(frame, centre): (usize, f64)| {
        let centre = centre * raised.rate / f64::from(RATE);
        if asked(frame) { cepstrum.prominence(&raised.samples, centre) } else { f32::NAN }
    };
    Contour::new(Grid::default(), Grid::default().centres(count).enumerate().map(value).collect())
}

/// Cepstra frame by frame; plans and buffers are made once.
pub(crate) struct Cepstrum {
    frames: Frames,
    inverse: Arc<dyn ComplexToReal<f32>>,
    logs: Vec<Complex32>,
    scratch: Vec<Complex32>,
    values: Vec<f32>,
    decibels: Vec<f32>,
    /// First and last quefrency of the peak.
    range: (usize, usize),
    trend: usize,
}

impl Cepstrum {
    /// Cepstra of sound at `rate`.
    pub(crate) fn new(rate: f64) -> Self {
        let inverse = RealFftPlanner::new().plan_fft_inverse(SIZE);
        let (logs, values, scratch) =
            (inverse.make_input_vec(), inverse.make_output_vec(), inverse.make_scratch_vec());
        let quefrency = |seconds: f64| seconds * rate * SIZE as f64 / FRAME as f64;
        Self {
            frames: Frames::new(gaussian(FRAME), FRAME),
            inverse,
            logs,
            scratch,
            values,
            decibels: vec![0.0; SIZE / 2 - SMOOTHED],
            range: (quefrency(1.0 / CEILING_HZ).ceil() as usize, quefrency(1.0 / FLOOR_HZ) as usize),
            trend: quefrency(TREND_FROM_S).ceil() as usize,
        }
    }

    /// Peak over trend in dB; NaN in digital silence.
    pub(crate) fn prominence(&mut self, samples: &[f32], centre: f64) -> f32 {
        let power = self.frames.power(samples, centre);
        if power.iter().all(|power| *power < LEAST) {
            return f32::NAN;
        }
        for (log, power) in self.logs.iter_mut().zip(power) {
            *log = Complex32::new(logarithm::ln(power.max(LEAST)), 0.0);
        }
        self.inverse
            .process_with_scratch(&mut self.logs, &mut self.values, &mut self.scratch)
            .expect("buffers were made by the plan");
        self.smooth();
        let (place, height) = self.peak();
        let (level, slope) = line(&self.decibels[self.trend..]);
        (height - (level + slope * (place - self.trend as f64))) as f32
    }

    /// Squares, their running mean over [`SMOOTHED`] quefrencies, and its decibels.
    fn smooth(&mut self) {
        self.values.iter_mut().for_each(|value| *value *= *value);
        let half = SMOOTHED / 2;
        for (out, around) in self.decibels[half..].iter_mut().zip(self.values.windows(SMOOTHED)) {
            let sum = around[0] + around[1] + around[2] + around[3] + around[4];
            *out = logarithm::decibels((sum / SMOOTHED as f32).max(f32::MIN_POSITIVE));
        }
        // Below the trend and the peak: never read, and no stale number is left there.
        let first = self.decibels[half];
        self.decibels[..half].fill(first);
    }

    /// Place and height of the highest point of the range, between quefrencies.
    fn peak(&self) -> (f64, f64) {
        let (first, last) = self.range;
        let higher = |a: &usize, b: &usize| self.decibels[*a].total_cmp(&self.decibels[*b]);
        let place = (first..=last).max_by(higher).unwrap_or(first);
        let [left, here, right] = [place - 1, place, place + 1].map(|at| f64::from(self.decibels[at]));
        let bend = left - 2.0 * here + right;
        let offset = if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        (place as f64 + offset, here - 0.25 * (left - right) * offset)
    }
}

/// Height at the first value, and slope a value, of the least squares line.
fn line(values: &[f32]) -> (f64, f64) {
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let (mut sum, mut weighed) = (0.0, 0.0);
    for (n, value) in values.iter().enumerate() {
        sum += f64::from(*value);
        weighed += f64::from(*value) * (n as f64 - middle);
    }
    let count = values.len() as f64;
    let slope = weighed / (count * (count * count - 1.0) / 12.0);
    (sum / count - slope * middle, slope)
}

/// Statistics of the cepstral peak.
pub(crate) struct CepstralPeak;

const fn peak(
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
        source: "Hillenbrand & Houde 1996, Journal of Speech and Hearing Research 39:311-321",
        missing: "nothing voiced, or the file holds no sound up to 5156 Hz",
        reach: Reach::SameDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for CepstralPeak {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 2] = [
            peak(
                "voice.cpps.mean",
                "clarity of the voice (cepstral peak)",
                (0.0, 30.0),
                "mean over voiced frames of the smoothed cepstral peak (60-330 Hz) over the least squares line from 1 ms on",
            ),
            peak(
                "voice.cpps.sd",
                "spread of the clarity of the voice",
                (0.0, 15.0),
                "sample standard deviation of the same over voiced frames",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        if let Some(reason) = analysis.lacks(NEEDS_HZ) {
            return row.missing_rest(reason);
        }
        let values: Vec<f64> = analysis.timbre().cpps.defined().collect();
        row.put("voice.cpps.mean", mean(&values).ok_or("nothing voiced"));
        row.put("voice.cpps.sd", standard_deviation(&values).ok_or("fewer than two voiced frames"));
    }
}

#[cfg(test)]
mod tests {
    use feature::Hertz;

    use super::*;
    use crate::{recording::Recording, synth};

    fn mean_of(samples: &[f32]) -> f64 {
        let recording = Recording::from_samples(samples.to_vec());
        let raised = Raised::of(&recording, Hertz(5500.0));
        let inner = prominence(&raised, samples.len(), |frame| frame >= 5 && frame + 5 < samples.len() / 160);
        mean(&inner.defined().collect::<Vec<_>>()).unwrap_or(f64::NAN)
    }

    #[test]
    fn the_more_noise_the_lower_the_peak() {
        let voice = synth::vowel(120.0, &synth::A, 0.3, 1.0);
        let values = [0.0, 0.003, 0.01, 0.03, 0.1].map(|rms| {
            let noise = synth::noise(rms, 1.0, 3);
            mean_of(&voice.iter().zip(noise).map(|(voice, noise)| voice + noise).collect::<Vec<_>>())
        });
        assert!(values.is_sorted_by(|a, b| a > b), "{values:?}");
        assert!(values[0] > 20.0 && mean_of(&synth::noise(0.1, 1.0, 3)) < 6.0, "{values:?}");
    }

    #[test]
    fn the_trend_of_a_straight_line_is_the_line() {
        let straight: Vec<f32> = (0..400).map(|n| 3.0 - 0.02 * n as f32).collect();
        let (level, slope) = line(&straight);
        assert!((level - 3.0).abs() < 1e-5 && (slope + 0.02).abs() < 1e-7);
    }

    #[test]
    fn louder_is_not_clearer_and_silence_has_no_peak() {
        let quiet = synth::vowel(150.0, &synth::A, 0.1, 0.5);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 4.0).collect();
        assert!((mean_of(&quiet) - mean_of(&loud)).abs() < 1e-3);
        assert!(mean_of(&synth::silence(0.5)).is_nan());
    }
}
