//! Stability and tremor of a sustained vowel.
//!
//! A sustained vowel is the longest stretch of at least one second that is voiced throughout and whose F0 stays within
//! three semitones and intensity within 12 dB: wide enough for the strongest tremor, too narrow for connected speech. Its first and last tenth of a second
//! are left out, where the voice sets in and off.
//!
//! Tremor is a modulation of 2 to 15 Hz (Winholtz & Ramig 1992; Brückl 2012), of frequency or of amplitude. A contour,
//! divided by its mean and less its straight line, goes under a Hann window; of its spectrum in steps of 0.05 Hz the
//! greatest peak is the tremor: its frequency, and its amplitude as a share of the mean (*intensity*: 0.03 is ±3 %). The
//! frequency is missing when no peak stands out, because then it would be that of noise. The windows of the contours
//! see fast modulations a little too small: up to 8 Hz, frequency and depth are within 15 %.

use std::f64::consts::PI;

use feature::{Definition, Measure, Reach, Row, Unit, mean, median, standard_deviation};

use crate::{analysis::Analysis, contour::Contour, period::stretches};

/// Shortest sustained vowel, in seconds.
const SHORTEST_S: f64 = 1.0;
/// Most that F0 spans in it, in semitones.
const SPAN_ST: f64 = 3.0;
/// Most that intensity spans in it, in dB: half the amplitude up and down is less, syllables are more.
const SPAN_DB: f64 = 12.0;
/// Part left out at each end, in seconds.
const EDGE_S: f64 = 0.1;
/// Lowest and highest modulation that is tremor, in hertz.
const TREMOR_HZ: (f64, f64) = (2.0, 15.0);
/// Step of the spectrum in hertz.
const STEP_HZ: f64 = 0.05;
/// How many times the median power of the band the power of a peak must be: chosen so that noise, whose greatest of some
/// twenty independent powers is about five times the median, seldom reaches it.
const PROMINENCE: f64 = 15.0;

/// First frame and frame after the last of the longest stable stretch; empty where nothing is voiced.
fn vowel(f0: &Contour, intensity: &Contour) -> (usize, usize) {
    let everything = f64::NEG_INFINITY..=f64::INFINITY;
    let stable = stretches(f0, everything).into_iter().map(|stretch| stable(f0, intensity, stretch));
    stable.max_by_key(|(first, end)| end - first).unwrap_or((0, 0))
}

/// The longest part of a voiced stretch, given by its first and last frame, that stays within both spans.
fn stable(f0: &Contour, intensity: &Contour, (first, last): (usize, usize)) -> (usize, usize) {
    let span = |contour: &Contour, from: usize, to: usize| {
        let values = (from..=to).filter_map(|frame| contour.get(frame));
        values.fold((f32::MAX, f32::MIN), |(low, high), it| (low.min(it), high.max(it)))
    };
    let is_stable = |from: usize, to: usize| {
        let ((low, high), (soft, loud)) = (span(f0, from, to), span(intensity, from, to));
        12.0 * (f64::from(high) / f64::from(low)).log2() <= SPAN_ST && f64::from(loud - soft) <= SPAN_DB
    };
    let (mut start, mut best) = (first, (first, first));
    for frame in first..=last {
        if intensity.get(frame).is_none() {
            start = frame + 1;
        }
        while start < frame && !is_stable(start, frame) {
            start += 1;
        }
        if frame + 1 > start + best.1 - best.0 {
            best = (start, frame + 1);
        }
    }
    best
}

/// The frames of the sustained vowel without its edges, or why there is none.
fn sustained(analysis: &Analysis) -> Result<std::ops::Range<usize>, String> {
    let hop = analysis.f0().grid().hop.0;
    let (first, end) = vowel(analysis.f0(), analysis.intensity());
    let length = (end - first) as f64 * hop;
    if length < SHORTEST_S - 1e-9 {
        return Err(format!(
            "no sustained vowel: the longest stable stretch has {length:.2} s, expected {SHORTEST_S} s"
        ));
    }
    let edge = (EDGE_S / hop) as usize;
    Ok(first + edge..end - edge)
}

/// How steadily a vowel is sustained.
pub(crate) struct Stability;

const SOURCE: &str = "spec voice, section Measures; Winholtz & Ramig 1992, Journal of Speech and Hearing Research \
                      35:562-573; Brueckl 2012, Interspeech";
const NO_VOWEL: &str = "no stretch of 1 s is voiced with F0 within 3 semitones and intensity within 12 dB";

const fn definition(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    range: (f64, f64),
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        label,
        unit,
        range,
        formula,
        source: SOURCE,
        missing: NO_VOWEL,
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Stability {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 3] = [
            definition(
                "voice.vowel.longest",
                "longest sustained vowel",
                Unit::Second,
                (1.0, 60.0),
                "length of the longest stretch that is voiced with F0 within 3 semitones and intensity within 12 dB",
            ),
            definition(
                "voice.vowel.f0_cv",
                "unsteadiness of pitch in a sustained vowel",
                Unit::One,
                (0.0, 0.1),
                "sample standard deviation of F0 over its mean, without the first and last 0.1 s of the vowel",
            ),
            definition(
                "voice.vowel.amplitude_cv",
                "unsteadiness of amplitude in a sustained vowel",
                Unit::One,
                (0.0, 1.0),
                "sample standard deviation of 10^(intensity/20) over its mean, over the same frames",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let frames = match sustained(analysis) {
            Ok(frames) => frames,
            Err(reason) => return row.missing_rest(reason),
        };
        let variation = |values: &[f64]| Some(standard_deviation(values)? / mean(values)?);
        let length = frames.len() as f64 * analysis.f0().grid().hop.0 + 2.0 * EDGE_S;
        row.put("voice.vowel.longest", length);
        row.put("voice.vowel.f0_cv", variation(&pitch(analysis, frames.clone())).ok_or(NO_VOWEL));
        row.put("voice.vowel.amplitude_cv", variation(&amplitude(analysis, frames)).ok_or(NO_VOWEL));
    }
}

fn pitch(analysis: &Analysis, frames: std::ops::Range<usize>) -> Vec<f64> {
    frames.filter_map(|frame| analysis.f0().get(frame).map(f64::from)).collect()
}

fn amplitude(analysis: &Analysis, frames: std::ops::Range<usize>) -> Vec<f64> {
    let linear = |db: f32| 10f64.powf(f64::from(db) / 20.0);
    frames.filter_map(|frame| analysis.intensity().get(frame).map(linear)).collect()
}

/// Modulation of frequency and amplitude.
pub(crate) struct Tremor;

impl Measure<Analysis> for Tremor {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 4] = [
            definition(
                "voice.tremor.frequency",
                "rate of pitch tremor",
                Unit::Hertz,
                TREMOR_HZ,
                "frequency of the greatest peak from 2 to 15 Hz of the spectrum of F0 over its mean",
            ),
            definition(
                "voice.tremor.intensity",
                "strength of pitch tremor",
                Unit::One,
                (0.0, 0.2),
                "amplitude of that peak: 0.03 is 3 % of mean F0 up and down",
            ),
            definition(
                "voice.tremor.amplitude_frequency",
                "rate of amplitude tremor",
                Unit::Hertz,
                TREMOR_HZ,
                "frequency of the greatest peak from 2 to 15 Hz of the spectrum of the amplitude over its mean",
            ),
            definition(
                "voice.tremor.amplitude_intensity",
                "strength of amplitude tremor",
                Unit::One,
                (0.0, 1.0),
                "amplitude of that peak",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let frames = match sustained(analysis) {
            Ok(frames) => frames,
            Err(reason) => return row.missing_rest(reason),
        };
        let hop = analysis.f0().grid().hop.0;
        let no_peak = "no modulation from 2 to 15 Hz stands out";
        let peak = Modulation::of(&pitch(analysis, frames.clone()), hop);
        row.put("voice.tremor.frequency", peak.prominent().ok_or(no_peak));
        row.put("voice.tremor.intensity", peak.amplitude);
        let peak = Modulation::of(&amplitude(analysis, frames), hop);
        row.put("voice.tremor.amplitude_frequency", peak.prominent().ok_or(no_peak));
        row.put("voice.tremor.amplitude_intensity", peak.amplitude);
    }
}

/// The greatest modulation of a contour.
struct Modulation {
    hertz: f64,
    /// As a share of the mean of the contour.
    amplitude: f64,
    /// Power of the peak over the median power of the band.
    prominence: f64,
}

impl Modulation {
    /// Of positive `values` every `hop` seconds.
    fn of(values: &[f64], hop: f64) -> Self {
        let swing = relative(values);
        let steps = ((TREMOR_HZ.1 - TREMOR_HZ.0) / STEP_HZ).round() as usize;
        let hertz = |step: usize| TREMOR_HZ.0 + step as f64 * STEP_HZ;
        let amplitudes: Vec<f64> = (0..=steps).map(|step| amplitude_at(&swing, hertz(step) * hop)).collect();
        // A maximum of the band's inside: what only leans on its edge is slower drift or faster noise.
        let is_peak = |step: &usize| {
            amplitudes[*step] >= amplitudes[step - 1] && amplitudes[*step] > amplitudes[step + 1]
        };
        let peaks = (1..steps).filter(is_peak);
        let top = peaks.max_by(|a, b| amplitudes[*a].total_cmp(&amplitudes[*b])).unwrap_or(0);
        let powers: Vec<f64> = amplitudes.iter().map(|it| it * it).collect();
        let middle = median(&powers).unwrap_or(0.0);
        let prominence = if middle > 0.0 && top > 0 { powers[top] / middle } else { 0.0 };
        Self { hertz: hertz(top), amplitude: amplitudes[top], prominence }
    }

    /// Its frequency, if it stands out of the band.
    fn prominent(&self) -> Option<f64> {
        (self.prominence >= PROMINENCE).then_some(self.hertz)
    }
}

/// Values over their mean, less the straight line of least squares.
fn relative(values: &[f64]) -> Vec<f64> {
    let (length, centre) = (values.len() as f64, (values.len() as f64 - 1.0) / 2.0);
    let mean = values.iter().sum::<f64>() / length;
    let place = |n: usize| n as f64 - centre;
    let slope = values.iter().enumerate().map(|(n, it)| place(n) * (it - mean)).sum::<f64>()
        / (0..values.len()).map(|n| place(n).powi(2)).sum::<f64>();
    values.iter().enumerate().map(|(n, it)| (it - mean - slope * place(n)) / mean).collect()
}

/// Amplitude of the sine of `cycles` a value in `swing`, under a Hann window.
fn amplitude_at(swing: &[f64], cycles: f64) -> f64 {
    let (mut real, mut imaginary, mut weights) = (0.0, 0.0, 0.0);
    for (n, value) in swing.iter().enumerate() {
        let weight = 0.5 - 0.5 * (2.0 * PI * (n as f64 + 0.5) / swing.len() as f64).cos();
        let (sine, cosine) = (2.0 * PI * cycles * n as f64).sin_cos();
        real += weight * value * cosine;
        imaginary += weight * value * sine;
        weights += weight;
    }
    2.0 * f64::hypot(real, imaginary) / weights
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Value};

    use crate::{analysis::tests::analysis, measures::set, synth};

    fn values(samples: Vec<f32>) -> FeatureVector {
        set().measure(&analysis(samples))
    }

    #[test]
    fn a_planted_tremor_is_found_with_its_rate_and_depth() {
        for (rate, depth) in [(5.0, 0.03), (3.5, 0.02), (8.0, 0.04)] {
            let values = values(synth::trembling(150.0, (rate, depth), (6.0, 0.0), 3.0));
            let got = |name: &str| values.number(name).unwrap();
            assert!((got("voice.tremor.frequency") - rate).abs() < 0.15, "{}", got("voice.tremor.frequency"));
            assert!(
                (got("voice.tremor.intensity") / depth - 1.0).abs() < 0.15,
                "{}",
                got("voice.tremor.intensity")
            );
            // The standard deviation of a sine is its amplitude over √2.
            assert!((got("voice.vowel.f0_cv") / depth * 2f64.sqrt() - 1.0).abs() < 0.15);
            assert!((got("voice.vowel.longest") - 2.92).abs() < 0.05, "{}", got("voice.vowel.longest"));
        }
    }

    #[test]
    fn amplitude_trembles_by_itself() {
        let values = values(synth::trembling(150.0, (5.0, 0.0), (6.0, 0.2), 2.0));
        let got = |name: &str| values.number(name).unwrap();
        assert!((got("voice.tremor.amplitude_frequency") - 6.0).abs() < 0.15);
        assert!((got("voice.tremor.amplitude_intensity") / 0.2 - 1.0).abs() < 0.15);
        assert!(got("voice.tremor.intensity") < 0.002, "{}", got("voice.tremor.intensity"));
    }

    #[test]
    fn a_steady_vowel_does_not_tremble() {
        let values = values(synth::vowel(120.0, &synth::A, 0.3, 2.0));
        assert!(values.number("voice.tremor.intensity").unwrap() < 0.002);
        assert!(values.number("voice.vowel.f0_cv").unwrap() < 0.003);
    }

    #[test]
    fn short_or_gliding_sound_is_no_sustained_vowel_and_says_so() {
        for samples in [synth::vowel(120.0, &synth::A, 0.3, 0.7), synth::glide(100.0, 250.0, 0.3, 2.0)] {
            let values = values(samples);
            let reason = values.value("voice.tremor.frequency").and_then(Value::reason).unwrap();
            assert!(reason.as_str().starts_with("no sustained vowel"), "{reason}");
            assert_eq!(values.number("voice.vowel.longest"), None);
        }
    }

    #[test]
    fn the_longest_of_two_vowels_is_taken() {
        let sound =
            [synth::tone(200.0, 0.2, 1.2), synth::silence(0.3), synth::tone(140.0, 0.2, 1.8)].concat();
        let longest = values(sound).number("voice.vowel.longest").unwrap();
        assert!((longest - 1.77).abs() < 0.06, "{longest}");
    }
}
