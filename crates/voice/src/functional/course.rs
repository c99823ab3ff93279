//! How a contour moves: its values, its rises and falls, its peaks.

use feature::percentile;

/// From one frame to the next, in seconds.
const HOP_S: f64 = 0.01;
/// Steps of the shortest part that has a slope: 30 ms.
const SHORTEST: usize = 3;
/// How far a peak stands out on both sides, as a share of the 95th percentile.
const STANDS_OUT: f64 = 0.1;

/// A contour's defined values, and the slopes of its parts in units a second.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) values: Vec<f64>,
    pub(super) rising: Vec<f64>,
    /// Negative.
    pub(super) falling: Vec<f64>,
}

impl Course {
    /// The course of a contour, one value a frame; no part crosses an undefined frame.
    pub(super) fn of(contour: &[Option<f64>]) -> Self {
        let mut course = Self { values: contour.iter().flatten().copied().collect(), ..Self::default() };
        for run in runs(contour) {
            course.take(&smoothed(&run));
        }
        course
    }

    /// Adds the slopes of one run without gaps.
    fn take(&mut self, values: &[f64]) {
        let mut start = 0;
        for end in 1..values.len() {
            let goes_on = end + 1 < values.len()
                && direction(values[end], values[end + 1]) == direction(values[start], values[start + 1]);
            if !goes_on {
                self.part(&values[start..=end]);
                start = end;
            }
        }
    }

    fn part(&mut self, values: &[f64]) {
        let steps = values.len() - 1;
        let slope = (values[steps] - values[0]) / (steps as f64 * HOP_S);
        match slope {
            _ if steps < SHORTEST => {}
            slope if slope > 0.0 => self.rising.push(slope),
            slope if slope < 0.0 => self.falling.push(slope),
            _ => {}
        }
    }
}

/// 1 up, −1 down, 0 level.
fn direction(from: f64, to: f64) -> i8 {
    i8::from(to > from) - i8::from(to < from)
}

/// Stretches without an undefined frame.
fn runs(contour: &[Option<f64>]) -> impl Iterator<Item = Vec<f64>> + '_ {
    contour.split(Option::is_none).map(|run| run.iter().flatten().copied().collect())
}

/// Running mean over three frames; the first and last keep their own value, so that a straight line stays one.
fn smoothed(values: &[f64]) -> Vec<f64> {
    let ends = |place: usize| place == 0 || place + 1 == values.len();
    let mean = |place: usize| values[place - 1..=place + 1].iter().sum::<f64>() / 3.0;
    (0..values.len()).map(|place| if ends(place) { values[place] } else { mean(place) }).collect()
}

/// Number of maxima that stand out on both sides by a tenth of the 95th percentile; undefined frames are lowest.
pub(super) fn peaks(contour: &[Option<f64>]) -> usize {
    let defined: Vec<f64> = contour.iter().flatten().copied().collect();
    let Some(loud) = percentile(&defined, 95.0) else { return 0 };
    let least = STANDS_OUT * loud;
    let low = f64::NEG_INFINITY;
    let joined = runs(contour).filter(|run| !run.is_empty()).flat_map(|run| {
        let mut run = smoothed(&run);
        run.push(low);
        run
    });
    let (mut count, mut top, mut bottom, mut rising) = (0, low, low, true);
    for value in joined {
        if rising {
            top = top.max(value);
            if value < top - least {
                (count, bottom, rising) = (count + 1, value, false);
            }
        } else {
            bottom = bottom.min(value);
            if value > bottom + least {
                (top, rising) = (value, true);
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Straight lines through corners, given as frame and value.
    fn lines(corners: &[(usize, f64)]) -> Vec<Option<f64>> {
        let between = |pair: &[(usize, f64)]| {
            let ((from, low), (to, high)) = (pair[0], pair[1]);
            (from..to).map(move |n| Some(low + (high - low) * (n - from) as f64 / (to - from) as f64))
        };
        let last = corners.last().map(|corner| Some(corner.1));
        corners.windows(2).flat_map(between).chain(last).collect()
    }

    #[test]
    fn straight_rises_and_falls_have_their_slopes() {
        let course = Course::of(&lines(&[(0, 1.0), (10, 2.0)]));
        assert!(course.rising.len() == 1 && (course.rising[0] - 10.0).abs() < 1e-9, "{course:?}");
        // Smoothing takes a third of a step off a corner; over twenty steps a slope loses next to nothing.
        let course = Course::of(&lines(&[(0, 0.0), (20, 4.0), (60, 0.0), (80, 2.0)]));
        assert_eq!((course.rising.len(), course.falling.len()), (2, 1), "{course:?}");
        assert!(
            (course.rising[0] - 20.0).abs() < 1.0 && (course.falling[0] + 10.0).abs() < 0.5,
            "{course:?}"
        );
    }

    #[test]
    fn a_gap_ends_a_part_and_short_parts_have_no_slope() {
        let (up, gap) = (lines(&[(0, 0.0), (10, 1.0)]), vec![None; 3]);
        let course = Course::of(&[up.clone(), gap, up].concat());
        assert_eq!((course.rising.len(), course.falling.len(), course.values.len()), (2, 0, 22));
        assert!(course.rising.iter().all(|slope| (slope - 10.0).abs() < 1e-9));
        let wiggle: Vec<Option<f64>> = (0..40).map(|n| Some(f64::from(n % 2))).collect();
        assert!(Course::of(&wiggle).rising.is_empty());
        let course = Course::of(&[Some(1.0); 9]);
        assert!(course.rising.is_empty() && course.falling.is_empty());
    }

    #[test]
    fn peaks_that_stand_out_are_counted() {
        let hill = [(0, 0.0), (10, 1.0), (20, 0.0), (30, 0.9), (40, 0.0)];
        assert_eq!(peaks(&lines(&hill)), 2);
        // A dent of 5 % of the height parts nothing; a gap does.
        assert_eq!(peaks(&lines(&[(0, 0.0), (10, 1.0), (20, 0.95), (30, 1.0), (40, 0.0)])), 1);
        assert_eq!(peaks(&[lines(&hill), vec![None], lines(&hill)].concat()), 4);
        assert_eq!((peaks(&[]), peaks(&[None; 5])), (0, 0));
    }
}
