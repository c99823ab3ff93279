//! What a feature is: the text from which dictionary, tables and reports are generated.

use std::fmt;

use serde::Serialize;

use crate::Unit;

/// Whether a value means the same on another device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Times, counts and ratios: comparable between any two devices.
    AnyDevice,
    /// Depends on the microphone, its distance, the tablet or the sheet: compare only within one set-up.
    SameDevice,
}

/// What can happen to a recording or drawing between a person and the measure of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Other sound in the room.
    Noise,
    /// A codec that leaves out what is hard to hear.
    Compression,
    /// A telephone line: 300–3400 Hz, 8 bits a sample.
    Telephone,
    /// Another distance to the microphone, or another setting of it.
    Gain,
    /// A room that rings.
    Reverberation,
}

impl Condition {
    /// Every condition, in the order of the documents.
    pub const ALL: [Self; 5] =
        [Self::Noise, Self::Compression, Self::Telephone, Self::Gain, Self::Reverberation];

    /// Its name in documents and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Compression => "compression",
            Self::Telephone => "telephone",
            Self::Gain => "gain",
            Self::Reverberation => "reverberation",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One feature: everything a reader needs to know of its number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Definition {
    /// `room.subject.statistic`, for example `voice.pause.rate`.
    pub name: &'static str,
    /// A few plain words for a report, without the unit: `pauses of 0.25 s or more`.
    pub label: &'static str,
    /// The unit of the value.
    pub unit: Unit,
    /// Smallest and largest plausible value, both included; outside it a value is kept and marked.
    pub range: (f64, f64),
    /// The formula in one sentence.
    pub formula: &'static str,
    /// Paper, standard or section of our own documentation that the formula comes from.
    pub source: &'static str,
    /// When the value is missing.
    pub missing: &'static str,
    /// Whether the value can be compared between devices.
    pub reach: Reach,
    /// The conditions under which the value was measured to be unstable; `None` where that was never measured. The rule
    /// and the figures stand in the room's own page (`docs/voice.md`).
    pub fragile: Option<&'static [Condition]>,
}

impl Definition {
    /// Whether `number` lies in the plausible range.
    pub fn plausible(&self, number: f64) -> bool {
        (self.range.0..=self.range.1).contains(&number)
    }

    /// Whether the value was measured to be unstable under `condition`.
    pub fn breaks_under(&self, condition: Condition) -> bool {
        self.fragile.is_some_and(|conditions| conditions.contains(&condition))
    }

    /// The first word of the name: the room that measures it.
    pub fn room(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }
}
