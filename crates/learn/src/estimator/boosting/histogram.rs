//! Cuts of many people: sums of each bin of each column.

use rayon::prelude::*;

use super::{
    Bins,
    tree::{Best, Search, Slope, Sums},
};

/// Cells of people × columns from which columns are shared out over threads; below, handing out costs more than it saves.
const PARALLEL: usize = 1 << 18;

/// Of a node's two sides the smaller is counted; the larger is what remains of the node (LightGBM, section 2.2).
pub(super) struct Histograms<'a> {
    bins: &'a Bins,
    /// Where each column's bins begin in a histogram; one more for the end.
    offsets: Vec<usize>,
    /// Histograms to be used again.
    spare: Vec<Vec<Sums>>,
    /// Gradients and curvatures of a node's people side by side.
    gathered: Vec<Slope>,
}

impl<'a> Histograms<'a> {
    pub(super) fn new(bins: &'a Bins) -> Self {
        let mut offsets = vec![0];
        // A bin more than cuts, and one for the missing.
        bins.cuts.iter().for_each(|cuts| offsets.push(offsets[offsets.len() - 1] + cuts.len() + 2));
        Self { bins, offsets, spare: vec![], gathered: vec![] }
    }

    /// Tries each cut, with the missing on the right and, where there are any, on the left.
    fn offer_column(column: usize, bins: &[Sums], best: &mut Best<'_>) {
        let (bins, missing) = (&bins[..bins.len() - 1], bins[bins.len() - 1]);
        let sides: &[bool] = if missing.people > 0 { &[false, true] } else { &[false] };
        for &missing_left in sides {
            let mut left = if missing_left { missing } else { Sums::default() };
            // Behind the last bin only the missing are left to be parted off.
            let last = bins.len() - usize::from(missing_left || missing.people == 0);
            for (bin, sums) in bins[..last].iter().enumerate().filter(|(_, sums)| sums.people > 0) {
                left.add(*sums);
                best.offer((column, bin), left, (missing.people > 0).then_some(missing_left));
            }
        }
    }
}

impl Search for Histograms<'_> {
    type Kept = Vec<Sums>;

    fn root(&mut self, people: &[u32], slopes: &[Slope]) -> Vec<Sums> {
        let mut histogram = self.spare.pop().unwrap_or_default();
        histogram.clear();
        histogram.resize(self.offsets[self.offsets.len() - 1], Sums::default());
        self.gathered.clear();
        self.gathered.extend(people.iter().map(|&person| slopes[person as usize]));
        let (gathered, bins) = (&self.gathered, self.bins);
        let count = |(column, part): (usize, &mut [Sums])| {
            let cells = bins.column(column);
            for (&person, &(gradient, curvature)) in people.iter().zip(gathered) {
                part[usize::from(cells[person as usize])].add(Sums { gradient, curvature, people: 1 });
            }
        };
        let parts = parts(&mut histogram, &self.offsets);
        if people.len() * bins.columns() >= PARALLEL {
            parts.into_par_iter().enumerate().for_each(count);
        } else {
            parts.into_iter().enumerate().for_each(count);
        }
        histogram
    }

    fn sides(
        &mut self,
        mut parent: Vec<Sums>,
        sides: [&[u32]; 2],
        wanted: [bool; 2],
        slopes: &[Slope],
    ) -> [Option<Vec<Sums>>; 2] {
        if wanted == [false; 2] {
            self.done(parent);
            return [None, None];
        }
        let smaller = usize::from(sides[1].len() < sides[0].len());
        let counted = self.root(sides[smaller], slopes);
        parent.iter_mut().zip(&counted).for_each(|(all, part)| *all = all.without(*part));
        let mut both =
            if smaller == 0 { [Some(counted), Some(parent)] } else { [Some(parent), Some(counted)] };
        for (kept, _) in both.iter_mut().zip(wanted).filter(|(_, wanted)| !wanted) {
            self.spare.extend(kept.take());
        }
        both
    }

    fn offer_all(&self, histogram: &Vec<Sums>, _: &[Slope], best: &mut Best<'_>) {
        for (column, bins) in self.offsets.windows(2).enumerate() {
            Self::offer_column(column, &histogram[bins[0]..bins[1]], best);
        }
    }

    fn done(&mut self, histogram: Vec<Sums>) {
        self.spare.push(histogram);
    }
}

/// The histogram column by column.
fn parts<'h>(mut histogram: &'h mut [Sums], offsets: &[usize]) -> Vec<&'h mut [Sums]> {
    let mut parts = Vec::with_capacity(offsets.len() - 1);
    for pair in offsets.windows(2) {
        let (part, rest) = histogram.split_at_mut(pair[1] - pair[0]);
        parts.push(part);
        histogram = rest;
    }
    parts
}
