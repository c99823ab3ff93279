//! Whisper's encoder and decoder as graphs, from weights as CTranslate2 names them.
//!
//! The encoder: two convolutions with GELU, sinusoidal positions, pre-norm transformer blocks, a last normalisation. The
//! decoder: embeddings and positions, blocks that attend to the tokens before and to the encoder's states, logits. As graphs
//! they run on any executor, are written as ONNX for others and judge our plans; the decoder's keeps nothing between steps.
//! Queries, keys and values lie in one matrix in the file and become three products here.

use std::collections::BTreeMap;

use super::layers::{EMBEDDINGS, EPSILON, MAX_PLACES, blocks, check, heads};
use crate::{Attribute, Dim, Dtype, Error, Graph, Node, Port, Tensor, Weights};

/// ONNX operator set 17: the first with `LayerNormalization`.
const OPSET: i64 = 17;

/// The encoder: `mel` f32 `[batch, bands, 2 · frames]` → `states` f32 `[batch, frames, width]`.
///
/// # Errors
/// [`Error::Malformed`] where the weights are not Whisper's; [`Error::Tensor`] where one is missing or of another shape.
pub fn encoder_graph(weights: &Weights) -> Result<Graph, Error> {
    check(weights)?;
    let kernels = weights.section("encoder/conv1/weight")?.shape.clone();
    let &[width, bands, _] = kernels.as_slice() else {
        return Err(Error::tensor("encoder/conv1/weight", "three dimensions", format!("{kernels:?}")));
    };
    let mut build = Build::new(weights, "encoder/num_heads", width)?;
    let frames = weights.section("encoder/position_encodings/encodings")?.shape.first().copied().unwrap_or(0);
    build.stem()?;
    let mut states = "stem".to_owned();
    for layer in 0..blocks(weights, "encoder")? {
        states = build.encoder_block(layer, &states)?;
    }
    build.norm("encoder/layer_norm", &states, "states")?;
    let (bands, frames, width) = (Dim::Fixed(bands), [frames, 2 * frames].map(Dim::Fixed), Dim::Fixed(width));
    let [states, spectra] = frames;
    build.done(
        "whisper encoder",
        vec![port("mel", Dtype::F32, [bands, spectra])],
        port("states", Dtype::F32, [states, width]),
    )
}

/// The decoder: `tokens` i64 `[batch, length]` and `states` f32 `[batch, any number, width]` → `logits` f32 `[batch, length,
/// vocabulary]`, each after its token and those before it.
///
/// # Errors
/// As [`encoder_graph`].
pub fn decoder_graph(weights: &Weights) -> Result<Graph, Error> {
    check(weights)?;
    let table = format!("{EMBEDDINGS}/weight");
    let shape = weights.section(&table)?.shape.clone();
    let &[vocabulary, width] = shape.as_slice() else {
        return Err(Error::tensor(table, "two dimensions", format!("{shape:?}")));
    };
    let mut build = Build::new(weights, "decoder/num_heads", width)?;
    build.embed(&table, vocabulary)?;
    let mut rows = "embedded".to_owned();
    for layer in 0..blocks(weights, "decoder")? {
        rows = build.decoder_block(layer, &rows)?;
    }
    build.norm("decoder/layer_norm", &rows, "rows")?;
    let turned = transposed(&weights.floats(&table)?, width);
    build.constant("decoder/projection", Tensor::f32([width, vocabulary], turned)?);
    build.node("MatMul", &["rows", "decoder/projection"], "logits");
    let (length, states) = (|| Dim::Named("length".to_owned()), Dim::Named("states".to_owned()));
    let tokens = vec![Dim::Named("batch".to_owned()), length()];
    let tokens = Port { name: "tokens".to_owned(), dtype: Dtype::I64, shape: Some(tokens) };
    let inputs = vec![tokens, port("states", Dtype::F32, [states, Dim::Fixed(width)])];
    build.done("whisper decoder", inputs, port("logits", Dtype::F32, [length(), Dim::Fixed(vocabulary)]))
}

/// A port of some batch.
fn port(name: &str, dtype: Dtype, [rows, columns]: [Dim; 2]) -> Port {
    let shape = vec![Dim::Named("batch".to_owned()), rows, columns];
    Port { name: name.to_owned(), dtype, shape: Some(shape) }
}

/// Rows of `columns` values as columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns)).copied().collect()
}

/// A graph on its way.
struct Build<'a> {
    weights: &'a Weights,
    nodes: Vec<Node>,
    initialisers: BTreeMap<String, Tensor>,
    width: usize,
    heads: usize,
}

/// Where a product of attention comes from: the layer, the place of its rows among others' in it, and what goes in.
type Part<'a> = (&'a str, usize, &'a str);

impl<'a> Build<'a> {
    fn new(weights: &'a Weights, name: &str, width: usize) -> Result<Self, Error> {
        let heads = heads(weights, name, width)?;
        Ok(Build { weights, nodes: Vec::new(), initialisers: BTreeMap::new(), width, heads })
    }

    fn done(self, name: &str, inputs: Vec<Port>, output: Port) -> Result<Graph, Error> {
        let graph = Graph {
            name: name.to_owned(),
            inputs,
            outputs: vec![output],
            initialisers: self.initialisers,
            nodes: self.nodes,
            opsets: [(String::new(), OPSET)].into(),
            notes: BTreeMap::new(),
        };
        graph.check()?;
        Ok(graph)
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

    fn encoder_block(&mut self, layer: usize, from: &str) -> Result<String, Error> {
        let name = format!("encoder/layer_{layer}");
        let attended = self.attend(&name, from, None)?;
        self.widen(&name, &attended)
    }

    fn decoder_block(&mut self, layer: usize, from: &str) -> Result<String, Error> {
        let name = format!("decoder/layer_{layer}");
        let attended = self.attend(&name, from, Some("unseen"))?;
        let consulted = self.consult(&name, &attended)?;
        self.widen(&name, &consulted)
    }

    /// Rows attend to rows; `hidden` is added to the scores.
    fn attend(&mut self, block: &str, from: &str, hidden: Option<&str>) -> Result<String, Error> {
        let name = |part: &str| format!("{block}/{part}");
        let (normed, joined) = (name("attention/normed"), name("self_attention/linear_0"));
        self.norm(&name("self_attention/layer_norm"), from, &normed)?;
        let parts = [0, 1, 2].map(|place| (joined.as_str(), place, normed.as_str()));
        let mixed = self.attention(&name("self_attention"), parts, hidden)?;
        let width = self.width;
        self.linear(&name("self_attention/linear_1"), (0, width, width), &mixed, &name("attention/out"))?;
        self.node("Add", &[from, &name("attention/out")], &name("attended"));
        Ok(name("attended"))
    }

    /// Rows attend to the states of the encoder.
    fn consult(&mut self, block: &str, from: &str) -> Result<String, Error> {
        let name = |part: &str| format!("{block}/{part}");
        let (normed, width) = (name("source/normed"), self.width);
        self.norm(&name("attention/layer_norm"), from, &normed)?;
        let (query, pairs) = (name("attention/linear_0"), name("attention/linear_1"));
        let parts = [(query.as_str(), 0, normed.as_str()), (&pairs, 0, "states"), (&pairs, 1, "states")];
        let mixed = self.attention(&name("source"), parts, None)?;
        self.linear(&name("attention/linear_2"), (0, width, width), &mixed, &name("source/out"))?;
        self.node("Add", &[from, &name("source/out")], &name("consulted"));
        Ok(name("consulted"))
    }

    fn widen(&mut self, block: &str, from: &str) -> Result<String, Error> {
        let name = |part: &str| format!("{block}/{part}");
        self.norm(&name("ffn/layer_norm"), from, &name("ffn/normed"))?;
        let up = self.weights.section(&name("ffn/linear_0/weight"))?.shape.first().copied();
        let (width, inner) = (self.width, up.unwrap_or(0));
        self.linear(&name("ffn/linear_0"), (0, inner, width), &name("ffn/normed"), &name("ffn/up"))?;
        self.gelu(&name("ffn/up"), &name("ffn/gelu"))?;
        self.linear(&name("ffn/linear_1"), (0, width, inner), &name("ffn/gelu"), &name("ffn/down"))?;
        self.node("Add", &[from, &name("ffn/down")], &name("out"));
        Ok(name("out"))
    }

    /// Embeddings and positions of the tokens as `embedded`; −∞ at places that are not seen yet as `unseen`, `[length, length]`.
    fn embed(&mut self, table: &str, vocabulary: usize) -> Result<(), Error> {
        const POSITIONS: &str = "decoder/position_encodings/encodings";
        let table = self.weight(table, &[vocabulary, self.width])?;
        let shape = self.weights.section(POSITIONS)?.shape.clone();
        let (places, context) = (self.weight(POSITIONS, &shape)?, shape.first().copied().unwrap_or(0));
        Error::limit(POSITIONS, MAX_PLACES, context as u64, "places")?;
        let unseen = |at: usize| if at % context > at / context { f32::NEG_INFINITY } else { 0.0 };
        self.constant(
            "later",
            Tensor::f32([context, context], (0..context * context).map(unseen).collect())?,
        );
        for (name, values) in
            [("zero", vec![0]), ("zeros", vec![0, 0]), ("one", vec![1]), ("both", vec![0, 1])]
        {
            self.constant(name, Tensor::i64([values.len()], values)?);
        }
        self.node("Shape", &["tokens"], "shape");
        self.node("Gather", &["shape", "one"], "length");
        self.node("Concat", &["length", "length"], "square")
            .attributes
            .insert("axis".to_owned(), Attribute::Int(0));
        self.node("Slice", &[&places, "zero", "length", "zero"], "places");
        self.node("Slice", &["later", "zeros", "square", "both"], "unseen");
        self.node("Gather", &[&table, "tokens"], "known");
        self.node("Add", &["known", "places"], "embedded");
        Ok(())
    }

    /// Attention by queries, keys and values of these parts, heads side by side again.
    fn attention(&mut self, name: &str, parts: [Part<'_>; 3], hidden: Option<&str>) -> Result<String, Error> {
        let (width, heads) = (self.width, self.heads as i64);
        let split = "split into heads";
        self.constant(split, Tensor::i64([4], vec![0, 0, heads, width as i64 / heads])?);
        self.constant("join heads", Tensor::i64([3], vec![0, 0, width as i64])?);
        let part = |step: &str| format!("{name}/{step}");
        let turns = [("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])];
        for ((which, perm), (layer, place, from)) in turns.into_iter().zip(parts) {
            self.linear(layer, (place, width, width), from, &part(which))?;
            let heads = part(&format!("{which}/heads"));
            self.node("Reshape", &[&part(which), split], &heads);
            let turned = self.node("Transpose", &[&heads], &part(&format!("{which}/turned")));
            turned.attributes.insert("perm".to_owned(), Attribute::Ints(perm.to_vec()));
        }
        let scale = self.number((width as f32 / heads as f32).sqrt())?;
        self.node("MatMul", &[&part("query/turned"), &part("key/turned")], &part("products"));
        self.node("Div", &[&part("products"), &scale], &part("scores"));
        let mut scores = part("scores");
        if let Some(hidden) = hidden {
            self.node("Add", &[&scores, hidden], &part("scores/seen"));
            scores = part("scores/seen");
        }
        let softmax = self.node("Softmax", &[&scores], &part("shares"));
        softmax.attributes.insert("axis".to_owned(), Attribute::Int(-1));
        self.node("MatMul", &[&part("shares"), &part("value/turned")], &part("mixed"));
        let turned = self.node("Transpose", &[&part("mixed")], &part("mixed/turned"));
        turned.attributes.insert("perm".to_owned(), Attribute::Ints(vec![0, 2, 1, 3]));
        self.node("Reshape", &[&part("mixed/turned"), "join heads"], &part("joined"));
        Ok(part("joined"))
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
        let turned = transposed(rows, inputs);
        let bias = bias.to_vec();
        self.constant(&format!("{to}/weight"), Tensor::f32([inputs, outputs], turned)?);
        self.constant(&format!("{to}/bias"), Tensor::f32([outputs], bias)?);
        self.node("MatMul", &[from, &format!("{to}/weight")], &format!("{to}/product"));
        self.node("Add", &[&format!("{to}/product"), &format!("{to}/bias")], to);
        Ok(())
    }
}
