//! Whether a recording can be measured, and what a reader of its numbers should know.
//!
//! Every finding names value and limit. Few of them decline: a recording under 0.3 s, without a finite sample, or with
//! nothing above −70 dBFS. Everything else is measured and marked; which marks a screener refuses is the screener's to
//! say. The limits are our own, set so that recordings made with care at home pass; where a source gives one it stands
//! beside the constant.
//!
//! | finding | what is held against the limit |
//! |---|---|
//! | `voice.length` | seconds of sound; under 0.3 s declines |
//! | `voice.finite` | share of the file's samples that were NaN or infinite; all of them declines |
//! | `voice.loudest` | level of the loudest 5 ms; −70 dBFS or less declines |
//! | `voice.level` | level of the speech |
//! | `voice.clipping` | share of the file's own samples in runs at full scale, before any resampling |
//! | `voice.offset` | constant part of the signal |
//! | `voice.snr` | power of speech less noise, over the power where there is no sound |
//! | `voice.bandwidth` | highest frequency within 65 dB of the strongest |
//! | `voice.dropouts` | stretches of digital silence that begin and end in sound |
//! | `voice.speech_fraction` | time in speech over duration |
//! | `voice.reverberation` | time in which the sound after speech falls by 60 dB |
//! | `voice.second_speaker` | share of a second voice in the speech |
//! | `voice.channel` | share of the speech that is on the channel taken; only where channels were not averaged unasked |
//! | `voice.tone` | share of the voiced time that is a tone or a hum, not a voice |
//! | `voice.lost_packets` | packets that could not be decoded |
//! | `voice.truncated` | where a file breaks off, against where it said it would end |

mod bandwidth;
mod dropout;
mod reverberation;
pub(crate) mod tone;

use feature::{Check, Finding, Quality, Unit, Verdict, mean};

use crate::{
    activity::{Activity, total},
    contour::Contours,
    intensity::level_dbfs,
    recording::Recording,
};

/// Below this nothing is measured: fewer than 30 frames.
const SHORTEST_S: f64 = 0.3;
/// Below this statistics over frames and pauses rest on little.
const SHORT_S: f64 = 2.0;
/// No block of 5 ms above this: there is nothing to hear.
const SILENT_DBFS: f64 = -70.0;
/// Speech below this is near the noise of 16-bit microphones' inputs.
const QUIET_DBFS: f64 = -45.0;
/// A tenth of a percent of clipped samples distorts shimmer and spectrum.
const CLIPPED_SHARE: f64 = 0.001;
/// A constant part beyond 2 % of full scale points to a broken input.
const OFFSET: f64 = 0.02;
/// Perturbation measures need 30 dB or more, pauses 15 dB (Deliyski, Shaw & Evans 2005, Journal of Voice 19:15-28, give
/// 42 dB as recommended and 30 dB as the least for perturbation). The mark is the lower.
const SNR_DB: f64 = 15.0;
/// Telephone bands end at 3.4 to 4 kHz; fricatives need 6 kHz.
const BANDWIDTH_HZ: f64 = 6000.0;
/// Less speech than a tenth of the time is mostly silence, or mostly something else.
const SPEECH_SHARE: f64 = 0.1;
/// A choice of the project: a room that rings longer than this hides the ends of words, and pauses begin late.
const RINGING_S: f64 = 0.6;
/// More of a second voice than the voices of one person are ever divided by mistake (spec voice, section Acceptance).
const SECOND_SHARE: f64 = 0.05;
/// Half of what sounds voiced is a machine's.
const TONE_SHARE: f64 = 0.5;

impl Check for Recording {
    fn check(&self) -> Quality {
        let activity = &self.contours().activity;
        let spoken = total(&activity.speech).0;
        let speech_level = activity.speech_power.and_then(level_dbfs);
        let snr = signal_to_noise(activity.speech_power, activity.noise_power);
        let mut findings = vec![
            length(self.duration().0),
            finite(self.damage().not_finite),
            loudest(self.samples()),
            at_least("voice.level", "speech level", speech_level, QUIET_DBFS, Unit::Decibel),
            at_most(
                "voice.clipping",
                "share of clipped samples",
                self.damage().clipped,
                CLIPPED_SHARE,
                Unit::One,
            ),
            at_most("voice.offset", "constant part of the signal", offset(self.samples()), OFFSET, Unit::One),
            at_least("voice.snr", "signal-to-noise ratio", snr, SNR_DB, Unit::Decibel),
            at_least("voice.bandwidth", "bandwidth", bandwidth::bandwidth(self), BANDWIDTH_HZ, Unit::Hertz),
            at_most("voice.dropouts", "number of dropouts", dropout::count(self) as f64, 0.0, Unit::Count),
            at_least(
                "voice.speech_fraction",
                "share of time in speech",
                Some(spoken / self.duration().0.max(f64::MIN_POSITIVE)),
                SPEECH_SHARE,
                Unit::One,
            ),
            reverberation(self),
            second_speaker(self.contours()),
            tone_or_hum(self.contours()),
            lost(self),
            truncated(self),
        ];
        findings.extend(self.channel().cloned());
        Quality::new(findings)
    }
}

/// What is known of a sound that was listened to and is gone.
pub(crate) struct Listened<'a> {
    pub(crate) duration_s: f64,
    pub(crate) contours: &'a Contours,
    /// Shares of clipped samples, and of samples that were no number.
    pub(crate) clipped: f64,
    pub(crate) not_finite: f64,
    /// Mean of all samples.
    pub(crate) mean: f64,
}

impl Check for Listened<'_> {
    /// The findings that need no samples; the others are not among them.
    fn check(&self) -> Quality {
        let Activity { speech, speech_power, noise_power, .. } = &self.contours.activity;
        let spoken = total(speech).0 / self.duration_s.max(f64::MIN_POSITIVE);
        let level = speech_power.and_then(level_dbfs);
        let snr = signal_to_noise(*speech_power, *noise_power);
        Quality::new(vec![
            length(self.duration_s),
            finite(self.not_finite),
            at_least("voice.level", "speech level", level, QUIET_DBFS, Unit::Decibel),
            at_most("voice.clipping", "share of clipped samples", self.clipped, CLIPPED_SHARE, Unit::One),
            at_most("voice.offset", "constant part of the signal", self.mean.abs(), OFFSET, Unit::One),
            at_least("voice.snr", "signal-to-noise ratio", snr, SNR_DB, Unit::Decibel),
            at_least(
                "voice.speech_fraction",
                "share of time in speech",
                Some(spoken),
                SPEECH_SHARE,
                Unit::One,
            ),
            second_speaker(self.contours),
            tone_or_hum(self.contours),
        ])
    }
}

/// A finding that is good up to a limit and marked beyond it.
fn at_most(check: &'static str, words: &str, value: f64, limit: f64, unit: Unit) -> Finding {
    let good = value <= limit;
    let message = format!("{words} is {}, expected at most {}", shown(value, unit), shown(limit, unit));
    finding(check, (Some(value), limit, unit), if good { Verdict::Good } else { Verdict::Marked }, message)
}

/// A finding that is good from a limit on and marked below it; good where it could not be computed.
fn at_least(check: &'static str, words: &str, value: Option<f64>, limit: f64, unit: Unit) -> Finding {
    let good = value.is_none_or(|value| value >= limit);
    let value_shown = value.map_or("not known".to_owned(), |value| shown(value, unit));
    let message = format!("{words} is {value_shown}, expected at least {}", shown(limit, unit));
    finding(check, (value, limit, unit), if good { Verdict::Good } else { Verdict::Marked }, message)
}

/// A value as a person reads it.
fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::One => format!("{value:.4}"),
        Unit::Count => format!("{value:.0}"),
        unit => format!("{value:.1} {unit}"),
    }
}

/// Value, limit and their unit.
type Measured = (Option<f64>, f64, Unit);

fn finding(check: &'static str, measured: Measured, verdict: Verdict, message: String) -> Finding {
    let (value, limit, unit) = measured;
    Finding { check, value: value.filter(|value| value.is_finite()), limit, unit, verdict, message }
}

/// Turns a finding into one that declines when `value` is below `limit`.
fn declined_below(finding: Finding, value: f64, limit: f64) -> Finding {
    if value >= limit {
        return finding;
    }
    let message = finding.message + ", without which nothing can be measured";
    Finding { verdict: Verdict::Declined, message, ..finding }
}

fn length(seconds: f64) -> Finding {
    let limit = if seconds < SHORTEST_S { SHORTEST_S } else { SHORT_S };
    declined_below(
        at_least("voice.length", "length", Some(seconds), limit, Unit::Second),
        seconds,
        SHORTEST_S,
    )
}

fn finite(share: f64) -> Finding {
    let found = at_most("voice.finite", "share of samples that are no number", share, 0.0, Unit::One);
    declined_below(found, 1.0 - share, f64::EPSILON)
}

fn loudest(samples: &[f32]) -> Finding {
    let blocks = samples.chunks(80).map(crate::intensity::mean_square);
    let level = level_dbfs(blocks.fold(0.0, f64::max));
    let found = at_least("voice.loudest", "level of the loudest 5 ms", level, SILENT_DBFS, Unit::Decibel);
    declined_below(found, level.unwrap_or(f64::NEG_INFINITY), SILENT_DBFS)
}

/// Mean of all samples, without its sign.
fn offset(samples: &[f32]) -> f64 {
    let blocks: Vec<f64> =
        samples.chunks(1 << 12).map(|block| f64::from(block.iter().sum::<f32>())).collect();
    mean(&blocks).map_or(0.0, |mean| (mean * blocks.len() as f64 / samples.len() as f64).abs())
}

/// 10 log10 of speech without its noise over noise; `None` without speech, without pauses, or where the pauses are
/// digitally silent.
fn signal_to_noise(speech: Option<f64>, noise: Option<f64>) -> Option<f64> {
    let (speech, noise) = (speech?, noise.filter(|noise| *noise > 1e-10)?);
    Some(10.0 * ((speech - noise).max(noise * 1e-3) / noise).log10())
}

fn reverberation(recording: &Recording) -> Finding {
    let contours = recording.contours();
    let time = reverberation::time(&contours.levels, &contours.activity.speech);
    known("voice.reverberation", "reverberation time", time, RINGING_S, Unit::Second)
}

fn second_speaker(contours: &Contours) -> Finding {
    let share = contours.voices.second_share().ok();
    known("voice.second_speaker", "share of a second voice", share, SECOND_SHARE, Unit::One)
}

fn tone_or_hum(contours: &Contours) -> Finding {
    let share = contours.tone;
    known("voice.tone", "share of voiced time that is a tone or a hum", share, TONE_SHARE, Unit::One)
}

/// A finding that is good up to a limit, and where it could not be computed.
fn known(check: &'static str, words: &str, value: Option<f64>, limit: f64, unit: Unit) -> Finding {
    let Some(value) = value else {
        let message = format!("{words} is not known, expected at most {}", shown(limit, unit));
        return finding(check, (None, limit, unit), Verdict::Good, message);
    };
    at_most(check, words, value, limit, unit)
}

fn lost(recording: &Recording) -> Finding {
    let lost = recording.damage().lost_packets as f64;
    at_most("voice.lost_packets", "number of packets that could not be decoded", lost, 0.0, Unit::Count)
}

fn truncated(recording: &Recording) -> Finding {
    let got = recording.duration().0;
    let Some(broken) = &recording.damage().broken else {
        let message = "the file does not break off before its end".to_owned();
        return finding("voice.truncated", (Some(got), 0.0, Unit::Second), Verdict::Good, message);
    };
    let announced = broken.announced.map_or("an unknown length".to_owned(), |it| format!("{it:.1}"));
    let message = format!("the file breaks off at {got:.1} s of {announced}: {}", broken.cause);
    let limit = broken.announced.map_or(0.0, |it| it.0);
    finding("voice.truncated", (Some(got), limit, Unit::Second), Verdict::Marked, message)
}

#[cfg(test)]
mod tests {
    use feature::Usable;

    use super::*;
    use crate::synth;

    fn quality(samples: Vec<f32>) -> Quality {
        Recording::from_samples(samples).check()
    }

    fn verdict(samples: Vec<f32>, check: &str) -> Verdict {
        quality(samples).finding(check).unwrap().verdict
    }

    /// Speech-like bursts with fricative-like noise, so that the band is full.
    fn careful() -> Vec<f32> {
        let (mut samples, _) = synth::bursts(&[(1.0, 0.4), (1.5, 0.6)], 0.0005);
        let hiss = synth::noise(0.02, 1.0, 3);
        samples.iter_mut().zip(hiss).for_each(|(sample, hiss)| *sample += hiss);
        samples
    }

    #[test]
    fn a_careful_recording_is_good() {
        let quality = quality(careful());
        assert_eq!(quality.marks().count(), 0, "{:?}", quality.marks().collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_measured_is_declined_and_says_why() {
        let cases = [
            (synth::tone(200.0, 0.3, 0.29), "length is 0.3 s, expected at least 0.3 s"),
            (vec![f32::NAN; 16_000], "share of samples that are no number is 1.0000"),
            (synth::silence(2.0), "level of the loudest 5 ms is not known"),
            (synth::noise(0.0001, 2.0, 2), "expected at least -70.0 dB"),
            (Vec::new(), "length is 0.0 s"),
        ];
        for (samples, words) in cases {
            let declined = Usable::new(Recording::from_samples(samples)).unwrap_err().to_string();
            assert!(declined.contains(words), "{declined}");
        }
    }

    #[test]
    fn faults_are_marked_and_measured() {
        let clipped = careful().iter().map(|sample| (sample * 9.0).clamp(-1.0, 1.0)).collect();
        assert_eq!(verdict(clipped, "voice.clipping"), Verdict::Marked);
        let lifted = careful().iter().map(|sample| sample + 0.05).collect();
        assert_eq!(verdict(lifted, "voice.offset"), Verdict::Marked);
        let noisy = synth::bursts(&[(1.0, 0.8), (1.0, 0.8)], 0.02).0;
        assert_eq!(verdict(noisy, "voice.snr"), Verdict::Marked);
        let quiet = careful().iter().map(|sample| sample * 0.01).collect();
        assert_eq!(verdict(quiet, "voice.level"), Verdict::Marked);
        let sparse = [synth::vowel(120.0, &synth::A, 0.3, 0.5), synth::silence(9.0)].concat();
        assert_eq!(verdict(sparse, "voice.speech_fraction"), Verdict::Marked);
        assert_eq!(verdict(synth::tone(200.0, 0.3, 1.0), "voice.length"), Verdict::Marked);
    }

    #[test]
    fn the_signal_to_noise_ratio_is_that_of_the_making() {
        // Bursts of /a/ over noise of known power.
        let (samples, _) = synth::bursts(&[(2.0, 1.0), (2.0, 1.0)], 0.003);
        let vowel = crate::intensity::mean_square(&synth::vowel(120.0, &synth::A, 0.3, 2.0));
        let want = 10.0 * (vowel / 9e-6).log10();
        let got = quality(samples).finding("voice.snr").unwrap().value.unwrap();
        assert!((got - want).abs() < 0.7, "{got} {want}");
    }
}
