//! A walk over the bytes of an ONNX file before anything is built of them.
//!
//! Protobuf can say "a million empty nodes" in two megabytes, and each becomes a struct of a few hundred bytes. The walk counts
//! messages and depth without allocating, so that a hostile file costs no more than its own size to refuse.

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::Error;

/// Messages (graphs, nodes, attributes, tensors, ports) a file may hold: a network of a hundred layers has about ten thousand.
/// Each becomes up to half a kilobyte.
const MAX_MESSAGES: u64 = 100_000;

/// Names and other texts and bytes a file may hold. Each becomes up to 32 bytes beside its own.
const MAX_TEXTS: u64 = 1_000_000;

/// Graphs within graphs.
const MAX_DEPTH: u64 = 16;

/// Which message a walk is in, as far as it has messages inside.
#[derive(Clone, Copy)]
enum Within {
    Model,
    Graph,
    Node,
    Attribute,
    Other,
}

impl Within {
    /// What lies in this field, where it is a message that can hold further messages.
    fn child(self, field: u32) -> Option<Within> {
        match (self, field) {
            (Within::Model, 7) => Some(Within::Graph),
            (Within::Graph, 1) => Some(Within::Node),
            (Within::Node, 5) => Some(Within::Attribute),
            (Within::Attribute, 6 | 11) => Some(Within::Graph),
            (Within::Model, 8 | 14 | 25) | (Within::Graph, 5 | 11 | 12) | (Within::Attribute, 5) => {
                Some(Within::Other)
            }
            _ => None,
        }
    }
}

/// Counts what the bytes hold.
///
/// # Errors
/// [`Error::TooLarge`] past a limit, [`Error::Malformed`] where the bytes are no protobuf.
pub(super) fn survey(bytes: &[u8]) -> Result<(), Error> {
    walk(bytes, Within::Model, 0, &mut Count::default())
}

#[derive(Default)]
struct Count {
    messages: u64,
    texts: u64,
}

impl Count {
    fn add(&mut self, is_message: bool) -> Result<(), Error> {
        self.messages += u64::from(is_message);
        self.texts += u64::from(!is_message);
        Error::limit("onnx", MAX_MESSAGES, self.messages, "messages")?;
        Error::limit("onnx", MAX_TEXTS, self.texts, "texts")
    }
}

fn walk(mut rest: &[u8], within: Within, depth: u64, count: &mut Count) -> Result<(), Error> {
    Error::limit("onnx", MAX_DEPTH, depth, "graphs within graphs")?;
    while !rest.is_empty() {
        let (field, wire) = decode_key(&mut rest).map_err(|it| broken(&it))?;
        match wire {
            WireType::Varint => drop(decode_varint(&mut rest).map_err(|it| broken(&it))?),
            WireType::ThirtyTwoBit => drop(take(&mut rest, 4)?),
            WireType::SixtyFourBit => drop(take(&mut rest, 8)?),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut rest).map_err(|it| broken(&it))?;
                let inside = take(&mut rest, length)?;
                let child = within.child(field);
                count.add(child.is_some())?;
                if let Some(child) = child {
                    walk(inside, child, depth + u64::from(matches!(child, Within::Graph)), count)?;
                }
            }
            WireType::StartGroup | WireType::EndGroup => {
                return Err(Error::malformed("onnx", "fields of proto3", "a group"));
            }
        }
    }
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Error> {
    let fits = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let Some((inside, after)) = fits else {
        let expected = format!("a field of {length} bytes");
        return Err(Error::malformed("onnx", expected, format!("{} bytes to the end", rest.len())));
    };
    *rest = after;
    Ok(inside)
}

pub(super) fn broken(cause: &prost::DecodeError) -> Error {
    Error::malformed("onnx", "a protobuf message of ONNX", cause.to_string())
}
