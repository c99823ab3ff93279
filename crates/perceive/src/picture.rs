//! Strokes as a picture that a network can see: where the ink is, which way the pen went, and in which order.

use ink::{Place, Stroke};

/// Pixels along a side of a picture, as in the pictures of digits that are usual (LeCun et al. 1998, MNIST).
pub const SIDE: usize = 28;

/// Values of a pixel: ink, rightward, downward, order.
pub const CHANNELS: usize = 4;

/// Pixels along the longer side of the box that the ink is fitted into, as in MNIST; the rest is margin.
const BOX: f64 = 20.0;

/// Half the width of the drawn line in pixels; one more pixel fades out.
const HALF_WIDTH: f64 = 0.7;

/// Ink that is deeper by less than this is no deeper: rounding must not decide which of two segments a corner belongs to.
const ROUNDING: f64 = 1e-6;

/// A picture of strokes, `[CHANNELS, SIDE, SIDE]`, by planes.
///
/// 1. *ink*, 0 to 1;
/// 2. and 3. the direction of the pen, to the right and down, each −1 to 1, times the ink;
/// 4. *order*: the share of the line that was drawn before this place, 0 to 1, times the ink.
///
/// Direction and order are of length, not of time: they are the same however often a device reports the pen. The same points
/// give the same bits on every processor: nothing but sums, products, quotients and square roots is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Plane after plane, row after row.
    pub values: Vec<f32>,
}

impl Picture {
    /// A picture of the ink of these strokes, its bounding box centred and its longer side 20 pixels; none where there is
    /// no ink, or only one point of it. Strokes in the air are not drawn.
    pub fn of<'a>(strokes: impl IntoIterator<Item = &'a Stroke>) -> Option<Picture> {
        let paper = strokes.into_iter().filter(|stroke| stroke.place == Place::Paper);
        let lines: Vec<Vec<[f64; 2]>> =
            paper.map(|stroke| stroke.points.iter().map(|point| [point.x, point.y]).collect()).collect();
        let frame = Frame::around(&lines)?;
        let segments = segments(&lines, &frame);
        let length: f64 = segments.iter().map(Segment::length).sum();
        let mut canvas = Canvas::default();
        let mut before = 0.0;
        for segment in &segments {
            canvas.draw(segment, (before / length, segment.length() / length));
            before += segment.length();
        }
        Some(Picture { values: canvas.values })
    }
}

/// From the strokes' unit to pixels.
struct Frame {
    middle: [f64; 2],
    scale: f64,
}

impl Frame {
    fn around(lines: &[Vec<[f64; 2]>]) -> Option<Frame> {
        let points = || lines.iter().flatten();
        let least = |axis: usize| points().map(|it| it[axis]).fold(f64::INFINITY, f64::min);
        let most = |axis: usize| points().map(|it| it[axis]).fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = ([least(0), least(1)], [most(0), most(1)]);
        let extent = (high[0] - low[0]).max(high[1] - low[1]);
        let middle = [f64::midpoint(low[0], high[0]), f64::midpoint(low[1], high[1])];
        (extent > 0.0 && extent.is_finite()).then(|| Frame { middle, scale: BOX / extent })
    }

    /// The middle of a pixel has whole coordinates.
    fn pixel(&self, point: [f64; 2]) -> [f64; 2] {
        let half = (SIDE - 1) as f64 / 2.0;
        [0, 1].map(|axis| (point[axis] - self.middle[axis]) * self.scale + half)
    }
}

/// A straight piece of a line, in pixels; a dot has no length.
struct Segment {
    from: [f64; 2],
    to: [f64; 2],
}

fn segments(lines: &[Vec<[f64; 2]>], frame: &Frame) -> Vec<Segment> {
    let of_line = |line: &Vec<[f64; 2]>| -> Vec<Segment> {
        match line[..] {
            [only] => vec![Segment { from: frame.pixel(only), to: frame.pixel(only) }],
            _ => line
                .windows(2)
                .map(|pair| Segment { from: frame.pixel(pair[0]), to: frame.pixel(pair[1]) })
                .collect(),
        }
    };
    lines.iter().flat_map(of_line).collect()
}

impl Segment {
    fn along(&self) -> [f64; 2] {
        [self.to[0] - self.from[0], self.to[1] - self.from[1]]
    }

    fn length(&self) -> f64 {
        let [x, y] = self.along();
        (x * x + y * y).sqrt()
    }

    /// Distance of a pixel, and how far along the segment the nearest place is, 0 to 1.
    fn nearest(&self, [x, y]: [f64; 2]) -> (f64, f64) {
        let [dx, dy] = self.along();
        let (px, py, square) = (x - self.from[0], y - self.from[1], dx * dx + dy * dy);
        let share = if square > 0.0 { ((px * dx + py * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
        let (rx, ry) = (px - share * dx, py - share * dy);
        ((rx * rx + ry * ry).sqrt(), share)
    }
}

struct Canvas {
    values: Vec<f32>,
}

impl Default for Canvas {
    fn default() -> Self {
        Canvas { values: vec![0.0; CHANNELS * SIDE * SIDE] }
    }
}

impl Canvas {
    /// Draws a segment that begins at a share of the whole line and is a share of it. Where it crosses earlier ink, what is
    /// nearer stays, and of equals the earlier.
    fn draw(&mut self, segment: &Segment, (begins, share): (f64, f64)) {
        let (length, [dx, dy]) = (segment.length(), segment.along());
        let direction = if length > 0.0 { [dx / length, dy / length] } else { [0.0; 2] };
        for row in reached(segment.from[1], segment.to[1]) {
            for column in reached(segment.from[0], segment.to[0]) {
                let (distance, along) = segment.nearest([column as f64, row as f64]);
                let ink = (HALF_WIDTH + 1.0 - distance).clamp(0.0, 1.0);
                let at = row * SIDE + column;
                if ink > f64::from(self.values[at]) + ROUNDING {
                    let order = begins + along * share;
                    let pixel = [ink, ink * direction[0], ink * direction[1], ink * order];
                    for (plane, value) in pixel.into_iter().enumerate() {
                        self.values[plane * SIDE * SIDE + at] = value as f32;
                    }
                }
            }
        }
    }
}

/// Pixels along an axis that a segment between two places can reach.
fn reached(a: f64, b: f64) -> std::ops::Range<usize> {
    let reach = HALF_WIDTH + 1.0;
    let first = (a.min(b) - reach).ceil().max(0.0) as usize;
    let last = (a.max(b) + reach).floor().min((SIDE - 1) as f64);
    first..(last + 1.0).max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use ink::Point;

    fn stroke(points: &[[f64; 2]]) -> Stroke {
        let point =
            |(t, &[x, y]): (usize, &[f64; 2])| Point { t_s: t as f64 * 0.01, x, y, ..Point::default() };
        Stroke { place: Place::Paper, points: points.iter().enumerate().map(point).collect() }
    }

    fn at(picture: &Picture, plane: usize, row: usize, column: usize) -> f32 {
        picture.values[(plane * SIDE + row) * SIDE + column]
    }

    #[test]
    fn a_line_to_the_right_is_ink_with_its_direction_and_order() {
        let picture = Picture::of(&[stroke(&[[0.0, 0.0], [10.0, 0.0]])]).unwrap();
        assert_eq!([0, 1, 2].map(|plane| at(&picture, plane, 13, 14)), [1.0, 1.0, 0.0]);
        assert!((at(&picture, 3, 13, 14) - 0.525).abs() < 1e-6, "{}", at(&picture, 3, 13, 14));
        assert_eq!(at(&picture, 0, 13, 1), 0.0);
        assert_eq!(at(&picture, 0, 5, 14), 0.0);
    }

    #[test]
    fn moved_scaled_and_sampled_otherwise_it_is_the_same_picture() {
        let plain = Picture::of(&[stroke(&[[0.0, 0.0], [4.0, 8.0], [8.0, 0.0]])]).unwrap();
        let moved = Picture::of(&[stroke(&[[100.0, 50.0], [102.0, 54.0], [104.0, 50.0]])]).unwrap();
        let dense =
            Picture::of(&[stroke(&[[0.0, 0.0], [2.0, 4.0], [4.0, 8.0], [6.0, 4.0], [8.0, 0.0]])]).unwrap();
        assert_eq!(plain, moved);
        let apart = plain.values.iter().zip(&dense.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-6, "{apart}");
    }

    #[test]
    fn a_line_drawn_the_other_way_is_another_picture_of_the_same_ink() {
        let (there, back) = ([[0.0, 0.0], [3.0, 9.0]], [[3.0, 9.0], [0.0, 0.0]]);
        let (there, back) = (Picture::of(&[stroke(&there)]).unwrap(), Picture::of(&[stroke(&back)]).unwrap());
        let apart = |plane: usize| {
            let of = plane * SIDE * SIDE..(plane + 1) * SIDE * SIDE;
            there.values[of.clone()]
                .iter()
                .zip(&back.values[of])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max)
        };
        assert!(apart(0) < 1e-6 && apart(1) > 0.3 && apart(2) > 1.0 && apart(3) > 0.5);
    }

    #[test]
    fn air_and_a_single_point_are_no_picture() {
        let air = Stroke { place: Place::Air, ..stroke(&[[0.0, 0.0], [1.0, 1.0]]) };
        assert!(Picture::of(&[air]).is_none());
        assert!(Picture::of(&[stroke(&[[3.0, 4.0]])]).is_none());
        assert!(Picture::of(&[]).is_none());
    }

    #[test]
    fn every_value_lies_within_its_bounds() {
        let scribble = stroke(&[[0.0, 0.0], [5.0, 1.0], [0.3, 7.0], [9.0, 9.0], [2.0, 2.0], [2.0, 2.0]]);
        let picture = Picture::of(&[scribble, stroke(&[[1.0, 8.0]])]).unwrap();
        let (planes, []) = picture.values.as_chunks::<{ SIDE * SIDE }>() else { panic!("whole planes") };
        assert!(planes[0].iter().chain(&planes[3]).all(|it| (0.0..=1.0).contains(it)));
        assert!(planes[1].iter().chain(&planes[2]).all(|it| (-1.0..=1.0).contains(it)));
    }
}
