//! Whose voice it is: the participant's, and perhaps an examiner's.
//!
//! No network and nothing learnt from anybody: the recording is divided among two voices as well as can be (colour and
//! pitch of voiced sound, in turns; `speaker/split.rs`), and then the division must show that it is one. It holds when
//! - the rarer voice has eight seconds of voiced speech or more (about twenty of talking), because one word, or one raised
//!   sentence, differs from another as much as two people do;
//! - the two are at least 1.35 apart, where 1 is the spread of one voice over what it says;
//! - the pieces of each keep together: at least 4 of their own standard deviations lie between the two.
//!
//! The limits were set on joined recordings of seven people and on single ones, the eight seconds on how long one voice was
//! found to keep to one way of speaking (`tests/reference/speakers.rs` runs them). Where two people are on two channels, those
//! tell (`channel`), and nothing of this is asked. What follows for a reader: an examiner of few words is not found, and one
//! person who speaks for long in each of two ways, or laughs, may be taken for two. Between the cases there is a third: a second
//! voice that would be clear but is short. Then the share is missing and says so, and nothing is left out: to miss a voice costs
//! less than to drop the participant's own.

mod space;
mod split;

use feature::{Definition, Measure, Reach, Reason, Row, Unit};

use self::{
    space::{Piece, Space},
    split::Split,
};
use crate::{
    activity::{Interval, total},
    analysis::Analysis,
    colour::Colour,
    contour::Contour,
    recording::Recording,
};

/// Points of a piece: a second of voiced speech. What is said averages out, and few turns are shorter.
const PIECE: usize = 50;
/// Points of the finer pieces that find where turns change: 0.3 s.
const FINE: usize = 15;
/// Pieces without which voices cannot be told apart.
const FEWEST: f64 = 4.0;
/// Fewest pieces of the rarer voice.
const RARER: f64 = 8.0;
/// Fewest pieces of a rarer voice that leave the question open.
const OPEN: f64 = 2.0;
/// Least distance of two voices, and least clearness.
const DISTANCE: f64 = 1.35;
const CLEARNESS: f64 = 4.0;
/// Silence kept beside a turn that is left out, in seconds: two of them stay below the shortest pause.
const KEPT_S: f64 = 0.06;

/// Whose speech is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speaker {
    /// Everybody's.
    #[default]
    All,
    /// That of the participant: the voice that speaks more, or the one on the participant's channel.
    Participant,
    /// That of the voice that speaks less: where it is known that the examiner speaks more.
    Lesser,
}

/// The voices of a recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Voices {
    /// One voice.
    One,
    /// Two, each in order: told by their sound, the first is the one that speaks more; told by the channels they are on,
    /// the first is the participant.
    Two {
        /// Speech of the other voice.
        second: Vec<Interval>,
        /// Speech of the first voice.
        first: Vec<Interval>,
    },
    /// One or two, and why that cannot be told.
    Unknown(Reason),
}

impl Voices {
    /// The voices of a recording whose voiced frames have these `colours`, on the pitch contour `f0`.
    pub(crate) fn of(colours: &[Colour], f0: &Contour, speech: &[Interval]) -> Self {
        if speech.is_empty() {
            return Self::Unknown("no speech was found".into());
        }
        let space = Space::new(colours, f0, PIECE);
        let pieces = space.pieces(PIECE);
        let seconds = space.points.len() as f64 / PIECE as f64;
        if seconds < FEWEST {
            let reason = format!("{seconds:.1} s of voiced speech, expected {FEWEST} s to tell voices apart");
            return Self::Unknown(reason.into());
        }
        let Some(split) = Split::best(&pieces) else { return Self::One };
        if split.distance() < DISTANCE || split.clearness(&pieces) < CLEARNESS {
            return Self::One;
        }
        match rarer(&pieces, &split) {
            few if few < OPEN => Self::One,
            few if few < RARER => Self::Unknown(
                format!(
                    "{few:.1} s sound like a second voice, expected {RARER} s to tell it from a changed one"
                )
                .into(),
            ),
            _ => divided(&space, &split, f0, speech),
        }
    }

    /// Share of the time in speech that is the rarer voice's.
    pub(crate) fn second_share(&self) -> Result<f64, Reason> {
        match self {
            Self::One => Ok(0.0),
            Self::Two { second, first } => {
                let (second, first) = (total(second).0, total(first).0);
                Ok(second.min(first) / (second + first))
            }
            Self::Unknown(reason) => Err(reason.clone()),
        }
    }
}

/// Pieces of the rarer voice: seconds of voiced speech.
fn rarer(pieces: &[Piece], split: &Split) -> f64 {
    let count = |which: bool| {
        let own = pieces.iter().zip(&split.second).filter(|it| *it.1 == which);
        own.map(|it| it.0.count).sum::<f64>() / PIECE as f64
    };
    count(true).min(count(false))
}

/// Speech given to the two voices of a division, by a path through finer pieces.
fn divided(space: &Space, split: &Split, f0: &Contour, speech: &[Interval]) -> Voices {
    let fine = space.pieces(FINE);
    let path = Split::from(&fine, split.means).map_or(Vec::new(), |fine| fine.second);
    let starts = space.frames.iter().step_by(FINE);
    let changes: Vec<(f64, bool)> = starts
        .zip(&path)
        .enumerate()
        .filter(|(place, (_, voice))| *place == 0 || path[place - 1] != **voice)
        .map(|(place, (frame, voice))| (if place == 0 { 0.0 } else { time(f0, *frame) }, *voice))
        .collect();
    let changes = at_silences(changes, speech);
    let of = |which: bool| parts(speech, &changes, which);
    let (one, other) = (of(false), of(true));
    let (second, first) = if total(&one).0 < total(&other).0 { (one, other) } else { (other, one) };
    if second.is_empty() { Voices::One } else { Voices::Two { second, first } }
}

fn time(f0: &Contour, frame: usize) -> f64 {
    f0.grid().first.0 + frame as f64 * f0.grid().hop.0
}

/// Changes moved to the nearest end of a stretch of speech where one is within the reach of a piece: voices change in
/// silence far more often than in a word.
fn at_silences(changes: Vec<(f64, bool)>, speech: &[Interval]) -> Vec<(f64, bool)> {
    const REACH_S: f64 = 0.4;
    let nearest = |time: f64| {
        let starts = speech.iter().map(|it| it.start.0).filter(|start| (start - time).abs() <= REACH_S);
        starts.min_by(|a, b| (a - time).abs().total_cmp(&(b - time).abs())).unwrap_or(time)
    };
    let moved = |(time, voice): (f64, bool)| (if time > 0.0 { nearest(time) } else { time }, voice);
    changes.into_iter().map(moved).collect()
}

/// The parts of `speech` that lie in the turns of one voice. `changes`: when a turn begins, and whose it is.
fn parts(speech: &[Interval], changes: &[(f64, bool)], which: bool) -> Vec<Interval> {
    let ends = changes.iter().skip(1).map(|it| it.0).chain([f64::MAX]);
    let turns: Vec<(f64, f64)> =
        changes.iter().zip(ends).filter(|(it, _)| it.1 == which).map(|(it, end)| (it.0, end)).collect();
    let part = |stretch: &Interval, turn: &(f64, f64)| {
        let (start, end) = (stretch.start.0.max(turn.0), stretch.end.0.min(turn.1));
        (end - start > 1e-9).then(|| Interval::new(start, end))
    };
    speech.iter().flat_map(|stretch| turns.iter().filter_map(move |turn| part(stretch, turn))).collect()
}

/// The stretches of a recording that remain when the turns of the `other` voice are left out.
///
/// A turn goes with the silence on both sides of it, which is nobody's pause, but for [`KEPT_S`]. The silence between an
/// opening turn of the other and the first word stays: it is how long the answer took.
pub(crate) fn without(other: &[Interval], own: &[Interval], duration: f64) -> Vec<Interval> {
    let mut kept = Vec::new();
    let mut from = 0.0;
    let mut place = 0;
    while place < other.len() {
        let last_before = own.iter().rev().find(|it| it.end.0 <= other[place].start.0 + 1e-9);
        let next = own.iter().find(|it| it.start.0 >= other[place].end.0 - 1e-9);
        let last =
            other[place..].iter().rposition(|it| next.is_none_or(|next| it.end.0 <= next.start.0 + 1e-9));
        let until = &other[place + last.unwrap_or(0)];
        let to = last_before.map_or(0.0, |own| (own.end.0 + KEPT_S).min(other[place].start.0));
        if to > from {
            kept.push(Interval::new(from, to));
        }
        from = match (last_before, next) {
            (_, None) => duration,
            (None, Some(_)) => until.end.0,
            (Some(_), Some(next)) => (next.start.0 - KEPT_S).max(until.end.0),
        };
        place += last.unwrap_or(0) + 1;
    }
    if duration > from {
        kept.push(Interval::new(from, duration));
    }
    kept
}

/// The recording of one voice, and the stretches of the file it was made of.
///
/// # Errors
/// Why the voices cannot be told apart.
pub(crate) fn of_one(recording: &Recording, speaker: Speaker) -> Result<(Recording, Vec<Interval>), Reason> {
    let duration = recording.duration().0;
    let whole = || Ok((recording.clone(), vec![Interval::new(0.0, duration)]));
    match (speaker, &recording.contours().voices) {
        (Speaker::All, _) | (Speaker::Participant, Voices::One) => whole(),
        (Speaker::Lesser, Voices::One) => Err("only one voice was found".into()),
        (_, Voices::Unknown(reason)) => Err(reason.clone()),
        (speaker, Voices::Two { second, first }) => {
            let (other, own) = if speaker == Speaker::Lesser { (first, second) } else { (second, first) };
            let kept = without(other, own, duration);
            Ok((recording.only(&kept), kept))
        }
    }
}

/// The share of a second voice.
pub(crate) struct SecondVoice;

const fn voices(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    most: f64,
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        label,
        unit,
        range: (0.0, most),
        formula,
        source: "two means in turns over cepstra (Davis & Mermelstein 1980, IEEE Transactions on Acoustics, Speech, and \
                 Signal Processing 28:357-366) and pitch; spec voice, section Acceptance",
        missing: "no speech was found, or too little of it to tell voices apart",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for SecondVoice {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 2] = [
            voices(
                "voice.speaker.second_share",
                "share of a second voice",
                Unit::One,
                0.5,
                "time in speech of the voice that speaks less / time in speech; 0 where there is one voice",
            ),
            voices(
                "voice.speaker.second_turns",
                "turns of a second voice",
                Unit::Count,
                2000.0,
                "runs of stretches of speech of the voice that speaks less, unbroken by the other",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let voices = &analysis.recording().contours().voices;
        row.put("voice.speaker.second_share", voices.second_share());
        row.put("voice.speaker.second_turns", voices.second_share().map(|_| turns(voices)));
    }
}

/// Runs of the rarer voice's stretches that the other does not break.
fn turns(voices: &Voices) -> f64 {
    let Voices::Two { second, first } = voices else { return 0.0 };
    let broken = |pair: &&[Interval]| {
        first.iter().any(|it| it.start.0 >= pair[0].end.0 - 1e-9 && it.end.0 <= pair[1].start.0 + 1e-9)
    };
    1.0 + second.windows(2).filter(broken).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::tests::analysis, measures::set, synth};

    fn interval((start, end): (f64, f64)) -> Interval {
        Interval::new(start, end)
    }

    /// Vowels of one voice: pitch moves by three semitones, and /a/ and /i/ come in turn, each formant at `size` of its
    /// frequency, as in a vocal tract that much shorter.
    fn speaks(hertz: f64, size: f64, syllables: usize) -> Vec<f32> {
        let vowel = |n: usize| {
            let formants = if n.is_multiple_of(2) { synth::A } else { synth::I }.map(|(f, b)| (f * size, b));
            let pitch = hertz * 2f64.powf((n % 4) as f64 / 12.0);
            [synth::vowel(pitch, &formants, 0.3, 0.3), synth::silence(if n % 5 == 4 { 0.4 } else { 0.05 })]
                .concat()
        };
        (0..syllables).flat_map(vowel).collect()
    }

    #[test]
    fn one_voice_has_no_second() {
        let values = set().measure(&analysis(speaks(120.0, 1.0, 60)));
        assert_eq!(values.number("voice.speaker.second_share"), Some(0.0));
        assert_eq!(values.number("voice.speaker.second_turns"), Some(0.0));
    }

    #[test]
    fn a_second_voice_has_its_share_and_its_turns() {
        let (one, other) = (speaks(110.0, 1.0, 30), speaks(210.0, 1.16, 20));
        let both = [one.clone(), other.clone(), one.clone(), other].concat();
        let values = set().measure(&analysis(both));
        let share = values.number("voice.speaker.second_share").unwrap();
        assert!((share - 0.4).abs() < 0.02, "{share}");
        assert_eq!(values.number("voice.speaker.second_turns"), Some(2.0));
    }

    #[test]
    fn little_speech_says_how_little() {
        let values = set().measure(&analysis(speaks(120.0, 1.0, 5)));
        let reason = values.value("voice.speaker.second_share").and_then(feature::Value::reason).unwrap();
        assert!(reason.as_str().contains("expected 4 s"), "{reason}");
    }

    #[test]
    fn a_short_second_voice_is_neither_found_nor_denied() {
        let both = [speaks(110.0, 1.0, 30), speaks(210.0, 1.16, 15)].concat();
        let values = set().measure(&analysis(both));
        let reason = values.value("voice.speaker.second_share").and_then(feature::Value::reason).unwrap();
        assert!(reason.as_str().contains("expected 8 s"), "{reason}");
    }

    #[test]
    fn a_turn_is_left_out_with_its_silences_but_latency_stays() {
        let own = [(3.0, 5.0), (8.0, 9.0)].map(interval);
        let other = [(0.5, 2.0), (5.5, 6.0), (6.5, 7.0), (10.0, 11.0)].map(interval);
        let kept = without(&other, &own, 12.0);
        assert_eq!(kept, [(2.0, 5.06), (7.94, 9.06)].map(interval));
        assert_eq!(without(&[], &own, 12.0), [interval((0.0, 12.0))]);
    }

    #[test]
    fn voices_that_change_within_a_word_are_cut_there() {
        let (own, other) = ([interval((0.0, 2.0)), interval((3.0, 4.0))], [interval((2.0, 3.0))]);
        assert_eq!(without(&other, &own, 4.0), [interval((0.0, 2.0)), interval((3.0, 4.0))]);
    }
}
