//! CTranslate2's `model.bin`, version 6: a header, then named tensors, then aliases.
//!
//! Laid out by `ModelSpec._serialize` of CTranslate2's `python/ctranslate2/specs/model_spec.py` (MIT): `u32` version, text
//! name of the specification, `u32` its revision, `u32` number of variables; each a text, `u8` rank, `u32` dimensions, `u8`
//! type, `u32` bytes, the bytes; `u32` number of aliases, each two texts. A text is `u16` length with its closing zero.

use bytes::Bytes;

use super::{Claim, Layout, Note, Weights, cursor::Cursor};
use crate::{Dtype, Error, tensor::MAX_RANK};

const VERSION: u32 = 6;

/// Element types by `_dtype_to_type_id`.
const DTYPES: [Dtype; 6] = [Dtype::F32, Dtype::I8, Dtype::I16, Dtype::I32, Dtype::F16, Dtype::Bf16];

pub(super) fn read(at: &str, bytes: Bytes) -> Result<Weights, Error> {
    let held = bytes.clone();
    let mut cursor = Cursor::new(at, &held);
    let version = cursor.u32("version")?;
    if version != VERSION {
        return Err(Error::malformed(
            at,
            format!("CTranslate2 of version {VERSION}"),
            format!("version {version}"),
        ));
    }
    let mut weights = Weights { bytes, ..Weights::default() };
    let name = text(&mut cursor, "the specification's name")?;
    weights.notes.insert("specification".to_owned(), Note::Text(name));
    weights.notes.insert("revision".to_owned(), Note::Int(cursor.u32("revision")?.into()));
    for _ in 0..cursor.u32("number of variables")? {
        variable(&mut cursor, &mut weights)?;
    }
    for _ in 0..cursor.u32("number of aliases")? {
        let (alias, name) = (text(&mut cursor, "an alias")?, text(&mut cursor, "an alias's variable")?);
        let section = weights.section(&name)?.clone();
        let (start, len) = (section.start as u64, section.len as u64);
        weights.add(alias, Claim { shape: section.shape, layout: section.layout, start, len })?;
    }
    Ok(weights)
}

fn variable(cursor: &mut Cursor<'_>, weights: &mut Weights) -> Result<(), Error> {
    let name = text(cursor, "a variable's name")?;
    let rank = cursor.u8("rank")?;
    Error::limit(format!("variable {name:?}"), MAX_RANK as u64, rank.into(), "dimensions")?;
    let shape =
        (0..rank).map(|_| Ok(cursor.u32("dimension")? as usize)).collect::<Result<Vec<_>, Error>>()?;
    let code = cursor.u8("type")?;
    let Some(&dtype) = DTYPES.get(usize::from(code)) else {
        let expected = "type 0 to 5 (f32, i8, i16, i32, f16, bf16)";
        return Err(Error::malformed(format!("variable {name:?}"), expected, format!("type {code}")));
    };
    let len = u64::from(cursor.u32("number of bytes")?);
    let start = cursor.place as u64;
    cursor.take("values", len)?;
    weights.add(name, Claim { shape, layout: Layout::Plain(dtype), start, len })
}

fn text(cursor: &mut Cursor<'_>, what: &str) -> Result<String, Error> {
    let len = cursor.u16(what)?;
    let mut text = cursor.text(what, len.into())?;
    if text.pop() != Some('\0') {
        return Err(Error::malformed(
            cursor.at,
            format!("{what} that ends with a zero"),
            format!("{text:?}"),
        ));
    }
    Ok(text)
}
