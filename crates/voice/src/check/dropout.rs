//! Holes in the sound: samples lost between microphone and file.

use crate::{
    intensity::mean_square,
    recording::{RATE, Recording},
};

/// A sample below this is part of a hole.
const NOTHING: f32 = 1e-6;
/// Shortest hole, in samples: 5 ms. A voice does not stop dead for so long.
const SHORTEST: usize = RATE as usize / 200;
/// Samples before and after a hole that are looked at: 2 ms.
const BESIDE: usize = RATE as usize / 500;
/// Mean square beside a hole from which it is a hole and no pause: −45 dBFS.
const LOUD: f64 = 3.2e-5;

/// Number of stretches of digital silence that begin and end in the middle of sound.
pub(super) fn count(recording: &Recording) -> usize {
    let samples = recording.samples();
    let mut start = None;
    let mut holes = 0;
    for (place, sample) in samples.iter().enumerate() {
        match (sample.abs() < NOTHING, start) {
            (true, None) => start = Some(place),
            (false, Some(from)) => {
                holes += usize::from(is_hole(samples, from, place));
                start = None;
            }
            _ => {}
        }
    }
    holes
}

fn is_hole(samples: &[f32], from: usize, to: usize) -> bool {
    if to - from < SHORTEST || from < BESIDE || to + BESIDE > samples.len() {
        return false;
    }
    mean_square(&samples[from - BESIDE..from]) > LOUD && mean_square(&samples[to..to + BESIDE]) > LOUD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn a_hole_in_a_vowel_is_counted_and_a_pause_is_not() {
        let mut vowel = synth::vowel(120.0, &synth::A, 0.3, 1.0);
        assert_eq!(count(&Recording::from_samples(vowel.clone())), 0);
        vowel[5000..5200].fill(0.0);
        vowel[9000..9400].fill(0.0);
        assert_eq!(count(&Recording::from_samples(vowel)), 2);
        let (bursts, _) = synth::bursts(&[(0.5, 0.3), (0.5, 0.3)], 0.0);
        assert_eq!(count(&Recording::from_samples(bursts)), 0);
    }
}
