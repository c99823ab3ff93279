//! What needs samples once more when the pitch is known: harmonics and perturbation.
//!
//! The path of pitch is sure a second before its end: what the next second brings hardly ever turns it. So of every two or
//! three seconds of sound those up to then are read while the sound is still held, cut where nothing is voiced, or in the
//! middle of a vowel that does not end. A vowel cut in two loses the period at the cut, and nothing else.

use feature::Seconds;

use crate::{
    contour::{Contour, Grid},
    formant::{FORMANTS, ResonanceTrack},
    harmonic::Harmonics,
    period,
    perturbation::Perturbation,
    pitch::Track,
    recording::RATE,
};

/// Frames that are read at once at least: 2 s.
const PIECE: usize = 200;
/// Frames from which on the path of pitch may still turn: 1 s.
const UNSURE: usize = 100;
/// Frames before a piece from which on its path is looked for: the path forgets where it began.
const BEFORE: usize = 200;

/// Harmonics and perturbation of the frames whose pitch is settled.
pub(super) struct Settled {
    h1_h2: Vec<f32>,
    h1_a3: Vec<f32>,
    perturbation: Perturbation,
}

/// Samples that are held, and the place of the first of them in the sound.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) samples: &'a [f32],
    pub(super) start: usize,
}

impl Settled {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { h1_h2: Vec::new(), h1_a3: Vec::new(), perturbation: Perturbation::new() }
    }

    /// Frames that were read.
    pub(super) fn len(&self) -> usize {
        self.h1_h2.len()
    }

    /// Reads the frames whose pitch is sure, once there are enough of them.
    pub(super) fn read(
        &mut self,
        held: Held<'_>,
        track: &mut Track,
        resonances: &ResonanceTrack,
        loudest: f64,
    ) {
        let sure = track.len().saturating_sub(UNSURE).min(resonances.len());
        if sure < self.len() + PIECE {
            return;
        }
        let f0 = self.pitch(track, loudest);
        let sure = sure - self.len();
        self.piece(held, &f0[..cut(&f0[..sure])], resonances);
    }

    /// Reads the rest, now that nothing more comes.
    pub(super) fn end(
        &mut self,
        held: Held<'_>,
        track: &mut Track,
        resonances: &ResonanceTrack,
        loudest: f64,
    ) {
        let f0 = self.pitch(track, loudest);
        self.piece(held, &f0, resonances);
    }

    /// The harmonics so far, undefined where `f0` is and at the frames to come.
    pub(super) fn harmonics(&self, f0: &Contour) -> Harmonics {
        let contour = |values: &[f32]| {
            let value = |frame: usize| f0.get(frame).and_then(|_| values.get(frame).copied());
            Contour::new(f0.grid(), (0..f0.len()).map(|frame| value(frame).unwrap_or(f32::NAN)).collect())
        };
        Harmonics { h1_h2: contour(&self.h1_h2), h1_a3: contour(&self.h1_a3) }
    }

    /// The periods so far, without those that `f0` by now says are not voiced: what was loud enough beside all before it may
    /// be silent beside what came later.
    pub(super) fn perturbation(&self, f0: &Contour) -> Perturbation {
        self.perturbation.only(|seconds| f0.get(f0.frame_at(seconds)).is_some())
    }

    /// Pitch of the frames that were not read yet, NaN where nothing is voiced.
    fn pitch(&self, track: &mut Track, loudest: f64) -> Vec<f32> {
        let first = self.len().saturating_sub(BEFORE);
        track.since(first, loudest).split_off(self.len() - first)
    }

    /// Reads the next frames, whose pitch is `f0`.
    fn piece(&mut self, held: Held<'_>, f0: &[f32], resonances: &ResonanceTrack) {
        let default = Grid::default();
        let first = default.first.0 + self.len() as f64 * default.hop.0;
        let grid = Grid { first: Seconds(first - held.start as f64 / f64::from(RATE)), ..default };
        let f0 = Contour::new(grid, f0.to_vec());
        let formants: [Contour; FORMANTS] = resonances.frequencies(self.len(), &f0);
        let Harmonics { h1_h2, h1_a3 } = Harmonics::of(held.samples, &f0, &formants);
        let read = |contour: &Contour| {
            (0..f0.len()).map(|frame| contour.get(frame).unwrap_or(f32::NAN)).collect::<Vec<f32>>()
        };
        self.h1_h2.extend(read(&h1_h2));
        self.h1_a3.extend(read(&h1_a3));
        self.perturbation.add(held.samples, held.start, &period::marks(held.samples, &f0));
    }
}

/// Where frames of pitch are best cut: in the middle of the longest gap of the later half, else at the end.
fn cut(f0: &[f32]) -> usize {
    let (mut best, mut length) = (f0.len(), 0);
    let mut gap = 0;
    for (frame, hertz) in f0.iter().enumerate().skip(f0.len() / 2) {
        gap = if hertz.is_nan() { gap + 1 } else { 0 };
        if gap > length {
            (best, length) = (frame + 1 - gap / 2, gap);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitch_is_cut_in_the_longest_gap_of_the_later_half() {
        let (on, off) = (120.0, f32::NAN);
        assert_eq!(cut(&[off, off, off, on, on, off, on, off, off, on]), 8);
        assert_eq!(cut(&[off, on, on, on]), 4);
        assert_eq!(cut(&[]), 0);
    }
}
