//! When somebody speaks.
//!
//! Two questions, answered apart. **Is there sound?** A level above an adaptive floor says so, to 5 ms. **Is it speech?**
//! A stretch of sound is speech when it is voiced, or when the network of `earshot` hears speech in it, or when it is
//! the burst or breathy end that belongs to a neighbour that is. Speech never rests on the network alone: it fires on
//! some synthetic vowels and misses others, and its edges are coarser than those of level.
//!
//! What follows for a reader of the numbers:
//! - Every edge of speech and pause comes from level, in steps of 5 ms. A word that fades into the noise ends where it
//!   can no longer be told from it.
//! - A knock, a click or a breath between two words is silence: it neither ends a pause nor splits it.
//! - A steady hum that starts and stops in the range of a voice is taken for one, because it is voiced. The finding
//!   `voice.tone` marks a recording in which machines sound more than voices.
//! - Laughter and a second speaker are speech. Telling speakers apart is another measure (`speaker`).

mod level;
mod network;

use feature::Seconds;

use self::network::Heard;
pub(crate) use self::{
    level::{BLOCKS_A_SECOND, Levels},
    network::Ear,
};
use crate::contour::Contour;

/// Shortest silence that is a pause, in seconds: below it lie the closures of stops (Pastoriza-Domínguez et al. 2022 use
/// 0.15 s; Goldman-Eisler's 0.25 s is the threshold of the unnamed pause measures).
pub(crate) const SHORTEST_PAUSE_S: f64 = 0.15;
/// Share of voiced frames that makes a stretch of sound speech.
const VOICED_SHARE: f64 = 0.2;
/// Share of the network's frames that makes a stretch of sound speech.
const HEARD_SHARE: f64 = 0.3;
/// Longest unvoiced stretch that belongs to a neighbour, in seconds: a released stop, a fricative.
const LONGEST_ATTACHED_S: f64 = 0.3;

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// When it begins.
    pub start: Seconds,
    /// When it ends.
    pub end: Seconds,
}

impl Interval {
    /// From `start` to `end`, in seconds.
    pub fn new(start: f64, end: f64) -> Self {
        Self { start: Seconds(start), end: Seconds(end) }
    }

    /// How long it is.
    pub fn length(&self) -> Seconds {
        Seconds(self.end.0 - self.start.0)
    }

    /// Whether a time lies in it; its end does not.
    pub fn contains(&self, time: Seconds) -> bool {
        self.start <= time && time < self.end
    }
}

/// Sound, speech and pauses of a recording.
///
/// The silence before the first speech is no pause but latency, and has its own measure. The silence after the last is a
/// pause: whoever stops talking while the recording goes on is silent in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Activity {
    /// Stretches of speech with silences of at least 0.15 s between them.
    pub(crate) speech: Vec<Interval>,
    /// Silences of at least 0.15 s after speech has begun, the one before the end included.
    pub(crate) pauses: Vec<Interval>,
    /// Mean square where there is speech, and where there is no sound; `None` where there is no such place.
    pub(crate) speech_power: Option<f64>,
    /// See `speech_power`.
    pub(crate) noise_power: Option<f64>,
}

impl Activity {
    /// Activity of 16 kHz `samples` whose levels are `levels` and whose pitch is `f0`.
    pub(crate) fn of(samples: &[f32], levels: &Levels, f0: &Contour) -> Self {
        Self::from(levels, f0, |open| Heard::of(samples, open))
    }

    /// Activity of a sound that is gone, all of which the network has heard.
    pub(crate) fn heard(ear: &Ear, levels: &Levels, f0: &Contour) -> Self {
        Self::from(levels, f0, |_| Heard::all(ear.heard.clone()))
    }

    fn from(levels: &Levels, f0: &Contour, hear: impl FnOnce(&[Interval]) -> Heard) -> Self {
        let sound = level::sound(levels);
        let speech = speech(&sound, f0, hear);
        let duration = levels.seconds();
        let silent = gaps(0.0, &sound, duration);
        let pauses = match speech.first() {
            Some(first) => gaps(first.start.0, &speech, duration),
            None => Vec::new(),
        };
        Self {
            pauses: pauses.into_iter().filter(|it| it.length().0 >= SHORTEST_PAUSE_S - 1e-9).collect(),
            speech_power: levels.power(&speech),
            noise_power: levels.power(&silent),
            speech,
        }
    }
}

/// The stretches of `sound` that are speech, with shorter silences than a pause closed.
fn speech(sound: &[Interval], f0: &Contour, hear: impl FnOnce(&[Interval]) -> Heard) -> Vec<Interval> {
    let voiced: Vec<bool> = sound.iter().map(|it| voiced_share(f0, it) >= VOICED_SHARE).collect();
    // The network costs more than all else here: it is asked only where voicing leaves the question open.
    let open: Vec<Interval> = sound.iter().zip(&voiced).filter(|it| !it.1).map(|it| *it.0).collect();
    let heard = hear(&open);
    let is_speech = |(it, voiced): (&Interval, &bool)| *voiced || heard.share(it) >= HEARD_SHARE;
    let mut speaks: Vec<bool> = sound.iter().zip(&voiced).map(is_speech).collect();
    for place in 0..sound.len() {
        speaks[place] = speaks[place] || is_attached(sound, &speaks, place);
    }
    let spoken = sound.iter().zip(speaks).filter_map(|(interval, speaks)| speaks.then_some(*interval));
    joined(spoken, SHORTEST_PAUSE_S)
}

/// Share of the frames of an interval that have a pitch, in `[0, 1]`.
fn voiced_share(f0: &Contour, interval: &Interval) -> f64 {
    let (from, to) = (f0.frame_at(interval.start.0), f0.frame_at(interval.end.0) + 1);
    let voiced = (from..to).filter(|frame| f0.get(*frame).is_some()).count();
    voiced as f64 / (to - from) as f64
}

/// Whether a short stretch lies right beside one that is speech by itself.
fn is_attached(sound: &[Interval], speaks: &[bool], place: usize) -> bool {
    let near = |a: &Interval, b: &Interval| b.start.0 - a.end.0 < SHORTEST_PAUSE_S;
    let before = place > 0 && speaks[place - 1] && near(&sound[place - 1], &sound[place]);
    let after = speaks.get(place + 1) == Some(&true) && near(&sound[place], &sound[place + 1]);
    sound[place].length().0 <= LONGEST_ATTACHED_S && (before || after)
}

/// Intervals in order, with those less than `gap_s` apart made one.
pub(crate) fn joined(intervals: impl IntoIterator<Item = Interval>, gap_s: f64) -> Vec<Interval> {
    let mut joined: Vec<Interval> = Vec::new();
    for interval in intervals {
        match joined.last_mut() {
            Some(last) if interval.start.0 - last.end.0 < gap_s - 1e-9 => last.end = interval.end,
            _ => joined.push(interval),
        }
    }
    joined
}

/// Summed length. (A plain sum of none would be −0.)
pub(crate) fn total(intervals: &[Interval]) -> Seconds {
    Seconds(intervals.iter().fold(0.0, |total, it| total + it.length().0))
}

/// What lies between the intervals, from `from` to `to` seconds.
fn gaps(from: f64, intervals: &[Interval], to: f64) -> Vec<Interval> {
    let starts = std::iter::once(from).chain(intervals.iter().map(|it| it.end.0));
    let ends = intervals.iter().map(|it| it.start.0).chain(std::iter::once(to));
    starts
        .zip(ends)
        .filter(|(start, end)| end > start)
        .map(|(start, end)| Interval::new(start, end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pitch::{PitchSettings, pitch},
        synth,
    };

    fn of(samples: &[f32]) -> Activity {
        Activity::of(samples, &Levels::of(samples), &pitch(samples, &PitchSettings::default()))
    }

    fn worst_edge(found: &[Interval], planted: &[(f64, f64)]) -> f64 {
        let off = |(found, planted): (&Interval, &(f64, f64))| {
            (found.start.0 - planted.0).abs().max((found.end.0 - planted.1).abs())
        };
        found.iter().zip(planted).map(off).fold(0.0, f64::max)
    }

    #[test]
    fn planted_pauses_are_found_at_every_noise_level() {
        let pairs = [(0.5, 0.3), (0.8, 0.16), (0.4, 0.75), (1.2, 2.0), (0.6, 0.5), (0.4, 1.0)];
        for rms in [0.0, 0.0001, 0.001, 0.005] {
            let (samples, planted) = synth::bursts(&pairs, rms);
            let found = of(&samples).pauses;
            assert_eq!(found.len(), planted.len(), "noise {rms}: {found:?}");
            assert!(worst_edge(&found, &planted) < 0.03, "noise {rms}: {found:?}");
        }
    }

    #[test]
    fn silence_and_nothing_hold_no_speech() {
        assert_eq!(of(&synth::silence(1.0)).speech, []);
        assert_eq!(of(&[]), Activity::default());
    }

    #[test]
    fn a_steady_vowel_is_one_stretch() {
        let found = of(&synth::vowel(120.0, &synth::A, 0.3, 2.0));
        assert_eq!((found.speech.len(), found.pauses.len()), (1, 0));
    }

    #[test]
    fn a_knock_in_a_pause_is_not_speech() {
        let (mut samples, planted) = synth::bursts(&[(0.8, 1.5), (0.8, 1.5)], 0.0005);
        let knock = synth::noise(0.1, 0.03, 5);
        samples[24_000..24_000 + knock.len()].copy_from_slice(&knock);
        let found = of(&samples).pauses;
        assert_eq!(found.len(), planted.len(), "{found:?}");
    }

    #[test]
    fn near_intervals_become_one() {
        let intervals = [(0.0, 1.0), (1.1, 2.0), (2.2, 3.0)].map(|(start, end)| Interval::new(start, end));
        assert_eq!(joined(intervals, 0.15), [Interval::new(0.0, 2.0), Interval::new(2.2, 3.0)]);
    }
}
