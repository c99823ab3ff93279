//! The encoder of a transformer: attention and two linear layers, again and again.
//!
//! Rows go through a block in groups of [`GROUP`], so that what lies between two products — the widened activations above
//! all — stays in the second-level cache. Only queries, keys and values are made for all rows first.

use super::dense::{Dense, Linear, Precision, Rows};
use crate::PlanError;
use crate::kernel::attention::{Attention, Heads, Scratch};
use crate::kernel::integer_attention::IntegerScratch;
use crate::kernel::quantised::Activations;
use crate::kernel::rows::{Activation, Norm};
use crate::kernel::{Isa, Plane, WIDTH};

/// Rows that go through a block together.
pub(super) const GROUP: usize = 48;

/// Where a block normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Residual {
    /// `norm(x + f(x))`, as BERT does.
    PostNorm,
    /// `x + f(norm(x))`, as Whisper does.
    PreNorm,
}

/// One block: attention, then two linear layers with a function between them.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderBlock {
    /// Query, `[width, width]` like the next three.
    pub query: Linear,
    /// Key.
    pub key: Linear,
    /// Value.
    pub value: Linear,
    /// What follows the heads.
    pub output: Linear,
    /// `[width, hidden]`.
    pub up: Linear,
    /// `[hidden, width]`.
    pub down: Linear,
    /// Beside attention: after it or before it.
    pub attention_norm: Norm,
    /// Beside the two linear layers.
    pub linear_norm: Norm,
}

/// An encoder by its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderDescription {
    /// Heads of every attention; they share the width equally.
    pub heads: usize,
    /// Where blocks normalise.
    pub residual: Residual,
    /// Between the two linear layers.
    pub activation: Activation,
    /// The blocks, in order.
    pub blocks: Vec<EncoderBlock>,
    /// After the last block.
    pub last_norm: Option<Norm>,
}

impl EncoderDescription {
    /// Values of a token.
    pub fn width(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.query.inputs)
    }

    fn hidden(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.up.outputs())
    }

    fn check(&self) -> Result<(), PlanError> {
        let width = self.width();
        if self.heads == 0 || !width.is_multiple_of(self.heads) {
            return Err(PlanError::Heads { heads: self.heads, width });
        }
        for block in &self.blocks {
            let square = [(&block.query, "query"), (&block.key, "key"), (&block.value, "value")];
            for (layer, name) in square.into_iter().chain([(&block.output, "output")]) {
                layer.check(name, width, width)?;
            }
            block.up.check("up", width, self.hidden())?;
            block.down.check("down", self.hidden(), width)?;
            block.attention_norm.check("attention norm", width)?;
            block.linear_norm.check("linear norm", width)?;
        }
        self.last_norm.iter().try_for_each(|norm| norm.check("last norm", width))
    }
}

impl Norm {
    /// Checks that there is a scale and a shift for each of `width` values.
    pub(super) fn check(&self, what: &'static str, width: usize) -> Result<(), PlanError> {
        match [("scale", self.scale.len()), ("shift", self.shift.len())].into_iter().find(|it| it.1 != width)
        {
            Some((of, got)) => Err(PlanError::Shape { what, of, expected: width, got }),
            None => Ok(()),
        }
    }
}

/// A block whose layers are laid out.
#[derive(Debug)]
pub(crate) struct Block {
    /// Query, key and value as one product.
    pub(crate) attend: Dense,
    pub(crate) output: Dense,
    pub(crate) up: Dense,
    pub(crate) down: Dense,
    pub(crate) attention_norm: Norm,
    pub(crate) linear_norm: Norm,
}

/// An encoder ready to run.
#[derive(Debug)]
pub struct EncoderPlan {
    pub(super) isa: Isa,
    pub(super) precision: Precision,
    pub(super) heads: usize,
    pub(super) width: usize,
    pub(super) hidden: usize,
    pub(super) residual: Residual,
    pub(super) activation: Activation,
    pub(super) blocks: Vec<Block>,
    pub(super) last_norm: Option<Norm>,
}

/// The memory of one run of an [`EncoderPlan`]; one for each thread.
#[derive(Debug)]
pub struct EncoderWorkspace {
    tokens: usize,
    /// Tokens of each sequence of a run.
    lengths: Vec<usize>,
    /// `[rows, width]`, the residual stream.
    stream: Vec<f32>,
    /// `[rows, 3 · width]`.
    attend: Vec<f32>,
    /// `[rows, width]`: attention's outcome.
    mixed: Vec<f32>,
    /// `[GROUP, width]`.
    normal: Vec<f32>,
    /// `[GROUP, hidden]`.
    hidden: Vec<f32>,
    narrow: Activations,
    wide: Activations,
    scratch: Room,
}

/// Room for one head, by what attention is computed in.
#[derive(Debug)]
enum Room {
    Float(Scratch),
    Integer(Box<IntegerScratch>),
}

impl EncoderPlan {
    /// Lays out the weights of `description`.
    ///
    /// # Errors
    /// Shapes that do not fit together.
    pub fn new(
        description: &EncoderDescription,
        precision: Precision,
        isa: Isa,
    ) -> Result<EncoderPlan, PlanError> {
        description.check()?;
        let pack = |layer: &Linear| Dense::pack(isa, precision, layer);
        let block = |it: &EncoderBlock| Block {
            attend: pack(&Linear::joined(&[&it.query, &it.key, &it.value])),
            output: pack(&it.output),
            up: pack(&it.up),
            down: pack(&it.down),
            attention_norm: it.attention_norm.clone(),
            linear_norm: it.linear_norm.clone(),
        };
        Ok(EncoderPlan {
            isa,
            precision,
            heads: description.heads,
            width: description.width(),
            hidden: description.hidden(),
            residual: description.residual,
            activation: description.activation,
            blocks: description.blocks.iter().map(block).collect(),
            last_norm: description.last_norm.clone(),
        })
    }

    /// An encoder of blocks that are laid out and fit each other: pre-norm with GELU, as Whisper's.
    pub(crate) fn of_blocks(
        (isa, precision): (Isa, Precision),
        heads: usize,
        blocks: Vec<Block>,
        last_norm: Norm,
    ) -> EncoderPlan {
        EncoderPlan {
            isa,
            precision,
            heads,
            width: last_norm.scale.len(),
            hidden: blocks.first().map_or(0, |block| block.up.shape()[1]),
            residual: Residual::PreNorm,
            activation: Activation::Gelu,
            blocks,
            last_norm: Some(last_norm),
        }
    }

    /// Memory for up to `sequences` sequences of `tokens` tokens.
    pub fn workspace(&self, sequences: usize, tokens: usize) -> EncoderWorkspace {
        let rows = sequences * tokens;
        EncoderWorkspace {
            tokens,
            lengths: vec![0; sequences],
            stream: vec![0.0; rows * self.stride()],
            attend: vec![0.0; rows * self.attend_stride()],
            mixed: vec![0.0; rows * self.stride()],
            normal: vec![0.0; GROUP * self.stride()],
            hidden: vec![0.0; GROUP * self.hidden.next_multiple_of(WIDTH)],
            narrow: Activations::new(self.isa, GROUP, self.width),
            wide: Activations::new(self.isa, GROUP, self.hidden),
            scratch: match self.precision {
                Precision::Float | Precision::Bf16 => {
                    Room::Float(Scratch::new(tokens, self.width / self.heads))
                }
                Precision::Int8 => {
                    Room::Integer(Box::new(IntegerScratch::new(tokens, self.width / self.heads)))
                }
            },
        }
    }

    /// Layers whose integers could not be taken.
    pub(crate) fn again(&self) -> usize {
        let layers = self.blocks.iter().flat_map(|it| [&it.attend, &it.output, &it.up, &it.down]);
        layers.filter(|it| it.is_again()).count()
    }

    /// Values of a token.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    fn stride(&self) -> usize {
        self.width.next_multiple_of(WIDTH)
    }

    fn attend_stride(&self) -> usize {
        (3 * self.width).next_multiple_of(WIDTH)
    }

    /// Encodes sequences of `tokens` tokens each: `[sequences, tokens, width]` in `input` and `output`, `[sequences,
    /// tokens]` in `mask` (which tokens are seen; without it all are). Sets aside no memory.
    ///
    /// # Errors
    /// Lengths that do not fit the workspace or each other.
    pub fn run(
        &self,
        workspace: &mut EncoderWorkspace,
        input: &[f32],
        mask: Option<&[bool]>,
        output: &mut [f32],
    ) -> Result<(), PlanError> {
        let rows = self.check_run(workspace, input, mask, output)?;
        let (width, stride) = (self.width, self.stride());
        for (to, from) in workspace.stream.chunks_exact_mut(stride).zip(input.chunks_exact(width)) {
            to[..width].copy_from_slice(from);
        }
        let tokens = workspace.tokens;
        workspace.lengths.clear();
        workspace.lengths.extend(std::iter::repeat_n(tokens, rows.checked_div(tokens).unwrap_or(0)));
        self.encode(workspace, mask);
        for (to, from) in output.chunks_exact_mut(width).zip(workspace.stream.chunks_exact(stride)) {
            to.copy_from_slice(&from[..width]);
        }
        Ok(())
    }

    /// Encodes the rows that stand in the stream, sequence after sequence of the lengths in the workspace, in place.
    fn encode(&self, workspace: &mut EncoderWorkspace, mask: Option<&[bool]>) {
        let rows = workspace.lengths.iter().sum();
        for block in &self.blocks {
            self.attend(block, workspace, rows);
            self.mix(workspace, mask);
            self.finish(block, workspace, rows);
        }
        if let Some(norm) = &self.last_norm {
            let stride = self.stride();
            norm.apply_in_place(self.isa, &mut workspace.stream[..rows * stride], stride);
        }
    }

    /// Encodes sequences of these lengths, none longer than the workspace's, without filling them up: row by row what `fill`
    /// writes. Gives the rows, which have the first values of `stride`.
    pub(super) fn encode_rows<'a>(
        &self,
        workspace: &'a mut EncoderWorkspace,
        lengths: impl Iterator<Item = usize>,
        mask: Option<&[bool]>,
        mut fill: impl FnMut(usize, &mut [f32]),
    ) -> impl ExactSizeIterator<Item = &'a [f32]> {
        workspace.lengths.clear();
        workspace.lengths.extend(lengths);
        let (rows, width, stride) = (workspace.lengths.iter().sum(), self.width, self.stride());
        for (row, values) in workspace.stream.chunks_exact_mut(stride).enumerate().take(rows) {
            fill(row, &mut values[..width]);
        }
        self.encode(workspace, mask);
        workspace.stream.chunks_exact(stride).take(rows).map(move |row| &row[..width])
    }

    /// Rows of a run whose lengths fit.
    fn check_run(
        &self,
        workspace: &EncoderWorkspace,
        input: &[f32],
        mask: Option<&[bool]>,
        output: &[f32],
    ) -> Result<usize, PlanError> {
        let rows = input.len() / self.width.max(1);
        let room = workspace.stream.len() / self.stride().max(1);
        let whole = if workspace.tokens == 0 { 0 } else { rows - rows % workspace.tokens };
        let lengths = [
            ("input", whole * self.width, input.len()),
            ("output", input.len(), output.len()),
            ("mask", rows, mask.map_or(rows, <[bool]>::len)),
            ("workspace", rows.min(room), rows),
        ];
        match lengths.into_iter().find(|(_, expected, got)| expected != got) {
            Some((what, expected, got)) => Err(PlanError::Shape { what, of: "values", expected, got }),
            None => Ok(rows),
        }
    }

    /// Queries, keys and values of all rows.
    fn attend(&self, block: &Block, workspace: &mut EncoderWorkspace, rows: usize) {
        let EncoderWorkspace { stream, attend, normal, narrow, .. } = workspace;
        let (stride, wide) = (self.stride(), self.attend_stride());
        for first in (0..rows).step_by(GROUP) {
            let count = GROUP.min(rows - first);
            let mut values = &stream[first * stride..][..count * stride];
            if self.residual == Residual::PreNorm {
                block.attention_norm.apply(self.isa, values, normal, stride);
                values = normal;
            }
            let to = &mut attend[first * wide..][..count * wide];
            let mut plane = Plane { values: to, stride: wide, activation: Activation::None, add: false };
            block.attend.multiply(Rows { values, stride, count }, narrow, &mut plane);
        }
    }

    /// Attention of each sequence.
    fn mix(&self, workspace: &mut EncoderWorkspace, mask: Option<&[bool]>) {
        let EncoderWorkspace { lengths, attend, mixed, scratch, .. } = workspace;
        let (mut first, stride) = (0, self.attend_stride());
        for &mut count in lengths {
            let mask = mask.map(|mask| &mask[first..first + count]);
            let rows = Rows { values: &attend[first * stride..], stride, count };
            let out = &mut mixed[first * self.stride()..];
            match scratch {
                Room::Float(scratch) => self.attention(rows, mask, scratch, out).run(self.isa),
                Room::Integer(scratch) => self.attention(rows, mask, &mut **scratch, out).run(self.isa),
            }
            first += count;
        }
    }

    /// Attention of one sequence, in whose rows queries, keys and values stand side by side.
    fn attention<'a, S>(
        &self,
        rows: Rows<'a>,
        mask: Option<&'a [bool]>,
        scratch: &'a mut S,
        out: &'a mut [f32],
    ) -> Attention<'a, S> {
        let width = self.width / self.heads;
        let part = |at: usize| Heads {
            values: &rows.values[at * self.width..],
            stride: rows.stride,
            rows: rows.count,
        };
        Attention {
            queries: part(0),
            keys: part(1),
            values: part(2),
            heads: self.heads,
            width,
            scale: 1.0 / (width as f32).sqrt(),
            mask,
            scratch,
            out,
            stride: self.stride(),
        }
    }

    /// What follows attention, to the end of the block.
    fn finish(&self, block: &Block, workspace: &mut EncoderWorkspace, rows: usize) {
        let EncoderWorkspace { stream, mixed, normal, hidden, narrow, wide, .. } = workspace;
        let (stride, hidden_stride) = (self.stride(), self.hidden.next_multiple_of(WIDTH));
        let post = self.residual == Residual::PostNorm;
        for first in (0..rows).step_by(GROUP) {
            let count = GROUP.min(rows - first);
            let part = first * stride..(first + count) * stride;
            let from = Rows { values: &mixed[part.clone()], stride, count };
            block.output.multiply(from, narrow, &mut residual(&mut stream[part.clone()], stride));
            if post {
                block.attention_norm.apply_in_place(self.isa, &mut stream[part.clone()], stride);
            } else {
                block.linear_norm.apply(self.isa, &stream[part.clone()], normal, stride);
            }
            let values: &[f32] = if post { &stream[part.clone()] } else { normal };
            let mut plane =
                Plane { values: hidden, stride: hidden_stride, activation: self.activation, add: false };
            block.up.multiply(Rows { values, stride, count }, narrow, &mut plane);
            let from = Rows { values: hidden, stride: hidden_stride, count };
            block.down.multiply(from, wide, &mut residual(&mut stream[part.clone()], stride));
            if post {
                block.linear_norm.apply_in_place(self.isa, &mut stream[part], stride);
            }
        }
    }
}

/// A plane whose product is added to what is there.
fn residual(values: &mut [f32], stride: usize) -> Plane<'_> {
    Plane { values, stride, activation: Activation::None, add: true }
}
