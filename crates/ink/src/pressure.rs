//! How hard the pen was pressed, and how that changed.

use feature::{Definition, Measure, Reach, Row, Unit, mean, standard_deviation};

use crate::Analysis;

/// Level, variation and fading of pressure.
pub(crate) struct Pressure;

/// No pressure, or the constant that browsers report for a mouse.
const NOT_REPORTED: &str = "pressure not reported, or always the same";
/// A level without its scale is no level.
const NO_FULL_SCALE: &str = "full scale of the pressure is not known";

/// What all measures of pressure share.
const SHARE: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::One,
    range: (0.0, 1.0),
    formula: "",
    source: "Cilia et al. 2018, Procedia Computer Science 141:466-471",
    missing: "pressure or its full scale not reported",
    reach: Reach::SameDevice,
    fragile: None,
};

/// Level, spread, ratio and trend.
static PRESSURE: &[Definition] = &[
    Definition {
        name: "ink.pressure.mean",
        label: "mean pressure of the pen",
        formula: "mean over reports on paper, as a share of full scale; depends on the tablet",
        ..SHARE
    },
    Definition {
        name: "ink.pressure.sd",
        label: "spread of the pressure",
        formula: "standard deviation over reports on paper, as a share of full scale; depends on the tablet",
        ..SHARE
    },
    Definition {
        name: "ink.pressure.variation",
        label: "variation of the pressure",
        range: (0.0, 5.0),
        formula: "standard deviation / mean over reports on paper; depends on the tablet's curve of force",
        missing: "pressure not reported, or always the same",
        ..SHARE
    },
    Definition {
        name: "ink.pressure.slope",
        label: "growth (or fading) of the pressure",
        unit: Unit::PerSecond,
        range: (-1.0, 1.0),
        formula: "slope of the least-squares line of pressure over time on paper, share of full scale a second; depends \
                  on the tablet",
        missing: "pressure, its full scale or time not reported",
        ..SHARE
    },
];

impl Measure<Analysis> for Pressure {
    fn definitions(&self) -> &'static [Definition] {
        PRESSURE
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let values = shares(analysis);
        row.put("ink.pressure.mean", of(&values, mean));
        row.put("ink.pressure.sd", of(&values, standard_deviation));
        row.put("ink.pressure.variation", variation(analysis));
        row.put("ink.pressure.slope", slope(analysis));
    }
}

/// Pressures on paper as shares of full scale, or why there are none.
pub(crate) fn shares(analysis: &Analysis) -> Result<Vec<f64>, &'static str> {
    let pressure = analysis.pressure().ok_or(NOT_REPORTED)?;
    analysis.capture().pressure_full.ok_or(NO_FULL_SCALE)?;
    Ok(pressure.iter().map(|(_, pressure)| *pressure).collect())
}

/// A statistic of these values.
pub(crate) fn of(
    values: &Result<Vec<f64>, &'static str>,
    statistic: fn(&[f64]) -> Option<f64>,
) -> Result<f64, &'static str> {
    let values = values.as_ref().map_err(|reason| *reason)?;
    statistic(values).ok_or("too few points on paper")
}

/// Needs no full scale: it cancels.
fn variation(analysis: &Analysis) -> Result<f64, &'static str> {
    let pressure = analysis.pressure().ok_or(NOT_REPORTED)?;
    let values: Vec<f64> = pressure.iter().map(|(_, pressure)| *pressure).collect();
    let mean = mean(&values).filter(|mean| *mean > 0.0).ok_or(NOT_REPORTED)?;
    standard_deviation(&values).map(|spread| spread / mean).ok_or(NOT_REPORTED)
}

/// Share of full scale a second. Centred sums, so that times of hours lose no digits.
fn slope(analysis: &Analysis) -> Result<f64, &'static str> {
    analysis.timed()?;
    shares(analysis)?;
    let pairs = analysis.pressure().ok_or(NOT_REPORTED)?;
    let count = pairs.len() as f64;
    let (mut mean_s, mut mean) = (0.0, 0.0);
    for (t_s, pressure) in pairs {
        mean_s += t_s / count;
        mean += pressure / count;
    }
    let (mut up, mut across) = (0.0, 0.0);
    for (t_s, pressure) in pairs {
        up += (t_s - mean_s) * (pressure - mean);
        across += (t_s - mean_s).powi(2);
    }
    if across > 0.0 { Ok(up / across) } else { Err("all points are of one instant") }
}

#[cfg(test)]
mod tests {
    use feature::Usable;

    use super::*;
    use crate::{Capture, Drawing, Place, Point, Stroke};

    fn fading(capture: Capture) -> Analysis {
        let point = |n: u32| Point {
            t_s: f64::from(n) / 100.0,
            x: f64::from(n),
            pressure: Some(80.0 - 0.2 * f64::from(n)),
            ..Point::default()
        };
        let stroke = Stroke { place: Place::Paper, points: (0..=200).map(point).collect() };
        Analysis::new(&Usable::new(Drawing::new(vec![stroke], capture).unwrap()).unwrap())
    }

    #[test]
    fn a_fading_pen_has_its_mean_and_its_slope() {
        let analysis = fading(Capture { pressure_full: Some(100.0), ..Capture::default() });
        // 0.8 falls to 0.4 in two seconds.
        assert!((of(&shares(&analysis), mean).unwrap() - 0.6).abs() < 1e-9);
        assert!((slope(&analysis).unwrap() + 0.2).abs() < 1e-9);
    }

    #[test]
    fn without_full_scale_only_the_ratio_stands() {
        let analysis = fading(Capture::default());
        assert_eq!(shares(&analysis), Err(NO_FULL_SCALE));
        assert!(variation(&analysis).is_ok());
    }

    #[test]
    fn a_mouse_has_no_pressure() {
        let points = (0..50).map(|n| Point {
            t_s: f64::from(n) / 100.0,
            x: f64::from(n),
            pressure: Some(0.5),
            ..Point::default()
        });
        let stroke = Stroke { place: Place::Paper, points: points.collect() };
        let capture = Capture { pressure_full: Some(1.0), ..Capture::default() };
        let analysis = Analysis::new(&Usable::new(Drawing::new(vec![stroke], capture).unwrap()).unwrap());
        assert_eq!((shares(&analysis), slope(&analysis)), (Err(NOT_REPORTED), Err(NOT_REPORTED)));
    }
}
