//! Whether a recording or drawing is good enough to be measured, and what was found.

use std::fmt;

use serde::{Serialize, ser::SerializeMap};

use crate::Unit;

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within the limit.
    Good,
    /// Outside the limit: measured all the same, and said so. A screener may refuse the mark.
    Marked,
    /// Not usable at all.
    Declined,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Marked => "marked",
            Self::Declined => "declined",
        })
    }
}

/// One check: what was looked at, what was found, and the limit it was held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// `room.check`, for example `voice.clipping`.
    pub check: &'static str,
    /// What was found; absent where it could not be computed.
    pub value: Option<f64>,
    /// The limit it was held against.
    pub limit: f64,
    /// Unit of value and limit.
    pub unit: Unit,
    /// What the check says.
    pub verdict: Verdict,
    /// One sentence for a person, naming value and limit.
    pub message: String,
}

/// Everything that was checked of one recording or drawing. Serialised as `{"verdict", "findings"}`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quality {
    findings: Vec<Finding>,
}

impl Serialize for Quality {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("verdict", &self.verdict())?;
        map.serialize_entry("findings", &self.findings)?;
        map.end()
    }
}

impl Quality {
    /// The quality made of these findings.
    pub fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    /// Every finding, in the order of the checks.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The worst verdict of any finding; good when nothing was found.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Good)
    }

    /// The findings that are not good.
    pub fn marks(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.verdict != Verdict::Good)
    }

    /// The finding of this check, if it ran.
    pub fn finding(&self, check: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}

/// A medium that knows how to check itself.
pub trait Check {
    /// Runs every check. Never fails: what cannot be computed is a finding.
    fn check(&self) -> Quality;
}

/// A medium that passed its check. The only constructor runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Usable<M> {
    medium: M,
    quality: Quality,
}

impl<M: Check> Usable<M> {
    /// Checks `medium`: usable (good or marked), or declined with everything that was found.
    pub fn new(medium: M) -> Result<Self, Declined> {
        let quality = medium.check();
        match quality.verdict() {
            Verdict::Declined => Err(Declined { quality }),
            _ => Ok(Self { medium, quality }),
        }
    }
}

impl<M> Usable<M> {
    /// The medium.
    pub fn medium(&self) -> &M {
        &self.medium
    }

    /// What was found.
    pub fn quality(&self) -> &Quality {
        &self.quality
    }
}

/// A medium that cannot be measured, with the findings that say why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Declined {
    /// What was found.
    pub quality: Quality,
}

impl Declined {
    /// A medium that could not even be decoded: one finding with the decoder's message.
    pub fn unreadable(check: &'static str, message: impl Into<String>) -> Self {
        let finding = Finding {
            check,
            value: None,
            limit: 0.0,
            unit: Unit::One,
            verdict: Verdict::Declined,
            message: message.into(),
        };
        Self { quality: Quality::new(vec![finding]) }
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let declined = |finding: &&Finding| finding.verdict == Verdict::Declined;
        let messages: Vec<_> =
            self.quality.findings.iter().filter(declined).map(|it| it.message.as_str()).collect();
        f.write_str(&messages.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Level(f64);

    impl Check for Level {
        fn check(&self) -> Quality {
            let verdict = match self.0 {
                level if level > 0.5 => Verdict::Good,
                level if level > 0.1 => Verdict::Marked,
                _ => Verdict::Declined,
            };
            let message = format!("level {} against 0.5", self.0);
            let (value, limit, unit) = (Some(self.0), 0.5, Unit::One);
            Quality::new(vec![Finding { check: "demo.level", value, limit, unit, verdict, message }])
        }
    }

    #[test]
    fn a_marked_medium_is_usable_and_a_declined_one_is_not() {
        assert_eq!(Usable::new(Level(0.9)).unwrap().quality().verdict(), Verdict::Good);
        assert_eq!(Usable::new(Level(0.3)).unwrap().quality().marks().count(), 1);
        let declined = Usable::new(Level(0.0)).err().unwrap();
        assert_eq!(declined.to_string(), "level 0 against 0.5");
    }
}
