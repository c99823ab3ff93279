//! Finds networks of convolutions: takes the nodes in their order and makes of each a step, or a part of one.

use std::collections::BTreeMap;

use super::super::convolution::{Convolution, ConvolutionDescription, ConvolutionStep, Range};
use super::super::image::Window;
use super::{Plain, linear_of};
use crate::kernel::rows::Activation;
use crate::{Dim, Graph, Node, Tensor};

/// A network of convolutions and, where its values were quantised, the range of each: of the input, then of each step's outcome.
pub(super) type Found = (ConvolutionDescription, Result<Vec<Range>, String>);

/// What a graph of one image in and one value out is, or which node is not planned.
pub(super) fn convolutions(plain: &Plain<'_>) -> Result<Found, String> {
    let (graph, ranges) = (&plain.graph, &plain.ranges);
    let ([input], [output]) = (&graph.inputs[..], &graph.outputs[..]) else {
        return Err("has not one input and one output".into());
    };
    let Some([_, Dim::Fixed(channels), Dim::Fixed(height), Dim::Fixed(width)]) = input.shape.as_deref()
    else {
        return Err(format!("its input {:?} is not a batch of images of one size", input.name));
    };
    let mut walk = Walk {
        plain,
        uses: uses(graph),
        steps: vec![],
        places: vec![Place {
            shape: Shape::Image(*channels, [*height, *width]),
            name: &input.name,
            inside: None,
        }],
        values: [(input.name.as_str(), Held::Place(0))].into(),
    };
    for node in &graph.nodes {
        walk.node(node).ok_or_else(|| format!("{} is not planned where it stands", node.title()))?;
    }
    match walk.values.get(output.name.as_str()) {
        Some(Held::Place(last)) if *last > 0 && *last == walk.steps.len() => {}
        _ => return Err(format!("its output {:?} is not what its last step gives", output.name)),
    }
    let input = [*channels, *height, *width];
    let ranges = walk.ranges(ranges);
    Ok((ConvolutionDescription { input, steps: walk.steps }, ranges))
}

/// How often each value is used.
fn uses(graph: &Graph) -> BTreeMap<&str, usize> {
    let outputs = graph.outputs.iter().map(|it| it.name.as_str());
    let inputs = graph.nodes.iter().flat_map(|node| node.inputs.iter().map(String::as_str));
    inputs.chain(outputs).fold(BTreeMap::new(), |mut uses, name| {
        *uses.entry(name).or_default() += 1;
        uses
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Channels; height and width.
    Image(usize, [usize; 2]),
    Vector(usize),
}

/// A value between steps.
struct Place<'a> {
    shape: Shape,
    /// The value's name in the graph, after what was fused into its step.
    name: &'a str,
    /// Of a vector that is the mean over an image of one pixel: the convolution that made it.
    inside: Option<usize>,
}

/// What a value of the graph is.
#[derive(Clone, Copy)]
enum Held {
    /// The outcome of a step, or the input.
    Place(usize),
    /// An image as one vector.
    Flat(usize),
    /// The hard sigmoid of a value, to be multiplied with it.
    Gate(usize),
}

struct Walk<'a> {
    plain: &'a Plain<'a>,
    uses: BTreeMap<&'a str, usize>,
    steps: Vec<ConvolutionStep>,
    places: Vec<Place<'a>>,
    values: BTreeMap<&'a str, Held>,
}

impl<'a> Walk<'a> {
    fn node(&mut self, node: &'a Node) -> Option<()> {
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return None;
        }
        match node.op.as_str() {
            "Conv" => self.convolution(node),
            "BatchNormalization" => self.normalised(node),
            "Relu" => self.activated(node, Activation::Relu),
            "HardSwish" => self.activated(node, Activation::HardSwish),
            "HardSigmoid" => self.hard_sigmoid(node),
            "Add" => self.sum(node),
            "Mul" => self.product(node),
            "MaxPool" => self.max_pool(node),
            "GlobalAveragePool" | "AveragePool" | "ReduceMean" => self.mean(node),
            "Flatten" | "Reshape" | "Squeeze" => self.flat(node),
            "Gemm" | "MatMul" => self.linear(node),
            _ => None,
        }
    }

    fn constant(&self, name: &str) -> Option<&'a Tensor> {
        self.plain.constant(name)
    }

    fn place(&self, name: &str) -> Option<usize> {
        match self.values.get(name)? {
            Held::Place(place) => Some(*place),
            _ => None,
        }
    }

    fn image(&self, place: usize) -> Option<(usize, [usize; 2])> {
        match self.places[place].shape {
            Shape::Image(channels, size) => Some((channels, size)),
            Shape::Vector(_) => None,
        }
    }

    /// Whether this node alone uses a value.
    fn is_sole(&self, name: &str) -> bool {
        self.uses.get(name) == Some(&1)
    }

    /// Adds a step whose outcome is the node's.
    fn step(&mut self, node: &'a Node, step: ConvolutionStep, shape: Shape) -> Option<()> {
        let name = node.outputs.first()?;
        self.steps.push(step);
        self.places.push(Place { shape, name, inside: None });
        self.give(node, Held::Place(self.steps.len()))
    }

    /// The node's outcome is this; where it is that of a step, the step's value has the node's name.
    fn give(&mut self, node: &'a Node, held: Held) -> Option<()> {
        let name = node.outputs.first()?;
        if let Held::Place(place) = held {
            self.places[place].name = name;
            if let Some(inside) = self.places[place].inside {
                self.places[inside].name = name;
            }
        }
        self.values.insert(name, held);
        Some(())
    }

    /// The step that makes a place and can still take up what follows it.
    fn open(&mut self, place: usize) -> Option<&mut ConvolutionStep> {
        let step = self.places[place].inside.unwrap_or(place).checked_sub(1)?;
        let step = &mut self.steps[step];
        (*activation_of(step)? == Activation::None).then_some(step)
    }

    fn convolution(&mut self, node: &'a Node) -> Option<()> {
        let (weights, from) = (self.constant(node.input(1)?)?, self.place(node.input(0)?)?);
        let &[outputs, inputs, height, width] = weights.shape() else { return None };
        let bias = match node.input(2) {
            Some(name) => self.constant(name)?.as_f32()?.to_vec(),
            None => vec![0.0; outputs],
        };
        let window = window(node, [height, width])?;
        let group = usize::try_from(node.int("group", 1)).ok()?;
        let (channels, size) = match self.places[from].shape {
            Shape::Image(channels, size) => (channels, size),
            // Squeeze and excite writes its linear layers as convolutions of one pixel.
            Shape::Vector(_) if (height, width, group, window.padding) == (1, 1, 1, [0; 4]) => {
                let steps = self.plain.steps.get(node.input(1)?);
                let layer = linear_of(&weights.clone().reshape([outputs, inputs]).ok()?, steps, bias, true)?;
                let step = ConvolutionStep::Linear { from, layer, activation: Activation::None };
                return self.step(node, step, Shape::Vector(outputs));
            }
            Shape::Vector(_) => return None,
        };
        let shape = Shape::Image(outputs, window.over(size)?);
        let weights = weights.as_f32()?.to_vec();
        let steps = self.plain.steps.get(node.input(1)?).and_then(|it| it.along(0, outputs));
        let it = Convolution { from, weights, steps, bias, window, add: None, activation: Activation::None };
        let step = match group {
            1 => ConvolutionStep::Convolution(it),
            _ if group == channels && outputs == channels && inputs == 1 => ConvolutionStep::Depthwise(it),
            _ => return None,
        };
        self.step(node, step, shape)
    }

    /// A normalisation by constants goes into the convolution before it.
    fn normalised(&mut self, node: &'a Node) -> Option<()> {
        let from = node.input(0).filter(|it| self.is_sole(it))?;
        let place = self.place(from)?;
        let part = |place| self.constant(node.input(place)?)?.as_f32();
        let (scale, shift, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
        let epsilon = node.float("epsilon", 1e-5);
        let (ConvolutionStep::Convolution(it) | ConvolutionStep::Depthwise(it)) = self.open(place)? else {
            return None;
        };
        if it.add.is_some() || it.bias.len() != scale.len() {
            return None;
        }
        let each = it.weights.len() / it.bias.len().max(1);
        it.steps = None; // a factor of each channel could be below 0 or nothing
        for (channel, weights) in it.weights.chunks_exact_mut(each.max(1)).enumerate() {
            let factor = scale[channel] / (variance[channel] + epsilon).sqrt();
            weights.iter_mut().for_each(|weight| *weight *= factor);
            it.bias[channel] = (it.bias[channel] - mean[channel]) * factor + shift[channel];
        }
        self.give(node, Held::Place(place))
    }

    /// An activation goes into the step before it.
    fn activated(&mut self, node: &'a Node, activation: Activation) -> Option<()> {
        let place = self.place(node.input(0).filter(|it| self.is_sole(it))?)?;
        *activation_of(self.open(place)?)? = activation;
        self.give(node, Held::Place(place))
    }

    fn hard_sigmoid(&mut self, node: &'a Node) -> Option<()> {
        let usual = (node.float("alpha", 0.2) - 1.0 / 6.0).abs() < 1e-4 && node.float("beta", 0.5) == 0.5;
        let from = node.input(0).filter(|_| usual)?;
        match self.is_sole(from) && self.image(self.place(from)?).is_none() {
            true => self.activated(node, Activation::HardSigmoid),
            false => self.give_gate(node, self.place(from)?),
        }
    }

    /// The node's outcome is the hard sigmoid of a place, which keeps its own name.
    fn give_gate(&mut self, node: &'a Node, place: usize) -> Option<()> {
        self.values.insert(node.outputs.first()?, Held::Gate(place));
        Some(())
    }

    /// A bias, or an image added to what a convolution makes.
    fn sum(&mut self, node: &'a Node) -> Option<()> {
        let (a, b) = (node.input(0)?, node.input(1)?);
        [(a, b), (b, a)].into_iter().find_map(|(to, added)| {
            let place = self.place(to).filter(|_| self.is_sole(to))?;
            match self.constant(added) {
                Some(bias) => self.biased(place, bias.as_f32()?)?,
                None => self.residual(place, self.place(added)?)?,
            }
            self.give(node, Held::Place(place))
        })
    }

    fn biased(&mut self, place: usize, bias: &[f32]) -> Option<()> {
        let is_layer = self.places[place].inside.is_some();
        let to = match self.open(place)? {
            ConvolutionStep::Linear { layer, .. } => &mut layer.bias,
            ConvolutionStep::Convolution(it) if is_layer => &mut it.bias,
            _ => return None,
        };
        (to.len() == bias.len()).then(|| to.iter_mut().zip(bias).for_each(|(to, bias)| *to += bias))
    }

    fn residual(&mut self, place: usize, added: usize) -> Option<()> {
        let fits = added < place && self.image(place)? == self.image(added)?;
        match self.open(place)? {
            ConvolutionStep::Convolution(it) if fits && it.add.is_none() => it.add = Some(added),
            _ => return None,
        }
        Some(())
    }

    /// A gate for each channel, or an image times its own hard sigmoid.
    fn product(&mut self, node: &'a Node) -> Option<()> {
        let (a, b) = (node.input(0)?, node.input(1)?);
        [(a, b), (b, a)].into_iter().find_map(|(of, by)| {
            let image = self.place(of)?;
            match *self.values.get(by)? {
                Held::Gate(gated) if gated == image && self.uses.get(of) == Some(&2) => {
                    *activation_of(self.open(image)?)? = Activation::HardSwish;
                    self.give(node, Held::Place(image))
                }
                Held::Place(gate) => {
                    let (channels, size) = self.image(image)?;
                    let fits = self.places[gate].shape == Shape::Vector(channels);
                    let step = ConvolutionStep::Gate { image, gate };
                    fits.then(|| self.step(node, step, Shape::Image(channels, size)))?
                }
                _ => None,
            }
        })
    }

    fn max_pool(&mut self, node: &'a Node) -> Option<()> {
        let from = self.place(node.input(0)?)?;
        let &[height, width] = node.ints("kernel_shape")? else { return None };
        let window = window(node, [usize::try_from(height).ok()?, usize::try_from(width).ok()?])?;
        let (channels, size) = self.image(from)?;
        let plain = node.int("ceil_mode", 0) == 0 && node.outputs.len() == 1;
        let size = window.over(size).filter(|_| plain)?;
        self.step(node, ConvolutionStep::MaxPool { from, window }, Shape::Image(channels, size))
    }

    /// The mean over all pixels.
    fn mean(&mut self, node: &'a Node) -> Option<()> {
        let from = self.place(node.input(0)?)?;
        let (channels, size) = self.image(from)?;
        let whole = match node.op.as_str() {
            "GlobalAveragePool" => true,
            "AveragePool" => {
                node.ints("kernel_shape")? == size.map(|it| it as i64)
                    && window(node, size)?.padding == [0; 4]
            }
            _ => {
                let axes = match node.input(1) {
                    Some(name) => self.constant(name)?.as_i64()?,
                    None => node.ints("axes")?,
                };
                matches!(axes, [2, 3] | [-2, -1] | [3, 2] | [-1, -2])
            }
        };
        whole.then(|| self.step(node, ConvolutionStep::Mean { from }, Shape::Vector(channels)))?
    }

    /// An image or a vector as `[batch, values]`, or a vector as `[batch, values, 1, 1]`.
    fn flat(&mut self, node: &'a Node) -> Option<()> {
        let from = self.place(node.input(0)?)?;
        let count = match self.places[from].shape {
            Shape::Image(channels, [height, width]) => channels * height * width,
            Shape::Vector(width) => width,
        };
        if node.op == "Reshape" {
            let shape = self.constant(node.input(1)?)?.as_i64()?;
            let known: i64 = shape.get(1..)?.iter().filter(|it| **it != -1).product();
            let keeps = (-1..=1).contains(&shape[0]);
            if !keeps || (known != count as i64 && (shape[0] == -1 || known != 1 || !shape.contains(&-1))) {
                return None;
            }
        } else if node.op == "Flatten" && node.int("axis", 1) != 1 {
            return None;
        }
        match self.places[from].shape {
            Shape::Vector(_) => self.give(node, Held::Place(from)),
            Shape::Image(..) if node.op != "Squeeze" => self.give(node, Held::Flat(from)),
            Shape::Image(..) => None,
        }
    }

    fn linear(&mut self, node: &'a Node) -> Option<()> {
        let weights = self.constant(node.input(1)?)?;
        let is_gemm = node.op == "Gemm";
        let turned = is_gemm && node.int("transB", 0) == 1;
        let plain = !is_gemm
            || (node.float("alpha", 1.0) == 1.0
                && node.float("beta", 1.0) == 1.0
                && node.int("transA", 0) == 0);
        let outputs = *weights.shape().get(usize::from(!turned)).filter(|_| plain)?;
        let bias = match node.input(2).filter(|_| is_gemm) {
            Some(name) => self.constant(name)?.as_f32()?.to_vec(),
            None => vec![0.0; outputs],
        };
        let layer = linear_of(weights, self.plain.steps.get(node.input(1)?), bias, turned)?;
        match *self.values.get(node.input(0)?)? {
            Held::Place(from) => {
                let step = ConvolutionStep::Linear { from, layer, activation: Activation::None };
                (self.places[from].shape == Shape::Vector(step_inputs(&step)))
                    .then(|| self.step(node, step, Shape::Vector(outputs)))?
            }
            // A layer over a whole image is a convolution whose kernel is as large as the image.
            Held::Flat(from) => {
                let (channels, [height, width]) = self.image(from)?;
                let count = channels * height * width;
                if layer.inputs != count {
                    return None;
                }
                let weights = (0..outputs)
                    .flat_map(|output| layer.weights.iter().skip(output).step_by(outputs))
                    .copied()
                    .collect();
                let window = Window { kernel: [height, width], stride: [1, 1], padding: [0; 4] };
                let it = Convolution {
                    from,
                    weights,
                    steps: layer.steps,
                    bias: layer.bias,
                    window,
                    add: None,
                    activation: Activation::None,
                };
                self.step(node, ConvolutionStep::Convolution(it), Shape::Image(outputs, [1, 1]))?;
                let inside = self.steps.len();
                self.step(node, ConvolutionStep::Mean { from: inside }, Shape::Vector(outputs))?;
                self.places[inside + 1].inside = Some(inside);
                Some(())
            }
            Held::Gate(_) => None,
        }
    }

    /// The range of each place; that of a pooled image is the image's. An error names the first image that has none.
    fn ranges(&self, known: &BTreeMap<String, Range>) -> Result<Vec<Range>, String> {
        let mut ranges: Vec<Range> = vec![];
        for (at, place) in self.places.iter().enumerate() {
            let range = match (&place.shape, at.checked_sub(1).map(|step| &self.steps[step])) {
                (Shape::Vector(_), _) => Some(Range::default()),
                (_, Some(ConvolutionStep::MaxPool { from, .. })) => ranges.get(*from).copied(),
                _ => known.get(place.name).copied(),
            };
            ranges.push(
                range.ok_or_else(|| {
                    format!("value {:?} has no range; quantise the network first", place.name)
                })?,
            );
        }
        Ok(ranges)
    }
}

fn step_inputs(step: &ConvolutionStep) -> usize {
    match step {
        ConvolutionStep::Linear { layer, .. } => layer.inputs,
        _ => 0,
    }
}

fn activation_of(step: &mut ConvolutionStep) -> Option<&mut Activation> {
    match step {
        ConvolutionStep::Convolution(it) | ConvolutionStep::Depthwise(it) => Some(&mut it.activation),
        ConvolutionStep::Linear { activation, .. } => Some(activation),
        _ => None,
    }
}

/// The window of a convolution or pooling, unless it is dilated or padded by a rule.
fn window(node: &Node, kernel: [usize; 2]) -> Option<Window> {
    let sizes = |name: &str, default: usize, count: usize| -> Option<Vec<usize>> {
        match node.ints(name) {
            Some(it) if it.len() == count => it.iter().map(|&it| usize::try_from(it).ok()).collect(),
            Some(_) => None,
            None => Some(vec![default; count]),
        }
    };
    let plain = matches!(node.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "VALID")
        && sizes("dilations", 1, 2)? == [1, 1]
        && node.ints("kernel_shape").is_none_or(|it| it == kernel.map(|it| it as i64));
    let (stride, padding) = (sizes("strides", 1, 2)?, sizes("pads", 0, 4)?);
    plain.then(|| Window {
        kernel,
        stride: [stride[0], stride[1]],
        padding: [padding[0], padding[1], padding[2], padding[3]],
    })
}
