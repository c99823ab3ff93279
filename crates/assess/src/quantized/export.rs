//! A fitted network of `learn` as a graph, its preparation of values as nodes of it.

use std::collections::{BTreeMap, BTreeSet};

use learn::estimator::{Perceptron, PreparedColumn};
use neural::{Dim, Dtype, Graph, Network, Node, Port, Tensor, Tensors, Values};
use study::FeatureTable;

use crate::Error;

/// Operator set of the file: the oldest that has every operator used.
const OPSET: i64 = 17;

/// Names of what goes in and comes out.
const VALUES: &str = "values";
const MEASURED: &str = "measured";
const LOG_ODDS: &str = "log_odds";

/// The network as a graph: `values` f32 `[batch, columns]` in the columns' own units and `measured` bool `[batch, columns]` in,
/// `log_odds` f32 `[batch, 1]` out. A value that was not measured may be any number; the median takes its place.
///
/// The logarithm is taken of (|x| + floor) ÷ (floor · e^|mean|), so that what would be lost by subtracting two logarithms of one
/// size is not: log-odds are `learn`'s to about 1e-6.
///
/// # Errors
/// Where the network's parts do not fit each other.
pub fn exported(network: &Perceptron, name: &str) -> Result<Graph, Error> {
    let (columns, hidden) = (network.columns.len(), network.inner_bias.len());
    let port = |name: &str, dtype, width| Port {
        name: name.to_owned(),
        dtype,
        shape: Some(vec![Dim::Named("batch".to_owned()), Dim::Fixed(width)]),
    };
    let mut graph = Graph {
        name: name.to_owned(),
        inputs: vec![port(VALUES, Dtype::F32, columns), port(MEASURED, Dtype::Bool, columns)],
        outputs: vec![port(LOG_ODDS, Dtype::F32, 1)],
        initialisers: constants(network)?,
        nodes: preparation(),
        opsets: [(String::new(), OPSET)].into(),
        ..Graph::default()
    };
    let floats = |values: &[f64]| values.iter().map(|it| *it as f32).collect::<Vec<f32>>();
    let layers = [
        ("inner.weight", vec![columns, hidden], floats(&network.inner)),
        ("inner.bias", vec![hidden], floats(&network.inner_bias)),
        ("outer.weight", vec![hidden, 1], floats(&network.outer)),
        ("outer.bias", vec![1], vec![network.outer_bias as f32]),
    ];
    for (name, shape, values) in layers {
        graph.initialisers.insert(name.to_owned(), Tensor::f32(shape, values)?);
    }
    graph.nodes.extend([
        Node::new("Gemm", ["place", "inner.weight", "inner.bias"], ["units"]),
        Node::new("Relu", ["units"], ["rectified"]),
        Node::new("Gemm", ["rectified", "outer.weight", "outer.bias"], [LOG_ODDS]),
    ]);
    graph.check()?;
    Ok(graph)
}

/// From values to places, column by column.
fn preparation() -> Vec<Node> {
    vec![
        Node::new("Where", [MEASURED, VALUES, "stand_in"], ["filled"]),
        Node::new("Abs", ["filled"], ["size"]),
        Node::new("Add", ["size", "floor"], ["raised"]),
        Node::new("Mul", ["raised", "per_centre"], ["ratio"]),
        Node::new("Log", ["ratio"], ["log"]),
        Node::new("Sign", ["filled"], ["sign"]),
        Node::new("Mul", ["sign", "log"], ["signed"]),
        Node::new("Mul", ["sign", "centre_size"], ["signed_centre"]),
        Node::new("Sub", ["signed_centre", "centre"], ["turned"]),
        Node::new("Add", ["signed", "turned"], ["from_centre"]),
        Node::new("Mul", ["from_centre", "per_deviation"], ["standardised"]),
        Node::new("Clip", ["standardised", "nearest", "farthest"], ["place"]),
    ]
}

fn constants(network: &Perceptron) -> Result<BTreeMap<String, Tensor>, Error> {
    let columns = &network.columns;
    let row = |of: &dyn Fn(&PreparedColumn) -> f64| -> Result<Tensor, Error> {
        Ok(Tensor::f32([columns.len()], columns.iter().map(|it| of(it) as f32).collect())?)
    };
    let scalar = |value: f64| Tensor::new(Vec::new(), Values::F32(vec![value as f32]));
    let stand_in = |it: &PreparedColumn| it.median.signum() * it.floor * it.median.abs().exp_m1();
    Ok([
        ("stand_in".to_owned(), row(&stand_in)?),
        ("floor".to_owned(), row(&|it| it.floor)?),
        ("per_centre".to_owned(), row(&|it| 1.0 / (it.floor * it.mean.abs().exp()))?),
        ("centre".to_owned(), row(&|it| it.mean)?),
        ("centre_size".to_owned(), row(&|it| it.mean.abs())?),
        ("per_deviation".to_owned(), row(&|it| 1.0 / it.deviation)?),
        ("nearest".to_owned(), scalar(-network.farthest)?),
        ("farthest".to_owned(), scalar(network.farthest)?),
    ]
    .into())
}

/// The rows of a table as inputs of a network that was fitted on all of its columns.
///
/// # Errors
/// Where there are more values than a tensor holds.
pub fn prepared_inputs(table: &FeatureTable, rows: &[usize]) -> Result<Tensors, Error> {
    let shape = [rows.len(), table.columns().len()];
    let cells: Vec<Option<f32>> = rows.iter().flat_map(|&row| table.row(row)).collect();
    let values = cells.iter().map(|it| it.unwrap_or(0.0)).collect();
    let measured = Values::Bool(cells.iter().map(Option::is_some).collect());
    let inputs = [
        (VALUES.to_owned(), Tensor::f32(shape, values)?),
        (MEASURED.to_owned(), Tensor::new(shape, measured)?),
    ];
    Ok(inputs.into_iter().collect())
}

/// The probability that the person of a row is impaired.
pub(super) fn probability(network: &Network, table: &FeatureTable, row: usize) -> Result<f64, Error> {
    let outputs = network.run(&prepared_inputs(table, &[row])?)?;
    let said = outputs.get(LOG_ODDS).and_then(Tensor::as_f32).and_then(|it| it.first()).copied();
    let reason = || Error::Network {
        name: "screener".to_owned(),
        reason: format!("expected {LOG_ODDS} f32 [1, 1], got another output"),
    };
    let log_odds = f64::from(said.ok_or_else(reason)?);
    Ok(1.0 / (1.0 + (-log_odds).exp()))
}

/// Names of the weights of products: the second input of `Conv`, `Gemm` and `MatMul`, where it is a constant of f32.
fn weights_of_products(graph: &Graph) -> BTreeSet<&str> {
    let is_product =
        |it: &&Node| matches!(it.op.as_str(), "Conv" | "Gemm" | "MatMul") && it.domain.is_empty();
    let names = graph.nodes.iter().filter(is_product).filter_map(|it| it.input(1));
    names.filter(|it| graph.initialisers.get(*it).is_some_and(|it| it.dtype() == Dtype::F32)).collect()
}

/// How many weights its products have.
pub(super) fn product_weights(graph: &Graph) -> usize {
    weights_of_products(graph).iter().map(|it| graph.initialisers[*it].count()).sum()
}

/// The graph with products as processors that multiply bfloat16 compute them: weights, and what goes into the product, rounded to
/// eight significant bits; products and sums in 32.
///
/// # Errors
/// What a tensor of the same shape cannot fail with.
pub(super) fn in_bfloat16(graph: &Graph) -> Result<Graph, Error> {
    let weights = weights_of_products(graph);
    let mut made = Graph { nodes: vec![], ..graph.clone() };
    for name in &weights {
        let tensor = &graph.initialisers[*name];
        let rounded = tensor.as_f32().unwrap_or(&[]).iter().map(|it| to_bfloat16(*it)).collect();
        made.initialisers.insert((*name).to_owned(), Tensor::f32(tensor.shape().to_vec(), rounded)?);
    }
    made.initialisers.insert(SPLIT.to_owned(), Tensor::f32([1], vec![65_537.0])?);
    for node in &graph.nodes {
        let mut node = node.clone();
        if node.input(1).is_some_and(|it| weights.contains(it)) {
            let rounded = format!("{}/rounded {}", node.inputs[0], made.nodes.len());
            made.nodes.extend(rounding(&node.inputs[0], &rounded));
            node.inputs[0] = rounded;
        }
        made.nodes.push(node);
    }
    Ok(made)
}

/// 2¹⁶ + 1: splits 24 significant bits into 8 and 16.
const SPLIT: &str = "bfloat16/split";

/// Rounds to eight significant bits in f32 by Veltkamp's splitting (Dekker 1971): c = x · (2¹⁶ + 1), c − (c − x). To nearest;
/// of two that are equally near either. Exact up to 2¹¹¹, beyond which c overflows.
fn rounding(from: &str, to: &str) -> [Node; 3] {
    let [raised, rest] = ["raised", "rest"].map(|it| format!("{to}/{it}"));
    [
        Node::new("Mul", [from, SPLIT], [raised.as_str()]),
        Node::new("Sub", [raised.as_str(), from], [rest.as_str()]),
        Node::new("Sub", [raised, rest], [to.to_owned()]),
    ]
}

/// To the nearest bfloat16, ties to even.
fn to_bfloat16(value: f32) -> f32 {
    let bits = value.to_bits();
    let up = 0x7fff + (bits >> 16 & 1);
    if value.is_finite() { f32::from_bits(bits.wrapping_add(up) & 0xffff_0000) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature::{Unit, Value};
    use learn::{Estimator, Training};
    use study::{Column, Diagnosis, Participant, ParticipantId, Task};

    /// People with columns of every kind of scale: positive, of either sign, with zeros, with gaps, constant.
    fn table() -> FeatureTable {
        let column = |it: usize| {
            Column::new(Task::new(&format!("task-{it}")).unwrap(), "ink.time.total", Unit::Second)
        };
        let mut table = FeatureTable::new((0..6).map(column).collect()).unwrap();
        for row in 0..60 {
            let (wave, label) = ((row as f64 * 1.7).sin(), row % 2 == 1);
            let shift = if label { 0.4 } else { 0.0 };
            let cells = [
                20_000.0 * (wave + shift).exp(),
                (3.1 * wave).sin() * 5.0 - shift,
                if row % 3 == 0 { 0.0 } else { 0.01 + shift },
                if row % 5 == 0 { f64::NAN } else { -40.0 * (0.3 * wave).exp() },
                7.0,
                1e-4 * (2.0 + wave - shift),
            ];
            let value =
                |it: f64| if it.is_nan() { Value::Missing("gap".into()) } else { Value::Measured(it) };
            let id = ParticipantId::new(&format!("p{row}")).unwrap();
            let label = if label { Diagnosis::Dementia } else { Diagnosis::Healthy };
            let person = Participant { label: Some(label), ..Participant::new(id) };
            table.push(person, cells.map(value)).unwrap();
        }
        table
    }

    #[test]
    fn the_graph_gives_the_scores_of_what_was_fitted() {
        let table = table();
        let everybody = Training::new(&table).unwrap();
        let estimator = Estimator::Mlp { hidden: 16, penalty: 0.3, steps: 60, seed: 3 };
        for (training, held) in everybody.split(3, 1).unwrap() {
            let fitted = estimator.fit(&training).unwrap();
            let graph = exported(&fitted.perceptron().unwrap(), "test").unwrap();
            let read = Graph::from_onnx(graph.to_onnx()).unwrap();
            let network = Network::of(&read, 1).unwrap();
            for (&row, score) in held.rows().iter().zip(fitted.scores(&held)) {
                let (got, wanted) =
                    (probability(&network, &table, row).unwrap(), 1.0 / (1.0 + (-score).exp()));
                assert!((got - wanted).abs() < 1e-6, "{row}: {got} against {wanted}");
                let log_odds = (got / (1.0 - got)).ln();
                assert!((log_odds - score).abs() < 1e-5, "{row}: {log_odds} against {score}");
            }
        }
    }

    #[test]
    fn a_batch_says_what_each_says_alone_and_what_stands_for_a_missing_value_is_not_read() {
        let table = table();
        let everybody = Training::new(&table).unwrap();
        let estimator = Estimator::Mlp { hidden: 4, penalty: 1.0, steps: 20, seed: 3 };
        let graph = exported(&estimator.fit(&everybody).unwrap().perceptron().unwrap(), "test").unwrap();
        let network = Network::of(&graph, 1).unwrap();
        let inputs = prepared_inputs(&table, &[5, 6, 7]).unwrap();
        let batch = network.run(&inputs).unwrap();
        let batch = batch.get(LOG_ODDS).unwrap().as_f32().unwrap();
        let odds = |row| {
            let p = probability(&network, &table, row).unwrap();
            (p / (1.0 - p)).ln()
        };
        assert!([5, 6, 7].iter().zip(batch).all(|(&row, it)| (odds(row) - f64::from(*it)).abs() < 1e-5));
        let mut values = inputs.get(VALUES).unwrap().as_f32().unwrap().to_vec();
        assert!(table.value(5, 3).is_none());
        values[3] = 1e9;
        let other = [
            (VALUES.to_owned(), Tensor::f32([3, 6], values).unwrap()),
            (MEASURED.to_owned(), inputs.get(MEASURED).unwrap().clone()),
        ];
        let again = network.run(&other.into_iter().collect::<Tensors>()).unwrap();
        assert_eq!(again.get(LOG_ODDS).unwrap().as_f32().unwrap(), batch);
    }

    #[test]
    fn bfloat16_keeps_eight_bits_and_rounds_ties_to_even() {
        let rounded = [1.0, 1.003_906_3, 1.011_718_8, -3.143].map(to_bfloat16);
        assert_eq!(rounded, [1.0, 1.0, 1.015_625, -3.140_625]);
        assert!(to_bfloat16(f32::INFINITY).is_infinite());
    }

    #[test]
    fn products_in_bfloat16_are_of_numbers_rounded_to_it() {
        let (values, weights) = ([0.1_f32, -7.77, 1234.5, 3e-5], [0.3_f32, 0.007, -1.9, 55.5]);
        let graph = Graph {
            inputs: vec![Port::fixed("x", Dtype::F32, &[1, 4])],
            outputs: vec![Port::fixed("y", Dtype::F32, &[1, 1])],
            initialisers: [("w".to_owned(), Tensor::f32([4, 1], weights.to_vec()).unwrap())].into(),
            nodes: vec![Node::new("MatMul", ["x", "w"], ["y"])],
            opsets: [(String::new(), OPSET)].into(),
            ..Graph::default()
        };
        assert_eq!(product_weights(&graph), 4);
        let made = in_bfloat16(&graph).unwrap();
        let inputs: Tensors = [("x", Tensor::f32([1, 4], values.to_vec()).unwrap())].into_iter().collect();
        let outputs = Network::of(&made, 1).unwrap().run(&inputs).unwrap();
        let got = f64::from(outputs.get("y").unwrap().as_f32().unwrap()[0]);
        let products =
            values.iter().zip(weights).map(|(a, b)| f64::from(to_bfloat16(*a)) * f64::from(to_bfloat16(b)));
        let (wanted, exact): (f64, f64) =
            (products.sum(), values.iter().zip(weights).map(|(a, b)| f64::from(a * b)).sum());
        assert!((got - wanted).abs() < 1e-3, "{got} against {wanted}");
        assert!((got - exact).abs() > 0.5, "{got} and {exact} are too near to tell");
    }
}
