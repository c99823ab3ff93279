//! Columns cut into at most 255 bins.

use crate::prepare::Design;

/// Most bins of a column; one more is for missing values.
const MOST_BINS: usize = 255;

/// A design as bins: each cell one byte, and where each column is cut.
#[derive(Debug, Clone)]
pub(crate) struct Bins {
    pub(super) people: usize,
    /// `[columns, people]`; the last bin of a column holds the people without a value.
    cells: Vec<u8>,
    /// Cuts of each column, rising: bin b holds values above cut b − 1, up to and with cut b.
    pub(super) cuts: Vec<Vec<f64>>,
}

impl Bins {
    /// Cuts midway between neighbouring values where a column has few of them, else at evenly spaced percentiles. NaN is
    /// missing.
    pub(crate) fn of(design: &Design) -> Self {
        let mut bins = Self {
            people: design.people,
            cells: Vec::with_capacity(design.cells.len()),
            cuts: Vec::with_capacity(design.columns),
        };
        for column in 0..design.columns {
            let values = design.column(column);
            let cuts = cuts(values);
            let missing = missing(&cuts);
            let bin = |value: &f64| {
                if value.is_nan() { missing } else { cuts.partition_point(|cut| cut < value) as u8 }
            };
            bins.cells.extend(values.iter().map(bin));
            bins.cuts.push(cuts);
        }
        bins
    }

    /// The bin of the people without a value.
    pub(super) fn missing(&self, column: usize) -> u8 {
        missing(&self.cuts[column])
    }

    pub(super) fn columns(&self) -> usize {
        self.cuts.len()
    }

    pub(super) fn column(&self, column: usize) -> &[u8] {
        &self.cells[column * self.people..(column + 1) * self.people]
    }
}

/// The bin behind those of measured values.
fn missing(cuts: &[f64]) -> u8 {
    (cuts.len() + 1) as u8
}

fn cuts(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= MOST_BINS {
        return distinct.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect();
    }
    // numpy's percentile with method "midpoint".
    let at = |it: usize| {
        let place = it as f64 / MOST_BINS as f64 * (sorted.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        sorted[below] / 2.0 + sorted[above] / 2.0
    };
    let mut cuts: Vec<f64> = (1..MOST_BINS).map(at).collect();
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_cut_midway_and_many_at_percentiles() {
        let few = Design { people: 4, columns: 1, cells: vec![3.0, 1.0, f64::NAN, 1.0] };
        let bins = Bins::of(&few);
        assert_eq!((bins.cuts[0].as_slice(), bins.column(0)), ([2.0].as_slice(), [1, 0, 2, 0].as_slice()));
        let many = Design { people: 5000, columns: 1, cells: (0..5000).map(f64::from).collect() };
        let bins = Bins::of(&many);
        assert_eq!(bins.cuts[0].len(), 254);
        let mut counts = [0; 255];
        bins.column(0).iter().for_each(|&bin| counts[usize::from(bin)] += 1);
        assert!(counts.iter().all(|count| (19..=20).contains(count)), "{counts:?}");
    }
}
