//! Times and counts: what means the same on any device.

use feature::{Definition, Measure, Reach, Row, Unit, mean};

use crate::analysis::reason;
use crate::kinematics::samples;
use crate::signal::{RASTER_HZ, brisk};
use crate::{Analysis, Place};

/// Total, paper and air time, pen-downs, strokes and latency.
pub(crate) struct Times;

/// What all times share.
const SECONDS: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::Second,
    range: (0.0, 1800.0),
    formula: "",
    source: "docs/ink-format.md; Cilia et al. 2018, Procedia Computer Science 141:466-471",
    missing: "nothing was drawn on paper, or the file has no times",
    reach: Reach::AnyDevice,
    fragile: None,
};

/// Total first, parts after it.
static TIMES: &[Definition] = &[
    Definition {
        name: "ink.time.total",
        label: "time from first touch to last lift",
        formula: "paper time + air time",
        ..SECONDS
    },
    Definition {
        name: "ink.time.paper",
        label: "time on paper",
        formula: "sum over strokes on paper of last minus first time",
        ..SECONDS
    },
    Definition {
        name: "ink.time.air",
        label: "time in the air between strokes",
        formula: "sum of the gaps between a stroke on paper and the next; movement before the first touch and after the \
                  last lift is left out, so that devices that do not report it give the same",
        ..SECONDS
    },
    Definition {
        name: "ink.time.air_share",
        label: "share of the time in the air",
        unit: Unit::One,
        range: (0.0, 1.0),
        formula: "air time / total time",
        ..SECONDS
    },
    Definition {
        name: "ink.pen.downs",
        label: "times the pen touched the sheet",
        unit: Unit::Count,
        range: (1.0, 2000.0),
        formula: "number of strokes on paper",
        missing: "nothing was drawn on paper",
        ..SECONDS
    },
    Definition {
        name: "ink.stroke.duration_mean",
        label: "mean duration of a stroke on paper",
        range: (0.0, 300.0),
        formula: "paper time / strokes on paper",
        ..SECONDS
    },
    Definition {
        name: "ink.gap.longest",
        label: "longest time in the air between two strokes",
        range: (0.0, 600.0),
        formula: "largest gap between a stroke on paper and the next",
        missing: "fewer than two strokes on paper, or the file has no times",
        ..SECONDS
    },
    Definition {
        name: "ink.latency.first_stroke",
        label: "time from the task to the first touch",
        range: (0.0, 300.0),
        formula: "first touch minus the time the task was given",
        source: "Souillard-Mandar et al. 2016, Machine Learning 102:393-441 (latencies of the digital clock)",
        missing: "the file does not say when the task was given",
        ..SECONDS
    },
];

impl Measure<Analysis> for Times {
    fn definitions(&self) -> &'static [Definition] {
        TIMES
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let touches = analysis.touches();
        row.put(
            "ink.pen.downs",
            (!touches.is_empty()).then_some(touches.len() as f64).ok_or(reason::NO_PAPER),
        );
        let paper_s = paper_s(analysis);
        row.put("ink.time.paper", paper_s);
        row.put("ink.stroke.duration_mean", paper_s.map(|it| it / touches.len() as f64));
        let air_s = air_s(analysis);
        let total_s = total_s(analysis);
        row.put("ink.time.total", total_s);
        row.put("ink.time.air", air_s);
        let share = air_s.and_then(|air_s| match total_s? {
            total_s if total_s > 0.0 => Ok(air_s / total_s),
            _ => Err("a single dot has no duration"),
        });
        row.put("ink.time.air_share", share);
        let longest = gaps_s(analysis).map(|gaps| gaps.reduce(f64::max));
        row.put("ink.gap.longest", longest.and_then(|it| it.ok_or("there is only one stroke on paper")));
        row.put("ink.latency.first_stroke", latency_s(analysis));
    }
}

/// Seconds on paper.
pub(crate) fn paper_s(analysis: &Analysis) -> Result<f64, &'static str> {
    analysis.timed()?;
    Ok(analysis.touches().iter().map(|touch| touch.duration_s()).sum())
}

/// Seconds in the air between strokes on paper.
pub(crate) fn air_s(analysis: &Analysis) -> Result<f64, &'static str> {
    // Not `sum`, whose empty sum is minus zero.
    gaps_s(analysis).map(|gaps| gaps.fold(0.0, |sum, gap| sum + gap))
}

/// Air and paper, so that the sum is exact.
pub(crate) fn total_s(analysis: &Analysis) -> Result<f64, &'static str> {
    Ok(air_s(analysis)? + paper_s(analysis)?)
}

/// Seconds between each stroke on paper and the next.
fn gaps_s(analysis: &Analysis) -> Result<impl Iterator<Item = f64> + '_, &'static str> {
    analysis.on_one_clock()?;
    Ok(analysis.touches().windows(2).map(|pair| pair[1].start_s - pair[0].end_s))
}

/// Seconds from the task to the first touch.
fn latency_s(analysis: &Analysis) -> Result<f64, &'static str> {
    analysis.on_one_clock()?;
    let given_s = analysis.capture().task_started_s.ok_or("the file does not say when the task was given")?;
    let touched_s = analysis.touches().first().map(|touch| touch.start_s).ok_or(reason::NO_PAPER)?;
    if touched_s >= given_s {
        Ok(touched_s - given_s)
    } else {
        Err("the pen touched before the task was given")
    }
}

/// Stops within drawing: the pen is down and hardly moves.
pub(crate) struct Stops;

/// A stop is slower than this share of the 95th percentile of speed on paper; a share, so that it needs no millimetres.
const STOP_SHARE: f64 = 0.05;
/// Samples of the shortest stop: 0.2 s, longer than the turn of a corner.
const STOP_SAMPLES: usize = 20;

/// How many and how long.
static STOPS: &[Definition] = &[
    Definition {
        name: "ink.pause.count",
        label: "stops with the pen down",
        unit: Unit::Count,
        range: (0.0, 500.0),
        formula: "runs of 0.2 s or more on paper with speed below 5 % of its 95th percentile",
        source: "docs/ink-format.md, Stops",
        missing: "no stroke lasts 50 ms, or the file has no times",
        ..SECONDS
    },
    Definition {
        name: "ink.pause.longest",
        label: "longest stop with the pen down",
        range: (0.2, 300.0),
        formula: "longest of these runs",
        source: "docs/ink-format.md, Stops",
        missing: "the pen never stopped while it was down",
        ..SECONDS
    },
    Definition {
        name: "ink.pause.mean",
        label: "mean stop with the pen down",
        range: (0.2, 300.0),
        formula: "mean of these runs",
        source: "docs/ink-format.md, Stops",
        missing: "the pen never stopped while it was down",
        ..SECONDS
    },
];

impl Measure<Analysis> for Stops {
    fn definitions(&self) -> &'static [Definition] {
        STOPS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let stops_s = match stops_s(analysis) {
            Ok(stops_s) => stops_s,
            Err(reason) => return row.missing_rest(reason),
        };
        row.put("ink.pause.count", stops_s.len() as f64);
        let never = "the pen never stopped while it was down";
        row.put("ink.pause.longest", stops_s.iter().copied().reduce(f64::max).ok_or(never));
        row.put("ink.pause.mean", mean(&stops_s).ok_or(never));
    }
}

/// Length of each stop in seconds.
fn stops_s(analysis: &Analysis) -> Result<Vec<f64>, &'static str> {
    analysis.moved(Place::Paper)?;
    let speeds = samples(analysis, Place::Paper, |track| &track.speed);
    let slow = STOP_SHARE * brisk(&speeds).ok_or(reason::STILL)?;
    let mut stops_s = Vec::new();
    for track in analysis.moving(Place::Paper) {
        let runs = track.speed.chunk_by(|a, b| (*a < slow) == (*b < slow));
        let stops = runs.filter(|run| run[0] < slow && run.len() >= STOP_SAMPLES);
        stops_s.extend(stops.map(|run| run.len() as f64 / RASTER_HZ));
    }
    Ok(stops_s)
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Usable};

    use super::*;
    use crate::{Capture, Drawing, Point, Stroke, Timing, set, synth};

    fn measured(drawing: &Drawing) -> FeatureVector {
        set().measure(&Analysis::new(&Usable::new(drawing.clone()).unwrap()))
    }

    fn close(vector: &FeatureVector, name: &str, expected: f64) {
        let got = vector.number(name).unwrap_or_else(|| panic!("{name}: {:?}", vector.value(name)));
        assert!((got - expected).abs() < 1e-9, "{name}: {got}, expected {expected}");
    }

    #[test]
    fn times_counts_and_the_share_in_the_air_are_exact() {
        let vector = measured(&synth::lines(50.0, 1.5, 4, 2.0, &synth::Pen::steady()));
        close(&vector, "ink.time.paper", 6.0);
        close(&vector, "ink.time.air", 6.0);
        close(&vector, "ink.time.air_share", 0.5);
        close(&vector, "ink.pen.downs", 4.0);
        close(&vector, "ink.stroke.duration_mean", 1.5);
        close(&vector, "ink.gap.longest", 2.0);
    }

    #[test]
    fn a_drawing_in_one_stroke_has_no_time_in_the_air_and_no_gap() {
        let vector = measured(&synth::circle(30.0, 0.5, 2.0, &synth::Pen::steady()));
        let air_s = vector.number("ink.time.air").unwrap();
        assert!(air_s == 0.0 && air_s.is_sign_positive());
        let reason = vector.value("ink.gap.longest").unwrap().reason().unwrap();
        assert_eq!(reason.as_str(), "there is only one stroke on paper");
    }

    #[test]
    fn total_is_air_and_paper_to_the_last_bit() {
        for seed in 0..20 {
            let vector = measured(&synth::clock(&synth::Clock::at(11, 5), &synth::Pen::natural(seed)));
            let [total, air, paper] = ["total", "air", "paper"]
                .map(|word| vector.number(&format!("ink.darwin.{word}_time")).unwrap());
            assert_eq!(total, air + paper);
            close(&vector, "ink.time.total", total);
        }
    }

    #[test]
    fn hovering_at_either_end_does_not_count() {
        let hover = |start_s: f64| Stroke {
            place: Place::Air,
            points: (0..50)
                .map(|n| Point { t_s: start_s + f64::from(n) / 100.0, ..Point::default() })
                .collect(),
        };
        let ink = Stroke {
            place: Place::Paper,
            points: (0..=100)
                .map(|n| Point { t_s: 1.0 + f64::from(n) / 100.0, x: f64::from(n), ..Point::default() })
                .collect(),
        };
        let capture = Capture { pen_up_reported: true, task_started_s: Some(-0.5), ..Capture::default() };
        let vector = measured(&Drawing::new(vec![hover(0.0), ink, hover(3.0)], capture).unwrap());
        close(&vector, "ink.time.total", 1.0);
        close(&vector, "ink.latency.first_stroke", 1.5);
    }

    #[test]
    fn a_planted_stop_is_found_with_its_length_and_no_other() {
        // 1 s of drawing, 0.8 s at rest, 1 s of drawing.
        let x = |n: u32| match n {
            0..=100 => f64::from(n),
            101..=180 => 100.0,
            _ => f64::from(n - 80),
        };
        let points =
            (0..=280).map(|n| Point { t_s: f64::from(n) / 100.0, x: x(n), ..Point::default() }).collect();
        let stroke = Stroke { place: Place::Paper, points };
        let vector = measured(&Drawing::new(vec![stroke], Capture::default()).unwrap());
        close(&vector, "ink.pause.count", 1.0);
        assert!((vector.number("ink.pause.longest").unwrap() - 0.8).abs() < 0.06);
        let even = measured(&synth::circle(30.0, 0.5, 2.0, &synth::Pen::steady()));
        close(&even, "ink.pause.count", 0.0);
        assert!(even.number("ink.pause.longest").is_none());
    }

    #[test]
    fn what_the_file_does_not_know_is_missing_with_the_reason() {
        let known = synth::lines(50.0, 1.0, 3, 0.5, &synth::Pen::steady());
        let with = |timing| {
            let capture = Capture { timing, ..known.capture().clone() };
            measured(&Drawing::new(known.strokes().to_vec(), capture).unwrap())
        };
        let why =
            |vector: &FeatureVector, name: &str| vector.value(name).unwrap().reason().unwrap().to_string();
        assert_eq!(why(&with(Timing::Unknown), "ink.time.paper"), reason::NO_TIME);
        assert_eq!(why(&with(Timing::WithinStrokes), "ink.time.air"), reason::NO_GAPS);
        close(&with(Timing::WithinStrokes), "ink.time.paper", 3.0);
        assert!(why(&with(Timing::Whole), "ink.latency.first_stroke").contains("when the task was given"));
    }
}
