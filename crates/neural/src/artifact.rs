//! A network's file and everything that must travel with it: digest, licence, shapes, how its input is made, what was
//! quantised.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Component, Path, PathBuf},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Graph, Note, map::map};

/// A pinned file. As JSON it lies beside the file or in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its name: `whisper-base`.
    pub name: String,
    /// The file, relative to the folder of the manifest.
    pub file: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, 64 hexadecimal digits. It travels with every answer of the network.
    pub sha256: String,
    /// Licence of the weights, as SPDX names it.
    pub licence: String,
    /// Inputs and outputs with element types and shapes: `{"mel": "f32 [batch, 80, 3000]"}`. Empty where the file says it.
    #[serde(default)]
    pub shapes: BTreeMap<String, String>,
    /// How its input is made of what was measured, in words and numbers a person can repeat.
    #[serde(default)]
    pub preprocessing: BTreeMap<String, String>,
    /// What was quantised and what it cost; none for weights as they were trained.
    #[serde(default)]
    pub quantisation: Option<Quantisation>,
}

/// How a network was quantised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantisation {
    /// `dynamic-int8`, `static-int8`, `int4`, `bf16`, or the scheme of whoever made the file.
    pub scheme: String,
    /// SHA-256 of the network it was made from; empty where nobody said.
    #[serde(default)]
    pub of: String,
    /// What it was calibrated on and how; empty for schemes that need nothing.
    #[serde(default)]
    pub calibration: String,
    /// SHA-256 of the values it was calibrated on ([`Samples::sha256`](crate::quantize::Samples::sha256)).
    #[serde(default)]
    pub calibration_sha256: String,
    /// SHA-256 of the values that its cost was measured on.
    #[serde(default)]
    pub judged_on_sha256: String,
    /// Nodes left in higher precision.
    #[serde(default)]
    pub kept: Vec<String>,
    /// How far difficulty was moved from activations into weights, 0 to 1; none where it was not.
    #[serde(default)]
    pub equalised: Option<f64>,
    /// Whether biases were corrected.
    #[serde(default)]
    pub bias_corrected: bool,
    /// Whether scales are such that processors that add pairs with saturation count exactly.
    #[serde(default)]
    pub pair_safe: bool,
    /// Signal-to-quantisation-noise ratio of the outputs in dB, where it was measured.
    #[serde(default)]
    pub sqnr_db: Option<f64>,
    /// Greatest difference of an output over its greatest magnitude, where it was measured.
    #[serde(default)]
    pub error: Option<f64>,
}

/// The note of a network's file that holds the record, as JSON.
const NOTE: &str = "inkling.quantisation";

impl Quantisation {
    /// The record of a network, if it has one.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the note is none of ours.
    pub fn of_network(graph: &Graph) -> Result<Option<Self>, Error> {
        graph.notes.get(NOTE).map(|it| Quantisation::parsed(it)).transpose()
    }

    /// The record among the notes of a packed file, if it has one.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the note is none of ours.
    pub fn of_notes(notes: &BTreeMap<String, Note>) -> Result<Option<Self>, Error> {
        match notes.get(NOTE) {
            Some(Note::Text(it)) => Quantisation::parsed(it).map(Some),
            _ => Ok(None),
        }
    }

    fn parsed(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|it| {
            Error::malformed(format!("note {NOTE:?}"), "a record of quantisation", it.to_string())
        })
    }

    /// Writes the record among a network's notes (`metadata_props` of ONNX).
    pub(crate) fn note(&self, graph: &mut Graph) {
        let text = serde_json::to_string(self).expect("texts and numbers are always JSON");
        graph.notes.insert(NOTE.to_owned(), text);
    }
}

/// SHA-256 of these bytes (FIPS 180-4).
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of these bytes (FIPS 180-4) in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&sha256(bytes))
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, it| {
        let _ = write!(text, "{it:02x}"); // writing to a string cannot fail
        text
    })
}

impl Artifact {
    /// Describes a file that is there, under this name and licence.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read.
    pub fn of(name: &str, path: &Path, licence: &str) -> Result<Self, Error> {
        let bytes = map(path)?;
        Ok(Artifact {
            name: name.to_owned(),
            file: path.file_name().map(PathBuf::from).unwrap_or_default(),
            bytes: bytes.len() as u64,
            sha256: digest(&bytes),
            licence: licence.to_owned(),
            shapes: BTreeMap::new(),
            preprocessing: BTreeMap::new(),
            quantisation: None,
        })
    }

    /// The file's bytes, mapped, after size and digest were found to be the pinned ones.
    ///
    /// # Errors
    /// [`Error::Refused`] where the file would lie outside `folder`; [`Error::Malformed`] for another size, before a byte is
    /// read; [`Error::Digest`] for other bytes; [`Error::File`].
    pub fn open(&self, folder: &Path) -> Result<Bytes, Error> {
        let at = format!("network {:?}", self.name);
        if !is_inside(&self.file) {
            let reason = format!("the path {:?} leaves the folder", self.file.display().to_string());
            return Err(Error::refused(at, reason));
        }
        self.check(&at, map(&folder.join(&self.file))?)
    }

    fn check(&self, at: &str, bytes: Bytes) -> Result<Bytes, Error> {
        if bytes.len() as u64 != self.bytes {
            let got = format!("{} bytes", bytes.len());
            return Err(Error::malformed(at, format!("a file of {} bytes", self.bytes), got));
        }
        let got = digest(&bytes);
        if got.eq_ignore_ascii_case(&self.sha256) {
            Ok(bytes)
        } else {
            Err(Error::Digest { at: at.to_owned(), expected: self.sha256.clone(), got })
        }
    }
}

/// A path that stays inside a folder: only plain names, no `..`, no root, no drive.
pub(crate) fn is_inside(path: &Path) -> bool {
    !path.as_os_str().is_empty() && path.components().all(|it| matches!(it, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted() -> (tempfile::TempDir, Artifact) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.bin");
        std::fs::write(&path, b"weights").unwrap();
        let artifact = Artifact::of("net", &path, "MIT").unwrap();
        (folder, artifact)
    }

    #[test]
    fn the_pinned_file_opens_and_survives_json() {
        let (folder, artifact) = planted();
        let json = serde_json::to_string(&artifact).unwrap();
        let read: Artifact = serde_json::from_str(&json).unwrap();
        assert_eq!(read, artifact);
        assert_eq!(&read.open(folder.path()).unwrap()[..], b"weights");
    }

    #[test]
    fn another_byte_or_another_size_is_refused() {
        let (folder, artifact) = planted();
        std::fs::write(folder.path().join("net.bin"), b"weightS").unwrap();
        assert!(matches!(artifact.open(folder.path()), Err(Error::Digest { .. })));
        std::fs::write(folder.path().join("net.bin"), b"weight").unwrap();
        assert!(matches!(artifact.open(folder.path()), Err(Error::Malformed { .. })));
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        let (folder, mut artifact) = planted();
        for path in ["../net.bin", "/etc/passwd", "a/../../net.bin", ""] {
            artifact.file = path.into();
            assert!(matches!(artifact.open(folder.path()), Err(Error::Refused { .. })), "{path}");
        }
    }

    #[test]
    fn the_digest_is_that_of_the_standard() {
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
