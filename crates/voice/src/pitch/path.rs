//! The cheapest way through the candidates of all frames (Viterbi 1967; costs of Boersma 1993, equations 25 and 26).

use crate::pitch::{
    PitchSettings,
    candidate::{Candidate, MOST},
};

/// F0 of every frame, NaN where the path is unvoiced. Frame `f` has the candidates up to `ends[f]`.
///
/// The costs are meant for steps of 10 ms; other steps scale them, so that a path costs the same a second.
pub(super) fn cheapest(candidates: &[Candidate], ends: &[usize], settings: &PitchSettings) -> Vec<f32> {
    let costs = Costs::new(settings);
    let mut came_from = vec![0u8; candidates.len()];
    let mut scores = [0.0f32; MOST];
    let mut start = 0;
    let mut before: &[Candidate] = &[];
    for end in ends {
        let here = &candidates[start..*end];
        let mut next = [0.0f32; MOST];
        for (place, candidate) in here.iter().enumerate() {
            let (from, score) = best(before, &scores, candidate, &costs);
            came_from[start + place] = from as u8;
            next[place] = score + candidate.strength;
        }
        (scores, before, start) = (next, here, *end);
    }
    let last = (0..before.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
    walk_back(candidates, ends, &came_from, last)
}

struct Costs {
    octave_jump: f32,
    voicing: f32,
}

impl Costs {
    fn new(settings: &PitchSettings) -> Self {
        let scale = 0.01 / settings.grid.hop.0;
        Self {
            octave_jump: (settings.octave_jump_cost * scale) as f32,
            voicing: (settings.voiced_unvoiced_cost * scale) as f32,
        }
    }

    fn between(&self, a: &Candidate, b: &Candidate) -> f32 {
        match (a.is_voiced(), b.is_voiced()) {
            (true, true) => self.octave_jump * (a.octave - b.octave).abs(),
            (false, false) => 0.0,
            _ => self.voicing,
        }
    }
}

/// The best candidate of the frame before to come from, and the score of getting here.
fn best(before: &[Candidate], scores: &[f32; MOST], here: &Candidate, costs: &Costs) -> (usize, f32) {
    let score = |place: usize| scores[place] - costs.between(&before[place], here);
    let first = (0, if before.is_empty() { 0.0 } else { score(0) });
    (1..before.len())
        .map(|place| (place, score(place)))
        .fold(first, |best, other| if other.1 > best.1 { other } else { best })
}

fn walk_back(candidates: &[Candidate], ends: &[usize], came_from: &[u8], last: usize) -> Vec<f32> {
    let mut hertz = vec![f32::NAN; ends.len()];
    let mut place = last;
    for frame in (0..ends.len()).rev() {
        let start = if frame == 0 { 0 } else { ends[frame - 1] };
        hertz[frame] = candidates[start + place].hertz;
        place = usize::from(came_from[start + place]);
    }
    hertz
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voiced(hertz: f32, strength: f32) -> Candidate {
        Candidate { hertz, octave: hertz.log2(), strength }
    }

    const UNVOICED: Candidate = Candidate { hertz: f32::NAN, octave: 0.0, strength: 0.45 };

    #[test]
    fn one_strong_octave_error_is_smoothed_away() {
        let frame = |low: f32, high: f32| [UNVOICED, voiced(100.0, low), voiced(200.0, high)];
        let candidates = [frame(0.9, 0.7), frame(0.8, 0.9), frame(0.9, 0.7)].concat();
        let path = cheapest(&candidates, &[3, 6, 9], &PitchSettings::default());
        assert_eq!(path, [100.0, 100.0, 100.0]);
    }

    #[test]
    fn a_frame_without_voiced_candidates_is_unvoiced() {
        let candidates = [UNVOICED, voiced(120.0, 0.9), UNVOICED, UNVOICED, voiced(120.0, 0.9)];
        let path = cheapest(&candidates, &[2, 3, 5], &PitchSettings::default());
        assert_eq!((path[0], path[1].is_nan(), path[2]), (120.0, true, 120.0));
    }

    #[test]
    fn no_frames_give_no_path() {
        assert!(cheapest(&[], &[], &PitchSettings::default()).is_empty());
    }
}
