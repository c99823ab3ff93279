//! A number measured from behaviour: its name, unit, value, and the reason when it is missing.
//!
//! **What comes in.** Nothing from outside: this crate is the vocabulary that every other room speaks.
//!
//! **What goes out.**
//! - [`Value`]: a finite number, or [`Missing`](Value::Missing) with a [`Reason`]. There is no NaN and no stand-in zero.
//! - [`Definition`]: name, unit, plausible range, formula, source, when the value is missing, and the [`Condition`]s under which
//!   it is unstable.
//! - [`Measure`]: something that fills a [`Row`] for its definitions from an analysis that was computed once.
//! - [`FeatureSet`]: the named, versioned list (`voice@1`), and the [`FeatureVector`] it makes.
//! - [`Quality`], [`Usable`] and [`Declined`]: a medium that was checked, or why it was not usable.
//!
//! **What is refused.** Measures accept only [`Usable`] media, and the only way to make one runs the check:
//!
//! ```compile_fail
//! # use feature::Usable;
//! // The field is private: unchecked media cannot be dressed up as usable.
//! let usable = Usable { medium: vec![0.0f32], quality: Default::default() };
//! ```
//!
//! # Example
//! ```
//! use feature::{Definition, FeatureSet, Measure, Reach, Row, Unit, Value};
//!
//! struct Length;
//! impl Measure<[f32]> for Length {
//!     fn definitions(&self) -> &'static [Definition] {
//!         &[Definition {
//!             name: "demo.length.total",
//!             label: "length",
//!             unit: Unit::Count,
//!             range: (1.0, 1e9),
//!             formula: "number of samples",
//!             source: "this example",
//!             missing: "there are no samples",
//!             reach: Reach::AnyDevice,
//!             fragile: None,
//!         }]
//!     }
//!     fn measure(&self, samples: &[f32], row: &mut Row<'_>) {
//!         match samples.len() {
//!             0 => row.missing("demo.length.total", "there are no samples"),
//!             n => row.put("demo.length.total", n as f64),
//!         }
//!     }
//! }
//! static MEASURES: &[&dyn Measure<[f32]>] = &[&Length];
//!
//! let set = FeatureSet::new("demo", 1, MEASURES);
//! let vector = set.measure(&[0.0, 0.5][..]);
//! assert_eq!(set.to_string(), "demo@1");
//! assert_eq!(vector.value("demo.length.total"), Some(&Value::Measured(2.0)));
//! ```
//!
//! Where to go next: `voice` and `ink` define measures; `study` puts vectors into tables.
#![forbid(unsafe_code)]

mod contract;
mod definition;
mod error;
mod measure;
mod quality;
mod quantity;
mod statistic;
mod unit;
mod value;
mod vector;

pub use contract::breaches;
pub use definition::{Condition, Definition, Reach};
pub use error::Error;
pub use measure::{FeatureSet, Measure, Row, SetId};
pub use quality::{Check, Declined, Finding, Quality, Usable, Verdict};
pub use quantity::{Hertz, Millimetres, Seconds};
pub use statistic::{mean, median, percentile, standard_deviation};
pub use unit::Unit;
pub use value::{Reason, Value};
pub use vector::{Feature, FeatureVector};
