//! Networks of convolutions over images.

use super::dense::{Dense, Linear, Precision, Rows};
use super::image::{Image, Window};
use crate::PlanError;
use crate::kernel::convolution::{FloatKernels, Int8Kernels, Patches, Pixels, Scale};
use crate::kernel::depthwise::{Cell, Depthwise, Gated, Gathered, Mean, Scattered, Taps, max_pool};
use crate::kernel::float::FloatWeights;
use crate::kernel::half::HalfWeights;
use crate::kernel::quantised::Activations;
use crate::kernel::rows::{Activation, affine};
use crate::kernel::{Isa, Plane, WIDTH};

/// Weights of a convolution and what follows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// Which value goes in.
    pub from: usize,
    /// `[outputs, inputs, kernel height, kernel width]`; of a depthwise convolution `[channels, 1, …]`.
    pub weights: Vec<f32>,
    /// Scales, one an output, that the weights are signed 8-bit integers times, where they come so.
    pub steps: Option<Vec<f32>>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
    /// How it moves.
    pub window: Window,
    /// Added before the activation: a value of the outcome's shape.
    pub add: Option<usize>,
    /// What follows.
    pub activation: Activation,
}

impl Convolution {
    fn has_a_step_an_output(&self) -> bool {
        self.steps.as_ref().is_none_or(|it| it.len() == self.bias.len())
    }
}

/// One step of a convolutional network. Value 0 is the input, value *n* the outcome of step *n* − 1.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConvolutionStep {
    /// All channels to all.
    Convolution(Convolution),
    /// Each channel to itself.
    Depthwise(Convolution),
    /// The greatest value under a window.
    MaxPool {
        /// Which image.
        from: usize,
        /// The window.
        window: Window,
    },
    /// The mean of each channel: an image to a vector.
    Mean {
        /// Which image.
        from: usize,
    },
    /// A vector to a vector.
    Linear {
        /// Which vector.
        from: usize,
        /// The weights.
        layer: Linear,
        /// What follows.
        activation: Activation,
    },
    /// Each channel of an image times its value in a vector (squeeze and excite).
    Gate {
        /// The image.
        image: usize,
        /// The vector.
        gate: usize,
    },
}

/// A convolutional network by its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvolutionDescription {
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// The steps, in order; the last one's outcome is the network's.
    pub steps: Vec<ConvolutionStep>,
}

/// Least and greatest of the values that were seen at a place; holds 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Range {
    /// At most 0.
    pub low: f32,
    /// At least 0.
    pub high: f32,
}

/// A value between steps.
#[derive(Debug, Clone)]
enum Place {
    Image(Image),
    Vector(usize),
}

/// Values that images can be made of, and the kernels that convolve them.
trait Number: Cell + PartialOrd {
    type Kernels: std::fmt::Debug;
    /// `weights` by runs of a patch, with the scales they are whole multiples of, if any.
    fn pack(
        how: (Isa, Precision),
        weights: (&[f32], Option<&[f32]>),
        bias: &[f32],
        from: Scale,
    ) -> Self::Kernels;
    fn convolve(
        of: &Self::Kernels,
        image: &[Self],
        patches: &Patches,
        pixels: Pixels<'_, Self>,
        scales: [Scale; 2],
    );
    /// What stands for 0.
    fn zero(scale: Scale) -> Self;
    /// Weights of one channel, and what a sum of theirs is to be multiplied by.
    fn taps(weights: &[f32], step: Option<f32>, from: Scale) -> (Vec<f32>, f32);
}

impl Number for f32 {
    type Kernels = FloatKernels;

    fn pack(
        (isa, precision): (Isa, Precision),
        (weights, _): (&[f32], Option<&[f32]>),
        bias: &[f32],
        _: Scale,
    ) -> FloatKernels {
        let inputs = weights.len() / bias.len().max(1);
        match precision {
            Precision::Bf16 => FloatKernels::Half(HalfWeights::pack(isa, weights, inputs, bias)),
            _ => FloatKernels::Whole(FloatWeights::pack(isa, weights, inputs, bias)),
        }
    }

    fn convolve(of: &FloatKernels, image: &[f32], patches: &Patches, pixels: Pixels<'_, f32>, _: [Scale; 2]) {
        of.convolve(image, patches, pixels);
    }

    fn zero(_: Scale) -> f32 {
        0.0
    }

    fn taps(weights: &[f32], _: Option<f32>, _: Scale) -> (Vec<f32>, f32) {
        (weights.to_vec(), 1.0)
    }
}

impl Number for u8 {
    type Kernels = Int8Kernels;

    fn pack(
        (isa, _): (Isa, Precision),
        (weights, steps): (&[f32], Option<&[f32]>),
        bias: &[f32],
        from: Scale,
    ) -> Int8Kernels {
        Int8Kernels::pack(isa, weights, steps, bias, from)
    }

    fn convolve(
        of: &Int8Kernels,
        image: &[u8],
        patches: &Patches,
        pixels: Pixels<'_, u8>,
        scales: [Scale; 2],
    ) {
        of.convolve(image, patches, pixels, scales);
    }

    fn zero(scale: Scale) -> u8 {
        scale.zero.clamp(0, 255) as u8
    }

    fn taps(weights: &[f32], step: Option<f32>, from: Scale) -> (Vec<f32>, f32) {
        let most = weights.iter().fold(0.0f32, |most, weight| most.max(weight.abs()));
        let scale = step.unwrap_or(if most > 0.0 { most / 127.0 } else { 1.0 });
        (weights.iter().map(|weight| (weight / scale).round()).collect(), scale * from.scale)
    }
}

/// A step laid out.
#[derive(Debug)]
enum Stage<T: Number> {
    Convolution {
        at: Option<usize>,
        from: usize,
        kernels: T::Kernels,
        patches: Patches,
        activation: Activation,
    },
    Depthwise {
        from: usize,
        taps: Taps,
        patches: Patches,
        activation: Activation,
    },
    MaxPool {
        from: usize,
        windows: Vec<Vec<usize>>,
    },
    Mean {
        from: usize,
    },
    Linear {
        from: usize,
        dense: Dense,
        inputs: usize,
        activation: Activation,
    },
    Gate {
        image: usize,
        gate: usize,
    },
}

/// All steps laid out for one kind of number.
#[derive(Debug)]
struct Stages<T: Number> {
    isa: Isa,
    places: Vec<Place>,
    /// Where the pixels of each image start.
    starts: Vec<Vec<usize>>,
    scales: Vec<Scale>,
    stages: Vec<Stage<T>>,
}

/// The values of one run.
#[derive(Debug)]
struct Values<T> {
    images: Vec<Vec<T>>,
    vectors: Vec<Vec<f32>>,
    activations: Vec<Activations>,
}

#[derive(Debug)]
enum Either<A, B> {
    Float(A),
    Int8(B),
}

/// A convolutional network ready to run.
#[derive(Debug)]
pub struct ConvolutionPlan(Either<Stages<f32>, Stages<u8>>);

/// The memory of one run of a [`ConvolutionPlan`]; one for each thread.
#[derive(Debug)]
pub struct ConvolutionWorkspace(Either<Values<f32>, Values<u8>>);

impl ConvolutionPlan {
    /// Lays out a network in floating point.
    ///
    /// # Errors
    /// Steps that do not fit each other.
    pub fn float(description: &ConvolutionDescription, isa: Isa) -> Result<ConvolutionPlan, PlanError> {
        ConvolutionPlan::floating(description, Precision::Float, isa)
    }

    /// Lays out a network in floating point whose weights have 16 bits, but for depthwise ones, which are few.
    ///
    /// # Errors
    /// Steps that do not fit each other.
    pub fn bf16(description: &ConvolutionDescription, isa: Isa) -> Result<ConvolutionPlan, PlanError> {
        ConvolutionPlan::floating(description, Precision::Bf16, isa)
    }

    fn floating(
        description: &ConvolutionDescription,
        precision: Precision,
        isa: Isa,
    ) -> Result<ConvolutionPlan, PlanError> {
        let scales = vec![Scale { scale: 1.0, zero: 0 }; description.steps.len() + 1];
        Ok(ConvolutionPlan(Either::Float(Stages::new(description, scales, (isa, precision))?)))
    }

    /// Layers whose integers could not be taken.
    pub(crate) fn again(&self) -> usize {
        let Either::Int8(stages) = &self.0 else { return 0 };
        let is_again = |stage: &&Stage<u8>| match stage {
            Stage::Convolution { kernels, .. } => kernels.is_again(),
            Stage::Linear { dense, .. } => dense.is_again(),
            _ => false,
        };
        stages.stages.iter().filter(is_again).count()
    }

    /// Lays out a network in 8-bit integers, with the range of each value: of the input, then of each step's outcome.
    /// Vectors are quantised as they come; their ranges are not used.
    ///
    /// # Errors
    /// Steps that do not fit each other, or another number of ranges than of values.
    pub fn int8(
        description: &ConvolutionDescription,
        ranges: &[Range],
        isa: Isa,
    ) -> Result<ConvolutionPlan, PlanError> {
        let (expected, got) = (description.steps.len() + 1, ranges.len());
        if expected != got {
            return Err(PlanError::Shape { what: "ranges", of: "values", expected, got });
        }
        let scale = |range: &Range| {
            let (scale, zero) = affine(range.low.min(0.0), range.high.max(0.0));
            Scale { scale, zero }
        };
        let scales = ranges.iter().map(scale).collect();
        Ok(ConvolutionPlan(Either::Int8(Stages::new(description, scales, (isa, Precision::Int8))?)))
    }

    /// The shape of what comes out of one image: channels, height and width, or the length of a vector.
    pub fn outcome(&self) -> Vec<usize> {
        let last = match &self.0 {
            Either::Float(stages) => stages.places.last(),
            Either::Int8(stages) => stages.places.last(),
        };
        match last {
            Some(Place::Image(image)) => vec![image.channels, image.size[0], image.size[1]],
            Some(Place::Vector(width)) => vec![*width],
            None => vec![],
        }
    }

    /// Memory for one image.
    pub fn workspace(&self) -> ConvolutionWorkspace {
        ConvolutionWorkspace(match &self.0 {
            Either::Float(stages) => Either::Float(stages.values()),
            Either::Int8(stages) => Either::Int8(stages.values()),
        })
    }

    /// Runs one image `[channels, height, width]`. Sets aside no memory.
    ///
    /// # Errors
    /// Lengths that do not fit, or a workspace of another plan.
    pub fn run(
        &self,
        workspace: &mut ConvolutionWorkspace,
        input: &[f32],
        output: &mut [f32],
    ) -> Result<(), PlanError> {
        match (&self.0, &mut workspace.0) {
            (Either::Float(stages), Either::Float(values)) => stages.run(values, input, output),
            (Either::Int8(stages), Either::Int8(values)) => stages.run(values, input, output),
            _ => Err(PlanError::Workspace),
        }
    }

    /// The range of each value in the workspace after a run in floating point: calibration by least and greatest.
    pub fn ranges(&self, workspace: &ConvolutionWorkspace) -> Vec<Range> {
        match &workspace.0 {
            Either::Float(values) => values.images.iter().map(|image| range(image)).collect(),
            Either::Int8(values) => vec![Range::default(); values.images.len()],
        }
    }
}

fn range(values: &[f32]) -> Range {
    let widen =
        |range: Range, value: &f32| Range { low: range.low.min(*value), high: range.high.max(*value) };
    values.iter().fold(Range::default(), widen)
}

impl<T: Number> Stages<T> {
    fn new(
        description: &ConvolutionDescription,
        scales: Vec<Scale>,
        how: (Isa, Precision),
    ) -> Result<Stages<T>, PlanError> {
        let places = places(description)?;
        let step = |(at, step): (usize, &ConvolutionStep)| stage(how, &places, &scales, at + 1, step);
        let stages = description.steps.iter().enumerate().map(step).collect();
        let starts = places.iter().map(|place| match place {
            Place::Image(image) => image.starts(),
            Place::Vector(_) => vec![],
        });
        Ok(Stages { isa: how.0, starts: starts.collect(), scales, stages, places })
    }

    fn values(&self) -> Values<T> {
        let image = |(place, scale): (&Place, &Scale)| match place {
            Place::Image(image) => vec![T::zero(*scale); image.length()],
            Place::Vector(_) => vec![],
        };
        let vector = |place: &Place| match place {
            Place::Image(_) => vec![],
            Place::Vector(width) => vec![0.0; width.next_multiple_of(WIDTH)],
        };
        let quantised = |stage: &Stage<T>| match stage {
            Stage::Linear { inputs, .. } => Activations::new(self.isa, 1, *inputs),
            _ => Activations::new(self.isa, 0, 0),
        };
        Values {
            images: self.places.iter().zip(&self.scales).map(image).collect(),
            vectors: self.places.iter().map(vector).collect(),
            activations: self.stages.iter().map(quantised).collect(),
        }
    }

    fn run(&self, values: &mut Values<T>, input: &[f32], output: &mut [f32]) -> Result<(), PlanError> {
        let (first, last) = (&self.places[0], &self.places[self.places.len() - 1]);
        for (what, place, got) in [("input", first, input.len()), ("output", last, output.len())] {
            let expected = place.values();
            if expected != got {
                return Err(PlanError::Shape { what, of: "values", expected, got });
            }
        }
        let pixels = self.starts[0].len();
        let (to, starts, scale) = (&mut values.images[0][..], &self.starts[0][..], self.scales[0]);
        Gathered { planes: input, pixels, to, starts, scale }.run(self.isa);
        for at in 0..self.stages.len() {
            self.stage(values, at);
        }
        self.give(values, output);
        Ok(())
    }

    /// The outcome as `f32`.
    fn give(&self, values: &Values<T>, output: &mut [f32]) {
        let last = self.places.len() - 1;
        match &self.places[last] {
            Place::Vector(width) => output.copy_from_slice(&values.vectors[last][..*width]),
            Place::Image(Image { channels, .. }) => {
                let (image, starts, scale) =
                    (&values.images[last][..], &self.starts[last][..], self.scales[last]);
                Scattered { image, starts, channels: *channels, scale, planes: output }.run(self.isa);
            }
        }
    }

    /// Values of a pixel of an image.
    fn cell(&self, place: usize) -> usize {
        match &self.places[place] {
            Place::Image(image) => image.cell(),
            Place::Vector(_) => 0,
        }
    }

    fn stage(&self, values: &mut Values<T>, at: usize) {
        let Values { images, vectors, activations } = values;
        let out = at + 1;
        let ((images, to), (vectors, vector)) = (images.split_at_mut(out), vectors.split_at_mut(out));
        let (to, vector, starts, scale) =
            (&mut to[0][..], &mut vector[0][..], &self.starts[out][..], self.scales[out]);
        match &self.stages[at] {
            Stage::Convolution { at: add, from, kernels, patches, activation } => {
                let pixels = Pixels {
                    values: to,
                    starts,
                    channels: self.cell(out),
                    activation: *activation,
                    add: add.map(|add| (&images[add][..], &self.starts[add][..])),
                };
                T::convolve(kernels, &images[*from], patches, pixels, [scale, self.scales[add.unwrap_or(0)]]);
            }
            Stage::Depthwise { from, taps, patches, activation } => {
                let (image, channels, activation) = (&images[*from][..], self.cell(out), *activation);
                Depthwise { image, patches, taps, channels, activation, to, starts, scale }.run(self.isa);
            }
            Stage::MaxPool { from, windows } => {
                max_pool(&images[*from], windows, self.cell(out), (to, starts))
            }
            Stage::Mean { from } => {
                let (image, starts, scale) =
                    (&images[*from][..], &self.starts[*from][..], self.scales[*from]);
                Mean { image, starts, channels: self.cell(*from), scale, to: vector }.run(self.isa);
            }
            Stage::Linear { from, dense, inputs, activation } => {
                let rows = Rows { values: &vectors[*from], stride: *inputs, count: 1 };
                let stride = vector.len();
                let mut plane = Plane { values: vector, stride, activation: *activation, add: false };
                dense.multiply(rows, &mut activations[at], &mut plane);
            }
            Stage::Gate { image, gate } => {
                let (from, scales) = (&self.starts[*image][..], [self.scales[*image], scale]);
                let (image, gates) = (&images[*image][..], &vectors[*gate][..]);
                Gated { image, from, channels: self.cell(out), gates, to, starts, scales }.run(self.isa);
            }
        }
    }
}

impl Place {
    fn values(&self) -> usize {
        match self {
            Place::Image(image) => image.channels * image.size[0] * image.size[1],
            Place::Vector(width) => *width,
        }
    }
}

/// Lays out one step, whose shapes fit.
fn stage<T: Number>(
    how: (Isa, Precision),
    places: &[Place],
    scales: &[Scale],
    out: usize,
    step: &ConvolutionStep,
) -> Stage<T> {
    let image = |place: usize| match &places[place] {
        Place::Image(image) => image,
        Place::Vector(_) => unreachable!("shapes were checked"),
    };
    match step {
        ConvolutionStep::Convolution(it) => {
            let (from, to) = (image(it.from), image(out));
            let patches = from.patches(&it.window, to.size);
            let weights = by_runs(it, from, &patches);
            let kernels = T::pack(how, (&weights, it.steps.as_deref()), &it.bias, scales[it.from]);
            Stage::Convolution { at: it.add, from: it.from, kernels, patches, activation: it.activation }
        }
        ConvolutionStep::Depthwise(it) => {
            let (from, to) = (image(it.from), image(out));
            let patches =
                Patches { run: it.window.kernel[1] * from.cell(), ..from.patches(&it.window, to.size) };
            Stage::Depthwise {
                from: it.from,
                taps: taps::<T>(it, from, scales[it.from]),
                patches,
                activation: it.activation,
            }
        }
        ConvolutionStep::MaxPool { from, window } => {
            Stage::MaxPool { from: *from, windows: image(*from).windows(window, image(out).size) }
        }
        ConvolutionStep::Mean { from } => Stage::Mean { from: *from },
        ConvolutionStep::Linear { from, layer, activation } => {
            let dense = Dense::pack(how.0, how.1, layer);
            Stage::Linear { from: *from, dense, inputs: layer.inputs, activation: *activation }
        }
        ConvolutionStep::Gate { image, gate } => Stage::Gate { image: *image, gate: *gate },
    }
}

/// Weights in the order in which a patch is walked: `[runs · run, outputs]`, zeros where a run is longer than the kernel.
fn by_runs(it: &Convolution, from: &Image, patches: &Patches) -> Vec<f32> {
    let ([height, width], outputs) = (it.window.kernel, it.bias.len());
    let mut weights = vec![0.0; patches.runs * patches.run * outputs];
    for (at, &weight) in it.weights.iter().enumerate() {
        let (column, rest) = (at % width, at / width);
        let (row, rest) = (rest % height, rest / height);
        let (channel, output) = (rest % from.channels, rest / from.channels);
        weights[(row * patches.run + column * from.cell() + channel) * outputs + output] = weight;
    }
    weights
}

/// Weights of a depthwise convolution, tap after tap.
fn taps<T: Number>(it: &Convolution, from: &Image, scale: Scale) -> Taps {
    let (count, wide) = (it.window.kernel[0] * it.window.kernel[1], from.cell().next_multiple_of(WIDTH));
    let mut taps = Taps {
        weights: vec![0.0; count * wide],
        factors: vec![0.0; wide],
        bias: vec![0.0; wide],
        zero: scale.zero as f32,
    };
    for (channel, of) in it.weights.chunks_exact(count).enumerate() {
        let (weights, factor) = T::taps(of, it.steps.as_ref().map(|it| it[channel]), scale);
        for (tap, weight) in weights.into_iter().enumerate() {
            taps.weights[tap * wide + channel] = weight;
        }
        (taps.factors[channel], taps.bias[channel]) = (factor, it.bias[channel]);
    }
    taps
}

/// The places of all values, with borders as wide as what reads them needs.
fn places(description: &ConvolutionDescription) -> Result<Vec<Place>, PlanError> {
    let [channels, height, width] = description.input;
    let mut places = vec![Place::Image(Image::new(channels, [height, width]))];
    for (at, step) in description.steps.iter().enumerate() {
        let place = outcome(step, &places).ok_or(PlanError::Step { step: at })?;
        places.push(place);
        if let ConvolutionStep::Convolution(it) | ConvolutionStep::Depthwise(it) = step
            && let Place::Image(image) = &mut places[it.from]
        {
            image.surround(&it.window);
        }
    }
    Ok(places)
}

/// What comes out of a step, or none where it does not fit what goes in.
fn outcome(step: &ConvolutionStep, places: &[Place]) -> Option<Place> {
    let image = |place: usize| match places.get(place)? {
        Place::Image(image) => Some(image),
        Place::Vector(_) => None,
    };
    let vector = |place: usize| match places.get(place)? {
        Place::Vector(width) => Some(*width),
        Place::Image(_) => None,
    };
    match step {
        ConvolutionStep::Convolution(it) => {
            let (from, outputs) = (image(it.from)?, it.bias.len());
            let out = Image::new(outputs, it.window.over(from.size)?);
            let weights = outputs * from.channels * it.window.kernel[0] * it.window.kernel[1];
            let fits = it
                .add
                .is_none_or(|add| image(add).is_some_and(|it| it.size == out.size && it.channels == outputs));
            (fits && weights == it.weights.len() && it.has_a_step_an_output()).then_some(Place::Image(out))
        }
        ConvolutionStep::Depthwise(it) => {
            let from = image(it.from)?;
            let out = Image::new(from.channels, it.window.over(from.size)?);
            let weights = from.channels * it.window.kernel[0] * it.window.kernel[1];
            let fits = it.add.is_none() && it.bias.len() == from.channels && weights == it.weights.len();
            (fits && it.has_a_step_an_output()).then_some(Place::Image(out))
        }
        ConvolutionStep::MaxPool { from, window } => {
            let from = image(*from)?;
            Some(Place::Image(Image::new(from.channels, window.over(from.size)?)))
        }
        ConvolutionStep::Mean { from } => Some(Place::Vector(image(*from)?.channels)),
        ConvolutionStep::Linear { from, layer, .. } => {
            layer.check("linear", vector(*from)?, layer.outputs()).ok()?;
            Some(Place::Vector(layer.outputs()))
        }
        ConvolutionStep::Gate { image: of, gate } => {
            let of = image(*of)?;
            (vector(*gate)? == of.channels).then(|| Place::Image(Image::new(of.channels, of.size)))
        }
    }
}
