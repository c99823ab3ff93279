//! Plans as a packed file holds them: every layer a section, laid out for the kernels and used where it lies; how they are put
//! together as JSON among the notes.

use serde::{Deserialize, Serialize};

use super::dense::{Dense, Precision};
use super::encoder::{Block, EncoderPlan, Residual};
use super::perceptron::{Layer, PerceptronPlan};
use super::text::{Pooling, Role, Table, TextPlan};
use crate::kernel::rows::{Activation, Norm};
use crate::kernel::{Isa, WIDTH};
use crate::{Dtype, Error, Layout, Weights, weights::Packing};

/// Most blocks, layers or tables of a plan; the largest encoders in use have some tens.
const MOST_PARTS: u64 = 256;

/// A plan that can be written and read where it lies. Names of sections begin with `at`.
pub(crate) trait Packable: Sized {
    /// How it is put together.
    type Shape: Serialize + for<'a> Deserialize<'a>;

    /// Adds its sections.
    ///
    /// # Errors
    /// [`Error::Refused`] for weights that no file can hold for every processor.
    fn pack(&self, to: &mut Packing, at: &str) -> Result<Self::Shape, Error>;

    /// The plan as it was.
    ///
    /// # Errors
    /// [`Error::Tensor`] for parts that are missing or do not fit each other, [`Error::TooLarge`] for too many of them.
    fn unpack(shape: &Self::Shape, from: &Weights, at: &str, how: (Isa, Precision)) -> Result<Self, Error>;
}

fn put(to: &mut Packing, name: &str, dense: &Dense) -> Result<(), Error> {
    let again = "its weights are not pair-safe; quantise the network with codes that are";
    let bytes = dense.to_file().ok_or_else(|| Error::refused(name, again))?;
    to.push(name, &dense.shape(), Layout::Own(Dense::layout(dense.precision()).to_owned()), bytes)
}

fn put_floats(to: &mut Packing, name: &str, shape: &[usize], values: &[f32]) -> Result<(), Error> {
    let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    to.push(name, shape, Layout::Plain(Dtype::F32), bytes)
}

/// Scale, then shift.
fn put_norm(to: &mut Packing, name: &str, norm: &Norm) -> Result<f32, Error> {
    let values = [&norm.scale[..], &norm.shift].concat();
    put_floats(to, name, &[2, norm.scale.len()], &values)?;
    Ok(norm.epsilon)
}

/// A layer of this shape.
fn get(
    from: &Weights,
    name: &str,
    shape: [usize; 2],
    (isa, precision): (Isa, Precision),
) -> Result<Dense, Error> {
    let section = from.section(name)?;
    let layout = Layout::Own(Dense::layout(precision).to_owned());
    if section.shape != shape || section.layout != layout {
        let got = format!("{} {:?}; pack the network again with this program", section.layout, section.shape);
        return Err(Error::tensor(name, format!("{layout} {shape:?}"), got));
    }
    let bytes = from.bytes(name)?;
    let wrong = || Error::tensor(name, format!("the bytes of {shape:?}"), bytes.len().to_string());
    Dense::of_file(isa, precision, shape, &bytes).ok_or_else(wrong)
}

fn get_floats(from: &Weights, name: &str, width: usize) -> Result<Vec<f32>, Error> {
    let values = from.floats(name)?.into_owned();
    match !values.is_empty() && width > 0 && values.len().is_multiple_of(width) {
        true => Ok(values),
        false => Err(Error::tensor(name, format!("rows of {width}"), format!("{} values", values.len()))),
    }
}

fn get_norm(from: &Weights, name: &str, width: usize, epsilon: f32) -> Result<Norm, Error> {
    let mut scale = get_floats(from, name, width)?;
    if scale.len() != 2 * width || !epsilon.is_finite() {
        return Err(Error::tensor(name, format!("two rows of {width}"), format!("{} values", scale.len())));
    }
    let shift = scale.split_off(width);
    Ok(Norm { scale, shift, epsilon })
}

/// Inputs and outputs that a section says it has.
fn shape_of(from: &Weights, name: &str) -> Result<[usize; 2], Error> {
    let shape = &from.section(name)?.shape;
    let fits = <[usize; 2]>::try_from(shape.as_slice()).ok().filter(|it| !it.contains(&0));
    fits.ok_or_else(|| Error::tensor(name, "two dimensions above 0", format!("{shape:?}")))
}

/// How an encoder is put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EncoderShape {
    heads: usize,
    residual: Residual,
    activation: Activation,
    /// ε of the two normalisations of each block.
    blocks: Vec<[f32; 2]>,
    last_norm: Option<f32>,
}

impl Packable for EncoderPlan {
    type Shape = EncoderShape;

    fn pack(&self, to: &mut Packing, at: &str) -> Result<EncoderShape, Error> {
        let mut blocks = vec![];
        for (place, it) in self.blocks.iter().enumerate() {
            let name = |part: &str| format!("{at}block{place}/{part}");
            put(to, &name("attend"), &it.attend)?;
            put(to, &name("output"), &it.output)?;
            put(to, &name("up"), &it.up)?;
            put(to, &name("down"), &it.down)?;
            blocks.push([
                put_norm(to, &name("attention norm"), &it.attention_norm)?,
                put_norm(to, &name("linear norm"), &it.linear_norm)?,
            ]);
        }
        let last = self.last_norm.as_ref().map(|it| put_norm(to, &format!("{at}last norm"), it));
        Ok(EncoderShape {
            heads: self.heads,
            residual: self.residual,
            activation: self.activation,
            blocks,
            last_norm: last.transpose()?,
        })
    }

    fn unpack(shape: &EncoderShape, from: &Weights, at: &str, how: (Isa, Precision)) -> Result<Self, Error> {
        Error::limit("blocks", MOST_PARTS, shape.blocks.len() as u64, "blocks")?;
        let [width, _] = shape_of(from, &format!("{at}block0/attend"))?;
        let [_, hidden] = shape_of(from, &format!("{at}block0/up"))?;
        if shape.heads == 0 || !width.is_multiple_of(shape.heads) {
            return Err(Error::tensor("heads", format!("a divisor of {width}"), shape.heads.to_string()));
        }
        let joined =
            width.checked_mul(3).ok_or_else(|| Error::tensor("width", "one that can be counted", "more"))?;
        let block = |(place, epsilons): (usize, &[f32; 2])| {
            let name = |part: &str| format!("{at}block{place}/{part}");
            Ok(Block {
                attend: get(from, &name("attend"), [width, joined], how)?,
                output: get(from, &name("output"), [width, width], how)?,
                up: get(from, &name("up"), [width, hidden], how)?,
                down: get(from, &name("down"), [hidden, width], how)?,
                attention_norm: get_norm(from, &name("attention norm"), width, epsilons[0])?,
                linear_norm: get_norm(from, &name("linear norm"), width, epsilons[1])?,
            })
        };
        let last_norm = shape.last_norm.map(|it| get_norm(from, &format!("{at}last norm"), width, it));
        Ok(EncoderPlan {
            isa: how.0,
            precision: how.1,
            heads: shape.heads,
            width,
            hidden,
            residual: shape.residual,
            activation: shape.activation,
            blocks: shape.blocks.iter().enumerate().map(block).collect::<Result<_, Error>>()?,
            last_norm: last_norm.transpose()?,
        })
    }
}

/// How an encoder of texts is put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextShape {
    encoder: EncoderShape,
    roles: Vec<Role>,
    tables: usize,
    norm: Option<f32>,
    pooling: Pooling,
}

impl Packable for TextPlan {
    type Shape = TextShape;

    fn pack(&self, to: &mut Packing, at: &str) -> Result<TextShape, Error> {
        for (place, table) in self.tables.iter().enumerate() {
            let (layout, shape, bytes) = table.to_file();
            to.push(&format!("{at}table{place}"), &shape, Layout::Own(layout.to_owned()), bytes)?;
        }
        let width = self.width();
        put_floats(to, &format!("{at}positions"), &[self.positions.len() / width, width], &self.positions)?;
        let norm = self.norm.as_ref().map(|it| put_norm(to, &format!("{at}norm"), it));
        Ok(TextShape {
            encoder: self.encoder.pack(to, at)?,
            roles: self.roles.clone(),
            tables: self.tables.len(),
            norm: norm.transpose()?,
            pooling: self.pooling,
        })
    }

    fn unpack(shape: &TextShape, from: &Weights, at: &str, how: (Isa, Precision)) -> Result<Self, Error> {
        Error::limit("tables", MOST_PARTS, shape.tables as u64, "tables")?;
        let encoder = EncoderPlan::unpack(&shape.encoder, from, at, how)?;
        let width = encoder.width();
        let looked_up = |table: usize| shape.roles.iter().filter(|it| **it == Role::Table(table)).count();
        let masks = shape.roles.iter().filter(|it| **it == Role::Mask).count();
        if masks > 1
            || shape.roles.len() != shape.tables + masks
            || (0..shape.tables).any(|it| looked_up(it) != 1)
        {
            let got = format!("{:?}", shape.roles);
            return Err(Error::tensor("inputs", "one for each table and one mask at most", got));
        }
        let table = |place: usize| {
            let name = format!("{at}table{place}");
            let (rows, Layout::Own(layout)) = (shape_of(from, &name)?, &from.section(&name)?.layout) else {
                return Err(Error::tensor(&name, "rows of a table", "another layout"));
            };
            let table = Table::of_file(layout, rows, from.bytes(&name)?).filter(|it| it.width() == width);
            table
                .ok_or_else(|| Error::tensor(&name, format!("rows of {width}"), format!("{layout} {rows:?}")))
        };
        let norm = shape.norm.map(|it| get_norm(from, &format!("{at}norm"), width, it));
        Ok(TextPlan {
            isa: how.0,
            roles: shape.roles.clone(),
            tables: (0..shape.tables).map(table).collect::<Result<_, _>>()?,
            positions: get_floats(from, &format!("{at}positions"), width)?,
            norm: norm.transpose()?,
            encoder,
            pooling: shape.pooling,
        })
    }
}

impl Packable for PerceptronPlan {
    /// What follows each layer.
    type Shape = Vec<Activation>;

    fn pack(&self, to: &mut Packing, at: &str) -> Result<Vec<Activation>, Error> {
        for (place, layer) in self.layers.iter().enumerate() {
            put(to, &format!("{at}layer{place}"), &layer.dense)?;
        }
        Ok(self.layers.iter().map(|it| it.activation).collect())
    }

    fn unpack(
        shape: &Vec<Activation>,
        from: &Weights,
        at: &str,
        how: (Isa, Precision),
    ) -> Result<Self, Error> {
        Error::limit("layers", MOST_PARTS, shape.len() as u64, "layers")?;
        let [inputs, _] = shape_of(from, &format!("{at}layer0"))?;
        let (mut layers, mut width) = (vec![], inputs);
        for (place, activation) in shape.iter().enumerate() {
            let name = format!("{at}layer{place}");
            let [_, outputs] = shape_of(from, &name)?;
            let dense = get(from, &name, [width, outputs], how)?;
            let stride = outputs.next_multiple_of(WIDTH);
            layers.push(Layer { dense, activation: *activation, inputs: width, stride });
            width = outputs;
        }
        Ok(PerceptronPlan { isa: how.0, layers, inputs, outputs: width })
    }
}
