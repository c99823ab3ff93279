use super::*;
use crate::{Attribute, Dim, Dtype, Node, Port, Tensor, Values};

fn every_kind_of_part() -> Graph {
    let branch = Graph {
        name: "then".into(),
        outputs: vec![Port::fixed("two", Dtype::F32, &[1])],
        nodes: vec![Node::new("Identity", ["y"], ["two"])],
        ..Graph::default()
    };
    let node = Node::new("Custom", ["x", "", "w"], ["y", ""])
        .with("i", Attribute::Int(-3))
        .with("f", Attribute::Float(0.0))
        .with("s", Attribute::Text("한국어".into()))
        .with("t", Attribute::Tensor(Tensor::new([3], Values::I4(vec![0x21, 0x03])).unwrap()))
        .with("is", Attribute::Ints(vec![1, -1]))
        .with("fs", Attribute::Floats(vec![]))
        .with("ss", Attribute::Texts(vec!["a".into(), "b".into()]));
    let choose = Node::new("If", ["c"], ["z"]).with("then_branch", Attribute::Graph(Box::new(branch)));
    let shape = vec![Dim::Named("batch".into()), Dim::Fixed(4), Dim::Any];
    Graph {
        name: "all".into(),
        inputs: vec![Port { name: "x".into(), dtype: Dtype::F32, shape: Some(shape) }],
        outputs: vec![Port { name: "z".into(), dtype: Dtype::F16, shape: None }],
        initialisers: [
            ("w".to_owned(), Tensor::f32([2, 2], vec![1.0, f32::MIN_POSITIVE, -0.0, 4.0]).unwrap()),
            ("c".to_owned(), Tensor::new([], Values::Bool(vec![true])).unwrap()),
        ]
        .into(),
        nodes: vec![node, choose],
        opsets: [(String::new(), 17), ("com.microsoft".to_owned(), 1)].into(),
        notes: [("licence".to_owned(), "MIT".to_owned())].into(),
    }
}

#[test]
fn a_graph_survives_being_written_and_read() {
    let graph = every_kind_of_part();
    assert_eq!(Graph::from_onnx(graph.to_onnx()).unwrap(), graph);
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    assert_eq!(every_kind_of_part().to_onnx(), every_kind_of_part().to_onnx());
}

#[test]
fn a_value_that_nobody_produces_is_named() {
    let mut graph = every_kind_of_part();
    graph.nodes.remove(0);
    let error = Graph::from_onnx(graph.to_onnx()).unwrap_err().to_string();
    assert!(error.contains("\"y\"") && error.contains("before"), "{error}");
}

#[test]
fn every_cut_is_an_error_and_no_panic() {
    let bytes = every_kind_of_part().to_onnx();
    for end in 0..bytes.len() {
        let _ = Graph::from_onnx(bytes[..end].to_vec());
    }
    assert!(Graph::from_onnx(vec![]).is_err());
}
