//! Smoothness of movement: normalised jerk, spectral arc length, and how often speed changes its mind.
//!
//! All are pure numbers or rates, but the noise of the digitiser enters every one of them: they are of this tablet only.
//! The first two are medians over strokes: duration enters jerk with its fifth power, and one long stroke with a rest in it
//! would outweigh all others. Of strokes shorter than 0.2 s (dots, ticks) smoothness says nothing and they are left out.

use feature::{Definition, Measure, Reach, Row, Unit, median};

use crate::analysis::reason;
use crate::signal::{RASTER_HZ, brisk, magnitudes};
use crate::{Analysis, Place, Track};

/// Normalised jerk and SPARC, medians over strokes.
pub(crate) struct Smoothness;

/// Shortest stroke that has a smoothness: 0.2 s.
const FEWEST_SAMPLES: usize = 20;
/// Highest frequency and lowest normalised amplitude of the arc, and the padding (Balasubramanian et al. 2015, table 1).
const CUT_OFF_HZ: f64 = 10.0;
/// Lowest amplitude of the arc, as a share of that at 0 Hz.
const LEAST_AMPLITUDE: f64 = 0.05;
/// How many times longer than the stroke the transform is: the authors' padding level of 4.
const PADDING: usize = 16;
/// Longest padded stroke: above it the padding is less than sixteenfold, but never none.
const LONGEST_TRANSFORM: usize = 1 << 16;

/// What all measures of smoothness share.
const SMOOTH: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::One,
    range: (0.0, 1e9),
    formula: "",
    source: "",
    missing: "no stroke on paper lasts 0.2 s, or the file has no times",
    reach: Reach::SameDevice,
    fragile: None,
};

/// Two views of the same: time and frequency.
static SMOOTHNESS: &[Definition] = &[
    Definition {
        name: "ink.jerk.normalised_paper",
        label: "normalised jerk of strokes on paper",
        formula: "median over strokes of 0.2 s or more of sqrt(T^5 / (2 L^2) x integral of squared jerk), T duration, \
                  L length; 18.97 for the smoothest straight movement; depends on the tablet's noise",
        source: "Teulings, Contreras-Vidal, Stelmach & Adler 1997, Experimental Neurology 146:159-170",
        ..SMOOTH
    },
    Definition {
        name: "ink.sparc.paper",
        label: "spectral arc length of strokes on paper",
        range: (-500.0, 0.0),
        formula: "median over strokes of 0.2 s or more of minus the arc length of the magnitude spectrum of speed, \
                  divided by its value at 0 Hz, up to 10 Hz or the last amplitude of 0.05; depends on the tablet's noise",
        source: "Balasubramanian, Melendez-Calderon, Roby-Brami & Burdet 2015, J NeuroEngineering Rehabil 12:112",
        ..SMOOTH
    },
];

impl Measure<Analysis> for Smoothness {
    fn definitions(&self) -> &'static [Definition] {
        SMOOTHNESS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        if let Err(reason) = analysis.moved(Place::Paper) {
            return row.missing_rest(reason);
        }
        let long = || analysis.moving(Place::Paper).filter(|track| track.speed.len() >= FEWEST_SAMPLES);
        let none = SMOOTH.missing;
        let jerks: Vec<f64> = long().filter_map(normalised_jerk).collect();
        row.put("ink.jerk.normalised_paper", median(&jerks).ok_or(none));
        let arcs: Vec<f64> = long().filter_map(|track| arc_length(&track.speed)).collect();
        row.put("ink.sparc.paper", median(&arcs).ok_or(none));
    }
}

/// `None` for a pen that stood still.
fn normalised_jerk(track: &Track) -> Option<f64> {
    let duration_s = (track.speed.len() - 1) as f64 / RASTER_HZ;
    let length = integral(track.speed.iter().copied());
    let squares = integral(track.jerk.iter().map(|jerk| jerk * jerk));
    (length > 0.0).then(|| (0.5 * squares * duration_s.powi(5) / (length * length)).sqrt())
}

/// Trapezium rule over the raster.
fn integral(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0 / RASTER_HZ).sum()
}

/// Spectral arc length of a speed profile; `None` for a pen that stood still.
fn arc_length(speed: &[f64]) -> Option<f64> {
    let tight = speed.len().next_power_of_two();
    let length = (tight * PADDING).min(LONGEST_TRANSFORM.max(tight));
    let step_hz = RASTER_HZ / length as f64;
    let magnitudes = magnitudes(speed, length, (CUT_OFF_HZ / step_hz).floor() as usize + 1);
    let still = magnitudes[0] <= 0.0;
    let spectrum: Vec<f64> = magnitudes.iter().map(|it| it / magnitudes[0]).collect();
    let last = spectrum.iter().rposition(|it| *it >= LEAST_AMPLITUDE).filter(|_| !still)?;
    let across = 1.0 / last.max(1) as f64;
    Some(-spectrum[..=last].windows(2).map(|pair| across.hypot(pair[1] - pair[0])).sum::<f64>())
}

/// Changes of velocity and acceleration a second.
pub(crate) struct Changes;

/// A change counts when the curve turns by this share of its 95th percentile: below it is the noise of the tablet.
const LEAST_TURN: f64 = 0.05;

/// Of speed, and of acceleration.
static CHANGES: &[Definition] = &[
    Definition {
        name: "ink.changes.velocity_rate",
        label: "changes of speed a second on paper",
        unit: Unit::PerSecond,
        range: (0.0, 50.0),
        formula: "local extremes of speed on paper that turn by 5 % of its 95th percentile / seconds on paper (NCV a \
                  second); depends on the tablet's noise",
        source: "Tucha et al. 2008, J Neural Transm 115:1013-1020 (number of inversions)",
        missing: "no stroke lasts 50 ms, or the file has no times",
        ..SMOOTH
    },
    Definition {
        name: "ink.changes.acceleration_rate",
        label: "changes of acceleration a second on paper",
        unit: Unit::PerSecond,
        range: (0.0, 50.0),
        formula: "the same of the length of the acceleration vector (NCA a second); depends on the tablet's noise",
        source: "Tucha et al. 2008, J Neural Transm 115:1013-1020 (number of inversions)",
        missing: "no stroke lasts 50 ms, or the file has no times",
        ..SMOOTH
    },
];

impl Measure<Analysis> for Changes {
    fn definitions(&self) -> &'static [Definition] {
        CHANGES
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        row.put("ink.changes.velocity_rate", rate(analysis, |track| &track.speed));
        row.put("ink.changes.acceleration_rate", rate(analysis, |track| &track.acceleration));
    }
}

/// Turns of a curve per second on paper.
fn rate(analysis: &Analysis, of: fn(&Track) -> &[f64]) -> Result<f64, &'static str> {
    analysis.moved(Place::Paper)?;
    let all = crate::kinematics::samples(analysis, Place::Paper, of);
    let least = LEAST_TURN * brisk(&all).ok_or(reason::STILL)?;
    let turns: usize = analysis.moving(Place::Paper).map(|track| turns(of(track), least)).sum();
    Ok(turns as f64 * RASTER_HZ / all.len() as f64)
}

/// Local extremes after which the curve turns by at least `least`.
fn turns(values: &[f64], least: f64) -> usize {
    let Some(&first) = values.first() else { return 0 };
    let (mut low, mut high) = (first, first);
    let (mut turns, mut rising) = (0, None);
    for &value in values {
        (low, high) = (low.min(value), high.max(value));
        let now = match rising {
            Some(true) if value <= high - least => Some(false),
            Some(false) if value >= low + least => Some(true),
            None if value >= low + least => Some(true),
            None if value <= high - least => Some(false),
            same => same,
        };
        if now != rising {
            turns += usize::from(rising.is_some());
            (rising, low, high) = (now, value, value);
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// Speed of the minimum-jerk movement of length 1 in `seconds` (Flash & Hogan 1985).
    fn minimum_jerk_speed(seconds: f64) -> Vec<f64> {
        let count = (seconds * RASTER_HZ) as usize;
        let speed = |n: usize| {
            let t = n as f64 / count as f64;
            30.0 * t * t * (1.0 - t) * (1.0 - t) / seconds
        };
        (0..=count).map(speed).collect()
    }

    #[test]
    fn the_smoothest_movement_has_the_published_arc_length_whatever_its_length() {
        // The authors' Python code gives -1.41 for a minimum-jerk movement of any duration.
        for seconds in [0.5, 1.0, 4.0] {
            let arc = arc_length(&minimum_jerk_speed(seconds)).unwrap();
            assert!((arc + 1.41).abs() < 0.02, "{seconds} s: {arc}");
        }
    }

    #[test]
    fn stops_and_starts_are_less_smooth() {
        let once = minimum_jerk_speed(1.0);
        let thrice: Vec<f64> = [once.clone(), once.clone(), once.clone()].concat();
        assert!(arc_length(&thrice) < arc_length(&once));
        assert_eq!(arc_length(&[0.0; 50]), None);
    }

    #[test]
    fn turns_smaller_than_the_least_are_noise() {
        let wave: Vec<f64> = (0..200).map(|n| (2.0 * PI * n as f64 / 50.0).sin()).collect();
        let rough: Vec<f64> = wave.iter().enumerate().map(|(n, it)| it + 0.01 * (n % 2) as f64).collect();
        assert_eq!((turns(&wave, 0.1), turns(&rough, 0.1)), (8, 8));
        assert_eq!((turns(&[], 0.1), turns(&[1.0; 9], 0.1)), (0, 0));
    }

    #[test]
    fn the_smoothest_line_has_the_normalised_jerk_of_its_polynomial() {
        // Jerk of Flash & Hogan's polynomial gives T^5 / L^2 x integral = 720, so sqrt(360) = 18.97.
        for (length_mm, seconds) in [(80.0, 2.0), (20.0, 1.0)] {
            let drawing = crate::synth::lines(length_mm, seconds, 1, 0.0, &crate::synth::Pen::steady());
            let analysis = Analysis::new(&feature::Usable::new(drawing).unwrap());
            let jerk = normalised_jerk(&analysis.tracks()[0]).unwrap();
            assert!((jerk - 360.0f64.sqrt()).abs() < 0.6, "{jerk}");
        }
    }
}
