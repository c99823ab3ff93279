//! (being written)
#![forbid(unsafe_code)]

mod analysis;
mod check;
mod decode;
mod error;
mod kinematics;
pub mod limit;
mod measures;
mod signal;
mod stroke;
mod timing;

pub use analysis::{Analysis, Bounds, Track};
pub use decode::{Columns, Named, Options, decode};
pub use error::Error;
pub use measures::{MEASURES, set};
pub use signal::RASTER_HZ;
pub use stroke::{Capture, Drawing, Place, Point, Stroke, Timing};
