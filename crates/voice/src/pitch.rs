//! Fundamental frequency and voicing.
//!
//! Boersma, P. (1993). Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
//! sampled sound. *Proceedings of the Institute of Phonetic Sciences* 17, 97–110, Amsterdam. Implemented from the paper:
//! the autocorrelation of a windowed frame, divided by the window's own, has its maxima where the sound's has; a path
//! through the candidates of all frames weighs their strength against jumps.
//!
//! For a frame x(t) of three periods of the floor, its mean taken away, and a Hann window w(t):
//! - r(τ) = r_xw(τ) / r_w(τ), each autocorrelation normalised at τ = 0 (equation 9), by one transform and back;
//! - a maximum at τ is a voiced candidate of 1/τ Hz with strength r(τ) − octave_cost · log2(floor · τ) (equation 24);
//! - the unvoiced candidate has strength voicing_threshold + max(0, 2 − peak / silence) (equation 23), where peak is the
//!   frame's greatest amplitude over the recording's, so that silent frames are unvoiced whatever their correlation;
//! - the path of greatest total strength less the costs of jumps gives one value a frame.
//!
//! Two things are done for speed and change no result: a frame so silent that no candidate could win is not transformed,
//! and maxima are refined on a table of sinc weights instead of sums of sines.

mod candidate;
mod path;
mod track;

use feature::{Definition, Hertz, Measure, Reach, Row, Unit, mean, median, standard_deviation};

pub(crate) use self::track::Track;
use crate::{
    analysis::Analysis,
    contour::{Contour, Grid},
    pitch::candidate::Finder,
    recording::RATE,
};

/// What the search may find, and what it costs to jump. The defaults are those of the paper as later revised by its
/// author, which reference studies use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PitchSettings {
    /// Lowest F0; three of its periods make a frame.
    pub floor: Hertz,
    /// Highest F0.
    pub ceiling: Hertz,
    /// Strength that a voiced candidate must beat, `[0, 1]`.
    pub voicing_threshold: f64,
    /// Amplitude relative to the greatest below which a frame is silent, `[0, 1]`.
    pub silence_threshold: f64,
    /// How much higher candidates are favoured, an octave.
    pub octave_cost: f64,
    /// Cost of a jump, an octave.
    pub octave_jump_cost: f64,
    /// Cost of a change between voiced and unvoiced.
    pub voiced_unvoiced_cost: f64,
    /// When frames are taken.
    pub grid: Grid,
}

impl Default for PitchSettings {
    fn default() -> Self {
        Self {
            floor: Hertz(75.0),
            ceiling: Hertz(500.0),
            voicing_threshold: 0.45,
            silence_threshold: 0.03,
            octave_cost: 0.01,
            octave_jump_cost: 0.35,
            voiced_unvoiced_cost: 0.14,
            grid: Grid::default(),
        }
    }
}

impl PitchSettings {
    /// What a frame this loud, relative to the loudest, scores as unvoiced (Boersma 1993, equation 23).
    fn unvoiced(&self, peak: f64) -> f64 {
        let silence = self.silence_threshold / (1.0 + self.voicing_threshold);
        self.voicing_threshold + (2.0 - peak / silence).max(0.0)
    }

    /// An unvoiced score no voiced candidate can turn: it would score at most 1 and the favour of high candidates, and
    /// the path would pay two changes of voicing.
    fn hopeless(&self) -> f64 {
        let favour = self.octave_cost * (self.ceiling.0 / self.floor.0).log2().abs();
        1.0 + favour + 2.0 * self.voiced_unvoiced_cost
    }
}

/// F0 in hertz of 16 kHz `samples`, one value a frame, undefined where nothing is voiced.
///
/// Gain does not change it. A floor below 20 Hz, or a ceiling not above the floor, leaves everything unvoiced.
pub fn pitch(samples: &[f32], settings: &PitchSettings) -> Contour {
    let grid = settings.grid;
    let centres = grid.centres(samples.len());
    let frames = centres.len();
    let peak = loudest(samples);
    let range = settings.floor.0 >= 20.0 && settings.ceiling.0 > settings.floor.0;
    if peak <= 0.0 || !range {
        return Contour::new(grid, vec![f32::NAN; frames]);
    }
    let mut finder = Finder::new(settings, peak);
    let mut candidates = Vec::with_capacity(frames * 4);
    let mut ends = Vec::with_capacity(frames);
    for centre in centres {
        finder.find(samples, centre, &mut candidates);
        ends.push(candidates.len());
    }
    Contour::new(grid, path::cheapest(&candidates, &ends, settings))
}

/// The greatest distance from the mean of all samples: the paper's global absolute peak.
fn loudest(samples: &[f32]) -> f64 {
    let mean = samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len().max(1) as f64;
    let mean = mean as f32;
    f64::from(samples.iter().fold(0.0f32, |peak, sample| peak.max((sample - mean).abs())))
}

/// Samples in a time.
fn samples_in(seconds: f64) -> f64 {
    seconds * f64::from(RATE)
}

/// Statistics of F0 over the voiced frames.
pub(crate) struct Pitch;

const fn f0(
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
        source: "Boersma 1993, Proceedings of the Institute of Phonetic Sciences 17:97-110",
        missing: "nothing voiced",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Pitch {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 6] = [
            f0("voice.f0.mean", "mean pitch", Unit::Hertz, (60.0, 400.0), "mean of F0 over voiced frames"),
            f0(
                "voice.f0.median",
                "median pitch",
                Unit::Hertz,
                (60.0, 400.0),
                "median of F0 over voiced frames",
            ),
            f0(
                "voice.f0.sd",
                "spread of pitch",
                Unit::Hertz,
                (0.0, 150.0),
                "sample standard deviation of F0 over voiced frames",
            ),
            f0("voice.f0.min", "lowest pitch", Unit::Hertz, (60.0, 400.0), "least F0 of the voiced frames"),
            f0(
                "voice.f0.max",
                "highest pitch",
                Unit::Hertz,
                (60.0, 500.0),
                "greatest F0 of the voiced frames",
            ),
            f0(
                "voice.f0.voiced_fraction",
                "share of time voiced",
                Unit::One,
                (0.0, 1.0),
                "voiced frames / frames",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let hertz: Vec<f64> = analysis.f0().defined().collect();
        let nothing = "nothing voiced";
        row.put("voice.f0.mean", mean(&hertz).ok_or(nothing));
        row.put("voice.f0.median", median(&hertz).ok_or(nothing));
        row.put("voice.f0.sd", standard_deviation(&hertz).ok_or("fewer than two voiced frames"));
        row.put("voice.f0.min", hertz.iter().copied().reduce(f64::min).ok_or(nothing));
        row.put("voice.f0.max", hertz.iter().copied().reduce(f64::max).ok_or(nothing));
        row.put("voice.f0.voiced_fraction", hertz.len() as f64 / analysis.f0().len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    fn semitones_off(contour: &Contour, want: impl Fn(f64) -> f64) -> Vec<f64> {
        let voiced = contour.iter().filter_map(|(time, value)| Some((time.0, f64::from(value?))));
        let mut off: Vec<f64> = voiced.map(|(time, got)| (12.0 * (got / want(time)).log2()).abs()).collect();
        off.sort_by(f64::total_cmp);
        off
    }

    #[test]
    fn a_tone_has_its_own_pitch() {
        for hertz in [80.0, 100.0, 123.4, 220.0, 333.3, 440.0, 490.0] {
            let contour = pitch(&synth::tone(hertz, 0.3, 1.0), &PitchSettings::default());
            let off = semitones_off(&contour, |_| hertz);
            assert!(off.len() >= 96, "{hertz} Hz: {} frames voiced", off.len());
            assert!(off[off.len() / 2] < 0.003, "{hertz} Hz: median {} st", off[off.len() / 2]);
        }
    }

    #[test]
    fn a_harmonic_stack_is_heard_at_its_fundamental() {
        let contour = pitch(&synth::harmonics(150.0, 30, 0.2, 1.0), &PitchSettings::default());
        let off = semitones_off(&contour, |_| 150.0);
        assert!(off.len() >= 96 && off[95] < 0.01, "{} frames, {:?}", off.len(), off.last());
    }

    #[test]
    fn a_glide_is_followed() {
        let contour = pitch(&synth::glide(100.0, 250.0, 0.3, 3.0), &PitchSettings::default());
        let off = semitones_off(&contour, |time| 100.0 + 50.0 * time);
        assert!(off[off.len() / 2] < 0.01 && off[off.len() * 95 / 100] < 0.03, "{:?}", off.last());
    }

    #[test]
    fn noise_and_silence_have_no_pitch() {
        let noise = pitch(&synth::noise(0.05, 2.0, 7), &PitchSettings::default());
        assert!(noise.defined().count() < 6, "{} of {}", noise.defined().count(), noise.len());
        assert_eq!(pitch(&[0.0; 16_000], &PitchSettings::default()).defined().count(), 0);
        assert!(pitch(&[], &PitchSettings::default()).is_empty());
    }

    #[test]
    fn louder_does_not_change_pitch() {
        let quiet = synth::vowel(120.0, &synth::A, 0.1, 1.0);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 4.0).collect();
        let settings = PitchSettings::default();
        assert_eq!(pitch(&quiet, &settings), pitch(&loud, &settings));
    }

    #[test]
    fn settings_that_mean_nothing_find_nothing() {
        let upside_down = PitchSettings { floor: Hertz(500.0), ceiling: Hertz(75.0), ..Default::default() };
        assert_eq!(pitch(&synth::tone(200.0, 0.3, 0.5), &upside_down).defined().count(), 0);
    }
}
