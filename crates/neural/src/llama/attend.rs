//! Attention of each token to those before it (Vaswani et al. 2017), with keys and values kept and shared by groups of heads
//! (Ainslie et al. 2023).

use crate::kernel::{Kernel, Lanes, WIDTH, rows::exponentials};

/// Keys and values of the tokens read so far, for one layer.
pub(super) struct Kept {
    /// `[heads, width, capacity]`: lanes run over tokens.
    keys: Vec<f32>,
    /// `[heads, capacity, width]`: lanes run over the width.
    values: Vec<f32>,
    capacity: usize,
    width: usize,
}

impl Kept {
    /// Room for `capacity` tokens, a multiple of sixteen, of `heads` heads of this width.
    pub(super) fn new(capacity: usize, heads: usize, width: usize) -> Self {
        let all = heads * capacity * width;
        Kept { keys: vec![0.0; all], values: vec![0.0; all], capacity, width }
    }

    /// Keeps keys and values `[heads, width]` of the token at `place`.
    pub(super) fn keep(&mut self, place: usize, keys: &[f32], values: &[f32]) {
        let (capacity, width) = (self.capacity, self.width);
        for (at, key) in keys.iter().enumerate() {
            self.keys[at * capacity + place] = *key;
        }
        for (head, values) in values.chunks_exact(width).enumerate() {
            self.values[(head * capacity + place) * width..][..width].copy_from_slice(values);
        }
    }
}

/// One token's queries `[heads, width]` over all kept tokens up to its own; `out` has the shape of the queries.
pub(super) struct Attend<'a> {
    pub(super) kept: &'a Kept,
    pub(super) queries: &'a [f32],
    /// Query heads that share a key head.
    pub(super) group: usize,
    /// Tokens it sees, its own included.
    pub(super) seen: usize,
    /// One score a token, whole sixteens.
    pub(super) scores: &'a mut Vec<f32>,
    pub(super) out: &'a mut [f32],
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let width = self.kept.width;
        let heads = self.queries.chunks_exact(width).zip(self.out.chunks_exact_mut(width));
        for (head, (query, out)) in heads.enumerate() {
            let of = head / self.group * self.kept.capacity * width;
            self.scores.clear();
            self.scores.resize(self.seen.next_multiple_of(WIDTH), 0.0);
            score(lanes, query, &self.kept.keys[of..], self.kept.capacity, self.scores);
            self.scores[self.seen..].fill(f32::NEG_INFINITY);
            let sum = exponentials(lanes, self.scores, 1.0 / (width as f32).sqrt());
            mix(lanes, &self.scores[..self.seen], &self.kept.values[of..], 1.0 / sum, out);
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
