//! Our own executor: networks whose shape is known ahead, by plans.

pub(super) mod packed;
mod texts;

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::Executor;
use crate::kernel::Isa;
use crate::plan::{
    Columns, ConvolutionPlan, ConvolutionWorkspace, EncoderPlan, EncoderWorkspace, Found, PerceptronPlan,
    PerceptronWorkspace, Precision, StemPlan, StemWorkspace, TextPlan, TextWorkspace,
};
use crate::{Error, Graph, PlanError, Port, Tensor, Values};

const NAME: &str = "planned";

/// A network run by a plan.
pub(super) struct Planned {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    precision: Precision,
    plan: Plan,
    /// Memory of runs that have ended, for runs to come.
    rooms: Mutex<Vec<Room>>,
}

enum Plan {
    Encoder(EncoderPlan),
    Spectral(Box<(StemPlan, EncoderPlan)>),
    Texts(Box<TextPlan>),
    Perceptron(PerceptronPlan),
    Prepared(Box<(Columns, PerceptronPlan)>),
    Convolutions(Box<Pictures>),
}

/// A network of images, run one after another.
struct Pictures {
    plan: ConvolutionPlan,
    /// Channels, height and width of an image.
    input: [usize; 3],
    /// The shape of what comes out of one.
    output: Vec<usize>,
}

/// The memory of one run, and the batch and tokens it is for.
struct Room {
    shape: [usize; 2],
    memory: Memory,
}

enum Memory {
    Encoder(Box<EncoderWorkspace>),
    Spectral(Box<(StemWorkspace, Vec<f32>, EncoderWorkspace)>),
    Texts(Box<TextWorkspace>),
    Perceptron(PerceptronWorkspace),
    Prepared(Box<Preparing>),
    Convolutions(Box<ConvolutionWorkspace>),
}

/// The memory of columns that are made ready for a perceptron.
struct Preparing {
    /// Of the steps of one row.
    steps: Vec<f32>,
    /// Rows made ready.
    rows: Vec<f32>,
    perceptron: PerceptronWorkspace,
}

impl Planned {
    /// Takes over a graph, if it is of a shape that is planned; without a precision it is computed in integers where its weights
    /// were.
    pub(super) fn new(graph: &Graph, precision: Option<Precision>, isa: Isa) -> Result<Self, Error> {
        let refused = |reason: String| {
            Error::refused(graph.name.as_str(), format!("not planned: {reason}; executor rten runs it"))
        };
        let (found, is_quantised) = Found::of(graph).map_err(refused)?;
        let precision = precision.unwrap_or(if is_quantised { Precision::Int8 } else { Precision::Float });
        let plan = match found {
            Found::Encoder(it) => EncoderPlan::new(&it, precision, isa).map(Plan::Encoder),
            Found::Spectral(stem, it) => StemPlan::new(&stem, precision, isa).and_then(|stem| {
                Ok(Plan::Spectral(Box::new((stem, EncoderPlan::new(&it, precision, isa)?))))
            }),
            Found::Text(it) => TextPlan::new(&it, precision, isa).map(|it| Plan::Texts(Box::new(it))),
            Found::Perceptron(it) => PerceptronPlan::new(&it, precision, isa).map(Plan::Perceptron),
            Found::Prepared(columns, it) => {
                PerceptronPlan::new(&it, precision, isa).map(|plan| Plan::Prepared(Box::new((columns, plan))))
            }
            Found::Convolutions(it, ranges) => {
                let (input, output) = (it.input, graph.outputs[0].shape.as_ref().map_or(2, Vec::len));
                let plan = match precision {
                    Precision::Float => ConvolutionPlan::float(&it, isa),
                    Precision::Bf16 => ConvolutionPlan::bf16(&it, isa),
                    Precision::Int8 => ConvolutionPlan::int8(&it, &ranges.map_err(refused)?, isa),
                };
                plan.map(|plan| {
                    let mut output_shape = plan.outcome();
                    output_shape.resize(output_shape.len().max(output.saturating_sub(1)), 1);
                    Plan::Convolutions(Box::new(Pictures { plan, input, output: output_shape }))
                })
            }
        };
        let (inputs, outputs) = (graph.inputs.clone(), graph.outputs.clone());
        let plan = plan.map_err(|it| failed(&it))?;
        Ok(Planned { inputs, outputs, precision, plan, rooms: Mutex::default() })
    }

    /// Layers whose weights came in integers that the kernels cannot hold on every processor, and were quantised again.
    pub(super) fn again(&self) -> usize {
        match &self.plan {
            Plan::Encoder(plan) => plan.again(),
            Plan::Spectral(it) => it.1.again(),
            Plan::Texts(plan) => plan.encoder.again(),
            Plan::Perceptron(plan) => plan.again(),
            Plan::Prepared(it) => it.1.again(),
            Plan::Convolutions(it) => it.plan.again(),
        }
    }

    /// Memory for a batch, used before or new.
    fn room(&self, shape: [usize; 2]) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
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
            Plan::Texts(plan) => Memory::Texts(Box::new(plan.workspace(batch, tokens))),
            Plan::Perceptron(plan) => Memory::Perceptron(plan.workspace(batch)),
            Plan::Prepared(it) => Memory::Prepared(Box::new(Preparing {
                steps: vec![0.0; it.0.memory()],
                rows: vec![0.0; batch * it.0.width],
                perceptron: it.1.workspace(batch),
            })),
            Plan::Convolutions(it) => Memory::Convolutions(Box::new(it.plan.workspace())),
        };
        Room { shape, memory }
    }

    /// Runs with memory for a batch, which is kept for runs to come.
    fn within(
        &self,
        shape: [usize; 2],
        run: impl FnOnce(&mut Memory) -> Result<(), PlanError>,
    ) -> Result<(), Error> {
        let mut room = self.room(shape);
        let outcome = run(&mut room.memory);
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        outcome.map_err(|it| failed(&it))
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
            (Plan::Prepared(it), &[batch, width]) if width == it.0.width => {
                Some((vec![batch, it.1.outputs()], [batch, 1]))
            }
            (Plan::Convolutions(it), &[batch, channels, height, width])
                if it.input == [channels, height, width] =>
            {
                Some(([&[batch][..], &it.output].concat(), [1, 1]))
            }
            _ => None,
        }
    }

    /// Inputs of one shape; of plans of one input, the first.
    fn calculate(&self, memory: &mut Memory, inputs: &[&[f32]], output: &mut [f32]) -> Result<(), PlanError> {
        let input = inputs[0];
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
            (Plan::Prepared(it), Memory::Prepared(memory)) => {
                let ((columns, plan), Preparing { steps, rows, perceptron }) = (&**it, &mut **memory);
                for (row, to) in rows.chunks_exact_mut(columns.width.max(1)).enumerate() {
                    let of_row: Vec<&[f32]> =
                        inputs.iter().map(|it| &it[row * columns.width..][..columns.width]).collect();
                    columns.run(steps, &of_row, to);
                }
                plan.run(perceptron, rows, output)
            }
            (Plan::Convolutions(it), Memory::Convolutions(room)) => {
                let (from, to) = (it.input.iter().product::<usize>(), it.output.iter().product::<usize>());
                let mut images = input.chunks_exact(from.max(1)).zip(output.chunks_exact_mut(to.max(1)));
                images.try_for_each(|(input, output)| it.plan.run(room, input, output))
            }
            _ => Err(PlanError::Workspace),
        }
    }
}

fn failed(error: &PlanError) -> Error {
    Error::Run { executor: NAME, reason: error.to_string() }
}

/// The values as floats; booleans as 0 and 1.
fn floats(tensor: &Tensor) -> Option<Cow<'_, [f32]>> {
    match tensor.values() {
        Values::F32(it) => Some(Cow::Borrowed(it)),
        Values::Bool(it) => Some(Cow::Owned(it.iter().map(|it| f32::from(u8::from(*it))).collect())),
        _ => None,
    }
}

impl Executor for Planned {
    fn name(&self) -> &'static str {
        NAME
    }

    fn precision(&self) -> Option<Precision> {
        Some(self.precision)
    }

    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        if let Plan::Texts(plan) = &self.plan {
            return self.read(plan, inputs);
        }
        let unfit = |at: usize| {
            Error::tensor(
                &self.inputs[at].name,
                self.inputs[at].to_string(),
                format!("{:?}", inputs[at].shape()),
            )
        };
        let (shape, batch) = self.outcome(inputs[0].shape()).ok_or_else(|| unfit(0))?;
        if let Some(at) = inputs.iter().position(|it| it.shape() != inputs[0].shape()) {
            return Err(unfit(at));
        }
        let values: Vec<Cow<'_, [f32]>> = inputs
            .iter()
            .enumerate()
            .map(|(at, input)| floats(input).ok_or_else(|| unfit(at)))
            .collect::<Result<_, _>>()?;
        let values: Vec<&[f32]> = values.iter().map(|it| &**it).collect();
        let mut output = vec![0.0; shape.iter().product()];
        self.within(batch, |memory| self.calculate(memory, &values, &mut output))?;
        Ok(vec![Tensor::f32(shape, output)?])
    }
}
