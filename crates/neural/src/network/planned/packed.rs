//! A planned network as a packed file: opened without laying anything out again.

use serde::{Deserialize, Serialize};

use super::{Plan, Planned};
use crate::plan::{EncoderPlan, Packable, PerceptronPlan, TextPlan};
use crate::{Dim, Error, Graph, Isa, Note, Port, Precision, Weights, weights::Packing};

/// The note that says that a file is a plan.
pub(in crate::network) const SPECIFICATION: &str = "PlannedSpec";

/// The note that says how it is put together.
const SHAPE: &str = "plan";

/// Most values of an input or output whose dimensions are fixed.
const MOST_VALUES: u64 = 1 << 24;

/// Everything that is no weight.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    precision: Precision,
    plan: Parts,
}

#[derive(Serialize, Deserialize)]
enum Parts {
    Encoder(<EncoderPlan as Packable>::Shape),
    Texts(<TextPlan as Packable>::Shape),
    Perceptron(<PerceptronPlan as Packable>::Shape),
}

/// A graph's plan in this precision, or in that of its weights, as a file for every processor; its notes go along.
pub(in crate::network) fn packing(graph: &Graph, precision: Option<Precision>) -> Result<Packing, Error> {
    let planned = Planned::new(graph, precision, Isa::Scalar)?;
    let mut to = Packing::new();
    let plan = match &planned.plan {
        Plan::Encoder(it) => Parts::Encoder(it.pack(&mut to, "")?),
        Plan::Texts(it) => Parts::Texts(it.pack(&mut to, "")?),
        Plan::Perceptron(it) => Parts::Perceptron(it.pack(&mut to, "")?),
        Plan::Spectral(_) | Plan::Convolutions(_) | Plan::Prepared(_) => {
            let reason = "encoders and perceptrons are packed; networks of convolutions, of spectra and of columns that \
                          are made ready first are not yet";
            return Err(Error::refused(graph.name.as_str(), reason));
        }
    };
    let Planned { inputs, outputs, precision, .. } = planned;
    let shape = Shape { inputs, outputs, precision, plan };
    let shape = serde_json::to_string(&shape).expect("names and numbers are always JSON");
    graph.notes.iter().for_each(|(key, value)| to.note(key, Note::Text(value.clone())));
    to.note("specification", Note::Text(SPECIFICATION.to_owned()));
    to.note(SHAPE, Note::Text(shape));
    Ok(to)
}

impl Planned {
    /// A plan where it lies in a packed file.
    pub(in crate::network) fn unpacked(
        weights: &Weights,
        asked: Option<Precision>,
        isa: Isa,
    ) -> Result<Self, Error> {
        let Some(Note::Text(text)) = weights.notes().get(SHAPE) else {
            return Err(Error::malformed("packed weights", "a note of how they are put together", "none"));
        };
        let shape: Shape = serde_json::from_str(text).map_err(|it| {
            Error::malformed("packed weights, note \"plan\"", "parts of a plan", it.to_string())
        })?;
        let Shape { inputs, outputs, precision, plan } = shape;
        if asked.is_some_and(|it| it != precision) {
            let reason = format!("packed as {}; open the network it was packed from", precision.name());
            return Err(Error::refused("packed weights", reason));
        }
        for port in inputs.iter().chain(&outputs) {
            let fixed = port
                .shape
                .iter()
                .flatten()
                .filter_map(|it| if let Dim::Fixed(it) = it { Some(*it) } else { None });
            let values = fixed.fold(1u64, |all, it| all.saturating_mul(it as u64));
            Error::limit(format!("port {:?}", port.name), MOST_VALUES, values, "values")?;
        }
        let how = (isa, precision);
        let plan = match plan {
            Parts::Encoder(it) => Plan::Encoder(EncoderPlan::unpack(&it, weights, "", how)?),
            Parts::Texts(it) => Plan::Texts(Box::new(TextPlan::unpack(&it, weights, "", how)?)),
            Parts::Perceptron(it) => Plan::Perceptron(PerceptronPlan::unpack(&it, weights, "", how)?),
        };
        let roles = if let Plan::Texts(it) = &plan { it.roles.len() } else { 1 };
        if (inputs.len(), outputs.len()) != (roles, 1) {
            let got = format!("{} and {}", inputs.len(), outputs.len());
            return Err(Error::malformed("packed weights", format!("{roles} inputs and 1 output"), got));
        }
        Ok(Planned { inputs, outputs, precision, plan, rooms: Default::default() })
    }
}
