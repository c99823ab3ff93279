//! A linear layer of a language network, as the file stores it or in another precision.

use crate::{
    Blocks, Error, Isa, Layout, Precision, Weights,
    kernel::{
        Plane,
        blocks::{BlockActivations, BlockWeights},
        float::FloatWeights,
        half::HalfWeights,
        quantised::{Activations, Int8Matrix, Int8Weights},
        rows::Activation,
    },
};

/// Weights laid out for the kernels; `[inputs] → [outputs]` a row.
pub(super) struct Matrix {
    isa: Isa,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    laid: Laid,
}

enum Laid {
    Float(FloatWeights),
    Half(HalfWeights),
    Int8(Int8Weights),
    Blocks(BlockWeights),
}

impl Matrix {
    /// Matrices `[outputs, inputs]` of one input, side by side. In the precision asked for, or as they are stored: blocks of
    /// one kind as blocks, everything else as floats.
    pub(super) fn pack(
        isa: Isa,
        precision: Option<Precision>,
        weights: &Weights,
        names: &[String],
    ) -> Result<Self, Error> {
        let (inputs, outputs) = joined_shape(weights, names)?;
        let laid = match (precision, stored(weights, names)) {
            (None, Some(kind)) => {
                let parts = names.iter().map(|it| weights.bytes(it)).collect::<Result<Vec<_>, _>>()?;
                Laid::Blocks(BlockWeights::pack(isa, kind, &parts.concat(), outputs))
            }
            (Some(Precision::Int8), _) => {
                let matrix =
                    Int8Matrix::quantise(&transposed(weights, names, inputs, outputs)?, inputs, outputs);
                Laid::Int8(Int8Weights::pack(isa, &matrix, &vec![0.0; outputs]))
            }
            (Some(Precision::Bf16), _) => {
                let floats = transposed(weights, names, inputs, outputs)?;
                Laid::Half(HalfWeights::pack(isa, &floats, inputs, &vec![0.0; outputs]))
            }
            _ => {
                let floats = transposed(weights, names, inputs, outputs)?;
                Laid::Float(FloatWeights::pack(isa, &floats, inputs, &vec![0.0; outputs]))
            }
        };
        Ok(Matrix { isa, inputs, outputs, laid })
    }

    /// `out = rows · weightsᵀ`, or added to what is there. Rows and results lie one after another without gaps.
    pub(super) fn multiply(&self, rows: &[f32], out: &mut [f32], add: bool) {
        let count = rows.len() / self.inputs;
        let mut plane = Plane { values: out, stride: self.outputs, activation: Activation::None, add };
        match &self.laid {
            Laid::Float(weights) => weights.multiply(rows, self.inputs, count, &mut plane),
            Laid::Half(weights) => weights.multiply(rows, self.inputs, count, &mut plane),
            Laid::Int8(weights) => {
                let mut activations = Activations::new(self.isa, count, self.inputs);
                activations.quantise(rows, self.inputs, count);
                weights.multiply(&activations, count, &mut plane);
            }
            Laid::Blocks(weights) => {
                let mut activations = BlockActivations::default();
                activations.quantise(rows, self.inputs);
                weights.multiply(&activations, count, &mut plane);
            }
        }
    }
}

/// Inputs and outputs of matrices side by side. Both must be whole panels.
fn joined_shape(weights: &Weights, names: &[String]) -> Result<(usize, usize), Error> {
    let (mut inputs, mut outputs) = (0, 0);
    for name in names {
        let shape = &weights.section(name)?.shape;
        let &[rows, columns] = shape.as_slice() else {
            return Err(Error::tensor(name, "two dimensions", format!("{shape:?}")));
        };
        let fits = rows > 0 && columns > 0 && rows.is_multiple_of(16) && columns.is_multiple_of(32);
        if !fits || (inputs != 0 && inputs != columns) {
            let expected =
                "outputs of a multiple of 16, inputs of a multiple of 32 and the same beside one another";
            return Err(Error::tensor(name, expected, format!("{shape:?}")));
        }
        (inputs, outputs) = (columns, outputs + rows);
    }
    Ok((inputs, outputs))
}

/// The kind of blocks all of them are stored in, where the kernels take it.
fn stored(weights: &Weights, names: &[String]) -> Option<Blocks> {
    let kind = |name: &String| match weights.section(name).ok()?.layout {
        Layout::Blocks(kind) => Some(kind).filter(|it| BlockWeights::takes(*it)),
        _ => None,
    };
    let first = kind(names.first()?)?;
    names.iter().all(|it| kind(it) == Some(first)).then_some(first)
}

/// The matrices as floats `[inputs, outputs]`.
fn transposed(weights: &Weights, names: &[String], inputs: usize, outputs: usize) -> Result<Vec<f32>, Error> {
    let mut floats = vec![0.0; inputs * outputs];
    let mut column = 0;
    for name in names {
        for row in weights.floats(name)?.chunks_exact(inputs) {
            row.iter().enumerate().for_each(|(at, value)| floats[at * outputs + column] = *value);
            column += 1;
        }
    }
    Ok(floats)
}
