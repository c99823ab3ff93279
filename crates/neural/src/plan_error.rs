//! Why a plan cannot be made or run.

/// Why a plan cannot be made or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A part does not have the shape that the others ask for.
    #[error("{what}: expected {expected} {of}, got {got}")]
    Shape {
        /// The part.
        what: &'static str,
        /// Its dimension.
        of: &'static str,
        /// What the others ask for.
        expected: usize,
        /// What it has.
        got: usize,
    },
    /// Heads that cannot share the width.
    #[error("{heads} heads cannot share a width of {width}")]
    Heads {
        /// Heads stated.
        heads: usize,
        /// Values of a token.
        width: usize,
    },
    /// A step that does not fit what goes into it.
    #[error("step {step} does not fit what goes into it")]
    Step {
        /// Which one.
        step: usize,
    },
    /// A workspace of another plan.
    #[error("a workspace of another plan")]
    Workspace,
}
