//! ONNX files, read into a [`Graph`] and written from one.
//!
//! Format: <https://onnx.ai/onnx/repo-docs/IR.html>. Weights beside the file (external data) are read where they lie in its own
//! folder. What is not understood is refused by name: functions of the file's own, sparse and string tensors, 8-bit floats.

mod folder;
mod message;
mod read;
mod survey;
mod write;

use std::{fs, path::Path};

use bytes::Bytes;
use prost::Message;

use self::{folder::Folder, read::Reader};
use crate::{Error, Graph, map::map};

/// Largest ONNX file that is read. Protobuf itself ends at 2 GiB; larger networks keep their weights outside.
const MAX_BYTES: u64 = 2 << 30;

impl Graph {
    /// Reads an ONNX file and the weights it keeps in its own folder.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Malformed`], [`Error::TooLarge`] and [`Error::Refused`] with the part at fault.
    pub fn read_onnx(path: &Path) -> Result<Self, Error> {
        let size = fs::metadata(path).map_err(Error::file(path))?.len();
        Error::limit(path.display().to_string(), MAX_BYTES, size, "bytes")?;
        let bytes = map(path)?;
        let folder = path.parent().map(|it| if it.as_os_str().is_empty() { Path::new(".") } else { it });
        decode(bytes, Folder::new(folder.map(Path::to_owned)))
    }

    /// Reads an ONNX file from its bytes; weights outside it are refused.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`] and [`Error::Refused`] with the part at fault.
    pub fn from_onnx(bytes: impl Into<Bytes>) -> Result<Self, Error> {
        decode(bytes.into(), Folder::new(None))
    }

    /// Writes the graph as ONNX, weights inside. The same graph gives the same bytes.
    pub fn to_onnx(&self) -> Vec<u8> {
        write::model(self).encode_to_vec()
    }
}

fn decode(bytes: Bytes, folder: Folder) -> Result<Graph, Error> {
    survey::survey(&bytes)?;
    let model = message::Model::decode(bytes).map_err(|it| survey::broken(&it))?;
    Reader { folder: &folder }.model(model)
}

#[cfg(test)]
mod tests;
