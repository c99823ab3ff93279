//! A fitted network as plain numbers, for whoever runs it elsewhere.

use super::fit::{Fit, Learned};
use crate::prepare::{FARTHEST, Scale};

/// A network of one hidden layer with one output, and how its columns are prepared.
///
/// ```text
/// place     = clamp((sign(x) · ln(1 + |x| / floor) − mean) / deviation, −farthest, farthest)    (the median's where x is missing)
/// units     = max(0, Σ place · inner + inner_bias)
/// log_odds  = Σ units · outer + outer_bias
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Perceptron {
    /// The columns it reads, in order.
    pub columns: Vec<PreparedColumn>,
    /// How far from the mean a place may lie.
    pub farthest: f64,
    /// `[columns, hidden]`, row after row.
    pub inner: Vec<f64>,
    /// `[hidden]`.
    pub inner_bias: Vec<f64>,
    /// `[hidden]`.
    pub outer: Vec<f64>,
    /// Log-odds with all units at 0.
    pub outer_bias: f64,
}

/// How one column is prepared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreparedColumn {
    /// Its place among the columns of the table.
    pub column: usize,
    /// Where the logarithm takes over, in the column's unit; above 0.
    pub floor: f64,
    /// Logarithm that stands in for a missing value.
    pub median: f64,
    /// Mean of the logarithms.
    pub mean: f64,
    /// Their standard deviation; above 0.
    pub deviation: f64,
}

impl Perceptron {
    pub(super) fn of(fit: &Fit) -> Option<Perceptron> {
        let Fit::One { preparation, profile: None, learned: Learned::Mlp(network) } = fit else {
            return None;
        };
        let [inner, inner_bias, outer, outer_bias] = network.layers(preparation.scales.len())?;
        let column = |(column, scale): &(usize, Scale)| PreparedColumn {
            column: *column,
            floor: scale.floor,
            median: scale.median,
            mean: scale.mean,
            deviation: scale.deviation,
        };
        let columns = preparation.scales.iter().map(column).collect();
        Some(Perceptron { columns, farthest: FARTHEST, inner, inner_bias, outer, outer_bias: outer_bias[0] })
    }

    /// The same network whose log-odds are `slope` · its log-odds + `intercept`: a calibration folded in.
    #[must_use]
    pub fn calibrated(mut self, slope: f64, intercept: f64) -> Perceptron {
        self.outer.iter_mut().for_each(|it| *it *= slope);
        self.outer_bias = slope * self.outer_bias + intercept;
        self
    }
}
