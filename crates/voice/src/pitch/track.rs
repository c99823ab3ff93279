//! Pitch along a sound that comes in pieces.
//!
//! The candidates of a frame need only its samples. What needs all of the sound is how loud its loudest moment is: it
//! decides how silent a frame is, and comes in when the path is looked for. So candidates are kept and samples are not.

use crate::{
    contour::{Contour, Grid},
    pitch::{
        PitchSettings,
        candidate::{Candidate, Finder},
        path,
    },
};

/// Share of the loudest so far against which a frame counts as silent for now: the mean that amplitudes are counted from
/// still moves.
const MARGIN: f64 = 0.9;

/// Candidates of the frames so far.
pub(crate) struct Track {
    settings: PitchSettings,
    finder: Finder,
    candidates: Vec<Candidate>,
    ends: Vec<usize>,
    /// Greatest amplitude of each frame, `[frames]`.
    peaks: Vec<f32>,
}

impl Track {
    /// A track of no frames yet. Its grid is the one all contours share.
    pub(crate) fn new(settings: &PitchSettings) -> Self {
        let settings = PitchSettings { grid: Grid::default(), ..*settings };
        let finder = Finder::new(&settings, 1.0);
        Self { settings, finder, candidates: Vec::new(), ends: Vec::new(), peaks: Vec::new() }
    }

    /// Takes the frame around sample `centre` of `samples`; `loudest` is the greatest amplitude so far.
    pub(crate) fn push(&mut self, samples: &[f32], centre: f64, loudest: f64) {
        self.finder.louder((MARGIN * loudest).max(f64::MIN_POSITIVE));
        self.peaks.push(self.finder.find(samples, centre, &mut self.candidates));
        self.ends.push(self.candidates.len());
    }

    /// Frames taken.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// F0 of the frames so far, where `loudest` is the greatest amplitude of the sound.
    pub(crate) fn contour(&mut self, loudest: f64) -> Contour {
        if loudest <= 0.0 {
            return Contour::new(self.settings.grid, vec![f32::NAN; self.len()]);
        }
        Contour::new(self.settings.grid, self.since(0, loudest))
    }

    /// F0 of the frames so far from frame `first` on, NaN where unvoiced, by the path that begins there.
    pub(crate) fn since(&mut self, first: usize, loudest: f64) -> Vec<f32> {
        let offset = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut start = offset;
        for (end, peak) in self.ends.iter().zip(&self.peaks).skip(first) {
            let unvoiced = self.settings.unvoiced(f64::from(*peak) / loudest);
            self.candidates[start] = Candidate::unvoiced(unvoiced);
            start = *end;
        }
        let ends: Vec<usize> = self.ends[first..].iter().map(|end| end - offset).collect();
        path::cheapest(&self.candidates[offset..], &ends, &self.settings)
    }
}
