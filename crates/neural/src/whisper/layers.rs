//! Layers of a network by the names CTranslate2 gives them: from weights as they were trained, or laid out in a packed file.

use crate::kernel::rows::Norm;
use crate::plan::{Dense, Linear};
use crate::{Error, Isa, Layout, Note, Precision, Weights, weights::Section};

/// ε of every normalisation (PyTorch's default, which Whisper uses).
pub(super) const EPSILON: f32 = 1e-5;

/// Blocks that are looked for; the largest Whisper has 32.
pub(super) const MAX_LAYERS: usize = 64;

/// Most tokens or states of a sequence; every Whisper has 448 and 1500.
pub(super) const MAX_PLACES: u64 = 1 << 12;

/// Embeddings, and logits too: one table.
pub(super) const EMBEDDINGS: &str = "decoder/embeddings";

/// The name that the table of logits has where a file names it apart.
pub(super) const PROJECTION: &str = "decoder/projection";

/// What a file may say of its decoder, as CTranslate2 numbers it, and what Whisper has: GELU, normalisation before each part,
/// embeddings as they are, no bias by distance.
const KIND: [(&str, u8); 4] = [("activation", 3), ("pre_norm", 1), ("scale_embeddings", 0), ("alibi", 0)];

/// Refuses weights of other networks.
pub(super) fn check(weights: &Weights) -> Result<(), Error> {
    match weights.notes().get("specification") {
        Some(Note::Text(it)) if it == "WhisperSpec" => {}
        other => return Err(Error::malformed("weights", "WhisperSpec of CTranslate2", format!("{other:?}"))),
    }
    for (name, expected) in KIND.map(|(name, expected)| (format!("decoder/{name}"), expected)) {
        if let Ok(got) = weights.bytes(&name)
            && got[..] != [expected]
        {
            return Err(Error::malformed(name, expected.to_string(), format!("{:?}", got.to_vec())));
        }
    }
    Ok(())
}

/// Heads of the encoder or the decoder, which share the width.
pub(super) fn heads(weights: &Weights, name: &str, width: usize) -> Result<usize, Error> {
    let bytes = weights.bytes(name)?;
    let heads = bytes.iter().rev().take(8).fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    if bytes.len() <= 4 && heads > 0 && width > 0 && width.is_multiple_of(heads) {
        return Ok(heads);
    }
    Err(Error::malformed(name, format!("a divisor of {width}"), heads.to_string()))
}

/// Blocks of `encoder` or `decoder`, at least one.
pub(super) fn blocks(weights: &Weights, part: &str) -> Result<usize, Error> {
    let name = |at: usize| format!("{part}/layer_{at}/ffn/linear_0/weight");
    weights.section(&name(0))?;
    Ok((0..MAX_LAYERS).take_while(|it| weights.section(&name(*it)).is_ok()).count())
}

/// Weights and how they are to be computed with.
pub(super) struct Layers<'a> {
    pub(super) weights: &'a Weights,
    pub(super) precision: Precision,
    pub(super) isa: Isa,
}

impl<'a> Layers<'a> {
    /// Whisper's weights, computed with in this precision or in that of the file: floats as trained, or what they were packed as.
    pub(super) fn of(weights: &'a Weights, asked: Option<Precision>, isa: Isa) -> Result<Self, Error> {
        check(weights)?;
        let packed = match &weights.section("encoder/conv1/weight")?.layout {
            Layout::Own(name) => Some(packed_as("encoder/conv1/weight", name)?),
            _ => None,
        };
        match (packed, asked) {
            (Some(packed), Some(asked)) if packed != asked => {
                let reason = format!(
                    "packed as {packed:?}, asked for as {asked:?}; open the weights it was packed from"
                );
                Err(Error::refused("packed weights", reason))
            }
            _ => Ok(Layers { weights, precision: packed.or(asked).unwrap_or(Precision::Float), isa }),
        }
    }

    /// Inputs and outputs of a layer.
    pub(super) fn shape(&self, layer: &str) -> Result<[usize; 2], Error> {
        let name = format!("{layer}/weight");
        let section = self.weights.section(&name)?;
        match (&section.layout, section.shape.as_slice()) {
            (_, shape) if shape.contains(&0) => {
                Err(Error::tensor(name, "dimensions above 0", format!("{shape:?}")))
            }
            (Layout::Own(_), &[inputs, outputs]) => Ok([inputs, outputs]),
            (_, &[outputs, inputs]) => Ok([inputs, outputs]),
            (_, &[outputs, channels, taps]) => Ok([channels.saturating_mul(taps), outputs]),
            (_, shape) => {
                Err(Error::tensor(name, "two dimensions, or three of a convolution", format!("{shape:?}")))
            }
        }
    }

    /// A layer of this shape, laid out.
    pub(super) fn dense(&self, layer: &str, expected: [usize; 2]) -> Result<Dense, Error> {
        let got = self.shape(layer)?;
        if got != expected {
            let [got, expected] = [got, expected].map(|[inputs, outputs]| format!("{inputs} to {outputs}"));
            return Err(Error::tensor(layer, expected, got));
        }
        self.laid(layer)
    }

    /// A layer of whatever shape, laid out: where it lies already, or from floats.
    pub(super) fn laid(&self, layer: &str) -> Result<Dense, Error> {
        let (name, shape) = (format!("{layer}/weight"), self.shape(layer)?);
        let section = self.weights.section(&name)?;
        if let Layout::Own(layout) = &section.layout {
            if layout != Dense::layout(self.precision) {
                return Err(Error::tensor(name, Dense::layout(self.precision), layout.as_str()));
            }
            let bytes = self.weights.bytes(&name)?;
            let wrong = || Error::tensor(&name, format!("the bytes of {shape:?}"), bytes.len().to_string());
            return Dense::of_file(self.isa, self.precision, shape, &bytes).ok_or_else(wrong);
        }
        let linear = Linear::new(self.turned(&name, section)?, self.bias(layer, shape[1])?, shape[0]);
        Ok(Dense::pack(self.isa, self.precision, &linear))
    }

    /// `[outputs, inputs]` as `[inputs, outputs]`; a convolution `[outputs, channels, taps]` as `[taps · channels, outputs]`.
    fn turned(&self, name: &str, section: &Section) -> Result<Vec<f32>, Error> {
        let values = self.weights.floats(name)?;
        let taps = section.shape.get(2).copied().unwrap_or(1);
        let (outputs, channels) = (section.shape[0], section.shape[1]);
        let mut turned = vec![0.0; values.len()];
        for (output, rows) in values.chunks_exact((channels * taps).max(1)).enumerate() {
            for (at, value) in rows.iter().enumerate() {
                turned[(at % taps * channels + at / taps) * outputs + output] = *value;
            }
        }
        Ok(turned)
    }

    /// The bias of a layer; the table of embeddings has none.
    fn bias(&self, layer: &str, outputs: usize) -> Result<Vec<f32>, Error> {
        if layer == EMBEDDINGS {
            return Ok(vec![0.0; outputs]);
        }
        self.vector(&format!("{layer}/bias"), outputs)
    }

    /// As many floats.
    pub(super) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, Error> {
        let values = self.weights.floats(name)?.into_owned();
        if values.len() == length {
            return Ok(values);
        }
        Err(Error::tensor(name, format!("{length} values"), values.len().to_string()))
    }

    pub(super) fn norm(&self, name: &str, width: usize) -> Result<Norm, Error> {
        let part = |part: &str| self.vector(&format!("{name}/{part}"), width);
        Ok(Norm { scale: part("gamma")?, shift: part("beta")?, epsilon: EPSILON })
    }

    /// Refuses a table of logits that is another than that of the embeddings.
    pub(super) fn check_tied(&self) -> Result<(), Error> {
        let name = |layer: &str| format!("{layer}/weight");
        let Ok(projection) = self.weights.section(&name(PROJECTION)) else { return Ok(()) };
        if projection == self.weights.section(&name(EMBEDDINGS))? {
            return Ok(());
        }
        // Packed twice by an older version of this program, or stored twice: the same bytes are one table too.
        if self.weights.bytes(&name(PROJECTION))? == self.weights.bytes(&name(EMBEDDINGS))? {
            return Ok(());
        }
        Err(Error::refused(PROJECTION, "another table than the embeddings; Whisper has one for both"))
    }
}

/// The precision of a layout.
fn packed_as(at: &str, layout: &str) -> Result<Precision, Error> {
    let known = Precision::ALL;
    let found = known.into_iter().find(|it| Dense::layout(*it) == layout);
    let expected = || known.map(Dense::layout).join(" or ");
    found.ok_or_else(|| {
        let got = format!("{layout}; pack the network again with this program");
        Error::malformed(at, expected(), got)
    })
}
