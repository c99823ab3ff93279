//! UCI 395 spiral text: `X;Y;Z;Pressure;GripAngle;Timestamp;TestID`, no header, milliseconds, one file for several tests.
//!
//! Z is the height of the pen above the tablet: a point is on paper if its pressure is above 0. The tablet loses a pen
//! that is lifted further, so a gap in the reports of one test ends the stroke. The size of a unit is not stated.

use std::collections::BTreeMap;

use super::{Found, Options};
use crate::{Capture, Drawing, Error, Place, Point, Stroke, limit};

/// The tablet reports every 7 or 9 ms; five of its periods without a report are a lift.
const LIFT_S: f64 = 0.045;
/// Pressure at full scale: ten bits.
const FULL: f64 = 1023.0;

/// Whether a line has the seven numbers of this format.
pub(super) fn looks_like(line: &str) -> bool {
    row(line).is_some()
}

/// One drawing for each test, in the order of first appearance.
pub(super) fn decode(text: &str, options: &Options) -> Result<Vec<Found>, Error> {
    let mut tests: Vec<(String, Vec<Stroke>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (place, line) in lines {
        let (test, point) = row(line).ok_or_else(|| bad_line(place, line))?;
        let known = *places.entry(test.clone()).or_insert(tests.len());
        if known == tests.len() {
            limit::check("drawings in one file", tests.len() + 1, limit::DRAWINGS)?;
            tests.push((test, Vec::new()));
        }
        push(&mut tests[known].1, point);
    }
    // `finish` is called here and not per test so that each test is refused alone.
    Ok(tests
        .into_iter()
        .map(|(test, strokes)| (format!(" TestID {test}"), finish(strokes, options)))
        .collect())
}

/// The drawing of one test.
fn finish(strokes: Vec<Stroke>, options: &Options) -> Result<Drawing, Error> {
    let capture =
        Capture { pressure_full: Some(FULL), pen_up_reported: reports_air(&strokes), ..Capture::default() };
    Drawing::new(strokes, options.complete(capture))
}

/// The spiral tests hold no lifted point at all, so absence of movement there says nothing.
fn reports_air(strokes: &[Stroke]) -> bool {
    strokes.iter().any(|stroke| stroke.place == Place::Air)
}

/// Test and point of a line; `None` if it is not seven numbers. Height and grip are read and left.
fn row(line: &str) -> Option<(String, Point)> {
    let fields: Vec<&str> = line.trim().split(';').map(str::trim).collect();
    let [x, y, _height, pressure, _grip, time_ms, test] = fields[..] else { return None };
    let number = |field: &str| field.parse::<f64>().ok();
    let point = Point {
        t_s: number(time_ms)? / 1000.0,
        x: number(x)?,
        y: number(y)?,
        pressure: Some(number(pressure)?),
        tilt_deg: None,
    };
    number(test).map(|_| (test.to_owned(), point))
}

/// Refuses a line with its number and its beginning.
fn bad_line(place: usize, line: &str) -> Error {
    let line: String = line.chars().take(60).collect();
    let message =
        format!("expected X;Y;Z;Pressure;GripAngle;Timestamp;TestID as seven numbers, got {line:?}");
    Error::Table { line: place as u64 + 1, message }
}

/// Adds a point to the stroke it goes on with, or begins a new one.
fn push(strokes: &mut Vec<Stroke>, point: Point) {
    let place = if point.pressure > Some(0.0) { Place::Paper } else { Place::Air };
    match strokes.last_mut() {
        Some(last) if last.place == place && point.t_s - last.end_s() < LIFT_S => last.points.push(point),
        _ => strokes.push(Stroke { place, points: vec![point] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tests_in_one_file_are_two_drawings() {
        let text = "200;204;0;73;910;1000;0\n201;204;0;80;910;1007;0\n402;199;12;267;600;2000;1\n";
        let found = decode(text, &Options::default()).unwrap();
        assert_eq!(found[0].0, " TestID 0");
        assert_eq!(found[1].1.as_ref().unwrap().point_count(), 1);
        let first = found[0].1.as_ref().unwrap().strokes()[0].points[1];
        assert!((first.t_s - 0.007).abs() < 1e-9 && first.pressure == Some(80.0 / 1023.0));
    }

    #[test]
    fn a_gap_ends_the_stroke_and_zero_pressure_is_in_air() {
        let text = "1;1;0;9;0;0;0\n2;1;0;9;0;7;0\n3;1;0;9;0;300;0\n4;1;90;0;0;307;0\n";
        let drawing = decode(text, &Options::default()).unwrap().remove(0).1.unwrap();
        let places: Vec<_> = drawing.strokes().iter().map(|it| (it.place, it.points.len())).collect();
        assert_eq!(places, [(Place::Paper, 2), (Place::Paper, 1), (Place::Air, 1)]);
        assert!(drawing.capture().pen_up_reported);
    }

    #[test]
    fn a_line_of_six_numbers_is_refused_with_its_number() {
        let message = decode("1;1;0;9;0;0;0\n1;1;0;9;0;0\n", &Options::default()).unwrap_err().to_string();
        assert!(message.starts_with("table, line 2: expected X;Y;Z"), "{message}");
    }

    #[test]
    fn a_test_whose_clock_jumps_back_does_not_lose_the_other() {
        let text = "1;1;0;9;0;500;0\n2;1;0;9;0;100;0\n3;1;0;9;0;600;1\n";
        let found = decode(text, &Options::default()).unwrap();
        assert!(matches!(found[0].1, Err(Error::BackInTime { .. })));
        assert!(found[1].1.is_ok());
    }
}
