//! Language networks of the Llama family (Touvron et al. 2023) from GGUF files: the probability of a text, token by token.
//!
//! RMS normalisation, rotary positions on neighbouring pairs (Su et al. 2021, as GGUF stores them), grouped attention, gated
//! SiLU. Weights are computed with as the file stores them (4- or 8-bit blocks times 8-bit activations), as floats, or as INT8
//! with one scale a column. One thread; the same answer whatever was read before and however the text is cut into reads.

mod matrix;
mod shape;

use self::{matrix::Matrix, shape::Shape};
use crate::{
    Cache, Dim, Dtype, Error, Executor, Isa, Port, Precision, Tensor, Weights,
    kernel::{
        Kernel, Lanes, WIDTH,
        kept::{Attend, Kept},
        rows::exp,
    },
};

/// Tokens whose logits are computed at once: they are as wide as the vocabulary.
const ROWS: usize = 16;

/// Tokens that pass through the layers at once.
const CHUNK: usize = 128;

/// A language network, ready to read.
pub struct Llama {
    isa: Isa,
    shape: Shape,
    weights: Weights,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    head: Matrix,
    /// `[context, head width / 2]` pairs of cosine and sine.
    angles: Vec<(f32, f32)>,
    ports: (Vec<Port>, Vec<Port>),
}

struct Layer {
    attention_norm: Vec<f32>,
    /// Queries, keys and values side by side.
    attention: Matrix,
    output: Matrix,
    feed_norm: Vec<f32>,
    /// Gate and value side by side.
    feed: Matrix,
    down: Matrix,
}

impl Llama {
    /// Lays the weights of a GGUF file out, in this precision or as they are stored.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another architecture or sizes that do not fit; [`Error::Tensor`] for weights that are missing
    /// or of another shape.
    pub fn open(weights: &Weights, precision: Option<Precision>) -> Result<Self, Error> {
        let (isa, shape) = (Isa::best(), Shape::of(weights)?);
        let pack = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            Matrix::pack(isa, precision, weights, &names)
        };
        let head =
            if weights.section("output.weight").is_ok() { "output.weight" } else { "token_embd.weight" };
        let network = Llama {
            isa,
            layers: (0..shape.layers)
                .map(|it| Layer::open(weights, &shape, it, &pack))
                .collect::<Result<_, _>>()?,
            norm: vector(weights, "output_norm.weight", shape.width)?,
            head: sized(pack(&[head])?, head, shape.width, shape.vocabulary)?,
            angles: angles(&shape),
            ports: ports(&shape),
            weights: weights.clone(),
            shape,
        };
        Ok(network)
    }

    /// Tokens it can read at most.
    pub fn context(&self) -> usize {
        self.shape.context
    }

    /// Number of tokens it knows.
    pub fn vocabulary(&self) -> usize {
        self.shape.vocabulary
    }

    /// An empty cache with room for this many tokens.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`Llama::context`].
    pub fn cache(&self, capacity: usize) -> Result<Cache, Error> {
        Error::limit("a text", self.shape.context as u64, capacity as u64, "tokens")?;
        Ok(Cache::new(self.shape.layers, capacity, [self.shape.key_heads, self.shape.head_width]))
    }

    /// Reads tokens after those in the cache; gives the state of each, `[tokens, width]`, normalised for [`Llama::logits`].
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the cache has no room; [`Error::Tensor`] for a token that is not in the vocabulary.
    pub fn read(&self, cache: &mut Cache, tokens: &[u32]) -> Result<Vec<f32>, Error> {
        let needed = (cache.length + tokens.len()) as u64;
        Error::limit("a text", cache.capacity as u64, needed, "tokens")?;
        let mut states = Vec::with_capacity(tokens.len() * self.shape.width);
        for tokens in tokens.chunks(CHUNK) {
            states.extend(self.pass(cache, tokens)?);
        }
        Ok(states)
    }

    fn pass(&self, cache: &mut Cache, tokens: &[u32]) -> Result<Vec<f32>, Error> {
        let mut states = Vec::with_capacity(tokens.len() * self.shape.width);
        for &token in tokens {
            states.extend(self.weights.row("token_embd.weight", token as usize)?);
        }
        for (layer, kept) in self.layers.iter().zip(&mut cache.layers) {
            self.attend(layer, kept, cache.length, &mut states);
            self.feed(layer, &mut states);
        }
        cache.length += tokens.len();
        Ok(self.normalised(&states, &self.norm))
    }

    /// `states += output · attention(norm(states))`.
    fn attend(&self, layer: &Layer, kept: &mut Kept, before: usize, states: &mut [f32]) {
        let Shape { width, .. } = self.shape;
        let (keys, all) = (self.shape.key_width(), layer.attention.outputs);
        let mut projected = vec![0.0; states.len() / width * all];
        layer.attention.multiply(&self.normalised(states, &layer.attention_norm), &mut projected, false);
        let mut mixed = vec![0.0; states.len()];
        let mut scores = vec![0.0; (before + states.len() / width).next_multiple_of(WIDTH)];
        for (row, (projected, out)) in
            projected.chunks_exact_mut(all).zip(mixed.chunks_exact_mut(width)).enumerate()
        {
            let place = before + row;
            let (turning, values) = projected.split_at_mut(width + keys);
            self.rotate(place, turning);
            kept.keep(place, &turning[width..], values);
            let (queries, group) = (&turning[..width], self.shape.heads / self.shape.key_heads);
            self.isa.run(Attend { kept, queries, group, seen: place + 1, scores: &mut scores, out });
        }
        layer.output.multiply(&mixed, states, true);
    }

    /// `states += down · (silu(gate) · value)` of the normalised states.
    fn feed(&self, layer: &Layer, states: &mut [f32]) {
        let both = layer.feed.outputs;
        let mut projected = vec![0.0; states.len() / self.shape.width * both];
        layer.feed.multiply(&self.normalised(states, &layer.feed_norm), &mut projected, false);
        let mut gated = vec![0.0; projected.len() / 2];
        for (projected, out) in projected.chunks_exact(both).zip(gated.chunks_exact_mut(both / 2)) {
            let (gate, value) = projected.split_at(both / 2);
            self.isa.run(Gate { gate, value, out });
        }
        layer.down.multiply(&gated, states, true);
    }

    /// `x / √(mean(x²) + ε) · scale`, row by row (Zhang & Sennrich 2019).
    fn normalised(&self, states: &[f32], scale: &[f32]) -> Vec<f32> {
        let row = |row: &[f32]| {
            let squares: f64 = row.iter().map(|&it| f64::from(it) * f64::from(it)).sum();
            let inverse = (1.0 / (squares / row.len() as f64 + f64::from(self.shape.epsilon)).sqrt()) as f32;
            row.iter().zip(scale).map(move |(value, scale)| value * inverse * scale).collect::<Vec<_>>()
        };
        states.chunks_exact(self.shape.width).flat_map(row).collect()
    }

    /// Turns neighbouring pairs of every head by the angles of the place.
    fn rotate(&self, place: usize, heads: &mut [f32]) {
        let half = self.shape.head_width / 2;
        let angles = &self.angles[place * half..][..half];
        for head in heads.chunks_exact_mut(self.shape.head_width) {
            for (pair, (cosine, sine)) in head.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
                let [a, b] = *pair;
                *pair = [a * cosine - b * sine, a * sine + b * cosine];
            }
        }
    }

    /// Logits of the token that follows each state: `[states, vocabulary]`.
    pub fn logits(&self, states: &[f32]) -> Vec<f32> {
        let mut logits = vec![0.0; states.len() / self.shape.width * self.shape.vocabulary];
        self.head.multiply(states, &mut logits, false);
        logits
    }

    /// Natural logarithm of the probability of each token after those before it; of the first token nothing is said, so there
    /// is one number less than tokens.
    ///
    /// # Errors
    /// As [`Llama::read`]; [`Error::TooLarge`] above [`Llama::context`].
    pub fn log_probabilities(&self, tokens: &[u32]) -> Result<Vec<f64>, Error> {
        let states = self.read(&mut self.cache(tokens.len())?, tokens)?;
        let followed =
            states.chunks(ROWS * self.shape.width).zip(tokens.get(1..).unwrap_or(&[]).chunks(ROWS));
        let mut logs = Vec::with_capacity(tokens.len());
        for (states, next) in followed {
            let logits = self.logits(states);
            logs.extend(
                logits.chunks_exact(self.shape.vocabulary).zip(next).map(|(row, &next)| log_share(row, next)),
            );
        }
        Ok(logs)
    }

    /// The likeliest continuation, token by token, until `stop` or `most` tokens.
    ///
    /// # Errors
    /// As [`Llama::read`]; [`Error::Tensor`] where nothing is given to continue.
    pub fn continued(&self, tokens: &[u32], most: usize, stop: Option<u32>) -> Result<Vec<u32>, Error> {
        if tokens.is_empty() {
            return Err(Error::tensor("tokens", "at least one", "none"));
        }
        let mut cache = self.cache((tokens.len() + most).min(self.shape.context))?;
        let (mut given, mut found) = (tokens.to_vec(), Vec::new());
        while found.len() < most && cache.length + given.len() <= cache.capacity {
            let states = self.read(&mut cache, &given)?;
            let last = states.len() - self.shape.width;
            let next = likeliest(&self.logits(&states[last..]));
            if stop == Some(next) {
                break;
            }
            found.push(next);
            given = vec![next];
        }
        Ok(found)
    }
}

/// The first of the greatest.
fn likeliest(logits: &[f32]) -> u32 {
    let start = (0, f32::NEG_INFINITY);
    let greatest = |best: (usize, f32), (at, &it): (usize, &f32)| if it > best.1 { (at, it) } else { best };
    logits.iter().enumerate().fold(start, greatest).0 as u32
}

/// Natural logarithm of one token's share of the softmax.
fn log_share(logits: &[f32], token: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&it| f64::from(it - most).exp()).sum();
    f64::from(logits[token as usize] - most) - sum.ln()
}

impl Layer {
    fn open(
        weights: &Weights,
        shape: &Shape,
        layer: usize,
        pack: &dyn Fn(&[&str]) -> Result<Matrix, Error>,
    ) -> Result<Self, Error> {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let one = |part: &str| pack(&[&name(part)]);
        let (query, key, value) = (name("attn_q"), name("attn_k"), name("attn_v"));
        let (gate, up, width) = (name("ffn_gate"), name("ffn_up"), shape.width);
        let feed = pack(&[&gate, &up])?;
        let inner = feed.outputs / 2;
        Ok(Layer {
            attention_norm: vector(weights, &name("attn_norm"), width)?,
            attention: sized(pack(&[&query, &key, &value])?, &query, width, width + 2 * shape.key_width())?,
            output: sized(one("attn_output")?, &name("attn_output"), width, width)?,
            feed_norm: vector(weights, &name("ffn_norm"), width)?,
            feed: sized(feed, &gate, width, 2 * inner)?,
            down: sized(one("ffn_down")?, &name("ffn_down"), inner, width)?,
        })
    }
}

fn sized(matrix: Matrix, name: &str, inputs: usize, outputs: usize) -> Result<Matrix, Error> {
    if (matrix.inputs, matrix.outputs) == (inputs, outputs) {
        return Ok(matrix);
    }
    let got = format!("{} to {}", matrix.inputs, matrix.outputs);
    Err(Error::tensor(name, format!("{inputs} inputs to {outputs} outputs, with those beside it"), got))
}

fn vector(weights: &Weights, name: &str, width: usize) -> Result<Vec<f32>, Error> {
    let vector = weights.floats(name)?.into_owned();
    if vector.len() == width {
        return Ok(vector);
    }
    Err(Error::tensor(name, format!("{width} values"), vector.len().to_string()))
}

/// Place times base^(−2i / width), as cosine and sine.
fn angles(shape: &Shape) -> Vec<(f32, f32)> {
    let half = shape.head_width / 2;
    let speed: Vec<f64> = (0..half).map(|it| shape.base.powf(-(it as f64) / half as f64)).collect();
    let pair = |(place, speed): (usize, f64)| {
        let (sine, cosine) = (place as f64 * speed).sin_cos();
        (cosine as f32, sine as f32)
    };
    (0..shape.context).flat_map(|place| speed.iter().map(move |it| (place, *it))).map(pair).collect()
}

/// `gate · sigmoid(gate) · value`.
struct Gate<'a> {
    gate: &'a [f32],
    value: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (gates, values) = (self.gate.as_chunks().0, self.value.as_chunks().0);
        for ((gate, value), out) in gates.iter().zip(values).zip(self.out.as_chunks_mut().0) {
            let (gate, one) = (lanes.load(gate), lanes.splat(1.0));
            let under = lanes.add(one, exp(lanes, lanes.sub(lanes.splat(0.0), gate)));
            lanes.store(out, lanes.mul(lanes.div(gate, under), lanes.load(value)));
        }
    }
}

fn ports(shape: &Shape) -> (Vec<Port>, Vec<Port>) {
    let length = || Dim::Named("length".to_owned());
    let port = |name: &str, dtype, shape| Port { name: name.to_owned(), dtype, shape: Some(shape) };
    let logits = port("logits", Dtype::F32, vec![length(), Dim::Fixed(shape.vocabulary)]);
    (vec![port("tokens", Dtype::I64, vec![length()])], vec![logits])
}

impl Executor for Llama {
    fn name(&self) -> &'static str {
        "gguf"
    }

    fn inputs(&self) -> &[Port] {
        &self.ports.0
    }

    fn outputs(&self) -> &[Port] {
        &self.ports.1
    }

    fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let ids = inputs.first().and_then(|it| it.as_i64()).unwrap_or(&[]);
        let token = |&it: &i64| {
            let known = u32::try_from(it).ok().filter(|it| (*it as usize) < self.shape.vocabulary);
            known.ok_or_else(|| {
                Error::tensor(
                    "tokens",
                    format!("numbers from 0 to {}", self.shape.vocabulary - 1),
                    it.to_string(),
                )
            })
        };
        let tokens = ids.iter().map(token).collect::<Result<Vec<_>, _>>()?;
        let states = self.read(&mut self.cache(tokens.len())?, &tokens)?;
        Ok(vec![Tensor::f32([tokens.len(), self.shape.vocabulary], self.logits(&states))?])
    }
}
