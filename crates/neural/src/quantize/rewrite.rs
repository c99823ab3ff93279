//! The quantised graph: as it is written, and as it is judged.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Scheme,
    draft::Draft,
    grid::Grid,
    layer::{Bias, Kind, Layer},
    weights::{Coded, bias_codes},
};
use crate::{Attribute, Error, Graph, Node, Tensor, Values};

/// What a graph is rewritten for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For others to run: integers in standard operators.
    Written,
    /// To be judged: the same numbers in floating point, so that no processor's integers count.
    Judged,
}

/// All that is known of a network that is being quantised.
pub(super) struct Plan<'a> {
    pub(super) graph: &'a Graph,
    pub(super) scheme: Scheme,
    pub(super) layers: &'a [Layer],
    pub(super) coded: &'a [Coded],
    /// The bias of a layer where it was corrected.
    pub(super) biases: &'a [Option<Vec<f32>>],
    /// Grids of values, of the static scheme.
    pub(super) grids: &'a BTreeMap<String, Grid>,
}

/// A graph that is being rewritten.
pub(super) struct Rewriting<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) draft: Draft,
    pub(super) form: Form,
    /// What stands for a value once it is rounded.
    rounded: BTreeMap<String, String>,
    /// Integers of a value, its scale and its zero point, of the dynamic scheme.
    pub(super) integers: BTreeMap<String, [String; 3]>,
}

/// Operators that move values and change none: a grid holds on both sides.
const MOVING: &[&str] = &["MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"];

/// The value that this one only moves.
pub(super) fn root<'a>(graph: &'a Graph, producers: &BTreeMap<&str, usize>, value: &'a str) -> &'a str {
    let node = producers.get(value).map(|at| &graph.nodes[*at]);
    match node.filter(|it| MOVING.contains(&it.op.as_str())).and_then(|it| it.input(0)) {
        Some(from) => root(graph, producers, from),
        None => value,
    }
}

/// What comes out of a convolution, its ReLU counted in: here integers go on to integers. None where that is a graph's output.
pub(super) fn outcome(graph: &Graph, layer: &Layer) -> Option<String> {
    let own = graph.nodes[layer.node].outputs.first()?;
    let is_output = |name: &str| graph.outputs.iter().any(|it| it.name == name);
    if is_output(own) {
        return None;
    }
    let mut readers = graph.nodes.iter().filter(|it| super::draft::reads(it, own));
    let value = match (readers.next(), readers.next()) {
        (Some(node), None) if matches!(node.op.as_str(), "Relu" | "Clip") => node.outputs.first()?,
        _ => own,
    };
    (!is_output(value)).then(|| value.clone())
}

impl Plan<'_> {
    /// The graph with these of the layers quantised.
    ///
    /// # Errors
    /// [`Error::Tensor`] where a part does not fit another, which a checked graph's do.
    pub(super) fn rewritten(&self, on: &[bool], form: Form) -> Result<Graph, Error> {
        let mut rewriting = Rewriting {
            plan: self,
            draft: Draft::of(self.graph),
            form,
            rounded: BTreeMap::new(),
            integers: BTreeMap::new(),
        };
        let by_node: BTreeMap<usize, usize> =
            self.layers.iter().enumerate().filter(|(at, _)| on[*at]).map(|(at, it)| (it.node, at)).collect();
        let everywhere = self.everywhere(on);
        for (at, node) in self.graph.nodes.iter().enumerate() {
            let mut node = node.clone();
            for input in node.inputs.iter_mut().filter(|it| everywhere.contains(*it)) {
                *input = rewriting.rounded(&input.clone())?;
            }
            self.correct_addition(at, on, &mut rewriting.draft, &mut node)?;
            let outputs = node.outputs.clone();
            match by_node.get(&at) {
                Some(layer) => rewriting.layer(*layer, node)?,
                None => rewriting.draft.nodes.push(node),
            }
            for output in outputs.iter().filter(|it| everywhere.contains(*it)) {
                rewriting.rounded(output)?;
            }
        }
        let mut graph = rewriting.draft.done(self.graph);
        if form == Form::Written && matches!(self.scheme, Scheme::Weights { .. }) {
            graph.opsets.entry("com.microsoft".to_owned()).or_insert(1);
        }
        Ok(graph)
    }

    /// Values that every reader gets rounded: what comes out of quantised convolutions.
    fn everywhere(&self, on: &[bool]) -> BTreeSet<String> {
        if !matches!(self.scheme, Scheme::Static { .. }) {
            return BTreeSet::new();
        }
        let is_on = |(at, it): &(usize, &Layer)| on[*at] && matches!(it.kind, Kind::Convolution { .. });
        let layers = self.layers.iter().enumerate().filter(is_on);
        layers
            .filter_map(|(_, it)| outcome(self.graph, it))
            .filter(|it| self.grids.contains_key(it))
            .collect()
    }

    /// Replaces the bias in an addition after a product, where it was corrected.
    fn correct_addition(
        &self,
        at: usize,
        on: &[bool],
        draft: &mut Draft,
        node: &mut Node,
    ) -> Result<(), Error> {
        for (layer, bias) in self.layers.iter().zip(self.biases).zip(on).filter(|it| *it.1).map(|it| it.0) {
            if let (Bias::Added { node: of, name }, Some(bias)) = (&layer.bias, bias)
                && *of == at
            {
                let new =
                    draft.constant(&format!("{name}/corrected"), Tensor::f32([bias.len()], bias.clone())?);
                node.inputs.iter_mut().filter(|it| *it == name).for_each(|it| it.clone_from(&new));
            }
        }
        Ok(())
    }

    /// The bias that the layer's own node adds, as it is or corrected.
    pub(super) fn own_bias(&self, layer: usize) -> Option<Vec<f32>> {
        let corrected = self.biases[layer].clone();
        match &self.layers[layer].bias {
            Bias::Added { .. } => None,
            Bias::Own(name) => {
                corrected.or_else(|| Some(self.graph.initialisers.get(name)?.as_f32()?.to_vec()))
            }
            Bias::None => corrected,
        }
    }
}

impl Rewriting<'_> {
    /// What stands for a value rounded to its grid; made where it is first asked for.
    pub(super) fn rounded(&mut self, value: &str) -> Result<String, Error> {
        if let Some(name) = self.rounded.get(value) {
            return Ok(name.clone());
        }
        let name = match self.plan.scheme {
            Scheme::Static { .. } => self.on_grid(value)?,
            Scheme::Dynamic { rows } => self.on_its_own_grid(value, rows)?,
            Scheme::Weights { .. } => value.to_owned(),
        };
        self.rounded.insert(value.to_owned(), name.clone());
        Ok(name)
    }

    fn on_grid(&mut self, value: &str) -> Result<String, Error> {
        let missing = || Error::tensor(value, "a value that was seen on the samples", "none");
        let grid = *self.plan.grids.get(value).ok_or_else(missing)?;
        let zero = match grid.signed {
            true => Values::I8(vec![grid.zero as i8]),
            false => Values::U8(vec![grid.zero as u8]),
        };
        let scale = self.draft.number(&format!("{value}/scale"), Values::F32(vec![grid.scale]))?;
        let zero = self.draft.number(&format!("{value}/zero"), zero)?;
        let codes = self.draft.node("QuantizeLinear", &[value, &scale, &zero], &format!("{value}/quantised"));
        Ok(self.draft.node("DequantizeLinear", &[&codes, &scale, &zero], &format!("{value}/rounded")))
    }

    /// A layer, quantised, ready to be put down.
    fn layer(&mut self, at: usize, mut node: Node) -> Result<(), Error> {
        let layer = &self.plan.layers[at];
        if layer.kind == Kind::Table {
            return self.table(at, node);
        }
        if self.form == Form::Written {
            match self.plan.scheme {
                Scheme::Static { .. } => {}
                Scheme::Dynamic { rows } => return self.integer_layer(at, node, rows),
                Scheme::Weights { .. } => return self.blocked_layer(at, node),
            }
        }
        spell_kernel(layer, &mut node);
        // Its own input may stand rounded already, where every reader of it gets it so.
        node.inputs[0] = self.rounded(&layer.input)?;
        node.inputs[1] = self.weights(at)?;
        let Some(bias) = self.plan.own_bias(at) else {
            self.draft.nodes.push(node);
            return Ok(());
        };
        if layer.op == "MatMul" {
            return self.with_addition(node, layer, &bias);
        }
        node.inputs.truncate(2);
        let bias = self.bias(at, &bias)?;
        node.inputs.push(bias);
        self.draft.nodes.push(node);
        Ok(())
    }

    /// A product, and its bias added by a node of its own.
    pub(super) fn with_addition(&mut self, mut node: Node, layer: &Layer, bias: &[f32]) -> Result<(), Error> {
        let output = std::mem::take(&mut node.outputs[0]);
        let made = self.draft.shaped(node, &format!("{output}/product"));
        let bias =
            self.draft.constant(&format!("{}/bias", layer.name), Tensor::f32([bias.len()], bias.to_vec())?);
        self.draft.nodes.push(Node::new("Add", [made, bias], [output]));
        Ok(())
    }

    fn weights(&mut self, at: usize) -> Result<String, Error> {
        let (layer, coded) = (&self.plan.layers[at], &self.plan.coded[at]);
        let (Form::Written, Coded::Eight { codes, scales }) = (self.form, coded) else {
            let values = Tensor::f32(layer.shape.clone(), coded.values(layer))?;
            return Ok(self.draft.constant(&format!("{}/rounded", layer.weights), values));
        };
        let codes = Tensor::new(layer.shape.clone(), Values::I8(codes.clone()))?;
        let codes = self.draft.constant(&format!("{}/quantised", layer.weights), codes);
        let zeros = Values::I8(vec![0; scales.len()]);
        self.dequantised(&codes, (scales.clone(), zeros), layer.axis(), &layer.weights)
    }

    fn dequantised(
        &mut self,
        codes: &str,
        (scales, zeros): (Vec<f32>, Values),
        axis: usize,
        stem: &str,
    ) -> Result<String, Error> {
        let channels = scales.len();
        let scale = self.draft.constant(&format!("{stem}/scale"), Tensor::f32([channels], scales)?);
        let zero = self.draft.constant(&format!("{stem}/zero"), Tensor::new([channels], zeros)?);
        let node = Node::new("DequantizeLinear", [codes, &scale, &zero], [""; 0]);
        Ok(self.draft.shaped(node.with("axis", Attribute::Int(axis as i64)), &format!("{stem}/rounded")))
    }

    /// The bias of a convolution or `Gemm`: 32-bit integers of the product of both grids where there are two, else as it is.
    fn bias(&mut self, at: usize, bias: &[f32]) -> Result<String, Error> {
        let (layer, coded) = (&self.plan.layers[at], &self.plan.coded[at]);
        let stem = format!("{}/bias", layer.name);
        let grid =
            self.plan.grids.get(&layer.input).filter(|_| matches!(self.plan.scheme, Scheme::Static { .. }));
        let (Some(grid), Coded::Eight { scales, .. }) = (grid, coded) else {
            return Ok(self.draft.constant(&stem, Tensor::f32([bias.len()], bias.to_vec())?));
        };
        let codes = bias_codes(bias, grid.scale, scales);
        let steps: Vec<f32> = scales.iter().map(|it| grid.scale * it).collect();
        if self.form == Form::Judged {
            let values = codes.iter().zip(&steps).map(|(code, step)| *code as f32 * step).collect();
            return Ok(self.draft.constant(&stem, Tensor::f32([bias.len()], values)?));
        }
        let zeros = Values::I32(vec![0; codes.len()]);
        let codes = self
            .draft
            .constant(&format!("{stem}/quantised"), Tensor::new([codes.len()], Values::I32(codes))?);
        self.dequantised(&codes, (steps, zeros), 0, &stem)
    }

    /// Rows looked up among integers, and their scales beside them.
    fn table(&mut self, at: usize, node: Node) -> Result<(), Error> {
        let (layer, coded) = (&self.plan.layers[at], &self.plan.coded[at]);
        let (Form::Written, Coded::Eight { codes, scales }) = (self.form, coded) else {
            let values = Tensor::f32(layer.shape.clone(), coded.values(layer))?;
            let values = self.draft.constant(&format!("{}/rounded", layer.weights), values);
            self.draft.nodes.push(Node { inputs: vec![values, node.inputs[1].clone()], ..node });
            return Ok(());
        };
        let stem = &layer.weights;
        let codes = Tensor::new(layer.shape.clone(), Values::I8(codes.clone()))?;
        let codes = self.draft.constant(&format!("{stem}/quantised"), codes);
        let scales =
            self.draft.constant(&format!("{stem}/scale"), Tensor::f32([scales.len(), 1], scales.clone())?);
        let rows = self.draft.node("Gather", &[&codes, &layer.input], &format!("{}/codes", layer.name));
        let steps = self.draft.node("Gather", &[&scales, &layer.input], &format!("{}/steps", layer.name));
        let rows = self.cast(&rows, FLOAT, &format!("{}/numbers", layer.name));
        self.draft.nodes.push(Node::new("Mul", [rows, steps], [node.outputs[0].clone()]));
        Ok(())
    }

    pub(super) fn cast(&mut self, value: &str, to: i64, stem: &str) -> String {
        let node = Node::new("Cast", [value], [""; 0]).with("to", Attribute::Int(to));
        self.draft.shaped(node, stem)
    }
}

/// Element types as ONNX numbers them (`TensorProto.DataType`).
pub(super) const FLOAT: i64 = 1;
pub(super) const U8: i64 = 2;
pub(super) const I32: i64 = 6;

/// Writes the kernel's shape at its convolution: once weights are made by a node, a reader cannot see it.
pub(super) fn spell_kernel(layer: &Layer, node: &mut Node) {
    if matches!(layer.kind, Kind::Convolution { .. }) {
        let kernel = layer.shape[2..].iter().map(|&it| it as i64).collect();
        node.attributes.entry("kernel_shape".to_owned()).or_insert(Attribute::Ints(kernel));
    }
}
