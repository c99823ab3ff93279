//! A clock face with hands, drawn by a synthetic hand, with planted faults.

use std::f64::consts::{PI, TAU};

use super::{Chance, Hand, Pace, Path, Pen, numeral};
use crate::Drawing;

/// What to draw, and what to get wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// The time to show: hour 1–12.
    pub hour: u32,
    /// The time to show: minute 0–59.
    pub minute: u32,
    /// Radius of the face, millimetres.
    pub radius_mm: f64,
    /// Numerals that are left out.
    pub missing: Vec<u32>,
    /// Whether the hands are drawn.
    pub hands: bool,
    /// How many times slower than usual the pen moves on paper.
    pub slowness: f64,
    /// Seconds in the air before each part; single numerals take a third of it, the hands four times.
    pub hesitation_s: f64,
    /// Seconds from the task to the first touch.
    pub latency_s: f64,
}

impl Clock {
    /// A clock without faults.
    pub fn at(hour: u32, minute: u32) -> Self {
        Self {
            hour,
            minute,
            radius_mm: 45.0,
            missing: Vec::new(),
            hands: true,
            slowness: 1.0,
            hesitation_s: 0.6,
            latency_s: 1.0,
        }
    }
}

/// A little left and above the middle of the tablet, as hands have it.
const MIDDLE: [f64; 2] = [104.0, 66.0];
/// Height of numerals and their distance from the middle, as shares of the radius.
const NUMERAL: f64 = 0.19;
/// Distance of numerals from the middle, as a share of the radius.
const NUMERAL_RADIUS: f64 = 0.81;
/// Usual speeds on paper, millimetres a second.
const FACE_SPEED: f64 = 75.0;
/// Numerals are small: slower.
const NUMERAL_SPEED: f64 = 26.0;
/// Straight lines: faster than numerals.
const HAND_SPEED: f64 = 45.0;

/// The clock as `pen` draws it: face, numerals from 12 round to 11, minute hand, hour hand.
///
/// A `pen` that does not wander draws everything in its exact place.
pub fn clock(clock: &Clock, pen: &Pen) -> Drawing {
    let mut sketch =
        Sketch { clock, hand: Hand::new(pen), chance: Chance(pen.seed ^ 0xC10C), sloppy: pen.wander_mm };
    sketch.hand.latency_s = Some(clock.latency_s);
    sketch.face();
    for hour in std::iter::once(12).chain(1..12) {
        if !clock.missing.contains(&hour) {
            sketch.numeral(hour);
        }
    }
    if clock.hands {
        sketch.hands();
    }
    sketch.hand.finish()
}

/// A clock being drawn.
struct Sketch<'a> {
    clock: &'a Clock,
    hand: Hand<'a>,
    chance: Chance,
    /// Millimetres by which parts miss their place, about five times the wandering.
    sloppy: f64,
}

/// The point at a clockwise angle from 12 and a distance from the middle.
fn polar(angle: f64, radius: f64) -> [f64; 2] {
    [MIDDLE[0] + radius * angle.sin(), MIDDLE[1] - radius * angle.cos()]
}

impl Sketch<'_> {
    /// Within `share` of the sloppiness, either way.
    fn off(&mut self, share: f64) -> f64 {
        self.sloppy * share * self.chance.next()
    }

    /// Waits and travels, then draws one path at a speed; at least 80 ms, the shortest a hand can.
    fn stroke(&mut self, path: &Path, wait_s: f64, speed: f64, pace: Pace) {
        self.hand.travel(path.start(), wait_s);
        let seconds = (path.length() / speed * self.clock.slowness).max(0.08);
        self.hand.draw(path, seconds, pace);
    }

    /// An oval that leans a little and does not quite meet its beginning.
    fn face(&mut self) {
        let radius = self.clock.radius_mm;
        let (start, flat) = (-0.2 + self.off(0.5), 1.0 - 0.1 * self.sloppy);
        let (lean, over) = (self.off(0.2), 0.02 + 0.5 * self.sloppy.min(0.3));
        // Anticlockwise from just left of the top, as most right-handed people do; it closes a little outside.
        let at = |share: f64| {
            let angle = start - (TAU + over) * share;
            let wide = radius * (1.0 + lean * (2.0 * angle).sin() + 0.12 * self.sloppy * share);
            let [x, y] = polar(angle, wide);
            [x, MIDDLE[1] + (y - MIDDLE[1]) * flat]
        };
        let path = Path::curve(at, 2000);
        self.stroke(&path, 0.0, FACE_SPEED, Pace::Ramp);
    }

    /// One hour in its place, both digits.
    fn numeral(&mut self, hour: u32) {
        let height = self.clock.radius_mm * NUMERAL * (1.0 + self.off(0.5));
        let angle = TAU * f64::from(hour) / 12.0 + self.off(0.15);
        let [x, y] = polar(angle, self.clock.radius_mm * NUMERAL_RADIUS + self.off(4.0));
        let digits: Vec<u32> = if hour < 10 { vec![hour] } else { vec![hour / 10, hour % 10] };
        let pitch = (numeral::WIDTH + 0.12) * height;
        let left = x - (pitch * digits.len() as f64 - 0.12 * height) / 2.0;
        for (place, digit) in digits.iter().enumerate() {
            let corner = [left + pitch * place as f64, y - height / 2.0 + self.off(2.0)];
            self.digit(*digit, corner, height, place == 0);
        }
    }

    /// One digit in its box, slanted and turned a little. The first stroke waits for thought, the others for
    /// the hand.
    fn digit(&mut self, digit: u32, corner: [f64; 2], height: f64, first: bool) {
        let (slant, turn) = (0.06 + self.off(0.2), self.off(0.3));
        for (place, knots) in numeral::strokes(digit).iter().enumerate() {
            let put = |[x, y]: &[f64; 2]| {
                let x = x + slant * (0.5 - y);
                let (x, y) = (x + turn * (y - 0.5), y - turn * (x - 0.3));
                [corner[0] + height * x, corner[1] + height * y]
            };
            let knots: Vec<[f64; 2]> = knots.iter().map(put).collect();
            let wait_s = match (first, place) {
                (true, 0) => self.clock.hesitation_s * (1.0 + 0.5 * self.chance.next()),
                _ => 0.15 + self.clock.hesitation_s / 3.0,
            };
            self.stroke(&Path::through(&knots), wait_s, NUMERAL_SPEED, Pace::MinimumJerk);
        }
    }

    /// Minute hand first, after the longest thought, then the hour hand.
    fn hands(&mut self) {
        let hours = f64::from(self.clock.hour % 12) + f64::from(self.clock.minute) / 60.0;
        let minute = TAU * f64::from(self.clock.minute) / 60.0;
        self.one_hand(minute, 0.62, 4.0 * self.clock.hesitation_s);
        self.one_hand(TAU * hours / 12.0, 0.42, 2.0 * self.clock.hesitation_s);
    }

    /// A hand from the middle outwards, then its arrow head in one stroke.
    fn one_hand(&mut self, angle: f64, share: f64, wait_s: f64) {
        let (angle, length) = (angle + self.off(0.12), self.clock.radius_mm * share);
        let from = [MIDDLE[0] + self.off(4.0), MIDDLE[1] + self.off(4.0)];
        let tip = polar(angle, length);
        let bend = self.off(3.0);
        let half = polar(angle, length / 2.0);
        let half = [half[0] + bend, half[1] + bend];
        self.stroke(&Path::through(&[from, half, tip]), wait_s, HAND_SPEED, Pace::MinimumJerk);
        let barb = |side: f64| {
            let back = angle + PI + side * 0.5;
            [tip[0] + 5.5 * back.sin(), tip[1] - 5.5 * back.cos()]
        };
        let wait_s = 0.2 + self.clock.hesitation_s / 3.0;
        self.stroke(
            &Path::through(&[barb(1.0), tip, tip, barb(-1.0)]),
            wait_s,
            NUMERAL_SPEED,
            Pace::MinimumJerk,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stroke;

    fn paper(what: &Clock, pen: &Pen) -> Vec<Stroke> {
        clock(what, pen).paper().cloned().collect()
    }

    /// Clockwise angle from 12 of the last point of a stroke, degrees.
    fn points_at(stroke: &Stroke) -> f64 {
        let tip = stroke.points.last().unwrap();
        (tip.x - MIDDLE[0]).atan2(MIDDLE[1] - tip.y).to_degrees().rem_euclid(360.0)
    }

    #[test]
    fn the_hands_of_a_steady_clock_point_at_its_time() {
        for (hour, minute, hour_deg, minute_deg) in
            [(11, 5, 332.5, 30.0), (11, 10, 335.0, 60.0), (12, 45, 22.5, 270.0)]
        {
            let strokes = paper(&Clock::at(hour, minute), &Pen::steady());
            let [.., long, _, short, _] = &strokes[..] else { panic!("four strokes of hands") };
            assert!((points_at(long) - minute_deg).abs() < 0.01, "{}", points_at(long));
            assert!((points_at(short) - hour_deg).abs() < 0.01, "{}", points_at(short));
        }
    }

    #[test]
    fn what_is_left_out_is_not_drawn() {
        let steady = Pen::steady();
        let whole = paper(&Clock::at(11, 5), &steady).len();
        // A face, 15 digits of which two have a second stroke, and two hands with arrow heads.
        assert_eq!(whole, 1 + 15 + 2 + 4);
        assert_eq!(paper(&Clock { missing: vec![4, 12], ..Clock::at(11, 5) }, &steady).len(), whole - 4);
        assert_eq!(paper(&Clock { hands: false, ..Clock::at(11, 5) }, &steady).len(), whole - 4);
    }

    #[test]
    fn the_face_has_its_radius_and_every_numeral_lies_inside() {
        let strokes = paper(&Clock::at(11, 5), &Pen::steady());
        let radius = |stroke: &Stroke| {
            stroke.points.iter().map(|it| (it.x - MIDDLE[0]).hypot(it.y - MIDDLE[1])).fold(0.0, f64::max)
        };
        assert!((radius(&strokes[0]) - 45.0).abs() < 0.01);
        assert!(strokes[1..].iter().all(|stroke| radius(stroke) < 44.0));
    }

    #[test]
    fn a_tablet_that_does_not_see_the_lifted_pen_gives_the_same_ink() {
        let blind = Pen { pen_up_reported: false, ..Pen::natural(3) };
        let seen = clock(&Clock::at(11, 5), &Pen::natural(3));
        let unseen = clock(&Clock::at(11, 5), &blind);
        assert!(seen.paper().eq(unseen.paper()) && unseen.strokes().len() < seen.strokes().len());
    }
}
