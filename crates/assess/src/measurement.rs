//! From a checked medium to its values.

use feature::{Declined, FeatureVector, Quality};
use serde::{Serialize, ser::SerializeMap};

use crate::intake::{Medium, Received};

/// What all measures of a medium read: its contours or tracks, computed once.
#[derive(Debug, Clone)]
pub enum Analysis {
    /// Of a recording.
    Voice(Box<voice::Analysis>),
    /// Of a drawing.
    Ink(Box<ink::Analysis>),
}

/// The values of one recording or drawing.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// What was found by the check.
    pub quality: Quality,
    /// Every value of the medium's set.
    pub values: FeatureVector,
    /// What the values were read from.
    pub analysis: Analysis,
}

/// One recording or drawing of a file, measured or declined.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The file's name; `clock.ndjson#3` where it holds several drawings.
    pub file: String,
    /// The values, or why there are none.
    pub outcome: Result<Measurement, Declined>,
}

impl Measured {
    /// Measures what was received, if it was usable.
    pub fn new(received: Received) -> Self {
        Self { file: received.name, outcome: received.medium.map(|medium| Measurement::new(&medium)) }
    }
}

impl Measurement {
    /// Every value of the set that belongs to the medium.
    pub fn new(medium: &Medium) -> Self {
        match medium {
            Medium::Voice(recording) => {
                let analysis = voice::Analysis::new(recording);
                let values = voice::set().measure(&analysis);
                Self {
                    quality: recording.quality().clone(),
                    values,
                    analysis: Analysis::Voice(Box::new(analysis)),
                }
            }
            Medium::Ink(drawing) => {
                let analysis = ink::Analysis::new(drawing);
                let values = ink::set().measure(&analysis);
                Self {
                    quality: drawing.quality().clone(),
                    values,
                    analysis: Analysis::Ink(Box::new(analysis)),
                }
            }
        }
    }
}

/// `{"file", "set", "quality", "values"}`, or `{"file", "declined", "quality"}`.
impl Serialize for Measured {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", &self.file)?;
        match &self.outcome {
            Ok(measurement) => {
                map.serialize_entry("set", measurement.values.set())?;
                map.serialize_entry("quality", &measurement.quality)?;
                map.serialize_entry("values", measurement.values.features())?;
            }
            Err(declined) => {
                map.serialize_entry("declined", &declined.to_string())?;
                map.serialize_entry("quality", &declined.quality)?;
            }
        }
        map.end()
    }
}
