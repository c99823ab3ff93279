//! What can go wrong on the way from a session to a report.

use std::path::PathBuf;

/// A session, cohort or artefact that could not be worked with. Bad recordings and drawings are not errors: they are
/// declined, and the report says why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A CSV file is not of the expected shape.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line, expected and got.
        source: csv::Error,
    },
    /// A published table lacks a column.
    #[error("{}: expected a column {column:?}, got {got} others", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that should be there.
        column: String,
        /// How many columns there are.
        got: usize,
    },
    /// A cell of a published table is not what its column holds.
    #[error("{} line {line}, column {column:?}: expected {expected}, got {got:?}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1 with the header.
        line: u64,
        /// The column.
        column: String,
        /// What the column holds.
        expected: &'static str,
        /// The cell as read.
        got: String,
    },
    /// A folder or file that is not of the layout it should be.
    #[error("{}: expected {expected}, got {got}", path.display())]
    Layout {
        /// The folder or file.
        path: PathBuf,
        /// What the layout has there.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A network that is not known, not here, or not the pinned one.
    #[error("network {name:?}: {reason}")]
    Network {
        /// Its name, or the file of it.
        name: String,
        /// What was expected, what was found, what to do.
        reason: String,
    },
    /// A network's file that could not be read or run.
    #[error(transparent)]
    Neural(#[from] neural::Error),
    /// A session or cohort that could not be read.
    #[error(transparent)]
    Study(#[from] study::Error),
    /// A screener, card or evaluation that could not be worked with.
    #[error(transparent)]
    Learn(#[from] learn::Error),
    /// A JSON file that could not be read or written.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, expected and got.
        source: serde_json::Error,
    },
    /// A Parquet file that could not be read or written.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader or writer said.
        source: parquet::errors::ParquetError,
    },
    /// Notes of a cohort that another question began.
    #[error("{}: expected the files, sets and settings of the run that began it, got others; remove it to measure anew", path.display())]
    OtherQuestion {
        /// The notes.
        path: PathBuf,
    },
    /// A cohort that no screener may be fitted on.
    #[error(
        "{name}: expected labels healthy, mci and dementia, got {other} people with another disease; a screener is for cognition"
    )]
    OtherDisease {
        /// The cohort.
        name: String,
        /// People labelled `other`.
        other: usize,
    },
    /// Two sessions to be compared are of two people.
    #[error("the earlier session: expected the same participant, got another")]
    OtherParticipant,
    /// An output that an earlier run made whole.
    #[error("{}: expected no file of this name, found one; remove it or write elsewhere", path.display())]
    AlreadyThere {
        /// The output.
        path: PathBuf,
    },
    /// An output that another question began.
    #[error("{}: expected the files, sets and form of the run that began it, got others; remove it and its .progress to begin anew", path.display())]
    OtherRun {
        /// The output.
        path: PathBuf,
    },
}

impl Error {
    /// What the system said of this path.
    pub(crate) fn open(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Error::Open { path, source }
    }
}
