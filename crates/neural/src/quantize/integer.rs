//! Layers in operators that compute with integers: `MatMulInteger`, `ConvInteger`, and `MatMulNBits` for four bits.

use super::{
    layer::{Kind, Layer},
    rewrite::{FLOAT, Form, I32, Rewriting, U8, spell_kernel},
    weights::{Blocked, Coded},
};
use crate::{Attribute, Error, Node, Tensor, Values};

/// From this operator set on the axes of a reduction are an input.
const AXES_ARE_INPUTS: i64 = 18;

impl Rewriting<'_> {
    /// A value rounded to a grid that is laid over it while the network runs: one for all, or one for each row.
    pub(super) fn on_its_own_grid(&mut self, value: &str, rows: bool) -> Result<String, Error> {
        let [codes, scale, zero] = self.integers(value, rows)?;
        let stem = format!("{value}/rounded");
        if !rows {
            return Ok(self.draft.node("DequantizeLinear", &[&codes, &scale, &zero], &stem));
        }
        let numbers = self.cast(&codes, FLOAT, &format!("{value}/numbers"));
        let steps = self.draft.node("Sub", &[&numbers, &zero], &format!("{value}/steps"));
        Ok(self.draft.node("Mul", &[&steps, &scale], &stem))
    }

    /// Unsigned 8-bit integers of a value, their scale, and their zero point (of rows: as a float).
    fn integers(&mut self, value: &str, rows: bool) -> Result<[String; 3], Error> {
        if let Some(names) = self.integers.get(value) {
            return Ok(names.clone());
        }
        let names = if rows {
            self.integers_of_rows(value)?
        } else {
            let stems = ["quantised", "scale", "zero"].map(|it| format!("{value}/{it}"));
            self.draft.several("DynamicQuantizeLinear", value, stems)
        };
        self.integers.insert(value.to_owned(), names.clone());
        Ok(names)
    }

    /// The same formula as `DynamicQuantizeLinear`, row by row of the last dimension, so that no row depends on another.
    fn integers_of_rows(&mut self, value: &str) -> Result<[String; 3], Error> {
        let number = |it: &mut Self, stem: &str, number: f32| {
            it.draft.number(&format!("{value}/{stem}"), Values::F32(vec![number]))
        };
        let [none, most] = [number(self, "none", 0.0)?, number(self, "most", 255.0)?];
        let tiny = number(self, "tiny", f32::MIN_POSITIVE)?;
        let node = |it: &mut Self, op: &str, inputs: &[&str], stem: &str| {
            it.draft.node(op, inputs, &format!("{value}/{stem}"))
        };
        let [low, high] = [("ReduceMin", "lows"), ("ReduceMax", "highs")].map(|(op, stem)| (op, stem));
        let low = self.reduced(low.0, value, low.1)?;
        let high = self.reduced(high.0, value, high.1)?;
        let low = node(self, "Min", &[&low, &none], "low");
        let high = node(self, "Max", &[&high, &none], "high");
        let span = node(self, "Sub", &[&high, &low], "span");
        let step = node(self, "Div", &[&span, &most], "step");
        let scale = node(self, "Max", &[&step, &tiny], "scale");
        let below = node(self, "Sub", &[&none, &low], "below");
        let below = node(self, "Div", &[&below, &scale], "steps_below");
        let zero = node(self, "Round", &[&below], "zero");
        let steps = node(self, "Div", &[value, &scale], "steps_above");
        let steps = node(self, "Round", &[&steps], "whole_steps");
        let codes = node(self, "Add", &[&steps, &zero], "codes");
        let codes = node(self, "Clip", &[&codes, &none, &most], "codes_held");
        Ok([self.cast(&codes, U8, &format!("{value}/quantised")), scale, zero])
    }

    fn reduced(&mut self, op: &str, value: &str, stem: &str) -> Result<String, Error> {
        let node = Node::new(op, [value], [""; 0]).with("keepdims", Attribute::Int(1));
        let node = if self.plan.graph.opset() >= AXES_ARE_INPUTS {
            let axes = self.draft.constant(&format!("{value}/axes"), Tensor::i64([1], vec![-1])?);
            Node { inputs: vec![value.to_owned(), axes], ..node }
        } else {
            node.with("axes", Attribute::Ints(vec![-1]))
        };
        Ok(self.draft.shaped(node, &format!("{value}/{stem}")))
    }

    /// A product or convolution of integers, scaled, its bias added.
    pub(super) fn integer_layer(&mut self, at: usize, node: Node, rows: bool) -> Result<(), Error> {
        debug_assert_eq!(self.form, Form::Written);
        let layer = &self.plan.layers[at];
        let Coded::Eight { codes, scales } = &self.plan.coded[at] else {
            return Err(Error::tensor(&layer.weights, "weights of 8 bits", "others"));
        };
        let is_image = matches!(layer.kind, Kind::Convolution { .. });
        let by_row = rows && !is_image;
        let [input, scale, zero] = self.integers(&layer.input, by_row)?;
        let (sums, factor) = if is_image {
            let (trailing, sums) =
                (layer.shape.len() - 2, self.convolved(layer, &node, codes, [&input, &zero])?);
            let shape = [&[scales.len()][..], &vec![1; trailing]].concat();
            (
                sums,
                self.draft.constant(&format!("{}/scale", layer.weights), Tensor::f32(shape, scales.clone())?),
            )
        } else {
            let zero = (!by_row).then_some(zero.as_str()).ok_or(zero.as_str());
            let sums = self.multiplied(layer, codes, &input, zero)?;
            let scales = Tensor::f32([scales.len()], scales.clone())?;
            (sums, self.draft.constant(&format!("{}/scale", layer.weights), scales))
        };
        let stem = &layer.name;
        let numbers = self.cast(&sums, FLOAT, &format!("{stem}/sums"));
        let factor = self.draft.node("Mul", &[&scale, &factor], &format!("{stem}/factor"));
        self.ended(at, [&numbers, &factor], &node.outputs[0], is_image)
    }

    /// `numbers · factor`, and the bias.
    fn ended(
        &mut self,
        at: usize,
        [numbers, factor]: [&str; 2],
        output: &str,
        is_image: bool,
    ) -> Result<(), Error> {
        let layer = &self.plan.layers[at];
        let Some(bias) = self.plan.own_bias(at) else {
            self.draft.nodes.push(Node::new("Mul", [numbers, factor], [output]));
            return Ok(());
        };
        let product = self.draft.node("Mul", &[numbers, factor], &format!("{output}/product"));
        let trailing = if is_image { layer.shape.len() - 2 } else { 0 };
        let shape = [&[bias.len()][..], &vec![1; trailing]].concat();
        let bias = self.draft.constant(&format!("{}/bias", layer.name), Tensor::f32(shape, bias)?);
        self.draft.nodes.push(Node::new("Add", [product, bias], [output.to_owned()]));
        Ok(())
    }

    /// Sums of products; of rows with a zero point each, what that adds is taken off again.
    fn multiplied(
        &mut self,
        layer: &Layer,
        codes: &[i8],
        input: &str,
        zero: Result<&str, &str>,
    ) -> Result<String, Error> {
        let (inputs, outputs) = (layer.depth(), layer.channels());
        let mut by_row = vec![0; codes.len()];
        let mut totals = vec![0i32; outputs];
        for channel in 0..outputs {
            for (k, place) in layer.places(channel).enumerate() {
                by_row[k * outputs + channel] = codes[place];
                totals[channel] += i32::from(codes[place]);
            }
        }
        let stem = &layer.weights;
        let weights = Tensor::new([inputs, outputs], Values::I8(by_row))?;
        let weights = self.draft.constant(&format!("{stem}/quantised"), weights);
        let name = format!("{}/products", layer.name);
        match zero {
            Ok(zero) => Ok(self.draft.node("MatMulInteger", &[input, &weights, zero], &name)),
            Err(zeros) => {
                let sums = self.draft.node("MatMulInteger", &[input, &weights], &name);
                let totals = Tensor::new([outputs], Values::I32(totals))?;
                let totals = self.draft.constant(&format!("{stem}/totals"), totals);
                let zeros = self.cast(zeros, I32, &format!("{}/zeros", layer.name));
                let added = self.draft.node("Mul", &[&zeros, &totals], &format!("{}/added", layer.name));
                Ok(self.draft.node("Sub", &[&sums, &added], &format!("{}/exact", layer.name)))
            }
        }
    }

    /// A convolution that is padded with the zero point by a node of its own: executors differ in what `ConvInteger` pads with.
    fn convolved(
        &mut self,
        layer: &Layer,
        node: &Node,
        codes: &[i8],
        [input, zero]: [&str; 2],
    ) -> Result<String, Error> {
        let weights = Tensor::new(layer.shape.clone(), Values::I8(codes.to_vec()))?;
        let weights = self.draft.constant(&format!("{}/quantised", layer.weights), weights);
        let pads = node.ints("pads").filter(|it| it.iter().any(|it| *it != 0)).map(<[i64]>::to_vec);
        let input = match pads {
            Some(pads) => {
                let (before, after) = pads.split_at(pads.len() / 2);
                let pads = [&[0, 0], before, &[0, 0], after].concat();
                let stem = format!("{}/pads", layer.name);
                let pads = self.draft.constant(&stem, Tensor::i64([pads.len()], pads)?);
                self.draft.node("Pad", &[input, &pads, zero], &format!("{}/padded", layer.name))
            }
            None => input.to_owned(),
        };
        let mut made = Node { op: "ConvInteger".to_owned(), ..node.clone() };
        made.inputs = vec![input, weights, zero.to_owned()];
        made.attributes.retain(|name, _| name != "pads" && name != "auto_pad");
        spell_kernel(layer, &mut made);
        Ok(self.draft.shaped(made, &format!("{}/products", layer.name)))
    }

    /// `MatMulNBits` of ONNX Runtime (operator set com.microsoft 1): activations stay floats.
    pub(super) fn blocked_layer(&mut self, at: usize, node: Node) -> Result<(), Error> {
        let (layer, coded) = (&self.plan.layers[at], &self.plan.coded[at]);
        let Coded::Four(coded) = coded else {
            return Err(Error::tensor(&layer.weights, "weights of 4 bits", "others"));
        };
        let (outputs, blocks, block) = (layer.channels(), coded.blocks, coded.block);
        let stem = &layer.weights;
        let codes = Blocked::packed(&coded.codes, block);
        let codes = Tensor::new([outputs, blocks, block / 2], Values::U8(codes))?;
        let codes = self.draft.constant(&format!("{stem}/quantised"), codes);
        let scales = Tensor::f32([outputs, blocks], coded.scales.clone())?;
        let scales = self.draft.constant(&format!("{stem}/scale"), scales);
        let zeros = Blocked::packed(&coded.zeros, blocks);
        let zeros = Tensor::new([outputs, blocks.div_ceil(2)], Values::U8(zeros))?;
        let zeros = self.draft.constant(&format!("{stem}/zero"), zeros);
        let mut made = Node::new("MatMulNBits", [&layer.input, &codes, &scales, &zeros], [&node.outputs[0]]);
        made.domain = "com.microsoft".to_owned();
        for (name, value) in [("K", layer.depth()), ("N", outputs), ("bits", 4), ("block_size", block)] {
            made.attributes.insert(name.to_owned(), Attribute::Int(value as i64));
        }
        match self.plan.own_bias(at) {
            Some(bias) => self.with_addition(made, layer, &bias),
            None => {
                self.draft.nodes.push(Node { name: layer.name.clone(), ..made });
                Ok(())
            }
        }
    }
}
