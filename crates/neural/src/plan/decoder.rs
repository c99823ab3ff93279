//! The decoder of a transformer, step by step: each token attends to those before it, whose keys and values are kept, and to
//! the states of an encoder (Vaswani et al. 2017); normalised before each part, as Whisper does (Radford et al. 2022).
//!
//! Rows are computed one by one whatever stands beside them, so that a token's logits are the same to the bit whether it was
//! read alone, with those before it or beside other sequences.

use std::ops::Range;

use super::dense::{Dense, Rows};
use super::encoder::GROUP;
use crate::kernel::kept::{Attend, Kept};
use crate::kernel::quantised::Activations;
use crate::kernel::rows::{Activation, Norm};
use crate::kernel::{Isa, Plane, WIDTH};
use crate::{Cache, Error};

/// Rows whose logits are computed at once: they are as wide as the vocabulary.
const LOGITS: usize = 16;

/// A block whose layers are laid out.
#[derive(Debug)]
pub(crate) struct DecoderBlock {
    /// Query, key and value of the tokens as one product.
    pub(crate) attend: Dense,
    pub(crate) output: Dense,
    /// Query to the source.
    pub(crate) query: Dense,
    /// Key and value of the source's states as one product.
    pub(crate) source: Dense,
    pub(crate) source_output: Dense,
    pub(crate) up: Dense,
    pub(crate) down: Dense,
    pub(crate) attention_norm: Norm,
    pub(crate) source_norm: Norm,
    pub(crate) linear_norm: Norm,
}

/// A decoder ready to run. Its parts fit each other.
#[derive(Debug)]
pub(crate) struct DecoderPlan {
    pub(crate) isa: Isa,
    pub(crate) heads: usize,
    /// `[width, vocabulary]`: what a token is on its way in, and its logit on the way out.
    pub(crate) embeddings: Dense,
    /// `[context, width]`.
    pub(crate) positions: Vec<f32>,
    pub(crate) blocks: Vec<DecoderBlock>,
    pub(crate) last_norm: Norm,
}

/// A sequence and what is read of it next.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The tokens that follow those in the cache.
    pub tokens: &'a [u32],
    /// What was read of this sequence so far.
    pub cache: &'a mut Cache,
    /// What it is decoded from; sequences may share it.
    pub source: &'a Cache,
}

/// The memory of a decoder's steps; one for each thread.
#[derive(Debug)]
pub(crate) struct DecoderWorkspace {
    /// Rows it has room for.
    rows: usize,
    /// Rows of the last step.
    read: usize,
    /// `[rows, width]`, the residual stream.
    stream: Vec<f32>,
    /// `[rows, 3 · width]`: queries, keys and values.
    attend: Vec<f32>,
    /// `[rows, width]`, like the next.
    mixed: Vec<f32>,
    normal: Vec<f32>,
    /// `[rows, hidden]`.
    hidden: Vec<f32>,
    narrow: Activations,
    wide: Activations,
    /// One a token or state, whole sixteens.
    scores: Vec<f32>,
    /// `[LOGITS, vocabulary]`.
    logits: Vec<f32>,
}

impl DecoderPlan {
    /// Values of a token.
    pub(crate) fn width(&self) -> usize {
        self.last_norm.scale.len()
    }

    /// Tokens a sequence can have.
    pub(crate) fn context(&self) -> usize {
        self.positions.len() / self.width().max(1)
    }

    /// Tokens it knows.
    pub(crate) fn vocabulary(&self) -> usize {
        self.embeddings.shape()[1]
    }

    fn hidden(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.up.shape()[1])
    }

    fn stride(&self) -> usize {
        self.width().next_multiple_of(WIDTH)
    }

    fn attend_stride(&self) -> usize {
        (3 * self.width()).next_multiple_of(WIDTH)
    }

    fn split(&self) -> [usize; 2] {
        [self.heads, self.width() / self.heads]
    }

    /// An empty cache for this many tokens, or states of a source.
    pub(crate) fn cache(&self, capacity: usize) -> Cache {
        Cache::new(self.blocks.len(), capacity, self.split())
    }

    /// Memory for steps of up to `rows` tokens of all sequences together, and for sources of up to `states` states.
    pub(crate) fn workspace(&self, rows: usize, states: usize) -> DecoderWorkspace {
        let rows = rows.max(GROUP);
        DecoderWorkspace {
            rows,
            read: 0,
            stream: vec![0.0; rows * self.stride()],
            attend: vec![0.0; rows * self.attend_stride()],
            mixed: vec![0.0; rows * self.stride()],
            normal: vec![0.0; rows * self.stride()],
            hidden: vec![0.0; rows * self.hidden().next_multiple_of(WIDTH)],
            narrow: Activations::new(self.isa, rows, self.width()),
            wide: Activations::new(self.isa, rows, self.hidden()),
            scores: vec![0.0; self.context().max(states).next_multiple_of(WIDTH)],
            logits: vec![0.0; LOGITS * self.vocabulary().next_multiple_of(WIDTH)],
        }
    }

    /// Takes in the states of a source, `[states, width]`: keys and values of every block, in place of what was there.
    ///
    /// # Errors
    /// States that are not whole, more than the source or the workspace has room for, or a source of another network.
    pub(crate) fn take_in(
        &self,
        room: &mut DecoderWorkspace,
        states: &[f32],
        source: &mut Cache,
    ) -> Result<(), Error> {
        let width = self.width();
        if !states.len().is_multiple_of(width) || !source.fits(self.blocks.len(), self.split()) {
            let got = format!("{} values", states.len());
            return Err(Error::tensor(
                "states",
                format!("rows of {width}, and a source of this network"),
                got,
            ));
        }
        let most = source.capacity.min(room.scores.len());
        Error::limit("a source", most as u64, (states.len() / width) as u64, "states")?;
        let stride = (2 * width).next_multiple_of(WIDTH);
        for (first, states) in states.chunks(GROUP * width).enumerate() {
            let count = states.len() / width;
            for (block, kept) in self.blocks.iter().zip(&mut source.layers) {
                let pairs = &mut room.attend[..count * stride];
                let mut plane = Plane { values: pairs, stride, activation: Activation::None, add: false };
                block.source.multiply(
                    Rows { values: states, stride: width, count },
                    &mut room.narrow,
                    &mut plane,
                );
                kept.keep_rows(first * GROUP, &room.attend[..count * stride], stride);
            }
        }
        source.length = states.len() / width;
        Ok(())
    }

    /// Reads what follows in each sequence and keeps it; logits of each token read can then be had. Sets aside no memory.
    ///
    /// # Errors
    /// More tokens than the workspace, a cache or the network has room for; a token that is not in the vocabulary; a cache or
    /// source of another network. Nothing was read then.
    pub(crate) fn read(&self, room: &mut DecoderWorkspace, turns: &mut [Turn<'_>]) -> Result<(), Error> {
        let rows = self.check(room, turns)?;
        self.embed(room, turns);
        for (layer, block) in self.blocks.iter().enumerate() {
            self.attend(block, room, rows, |room| {
                let mut first = 0;
                for turn in turns.iter_mut() {
                    self.mix(room, first, turn, layer);
                    first += turn.tokens.len();
                }
            });
            self.consult(block, room, rows, |room| {
                let mut first = 0;
                for turn in turns.iter() {
                    self.mix_source(room, first..first + turn.tokens.len(), turn.source, layer);
                    first += turn.tokens.len();
                }
            });
            self.widen(block, room, rows);
        }
        let (stream, normal) = (&room.stream[..rows * self.stride()], &mut room.normal);
        self.last_norm.apply(self.isa, stream, normal, self.stride());
        turns.iter_mut().for_each(|turn| turn.cache.length += turn.tokens.len());
        room.read = rows;
        Ok(())
    }

    /// Logits of the token that follows each of these rows of the last step, `[rows, vocabulary]` a row at a time.
    ///
    /// # Errors
    /// Rows that were not read, or more than 16.
    pub(crate) fn logits<'a>(
        &self,
        room: &'a mut DecoderWorkspace,
        rows: Range<usize>,
    ) -> Result<impl ExactSizeIterator<Item = &'a [f32]>, Error> {
        let (count, stride) = (rows.len(), self.vocabulary().next_multiple_of(WIDTH));
        if rows.end > room.read {
            return Err(Error::tensor("logits", format!("rows below {}", room.read), format!("{rows:?}")));
        }
        Error::limit("logits", LOGITS as u64, count as u64, "rows")?;
        let values = &room.normal[rows.start * self.stride()..];
        let out = &mut room.logits[..count * stride];
        let mut plane = Plane { values: out, stride, activation: Activation::None, add: false };
        self.embeddings.multiply(Rows { values, stride: self.stride(), count }, &mut room.narrow, &mut plane);
        let vocabulary = self.vocabulary();
        Ok(room.logits[..count * stride].chunks_exact(stride).map(move |row| &row[..vocabulary]))
    }

    /// Rows of a step that can be read.
    fn check(&self, room: &DecoderWorkspace, turns: &[Turn<'_>]) -> Result<usize, Error> {
        let rows = turns.iter().map(|turn| turn.tokens.len()).sum();
        Error::limit("a step", room.rows as u64, rows as u64, "tokens")?;
        for Turn { tokens, cache, source } in turns {
            let most = cache.capacity.min(self.context());
            Error::limit("a sequence", most as u64, (cache.length + tokens.len()) as u64, "tokens")?;
            let fits = |it: &Cache| it.fits(self.blocks.len(), self.split());
            if !fits(cache) || !fits(source) || source.length > room.scores.len() {
                return Err(Error::tensor("cache", "caches of this network", "another's"));
            }
            if let Some(token) = tokens.iter().find(|it| **it as usize >= self.vocabulary()) {
                let expected = format!("numbers from 0 to {}", self.vocabulary() - 1);
                return Err(Error::tensor("tokens", expected, token.to_string()));
            }
        }
        Ok(rows)
    }

    /// Each token's embedding and position.
    fn embed(&self, room: &mut DecoderWorkspace, turns: &[Turn<'_>]) {
        let width = self.width();
        let places = turns.iter().flat_map(|it| it.tokens.iter().zip(it.cache.length..));
        for ((token, place), row) in places.zip(room.stream.chunks_exact_mut(self.stride())) {
            self.embeddings.column(*token as usize, &mut row[..width]);
            let positions = &self.positions[place * width..][..width];
            row.iter_mut().zip(positions).for_each(|(value, position)| *value += position);
        }
    }

    /// `stream += output · attention(norm(stream))`; `mix` does what lies between the products.
    fn attend(
        &self,
        block: &DecoderBlock,
        room: &mut DecoderWorkspace,
        rows: usize,
        mix: impl FnOnce(&mut DecoderWorkspace),
    ) {
        let (stride, wide) = (self.stride(), self.attend_stride());
        block.attention_norm.apply(self.isa, &room.stream[..rows * stride], &mut room.normal, stride);
        let from = Rows { values: &room.normal, stride, count: rows };
        block.attend.multiply(from, &mut room.narrow, &mut plain(&mut room.attend, wide));
        mix(room);
        let from = Rows { values: &room.mixed, stride, count: rows };
        block.output.multiply(from, &mut room.narrow, &mut added(&mut room.stream, stride));
    }

    /// Keeps keys and values of a turn's rows, which start at `first`, and attends from each to those up to itself.
    fn mix(&self, room: &mut DecoderWorkspace, first: usize, turn: &mut Turn<'_>, layer: usize) {
        let (stride, wide, width) = (self.stride(), self.attend_stride(), self.width());
        let (kept, length) = (&mut turn.cache.layers[layer], turn.cache.length);
        for at in 0..turn.tokens.len() {
            let (row, place) = (first + at, length + at);
            let (queries, pairs) = room.attend[row * wide..][..3 * width].split_at(width);
            kept.keep(place, &pairs[..width], &pairs[width..]);
            let out = &mut room.mixed[row * stride..][..width];
            self.isa.run(Attend { kept, queries, group: 1, seen: place + 1, scores: &mut room.scores, out });
        }
    }

    /// `stream += source_output · attention(norm(stream) to the source)`.
    fn consult(
        &self,
        block: &DecoderBlock,
        room: &mut DecoderWorkspace,
        rows: usize,
        mix: impl FnOnce(&mut DecoderWorkspace),
    ) {
        let stride = self.stride();
        block.source_norm.apply(self.isa, &room.stream[..rows * stride], &mut room.normal, stride);
        let from = Rows { values: &room.normal, stride, count: rows };
        block.query.multiply(from, &mut room.narrow, &mut plain(&mut room.attend, stride));
        mix(room);
        let from = Rows { values: &room.mixed, stride, count: rows };
        block.source_output.multiply(from, &mut room.narrow, &mut added(&mut room.stream, stride));
    }

    /// Attends from each of these rows to the whole source; without a state there is nothing to add.
    fn mix_source(&self, room: &mut DecoderWorkspace, rows: Range<usize>, source: &Cache, layer: usize) {
        let (stride, width, seen) = (self.stride(), self.width(), source.length);
        let kept: &Kept = &source.layers[layer];
        for row in rows {
            let out = &mut room.mixed[row * stride..][..width];
            if seen == 0 {
                out.fill(0.0);
                continue;
            }
            let queries = &room.attend[row * stride..][..width];
            self.isa.run(Attend { kept, queries, group: 1, seen, scores: &mut room.scores, out });
        }
    }

    /// `stream += down · gelu(up · norm(stream))`.
    fn widen(&self, block: &DecoderBlock, room: &mut DecoderWorkspace, rows: usize) {
        let (stride, wide) = (self.stride(), self.hidden().next_multiple_of(WIDTH));
        block.linear_norm.apply(self.isa, &room.stream[..rows * stride], &mut room.normal, stride);
        let from = Rows { values: &room.normal, stride, count: rows };
        let mut plane = Plane { activation: Activation::Gelu, ..plain(&mut room.hidden, wide) };
        block.up.multiply(from, &mut room.narrow, &mut plane);
        let from = Rows { values: &room.hidden, stride: wide, count: rows };
        block.down.multiply(from, &mut room.wide, &mut added(&mut room.stream, stride));
    }
}

/// A plane that is replaced.
fn plain(values: &mut [f32], stride: usize) -> Plane<'_> {
    Plane { values, stride, activation: Activation::None, add: false }
}

/// A plane that the product is added to.
fn added(values: &mut [f32], stride: usize) -> Plane<'_> {
    Plane { add: true, ..plain(values, stride) }
}
