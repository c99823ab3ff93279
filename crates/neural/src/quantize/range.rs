//! Which range of an activation the grid is laid over, from what was seen of it.

use serde::{Deserialize, Serialize};

use super::grid::Grid;

/// Bins of a histogram between the least and the greatest value that was seen.
pub(super) const BINS: usize = 2048;

/// Ranges that are tried on one side: 1, 0.98, … 0.22 of the whole.
const TRIED: usize = 40;

/// Values that a bin has to hold on average before the divergence of its distribution means something.
const FILLED: usize = 8;

/// What a bin that only cut-off values fall into is taken to hold of the quantised distribution, so that logarithms stay finite.
const NEARLY_NONE: f64 = 1e-6;

/// How the range of an activation is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calibration {
    /// Everything that was seen.
    MinMax,
    /// All but the outermost: of 99.99 percent, 0.005 on either side are cut.
    Percentile(f64),
    /// The range whose quantised distribution diverges least from the one seen (Kullback–Leibler; Migacz 2017, TensorRT), unless
    /// rounding and cutting lose more than in the whole.
    Entropy,
    /// The range with the least mean squared error of rounding and cutting together.
    SquaredError,
}

impl Calibration {
    /// Its name in records and messages: `percentile 99.99`.
    pub fn name(self) -> String {
        match self {
            Calibration::MinMax => "min-max".to_owned(),
            Calibration::Percentile(it) => format!("percentile {it}"),
            Calibration::Entropy => "entropy".to_owned(),
            Calibration::SquaredError => "squared error".to_owned(),
        }
    }

    /// Whether it needs more than the least and the greatest.
    pub(super) fn needs_histogram(self) -> bool {
        self != Calibration::MinMax
    }
}

/// How often values fell into bins of equal width between `low` and `high`.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    pub(super) low: f32,
    pub(super) high: f32,
    pub(super) counts: Vec<u64>,
}

impl Histogram {
    pub(super) fn new(low: f32, high: f32) -> Self {
        Histogram { low, high, counts: vec![0; BINS] }
    }

    pub(super) fn add(&mut self, values: &[f32]) {
        let width = f64::from(self.high) - f64::from(self.low);
        let per = if width > 0.0 { BINS as f64 / width } else { 0.0 };
        for value in values {
            let bin = (f64::from(*value) - f64::from(self.low)) * per;
            self.counts[(bin as usize).min(BINS - 1)] += 1;
        }
    }

    /// The value at an edge or, by halves, the middle of bins.
    fn at(&self, bin: f64) -> f64 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        low + (high - low) * bin / BINS as f64
    }

    /// The range that `by` chooses; `signed` says what grid will lie over it.
    pub(super) fn range(&self, by: Calibration, signed: bool) -> (f32, f32) {
        match by {
            Calibration::MinMax => (self.low, self.high),
            Calibration::Percentile(percent) => self.percentile(percent),
            Calibration::Entropy => self.entropy(signed),
            Calibration::SquaredError => self.squared_error(signed),
        }
    }

    fn percentile(&self, percent: f64) -> (f32, f32) {
        let total = self.counts.iter().sum::<u64>() as f64;
        let cut = total * (100.0 - percent) / 200.0;
        let edge = |counts: &mut dyn Iterator<Item = u64>| {
            let mut before = 0.0;
            for (bin, count) in counts.enumerate() {
                let count = count as f64;
                if count > 0.0 && before + count > cut {
                    return bin as f64 + ((cut - before) / count).clamp(0.0, 1.0);
                }
                before += count;
            }
            0.0
        };
        let low = edge(&mut self.counts.iter().copied());
        let high = BINS as f64 - edge(&mut self.counts.iter().rev().copied());
        (self.at(low) as f32, self.at(high.max(low)) as f32)
    }

    /// Mean squared error of the values, each taken to lie in the middle of its bin.
    fn loss(&self, grid: Grid) -> f64 {
        let lost = |(bin, count): (usize, &u64)| {
            if *count == 0 {
                return 0.0;
            }
            let value = self.at(bin as f64 + 0.5) as f32;
            f64::from(grid.nearest(value) - value).powi(2) * *count as f64
        };
        self.counts.iter().enumerate().map(lost).sum()
    }

    /// Both sides are drawn in together, then either alone.
    fn squared_error(&self, signed: bool) -> (f32, f32) {
        let mut best = (self.low, self.high);
        let mut least = self.loss(Grid::over(best.0, best.1, signed));
        for sides in [(true, true), (true, false), (false, true)] {
            let from = best;
            for tried in 1..TRIED {
                let share = 1.0 - tried as f32 * 0.02;
                let range = (
                    if sides.0 { from.0 * share } else { from.0 },
                    if sides.1 { from.1 * share } else { from.1 },
                );
                let loss = self.loss(Grid::over(range.0, range.1, signed));
                if loss < least {
                    (best, least) = (range, loss);
                }
            }
        }
        best
    }

    fn entropy(&self, signed: bool) -> (f32, f32) {
        let most = self.low.abs().max(self.high.abs());
        if most <= 0.0 {
            return (self.low, self.high);
        }
        let levels = if signed || self.low < 0.0 { 128 } else { 256 };
        let total = self.counts.iter().sum::<u64>() as usize;
        let bins = (total / FILLED).next_power_of_two().clamp(levels, BINS);
        let mut folded = vec![0; bins];
        for (bin, count) in self.counts.iter().enumerate() {
            let value = self.at(bin as f64 + 0.5).abs();
            folded[((value / f64::from(most) * bins as f64) as usize).min(bins - 1)] += count;
        }
        // The zeros of ReLU and of empty places are on every grid, and would drown the rest (as in TensorRT's own toolkit).
        folded[0] = folded[1];
        let tried = (levels..=bins).step_by((bins / 256).max(1));
        let best = tried.map(|kept| (divergence(&folded, kept, levels), kept));
        let best = best.min_by(|left, right| left.0.total_cmp(&right.0)).map_or(bins, |it| it.1);
        let most = most * best as f32 / bins as f32;
        let (drawn, whole) = ((self.low.max(-most), self.high.min(most)), (self.low, self.high));
        let loss = |(low, high)| self.loss(Grid::over(low, high, signed));
        if loss(drawn) < loss(whole) { drawn } else { whole }
    }
}

/// Kullback–Leibler divergence of `kept` bins, all others cut into the last, from the same bins spread over `levels`.
fn divergence(counts: &[u64], kept: usize, levels: usize) -> f64 {
    let (inside, outside) = counts.split_at(kept);
    let (total, held): (u64, u64) = (counts.iter().sum(), inside.iter().sum());
    if held == 0 {
        return f64::INFINITY;
    }
    let cut: u64 = outside.iter().sum();
    let mut divergence = 0.0;
    for level in 0..levels {
        let bins = &inside[level * kept / levels..(level + 1) * kept / levels];
        let filled = bins.iter().filter(|it| **it > 0).count().max(1) as f64;
        let spread = bins.iter().sum::<u64>() as f64 / filled / held as f64;
        for (bin, count) in bins.iter().enumerate() {
            let is_last = level * kept / levels + bin + 1 == kept;
            let share = (count + if is_last { cut } else { 0 }) as f64 / total as f64;
            if share > 0.0 {
                divergence += share * (share / if *count > 0 { spread } else { NEARLY_NONE }).ln();
            }
        }
    }
    divergence
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal values between −4 and 4, and one far away.
    fn with_an_outlier(outlier: f32) -> Histogram {
        let mut noise = crate::kernel::noise::Noise(7);
        let mut values = noise.normals(20_000, 1.0);
        values.push(outlier);
        let low = values.iter().copied().fold(0.0, f32::min);
        let high = values.iter().copied().fold(0.0, f32::max);
        let mut histogram = Histogram::new(low, high);
        histogram.add(&values);
        histogram
    }

    #[test]
    fn a_percentile_cuts_an_outlier_off() {
        let histogram = with_an_outlier(40.0);
        assert_eq!(histogram.range(Calibration::MinMax, false).1, 40.0);
        let (low, high) = histogram.range(Calibration::Percentile(99.9), false);
        assert!((1.5..20.0).contains(&high) && (-6.0..-1.5).contains(&low), "{low} {high}");
    }

    #[test]
    fn the_chosen_range_has_the_least_error_of_all() {
        for signed in [false, true] {
            let histogram = with_an_outlier(12.0);
            let loss = |by| {
                let (low, high) = histogram.range(by, signed);
                histogram.loss(Grid::over(low, high, signed))
            };
            let least = loss(Calibration::SquaredError);
            for by in [Calibration::MinMax, Calibration::Percentile(99.99), Calibration::Entropy] {
                assert!(least <= loss(by), "{by:?} is better");
            }
            assert!(loss(Calibration::Entropy) <= loss(Calibration::MinMax));
        }
    }

    #[test]
    fn entropy_cuts_what_is_far_out_and_rare() {
        // Laplace: many small values and long tails.
        let mut noise = crate::kernel::noise::Noise(9);
        let values: Vec<f32> = (0..400_000)
            .map(|_| {
                let uniform = (noise.next() as f32 + 1.0) / (u32::MAX as f32 + 2.0);
                if noise.integer(0, 1) == 0 { uniform.ln() } else { -uniform.ln() }
            })
            .collect();
        let most = values.iter().fold(0.0f32, |most, it| most.max(it.abs()));
        let mut histogram = Histogram::new(-most, most);
        histogram.add(&values);
        let (low, high) = histogram.range(Calibration::Entropy, false);
        assert!(high < 0.95 * most && low > -0.95 * most, "{low} … {high} of {most}");
    }

    #[test]
    fn percentiles_cut_what_they_say() {
        let mut histogram = Histogram::new(0.0, 2048.0);
        histogram.add(&(0..2048).map(|it| it as f32 + 0.5).collect::<Vec<_>>());
        let (low, high) = histogram.range(Calibration::Percentile(90.0), false);
        assert!((low - 102.4).abs() < 0.01 && (high - 1945.6).abs() < 0.01, "{low} {high}");
        assert_eq!(histogram.range(Calibration::Percentile(100.0), false), (0.0, 2048.0));
    }

    #[test]
    fn what_never_changes_has_a_range_by_every_way() {
        for value in [0.0, 3.0, -3.0] {
            let mut histogram = Histogram::new(f32::min(value, 0.0), f32::max(value, 0.0));
            histogram.add(&[value; 5]);
            for by in [
                Calibration::MinMax,
                Calibration::Percentile(99.0),
                Calibration::Entropy,
                Calibration::SquaredError,
            ] {
                let (low, high) = histogram.range(by, false);
                let lost = (Grid::over(low, high, false).nearest(value) - value).abs();
                assert!(lost <= 0.02 * value.abs(), "{value} by {by:?} lies in {low} … {high}");
            }
        }
    }
}
