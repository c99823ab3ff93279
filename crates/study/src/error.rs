//! What can be wrong with a session, a cohort or a table.

use std::path::PathBuf;

/// A session, cohort or table that could not be read or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder that is no cohort.
    #[error("{}: expected a cohort folder with cohort.json, got none; `inkling cohort import` writes one", path.display())]
    NoCohort {
        /// The folder.
        path: PathBuf,
    },
    /// A holdout that cannot be drawn, or that is not what was written.
    #[error("holdout: expected {expected}, got {got}")]
    Holdout {
        /// What it should be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// A JSON file is not of the expected shape.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column, expected and got.
        source: serde_json::Error,
    },
    /// A CSV file is not of the expected shape.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line, expected and got.
        source: csv::Error,
    },
    /// A CSV file lacks a column.
    #[error("{}: expected a column {column:?}, got: {got}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that should be there.
        column: String,
        /// The columns that are, separated by commas.
        got: String,
    },
    /// A cell of a CSV file is not what its column holds.
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
    /// Two people have one id.
    #[error(
        "{place}: the participant of line {line} was already there at line {first}; expected one row a person"
    )]
    DuplicateParticipant {
        /// The file or table.
        place: String,
        /// The second line or row.
        line: u64,
        /// The first line or row.
        first: u64,
    },
    /// A row speaks of somebody who is not among the participants.
    #[error("{} line {line}: this participant is not in participants.csv", path.display())]
    UnknownParticipant {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1 with the header.
        line: u64,
    },
    /// A word that must be one of a few.
    #[error("unknown {what} {got:?}; expected one of: {expected}")]
    UnknownWord {
        /// What the word names: `sex`, `label`.
        what: &'static str,
        /// The word as read.
        got: String,
        /// The words that are known.
        expected: &'static str,
    },
    /// A name that is empty or holds characters that would break a table.
    #[error(
        "{what} {got:?}: expected 1 to {limit} characters, none of them a slash, a comma or a control character"
    )]
    BadName {
        /// What is named: `task`, `participant id`.
        what: &'static str,
        /// The name as read.
        got: String,
        /// Longest name allowed.
        limit: usize,
    },
    /// A submission names a file outside its session folder.
    #[error("submission {task}: expected a file inside the session folder, got {file:?}")]
    OutsideFolder {
        /// The task.
        task: String,
        /// The file as named.
        file: String,
    },
    /// A row has another number of values than the table has columns.
    #[error("row {row}: expected {expected} values, got {got}")]
    RowLength {
        /// The row, counted from 0.
        row: usize,
        /// Columns of the table.
        expected: usize,
        /// Values of the row.
        got: usize,
    },
    /// Two columns have one name.
    #[error("column {name:?} is there twice")]
    DuplicateColumn {
        /// `task/feature`.
        name: String,
    },
    /// A cohort that cannot be split as asked.
    #[error(
        "cannot cut into {folds} folds: expected at least {folds} people of each class, got {healthy} healthy and {impaired} impaired"
    )]
    TooFewPeople {
        /// Folds asked for.
        folds: usize,
        /// Healthy people there are.
        healthy: usize,
        /// Impaired people there are.
        impaired: usize,
    },
    /// A folder that holds neither kind of cohort.
    #[error("{}: expected features.csv, features.parquet or submissions.csv beside cohort.json", path.display())]
    NoTable {
        /// The cohort folder.
        path: PathBuf,
    },
    /// A cohort folder with two tables of numbers.
    #[error("{}: expected one of features.csv and features.parquet, found both", path.display())]
    TwoTables {
        /// The cohort folder.
        path: PathBuf,
    },
    /// A table too large to be held.
    #[error("{} line {line}: expected at most {limit} cells of numbers, got more; leave out columns or people", path.display())]
    TooManyCells {
        /// The file.
        path: PathBuf,
        /// The line with which there were too many.
        line: u64,
        /// Most cells that are read.
        limit: usize,
    },
    /// A Parquet file that is broken, or written with a compression we do not read.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader or writer said.
        source: parquet::errors::ParquetError,
    },
    /// A column of a Parquet file of another type than its cells must have.
    #[error("{}, column {column:?}: expected {expected}, got {got}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What the column holds.
        expected: &'static str,
        /// The type as read.
        got: String,
    },
    /// A unit or set name that no room knows.
    #[error(transparent)]
    Feature(#[from] feature::Error),
}
