//! What all measures read: even tracks with speed, acceleration and jerk, computed once.

use feature::Usable;

use crate::signal::{resample, slope, smooth};
use crate::{Capture, Drawing, Place, Stroke, Timing};

/// Why a measure is missing, in the words that reach a report.
pub(crate) mod reason {
    pub(crate) const NO_RESOLUTION: &str = "resolution of the device is not known";
    pub(crate) const NO_TIME: &str = "the file has no times";
    pub(crate) const NO_GAPS: &str = "the file has no times between strokes";
    pub(crate) const NO_AIR: &str = "pen-up movement not reported";
    pub(crate) const NEVER_IN_AIR: &str = "the pen never moved in the air for 50 ms";
    pub(crate) const NO_PAPER: &str = "nothing was drawn on paper";
    pub(crate) const TOO_SHORT: &str = "no stroke lasts 50 ms";
    pub(crate) const STILL: &str = "the pen did not move";
}

/// One stroke every 10 ms.
///
/// All lists have the same length `[samples]`, or are empty where they do not exist: pressure if not reported;
/// derivatives if the stroke has fewer than five samples. Lengths are millimetres if the drawing's are.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Which stroke of the drawing.
    pub stroke: usize,
    /// On paper or in air.
    pub place: Place,
    /// Time of the first sample, seconds.
    pub start_s: f64,
    /// To the right, smoothed.
    pub x: Vec<f64>,
    /// Down the sheet, smoothed.
    pub y: Vec<f64>,
    /// Pressure as in the drawing.
    pub pressure: Vec<f64>,
    /// Length of the velocity vector, per second.
    pub speed: Vec<f64>,
    /// Length of the acceleration vector, per second squared.
    pub acceleration: Vec<f64>,
    /// Length of the jerk vector, per second cubed.
    pub jerk: Vec<f64>,
}

/// The smallest upright box around the ink on paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Smallest x.
    pub left: f64,
    /// Smallest y: the upper edge, as y grows downwards.
    pub top: f64,
    /// Largest x.
    pub right: f64,
    /// Largest y.
    pub bottom: f64,
}

impl Bounds {
    /// Extent along x.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Extent along y.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// One paper stroke as it was reported: what counting and timing need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Touch {
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    pub(crate) length: f64,
}

/// A drawing after the work that measures share.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    capture: Capture,
    tracks: Vec<Track>,
    touches: Vec<Touch>,
    bounds: Option<Bounds>,
    pressure: Option<Vec<(f64, f64)>>,
    span_s: f64,
}

impl Analysis {
    /// Resamples every stroke to 100 Hz, smooths and differentiates it. Without times there are no tracks.
    pub fn new(drawing: &Usable<Drawing>) -> Self {
        let drawing = drawing.medium();
        let capture = drawing.capture().clone();
        let timed = capture.timing != Timing::Unknown;
        let strokes = drawing.strokes().iter().enumerate().filter(|_| timed);
        Self {
            tracks: strokes.map(|(place, stroke)| Track::new(place, stroke)).collect(),
            touches: drawing.paper().map(Touch::new).collect(),
            bounds: bounds(drawing),
            pressure: pressure(drawing),
            span_s: drawing.span_s(),
            capture,
        }
    }

    /// Every stroke on the 100 Hz raster, on paper and in air, in time order.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The box around the ink; absent if nothing was drawn on paper.
    pub fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    /// Seconds from the first point to the last, on paper or in air.
    pub fn span_s(&self) -> f64 {
        self.span_s
    }

    /// How the drawing was taken down.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// The tracks in one place that have derivatives.
    pub(crate) fn moving(&self, place: Place) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(move |track| track.place == place && !track.speed.is_empty())
    }

    /// The strokes on paper as reported.
    pub(crate) fn touches(&self) -> &[Touch] {
        &self.touches
    }

    /// Times and pressures of all paper points, if the device reports pressure that ever changes.
    pub(crate) fn pressure(&self) -> Option<&[(f64, f64)]> {
        self.pressure.as_deref()
    }

    /// Refuses what needs times within strokes.
    pub(crate) fn timed(&self) -> Result<(), &'static str> {
        if self.touches.is_empty() {
            return Err(reason::NO_PAPER);
        }
        if self.capture.timing == Timing::Unknown { Err(reason::NO_TIME) } else { Ok(()) }
    }

    /// Refuses what needs one clock for the whole drawing.
    pub(crate) fn on_one_clock(&self) -> Result<(), &'static str> {
        self.timed()?;
        if self.capture.timing == Timing::Whole { Ok(()) } else { Err(reason::NO_GAPS) }
    }

    /// Refuses what needs millimetres.
    pub(crate) fn in_mm(&self) -> Result<(), &'static str> {
        self.capture.mm_per_unit.map(|_| ()).ok_or(reason::NO_RESOLUTION)
    }

    /// Refuses what needs movement in one place.
    pub(crate) fn moved(&self, place: Place) -> Result<(), &'static str> {
        self.timed()?;
        if place == Place::Air && !self.capture.pen_up_reported {
            return Err(reason::NO_AIR);
        }
        match (self.moving(place).next(), place) {
            (Some(_), _) => Ok(()),
            (None, Place::Paper) => Err(reason::TOO_SHORT),
            (None, Place::Air) => Err(reason::NEVER_IN_AIR),
        }
    }
}

impl Touch {
    fn new(stroke: &Stroke) -> Self {
        let length =
            stroke.points.windows(2).map(|pair| (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y)).sum();
        Self { start_s: stroke.start_s(), end_s: stroke.end_s(), length }
    }

    pub(crate) fn duration_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

impl Track {
    fn new(place: usize, stroke: &Stroke) -> Self {
        let column = |of: fn(&crate::Point) -> f64| -> Vec<f64> { stroke.points.iter().map(of).collect() };
        let times_s = column(|point| point.t_s);
        let even = |of| resample(&times_s, &column(of));
        let (x, y) = (even(|point| point.x), even(|point| point.y));
        let reported = stroke.points.iter().all(|point| point.pressure.is_some());
        let pressure = if reported { even(|point| point.pressure.unwrap_or(0.0)) } else { Vec::new() };
        let [speed, acceleration, jerk] = derivatives(&x, &y);
        Self {
            stroke: place,
            place: stroke.place,
            start_s: stroke.start_s(),
            x: smooth(&x),
            y: smooth(&y),
            pressure,
            speed,
            acceleration,
            jerk,
        }
    }
}

/// Speed, acceleration and jerk: lengths of the first three derivatives, smoothing before each.
fn derivatives(x: &[f64], y: &[f64]) -> [Vec<f64>; 3] {
    let mut lengths = [const { Vec::new() }; 3];
    let (mut x, mut y) = (x.to_vec(), y.to_vec());
    for length in &mut lengths {
        let (Some(next_x), Some(next_y)) = (slope(&smooth(&x)), slope(&smooth(&y))) else { break };
        (x, y) = (next_x, next_y);
        *length = x.iter().zip(&y).map(|(x, y)| x.hypot(*y)).collect();
    }
    lengths
}

fn bounds(drawing: &Drawing) -> Option<Bounds> {
    let points = drawing.paper().flat_map(|stroke| &stroke.points);
    points.fold(None, |bounds: Option<Bounds>, point| {
        let it = bounds.unwrap_or(Bounds { left: point.x, top: point.y, right: point.x, bottom: point.y });
        Some(Bounds {
            left: it.left.min(point.x),
            top: it.top.min(point.y),
            right: it.right.max(point.x),
            bottom: it.bottom.max(point.y),
        })
    })
}

/// Absent if any paper point has none, or if all are the same: browsers report 0.5 for a mouse (W3C Pointer Events).
fn pressure(drawing: &Drawing) -> Option<Vec<(f64, f64)>> {
    let points = drawing.paper().flat_map(|stroke| &stroke.points);
    let pairs: Option<Vec<_>> = points.map(|point| point.pressure.map(|it| (point.t_s, it))).collect();
    pairs.filter(|pairs| pairs.iter().any(|(_, pressure)| *pressure != pairs[0].1))
}
