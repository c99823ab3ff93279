//! What makes a cut a good one: sums over the people on one side.

/// A way to judge cuts. The purity of a side is Σₖ (Σ weight · targetₖ)² / Σ weight: for classes (targets 0 and 1) the sum over
/// both sides is larger the lower the Gini impurity is, for numbers the smaller the squared error is.
pub(super) trait Criterion: Sync {
    /// What is gathered of a person.
    type Cell: Copy + Default;
    /// Sums over some people.
    type Side: Copy + Default;

    /// Number of people.
    fn people(&self) -> usize;
    /// What counts of a person.
    fn cell(&self, person: u32) -> Self::Cell;
    /// Takes a person into the sums.
    fn add(side: &mut Self::Side, cell: Self::Cell);
    /// The sums over everybody but some.
    fn without(all: Self::Side, some: Self::Side) -> Self::Side;
    /// How many people the sums are over.
    fn count(side: Self::Side) -> u32;
    /// Larger is purer.
    fn purity(side: Self::Side) -> f64;
    /// Whether there is nothing left to tell apart.
    fn pure(side: Self::Side, cells: &[Self::Cell]) -> bool;
    /// Appends what a leaf says.
    fn leaf(side: Self::Side, leaves: &mut Vec<f32>);

    /// The sums over the people whose value is at or below the threshold.
    fn below(threshold: f32, values: &[f32], cells: &[Self::Cell]) -> Self::Side {
        let mut left = Self::Side::default();
        for (value, cell) in values.iter().zip(cells) {
            if *value <= threshold {
                Self::add(&mut left, *cell);
            }
        }
        left
    }
}

/// Two classes of people who all count the same: whole numbers.
pub(super) struct Counts(Vec<u32>);

impl Counts {
    pub(super) fn new(labels: &[bool]) -> Self {
        Self(labels.iter().map(|&label| u32::from(label)).collect())
    }
}

impl Criterion for Counts {
    type Cell = u32;
    /// People, and impaired ones among them.
    type Side = (u32, u32);

    fn people(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, person: u32) -> u32 {
        self.0[person as usize]
    }

    fn add(side: &mut (u32, u32), cell: u32) {
        side.0 += 1;
        side.1 += cell;
    }

    fn without(all: (u32, u32), some: (u32, u32)) -> (u32, u32) {
        (all.0 - some.0, all.1 - some.1)
    }

    fn count(side: (u32, u32)) -> u32 {
        side.0
    }

    fn purity((people, impaired): (u32, u32)) -> f64 {
        let (impaired, healthy) = (f64::from(impaired), f64::from(people - impaired));
        (impaired * impaired + healthy * healthy) / f64::from(people)
    }

    fn pure((people, impaired): (u32, u32), _cells: &[u32]) -> bool {
        impaired == 0 || impaired == people
    }

    fn leaf((people, impaired): (u32, u32), leaves: &mut Vec<f32>) {
        leaves.push(impaired as f32 / people as f32);
    }

    /// Without a branch, so that the compiler can use vector registers.
    fn below(threshold: f32, values: &[f32], cells: &[u32]) -> (u32, u32) {
        let (mut left, mut impaired) = (0u32, 0u32);
        for (value, class) in values.iter().zip(cells) {
            let here = u32::from(*value <= threshold);
            left += here;
            impaired += here * class;
        }
        (left, impaired)
    }
}

/// `K` targets a person, each person counting with a weight: K = 2 or 3 classes, or one number.
pub(super) struct Moments<const K: usize>(Vec<Weighed<K>>);

/// A weight with targets times the weight; summed over people, with their number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed<const K: usize> {
    people: u32,
    weight: f64,
    sums: [f64; K],
}

impl<const K: usize> Default for Weighed<K> {
    fn default() -> Self {
        Self { people: 0, weight: 0.0, sums: [0.0; K] }
    }
}

impl<const K: usize> Moments<K> {
    pub(super) fn of_classes<L: Copy + Into<u8>>(labels: &[L], weights: &[f64]) -> Self {
        let weighed = |(&label, &weight): (&L, &f64)| {
            let mut sums = [0.0; K];
            sums[usize::from(label.into())] = weight;
            Weighed { people: 1, weight, sums }
        };
        Self(labels.iter().zip(weights).map(weighed).collect())
    }
}

impl Moments<1> {
    pub(super) fn of_numbers(numbers: &[f64], weights: &[f64]) -> Self {
        let weighed =
            |(number, &weight): (&f64, &f64)| Weighed { people: 1, weight, sums: [weight * number] };
        Self(numbers.iter().zip(weights).map(weighed).collect())
    }
}

impl<const K: usize> Criterion for Moments<K> {
    type Cell = Weighed<K>;
    type Side = Weighed<K>;

    fn people(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, person: u32) -> Weighed<K> {
        self.0[person as usize]
    }

    fn add(side: &mut Weighed<K>, cell: Weighed<K>) {
        side.people += 1;
        side.weight += cell.weight;
        side.sums.iter_mut().zip(cell.sums).for_each(|(sum, it)| *sum += it);
    }

    fn without(all: Weighed<K>, some: Weighed<K>) -> Weighed<K> {
        Weighed {
            people: all.people - some.people,
            weight: all.weight - some.weight,
            sums: std::array::from_fn(|it| all.sums[it] - some.sums[it]),
        }
    }

    fn count(side: Weighed<K>) -> u32 {
        side.people
    }

    fn purity(side: Weighed<K>) -> f64 {
        side.sums.iter().map(|sum| sum * sum).sum::<f64>() / side.weight
    }

    fn pure(_side: Weighed<K>, cells: &[Weighed<K>]) -> bool {
        let same = |pair: &[Weighed<K>]| pair[0].sums == pair[1].sums;
        cells.windows(2).all(same)
    }

    /// Of two classes only the share of the second is kept.
    fn leaf(side: Weighed<K>, leaves: &mut Vec<f32>) {
        let first = usize::from(K == 2);
        leaves.extend(side.sums[first..].iter().map(|sum| (sum / side.weight) as f32));
    }
}
