//! Any ONNX graph through [rten](https://docs.rs/rten), pure Rust.
//!
//! rten computes in f32, i32, i8 and u8: 64-bit integers and booleans are narrowed on the way in and widened on the way out.
//! Graphs it would get wrong are refused here, with what to do instead.

use std::{borrow::Cow, sync::Arc};

use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueView};

use rten_tensor::Layout;

use super::Executor;
use crate::{Attribute, Dtype, Error, Graph, Node, Port, Tensor, Values, four_bits};

const NAME: &str = "rten";

/// A network run by rten.
pub(super) struct Rten {
    network: Model,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    input_ids: Vec<NodeId>,
    output_ids: Vec<NodeId>,
    threads: Arc<ThreadPool>,
}

impl Rten {
    /// Takes over a graph, to be run on this many threads.
    pub(super) fn new(graph: &Graph, threads: usize) -> Result<Self, Error> {
        let spelled = spelled_out(graph);
        refusals(&spelled)?;
        let failed = |it: &dyn std::error::Error| Error::Run { executor: NAME, reason: it.to_string() };
        let network = Model::load(spelled.to_onnx()).map_err(|it| failed(&it))?;
        let ids = |ports: &[Port]| -> Result<Vec<NodeId>, Error> {
            ports.iter().map(|it| network.node_id(&it.name).map_err(|it| failed(&it))).collect()
        };
        Ok(Rten {
            input_ids: ids(&graph.inputs)?,
            output_ids: ids(&graph.outputs)?,
            inputs: graph.inputs.clone(),
            outputs: graph.outputs.clone(),
            threads: Arc::new(ThreadPool::with_num_threads(threads)),
            network,
        })
    }
}

impl Executor for Rten {
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
        let given = self.inputs.iter().zip(inputs).map(|(port, tensor)| value(&port.name, tensor));
        let given = self.input_ids.iter().copied().zip(given.collect::<Result<Vec<_>, _>>()?).collect();
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let got = self.network.run(given, &self.output_ids, Some(options));
        let got = got.map_err(|it| Error::Run { executor: NAME, reason: it.to_string() })?;
        self.outputs.iter().zip(got).map(|(port, value)| tensor(port, value)).collect()
    }
}

/// Operators that rten 0.27 does not have, or computes otherwise than ONNX says.
fn refusals(graph: &Graph) -> Result<(), Error> {
    for node in &graph.nodes {
        let refuse = |reason: &str| Err(Error::refused(node.title(), format!("{reason} (executor rten)")));
        match node.op.as_str() {
            op if op.starts_with("QLinear") || op == "QAttention" || op == "QGemm" => {
                return refuse(
                    "this quantised operator is not run; write the network in QDQ form (QuantizeLinear and \
                               DequantizeLinear around ordinary operators), or run it with onnxruntime",
                );
            }
            "ConvInteger" if is_padded(node) => {
                return refuse(
                    "a padded ConvInteger is padded with 0 instead of the zero point, which is wrong at the \
                               borders; write it in QDQ form, or run it with onnxruntime",
                );
            }
            _ => {}
        }
        for attribute in node.attributes.values() {
            if let Attribute::Graph(graph) = attribute {
                refusals(graph)?;
            }
        }
    }
    Ok(())
}

/// The same graph as rten reads and computes it rightly: with the shape of every kernel written at its convolution, which ONNX lets
/// be inferred; with convolutions of integers, and 4-bit weights that rten does not take, in floating point.
fn spelled_out(graph: &Graph) -> Cow<'_, Graph> {
    let lacks = |it: &Node| it.op == "Conv" && !it.attributes.contains_key("kernel_shape");
    if !graph.nodes.iter().any(|it| lacks(it) || is_uneven(it) || it.op == "ConvInteger") {
        return Cow::Borrowed(graph);
    }
    let mut graph = graph.clone();
    for node in std::mem::take(&mut graph.nodes) {
        match unpacked(&graph, &node).or_else(|| convolved(&graph, &node)) {
            Some((nodes, name, weights)) => {
                graph.initialisers.insert(name, weights);
                graph.nodes.extend(nodes);
            }
            None => graph.nodes.push(node),
        }
    }
    for node in graph.nodes.iter_mut().filter(|it| lacks(it)) {
        let kernel =
            node.input(1).and_then(|it| graph.initialisers.get(it)).and_then(|it| it.shape().get(2..));
        if let Some(kernel) = kernel {
            let kernel = Attribute::Ints(kernel.iter().map(|&it| it as i64).collect());
            node.attributes.insert("kernel_shape".to_owned(), kernel);
        }
    }
    Cow::Owned(graph)
}

fn is_uneven(node: &Node) -> bool {
    let block = node.int("block_size", 0).max(1);
    node.op == "MatMulNBits" && (node.inputs.len() == 4 || node.int("K", 0) % block != 0)
}

/// A product with 4-bit weights as one with floats; none where it is another, or its weights are not known.
fn unpacked(graph: &Graph, node: &Node) -> Option<Spelled> {
    let weights = is_uneven(node).then(|| four_bits::weights(graph, node))??;
    let name = format!("{}/floats", node.input(1)?);
    let product = Node::new("MatMul", [node.input(0)?, &name], [""; 0]);
    let made = Node { name: node.name.clone(), outputs: node.outputs.clone(), ..product };
    Some((vec![made], name, weights))
}

/// A convolution of integers in floating point, which is exact for sums below 2²⁴: rten pads with 0 instead of the zero point and,
/// without VNNI, saturates where it adds pairs. None where it is another, or its weights are not known.
fn convolved(graph: &Graph, node: &Node) -> Option<Spelled> {
    if node.op != "ConvInteger" {
        return None;
    }
    let (output, weights) = (node.outputs.first()?, graph.initialisers.get(node.input(1)?)?);
    let integers = |tensor: &Tensor| -> Option<Vec<f32>> {
        match tensor.values() {
            Values::I8(it) => Some(it.iter().map(|it| f32::from(*it)).collect()),
            Values::U8(it) => Some(it.iter().map(|it| f32::from(*it)).collect()),
            _ => None,
        }
    };
    let zeros = match node.input(3) {
        Some(name) => integers(graph.initialisers.get(name)?)?,
        None => vec![0.0],
    };
    let (mut values, channels) = (integers(weights)?, weights.shape().first().copied()?.max(1));
    if zeros.len() != 1 && zeros.len() != channels {
        return None;
    }
    let depth = (values.len() / channels).max(1);
    values.iter_mut().enumerate().for_each(|(at, it)| *it -= zeros[at / depth % zeros.len()]);
    let cast =
        |from: &str, to: &str, dtype| Node::new("Cast", [from], [to]).with("to", Attribute::Int(dtype));
    let [floats, zero, level, weight, sums] =
        ["floats", "zero", "level", "weights", "sums"].map(|it| format!("{output}/{it}"));
    let mut nodes = vec![cast(node.input(0)?, &floats, FLOAT)];
    let from = match node.input(2) {
        Some(name) => {
            nodes.push(cast(name, &zero, FLOAT));
            nodes.push(Node::new("Sub", [floats.as_str(), &zero], [level.as_str()]));
            level
        }
        None => floats,
    };
    let inputs = vec![from, weight.clone()];
    nodes.push(Node { op: "Conv".to_owned(), inputs, outputs: vec![sums.clone()], ..node.clone() });
    nodes.push(cast(&sums, output, INTEGER));
    Some((nodes, weight, Tensor::f32(weights.shape(), values).ok()?))
}

/// Nodes in place of one, and the weights they read, by name.
type Spelled = (Vec<Node>, String, Tensor);

/// `TensorProto.DataType` of 32-bit floats and integers.
const FLOAT: i64 = 1;
const INTEGER: i64 = 6;

fn is_padded(node: &Node) -> bool {
    let same = node.text("auto_pad").is_some_and(|it| it.starts_with("SAME"));
    same || node.ints("pads").is_some_and(|it| it.iter().any(|&it| it != 0))
}

fn value<'a>(name: &str, tensor: &'a Tensor) -> Result<ValueOrView<'a>, Error> {
    let shape = tensor.shape();
    let narrow = |it: i64| {
        let wide = |_| Error::tensor(name, "integers of 32 bits (rten has no longer ones)", it.to_string());
        i32::try_from(it).map_err(wide)
    };
    let integers =
        |it: Vec<i32>| Value::from_shape(shape, it).map(ValueOrView::Value).map_err(misfit_of(name));
    match tensor.values() {
        Values::F32(it) => ValueView::from_shape(shape, it).map(ValueOrView::View).map_err(misfit_of(name)),
        Values::I32(it) => ValueView::from_shape(shape, it).map(ValueOrView::View).map_err(misfit_of(name)),
        Values::I8(it) => ValueView::from_shape(shape, it).map(ValueOrView::View).map_err(misfit_of(name)),
        Values::U8(it) => ValueView::from_shape(shape, it).map(ValueOrView::View).map_err(misfit_of(name)),
        Values::I64(it) => integers(it.iter().map(|&it| narrow(it)).collect::<Result<_, _>>()?),
        Values::Bool(it) => integers(it.iter().map(|&it| i32::from(it)).collect()),
        _ => Err(Error::tensor(name, "f32, i64, i32, i8, u8 or bool (executor rten)", tensor.dtype().name())),
    }
}

/// A tensor's values always fill its shape; said all the same, since rten asks.
fn misfit_of<E: std::error::Error>(name: &str) -> impl Fn(E) -> Error {
    let name = name.to_owned();
    move |it| Error::tensor(&name, "values that fill the shape", it.to_string())
}

fn tensor(port: &Port, value: Value) -> Result<Tensor, Error> {
    let (shape, values) = match value {
        Value::FloatTensor(it) => (it.shape().to_vec(), Values::F32(it.into_data())),
        Value::Int8Tensor(it) => (it.shape().to_vec(), Values::I8(it.into_data())),
        Value::UInt8Tensor(it) => (it.shape().to_vec(), Values::U8(it.into_data())),
        Value::Int32Tensor(it) => (it.shape().to_vec(), widened(port.dtype, it.into_data())),
        _ => return Err(Error::tensor(&port.name, "a tensor", "a sequence")),
    };
    Tensor::new(shape, values)
}

fn widened(dtype: Dtype, values: Vec<i32>) -> Values {
    match dtype {
        Dtype::I64 => Values::I64(values.into_iter().map(i64::from).collect()),
        Dtype::Bool => Values::Bool(values.into_iter().map(|it| it != 0).collect()),
        _ => Values::I32(values),
    }
}
