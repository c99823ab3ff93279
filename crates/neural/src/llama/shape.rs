//! What a GGUF file says of its language network: sizes, checked before anything is computed with them.

use crate::{Error, Note, Weights};

/// Sizes of a network of the Llama family.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) layers: usize,
    /// Width of a token's state.
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) key_heads: usize,
    pub(super) head_width: usize,
    /// Tokens it can read.
    pub(super) context: usize,
    pub(super) vocabulary: usize,
    pub(super) epsilon: f32,
    /// Base of the rotary angles.
    pub(super) base: f64,
}

/// Largest of any size: far above all networks that run on one CPU.
const MAX_SIZE: i64 = 1 << 20;

impl Shape {
    pub(super) fn of(weights: &Weights) -> Result<Self, Error> {
        match weights.notes().get("general.architecture") {
            Some(Note::Text(it)) if it == "llama" => {}
            other => {
                let got = format!("{other:?}");
                return Err(Error::malformed("general.architecture", "a network of the llama family", got));
            }
        }
        let heads = size(weights, "attention.head_count")?;
        let width = size(weights, "embedding_length")?;
        let vocabulary = weights.section("token_embd.weight")?.shape.first().copied().unwrap_or(0);
        let shape = Shape {
            layers: size(weights, "block_count")?,
            width,
            heads,
            key_heads: size(weights, "attention.head_count_kv")?,
            head_width: width / heads,
            context: size(weights, "context_length")?,
            vocabulary,
            epsilon: number(weights, "attention.layer_norm_rms_epsilon")? as f32,
            base: number(weights, "rope.freq_base").unwrap_or(10_000.0),
        };
        shape.check()
    }

    fn check(self) -> Result<Self, Error> {
        let fits = self.width.is_multiple_of(self.heads)
            && self.heads.is_multiple_of(self.key_heads)
            && self.head_width.is_multiple_of(16);
        if fits {
            return Ok(self);
        }
        let got = format!("width {}, {} heads, {} of keys", self.width, self.heads, self.key_heads);
        Err(Error::malformed("llama", "heads that divide the width into multiples of 16", got))
    }

    /// Width of all keys, or of all values, of a token.
    pub(super) fn key_width(&self) -> usize {
        self.key_heads * self.head_width
    }
}

fn size(weights: &Weights, key: &str) -> Result<usize, Error> {
    let key = format!("llama.{key}");
    match weights.notes().get(&key) {
        Some(Note::Int(it)) if (1..=MAX_SIZE).contains(it) => Ok(*it as usize),
        other => Err(Error::malformed(&key, format!("a number from 1 to {MAX_SIZE}"), format!("{other:?}"))),
    }
}

fn number(weights: &Weights, key: &str) -> Result<f64, Error> {
    let key = format!("llama.{key}");
    match weights.notes().get(&key) {
        Some(Note::Number(it)) if it.is_finite() && *it > 0.0 => Ok(*it),
        other => Err(Error::malformed(&key, "a positive number", format!("{other:?}"))),
    }
}
