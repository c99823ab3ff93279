//! GGUF (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>), versions 2 and 3, little-endian.

use bytes::Bytes;

use super::{Blocks, Claim, Layout, MAX_SECTIONS, Note, Weights, cursor::Cursor};
use crate::{Dtype, Error};

/// Elements a list among the notes may have; vocabularies have up to about 300,000.
const MAX_LIST: u64 = 1 << 20;

/// Notes a file may hold.
const MAX_NOTES: u64 = 10_000;

/// Dimensions of a tensor (`GGML_MAX_DIMS`).
const MAX_DIMS: u64 = 4;

const DEFAULT_ALIGNMENT: i64 = 32;

/// A tensor as the header announces it: name, shape outermost first, layout, place after the header.
type Announced = (String, Vec<usize>, Layout, u64);

pub(super) fn read(at: &str, bytes: Bytes) -> Result<Weights, Error> {
    let held = bytes.clone();
    let mut cursor = Cursor::new(at, &held);
    cursor.take("magic", 4)?;
    let version = cursor.u32("version")?;
    if !(2..=3).contains(&version) {
        return Err(Error::malformed(at, "GGUF of version 2 or 3", format!("version {version}")));
    }
    let (tensors, notes) = (cursor.u64("number of tensors")?, cursor.u64("number of notes")?);
    Error::limit(at, MAX_SECTIONS, tensors, "weights")?;
    Error::limit(at, MAX_NOTES, notes, "notes")?;
    let mut weights = Weights { bytes, ..Weights::default() };
    for _ in 0..notes {
        let key = text(&mut cursor, "a note's name")?;
        let kind = cursor.u32("a note's type")?;
        let value = note(&mut cursor, &key, kind)?;
        weights.notes.insert(key, value);
    }
    let announced = (0..tensors).map(|_| announced(&mut cursor)).collect::<Result<Vec<_>, _>>()?;
    let start = data_start(at, &weights, cursor.place as u64)?;
    for (name, shape, layout, offset) in announced {
        let len = layout.bytes(&name, &shape)?.unwrap_or(0) as u64;
        let from = start.checked_add(offset);
        let from =
            from.ok_or_else(|| Error::malformed(&name, "a place in the file", format!("offset {offset}")))?;
        weights.add(name, Claim { shape, layout, start: from, len })?;
    }
    Ok(weights)
}

/// Where the numbers begin: after the header, at the next multiple of the alignment.
fn data_start(at: &str, weights: &Weights, header: u64) -> Result<u64, Error> {
    let alignment = match weights.notes.get("general.alignment") {
        Some(Note::Int(it)) => *it,
        _ => DEFAULT_ALIGNMENT,
    };
    match u64::try_from(alignment) {
        Ok(it) if it.is_power_of_two() && it <= 1 << 20 => Ok(header.next_multiple_of(it)),
        _ => Err(Error::malformed(at, "an alignment that is a power of two", alignment.to_string())),
    }
}

fn text(cursor: &mut Cursor<'_>, what: &str) -> Result<String, Error> {
    let len = cursor.u64(what)?;
    cursor.text(what, len)
}

fn note(cursor: &mut Cursor<'_>, key: &str, kind: u32) -> Result<Note, Error> {
    Ok(match kind {
        8 => Note::Text(text(cursor, key)?),
        9 => list(cursor, key)?,
        7 => Note::Flag(cursor.u8(key)? != 0),
        6 | 12 => Note::Number(number(cursor, key, kind)?),
        _ => Note::Int(integer(cursor, key, kind)?),
    })
}

fn list(cursor: &mut Cursor<'_>, key: &str) -> Result<Note, Error> {
    let (kind, len) = (cursor.u32(key)?, cursor.u64(key)?);
    Error::limit(format!("note {key:?}"), MAX_LIST, len, "elements")?;
    Ok(match kind {
        8 => Note::Texts((0..len).map(|_| text(cursor, key)).collect::<Result<_, _>>()?),
        9 => return Err(Error::refused(format!("note {key:?}"), "lists of lists are not read")),
        6 | 12 => Note::Numbers((0..len).map(|_| number(cursor, key, kind)).collect::<Result<_, _>>()?),
        7 => Note::Numbers((0..len).map(|_| Ok(cursor.u8(key)?.into())).collect::<Result<_, Error>>()?),
        _ => Note::Numbers(
            (0..len).map(|_| Ok(integer(cursor, key, kind)? as f64)).collect::<Result<_, Error>>()?,
        ),
    })
}

fn number(cursor: &mut Cursor<'_>, key: &str, kind: u32) -> Result<f64, Error> {
    Ok(match kind {
        6 => f32::from_bits(cursor.u32(key)?).into(),
        _ => f64::from_bits(cursor.u64(key)?),
    })
}

fn integer(cursor: &mut Cursor<'_>, key: &str, kind: u32) -> Result<i64, Error> {
    Ok(match kind {
        0 => cursor.u8(key)?.into(),
        1 => cursor.u8(key)?.cast_signed().into(),
        2 => cursor.u16(key)?.into(),
        3 => cursor.u16(key)?.cast_signed().into(),
        4 => cursor.u32(key)?.into(),
        5 => cursor.u32(key)?.cast_signed().into(),
        10 | 11 => cursor.u64(key)?.cast_signed(),
        _ => {
            return Err(Error::malformed(
                format!("note {key:?}"),
                "a type from 0 to 12",
                format!("type {kind}"),
            ));
        }
    })
}

fn announced(cursor: &mut Cursor<'_>) -> Result<Announced, Error> {
    let name = text(cursor, "a weight's name")?;
    let rank = u64::from(cursor.u32("rank")?);
    Error::limit(format!("weight {name:?}"), MAX_DIMS, rank, "dimensions")?;
    let length = |cursor: &mut Cursor<'_>| {
        let length = cursor.u64("dimension")?;
        usize::try_from(length)
            .map_err(|_| Error::malformed(&name, "a dimension of 64 bits", length.to_string()))
    };
    let mut shape = (0..rank).map(|_| length(cursor)).collect::<Result<Vec<_>, Error>>()?;
    shape.reverse(); // GGUF gives the innermost dimension first.
    let layout = layout(&name, cursor.u32("type")?)?;
    let offset = cursor.u64("offset")?;
    Ok((name, shape, layout, offset))
}

/// `ggml_type`.
fn layout(name: &str, code: u32) -> Result<Layout, Error> {
    Ok(match code {
        0 => Layout::Plain(Dtype::F32),
        1 => Layout::Plain(Dtype::F16),
        2 => Layout::Blocks(Blocks::Q4_0),
        3 => Layout::Blocks(Blocks::Q4_1),
        6 => Layout::Blocks(Blocks::Q5_0),
        7 => Layout::Blocks(Blocks::Q5_1),
        8 => Layout::Blocks(Blocks::Q8_0),
        14 => Layout::Blocks(Blocks::Q6K),
        24 => Layout::Plain(Dtype::I8),
        25 => Layout::Plain(Dtype::I16),
        26 => Layout::Plain(Dtype::I32),
        27 => Layout::Plain(Dtype::I64),
        28 => Layout::Plain(Dtype::F64),
        30 => Layout::Plain(Dtype::Bf16),
        other => {
            let expected = "f32, f16, bf16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q6_K or integers";
            return Err(Error::malformed(format!("weight {name:?}"), expected, format!("ggml type {other}")));
        }
    })
}
