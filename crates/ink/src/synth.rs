//! Synthetic drawings with known answers: lines, circles, spirals with a planted tremor, clocks with planted faults.
//!
//! A hand is modelled just far enough to test measures: it moves along a path with the timing of a minimum-jerk
//! movement (Flash & Hogan 1985, J Neurosci 5:1688–1703), wanders a little, may tremble, presses, and travels through
//! the air between strokes. Nothing here claims to be a patient.

mod clock;
mod numeral;
mod path;

use std::f64::consts::{PI, TAU};

use crate::{Capture, Drawing, Place, Point, Stroke};

pub use clock::{Clock, clock};
use path::Path;

/// The hand and its tablet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pen {
    /// Reports per second.
    pub rate_hz: f64,
    /// Whether movement in the air is reported.
    pub pen_up_reported: bool,
    /// Millimetres between neighbouring coordinates of the tablet; 0 for an ideal one.
    pub grid_mm: f64,
    /// Mean pressure, share of full scale.
    pub pressure: f64,
    /// How far the hand wanders off its path, millimetres.
    pub wander_mm: f64,
    /// Frequency of a planted tremor.
    pub tremor_hz: f64,
    /// Amplitude of the planted tremor along one diagonal, millimetres; 0 for none. It waxes and wanes if the hand wanders.
    pub tremor_mm: f64,
    /// Chooses among equally likely hands.
    pub seed: u64,
}

impl Pen {
    /// An ideal hand on an ideal 200 Hz tablet: follows its path exactly.
    pub fn steady() -> Self {
        Self {
            rate_hz: 200.0,
            pen_up_reported: true,
            grid_mm: 0.0,
            pressure: 0.5,
            wander_mm: 0.0,
            tremor_hz: 6.0,
            tremor_mm: 0.0,
            seed: 1,
        }
    }

    /// A hand that wanders by a fifth of a millimetre on a 0.01 mm tablet.
    pub fn natural(seed: u64) -> Self {
        Self { grid_mm: 0.01, wander_mm: 0.2, seed, ..Self::steady() }
    }
}

/// A circle of `radius_mm` drawn `turns` times at an even speed of `turns_hz` turns a second.
///
/// Closed form: speed 2πrf, acceleration (2πf)²r, jerk (2πf)³r.
pub fn circle(radius_mm: f64, turns_hz: f64, turns: f64, pen: &Pen) -> Drawing {
    let at = |share: f64| {
        let angle = TAU * turns * share;
        [60.0 + radius_mm * angle.cos(), 60.0 + radius_mm * angle.sin()]
    };
    let mut hand = Hand::new(pen);
    hand.draw(&Path::curve(at, 2000 * turns.ceil() as usize), turns / turns_hz, Pace::Even);
    hand.finish()
}

/// `count` straight lines of `length_mm` below each other, each drawn in `seconds`, with `gap_s` in the air between.
pub fn lines(length_mm: f64, seconds: f64, count: usize, gap_s: f64, pen: &Pen) -> Drawing {
    let mut hand = Hand::new(pen);
    for n in 0..count {
        let y = 20.0 + 10.0 * n as f64;
        hand.travel([20.0, y], if n == 0 { 0.0 } else { gap_s });
        hand.draw(&Path::through(&[[20.0, y], [20.0 + length_mm, y]]), seconds, Pace::MinimumJerk);
    }
    hand.finish()
}

/// An Archimedes spiral of `turns` turns, `spacing_mm` apart, drawn outwards in `seconds`.
pub fn spiral(turns: f64, spacing_mm: f64, seconds: f64, pen: &Pen) -> Drawing {
    let at = |share: f64| {
        // Arc length grows with the square of the angle, so an even pace along the line needs its square root.
        let angle = TAU * turns * share.sqrt();
        let radius = spacing_mm * angle / TAU;
        [100.0 + radius * angle.cos(), 65.0 + radius * angle.sin()]
    };
    let mut hand = Hand::new(pen);
    hand.draw(&Path::curve(at, 4000), seconds, Pace::Even);
    hand.finish()
}

/// How a stroke is paced.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// The same speed all the way.
    Even,
    /// From rest to rest.
    MinimumJerk,
    /// From rest to rest over a tenth at either end, and even between: long strokes.
    Ramp,
}

impl Pace {
    /// Share of the path done at a share of the time.
    fn done(self, share: f64) -> f64 {
        /// Share of the time that each ramp takes.
        const RAMP: f64 = 0.1;
        let t = share.clamp(0.0, 1.0);
        match self {
            Self::Even => t,
            Self::MinimumJerk => t * t * t * (10.0 - 15.0 * t + 6.0 * t * t),
            Self::Ramp if t < RAMP => t * t / (2.0 * RAMP) / (1.0 - RAMP),
            Self::Ramp if t > 1.0 - RAMP => 1.0 - (1.0 - t).powi(2) / (2.0 * RAMP) / (1.0 - RAMP),
            Self::Ramp => (t - RAMP / 2.0) / (1.0 - RAMP),
        }
    }
}

/// Random numbers by SplitMix64 (Steele, Lea & Flood 2014), so that a seed gives the same drawing for ever.
#[derive(Debug, Clone)]
struct Chance(u64);

impl Chance {
    /// Even between −1 and 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as f64 / (u64::MAX as f64) * 2.0 - 1.0
    }
}

/// A hand in the middle of a drawing.
struct Hand<'a> {
    pen: &'a Pen,
    chance: Chance,
    /// Frequency and phases (x, y, pressure) of each component of the wandering.
    wander: Vec<(f64, [f64; 3])>,
    strokes: Vec<Stroke>,
    now_s: f64,
    at: Option<[f64; 2]>,
    /// Seconds from the task to the first touch, which is at 0.
    latency_s: Option<f64>,
}

impl<'a> Hand<'a> {
    /// A hand that has not touched the sheet yet.
    fn new(pen: &'a Pen) -> Self {
        let mut chance = Chance(pen.seed);
        // Slow drift to 2.5 Hz correction, well below the band of tremor.
        let wander =
            [0.17, 0.41, 0.83, 1.5, 2.5].map(|hz| (hz, [(); 3].map(|()| PI * chance.next()))).to_vec();
        Self { pen, chance, wander, strokes: Vec::new(), now_s: 0.0, at: None, latency_s: None }
    }

    /// Draws a path on paper in `seconds`.
    fn draw(&mut self, path: &Path, seconds: f64, pace: Pace) {
        self.run(Place::Paper, path, seconds, pace);
    }

    /// Moves through the air to `target`, arriving after `seconds`: waits near the last stroke, then travels.
    fn travel(&mut self, target: [f64; 2], seconds: f64) {
        let Some(from) = self.at else { return self.at = Some(target) };
        let travel_s = seconds.min(0.5 + 0.2 * seconds);
        let aside = [from[0] + 5.0 * self.chance.next(), from[1] + 4.0 * self.chance.next()];
        let reported = self.pen.pen_up_reported && seconds > 0.0;
        if !reported {
            self.now_s += seconds;
            return self.at = Some(target);
        }
        if seconds > travel_s {
            self.run(Place::Air, &Path::through(&[from, aside]), seconds - travel_s, Pace::MinimumJerk);
            self.run(Place::Air, &Path::through(&[aside, target]), travel_s, Pace::MinimumJerk);
        } else {
            self.run(Place::Air, &Path::through(&[from, target]), seconds, Pace::MinimumJerk);
        }
    }

    /// Reports along a path from now on, on the ticks of the tablet's clock. Air after air is one stroke.
    fn run(&mut self, place: Place, path: &Path, seconds: f64, pace: Pace) {
        let (start_s, end_s) = (self.now_s, self.now_s + seconds);
        let tolerance = 1e-9;
        let first = (start_s * self.pen.rate_hz - tolerance).ceil() as u64;
        let last = (end_s * self.pen.rate_hz + tolerance).floor() as u64;
        let times = (first..=last).map(|tick| tick as f64 / self.pen.rate_hz);
        let points: Vec<Point> = times
            // A lifted pen is not seen at the very instants of lift and touch: those belong to the strokes.
            .filter(|t_s| place == Place::Paper || (*t_s > start_s + tolerance && *t_s < end_s - tolerance))
            .map(|t_s| {
                self.point(
                    place,
                    path.at(pace.done((t_s - start_s) / seconds)),
                    t_s,
                    (t_s - start_s) / seconds,
                )
            })
            .collect();
        match self.strokes.last_mut() {
            Some(last) if place == Place::Air && last.place == Place::Air => last.points.extend(points),
            _ => self.strokes.push(Stroke { place, points }),
        }
        self.now_s = end_s;
        self.at = Some(path.at(1.0));
    }

    /// One report: the path, the wandering, the tremor, the tablet's grid, and the pressure.
    fn point(&self, place: Place, [x, y]: [f64; 2], t_s: f64, share: f64) -> Point {
        let [wander_x, wander_y, press] = self.wandering(t_s);
        // A natural tremor waxes and wanes.
        let waxing = if self.pen.wander_mm > 0.0 { 1.0 + 0.6 * press } else { 1.0 };
        let tremor = self.pen.tremor_mm * waxing * (TAU * self.pen.tremor_hz * t_s).sin() / 2.0f64.sqrt();
        let on_grid = |mm: f64| {
            if self.pen.grid_mm > 0.0 {
                (mm / self.pen.grid_mm).round() / self.pen.grid_mm.recip()
            } else {
                mm
            }
        };
        // The pen lands and lifts within the first and last twentieth of a stroke.
        let landed = (share * 20.0).min((1.0 - share) * 20.0).clamp(0.15, 1.0);
        let pressure = self.pen.pressure * landed * (1.0 + 0.25 * press);
        Point {
            t_s,
            x: on_grid(x + self.pen.wander_mm * wander_x + tremor),
            y: on_grid(y + self.pen.wander_mm * wander_y + tremor),
            pressure: Some(if place == Place::Paper { (pressure * 1000.0).round() / 1000.0 } else { 0.0 }),
            tilt_deg: None,
        }
    }

    /// Slow wandering of x, y and pressure, each about −1 to 1.
    fn wandering(&self, t_s: f64) -> [f64; 3] {
        let sine = |axis: usize| {
            let part = |(hz, phases): &(f64, [f64; 3])| (TAU * hz * t_s + phases[axis]).sin() / (1.0 + hz);
            self.wander.iter().map(part).sum::<f64>() / 2.0
        };
        [sine(0), sine(1), sine(2)]
    }

    /// The drawing, on a tablet of 216 x 135 mm.
    fn finish(self) -> Drawing {
        let capture = Capture {
            device: Some("synthetic tablet".to_owned()),
            mm_per_unit: Some(1.0),
            sheet: Some([216.0, 135.0]),
            pressure_full: Some(1.0),
            pen_up_reported: self.pen.pen_up_reported,
            task_started_s: self.latency_s.map(|it| -it),
            ..Capture::default()
        };
        Drawing::new(self.strokes, capture)
            .expect("a synthetic hand moves forward in time with finite numbers")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path as File;

    use feature::{FeatureVector, Usable};

    use super::*;
    use crate::{Analysis, Options, decode, set};

    /// Measures of the clock of the session.
    const GOLDEN: &[(&str, f64)] = &[
        ("ink.time.total", 67.59),
        ("ink.time.paper", 21.495),
        ("ink.pen.downs", 21.0),
        ("ink.gap.longest", 9.405),
        ("ink.latency.first_stroke", 4.2),
        ("ink.speed.paper_mean", 27.7215),
        ("ink.speed.air_mean", 8.3226),
        ("ink.acceleration.paper_mean", 169.6277),
        ("ink.jerk.paper_mean", 5787.4922),
        ("ink.jerk.normalised_paper", 342.3187),
        ("ink.sparc.paper", -1.4050),
        ("ink.changes.velocity_rate", 1.8946),
        ("ink.changes.acceleration_rate", 18.8540),
        ("ink.stroke.length_total", 602.2253),
        ("ink.darwin.max_x_extension", 91.97),
    ];

    /// The measures of a drawing of `fixtures/session`, as `examples/make_drawings.rs` writes them.
    fn fixture(name: &str) -> (Drawing, FeatureVector) {
        let path = File::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/session").join(name);
        let bytes = std::fs::read(path).unwrap();
        let drawing = decode(&bytes, &Options::default()).unwrap().remove(0).drawing.unwrap();
        let vector = set().measure(&Analysis::new(&Usable::new(drawing.clone()).unwrap()));
        (drawing, vector)
    }

    #[test]
    fn the_clock_of_the_session_is_slow_with_two_thirds_of_the_time_in_the_air() {
        let (_, vector) = fixture("clock.json");
        let total_s = vector.number("ink.darwin.total_time").unwrap();
        let share = vector.number("ink.time.air_share").unwrap();
        assert!(
            (60.0..70.0).contains(&total_s) && (0.62..0.72).contains(&share),
            "{total_s} s, {share} in air"
        );
    }

    #[test]
    fn the_spiral_of_the_session_trembles_at_six_hertz() {
        let (_, vector) = fixture("spiral.json");
        assert!((vector.number("ink.tremor.peak").unwrap() - 6.0).abs() < 0.3);
        assert!((vector.number("ink.spiral.turns").unwrap() - 4.5).abs() < 0.1);
    }

    #[test]
    fn a_seed_gives_the_same_drawing_and_another_seed_another() {
        let draw = |seed| clock(&Clock::at(11, 5), &Pen::natural(seed));
        assert!(draw(1) == draw(1) && draw(1) != draw(2));
    }

    #[test]
    fn each_pace_goes_from_start_to_end_and_never_back() {
        for pace in [Pace::Even, Pace::MinimumJerk, Pace::Ramp] {
            let done: Vec<f64> = (0..=1000).map(|n| pace.done(f64::from(n) / 1000.0)).collect();
            assert!(done[0].abs() < 1e-12 && (done[1000] - 1.0).abs() < 1e-12, "{pace:?}");
            assert!(done.windows(2).all(|pair| pair[1] >= pair[0]), "{pace:?}");
        }
    }

    #[test]
    fn the_clock_of_the_session_keeps_its_golden_values() {
        // Written down once; a changed formula must change the version of the set.
        let (_, vector) = fixture("clock.json");
        for (name, expected) in GOLDEN {
            let got = vector.number(name).unwrap_or_else(|| panic!("{name}: {:?}", vector.value(name)));
            assert!((got - expected).abs() <= 1e-4 * expected.abs(), "(\"{name}\", {got:.6}),");
        }
    }
}
