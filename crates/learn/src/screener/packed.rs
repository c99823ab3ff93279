//! Lists of numbers in an artefact: the base64 of little-endian `f32`. Seven digits are more than any of them is known to.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

pub(crate) fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD.encode(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
    let (fours, []) = bytes.as_chunks::<4>() else {
        return Err(D::Error::custom(format!("expected whole 4-byte numbers, got {} bytes", bytes.len())));
    };
    Ok(fours.iter().map(|four| f32::from_le_bytes(*four)).collect())
}
