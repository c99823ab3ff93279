//! The first verb: bytes to drawings. The format is told from the content, never from the name of the file.

mod inkml;
mod json;
mod look;
mod table;
mod uci;

use crate::{Capture, Drawing, Error, limit};
use look::Format;

/// What the caller knows and the file may not say. A file's own words win.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// What to call the file in the names of its drawings.
    pub name: String,
    /// Millimetres per unit of x and y.
    pub mm_per_unit: Option<f64>,
    /// The pressure at full scale.
    pub pressure_full: Option<f64>,
    /// The columns of a table whose header does not speak for itself.
    pub columns: Option<Columns>,
}

/// Which column of a table holds what, by the name in its header.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    /// Time.
    pub time: Option<String>,
    /// Seconds per unit of time; 1 if left out.
    pub time_unit_s: Option<f64>,
    /// To the right.
    pub x: Option<String>,
    /// Down the sheet.
    pub y: Option<String>,
    /// Pressure.
    pub pressure: Option<String>,
    /// Number of the stroke.
    pub stroke: Option<String>,
    /// Whether the pen is in the air (1 or true).
    pub air: Option<String>,
}

/// One drawing of a file, or why that one cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The file's name, with `#3` (third of several) or ` TestID 0` (as the file calls it) where it holds more than one.
    pub name: String,
    /// The drawing.
    pub drawing: Result<Drawing, Error>,
}

/// Every drawing of a file: InkML, ink JSON, CSV, UCI spiral text, or ndjson of Quick, Draw! or UNIPEN.
///
/// An error means that the file as a whole is no ink; a drawing that is broken among others is an error in its own
/// [`Named`]. The list is never empty.
pub fn decode(bytes: &[u8], options: &Options) -> Result<Vec<Named>, Error> {
    limit::check("bytes in one file", bytes.len(), limit::BYTES)?;
    let text = look::text(bytes)?;
    let found = match look::format(text)? {
        Format::InkMl => vec![(String::new(), inkml::decode(text, options))],
        Format::Json => json::decode(text, options)?,
        Format::Uci => uci::decode(text, options)?,
        Format::Table => vec![(String::new(), table::decode(text, options))],
    };
    match <[_; 1]>::try_from(found) {
        // A file with one drawing that is broken is a broken file.
        Ok([(suffix, drawing)]) => Ok(vec![Named { name: named(options, &suffix), drawing: Ok(drawing?) }]),
        Err(several) => Ok(several
            .into_iter()
            .map(|(suffix, drawing)| Named { name: named(options, &suffix), drawing })
            .collect()),
    }
}

/// A drawing with the part of its name that the file gives it.
type Found = (String, Result<Drawing, Error>);

/// The full name of a drawing.
fn named(options: &Options, suffix: &str) -> String {
    format!("{}{suffix}", options.name)
}

impl Options {
    /// `capture` with what the file left open filled in.
    fn complete(&self, capture: Capture) -> Capture {
        Capture {
            mm_per_unit: capture.mm_per_unit.or(self.mm_per_unit),
            pressure_full: capture.pressure_full.or(self.pressure_full),
            ..capture
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    /// Every file of `attacks/ink` and words of the message that refuses it.
    const ATTACKS: &[(&str, &str)] = &[
        ("a-day-long.json", "too many seconds in one drawing: 86400, and at most 21600 are read"),
        ("empty.json", "the file is empty"),
        ("entity-bomb.inkml", "entities are not read"),
        ("field-is-text.csv", "table, line 3: y is \"lots\"; expected a number"),
        ("goes-back.json", "stroke 2 goes back in time: 12.4 s after 12.9 s"),
        ("header-only-png.png", "this looks like a PNG picture; expected ink"),
        ("huge-coordinate.json", "stroke 1, point 2: x is 1"),
        ("infinite.csv", "stroke 1, point 2: y is inf"),
        ("isf-header.isf", "binary ink such as Microsoft ISF"),
        ("licence.txt", "plain text that begins \"Permission to draw"),
        ("negative-resolution.json", "the resolution in mm per unit is -0.1; expected a positive number"),
        ("no-y-column.csv", "no column for y; expected one of y, y_mm, found t, x, pressure"),
        ("not-a-number.csv", "stroke 1, point 1: x is NaN"),
        ("number-out-of-range.json", "number out of range"),
        ("other-root.svg", "the root element is <svg>; expected <ink>"),
        ("ragged.json", "stroke 1: y has 2 values where x has 3"),
        ("short-line.txt", "table, line 2: expected X;Y;Z;Pressure;GripAngle;Timestamp;TestID"),
        ("sqlite-header.db3", "an SQLite database"),
        ("thousand-groups.inkml", "InkML elements inside elements: 33, and at most 32"),
        ("thousand-lists.json", "JSON, line 1: invalid type: sequence"),
        ("truncated.inkml", "the file ends inside an element"),
        ("truncated.json", "EOF while parsing"),
        ("version-9.json", "ink JSON version 9; expected version 1"),
        ("wrong-type.json", "invalid type: string"),
    ];

    #[test]
    fn each_attack_is_refused_with_its_own_message() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../attacks/ink");
        let mut expected: BTreeMap<&str, &str> = ATTACKS.iter().copied().collect();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "README.md" {
                continue;
            }
            let words = expected.remove(name).unwrap_or_else(|| panic!("{name} is not in the list"));
            let message = decode(&fs::read(&path).unwrap(), &Options::default()).unwrap_err().to_string();
            assert!(message.contains(words), "{name}: {message}");
        }
        assert!(expected.is_empty(), "no such attack: {expected:?}");
    }

    #[test]
    fn a_million_points_are_read_and_two_million_and_one_are_not() {
        let table = |count: usize| {
            let rows: String = (0..count).map(|n| format!("{n},{},{}\n", n % 97, n % 89)).collect();
            decode(format!("t_ms,x,y\n{rows}").as_bytes(), &Options::default())
        };
        assert_eq!(table(1_000_000).unwrap()[0].drawing.as_ref().unwrap().point_count(), 1_000_000);
        let message = table(limit::POINTS + 1).unwrap_err().to_string();
        assert_eq!(message, "too many points in one drawing: 2000001, and at most 2000000 are read");
    }

    #[test]
    fn bytes_drawings_and_strokes_have_limits_too() {
        let over = |text: String| decode(text.as_bytes(), &Options::default()).unwrap_err().to_string();
        assert!(over(" ".repeat(limit::BYTES + 1)).contains("bytes in one file"));
        assert!(over("{\"drawing\":[]}\n".repeat(limit::DRAWINGS + 1)).contains("drawings in one file"));
        let dots = "[[0],[0],[0]],".repeat(limit::STROKES) + "[[0],[0],[0]]";
        assert!(over(format!("{{\"drawing\":[{dots}]}}")).contains("strokes in one drawing"));
    }

    #[test]
    fn names_tell_the_drawings_of_a_file_apart() {
        let options = Options { name: "clock.ndjson".to_owned(), ..Options::default() };
        let line = "{\"drawing\":[[[1,2],[3,4],[0,10]]]}\n";
        let names = |text: &str| -> Vec<String> {
            decode(text.as_bytes(), &options).unwrap().into_iter().map(|it| it.name).collect()
        };
        assert_eq!(names(&line.repeat(2)), ["clock.ndjson#1", "clock.ndjson#2"]);
        assert_eq!(names(line), ["clock.ndjson"]);
    }

    #[test]
    fn the_caller_fills_in_what_the_file_leaves_open_and_no_more() {
        let options = Options { mm_per_unit: Some(0.5), ..Options::default() };
        let x = |text: &str| {
            let drawing = decode(text.as_bytes(), &options).unwrap().remove(0).drawing.unwrap();
            drawing.strokes()[0].points[1].x
        };
        assert_eq!(x("t,x,y\n0,0,0\n1,8,0\n"), 4.0);
        assert_eq!(x("t,x_mm,y_mm\n0,0,0\n1,8,0\n"), 8.0);
    }

    #[test]
    fn no_piece_of_a_good_file_panics() {
        let drawing = crate::synth::lines(20.0, 0.2, 2, 0.1, &crate::synth::Pen::steady());
        let inkml = "<ink><traceFormat><channel name='X'/></traceFormat><trace>1'2\"3?-4*#F,é</trace></ink>";
        for text in [drawing.to_json().as_str(), inkml, "t,x,y\n0,1,2\n", "1;1;0;9;0;0;0\n1;2;0;9;0;7;0\n"] {
            for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let _ = decode(&text.as_bytes()[..end], &Options::default());
                let _ = decode(&text.as_bytes()[end..], &Options::default());
            }
        }
    }
}
