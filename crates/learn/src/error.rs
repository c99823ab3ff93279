//! What can be wrong with a table, a plan or an artefact.

/// Something that could not be fitted, judged or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A person without a label cannot train or judge anything.
    #[error("row {row}: expected a label (healthy, mci or dementia), got none of them")]
    NoLabel {
        /// The row of the table, counted from 0.
        row: usize,
    },
    /// One person in two rows could stand on both sides of a split.
    #[error("row {row}: this participant already has row {first}; expected one row a person")]
    SamePersonTwice {
        /// The second row.
        row: usize,
        /// The first row.
        first: usize,
    },
    /// Only one class: there is nothing to tell apart.
    #[error("{place}: expected people of both classes, got {healthy} healthy and {impaired} impaired")]
    OneClass {
        /// Where: `training`, `calibration`.
        place: &'static str,
        /// Healthy people there are.
        healthy: usize,
        /// Impaired people there are.
        impaired: usize,
    },
    /// One of three classes is missing.
    #[error(
        "{place}: expected people of all three classes, got {healthy} healthy, {mci} mci and {dementia} dementia"
    )]
    ClassMissing {
        /// Where: `training`, `cohort`.
        place: &'static str,
        /// Healthy people there are.
        healthy: usize,
        /// People with MCI there are.
        mci: usize,
        /// People with dementia there are.
        dementia: usize,
    },
    /// Everybody has the same points: there is nothing to learn.
    #[error("{place}: expected people with different points, got {people} people with the same")]
    OneNumber {
        /// Where: `training`, `cohort`.
        place: &'static str,
        /// People there are.
        people: usize,
    },
    /// Fewer people than folds.
    #[error("{folds} folds: expected at least {folds} people in {what}, got {people}")]
    TooFewOfEach {
        /// Folds asked for.
        folds: usize,
        /// Where: `the table`, `the smallest class`.
        what: &'static str,
        /// People there are.
        people: usize,
    },
    /// Too few people with any part of a fusion.
    #[error(
        "fusion: expected at least {fewest} people of each class with one part, got {people} people in all"
    )]
    TooFewToJoin {
        /// Fewest people of a class.
        fewest: usize,
        /// People there are.
        people: usize,
    },
    /// An estimator that cannot tell what it is asked.
    #[error("{estimator}: expected {expected}, got {got}")]
    NotForTarget {
        /// Name of the estimator.
        estimator: &'static str,
        /// What it can tell.
        expected: &'static str,
        /// What it was asked.
        got: &'static str,
    },
    /// A table or form without anything that can be fitted.
    #[error("{place}: expected at least one measured column, got none")]
    NothingMeasured {
        /// Which table, task or form.
        place: String,
    },
    /// A number of the plan or settings that makes no sense.
    #[error("{what}: expected {expected}, got {got}")]
    BadSetting {
        /// Which number.
        what: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// The cohort has files but no numbers yet.
    #[error("cohort {name:?}: expected features.csv, got only submissions; measure them first")]
    NoTable {
        /// Name of the cohort.
        name: String,
    },
    /// A task without the feature that says how long it took.
    #[error("task {task}: expected the column {feature}, which says how long it took, got none")]
    NoTime {
        /// The task.
        task: study::Task,
        /// The feature looked for.
        feature: String,
    },
    /// A cohort that cannot be cut by site or device.
    #[error("{place}: expected {expected}, got {got}")]
    Groups {
        /// What it is cut by, or the group that cannot be left out.
        place: String,
        /// What is needed.
        expected: String,
        /// What there is.
        got: String,
    },
    /// A file that could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A form that the screener does not have.
    #[error("screener {screener}: expected one of the forms {known}, got {got:?}")]
    UnknownForm {
        /// Name of the screener.
        screener: String,
        /// The forms there are, separated by commas.
        known: String,
        /// The form asked for.
        got: String,
    },
    /// An artefact that is not what this version writes.
    #[error("{place}: expected {expected}, got {got}")]
    BadArtefact {
        /// Which part of the artefact.
        place: String,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// An artefact or card that is no JSON of the expected shape.
    #[error("{place}: {source}")]
    Json {
        /// Which file: `screener.json`, `card.json`.
        place: &'static str,
        /// Line, column, expected and got.
        source: serde_json::Error,
    },
    /// A table or split that `study` refuses.
    #[error(transparent)]
    Study(#[from] study::Error),
}
