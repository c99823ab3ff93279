//! Harmonics-to-noise ratio: how much of the sound repeats.
//!
//! Boersma, P. (1993). Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
//! sampled sound. *Proceedings of the Institute of Phonetic Sciences* 17, 97–110, equation 4: when a share r of a sound's
//! power repeats after one period, its ratio is 10 log10(r / (1 − r)).
//!
//! Here r is the greatest normalised forward cross-correlation (section "forward cross-correlation" of the same author's
//! manual, "Sound: To Harmonicity (cc)"): the sound of one period of a 75 Hz floor against the equally long sound up to
//! that period later. It sees one period, so that intonation lowers it less than the autocorrelation of several. A frame
//! counts when its r is greater than the strength of silence, 2 − (peak / greatest peak) / 0.1 (equation 23 with a
//! voicing threshold of 0): near-silence has no ratio, and neither has sound that repeats nothing.

mod correlation;

use feature::{Definition, Measure, Reach, Row, Seconds, Unit, mean, standard_deviation};

use self::correlation::{FRAME, Forward};
use crate::{
    analysis::Analysis,
    contour::{Contour, Grid},
    recording::RATE,
};

/// Peak of a frame, as a share of the recording's, at which it is silent whatever repeats in it.
const SILENCE: f64 = 0.1;
/// Nearest to 1 that r is told from 1: a ratio of 80 dB, below the noise of 16-bit samples.
const MOST: f64 = 1.0 - 1e-8;

/// Harmonics-to-noise ratio in dB of 16 kHz `samples`, one value a frame; undefined in near-silence, where nothing
/// repeats, and where the frame of two periods of 75 Hz lies partly outside. Gain does not change it.
pub(crate) fn hnr(samples: &[f32], grid: Grid) -> Contour {
    let offset = samples.iter().map(|it| f64::from(*it)).sum::<f64>() / samples.len().max(1) as f64;
    let loudest = samples.iter().fold(0.0f32, |peak, it| peak.max((it - offset as f32).abs()));
    let mut track = HarmonicityTrack::new();
    grid.centres(samples.len()).for_each(|centre| track.push(samples, centre, f64::from(loudest)));
    Contour::new(grid, track.ratios(f64::from(loudest)).collect())
}

/// What repeats in each frame, taken frame by frame: how silent a frame is depends on the loudest moment of all, and comes
/// in at the end.
pub(crate) struct HarmonicityTrack {
    forward: Forward,
    /// Peak of each frame and the greatest correlation in it, NaN where there is none.
    frames: Vec<(f32, f32)>,
}

impl HarmonicityTrack {
    pub(crate) fn new() -> Self {
        Self { forward: Forward::new(), frames: Vec::new() }
    }

    /// Takes the frame around sample `centre` of `samples`; one that is silent beside the `loudest` moment so far is not
    /// looked into.
    pub(crate) fn push(&mut self, samples: &[f32], centre: f64, loudest: f64) {
        let frame = self.read(samples, centre, loudest);
        self.frames.push(frame.unwrap_or((0.0, f32::NAN)));
    }

    fn read(&mut self, samples: &[f32], centre: f64, loudest: f64) -> Option<(f32, f32)> {
        let margin = self.forward.margin();
        let start = ((centre - FRAME as f64 / 2.0).round() as usize).checked_sub(margin)?;
        let frame = samples.get(start..start + self.forward.length())?;
        let peak = self.forward.load(frame);
        let heard = silence(peak, loudest) < 1.0;
        Some((peak, if heard { self.forward.greatest()? } else { f32::NAN }))
    }

    /// The ratio in dB of every frame so far, NaN where it is undefined; `loudest` is the greatest amplitude of the sound.
    pub(crate) fn ratios(&self, loudest: f64) -> impl Iterator<Item = f32> + '_ {
        let value = move |(peak, r): &(f32, f32)| {
            let (silence, r) = (silence(*peak, loudest), f64::from(*r));
            // NaN exceeds nothing and stays undefined.
            let r = (silence < 1.0 && r > silence.max(0.0)).then(|| r.min(MOST))?;
            Some((10.0 * (r / (1.0 - r)).log10()) as f32)
        };
        self.frames.iter().map(move |frame| value(frame).unwrap_or(f32::NAN))
    }
}

/// Strength of silence (equation 23 with a voicing threshold of 0).
fn silence(peak: f32, loudest: f64) -> f64 {
    2.0 - f64::from(peak / loudest as f32) / SILENCE
}

/// Every 10 ms as many frames as lie within the sound, its middle the middle of the frames: the grid of the reference.
/// (Means over a few hundred frames differ by 0.3 dB between grids.)
pub(crate) fn centred(samples: usize) -> Grid {
    let (duration, hop) = (samples as f64 / f64::from(RATE), 0.01);
    let steps = ((duration - FRAME as f64 / f64::from(RATE)) / hop).floor().max(0.0);
    Grid { first: Seconds((duration - steps * hop) / 2.0), hop: Seconds(hop) }
}

/// Statistics of the harmonics-to-noise ratio.
pub(crate) struct Harmonicity;

const fn ratio(
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
        source: "Boersma 1993, Proceedings of the Institute of Phonetic Sciences 17:97-110, equation 4",
        missing: "nothing voiced",
        reach: Reach::SameDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Harmonicity {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 3] = [
            ratio(
                "voice.hnr.mean",
                "harmonics-to-noise ratio",
                (-10.0, 60.0),
                "mean over all frames that are not silent of 10 log10(r / (1 - r)), r the greatest normalised forward \
                 cross-correlation",
            ),
            ratio(
                "voice.hnr.sd",
                "spread of harmonics-to-noise ratio",
                (0.0, 30.0),
                "sample standard deviation of the same frames",
            ),
            ratio(
                "voice.hnr.voiced_mean",
                "harmonics-to-noise ratio of voiced sounds",
                (-10.0, 60.0),
                "mean of the same ratio over the frames that have a pitch",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        if analysis.f0().defined().next().is_none() {
            return row.missing_rest("nothing voiced");
        }
        let outside = "every voiced frame is near-silent or at the ends";
        let all: Vec<f64> = analysis.hnr().defined().collect();
        let is_voiced = |time: Seconds| analysis.f0().get(analysis.f0().frame_at(time.0)).is_some();
        let voiced = analysis.hnr().iter().filter(|(time, _)| is_voiced(*time));
        let voiced: Vec<f64> = voiced.filter_map(|(_, ratio)| ratio.map(f64::from)).collect();
        row.put("voice.hnr.mean", mean(&all).ok_or(outside));
        row.put("voice.hnr.sd", standard_deviation(&all).ok_or("fewer than two frames that are not silent"));
        row.put("voice.hnr.voiced_mean", mean(&voiced).ok_or(outside));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    fn mean_of(samples: &[f32]) -> f64 {
        mean(&hnr(samples, Grid::default()).defined().collect::<Vec<_>>()).unwrap()
    }

    /// Twenty equal harmonics of 120 Hz with noise of so many dB below.
    fn noisy(hnr_db: f64) -> Vec<f32> {
        let phase = |k: usize| k as f64 * k as f64;
        let value = |n: usize| -> f64 {
            let angle = |k: usize| 2.0 * std::f64::consts::PI * 120.0 * k as f64 * n as f64 / 16_000.0;
            (1..=20).map(|k| 0.02 * (angle(k) + phase(k)).sin()).sum()
        };
        // Twenty sines of amplitude a have mean square 10 a².
        let rms = (10.0 * 0.02f64.powi(2) * 10f64.powf(-hnr_db / 10.0)).sqrt();
        (0..48_000).map(|n| value(n) as f32).zip(synth::noise(rms, 3.0, 5)).map(|(a, b)| a + b).collect()
    }

    #[test]
    fn noise_of_a_known_level_gives_the_known_ratio() {
        for truth in [0.0, 5.0, 10.0, 20.0, 30.0] {
            let got = mean_of(&noisy(truth));
            assert!((got - truth).abs() < 0.5, "{truth} dB: {got}");
        }
    }

    #[test]
    fn a_pure_tone_repeats_entirely() {
        assert!(mean_of(&synth::tone(200.0, 0.3, 1.0)) > 50.0);
    }

    #[test]
    fn neither_gain_nor_an_offset_changes_the_ratio() {
        let quiet = noisy(15.0);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 2.0).collect();
        let lifted: Vec<f32> = quiet.iter().map(|sample| sample + 0.2).collect();
        assert_eq!(hnr(&quiet, Grid::default()), hnr(&loud, Grid::default()));
        assert!((mean_of(&quiet) - mean_of(&lifted)).abs() < 0.01);
    }

    #[test]
    fn silence_has_no_ratio() {
        assert_eq!(hnr(&synth::silence(1.0), Grid::default()).defined().count(), 0);
        assert!(hnr(&[], Grid::default()).is_empty());
        let with_silence = [synth::tone(150.0, 0.3, 0.5), synth::silence(0.5)].concat();
        assert!((45..=52).contains(&hnr(&with_silence, Grid::default()).defined().count()));
    }
}
