//! What can go wrong between a request and its answer, and while the house is opened.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Everything that can go wrong. What a client may know of it is decided in one place, when it becomes a problem+json answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be worked with.
    #[error("settings: {0}")]
    Settings(String),
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room left to write.
    #[error("{}: no space left", path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
    },
    /// The file of master keys is not one, or lacks a key.
    #[error("{}: {reason}", path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// Expected and got.
        reason: String,
    },
    /// Something stored does not open or is not what its digest says.
    #[error("{what} is damaged: it does not open or is not what its digest says")]
    Corrupt {
        /// What it should be.
        what: String,
    },
    /// Something stored is gone.
    #[error("{what} is not in the store any more")]
    Vanished {
        /// What it should be.
        what: String,
    },
    /// The database said no.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The database is of a later version than this program.
    #[error("the database is of version {got}, this program knows up to {known}; use a later program")]
    Schema {
        /// Version of the database.
        got: i64,
        /// Latest known here.
        known: i64,
    },
    /// The audit chain is not whole.
    #[error("audit of tenant {tenant}: {reason}")]
    Audit {
        /// Whose chain.
        tenant: String,
        /// Where it breaks, expected and got.
        reason: String,
    },
    /// Sessions, screeners, reports.
    #[error(transparent)]
    Assess(#[from] assess::Error),
    /// Ids, tasks, sessions.
    #[error(transparent)]
    Study(#[from] study::Error),
    /// A network could not be opened or run.
    #[error(transparent)]
    Neural(#[from] neural::Error),
    /// A thread of the server broke off.
    #[error("a part of the server broke off: {0}")]
    Broken(String),
    /// A request that cannot be read.
    #[error("{what}: expected {expected}, got {got}")]
    Invalid {
        /// Which part of it.
        what: String,
        /// What belongs there.
        expected: String,
        /// What was there; never a value that may name a person.
        got: String,
    },
    /// A body that is not of the media type it should be.
    #[error("expected a body of {expected}")]
    MediaType {
        /// The type that is read here.
        expected: &'static str,
    },
    /// A body or a part of it that is over its limit.
    #[error("{what} is over its limit of {limit} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A body that ended before it was whole.
    #[error("the request broke off before it was whole; nothing of it was kept")]
    BrokenOff,
    /// There is no such thing, or it is another tenant's: the same answer for both.
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
    },
    /// Nobody has signed in, or what was shown is no longer good.
    #[error("sign in first: {reason}")]
    Unauthenticated {
        /// What was wrong, as far as it helps an honest client.
        reason: &'static str,
    },
    /// Signed in, and not allowed.
    #[error("the role {role} may not do this")]
    Forbidden {
        /// The role.
        role: &'static str,
    },
    /// A request from another site's page.
    #[error("this is answered for pages of this server only")]
    ForeignOrigin,
    /// It contradicts what is there.
    #[error("{reason}")]
    Conflict {
        /// What is there.
        reason: String,
    },
    /// Somebody changed it since it was read.
    #[error("it has been changed since; read it again")]
    Changed,
    /// A change needs to say of which version.
    #[error("say in If-Match which version is changed")]
    VersionNeeded,
    /// Too many requests of one client.
    #[error("too many requests; try again in {seconds} s")]
    Limited {
        /// Pause to keep.
        seconds: u64,
    },
    /// The queue is full.
    #[error("the queue is full; try again in {seconds} s")]
    QueueFull {
        /// Pause to keep.
        seconds: u64,
    },
    /// The deadline passed before it was computed.
    #[error("the deadline passed before an answer was computed")]
    Expired,
    /// The server is being shut down.
    #[error("the server is shutting down")]
    Draining,
}

impl Error {
    /// A file that could not be read.
    pub(crate) fn open(path: &Path, source: io::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }

    /// A file that could not be written.
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path: path.to_owned() }
            }
            _ => Self::open(path, source),
        }
    }

    pub(crate) fn invalid(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::Invalid { what: what.into(), expected: expected.into(), got: got.into() }
    }

    pub(crate) fn conflict(reason: impl Into<String>) -> Self {
        Self::Conflict { reason: reason.into() }
    }
}
