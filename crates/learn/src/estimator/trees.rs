//! Forests: extremely randomised trees and random forests, for two classes, three, or numbers.
//!
//! Extremely randomised trees (Geurts, Ernst & Wehenkel 2006): at each node a few columns are drawn, each gets one cut drawn
//! evenly between its smallest and largest value, and the best of these cuts is kept. A random forest (Breiman 2001) grows
//! each tree on people drawn with replacement and gives each drawn column its best cut. Best is the lowest Gini impurity of
//! classes, the smallest squared error of numbers.
//!
//! Every tree draws from a seed of its own place, so that threads change nothing. Nothing is allocated for a node.

mod criterion;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{label::Answers, prepare::Design, seed::derive};
use criterion::{Counts, Criterion, Moments};

/// A column whose values lie closer than this is constant (scikit-learn's FEATURE_THRESHOLD; columns are standardised).
const CONSTANT: f32 = 1e-7;

/// How a column is cut at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cutting {
    /// Anywhere between its smallest and largest value; every tree sees everybody.
    Random,
    /// Where it is best; every tree sees people drawn with replacement.
    Best,
}

/// What a forest is grown by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) cutting: Cutting,
    pub(crate) trees: usize,
    /// Fewest people a leaf may hold.
    pub(crate) leaf: usize,
    /// Columns tried at a node.
    pub(crate) tries: usize,
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Node {
    /// The column of the cut; in a leaf, its place among the leaves.
    column: u32,
    /// Place of the left child; the right one follows it. 0 marks a leaf, because the root is nobody's child.
    left: u32,
    /// People at or below it go left; 0 in a leaf.
    cut: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tree {
    nodes: Vec<Node>,
    /// What each leaf says, `[leaves, outputs]`: share of impaired people, shares of three classes, or mean points.
    leaves: Vec<f32>,
}

/// A grown forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forest {
    outputs: usize,
    trees: Vec<Tree>,
}

impl Forest {
    /// Grows a forest on people: prepared columns `[columns, people]`, their labels, and how much each of them counts.
    pub(crate) fn grow(columns: &[f32], answers: &Answers, weights: &[f64], growth: Growth) -> Self {
        let alike = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let trees = match answers {
            Answers::Two(labels) if alike => trees(columns, &Counts::new(labels), growth),
            Answers::Two(labels) => trees(columns, &Moments::<2>::of_classes(labels, weights), growth),
            Answers::Three(labels) => trees(columns, &Moments::<3>::of_classes(labels, weights), growth),
            Answers::Numbers(numbers) => trees(columns, &Moments::<1>::of_numbers(numbers, weights), growth),
        };
        Self { outputs: answers.outputs(), trees }
    }

    /// Mean over trees of what each person's leaf says, `[people, outputs]`.
    pub(crate) fn outputs(&self, design: &Design) -> Vec<f64> {
        let mut row = vec![0.0f32; design.columns];
        let mut outputs = vec![0.0; design.people * self.outputs];
        for (person, sums) in outputs.chunks_exact_mut(self.outputs).enumerate() {
            row.iter_mut().enumerate().for_each(|(it, cell)| *cell = design.column(it)[person] as f32);
            for tree in &self.trees {
                sums.iter_mut()
                    .zip(tree.leaf_of(&row, self.outputs))
                    .for_each(|(sum, it)| *sum += f64::from(*it));
            }
            sums.iter_mut().for_each(|sum| *sum /= self.trees.len() as f64);
        }
        outputs
    }
}

fn trees<C: Criterion>(columns: &[f32], criterion: &C, growth: Growth) -> Vec<Tree> {
    let tree =
        |tree: usize| Grower::new(columns, criterion, growth, derive(growth.seed, &[tree as u64])).grow();
    (0..growth.trees).into_par_iter().map(tree).collect()
}

impl Tree {
    /// What the leaf says that a row of columns falls into.
    fn leaf_of(&self, row: &[f32], outputs: usize) -> &[f32] {
        let mut node = self.nodes[0];
        while node.left != 0 {
            let right = u32::from(row[node.column as usize] > node.cut);
            node = self.nodes[(node.left + right) as usize];
        }
        let leaf = node.column as usize * outputs;
        &self.leaves[leaf..leaf + outputs]
    }
}

struct Grower<'a, C: Criterion> {
    columns: &'a [f32],
    criterion: &'a C,
    growth: Growth,
    random: ChaCha8Rng,
    /// People in the order of the nodes: each node owns a range.
    people: Vec<u32>,
    /// Columns in the order they were drawn for the last node.
    pool: Vec<u32>,
    /// Values of the column being tried, and labels, of the node's people.
    values: Vec<f32>,
    cells: Vec<C::Cell>,
    /// The node's people by rising value of the column being tried: value and place in the node.
    sorted: Vec<(f32, u32)>,
    tree: Tree,
}

#[derive(Clone, Copy)]
struct Cut {
    column: u32,
    threshold: f32,
    gain: f64,
}

impl<'a, C: Criterion> Grower<'a, C> {
    fn new(columns: &'a [f32], criterion: &'a C, growth: Growth, seed: u64) -> Self {
        let people = criterion.people();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |person: u32| match growth.cutting {
            Cutting::Random => person,
            Cutting::Best => random.random_range(0..people as u32),
        };
        Self {
            columns,
            criterion,
            growth,
            people: (0..people as u32).map(&mut draw).collect(),
            random,
            pool: (0..(columns.len() / people) as u32).collect(),
            values: vec![0.0; people],
            cells: vec![C::Cell::default(); people],
            sorted: vec![],
            tree: Tree { nodes: vec![Node { column: 0, left: 0, cut: 0.0 }], leaves: vec![] },
        }
    }

    /// Splits nodes until each is pure, too small, or constant in every column.
    fn grow(mut self) -> Tree {
        let mut open = vec![(0, 0, self.people.len())];
        while let Some((node, start, end)) = open.pop() {
            let all = self.gather_cells(start, end);
            let mixed = end - start >= 2 * self.growth.leaf && !C::pure(all, &self.cells[..end - start]);
            let Some(cut) = mixed.then(|| self.best_cut(start, end, all)).flatten() else {
                let leaf = self.tree.leaves.len();
                C::leaf(all, &mut self.tree.leaves);
                self.tree.nodes[node].column = (leaf / (self.tree.leaves.len() - leaf)) as u32;
                continue;
            };
            let middle = self.part(start, end, cut);
            let left = self.tree.nodes.len();
            self.tree.nodes[node] = Node { column: cut.column, left: left as u32, cut: cut.threshold };
            self.tree.nodes.extend([Node { column: 0, left: 0, cut: 0.0 }; 2]);
            open.extend([(left + 1, middle, end), (left, start, middle)]);
        }
        self.tree
    }

    /// Copies the node's labels side by side; their sums.
    fn gather_cells(&mut self, start: usize, end: usize) -> C::Side {
        let mut all = C::Side::default();
        for (cell, &person) in self.cells.iter_mut().zip(&self.people[start..end]) {
            *cell = self.criterion.cell(person);
            C::add(&mut all, *cell);
        }
        all
    }

    /// Draws columns without replacement until enough that vary were tried, and keeps the best cut.
    fn best_cut(&mut self, start: usize, end: usize, all: C::Side) -> Option<Cut> {
        let (mut best, mut tried): (Option<Cut>, usize) = (None, 0);
        for drawn in 0..self.pool.len() {
            if tried == self.growth.tries {
                break;
            }
            let other = self.random.random_range(drawn as u32..self.pool.len() as u32) as usize;
            self.pool.swap(drawn, other);
            let column = self.pool[drawn];
            let (low, high) = self.gather_values(column, start, end);
            if high <= low + CONSTANT {
                continue;
            }
            tried += 1;
            let found = match self.growth.cutting {
                Cutting::Random => self.random_cut((low, high), end - start, all),
                Cutting::Best => self.best_of_column(end - start, all),
            };
            if let Some((threshold, gain)) = found
                && best.is_none_or(|best| gain > best.gain)
            {
                best = Some(Cut { column, threshold, gain });
            }
        }
        best
    }

    /// Copies the node's values of a column side by side; their smallest and largest.
    fn gather_values(&mut self, column: u32, start: usize, end: usize) -> (f32, f32) {
        let all = self.people.len();
        let cells = &self.columns[column as usize * all..(column as usize + 1) * all];
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for (value, &person) in self.values.iter_mut().zip(&self.people[start..end]) {
            *value = cells[person as usize];
            low = if *value < low { *value } else { low };
            high = if *value > high { *value } else { high };
        }
        (low, high)
    }

    /// A cut drawn between the smallest and the largest value, and what it gains; `None` where a leaf would hold too few.
    fn random_cut(&mut self, (low, high): (f32, f32), people: usize, all: C::Side) -> Option<(f32, f64)> {
        let drawn = low + self.random.random::<f32>() * (high - low);
        let threshold = if drawn >= high { low } else { drawn };
        let left = C::below(threshold, &self.values[..people], &self.cells[..people]);
        Some((threshold, self.gain(left, all)?))
    }

    /// The best cut of the column whose values were gathered, midway between two of them.
    fn best_of_column(&mut self, people: usize, all: C::Side) -> Option<(f32, f64)> {
        self.sorted.clear();
        self.sorted.extend(self.values[..people].iter().copied().zip(0..));
        self.sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut best, mut left): (Option<(f32, f64)>, _) = (None, C::Side::default());
        for pair in self.sorted.windows(2) {
            let ((value, place), (next, _)) = (pair[0], pair[1]);
            C::add(&mut left, self.cells[place as usize]);
            if next <= value + CONSTANT {
                continue;
            }
            let middle = value / 2.0 + next / 2.0;
            let threshold = if middle >= next { value } else { middle };
            if let Some(gain) = self.gain(left, all)
                && best.is_none_or(|best| gain > best.1)
            {
                best = Some((threshold, gain));
            }
        }
        best
    }

    /// What a cut gains; `None` where a leaf would hold too few people.
    fn gain(&self, left: C::Side, all: C::Side) -> Option<f64> {
        let right = C::without(all, left);
        let leaf = self.growth.leaf.max(1) as u32;
        (C::count(left) >= leaf && C::count(right) >= leaf).then(|| C::purity(left) + C::purity(right))
    }

    /// Moves the people at or below the cut to the front; where the others begin.
    fn part(&mut self, start: usize, end: usize, cut: Cut) -> usize {
        let all = self.people.len();
        let cells = &self.columns[cut.column as usize * all..(cut.column as usize + 1) * all];
        let mut middle = start;
        for place in start..end {
            if cells[self.people[place] as usize] <= cut.threshold {
                self.people.swap(place, middle);
                middle += 1;
            }
        }
        middle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROWTH: Growth = Growth { cutting: Cutting::Random, trees: 50, leaf: 1, tries: 1, seed: 1 };

    /// Two columns, the first of which tells the classes apart.
    fn design() -> (Design, Answers) {
        let cells = (0..40).map(f64::from).chain((0..40).map(|it| f64::from(it * 7 % 40))).collect();
        (Design { people: 40, columns: 2, cells }, Answers::Two((0..40).map(|it| it >= 20).collect()))
    }

    fn grown(answers: &Answers, growth: Growth) -> Forest {
        Forest::grow(&design().0.narrow(), answers, &[1.0; 40], growth)
    }

    #[test]
    fn a_full_tree_remembers_its_people() {
        let (design, answers) = design();
        let shares = grown(&answers, GROWTH).outputs(&design);
        assert_eq!(shares, answers.targets());
    }

    #[test]
    fn a_forest_of_numbers_remembers_them_and_one_of_three_classes_gives_shares() {
        let (design, _) = design();
        let numbers = Answers::Numbers((0..40).map(|it| f64::from(it % 31)).collect());
        assert_eq!(grown(&numbers, GROWTH).outputs(&design), numbers.targets());
        let classes = Answers::Three((0..40).map(|it| it / 14).collect());
        assert_eq!(grown(&classes, GROWTH).outputs(&design), classes.targets());
        let bagged = grown(&classes, Growth { cutting: Cutting::Best, ..GROWTH }).outputs(&design);
        assert!(bagged.chunks_exact(3).all(|shares| (shares.iter().sum::<f64>() - 1.0).abs() < 1e-6));
    }

    #[test]
    fn the_best_cut_lies_midway_between_the_classes() {
        let (_, answers) = design();
        let growth = Growth { cutting: Cutting::Best, tries: 2, trees: 20, ..GROWTH };
        for tree in &grown(&answers, growth).trees {
            // People next to the border may not have been drawn.
            assert!(
                tree.nodes[0].column == 0 && (tree.nodes[0].cut - 19.5).abs() < 5.0,
                "{:?}",
                tree.nodes[0]
            );
            assert_eq!(tree.nodes.len(), 3);
        }
    }

    #[test]
    fn weights_of_one_grow_the_same_trees_as_counting() {
        let (design, answers) = design();
        let Answers::Two(labels) = &answers else { unreachable!("two classes") };
        let columns = design.narrow();
        for cutting in [Cutting::Random, Cutting::Best] {
            let growth = Growth { cutting, leaf: 3, ..GROWTH };
            let weighed = trees(&columns, &Moments::<2>::of_classes(labels, &[1.0; 40]), growth);
            assert_eq!(weighed, trees(&columns, &Counts::new(labels), growth));
        }
    }

    #[test]
    fn no_leaf_is_smaller_than_asked() {
        let (design, answers) = design();
        let forest = grown(&answers, Growth { leaf: 7, ..GROWTH });
        for tree in &forest.trees {
            let mut people = vec![0; tree.nodes.len()];
            for person in 0..40 {
                let row = [design.column(0)[person] as f32, design.column(1)[person] as f32];
                let mut place = 0;
                while tree.nodes[place].left != 0 {
                    let node = tree.nodes[place];
                    place = node.left as usize + usize::from(row[node.column as usize] > node.cut);
                }
                people[place] += 1;
            }
            assert!(people.iter().all(|&n| n == 0 || n >= 7), "{people:?}");
        }
    }

    #[test]
    fn one_thread_and_many_grow_the_same_forest() {
        let (_, answers) = design();
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        for cutting in [Cutting::Random, Cutting::Best] {
            let growth = Growth { cutting, ..GROWTH };
            let one = alone.install(|| grown(&answers, growth));
            assert_eq!(one, grown(&answers, growth));
            assert_ne!(one, grown(&answers, Growth { seed: 2, ..growth }));
        }
    }
}
