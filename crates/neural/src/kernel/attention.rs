//! Attention with the softmax in its middle: scores of a block of queries never leave the second-level cache.

use super::float::{Columns, FloatFactors};
use super::lanes::Isa;
use super::product::{Plane, Product};
use super::rows::{Activation, exponentials};
use super::{Kernel, Lanes, WIDTH};

/// Queries whose scores are held at a time.
pub(super) const BLOCK: usize = 24;

/// Rows that are asked for before they are read.
pub(super) const AHEAD: usize = 8;

/// Rows of one of the three inputs of attention, all heads side by side.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a> {
    /// Starts at the first head of the first row.
    pub(crate) values: &'a [f32],
    /// Values from one row to the next.
    pub(crate) stride: usize,
    /// Rows.
    pub(crate) rows: usize,
}

impl<'a> Heads<'a> {
    #[inline(always)]
    pub(super) fn row(self, row: usize, from: usize, width: usize) -> &'a [f32] {
        &self.values[row * self.stride + from..][..width]
    }

    /// Asks for a row that comes later: rows lie too far apart for the processor to foresee it.
    #[inline(always)]
    pub(super) fn fetch(self, row: usize, from: usize, width: usize) {
        if row < self.rows {
            fetch(self.row(row, from, width));
        }
    }
}

/// Brings values near the processor that are read soon.
#[inline(always)]
fn fetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(WIDTH) {
        // SAFETY: every x86-64 processor has the instruction, which reads nothing that the program sees.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast())
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Room for one head: its keys and values by panels, the scores and the outcome of a block of queries.
#[derive(Debug)]
pub(crate) struct Scratch {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
    mixed: Vec<f32>,
}

impl Scratch {
    /// Room for `keys` keys of `width` values a head.
    pub(crate) fn new(keys: usize, width: usize) -> Scratch {
        let (padded, wide) = (keys.next_multiple_of(WIDTH), width.next_multiple_of(WIDTH));
        Scratch {
            keys: vec![0.0; padded * width],
            values: vec![0.0; keys * wide],
            scores: vec![0.0; BLOCK * padded],
            mixed: vec![0.0; BLOCK * wide],
        }
    }
}

/// `softmax(queries · keysᵀ · scale) · values`, head by head (Vaswani et al. 2017).
pub(crate) struct Attention<'a, S> {
    pub(crate) queries: Heads<'a>,
    pub(crate) keys: Heads<'a>,
    pub(crate) values: Heads<'a>,
    pub(crate) heads: usize,
    /// Values of a head.
    pub(crate) width: usize,
    pub(crate) scale: f32,
    /// Which keys take part; a query that sees none gets zeros.
    pub(crate) mask: Option<&'a [bool]>,
    /// [`Scratch`] in floating point, [`IntegerScratch`](super::integer_attention::IntegerScratch) in 16-bit integers.
    pub(crate) scratch: &'a mut S,
    /// Rows of all heads side by side, `stride` apart.
    pub(crate) out: &'a mut [f32],
    pub(crate) stride: usize,
}

impl<S> Attention<'_, S>
where
    Self: Kernel,
{
    pub(crate) fn run(self, isa: Isa) {
        isa.run(self);
    }
}

impl Kernel for Attention<'_, Scratch> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        for head in 0..self.heads {
            self.gather(head * self.width);
            for first in (0..self.queries.rows).step_by(BLOCK) {
                let rows = BLOCK.min(self.queries.rows - first);
                self.score(lanes, head, first, rows);
                self.mix(lanes, head, first, rows);
            }
        }
    }
}

impl Attention<'_, Scratch> {
    /// Copies a head's keys into panels of sixteen keys, its values into panels of sixteen columns.
    #[inline(always)]
    fn gather(&mut self, from: usize) {
        let (count, width) = (self.keys.rows, self.width);
        for key in 0..count {
            let panel = &mut self.scratch.keys[key / WIDTH * WIDTH * width..];
            for (d, &value) in self.keys.row(key, from, width).iter().enumerate() {
                panel[d * WIDTH + key % WIDTH] = value;
            }
            for (panel, part) in self.values.row(key, from, width).chunks(WIDTH).enumerate() {
                self.scratch.values[(panel * count + key) * WIDTH..][..part.len()].copy_from_slice(part);
            }
        }
    }

    /// Scores of `rows` queries from `first` on, all keys.
    #[inline(always)]
    fn score<L: Lanes>(&mut self, lanes: L, head: usize, first: usize, rows: usize) {
        let panels = self.keys.rows.div_ceil(WIDTH);
        let b = Columns { values: &self.scratch.keys, step: WIDTH, panel: WIDTH * self.width };
        let a = &self.queries.values[first * self.queries.stride + head * self.width..];
        let factors =
            FloatFactors { a, stride: self.queries.stride, depth: self.width, b, panels, bias: &[] };
        let values = &mut self.scratch.scores[..];
        let sink = &mut Plane { values, stride: panels * WIDTH, activation: Activation::None, add: false };
        lanes.enter(Product { factors, sink, rows });
    }

    /// Softmax of the scores, times the values.
    #[inline(always)]
    fn mix<L: Lanes>(&mut self, lanes: L, head: usize, first: usize, rows: usize) {
        let (keys, width) = (self.keys.rows, self.width);
        let (padded, wide) = (keys.next_multiple_of(WIDTH), width.next_multiple_of(WIDTH));
        let mut sums = [0.0; BLOCK];
        for (row, sum) in self.scratch.scores.chunks_exact_mut(padded.max(1)).zip(&mut sums).take(rows) {
            hide(row, keys, self.mask);
            *sum = exponentials(lanes, row, self.scale);
        }
        let b = Columns { values: &self.scratch.values, step: WIDTH, panel: WIDTH * keys };
        let a = &self.scratch.scores[..];
        let factors = FloatFactors { a, stride: padded, depth: keys, b, panels: wide / WIDTH, bias: &[] };
        let values = &mut self.scratch.mixed[..];
        let sink = &mut Plane { values, stride: wide, activation: Activation::None, add: false };
        lanes.enter(Product { factors, sink, rows });
        for (row, &sum) in sums.iter().enumerate().take(rows) {
            let inverse = if sum > 0.0 { 1.0 / sum } else { 0.0 };
            let to = &mut self.out[(first + row) * self.stride + head * width..][..width];
            for (to, &value) in to.iter_mut().zip(&self.scratch.mixed[row * wide..]) {
                *to = value * inverse;
            }
        }
    }
}

/// Takes out of a row the keys that are masked, and what fills its last panel.
#[inline(always)]
pub(super) fn hide(row: &mut [f32], keys: usize, mask: Option<&[bool]>) {
    row[keys..].fill(f32::NEG_INFINITY);
    for (score, _) in row.iter_mut().zip(mask.unwrap_or(&[])).filter(|(_, seen)| !**seen) {
        *score = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::super::integer_attention::IntegerScratch;
    use super::super::noise::Noise;
    use super::*;

    struct Case {
        queries: usize,
        keys: usize,
        heads: usize,
        width: usize,
    }

    fn run<S>(
        isa: Isa,
        case: &Case,
        parts: [&[f32]; 3],
        mask: Option<&[bool]>,
        room: fn(usize, usize) -> S,
    ) -> Vec<f32>
    where
        for<'a> Attention<'a, S>: Kernel,
    {
        let stride = case.heads * case.width;
        let mut out = vec![f32::NAN; case.queries * stride];
        let [queries, keys, values] = parts;
        let attention = Attention {
            queries: Heads { values: queries, stride, rows: case.queries },
            keys: Heads { values: keys, stride, rows: case.keys },
            values: Heads { values, stride, rows: case.keys },
            heads: case.heads,
            width: case.width,
            scale: 0.3,
            mask,
            scratch: &mut room(case.keys, case.width),
            out: &mut out,
            stride,
        };
        attention.run(isa);
        out
    }

    /// The definition in `f64`.
    fn reference(case: &Case, [queries, keys, values]: [&[f32]; 3], mask: &[bool]) -> Vec<f64> {
        let stride = case.heads * case.width;
        let mut out = vec![0.0; case.queries * stride];
        for (query, head) in
            (0..case.queries).flat_map(|query| (0..case.heads).map(move |head| (query, head)))
        {
            let at = |of: &[f32], row: usize, d: usize| f64::from(of[row * stride + head * case.width + d]);
            let seen: Vec<usize> = (0..case.keys).filter(|&key| mask[key]).collect();
            let score =
                |key| (0..case.width).map(|d| at(queries, query, d) * at(keys, key, d)).sum::<f64>() * 0.3;
            let most = seen.iter().map(|&key| score(key)).fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = seen.iter().map(|&key| (score(key) - most).exp()).collect();
            let sum: f64 = weights.iter().sum();
            for d in 0..case.width {
                let mixed: f64 =
                    seen.iter().zip(&weights).map(|(&key, weight)| weight * at(values, key, d)).sum();
                out[query * stride + head * case.width + d] = if sum > 0.0 { mixed / sum } else { 0.0 };
            }
        }
        out
    }

    fn check<S>(room: fn(usize, usize) -> S, tolerance: f64)
    where
        for<'a> Attention<'a, S>: Kernel,
    {
        let mut noise = Noise(8);
        for (queries, keys, heads, width) in
            [(1, 1, 1, 1), (5, 7, 2, 8), (30, 33, 3, 24), (49, 20, 2, 64), (3, 0, 2, 4), (7, 300, 1, 16)]
        {
            let case = Case { queries, keys, heads, width };
            let stride = heads * width;
            let parts = [queries, keys, keys].map(|rows| noise.normals(rows * stride, 1.0));
            let parts = [&parts[0][..], &parts[1], &parts[2]];
            let masks = [vec![true; keys], (0..keys).map(|key| key % 3 != 1).collect(), vec![false; keys]];
            for mask in masks {
                let expected = reference(&case, parts, &mask);
                let judge = run(Isa::Scalar, &case, parts, Some(&mask), room);
                for (got, expected) in judge.iter().zip(&expected) {
                    assert!((f64::from(*got) - expected).abs() < tolerance, "{got} {expected}");
                }
                for isa in Isa::all_available() {
                    assert_eq!(run(isa, &case, parts, Some(&mask), room), judge, "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn attention_is_near_its_definition_and_equal_on_every_isa() {
        check(Scratch::new, 1e-5);
    }

    #[test]
    fn attention_in_integers_is_near_its_definition_and_equal_on_every_isa() {
        check(IntegerScratch::new, 1e-2);
    }

    #[test]
    fn keys_that_are_not_seen_change_nothing_in_integers() {
        let case = Case { queries: 4, keys: 40, heads: 2, width: 16 };
        let mut noise = Noise(9);
        let [queries, mut keys, mut values] = [4, 40, 40].map(|rows| noise.normals(rows * 32, 1.0));
        let mask: Vec<bool> = (0..40).map(|key| key < 31).collect();
        let first = run(Isa::best(), &case, [&queries, &keys, &values], Some(&mask), IntegerScratch::new);
        keys[31 * 32..].fill(1e3);
        values[31 * 32..].fill(1e6);
        assert_eq!(
            run(Isa::best(), &case, [&queries, &keys, &values], Some(&mask), IntegerScratch::new),
            first
        );
    }

    #[test]
    fn the_greatest_sums_of_integers_fit() {
        for (score, value) in [(0.0, 1.0), (1e3, -1.0), (-1e3, 1.0)] {
            let case = Case { queries: 2, keys: 1000, heads: 1, width: 64 };
            let parts = [vec![score; 2 * 64], vec![1.0; 64_000], vec![value; 64_000]];
            let parts = [&parts[0][..], &parts[1], &parts[2]];
            for isa in Isa::all_available() {
                let got = run(isa, &case, parts, None, IntegerScratch::new);
                assert!(got.iter().all(|got| (got - value).abs() < 1e-3), "{isa:?} {}", got[0]);
            }
        }
    }
}
