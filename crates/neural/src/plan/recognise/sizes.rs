//! What a graph says about shapes while it runs: batch and tokens by name, the rest as numbers.

use super::Search;
use crate::Tensor;

/// A dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// How many sequences.
    Batch,
    /// How many tokens a sequence has.
    Tokens,
    /// This many; 0 and −1 as `Reshape` reads them.
    Known(i64),
}

/// Nodes that are followed; more than that is no shape.
const MOST: usize = 2000;

impl Search<'_> {
    /// The numbers of a vector of dimensions; none where they are something else.
    pub(super) fn sizes(&self, value: &str) -> Option<Vec<Size>> {
        self.sizes_within(value, MOST)
    }

    fn sizes_within(&self, value: &str, left: usize) -> Option<Vec<Size>> {
        if let Some(constant) = self.constant(value) {
            return Some(constant.as_i64()?.iter().copied().map(Size::Known).collect());
        }
        let (node, left) = (&self.graph.nodes[*self.producers.get(value)?], left.checked_sub(1)?);
        let first = || self.sizes_within(node.input(0)?, left);
        match node.op.as_str() {
            "Identity" | "Cast" => first(),
            "Unsqueeze" | "Squeeze" => first().filter(|it| it.len() == 1),
            "Concat" => {
                let parts = node.inputs.iter().map(|it| self.sizes_within(it, left));
                Some(parts.collect::<Option<Vec<_>>>()?.concat())
            }
            "Shape" => {
                let shape = self.shape(node.input(0)?, left)?;
                part(&shape, node.int("start", 0), node.int("end", i64::MAX))
            }
            "Gather" => {
                let (of, at) = (first()?, self.constant(node.input(1)?)?.as_i64()?);
                at.iter().map(|&at| of.get(place(at, of.len())).copied()).collect()
            }
            "Slice" => {
                let number = |at| self.constant(node.input(at)?)?.as_i64()?.first().copied();
                let plain = node.input(4).is_none_or(|_| number(4) == Some(1));
                part(&first().filter(|_| plain)?, number(1)?, number(2)?)
            }
            _ => None,
        }
    }

    /// The shape of a value; looked for once, since a block asks for that of the one before several times.
    fn shape(&self, value: &str, left: usize) -> Option<Vec<Size>> {
        if let Some(known) = self.shapes.borrow().get(value) {
            return known.clone();
        }
        let found = self.shape_within(value, left);
        self.shapes.borrow_mut().insert(value.to_owned(), found.clone());
        found
    }

    fn shape_within(&self, value: &str, left: usize) -> Option<Vec<Size>> {
        if let Some(port) = self.graph.inputs.iter().find(|it| it.name == value) {
            return (port.shape.as_ref()?.len() == 2).then_some(vec![Size::Batch, Size::Tokens]);
        }
        if let Some(constant) = self.constant(value) {
            return Some(constant.shape().iter().map(|&it| Size::Known(it as i64)).collect());
        }
        let (node, left) = (&self.graph.nodes[*self.producers.get(value)?], left.checked_sub(1)?);
        let of = |at: usize| self.shape(node.input(at)?, left);
        match node.op.as_str() {
            // What is chosen from has the shape of what is chosen (`Search::numbers`).
            "Where" => of(2),
            "LayerNormalization" | "Softmax" | "Erf" | "Identity" | "Cast" => of(0),
            "Transpose" => {
                let from = of(0)?;
                node.ints("perm")?.iter().map(|&at| from.get(usize::try_from(at).ok()?).copied()).collect()
            }
            "Reshape" => resolved(&of(0)?, &self.sizes_within(node.input(1)?, left)?),
            // What is added or multiplied here has the shape of what is no constant.
            "Add" | "Mul" | "Div" | "Sub" => {
                let of_first = node.input(0).and_then(|it| self.constant(it)).map(Tensor::count);
                of(usize::from(of_first.is_some()))
            }
            "MatMul" => {
                let mut shape = of(0)?;
                *shape.last_mut()? = *of(1)?.last()?;
                Some(shape)
            }
            "Gather" if node.int("axis", 0) == 0 => {
                let (table, mut shape) = (of(0)?, of(1)?);
                shape.extend_from_slice(table.get(1..)?);
                Some(shape)
            }
            _ => None,
        }
    }
}

/// A place counted from either end.
fn place(at: i64, count: usize) -> usize {
    usize::try_from(if at < 0 { at.saturating_add(count as i64) } else { at }).unwrap_or(0)
}

fn part(of: &[Size], start: i64, end: i64) -> Option<Vec<Size>> {
    let held = |at: i64| place(at, of.len()).min(of.len());
    of.get(held(start)..held(end)).map(<[Size]>::to_vec)
}

/// A shape as `Reshape` makes it of another.
fn resolved(from: &[Size], to: &[Size]) -> Option<Vec<Size>> {
    let kept = |(at, size): (usize, &Size)| match size {
        Size::Known(0) => from.get(at).copied(),
        other => Some(*other),
    };
    let mut shape = to.iter().enumerate().map(kept).collect::<Option<Vec<_>>>()?;
    let Some(open) = shape.iter().position(|it| *it == Size::Known(-1)) else { return Some(shape) };
    shape.remove(open);
    let mut before = from.to_vec();
    let mut known = 1;
    for size in &shape {
        match size {
            Size::Known(it) => known *= it,
            named => {
                let at = before.iter().position(|it| it == named)?;
                before.remove(at);
            }
        }
    }
    let whole: i64 = before.iter().map(|it| if let Size::Known(it) = it { *it } else { 1 }).product();
    let named: Vec<Size> = before.into_iter().filter(|it| !matches!(it, Size::Known(_))).collect();
    let open_size = match named[..] {
        [] if known > 0 && whole % known == 0 => Size::Known(whole / known),
        [one] if known == whole => one,
        _ => return None,
    };
    shape.insert(open, open_size);
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::Size::{Batch, Known, Tokens};
    use super::*;

    #[test]
    fn a_shape_with_an_open_place_is_what_is_left_of_the_one_before() {
        let from = [Batch, Tokens, Known(384)];
        for (to, expected) in [
            (vec![Batch, Tokens, Known(-1), Known(32)], Some(vec![Batch, Tokens, Known(12), Known(32)])),
            (vec![Known(0), Known(-1), Known(384)], Some(vec![Batch, Tokens, Known(384)])),
            (vec![Known(0), Known(0), Known(384)], Some(from.to_vec())),
            (vec![Known(-1), Known(384)], None), // batch times tokens has no name
            (vec![Batch, Tokens, Known(-1), Known(100)], None),
        ] {
            assert_eq!(resolved(&from, &to), expected, "{to:?}");
        }
    }

    #[test]
    fn parts_are_counted_from_either_end() {
        let of = [Batch, Known(12), Tokens, Known(32)];
        for ((start, end), expected) in
            [((-1, i64::MAX), &of[3..]), ((-2, -1), &of[2..3]), ((i64::MIN, -2), &of[..2]), ((0, 9), &of[..])]
        {
            assert_eq!(part(&of, start, end).as_deref(), Some(expected));
        }
    }
}
