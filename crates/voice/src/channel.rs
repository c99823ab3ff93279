//! Which channel of a file is measured, and who speaks on it.
//!
//! Channels are averaged unless something else is asked for. Of a file with two channels the participant's can be asked for.
//! The rule, in this order:
//! 1. **Are two people on them?** Where either channel holds speech, its level is taken relative to the loud speech of its
//!    own channel (so gains do not matter), and a block belongs to the channel that is 6 dB above the other; what is heard of
//!    one person on the other's microphone is softer than that. The channels hold a person each when half of the speech or
//!    more belongs to either. A channel without any speech leaves all of it to the other.
//! 2. **Whose is whose?** The participant's is the channel that was named, or else the one with more speech of its own.
//! 3. Where the channels do not hold a person each (a room in stereo, one sound twice) and none was named, they are averaged
//!    and voices are told apart by their sound (`speaker`), as in a file with one channel.
//!
//! What was done stands in the quality as `voice.channel`. The numbers are choices of the project; `tests/reference/channels.rs`
//! shows what they do to real voices that are joined with crosstalk.

use std::{num::NonZeroUsize, path::Path};

use feature::{Finding, Unit, Verdict, percentile};

use crate::{
    activity::{BLOCKS_A_SECOND, Interval, joined, total},
    decode::{Heard, Limits, heard, heard_bytes},
    error::Error,
    recording::Recording,
    speaker::Voices,
};

/// How far a channel must be above the other for what is heard to be its own, in dB; each relative to its loud speech.
const ABOVE_DB: f64 = 6.0;
/// The percentile of level in speech that is its loud speech: somebody who speaks for a fortieth of the time has it.
const LOUD_PERCENT: f64 = 98.0;
/// Share of the speech that must belong to one channel or the other.
const APART_SHARE: f64 = 0.5;
/// Blocks on each side that levels are averaged over: words, not their sounds.
const AROUND: usize = 10;
/// Shorter stretches belong to nobody, in seconds: shorter than a word.
const SHORTEST_S: f64 = 0.15;
/// Silences shorter than this are part of the speech around them, in seconds: the shortest pause.
const GAP_S: f64 = 0.15;
/// Least share of the speech on the participant's channel that makes the choice between them clear.
const CLEAR_SHARE: f64 = 0.6;

/// Which sound of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channels {
    /// The mean of all channels.
    #[default]
    Mean,
    /// One channel alone, counted from 1.
    One(NonZeroUsize),
    /// The participant's of two channels: the one named, or the one with more speech where both hold a person each. Where that
    /// is not so, and of a file with another number of channels: the one named, or the mean.
    Participant(Option<NonZeroUsize>),
}

/// Decodes a file as [`decode_file`](crate::decode_file) does, of its channels those that are wanted.
///
/// Of the participant's channel it is known from the other when the other person speaks: the share of a second voice, and
/// what [`Analysis::of`](crate::Analysis::of) leaves out, come from the channels, not from the sound of voices.
///
/// # Errors
/// As [`decode_file`](crate::decode_file), and when the file lacks the channel that was named.
pub fn decode_channels(
    path: impl AsRef<Path>,
    wanted: Channels,
    limits: &Limits,
) -> Result<Recording, Error> {
    Ok(chosen(heard(path.as_ref(), limits, wanted)?, wanted))
}

/// Decodes the bytes of a file as [`decode_channels`] does its path: nothing of it need ever have been on a disk.
///
/// # Errors
/// As [`decode`](crate::decode), and when the file lacks the channel that was named.
pub fn decode_bytes(bytes: Vec<u8>, wanted: Channels, limits: &Limits) -> Result<Recording, Error> {
    Ok(chosen(heard_bytes(bytes, limits, wanted)?, wanted))
}

fn chosen(heard: Heard, wanted: Channels) -> Recording {
    match (heard, wanted) {
        (Heard::Pair { mean, each }, Channels::Participant(named)) => participant(mean, *each, named),
        (Heard::One(recording), Channels::One(channel) | Channels::Participant(Some(channel))) => {
            let message = format!("channel {channel} of {}, as asked for", recording.source().channels);
            recording.of_channel(told(None, Verdict::Good, message))
        }
        (Heard::One(recording) | Heard::Pair { mean: recording, .. }, _) => recording,
    }
}

/// The participant's recording of two channels and their mean.
fn participant(mean: Recording, each: [Recording; 2], named: Option<NonZeroUsize>) -> Recording {
    let turns = Turns::of(&each);
    let place = match (named, &turns) {
        (Some(channel), _) => channel.get() - 1,
        (None, Some(turns)) => usize::from(total(&turns.own[1]).0 > total(&turns.own[0]).0),
        (None, None) => {
            let message = "both channels hold the same speech: they were averaged".to_owned();
            return mean.of_channel(told(None, Verdict::Good, message));
        }
    };
    let [one, other] = each;
    let taken = if place == 0 { one } else { other };
    let Some(turns) = turns else {
        let message = format!("channel {} of 2, as asked for; the other holds the same speech", place + 1);
        return taken.of_channel(told(None, Verdict::Good, message));
    };
    let finding = turns.finding(place, named.is_some());
    taken.spoken_by(turns.voices(place)).of_channel(finding)
}

/// When the people on two channels speak.
struct Turns {
    /// Speech of each channel's own.
    own: [Vec<Interval>; 2],
}

impl Turns {
    /// The turns of two channels; `None` where they do not hold a person each.
    fn of(each: &[Recording; 2]) -> Option<Self> {
        let [one, other] = each.each_ref().map(Side::of);
        let blocks = one.level.len().min(other.level.len());
        let apart = |block: usize| (one.level[block] - other.level[block]).abs() >= ABOVE_DB;
        let speech: Vec<usize> =
            (0..blocks).filter(|block| one.speaks[*block] || other.speaks[*block]).collect();
        let belonging = speech.iter().filter(|block| apart(**block)).count();
        if speech.is_empty() || (belonging as f64) < APART_SHARE * speech.len() as f64 {
            return None;
        }
        let own = |a: &Side, b: &Side| {
            let mine = |block: usize| a.speaks[block] && b.level[block] - a.level[block] < ABOVE_DB;
            stretches((0..blocks).map(mine))
        };
        Some(Self { own: [own(&one, &other), own(&other, &one)] })
    }

    /// The voices on the participant's channel: of the other only what the participant does not speak over.
    fn voices(&self, participant: usize) -> Voices {
        let first = self.own[participant].clone();
        let alone = self.own[1 - participant].iter().flat_map(|turn| less(turn, &first));
        let second: Vec<Interval> = alone.filter(|it| it.length().0 >= SHORTEST_S).collect();
        if second.is_empty() { Voices::One } else { Voices::Two { second, first } }
    }

    fn finding(&self, participant: usize, named: bool) -> Finding {
        let seconds = [0, 1].map(|place| total(&self.own[place]).0);
        let share = seconds[participant] / (seconds[0] + seconds[1]).max(f64::MIN_POSITIVE);
        let rule = if named { "as asked for" } else { "the one with more speech" };
        let message = format!(
            "channel {} of 2, {rule}: {:.1} s of speech on it and {:.1} s on the other, expected at least {:.0} % of it to \
             tell whose it is",
            participant + 1,
            seconds[participant],
            seconds[1 - participant],
            100.0 * CLEAR_SHARE,
        );
        let clear = named || share >= CLEAR_SHARE;
        told(Some(share), if clear { Verdict::Good } else { Verdict::Marked }, message)
    }
}

fn told(share: Option<f64>, verdict: Verdict, message: String) -> Finding {
    Finding { check: "voice.channel", value: share, limit: CLEAR_SHARE, unit: Unit::One, verdict, message }
}

/// One channel in blocks.
struct Side {
    /// Level in dB relative to the channel's loud speech; far below it where it holds none.
    level: Vec<f64>,
    /// Whether there is speech.
    speaks: Vec<bool>,
}

impl Side {
    fn of(channel: &Recording) -> Self {
        let contours = channel.contours();
        let smooth = smoothed(&contours.levels.db);
        let mut speaks = vec![false; smooth.len()];
        for it in &contours.activity.speech {
            let place =
                |seconds: f64| ((seconds * BLOCKS_A_SECOND as f64).round() as usize).min(speaks.len());
            let (from, to) = (place(it.start.0), place(it.end.0));
            speaks[from..to].fill(true);
        }
        let spoken: Vec<f64> =
            smooth.iter().zip(&speaks).filter_map(|(level, speaks)| speaks.then_some(*level)).collect();
        let loud = percentile(&spoken, LOUD_PERCENT).unwrap_or(f64::MAX);
        Self { level: smooth.iter().map(|level| (level - loud).max(-200.0)).collect(), speaks }
    }
}

/// Power in dB averaged over the blocks around each.
fn smoothed(db: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for level in db {
        sums.push(sums[sums.len() - 1] + 10f64.powf(level / 10.0));
    }
    let around = |block: usize| (block.saturating_sub(AROUND), (block + AROUND + 1).min(db.len()));
    let mean = |(from, to): (usize, usize)| (sums[to] - sums[from]).max(1e-12) / (to - from) as f64;
    (0..db.len()).map(|block| 10.0 * mean(around(block)).log10()).collect()
}

/// The stretches of blocks that are true, with short gaps closed and short stretches left out.
fn stretches(blocks: impl Iterator<Item = bool>) -> Vec<Interval> {
    let time = |block: usize| block as f64 / BLOCKS_A_SECOND as f64;
    let single =
        blocks.enumerate().filter(|it| it.1).map(|(block, _)| Interval::new(time(block), time(block + 1)));
    joined(single, GAP_S).into_iter().filter(|it| it.length().0 >= SHORTEST_S).collect()
}

/// The parts of a stretch that lie in none of the `others`, which are in order.
fn less(stretch: &Interval, others: &[Interval]) -> Vec<Interval> {
    let mut from = stretch.start.0;
    let mut left = Vec::new();
    for other in others.iter().filter(|it| it.end.0 > stretch.start.0 && it.start.0 < stretch.end.0) {
        if other.start.0 > from {
            left.push(Interval::new(from, other.start.0));
        }
        from = from.max(other.end.0);
    }
    if stretch.end.0 > from {
        left.push(Interval::new(from, stretch.end.0));
    }
    left
}
