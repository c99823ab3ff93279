//! Whisper's encoder (Radford et al. 2022) as a graph, from weights as CTranslate2 names them.
//!
//! Two convolutions with GELU, sinusoidal positions, pre-norm transformer blocks, a last normalisation. As a graph it runs on any
//! executor, is written as ONNX for others, and is what the planned executor recognises. Queries, keys and values lie in one
//! matrix in the file and become three products here.

use std::collections::BTreeMap;

use crate::{Attribute, Dim, Dtype, Error, Graph, Node, Note, Port, Tensor, Weights};

/// ONNX operator set 17: the first with `LayerNormalization`.
const OPSET: i64 = 17;

/// ε of every normalisation (PyTorch's default, which Whisper uses).
const EPSILON: f32 = 1e-5;

/// Blocks that are looked for; the largest Whisper has 32.
const MAX_LAYERS: usize = 64;

/// The encoder: `mel` f32 `[batch, bands, 2 · frames]` → `states` f32 `[batch, frames, width]`.
///
/// # Errors
/// [`Error::Malformed`] where the weights are not Whisper's; [`Error::Tensor`] where one is missing or of another shape.
pub fn whisper_encoder(weights: &Weights) -> Result<Graph, Error> {
    match weights.notes().get("specification") {
        Some(Note::Text(it)) if it == "WhisperSpec" => {}
        other => return Err(Error::malformed("weights", "WhisperSpec of CTranslate2", format!("{other:?}"))),
    }
    let mut build = Build { weights, nodes: Vec::new(), initialisers: BTreeMap::new(), width: 0, heads: 0 };
    let kernels = weights.section("encoder/conv1/weight")?.shape.clone();
    let &[width, bands, _] = kernels.as_slice() else {
        return Err(Error::tensor("encoder/conv1/weight", "three dimensions", format!("{kernels:?}")));
    };
    build.width = width;
    build.heads = build.heads_of("encoder/num_heads")?;
    let frames = weights.section("encoder/position_encodings/encodings")?.shape.first().copied().unwrap_or(0);
    build.stem()?;
    let layers = (0..MAX_LAYERS)
        .take_while(|it| weights.section(&format!("encoder/layer_{it}/ffn/linear_0/weight")).is_ok());
    let mut states = "stem".to_owned();
    for layer in layers {
        states = build.block(layer, &states)?;
    }
    build.norm("encoder/layer_norm", &states, "states")?;
    let port = |name: &str, rest: [usize; 2]| {
        let shape = vec![Dim::Named("batch".to_owned()), Dim::Fixed(rest[0]), Dim::Fixed(rest[1])];
        Port { name: name.to_owned(), dtype: Dtype::F32, shape: Some(shape) }
    };
    let graph = Graph {
        name: "whisper encoder".to_owned(),
        inputs: vec![port("mel", [bands, 2 * frames])],
        outputs: vec![port("states", [frames, width])],
        initialisers: build.initialisers,
        nodes: build.nodes,
        opsets: [(String::new(), OPSET)].into(),
        notes: BTreeMap::new(),
    };
    graph.check()?;
    Ok(graph)
}

/// A graph on its way.
struct Build<'a> {
    weights: &'a Weights,
    nodes: Vec<Node>,
    initialisers: BTreeMap<String, Tensor>,
    width: usize,
    heads: usize,
}

impl Build<'_> {
    fn heads_of(&self, name: &str) -> Result<usize, Error> {
        let bytes = self.weights.bytes(name)?;
        let heads = bytes.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if bytes.len() <= 4 && heads > 0 && self.width.is_multiple_of(heads) {
            return Ok(heads);
        }
        Err(Error::malformed(name, format!("a divisor of {}", self.width), heads.to_string()))
    }

    fn node(&mut self, op: &str, inputs: &[&str], output: &str) -> &mut Node {
        let mut node = Node::new(op, inputs.iter().copied(), [output]);
        node.name = output.to_owned();
        self.nodes.push(node);
        self.nodes.last_mut().expect("one was pushed")
    }

    fn constant(&mut self, name: &str, tensor: Tensor) {
        self.initialisers.insert(name.to_owned(), tensor);
    }

    fn number(&mut self, value: f32) -> Result<String, Error> {
        let name = format!("number {value}");
        self.constant(&name, Tensor::f32([], vec![value])?);
        Ok(name)
    }

    /// A weight as it is, as floats.
    fn weight(&mut self, name: &str, shape: &[usize]) -> Result<String, Error> {
        let got = &self.weights.section(name)?.shape;
        if got != shape {
            return Err(Error::tensor(name, format!("{shape:?}"), format!("{got:?}")));
        }
        let floats = self.weights.floats(name)?.into_owned();
        self.constant(name, Tensor::f32(shape, floats)?);
        Ok(name.to_owned())
    }

    /// Mel bands to states: two convolutions over time, the second with step 2, then positions.
    fn stem(&mut self) -> Result<(), Error> {
        let first = self.weights.section("encoder/conv1/weight")?.shape.clone();
        self.convolution("encoder/conv1", "mel", &first, 1)?;
        let width = self.width;
        self.convolution("encoder/conv2", "encoder/conv1/gelu", &[width, width, 3], 2)?;
        let turned = Attribute::Ints(vec![0, 2, 1]);
        self.node("Transpose", &["encoder/conv2/gelu"], "turned")
            .attributes
            .insert("perm".to_owned(), turned);
        let shape = self.weights.section("encoder/position_encodings/encodings")?.shape.clone();
        let places = self.weight("encoder/position_encodings/encodings", &shape)?;
        self.node("Add", &["turned", &places], "stem");
        Ok(())
    }

    fn convolution(&mut self, name: &str, from: &str, shape: &[usize], step: i64) -> Result<(), Error> {
        let kernel = self.weight(&format!("{name}/weight"), shape)?;
        let bias = self.weight(&format!("{name}/bias"), &shape[..1])?;
        let made = format!("{name}/made");
        let node = self.node("Conv", &[from, &kernel, &bias], &made);
        for (key, values) in [("kernel_shape", vec![3]), ("pads", vec![1, 1]), ("strides", vec![step])] {
            node.attributes.insert(key.to_owned(), Attribute::Ints(values));
        }
        self.gelu(&made, &format!("{name}/gelu"))
    }

    /// `x · 0.5 · (1 + erf(x / √2))`, in the form PyTorch exports, which others recognise.
    fn gelu(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let (root, one, half) =
            (self.number(std::f32::consts::SQRT_2)?, self.number(1.0)?, self.number(0.5)?);
        let part = |step: &str| format!("{to}/{step}");
        self.node("Div", &[from, &root], &part("scaled"));
        self.node("Erf", &[&part("scaled")], &part("erf"));
        self.node("Add", &[&part("erf"), &one], &part("raised"));
        self.node("Mul", &[from, &part("raised")], &part("product"));
        self.node("Mul", &[&part("product"), &half], to);
        Ok(())
    }

    fn norm(&mut self, name: &str, from: &str, to: &str) -> Result<(), Error> {
        let shape = [self.width];
        let scale = self.weight(&format!("{name}/gamma"), &shape)?;
        let shift = self.weight(&format!("{name}/beta"), &shape)?;
        let node = self.node("LayerNormalization", &[from, &scale, &shift], to);
        node.attributes.insert("axis".to_owned(), Attribute::Int(-1));
        node.attributes.insert("epsilon".to_owned(), Attribute::Float(EPSILON));
        Ok(())
    }

    fn block(&mut self, layer: usize, from: &str) -> Result<String, Error> {
        let name = |part: &str| format!("encoder/layer_{layer}/{part}");
        self.norm(&name("self_attention/layer_norm"), from, &name("attention/normed"))?;
        self.attention(&name("self_attention"), &name("attention/normed"), &name("attention/out"))?;
        self.node("Add", &[from, &name("attention/out")], &name("attended"));
        self.norm(&name("ffn/layer_norm"), &name("attended"), &name("ffn/normed"))?;
        let (width, inner) = (self.width, self.weights.section(&name("ffn/linear_0/weight"))?.shape[0]);
        self.linear(&name("ffn/linear_0"), (0, inner, width), &name("ffn/normed"), &name("ffn/up"))?;
        self.gelu(&name("ffn/up"), &name("ffn/gelu"))?;
        self.linear(&name("ffn/linear_1"), (0, width, inner), &name("ffn/gelu"), &name("ffn/down"))?;
        self.node("Add", &[&name("attended"), &name("ffn/down")], &name("out"));
        Ok(name("out"))
    }

    fn attention(&mut self, name: &str, from: &str, to: &str) -> Result<(), Error> {
        let (width, heads) = (self.width, self.heads as i64);
        let split = "split into heads";
        self.constant(split, Tensor::i64([4], vec![0, 0, heads, width as i64 / heads])?);
        self.constant("join heads", Tensor::i64([3], vec![0, 0, width as i64])?);
        let part = |step: &str| format!("{name}/{step}");
        for (place, which, perm) in
            [(0, "query", [0, 2, 1, 3]), (1, "key", [0, 2, 3, 1]), (2, "value", [0, 2, 1, 3])]
        {
            self.linear(&part("linear_0"), (place, width, width), from, &part(which))?;
            self.node("Reshape", &[&part(which), split], &part(&format!("{which}/heads")));
            let turned = self.node(
                "Transpose",
                &[&part(&format!("{which}/heads"))],
                &part(&format!("{which}/turned")),
            );
            turned.attributes.insert("perm".to_owned(), Attribute::Ints(perm.to_vec()));
        }
        let scale = self.number((width as f32 / heads as f32).sqrt())?;
        self.node("MatMul", &[&part("query/turned"), &part("key/turned")], &part("products"));
        self.node("Div", &[&part("products"), &scale], &part("scores"));
        let softmax = self.node("Softmax", &[&part("scores")], &part("shares"));
        softmax.attributes.insert("axis".to_owned(), Attribute::Int(-1));
        self.node("MatMul", &[&part("shares"), &part("value/turned")], &part("mixed"));
        let turned = self.node("Transpose", &[&part("mixed")], &part("mixed/turned"));
        turned.attributes.insert("perm".to_owned(), Attribute::Ints(vec![0, 2, 1, 3]));
        self.node("Reshape", &[&part("mixed/turned"), "join heads"], &part("joined"));
        self.linear(&part("linear_1"), (0, width, width), &part("joined"), to)
    }

    /// A product with a matrix stored `[outputs, inputs]`, of which the rows from `place · outputs` on are taken, and its bias.
    fn linear(
        &mut self,
        name: &str,
        (place, outputs, inputs): (usize, usize, usize),
        from: &str,
        to: &str,
    ) -> Result<(), Error> {
        let (matrix, bias) =
            (self.weights.floats(&format!("{name}/weight"))?, self.weights.floats(&format!("{name}/bias"))?);
        let first = place * outputs;
        let (Some(rows), Some(bias)) =
            (matrix.get(first * inputs..(first + outputs) * inputs), bias.get(first..first + outputs))
        else {
            let got = format!("{} weights and {} biases", matrix.len(), bias.len());
            return Err(Error::tensor(name, format!("{} rows of {inputs}", first + outputs), got));
        };
        let turned =
            (0..inputs).flat_map(|column| rows.iter().skip(column).step_by(inputs)).copied().collect();
        let bias = bias.to_vec();
        self.constant(&format!("{to}/weight"), Tensor::f32([inputs, outputs], turned)?);
        self.constant(&format!("{to}/bias"), Tensor::f32([outputs], bias)?);
        self.node("MatMul", &[from, &format!("{to}/weight")], &format!("{to}/product"));
        self.node("Add", &[&format!("{to}/product"), &format!("{to}/bias")], to);
        Ok(())
    }
}
