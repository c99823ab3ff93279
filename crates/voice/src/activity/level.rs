//! Where there is sound: level above an adaptive floor.
//!
//! The level of each block of 5 ms is compared with a limit between the floor and the speech of the recording. The floor
//! is the 5th percentile of level in the ten seconds around, so that a fan that starts midway raises it; speech is the
//! 90th percentile of what stands out from the floor anywhere. The limit lies a fifth of the way up, but at least 6 dB
//! above the floor (noise of 5 ms blocks varies by less than 1 dB) and at most 35 dB below speech, where little but
//! ringing and reverberation is left.

use std::f64::consts::PI;

use feature::{mean, percentile};

use crate::{activity::Interval, intensity::mean_square, recording::RATE};

/// Samples of a block: 5 ms, the resolution of every edge.
const BLOCK: usize = 80;
/// Blocks a second.
pub(crate) const BLOCKS_A_SECOND: usize = RATE as usize / BLOCK;
/// Below this level a block is empty: digital silence, or a coder's idea of it. In dB re full scale.
const EMPTY_DB: f64 = -80.0;
/// Corner of the high pass that keeps rumble and offset out of the level, in hertz.
const HIGH_PASS_HZ: f64 = 60.0;
/// The percentile of level that is taken for the floor, and how many seconds around a block it is taken from.
const FLOOR_PERCENT: f64 = 5.0;
const FLOOR_SECONDS: usize = 10;
/// Share of the contrast between floor and speech that sound must rise above the floor, and at least how many dB.
const RISE_SHARE: f64 = 0.2;
const LEAST_RISE_DB: f64 = 6.0;
/// Sound is never this far below speech: reverberation and breath.
const DEEPEST_DB: f64 = 35.0;
/// Shorter sounds are clicks; shorter silences are part of the sound around them. In blocks.
const SHORTEST_SOUND: usize = 4;
const SHORTEST_SILENCE: usize = 8;

/// Level of every 5 ms, taken as the sound comes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Levels {
    /// In dB re full scale, without what lies below the high pass: `[blocks]`.
    pub(crate) db: Vec<f64>,
    /// Mean square of the samples as they are: `[blocks]`.
    powers: Vec<f64>,
    /// State of the high pass, once there was a sample.
    slow: Option<f32>,
    pending: Vec<f32>,
    samples: usize,
}

impl Levels {
    /// The levels of all of `samples`.
    pub(crate) fn of(samples: &[f32]) -> Self {
        let mut levels = Self::default();
        levels.push(samples);
        levels.ended()
    }

    /// Takes more samples.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        let wanted = if self.pending.is_empty() { 0 } else { BLOCK - self.pending.len() };
        let (head, rest) = samples.split_at(wanted.min(samples.len()));
        self.pending.extend_from_slice(head);
        if self.pending.len() == BLOCK {
            let block = std::mem::take(&mut self.pending);
            self.block(&block);
        }
        let whole = rest.chunks_exact(BLOCK);
        self.pending.extend_from_slice(whole.remainder());
        whole.for_each(|block| self.block(block));
    }

    /// With what is left as a last, shorter block.
    pub(crate) fn ended(mut self) -> Self {
        let block = std::mem::take(&mut self.pending);
        if !block.is_empty() {
            self.block(&block);
        }
        self
    }

    fn block(&mut self, block: &[f32]) {
        let pole = (-2.0 * PI * HIGH_PASS_HZ / f64::from(RATE)).exp() as f32;
        let mut slow = self.slow.unwrap_or(block[0]);
        let mut sum = 0.0;
        for sample in block {
            slow = sample + pole * (slow - sample);
            sum += (sample - slow) * (sample - slow);
        }
        self.slow = Some(slow);
        self.db.push(10.0 * (f64::from(sum) / block.len() as f64 + 1e-12).log10());
        self.powers.push(mean_square(block));
        self.samples += block.len();
    }

    /// Length of the sound in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(RATE)
    }

    /// Mean square over intervals that begin and end with blocks; `None` over no block.
    pub(super) fn power(&self, intervals: &[Interval]) -> Option<f64> {
        let place =
            |seconds: f64| ((seconds * BLOCKS_A_SECOND as f64).round() as usize).min(self.powers.len());
        let blocks = |it: &Interval| &self.powers[place(it.start.0)..place(it.end.0)];
        let within: Vec<f64> = intervals.iter().flat_map(blocks).copied().collect();
        mean(&within)
    }

    /// Mean square of all; 0 of nothing.
    pub(crate) fn mean_square(&self) -> f64 {
        mean(&self.powers).unwrap_or(0.0)
    }
}

/// Stretches of sound, in order.
pub(super) fn sound(levels: &Levels) -> Vec<Interval> {
    let levels = &levels.db;
    let limits = limits(levels);
    let loud: Vec<bool> = levels.iter().zip(&limits).map(|(level, limit)| level > limit).collect();
    runs(&loud).into_iter().map(|(from, to)| Interval::new(seconds(from), seconds(to))).collect()
}

/// When a block begins.
fn seconds(block: usize) -> f64 {
    block as f64 / BLOCKS_A_SECOND as f64
}

/// The level each block must exceed to be sound, in dB re full scale, one a block.
fn limits(levels: &[f64]) -> Vec<f64> {
    let heard: Vec<f64> = levels.iter().copied().filter(|level| *level > EMPTY_DB).collect();
    let Some(floor) = percentile(&heard, FLOOR_PERCENT) else {
        return vec![0.0; levels.len()];
    };
    let loud: Vec<f64> = heard.iter().copied().filter(|level| *level >= floor + LEAST_RISE_DB).collect();
    let speech = percentile(&loud, 90.0).unwrap_or(floor);
    let mut limits = Vec::with_capacity(levels.len());
    for second in 0..levels.len().div_ceil(BLOCKS_A_SECOND) {
        let floor = local_floor(levels, second).unwrap_or(floor);
        let blocks = BLOCKS_A_SECOND.min(levels.len() - second * BLOCKS_A_SECOND);
        limits.extend(std::iter::repeat_n(limit(floor, speech), blocks));
    }
    limits
}

/// The floor of the seconds around `second`, which follows a room whose noise changes.
fn local_floor(levels: &[f64], second: usize) -> Option<f64> {
    let from = second.saturating_sub(FLOOR_SECONDS / 2) * BLOCKS_A_SECOND;
    let to = ((second + FLOOR_SECONDS / 2 + 1) * BLOCKS_A_SECOND).min(levels.len());
    let near: Vec<f64> = levels[from..to].iter().copied().filter(|level| *level > EMPTY_DB).collect();
    percentile(&near, FLOOR_PERCENT)
}

/// The limit between a floor and speech, both in dB re full scale.
fn limit(floor: f64, speech: f64) -> f64 {
    let contrast = speech - floor;
    if contrast < LEAST_RISE_DB {
        // No floor to be seen: all is sound but silence and what rings on into it.
        return (speech - DEEPEST_DB).max(EMPTY_DB);
    }
    let rise = (RISE_SHARE * contrast).max(LEAST_RISE_DB).min(contrast / 2.0);
    (floor + rise).max(speech - DEEPEST_DB).max(EMPTY_DB)
}

/// First and last-plus-one block of each sound.
fn runs(loud: &[bool]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut start = None;
    for (block, loud) in loud.iter().copied().chain(std::iter::once(false)).enumerate() {
        match (loud, start) {
            (true, None) => start = Some(block),
            (false, Some(from)) => {
                keep(&mut runs, (from, block));
                start = None;
            }
            _ => {}
        }
    }
    runs.retain(|(from, to)| to - from >= SHORTEST_SOUND);
    runs
}

/// Adds a run, or lengthens the last when the silence between them is too short to be one.
fn keep(runs: &mut Vec<(usize, usize)>, run: (usize, usize)) {
    match runs.last_mut() {
        Some(last) if run.0 - last.1 < SHORTEST_SILENCE => last.1 = run.1,
        _ => runs.push(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn short_silences_are_bridged_and_clicks_are_dropped() {
        let mut loud = vec![false; 100];
        loud[10..30].fill(true);
        loud[33..50].fill(true);
        loud[70..73].fill(true);
        assert_eq!(runs(&loud), [(10, 50)]);
    }

    #[test]
    fn the_size_of_the_pieces_does_not_matter() {
        let samples = synth::noise(0.1, 0.503, 3);
        let whole = Levels::of(&samples);
        for size in [1, 79, 80, 81, 1000] {
            let mut levels = Levels::default();
            samples.chunks(size).for_each(|piece| levels.push(piece));
            assert_eq!(levels.ended(), whole, "{size}");
        }
        assert_eq!((whole.db.len(), whole.seconds()), (101, 0.503));
        assert!((whole.mean_square().sqrt() - 0.1).abs() < 0.003);
    }

    #[test]
    fn a_sound_that_fills_the_recording_keeps_its_ends() {
        assert_eq!(runs(&[true; 40]), [(0, 40)]);
    }

    #[test]
    fn without_contrast_everything_is_sound() {
        assert_eq!(limit(-20.0, -18.0), -18.0 - DEEPEST_DB);
        assert!(limit(-60.0, -20.0) > -60.0 + LEAST_RISE_DB);
        assert_eq!(limit(-79.0, -10.0), -10.0 - DEEPEST_DB);
    }
}
