//! From cells to numbers an estimator can use: logarithm, imputation, standardisation, all learned on [`Training`].

mod profile;

use serde::{Deserialize, Serialize};

use crate::{Error, Training, label::Label, training::People};

pub(crate) use profile::Profile;

/// The logarithm takes over at this fraction of a column's median size: two decades below the median a value still counts
/// on a log scale, and below that the curve is linear, so that a true zero keeps a finite place.
pub(crate) const FLOOR: f64 = 0.01;

/// A value farther from the mean than this many standard deviations counts as this far: one very slow person must not move a
/// line, nor be carried along it beyond anything the training people showed.
pub(crate) const FARTHEST: f64 = 4.0;

/// What was learned of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scale {
    /// Where the logarithm takes over, in the column's unit.
    pub(crate) floor: f64,
    /// Median of the logs, which stands in for a missing value.
    pub(crate) median: f64,
    /// Mean of the logs after imputation.
    pub(crate) mean: f64,
    /// Population standard deviation of the logs (divisor n, as scikit-learn's StandardScaler); 1 for a constant column.
    pub(crate) deviation: f64,
    /// Smallest and largest measured value, in the column's unit.
    pub(crate) range: (f64, f64),
    /// Whether nobody lacked the value.
    pub(crate) always: bool,
}

impl Scale {
    /// The scale of a column; `None` where nothing was measured. NaN marks missing values.
    fn of(cells: &[f64]) -> Option<Self> {
        let measured: Vec<f64> = cells.iter().copied().filter(|cell| !cell.is_nan()).collect();
        let sizes: Vec<f64> = measured.iter().map(|cell| cell.abs()).filter(|size| *size > 0.0).collect();
        let floor = feature::median(&sizes).map_or(1.0, |size| size * FLOOR);
        let logs: Vec<f64> = measured.iter().map(|&cell| signed_log(cell, floor)).collect();
        let median = feature::median(&logs)?;
        let n = cells.len() as f64;
        let filled =
            || cells.iter().map(|&cell| if cell.is_nan() { median } else { signed_log(cell, floor) });
        let mean = filled().sum::<f64>() / n;
        let variance = filled().map(|log| (log - mean).powi(2)).sum::<f64>() / n;
        let low = measured.iter().copied().fold(f64::INFINITY, f64::min);
        let high = measured.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Rounding leaves a constant column with a deviation near 1e-16 of its size.
        let constant = low == high || variance.sqrt() <= 1e-12 * (1.0 + mean.abs());
        let deviation = if constant { 1.0 } else { variance.sqrt() };
        let always = measured.len() == cells.len();
        Some(Self { floor, median, mean, deviation, range: (low, high), always })
    }

    /// The standardised log of a value, at most [`FARTHEST`] from 0; the median's place where it is missing (NaN).
    pub(crate) fn place(&self, value: f64) -> f64 {
        self.standardised(value).clamp(-FARTHEST, FARTHEST)
    }

    /// The standardised log of a value however far out; the median's where it is missing (NaN).
    pub(crate) fn standardised(&self, value: f64) -> f64 {
        let log = if value.is_nan() { self.median } else { signed_log(value, self.floor) };
        (log - self.mean) / self.deviation
    }

    /// The same, but missing stays missing (NaN).
    pub(crate) fn known(&self, value: f64) -> f64 {
        if value.is_nan() { value } else { self.standardised(value) }
    }

    /// The value whose standardised log is zero: close to the geometric mean of the training people.
    pub(crate) fn centre(&self) -> f64 {
        self.mean.signum() * self.floor * self.mean.abs().exp_m1()
    }
}

/// Signed logarithm with a floor: sign(x) · ln(1 + |x| / floor).
pub(crate) fn signed_log(value: f64, floor: f64) -> f64 {
    value.signum() * (1.0 + value.abs() / floor).ln()
}

/// What was learned of each column of a table. A column in which nothing was measured is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Preparation {
    /// Place in the table and scale of each column that is used.
    pub(crate) scales: Vec<(usize, Scale)>,
}

impl Preparation {
    /// Learns the scales of these columns of the training people.
    pub(crate) fn of_columns<Y: Label>(training: &Training<'_, Y>, columns: &[usize]) -> Result<Self, Error> {
        let scale =
            |&column: &usize| Some((column, Scale::of(&training.0.column(column).collect::<Vec<_>>())?));
        let scales: Vec<_> = columns.iter().filter_map(scale).collect();
        if scales.is_empty() {
            return Err(Error::NothingMeasured { place: "training".to_owned() });
        }
        Ok(Self { scales })
    }

    /// Learns the scales of every column of the training people.
    pub(crate) fn of<Y: Label>(training: &Training<'_, Y>) -> Result<Self, Error> {
        Self::of_columns(training, &(0..training.0.table.columns().len()).collect::<Vec<_>>())
    }

    /// Standardised logs of one of the columns; NaN where missing.
    fn measured<Y: Label>(&self, place: usize, people: &People<'_, Y>) -> Vec<f64> {
        let (column, scale) = &self.scales[place];
        let known = |value: f64| if value.is_nan() { value } else { scale.place(value) };
        people.column(*column).map(known).collect()
    }

    /// The prepared numbers of people; NaN for missing ones where `gaps` are wanted.
    pub(crate) fn design<Y: Label>(&self, people: &People<'_, Y>, gaps: bool) -> Design {
        if !gaps {
            return self.apply(people);
        }
        let cells = (0..self.scales.len()).flat_map(|place| self.measured(place, people)).collect();
        Design { people: people.rows.len(), columns: self.scales.len(), cells }
    }

    /// The prepared numbers of people.
    pub(crate) fn apply<Y: Label>(&self, people: &People<'_, Y>) -> Design {
        let cells = self.scales.iter().flat_map(|(column, scale)| {
            people.column(*column).map(|value| scale.place(value)).collect::<Vec<_>>()
        });
        Design { people: people.rows.len(), columns: self.scales.len(), cells: cells.collect() }
    }
}

/// Prepared numbers: column-major, `[columns, people]`, none missing.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    pub(crate) people: usize,
    pub(crate) columns: usize,
    pub(crate) cells: Vec<f64>,
}

impl Design {
    /// The numbers of one column.
    pub(crate) fn column(&self, column: usize) -> &[f64] {
        &self.cells[column * self.people..(column + 1) * self.people]
    }

    /// The cells as `f32`, which trees cut as well at half the size.
    pub(crate) fn narrow(&self) -> Vec<f32> {
        self.cells.iter().map(|&cell| cell as f32).collect()
    }

    /// intercept + Σ coefficient · column, for each person.
    pub(crate) fn linear(&self, intercept: f64, coefficients: &[f64]) -> Vec<f64> {
        let mut sums = vec![intercept; self.people];
        for (column, coefficient) in coefficients.iter().enumerate() {
            for (sum, cell) in sums.iter_mut().zip(self.column(column)) {
                *sum += coefficient * cell;
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_column_does_not_matter() {
        let (seconds, milliseconds) = ([1.5, 20.0, 0.0, 7.25], [1500.0, 20_000.0, 0.0, 7250.0]);
        let (a, b) = (Scale::of(&seconds).unwrap(), Scale::of(&milliseconds).unwrap());
        for (second, millisecond) in seconds.iter().zip(milliseconds) {
            assert!((a.place(*second) - b.place(millisecond)).abs() < 1e-12);
        }
    }

    #[test]
    fn the_logarithm_is_odd_finite_at_zero_and_growing() {
        let logs = [-10.0, -0.1, 0.0, 0.1, 10.0].map(|value| signed_log(value, 0.01));
        assert!(logs.windows(2).all(|pair| pair[0] < pair[1]) && logs[2] == 0.0 && logs[0] == -logs[4]);
    }

    #[test]
    fn the_centre_is_the_value_at_place_zero() {
        let scale = Scale::of(&[2.0, 3.0, 8.0, f64::NAN]).unwrap();
        assert!(scale.place(scale.centre()).abs() < 1e-12);
        assert_eq!((scale.range, scale.always), ((2.0, 8.0), false));
    }

    #[test]
    fn a_missing_value_takes_the_median_and_an_empty_column_has_no_scale() {
        let scale = Scale::of(&[1.0, 4.0, 9.0, f64::NAN]).unwrap();
        assert_eq!(scale.place(f64::NAN), scale.place(4.0));
        assert!(Scale::of(&[f64::NAN, f64::NAN]).is_none());
    }

    #[test]
    fn a_constant_column_becomes_zeros() {
        let scale = Scale::of(&[3.3, 3.3, 3.3]).unwrap();
        assert_eq!((scale.place(3.3), scale.deviation), (0.0, 1.0));
    }
}
