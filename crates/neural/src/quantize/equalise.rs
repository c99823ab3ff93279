//! Equalisation: what is hard to quantise in an activation is moved into the weights that it meets.
//!
//! Of input channel j of a group of layers that read the same value, `s = max|x|^α ÷ max|w|^(1−α)`; the activation is divided by
//! s, the weights are multiplied with it, and the network computes the same (Xiao et al. 2023, eq. 3 and 4). The division goes
//! into whatever came before where that is linear in its weights, through ReLU and pooling too (Nagel et al. 2019, §4.1);
//! elsewhere it becomes a node.

use std::collections::BTreeMap;

use super::{
    draft::{Draft, fresh, reads},
    layer::{Bias, Kind, Layer},
    observe::Seen,
};
use crate::{Error, Graph, Node, Tensor};

/// How far a channel may be stretched: beyond this the weights of other channels would be lost.
const FURTHEST: f64 = 1e3;

/// The same network with equalised layers. `alpha` of 0 leaves all difficulty in the activations, 1 moves all into the weights.
///
/// # Errors
/// [`Error::Tensor`] where weights do not fit their shape, which a checked graph's do.
pub(super) fn equalised(
    graph: &Graph,
    layers: &[Layer],
    seen: &BTreeMap<String, Seen>,
    alpha: f64,
) -> Result<Graph, Error> {
    let mut groups: BTreeMap<&str, Vec<&Layer>> = BTreeMap::new();
    for layer in layers.iter().filter(|it| it.kind != Kind::Table) {
        groups.entry(&layer.input).or_default().push(layer);
    }
    let (mut graph, given, mut divisions) = (graph.clone(), graph, BTreeMap::new());
    for (input, group) in groups {
        let Some(seen) =
            seen.get(input).filter(|it| group.iter().all(|layer| layer.inputs() == it.mosts.len()))
        else {
            continue;
        };
        let factors = factors(&graph, &group, &seen.mosts, alpha);
        if factors.iter().all(|it| (it - 1.0).abs() < 1e-6) {
            continue;
        }
        for layer in &group {
            stretch_inputs(&mut graph, layer, &factors)?;
        }
        if let Some(node) = divide(&mut graph, given, (input, &group), &factors)? {
            divisions.entry(group[0].node).or_insert_with(Vec::new).push(node);
        }
    }
    let mut draft = Draft::of(&graph);
    for (at, node) in graph.nodes.iter().enumerate() {
        draft.nodes.extend(divisions.remove(&at).unwrap_or_default());
        draft.nodes.push(node.clone());
    }
    Ok(draft.done(&graph))
}

fn factors(graph: &Graph, group: &[&Layer], activations: &[f32], alpha: f64) -> Vec<f64> {
    let mut weights = vec![0.0f32; activations.len()];
    for layer in group {
        let values = floats_of(graph, graph.nodes[layer.node].inputs[1].as_str());
        for channel in 0..layer.channels() {
            for (k, place) in layer.places(channel).enumerate() {
                let most = &mut weights[layer.source(channel, k)];
                *most = most.max(values[place].abs());
            }
        }
    }
    let factor = |(x, w): (&f32, f32)| {
        let (x, w) = (f64::from(*x), f64::from(w));
        let usable = x > 0.0 && w > 0.0;
        if usable { (x.powf(alpha) / w.powf(1.0 - alpha)).clamp(1.0 / FURTHEST, FURTHEST) } else { 1.0 }
    };
    activations.iter().zip(weights).map(factor).collect()
}

fn floats_of<'a>(graph: &'a Graph, name: &str) -> &'a [f32] {
    graph.initialisers.get(name).and_then(Tensor::as_f32).unwrap_or(&[])
}

/// Replaces an input of a node by changed values under a new name: others may read the old ones.
fn replace(
    graph: &mut Graph,
    (node, input): (usize, usize),
    of: impl Fn(usize, f32) -> f32,
) -> Result<(), Error> {
    let name = graph.nodes[node].inputs[input].clone();
    let Some(old) = graph.initialisers.get(&name) else { return Ok(()) };
    let values = floats_of(graph, &name).iter().enumerate().map(|(at, it)| of(at, *it)).collect();
    let new = Tensor::f32(old.shape(), values)?;
    let name = fresh(graph, &format!("{name}/equalised"));
    graph.initialisers.insert(name.clone(), new);
    graph.nodes[node].inputs[input] = name;
    Ok(())
}

/// Multiplies the weights that meet each input channel.
fn stretch_inputs(graph: &mut Graph, layer: &Layer, factors: &[f64]) -> Result<(), Error> {
    let mut by_place = vec![1.0; layer.shape.iter().product()];
    for channel in 0..layer.channels() {
        for (k, place) in layer.places(channel).enumerate() {
            by_place[place] = factors[layer.source(channel, k)];
        }
    }
    replace(graph, (layer.node, 1), |at, weight| (f64::from(weight) * by_place[at]) as f32)
}

/// Divides the channels of a value for the layers of a group, which begins with its first: by a node, if one comes back.
fn divide(
    graph: &mut Graph,
    given: &Graph,
    (value, group): (&str, &[&Layer]),
    factors: &[f64],
) -> Result<Option<Node>, Error> {
    let is_of = |at: usize| group.iter().any(|it| it.node == at);
    let is_own = given.nodes.iter().enumerate().all(|(at, node)| !reads(node, value) || is_of(at));
    let is_image = matches!(group[0].kind, Kind::Convolution { .. });
    if is_own && absorb(graph, value, is_image, factors)? {
        return Ok(None);
    }
    let trailing = if is_image { group[0].shape.len() - 2 } else { 0 };
    let shape = [&[factors.len()][..], &vec![1; trailing]].concat();
    let inverse = Tensor::f32(shape, factors.iter().map(|it| (1.0 / it) as f32).collect())?;
    let [by, divided] = ["factors", "equalised"].map(|it| fresh(graph, &format!("{value}/{it}")));
    graph.initialisers.insert(by.clone(), inverse);
    for layer in group {
        graph.nodes[layer.node].inputs[0].clone_from(&divided);
    }
    let node = Node::new("Mul", [value, by.as_str()], [divided.as_str()]);
    Ok(Some(Node { name: divided, ..node }))
}

/// Divides where the value comes from, if that is linear in weights of its own; says whether it was.
fn absorb(graph: &mut Graph, value: &str, is_image: bool, factors: &[f64]) -> Result<bool, Error> {
    if graph.outputs.iter().any(|it| it.name == value) {
        return Ok(false);
    }
    let Some(at) = graph.nodes.iter().position(|it| it.outputs.first().is_some_and(|it| it == value)) else {
        return Ok(false);
    };
    let node = graph.nodes[at].clone();
    let by_last = |at: usize, it: f32| (f64::from(it) / factors[at % factors.len()]) as f32;
    let fits = |graph: &Graph, place: usize, count: usize| {
        node.input(place).is_none_or(|it| floats_of(graph, it).len() == count)
    };
    match node.op.as_str() {
        "Relu" | "Identity" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "LeakyRelu" => {
            let from = node.inputs[0].clone();
            let readers = graph.nodes.iter().filter(|it| reads(it, &from)).count();
            if readers == 1 { absorb(graph, &from, is_image, factors) } else { Ok(false) }
        }
        "LayerNormalization"
            if !is_image && fits(graph, 1, factors.len()) && fits(graph, 2, factors.len()) =>
        {
            (1..node.inputs.len()).try_for_each(|it| replace(graph, (at, it), by_last))?;
            Ok(true)
        }
        "Conv" if is_image => {
            let count = node.input(1).map_or(0, |it| floats_of(graph, it).len());
            let depth = count / factors.len();
            if depth == 0 || depth * factors.len() != count || !fits(graph, 2, factors.len()) {
                return Ok(false);
            }
            replace(graph, (at, 1), |at, it| (f64::from(it) / factors[at / depth]) as f32)?;
            (2..node.inputs.len()).try_for_each(|it| replace(graph, (at, it), by_last))?;
            Ok(true)
        }
        _ if !is_image => absorb_product(graph, at, factors),
        _ => Ok(false),
    }
}

/// `Gemm`, or `MatMul` with a bias added.
fn absorb_product(graph: &mut Graph, at: usize, factors: &[f64]) -> Result<bool, Error> {
    let (layers, _) = super::layer::layers(graph)?;
    let ends_at = |it: &&Layer| match &it.bias {
        Bias::Added { node, .. } => *node == at,
        _ => it.node == at && it.op == "Gemm",
    };
    let Some(layer) = layers.iter().find(ends_at).filter(|it| it.channels() == factors.len()) else {
        return Ok(false);
    };
    let mut by_place = vec![1.0; layer.shape.iter().product()];
    for (channel, factor) in factors.iter().enumerate() {
        layer.places(channel).for_each(|place| by_place[place] = *factor);
    }
    replace(graph, (layer.node, 1), |at, weight| (f64::from(weight) / by_place[at]) as f32)?;
    let bias = match &layer.bias {
        Bias::Own(_) => Some((layer.node, 2)),
        Bias::Added { node, name } => {
            graph.nodes[*node].inputs.iter().position(|it| it == name).map(|it| (*node, it))
        }
        Bias::None => None,
    };
    if let Some(place) = bias {
        replace(graph, place, |at, it| (f64::from(it) / factors[at % factors.len()]) as f32)?;
    }
    Ok(true)
}
