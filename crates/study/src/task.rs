//! What a participant was asked to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, participant::checked_name};

/// Longest name of a task in bytes.
const MAX_NAME: usize = 64;

/// A task by its name: `picture`, `clock`, `spiral`, `darwin-24`. Any name can be measured; a screener knows its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Task(String);

impl Task {
    /// A task of this name: 1 to 64 bytes without slash, comma, quote or control character.
    pub fn new(name: &str) -> Result<Self, Error> {
        checked_name("task", name, MAX_NAME).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Task {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::new(&name)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
