//! Where there is sound: level above an adaptive floor.
//!
//! The level of each block of 5 ms is compared with a limit between the floor and the speech of the recording. The floor
//! is the 5th percentile of level in the ten seconds around, so that a fan that starts midway raises it; speech is the
//! 90th percentile of what stands out from the floor anywhere. The limit lies a fifth of the way up, but at least 6 dB
//! above the floor (noise of 5 ms blocks varies by less than 1 dB) and at most 35 dB below speech, where little but
//! ringing and reverberation is left.

use std::f64::consts::PI;

use feature::percentile;

use crate::{activity::Interval, recording::RATE};

/// Samples of a block: 5 ms, the resolution of every edge.
const BLOCK: usize = 80;
/// Blocks a second.
const BLOCKS_A_SECOND: usize = RATE as usize / BLOCK;
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

/// Stretches of sound, in order.
pub(super) fn sound(samples: &[f32]) -> Vec<Interval> {
    let levels = levels(samples);
    let limits = limits(&levels);
    let loud: Vec<bool> = levels.iter().zip(&limits).map(|(level, limit)| level > limit).collect();
    runs(&loud).into_iter().map(|(from, to)| Interval::new(seconds(from), seconds(to))).collect()
}

/// When a block begins.
fn seconds(block: usize) -> f64 {
    block as f64 / BLOCKS_A_SECOND as f64
}

/// Level of each block in dB re full scale.
fn levels(samples: &[f32]) -> Vec<f64> {
    let pole = (-2.0 * PI * HIGH_PASS_HZ / f64::from(RATE)).exp() as f32;
    let (mut slow, mut powers) = (samples.first().copied().unwrap_or(0.0), Vec::new());
    for block in samples.chunks(BLOCK) {
        let mut sum = 0.0;
        for sample in block {
            slow = sample + pole * (slow - sample);
            sum += (sample - slow) * (sample - slow);
        }
        powers.push(f64::from(sum) / block.len() as f64);
    }
    powers.iter().map(|power| 10.0 * (power + 1e-12).log10()).collect()
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

    #[test]
    fn short_silences_are_bridged_and_clicks_are_dropped() {
        let mut loud = vec![false; 100];
        loud[10..30].fill(true);
        loud[33..50].fill(true);
        loud[70..73].fill(true);
        assert_eq!(runs(&loud), [(10, 50)]);
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
