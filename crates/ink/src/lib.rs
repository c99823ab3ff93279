//! Strokes to measures of drawing, by formula.
//!
//! **What comes in.** Bytes: InkML, ink JSON (`docs/ink-format.md`), CSV, UCI spiral text, ndjson of Quick, Draw! or
//! UNIPEN. [`decode()`] tells the format from the content and gives every drawing of the file.
//!
//! **What goes out.**
//! - [`Drawing`]: strokes on paper and in air whose time only goes forward, in millimetres and seconds where the file
//!   knows them. x grows to the right, y down the sheet, whatever the format had.
//! - [`Usable<Drawing>`](feature::Usable): a drawing that was checked. Flaws (no resolution, slow sampling, pressure at
//!   full scale) are marks that reach the report; only a drawing of fewer than three points or without extent is declined.
//! - [`Analysis`]: the strokes every 10 ms with speed, acceleration and jerk; what a figure draws and measures read.
//! - [`set()`]: `ink@1`, the measures of [`MEASURES`]. Each is a number with a unit, or missing with its reason.
//!
//! **What is refused.** A file that is no ink, by the name of what it looks like; time that goes back; numbers that are
//! not finite; anything over a named [`limit`]. Errors say where, what was expected and what was found.
//!
//! **What is never guessed.** Without a resolution there is no length or speed. Where the lifted pen is not reported
//! its time still follows from the gaps, but not its movement. Measures see no age and no label: there is none here.
//!
//! # Example
//! ```
//! use feature::Usable;
//!
//! let file = br#"{"format": "ink", "version": 1, "mm_per_unit": 0.1, "strokes": [
//!     {"t": [0.0, 0.1, 0.2], "x": [100, 150, 200], "y": [50, 50, 50]},
//!     {"t": [1.2, 1.3, 1.4], "x": [100, 150, 200], "y": [90, 90, 90]}]}"#;
//!
//! let options = ink::Options { name: "lines.json".to_owned(), ..ink::Options::default() };
//! for named in ink::decode(file, &options)? {
//!     let drawing = Usable::new(named.drawing?).expect("two lines are enough to measure");
//!     let vector = ink::set().measure(&ink::Analysis::new(&drawing));
//!     assert_eq!(vector.number("ink.pen.downs"), Some(2.0));
//!     assert!((vector.number("ink.time.air").unwrap() - 1.0).abs() < 1e-9);
//!     assert!((vector.number("ink.speed.paper_mean").unwrap() - 50.0).abs() < 1e-6);
//!     let missing = vector.value("ink.speed.air_mean").and_then(|it| it.reason());
//!     assert_eq!(missing.map(|it| it.as_str()), Some("pen-up movement not reported"));
//! }
//! # Ok::<(), ink::Error>(())
//! ```
//!
//! Where to go next: [`synth`] draws with known answers; `voice` is the same walk for sound; `assess` joins both.
#![forbid(unsafe_code)]

mod analysis;
mod check;
mod darwin;
mod decode;
mod encode;
mod error;
mod kinematics;
pub mod limit;
mod measures;
mod pressure;
mod signal;
mod smoothness;
mod spiral;
mod stroke;
pub mod synth;
mod timing;
mod tremor;

pub use analysis::{Analysis, Bounds, Track};
pub use decode::{Columns, Named, Options, decode};
pub use error::Error;
pub use measures::{MEASURES, set};
pub use signal::RASTER_HZ;
pub use stroke::{Capture, Drawing, Place, Point, Stroke, Timing};
