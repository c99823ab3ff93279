//! The best division of speech among two voices, and how far they are apart.
//!
//! Two means (Lloyd 1982) of pieces of speech, where a change from one voice to the other has a price: people speak in
//! turns, but vowels change from second to second, and without a price the two means of one voice are two vowels. Each
//! step is a Viterbi path; many pairs of pieces far apart are tried as beginnings, and the division that explains most is
//! kept.

use crate::speaker::space::{Piece, Point, dot, less, squared};

/// Price of a change of voice, in squared distance times frames: as much as a second of speech at distance 1.
const CHANGE: f64 = 50.0;
/// Pieces, far from each other, that pairs of beginnings are drawn from.
const SEEDS: usize = 12;
/// Most steps; few take more than four.
const STEPS: usize = 10;

/// Pieces given to two voices.
#[derive(Debug, Clone)]
pub(super) struct Split {
    /// Whether each piece is of the second voice, `[pieces]`.
    pub(super) second: Vec<bool>,
    /// Means of the two voices.
    pub(super) means: [Point; 2],
    /// Sum of squares explained, less the price of the changes.
    gain: f64,
}

impl Split {
    /// The best division of `pieces`; `None` where no division into two explains anything.
    pub(super) fn best(pieces: &[Piece]) -> Option<Self> {
        let seeds = seeds(pieces);
        let pairs = (0..seeds.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
        pairs
            .filter_map(|(a, b)| Self::from(pieces, [pieces[seeds[a]].mean, pieces[seeds[b]].mean]))
            .reduce(|best, other| if other.gain > best.gain { other } else { best })
    }

    /// The division of `pieces` that two `means` begin and steps of Lloyd improve.
    pub(super) fn from(pieces: &[Piece], mut means: [Point; 2]) -> Option<Self> {
        let mut second = Vec::new();
        for _ in 0..STEPS {
            let path = cheapest(pieces, &means);
            if path == second {
                break;
            }
            second = path;
            means = [mean(pieces, &second, false)?.0, mean(pieces, &second, true)?.0];
        }
        let [n, m] = [mean(pieces, &second, false)?.1, mean(pieces, &second, true)?.1];
        let changes = second.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64;
        let gain = n * m / (n + m) * squared(&means[0], &means[1]) - changes * CHANGE;
        Some(Self { second, means, gain })
    }

    /// Distance of the two voices, in standard deviations of what one voice says.
    pub(super) fn distance(&self) -> f64 {
        squared(&self.means[0], &self.means[1]).sqrt()
    }

    /// Distance of the two voices, in standard deviations of the pieces of each along the line between them: two means
    /// of a single cloud have 2.65 (a normal distribution cut in the middle), and chance little more.
    pub(super) fn clearness(&self, pieces: &[Piece]) -> f64 {
        let line = less(&self.means[1], &self.means[0]);
        let off = |(piece, second): (&Piece, &bool)| {
            (dot(&less(&piece.mean, &self.means[usize::from(*second)]), &line)).powi(2)
        };
        let squares: f64 = pieces.iter().zip(&self.second).map(off).sum();
        let freedom = (pieces.len() as f64 - 2.0).max(1.0);
        dot(&line, &line) / (squares / freedom).sqrt().max(1e-9)
    }
}

/// Pieces as far from each other as can be: each the farthest from those before (Gonzalez 1985).
fn seeds(pieces: &[Piece]) -> Vec<usize> {
    let mut nearest = vec![f64::MAX; pieces.len()];
    let mut seeds = Vec::new();
    while seeds.len() < SEEDS.min(pieces.len()) {
        let far = (0..pieces.len()).max_by(|a, b| nearest[*a].total_cmp(&nearest[*b]).then(b.cmp(a)));
        let Some(seed) = far else { break };
        for (near, piece) in nearest.iter_mut().zip(pieces) {
            *near = near.min(squared(&piece.mean, &pieces[seed].mean));
        }
        seeds.push(seed);
    }
    seeds
}

/// Mean of the pieces of one voice, and their points; `None` where it has none.
fn mean(pieces: &[Piece], second: &[bool], which: bool) -> Option<(Point, f64)> {
    let own = || pieces.iter().zip(second).filter(|it| *it.1 == which).map(|it| it.0);
    let count: f64 = own().map(|piece| piece.count).sum();
    let sum = |k: usize| own().map(|piece| piece.mean[k] * piece.count).sum::<f64>();
    (count > 0.0).then(|| (std::array::from_fn(|k| sum(k) / count), count))
}

/// Whether each piece is of the second voice, on the cheapest path: squared distances, and the price of changes.
fn cheapest(pieces: &[Piece], means: &[Point; 2]) -> Vec<bool> {
    let mut costs = [0.0f64; 2];
    let mut came_from: Vec<[usize; 2]> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let from = |voice: usize| if costs[voice] <= costs[1 - voice] + CHANGE { voice } else { 1 - voice };
        let step = [from(0), from(1)];
        let paid = |voice: usize| if step[voice] == voice { 0.0 } else { CHANGE };
        let cost = |voice: usize| {
            costs[step[voice]] + paid(voice) + piece.count * squared(&piece.mean, &means[voice])
        };
        costs = [cost(0), cost(1)];
        came_from.push(step);
    }
    let mut voice = usize::from(costs[1] < costs[0]);
    let mut path = vec![false; pieces.len()];
    for (second, step) in path.iter_mut().zip(&came_from).rev() {
        *second = voice == 1;
        voice = step[voice];
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{speaker::space::DIMENSIONS, synth};

    /// Pieces around two centres `apart` from each other along the first dimension, in turns of `turn`.
    fn pieces(apart: f64, turn: usize) -> Vec<Piece> {
        let draws = synth::noise(0.3, 1.0, 17);
        let place = |n: usize, k: usize| {
            let centre = if k == 0 && (n / turn) % 2 == 1 { apart } else { 0.0 };
            centre + f64::from(draws[n * DIMENSIONS + k])
        };
        (0..24).map(|n| Piece { mean: std::array::from_fn(|k| place(n, k)), count: 50.0 }).collect()
    }

    #[test]
    fn two_voices_in_turns_are_told_apart() {
        let pieces = pieces(2.0, 4);
        let split = Split::best(&pieces).unwrap();
        let turns: Vec<bool> = (0..24).map(|n| ((n / 4) % 2 == 1) == split.second[4]).collect();
        assert_eq!(split.second, turns);
        assert!((split.distance() - 2.0).abs() < 0.3 && split.clearness(&pieces) > 5.0, "{split:?}");
    }

    #[test]
    fn one_voice_is_not_clearly_two() {
        let pieces = pieces(0.0, 4);
        let clear = Split::best(&pieces).map_or(0.0, |split| split.clearness(&pieces));
        assert!(clear < 3.5, "{clear}");
    }

    #[test]
    fn no_pieces_have_no_division() {
        assert!(Split::best(&[]).is_none());
        assert!(Split::best(&pieces(1.0, 4)[..1]).is_none());
    }
}
