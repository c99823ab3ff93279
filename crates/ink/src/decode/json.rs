//! JSON: ink JSON (`docs/ink-format.md`), and ndjson of Quick, Draw! and UNIPEN with one drawing a line.

use serde::Deserialize;

use super::{Found, Options};
use crate::{Capture, Drawing, Error, Place, Point, Stroke, Timing, limit};

/// One object over several lines, or one object a line.
pub(super) fn decode(text: &str, options: &Options) -> Result<Vec<Found>, Error> {
    let lines: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    if is_one_object(text, &lines) {
        return Ok(vec![(String::new(), object(text, 0, options))]);
    }
    limit::check("drawings in one file", lines.len(), limit::DRAWINGS)?;
    let each = lines.into_iter().enumerate();
    Ok(each.map(|(n, (line, text))| (format!("#{}", n + 1), object(text, line, options))).collect())
}

/// Whether the text is one object over several lines, and not one object a line of which some may be broken.
fn is_one_object(text: &str, lines: &[(usize, &str)]) -> bool {
    let whole = |text: &str| serde_json::from_str::<Keys>(text).is_ok_and(|keys| keys.known());
    let begins_each = lines.iter().take(2).all(|(_, line)| line.trim_start().starts_with('{'));
    lines.len() == 1 || whole(text) || !begins_each || !lines.iter().any(|(_, line)| whole(line))
}

/// One object, told apart by its keys. `before` lines of the file come before it.
fn object(text: &str, before: usize, options: &Options) -> Result<Drawing, Error> {
    let bad = |error: serde_json::Error| json_error(&error, before);
    let keys: Keys = serde_json::from_str(text).map_err(bad)?;
    let (strokes, capture) = if keys.format.is_some() {
        ink(serde_json::from_str(text).map_err(bad)?, before)?
    } else if keys.drawing.is_some() {
        quick_draw(serde_json::from_str(text).map_err(bad)?, before)?
    } else if keys.strokes.is_some() {
        unipen(serde_json::from_str(text).map_err(bad)?, before)?
    } else {
        let message = "expected \"format\": \"ink\", or \"drawing\" (Quick, Draw!), or \"strokes\" (UNIPEN)";
        return Err(Error::Json { line: before + 1, message: message.to_owned() });
    };
    Drawing::new(strokes, options.complete(capture))
}

/// The line within the file, not within the object.
fn json_error(error: &serde_json::Error, before: usize) -> Error {
    Error::Json { line: before + error.line().max(1), message: error.to_string() }
}

#[derive(Deserialize)]
struct Keys {
    format: Option<serde::de::IgnoredAny>,
    drawing: Option<serde::de::IgnoredAny>,
    strokes: Option<serde::de::IgnoredAny>,
}

impl Keys {
    /// Whether any of the three shapes is recognised.
    fn known(&self) -> bool {
        self.format.is_some() || self.drawing.is_some() || self.strokes.is_some()
    }
}

#[derive(Deserialize)]
struct InkJson {
    format: String,
    version: u64,
    device: Option<String>,
    mm_per_unit: Option<f64>,
    sheet: Option<[f64; 2]>,
    pressure_full: Option<f64>,
    pen_up_reported: Option<bool>,
    task_started_s: Option<f64>,
    strokes: Vec<InkJsonStroke>,
}

#[derive(Deserialize)]
struct InkJsonStroke {
    #[serde(default)]
    air: bool,
    t: Option<Vec<f64>>,
    x: Vec<f64>,
    y: Vec<f64>,
    p: Option<Vec<f64>>,
    tilt: Option<Vec<f64>>,
}

/// Strokes and capture of ink JSON version 1.
fn ink(file: InkJson, before: usize) -> Result<(Vec<Stroke>, Capture), Error> {
    if file.format != "ink" {
        let message = format!("format is {:?}; expected \"ink\"", file.format);
        return Err(Error::Json { line: before + 1, message });
    }
    if file.version != 1 {
        return Err(Error::Version { got: file.version });
    }
    let timed = file.strokes.iter().all(|stroke| stroke.t.is_some());
    let capture = Capture {
        device: file.device,
        mm_per_unit: file.mm_per_unit,
        sheet: file.sheet,
        pressure_full: file.pressure_full,
        pen_up_reported: file.pen_up_reported.unwrap_or_else(|| file.strokes.iter().any(|it| it.air)),
        timing: if timed { Timing::Whole } else { Timing::Unknown },
        task_started_s: file.task_started_s,
        y_up: false,
    };
    let mut clock = Counter::default();
    let strokes = file.strokes.into_iter().enumerate();
    let strokes: Result<_, _> =
        strokes.map(|(n, stroke)| ink_stroke(n + 1, stroke, timed, &mut clock)).collect();
    Ok((strokes?, capture))
}

/// Times are used only if all strokes have them.
fn ink_stroke(
    number: usize,
    stroke: InkJsonStroke,
    timed: bool,
    clock: &mut Counter,
) -> Result<Stroke, Error> {
    let place = if stroke.air { Place::Air } else { Place::Paper };
    let columns = Columns {
        t: stroke.t.filter(|_| timed).map(|t| (t, 1.0)),
        x: stroke.x,
        y: stroke.y,
        pressure: stroke.p,
        tilt: stroke.tilt,
    };
    columns.stroke(number, place, clock)
}

#[derive(Deserialize)]
struct QuickDraw {
    drawing: Vec<Vec<Vec<f64>>>,
}

/// Quick, Draw!: strokes of `[x, y, t]` in pixels and milliseconds; the simplified files leave out t.
fn quick_draw(file: QuickDraw, before: usize) -> Result<(Vec<Stroke>, Capture), Error> {
    let timed = file.drawing.iter().all(|columns| columns.len() == 3);
    let capture =
        Capture { timing: if timed { Timing::Whole } else { Timing::Unknown }, ..Capture::default() };
    let mut clock = Counter::default();
    let stroke = |(n, columns): (usize, Vec<Vec<f64>>)| {
        let mut columns = columns.into_iter();
        let (Some(x), Some(y)) = (columns.next(), columns.next()) else {
            let message = format!("stroke {} has no lists of x and y", n + 1);
            return Err(Error::Json { line: before + 1, message });
        };
        let t = columns.next().filter(|_| timed).map(|t| (t, 0.001));
        Columns { t, x, y, pressure: None, tilt: None }.stroke(n + 1, Place::Paper, &mut clock)
    };
    let strokes: Result<_, _> = file.drawing.into_iter().enumerate().map(stroke).collect();
    Ok((strokes?, capture))
}

#[derive(Deserialize)]
struct Unipen {
    pps: Option<serde_json::Value>,
    strokes: Vec<[Vec<f64>; 2]>,
}

/// UNIPEN-like: strokes of `[x, y]`, y up, evenly sampled at `pps` points a second, the pauses between strokes left out.
fn unipen(file: Unipen, before: usize) -> Result<(Vec<Stroke>, Capture), Error> {
    let rate_hz = rate(file.pps.as_ref(), before)?;
    let timing = if rate_hz.is_some() { Timing::WithinStrokes } else { Timing::Unknown };
    let capture = Capture { timing, y_up: true, ..Capture::default() };
    let mut clock = Counter { seconds_per_point: rate_hz.map_or(1.0, f64::recip), ..Counter::default() };
    let stroke = |(n, [x, y]): (usize, [Vec<f64>; 2])| {
        Columns { t: None, x, y, pressure: None, tilt: None }.stroke(n + 1, Place::Paper, &mut clock)
    };
    let strokes: Result<_, _> = file.strokes.into_iter().enumerate().map(stroke).collect();
    Ok((strokes?, capture))
}

/// Points a second, written as a number or as text.
fn rate(pps: Option<&serde_json::Value>, before: usize) -> Result<Option<f64>, Error> {
    let Some(pps) = pps else { return Ok(None) };
    let number = pps.as_f64().or_else(|| pps.as_str()?.trim().parse().ok());
    match number.filter(|rate| *rate > 0.0 && rate.is_finite()) {
        Some(rate) => Ok(Some(rate)),
        None => {
            let message = format!("pps is {pps}; expected points per second, or null");
            Err(Error::Json { line: before + 1, message })
        }
    }
}

/// The columns of one stroke; t with the seconds of its unit.
struct Columns {
    t: Option<(Vec<f64>, f64)>,
    x: Vec<f64>,
    y: Vec<f64>,
    pressure: Option<Vec<f64>>,
    tilt: Option<Vec<f64>>,
}

/// Gives times to points that have none.
#[derive(Debug)]
struct Counter {
    points: usize,
    seconds_per_point: f64,
}

impl Default for Counter {
    fn default() -> Self {
        Self { points: 0, seconds_per_point: 1.0 }
    }
}

impl Counter {
    /// The time of the next point: a count, or a multiple of the sampling period.
    fn next_s(&mut self) -> f64 {
        self.points += 1;
        self.points as f64 * self.seconds_per_point
    }
}

impl Columns {
    /// The columns as points; refuses columns of unequal length by name.
    fn stroke(self, number: usize, place: Place, clock: &mut Counter) -> Result<Stroke, Error> {
        let expected = self.x.len();
        let lengths = [
            ("t", self.t.as_ref().map(|(t, _)| t.len())),
            ("y", Some(self.y.len())),
            ("p", self.pressure.as_ref().map(Vec::len)),
            ("tilt", self.tilt.as_ref().map(Vec::len)),
        ];
        for (column, got) in lengths {
            if let Some(got) = got.filter(|got| *got != expected) {
                return Err(Error::Ragged { stroke: number, column, expected, got });
            }
        }
        let at = |column: &Option<Vec<f64>>, n: usize| column.as_ref().map(|values| values[n]);
        let point = |n: usize| Point {
            t_s: self.t.as_ref().map_or_else(|| clock.next_s(), |(t, unit_s)| t[n] * unit_s),
            x: self.x[n],
            y: self.y[n],
            pressure: at(&self.pressure, n),
            tilt_deg: at(&self.tilt, n),
        };
        Ok(Stroke { place, points: (0..expected).map(point).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Result<Drawing, Error> {
        decode(text, &Options::default()).unwrap().remove(0).1
    }

    #[test]
    fn ink_json_keeps_columns_air_and_resolution() {
        let text = r#"{"format": "ink", "version": 1, "mm_per_unit": 0.25, "device": "a tablet",
            "task_started_s": 3.0, "strokes": [
            {"t": [4.0, 4.01], "x": [0, 4], "y": [0, 8], "p": [0.5, 0.6]},
            {"air": true, "t": [4.02], "x": [5], "y": [5]}]}"#;
        let drawing = first(text).unwrap();
        let point = drawing.strokes()[0].points[1];
        assert_eq!((point.x, point.y, point.pressure), (1.0, 2.0, Some(0.6)));
        assert_eq!(drawing.strokes()[1].place, Place::Air);
        assert_eq!(drawing.capture().task_started_s, Some(-1.0));
        assert!(drawing.capture().pen_up_reported && drawing.in_mm());
    }

    #[test]
    fn each_broken_rule_of_ink_json_has_its_own_message() {
        let cases = [
            (r#"{"format":"ink","version":2,"strokes":[]}"#, "version 2; expected version 1"),
            (r#"{"format":"oil","version":1,"strokes":[]}"#, "format is \"oil\""),
            (r#"{"format":"ink","version":1}"#, "missing field `strokes`"),
            (r#"{"format":"ink","version":1,"strokes":[{"t":[0],"x":[1,2],"y":[1,2]}]}"#, "t has 1 values"),
            (
                r#"{"format":"ink","version":1,"strokes":[{"t":[0],"x":["a"],"y":[1]}]}"#,
                "invalid type: string",
            ),
            (r#"{"format":"ink","version":1,"strokes":[{"t":[0],"x":[1e999],"y":[1]}]}"#, "out of range"),
            (
                r#"{"format":"ink","version":1,"mm_per_unit":-1,"strokes":[]}"#,
                "resolution in mm per unit is -1",
            ),
            (r#"{"lines":[]}"#, "expected \"format\": \"ink\""),
            (
                r#"{"format":"ink","version":1,"strokes":[{"t":[1,0],"x":[1,2],"y":[1,2]}]}"#,
                "goes back in time",
            ),
        ];
        for (text, words) in cases {
            let message = first(text).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn one_bad_line_does_not_lose_the_other_drawings() {
        let good = r#"{"word":"clock","drawing":[[[1,2],[3,4],[0,10]]]}"#;
        let text = format!("{good}\n{{\"word\": \"clo\n{good}\n");
        let found = decode(&text, &Options::default()).unwrap();
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["#1", "#2", "#3"]);
        assert_eq!(found.iter().map(|(_, it)| it.is_ok()).collect::<Vec<_>>(), [true, false, true]);
        assert!(found[1].1.as_ref().unwrap_err().to_string().starts_with("JSON, line 2"));
    }

    #[test]
    fn quick_draw_is_pixels_and_milliseconds_and_may_have_no_times() {
        let timed = first(r#"{"drawing":[[[1,2],[3,4],[0,250]]]}"#).unwrap();
        assert_eq!((timed.strokes()[0].duration_s(), timed.in_mm()), (0.25, false));
        let simplified = first(r#"{"drawing":[[[1,2],[3,4]],[[5],[6]]]}"#).unwrap();
        assert_eq!(simplified.capture().timing, Timing::Unknown);
        assert!(first(r#"{"drawing":[[[1,2]]]}"#).is_err());
    }

    #[test]
    fn unipen_has_times_within_strokes_where_the_rate_is_known_and_y_up() {
        let known = first(r#"{"label":"1","pps":"200","strokes":[[[0,1],[5,9]],[[2],[2]]]}"#).unwrap();
        assert_eq!(known.capture().timing, Timing::WithinStrokes);
        assert!((known.strokes()[0].duration_s() - 0.005).abs() < 1e-12);
        assert_eq!(known.strokes()[0].points[1].y, -9.0);
        let unknown = first(r#"{"label":"1","pps":null,"strokes":[[[0,1],[5,9]]]}"#).unwrap();
        assert_eq!(unknown.capture().timing, Timing::Unknown);
        assert!(first(r#"{"pps":"fast","strokes":[]}"#).is_err());
    }
}
