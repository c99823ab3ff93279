//! A usable recording with everything the measures read.

use std::sync::{Arc, OnceLock};

use feature::{Seconds, Usable};

use crate::{
    activity::Interval,
    contour::{Contour, Contours},
    recording::Recording,
    timbre::Timbre,
};

/// Contours and intervals of one recording, computed once. Measures read this and nothing else.
#[derive(Debug, Clone)]
pub struct Analysis {
    recording: Recording,
    timbre: Arc<OnceLock<Timbre>>,
}

impl Analysis {
    /// The analysis of a recording that passed its check. The check has computed the contours already; they are shared.
    pub fn new(recording: &Usable<Recording>) -> Self {
        Self { recording: recording.medium().clone(), timbre: Arc::default() }
    }

    fn contours(&self) -> &Contours {
        self.recording.contours()
    }

    /// The recording itself.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// How long the recording is.
    pub fn duration(&self) -> Seconds {
        self.recording.duration()
    }

    /// F0 in hertz every 10 ms, undefined where nothing is voiced.
    pub fn f0(&self) -> &Contour {
        &self.contours().f0
    }

    /// Intensity in dB re 20 µPa every 10 ms, undefined at the very ends and in digital silence.
    pub fn intensity(&self) -> &Contour {
        &self.contours().intensity
    }

    /// The names of all contours, in the order of [`named_contours`](Self::named_contours).
    pub const CONTOURS: [&str; 2] = ["f0", "intensity"];

    /// Every contour with its name.
    pub fn named_contours(&self) -> impl Iterator<Item = (&'static str, &Contour)> {
        Self::CONTOURS.into_iter().zip([self.f0(), self.intensity()])
    }

    /// Stretches of speech, in order; silences below 0.15 s are part of them.
    pub fn speech(&self) -> &[Interval] {
        &self.contours().activity.speech
    }

    /// Silences of at least 0.15 s after speech has begun, in order; the one before the end is among them, the one before
    /// the first speech is not.
    pub fn pauses(&self) -> &[Interval] {
        &self.contours().activity.pauses
    }

    /// Times of the syllable nuclei, in order.
    pub fn syllables(&self) -> &[Seconds] {
        &self.contours().syllables
    }

    /// Contours of spectrum, formants and clarity, computed at the first call: only measures want them.
    pub fn timbre(&self) -> &Timbre {
        self.timbre.get_or_init(|| Timbre::of(&self.recording, self.contours()))
    }

    /// Lowest and highest sample of each of `columns` equal parts, `[columns]`, for drawing the waveform; fewer where
    /// there are fewer samples than columns.
    pub fn envelope(&self, columns: usize) -> Vec<(f32, f32)> {
        let samples = self.recording.samples();
        let columns = columns.min(samples.len());
        let edge = |column: usize| column * samples.len() / columns;
        let ends = |part: &[f32]| {
            part.iter()
                .fold((f32::MAX, f32::MIN), |(low, high), sample| (low.min(*sample), high.max(*sample)))
        };
        (0..columns).map(|column| ends(&samples[edge(column)..edge(column + 1)])).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::synth;

    /// The analysis of samples at 16 kHz.
    pub(crate) fn analysis(samples: Vec<f32>) -> Analysis {
        Analysis::new(&Usable::new(Recording::from_samples(samples)).unwrap())
    }

    #[test]
    fn the_envelope_holds_every_sample() {
        let analysis = analysis(synth::tone(200.0, 0.5, 1.0));
        let envelope = analysis.envelope(100);
        assert_eq!(envelope.len(), 100);
        assert!(envelope.iter().all(|(low, high)| (low + 0.5).abs() < 0.01 && (high - 0.5).abs() < 0.01));
        assert_eq!(analysis.envelope(1_000_000).len(), 16_000);
        assert_eq!(analysis.envelope(0), []);
    }
}
