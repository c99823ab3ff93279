//! safetensors (<https://github.com/huggingface/safetensors>), whose own crate reads and checks the header.

use bytes::Bytes;
use safetensors::{Dtype as Theirs, SafeTensors};

use super::{Claim, Layout, Note, Weights};
use crate::{Dtype, Error};

pub(super) fn read(at: &str, bytes: Bytes) -> Result<Weights, Error> {
    let broken =
        |it: safetensors::SafeTensorError| Error::malformed(at, "a safetensors header", it.to_string());
    let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
    let start = 8 + header as u64;
    let mut weights = Weights { bytes: bytes.clone(), ..Weights::default() };
    for (name, tensor) in metadata.tensors() {
        let (from, to) = tensor.data_offsets;
        let layout = Layout::Plain(dtype(&name, tensor.dtype)?);
        let (start, len) = (start + from as u64, (to - from) as u64);
        weights.add(name, Claim { shape: tensor.shape.clone(), layout, start, len })?;
    }
    let notes = metadata.metadata().iter().flatten();
    weights.notes = notes.map(|(key, value)| (key.clone(), Note::Text(value.clone()))).collect();
    Ok(weights)
}

fn dtype(name: &str, theirs: Theirs) -> Result<Dtype, Error> {
    Ok(match theirs {
        Theirs::F32 => Dtype::F32,
        Theirs::F64 => Dtype::F64,
        Theirs::F16 => Dtype::F16,
        Theirs::BF16 => Dtype::Bf16,
        Theirs::I64 => Dtype::I64,
        Theirs::I32 => Dtype::I32,
        Theirs::I16 => Dtype::I16,
        Theirs::I8 => Dtype::I8,
        Theirs::U64 => Dtype::U64,
        Theirs::U32 => Dtype::U32,
        Theirs::U16 => Dtype::U16,
        Theirs::U8 => Dtype::U8,
        Theirs::BOOL => Dtype::Bool,
        other => {
            let expected = "floats of 16 to 64 bits, integers of 8 to 64 bits or booleans";
            return Err(Error::malformed(format!("weight {name:?}"), expected, format!("{other:?}")));
        }
    })
}
