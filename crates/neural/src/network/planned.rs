//! Our own executor: networks whose shape is known ahead, by plans.

use std::sync::Mutex;

use super::Executor;
use crate::kernel::Isa;
use crate::plan::{
    EncoderPlan, EncoderWorkspace, Found, PerceptronPlan, PerceptronWorkspace, Precision, StemPlan,
    StemWorkspace,
};
use crate::{Error, Graph, PlanError, Port, Tensor};

const NAME: &str = "planned";

/// A network run by a plan.
pub(super) struct Planned {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    plan: Plan,
    /// Memory of runs that have ended, for runs to come.
    rooms: Mutex<Vec<Room>>,
}

enum Plan {
    Encoder(EncoderPlan),
    Spectral(Box<(StemPlan, EncoderPlan)>),
    Perceptron(PerceptronPlan),
}

/// The memory of one run, and the batch and tokens it is for.
struct Room {
    shape: [usize; 2],
    memory: Memory,
}

enum Memory {
    Encoder(Box<EncoderWorkspace>),
    Spectral(Box<(StemWorkspace, Vec<f32>, EncoderWorkspace)>),
    Perceptron(PerceptronWorkspace),
}

impl Planned {
    /// Takes over a graph, if it is of a shape that is planned.
    pub(super) fn new(graph: &Graph, precision: Precision, isa: Isa) -> Result<Self, Error> {
        let found = Found::of(graph).ok_or_else(|| {
            Error::refused(
                graph.name.as_str(),
                "neither an encoder nor a perceptron that is planned; run it with executor rten",
            )
        })?;
        let plan = match found {
            Found::Encoder(it) => EncoderPlan::new(&it, precision, isa).map(Plan::Encoder),
            Found::Spectral(stem, it) => StemPlan::new(&stem, precision, isa).and_then(|stem| {
                Ok(Plan::Spectral(Box::new((stem, EncoderPlan::new(&it, precision, isa)?))))
            }),
            Found::Perceptron(it) => PerceptronPlan::new(&it, precision, isa).map(Plan::Perceptron),
        };
        let (inputs, outputs) = (graph.inputs.clone(), graph.outputs.clone());
        Ok(Planned { inputs, outputs, plan: plan.map_err(|it| failed(&it))?, rooms: Mutex::default() })
    }

    /// Memory for a batch, used before or new.
    fn room(&self, shape: [usize; 2]) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at) = rooms.iter().position(|room| room.shape == shape) {
            return rooms.swap_remove(at);
        }
        rooms.clear();
        let [batch, tokens] = shape;
        let memory = match &self.plan {
            Plan::Encoder(plan) => Memory::Encoder(Box::new(plan.workspace(batch, tokens))),
            Plan::Spectral(it) => {
                let (stem, plan) = &**it;
                let rows = vec![0.0; batch * tokens * plan.width()];
                Memory::Spectral(Box::new((stem.workspace(), rows, plan.workspace(batch, tokens))))
            }
            Plan::Perceptron(plan) => Memory::Perceptron(plan.workspace(batch)),
        };
        Room { shape, memory }
    }

    /// The shape that comes out for the one that goes in.
    fn outcome(&self, shape: &[usize]) -> Option<(Vec<usize>, [usize; 2])> {
        match (&self.plan, shape) {
            (Plan::Encoder(plan), &[batch, tokens, width]) if width == plan.width() => {
                Some((shape.to_vec(), [batch, tokens]))
            }
            (Plan::Spectral(it), &[batch, bands, steps]) => {
                let (stem, plan) = &**it;
                let fits = bands == stem.bands() && steps == 2 * stem.frames();
                fits.then(|| (vec![batch, stem.frames(), plan.width()], [batch, stem.frames()]))
            }
            (Plan::Perceptron(plan), &[batch, width]) if width == plan.inputs() => {
                Some((vec![batch, plan.outputs()], [batch, 1]))
            }
            _ => None,
        }
    }

    fn calculate(&self, memory: &mut Memory, input: &[f32], output: &mut [f32]) -> Result<(), PlanError> {
        match (&self.plan, memory) {
            (Plan::Encoder(plan), Memory::Encoder(room)) => plan.run(room, input, None, output),
            (Plan::Spectral(it), Memory::Spectral(memory)) => {
                let ((stem, plan), (room, rows, encoder)) = (&**it, &mut **memory);
                let (step, frames) = (stem.bands() * 2 * stem.frames(), stem.frames() * plan.width());
                for (from, to) in input.chunks_exact(step).zip(rows.chunks_exact_mut(frames)) {
                    stem.run(room, from, to);
                }
                plan.run(encoder, rows, None, output)
            }
            (Plan::Perceptron(plan), Memory::Perceptron(room)) => plan.run(room, input, output),
            _ => Err(PlanError::Workspace),
        }
    }
}

fn failed(error: &PlanError) -> Error {
    Error::Run { executor: NAME, reason: error.to_string() }
}

impl Executor for Planned {
    fn name(&self) -> &'static str {
        NAME
    }

    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let (port, input) = (&self.inputs[0], inputs[0]);
        let unfit = || Error::tensor(&port.name, port.to_string(), format!("{:?}", input.shape()));
        let values = input.as_f32().ok_or_else(unfit)?;
        let (shape, batch) = self.outcome(input.shape()).ok_or_else(unfit)?;
        let mut output = vec![0.0; shape.iter().product()];
        let mut room = self.room(batch);
        self.calculate(&mut room.memory, values, &mut output).map_err(|it| failed(&it))?;
        self.rooms.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(room);
        Ok(vec![Tensor::f32(shape, output)?])
    }
}
