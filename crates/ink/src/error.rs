//! Why a file is no drawing: where, what was expected, what was found.

/// A file, or one drawing in it, that cannot be read as ink. Strokes, points and lines are counted from 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing but white space.
    #[error("the file is empty; expected {EXPECTED}")]
    Empty,
    /// Bytes of some other kind.
    #[error("this looks like {looks_like}; expected {EXPECTED}")]
    NotInk {
        /// What the first bytes look like.
        looks_like: String,
    },
    /// One of the named limits of [`limit`](crate::limit).
    #[error("too many {what}: {got}, and at most {limit} are read")]
    OverLimit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is (of bytes, points, strokes: at least this much).
        got: usize,
        /// How much is allowed.
        limit: usize,
    },
    /// XML that is not well formed, or not InkML.
    #[error("InkML, byte {byte}: {message}")]
    Xml {
        /// Place in the file.
        byte: u64,
        /// Expected and found.
        message: String,
    },
    /// JSON that is not well formed, or of another shape.
    #[error("JSON, line {line}: {message}")]
    Json {
        /// Line in the file.
        line: usize,
        /// Expected and found.
        message: String,
    },
    /// A table that is not well formed.
    #[error("table, line {line}: {message}")]
    Table {
        /// Line in the file.
        line: u64,
        /// Expected and found.
        message: String,
    },
    /// A table without a column that strokes need.
    #[error("no column for {wanted}; expected one of {known}, found {found}")]
    NoColumn {
        /// What the column would hold.
        wanted: &'static str,
        /// The names it may have.
        known: String,
        /// The names there are.
        found: String,
    },
    /// A version of ink JSON that this program does not know.
    #[error("ink JSON version {got}; expected version 1")]
    Version {
        /// The version in the file.
        got: u64,
    },
    /// Columns of one stroke that do not have the same number of values.
    #[error("stroke {stroke}: {column} has {got} values where x has {expected}")]
    Ragged {
        /// The stroke.
        stroke: usize,
        /// The column that differs.
        column: &'static str,
        /// Values in x.
        expected: usize,
        /// Values in the column.
        got: usize,
    },
    /// Time that goes back.
    #[error("stroke {stroke} goes back in time: {got_s} s after {after_s} s")]
    BackInTime {
        /// The stroke.
        stroke: usize,
        /// The time that comes too late in the file.
        got_s: f64,
        /// The time before it.
        after_s: f64,
    },
    /// A number that is infinite, not a number, or larger than any sheet.
    #[error("stroke {stroke}, point {point}: {column} is {got}; expected a finite number up to {largest:e}")]
    BadNumber {
        /// The stroke.
        stroke: usize,
        /// The point of the stroke.
        point: usize,
        /// Which of its numbers.
        column: &'static str,
        /// The number.
        got: f64,
        /// The largest absolute value allowed.
        largest: f64,
    },
    /// A fact about the device that cannot be: a negative resolution, a sheet without width.
    #[error("{what} is {got}; expected a positive number")]
    BadCapture {
        /// Which fact.
        what: &'static str,
        /// The number given.
        got: f64,
    },
}

/// What [`decode`](crate::decode()) reads, for messages.
const EXPECTED: &str =
    "ink: InkML, ink JSON, CSV with a header, UCI spiral text, or ndjson of Quick, Draw! or UNIPEN";
