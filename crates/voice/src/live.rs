//! Listening while somebody speaks.
//!
//! Sound is pushed in pieces of any size and forgotten: half a second of it and the reach of the windows is held, and of
//! the rest its contours (candidates of pitch, intensity, level, spectrum, what the network heard), about 10 kB a second. At any time
//! [`Live::partial`] says what is known so far, and [`Live::finish`] what a whole file of the same sound would say, up to
//! rounding.
//!
//! What needs samples once more when the pitch is known has no place here: voices, perturbation, harmonicity, formants and
//! clarity are measured from the file. The measures are those of time, pitch, level, sustained vowels and the spectrum
//! (`measures::OF_CONTOURS`).

use feature::{Check, FeatureSet, FeatureVector, Quality, Reason, Seconds};

use crate::{
    activity::{Activity, Ear, Levels},
    analysis::Analysis,
    check::Listened,
    contour::{Contour, Contours, Grid},
    decode::Tally,
    intensity,
    measures::OF_CONTOURS,
    pitch::{PitchSettings, Track},
    recording::RATE,
    rhythm,
    speaker::Voices,
    spectrum::SpectrumTrack,
    timbre::Timbre,
};

/// Samples taken at once.
const PIECE: usize = RATE as usize / 2;
/// Samples between two frames, and before the centre of the first.
const HOP: usize = RATE as usize / 100;
const FIRST: usize = HOP / 2;
/// Samples on each side of a frame's centre that the longest window reaches (intensity, 683), rounded up.
const REACH: usize = 700;

/// A sound that is being listened to, at 16 kHz mono.
pub struct Live {
    track: Track,
    levels: Levels,
    ear: Ear,
    intensity: Vec<f32>,
    spectrum: SpectrumTrack,
    /// The last samples, and the place of the first of them in the sound.
    buffer: Vec<f32>,
    start: usize,
    seen: usize,
    tally: Tally,
    sum: f64,
    lowest: f32,
    highest: f32,
}

/// What is known of a sound that is being listened to, or has been.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The values of `voice@1` that can be had as the sound comes: time, pitch, level, rhythm, sustained vowels, spectrum.
    pub values: FeatureVector,
    /// The findings that need no samples.
    pub quality: Quality,
    /// Contours, speech, pauses and syllables so far. Its recording holds no samples.
    pub analysis: Analysis,
}

impl Live {
    /// Begins to listen. The grid of `settings` is not used: frames are those of every analysis.
    pub fn new(settings: &PitchSettings) -> Self {
        Self {
            track: Track::new(settings),
            levels: Levels::default(),
            ear: Ear::new(),
            intensity: Vec::new(),
            spectrum: SpectrumTrack::new(),
            buffer: Vec::new(),
            start: 0,
            seen: 0,
            tally: Tally::new(1),
            sum: 0.0,
            lowest: f32::MAX,
            highest: f32::MIN,
        }
    }

    /// Takes more samples at 16 kHz, as many as there are. Values that are not finite become 0, values beyond full scale
    /// are cut to it; both are told in the quality.
    pub fn push(&mut self, samples: &[f32]) {
        for piece in samples.chunks(PIECE) {
            self.take(piece);
            if self.buffer.len() >= PIECE {
                self.frames(self.seen.saturating_sub(REACH));
                self.forget();
            }
        }
    }

    /// How long the sound is so far.
    pub fn duration(&self) -> Seconds {
        Seconds(self.seen as f64 / f64::from(RATE))
    }

    /// How much of the sound is held: the rest is forgotten.
    pub fn held(&self) -> Seconds {
        Seconds(self.buffer.len() as f64 / f64::from(RATE))
    }

    /// What is known so far. The last 50 ms are not in the contours yet.
    pub fn partial(&mut self) -> Snapshot {
        let levels = self.levels.clone();
        self.snapshot(levels)
    }

    /// What is known at the end.
    pub fn finish(mut self) -> Snapshot {
        self.frames(usize::MAX);
        let levels = std::mem::take(&mut self.levels).ended();
        self.snapshot(levels)
    }

    fn take(&mut self, samples: &[f32]) {
        let from = self.buffer.len();
        for sample in samples {
            let sample = self.tally.mean(std::slice::from_ref(sample)).clamp(-1.0, 1.0);
            self.buffer.push(sample);
            self.sum += f64::from(sample);
            self.lowest = self.lowest.min(sample);
            self.highest = self.highest.max(sample);
        }
        self.seen += samples.len();
        self.levels.push(&self.buffer[from..]);
        self.ear.push(&self.buffer[from..]);
    }

    /// Takes the frames whose centre lies before sample `end` of the sound.
    fn frames(&mut self, end: usize) {
        let next = self.track.len();
        let ready = Grid::default().centres(self.seen.min(end)).len();
        if ready <= next {
            return;
        }
        let loudest = self.loudest();
        let centre = |frame: usize| (FIRST + frame * HOP - self.start) as f64;
        for frame in next..ready {
            self.track.push(&self.buffer, centre(frame), loudest);
            self.spectrum.push(&self.buffer, centre(frame));
        }
        let grid = Grid { first: Seconds(centre(next) / f64::from(RATE)), hop: Grid::default().hop };
        let near = intensity::intensity(&self.buffer, grid);
        self.intensity.extend((0..ready - next).map(|frame| near.get(frame).unwrap_or(f32::NAN)));
    }

    /// Lets go of the samples that no frame to come reaches.
    fn forget(&mut self) {
        let needed = (FIRST + self.track.len() * HOP).saturating_sub(REACH);
        let spent = needed.saturating_sub(self.start).min(self.buffer.len());
        self.buffer.drain(..spent);
        self.start += spent;
    }

    /// Greatest distance of any sample from the mean, as `pitch` has it.
    fn loudest(&self) -> f64 {
        let mean = self.mean() as f32;
        if self.seen == 0 { 0.0 } else { f64::from((self.highest - mean).max(mean - self.lowest)) }
    }

    fn mean(&self) -> f64 {
        self.sum / self.seen.max(1) as f64
    }

    fn snapshot(&mut self, levels: Levels) -> Snapshot {
        let power = levels.mean_square();
        let contours = self.contours(levels);
        let quality = Listened {
            duration_s: self.duration().0,
            contours: &contours,
            clipped: self.tally.clipped(),
            not_finite: self.tally.not_finite(),
            mean: self.mean(),
        }
        .check();
        let analysis =
            Analysis::listened(contours, Timbre::listened(self.spectrum.contours()), self.duration(), power);
        let values = FeatureSet::new("voice", 1, OF_CONTOURS).measure(&analysis);
        Snapshot { values, quality, analysis }
    }

    fn contours(&mut self, levels: Levels) -> Contours {
        let f0 = self.track.contour(self.loudest());
        let intensity = Contour::new(Grid::default(), self.intensity.clone());
        let activity = Activity::heard(&self.ear, &levels, &f0);
        let syllables = rhythm::nuclei(&intensity, &f0, &activity.speech);
        let unknown = Reason::from("voices are not told apart while listening");
        Contours { levels, f0, intensity, activity, syllables, voices: Voices::Unknown(unknown), tone: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::tests::analysis, measures::set, synth};

    fn listened(samples: &[f32], piece: usize) -> Snapshot {
        let mut live = Live::new(&PitchSettings::default());
        for piece in samples.chunks(piece) {
            live.push(piece);
            assert!(live.held().0 <= 5.0, "{} held", live.held());
        }
        live.finish()
    }

    fn speech() -> Vec<f32> {
        synth::bursts(&[(0.5, 0.3), (0.7, 0.2), (0.4, 1.2), (0.6, 0.5), (0.9, 0.4), (0.4, 0.31)], 0.001).0
    }

    #[test]
    fn what_was_listened_to_is_what_the_file_says() {
        let whole = analysis(speech());
        let live = listened(&speech(), 999);
        assert_eq!(live.analysis.f0(), whole.f0());
        assert_eq!(live.analysis.pauses(), whole.pauses());
        assert_eq!(live.analysis.syllables(), whole.syllables());
        let values = set().measure(&whole);
        for feature in live.values.features() {
            let name = feature.definition.name;
            match (feature.value.measured(), values.number(name)) {
                (Some(live), Some(whole)) => assert!((live - whole).abs() < 1e-4, "{name}: {live} {whole}"),
                (live, whole) => assert_eq!(live, whole, "{name}"),
            }
        }
    }

    #[test]
    fn the_size_of_the_pieces_does_not_matter() {
        let sound = speech();
        let want = listened(&sound, sound.len());
        for piece in [1, 160, 4001, 16_000] {
            let got = listened(&sound, piece);
            assert_eq!(got.values, want.values, "{piece}");
            assert_eq!(got.quality, want.quality, "{piece}");
        }
    }

    #[test]
    fn a_minute_is_forgotten_but_for_a_second() {
        let mut live = Live::new(&PitchSettings::default());
        let mut most = 0.0f64;
        for _ in 0..10 {
            live.push(&speech());
            most = most.max(live.held().0);
        }
        assert!(live.duration().0 > 60.0 && most < 1.0, "{most} of {}", live.duration());
    }

    #[test]
    fn what_is_known_grows() {
        let mut live = Live::new(&PitchSettings::default());
        assert_eq!(live.partial().values.number("voice.pause.count"), None);
        live.push(&speech()[..20_000]);
        let early = live.partial();
        assert_eq!(early.values.number("voice.pause.count"), Some(1.0));
        assert!((early.values.number("voice.f0.median").unwrap() - 120.0).abs() < 1.0);
        live.push(&speech()[20_000..]);
        assert_eq!(live.finish().values.number("voice.pause.count"), Some(5.0));
    }

    #[test]
    fn broken_samples_are_told_and_silence_has_reasons() {
        let mut live = Live::new(&PitchSettings::default());
        live.push(&[0.0, f32::NAN, 3.0, f32::INFINITY]);
        live.push(&synth::silence(1.0));
        let end = live.finish();
        assert!(end.quality.finding("voice.finite").unwrap().value > Some(0.0));
        assert_eq!(end.values.number("voice.pause.count"), None);
        assert!(Live::new(&PitchSettings::default()).finish().values.number("voice.f0.mean").is_none());
    }

    #[test]
    fn what_needs_the_sound_is_missing_once_it_is_gone() {
        let mut live = Live::new(&PitchSettings::default());
        live.push(&speech());
        let end = live.finish();
        let all = set().measure(&end.analysis);
        for feature in all.features() {
            let name = feature.definition.name;
            let known = end.values.value(name).and_then(feature::Value::measured);
            assert_eq!(feature.value.measured(), known, "{name}");
        }
    }
}
