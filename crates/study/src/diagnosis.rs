//! What was known of a participant's cognition when the cohort was gathered.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The label of a participant in a cohort, as its authors gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Diagnosis {
    /// Cognitively healthy.
    Healthy,
    /// Mild cognitive impairment.
    Mci,
    /// Dementia of any cause, Alzheimer's disease among them.
    Dementia,
    /// Another disease than of cognition, for cohorts that methods are tried on: Parkinson's. No screener is fitted on it.
    Other,
}

impl Diagnosis {
    /// Every label there is.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Mci, Self::Dementia, Self::Other];

    /// Whether the label counts as impaired where two classes are asked for.
    pub fn impaired(self) -> bool {
        self != Self::Healthy
    }

    /// The word in tables: `healthy`, `mci`, `dementia`, `other`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Mci => "mci",
            Self::Dementia => "dementia",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Diagnosis {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|it| it.word() == word).ok_or_else(|| Error::UnknownWord {
            what: "label",
            got: word.to_owned(),
            expected: "healthy, mci, dementia, other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back_and_unknown_ones_are_refused() {
        for label in Diagnosis::ALL {
            assert_eq!(label.to_string().parse::<Diagnosis>().unwrap(), label);
        }
        let message = "P".parse::<Diagnosis>().unwrap_err().to_string();
        assert_eq!(message, r#"unknown label "P"; expected one of: healthy, mci, dementia, other"#);
    }
}
