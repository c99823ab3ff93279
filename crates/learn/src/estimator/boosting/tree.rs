//! One tree on histograms of gradients.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Bins, Growth};

/// Least curvature on a side of a cut (scikit-learn's `min_hessian_to_split`): below it a leaf's answer would be noise.
const LEAST_CURVATURE: f64 = 1e-3;

/// Keeps the division defined where neither curvature nor λ is left (scikit-learn adds the same).
const TINY: f64 = 1e-15;

/// Cells of people × columns from which columns are shared out over threads; below, handing out costs more than it saves.
const PARALLEL: usize = 1 << 18;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Node {
    column: u32,
    /// Place of the left child; the right one follows it. 0 marks a leaf, because the root is nobody's child.
    left: u32,
    /// The cut: people at or below it go left. In a leaf, what it adds to a raw score.
    value: f64,
    /// Whether people without a value go left.
    missing_left: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree(Vec<Node>);

impl Tree {
    /// What the tree adds to the raw score of a row of columns.
    pub(super) fn value_of(&self, row: &[f64]) -> f64 {
        let mut node = self.0[0];
        while node.left != 0 {
            let value = row[node.column as usize];
            let left = if value.is_nan() { node.missing_left } else { value <= node.value };
            node = self.0[(node.left + u32::from(!left)) as usize];
        }
        node.value
    }
}

/// Sums over the people of a bin, of a side, or of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    curvature: f64,
    people: u32,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
        self.people += other.people;
    }

    fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            curvature: self.curvature - other.curvature,
            people: self.people - other.people,
        }
    }

    fn strength(self, l2: f64) -> f64 {
        self.gradient * self.gradient / (self.curvature + l2 + TINY)
    }
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    column: u32,
    /// People in bins up to this one go left.
    bin: u8,
    missing_left: bool,
    gain: f64,
}

/// A node that can be cut: where its people are, their sums, and the best cut with the histogram it was found in.
struct Open {
    node: usize,
    range: (usize, usize),
    sums: Sums,
    cut: Cut,
    histogram: Vec<Sums>,
}

pub(super) struct Grower<'a> {
    bins: &'a Bins,
    growth: Growth,
    /// Where each column's bins begin in a histogram; one more for the end.
    offsets: Vec<usize>,
    /// People in the order of the nodes: each node owns a range.
    people: Vec<u32>,
    /// Room of [`part`](Self::part).
    right: Vec<u32>,
    /// Histograms to be used again.
    spare: Vec<Vec<Sums>>,
    /// Gradients and curvatures of a node's people side by side.
    gathered: Vec<(f64, f64)>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(bins: &'a Bins, growth: Growth) -> Self {
        let mut offsets = vec![0];
        // A bin more than cuts, and one for the missing.
        bins.cuts.iter().for_each(|cuts| offsets.push(offsets[offsets.len() - 1] + cuts.len() + 2));
        Self { bins, growth, offsets, people: vec![], right: vec![], spare: vec![], gathered: vec![] }
    }

    /// A tree for gradients and curvatures, one pair a person; `add` is told what it adds to each person's raw score.
    pub(super) fn grow(&mut self, slopes: &[(f64, f64)], mut add: impl FnMut(usize, f64)) -> Tree {
        self.people.clear();
        self.people.extend(0..self.bins.people as u32);
        let mut nodes = vec![Node { column: 0, left: 0, value: 0.0, missing_left: false }];
        let (mut open, mut leaves) = (Vec::new(), Vec::new());
        let all = (0, self.people.len());
        let sums = self.sums(all, slopes);
        let root = self.splittable(sums).then(|| self.histogram(all, slopes));
        self.open((0, all, sums), root, (&mut open, &mut leaves));
        while !open.is_empty() && open.len() + leaves.len() < self.growth.leaves {
            let best = (1..open.len())
                .fold(0, |best, it| if gain(&open[it]) > gain(&open[best]) { it } else { best });
            let parent: Open = open.remove(best);
            let left = nodes.len();
            nodes[parent.node] = Node {
                column: parent.cut.column,
                left: left as u32,
                value: self.cut_at(parent.cut),
                missing_left: parent.cut.missing_left,
            };
            nodes.extend([Node { column: 0, left: 0, value: 0.0, missing_left: false }; 2]);
            self.halve(parent, left, slopes, (&mut open, &mut leaves));
        }
        for parent in open {
            leaves.push((parent.node, parent.range, parent.sums));
            self.spare.push(parent.histogram);
        }
        for (node, (start, end), sums) in leaves {
            let value = -self.growth.rate * sums.gradient / (sums.curvature + self.growth.l2 + TINY);
            nodes[node].value = value;
            self.people[start..end].iter().for_each(|&person| add(person as usize, value));
        }
        Tree(nodes)
    }

    /// Cuts a node: the smaller child's histogram is counted, the larger one's is what remains of the parent's.
    fn halve(
        &mut self,
        parent: Open,
        left: usize,
        slopes: &[(f64, f64)],
        (open, leaves): (&mut Vec<Open>, &mut Vec<Leaf>),
    ) {
        let (start, end) = parent.range;
        let middle = self.part(parent.range, parent.cut);
        let sides = [(left, (start, middle)), (left + 1, (middle, end))];
        let sums = sides.map(|(_, range)| self.sums(range, slopes));
        let wanted = sums.map(|it| self.splittable(it));
        let mut histograms = [None, None];
        if wanted[0] || wanted[1] {
            let smaller = usize::from(end - middle < middle - start);
            let counted = self.histogram(sides[smaller].1, slopes);
            let mut rest = parent.histogram;
            rest.iter_mut().zip(&counted).for_each(|(all, part)| *all = all.without(*part));
            (histograms[smaller], histograms[1 - smaller]) = (Some(counted), Some(rest));
        } else {
            self.spare.push(parent.histogram);
        }
        for (it, histogram) in histograms.into_iter().enumerate() {
            let kept = if wanted[it] { histogram } else { histogram.and_then(|it| self.reuse(it)) };
            self.open((sides[it].0, sides[it].1, sums[it]), kept, (open, leaves));
        }
    }

    /// Where a cut lies; above every value where it parts those who have one from those who have none.
    fn cut_at(&self, cut: Cut) -> f64 {
        let cuts = &self.bins.cuts[cut.column as usize];
        cuts.get(usize::from(cut.bin)).copied().unwrap_or(f64::MAX)
    }

    fn reuse(&mut self, histogram: Vec<Sums>) -> Option<Vec<Sums>> {
        self.spare.push(histogram);
        None
    }

    /// Puts a node among the open ones where some cut gains, else among the leaves.
    fn open(
        &mut self,
        (node, range, sums): Leaf,
        histogram: Option<Vec<Sums>>,
        (open, leaves): (&mut Vec<Open>, &mut Vec<Leaf>),
    ) {
        let found = histogram.map(|it| (self.best_cut(&it, sums), it));
        match found {
            Some((Some(cut), histogram)) => open.push(Open { node, range, sums, cut, histogram }),
            Some((None, histogram)) => {
                self.spare.push(histogram);
                leaves.push((node, range, sums));
            }
            None => leaves.push((node, range, sums)),
        }
    }

    fn splittable(&self, sums: Sums) -> bool {
        sums.people as usize >= 2 * self.growth.leaf && sums.curvature >= LEAST_CURVATURE
    }

    fn sums(&self, (start, end): (usize, usize), slopes: &[(f64, f64)]) -> Sums {
        let mut sums = Sums { people: (end - start) as u32, ..Sums::default() };
        for &person in &self.people[start..end] {
            let (gradient, curvature) = slopes[person as usize];
            sums.gradient += gradient;
            sums.curvature += curvature;
        }
        sums
    }

    /// Sums of each bin of each column over a node's people.
    fn histogram(&mut self, (start, end): (usize, usize), slopes: &[(f64, f64)]) -> Vec<Sums> {
        let mut histogram = self.spare.pop().unwrap_or_default();
        histogram.clear();
        histogram.resize(self.offsets[self.offsets.len() - 1], Sums::default());
        self.gathered.clear();
        self.gathered.extend(self.people[start..end].iter().map(|&person| slopes[person as usize]));
        let (people, gathered, bins) = (&self.people[start..end], &self.gathered, self.bins);
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

    /// The cut that gains most, the first of equals; `None` where none gains.
    fn best_cut(&self, histogram: &[Sums], all: Sums) -> Option<Cut> {
        let of_column = |column: usize| {
            let bins = &histogram[self.offsets[column]..self.offsets[column + 1]];
            self.best_of_column(column, bins, all)
        };
        let better = |a: Option<Cut>, b: Option<Cut>| match (a, b) {
            (Some(a), Some(b)) => Some(if b.gain > a.gain { b } else { a }),
            (a, b) => a.or(b),
        };
        (0..self.bins.columns()).map(of_column).fold(None, better)
    }

    /// Tries each cut, with the missing on the right and, where there are any, on the left.
    fn best_of_column(&self, column: usize, bins: &[Sums], all: Sums) -> Option<Cut> {
        let (bins, missing) = (&bins[..bins.len() - 1], bins[bins.len() - 1]);
        let node = all.strength(self.growth.l2);
        let sides: &[bool] = if missing.people > 0 { &[false, true] } else { &[false] };
        let mut best: Option<Cut> = None;
        for &missing_left in sides {
            let mut left = if missing_left { missing } else { Sums::default() };
            // Behind the last bin only the missing are left to be parted off.
            let last = bins.len() - usize::from(missing_left || missing.people == 0);
            for (bin, sums) in bins[..last].iter().enumerate() {
                if sums.people == 0 {
                    continue;
                }
                left.add(*sums);
                let right = all.without(left);
                if (right.people as usize) < self.growth.leaf || right.curvature < LEAST_CURVATURE {
                    break;
                }
                if (left.people as usize) < self.growth.leaf || left.curvature < LEAST_CURVATURE {
                    continue;
                }
                let gain = left.strength(self.growth.l2) + right.strength(self.growth.l2) - node;
                if gain > best.map_or(0.0, |it| it.gain) {
                    // People without a value who were never seen here go where more people went.
                    let missing_left =
                        if missing.people > 0 { missing_left } else { left.people > right.people };
                    best = Some(Cut { column: column as u32, bin: bin as u8, missing_left, gain });
                }
            }
        }
        best
    }

    /// Moves the people left of the cut to the front, both sides in their old order; where the right side begins.
    fn part(&mut self, (start, end): (usize, usize), cut: Cut) -> usize {
        let cells = self.bins.column(cut.column as usize);
        let missing = self.bins.cuts[cut.column as usize].len() as u8 + 1;
        let goes_left = |bin: u8| if bin == missing { cut.missing_left } else { bin <= cut.bin };
        self.right.clear();
        let mut middle = start;
        for place in start..end {
            let person = self.people[place];
            if goes_left(cells[person as usize]) {
                self.people[middle] = person;
                middle += 1;
            } else {
                self.right.push(person);
            }
        }
        self.people[middle..end].copy_from_slice(&self.right);
        middle
    }
}

/// A node that will not be cut: its place, its people's range, their sums.
type Leaf = (usize, (usize, usize), Sums);

fn gain(open: &Open) -> f64 {
    open.cut.gain
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
