//! Speed, acceleration, jerk and length of strokes: absolute measures, of this tablet only.
//!
//! The lengths of the vectors are taken, not the change of speed along the way: a pen that turns a corner at an even
//! speed accelerates. All samples of all strokes in one place are pooled, so that long strokes count for as long as they
//! last. Paper and air are kept apart: hesitation lives in the air.

use feature::{Definition, Measure, Reach, Row, Unit, mean, standard_deviation};

use crate::analysis::reason;
use crate::{Analysis, Place, Track};

/// What all measures on paper share.
const ON_PAPER: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::MillimetrePerSecond,
    range: (0.0, 3000.0),
    formula: "",
    source: "Cilia et al. 2018, Procedia Computer Science 141:466-471; spec of signals in docs/ink-format.md",
    missing: "resolution of the device is not known, no stroke lasts 50 ms, or the file has no times",
    reach: Reach::SameDevice,
    fragile: None,
};
/// What all measures in the air share.
const IN_AIR: Definition = Definition {
    missing: "resolution of the device is not known, or pen-up movement not reported",
    ..ON_PAPER
};

/// One derivative: mean, spread and peak in two places.
pub(crate) struct Derivative {
    definitions: &'static [Definition],
    of: fn(&Track) -> &[f64],
}

/// The six definitions of one derivative.
macro_rules! derivative {
    ($word:literal, $formula:literal, $unit:expr, $largest:expr) => {
        &[
            derivative!(@ ON_PAPER, $word, $formula, $unit, $largest, "paper", "on paper", "mean", "mean of the"),
            derivative!(@ ON_PAPER, $word, $formula, $unit, $largest, "paper", "on paper", "sd", "standard deviation of the"),
            derivative!(@ ON_PAPER, $word, $formula, $unit, $largest, "paper", "on paper", "peak", "largest"),
            derivative!(@ IN_AIR, $word, $formula, $unit, $largest, "air", "in the air", "mean", "mean of the"),
            derivative!(@ IN_AIR, $word, $formula, $unit, $largest, "air", "in the air", "sd", "standard deviation of the"),
            derivative!(@ IN_AIR, $word, $formula, $unit, $largest, "air", "in the air", "peak", "largest"),
        ]
    };
    (@ $place:expr, $word:literal, $formula:literal, $unit:expr, $largest:expr, $key:literal, $words:literal,
       $statistic:literal, $of:literal) => {
        Definition {
            name: concat!("ink.", $word, ".", $key, "_", $statistic),
            label: concat!($of, " ", $word, " ", $words),
            unit: $unit,
            range: (0.0, $largest),
            formula: concat!($of, " ", $formula, ", over 100 Hz samples ", $words, "; depends on the tablet"),
            ..$place
        }
    };
}

/// First derivative.
pub(crate) static SPEED: Derivative = Derivative {
    definitions: derivative!("speed", "length of the velocity vector", Unit::MillimetrePerSecond, 3000.0),
    of: |track| &track.speed,
};
/// Second derivative.
pub(crate) static ACCELERATION: Derivative = Derivative {
    definitions: derivative!(
        "acceleration",
        "length of the acceleration vector",
        Unit::MillimetrePerSecond2,
        1e5
    ),
    of: |track| &track.acceleration,
};
/// Third derivative.
pub(crate) static JERK: Derivative = Derivative {
    definitions: derivative!("jerk", "length of the jerk vector", Unit::MillimetrePerSecond3, 1e7),
    of: |track| &track.jerk,
};

impl Measure<Analysis> for Derivative {
    fn definitions(&self) -> &'static [Definition] {
        self.definitions
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let (paper, air) = self.definitions.split_at(3);
        for (place, names) in [(Place::Paper, paper), (Place::Air, air)] {
            let values = absolute(analysis, place, self.of);
            let put = |row: &mut Row<'_>, name: &Definition, of: fn(&[f64]) -> Option<f64>| {
                let number = values.as_ref().map_err(|reason| *reason);
                row.put(name.name, number.and_then(|values| of(values).ok_or(reason::TOO_SHORT)));
            };
            put(row, &names[0], mean);
            put(row, &names[1], standard_deviation);
            put(row, &names[2], |values| values.iter().copied().reduce(f64::max));
        }
    }
}

/// All samples of one kind in one place, in millimetres; or why there are none.
pub(crate) fn absolute(
    analysis: &Analysis,
    place: Place,
    of: fn(&Track) -> &[f64],
) -> Result<Vec<f64>, &'static str> {
    analysis.moved(place)?;
    analysis.in_mm()?;
    Ok(samples(analysis, place, of))
}

/// All samples of one kind in one place, in whatever unit the drawing has.
pub(crate) fn samples(analysis: &Analysis, place: Place, of: fn(&Track) -> &[f64]) -> Vec<f64> {
    analysis.moving(place).flat_map(|track| of(track).iter().copied()).collect()
}

/// Size of strokes, and ratios of speed that need no millimetres.
pub(crate) struct Strokes;

/// Lengths first, then the two ratios.
static STROKES: &[Definition] = &[
    Definition {
        name: "ink.stroke.length_mean",
        label: "mean length of a stroke on paper",
        unit: Unit::Millimetre,
        formula: "sum of distances between reports on paper / strokes on paper; depends on the tablet",
        missing: "resolution of the device is not known, or nothing was drawn on paper",
        ..ON_PAPER
    },
    Definition {
        name: "ink.stroke.length_total",
        label: "length of all ink",
        unit: Unit::Millimetre,
        range: (0.0, 1e5),
        formula: "sum of distances between reports on paper; depends on the tablet",
        missing: "resolution of the device is not known, or nothing was drawn on paper",
        ..ON_PAPER
    },
    Definition {
        name: "ink.speed.air_over_paper",
        label: "speed in the air over speed on paper",
        unit: Unit::One,
        range: (0.0, 50.0),
        formula: "mean speed in the air / mean speed on paper",
        missing: "pen-up movement not reported, or no stroke lasts 50 ms",
        reach: Reach::AnyDevice,
        ..ON_PAPER
    },
    Definition {
        name: "ink.speed.paper_variation",
        label: "variation of the speed on paper",
        unit: Unit::One,
        range: (0.0, 10.0),
        formula: "standard deviation of speed on paper / mean speed on paper",
        missing: "no stroke lasts 50 ms, or the file has no times",
        reach: Reach::AnyDevice,
        ..ON_PAPER
    },
];

impl Measure<Analysis> for Strokes {
    fn definitions(&self) -> &'static [Definition] {
        STROKES
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let total = length(analysis);
        row.put("ink.stroke.length_total", total);
        row.put("ink.stroke.length_mean", total.map(|it| it / analysis.touches().len() as f64));
        let paper = samples(analysis, Place::Paper, |track| &track.speed);
        let paper_mean = mean(&paper).filter(|mean| *mean > 0.0).ok_or(reason::STILL);
        let over_paper = |number: Option<f64>| Ok(number.ok_or(reason::TOO_SHORT)? / paper_mean?);
        let air = mean(&samples(analysis, Place::Air, |track| &track.speed));
        let both = analysis.moved(Place::Paper).and(analysis.moved(Place::Air));
        row.put("ink.speed.air_over_paper", both.and_then(|()| over_paper(air)));
        let variation = analysis.moved(Place::Paper).and_then(|()| over_paper(standard_deviation(&paper)));
        row.put("ink.speed.paper_variation", variation);
    }
}

/// Millimetres of all ink.
fn length(analysis: &Analysis) -> Result<f64, &'static str> {
    analysis.in_mm()?;
    if analysis.touches().is_empty() {
        return Err(reason::NO_PAPER);
    }
    Ok(analysis.touches().iter().map(|touch| touch.length).sum())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use feature::{FeatureVector, Usable};

    use super::*;
    use crate::{Capture, Drawing, set, synth};

    fn measured(drawing: &Drawing) -> FeatureVector {
        set().measure(&Analysis::new(&Usable::new(drawing.clone()).unwrap()))
    }

    fn close(vector: &FeatureVector, name: &str, expected: f64, tolerance: f64) {
        let got = vector.number(name).unwrap_or_else(|| panic!("{name}: {:?}", vector.value(name)));
        assert!((got - expected).abs() <= tolerance * expected.abs(), "{name}: {got}, expected {expected}");
    }

    #[test]
    fn a_circle_has_the_speed_acceleration_jerk_and_length_of_geometry() {
        for rate_hz in [100.0, 200.0, 240.0] {
            let pen = synth::Pen { rate_hz, ..synth::Pen::steady() };
            let vector = measured(&synth::circle(30.0, 0.5, 4.0, &pen));
            let turn = TAU * 0.5;
            close(&vector, "ink.speed.paper_mean", 30.0 * turn, 0.001);
            close(&vector, "ink.speed.paper_peak", 30.0 * turn, 0.005);
            close(&vector, "ink.acceleration.paper_mean", 30.0 * turn.powi(2), 0.02);
            close(&vector, "ink.stroke.length_mean", 30.0 * TAU * 4.0, 0.001);
            close(&vector, "ink.darwin.max_x_extension", 60.0, 0.001);
        }
        let exact = measured(&synth::circle(30.0, 0.5, 4.0, &synth::Pen::steady()));
        close(&exact, "ink.jerk.paper_mean", 30.0 * (TAU * 0.5).powi(3), 0.01);
    }

    #[test]
    fn a_smooth_line_peaks_at_fifteen_eighths_of_its_mean_speed() {
        // Flash & Hogan 1985: the minimum-jerk movement's peak is 1.875 of length over time.
        let vector = measured(&synth::lines(80.0, 2.0, 1, 0.0, &synth::Pen::steady()));
        close(&vector, "ink.speed.paper_mean", 40.0, 0.01);
        close(&vector, "ink.speed.paper_peak", 75.0, 0.005);
    }

    #[test]
    fn the_lifted_pen_is_measured_apart() {
        // 10 mm down and 50 mm back in 0.7 s through the air: 51 mm, at the end of a wait within 7 mm.
        let vector = measured(&synth::lines(50.0, 1.0, 2, 0.5, &synth::Pen::steady()));
        close(&vector, "ink.speed.paper_mean", 50.0, 0.01);
        close(&vector, "ink.speed.air_mean", 51.0 / 0.5, 0.03);
        close(&vector, "ink.speed.air_over_paper", 51.0 / 0.5 / 50.0, 0.03);
    }

    #[test]
    fn without_resolution_lengths_are_missing_and_ratios_stand() {
        let known = synth::lines(50.0, 1.0, 3, 0.5, &synth::Pen::steady());
        let capture = Capture { mm_per_unit: None, sheet: None, ..known.capture().clone() };
        let vector = measured(&Drawing::new(known.strokes().to_vec(), capture).unwrap());
        let reason = vector.value("ink.speed.paper_mean").unwrap().reason().unwrap();
        assert_eq!(reason.as_str(), reason::NO_RESOLUTION);
        let same = measured(&known).number("ink.speed.air_over_paper").unwrap();
        close(&vector, "ink.speed.air_over_paper", same, 1e-9);
    }

    #[test]
    fn air_that_is_not_reported_has_a_time_and_no_speed() {
        let pen = synth::Pen { pen_up_reported: false, ..synth::Pen::steady() };
        let vector = measured(&synth::lines(50.0, 1.0, 3, 0.5, &pen));
        let reason = vector.value("ink.speed.air_mean").unwrap().reason().unwrap();
        assert_eq!(reason.as_str(), reason::NO_AIR);
        close(&vector, "ink.time.air", 1.0, 1e-9);
    }
}
