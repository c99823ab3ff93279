//! Whisper's encoder and decoder as graphs, from weights as CTranslate2 names them.
//!
//! The encoder: two convolutions with GELU, sinusoidal positions, pre-norm transformer blocks, a last normalisation. The
//! decoder: embeddings and positions, blocks that attend to the tokens before and to the encoder's states, logits. As graphs
//! they run on any executor, are written as ONNX for others and judge our plans; the decoder's keeps nothing between steps.
//! Queries, keys and values lie in one matrix in the file and become three products here.

use super::layers::{EMBEDDINGS, EPSILON, MAX_PLACES, blocks, check, heads};
use crate::assembly::{Build, Names, transposed};
use crate::{Attribute, Dim, Dtype, Error, Graph, Port, Tensor, Weights};

/// How CTranslate2 names parts of layers.
const NAMES: Names = Names { separator: '/', norm: ["gamma", "beta"], epsilon: EPSILON };

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
    let mut build = Build::new(weights, NAMES, heads(weights, "encoder/num_heads", width)?, width);
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
    let mut build = Build::new(weights, NAMES, heads(weights, "decoder/num_heads", width)?, width);
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

impl Build<'_> {
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
}
