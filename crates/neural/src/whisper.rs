//! Whisper (Radford et al. 2022) on our own plans: a spectrum to states, states and tokens to logits, one step after another.
//!
//! Weights come as CTranslate2 names them, or packed: laid out for the kernels and used where they lie in the mapped file. The
//! table of embeddings is held once, for tokens on their way in and logits on their way out. What a spectrum is made of, what
//! tokens mean and which is chosen are not this crate's.

mod graph;
mod layers;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

pub use self::graph::{decoder_graph, encoder_graph};
use self::layers::{EMBEDDINGS, Layers, MAX_PLACES, PROJECTION, blocks, heads};
use crate::kernel::WIDTH;
pub use crate::plan::Turn;
use crate::plan::{
    Block, DecoderBlock, DecoderPlan, DecoderWorkspace, EncoderPlan, EncoderWorkspace, StemPlan,
    StemWorkspace,
};
use crate::{
    Cache, Dim, Dtype, Error, Executor, Isa, Layout, Port, Precision, Tensor, Weights, plan::Dense,
    weights::Packing,
};

const NAME: &str = "planned";

/// Tokens that the executor reads at a time: as many as logits are computed at once.
const READ: usize = 16;

/// Whisper, ready to run. One thread's work at a time needs a [`Workspace`]; answers do not depend on which.
pub struct Whisper {
    precision: Precision,
    stem: StemPlan,
    encoder: EncoderPlan,
    decoder: DecoderPlan,
    ports: (Vec<Port>, Vec<Port>),
    /// Memory of runs by [`Executor`] that have ended, for runs to come.
    rooms: Mutex<Vec<Room>>,
}

/// The memory of Whisper's steps; one for each thread.
#[derive(Debug)]
pub struct Workspace {
    stem: StemWorkspace,
    /// `[frames, width]`.
    rows: Vec<f32>,
    encoder: EncoderWorkspace,
    decoder: DecoderWorkspace,
}

/// All that one run by [`Executor`] needs.
struct Room {
    workspace: Workspace,
    source: Cache,
    cache: Cache,
}

impl Whisper {
    /// Lays the weights out in this precision, or takes them as the file has them: floats as CTranslate2 stores them, or the
    /// packed form of [`Whisper::packing`], which is used where it lies.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the weights are not Whisper's or are packed in a layout that is not known;
    /// [`Error::Refused`] where they are packed in another precision; [`Error::Tensor`] for weights that are missing or of
    /// another shape.
    pub fn open(weights: &Weights, precision: Option<Precision>, isa: Isa) -> Result<Self, Error> {
        let layers = Layers::of(weights, precision, isa)?;
        layers.check_tied()?;
        let [taps, width] = layers.shape("encoder/conv1")?;
        let first = layers.dense("encoder/conv1", [taps / 3 * 3, width])?;
        let second = layers.dense("encoder/conv2", [width.saturating_mul(3), width])?;
        let stem = StemPlan::of_layers(isa, [first, second], positions(&layers, "encoder", width)?);
        let heads = heads(weights, "encoder/num_heads", width)?;
        let made = (0..blocks(weights, "encoder")?).map(|it| encoder_block(&layers, it, width));
        let last_norm = layers.norm("encoder/layer_norm", width)?;
        let blocks = made.collect::<Result<_, _>>()?;
        let encoder = EncoderPlan::of_blocks((isa, layers.precision), heads, blocks, last_norm);
        let decoder = decoder(&layers, width)?;
        let ports = ports(&stem, &decoder);
        Ok(Whisper { precision: layers.precision, stem, encoder, decoder, ports, rooms: Mutex::default() })
    }

    /// The same weights laid out in this precision, to be written, mapped and opened without further work: what is a layer as
    /// panels with its bias, the rest as floats, the table of embeddings once.
    ///
    /// # Errors
    /// As [`Whisper::open`].
    pub fn packing(weights: &Weights, precision: Precision) -> Result<Packing, Error> {
        let layers = Layers::of(weights, Some(precision), Isa::best())?;
        layers.check_tied()?;
        let mut packing = Packing::new();
        weights.notes().iter().for_each(|(key, note)| packing.note(key, note.clone()));
        for (name, section) in weights.iter() {
            match name.rsplit_once('/') {
                Some((PROJECTION, _)) | Some((_, "bias")) => {}
                Some((layer, "weight")) => {
                    let laid = layers.laid(layer)?;
                    let bytes =
                        laid.to_file().ok_or_else(|| Error::refused(layer, "cannot be packed twice"))?;
                    let layout = Layout::Own(Dense::layout(precision).to_owned());
                    packing.push(name, &laid.shape(), layout, bytes)?;
                }
                _ => match weights.floats(name) {
                    Ok(floats) => {
                        packing.push(name, &section.shape, Layout::Plain(Dtype::F32), le(&floats))?
                    }
                    Err(_) => {
                        packing.push(name, &section.shape, section.layout.clone(), weights.bytes(name)?)?
                    }
                },
            }
        }
        Ok(packing)
    }

    /// How its layers are computed.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Bands and frames of the spectrum that goes in.
    pub fn spectrum(&self) -> [usize; 2] {
        [self.stem.bands(), 2 * self.stem.frames()]
    }

    /// States that come of it, and their width.
    pub fn states(&self) -> [usize; 2] {
        [self.stem.frames(), self.encoder.width()]
    }

    /// Tokens a sequence can have.
    pub fn context(&self) -> usize {
        self.decoder.context()
    }

    /// Number of tokens it knows.
    pub fn vocabulary(&self) -> usize {
        self.decoder.vocabulary()
    }

    /// Memory for one spectrum at a time, and for steps of up to `tokens` tokens of all sequences together.
    pub fn workspace(&self, tokens: usize) -> Workspace {
        let [frames, width] = self.states();
        Workspace {
            stem: self.stem.workspace(),
            rows: vec![0.0; frames * width],
            encoder: self.encoder.workspace(1, frames),
            decoder: self.decoder.workspace(tokens, frames),
        }
    }

    /// An empty cache for the tokens of one sequence, as many as the context.
    pub fn cache(&self) -> Cache {
        self.decoder.cache(self.context())
    }

    /// An empty cache for the states of one spectrum.
    pub fn source(&self) -> Cache {
        self.decoder.cache(self.stem.frames())
    }

    /// A spectrum `[bands, frames]` to states `[frames / 2, width]`. Sets aside no memory.
    ///
    /// # Errors
    /// [`Error::Tensor`] for other lengths.
    pub fn encode(&self, room: &mut Workspace, spectrum: &[f32], states: &mut [f32]) -> Result<(), Error> {
        let lengths =
            [("spectrum", self.spectrum(), spectrum.len()), ("states", self.states(), states.len())];
        for (name, [rows, columns], got) in lengths {
            if rows * columns != got {
                return Err(Error::tensor(name, format!("{rows} x {columns} values"), got.to_string()));
            }
        }
        self.stem.run(&mut room.stem, spectrum, &mut room.rows);
        let failed = |it: crate::PlanError| Error::Run { executor: NAME, reason: it.to_string() };
        self.encoder.run(&mut room.encoder, &room.rows, None, states).map_err(failed)
    }

    /// Takes states `[any number, width]` in, to be decoded from: keys and values of every block, in place of what the source
    /// held. Sets aside no memory.
    ///
    /// # Errors
    /// [`Error::Tensor`] for rows that are not whole or a source of another network; [`Error::TooLarge`] for more states than it
    /// has room for.
    pub fn take_in(&self, room: &mut Workspace, states: &[f32], source: &mut Cache) -> Result<(), Error> {
        self.decoder.take_in(&mut room.decoder, states, source)
    }

    /// Reads what follows in each sequence; [`Whisper::logits`] can then be had of each token read. A token's logits are the
    /// same to the bit however the sequence is cut into steps and whatever stands beside it. Sets aside no memory.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more tokens than workspace, cache or context have room for; [`Error::Tensor`] for a token that is
    /// not in the vocabulary or a cache of another network. Nothing was read then.
    pub fn read(&self, room: &mut Workspace, turns: &mut [Turn<'_>]) -> Result<(), Error> {
        self.decoder.read(&mut room.decoder, turns)
    }

    /// Logits of the token that follows each of these rows (tokens of all turns of the last [`Whisper::read`], one after
    /// another), `[vocabulary]` each; 16 rows at most. Sets aside no memory.
    ///
    /// # Errors
    /// [`Error::Tensor`] for rows that were not read; [`Error::TooLarge`] for more than 16.
    pub fn logits<'a>(
        &self,
        room: &'a mut Workspace,
        rows: Range<usize>,
    ) -> Result<impl ExactSizeIterator<Item = &'a [f32]>, Error> {
        self.decoder.logits(&mut room.decoder, rows)
    }
}

fn le(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// `[places, width]` of either part.
fn positions(layers: &Layers<'_>, part: &str, width: usize) -> Result<Vec<f32>, Error> {
    let name = format!("{part}/position_encodings/encodings");
    let shape = layers.weights.section(&name)?.shape.as_slice();
    Error::limit(&name, MAX_PLACES, shape.first().map_or(0, |it| *it as u64), "places")?;
    match shape {
        &[places, got] if got == width && places > 0 => layers.vector(&name, places * width),
        shape => Err(Error::tensor(&name, format!("places of {width}"), format!("{shape:?}"))),
    }
}

/// Outputs of a layer, for shapes that only it says.
fn outputs(layers: &Layers<'_>, layer: &str) -> Result<usize, Error> {
    layers.shape(layer).map(|[_, outputs]| outputs)
}

fn encoder_block(layers: &Layers<'_>, at: usize, width: usize) -> Result<Block, Error> {
    let name = |part: &str| format!("encoder/layer_{at}/{part}");
    let hidden = outputs(layers, &name("ffn/linear_0"))?;
    Ok(Block {
        attend: layers.dense(&name("self_attention/linear_0"), [width, 3 * width])?,
        output: layers.dense(&name("self_attention/linear_1"), [width, width])?,
        up: layers.dense(&name("ffn/linear_0"), [width, hidden])?,
        down: layers.dense(&name("ffn/linear_1"), [hidden, width])?,
        attention_norm: layers.norm(&name("self_attention/layer_norm"), width)?,
        linear_norm: layers.norm(&name("ffn/layer_norm"), width)?,
    })
}

fn decoder(layers: &Layers<'_>, width: usize) -> Result<DecoderPlan, Error> {
    let heads = heads(layers.weights, "decoder/num_heads", width)?;
    if !(width / heads).is_multiple_of(WIDTH) {
        let got = (width / heads).to_string();
        return Err(Error::malformed(
            "decoder/num_heads",
            format!("heads of a multiple of {WIDTH} values"),
            got,
        ));
    }
    let made = (0..blocks(layers.weights, "decoder")?).map(|it| decoder_block(layers, it, width));
    Ok(DecoderPlan {
        isa: layers.isa,
        heads,
        embeddings: layers.dense(EMBEDDINGS, [width, outputs(layers, EMBEDDINGS)?])?,
        positions: positions(layers, "decoder", width)?,
        blocks: made.collect::<Result<_, _>>()?,
        last_norm: layers.norm("decoder/layer_norm", width)?,
    })
}

fn decoder_block(layers: &Layers<'_>, at: usize, width: usize) -> Result<DecoderBlock, Error> {
    let name = |part: &str| format!("decoder/layer_{at}/{part}");
    let hidden = outputs(layers, &name("ffn/linear_0"))?;
    let dense = |part: &str, outputs: usize| layers.dense(&name(part), [width, outputs]);
    Ok(DecoderBlock {
        attend: dense("self_attention/linear_0", 3 * width)?,
        output: dense("self_attention/linear_1", width)?,
        query: dense("attention/linear_0", width)?,
        source: dense("attention/linear_1", 2 * width)?,
        source_output: dense("attention/linear_2", width)?,
        up: dense("ffn/linear_0", hidden)?,
        down: layers.dense(&name("ffn/linear_1"), [hidden, width])?,
        attention_norm: layers.norm(&name("self_attention/layer_norm"), width)?,
        source_norm: layers.norm(&name("attention/layer_norm"), width)?,
        linear_norm: layers.norm(&name("ffn/layer_norm"), width)?,
    })
}

fn ports(stem: &StemPlan, decoder: &DecoderPlan) -> (Vec<Port>, Vec<Port>) {
    let fixed = |name: &str, shape: &[usize]| Port::fixed(name, Dtype::F32, shape);
    let length = || Dim::Named("length".to_owned());
    let tokens = Port { name: "tokens".to_owned(), dtype: Dtype::I64, shape: Some(vec![length()]) };
    let shape = Some(vec![length(), Dim::Fixed(decoder.vocabulary())]);
    let logits = Port { name: "logits".to_owned(), dtype: Dtype::F32, shape };
    let states = fixed("states", &[1, stem.frames(), decoder.width()]);
    (vec![fixed("mel", &[1, stem.bands(), 2 * stem.frames()]), tokens], vec![states, logits])
}

/// A spectrum and tokens in, states and the logits after each token out.
impl Executor for Whisper {
    fn name(&self) -> &'static str {
        NAME
    }

    fn inputs(&self) -> &[Port] {
        &self.ports.0
    }

    fn outputs(&self) -> &[Port] {
        &self.ports.1
    }

    fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let [spectrum, tokens] = inputs else {
            return Err(Error::tensor("inputs", "mel and tokens", "others"));
        };
        let unfit = || Error::tensor("mel", "32-bit floats", spectrum.dtype().name());
        let (spectrum, tokens) = (spectrum.as_f32().ok_or_else(unfit)?, numbered(tokens, self.vocabulary())?);
        let mut room =
            self.rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(|| self.room());
        let outcome = self.answer(&mut room, spectrum, &tokens);
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        let (states, logits) = outcome?;
        let ([frames, width], vocabulary) = (self.states(), self.vocabulary());
        Ok(vec![Tensor::f32([1, frames, width], states)?, Tensor::f32([tokens.len(), vocabulary], logits)?])
    }
}

impl Whisper {
    fn room(&self) -> Room {
        Room { workspace: self.workspace(READ), source: self.source(), cache: self.cache() }
    }

    /// States of a spectrum, and logits after each token.
    fn answer(
        &self,
        room: &mut Room,
        spectrum: &[f32],
        tokens: &[u32],
    ) -> Result<(Vec<f32>, Vec<f32>), Error> {
        Error::limit("tokens", self.context() as u64, tokens.len() as u64, "tokens")?;
        let mut states = vec![0.0; self.states().iter().product()];
        let mut logits = Vec::with_capacity(tokens.len() * self.vocabulary());
        let Room { workspace, source, cache } = room;
        self.encode(workspace, spectrum, &mut states)?;
        self.take_in(workspace, &states, source)?;
        cache.truncate(0);
        for tokens in tokens.chunks(READ) {
            self.read(workspace, &mut [Turn { tokens, cache: &mut *cache, source }])?;
            self.logits(workspace, 0..tokens.len())?.for_each(|row| logits.extend_from_slice(row));
        }
        Ok((states, logits))
    }
}

/// Tokens by number, each in the vocabulary.
fn numbered(tokens: &Tensor, vocabulary: usize) -> Result<Vec<u32>, Error> {
    let number = |&it: &i64| {
        let known = u32::try_from(it).ok().filter(|it| (*it as usize) < vocabulary);
        known.ok_or_else(|| {
            Error::tensor("tokens", format!("numbers from 0 to {}", vocabulary - 1), it.to_string())
        })
    };
    tokens.as_i64().unwrap_or(&[]).iter().map(number).collect()
}
