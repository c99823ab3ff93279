//! What all measures read: even tracks with speed, acceleration and jerk, computed once.

use feature::Usable;

use crate::signal::{length, resample, slope, smooth};
use crate::{Capture, Drawing, Place, Stroke, Timing};

/// Why a measure is missing, in the words that reach a report.
pub(crate) mod reason {
    /// Absolute lengths and speeds need millimetres.
    pub(crate) const NO_RESOLUTION: &str = "resolution of the device is not known";
    /// [`Timing::Unknown`](crate::Timing::Unknown).
    pub(crate) const NO_TIME: &str = "the file has no times";
    /// [`Timing::WithinStrokes`](crate::Timing::WithinStrokes).
    pub(crate) const NO_GAPS: &str = "the file has no times between strokes";
    /// Many touch screens and all of Quick, Draw!: the gap has a length and no path.
    pub(crate) const NO_AIR: &str = "pen-up movement not reported";
    /// Reported, but too short for a derivative.
    pub(crate) const NEVER_IN_AIR: &str = "the pen never moved in the air for 50 ms";
    /// A test done wholly above the sheet, or an empty drawing.
    pub(crate) const NO_PAPER: &str = "nothing was drawn on paper";
    /// Dots alone: five samples make the shortest derivative.
    pub(crate) const TOO_SHORT: &str = "no stroke lasts 50 ms";
    /// Ratios of speed would divide by zero.
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
    /// Length is along the reports themselves, so that resampling does not cut corners.
    fn new(stroke: &Stroke) -> Self {
        let steps = stroke.points.windows(2).map(|pair| length(pair[1].x - pair[0].x, pair[1].y - pair[0].y));
        // Not `sum`, whose empty sum is minus zero.
        let length = steps.fold(0.0, |sum, step| sum + step);
        Self { start_s: stroke.start_s(), end_s: stroke.end_s(), length }
    }

    /// Seconds from touch to lift; 0 for a dot.
    pub(crate) fn duration_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

impl Track {
    /// Pressure is kept only where every point of the stroke has one: half a column would be a guess.
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
    for list in &mut lengths {
        let (Some(next_x), Some(next_y)) = (slope(&smooth(&x)), slope(&smooth(&y))) else { break };
        (x, y) = (next_x, next_y);
        *list = x.iter().zip(&y).map(|(x, y)| length(*x, *y)).collect();
    }
    lengths
}

/// The box around all paper points; `None` without any.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Point, signal::RASTER_HZ, synth};

    fn analysis(strokes: Vec<Stroke>, capture: Capture) -> Analysis {
        Analysis::new(&Usable::new(Drawing::new(strokes, capture).unwrap()).unwrap())
    }

    /// `count` points 10 ms apart, moving 1 unit each, at a pressure.
    fn run(place: Place, start_s: f64, count: usize, pressure: impl Fn(usize) -> Option<f64>) -> Stroke {
        let point = |n: usize| Point {
            t_s: start_s + n as f64 / 100.0,
            x: n as f64,
            y: 2.0,
            pressure: pressure(n),
            tilt_deg: None,
        };
        Stroke { place, points: (0..count).map(point).collect() }
    }

    #[test]
    fn each_stroke_is_a_track_of_equal_lists_every_ten_milliseconds() {
        let drawing = synth::clock(&synth::Clock::at(11, 5), &synth::Pen::natural(2));
        let analysis = Analysis::new(&Usable::new(drawing.clone()).unwrap());
        assert_eq!(analysis.tracks().len(), drawing.strokes().len());
        for (track, stroke) in analysis.tracks().iter().zip(drawing.strokes()) {
            let samples = (stroke.duration_s() * RASTER_HZ + 1e-6).floor() as usize + 1;
            for list in [&track.x, &track.y, &track.pressure, &track.speed, &track.acceleration, &track.jerk]
            {
                assert!(list.len() == samples || samples < 5, "{} of {samples}", list.len());
            }
            assert_eq!((track.start_s, track.place), (stroke.start_s(), stroke.place));
        }
    }

    #[test]
    fn dots_and_strokes_below_five_samples_have_a_way_and_no_speed() {
        let strokes = vec![run(Place::Paper, 0.0, 4, |_| None), run(Place::Paper, 1.0, 1, |_| None)];
        let analysis = analysis(strokes, Capture::default());
        assert_eq!(analysis.tracks()[0].x.len(), 4);
        assert!(analysis.tracks().iter().all(|track| track.speed.is_empty() && track.jerk.is_empty()));
        assert_eq!(analysis.moved(Place::Paper), Err(reason::TOO_SHORT));
    }

    #[test]
    fn without_times_there_are_no_tracks_but_bounds() {
        let capture = Capture { timing: Timing::Unknown, ..Capture::default() };
        let analysis = analysis(vec![run(Place::Paper, 0.0, 50, |_| None)], capture);
        assert!(analysis.tracks().is_empty());
        assert_eq!((analysis.bounds().unwrap().width(), analysis.bounds().unwrap().height()), (49.0, 0.0));
    }

    #[test]
    fn bounds_are_of_the_ink_and_not_of_the_air() {
        let strokes = vec![run(Place::Paper, 0.0, 10, |_| None), run(Place::Air, 1.0, 90, |_| None)];
        let analysis = analysis(strokes, Capture { pen_up_reported: true, ..Capture::default() });
        assert_eq!(analysis.bounds().map(|it| it.right), Some(9.0));
        assert!((analysis.span_s() - 1.89).abs() < 1e-9);
    }

    #[test]
    fn pressure_that_never_changes_or_has_holes_is_not_reported() {
        let of = |pressure: &dyn Fn(usize) -> Option<f64>| {
            analysis(vec![run(Place::Paper, 0.0, 20, pressure)], Capture::default())
                .pressure()
                .map(<[_]>::len)
        };
        assert_eq!(of(&|n| Some(n as f64)), Some(20));
        assert_eq!(of(&|_| Some(0.5)), None);
        assert_eq!(of(&|n| (n != 7).then_some(n as f64)), None);
    }

    #[test]
    fn each_reason_is_the_one_that_holds() {
        let air_only = analysis(vec![run(Place::Air, 0.0, 50, |_| None)], Capture::default());
        assert_eq!(air_only.timed(), Err(reason::NO_PAPER));
        let paper = || vec![run(Place::Paper, 0.0, 50, |_| None)];
        let plain = analysis(paper(), Capture::default());
        assert_eq!((plain.moved(Place::Paper), plain.moved(Place::Air)), (Ok(()), Err(reason::NO_AIR)));
        assert_eq!((plain.in_mm(), plain.on_one_clock()), (Err(reason::NO_RESOLUTION), Ok(())));
        let hovering = analysis(paper(), Capture { pen_up_reported: true, ..Capture::default() });
        assert_eq!(hovering.moved(Place::Air), Err(reason::NEVER_IN_AIR));
    }
}
