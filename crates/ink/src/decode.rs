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
