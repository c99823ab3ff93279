//! A line on the sheet, read by the share of its length.

/// A polyline with its length up to each point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    points: Vec<[f64; 2]>,
    lengths: Vec<f64>,
}

impl Path {
    /// `curve` from 0 to 1 in `pieces` straight pieces.
    pub(super) fn curve(curve: impl Fn(f64) -> [f64; 2], pieces: usize) -> Self {
        Self::polyline((0..=pieces).map(|n| curve(n as f64 / pieces as f64)).collect())
    }

    /// A smooth line through `knots` (Catmull & Rom 1974). A knot given twice is a corner.
    pub(super) fn through(knots: &[[f64; 2]]) -> Self {
        /// Straight pieces between two knots: fine enough for 0.01 mm in a numeral.
        const PIECES: usize = 24;
        let knot = |n: isize| knots[n.clamp(0, knots.len() as isize - 1) as usize];
        let mut points = vec![knot(0)];
        for n in 0..knots.len().saturating_sub(1) as isize {
            let four = [knot(n - 1), knot(n), knot(n + 1), knot(n + 2)];
            points.extend((1..=PIECES).map(|piece| catmull_rom(four, piece as f64 / PIECES as f64)));
        }
        Self::polyline(points)
    }

    /// Sums the lengths once, so that reading is a search.
    fn polyline(points: Vec<[f64; 2]>) -> Self {
        let mut lengths = vec![0.0];
        for pair in points.windows(2) {
            let step = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
            lengths.push(lengths[lengths.len() - 1] + step);
        }
        Self { points, lengths }
    }

    /// Length of the whole line.
    pub(super) fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// The first point.
    pub(super) fn start(&self) -> [f64; 2] {
        self.points[0]
    }

    /// The point after `share` of the length.
    pub(super) fn at(&self, share: f64) -> [f64; 2] {
        let wanted = self.length() * share.clamp(0.0, 1.0);
        let after =
            self.lengths.partition_point(|length| *length < wanted).clamp(1, self.points.len().max(2) - 1);
        let Some(next) = self.points.get(after) else { return self.points[0] };
        let before = self.points[after - 1];
        let step = self.lengths[after] - self.lengths[after - 1];
        let part = if step > 0.0 { (wanted - self.lengths[after - 1]) / step } else { 0.0 };
        [before[0] + (next[0] - before[0]) * part, before[1] + (next[1] - before[1]) * part]
    }
}

/// The cubic between the middle two of four knots, in Hermite form.
fn catmull_rom([a, b, c, d]: [[f64; 2]; 4], t: f64) -> [f64; 2] {
    let axis = |n: usize| {
        let (slope_b, slope_c) = ((c[n] - a[n]) / 2.0, (d[n] - b[n]) / 2.0);
        let (square, cube) = (t * t, t * t * t);
        b[n] * (2.0 * cube - 3.0 * square + 1.0)
            + slope_b * (cube - 2.0 * square + t)
            + c[n] * (3.0 * square - 2.0 * cube)
            + slope_c * (cube - square)
    };
    [axis(0), axis(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_by_the_share_of_its_length() {
        let path = Path::polyline(vec![[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]]);
        assert_eq!((path.length(), path.start()), (4.0, [0.0, 0.0]));
        assert_eq!(
            (path.at(0.0), path.at(0.5), path.at(0.75), path.at(1.0)),
            ([0.0, 0.0], [2.0, 0.0], [3.0, 0.0], [3.0, 1.0])
        );
        assert_eq!(Path::polyline(vec![[7.0, 7.0]]).at(0.3), [7.0, 7.0]);
    }

    #[test]
    fn a_smooth_path_passes_through_its_knots_and_straight_ones_stay_straight() {
        let knots = [[0.0, 0.0], [1.0, 2.0], [4.0, 0.0]];
        let path = Path::through(&knots);
        for knot in knots {
            assert!(path.points.contains(&knot), "{knot:?}");
        }
        assert!((Path::through(&[[0.0, 0.0], [3.0, 4.0]]).length() - 5.0).abs() < 1e-9);
    }
}
