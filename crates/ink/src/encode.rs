//! A drawing as ink JSON, one stroke a line (`docs/ink-format.md`).

use serde_json::{Map, Value, json};

use crate::{Drawing, Place, Point, Stroke, Timing};

impl Drawing {
    /// Ink JSON version 1. Reading it back gives the same drawing; times are left out where they are not known.
    ///
    /// Times known only within strokes cannot be written: they become none.
    pub fn to_json(&self) -> String {
        let capture = self.capture();
        let facts = [
            ("format", Some(json!("ink"))),
            ("version", Some(json!(1))),
            ("device", capture.device.as_ref().map(|it| json!(it))),
            ("mm_per_unit", capture.mm_per_unit.map(|it| json!(it))),
            ("sheet", capture.sheet.map(|it| json!(it))),
            ("pressure_full", capture.pressure_full.map(|it| json!(it))),
            ("pen_up_reported", Some(json!(capture.pen_up_reported))),
            ("task_started_s", capture.task_started_s.map(|it| json!(it))),
        ];
        let facts = facts.into_iter().filter_map(|(key, value)| Some(format!("\"{key}\": {}", value?)));
        let timed = capture.timing == Timing::Whole;
        let strokes: Vec<String> = self.strokes().iter().map(|stroke| columns(stroke, timed)).collect();
        format!("{{{}, \"strokes\": [\n{}\n]}}\n", facts.collect::<Vec<_>>().join(", "), strokes.join(",\n"))
    }
}

/// One stroke as an object of columns; a column is left out unless every point has it.
fn columns(stroke: &Stroke, timed: bool) -> String {
    let mut columns = Map::new();
    if stroke.place == Place::Air {
        columns.insert("air".to_owned(), Value::Bool(true));
    }
    let mut add = |name: &str, of: &dyn Fn(&Point) -> Option<f64>| {
        let values: Option<Vec<f64>> = stroke.points.iter().map(of).collect();
        if let Some(values) = values {
            columns.insert(name.to_owned(), json!(values));
        }
    };
    add("t", &|point| timed.then_some(point.t_s));
    add("x", &|point| Some(point.x));
    add("y", &|point| Some(point.y));
    add("p", &|point| point.pressure);
    add("tilt", &|point| point.tilt_deg);
    Value::Object(columns).to_string()
}

#[cfg(test)]
mod tests {
    use crate::{Options, decode, synth};

    #[test]
    fn a_drawing_written_as_ink_json_reads_back_as_itself() {
        let drawing = synth::clock(&synth::Clock::at(11, 5), &synth::Pen::natural(3));
        let text = drawing.to_json();
        let read = decode(text.as_bytes(), &Options::default()).unwrap().remove(0).drawing.unwrap();
        assert!(read == drawing, "the drawing changed");
    }
}
