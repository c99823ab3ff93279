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
    /// A number that is no row of its table.
    #[error("table {table}, text {text}, place {place}: expected a number from 0 to {}, got {got}", rows - 1)]
    Number {
        /// Which table, in order of the inputs.
        table: usize,
        /// Which text of the batch.
        text: usize,
        /// Which of its tokens.
        place: usize,
        /// Rows of the table.
        rows: usize,
        /// The number.
        got: i64,
    },
    /// A text longer than there are positions.
    #[error("expected texts of at most {most} tokens, got {got}")]
    TooLong {
        /// Positions.
        most: usize,
        /// Tokens.
        got: usize,
    },
    /// A text of which nothing is seen has no answer.
    #[error("text {text}: expected at least one token that is seen, got none")]
    Unseen {
        /// Which text of the batch.
        text: usize,
    },
    /// A workspace of another plan.
    #[error("a workspace of another plan")]
    Workspace,
}
