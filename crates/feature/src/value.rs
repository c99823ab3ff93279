//! A measured number, or the reason why there is none.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// Why a value is missing, in words a person can act on: `nothing voiced`, `pen-up movement not reported`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Reason {
    fn from(words: &'static str) -> Self {
        Self(Cow::Borrowed(words))
    }
}

impl From<String> for Reason {
    fn from(words: String) -> Self {
        Self(Cow::Owned(words))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A finite number, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A finite number, in the unit of its definition.
    Measured(f64),
    /// No number, and why.
    Missing(Reason),
}

impl Value {
    /// The number, if there is one.
    pub fn measured(&self) -> Option<f64> {
        match self {
            Self::Measured(number) => Some(*number),
            Self::Missing(_) => None,
        }
    }

    /// The reason, if there is no number.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Measured(_) => None,
            Self::Missing(reason) => Some(reason),
        }
    }
}

/// A finite number is measured; infinity and NaN are missing, because no formula of ours means them.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        if number.is_finite() {
            Self::Measured(number)
        } else {
            Self::Missing("the formula has no finite value here".into())
        }
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        f64::from(number).into()
    }
}

impl<R: Into<Reason>> From<Result<f64, R>> for Value {
    fn from(result: Result<f64, R>) -> Self {
        match result {
            Ok(number) => number.into(),
            Err(reason) => Self::Missing(reason.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_become_missing() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Value::from(number).measured().is_none());
        }
        assert_eq!(Value::from(0.0).measured(), Some(0.0));
    }

    #[test]
    fn an_error_becomes_the_reason() {
        let value = Value::from(Err::<f64, _>("nothing voiced"));
        assert_eq!(value.reason().map(Reason::as_str), Some("nothing voiced"));
    }
}
