//! What a network keeps of a sequence between steps.

use crate::kernel::{WIDTH, kept::Kept};

/// Keys and values that a network keeps for every layer: of the tokens it has read, or of the states it decodes from.
#[derive(Clone, Debug)]
pub struct Cache {
    pub(crate) layers: Vec<Kept>,
    pub(crate) length: usize,
    pub(crate) capacity: usize,
    /// Heads, and values of each.
    heads: [usize; 2],
}

impl Cache {
    /// Room for `capacity` tokens in each of `layers` layers.
    pub(crate) fn new(layers: usize, capacity: usize, heads: [usize; 2]) -> Self {
        let kept = |_| Kept::new(capacity.next_multiple_of(WIDTH), heads[0], heads[1]);
        Cache { layers: (0..layers).map(kept).collect(), length: 0, capacity, heads }
    }

    /// Whether it was made for a network of these layers and heads.
    pub(crate) fn fits(&self, layers: usize, heads: [usize; 2]) -> bool {
        self.layers.len() == layers && self.heads == heads
    }

    /// Tokens read so far, or states taken in.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets all but the first `length` tokens, so that a sequence can be continued in another way.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}
