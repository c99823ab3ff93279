//! A linear layer in either precision.

use bytes::Bytes;

use crate::PlanError;
use crate::kernel::float::FloatWeights;
use crate::kernel::half::HalfWeights;
use crate::kernel::quantised::{Activations, Int8Matrix, Int8Weights};
use crate::kernel::{Isa, Plane};

/// How a plan computes its linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floating point.
    #[serde(rename = "f32")]
    Float,
    /// Weights of 16 bits (bfloat16), widened as they are read; products added in 32 bits. It halves memory; faster it is only where
    /// memory is what is waited for.
    #[serde(rename = "bf16")]
    Bf16,
    /// 8-bit integers: weights with one scale a column, activations with one scale and zero point a row.
    #[serde(rename = "int8")]
    Int8,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Precision; 3] = [Precision::Float, Precision::Bf16, Precision::Int8];

    /// `f32`, `bf16` or `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Float => "f32",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
        }
    }
}

/// Weights and bias of a linear layer: `y = x · weights + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// `[inputs, outputs]`, row after row.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
    /// Values that go in.
    pub inputs: usize,
    /// Scales, one an output, that the weights are signed 8-bit integers times, where they come so: a plan of integers then
    /// takes those as they are.
    pub steps: Option<Vec<f32>>,
}

impl Linear {
    /// Weights and bias in floating point.
    pub fn new(weights: Vec<f32>, bias: Vec<f32>, inputs: usize) -> Linear {
        Linear { weights, bias, inputs, steps: None }
    }

    /// Values that come out.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Checks that the weights have the stated shape.
    pub(super) fn check(&self, what: &'static str, inputs: usize, outputs: usize) -> Result<(), PlanError> {
        let expected = [("inputs", inputs), ("outputs", outputs), ("weights", inputs * outputs)];
        let got = [self.inputs, self.outputs(), self.weights.len()];
        match expected.into_iter().zip(got).find(|((_, expected), got)| expected != got) {
            Some(((of, expected), got)) => Err(PlanError::Shape { what, of, expected, got }),
            None => Ok(()),
        }
    }

    /// Layers of the same input side by side, as one.
    pub(super) fn joined(layers: &[&Linear]) -> Linear {
        let inputs = layers.first().map_or(0, |layer| layer.inputs);
        let row =
            |row: usize| layers.iter().flat_map(move |it| &it.weights[row * it.outputs()..][..it.outputs()]);
        Linear {
            weights: (0..inputs).flat_map(row).copied().collect(),
            bias: layers.iter().flat_map(|layer| &layer.bias).copied().collect(),
            inputs,
            steps: layers
                .iter()
                .map(|layer| layer.steps.as_deref())
                .collect::<Option<Vec<_>>>()
                .map(|it| it.concat()),
        }
    }
}

/// A linear layer laid out for a set of instructions.
#[derive(Debug)]
pub(crate) enum Dense {
    Float(FloatWeights),
    Half(HalfWeights),
    Int8(Int8Weights),
}

impl Dense {
    pub(crate) fn pack(isa: Isa, precision: Precision, layer: &Linear) -> Dense {
        match precision {
            Precision::Float => {
                Dense::Float(FloatWeights::pack(isa, &layer.weights, layer.inputs, &layer.bias))
            }
            Precision::Bf16 => Dense::Half(HalfWeights::pack(isa, &layer.weights, layer.inputs, &layer.bias)),
            Precision::Int8 => {
                let matrix =
                    Int8Matrix::of(&layer.weights, layer.inputs, layer.outputs(), layer.steps.as_deref());
                Dense::Int8(Int8Weights::pack(isa, &matrix, &layer.bias))
            }
        }
    }

    /// `plane = rows · weights + bias`; quantises the rows into `activations` first where the weights are integers.
    pub(super) fn multiply(&self, rows: Rows<'_>, activations: &mut Activations, plane: &mut Plane<'_>) {
        match self {
            Dense::Float(weights) => weights.multiply(rows.values, rows.stride, rows.count, plane),
            Dense::Half(weights) => weights.multiply(rows.values, rows.stride, rows.count, plane),
            Dense::Int8(weights) => {
                activations.quantise(rows.values, rows.stride, rows.count);
                weights.multiply(activations, rows.count, plane);
            }
        }
    }
}

impl Dense {
    /// Whether it came in integers that could not be taken.
    pub(crate) fn is_again(&self) -> bool {
        matches!(self, Dense::Int8(weights) if weights.is_again)
    }

    /// Name and version of the layout that [`Dense::to_file`] writes.
    pub(crate) fn layout(precision: Precision) -> &'static str {
        match precision {
            Precision::Float => "f32-panels@1",
            Precision::Bf16 => "bf16-panels@1",
            Precision::Int8 => "u8s8-panels@1",
        }
    }

    /// What it computes in.
    pub(crate) fn precision(&self) -> Precision {
        match self {
            Dense::Float(_) => Precision::Float,
            Dense::Half(_) => Precision::Bf16,
            Dense::Int8(_) => Precision::Int8,
        }
    }

    /// The layer as a file holds it, to be mapped. None where weights were split for the instructions at hand.
    pub(crate) fn to_file(&self) -> Option<Vec<u8>> {
        match self {
            Dense::Float(weights) => Some(weights.to_file()),
            Dense::Half(weights) => Some(weights.to_file()),
            Dense::Int8(weights) => weights.to_file(),
        }
    }

    /// A layer where it lies in a file; none where the bytes are not those of this shape.
    pub(crate) fn of_file(isa: Isa, precision: Precision, shape: [usize; 2], bytes: &Bytes) -> Option<Dense> {
        match precision {
            Precision::Float => FloatWeights::of_file(isa, shape, bytes).map(Dense::Float),
            Precision::Bf16 => HalfWeights::of_file(isa, shape, bytes).map(Dense::Half),
            Precision::Int8 => Int8Weights::of_file(isa, shape, bytes).map(Dense::Int8),
        }
    }

    /// Values that go in and come out.
    pub(crate) fn shape(&self) -> [usize; 2] {
        match self {
            Dense::Float(weights) => weights.shape(),
            Dense::Half(weights) => weights.shape(),
            Dense::Int8(weights) => weights.shape(),
        }
    }

    /// The weights of one output, `[inputs]`: a row of a table whose transpose this layer multiplies by.
    pub(super) fn column(&self, output: usize, to: &mut [f32]) {
        match self {
            Dense::Float(weights) => weights.column(output, to),
            Dense::Half(weights) => weights.column(output, to),
            Dense::Int8(weights) => weights.column(output, to),
        }
    }
}

/// Rows of `f32`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    pub(super) count: usize,
}
