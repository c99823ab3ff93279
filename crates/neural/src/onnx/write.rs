//! From a [`Graph`] to ONNX messages.

use bytes::Bytes;

use super::{
    message::{self, Length, kind},
    read::code,
};
use crate::{Attribute, Dim, Graph, Node, Port, Tensor};

pub(super) fn model(graph: &Graph) -> message::Model {
    let opset = |(domain, &version): (&String, &i64)| message::Opset { domain: domain.clone(), version };
    let entry = |(key, value): (&String, &String)| message::Entry { key: key.clone(), value: value.clone() };
    message::Model {
        ir_version: ir_version(graph),
        producer_name: "inkling".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        opset_import: graph.opsets.iter().map(opset).collect(),
        metadata: graph.notes.iter().map(entry).collect(),
        graph: Some(written(graph)),
        functions: vec![],
    }
}

/// The oldest file version that knows the operator set, so that the file loads in as many programs as possible. From the table
/// in `onnx/helper.py`; 4-bit integers came with version 10 (opset 21).
fn ir_version(graph: &Graph) -> i64 {
    match graph.opset() {
        ..=10 => 5,
        11 => 6,
        12..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        _ => 11,
    }
}

fn written(graph: &Graph) -> message::Graph {
    message::Graph {
        node: graph.nodes.iter().map(node).collect(),
        // A graph must have a name (ONNX's checker).
        name: if graph.name.is_empty() { "graph".to_owned() } else { graph.name.clone() },
        initializer: graph.initialisers.iter().map(|(name, it)| tensor(name, it)).collect(),
        input: graph.inputs.iter().map(port).collect(),
        output: graph.outputs.iter().map(port).collect(),
        sparse_initializer: vec![],
    }
}

fn node(node: &Node) -> message::Node {
    message::Node {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: node.name.clone(),
        op_type: node.op.clone(),
        attribute: node.attributes.iter().map(|(name, it)| attribute(name, it)).collect(),
        domain: node.domain.clone(),
    }
}

fn attribute(name: &str, attribute: &Attribute) -> message::Attribute {
    let bytes = |text: &String| Bytes::copy_from_slice(text.as_bytes());
    let mut it = message::Attribute { name: name.to_owned(), ..Default::default() };
    it.kind = match attribute {
        Attribute::Float(value) => {
            it.f = *value;
            kind::FLOAT
        }
        Attribute::Int(value) => {
            it.i = *value;
            kind::INT
        }
        Attribute::Text(value) => {
            it.s = bytes(value);
            kind::STRING
        }
        Attribute::Tensor(value) => {
            it.t = Some(tensor("", value));
            kind::TENSOR
        }
        Attribute::Graph(value) => {
            it.g = Some(Box::new(written(value)));
            kind::GRAPH
        }
        Attribute::Floats(values) => {
            it.floats.clone_from(values);
            kind::FLOATS
        }
        Attribute::Ints(values) => {
            it.ints.clone_from(values);
            kind::INTS
        }
        Attribute::Texts(values) => {
            it.strings = values.iter().map(bytes).collect();
            kind::STRINGS
        }
    };
    it
}

fn tensor(name: &str, tensor: &Tensor) -> message::Tensor {
    message::Tensor {
        dims: tensor.shape().iter().map(|&it| it as i64).collect(),
        data_type: code(tensor.dtype()),
        name: name.to_owned(),
        raw_data: Some(tensor.values().to_le().into()),
        ..Default::default()
    }
}

fn port(port: &Port) -> message::ValueInfo {
    let dim = |dim: &Dim| message::Dimension {
        length: match dim {
            Dim::Fixed(it) => Some(Length::Value(*it as i64)),
            Dim::Named(it) => Some(Length::Param(it.clone())),
            Dim::Any => None,
        },
    };
    let shape = port.shape.as_ref().map(|it| message::Shape { dim: it.iter().map(dim).collect() });
    let tensor = message::TensorType { elem_type: code(port.dtype), shape };
    message::ValueInfo { name: port.name.clone(), r#type: Some(message::Type { tensor: Some(tensor) }) }
}
