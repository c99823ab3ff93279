//! Fit, calibrate and judge without fooling ourselves.
//!
//! **What comes in.** A cohort of labelled people and its [`FeatureTable`](study::FeatureTable): one row a person, one
//! column a feature at a task. Nothing here knows what a recording or a drawing is.
//!
//! **What goes out.**
//! - [`evaluate()`]: a [`Card`] with every metric of every estimator on several readings of the same cohort — the file as it
//!   is, the file without copied blocks, the pattern of missing blocks alone, the untouched people — and the [`Splits`](evaluate::Splits) it was
//!   made on, so that another program can check them.
//! - [`evaluate_graded()`]: three classes, or points of the MMSE and MoCA, as a [`Graded`] card.
//! - [`train()`]: a [`Screener`] with the card that judges it. [`Screener::score`] says of one person's [`Measurements`] how
//!   much more likely they are in impaired people than in healthy ones, with an interval, what moved it, and when nothing
//!   should be concluded.
//! - [`audit()`]: an [`Audit`] of a cohort — copies, order, ids, gaps, equipment and age that tell the label, values and labels
//!   to look at, and what could not be checked. [`Claim::audit`] asks whether published figures can be true together.
//!
//! **How it stays honest.** Every step that learns — medians, scales, settings, coefficients, calibration, the correlation that
//! joins tasks — takes [`Training`]. Nested cross-validation is recursion: a table splits *by people* into [`Training`] and
//! [`Held`], training splits again, held does not, and nothing fits on it (the documentation of [`Held`] shows code that the
//! compiler refuses). Calibration sees only scores of people whom the scored thing was not fitted on. Intervals come from
//! drawing people, never rows, and scores of different repeats are never mixed. Threads change nothing, and a seed reproduces
//! every number to the bit.
//!
//! **What is refused.** A person in two rows, a person without a label, people of one class, fewer people of a class than folds,
//! an artefact whose parts do not fit: each [`Error`] says where, what was expected and what was found. A score is never a bare
//! number: [`Outcome`] is scored, inconclusive with reasons, or not applicable, and a probability exists only at a prevalence
//! that the caller states ([`Score::probability_at`]).
//!
//! # Example
//! ```
//! use feature::{Unit, Value};
//! use learn::{Measurements, Outcome, Plan, Settings, train};
//! use study::{Cohort, Column, Diagnosis, FeatureTable, Participant, ParticipantId, Provenance, Task};
//!
//! // Made-up people: the impaired ones take about twice as long for a clock.
//! let clock = Task::new("clock")?;
//! let mut table = FeatureTable::new(vec![Column::new(clock.clone(), "ink.time.total", Unit::Second)])?;
//! for person in 0..80 {
//!     let impaired = person % 2 == 1;
//!     let seconds = 20.0 + f64::from(person * 37 % 31) * if impaired { 1.6 } else { 0.8 };
//!     let label = Some(if impaired { Diagnosis::Dementia } else { Diagnosis::Healthy });
//!     let participant = Participant { label, ..Participant::new(ParticipantId::new(&person.to_string())?) };
//!     table.push(participant, [Value::Measured(seconds)])?;
//! }
//! let provenance = Provenance { name: "made-up".into(), synthetic: true, ..Provenance::default() };
//! let cohort = Cohort { provenance, participants: vec![], table: Some(table), later: vec![], submissions: vec![] };
//!
//! let plan = Plan { repeats: 2, draws: 200, ..Plan::default() };
//! let settings = Settings { plan, refits: 50, ..Settings::new("clock-time@1") };
//! let trained = train(&cohort, &settings, &|_| ())?;
//! assert!(trained.card.readings.masked.metrics.auc.value > 0.6);
//!
//! let mut measured = Measurements::new();
//! measured.put(&clock, "ink.time.total", 58.0);
//! let Outcome::Scored(score) = trained.screener.score(&measured, "all")? else { panic!("in range") };
//! assert!(score.likelihood_ratio.value > 1.0);
//! let one_in_ten = score.probability_at(0.10);
//! assert!(one_in_ten.low < one_in_ten.value && one_in_ten.value < 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to go next: `study` for tables and folds, [`Plan`] and [`Settings`] for what can be set, [`card`], [`evaluate`](mod@evaluate)
//! and [`metric`] for what a card holds, [`screener`] for what a score holds, `assess` for the report that is made of a [`Score`]
//! and the page that is made of a [`Card`].
#![forbid(unsafe_code)]

pub mod audit;
mod bootstrap;
pub mod calibrate;
pub mod card;
pub mod claim;
pub mod compare;
pub mod conformal;
pub mod cost;
mod digest;
mod error;
pub mod estimator;
pub mod evaluate;
pub mod label;
pub mod metric;
mod prepare;
pub mod recognition;
pub mod repeat;
pub mod scores;
pub mod screener;
mod seed;
pub mod subgroup;
#[cfg(test)]
mod synthetic;
pub mod train;
mod training;

pub use audit::{Audit, audit};
pub use card::Card;
pub use claim::Claim;
pub use compare::compare;
pub use error::Error;
pub use estimator::Estimator;
pub use evaluate::{Evaluation, Graded, Plan, evaluate, evaluate_graded};
pub use metric::Interval;
pub use screener::{Measurements, Outcome, Score, Screener};
pub use train::{Settings, Trained, train};
pub use training::{Held, Training};
