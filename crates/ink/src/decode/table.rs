//! Tables: CSV with a header, MindLogger and graphomotor among them; comma, semicolon or tab.
//!
//! | holds | a column may be called |
//! |---|---|
//! | time in seconds | `t`, `t_s`, `time`, `time_s`, `seconds` |
//! | time in milliseconds | `t_ms`, `time_ms`, `timestamp`, `timestamp_ms`, `ms` |
//! | x and y | `x`, `x_mm`, `y`, `y_mm`; with `_mm` in both the resolution is known |
//! | pressure | `p`, `pressure`, `force` |
//! | stroke number | `stroke`, `stroke_id`, `line_number` |
//! | lifted pen | `air`, `pen_up` (1 or true: in air), `pen_down`, `on_paper` (1 or true: on paper) |
//!
//! Without time, points are in order and that is all. Without stroke number and lifted pen, pressure 0 is in air.
//! A file with `line_number` is MindLogger's: percent of a square canvas, y up.

use csv::StringRecord;

use super::{Columns, Options};
use crate::{Capture, Drawing, Error, Place, Point, Stroke, Timing, limit};

/// Names of a column of time in seconds.
const SECONDS: &[&str] = &["t", "t_s", "time", "time_s", "seconds"];
/// Names of a column of time in milliseconds; a bare `timestamp` is one, as in browsers.
const MILLISECONDS: &[&str] = &["t_ms", "time_ms", "timestamp", "timestamp_ms", "ms"];
/// Names of x.
const X: &[&str] = &["x", "x_mm"];
/// Names of y.
const Y: &[&str] = &["y", "y_mm"];
/// Names of pressure.
const PRESSURE: &[&str] = &["p", "pressure", "force"];
/// Names of the number of a stroke.
const STROKE: &[&str] = &["stroke", "stroke_id", "line_number"];
/// Names of a column that is true in the air.
const AIR: &[&str] = &["air", "pen_up"];
/// Names of a column that is true on paper.
const PAPER: &[&str] = &["pen_down", "on_paper"];

/// Whether a line could be the header of a table: two names or more.
pub(super) fn looks_like(line: &str) -> bool {
    line.split([',', ';', '\t']).filter(|name| !name.trim().is_empty()).count() > 1
}

/// The drawing of a table.
pub(super) fn decode(text: &str, options: &Options) -> Result<Drawing, Error> {
    let first = text.trim_start().lines().next().unwrap_or("");
    let delimiter =
        *[b',', b';', b'\t'].iter().max_by_key(|it| first.matches(**it as char).count()).unwrap_or(&b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let layout = Layout::find(reader.headers().map_err(|error| csv_error(&error))?, options)?;
    let mut strokes: Vec<Stroke> = Vec::new();
    let mut last = None;
    for (place, record) in reader.records().enumerate() {
        let record = record.map_err(|error| csv_error(&error))?;
        let row = layout.row(&record, place)?;
        limit::check("points in one drawing", place + 1, limit::POINTS)?;
        match strokes.last_mut() {
            Some(stroke) if last == Some((row.stroke, row.place)) => stroke.points.push(row.point),
            _ => strokes.push(Stroke { place: row.place, points: vec![row.point] }),
        }
        last = Some((row.stroke, row.place));
    }
    let pen_up_reported = strokes.iter().any(|stroke| stroke.place == Place::Air);
    Drawing::new(strokes, options.complete(Capture { pen_up_reported, ..layout.capture }))
}

/// The reader's error in our words, with its line.
fn csv_error(error: &csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {expected_len} fields as in the header, got {len}")
        }
        _ => error.to_string(),
    };
    Error::Table { line, message }
}

/// Where each column is.
struct Layout {
    time: Option<(usize, f64)>,
    x: usize,
    y: usize,
    pressure: Option<usize>,
    stroke: Option<usize>,
    air: Option<(usize, bool)>,
    capture: Capture,
}

/// The first line: as it is for names the caller gives, and in lower case for ours.
struct Header<'a> {
    record: &'a StringRecord,
    names: Vec<String>,
}

impl Header<'_> {
    /// The column of the caller's name, which must be there, or else the first of ours, if any is.
    fn find(
        &self,
        wanted: &'static str,
        asked: &Option<String>,
        known: &[&str],
    ) -> Result<Option<usize>, Error> {
        match asked {
            None => Ok(known.iter().find_map(|name| self.names.iter().position(|it| it == name))),
            Some(name) => match self.record.iter().position(|it| it == name) {
                Some(place) => Ok(Some(place)),
                None => Err(no_column(wanted, &[name], self.record)),
            },
        }
    }

    /// The same of a column that must be there in either case.
    fn needed(&self, wanted: &'static str, asked: &Option<String>, known: &[&str]) -> Result<usize, Error> {
        self.find(wanted, asked, known)?.ok_or_else(|| no_column(wanted, known, self.record))
    }

    /// The column of time and its unit in seconds. Seconds win over milliseconds: MindLogger has both.
    fn time(&self, asked: &Columns) -> Result<Option<(usize, f64)>, Error> {
        let unit_s = asked.time_unit_s.unwrap_or(1.0);
        let seconds = self.find("time", &asked.time, SECONDS)?.map(|place| (place, unit_s));
        let milliseconds = self.find("time", &None, MILLISECONDS)?.map(|place| (place, 0.001));
        Ok(seconds.or(milliseconds))
    }

    /// The column of the lifted pen, and whether true in it means in the air.
    fn air(&self, asked: &Columns) -> Result<Option<(usize, bool)>, Error> {
        let air = self.find("the lifted pen", &asked.air, AIR)?.map(|place| (place, true));
        let paper = self.find("the lifted pen", &None, PAPER)?.map(|place| (place, false));
        Ok(air.or(paper))
    }
}

/// One line of the table.
struct Row {
    stroke: Option<u64>,
    place: Place,
    point: Point,
}

impl Layout {
    /// Finds every column. Only x and y must be there.
    fn find(header: &StringRecord, options: &Options) -> Result<Self, Error> {
        let asked = options.columns.clone().unwrap_or_default();
        let header = Header { record: header, names: header.iter().map(str::to_lowercase).collect() };
        let (x, y) = (header.needed("x", &asked.x, X)?, header.needed("y", &asked.y, Y)?);
        let time = header.time(&asked)?;
        Ok(Self {
            time,
            x,
            y,
            pressure: header.find("pressure", &asked.pressure, PRESSURE)?,
            stroke: header.find("the stroke", &asked.stroke, STROKE)?,
            air: header.air(&asked)?,
            capture: Capture {
                mm_per_unit: (header.names[x] == "x_mm" && header.names[y] == "y_mm").then_some(1.0),
                timing: if time.is_some() { Timing::Whole } else { Timing::Unknown },
                y_up: header.names.iter().any(|name| name == "line_number"),
                ..Capture::default()
            },
        })
    }

    /// The record as a point. `place` counts records, for points without time.
    fn row(&self, record: &StringRecord, place: usize) -> Result<Row, Error> {
        let t_s = match self.time {
            Some((column, unit_s)) => number(record, column, "time")? * unit_s,
            None => place as f64,
        };
        let pressure = self.pressure.map(|it| number(record, it, "pressure")).transpose()?;
        let point = Point {
            t_s,
            x: number(record, self.x, "x")?,
            y: number(record, self.y, "y")?,
            pressure,
            tilt_deg: None,
        };
        let stroke = self.stroke.map(|it| number(record, it, "the stroke")).transpose()?;
        Ok(Row { stroke: stroke.map(f64::to_bits), place: self.place(record, pressure), point })
    }

    /// A column of the lifted pen decides; without one, and without stroke numbers, pressure 0 is in the air.
    fn place(&self, record: &StringRecord, pressure: Option<f64>) -> Place {
        let in_air = match self.air {
            Some((column, in_air)) => {
                let yes = matches!(record.get(column), Some("1" | "1.0" | "true" | "True" | "TRUE"));
                yes == in_air
            }
            None => self.stroke.is_none() && pressure == Some(0.0),
        };
        if in_air { Place::Air } else { Place::Paper }
    }
}

/// Names what was looked for and the first twenty columns there are.
fn no_column(wanted: &'static str, known: &[&str], header: &StringRecord) -> Error {
    let found: Vec<&str> = header.iter().take(20).collect();
    Error::NoColumn { wanted, known: known.join(", "), found: found.join(", ") }
}

/// A field as a number; refuses it with line and text.
fn number(record: &StringRecord, column: usize, wanted: &str) -> Result<f64, Error> {
    let field = record.get(column).unwrap_or("");
    field.parse().map_err(|_| {
        let field: String = field.chars().take(40).collect();
        let line = record.position().map_or(0, csv::Position::line);
        Error::Table { line, message: format!("{wanted} is {field:?}; expected a number") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Drawing, Error> {
        decode(text, &Options::default())
    }

    #[test]
    fn a_header_names_the_columns_in_any_order() {
        let drawing = read("y_mm,x_mm,pressure,t_ms\n1,2,0.5,0\n3,4,0.5,10\n3,5,0,20\n").unwrap();
        let places: Vec<_> = drawing.strokes().iter().map(|it| (it.place, it.points.len())).collect();
        assert_eq!(places, [(Place::Paper, 2), (Place::Air, 1)]);
        assert_eq!((drawing.strokes()[0].points[1].x, drawing.in_mm(), drawing.span_s()), (4.0, true, 0.02));
    }

    #[test]
    fn mindlogger_is_y_up_with_a_stroke_for_each_line_number() {
        let text = "\"line_number\",\"x\",\"y\",\"UTC_Timestamp\",\"seconds\"\n\
                    \"0\",\"9.5\",\"87.4\",\"1691597354.603\",\"0\"\n\"1\",\"8.4\",\"80\",\"1691597354.65\",\"0.047\"\n";
        let drawing = read(text).unwrap();
        assert_eq!((drawing.strokes().len(), drawing.strokes()[0].points[0].y), (2, -87.4));
        assert!(!drawing.in_mm() && !drawing.capture().pen_up_reported);
    }

    #[test]
    fn a_mapping_names_columns_the_header_does_not() {
        let text = "micros;horizontal;vertical;lifted\n0;1;1;false\n2000000;2;2;true\n";
        let columns = Columns {
            time: Some("micros".into()),
            time_unit_s: Some(1e-6),
            x: Some("horizontal".into()),
            y: Some("vertical".into()),
            air: Some("lifted".into()),
            ..Columns::default()
        };
        let drawing = decode(text, &Options { columns: Some(columns), ..Options::default() }).unwrap();
        assert_eq!((drawing.span_s(), drawing.strokes()[1].place), (2.0, Place::Air));
    }

    #[test]
    fn a_table_without_times_is_in_order_and_that_is_all() {
        assert_eq!(read("x,y\n1,1\n2,2\n").unwrap().capture().timing, Timing::Unknown);
    }

    #[test]
    fn a_missing_column_is_named_with_what_was_found() {
        let message = read("t,x,z\n1,2,3\n").unwrap_err().to_string();
        assert_eq!(message, "no column for y; expected one of y, y_mm, found t, x, z");
    }

    #[test]
    fn bad_fields_and_short_lines_are_refused_with_their_line() {
        let message = read("t,x,y\n0,1,2\n1,one,2\n").unwrap_err().to_string();
        assert_eq!(message, "table, line 3: x is \"one\"; expected a number");
        let message = read("t,x,y\n0,1\n").unwrap_err().to_string();
        assert_eq!(message, "table, line 2: expected 3 fields as in the header, got 2");
        assert!(matches!(read("t,x,y\n0,NaN,1\n"), Err(Error::BadNumber { .. })));
    }

    #[test]
    fn semicolons_tabs_and_quotes_are_read_and_the_pen_may_be_down_or_up() {
        for (text, expected) in [
            ("t;x;y;pen_down\n0;1;2;1\n1;2;3;0\n", [Place::Paper, Place::Air]),
            ("t\tx\ty\tpen_up\n0\t1\t2\t0\n1\t2\t3\t1\n", [Place::Paper, Place::Air]),
            (
                "\"t\",\"x\",\"y\",\"air\"\n\"0\",\"1\",\"2\",\"false\"\n1,2,3,true\n",
                [Place::Paper, Place::Air],
            ),
        ] {
            let places: Vec<_> = read(text).unwrap().strokes().iter().map(|it| it.place).collect();
            assert_eq!(places, expected, "{text}");
        }
    }

    #[test]
    fn a_mapping_to_a_column_that_is_not_there_is_refused() {
        let columns = Columns { x: Some("across".into()), ..Columns::default() };
        let options = Options { columns: Some(columns), ..Options::default() };
        let message = decode("t,x,y\n0,1,2\n", &options).unwrap_err().to_string();
        assert_eq!(message, "no column for x; expected one of across, found t, x, y");
    }
}
