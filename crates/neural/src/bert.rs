//! BERT's encoder (Devlin et al. 2019) as a graph, from weights as Hugging Face names them: texts as numbers of tokens to states, or
//! to one vector a text as sentence embeddings make it (Reimers & Gurevych 2019).
//!
//! As a graph it runs on any executor, is written as ONNX for others, quantised, and planned like any other.

use serde::Deserialize;

use crate::assembly::{Build, Names};
use crate::{Attribute, Dim, Dtype, Error, Graph, Port, Tensor, Weights};

/// Blocks that are looked for; BERT large has 24.
const MAX_LAYERS: usize = 64;

/// What is added to the score of a token that is not seen; its share is then 0 in 32-bit floats.
const HIDDEN: f32 = -10_000.0;

/// What a length is divided by at least (`torch.nn.functional.normalize`).
const SHORTEST: f32 = 1e-12;

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `states` f32 `[batch, tokens, width]`.
    States,
    /// `embedding` f32 `[batch, width]`: the mean of the states that are seen, of length 1.
    Sentence,
}

/// What of `config.json` is needed.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    num_attention_heads: usize,
    hidden_act: String,
    layer_norm_eps: f32,
    #[serde(default)]
    position_embedding_type: Option<String>,
}

/// The encoder: `input_ids`, `attention_mask` (1 where a token is seen) and `token_type_ids`, i64 `[batch, tokens]` each, to an
/// [`Answer`]. `config` is the text of the `config.json` beside the weights.
///
/// # Errors
/// [`Error::Malformed`] for another kind of network, or heads that do not share the width; [`Error::Tensor`] where a weight is
/// missing or of another shape.
pub fn graph(weights: &Weights, config: &str, answer: Answer) -> Result<Graph, Error> {
    let config = read(config)?;
    let prefix = if weights.section("embeddings.word_embeddings.weight").is_ok() { "" } else { "bert." };
    let [_, width] = table(weights, &format!("{prefix}embeddings.word_embeddings.weight"))?;
    let heads = config.num_attention_heads;
    if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
        let expected = format!("a divisor of {width}");
        return Err(Error::malformed("num_attention_heads", expected, heads.to_string()));
    }
    let names = Names { separator: '.', norm: ["weight", "bias"], epsilon: config.layer_norm_eps };
    let mut build = Build::new(weights, names, heads, width);
    build.embedded(prefix)?;
    build.hidden()?;
    let mut states = "embedded".to_owned();
    let name = |layer: usize| format!("{prefix}encoder.layer.{layer}");
    let is_there = |layer: &usize| weights.section(&format!("{}.output.dense.weight", name(*layer))).is_ok();
    for layer in (0..MAX_LAYERS).take_while(is_there) {
        states = build.post_norm(&name(layer), &states)?;
    }
    let dims = |last: &[Dim]| [&[named("batch")], last].concat();
    let (output, shape) = match answer {
        Answer::States => (states, dims(&[named("tokens"), Dim::Fixed(width)])),
        Answer::Sentence => (build.pooled(&states)?, dims(&[Dim::Fixed(width)])),
    };
    let input =
        |name: &str| Port { name: name.to_owned(), dtype: Dtype::I64, shape: Some(dims(&[named("tokens")])) };
    let inputs = ["input_ids", "attention_mask", "token_type_ids"].map(input).to_vec();
    build.done("bert", inputs, Port { name: output, dtype: Dtype::F32, shape: Some(shape) })
}

fn named(name: &str) -> Dim {
    Dim::Named(name.to_owned())
}

fn read(config: &str) -> Result<Config, Error> {
    let wrong = |expected: &str, got: &str| Err(Error::malformed("config.json", expected, got));
    let config: Config = serde_json::from_str(config)
        .map_err(|it| Error::malformed("config.json", "the settings of a BERT", it.to_string()))?;
    match &config {
        Config { model_type, .. } if model_type != "bert" => wrong("model_type bert", model_type),
        Config { hidden_act, .. } if hidden_act != "gelu" => wrong("hidden_act gelu", hidden_act),
        Config { position_embedding_type: Some(it), .. } if it != "absolute" => {
            wrong("absolute positions", it)
        }
        _ => Ok(config),
    }
}

fn table(weights: &Weights, name: &str) -> Result<[usize; 2], Error> {
    let shape = &weights.section(name)?.shape;
    let wrong = |_| Error::tensor(name, "two dimensions", format!("{shape:?}"));
    shape.as_slice().try_into().map_err(wrong)
}

impl Build<'_> {
    /// The sum of the rows of three tables, normalised.
    fn embedded(&mut self, prefix: &str) -> Result<(), Error> {
        for (name, values) in [("zero", vec![0]), ("one", vec![1]), ("second", vec![1])] {
            let shape = if name == "second" { vec![1] } else { vec![] };
            self.constant(name, Tensor::i64(shape, values)?);
        }
        self.node("Shape", &["input_ids"], "shape");
        self.node("Gather", &["shape", "one"], "length");
        self.node("Range", &["zero", "length", "one"], "places");
        let parts = [("word", "input_ids"), ("token_type", "token_type_ids"), ("position", "places")];
        for (part, by) in parts {
            let name = format!("{prefix}embeddings.{part}_embeddings.weight");
            let shape = table(self.weights, &name)?;
            let held = self.weight(&name, &shape)?;
            self.node("Gather", &[&held, by], part);
        }
        self.node("Add", &["word", "token_type"], "token");
        self.node("Add", &["token", "position"], "summed");
        self.norm(&format!("{prefix}embeddings.LayerNorm"), "summed", "embedded")
    }

    /// What is added to scores, `[batch, 1, 1, tokens]`.
    fn hidden(&mut self) -> Result<(), Error> {
        let (one, hidden) = (self.number(1.0)?, self.number(HIDDEN)?);
        self.constant("heads and queries", Tensor::i64([2], vec![1, 2])?);
        self.node("Cast", &["attention_mask"], "seen").attributes.insert("to".to_owned(), Attribute::Int(1));
        self.node("Sub", &[&one, "seen"], "unseen");
        self.node("Mul", &["unseen", &hidden], "hidden");
        self.node("Unsqueeze", &["hidden", "heads and queries"], "hidden scores");
        Ok(())
    }

    /// A block that normalises after each of its parts.
    fn post_norm(&mut self, block: &str, from: &str) -> Result<String, Error> {
        let (name, width) = (|part: &str| format!("{block}.{part}"), self.width);
        let parts = ["query", "key", "value"].map(|it| name(&format!("attention.self.{it}")));
        let parts = [0, 1, 2].map(|at: usize| (parts[at].as_str(), 0, from));
        let mixed = self.attention(&name("mixed"), parts, Some("hidden scores"))?;
        self.linear(&name("attention.output.dense"), (0, width, width), &mixed, &name("attended"))?;
        self.node("Add", &[from, &name("attended")], &name("attended/sum"));
        self.norm(&name("attention.output.LayerNorm"), &name("attended/sum"), &name("middle"))?;
        let [inner, _] = table(self.weights, &name("intermediate.dense.weight"))?;
        self.linear(&name("intermediate.dense"), (0, inner, width), &name("middle"), &name("up"))?;
        self.gelu(&name("up"), &name("gelu"))?;
        self.linear(&name("output.dense"), (0, width, inner), &name("gelu"), &name("down"))?;
        self.node("Add", &[&name("middle"), &name("down")], &name("down/sum"));
        self.norm(&name("output.LayerNorm"), &name("down/sum"), &name("states"))?;
        Ok(name("states"))
    }

    /// The mean of the states that are seen, of length 1.
    fn pooled(&mut self, states: &str) -> Result<String, Error> {
        let shortest = self.number(SHORTEST)?;
        self.constant("last", Tensor::i64([1], vec![2])?);
        self.node("Unsqueeze", &["seen", "last"], "weights");
        self.node("Mul", &[states, "weights"], "weighted");
        for (from, to) in [("weighted", "total"), ("weights", "count")] {
            self.node("ReduceSum", &[from, "second"], to)
                .attributes
                .insert("keepdims".to_owned(), Attribute::Int(0));
        }
        self.node("Div", &["total", "count"], "mean");
        let length = self.node("ReduceL2", &["mean"], "length of the mean");
        length.attributes.insert("axes".to_owned(), Attribute::Ints(vec![-1]));
        length.attributes.insert("keepdims".to_owned(), Attribute::Int(1));
        self.node("Max", &["length of the mean", &shortest], "divisor");
        self.node("Div", &["mean", "divisor"], "embedding");
        Ok("embedding".to_owned())
    }
}
