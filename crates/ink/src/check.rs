//! The second verb: is this drawing good enough to be measured, and what is wrong with it.
//!
//! Little is declined. A screening is often done on the tablet that is there, and a drawing without pressure or in
//! pixels still has times, counts and ratios. So each flaw is a mark with its value and its limit: the report names it, a
//! screener may refuse it, and an audit can see that one site's tablet is slower than another's (as in the UCI
//! spirals, where the rate of the tablet alone tells patients from controls).

use feature::{Check, Finding, Quality, Unit, Verdict, median, percentile};

use crate::{Drawing, Place, Timing};

/// Fewest points of a drawing.
const FEWEST_POINTS: f64 = 3.0;
/// Slowest sampling that still shows a 12 Hz tremor with room to spare (three reports a cycle).
const SLOWEST_HZ: f64 = 40.0;
/// Fastest sampling of any tablet we know is 360 Hz; ten times that is a wrong unit of time.
const FASTEST_HZ: f64 = 3600.0;
/// Largest 95th percentile of the time between reports over its median.
const MOST_IRREGULAR: f64 = 2.5;
/// Longest silence within a stroke: the pen may rest, or reports were lost.
const LONGEST_GAP_S: f64 = 1.0;
/// Shortest and longest task in seconds: less is a slip of the pen, more is a device left on.
const SHORTEST_S: f64 = 0.5;
const LONGEST_S: f64 = 1800.0;
/// Largest share of paper points at or above full scale.
const MOST_SATURATED: f64 = 0.05;

impl Check for Drawing {
    /// Declines a drawing without extent on paper or in air, or with fewer than three points; marks everything else.
    fn check(&self) -> Quality {
        let findings = [
            points(self),
            extent(self),
            paper(self),
            timing(self),
            resolution(self),
            pressure(self),
            saturation(self),
            pen_up(self),
            rate(self),
            irregular(self),
            gap(self),
            duration(self),
        ];
        Quality::new(findings.into_iter().flatten().collect())
    }
}

/// What a check holds its value against.
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A finding that is `bad` where `value` breaks `limit`; `what` says what was looked at, in words.
fn held(
    check: &'static str,
    what: &str,
    (value, unit): (f64, Unit),
    limit: Limit,
    bad: Verdict,
) -> Option<Finding> {
    let (kept, limit, words) = match limit {
        Limit::AtLeast(limit) => (value >= limit, limit, "at least"),
        Limit::AtMost(limit) => (value <= limit, limit, "at most"),
    };
    let unit_words = if matches!(unit, Unit::One | Unit::Count) { String::new() } else { format!(" {unit}") };
    let message = format!("{what}: {}{unit_words}, expected {words} {limit}{unit_words}", short(value));
    let verdict = if kept { Verdict::Good } else { bad };
    Some(Finding { check, value: Some(value), limit, unit, verdict, message })
}

/// Rounded to three decimals, whole numbers whole.
fn short(value: f64) -> String {
    format!("{}", (value * 1000.0).round() / 1000.0)
}

/// A yes-or-no fact, marked when it is no.
fn fact(check: &'static str, yes: bool, words: [&str; 2]) -> Option<Finding> {
    let (verdict, message) = if yes { (Verdict::Good, words[0]) } else { (Verdict::Marked, words[1]) };
    let value = Some(f64::from(u8::from(yes)));
    Some(Finding { check, value, limit: 1.0, unit: Unit::One, verdict, message: message.to_owned() })
}

/// Two points are a direction, not a drawing.
fn points(drawing: &Drawing) -> Option<Finding> {
    let count = (drawing.point_count() as f64, Unit::Count);
    held("ink.points", "points", count, Limit::AtLeast(FEWEST_POINTS), Verdict::Declined)
}

/// Farthest distance from the first point, in the units of the drawing. A pen that rests in one place draws
/// nothing.
fn extent(drawing: &Drawing) -> Option<Finding> {
    let points = || drawing.strokes().iter().flat_map(|stroke| &stroke.points);
    let first = points().next()?;
    let farthest = points().map(|point| (point.x - first.x).hypot(point.y - first.y)).fold(0.0, f64::max);
    let unit = if drawing.in_mm() { Unit::Millimetre } else { Unit::One };
    let message =
        format!("the pen came as far as {} from its first point, expected more than 0", short(farthest));
    let verdict = if farthest > 0.0 { Verdict::Good } else { Verdict::Declined };
    Some(Finding { check: "ink.extent", value: Some(farthest), limit: 0.0, unit, verdict, message })
}

/// A test in the air (UCI's stability test) is usable, but most measures will be missing.
fn paper(drawing: &Drawing) -> Option<Finding> {
    let drawn = drawing.paper().next().is_some();
    fact("ink.paper", drawn, ["the pen touched the sheet", "the pen never touched the sheet"])
}

/// Whether there is one clock, and if not, what is lost.
fn timing(drawing: &Drawing) -> Option<Finding> {
    let words = match drawing.capture().timing {
        Timing::Unknown => "no times: nothing about speed or duration can be measured",
        _ => "times within strokes only: how long the pen was away is not known",
    };
    fact("ink.timing", drawing.capture().timing == Timing::Whole, ["one clock for all strokes", words])
}

/// Whether lengths are millimetres.
fn resolution(drawing: &Drawing) -> Option<Finding> {
    let words = ["resolution known", "resolution not known: no length or speed can be measured"];
    fact("ink.resolution", drawing.in_mm(), words)
}

/// Pressure of every paper point, where reported.
fn paper_pressures(drawing: &Drawing) -> impl Iterator<Item = Option<f64>> + '_ {
    drawing.paper().flat_map(|stroke| &stroke.points).map(|point| point.pressure)
}

/// Whether pressure is reported and ever changes.
fn pressure(drawing: &Drawing) -> Option<Finding> {
    let mut pressures = paper_pressures(drawing);
    let first = pressures.next().flatten();
    // A mouse reports the same pressure for ever.
    let varies = first.is_some() && pressures.any(|it| it.is_some() && it != first);
    fact("ink.pressure", varies, ["pressure reported", "pressure not reported, or always the same"])
}

/// Share of paper points that press at full scale or beyond: there the level is a floor of the truth. Only
/// with a known full
/// scale.
fn saturation(drawing: &Drawing) -> Option<Finding> {
    drawing.capture().pressure_full?;
    let pressures: Vec<f64> = paper_pressures(drawing).flatten().collect();
    let outside = pressures.iter().filter(|it| !(0.0..1.0).contains(*it)).count();
    let share = (!pressures.is_empty()).then(|| outside as f64 / pressures.len() as f64)?;
    let what = "share of points with pressure at full scale or out of range";
    held("ink.saturation", what, (share, Unit::One), Limit::AtMost(MOST_SATURATED), Verdict::Marked)
}

/// Whether movement of the lifted pen is reported.
fn pen_up(drawing: &Drawing) -> Option<Finding> {
    let words = ["pen-up movement reported", "pen-up movement not reported: only its time can be measured"];
    fact("ink.pen_up", drawing.capture().pen_up_reported, words)
}

/// Times between reports within strokes; empty without times.
fn steps_s(drawing: &Drawing) -> Vec<f64> {
    if drawing.capture().timing == Timing::Unknown {
        return Vec::new();
    }
    let strokes = drawing.strokes().iter().filter(|stroke| stroke.place == Place::Paper);
    strokes.flat_map(|stroke| stroke.points.windows(2).map(|pair| pair[1].t_s - pair[0].t_s)).collect()
}

/// Reports per second from the median step, held against both limits: too slow for tremor, or a wrong unit
/// of time.
fn rate(drawing: &Drawing) -> Option<Finding> {
    let hz = 1.0 / median(&steps_s(drawing))?;
    let limit = if hz > FASTEST_HZ { Limit::AtMost(FASTEST_HZ) } else { Limit::AtLeast(SLOWEST_HZ) };
    held("ink.rate", "reports per second", (hz, Unit::Hertz), limit, Verdict::Marked)
}

/// How uneven the steps are. Browsers bundle events; a tablet that stalls looks like a hand that does.
fn irregular(drawing: &Drawing) -> Option<Finding> {
    let steps = steps_s(drawing);
    let ratio = percentile(&steps, 95.0)? / median(&steps)?;
    let what = "95th percentile of the time between reports over its median";
    held("ink.irregular", what, (ratio, Unit::One), Limit::AtMost(MOST_IRREGULAR), Verdict::Marked)
}

/// The longest step on paper.
fn gap(drawing: &Drawing) -> Option<Finding> {
    let longest = steps_s(drawing).into_iter().reduce(f64::max)?;
    let what = "longest time without a report while the pen was down";
    held("ink.gap", what, (longest, Unit::Second), Limit::AtMost(LONGEST_GAP_S), Verdict::Marked)
}

/// Length of the whole task.
fn duration(drawing: &Drawing) -> Option<Finding> {
    if drawing.capture().timing == Timing::Unknown {
        return None;
    }
    let span_s = drawing.span_s();
    let limit = if span_s > LONGEST_S { Limit::AtMost(LONGEST_S) } else { Limit::AtLeast(SHORTEST_S) };
    held("ink.duration", "duration", (span_s, Unit::Second), limit, Verdict::Marked)
}

#[cfg(test)]
mod tests {
    use feature::Usable;

    use super::*;
    use crate::{Capture, Point, Stroke};

    /// A straight line of `count` points, one every `step_s`.
    fn line(count: usize, step_s: f64, capture: Capture) -> Drawing {
        let point = |n: usize| Point {
            t_s: n as f64 * step_s,
            x: n as f64,
            pressure: Some(0.3 + 0.001 * (n % 7) as f64),
            ..Point::default()
        };
        let points = (0..count).map(point).collect();
        Drawing::new(vec![Stroke { place: Place::Paper, points }], capture).unwrap()
    }

    fn complete() -> Capture {
        Capture {
            mm_per_unit: Some(0.1),
            pressure_full: Some(1.0),
            pen_up_reported: true,
            ..Capture::default()
        }
    }

    fn marks(drawing: &Drawing) -> Vec<&'static str> {
        drawing.check().marks().map(|finding| finding.check).collect()
    }

    #[test]
    fn a_tablet_that_reports_everything_has_no_marks() {
        assert_eq!(marks(&line(1000, 0.005, complete())), [""; 0]);
    }

    #[test]
    fn two_points_and_a_pen_that_never_moves_are_declined() {
        let two = Usable::new(line(2, 0.01, complete())).unwrap_err();
        assert_eq!(two.to_string(), "points: 2, expected at least 3");
        let still = Stroke {
            place: Place::Paper,
            points: (0..9).map(|n| Point { t_s: n as f64, ..Point::default() }).collect(),
        };
        let still = Usable::new(Drawing::new(vec![still], complete()).unwrap()).unwrap_err();
        assert!(still.to_string().contains("expected more than 0"), "{still}");
        assert!(Usable::new(Drawing::new(vec![], complete()).unwrap()).is_err());
    }

    #[test]
    fn each_flaw_is_marked_and_nothing_else() {
        let coarse = line(200, 0.1, complete());
        let hours = line(200_000, 0.02, complete());
        let wrong_unit = line(40_000, 0.000_02, complete());
        let cases = [
            (line(1000, 0.005, Capture { mm_per_unit: None, ..complete() }), "ink.resolution"),
            (line(1000, 0.005, Capture { pen_up_reported: false, ..complete() }), "ink.pen_up"),
            (line(1000, 0.005, Capture { pressure_full: Some(0.302), ..complete() }), "ink.saturation"),
            (line(1000, 0.005, Capture { timing: Timing::Unknown, ..complete() }), "ink.timing"),
            (coarse, "ink.rate"),
            (hours, "ink.duration"),
            (wrong_unit, "ink.rate"),
        ];
        for (drawing, expected) in cases {
            assert_eq!(marks(&drawing), [expected]);
        }
    }

    #[test]
    fn a_finding_names_value_and_limit() {
        let quality = line(200, 0.1, complete()).check();
        let message = &quality.finding("ink.rate").unwrap().message;
        assert_eq!(message, "reports per second: 10 Hz, expected at least 40 Hz");
    }

    #[test]
    fn a_mouse_a_stalled_tablet_and_a_pen_in_the_air_are_marked() {
        let with = |change: &dyn Fn(usize, &mut Point)| {
            let mut strokes = line(1000, 0.005, complete()).strokes().to_vec();
            strokes[0].points.iter_mut().enumerate().for_each(|(n, point)| change(n, point));
            Drawing::new(strokes, complete()).unwrap()
        };
        let mouse = with(&|_, point| point.pressure = Some(0.5));
        let stalled = with(&|n, point| point.t_s += if n >= 500 { 3.0 } else { 0.0 });
        let bundled = with(&|n, point| point.t_s += 0.05 * (n / 10) as f64);
        assert_eq!(marks(&mouse), ["ink.pressure"]);
        assert_eq!(marks(&stalled), ["ink.gap"]);
        assert_eq!(marks(&bundled), ["ink.irregular"]);
        let mut strokes = line(1000, 0.005, complete()).strokes().to_vec();
        strokes[0].place = Place::Air;
        let air = Drawing::new(strokes, complete()).unwrap();
        assert!(marks(&air).contains(&"ink.paper") && Usable::new(air).is_ok());
    }
}
