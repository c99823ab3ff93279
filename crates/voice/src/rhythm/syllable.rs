//! Syllable nuclei: voiced peaks of intensity with a dip on each side.
//!
//! de Jong, N. H., & Wempe, T. (2009). Praat script to detect syllable nuclei and measure speech rate automatically.
//! *Behavior Research Methods* 41, 385–390. Implemented from the description in the paper.

use feature::{Seconds, percentile};

use crate::{activity::Interval, contour::Contour, rhythm::within};

/// How far intensity falls on both sides of a nucleus, in dB (their setting for recordings without filtering).
const DIP_DB: f32 = 2.0;
/// How far below the loudest (99th percentile) a nucleus may be, in dB.
const DEEPEST_DB: f64 = 25.0;

/// Times of the syllable nuclei, in order.
pub(crate) fn nuclei(intensity: &Contour, f0: &Contour, speech: &[Interval]) -> Vec<Seconds> {
    let defined: Vec<f64> = intensity.defined().collect();
    let Some(loudest) = percentile(&defined, 99.0) else { return Vec::new() };
    let least = (loudest - DEEPEST_DB) as f32;
    let grid = intensity.grid();
    let time = |frame: usize| Seconds(grid.first.0 + frame as f64 * grid.hop.0);
    let voiced = |frame: usize| f0.get(frame).is_some();
    peaks(intensity)
        .into_iter()
        .filter(|(frame, db)| *db >= least && voiced(*frame) && within(speech, time(*frame)))
        .map(|(frame, _)| time(frame))
        .collect()
}

/// Frame and height of every maximum that rises and falls by [`DIP_DB`] at least; where intensity is undefined it is
/// taken as lower than anything.
fn peaks(intensity: &Contour) -> Vec<(usize, f32)> {
    let mut peaks = Vec::new();
    let (mut top, mut bottom, mut rising) = ((0, f32::NEG_INFINITY), f32::NEG_INFINITY, true);
    for frame in 0..=intensity.len() {
        let db = intensity.get(frame).unwrap_or(f32::NEG_INFINITY);
        if rising && db > top.1 {
            top = (frame, db);
        } else if rising && db < top.1 - DIP_DB {
            peaks.push(top);
            (bottom, rising) = (db, false);
        } else if !rising && db < bottom {
            bottom = db;
        } else if !rising && db > bottom + DIP_DB {
            (top, rising) = ((frame, db), true);
        }
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contour::Grid;

    #[test]
    fn a_ripple_below_two_decibels_is_no_syllable() {
        let contour = |values: &[f32]| Contour::new(Grid::default(), values.to_vec());
        let frames = |values: &[f32]| peaks(&contour(values)).iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(frames(&[50.0, 60.0, 59.0, 60.5, 50.0, 58.0, 52.0]), [3, 5]);
        assert_eq!(frames(&[f32::NAN, 60.0, 61.0, f32::NAN]), [2]);
        assert_eq!(frames(&[]), [0; 0]);
    }
}
