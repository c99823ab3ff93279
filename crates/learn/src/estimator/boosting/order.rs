//! Cuts of few people: each node keeps its people in the order of every column.
//!
//! With about as many bins as people most bins of a node are empty, and clearing, subtracting and walking through them is
//! nearly all of the work. People in order need none of that: a walk along them meets each possible cut once.

use super::{
    Bins,
    tree::{Best, Search, Slope, Sums},
};

/// A person and the bin they are in: the bin above the person, so that numbers sort by bins.
type Place = u32;

/// Bits of the person.
const BITS: u32 = 16;

fn person(place: Place) -> usize {
    (place & ((1 << BITS) - 1)) as usize
}

fn bin(place: Place) -> u8 {
    (place >> BITS) as u8
}

pub(super) struct Orders<'a> {
    bins: &'a Bins,
    /// Of everybody: `[columns, people]`.
    root: Vec<Place>,
    /// Whether a person goes left at the cut that is being made.
    left: Vec<bool>,
    /// Room for one column of both sides.
    column: [Vec<Place>; 2],
    /// Orders to be used again.
    spare: Vec<Vec<Place>>,
}

impl<'a> Orders<'a> {
    /// Most people for whom orders are faster than histograms: four to a bin.
    pub(super) const MOST: usize = 1024;

    pub(super) fn new(bins: &'a Bins) -> Self {
        let mut root = Vec::with_capacity(bins.people * bins.columns());
        for column in 0..bins.columns() {
            let begin = root.len();
            let place = |(person, &bin): (usize, &u8)| Place::from(bin) << BITS | person as Place;
            root.extend(bins.column(column).iter().enumerate().map(place));
            root[begin..].sort_unstable();
        }
        let room = || vec![0; bins.people];
        let (left, column) = (vec![false; bins.people], [room(), room()]);
        Self { bins, root, left, column, spare: vec![] }
    }

    /// Tries each cut of a column, with the missing on the right and, where there are any, on the left.
    fn offer_column(&self, column: usize, order: &[Place], slopes: &[Slope], best: &mut Best<'_>) {
        let missing = self.bins.missing(column);
        let measured = match order.last() {
            Some(&last) if bin(last) == missing => order.partition_point(|&it| bin(it) < missing),
            _ => order.len(),
        };
        let (order, gaps) = order.split_at(measured);
        if gaps.is_empty() {
            return walk(column, (order, Sums::default()), None, slopes, best);
        }
        walk(column, (order, Sums::default()), Some(false), slopes, best);
        let mut left = Sums::default();
        gaps.iter().for_each(|&it| left.add(of(slopes, it)));
        walk(column, (order, left), Some(true), slopes, best);
    }
}

fn of(slopes: &[Slope], place: Place) -> Sums {
    let (gradient, curvature) = slopes[person(place)];
    Sums { gradient, curvature, people: 1 }
}

/// Offers the cuts along an order, beginning with `left` on the left side.
fn walk(
    column: usize,
    (order, mut left): (&[Place], Sums),
    missing_left: Option<bool>,
    slopes: &[Slope],
    best: &mut Best<'_>,
) {
    let (all, l2, leaf) = (best.all, best.growth.l2, best.growth.leaf);
    // Fewer would be too few on the left, more too few on the right.
    let first = leaf.saturating_sub(left.people as usize).max(1);
    let last = (all.people as usize).saturating_sub(leaf.max(1) + left.people as usize).min(order.len());
    if first > last {
        return;
    }
    order[..first - 1].iter().for_each(|&it| left.add(of(slopes, it)));
    let mut bar = best.bar();
    for (it, &place) in order[..last].iter().enumerate().skip(first - 1) {
        left.add(of(slopes, place));
        // g²/h + G²/H reaches the bar where g²·H + G²·h reaches bar·h·H: what gains nothing costs no division.
        let (g, h) = (left.gradient, left.curvature + l2);
        let (rest_g, rest_h) = (all.gradient - g, all.curvature - left.curvature + l2);
        if g * g * rest_h + rest_g * rest_g * h < bar * (h * rest_h) {
            continue;
        }
        if order.get(it + 1).is_none_or(|&next| bin(next) != bin(place)) {
            best.offer((column, usize::from(bin(place))), left, missing_left);
            bar = best.bar();
        }
    }
}

impl Search for Orders<'_> {
    /// `None` is everybody, whose order never changes; else `[columns, people of the node]`.
    type Kept = Option<Vec<Place>>;

    fn root(&mut self, _: &[u32], _: &[Slope]) -> Self::Kept {
        None
    }

    fn sides(
        &mut self,
        parent: Self::Kept,
        sides: [&[u32]; 2],
        wanted: [bool; 2],
        _: &[Slope],
    ) -> [Option<Self::Kept>; 2] {
        if wanted == [false; 2] {
            self.done(parent);
            return [None, None];
        }
        for (people, goes_left) in sides.into_iter().zip([true, false]) {
            people.iter().for_each(|&person| self.left[person as usize] = goes_left);
        }
        let mut both = wanted.map(|wanted| wanted.then(|| self.spare.pop().unwrap_or_default()));
        both.iter_mut().flatten().for_each(Vec::clear);
        let order = parent.as_deref().unwrap_or(&self.root);
        let [left, right] = &mut self.column;
        for column in order.chunks_exact(sides[0].len() + sides[1].len()) {
            let (mut lefts, mut rights) = (0, 0);
            // Written to both sides and kept on one: a branch would be guessed wrong half of the time.
            for &place in column {
                let goes_left = usize::from(self.left[person(place)]);
                (left[lefts], right[rights]) = (place, place);
                lefts += goes_left;
                rights += 1 - goes_left;
            }
            for (kept, part) in both.iter_mut().zip([&left[..lefts], &right[..rights]]) {
                kept.iter_mut().for_each(|it| it.extend_from_slice(part));
            }
        }
        self.done(parent);
        both.map(|it| it.map(Some))
    }

    fn offer_all(&self, kept: &Self::Kept, slopes: &[Slope], best: &mut Best<'_>) {
        let order = kept.as_deref().unwrap_or(&self.root);
        let people = best.all.people as usize;
        for (column, order) in order.chunks_exact(people).enumerate() {
            self.offer_column(column, order, slopes, best);
        }
    }

    fn done(&mut self, kept: Self::Kept) {
        self.spare.extend(kept);
    }
}
