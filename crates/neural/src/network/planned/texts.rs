//! Texts as numbers of tokens: inputs of several types and what each of them is.

use super::{Memory, Planned};
use crate::plan::{Pooling, Role, TextPlan, Texts};
use crate::{Error, PlanError, Port, Tensor, Values};

impl Planned {
    /// Encodes texts: every input is `[batch, tokens]`.
    pub(super) fn read(&self, plan: &TextPlan, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let [sequences, tokens] = shape_of(&self.inputs, inputs)?;
        let (mut numbers, mut mask) = (vec![vec![]; plan.tables.len()], None);
        for ((port, tensor), role) in self.inputs.iter().zip(inputs).zip(&plan.roles) {
            match role {
                Role::Table(table) => numbers[*table] = integers(port, tensor)?,
                Role::Mask => mask = Some(seen(port, tensor)?),
            }
        }
        let numbers: Vec<&[i64]> = numbers.iter().map(Vec::as_slice).collect();
        let texts = Texts { numbers: &numbers, mask: mask.as_deref(), sequences, tokens };
        let shape = match plan.pooling {
            Pooling::None => vec![sequences, tokens, plan.width()],
            _ => vec![sequences, plan.width()],
        };
        let mut output = vec![0.0; shape.iter().product()];
        self.within([sequences, tokens], |memory| match memory {
            Memory::Texts(room) => plan.run(room, &texts, &mut output),
            _ => Err(PlanError::Workspace),
        })?;
        Ok(vec![Tensor::f32(shape, output)?])
    }
}

/// The shape that all inputs have.
fn shape_of(ports: &[Port], inputs: &[&Tensor]) -> Result<[usize; 2], Error> {
    let first = inputs.first().map_or(&[][..], |it| it.shape());
    let other = ports.iter().zip(inputs).find(|(_, it)| it.shape() != first || first.len() != 2);
    match (other, first) {
        (None, &[sequences, tokens]) => Ok([sequences, tokens]),
        (Some((port, got)), _) => {
            let expected = format!("the shape {first:?} of {:?}", ports[0].name);
            Err(Error::tensor(&port.name, expected, format!("{:?}", got.shape())))
        }
        (None, _) => Err(Error::tensor("inputs", "[batch, tokens]", "none")),
    }
}

fn integers(port: &Port, tensor: &Tensor) -> Result<Vec<i64>, Error> {
    match tensor.values() {
        Values::I64(it) => Ok(it.clone()),
        Values::I32(it) => Ok(it.iter().map(|&it| i64::from(it)).collect()),
        other => Err(Error::tensor(&port.name, "integers", other.dtype().name())),
    }
}

/// A mask as it is given: 1 where a token is seen, 0 where it is not.
fn seen(port: &Port, tensor: &Tensor) -> Result<Vec<bool>, Error> {
    let numbers = match tensor.values() {
        Values::Bool(it) => return Ok(it.clone()),
        Values::F32(it) => it.clone(),
        _ => integers(port, tensor)?.into_iter().map(|it| it as f32).collect(),
    };
    let flag = |it: &f32| match *it {
        0.0 => Ok(false),
        1.0 => Ok(true),
        other => Err(Error::tensor(&port.name, "0 or 1 for each token", other.to_string())),
    };
    numbers.iter().map(flag).collect()
}
