//! What can go wrong with names and units.

/// A name, unit or set identifier that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unit symbol that no [`Unit`](crate::Unit) has.
    #[error("unknown unit {got:?}; expected one of: {known}")]
    UnknownUnit {
        /// The symbol as read.
        got: String,
        /// Every symbol there is, separated by commas.
        known: String,
    },
    /// A set identifier that is not `name@version`.
    #[error("{got:?} is no feature set; expected name@version, for example voice@1")]
    BadSetId {
        /// The text as read.
        got: String,
    },
}
