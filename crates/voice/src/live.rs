//! Listening while somebody speaks.
//!
//! Sound is pushed in pieces of any size and forgotten: at most five seconds of it are held, and of the rest its contours
//! (candidates of pitch, intensity, level, spectrum, resonances, what repeats, what the network heard), about 25 kB a
//! second. At any time [`Live::partial`] says what is known so far, and [`Live::finish`] what a whole file of the same sound
//! would say: the contours are the file's up to rounding, harmonics and perturbation but for a period where a long vowel is
//! cut, and the harmonics-to-noise ratio on frames a millisecond beside the file's.

mod settled;

use feature::{Check, FeatureVector, Hertz, Quality, Seconds};

use self::settled::{Held, Settled};
use crate::{
    activity::{Activity, Ear, Levels},
    analysis::{Analysis, Heard},
    check::{Listened, tone},
    colour::ColourTrack,
    contour::{Contour, Contours, Grid},
    decode::Tally,
    formant::ResonanceTrack,
    harmonicity::{self, HarmonicityTrack},
    intensity,
    measures::set,
    pitch::{PitchSettings, Track},
    recording::{RATE, highest},
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
/// Parts of a hop at which harmonicity is read: the grid of a file has its middle where the file has, and that comes last.
const PARTS: usize = 4;
/// Share of the loudest moment so far beside which a frame counts as silent for now: the mean that amplitudes are counted
/// from still moves.
const MARGIN: f64 = 0.9;

/// A sound that is being listened to, at 16 kHz mono.
pub struct Live {
    rate: Hertz,
    track: Track,
    levels: Levels,
    ear: Ear,
    intensity: Vec<f32>,
    spectrum: SpectrumTrack,
    colours: ColourTrack,
    harmonicity: HarmonicityTrack,
    resonances: ResonanceTrack,
    settled: Settled,
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
    /// The values of `voice@1`. What needs the pitch to be sure (perturbation, harmonics) is some seconds behind the rest.
    pub values: FeatureVector,
    /// The findings that need no samples.
    pub quality: Quality,
    /// Contours, speech, pauses and syllables so far. Its recording holds no samples.
    pub analysis: Analysis,
}

impl Live {
    /// Begins to listen to sound that was taken at `rate`: it holds nothing above half of that, and measures that need more
    /// say so. The grid of `settings` is not used: frames are those of every analysis.
    pub fn new(settings: &PitchSettings, rate: Hertz) -> Self {
        Self {
            rate,
            track: Track::new(settings),
            levels: Levels::default(),
            ear: Ear::new(),
            intensity: Vec::new(),
            spectrum: SpectrumTrack::new(),
            colours: ColourTrack::new(),
            harmonicity: HarmonicityTrack::new(),
            resonances: ResonanceTrack::new(highest(rate)),
            settled: Settled::new(),
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
        let mut rest = samples;
        while !rest.is_empty() {
            // Frames are read at whole pieces of the sound, whatever pieces it comes in.
            let (piece, later) = rest.split_at(rest.len().min(PIECE - self.seen % PIECE));
            rest = later;
            self.take(piece);
            if self.seen.is_multiple_of(PIECE) {
                self.frames(self.seen.saturating_sub(REACH));
                let held = Held { samples: &self.buffer, start: self.start };
                let loudest = self.loudest();
                self.settled.read(held, &mut self.track, &self.resonances, loudest);
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

    /// What is known so far. The last half second is not in the contours yet, nor the last second in the resonances.
    pub fn partial(&mut self) -> Snapshot {
        let levels = self.levels.clone();
        self.snapshot(levels)
    }

    /// What is known at the end.
    pub fn finish(mut self) -> Snapshot {
        self.frames(usize::MAX);
        self.resonances.end();
        let held = Held { samples: &self.buffer, start: self.start };
        let loudest = self.loudest();
        self.settled.end(held, &mut self.track, &self.resonances, loudest);
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
        self.resonances.push(&self.buffer[from..]);
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
            self.colours.push(&self.buffer, frame, centre(frame));
            for part in 0..PARTS {
                let centre = centre(frame) + (part * HOP / PARTS) as f64;
                self.harmonicity.push(&self.buffer, centre, MARGIN * loudest);
            }
        }
        let grid = Grid { first: Seconds(centre(next) / f64::from(RATE)), hop: Grid::default().hop };
        let near = intensity::intensity(&self.buffer, grid);
        self.intensity.extend((0..ready - next).map(|frame| near.get(frame).unwrap_or(f32::NAN)));
    }

    /// Lets go of the samples that no frame to come reaches.
    fn forget(&mut self) {
        let needed = (FIRST + self.settled.len() * HOP).saturating_sub(REACH);
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
        let hnr = self.hnr();
        let perturbation = self.settled.perturbation(&contours.f0);
        let heard =
            Heard { duration: self.duration(), power, hnr, timbre: self.timbre(&contours.f0), perturbation };
        let analysis = Analysis::listened(self.rate, contours, heard);
        Snapshot { values: set().measure(&analysis), quality, analysis }
    }

    /// Harmonicity on the grid that a file of this length has: of the frames that were read, the nearest.
    fn hnr(&self) -> Contour {
        let grid = harmonicity::centred(self.seen);
        let read: Vec<f32> = self.harmonicity.ratios(self.loudest()).collect();
        let nearest = |centre: f64| ((centre - FIRST as f64) * PARTS as f64 / HOP as f64).round() as usize;
        let frames = grid.centres(self.seen).map_while(|centre| read.get(nearest(centre)));
        Contour::new(grid, frames.copied().collect())
    }

    fn timbre(&self, f0: &Contour) -> Timbre {
        let (formants, cpps) = self.resonances.contours(f0);
        Timbre::from(self.spectrum.contours(), self.settled.harmonics(f0), formants, cpps)
    }

    fn contours(&mut self, levels: Levels) -> Contours {
        let f0 = self.track.contour(self.loudest());
        let intensity = Contour::new(Grid::default(), self.intensity.clone());
        let activity = Activity::heard(&self.ear, &levels, &f0);
        let syllables = rhythm::nuclei(&intensity, &f0, &activity.speech);
        let colours = self.colours.voiced(&f0);
        let voices = Voices::of(&colours, &f0, &activity.speech);
        let tone = tone::share(&colours, &f0);
        Contours { levels, f0, intensity, activity, syllables, voices, tone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::tests::analysis, measures::set, synth};

    fn listened(samples: &[f32], piece: usize) -> Snapshot {
        let mut live = Live::new(&PitchSettings::default(), Hertz(f64::from(RATE)));
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
        assert_eq!(live.analysis.second_share(), whole.second_share());
        let (timbre, want) = (live.analysis.timbre(), whole.timbre());
        assert_eq!((&timbre.formants, &timbre.cpps), (&want.formants, &want.cpps));
        let values = set().measure(&whole);
        for feature in live.values.features() {
            let name = feature.definition.name;
            // Harmonicity has another grid, and the marks of a cut vowel another start.
            let allowed = |whole: f64| match name {
                _ if name.starts_with("voice.hnr") => 0.3,
                _ if name.starts_with("voice.jitter") || name.starts_with("voice.shimmer") => 0.05 * whole,
                _ => 1e-4,
            };
            match (feature.value.measured(), values.number(name)) {
                (Some(live), Some(whole)) => {
                    assert!((live - whole).abs() < allowed(whole), "{name}: {live} {whole}")
                }
                (live, whole) => assert_eq!(live, whole, "{name}"),
            }
        }
    }

    #[test]
    fn a_vowel_that_does_not_end_is_cut_and_loses_a_period() {
        let vowel = synth::vowel(120.0, &synth::A, 0.3, 12.0);
        let (whole, live) = (analysis(vowel.clone()), listened(&vowel, 1600));
        let values = set().measure(&whole);
        for name in ["voice.jitter.local", "voice.shimmer.local_db", "voice.jitter.exact", "voice.h1_h2.mean"]
        {
            let (live, whole) = (live.values.number(name).unwrap(), values.number(name).unwrap());
            assert!((live - whole).abs() <= 0.02 * whole.abs() + 1e-4, "{name}: {live} {whole}");
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
    fn a_minute_is_forgotten_but_for_some_seconds() {
        let mut live = Live::new(&PitchSettings::default(), Hertz(f64::from(RATE)));
        let mut most = 0.0f64;
        for _ in 0..10 {
            live.push(&speech());
            most = most.max(live.held().0);
        }
        assert!(live.duration().0 > 60.0 && most < 5.0, "{most} of {}", live.duration());
    }

    #[test]
    fn what_is_known_grows() {
        let mut live = Live::new(&PitchSettings::default(), Hertz(f64::from(RATE)));
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
        let mut live = Live::new(&PitchSettings::default(), Hertz(f64::from(RATE)));
        live.push(&[0.0, f32::NAN, 3.0, f32::INFINITY]);
        live.push(&synth::silence(1.0));
        let end = live.finish();
        assert!(end.quality.finding("voice.finite").unwrap().value > Some(0.0));
        assert_eq!(end.values.number("voice.pause.count"), None);
        assert!(
            Live::new(&PitchSettings::default(), Hertz(f64::from(RATE)))
                .finish()
                .values
                .number("voice.f0.mean")
                .is_none()
        );
    }
}
