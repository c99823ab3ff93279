//! A graph made ready: constants are initialisers, and normalisations of batches are part of the convolution before them.

use std::collections::BTreeSet;

use crate::{Attribute, Error, Graph, Node, Tensor, Values};

/// The first operator set in which weights can have a scale for each channel (`DequantizeLinear` with an axis).
const OPSET: i64 = 13;

/// Operators of networks that are quantised already.
const QUANTISED: &[&str] = &[
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "ConvInteger",
    "MatMulNBits",
];

/// The same network, easier to rewrite.
///
/// # Errors
/// [`Error::Refused`] for a network that is quantised already, or of an operator set before 13.
pub(super) fn prepared(graph: &Graph) -> Result<Graph, Error> {
    let is_quantised = |it: &&Node| QUANTISED.contains(&it.op.as_str()) || it.op.starts_with("QLinear");
    if let Some(node) = graph.nodes.iter().find(is_quantised) {
        return Err(Error::refused(node.title(), "quantised already; expected a network in floating point"));
    }
    if graph.opset() < OPSET {
        let reason = format!(
            "operator set {}, expected {OPSET} or later; convert it once with onnx.version_converter",
            graph.opset()
        );
        return Err(Error::refused(graph.name.as_str(), reason));
    }
    let mut graph = graph.clone();
    gather_constants(&mut graph);
    fold_normalisations(&mut graph)?;
    Ok(graph)
}

/// Turns `Constant` nodes and copies of initialisers into initialisers.
fn gather_constants(graph: &mut Graph) {
    let outputs: BTreeSet<String> = graph.outputs.iter().map(|it| it.name.clone()).collect();
    let mut kept = Vec::new();
    for node in std::mem::take(&mut graph.nodes) {
        let value = match (node.op.as_str(), node.input(0)) {
            ("Constant", _) => constant(&node),
            ("Identity", Some(from)) => graph.initialisers.get(from).cloned(),
            _ => None,
        };
        match (value, node.outputs.first()) {
            (Some(value), Some(name)) if !outputs.contains(name) => {
                graph.initialisers.insert(name.clone(), value);
            }
            _ => kept.push(node),
        }
    }
    graph.nodes = kept;
}

fn constant(node: &Node) -> Option<Tensor> {
    let list = |values: Values, count: usize| Tensor::new([count], values).ok();
    match node.attributes.iter().next()? {
        (name, Attribute::Tensor(it)) if name == "value" => Some(it.clone()),
        (_, Attribute::Float(it)) => Tensor::f32([], vec![*it]).ok(),
        (_, Attribute::Int(it)) => Tensor::i64([], vec![*it]).ok(),
        (_, Attribute::Floats(it)) => list(Values::F32(it.clone()), it.len()),
        (_, Attribute::Ints(it)) => list(Values::I64(it.clone()), it.len()),
        _ => None,
    }
}

/// `BatchNormalization` after a convolution of its own becomes part of the weights (Ioffe & Szegedy 2015; Jacob et al. 2018, §3.2).
fn fold_normalisations(graph: &mut Graph) -> Result<(), Error> {
    let places: Vec<(usize, usize)> =
        graph.nodes.iter().enumerate().filter_map(|(at, _)| pair(graph, at)).collect();
    for &(convolution, norm) in &places {
        let Some((weights, bias)) = folded(graph, convolution, norm)? else { continue };
        let [weights_name, bias_name] = ["weights", "bias"]
            .map(|it| super::draft::fresh(graph, &format!("{}/{it}", graph.nodes[norm].outputs[0])));
        graph.initialisers.insert(weights_name.clone(), weights);
        graph.initialisers.insert(bias_name.clone(), bias);
        let output = graph.nodes[norm].outputs[0].clone();
        let node = &mut graph.nodes[convolution];
        let input = node.inputs[0].clone();
        node.inputs = vec![input, weights_name, bias_name];
        node.outputs = vec![output];
        graph.nodes[norm] = Node::default();
    }
    graph.nodes.retain(|it| !it.op.is_empty());
    Ok(())
}

/// The convolution whose only reader is this normalisation.
fn pair(graph: &Graph, norm: usize) -> Option<(usize, usize)> {
    let node = &graph.nodes[norm];
    if node.op != "BatchNormalization" || node.int("training_mode", 0) != 0 || node.outputs.len() != 1 {
        return None;
    }
    let from = node.input(0)?;
    let convolution =
        graph.nodes.iter().position(|it| it.op == "Conv" && it.outputs.iter().any(|it| it == from))?;
    let readers = graph.nodes.iter().filter(|it| super::draft::reads(it, from)).count();
    let is_output = graph.outputs.iter().any(|it| it.name == from);
    (readers == 1 && !is_output).then_some((convolution, norm))
}

/// Weights and bias of both in one; none where they are not all known floats of one length.
fn folded(graph: &Graph, convolution: usize, norm: usize) -> Result<Option<(Tensor, Tensor)>, Error> {
    let (node, after) = (&graph.nodes[convolution], &graph.nodes[norm]);
    let floats = |node: &Node, place: usize| graph.initialisers.get(node.input(place)?)?.as_f32();
    let Some(weights) = node.input(1).and_then(|it| graph.initialisers.get(it)) else { return Ok(None) };
    let parts = [1, 2, 3, 4].map(|place| floats(after, place));
    let (Some(values), [Some(gamma), Some(beta), Some(mean), Some(variance)]) = (weights.as_f32(), parts)
    else {
        return Ok(None);
    };
    let channels = weights.shape().first().copied().unwrap_or(0);
    let bias = match node.input(2) {
        Some(name) => graph.initialisers.get(name).and_then(Tensor::as_f32).map(<[f32]>::to_vec),
        None => Some(vec![0.0; channels]),
    };
    let Some(bias) = bias.filter(|it| channels > 0 && it.len() == channels && gamma.len() == channels) else {
        return Ok(None);
    };
    let epsilon = f64::from(after.float("epsilon", 1e-5));
    let factor = |at: usize| f64::from(gamma[at]) / (f64::from(variance[at]) + epsilon).sqrt();
    let depth = (values.len() / channels).max(1);
    let values =
        values.iter().enumerate().map(|(at, it)| (f64::from(*it) * factor(at / depth)) as f32).collect();
    let shifted = |at: usize| (f64::from(bias[at]) - f64::from(mean[at])) * factor(at) + f64::from(beta[at]);
    let bias = (0..channels).map(|at| shifted(at) as f32).collect();
    Ok(Some((Tensor::f32(weights.shape(), values)?, Tensor::f32([channels], bias)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dtype, Network, Port, Tensors};

    fn normalised() -> Graph {
        let floats = |count: usize, step: f32| -> Vec<f32> {
            (0..count).map(|it| (it as f32 * step).sin() + 1.2).collect()
        };
        let vector = |step| Tensor::f32([4], floats(4, step)).unwrap();
        Graph {
            inputs: vec![Port::fixed("x", Dtype::F32, &[1, 2, 5, 5])],
            outputs: vec![Port::fixed("y", Dtype::F32, &[1, 4, 3, 3])],
            initialisers: [
                ("w".to_owned(), Tensor::f32([4, 2, 3, 3], floats(72, 0.9)).unwrap()),
                ("gamma".to_owned(), vector(0.3)),
                ("beta".to_owned(), vector(1.3)),
                ("mean".to_owned(), vector(2.3)),
                ("variance".to_owned(), vector(3.3)),
            ]
            .into(),
            nodes: vec![
                Node::new("Conv", ["x", "w"], ["c"]),
                Node::new("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"]),
                Node::new("Constant", [""; 0], ["two"]).with("value_float", Attribute::Float(2.0)),
                Node::new("Mul", ["n", "two"], ["y"]),
            ],
            opsets: [(String::new(), 17)].into(),
            name: "normalised".into(),
            ..Graph::default()
        }
    }

    #[test]
    fn a_folded_normalisation_computes_the_same() {
        let graph = normalised();
        let ready = prepared(&graph).unwrap();
        let ops: Vec<&str> = ready.nodes.iter().map(|it| it.op.as_str()).collect();
        assert_eq!(ops, ["Conv", "Mul"]);
        ready.check().unwrap();
        let x = (0..50).map(|it| (it as f32 * 0.7).cos()).collect();
        let inputs: Tensors = [("x", Tensor::f32([1, 2, 5, 5], x).unwrap())].into_iter().collect();
        let run = |graph: &Graph| {
            let out = Network::by_rten(graph, 1).unwrap().run(&inputs).unwrap();
            out.get("y").unwrap().to_f32().unwrap()
        };
        for (left, right) in run(&graph).iter().zip(run(&ready)) {
            assert!((left - right).abs() < 1e-4, "{left} {right}");
        }
    }

    #[test]
    fn a_network_that_is_quantised_or_old_is_refused_with_advice() {
        let mut graph = normalised();
        graph.opsets.insert(String::new(), 12);
        assert!(prepared(&graph).unwrap_err().to_string().contains("expected 13"));
        let graph = Graph { nodes: vec![Node::new("MatMulInteger", ["a", "b"], ["y"])], ..normalised() };
        assert!(prepared(&graph).unwrap_err().to_string().contains("quantised already"));
    }
}
