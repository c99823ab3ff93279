//! (being written)
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
