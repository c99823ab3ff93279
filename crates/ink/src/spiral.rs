//! The Archimedes spiral: how far the line strays from the evenly growing one it meant to be.

use std::f64::consts::{PI, TAU};

use feature::{Definition, Measure, Reach, Row, Unit};

use crate::analysis::reason;
use crate::signal::length;
use crate::{Analysis, Place};

/// Turns, spacing and residual of the fitted spiral.
pub(crate) struct Spiral;

/// Points of the line, evenly along its length, that are fitted.
const POINTS: usize = 240;
/// Steps of Gauss and Newton; the fit changes by less than a thousandth after four.
const STEPS: usize = 6;
/// A line is a spiral if it turns at least twice and its radius grows with its angle (share of variance explained).
const FEWEST_TURNS: f64 = 2.0;
/// A circle explains next to nothing, a hasty spiral more than nine tenths.
const LEAST_EXPLAINED: f64 = 0.8;
/// Clocks, words and circles end here.
const NO_SPIRAL: &str = "the ink is no spiral: it does not grow evenly over two turns";

/// What all measures of spirals share.
const OF_SPIRAL: Definition = Definition {
    name: "",
    label: "",
    unit: Unit::One,
    range: (-50.0, 50.0),
    formula: "",
    source: "docs/ink-format.md, Spirals; Pullman 1998, Movement Disorders 13 Suppl 3:85-89",
    missing: "the ink is no spiral, or the file has no times",
    reach: Reach::AnyDevice,
    fragile: None,
};

/// Shape, then straying.
static SPIRAL: &[Definition] = &[
    Definition {
        name: "ink.spiral.turns",
        label: "turns of the spiral",
        formula: "angle from the first to the last point about the fitted middle / 2 pi, clockwise positive",
        ..OF_SPIRAL
    },
    Definition {
        name: "ink.spiral.spacing",
        label: "distance between the turns",
        unit: Unit::Millimetre,
        range: (0.0, 200.0),
        formula: "2 pi times the growth of the radius a radian in the least-squares spiral; depends on the tablet",
        missing: "the ink is no spiral, the resolution of the device is not known, or the file has no times",
        reach: Reach::SameDevice,
        ..OF_SPIRAL
    },
    Definition {
        name: "ink.spiral.residual",
        label: "straying from the spiral",
        unit: Unit::Millimetre,
        range: (0.0, 50.0),
        formula: "root mean square distance along the radius from the least-squares spiral; depends on the tablet",
        missing: "the ink is no spiral, the resolution of the device is not known, or the file has no times",
        reach: Reach::SameDevice,
        ..OF_SPIRAL
    },
    Definition {
        name: "ink.spiral.residual_share",
        label: "straying from the spiral over the distance between its turns",
        range: (0.0, 5.0),
        formula: "residual / spacing",
        ..OF_SPIRAL
    },
];

impl Measure<Analysis> for Spiral {
    fn definitions(&self) -> &'static [Definition] {
        SPIRAL
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let fit = match spiral(analysis) {
            Ok(fit) => fit,
            Err(reason) => return row.missing_rest(reason),
        };
        row.put("ink.spiral.turns", fit.turns);
        row.put("ink.spiral.spacing", analysis.in_mm().map(|()| fit.spacing()));
        row.put("ink.spiral.residual", analysis.in_mm().map(|()| fit.residual));
        row.put("ink.spiral.residual_share", fit.residual / fit.spacing());
    }
}

/// The better of the fits that start from the middle of the ink and from its first point.
fn spiral(analysis: &Analysis) -> Result<Fit, &'static str> {
    analysis.moved(Place::Paper)?;
    let line = line(analysis);
    let bounds = analysis.bounds().ok_or(reason::NO_PAPER)?;
    let middle = [(bounds.left + bounds.right) / 2.0, (bounds.top + bounds.bottom) / 2.0];
    let starts = [Some(middle), line.first().copied(), line.last().copied()];
    let fits = starts.into_iter().flatten().filter_map(|start| fit(&line, start));
    let spirals = fits.filter(|it| it.turns.abs() >= FEWEST_TURNS && it.explained >= LEAST_EXPLAINED);
    spirals.min_by(|a, b| a.residual.total_cmp(&b.residual)).ok_or(NO_SPIRAL)
}

/// The ink as points evenly along its length, strokes joined.
fn line(analysis: &Analysis) -> Vec<[f64; 2]> {
    let total: f64 = analysis.touches().iter().map(|touch| touch.length).sum();
    let step = total / POINTS as f64;
    let mut points: Vec<[f64; 2]> = Vec::new();
    for track in analysis.moving(Place::Paper) {
        for (x, y) in track.x.iter().zip(&track.y) {
            if points.last().is_none_or(|last| length(x - last[0], y - last[1]) >= step) {
                points.push([*x, *y]);
            }
        }
    }
    points
}

/// The spiral of radius `start + growth x angle` about `middle` that is nearest to a line.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    middle: [f64; 2],
    start: f64,
    growth: f64,
    turns: f64,
    residual: f64,
    explained: f64,
}

/// Least squares by Gauss and Newton over middle, start and growth. `None` if it has no answer.
fn fit(line: &[[f64; 2]], middle: [f64; 2]) -> Option<Fit> {
    let mut fit = Fit { middle, ..Fit::default() };
    // The first step, about a middle that is only a guess, finds start and growth.
    fit.step(line, false)?;
    for _ in 0..STEPS {
        if fit.turns.abs() < FEWEST_TURNS / 2.0 {
            return None;
        }
        fit.step(line, true)?;
    }
    fit.judge(line);
    fit.residual.is_finite().then_some(fit)
}

impl Fit {
    /// Distance between neighbouring turns, in the units of the drawing.
    fn spacing(&self) -> f64 {
        self.growth.abs() * TAU
    }

    /// Radius and unwound angle of each point, clockwise positive because y grows downwards.
    fn polar(&self, line: &[[f64; 2]]) -> Vec<(f64, f64)> {
        let mut wound = 0.0;
        let mut last = None;
        let polar = |[x, y]: &[f64; 2]| {
            let (x, y) = (x - self.middle[0], y - self.middle[1]);
            let angle = y.atan2(x);
            wound += last.map_or(angle, |last: f64| (angle - last + PI).rem_euclid(TAU) - PI);
            last = Some(angle);
            (length(x, y), wound)
        };
        line.iter().map(polar).collect()
    }

    /// How far outside the spiral a point lies, along the radius.
    fn miss(&self, (radius, angle): (f64, f64)) -> f64 {
        radius - self.start - self.growth * angle
    }

    /// One step; the middle stays unless `free`. The angle is meaningless within a quarter turn's growth of the middle.
    fn step(&mut self, line: &[[f64; 2]], free: bool) -> Option<()> {
        let polar = self.polar(line);
        let near = if free { self.spacing() / 4.0 } else { 0.0 };
        let mut equations = [[0.0; 5]; 4];
        for &(radius, angle) in polar.iter().filter(|(radius, _)| *radius > near) {
            let (sin, cos) = angle.sin_cos();
            let turn = self.growth / radius;
            let moved = if free { [-cos - turn * sin, -sin + turn * cos] } else { [0.0; 2] };
            let slopes = [-1.0, -angle, moved[0], moved[1]];
            add(&mut equations, slopes, self.miss((radius, angle)));
        }
        if !free {
            (equations[2][2], equations[3][3]) = (1.0, 1.0);
        }
        let change = solve(equations)?;
        self.start += change[0];
        self.growth += change[1];
        self.middle = [self.middle[0] + change[2], self.middle[1] + change[3]];
        self.turns = (polar.last()?.1 - polar.first()?.1) / TAU;
        Some(())
    }

    /// Turns, residual and explained variance of the final fit.
    fn judge(&mut self, line: &[[f64; 2]]) {
        let near = self.spacing() / 4.0;
        let all = self.polar(line);
        let polar: Vec<_> = all.iter().copied().filter(|(radius, _)| *radius > near).collect();
        if let ([first, .., last], [begin, .., end]) = (&polar[..], &all[..]) {
            // Near the middle, where the angle means nothing, the radius tells how far the line has turned.
            let inside = ((first.0 - begin.0).abs() + (end.0 - last.0).abs()) / self.spacing();
            let outside = (last.1 - first.1) / TAU;
            self.turns = outside + inside.copysign(outside);
        }
        let count = polar.len() as f64;
        let mean = polar.iter().map(|(radius, _)| radius).sum::<f64>() / count;
        let spread: f64 = polar.iter().map(|(radius, _)| (radius - mean).powi(2)).sum();
        let missed: f64 = polar.iter().map(|point| self.miss(*point).powi(2)).sum();
        self.residual = (missed / count).sqrt();
        self.explained = 1.0 - missed / spread;
    }
}

/// Adds a point to the normal equations: `slopes` of its miss and the miss itself.
fn add(equations: &mut [[f64; 5]; 4], slopes: [f64; 4], miss: f64) {
    for (equation, slope) in equations.iter_mut().zip(slopes) {
        for (sum, other) in equation.iter_mut().zip(slopes) {
            *sum += slope * other;
        }
        equation[4] -= slope * miss;
    }
}

/// Gauss's elimination with the largest pivot. `None` if there is no single answer.
fn solve(mut rows: [[f64; 5]; 4]) -> Option<[f64; 4]> {
    for column in 0..4 {
        let pivot = (column..4).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let lead = rows[column];
        if lead[column].abs() < f64::MIN_POSITIVE {
            return None;
        }
        for row in (0..4).filter(|row| *row != column) {
            let share = rows[row][column] / lead[column];
            rows[row].iter_mut().zip(lead).for_each(|(value, lead)| *value -= share * lead);
        }
    }
    let answer = [0, 1, 2, 3].map(|n| rows[n][4] / rows[n][n]);
    answer.iter().all(|it| it.is_finite()).then_some(answer)
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Usable};

    use super::*;
    use crate::{Drawing, set, synth};

    fn measured(drawing: Drawing) -> FeatureVector {
        set().measure(&Analysis::new(&Usable::new(drawing).unwrap()))
    }

    #[test]
    fn a_clean_spiral_has_its_turns_and_spacing_and_no_residual() {
        for (turns, spacing_mm) in [(3.0, 12.0), (4.5, 10.0), (6.0, 5.0)] {
            let vector = measured(synth::spiral(turns, spacing_mm, 20.0, &synth::Pen::steady()));
            let of = |name: &str| vector.number(name).unwrap();
            assert!(
                (of("ink.spiral.spacing") / spacing_mm - 1.0).abs() < 0.002,
                "{}",
                of("ink.spiral.spacing")
            );
            assert!((of("ink.spiral.turns") - turns).abs() < 0.1, "{}", of("ink.spiral.turns"));
            assert!(of("ink.spiral.residual") < 0.02, "{}", of("ink.spiral.residual"));
        }
    }

    #[test]
    fn a_tremor_along_a_diagonal_strays_by_half_its_amplitude() {
        // Of a sine of amplitude A along a line, the radius sees A cos(angle): A / 2 over all times and angles.
        let pen = synth::Pen { tremor_mm: 1.0, ..synth::Pen::steady() };
        let vector = measured(synth::spiral(4.0, 10.0, 20.0, &pen));
        let residual = vector.number("ink.spiral.residual").unwrap();
        assert!((residual - 0.5).abs() < 0.08, "{residual}");
        let share = vector.number("ink.spiral.residual_share").unwrap();
        assert!((share - residual / vector.number("ink.spiral.spacing").unwrap()).abs() < 1e-12);
    }

    #[test]
    fn a_circle_and_a_clock_are_no_spirals() {
        let circle = synth::circle(30.0, 0.5, 4.0, &synth::Pen::natural(1));
        let clock = synth::clock(&synth::Clock::at(11, 5), &synth::Pen::natural(1));
        for drawing in [circle, clock, synth::lines(50.0, 1.0, 4, 0.5, &synth::Pen::natural(1))] {
            let vector = measured(drawing);
            let reason = vector.value("ink.spiral.residual").unwrap().reason().map(ToString::to_string);
            assert_eq!(reason.as_deref(), Some(NO_SPIRAL), "{:?}", vector.value("ink.spiral.turns"));
        }
    }

    #[test]
    fn four_equations_are_solved_and_a_singular_set_is_not() {
        let rows = [
            [2.0, 1.0, 0.0, 0.0, 4.0],
            [1.0, 3.0, 0.0, 0.0, 7.0],
            [0.0, 0.0, 0.0, 2.0, 8.0],
            [0.0, 0.0, 5.0, 0.0, 15.0],
        ];
        assert_eq!(solve(rows), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(solve([[1.0; 5]; 4]), None);
    }
}
