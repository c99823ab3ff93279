//! Finds in a graph the networks that are planned: backwards from the output, part by part.
//!
//! What is not exactly one of them is not found, and runs on another executor.

mod columns;
mod convolution;
mod plain;
mod probe;
mod sizes;
mod text;

use std::cell::RefCell;
use std::collections::BTreeMap;

use self::plain::{Plain, Steps};
use self::sizes::Size;
use super::columns::Columns;
use super::convolution::{ConvolutionDescription, Range};
use super::dense::Linear;
use super::encoder::{EncoderBlock, EncoderDescription, Residual};
use super::stem::Stem;
use super::text::TextDescription;
use crate::kernel::rows::{Activation, Norm};
use crate::{Dim, Graph, Node, Tensor};

/// A network that can be planned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// An encoder of rows, `[batch, tokens, width]` in and out.
    Encoder(EncoderDescription),
    /// An encoder of spectra, `[batch, bands, 2 · frames]` to `[batch, frames, width]`.
    Spectral(Stem, EncoderDescription),
    /// Texts as numbers of tokens, `[batch, tokens]` each, to states or one vector a text.
    Text(Box<TextDescription>),
    /// Linear layers, `[batch, inputs]` to `[batch, outputs]`.
    Perceptron(Vec<(Linear, Activation)>),
    /// The same, of columns that are made ready first: inputs of `[batch, inputs]`.
    Prepared(Columns, Vec<(Linear, Activation)>),
    /// Convolutions of images, and the range of each value where they were quantised, or why there is none.
    Convolutions(ConvolutionDescription, Result<Vec<Range>, String>),
}

impl Found {
    /// What a graph is, and whether its weights were quantised; an error says why it is none of these.
    pub(crate) fn of(graph: &Graph) -> Result<(Found, bool), String> {
        let plain = Plain::of(graph);
        if text::is_of_tokens(&plain.graph) {
            let found =
                text::text(&Search::of(&plain)).map_err(|it| format!("as an encoder of texts: {it}"))?;
            return Ok((Found::Text(Box::new(found)), plain.is_quantised));
        }
        if let Some(found) = Found::backwards(&plain) {
            return Ok((found, plain.is_quantised));
        }
        let (description, ranges) = convolution::convolutions(&plain).map_err(|it| {
            format!("neither an encoder nor a perceptron; as a network of convolutions: {it}")
        })?;
        Ok((Found::Convolutions(description, ranges), plain.is_quantised))
    }

    fn backwards(plain: &Plain<'_>) -> Option<Found> {
        let [output] = &plain.graph.outputs[..] else { return None };
        let search = Search::of(plain);
        let [input] = &plain.graph.inputs[..] else { return search.prepared(&output.name) };
        let input = input.name.as_str();
        if let Some((encoder, None, from)) = search.encoder(&output.name) {
            return match from == input {
                true => Some(Found::Encoder(encoder)),
                false => Some(Found::Spectral(search.stem(from, input)?, encoder)),
            };
        }
        let (layers, from) = search.perceptron(&output.name)?;
        if from == input { Some(Found::Perceptron(layers)) } else { search.prepared(&output.name) }
    }
}

/// A linear layer of constants; `steps` are the scales of the weights.
fn linear_of(weights: &Tensor, steps: Option<&Steps>, bias: Vec<f32>, turned: bool) -> Option<Linear> {
    let &[rows, columns] = weights.shape() else { return None };
    let (inputs, outputs) = if turned { (columns, rows) } else { (rows, columns) };
    let values = weights.as_f32()?;
    let weights = match turned {
        true => (0..inputs).flat_map(|input| values.iter().skip(input).step_by(inputs)).copied().collect(),
        false => values.to_vec(),
    };
    let steps = steps.and_then(|it| it.along(usize::from(!turned), outputs));
    (bias.len() == outputs).then_some(Linear { weights, bias, inputs, steps })
}

struct Search<'a> {
    plain: &'a Plain<'a>,
    graph: &'a Graph,
    steps: &'a BTreeMap<String, Steps>,
    producers: BTreeMap<&'a str, usize>,
    /// Shapes that were looked for.
    shapes: RefCell<BTreeMap<String, Option<Vec<Size>>>>,
}

/// A linear layer and what goes into it.
type Layer<'a> = (Linear, &'a str);

/// Query, key, value and output of an attention.
struct Attended<'a> {
    layers: [Linear; 4],
    heads: usize,
    from: &'a str,
    /// What is added to the scores.
    mask: Option<&'a str>,
}

/// Nodes behind a mask that are compared with those behind another block's.
const MASK_DEPTH: usize = 8;

/// A block, its heads, the function between its linear layers, its mask and what goes into it.
type FoundBlock<'a> = (EncoderBlock, (usize, Activation, Option<&'a str>), &'a str);

/// Blocks, what they add to the scores of their attention, and what goes into the first.
type FoundEncoder<'a> = (EncoderDescription, Option<&'a str>, &'a str);

impl<'a> Search<'a> {
    fn of(plain: &'a Plain<'a>) -> Self {
        Search {
            plain,
            graph: &plain.graph,
            steps: &plain.steps,
            producers: plain.graph.producers(),
            shapes: RefCell::default(),
        }
    }

    /// The node of this operator that produces a value.
    fn node(&self, value: &str, op: &str) -> Option<&'a Node> {
        let node = &self.graph.nodes[*self.producers.get(value)?];
        (node.op == op && matches!(node.domain.as_str(), "" | "ai.onnx")).then_some(node)
    }

    /// Both inputs of a node, in either order.
    fn pairs(&self, value: &str, op: &str) -> Option<[(&'a str, &'a str); 2]> {
        let node = self.node(value, op)?;
        let (a, b) = (node.input(0)?, node.input(1)?);
        Some([(a, b), (b, a)])
    }

    fn constant(&self, name: &str) -> Option<&'a Tensor> {
        self.plain.constant(name)
    }

    fn is_number(&self, name: &str, value: f32) -> bool {
        let number = self.constant(name).filter(|tensor| tensor.count() == 1).and_then(Tensor::as_f32);
        number.is_some_and(|number| (number[0] - value).abs() <= 1e-5 * value.abs())
    }

    /// `x · weights + bias`, as a product and a sum or as `Gemm`.
    fn linear(&self, value: &str) -> Option<Layer<'a>> {
        if let Some(node) = self.node(value, "Gemm") {
            let plain = node.float("alpha", 1.0) == 1.0
                && node.float("beta", 1.0) == 1.0
                && node.int("transA", 0) == 0;
            let layer = self.layer(node.input(1)?, node.input(2)?, node.int("transB", 0) == 1)?;
            let from = self.rows(node.input(0)?, layer.inputs);
            return plain.then_some((layer, from));
        }
        if let Some(node) = self.node(value, "Reshape") {
            let layer = self.linear(node.input(0)?)?;
            let shape = self.constant(node.input(1)?)?.as_i64()?;
            return (shape.last() == Some(&(layer.0.outputs() as i64))).then_some(layer);
        }
        self.pairs(value, "Add")?.into_iter().find_map(|(product, bias)| {
            let node = self.node(product, "MatMul")?;
            Some((self.layer(node.input(1)?, bias, false)?, node.input(0)?))
        })
    }

    /// The value whose rows of `width` stand here one under the other: exporters write a layer over `[batch, tokens, width]` as
    /// `Gemm` between two of `Reshape`.
    fn rows(&self, value: &'a str, width: usize) -> &'a str {
        let inside = || {
            let node = self.node(value, "Reshape")?;
            let shape = self.constant(node.input(1)?)?.as_i64()?;
            let from = node.input(0).filter(|_| shape.len() == 2 && shape[1] == width as i64)?;
            let port = self.graph.inputs.iter().find(|port| port.name == from);
            let fits = port.is_none_or(|port| {
                port.shape.as_ref().is_some_and(|shape| shape.len() == 3 && shape[2] == Dim::Fixed(width))
            });
            fits.then_some(from)
        };
        inside().unwrap_or(value)
    }

    fn layer(&self, weights: &str, bias: &str, turned: bool) -> Option<Linear> {
        let bias = self.constant(bias)?.as_f32()?.to_vec();
        linear_of(self.constant(weights)?, self.steps.get(weights), bias, turned)
    }

    fn norm(&self, value: &str) -> Option<(Norm, &'a str)> {
        let node = self.node(value, "LayerNormalization").filter(|node| node.int("axis", -1) == -1)?;
        let scale = self.constant(node.input(1)?)?.as_f32()?.to_vec();
        let shift = match node.input(2) {
            Some(name) => self.constant(name)?.as_f32()?.to_vec(),
            None => vec![0.0; scale.len()],
        };
        Some((Norm { scale, shift, epsilon: node.float("epsilon", 1e-5) }, node.input(0)?))
    }

    /// GELU by its own operator or as exporters write it: `x · (1 + erf(x / √2)) · 0.5`, in either order of the factors.
    fn gelu(&self, value: &str) -> Option<(Activation, &'a str)> {
        if let Some(node) = self.node(value, "Gelu") {
            let tanh = node.text("approximate") == Some("tanh");
            return Some((if tanh { Activation::GeluTanh } else { Activation::Gelu }, node.input(0)?));
        }
        let halved = |value: &str| {
            self.pairs(value, "Mul")?
                .into_iter()
                .find(|(_, half)| self.is_number(half, 0.5))
                .map(|(of, _)| of)
        };
        let product = |value: &str| {
            self.pairs(value, "Mul")?.into_iter().find_map(|(x, raised)| Some((x, self.raised(raised)?)))
        };
        let half_raised = |value: &str| {
            self.pairs(value, "Mul")?.into_iter().find_map(|(x, half)| Some((x, self.raised(halved(half)?)?)))
        };
        let (x, inner) = match halved(value) {
            Some(of) => product(of)?,
            None => product(value)
                .and_then(|(half, inner)| Some((halved(half)?, inner)))
                .or_else(|| half_raised(value))?,
        };
        (x == inner).then_some((Activation::Gelu, x))
    }

    /// The x of `1 + erf(x / √2)`.
    fn raised(&self, value: &str) -> Option<&'a str> {
        let (erf, _) = self.pairs(value, "Add")?.into_iter().find(|(_, one)| self.is_number(one, 1.0))?;
        let inside = self.node(erf, "Erf")?.input(0)?;
        let root = std::f32::consts::SQRT_2;
        if let Some(node) = self.node(inside, "Div") {
            return node.input(0).filter(|_| node.input(1).is_some_and(|it| self.is_number(it, root)));
        }
        let scaled = self.pairs(inside, "Mul")?;
        scaled.into_iter().find(|(_, factor)| self.is_number(factor, 1.0 / root)).map(|(x, _)| x)
    }

    /// A linear layer split into heads: the layer, its input and the number of heads.
    fn head(&self, value: &str, order: [i64; 4]) -> Option<(Linear, &'a str, usize)> {
        let turned = self.node(value, "Transpose").filter(|node| node.ints("perm") == Some(&order))?;
        let split = self.node(turned.input(0)?, "Reshape")?;
        let (layer, from) = self.linear(split.input(0)?)?;
        let outputs = layer.outputs() as i64;
        let (heads, width) = match self.sizes(split.input(1)?)?[..] {
            [Size::Tokens, ..] | [_, Size::Batch, ..] => return None,
            [_, _, Size::Known(-1), Size::Known(width)] if width > 0 => (outputs / width, width),
            [_, _, Size::Known(heads), Size::Known(-1)] if heads > 0 => (heads, outputs / heads),
            [_, _, Size::Known(heads), Size::Known(width)] => (heads, width),
            _ => return None,
        };
        let fits = heads > 0 && width > 0 && heads.checked_mul(width) == Some(outputs);
        fits.then_some((layer, from, heads as usize))
    }

    /// A linear layer split into heads whose last two dimensions are turned: at once, or after it as a batch of matrices.
    fn keys(&self, value: &str) -> Option<(Linear, &'a str, usize)> {
        if let Some(found) = self.head(value, [0, 2, 3, 1]) {
            return Some(found);
        }
        let turned = self.node(value, "Reshape")?;
        let inside =
            self.node(turned.input(0)?, "Transpose").filter(|it| it.ints("perm") == Some(&[0, 2, 1]))?;
        let flat = self.node(inside.input(0)?, "Reshape")?;
        let (layer, from, heads) = self.head(flat.input(0)?, [0, 2, 1, 3])?;
        let width = Size::Known((layer.outputs() / heads) as i64);
        let is_flat = self.sizes(flat.input(1)?)? == [Size::Known(-1), Size::Tokens, width];
        let whole = [Size::Batch, Size::Known(heads as i64), width, Size::Tokens];
        (is_flat && self.sizes(turned.input(1)?)? == whole).then_some((layer, from, heads))
    }

    fn attention(&self, value: &str) -> Option<Attended<'a>> {
        let (output, joined) = self.linear(value)?;
        let turned = match self.node(joined, "Reshape") {
            Some(node) => self.node(node.input(0)?, "Transpose")?,
            None => self.node(joined, "Transpose")?,
        };
        let mixed =
            self.node(turned.input(0)?, "MatMul").filter(|_| turned.ints("perm") == Some(&[0, 2, 1, 3]))?;
        let shares = self.numbers(mixed.input(0)?);
        let softmax = self.node(shares, "Softmax").filter(|node| matches!(node.int("axis", -1), -1 | 3))?;
        let (products, scale, mask) = self.masked(softmax.input(0)?)?;
        let ((query, by_query), (key, by_key)) =
            (self.factor(products.input(0)?), self.factor(products.input(1)?));
        let scale = scale * by_query * by_key;
        let (query, from, heads) = self.head(query, [0, 2, 1, 3])?;
        let (key, of_key, key_heads) = self.keys(key)?;
        let (value, of_value, value_heads) = self.head(mixed.input(1)?, [0, 2, 1, 3])?;
        let width = query.outputs() / heads;
        let usual = (scale * (width as f32).sqrt() - 1.0).abs() < 1e-4;
        let same = of_key == from && of_value == from && key_heads == heads && value_heads == heads;
        (usual && same).then_some(Attended { layers: [query, key, value, output], heads, from, mask })
    }

    /// What stands in `where(isnan(x), 0, x)`, which is written for rows that see nothing: those are nothing here too.
    fn numbers(&self, value: &'a str) -> &'a str {
        let inside = || {
            let node = self.node(value, "Where")?;
            let kept = node.input(2)?;
            let is_of_it = self.node(node.input(0)?, "IsNaN")?.input(0) == Some(kept);
            let nothing = self.constant(node.input(1)?).filter(|it| it.count() == 1)?.as_f32()?[0];
            (is_of_it && nothing == 0.0).then_some(kept)
        };
        inside().unwrap_or(value)
    }

    /// The product of queries and keys, the factor it is scaled by, and what is added to it.
    fn masked(&self, value: &'a str) -> Option<(&'a Node, f32, Option<&'a str>)> {
        if let Some((node, scale)) = self.products(value) {
            return Some((node, scale, None));
        }
        let sums = self.pairs(value, "Add")?;
        sums.into_iter().find_map(|(of, mask)| {
            let (node, scale) = self.products(of)?;
            Some((node, scale, Some(mask)))
        })
    }

    /// The product of queries and keys, and the factor it is scaled by.
    fn products(&self, value: &'a str) -> Option<(&'a Node, f32)> {
        let (of, factor) = self.factor(value);
        Some((self.node(of, "MatMul")?, factor))
    }

    /// A value and the constant it is multiplied or divided by; 1 where it is not.
    fn factor(&self, value: &'a str) -> (&'a str, f32) {
        let number = |name: &str| self.constant(name).filter(|it| it.count() == 1)?.as_f32().map(|it| it[0]);
        let divided = || {
            let node = self.node(value, "Div")?;
            Some((node.input(0)?, 1.0 / number(node.input(1)?)?))
        };
        let scaled =
            || self.pairs(value, "Mul")?.into_iter().find_map(|(of, factor)| Some((of, number(factor)?)));
        divided().or_else(scaled).unwrap_or((value, 1.0))
    }

    /// Two linear layers with GELU between, from `from`: up, down, and the GELU.
    fn widened(&self, value: &str) -> Option<(Linear, Linear, Activation, &'a str)> {
        let (down, inside) = self.linear(value)?;
        let (activation, wide) = self.gelu(inside)?;
        let (up, from) = self.linear(wide)?;
        Some((up, down, activation, from))
    }

    /// `norm(x + widened(x))` of `x = norm(y + attention(y))`.
    fn post_norm(&self, value: &str) -> Option<FoundBlock<'a>> {
        let (linear_norm, sum) = self.norm(value)?;
        let (x, (up, down, activation, _)) = self
            .pairs(sum, "Add")?
            .into_iter()
            .find_map(|(x, of)| self.widened(of).filter(|it| it.3 == x).map(|it| (x, it)))?;
        let (attention_norm, sum) = self.norm(x)?;
        let (y, it) = self
            .pairs(sum, "Add")?
            .into_iter()
            .find_map(|(y, of)| self.attention(of).filter(|it| it.from == y).map(|it| (y, it)))?;
        let [query, key, value, output] = it.layers;
        let block = EncoderBlock { query, key, value, output, up, down, attention_norm, linear_norm };
        Some((block, (it.heads, activation, it.mask), y))
    }

    /// `x + widened(norm(x))` of `x = y + attention(norm(y))`.
    fn pre_norm(&self, value: &str) -> Option<FoundBlock<'a>> {
        let (x, linear_norm, (up, down, activation, _)) =
            self.pairs(value, "Add")?.into_iter().find_map(|(x, of)| {
                let it = self.widened(of)?;
                let (norm, inside) = self.norm(it.3)?;
                (inside == x).then_some((x, norm, it))
            })?;
        let (y, attention_norm, it) = self.pairs(x, "Add")?.into_iter().find_map(|(y, of)| {
            let it = self.attention(of)?;
            let (norm, inside) = self.norm(it.from)?;
            (inside == y).then_some((y, norm, it))
        })?;
        let [query, key, value, output] = it.layers;
        let block = EncoderBlock { query, key, value, output, up, down, attention_norm, linear_norm };
        Some((block, (it.heads, activation, it.mask), y))
    }

    /// Blocks of one kind up to `value`, and what goes into the first.
    fn encoder(&self, value: &'a str) -> Option<FoundEncoder<'a>> {
        if let Some(found) = self.blocks(value, Residual::PostNorm, None) {
            return Some(found);
        }
        match self.norm(value) {
            Some((norm, inside)) => self.blocks(inside, Residual::PreNorm, Some(norm)),
            None => self.blocks(value, Residual::PreNorm, None),
        }
    }

    /// Whether two values are computed alike: exporters write a mask again for every block.
    fn is_same(&self, a: &str, b: &str, left: usize) -> bool {
        if a == b || left == 0 {
            return a == b;
        }
        let node = |name: &str| Some(&self.graph.nodes[*self.producers.get(name)?]);
        match (node(a), node(b)) {
            (Some(a), Some(b)) => {
                let mut inputs = a.inputs.iter().zip(&b.inputs);
                (&a.op, &a.domain, &a.attributes, a.inputs.len())
                    == (&b.op, &b.domain, &b.attributes, b.inputs.len())
                    && inputs.all(|(a, b)| self.is_same(a, b, left - 1))
            }
            (None, None) => self.constant(a).is_some() && self.constant(a) == self.constant(b),
            _ => false,
        }
    }

    fn blocks(
        &self,
        mut value: &'a str,
        residual: Residual,
        last_norm: Option<Norm>,
    ) -> Option<FoundEncoder<'a>> {
        let (mut blocks, mut kind) = (vec![], None);
        let block = |value: &str| match residual {
            Residual::PostNorm => self.post_norm(value),
            Residual::PreNorm => self.pre_norm(value),
        };
        while let Some((block, of, from)) = block(value) {
            let first = kind.get_or_insert(of);
            let is_same_mask = match (first.2, of.2) {
                (Some(a), Some(b)) => self.is_same(a, b, MASK_DEPTH),
                (a, b) => a == b,
            };
            if (first.0, first.1) != (of.0, of.1) || !is_same_mask {
                return None;
            }
            blocks.insert(0, block);
            value = from;
        }
        let (heads, activation, mask) = kind?;
        Some((EncoderDescription { heads, residual, activation, blocks, last_norm }, mask, value))
    }

    /// Two convolutions over time, three frames wide, the second with step 2, each with GELU; turned; positions added.
    fn stem(&self, value: &str, input: &str) -> Option<Stem> {
        let (positions, turned) = self.pairs(value, "Add")?.into_iter().find_map(|(turned, places)| {
            Some((self.constant(places)?.as_f32()?.to_vec(), self.node(turned, "Transpose")?))
        })?;
        let (second, wide) =
            self.convolution(turned.input(0).filter(|_| turned.ints("perm") == Some(&[0, 2, 1]))?, 2)?;
        let (first, from) = self.convolution(wide, 1)?;
        (from == input).then_some(Stem { first, second, positions })
    }

    /// A convolution over time with GELU as a linear layer of three frames.
    fn convolution(&self, value: &str, step: i64) -> Option<Layer<'a>> {
        let (activation, made) = self.gelu(value)?;
        let node = self.node(made, "Conv")?;
        let usual = activation == Activation::Gelu
            && node.ints("pads") == Some(&[1, 1])
            && node.ints("strides").unwrap_or(&[1]) == [step]
            && node.ints("dilations").unwrap_or(&[1]) == [1]
            && node.int("group", 1) == 1;
        let (kernel, bias) = (self.constant(node.input(1)?)?, self.constant(node.input(2)?)?);
        let &[outputs, channels, 3] = kernel.shape() else { return None };
        let values = kernel.as_f32()?;
        let weight = |frame: usize, channel: usize| {
            (0..outputs).map(move |output| values[(output * channels + channel) * 3 + frame])
        };
        let rows = (0..3).flat_map(|frame| (0..channels).flat_map(move |channel| weight(frame, channel)));
        let steps = self.steps.get(node.input(1)?).and_then(|it| it.along(0, outputs));
        let bias = bias.as_f32()?.to_vec();
        let layer = Linear { weights: rows.collect(), bias, inputs: 3 * channels, steps };
        usual.then_some((layer, node.input(0)?))
    }

    /// Linear layers up to `value`, each followed by `Relu`, GELU or nothing, and what goes into the first.
    fn perceptron(&self, mut value: &'a str) -> Option<(Vec<(Linear, Activation)>, &'a str)> {
        let mut layers = vec![];
        loop {
            let (activation, of) = match self.node(value, "Relu") {
                Some(node) => (Activation::Relu, node.input(0)?),
                None => self.gelu(value).unwrap_or((Activation::None, value)),
            };
            let Some((layer, from)) = self.linear(of) else { break };
            layers.insert(0, (layer, activation));
            value = from;
        }
        (!layers.is_empty()).then_some((layers, value))
    }

    /// A perceptron of columns that are made ready first.
    fn prepared(&self, value: &'a str) -> Option<Found> {
        let (layers, from) = self.perceptron(value)?;
        let columns = columns::columns(self, from, layers[0].0.inputs)?;
        Some(Found::Prepared(columns, layers))
    }
}
