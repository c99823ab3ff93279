//! Attention in 16-bit integers, whose products are added in pairs: half as many multiplications as in floating point, and
//! nothing lost that 8-bit layers beside it would keep.
//!
//! Queries and keys have a scale for each row of a head and reach ±2047; values reach ±255 with a scale for each key, which
//! goes into the key's share before that is rounded to 15 bits. No scale knows another sequence, nor a key that is masked: an
//! answer does not depend on what it is computed beside. 8-bit shares (0 to 255) would lose every key that has less than a
//! five-hundredth of the greatest share, and of 1500 keys those can be most.

use super::attention::{AHEAD, Attention, BLOCK, hide};
use super::product::{Factors, Plane, Product};
use super::quantised::Line;
use super::rows::{Activation, quantise_signed, shares};
use super::{Kernel, Lanes, WIDTH};

/// Greatest integer of a query or key.
const MOST_SCORED: f32 = 2047.0;
/// Greatest integer of a value.
const MOST_VALUE: f32 = 255.0;
/// Greatest integer of a share.
const MOST_SHARE: f32 = 32767.0;
/// Words of two products that are added as integers: 2 · 128 products of at most 255 · 32767, or of 2047², fit 32 bits.
const EXACT: usize = 128;

/// Room for one head: its keys and values by panels, and a block of queries on its way.
#[derive(Debug)]
pub(crate) struct IntegerScratch {
    /// `[key panels, words of a row]`.
    keys: Vec<Line<i32>>,
    key_scales: Vec<Line<f32>>,
    /// `[column panels, words of keys]`.
    values: Vec<Line<i32>>,
    /// Per key, in whole panels: what its share is multiplied by.
    value_scales: Vec<f32>,
    /// `[BLOCK, row in whole sixteens]`.
    queries: Vec<i16>,
    query_scales: [f32; BLOCK],
    /// `[BLOCK, keys in whole panels]`.
    scores: Vec<f32>,
    shares: Vec<i16>,
    mixed: Vec<f32>,
    /// One row in whole sixteens.
    row: Vec<i16>,
}

impl IntegerScratch {
    /// Room for `keys` keys of `width` values a head.
    pub(crate) fn new(keys: usize, width: usize) -> IntegerScratch {
        let (padded, wide) = (keys.next_multiple_of(WIDTH), width.next_multiple_of(WIDTH));
        IntegerScratch {
            keys: vec![Line([0; WIDTH]); padded / WIDTH * wide / 2],
            key_scales: vec![Line([0.0; WIDTH]); padded / WIDTH],
            values: vec![Line([0; WIDTH]); wide / WIDTH * padded / 2],
            value_scales: vec![0.0; padded],
            queries: vec![0; BLOCK * wide],
            query_scales: [0.0; BLOCK],
            scores: vec![0.0; BLOCK * padded],
            shares: vec![0; BLOCK * padded],
            mixed: vec![0.0; BLOCK * wide],
            row: vec![0; wide],
        }
    }
}

impl Kernel for Attention<'_, IntegerScratch> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        for head in 0..self.heads {
            self.gather_keys(lanes, head * self.width);
            let greatest = self.gather_values(lanes, head * self.width);
            for first in (0..self.queries.rows).step_by(BLOCK) {
                let rows = BLOCK.min(self.queries.rows - first);
                self.score(lanes, head, first, rows);
                self.mix(lanes, greatest, rows);
                self.give(head, first, rows);
            }
        }
    }
}

impl Attention<'_, IntegerScratch> {
    /// Quantises a head's keys into panels of sixteen.
    #[inline(always)]
    fn gather_keys<L: Lanes>(&mut self, lanes: L, from: usize) {
        let IntegerScratch { keys, key_scales, row, .. } = &mut *self.scratch;
        let words = row.len() / 2;
        for key in 0..self.keys.rows {
            let (panel, lane) = (key / WIDTH, key % WIDTH);
            self.keys.fetch(key + AHEAD, from, self.width);
            let scale = quantise_signed(lanes, self.keys.row(key, from, self.width), row, MOST_SCORED);
            key_scales[panel].0[lane] = scale;
            for (line, pair) in keys[panel * words..][..words].iter_mut().zip(row.as_chunks().0) {
                line.0[lane] = word(*pair);
            }
        }
    }

    /// Quantises a head's values, two keys to a word, into panels of sixteen columns; scales relative to the greatest of the
    /// keys that are seen, which is given back.
    #[inline(always)]
    fn gather_values<L: Lanes>(&mut self, lanes: L, from: usize) -> f32 {
        let padded = self.values.rows.next_multiple_of(WIDTH);
        let IntegerScratch { values, value_scales, row, .. } = &mut *self.scratch;
        let (value_scales, half, mut greatest) = (&mut value_scales[..padded], padded / 2, 0.0f32);
        for key in 0..self.values.rows {
            self.values.fetch(key + AHEAD, from, self.width);
            let scale = quantise_signed(lanes, self.values.row(key, from, self.width), row, MOST_VALUE);
            value_scales[key] = scale;
            if self.mask.is_none_or(|mask| mask[key]) && scale > greatest {
                greatest = scale;
            }
            for (panel, part) in row.as_chunks::<WIDTH>().0.iter().enumerate() {
                let line = &mut values[panel * half + key / 2].0;
                for (word, &value) in line.iter_mut().zip(part) {
                    // The second key of a word comes after the first and keeps its half.
                    *word =
                        if key % 2 == 0 { i32::from(value) & 0xffff } else { *word | i32::from(value) << 16 };
                }
            }
        }
        let factor = if greatest > 0.0 { MOST_SHARE / greatest } else { 0.0 };
        for (key, scale) in value_scales.iter_mut().enumerate() {
            let is_seen = key < self.values.rows && self.mask.is_none_or(|mask| mask[key]);
            *scale = if is_seen { *scale * factor } else { 0.0 };
        }
        greatest
    }

    /// Scores of `rows` queries from `first` on, all keys.
    #[inline(always)]
    fn score<L: Lanes>(&mut self, lanes: L, head: usize, first: usize, rows: usize) {
        let IntegerScratch { keys, key_scales, queries, query_scales, scores, row, .. } = &mut *self.scratch;
        let wide = row.len();
        for (at, to) in queries.chunks_exact_mut(wide.max(1)).enumerate().take(rows) {
            self.queries.fetch(first + at + AHEAD, head * self.width, self.width);
            let values = self.queries.row(first + at, head * self.width, self.width);
            query_scales[at] = quantise_signed(lanes, values, to, MOST_SCORED);
        }
        let panels = self.keys.rows.div_ceil(WIDTH);
        let (stride, scales) = (panels * WIDTH, Scales::Columns(&key_scales[..panels]));
        let b = &keys[..panels * wide / 2];
        let factors = PairFactors { a: queries, words: wide / 2, b, scales };
        let sink = &mut Plane { values: scores, stride, activation: Activation::None, add: false };
        lanes.enter(Product { factors, sink, rows });
    }

    /// Softmax of the scores, times the values.
    #[inline(always)]
    fn mix<L: Lanes>(&mut self, lanes: L, greatest: f32, rows: usize) {
        let IntegerScratch { values, value_scales, query_scales, scores, shares: to, mixed, row, .. } =
            &mut *self.scratch;
        let (padded, wide) = (self.keys.rows.next_multiple_of(WIDTH), row.len());
        let (value_scales, values) = (&value_scales[..padded], &values[..wide / WIDTH * padded / 2]);
        for (at, (row, to)) in scores
            .chunks_exact_mut(padded.max(1))
            .zip(to.chunks_exact_mut(padded.max(1)))
            .enumerate()
            .take(rows)
        {
            hide(row, self.keys.rows, self.mask);
            let sum = shares(lanes, row, self.scale * query_scales[at], value_scales, to);
            query_scales[at] = if sum > 0.0 { greatest / (MOST_SHARE * sum) } else { 0.0 };
        }
        let scales = Scales::Rows(query_scales);
        let factors = PairFactors { a: to, words: padded / 2, b: values, scales };
        let sink = &mut Plane { values: mixed, stride: wide, activation: Activation::None, add: false };
        lanes.enter(Product { factors, sink, rows });
    }

    /// What came out for a block of queries.
    #[inline(always)]
    fn give(&mut self, head: usize, first: usize, rows: usize) {
        let wide = self.scratch.row.len();
        for (row, mixed) in self.scratch.mixed.chunks_exact(wide.max(1)).enumerate().take(rows) {
            let to = &mut self.out[(first + row) * self.stride + head * self.width..][..self.width];
            to.copy_from_slice(&mixed[..self.width]);
        }
    }
}

#[inline(always)]
fn word([low, high]: [i16; 2]) -> i32 {
    i32::from(low) & 0xffff | i32::from(high) << 16
}

/// What sums of integers are multiplied by.
#[derive(Clone, Copy)]
enum Scales<'a> {
    /// One a row.
    Rows(&'a [f32; BLOCK]),
    /// One a column.
    Columns(&'a [Line<f32>]),
}

/// `a · b` by these scales.
#[derive(Clone, Copy)]
struct PairFactors<'a> {
    a: &'a [i16],
    /// Words of two values in a row of `a` and in each sum.
    words: usize,
    /// `[panels, words]`.
    b: &'a [Line<i32>],
    scales: Scales<'a>,
}

impl Factors for PairFactors<'_> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.b.len() / self.words.max(1)
    }

    #[inline(always)]
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M] {
        let words = self.words;
        let a = &self.a[2 * row * words..2 * (row + M) * words];
        let b = &self.b[panel * words..(panel + N) * words];
        let mut tile = [[lanes.splat(0.0); N]; M];
        for first in (0..words).step_by(EXACT) {
            let reach = first..words.min(first + EXACT);
            // SAFETY: `reach` lies in `words`; `a` are `M` rows, `b` `N` panels of as many.
            let sums = unsafe { pair_tile::<L, M, N>(lanes, reach, words, a.as_ptr(), b.as_ptr()) };
            for m in 0..M {
                for n in 0..N {
                    let sum = lanes.float(sums[m][n]);
                    tile[m][n] = if first == 0 { sum } else { lanes.add(tile[m][n], sum) };
                }
            }
        }
        self.scaled(lanes, row, panel, tile)
    }
}

/// Sums of the products of the words in `reach` of `M` rows and `N` panels, `words` words each.
///
/// # Safety
/// `reach` is within `words`; `a` points to `M · words` words, `b` to `N · words` lines.
#[inline(always)]
unsafe fn pair_tile<L: Lanes, const M: usize, const N: usize>(
    lanes: L,
    reach: std::ops::Range<usize>,
    words: usize,
    a: *const i16,
    b: *const Line<i32>,
) -> [[L::I; N]; M] {
    let mut sums = [[lanes.splat_i(0); N]; M];
    for at in reach {
        let mut line = [lanes.splat_i(0); N];
        for (n, line) in line.iter_mut().enumerate() {
            // SAFETY: `at` is below `words`, `n` below `N`.
            *line = lanes.load_i(unsafe { &(*b.add(n * words + at)).0 });
        }
        for m in 0..M {
            // SAFETY: `at` is below `words`, `m` below `M`.
            let word = lanes.splat_i(unsafe { a.cast::<i32>().add(m * words + at).read_unaligned() });
            for n in 0..N {
                sums[m][n] = lanes.pairs(sums[m][n], word, line[n]);
            }
        }
    }
    sums
}

impl PairFactors<'_> {
    #[inline(always)]
    fn scaled<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
        mut tile: [[L::F; N]; M],
    ) -> [[L::F; N]; M] {
        for n in 0..N {
            for m in 0..M {
                let scale = match self.scales {
                    Scales::Rows(rows) => lanes.splat(rows[row + m]),
                    Scales::Columns(columns) => lanes.load(&columns[panel + n].0),
                };
                tile[m][n] = lanes.mul(tile[m][n], scale);
            }
        }
        tile
    }
}
