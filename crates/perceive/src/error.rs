//! Why nothing was perceived.

/// A network is not what is asked of it, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or running the network.
    #[error(transparent)]
    Neural(#[from] neural::Error),
    /// It takes or gives something else.
    #[error("network: expected {expected}, got {got}")]
    Ports {
        /// What is asked for.
        expected: String,
        /// What it has.
        got: String,
    },
}
