//! The noun: a drawing, its strokes and their points.

use crate::{Error, limit};

/// One report of the pen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Seconds since the first point of the drawing; a bare count where [`Timing`] is unknown.
    pub t_s: f64,
    /// To the right. Millimetres if the resolution is known, otherwise device units.
    pub x: f64,
    /// Down the sheet, as on screens. Formats with y up are turned over when they are read.
    pub y: f64,
    /// Share of full scale (0–1) if the full scale is known, otherwise device units. Absent where not reported.
    pub pressure: Option<f64>,
    /// Lean of the pen from upright, degrees. Absent where not reported.
    pub tilt_deg: Option<f64>,
}

/// Where the pen was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Touching the sheet: ink.
    Paper,
    /// Above it, and seen by the device.
    Air,
}

/// One run of points in one place: from touch to lift, or from lift to touch. A single point is a dot.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// On paper or in air.
    pub place: Place,
    /// At least one point, in time order.
    pub points: Vec<Point>,
}

impl Stroke {
    /// Seconds from its first to its last point.
    pub fn duration_s(&self) -> f64 {
        self.end_s() - self.start_s()
    }

    /// Time of the first point.
    pub fn start_s(&self) -> f64 {
        self.points.first().map_or(0.0, |point| point.t_s)
    }

    /// Time of the last point.
    pub fn end_s(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.t_s)
    }
}

/// What is known of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Timing {
    /// Nothing: points are in order and that is all.
    Unknown,
    /// Within each stroke, but not how long the pen was away between strokes.
    WithinStrokes,
    /// One clock for the whole drawing.
    #[default]
    Whole,
}

/// What the file says about how the strokes were taken down.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Capture {
    /// Make and model of the device.
    pub device: Option<String>,
    /// Millimetres per unit of x and y.
    pub mm_per_unit: Option<f64>,
    /// Width and height of the sheet or active area, in units of x and y.
    pub sheet: Option<[f64; 2]>,
    /// The pressure at full scale.
    pub pressure_full: Option<f64>,
    /// Whether movement of the lifted pen is reported.
    pub pen_up_reported: bool,
    /// What is known of time.
    pub timing: Timing,
    /// When the task was given, on the clock of the points.
    pub task_started_s: Option<f64>,
    /// Whether y grows upwards in the file.
    pub y_up: bool,
}

/// Strokes whose time only goes forward, in millimetres where the resolution is known.
///
/// Every number is finite; within a stroke each time is later than the one before (reports of the same instant are
/// merged, the last one stays); a stroke begins no earlier than the one before it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    strokes: Vec<Stroke>,
    capture: Capture,
}

impl Drawing {
    /// A drawing of `strokes` as the device gave them; strokes without points are left out.
    ///
    /// The one constructor: it applies resolution and full scale, turns y downwards, starts time at 0 and merges equal
    /// times. Errors: [`Error::BackInTime`], [`Error::BadNumber`], [`Error::OverLimit`], [`Error::BadCapture`].
    pub fn new(mut strokes: Vec<Stroke>, capture: Capture) -> Result<Self, Error> {
        refuse_too_many(&strokes)?;
        refuse_bad_capture(&capture)?;
        for (place, stroke) in strokes.iter().enumerate() {
            refuse_bad_numbers(place + 1, stroke)?;
        }
        merge_equal_times(&mut strokes)?;
        // Only now, so that errors count strokes as the file does.
        strokes.retain(|stroke| !stroke.points.is_empty());
        let mut drawing = Self { strokes, capture };
        drawing.start_at_zero()?;
        drawing.apply_scales();
        Ok(drawing)
    }

    /// Every stroke, on paper and in air, in time order.
    pub fn strokes(&self) -> &[Stroke] {
        &self.strokes
    }

    /// The strokes on paper.
    pub fn paper(&self) -> impl Iterator<Item = &Stroke> {
        self.strokes.iter().filter(|stroke| stroke.place == Place::Paper)
    }

    /// How it was taken down, in the units of the points: after scaling, 1 mm a unit and full scale at 1.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Whether lengths are millimetres.
    pub fn in_mm(&self) -> bool {
        self.capture.mm_per_unit.is_some()
    }

    /// Number of points on paper and in air.
    pub fn point_count(&self) -> usize {
        self.strokes.iter().map(|stroke| stroke.points.len()).sum()
    }

    /// Seconds from the first point to the last.
    pub fn span_s(&self) -> f64 {
        self.strokes.last().map_or(0.0, Stroke::end_s)
    }

    /// Shifts time so that the first point is at 0.
    fn start_at_zero(&mut self) -> Result<(), Error> {
        let start_s = self.strokes.first().map_or(0.0, Stroke::start_s);
        for point in self.strokes.iter_mut().flat_map(|stroke| &mut stroke.points) {
            point.t_s -= start_s;
        }
        self.capture.task_started_s = self.capture.task_started_s.map(|it| it - start_s);
        let span_s = self.span_s();
        if self.capture.timing != Timing::Unknown && span_s > limit::SPAN_S as f64 {
            return Err(limit::over("seconds in one drawing", span_s as usize, limit::SPAN_S));
        }
        Ok(())
    }

    /// Turns device units into millimetres and shares of full scale, and y downwards.
    fn apply_scales(&mut self) {
        let mm = self.capture.mm_per_unit.unwrap_or(1.0);
        let down = if self.capture.y_up { -mm } else { mm };
        let full = self.capture.pressure_full.unwrap_or(1.0);
        for point in self.strokes.iter_mut().flat_map(|stroke| &mut stroke.points) {
            point.x *= mm;
            point.y *= down;
            point.pressure = point.pressure.map(|pressure| pressure / full);
        }
        let capture = &mut self.capture;
        capture.sheet = capture.sheet.map(|[width, height]| [width * mm, height * mm]);
        capture.mm_per_unit = capture.mm_per_unit.map(|_| 1.0);
        capture.pressure_full = capture.pressure_full.map(|_| 1.0);
        capture.y_up = false;
    }
}

/// Strokes and points against their limits.
fn refuse_too_many(strokes: &[Stroke]) -> Result<(), Error> {
    let points = strokes.iter().map(|stroke| stroke.points.len()).sum();
    limit::check("strokes in one drawing", strokes.len(), limit::STROKES)?;
    limit::check("points in one drawing", points, limit::POINTS)
}

/// Facts about the device are positive and finite, or refused.
fn refuse_bad_capture(capture: &Capture) -> Result<(), Error> {
    let [width, height] = capture.sheet.map_or([None; 2], |sheet| sheet.map(Some));
    let facts = [
        ("the resolution in mm per unit", capture.mm_per_unit),
        ("the full scale of pressure", capture.pressure_full),
        ("the width of the sheet", width),
        ("the height of the sheet", height),
    ];
    for (what, fact) in facts {
        if let Some(got) = fact.filter(|it| !(it.is_finite() && *it > 0.0 && *it < limit::LARGEST)) {
            return Err(Error::BadCapture { what, got });
        }
    }
    match capture.task_started_s.filter(|it| !it.is_finite()) {
        Some(got) => Err(Error::BadCapture { what: "the time the task started", got }),
        None => Ok(()),
    }
}

/// Every number of every point is finite and within its limit; the first that is not is named.
fn refuse_bad_numbers(stroke: usize, points: &Stroke) -> Result<(), Error> {
    for (place, point) in points.points.iter().enumerate() {
        let columns = [
            ("t", point.t_s, limit::LATEST_S),
            ("x", point.x, limit::LARGEST),
            ("y", point.y, limit::LARGEST),
            ("pressure", point.pressure.unwrap_or(0.0), limit::LARGEST),
            ("tilt", point.tilt_deg.unwrap_or(0.0), limit::LARGEST),
        ];
        let bad = columns.into_iter().find(|(_, number, largest)| number.is_nan() || number.abs() > *largest);
        if let Some((column, got, largest)) = bad {
            return Err(Error::BadNumber { stroke, point: place + 1, column, got, largest });
        }
    }
    Ok(())
}

/// Leaves one point (the last) of each instant of a stroke. Refuses time that goes back.
fn merge_equal_times(strokes: &mut [Stroke]) -> Result<(), Error> {
    let mut after_s = f64::NEG_INFINITY;
    for (place, stroke) in strokes.iter_mut().enumerate() {
        for point in &stroke.points {
            if point.t_s < after_s {
                return Err(Error::BackInTime { stroke: place + 1, got_s: point.t_s, after_s });
            }
            after_s = point.t_s;
        }
        // `dedup` keeps the first of equal points; seen from behind that is the last.
        stroke.points.reverse();
        stroke.points.dedup_by_key(|point| point.t_s);
        stroke.points.reverse();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stroke(points: &[(f64, f64, f64)]) -> Stroke {
        let points = points.iter().map(|&(t_s, x, y)| Point { t_s, x, y, ..Point::default() }).collect();
        Stroke { place: Place::Paper, points }
    }

    fn refusal(strokes: Vec<Stroke>) -> String {
        Drawing::new(strokes, Capture::default()).unwrap_err().to_string()
    }

    #[test]
    fn time_that_goes_back_is_refused_with_the_stroke_and_both_times() {
        let strokes =
            vec![stroke(&[(1.0, 0.0, 0.0)]), stroke(&[(2.0, 0.0, 0.0), (12.9, 0.0, 0.0), (12.4, 0.0, 0.0)])];
        assert_eq!(refusal(strokes), "stroke 2 goes back in time: 12.4 s after 12.9 s");
    }

    #[test]
    fn a_stroke_may_not_begin_before_the_last_one_ends() {
        let strokes = vec![stroke(&[(0.0, 0.0, 0.0), (2.0, 1.0, 0.0)]), stroke(&[(1.5, 0.0, 0.0)])];
        assert_eq!(refusal(strokes), "stroke 2 goes back in time: 1.5 s after 2 s");
    }

    #[test]
    fn reports_of_one_instant_are_merged_and_the_last_stays() {
        let strokes = vec![stroke(&[(5.0, 1.0, 1.0), (5.0, 2.0, 2.0), (6.0, 3.0, 3.0)])];
        let drawing = Drawing::new(strokes, Capture::default()).unwrap();
        let points = &drawing.strokes()[0].points;
        assert_eq!((points.len(), points[0].x, points[0].t_s, points[1].t_s), (2, 2.0, 0.0, 1.0));
    }

    #[test]
    fn numbers_that_are_not_finite_or_beyond_any_sheet_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            let message = refusal(vec![stroke(&[(0.0, 1.0, 1.0), (1.0, bad, 1.0)])]);
            assert!(message.starts_with("stroke 1, point 2: x is"), "{message}");
        }
    }

    #[test]
    fn a_known_resolution_gives_millimetres_and_y_is_turned_down() {
        let capture =
            Capture { mm_per_unit: Some(0.5), y_up: true, sheet: Some([100.0, 50.0]), ..Capture::default() };
        let drawing = Drawing::new(vec![stroke(&[(0.0, 10.0, 20.0)])], capture).unwrap();
        let point = drawing.strokes()[0].points[0];
        assert_eq!((point.x, point.y, drawing.capture().sheet), (5.0, -10.0, Some([50.0, 25.0])));
    }

    #[test]
    fn a_resolution_that_cannot_be_is_refused() {
        for bad in [0.0, -1.0, f64::NAN] {
            let capture = Capture { mm_per_unit: Some(bad), ..Capture::default() };
            assert!(matches!(Drawing::new(vec![], capture), Err(Error::BadCapture { .. })), "{bad}");
        }
    }

    #[test]
    fn strokes_without_points_are_left_out_and_dots_are_kept() {
        let drawing =
            Drawing::new(vec![stroke(&[]), stroke(&[(0.0, 1.0, 1.0)])], Capture::default()).unwrap();
        assert_eq!((drawing.strokes().len(), drawing.point_count()), (1, 1));
    }

    #[test]
    fn a_day_of_drawing_is_over_a_named_limit() {
        let message = refusal(vec![stroke(&[(0.0, 0.0, 0.0), (86400.0, 1.0, 0.0)])]);
        assert!(message.contains("seconds in one drawing: 86400"), "{message}");
    }
}
