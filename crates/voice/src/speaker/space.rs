//! A space in which one voice, whatever it says, is a ball of radius 1: distances in it are distances between voices.
//!
//! Sounds of one voice differ by what is said. How much, and in which directions, the recording itself tells: the
//! covariance of its frames around the mean of the second they lie in, where one voice speaks almost always. Measured in
//! that covariance (Mahalanobis 1936), every direction of speech has standard deviation 1.

use crate::{
    colour::{COEFFICIENTS, Colour},
    contour::Contour,
};

/// Cepstral coefficients, and pitch in semitones.
pub(super) const DIMENSIONS: usize = COEFFICIENTS + 1;
pub(super) type Point = [f64; DIMENSIONS];
type Matrix = [Point; DIMENSIONS];

/// Share added to each variance, so that speech that never moves in a direction does not divide by nothing.
const RIDGE: f64 = 0.02;
/// Least variance of a direction: a hundredth of what speech has in any.
const LEAST: f64 = 1e-3;

/// The voiced frames in that space: where they are on the pitch contour, and their points, in order of time.
pub(super) struct Space {
    pub(super) frames: Vec<usize>,
    pub(super) points: Vec<Point>,
}

/// The mean of some neighbouring points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) mean: Point,
    pub(super) count: f64,
}

impl Space {
    /// The space of `colours` on the pitch contour `f0`, by the covariance within pieces of `piece` points.
    pub(super) fn new(colours: &[Colour], f0: &Contour, piece: usize) -> Self {
        let point = |colour: &Colour| {
            let pitch = f0.get(colour.frame).map_or(0.0, |hertz| 12.0 * f64::from(hertz).log2());
            std::array::from_fn(|k| colour.cepstrum.get(k).map_or(pitch, |value| f64::from(*value)))
        };
        let frames = colours.iter().map(|it| it.frame).collect();
        let mut space = Self { frames, points: colours.iter().map(point).collect() };
        let root = root(&space.within(piece));
        space.points.iter_mut().for_each(|point| *point = whitened(point, &root));
        space
    }

    /// Means of `size` neighbouring points each, the last of fewer.
    pub(super) fn pieces(&self, size: usize) -> Vec<Piece> {
        let piece = |points: &[Point]| Piece { mean: mean(points), count: points.len() as f64 };
        self.points.chunks(size).map(piece).collect()
    }

    /// Covariance of the points around the means of their pieces.
    fn within(&self, piece: usize) -> Matrix {
        let mut sums = [[0.0; DIMENSIONS]; DIMENSIONS];
        for points in self.points.chunks(piece) {
            let mean = mean(points);
            points.iter().for_each(|point| add_square(&mut sums, &less(point, &mean)));
        }
        let count = self.points.len().max(1) as f64;
        sums.iter_mut().flatten().for_each(|sum| *sum /= count);
        for (k, row) in sums.iter_mut().enumerate() {
            row[k] = row[k] * (1.0 + RIDGE) + LEAST;
        }
        sums
    }
}

/// Adds the outer product of a point with itself, below the diagonal and on it.
fn add_square(sums: &mut Matrix, point: &Point) {
    for (row, value) in point.iter().enumerate() {
        for (sum, other) in sums[row][..=row].iter_mut().zip(point) {
            *sum += value * other;
        }
    }
}

fn mean(points: &[Point]) -> Point {
    let mut sum = [0.0; DIMENSIONS];
    for point in points {
        sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
    }
    sum.map(|sum| sum / points.len().max(1) as f64)
}

/// One point less another.
pub(super) fn less(a: &Point, b: &Point) -> Point {
    std::array::from_fn(|k| a[k] - b[k])
}

/// Product of two points.
pub(super) fn dot(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Square of the distance between two points.
pub(super) fn squared(a: &Point, b: &Point) -> f64 {
    let apart = less(a, b);
    dot(&apart, &apart)
}

/// The lower triangle whose product with its transpose is the matrix (Cholesky).
fn root(matrix: &Matrix) -> Matrix {
    let mut root = [[0.0; DIMENSIONS]; DIMENSIONS];
    for row in 0..DIMENSIONS {
        for column in 0..row {
            let known: f64 = (0..column).map(|k| root[row][k] * root[column][k]).sum();
            root[row][column] = (matrix[row][column] - known) / root[column][column];
        }
        let known: f64 = root[row][..row].iter().map(|value| value * value).sum();
        root[row][row] = (matrix[row][row] - known).max(LEAST * LEAST).sqrt();
    }
    root
}

/// The point whose product with the triangle is `point`.
fn whitened(point: &Point, root: &Matrix) -> Point {
    let mut white = [0.0; DIMENSIONS];
    for row in 0..DIMENSIONS {
        let known: f64 = (0..row).map(|k| root[row][k] * white[k]).sum();
        white[row] = (point[row] - known) / root[row][row];
    }
    white
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contour::Grid, synth};

    fn colour(frame: usize, cepstrum: [f32; COEFFICIENTS]) -> Colour {
        Colour { frame, cepstrum, line: 0.5, line_hz: 500.0, high: 0.5 }
    }

    #[test]
    fn one_voice_has_spread_one_in_every_direction() {
        let draws = synth::noise(1.0, 2.0, 3);
        let cepstrum = |draws: &[f32]| std::array::from_fn(|k| draws[k] * (k + 1) as f32 + draws[0]);
        let colours: Vec<Colour> = draws
            .chunks_exact(COEFFICIENTS)
            .enumerate()
            .map(|(frame, draws)| colour(frame, cepstrum(draws)))
            .collect();
        let f0 = Contour::new(Grid::default(), draws.iter().map(|draw| 120.0 + 9.0 * draw).collect());
        let spread = Space::new(&colours, &f0, 50).within(50);
        for (row, values) in spread.iter().enumerate() {
            for (column, value) in values[..=row].iter().enumerate() {
                let want = if row == column { 1.0 } else { 0.0 };
                assert!((value - want).abs() < 0.03, "{row} {column}: {value}");
            }
        }
    }

    #[test]
    fn a_sound_that_never_changes_divides_by_nothing() {
        let colours = vec![colour(0, [1.0; COEFFICIENTS]); 60];
        let space = Space::new(&colours, &Contour::new(Grid::default(), vec![120.0]), 50);
        assert!(space.points.iter().flatten().all(|value| value.is_finite()));
        assert_eq!(space.pieces(50).len(), 2);
    }
}
