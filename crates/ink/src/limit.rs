//! The limits of what is read, each with its name, so that a hostile file costs no more than a large one.

use crate::Error;

/// Bytes of one file: four times the largest set of digits known to us.
pub const BYTES: usize = 64 << 20;
/// Drawings in one file.
pub const DRAWINGS: usize = 100_000;
/// Strokes of one drawing.
pub const STROKES: usize = 200_000;
/// Points of one drawing: more than two hours at 240 Hz.
pub const POINTS: usize = 2_000_000;
/// Seconds of one drawing (six hours): it bounds what resampling allocates.
pub const SPAN_S: usize = 6 * 3600;
/// Elements inside elements.
pub const NESTING: usize = 32;
/// Bytes of one InkML tag: its attributes are compared with each other.
pub const TAG_BYTES: usize = 16 << 10;
/// Largest coordinate, pressure or tilt: a kilometre in micrometres.
pub(crate) const LARGEST: f64 = 1e9;
/// Latest time, in seconds of any clock: the year 33658.
pub(crate) const LATEST_S: f64 = 1e12;

/// An error if there is more than the limit of something.
pub(crate) fn check(what: &'static str, got: usize, limit: usize) -> Result<(), Error> {
    if got > limit { Err(over(what, got, limit)) } else { Ok(()) }
}

/// The error that says so.
pub(crate) fn over(what: &'static str, got: usize, limit: usize) -> Error {
    Error::OverLimit { what, got, limit }
}
