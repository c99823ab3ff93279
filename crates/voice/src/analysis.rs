//! A usable recording with everything the measures read.

use std::sync::{Arc, OnceLock};

use feature::{Hertz, Reason, Seconds, Usable};

use crate::{
    activity::Interval,
    contour::{Contour, Contours},
    harmonicity,
    intensity::mean_square,
    period,
    perturbation::Perturbation,
    recording::Recording,
    speaker::{self, Speaker},
    timbre::Timbre,
};

/// Contours and intervals of one recording, computed once. Measures read this and nothing else.
#[derive(Debug, Clone)]
pub struct Analysis {
    recording: Recording,
    kept: Vec<Interval>,
    duration: Seconds,
    /// Mean square of all samples.
    power: f64,
    marks: OnceLock<Vec<f64>>,
    perturbation: OnceLock<Perturbation>,
    hnr: OnceLock<Contour>,
    timbre: Arc<OnceLock<Timbre>>,
}

/// What was measured of a sound that is gone, beside its contours.
pub(crate) struct Heard {
    pub(crate) duration: Seconds,
    /// Mean square of all samples.
    pub(crate) power: f64,
    pub(crate) hnr: Contour,
    pub(crate) timbre: Timbre,
    pub(crate) perturbation: Perturbation,
}

impl Analysis {
    /// The analysis of a recording that passed its check. The check has computed the contours already; they are shared.
    pub fn new(recording: &Usable<Recording>) -> Self {
        let kept = vec![Interval { start: Seconds(0.0), end: recording.medium().duration() }];
        Self::from(recording.medium().clone(), kept)
    }

    fn from(recording: Recording, kept: Vec<Interval>) -> Self {
        let (duration, power) = (recording.duration(), mean_square(recording.samples()));
        Self {
            recording,
            kept,
            duration,
            power,
            marks: OnceLock::new(),
            perturbation: OnceLock::new(),
            hnr: OnceLock::new(),
            timbre: Arc::default(),
        }
    }

    /// The analysis of a sound that was listened to and is gone.
    pub(crate) fn listened(rate: Hertz, contours: Contours, heard: Heard) -> Self {
        let Heard { duration, power, hnr, timbre, perturbation } = heard;
        let kept = vec![Interval { start: Seconds(0.0), end: duration }];
        let recording = Recording::gone(rate, contours);
        Self {
            recording,
            kept,
            duration,
            power,
            marks: OnceLock::from(Vec::new()),
            perturbation: OnceLock::from(perturbation),
            hnr: OnceLock::from(hnr),
            timbre: Arc::new(OnceLock::from(timbre)),
        }
    }

    /// The analysis of one speaker's turns: the sound of the other is cut out, with the silences around it, before
    /// anything is measured. Times are those of the sound that is left; [`kept`](Self::kept) says where it was.
    ///
    /// # Errors
    /// Why the speakers cannot be told apart: too little speech, or a second voice too short to be sure of.
    pub fn of(recording: &Usable<Recording>, speaker: Speaker) -> Result<Self, Reason> {
        let (recording, kept) = speaker::of_one(recording.medium(), speaker)?;
        Ok(Self::from(recording, kept))
    }

    /// The stretches of the recording that were measured, in order: all of it, unless a speaker was left out.
    pub fn kept(&self) -> &[Interval] {
        &self.kept
    }

    /// Share of the time in speech that is the voice's who speaks less; 0 where there is one voice.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn second_share(&self) -> Result<f64, Reason> {
        self.contours().voices.second_share()
    }

    fn contours(&self) -> &Contours {
        self.recording.contours()
    }

    /// The recording itself; without samples where the sound was listened to ([`Live`](crate::Live)) and is gone.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// How long the recording is.
    pub fn duration(&self) -> Seconds {
        self.duration
    }

    /// Mean square of all samples.
    pub(crate) fn power(&self) -> f64 {
        self.power
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
    pub const CONTOURS: [&str; 24] = [
        "f0",
        "intensity",
        "hnr",
        "loudness",
        "mfcc1",
        "mfcc2",
        "mfcc3",
        "mfcc4",
        "alpha_ratio",
        "hammarberg",
        "slope_0_500",
        "slope_500_1500",
        "flux",
        "h1_h2",
        "h1_a3",
        "f1",
        "f2",
        "f3",
        "f4",
        "b1",
        "b2",
        "b3",
        "b4",
        "cpps",
    ];

    /// Every contour with its name, in the units of the measures made of it.
    pub fn named_contours(&self) -> impl Iterator<Item = (&'static str, &Contour)> {
        let timbre = self.timbre();
        let [mfcc1, mfcc2, mfcc3, mfcc4] = &timbre.mfcc;
        let [f1, f2, f3, f4] = &timbre.formants.frequency;
        let [b1, b2, b3, b4] = &timbre.formants.bandwidth;
        let first = [self.f0(), self.intensity(), self.hnr(), &timbre.loudness, mfcc1, mfcc2, mfcc3, mfcc4];
        let colours = [
            &timbre.alpha_ratio,
            &timbre.hammarberg,
            &timbre.slope_0_500,
            &timbre.slope_500_1500,
            &timbre.flux,
            &timbre.h1_h2,
            &timbre.h1_a3,
        ];
        let contours = first.into_iter().chain(colours).chain([f1, f2, f3, f4, b1, b2, b3, b4, &timbre.cpps]);
        Self::CONTOURS.into_iter().zip(contours)
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

    /// Harmonics-to-noise ratio in dB every 10 ms, undefined in near-silence, where nothing repeats and at the very ends.
    /// Its frames are centred in the recording, unlike those of the other contours.
    pub fn hnr(&self) -> &Contour {
        self.hnr.get_or_init(|| {
            let samples = self.recording.samples();
            harmonicity::hnr(samples, harmonicity::centred(samples.len()))
        })
    }

    /// Period marks: places in samples at 16 kHz, rising.
    pub(crate) fn marks(&self) -> &[f64] {
        self.marks.get_or_init(|| period::marks(self.recording.samples(), self.f0()))
    }

    /// The periods between the marks.
    pub(crate) fn perturbation(&self) -> &Perturbation {
        self.perturbation.get_or_init(|| {
            let mut perturbation = Perturbation::new();
            perturbation.add(self.recording.samples(), 0, self.marks());
            perturbation
        })
    }

    /// Contours of spectrum, formants and clarity, computed at the first call: only measures want them.
    pub fn timbre(&self) -> &Timbre {
        self.timbre_told(&mut |_| {})
    }

    /// As [`timbre`](Self::timbre), saying after each kind of contour that it is done.
    pub(crate) fn timbre_told(&self, done: &mut dyn FnMut(&'static str)) -> &Timbre {
        self.timbre.get_or_init(|| Timbre::told(&self.recording, self.contours(), done))
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
