//! The sound of one submission, ready to be measured.

use std::sync::{Arc, OnceLock};

use feature::{Definition, Finding, Hertz, Measure, Reach, Row, Seconds, Unit};

use crate::{activity::Interval, analysis::Analysis, contour::Contours, speaker::Voices};

/// Samples per second of every [`Recording`].
pub const RATE: u32 = 16_000;

/// What the file was before it became 16 kHz mono: kept for the audit of confounds, and for what cannot be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Short name of the container: `wave`, `flac`, `ogg`, `isomp4`, `matroska`; empty for sound that was synthesised.
    pub container: &'static str,
    /// Short name of the codec: `pcm_s16le`, `flac`, `mp3`, `opus`.
    pub codec: String,
    /// Samples per second of the file.
    pub rate: Hertz,
    /// Number of channels of the file.
    pub channels: usize,
    /// Bits a sample, where the codec has such a thing.
    pub bits: Option<u32>,
    /// Size of the file in bytes; 0 for sound that was synthesised.
    pub bytes: u64,
}

/// What decoding met on the way: everything here is 0 or `None` for an intact file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Damage {
    /// Share in `[0, 1]` of the file's samples that lie in a clipped run: three or more neighbours at full scale.
    pub clipped: f64,
    /// Share in `[0, 1]` of the file's samples that were NaN or infinite and became 0.
    pub not_finite: f64,
    /// Packets that could not be decoded and became silence of their length.
    pub lost_packets: u64,
    /// Why the sound ends before the file said it would, where it does.
    pub broken: Option<Broken>,
}

/// A file that breaks off: what is there was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// The length the file announced, where it did.
    pub announced: Option<Seconds>,
    /// What the reader said.
    pub cause: String,
}

/// Mono sound at 16 kHz: finite samples in `[-1, 1]`, where time 0 is the first sample of the file.
///
/// Cheap to clone: clones share the samples, and the contours once they were computed. Check and analysis need the same
/// contours (speech for the signal-to-noise ratio, speech for the pauses), and only the first of them pays.
#[derive(Debug, Clone)]
pub struct Recording {
    samples: Arc<Vec<f32>>,
    source: Source,
    damage: Damage,
    /// Which channel of the file it is and why, where channels were not just averaged.
    channel: Option<Finding>,
    contours: Arc<OnceLock<Contours>>,
}

/// The highest frequency that sound taken at `rate` holds here, where nothing above 8 kHz is kept.
pub(crate) fn highest(rate: Hertz) -> Hertz {
    Hertz(rate.0.min(f64::from(RATE)) / 2.0)
}

impl Recording {
    /// A recording of sound that was made, not read: `samples` at 16 kHz. Values that are not finite become 0, values
    /// beyond full scale are cut to it; both are told in [`damage`](Self::damage).
    pub fn from_samples(mut samples: Vec<f32>) -> Self {
        let mut damage = Damage::default();
        let mut tally = crate::decode::Tally::new(1);
        for sample in &mut samples {
            *sample = tally.mean(std::slice::from_ref(sample)).clamp(-1.0, 1.0);
        }
        (damage.clipped, damage.not_finite) = (tally.clipped(), tally.not_finite());
        let source = Source {
            container: "",
            codec: "pcm_f32".to_owned(),
            rate: Hertz(f64::from(RATE)),
            channels: 1,
            bits: Some(32),
            bytes: 0,
        };
        Self::new(samples, source, damage)
    }

    /// A recording of finite `samples` in `[-1, 1]` at 16 kHz.
    pub(crate) fn new(samples: Vec<f32>, source: Source, damage: Damage) -> Self {
        Self { samples: Arc::new(samples), source, damage, channel: None, contours: Arc::default() }
    }

    /// The same recording with what is known of its channel, for its quality.
    pub(crate) fn of_channel(self, finding: Finding) -> Self {
        Self { channel: Some(finding), ..self }
    }

    /// The same recording, of which it is known otherwise than by its sound who speaks when.
    pub(crate) fn spoken_by(self, voices: Voices) -> Self {
        let contours = Contours { voices, ..self.contours().clone() };
        Self { contours: Arc::new(OnceLock::from(contours)), ..self }
    }

    /// What is known of its channel.
    pub(crate) fn channel(&self) -> Option<&Finding> {
        self.channel.as_ref()
    }

    /// A recording taken at `rate` whose samples are gone, with the contours they had.
    pub(crate) fn gone(rate: Hertz, contours: Contours) -> Self {
        let recording = Self::from_samples(Vec::new());
        let source = Source { rate, ..recording.source };
        Self { source, contours: Arc::new(OnceLock::from(contours)), ..recording }
    }

    /// The samples, `[n]`, 16 kHz.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// How long it is.
    pub fn duration(&self) -> Seconds {
        Seconds(self.samples.len() as f64 / f64::from(RATE))
    }

    /// What the file was.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What was broken in the file.
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// The highest frequency this sound can hold: half the lower of its own rate and 16 kHz. Bands above it are missing.
    pub fn highest(&self) -> Hertz {
        highest(self.source.rate)
    }

    /// The sound of the `kept` stretches alone, one after the other.
    pub(crate) fn only(&self, kept: &[Interval]) -> Self {
        let place = |time: Seconds| ((time.0 * f64::from(RATE)).round() as usize).min(self.samples.len());
        let stretch = |it: &Interval| &self.samples[place(it.start)..place(it.end).max(place(it.start))];
        let samples = kept.iter().map(stretch).collect::<Vec<_>>().concat();
        Self::new(samples, self.source.clone(), self.damage.clone())
    }

    /// The same sound, of which nothing has been computed yet.
    pub(crate) fn afresh(&self) -> Self {
        Self { contours: Arc::default(), ..self.clone() }
    }

    /// The contours, computed at the first call and shared by check and analysis.
    pub(crate) fn contours(&self) -> &Contours {
        self.contours_told(&mut |_| {})
    }

    /// As [`contours`](Self::contours), saying after each that it is done.
    pub(crate) fn contours_told(&self, done: &mut dyn FnMut(&'static str)) -> &Contours {
        self.contours.get_or_init(|| Contours::told(&self.samples, done))
    }
}

/// Two recordings are equal when their sound, source and damage are.
impl PartialEq for Recording {
    fn eq(&self, other: &Self) -> bool {
        (&self.samples, &self.source, &self.damage) == (&other.samples, &other.source, &other.damage)
    }
}

/// How long the recording is.
pub(crate) struct Duration;

impl Measure<Analysis> for Duration {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 1] = [Definition {
            name: "voice.duration",
            label: "length of the recording",
            unit: Unit::Second,
            range: (0.3, 7200.0),
            formula: "samples / sampling rate",
            source: "spec voice, section Measures",
            missing: "never",
            reach: Reach::AnyDevice,
            fragile: crate::fragility::of("voice.duration"),
        }];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        row.put("voice.duration", analysis.duration().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_are_not_finite_become_silence_and_are_counted() {
        let recording = Recording::from_samples(vec![0.5, f32::NAN, f32::INFINITY, -3.0]);
        assert_eq!(recording.samples(), [0.5, 0.0, 0.0, -1.0]);
        assert_eq!(recording.damage().not_finite, 0.5);
    }

    #[test]
    fn a_clone_shares_the_samples() {
        let recording = Recording::from_samples(vec![0.1; 16]);
        assert!(std::ptr::eq(recording.samples(), recording.clone().samples()));
    }
}
