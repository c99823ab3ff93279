//! The layers of a graph: operations with weights of their own.

use super::{draft::reads, samples::finite};
use crate::{Error, Graph, Node, Tensor};

/// What a layer does with its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[…, inputs] · [inputs, outputs]`: `MatMul`, or `Gemm` whose weights may lie the other way.
    Product { turned: bool },
    /// `[outputs, inputs ÷ groups, …]`.
    Convolution { groups: usize },
    /// Rows looked up by number: `[rows, width]`.
    Table,
}

/// Where a layer's bias is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bias {
    /// The layer's own input of this name.
    Own(String),
    /// Added by the node at this place, which reads it under this name.
    Added {
        node: usize,
        name: String,
    },
    None,
}

/// A node with weights.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// Its place among the nodes.
    pub(super) node: usize,
    /// Its name; where it has none, that of its outcome.
    pub(super) name: String,
    pub(super) op: String,
    pub(super) kind: Kind,
    /// The value that goes in.
    pub(super) input: String,
    /// The initialiser.
    pub(super) weights: String,
    pub(super) shape: Vec<usize>,
    pub(super) bias: Bias,
}

impl Layer {
    /// Weights with one scale: outputs, or the rows of a table.
    pub(super) fn channels(&self) -> usize {
        match self.kind {
            Kind::Product { turned: false } => self.shape[1],
            _ => self.shape[0],
        }
    }

    /// The dimension of the weights that channels are along.
    pub(super) fn axis(&self) -> usize {
        usize::from(self.kind == Kind::Product { turned: false })
    }

    /// Weights of one channel.
    pub(super) fn depth(&self) -> usize {
        self.shape.iter().product::<usize>() / self.channels().max(1)
    }

    /// Values of a position that goes in: the columns of a product, the channels of an image.
    pub(super) fn inputs(&self) -> usize {
        match self.kind {
            Kind::Product { .. } => self.depth(),
            Kind::Convolution { groups } => self.shape[1] * groups,
            Kind::Table => 0,
        }
    }

    /// Where the weights of a channel lie, in the order in which products are added: of a convolution the inputs of one tap after
    /// those of another, as images that hold a pixel's channels side by side are multiplied.
    pub(super) fn places(&self, channel: usize) -> impl Iterator<Item = usize> + '_ {
        let (depth, channels) = (self.depth(), self.channels());
        (0..depth).map(move |k| match self.kind {
            Kind::Product { turned: false } => k * channels + channel,
            Kind::Convolution { .. } => {
                let (inputs, taps) = (self.shape[1], depth / self.shape[1].max(1));
                channel * depth + k % inputs * taps + k / inputs
            }
            _ => channel * depth + k,
        })
    }

    /// Which input the weight of this place in that order is multiplied with.
    pub(super) fn source(&self, channel: usize, k: usize) -> usize {
        match self.kind {
            Kind::Convolution { groups } => {
                let inputs = self.shape[1];
                channel / (self.channels() / groups).max(1) * inputs + k % inputs
            }
            _ => k,
        }
    }

    /// `MatMul "/layer.0/query"`.
    pub(super) fn title(&self) -> String {
        format!("{} {:?}", self.op, self.name)
    }
}

/// An operation that stays as it is.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub(super) name: String,
    pub(super) op: String,
    pub(super) reason: String,
}

/// The layers of a graph in order, and what might have been one, with the reason why it is not.
///
/// # Errors
/// [`Error::Tensor`] where weights are infinite or no numbers.
pub(super) fn layers(graph: &Graph) -> Result<(Vec<Layer>, Vec<Left>), Error> {
    let (mut found, mut left) = (vec![], vec![]);
    for (at, node) in
        graph.nodes.iter().enumerate().filter(|(_, it)| matches!(it.domain.as_str(), "" | "ai.onnx"))
    {
        match layer(graph, at, node) {
            None => {}
            Some(Ok(it)) => {
                finite(&it.weights, &graph.initialisers[&it.weights])?;
                found.push(it);
            }
            Some(Err(reason)) => left.push(Left { name: name(node), op: node.op.clone(), reason }),
        }
    }
    Ok((found, left))
}

/// A layer, the reason why it cannot be quantised, or none where the node is no layer.
fn layer(graph: &Graph, at: usize, node: &Node) -> Option<Result<Layer, String>> {
    let (input, weights) = match node.op.as_str() {
        "Gather" => (1, 0),
        "MatMul" | "Gemm" | "Conv" => (0, 1),
        "ConvTranspose" | "LSTM" | "GRU" | "RNN" => return Some(Err("operator is not quantised".into())),
        _ => return None,
    };
    let (Some(input), Some(weights)) = (node.input(input), node.input(weights)) else { return None };
    let is_table = node.op == "Gather";
    let Some(tensor) = graph.initialisers.get(weights) else {
        return (!is_table).then(|| Err("a product of two activations".into()));
    };
    if tensor.as_f32().is_none() || tensor.count() == 0 {
        let reason = format!("weights are {} {:?}, expected f32", tensor.dtype().name(), tensor.shape());
        return (!is_table).then_some(Err(reason));
    }
    let kind = match kind(node, tensor)? {
        Ok(kind) => kind,
        Err(reason) => return Some(Err(reason)),
    };
    let mut layer = Layer {
        node: at,
        name: name(node),
        op: node.op.clone(),
        kind,
        input: input.to_owned(),
        weights: weights.to_owned(),
        shape: tensor.shape().to_vec(),
        bias: Bias::None,
    };
    Some(bias(graph, node, &layer).map(|bias| {
        layer.bias = bias;
        layer
    }))
}

fn name(node: &Node) -> String {
    if node.name.is_empty() { node.outputs.first().cloned().unwrap_or_default() } else { node.name.clone() }
}

fn kind(node: &Node, weights: &Tensor) -> Option<Result<Kind, String>> {
    let rank = weights.shape().len();
    Some(match node.op.as_str() {
        "Gather" if rank == 2 && node.int("axis", 0) == 0 => Ok(Kind::Table),
        "Gather" => return None,
        "MatMul" if rank == 2 => Ok(Kind::Product { turned: false }),
        "MatMul" => Err(format!("weights of {rank} dimensions, expected 2")),
        "Gemm"
            if node.float("alpha", 1.0) != 1.0
                || node.float("beta", 1.0) != 1.0
                || node.int("transA", 0) != 0 =>
        {
            Err("alpha, beta or transA other than usual".into())
        }
        "Gemm" => Ok(Kind::Product { turned: node.int("transB", 0) != 0 }),
        _ => match usize::try_from(node.int("group", 1)) {
            Ok(groups) if groups > 0 && rank > 2 && weights.shape()[0].is_multiple_of(groups) => {
                Ok(Kind::Convolution { groups })
            }
            _ => Err("groups that do not share the outputs".into()),
        },
    })
}

/// The bias: the node's own, or of an addition that alone reads what comes out.
fn bias(graph: &Graph, node: &Node, layer: &Layer) -> Result<Bias, String> {
    let fits = |name: &str| {
        let tensor = graph.initialisers.get(name)?;
        let is_row = tensor.shape().last() == Some(&layer.channels()) && tensor.count() == layer.channels();
        (tensor.as_f32().is_some() && is_row).then(|| name.to_owned())
    };
    match (layer.kind, node.input(2)) {
        (Kind::Table, _) => Ok(Bias::None),
        (_, Some(own)) => fits(own).map(Bias::Own).ok_or_else(|| "bias of another shape or not known".into()),
        (Kind::Product { .. }, None) => Ok(added(graph, node, fits).unwrap_or(Bias::None)),
        _ => Ok(Bias::None),
    }
}

fn added(graph: &Graph, node: &Node, fits: impl Fn(&str) -> Option<String>) -> Option<Bias> {
    let output = node.outputs.first()?;
    if graph.outputs.iter().any(|it| it.name == *output) {
        return None;
    }
    let mut readers = graph.nodes.iter().enumerate().filter(|(_, it)| reads(it, output));
    let (at, next) = readers.next().filter(|(_, it)| it.op == "Add")?;
    let other = next.inputs.iter().find(|it| *it != output)?;
    let name = fits(other)?;
    readers.next().is_none().then_some(Bias::Added { node: at, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, shape: &[usize]) -> Layer {
        Layer {
            node: 0,
            name: "l".into(),
            op: "Conv".into(),
            kind,
            input: "x".into(),
            weights: "w".into(),
            shape: shape.to_vec(),
            bias: Bias::None,
        }
    }

    #[test]
    fn every_weight_belongs_to_one_channel_and_one_input() {
        for layer in [
            of(Kind::Product { turned: false }, &[3, 5]),
            of(Kind::Product { turned: true }, &[5, 3]),
            of(Kind::Convolution { groups: 1 }, &[4, 3, 3, 3]),
            of(Kind::Convolution { groups: 6 }, &[6, 1, 3, 3]),
            of(Kind::Convolution { groups: 2 }, &[4, 2, 1, 5]),
            of(Kind::Table, &[7, 2]),
        ] {
            let mut all: Vec<usize> = (0..layer.channels()).flat_map(|it| layer.places(it)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..layer.shape.iter().product()).collect::<Vec<_>>(), "{layer:?}");
            let inputs = layer.inputs();
            let sources = (0..layer.channels()).flat_map(|c| (0..layer.depth()).map(move |k| (c, k)));
            assert!(
                inputs == 0 || sources.map(|(c, k)| layer.source(c, k)).all(|it| it < inputs),
                "{layer:?}"
            );
        }
    }

    #[test]
    fn a_grouped_convolution_reads_its_own_inputs_tap_after_tap() {
        let layer = of(Kind::Convolution { groups: 2 }, &[4, 2, 1, 3]);
        let read: Vec<usize> = (0..6).map(|k| layer.source(3, k)).collect();
        assert_eq!(read, [2, 3, 2, 3, 2, 3]);
        // [output 3, input 0 and 1, tap 0], then tap 1, then tap 2.
        assert_eq!(layer.places(3).collect::<Vec<_>>(), [18, 21, 19, 22, 20, 23]);
    }
}
