//! Extremely randomised trees (Geurts, Ernst & Wehenkel 2006): at each node a few columns are drawn, each gets one cut
//! drawn evenly between its smallest and largest value, and the cut that lowers the Gini impurity most is kept.
//!
//! Every tree draws from a seed of its own place, so that threads change nothing. Nothing is allocated for a node.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{prepare::Design, seed::derive};

/// A column whose values lie closer than this is constant (scikit-learn's FEATURE_THRESHOLD; columns are standardised).
const CONSTANT: f32 = 1e-7;

/// What a forest is grown by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) trees: usize,
    /// Fewest people a leaf may hold.
    pub(crate) leaf: usize,
    /// Columns tried at a node.
    pub(crate) tries: usize,
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Node {
    column: u32,
    /// Place of the left child; the right one follows it. 0 marks a leaf, because the root is nobody's child.
    left: u32,
    /// The cut: people at or below it go left. In a leaf, the share of impaired people.
    value: f32,
}

/// A grown forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forest {
    trees: Vec<Vec<Node>>,
}

impl Forest {
    /// Grows a forest on prepared people.
    pub(crate) fn grow(design: &Design, labels: &[bool], growth: Growth) -> Self {
        let columns: Vec<f32> = design.cells.iter().map(|&cell| cell as f32).collect();
        let impaired: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
        let tree = |tree: usize| {
            Grower::new(&columns, &impaired, growth, derive(growth.seed, &[tree as u64])).grow()
        };
        Self { trees: (0..growth.trees).into_par_iter().map(tree).collect() }
    }

    /// Mean over trees of the share of impaired people in each person's leaf.
    pub(crate) fn probabilities(&self, design: &Design) -> Vec<f64> {
        let mut row = vec![0.0f32; design.columns];
        let mut probability = |person: usize| {
            row.iter_mut().enumerate().for_each(|(it, cell)| *cell = design.column(it)[person] as f32);
            let sum: f64 = self.trees.iter().map(|tree| f64::from(leaf_of(tree, &row))).sum();
            sum / self.trees.len() as f64
        };
        (0..design.people).map(&mut probability).collect()
    }
}

/// The share of impaired people in the leaf that a row of columns falls into.
fn leaf_of(tree: &[Node], row: &[f32]) -> f32 {
    let mut node = tree[0];
    while node.left != 0 {
        let right = u32::from(row[node.column as usize] > node.value);
        node = tree[(node.left + right) as usize];
    }
    node.value
}

struct Grower<'a> {
    columns: &'a [f32],
    impaired: &'a [u32],
    growth: Growth,
    random: ChaCha8Rng,
    /// People in the order of the nodes: each node owns a range.
    people: Vec<u32>,
    /// Columns in the order they were drawn for the last node.
    pool: Vec<u32>,
    /// Values of the column being tried, and labels, of the node's people.
    values: Vec<f32>,
    classes: Vec<u32>,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Cut {
    column: u32,
    threshold: f32,
    gain: f64,
}

impl<'a> Grower<'a> {
    fn new(columns: &'a [f32], impaired: &'a [u32], growth: Growth, seed: u64) -> Self {
        let people = impaired.len();
        Self {
            columns,
            impaired,
            growth,
            random: ChaCha8Rng::seed_from_u64(seed),
            people: (0..people as u32).collect(),
            pool: (0..(columns.len() / people) as u32).collect(),
            values: vec![0.0; people],
            classes: vec![0; people],
            nodes: vec![Node { column: 0, left: 0, value: 0.0 }],
        }
    }

    /// Splits nodes until each is pure, too small, or constant in every column.
    fn grow(mut self) -> Vec<Node> {
        let mut open = vec![(0, 0, self.people.len())];
        while let Some((node, start, end)) = open.pop() {
            let impaired = self.gather_classes(start, end);
            let people = end - start;
            let mixed = impaired > 0 && impaired < people as u32 && people >= 2 * self.growth.leaf;
            let Some(cut) = mixed.then(|| self.best_cut(start, end, impaired)).flatten() else {
                self.nodes[node].value = impaired as f32 / people as f32;
                continue;
            };
            let middle = self.part(start, end, cut);
            let left = self.nodes.len();
            self.nodes[node] = Node { column: cut.column, left: left as u32, value: cut.threshold };
            self.nodes.extend([Node { column: 0, left: 0, value: 0.0 }; 2]);
            open.extend([(left + 1, middle, end), (left, start, middle)]);
        }
        self.nodes
    }

    /// Copies the node's labels side by side; how many are impaired.
    fn gather_classes(&mut self, start: usize, end: usize) -> u32 {
        let people = &self.people[start..end];
        self.classes.iter_mut().zip(people).for_each(|(class, &it)| *class = self.impaired[it as usize]);
        self.classes[..end - start].iter().sum()
    }

    /// Draws columns without replacement until enough that vary were tried, and keeps the best cut.
    fn best_cut(&mut self, start: usize, end: usize, impaired: u32) -> Option<Cut> {
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
            let drawn = low + self.random.random::<f32>() * (high - low);
            let threshold = if drawn >= high { low } else { drawn };
            if let Some(gain) = self.gain(threshold, end - start, impaired)
                && best.is_none_or(|best| gain > best.gain)
            {
                best = Some(Cut { column, threshold, gain });
            }
        }
        best
    }

    /// Copies the node's values of a column side by side; their smallest and largest.
    fn gather_values(&mut self, column: u32, start: usize, end: usize) -> (f32, f32) {
        let all = self.impaired.len();
        let cells = &self.columns[column as usize * all..(column as usize + 1) * all];
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for (value, &person) in self.values.iter_mut().zip(&self.people[start..end]) {
            *value = cells[person as usize];
            low = if *value < low { *value } else { low };
            high = if *value > high { *value } else { high };
        }
        (low, high)
    }

    /// Σ over both sides of (healthy² + impaired²) / people: larger means a lower Gini impurity. `None` where a leaf would
    /// hold too few people.
    fn gain(&self, threshold: f32, people: usize, impaired: u32) -> Option<f64> {
        let (mut left, mut left_impaired) = (0u32, 0u32);
        for (value, class) in self.values[..people].iter().zip(&self.classes[..people]) {
            let here = u32::from(*value <= threshold);
            left += here;
            left_impaired += here * class;
        }
        let right = people as u32 - left;
        let leaf = self.growth.leaf.max(1) as u32;
        let purity = |people: u32, impaired: u32| {
            let (impaired, healthy) = (f64::from(impaired), f64::from(people - impaired));
            (impaired * impaired + healthy * healthy) / f64::from(people)
        };
        (left >= leaf && right >= leaf)
            .then(|| purity(left, left_impaired) + purity(right, impaired - left_impaired))
    }

    /// Moves the people at or below the cut to the front; where the others begin.
    fn part(&mut self, start: usize, end: usize, cut: Cut) -> usize {
        let all = self.impaired.len();
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

    const GROWTH: Growth = Growth { trees: 50, leaf: 1, tries: 1, seed: 1 };

    /// Two columns, the first of which tells the classes apart.
    fn design() -> (Design, Vec<bool>) {
        let cells = (0..40).map(f64::from).chain((0..40).map(|it| f64::from(it * 7 % 40))).collect();
        (Design { people: 40, columns: 2, cells }, (0..40).map(|it| it >= 20).collect())
    }

    #[test]
    fn a_full_tree_remembers_its_people() {
        let (design, labels) = design();
        let probabilities = Forest::grow(&design, &labels, GROWTH).probabilities(&design);
        assert!(probabilities.iter().zip(&labels).all(|(p, label)| *p == f64::from(u8::from(*label))));
    }

    #[test]
    fn no_leaf_is_smaller_than_asked() {
        let (design, labels) = design();
        let forest = Forest::grow(&design, &labels, Growth { leaf: 7, ..GROWTH });
        for tree in &forest.trees {
            let mut people = vec![0; tree.len()];
            for person in 0..40 {
                let row = [design.column(0)[person] as f32, design.column(1)[person] as f32];
                let mut place = 0;
                while tree[place].left != 0 {
                    let right = usize::from(row[tree[place].column as usize] > tree[place].value);
                    place = tree[place].left as usize + right;
                }
                people[place] += 1;
            }
            assert!(people.iter().all(|&n| n == 0 || n >= 7), "{people:?}");
        }
    }

    #[test]
    fn one_thread_and_many_grow_the_same_forest() {
        let (design, labels) = design();
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let one = alone.install(|| Forest::grow(&design, &labels, GROWTH));
        assert_eq!(one, Forest::grow(&design, &labels, GROWTH));
        assert_ne!(one, Forest::grow(&design, &labels, Growth { seed: 2, ..GROWTH }));
    }
}
