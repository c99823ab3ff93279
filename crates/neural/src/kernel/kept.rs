//! Attention of each token to those before it or to another sequence (Vaswani et al. 2017), with keys and values kept, which
//! groups of heads may share (Ainslie et al. 2023).

use super::{Kernel, Lanes, WIDTH, rows::exponentials};

/// Keys and values of tokens, for one layer.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// `[heads, width, capacity]`: lanes run over tokens.
    keys: Vec<f32>,
    /// `[heads, capacity, width]`: lanes run over the width.
    values: Vec<f32>,
    capacity: usize,
    width: usize,
}

impl Kept {
    /// Room for `capacity` tokens, a multiple of sixteen, of `heads` heads of this width.
    pub(crate) fn new(capacity: usize, heads: usize, width: usize) -> Self {
        let all = heads * capacity * width;
        Kept { keys: vec![0.0; all], values: vec![0.0; all], capacity, width }
    }

    /// Keeps keys and values `[heads, width]` of the token at `place`.
    pub(crate) fn keep(&mut self, place: usize, keys: &[f32], values: &[f32]) {
        let (capacity, width) = (self.capacity, self.width);
        for (at, key) in keys.iter().enumerate() {
            self.keys[at * capacity + place] = *key;
        }
        for (head, values) in values.chunks_exact(width).enumerate() {
            self.values[(head * capacity + place) * width..][..width].copy_from_slice(values);
        }
    }

    /// Keeps rows `[keys of all heads, values of all heads]`, `stride` apart, of the tokens from `first` on: the same as one
    /// after another, sixteen at a time so that neighbours are written together.
    pub(crate) fn keep_rows(&mut self, first: usize, rows: &[f32], stride: usize) {
        let heads = self.keys.len() / (self.capacity * self.width).max(1);
        let all = heads * self.width;
        for (block, rows) in rows.chunks(WIDTH * stride).enumerate() {
            let place = first + block * WIDTH;
            for at in 0..all {
                let keys = &mut self.keys[at * self.capacity + place..];
                keys.iter_mut().zip(rows.chunks(stride)).for_each(|(key, row)| *key = row[at]);
            }
            for (row, values) in rows.chunks(stride).enumerate() {
                for (head, values) in values[all..2 * all].chunks_exact(self.width).enumerate() {
                    let to = (head * self.capacity + place + row) * self.width;
                    self.values[to..][..self.width].copy_from_slice(values);
                }
            }
        }
    }
}

/// One token's queries `[heads, width]` over all kept tokens up to its own; `out` has the shape of the queries.
pub(crate) struct Attend<'a> {
    pub(crate) kept: &'a Kept,
    pub(crate) queries: &'a [f32],
    /// Query heads that share a key head.
    pub(crate) group: usize,
    /// Tokens it sees, its own included.
    pub(crate) seen: usize,
    /// Room for one score a token, whole sixteens.
    pub(crate) scores: &'a mut [f32],
    pub(crate) out: &'a mut [f32],
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let width = self.kept.width;
        let scores = &mut self.scores[..self.seen.next_multiple_of(WIDTH)];
        let heads = self.queries.chunks_exact(width).zip(self.out.chunks_exact_mut(width));
        for (head, (query, out)) in heads.enumerate() {
            let of = head / self.group * self.kept.capacity * width;
            score(lanes, query, &self.kept.keys[of..], self.kept.capacity, scores);
            scores[self.seen..].fill(f32::NEG_INFINITY);
            let sum = exponentials(lanes, scores, 1.0 / (width as f32).sqrt());
            mix(lanes, &scores[..self.seen], &self.kept.values[of..], 1.0 / sum, out);
        }
    }
}

/// The products of a query with the keys of sixteen tokens at a time.
#[inline(always)]
fn score<L: Lanes>(lanes: L, query: &[f32], keys: &[f32], capacity: usize, scores: &mut [f32]) {
    for (at, scores) in scores.as_chunks_mut().0.iter_mut().enumerate() {
        let mut sum = lanes.splat(0.0);
        for (row, value) in query.iter().enumerate() {
            let keys =
                keys[row * capacity + at * WIDTH..].first_chunk().expect("the capacity is whole sixteens");
            sum = lanes.fma(lanes.splat(*value), lanes.load(keys), sum);
        }
        lanes.store(scores, sum);
    }
}

/// The values of all tokens, each by its share.
#[inline(always)]
fn mix<L: Lanes>(lanes: L, shares: &[f32], values: &[f32], scale: f32, out: &mut [f32]) {
    let width = out.len();
    for (at, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let mut sum = lanes.splat(0.0);
        for (share, values) in shares.iter().zip(values.chunks_exact(width)) {
            let values = values[at * WIDTH..].first_chunk().expect("the width is whole sixteens");
            sum = lanes.fma(lanes.splat(*share), lanes.load(values), sum);
        }
        lanes.store(out, lanes.mul(sum, lanes.splat(scale)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Isa, noise::Noise};
    use super::*;

    #[test]
    fn rows_kept_together_are_those_kept_one_by_one_and_attention_is_its_definition() {
        let (heads, width, tokens, stride) = (3, 16, 37, 2 * 3 * 16 + 16);
        let mut noise = Noise(11);
        let rows = noise.normals(tokens * stride, 1.0);
        let (mut one, mut many) = (Kept::new(48, heads, width), Kept::new(48, heads, width));
        for (place, row) in rows.chunks(stride).enumerate() {
            one.keep(place, &row[..heads * width], &row[heads * width..2 * heads * width]);
        }
        many.keep_rows(0, &rows[..20 * stride], stride);
        many.keep_rows(20, &rows[20 * stride..], stride);
        assert!(one.keys == many.keys && one.values == many.values);
        let queries = noise.normals(heads * width, 1.0);
        let mut judge = None;
        for isa in Isa::all_available() {
            let (mut scores, mut out) = (vec![7.0; 48], vec![0.0; heads * width]);
            let scores = &mut scores[..];
            isa.run(Attend { kept: &many, queries: &queries, group: 1, seen: tokens, scores, out: &mut out });
            assert_eq!(*judge.get_or_insert_with(|| out.clone()), out, "{isa:?}");
        }
        for (at, got) in judge.unwrap().iter().enumerate() {
            let head = at / width * width;
            let f = |it: &f32| f64::from(*it);
            let share = |row: &[f32]| {
                let product = (head..head + width).map(|d| f(&queries[d]) * f(&row[d])).sum::<f64>();
                (product / (width as f64).sqrt()).exp()
            };
            let sum: f64 = rows.chunks(stride).map(share).sum();
            let mixed: f64 =
                rows.chunks(stride).map(|row| share(row) * f(&row[heads * width + at])).sum::<f64>() / sum;
            assert!((f(got) - mixed).abs() < 1e-5, "{got} {mixed}");
        }
    }
}
