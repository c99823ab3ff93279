//! What a feature is: the text from which dictionary, tables and reports are generated.

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
}

impl Definition {
    /// Whether `number` lies in the plausible range.
    pub fn plausible(&self, number: f64) -> bool {
        (self.range.0..=self.range.1).contains(&number)
    }

    /// The first word of the name: the room that measures it.
    pub fn room(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }
}
