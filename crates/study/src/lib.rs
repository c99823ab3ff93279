//! Who did what, when, and what was known of them: participant, session, task, diagnosis, cohort, table and split.
//!
//! **What comes in.** A session folder ([`Session::read`]) or a cohort folder ([`Cohort::read`]).
//!
//! **What goes out.** A [`Session`] with its submissions; a [`Cohort`] with its people and a [`FeatureTable`]: rows are
//! people, columns are a feature at a task. [`stratified_folds`] cuts *people* into folds; nothing here can cut rows.
//!
//! **What is refused.** Two people of one id, a column of no unit, a value that is no number, a file that is not there:
//! each [`Error`] says where, what was expected and what was found. Ids and free text never print: [`ParticipantId`] has no
//! `Display`, its `Debug` redacts, and [`ParticipantId::reveal`] is the one door.
//!
//! # Example
//! ```
//! use study::{Column, Diagnosis, FeatureTable, Participant, ParticipantId, Task, stratified_folds};
//! use feature::Unit;
//!
//! let mut table = FeatureTable::new(vec![Column::new(Task::new("clock")?, "ink.time.total", Unit::Second)])?;
//! for (id, seconds, label) in [("a", 31.0, Diagnosis::Healthy), ("b", 74.0, Diagnosis::Dementia)] {
//!     let participant = Participant { label: Some(label), ..Participant::new(ParticipantId::new(id)?) };
//!     table.push(participant, [feature::Value::Measured(seconds)])?;
//! }
//! assert_eq!(table.value(1, 0), Some(74.0));
//! assert_eq!(format!("{:?}", table.participants()[0].id), "ParticipantId(…)");
//! let labels: Vec<bool> = table.participants().iter().map(|it| it.label.unwrap().impaired()).collect();
//! assert_eq!(stratified_folds(&labels, 1, 7)?.len(), 1);
//! # Ok::<(), study::Error>(())
//! ```
//!
//! Where to go next: `learn` fits and judges on tables, `assess` fills them from recordings and drawings.
#![forbid(unsafe_code)]

mod cohort;
mod diagnosis;
mod error;
mod holdout;
mod participant;
mod session;
mod split;
mod table;
mod task;

pub use cohort::{Answer, Cohort, CohortSubmission, Decision, Provenance};
pub use diagnosis::Diagnosis;
pub use error::Error;
pub use holdout::{Holdout, Look};
pub use participant::{Handedness, Language, Participant, ParticipantId, Sex};
pub use session::{Session, Submission};
pub use split::{dealt_folds, stratified_folds};
pub use table::{Block, Column, FeatureTable};
pub use task::Task;
