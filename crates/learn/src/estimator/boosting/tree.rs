//! One tree, grown best leaf first.

use serde::{Deserialize, Serialize};

use super::{Bins, Growth};

/// Least curvature on a side of a cut (scikit-learn's `min_hessian_to_split`): below it a leaf's answer would be noise.
const LEAST_CURVATURE: f64 = 1e-3;

/// Share of the strength of a node's sides below which a difference is rounding. Sums of the same people differ in their last bits
/// with the order in which they were added, and people of one class, whose slopes are all alike, seem to gain 1e-17 by any cut. So
/// a cut that gains no more than this is not made, and of equally good ones the first is: lowest column, lowest bin.
const ROUNDING: f64 = 1e-9;

/// Keeps the division defined where neither curvature nor λ is left (scikit-learn adds the same).
const TINY: f64 = 1e-15;

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

impl Node {
    /// A leaf that adds nothing yet.
    const LEAF: Self = Self { column: 0, left: 0, value: 0.0, missing_left: false };
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

/// Gradient and curvature of a person's loss.
pub(super) type Slope = (f64, f64);

/// Sums over the people of a bin, of a side, or of a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) gradient: f64,
    pub(super) curvature: f64,
    pub(super) people: u32,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
        self.people += other.people;
    }

    pub(super) fn without(self, other: Self) -> Self {
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

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    column: u32,
    /// People in bins up to this one go left.
    bin: u8,
    missing_left: bool,
    pub(super) gain: f64,
}

/// The best cut of a node so far: the first of those equal but for [`ROUNDING`].
pub(super) struct Best<'a> {
    pub(super) growth: &'a Growth,
    pub(super) all: Sums,
    node: f64,
    pub(super) cut: Option<Cut>,
}

impl<'a> Best<'a> {
    pub(super) fn new(growth: &'a Growth, all: Sums) -> Self {
        Self { growth, all, node: all.strength(growth.l2), cut: None }
    }

    /// Takes the cut behind `bin` of a column if it may be made and gains more; `missing_left` is known where somebody's value
    /// is missing.
    pub(super) fn offer(&mut self, (column, bin): (usize, usize), left: Sums, missing_left: Option<bool>) {
        let right = self.all.without(left);
        let allowed =
            |side: Sums| side.people as usize >= self.growth.leaf && side.curvature >= LEAST_CURVATURE;
        if !allowed(left) || !allowed(right) {
            return;
        }
        let strength = left.strength(self.growth.l2) + right.strength(self.growth.l2);
        if strength > (self.node + self.gain()) * (1.0 + ROUNDING) {
            let gain = strength - self.node;
            // People without a value who were never seen here go where more people went.
            let missing_left = missing_left.unwrap_or(left.people > right.people);
            self.cut = Some(Cut { column: column as u32, bin: bin as u8, missing_left, gain });
        }
    }

    fn gain(&self) -> f64 {
        self.cut.map_or(0.0, |it| it.gain)
    }

    /// What both sides' Σg²/(Σh + λ) must come to; a little less than that, since it is to be computed with other rounding.
    pub(super) fn bar(&self) -> f64 {
        (self.node + self.gain()) * (1.0 + ROUNDING / 2.0)
    }
}

/// How the best cut of a node is searched for, and what of its people is kept for that.
pub(super) trait Search {
    /// What is kept of a node.
    type Kept;

    /// Of everybody.
    fn root(&mut self, people: &[u32], slopes: &[Slope]) -> Self::Kept;

    /// Of both sides of a node that was cut, where they are wanted.
    fn sides(
        &mut self,
        parent: Self::Kept,
        sides: [&[u32]; 2],
        wanted: [bool; 2],
        slopes: &[Slope],
    ) -> [Option<Self::Kept>; 2];

    /// Offers the cuts of a node column by column.
    fn offer_all(&self, kept: &Self::Kept, slopes: &[Slope], best: &mut Best<'_>);

    /// Takes back the room of a node that is not cut.
    fn done(&mut self, kept: Self::Kept);
}

/// A node that can be cut: where its people are, their sums, the best cut and what it was found in.
struct Open<K> {
    leaf: Leaf,
    cut: Cut,
    kept: K,
}

/// A node that will not be cut: its place, its people's range, their sums.
type Leaf = (usize, (usize, usize), Sums);

pub(super) struct Grower<'a, S: Search> {
    bins: &'a Bins,
    growth: Growth,
    search: S,
    /// People in the order of the nodes: each node owns a range.
    people: Vec<u32>,
    /// Room of [`part`](Self::part).
    right: Vec<u32>,
    open: Vec<Open<S::Kept>>,
    leaves: Vec<Leaf>,
}

impl<'a, S: Search> Grower<'a, S> {
    pub(super) fn new(bins: &'a Bins, growth: Growth, search: S) -> Self {
        Self { bins, growth, search, people: vec![], right: vec![], open: vec![], leaves: vec![] }
    }

    /// A tree for gradients and curvatures, one pair a person; `add` is told what it adds to each person's raw score.
    pub(super) fn grow(&mut self, slopes: &[Slope], mut add: impl FnMut(usize, f64)) -> Tree {
        self.people.clear();
        self.people.extend(0..self.bins.people as u32);
        let mut nodes = vec![Node::LEAF];
        let all = (0, self.people.len());
        let sums = self.sums(all, slopes);
        let root = self.splittable(sums).then(|| self.search.root(&self.people, slopes));
        self.open((0, all, sums), root, slopes);
        while !self.open.is_empty() && self.open.len() + self.leaves.len() < self.growth.leaves {
            let better = |best: usize, it: usize| {
                if self.open[it].cut.gain > self.open[best].cut.gain * (1.0 + ROUNDING) { it } else { best }
            };
            let best = (1..self.open.len()).fold(0, better);
            let parent = self.open.remove(best);
            nodes[parent.leaf.0] = Node {
                column: parent.cut.column,
                left: nodes.len() as u32,
                value: self.cut_at(parent.cut),
                missing_left: parent.cut.missing_left,
            };
            nodes.extend([Node::LEAF; 2]);
            self.halve(parent, nodes.len() - 2, slopes);
        }
        while let Some(rest) = self.open.pop() {
            self.leaves.push(rest.leaf);
            self.search.done(rest.kept);
        }
        for (node, (start, end), sums) in self.leaves.drain(..) {
            let value = -self.growth.rate * sums.gradient / (sums.curvature + self.growth.l2 + TINY);
            nodes[node].value = value;
            self.people[start..end].iter().for_each(|&person| add(person as usize, value));
        }
        Tree(nodes)
    }

    /// Cuts a node in two, whose left side becomes node `left`.
    fn halve(&mut self, parent: Open<S::Kept>, left: usize, slopes: &[Slope]) {
        let (_, (start, end), _) = parent.leaf;
        let middle = self.part((start, end), parent.cut);
        let sides = [(left, (start, middle)), (left + 1, (middle, end))];
        let sums = sides.map(|(_, range)| self.sums(range, slopes));
        // A cut of a side would be a leaf more than there may be.
        let full = self.open.len() + self.leaves.len() + 2 >= self.growth.leaves;
        let wanted = sums.map(|it| !full && self.splittable(it));
        let people = [&self.people[start..middle], &self.people[middle..end]];
        let kept = self.search.sides(parent.kept, people, wanted, slopes);
        for (((node, range), sums), kept) in sides.into_iter().zip(sums).zip(kept) {
            self.open((node, range, sums), kept, slopes);
        }
    }

    /// Where a cut lies; above every value where it parts those who have one from those who have none.
    fn cut_at(&self, cut: Cut) -> f64 {
        let cuts = &self.bins.cuts[cut.column as usize];
        cuts.get(usize::from(cut.bin)).copied().unwrap_or(f64::MAX)
    }

    /// Puts a node among the open ones where some cut gains, else among the leaves.
    fn open(&mut self, leaf: Leaf, kept: Option<S::Kept>, slopes: &[Slope]) {
        let Some(kept) = kept else { return self.leaves.push(leaf) };
        let mut best = Best::new(&self.growth, leaf.2);
        self.search.offer_all(&kept, slopes, &mut best);
        match best.cut {
            Some(cut) => self.open.push(Open { leaf, cut, kept }),
            None => {
                self.search.done(kept);
                self.leaves.push(leaf);
            }
        }
    }

    fn splittable(&self, sums: Sums) -> bool {
        sums.people as usize >= 2 * self.growth.leaf && sums.curvature >= LEAST_CURVATURE
    }

    fn sums(&self, (start, end): (usize, usize), slopes: &[Slope]) -> Sums {
        let mut sums = Sums { people: (end - start) as u32, ..Sums::default() };
        for &person in &self.people[start..end] {
            let (gradient, curvature) = slopes[person as usize];
            sums.gradient += gradient;
            sums.curvature += curvature;
        }
        sums
    }

    /// Moves the people left of the cut to the front, both sides in their old order; where the right side begins.
    fn part(&mut self, (start, end): (usize, usize), cut: Cut) -> usize {
        let cells = self.bins.column(cut.column as usize);
        let missing = self.bins.missing(cut.column as usize);
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

#[cfg(test)]
impl Tree {
    /// Whether two trees ask the same questions and answer them alike but for rounding.
    pub(super) fn cuts_as(&self, other: &Self) -> bool {
        let same = |(a, b): (&Node, &Node)| {
            let places = (a.column, a.left, a.missing_left) == (b.column, b.left, b.missing_left);
            places && (a.value - b.value).abs() <= 1e-9
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}
