//! A perceptron: linear layers with a function after each.

use super::dense::{Dense, Linear, Precision, Rows};
use crate::PlanError;
use crate::kernel::quantised::Activations;
use crate::kernel::rows::Activation;
use crate::kernel::{Isa, Plane, WIDTH};

/// A multi-layer perceptron ready to run, for networks so small that what surrounds the products counts.
#[derive(Debug)]
pub struct PerceptronPlan {
    pub(super) isa: Isa,
    pub(super) layers: Vec<Layer>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) dense: Dense,
    pub(super) activation: Activation,
    pub(super) inputs: usize,
    /// Outputs in whole panels.
    pub(super) stride: usize,
}

/// The memory of one run of a [`PerceptronPlan`]; one for each thread.
#[derive(Debug)]
pub struct PerceptronWorkspace {
    rows: usize,
    /// What a layer reads and what it writes; they change places.
    planes: [Vec<f32>; 2],
    /// Quantised rows of each layer.
    activations: Vec<Activations>,
}

impl PerceptronPlan {
    /// Lays out layers, each with what follows it.
    ///
    /// # Errors
    /// Layers that do not fit each other.
    pub fn new(
        layers: &[(Linear, Activation)],
        precision: Precision,
        isa: Isa,
    ) -> Result<PerceptronPlan, PlanError> {
        let inputs = layers.first().map_or(0, |(layer, _)| layer.inputs);
        let mut width = inputs;
        for (layer, _) in layers {
            layer.check("layer", width, layer.outputs())?;
            width = layer.outputs();
        }
        let layer = |(layer, activation): &(Linear, Activation)| Layer {
            dense: Dense::pack(isa, precision, layer),
            activation: *activation,
            inputs: layer.inputs,
            stride: layer.outputs().next_multiple_of(WIDTH),
        };
        Ok(PerceptronPlan { isa, layers: layers.iter().map(layer).collect(), inputs, outputs: width })
    }

    /// Layers whose integers could not be taken.
    pub(crate) fn again(&self) -> usize {
        self.layers.iter().filter(|it| it.dense.is_again()).count()
    }

    /// Values of a row that goes in.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of a row that comes out.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Memory for up to `rows` rows.
    pub fn workspace(&self, rows: usize) -> PerceptronWorkspace {
        let widest = self.layers.iter().map(|layer| layer.stride).max().unwrap_or(0);
        let quantised = |layer: &Layer| match layer.dense {
            Dense::Int8(_) => Activations::new(self.isa, rows, layer.inputs),
            Dense::Float(_) | Dense::Half(_) => Activations::new(self.isa, 0, 0),
        };
        PerceptronWorkspace {
            rows,
            planes: [vec![0.0; rows * widest], vec![0.0; rows * widest]],
            activations: self.layers.iter().map(quantised).collect(),
        }
    }

    /// Runs `[rows, inputs]` to `[rows, outputs]`. Sets aside no memory.
    ///
    /// # Errors
    /// Lengths that do not fit the workspace or each other.
    pub fn run(
        &self,
        workspace: &mut PerceptronWorkspace,
        input: &[f32],
        output: &mut [f32],
    ) -> Result<(), PlanError> {
        let count = input.len() / self.inputs.max(1);
        self.check_run(workspace, count, input, output)?;
        let PerceptronWorkspace { planes: [from, to], activations, .. } = workspace;
        let (mut from, mut to, mut stride) = (from, to, self.inputs);
        for (at, (layer, activations)) in self.layers.iter().zip(activations).enumerate() {
            let values = if at == 0 { input } else { &from[..] };
            let mut plane =
                Plane { values: to, stride: layer.stride, activation: layer.activation, add: false };
            layer.dense.multiply(Rows { values, stride, count }, activations, &mut plane);
            stride = layer.stride;
            std::mem::swap(&mut from, &mut to);
        }
        for (to, from) in output.chunks_exact_mut(self.outputs.max(1)).zip(from.chunks_exact(stride.max(1))) {
            to.copy_from_slice(&from[..self.outputs]);
        }
        Ok(())
    }

    fn check_run(
        &self,
        workspace: &PerceptronWorkspace,
        count: usize,
        input: &[f32],
        output: &[f32],
    ) -> Result<(), PlanError> {
        let lengths = [
            ("input", count * self.inputs, input.len()),
            ("output", count * self.outputs, output.len()),
            ("workspace", count.min(workspace.rows), count),
        ];
        match lengths.into_iter().find(|(_, expected, got)| expected != got) {
            Some((what, expected, got)) => Err(PlanError::Shape { what, of: "values", expected, got }),
            None => Ok(()),
        }
    }
}
