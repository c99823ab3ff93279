//! DARWIN's eighteen features (Cilia et al. 2018, 2022), computed from strokes.
//!
//! So that a drawing made here can meet a screener fitted on that cohort. Only the three times and the pen-downs mean
//! the same on another tablet: the cohort's lengths are in tablet units of unstated size with the axes swapped, its
//! pressure runs 0–2047, and its sampling is 200 Hz. Ours are millimetres, shares of full scale and 100 Hz.
//!
//! The authors published names and values, not code. Where their words leave a choice (the lag of the relative tremor, the
//! boxes of the dispersion index) ours is in the formula text of the definition. Each of the fourteen that depend on the
//! tablet says so in the same text, and reaches the same device only.

use feature::{Definition, Measure, Reach, Row, Unit, mean, standard_deviation};

use crate::analysis::reason;
use crate::kinematics::absolute;
use crate::signal::length;
use crate::{Analysis, Place, Track, pressure, timing};

/// The eighteen.
pub(crate) struct Darwin;

/// Samples between the two distances of relative tremor: nine at 200 Hz are 45 ms, here 50 ms.
const TREMOR_LAG: usize = 5;
/// Side of a box of the dispersion index.
const BOX_MM: f64 = 3.0;
/// Most boxes of a sheet: A0 has 111,000.
const MOST_BOXES: f64 = 1e6;

/// What the four that reach any device share.
const ANY: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::Second,
    range: (0.0, 1800.0),
    formula: "",
    source: "Cilia et al. 2018, Procedia Computer Science 141:466-471; 2022, Eng Appl Artif Intell 111:104822",
    missing: "nothing was drawn on paper, or the file has no times",
    reach: Reach::AnyDevice,
    fragile: None,
};
/// What the fourteen of one tablet share.
const TABLET: Definition = Definition {
    unit: Unit::Millimetre,
    range: (0.0, 1e7),
    missing: "resolution of the device, pressure or pen-up movement is not known",
    reach: Reach::SameDevice,
    ..ANY
};

/// Defines one of the eighteen.
macro_rules! one {
    ($name:literal, $label:literal, $formula:literal, $($field:ident: $value:expr,)* ..$rest:expr) => {
        Definition {
            name: concat!("ink.darwin.", $name),
            label: $label,
            formula: $formula,
            $($field: $value,)*
            ..$rest
        }
    };
}

/// In the order of the cohort's columns.
static DARWIN: &[Definition] = &[
    one!("air_time", "time in the air", "ink.time.air; the cohort also counts hovering at either end", ..ANY),
    one!("disp_index", "spread of the ink over the sheet", "share of 3 mm boxes of the sheet with a point of ink; \
         depends on the tablet", unit: Unit::One, range: (0.0, 1.0), ..TABLET),
    one!(
        "gmrt_in_air",
        "relative tremor in the air",
        "mean over strokes' samples of |r(i) - r(i - 5)| at 100 Hz, r \
         distance from the middle of the ink; depends on the tablet",
        ..TABLET
    ),
    one!(
        "gmrt_on_paper",
        "relative tremor on paper",
        "mean over strokes' samples of |r(i) - r(i - 5)| at 100 Hz, r \
         distance from the middle of the ink; depends on the tablet",
        ..TABLET
    ),
    one!(
        "max_x_extension",
        "width of the ink",
        "largest minus smallest x on paper; depends on the tablet",
        ..TABLET
    ),
    one!(
        "max_y_extension",
        "height of the ink",
        "largest minus smallest y on paper; depends on the tablet",
        ..TABLET
    ),
    one!("mean_acc_in_air", "mean acceleration in the air", "ink.acceleration.air_mean; depends on the tablet",
         unit: Unit::MillimetrePerSecond2, ..TABLET),
    one!("mean_acc_on_paper", "mean acceleration on paper", "ink.acceleration.paper_mean; depends on the tablet",
         unit: Unit::MillimetrePerSecond2, ..TABLET),
    one!(
        "mean_gmrt",
        "relative tremor",
        "mean of gmrt_in_air and gmrt_on_paper; depends on the tablet",
        ..TABLET
    ),
    one!("mean_jerk_in_air", "mean jerk in the air", "ink.jerk.air_mean; depends on the tablet",
         unit: Unit::MillimetrePerSecond3, range: (0.0, 1e9), ..TABLET),
    one!("mean_jerk_on_paper", "mean jerk on paper", "ink.jerk.paper_mean; depends on the tablet",
         unit: Unit::MillimetrePerSecond3, range: (0.0, 1e9), ..TABLET),
    one!("mean_speed_in_air", "mean speed in the air", "ink.speed.air_mean; depends on the tablet",
         unit: Unit::MillimetrePerSecond, ..TABLET),
    one!("mean_speed_on_paper", "mean speed on paper", "ink.speed.paper_mean; depends on the tablet",
         unit: Unit::MillimetrePerSecond, ..TABLET),
    one!("num_of_pendown", "times the pen touched the sheet", "ink.pen.downs", unit: Unit::Count,
         range: (1.0, 2000.0), ..ANY),
    one!("paper_time", "time on paper", "ink.time.paper", ..ANY),
    one!("pressure_mean", "mean pressure", "ink.pressure.mean, a share of full scale where the cohort has 0-2047; \
         depends on the tablet", unit: Unit::One, range: (0.0, 1.0), ..TABLET),
    one!("pressure_var", "variance of pressure", "ink.pressure.sd squared; depends on the tablet", unit: Unit::One,
         range: (0.0, 1.0), ..TABLET),
    one!("total_time", "whole time", "air_time + paper_time", ..ANY),
];

impl Measure<Analysis> for Darwin {
    fn definitions(&self) -> &'static [Definition] {
        DARWIN
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        times(analysis, row);
        derivatives(analysis, row);
        tremor(analysis, row);
        sizes(analysis, row);
        let shares = pressure::shares(analysis);
        row.put("ink.darwin.pressure_mean", pressure::of(&shares, mean));
        let variance = pressure::of(&shares, standard_deviation).map(|spread| spread * spread);
        row.put("ink.darwin.pressure_var", variance);
    }
}

/// The four that mean the same on another tablet.
fn times(analysis: &Analysis, row: &mut Row<'_>) {
    let touches = analysis.touches().len();
    row.put("ink.darwin.num_of_pendown", (touches > 0).then_some(touches as f64).ok_or(reason::NO_PAPER));
    row.put("ink.darwin.air_time", timing::air_s(analysis));
    row.put("ink.darwin.paper_time", timing::paper_s(analysis));
    row.put("ink.darwin.total_time", timing::total_s(analysis));
}

/// Means of speed, acceleration and jerk in both places.
fn derivatives(analysis: &Analysis, row: &mut Row<'_>) {
    /// Which list of a track.
    type Of = fn(&Track) -> &[f64];
    let (speed, acceleration, jerk): (Of, Of, Of) =
        (|track| &track.speed, |track| &track.acceleration, |track| &track.jerk);
    let all = [
        ("ink.darwin.mean_speed_in_air", Place::Air, speed),
        ("ink.darwin.mean_speed_on_paper", Place::Paper, speed),
        ("ink.darwin.mean_acc_in_air", Place::Air, acceleration),
        ("ink.darwin.mean_acc_on_paper", Place::Paper, acceleration),
        ("ink.darwin.mean_jerk_in_air", Place::Air, jerk),
        ("ink.darwin.mean_jerk_on_paper", Place::Paper, jerk),
    ];
    for (name, place, of) in all {
        row.put(name, absolute(analysis, place, of).and_then(|it| mean(&it).ok_or(reason::TOO_SHORT)));
    }
}

/// Relative tremor in both places, and the mean of both where both exist.
fn tremor(analysis: &Analysis, row: &mut Row<'_>) {
    let (air, paper) = (relative_tremor(analysis, Place::Air), relative_tremor(analysis, Place::Paper));
    row.put("ink.darwin.gmrt_in_air", air);
    row.put("ink.darwin.gmrt_on_paper", paper);
    row.put("ink.darwin.mean_gmrt", air.and_then(|air| Ok((air + paper?) / 2.0)));
}

/// Generalised mean relative tremor (Pereira et al. 2016, as used by Cilia et al.).
fn relative_tremor(analysis: &Analysis, place: Place) -> Result<f64, &'static str> {
    analysis.moved(place)?;
    analysis.in_mm()?;
    let (x, y) = middle(analysis).ok_or(reason::NO_PAPER)?;
    let mut steps = Vec::new();
    for track in analysis.moving(place) {
        let radii: Vec<f64> =
            track.x.iter().zip(&track.y).map(|(at_x, at_y)| length(at_x - x, at_y - y)).collect();
        steps.extend(
            radii.iter().zip(radii.iter().skip(TREMOR_LAG)).map(|(before, after)| (after - before).abs()),
        );
    }
    mean(&steps).ok_or("no stroke lasts 60 ms")
}

/// Mean of all ink.
fn middle(analysis: &Analysis) -> Option<(f64, f64)> {
    let tracks = || analysis.tracks().iter().filter(|track| track.place == Place::Paper);
    let x: Vec<f64> = tracks().flat_map(|track| track.x.iter().copied()).collect();
    let y: Vec<f64> = tracks().flat_map(|track| track.y.iter().copied()).collect();
    mean(&x).zip(mean(&y))
}

/// Extent and dispersion of the ink.
fn sizes(analysis: &Analysis, row: &mut Row<'_>) {
    let bounds = analysis.in_mm().and_then(|()| analysis.bounds().ok_or(reason::NO_PAPER));
    row.put("ink.darwin.max_x_extension", bounds.map(|it| it.width()));
    row.put("ink.darwin.max_y_extension", bounds.map(|it| it.height()));
    row.put("ink.darwin.disp_index", dispersion(analysis));
}

/// Share of the boxes of the sheet with ink in them. Ink outside the sheet is not counted.
fn dispersion(analysis: &Analysis) -> Result<f64, &'static str> {
    analysis.timed()?;
    analysis.in_mm()?;
    let sheet = analysis.capture().sheet.ok_or("size of the sheet is not known")?;
    let [across, down] = sheet.map(|side| (side / BOX_MM).ceil());
    if across * down > MOST_BOXES {
        return Err("the sheet is larger than any sheet of paper");
    }
    let inside =
        |at: f64, boxes: f64| (at / BOX_MM >= 0.0 && at / BOX_MM < boxes).then(|| (at / BOX_MM) as usize);
    let mut filled = vec![false; (across * down) as usize];
    for track in analysis.tracks().iter().filter(|track| track.place == Place::Paper) {
        for (x, y) in track.x.iter().zip(&track.y) {
            if let (Some(column), Some(row)) = (inside(*x, across), inside(*y, down)) {
                filled[row * across as usize + column] = true;
            }
        }
    }
    Ok(filled.iter().filter(|it| **it).count() as f64 / filled.len() as f64)
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Usable};

    use super::*;
    use crate::{Capture, Drawing, set, synth};

    fn measured(drawing: Drawing) -> FeatureVector {
        set().measure(&Analysis::new(&Usable::new(drawing).unwrap()))
    }

    #[test]
    fn all_eighteen_are_measured_where_the_tablet_reports_everything() {
        let vector = measured(synth::clock(&synth::Clock::at(11, 5), &synth::Pen::natural(1)));
        let named = |name: &str| name.starts_with("ink.darwin.");
        let eighteen: Vec<_> = vector.features().iter().filter(|it| named(it.definition.name)).collect();
        assert_eq!(eighteen.len(), 18);
        for feature in eighteen {
            let number = feature.value.measured();
            assert!(number.is_some_and(|it| feature.definition.plausible(it)), "{feature:?}");
        }
    }

    #[test]
    fn only_times_and_pen_downs_reach_another_tablet() {
        let any: Vec<_> = DARWIN.iter().filter(|it| it.reach == Reach::AnyDevice).map(|it| it.name).collect();
        let expected = ["air_time", "num_of_pendown", "paper_time", "total_time"];
        assert_eq!(any, expected.map(|name| format!("ink.darwin.{name}")));
        for one in DARWIN.iter().filter(|it| it.reach == Reach::SameDevice) {
            assert!(one.formula.contains("depends on the tablet"), "{}", one.name);
        }
    }

    #[test]
    fn relative_tremor_is_the_change_of_distance_from_the_middle() {
        // A line through its own middle at 40 mm/s: r changes by 2 mm in 50 ms.
        let points = (0..=200).map(|n| crate::Point {
            t_s: f64::from(n) / 100.0,
            x: 0.4 * f64::from(n),
            ..Default::default()
        });
        let stroke = crate::Stroke { place: Place::Paper, points: points.collect() };
        let capture = Capture { mm_per_unit: Some(1.0), ..Capture::default() };
        let vector = measured(Drawing::new(vec![stroke], capture).unwrap());
        let got = vector.number("ink.darwin.gmrt_on_paper").unwrap();
        assert!((got - 2.0).abs() < 0.06, "{got}");
    }

    #[test]
    fn dispersion_counts_the_boxes_of_the_sheet_that_hold_ink() {
        // A line of 60 mm along y = 20 crosses 21 boxes of 3 mm; the sheet of 216 x 135 mm has 72 x 45.
        let vector = measured(synth::lines(60.0, 4.0, 1, 0.0, &synth::Pen::steady()));
        let got = vector.number("ink.darwin.disp_index").unwrap();
        assert!((got - 21.0 / (72.0 * 45.0)).abs() < 1e-9, "{got}");
    }
}
