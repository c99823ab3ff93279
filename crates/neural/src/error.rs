//! Why a network could not be read, checked, run or written.

use std::{io, path::PathBuf};

/// A network, its file or its tensors are not what they should be: where, what was expected, what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be opened, read, mapped or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are not what the format says, or not what a field before them promised.
    #[error("{at}: expected {expected}, got {got}")]
    Malformed {
        /// Which part of which file: `initialiser "fc1.weight"`.
        at: String,
        /// What the format asks for.
        expected: String,
        /// What was there.
        got: String,
    },
    /// More than a named limit: nothing was allocated for it.
    #[error("{at}: expected at most {limit} {unit}, got {got}")]
    TooLarge {
        /// Which part of which file.
        at: String,
        /// The limit.
        limit: u64,
        /// What was announced or found.
        got: u64,
        /// Unit of both: bytes, dimensions, levels.
        unit: &'static str,
    },
    /// Understood, and not accepted: a pickle, a path that leaves the folder, an operator the executor would get wrong.
    #[error("{at}: {reason}")]
    Refused {
        /// What was refused.
        at: String,
        /// Why, and what to do instead.
        reason: String,
    },
    /// The bytes are not the pinned ones.
    #[error("{at}: expected SHA-256 {expected}, got {got}; the file is damaged or another version")]
    Digest {
        /// The file or section.
        at: String,
        /// The pinned digest, 64 hexadecimal digits.
        expected: String,
        /// The digest of the bytes.
        got: String,
    },
    /// A tensor does not fit the network's input, or a graph's parts do not fit one another.
    #[error("tensor {name:?}: expected {expected}, got {got}")]
    Tensor {
        /// Name of the input, output or value.
        name: String,
        /// The shape, element type or presence that was asked for.
        expected: String,
        /// What came.
        got: String,
    },
    /// A quantised network is not as near to the original as was asked for: nothing is written.
    #[error("expected outputs of {budget}, got {got}; the layer that costs most is {blame}")]
    Budget {
        /// What was asked for.
        budget: String,
        /// What was reached.
        got: String,
        /// The layer to blame.
        blame: String,
    },
    /// The executor failed at run time.
    #[error("{executor} could not run the network: {reason}")]
    Run {
        /// `rten`, `onnxruntime`, `planned`, `gguf`.
        executor: &'static str,
        /// What it said.
        reason: String,
    },
}

impl Error {
    pub(crate) fn malformed(
        at: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Error::Malformed { at: at.into(), expected: expected.into(), got: got.into() }
    }

    pub(crate) fn refused(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Error::Refused { at: at.into(), reason: reason.into() }
    }

    pub(crate) fn tensor(
        name: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Error::Tensor { name: name.into(), expected: expected.into(), got: got.into() }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Error::File { path, source }
    }

    /// Nothing above `limit` is allocated for.
    pub(crate) fn limit(at: impl Into<String>, limit: u64, got: u64, unit: &'static str) -> Result<(), Self> {
        if got <= limit { Ok(()) } else { Err(Error::TooLarge { at: at.into(), limit, got, unit }) }
    }
}
