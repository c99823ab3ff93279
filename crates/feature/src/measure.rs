//! Measures and the sets they form.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Definition, Error, Feature, FeatureVector, Reason, Value};

/// Something that measures one subject from an analysis `A` whose contours were computed once.
///
/// `A` is the analysis of one room (`voice::Analysis`, `ink::Analysis`): a measure sees neither age nor diagnosis,
/// because nothing of the kind can be reached from there.
pub trait Measure<A: ?Sized>: Sync {
    /// The features it fills, in order.
    fn definitions(&self) -> &'static [Definition];

    /// Fills `row`. A feature that is left out is missing with its definition's own words.
    fn measure(&self, analysis: &A, row: &mut Row<'_>);
}

/// The place a measure writes its values to: one slot for each of its definitions.
#[derive(Debug)]
pub struct Row<'a> {
    definitions: &'static [Definition],
    slots: &'a mut [Option<Value>],
}

impl<'a> Row<'a> {
    /// A row over `slots`, one for each definition.
    pub(crate) fn new(definitions: &'static [Definition], slots: &'a mut [Option<Value>]) -> Self {
        Self { definitions, slots }
    }

    /// Writes a value under a declared name: a number (missing if it is not finite) or a result with a reason.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        let slot = self.definitions.iter().position(|definition| definition.name == name);
        debug_assert!(slot.is_some(), "measure writes {name}, which it does not define");
        if let Some(slot) = slot {
            self.slots[slot] = Some(value.into());
        }
    }

    /// Writes that a value is missing, and why.
    pub fn missing(&mut self, name: &str, reason: impl Into<Reason>) {
        self.put(name, Value::Missing(reason.into()));
    }

    /// Writes one reason into every slot not yet filled.
    pub fn missing_rest(&mut self, reason: impl Into<Reason>) {
        let reason = reason.into();
        for slot in self.slots.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(Value::Missing(reason.clone()));
        }
    }
}

/// Name and version of a set, written `voice@1`. A changed value is a new version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId {
    /// The room or subject: `voice`, `ink`, `file`.
    pub name: String,
    /// Counts up when a value changes; adding a measure leaves it.
    pub version: u32,
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl FromStr for SetId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadSetId { got: text.to_owned() };
        let (name, version) = text.split_once('@').ok_or_else(bad)?;
        let version = version.parse().map_err(|_| bad())?;
        if name.is_empty() { Err(bad()) } else { Ok(Self { name: name.to_owned(), version }) }
    }
}

impl Serialize for SetId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SetId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A named, versioned list of measures over one kind of analysis.
pub struct FeatureSet<A: ?Sized + 'static> {
    id: SetId,
    measures: &'static [&'static dyn Measure<A>],
}

impl<A: ?Sized + 'static> FeatureSet<A> {
    /// The set `name@version` of these measures.
    pub fn new(name: &str, version: u32, measures: &'static [&'static dyn Measure<A>]) -> Self {
        Self { id: SetId { name: name.to_owned(), version }, measures }
    }

    /// Name and version.
    pub fn id(&self) -> &SetId {
        &self.id
    }

    /// Every definition of the set, in the order of its values.
    pub fn definitions(&self) -> impl Iterator<Item = &'static Definition> + use<A> {
        self.measures.iter().flat_map(|measure| measure.definitions())
    }

    /// All values of the set for one analysis.
    pub fn measure(&self, analysis: &A) -> FeatureVector {
        let mut features = Vec::new();
        for measure in self.measures {
            let definitions = measure.definitions();
            let mut slots = vec![None; definitions.len()];
            measure.measure(analysis, &mut Row::new(definitions, &mut slots));
            features.extend(definitions.iter().zip(slots).map(|(definition, slot)| Feature {
                definition,
                value: slot.unwrap_or(Value::Missing(definition.missing.into())),
            }));
        }
        FeatureVector::new(self.id.clone(), features)
    }
}

impl<A: ?Sized + 'static> fmt::Display for FeatureSet<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_identifiers_read_back() {
        let id: SetId = "voice@1".parse().unwrap();
        assert_eq!((id.name.as_str(), id.version, id.to_string().as_str()), ("voice", 1, "voice@1"));
        for bad in ["voice", "voice@", "@1", "voice@one"] {
            assert!(bad.parse::<SetId>().is_err(), "{bad}");
        }
    }
}
