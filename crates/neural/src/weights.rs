//! Weights by name, in whatever file they came: mapped, looked up, and turned into numbers only when asked for.

mod blocks;
mod ctranslate2;
mod cursor;
mod gguf;
mod packed;
mod safetensors;

use std::{borrow::Cow, collections::BTreeMap, fmt, path::Path, str::FromStr};

use bytes::Bytes;

pub use self::{blocks::Blocks, packed::Packing};
use crate::{
    Dtype, Error, Tensor,
    kind::{Kind, kind},
    map::map,
    tensor::elements,
};

/// Weights a file may hold. The largest networks in use have some thousands.
const MAX_SECTIONS: u64 = 200_000;

/// How the bytes of a section make numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One element after another in row-major order, little-endian.
    Plain(Dtype),
    /// Blocks along the last dimension that share a scale.
    Blocks(Blocks),
    /// A layout of some kernel's own, by its name and version: `u8s8-vnni@1`. Only that kernel can read it.
    Own(String),
}

/// Where a named weight lies in the file, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Length of each dimension, outermost first.
    pub shape: Vec<usize>,
    /// How the bytes make numbers.
    pub layout: Layout,
    start: usize,
    len: usize,
}

/// What a file says beside its weights.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // each variant is what its name says
pub enum Note {
    Text(String),
    Int(i64),
    Number(f64),
    Flag(bool),
    Texts(Vec<String>),
    Numbers(Vec<f64>),
}

/// A file of weights: names, shapes and layouts read, the numbers left where they are.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    bytes: Bytes,
    sections: BTreeMap<String, Section>,
    notes: BTreeMap<String, Note>,
}

impl Weights {
    /// Opens safetensors, GGUF, CTranslate2 (version 6) or our packed form, mapped into memory.
    ///
    /// The file must not be changed or shortened while it is open: write a new one beside it and rename.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Refused`] for pickles and other kinds that are known and not read; [`Error::Malformed`] and
    /// [`Error::TooLarge`] with the part at fault.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Weights::named(&path.display().to_string(), map(path)?)
    }

    /// Reads the same kinds from bytes.
    ///
    /// # Errors
    /// As [`Weights::open`].
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, Error> {
        Weights::named("weights", bytes.into())
    }

    fn named(at: &str, bytes: Bytes) -> Result<Self, Error> {
        match kind(at, &bytes)? {
            Kind::Safetensors => safetensors::read(at, bytes),
            Kind::Gguf => gguf::read(at, bytes),
            Kind::CTranslate2 => ctranslate2::read(at, bytes),
            Kind::Packed => packed::read(at, bytes),
            Kind::Npz => {
                Err(Error::refused(at, "arrays are compressed in it and cannot be mapped; read it as npz"))
            }
        }
    }

    /// Names and sections in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Section)> {
        self.sections.iter().map(|(name, section)| (name.as_str(), section))
    }

    /// What the file says beside its weights.
    pub fn notes(&self) -> &BTreeMap<String, Note> {
        &self.notes
    }

    /// Where a weight lies and what it is.
    ///
    /// # Errors
    /// [`Error::Tensor`] where there is none of this name.
    pub fn section(&self, name: &str) -> Result<&Section, Error> {
        let missing =
            || Error::tensor(name, "a weight of this name", format!("{} others", self.sections.len()));
        self.sections.get(name).ok_or_else(missing)
    }

    /// The bytes of a weight as they lie in the file; they keep it mapped.
    ///
    /// # Errors
    /// [`Error::Tensor`] where there is none of this name.
    pub fn bytes(&self, name: &str) -> Result<Bytes, Error> {
        let section = self.section(name)?;
        Ok(self.bytes.slice(section.start..section.start + section.len))
    }

    /// A weight as it is: of plain layout.
    ///
    /// # Errors
    /// [`Error::Tensor`] where there is none of this name or it is in blocks or some kernel's own layout.
    pub fn tensor(&self, name: &str) -> Result<Tensor, Error> {
        let section = self.section(name)?;
        let Layout::Plain(dtype) = section.layout else {
            return Err(Error::tensor(name, "a plain layout", section.layout.to_string()));
        };
        Tensor::from_le(name, section.shape.clone(), dtype, &self.bytes(name)?)
    }

    /// A weight as 32-bit floats in row-major order, dequantised where it is in blocks; borrowed from the file where it
    /// already lies so.
    ///
    /// # Errors
    /// [`Error::Tensor`] where there is none of this name, or it has integers or some kernel's own layout.
    pub fn floats(&self, name: &str) -> Result<Cow<'_, [f32]>, Error> {
        let section = self.section(name)?;
        let bytes = &self.bytes[section.start..section.start + section.len];
        match &section.layout {
            Layout::Blocks(blocks) => Ok(Cow::Owned(blocks.floats(bytes))),
            Layout::Plain(Dtype::F32)
                if cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, f32>(bytes).is_ok() =>
            {
                Ok(Cow::Borrowed(bytemuck::cast_slice(bytes)))
            }
            Layout::Plain(_) => {
                let tensor = self.tensor(name)?;
                let wrong = || Error::tensor(name, "floats of 16 or 32 bits", tensor.dtype().name());
                tensor.to_f32().map(Cow::Owned).ok_or_else(wrong)
            }
            Layout::Own(_) => Err(Error::tensor(name, "floats", section.layout.to_string())),
        }
    }

    /// One row of a matrix `[rows, columns]` as 32-bit floats.
    ///
    /// # Errors
    /// As [`Weights::floats`]; [`Error::Tensor`] for a row that is not there.
    pub fn row(&self, name: &str, row: usize) -> Result<Vec<f32>, Error> {
        let section = self.section(name)?;
        let &[rows, columns] = section.shape.as_slice() else {
            return Err(Error::tensor(name, "two dimensions", format!("{:?}", section.shape)));
        };
        if row >= rows {
            return Err(Error::tensor(name, format!("a row below {rows}"), row.to_string()));
        }
        let length = section.len / rows;
        let bytes = &self.bytes[section.start + row * length..][..length];
        match &section.layout {
            Layout::Blocks(blocks) => Ok(blocks.floats(bytes)),
            Layout::Plain(dtype) => {
                let tensor = Tensor::from_le(name, vec![columns], *dtype, bytes)?;
                let wrong = || Error::tensor(name, "floats of 16 or 32 bits", dtype.name());
                tensor.to_f32().ok_or_else(wrong)
            }
            Layout::Own(_) => Err(Error::tensor(name, "floats", section.layout.to_string())),
        }
    }

    /// Adds a section after checking that it lies in the file and has the bytes its shape asks for.
    fn add(&mut self, name: String, claim: Claim) -> Result<(), Error> {
        let Claim { shape, layout, start, len } = claim;
        let at = format!("weight {name:?}");
        Error::limit(&at, MAX_SECTIONS, self.sections.len() as u64 + 1, "weights")?;
        if let Some(expected) = layout.bytes(&at, &shape)?
            && expected as u64 != len
        {
            let expected = format!("{expected} bytes for {layout} {shape:?}");
            return Err(Error::malformed(at, expected, format!("{len} bytes")));
        }
        let end = start.checked_add(len).filter(|&end| end <= self.bytes.len() as u64);
        if end.is_none() {
            let got = format!("{} bytes in the file", self.bytes.len());
            return Err(Error::malformed(at, format!("{len} bytes from {start}"), got));
        }
        let section = Section { shape, layout, start: start as usize, len: len as usize };
        match self.sections.insert(name, section) {
            None => Ok(()),
            Some(_) => Err(Error::malformed(at, "a name that stands once", "a second weight of this name")),
        }
    }
}

/// A section as a header announces it, not yet believed.
struct Claim {
    shape: Vec<usize>,
    layout: Layout,
    start: u64,
    len: u64,
}

impl Section {
    /// Bytes it takes in the file.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Layout {
    /// Bytes a shape takes in this layout; none where only a kernel knows.
    fn bytes(&self, at: &str, shape: &[usize]) -> Result<Option<usize>, Error> {
        let count = elements(at, shape)?;
        match self {
            Layout::Plain(dtype) => Ok(Some(dtype.bytes(count))),
            Layout::Blocks(blocks) => blocks.bytes(at, count, shape).map(Some),
            Layout::Own(_) => Ok(None),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Plain(dtype) => out.write_str(dtype.name()),
            Layout::Blocks(blocks) => out.write_str(blocks.name()),
            Layout::Own(name) => write!(out, "own:{name}"),
        }
    }
}

impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(name) = text.strip_prefix("own:") {
            return Ok(Layout::Own(name.to_owned()));
        }
        let plain = Dtype::ALL.iter().find(|it| it.name() == text).map(|it| Layout::Plain(*it));
        let blocks = || Blocks::ALL.iter().find(|it| it.name() == text).map(|it| Layout::Blocks(*it));
        plain.or_else(blocks).ok_or_else(|| {
            Error::malformed("layout", "an element type, blocks or own:NAME", format!("{text:?}"))
        })
    }
}
