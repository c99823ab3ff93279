//! Refits on people drawn with replacement, packed: what the interval of a score comes from.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{fit::FormFit, packed};

/// All refits of one form: for each refit ρ and then, for each part, the baseline and the coefficients.
///
/// Serialised as the base64 of little-endian `f32`, `[refits, width]`: an interval needs no more than seven digits.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Refits {
    values: Vec<f32>,
}

impl Refits {
    pub(crate) fn of(fits: &[FormFit]) -> Self {
        let part = |fit: &super::fit::PartFit| {
            std::iter::once(fit.baseline).chain(fit.coefficients.iter().copied()).collect::<Vec<_>>()
        };
        let form = |fit: &FormFit| {
            std::iter::once(fit.rho).chain(fit.parts.iter().flat_map(part)).collect::<Vec<_>>()
        };
        Self { values: fits.iter().flat_map(form).map(|value| value as f32).collect() }
    }

    /// Number of values; a whole number of refits where the artefact is sound.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The refits, each `width` values long.
    pub(crate) fn each(&self, width: usize) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(width)
    }
}

impl Serialize for Refits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        packed::serialize(&self.values, serializer)
    }
}

impl<'de> Deserialize<'de> for Refits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = packed::deserialize(deserializer)?;
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(Self { values }),
            false => Err(D::Error::custom("expected finite numbers")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_unpack_to_the_same_bits() {
        let refits = Refits { values: vec![0.1, -3.5e-8, 12345.678] };
        let json = serde_json::to_string(&refits).unwrap();
        assert_eq!(serde_json::from_str::<Refits>(&json).unwrap(), refits);
    }

    #[test]
    fn broken_packs_are_refused() {
        for (bad, why) in [("\"AAA=\"", "whole 4-byte"), ("\"!\"", "Invalid"), ("\"AADAfw==\"", "finite")] {
            let message = serde_json::from_str::<Refits>(bad).unwrap_err().to_string();
            assert!(message.contains(why), "{bad}: {message}");
        }
    }
}
