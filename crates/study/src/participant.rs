//! A person who took part, and the little that is known of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Diagnosis, Error};

/// Longest participant id in bytes.
const MAX_ID: usize = 128;

/// Refuses names that would break a CSV table or a path.
pub(crate) fn checked_name(what: &'static str, name: &str, limit: usize) -> Result<String, Error> {
    let breaks = |c: char| c.is_control() || matches!(c, '/' | '\\' | ',' | '"');
    if name.is_empty() || name.len() > limit || name.contains(breaks) {
        return Err(Error::BadName { what, got: name.chars().take(limit).collect(), limit });
    }
    Ok(name.to_owned())
}

/// The pseudonym of a participant. It has no `Display` and its `Debug` redacts: [`reveal`](Self::reveal) is the one door.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ParticipantId(String);

impl ParticipantId {
    /// Takes a pseudonym of 1 to 128 bytes without slash, comma, quote or control character.
    pub fn new(id: &str) -> Result<Self, Error> {
        checked_name("participant id", id, MAX_ID).map(Self)
    }

    /// The pseudonym itself, to be written where a person asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ParticipantId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self, Error> {
        Self::new(&id)
    }
}

impl fmt::Debug for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ParticipantId(…)")
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word,)* })
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(word: &str) -> Result<Self, Error> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(Error::UnknownWord { what: $what, got: word.to_owned(), expected: $expected }),
                }
            }
        }
    };
}

words!(
    /// Sex as recorded by the study.
    Sex, "sex", "female, male, other" {
        /// Female.
        Female = "female",
        /// Male.
        Male = "male",
        /// Neither, or not to be said.
        Other = "other",
    }
);
words!(
    /// The hand a person writes with.
    Handedness, "handedness", "right, left, both" {
        /// Right.
        Right = "right",
        /// Left.
        Left = "left",
        /// Either.
        Both = "both",
    }
);

/// The language of a session, as a short lower-case code: `en`, `ko`, `it`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(pub String);

impl Language {
    /// The name of the language in English, or the code itself where it is not one of ours.
    pub fn name(&self) -> &str {
        match self.0.as_str() {
            "en" => "English",
            "ko" => "Korean",
            "it" => "Italian",
            code => code,
        }
    }
}

/// A person of a cohort or session. What is not known is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Pseudonym.
    pub id: ParticipantId,
    /// What the study knew of their cognition.
    #[serde(default)]
    pub label: Option<Diagnosis>,
    /// Age in years.
    #[serde(default)]
    pub age: Option<f64>,
    /// Sex as recorded.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// Years of school.
    #[serde(default)]
    pub education: Option<f64>,
    /// Language of the session.
    #[serde(default)]
    pub language: Option<Language>,
    /// Where it was recorded.
    #[serde(default)]
    pub site: Option<String>,
    /// What it was recorded with.
    #[serde(default)]
    pub device: Option<String>,
    /// Points of the Mini-Mental State Examination, 0 to 30 (Folstein, Folstein & McHugh 1975).
    #[serde(default)]
    pub mmse: Option<f64>,
    /// Points of the Montreal Cognitive Assessment, 0 to 30 (Nasreddine et al. 2005).
    #[serde(default)]
    pub moca: Option<f64>,
}

impl Participant {
    /// A participant of whom nothing but the pseudonym is known.
    pub fn new(id: ParticipantId) -> Self {
        Self {
            id,
            label: None,
            age: None,
            sex: None,
            education: None,
            language: None,
            site: None,
            device: None,
            mmse: None,
            moca: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_prints_itself() {
        let id = ParticipantId::new("Kim-0042").unwrap();
        assert_eq!(format!("{id:?}"), "ParticipantId(…)");
        assert_eq!(id.reveal(), "Kim-0042");
    }

    #[test]
    fn ids_that_would_break_a_table_or_a_path_are_refused() {
        for bad in ["", "a/b", "a,b", "a\nb", "a\\b", &"x".repeat(MAX_ID + 1)] {
            assert!(ParticipantId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_sex_is_refused_with_the_known_ones() {
        let message = "F".parse::<Sex>().unwrap_err().to_string();
        assert!(message.contains("female, male, other"), "{message}");
    }
}
