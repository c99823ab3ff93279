//! Trace data: points of numbers, whole or as differences (InkML section 3.2.3), and the clock they go by.

use super::channel::Format;
use crate::Point;

/// How the numbers of one channel are written, until the next prefix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Written {
    /// `!` or nothing: the value itself.
    #[default]
    Explicit,
    /// `'`: the difference to the value before.
    Velocity,
    /// `"`: the difference of the difference.
    Acceleration,
}

/// One channel while a trace is read.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    written: Written,
    value: f64,
    velocity: f64,
}

/// The rows of a trace, one number a channel; `None` where unknown (`?`) or left out. Errors name the point.
pub(super) fn rows(data: &str, format: &Format) -> Result<Vec<Vec<Option<f64>>>, String> {
    let (fewest, most) = format.width();
    let mut memory = vec![Memory::default(); most];
    let mut rows = Vec::new();
    for (place, text) in data.split(',').enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let fields = fields(text);
        if !(fewest..=most).contains(&fields.len()) {
            let got = fields.len();
            return Err(format!("point {}: expected {fewest} to {most} numbers, got {got}", place + 1));
        }
        let row: Result<Vec<_>, String> =
            fields.iter().zip(&mut memory).map(|(field, memory)| memory.read(field)).collect();
        rows.push(row.map_err(|message| format!("point {}: {message}", place + 1))?);
    }
    Ok(rows)
}

/// The fields of one point. White space may be left out before a sign or prefix: `125 'F-2` is written `125'2-3`.
fn fields(text: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (place, byte) in bytes.iter().enumerate() {
        let after_prefix = place > start && matches!(bytes[place - 1], b'\'' | b'"' | b'!');
        let exponent = place > start && matches!(bytes[place - 1], b'e' | b'E') && bytes[start] != b'#';
        let sign = matches!(byte, b'-' | b'+') && !after_prefix && !exponent;
        let breaks = byte.is_ascii_whitespace() || sign || matches!(byte, b'\'' | b'"' | b'!' | b'*' | b'?');
        if breaks && place > start {
            fields.push(&text[start..place]);
        }
        if breaks {
            start = if byte.is_ascii_whitespace() { place + 1 } else { place };
        }
    }
    fields.push(&text[start..]);
    fields.retain(|field| !field.is_empty());
    fields
}

impl Memory {
    /// The value that a field stands for.
    fn read(&mut self, field: &str) -> Result<Option<f64>, String> {
        let (written, digits) = match field.as_bytes().first() {
            Some(b'!') => (Written::Explicit, &field[1..]),
            Some(b'\'') => (Written::Velocity, &field[1..]),
            Some(b'"') => (Written::Acceleration, &field[1..]),
            _ => (self.written, field),
        };
        match digits {
            "?" => return Ok(None),
            "*" => return Ok(Some(self.value)),
            "T" => return Ok(Some(1.0)),
            "F" => return Ok(Some(0.0)),
            _ => {}
        }
        let number = match digits.strip_prefix('#') {
            Some(hex) => i64::from_str_radix(hex, 16).ok().map(|it| it as f64),
            None => digits.parse().ok(),
        };
        let number: f64 = number.ok_or_else(|| format!("{field:?} is no number"))?;
        self.step(written, number);
        Ok(Some(self.value))
    }

    /// Adds the number as it is written, and remembers value and difference for the next one.
    fn step(&mut self, written: Written, number: f64) {
        let before = self.value;
        match written {
            Written::Explicit => self.value = number,
            Written::Velocity => self.value += number,
            Written::Acceleration => self.value += self.velocity + number,
        }
        self.velocity = self.value - before;
        self.written = written;
    }
}

/// Gives times to the points of each trace, and remembers what it had to guess.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// Some trace had neither T nor a sample rate.
    pub(super) untimed: bool,
    /// Some trace after the first had a rate but no place on the clock.
    pub(super) adrift: bool,
    next_s: f64,
    started: bool,
}

impl Clock {
    /// The points of a trace from its rows.
    pub(super) fn points(
        &mut self,
        rows: &[Vec<Option<f64>>],
        format: &Format,
        offset_s: Option<f64>,
        rate_hz: Option<f64>,
    ) -> Vec<Point> {
        let at = |row: &[Option<f64>], name| format.place(name).and_then(|it| *row.get(it)?);
        let has_t = !rows.is_empty() && rows.iter().all(|row| at(row, "T").is_some());
        let start_s = self.start(has_t, offset_s, rate_hz);
        let step_s = rate_hz.map_or(1.0, f64::recip);
        let time = |n: usize, row: &[Option<f64>]| match at(row, "T").filter(|_| has_t) {
            Some(t) => start_s + t * format.time_unit_s(),
            None => start_s + n as f64 * step_s,
        };
        let point = |(n, row): (usize, &Vec<Option<f64>>)| {
            let (x, y) = (at(row, "X")?, at(row, "Y")?);
            let tilt_deg = tilt_deg(at(row, "OTx"), at(row, "OTy"), at(row, "OE"));
            Some(Point { t_s: time(n, row), x, y, pressure: at(row, "F"), tilt_deg })
        };
        let points: Vec<Point> = rows.iter().enumerate().filter_map(point).collect();
        self.next_s = points.last().map_or(self.next_s, |last| last.t_s + step_s);
        points
    }

    /// Where the times of a trace begin: T is absolute but for an offset; a rate needs an offset, or follows
    /// on from the trace
    /// before and is adrift.
    fn start(&mut self, has_t: bool, offset_s: Option<f64>, rate_hz: Option<f64>) -> f64 {
        let first = !std::mem::replace(&mut self.started, true);
        if has_t {
            return offset_s.unwrap_or(0.0);
        }
        self.untimed |= rate_hz.is_none();
        self.adrift |= offset_s.is_none() && !first;
        offset_s.filter(|_| rate_hz.is_some()).unwrap_or(self.next_s)
    }
}

/// Lean from upright: from the tilts along x and y, or from the elevation above the sheet, in degrees.
fn tilt_deg(along_x: Option<f64>, along_y: Option<f64>, elevation: Option<f64>) -> Option<f64> {
    let slope = |deg: f64| deg.to_radians().tan();
    match (along_x, along_y) {
        (Some(x), Some(y)) => Some(slope(x).hypot(slope(y)).atan().to_degrees()),
        _ => elevation.map(|it| 90.0 - it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_add_up_as_in_the_standard() {
        // The worked example of InkML section 3.2.3.
        let data = r#"1125 18432, '23'43, "7"-8, 3-5, 7 -3, 6 2, 6 8, 3 6 T"#.replace(" T", "");
        let rows = rows(&data, &Format::default()).unwrap();
        let expected = [
            (1125.0, 18432.0),
            (1148.0, 18475.0),
            (1178.0, 18510.0),
            (1211.0, 18540.0),
            (1251.0, 18567.0),
            (1297.0, 18596.0),
            (1349.0, 18633.0),
            (1404.0, 18676.0),
        ];
        for (row, (x, y)) in rows.iter().zip(expected) {
            assert_eq!((row[0], row[1]), (Some(x), Some(y)));
        }
    }

    #[test]
    fn unknown_repeated_and_hexadecimal_values_are_read() {
        let rows = rows("#1F 5, * ?, 1e1 -2", &Format::default()).unwrap();
        assert_eq!(rows[0], [Some(31.0), Some(5.0)]);
        assert_eq!(rows[1], [Some(31.0), None]);
        assert_eq!(rows[2], [Some(10.0), Some(-2.0)]);
    }

    #[test]
    fn a_pen_tilted_along_one_axis_leans_by_that_angle() {
        assert!((tilt_deg(Some(30.0), Some(0.0), None).unwrap() - 30.0).abs() < 1e-9);
        assert_eq!(tilt_deg(None, None, Some(60.0)), Some(30.0));
    }

    #[test]
    fn fields_may_touch_where_a_sign_or_prefix_begins_the_next() {
        assert_eq!(fields("125'2-3"), ["125", "'2", "-3"]);
        assert_eq!(fields(" 1e-3 +4\t*? "), ["1e-3", "+4", "*", "?"]);
        assert_eq!(fields("'-5\"-6"), ["'-5", "\"-6"]);
    }

    #[test]
    fn a_point_of_too_many_numbers_or_none_is_refused_with_its_place() {
        for (data, words) in [
            ("1 2 3", "point 1: expected 2 to 2 numbers, got 3"),
            ("1 2, x y", "point 2: \"x\" is no number"),
        ] {
            assert_eq!(rows(data, &Format::default()).unwrap_err(), words);
        }
        assert_eq!(rows(" , ,", &Format::default()), Ok(vec![]));
    }
}
