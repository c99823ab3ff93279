//! The values of one set for one recording or drawing.

use serde::{Serialize, ser::SerializeMap};

use crate::{Definition, SetId, Value};

/// A value with its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// What it is.
    pub definition: &'static Definition,
    /// The number, or why there is none.
    pub value: Value,
}

/// Serialised as `{"name", "value", "unit"}` or `{"name", "missing"}`.
impl Serialize for Feature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.definition.name)?;
        match &self.value {
            Value::Measured(number) => {
                map.serialize_entry("value", number)?;
                map.serialize_entry("unit", &self.definition.unit)?;
            }
            Value::Missing(reason) => map.serialize_entry("missing", reason)?,
        }
        map.end()
    }
}

/// All values of one feature set, in the set's order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureVector {
    set: SetId,
    #[serde(rename = "values")]
    features: Vec<Feature>,
}

impl FeatureVector {
    /// The values of `set`.
    pub(crate) fn new(set: SetId, features: Vec<Feature>) -> Self {
        Self { set, features }
    }

    /// The set they belong to.
    pub fn set(&self) -> &SetId {
        &self.set
    }

    /// Every value with its definition.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The feature of this name, if the set has it.
    pub fn feature(&self, name: &str) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.definition.name == name)
    }

    /// The value of this name, if the set has it.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.feature(name).map(|feature| &feature.value)
    }

    /// The number of this name, if the set has it and it was measured.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name).and_then(Value::measured)
    }
}
