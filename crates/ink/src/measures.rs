//! The list of every measure: `ink@1`.

use feature::{FeatureSet, Measure};

use crate::{Analysis, darwin, kinematics, pressure, smoothness, spiral, timing, tremor};

/// Every measure of drawing, in the order of a table's columns.
pub static MEASURES: &[&dyn Measure<Analysis>] = &[
    &timing::Times,
    &timing::Stops,
    &kinematics::SPEED,
    &kinematics::ACCELERATION,
    &kinematics::JERK,
    &kinematics::Strokes,
    &smoothness::Smoothness,
    &smoothness::Changes,
    &pressure::Pressure,
    &tremor::Tremor,
    &spiral::Spiral,
    &darwin::Darwin,
];

/// The set `ink@1`.
pub fn set() -> FeatureSet<Analysis> {
    FeatureSet::new("ink", 1, MEASURES)
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Unit, Usable, Value, breaches};

    use super::*;
    use crate::{Capture, Drawing, Place, Point, Stroke, Timing, synth};

    fn analysis(drawing: &Drawing) -> Analysis {
        Analysis::new(&Usable::new(drawing.clone()).unwrap())
    }

    fn measured(drawing: &Drawing) -> FeatureVector {
        set().measure(&analysis(drawing))
    }

    fn clock() -> Drawing {
        synth::clock(&synth::Clock::at(11, 5), &synth::Pen { tremor_mm: 0.2, ..synth::Pen::natural(4) })
    }

    /// The drawing with each point changed.
    fn changed(drawing: &Drawing, change: impl Fn(&mut Point)) -> Drawing {
        let mut strokes = drawing.strokes().to_vec();
        strokes.iter_mut().flat_map(|stroke| &mut stroke.points).for_each(change);
        Drawing::new(strokes, drawing.capture().clone()).unwrap()
    }

    /// Asserts that every measure keeps its value times `factor(unit)`; those named in `but` may change.
    fn same(before: &Drawing, after: &Drawing, factor: impl Fn(Unit) -> f64, but: &[&str]) {
        let (before, after) = (measured(before), measured(after));
        for (old, new) in before.features().iter().zip(after.features()) {
            let name = old.definition.name;
            if but.contains(&name) {
                continue;
            }
            match (&old.value, &new.value) {
                (Value::Measured(old_number), Value::Measured(number)) => {
                    let expected = old_number * factor(old.definition.unit);
                    assert!(
                        (number - expected).abs() <= 1e-6 * expected.abs().max(1e-6),
                        "{name}: {expected} became {number}"
                    );
                }
                (old, new) => assert_eq!(old, new, "{name}"),
            }
        }
    }

    fn of_length(unit: Unit) -> i32 {
        match unit {
            Unit::Millimetre
            | Unit::MillimetrePerSecond
            | Unit::MillimetrePerSecond2
            | Unit::MillimetrePerSecond3 => 1,
            _ => 0,
        }
    }

    const OF_THE_SHEET: &str = "ink.darwin.disp_index";
    const OF_THE_AXES: [&str; 3] = [OF_THE_SHEET, "ink.darwin.max_x_extension", "ink.darwin.max_y_extension"];

    #[test]
    fn the_set_keeps_the_contract() {
        let dot = Stroke { place: Place::Paper, points: vec![Point::default()] };
        let far = Point { t_s: 1.0, x: 3.0, y: 4.0, ..Point::default() };
        let last = Point { t_s: 2.0, ..Point::default() };
        let dots: Vec<Stroke> =
            [far, last].map(|point| Stroke { place: Place::Paper, points: vec![point] }).to_vec();
        let dots = Drawing::new([vec![dot], dots].concat(), Capture::default()).unwrap();
        let air = changed(&clock(), |_| ());
        let strokes = air.strokes().iter().filter(|stroke| stroke.place == Place::Air).cloned().collect();
        let air = Drawing::new(strokes, air.capture().clone()).unwrap();
        let untimed = Capture { timing: Timing::Unknown, ..Capture::default() };
        let untimed = Drawing::new(clock().strokes().to_vec(), untimed).unwrap();
        let analyses: Vec<Analysis> = [&clock(), &dots, &air, &untimed].map(analysis).into_iter().collect();
        assert_eq!(breaches(&set(), &analyses), [""; 0]);
    }

    #[test]
    fn only_times_counts_and_plain_ratios_reach_another_device() {
        for definition in set().definitions().filter(|it| it.reach == feature::Reach::AnyDevice) {
            let plain = matches!(definition.unit, Unit::Second | Unit::Count | Unit::One);
            assert!(plain, "{} [{}]", definition.name, definition.unit);
        }
        for definition in set().definitions().filter(|it| it.reach == feature::Reach::SameDevice) {
            assert!(definition.formula.contains("tablet"), "{}", definition.name);
        }
    }

    #[test]
    fn a_clean_drawing_is_plausible_in_every_measure() {
        for feature in measured(&clock()).features() {
            let number = feature.value.measured();
            assert!(number.is_none_or(|it| feature.definition.plausible(it)), "{feature:?}");
        }
    }

    #[test]
    fn moved_ink_changes_nothing_but_its_place_on_the_sheet() {
        let moved = changed(&clock(), |point| {
            point.x += 31.0;
            point.y -= 17.0;
        });
        same(&clock(), &moved, |_| 1.0, &[OF_THE_SHEET]);
    }

    #[test]
    fn turned_ink_changes_nothing_but_its_extent_along_the_axes() {
        let (sin, cos) = 0.7f64.sin_cos();
        let turned = changed(&clock(), |point| {
            (point.x, point.y) = (cos * point.x - sin * point.y, sin * point.x + cos * point.y);
        });
        same(&clock(), &turned, |_| 1.0, &OF_THE_AXES);
    }

    #[test]
    fn larger_ink_changes_lengths_and_speeds_alone() {
        let larger = changed(&clock(), |point| {
            point.x *= 3.0;
            point.y *= 3.0;
        });
        same(&clock(), &larger, |unit| 3.0f64.powi(of_length(unit)), &[OF_THE_SHEET]);
    }

    #[test]
    fn ink_that_starts_later_is_the_same_ink() {
        // A shift that is exact in binary, so that not even rounding differs.
        let later = changed(&clock(), |point| point.t_s += 1024.0);
        // The task was given when it was given.
        same(&clock(), &later, |_| 1.0, &["ink.latency.first_stroke"]);
    }

    #[test]
    fn slower_ink_changes_times_and_speeds_and_not_counts_pressure_or_shape() {
        let slow = changed(&clock(), |point| point.t_s *= 2.0);
        let (fast, slow) = (measured(&clock()), measured(&slow));
        let ratio = |name: &str| slow.number(name).unwrap() / fast.number(name).unwrap();
        for (name, expected) in [
            ("ink.time.total", 2.0),
            ("ink.time.air", 2.0),
            ("ink.time.air_share", 1.0),
            ("ink.pen.downs", 1.0),
            ("ink.pressure.mean", 1.0),
            ("ink.pressure.slope", 0.5),
            ("ink.stroke.length_mean", 1.0),
            ("ink.darwin.max_x_extension", 1.0),
        ] {
            assert!((ratio(name) - expected).abs() < 1e-9, "{name}: {}", ratio(name));
        }
        assert!((ratio("ink.speed.paper_mean") - 0.5).abs() < 0.02);
    }

    #[test]
    fn a_longer_hesitation_is_found_in_the_air_and_nowhere_on_paper() {
        let usual = synth::Clock::at(11, 5);
        let steady = synth::Pen::steady();
        let hesitant = synth::Clock { hesitation_s: 2.0, ..usual.clone() };
        let (usual, hesitant) =
            (measured(&synth::clock(&usual, &steady)), measured(&synth::clock(&hesitant, &steady)));
        let pair = |name: &str| (usual.number(name).unwrap(), hesitant.number(name).unwrap());
        let (before, after) = pair("ink.time.air");
        assert!(after > 2.5 * before, "{before} {after}");
        for name in ["ink.time.paper", "ink.pen.downs", "ink.speed.paper_mean", "ink.stroke.length_total"] {
            let (before, after) = pair(name);
            assert!((after / before - 1.0).abs() < 0.01, "{name}: {before} {after}");
        }
    }

    #[test]
    fn a_missing_numeral_and_a_slow_pen_are_found_where_they_are() {
        let usual = synth::Clock::at(11, 5);
        let steady = synth::Pen::steady();
        let whole = measured(&synth::clock(&usual, &steady));
        let without = measured(&synth::clock(&synth::Clock { missing: vec![7], ..usual.clone() }, &steady));
        let slow = measured(&synth::clock(&synth::Clock { slowness: 2.0, ..usual }, &steady));
        let of = |vector: &FeatureVector, name: &str| vector.number(name).unwrap();
        assert_eq!(of(&whole, "ink.pen.downs") - of(&without, "ink.pen.downs"), 1.0);
        assert!((of(&slow, "ink.time.paper") / of(&whole, "ink.time.paper") - 2.0).abs() < 0.02);
        assert!((of(&slow, "ink.time.air") / of(&whole, "ink.time.air") - 1.0).abs() < 0.02);
        assert!((of(&slow, "ink.speed.paper_mean") / of(&whole, "ink.speed.paper_mean") - 0.5).abs() < 0.03);
    }
}
