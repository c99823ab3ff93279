//! What goes into a network and comes out, by rten and before the judge.

use neural::{Attribute, Dim, Dtype, Graph, Network, Node, Port, Tensor, Tensors, Values};

use crate::judge::{difference, judged};

fn wave(count: usize, step: f32) -> Vec<f32> {
    (0..count).map(|it| (it as f32 * step).sin()).collect()
}

fn port(name: &str, dtype: Dtype, shape: &[Dim]) -> Port {
    Port { name: name.into(), dtype, shape: Some(shape.to_vec()) }
}

fn any(name: &str) -> Dim {
    Dim::Named(name.into())
}

/// Two layers with ReLU: `[batch, 5] → [batch, 3]`.
fn perceptron() -> Graph {
    Graph {
        name: "perceptron".into(),
        inputs: vec![port("x", Dtype::F32, &[any("batch"), Dim::Fixed(5)])],
        outputs: vec![port("y", Dtype::F32, &[any("batch"), Dim::Fixed(3)])],
        initialisers: [
            ("w1".to_owned(), Tensor::f32([5, 8], wave(40, 0.7)).unwrap()),
            ("b1".to_owned(), Tensor::f32([8], wave(8, 0.3)).unwrap()),
            ("w2".to_owned(), Tensor::f32([3, 8], wave(24, 1.1)).unwrap()),
        ]
        .into(),
        nodes: vec![
            Node::new("MatMul", ["x", "w1"], ["h"]),
            Node::new("Add", ["h", "b1"], ["s"]),
            Node::new("Relu", ["s"], ["r"]),
            Node::new("Gemm", ["r", "w2"], ["y"]).with("transB", Attribute::Int(1)),
        ],
        opsets: [(String::new(), 17)].into(),
        ..Graph::default()
    }
}

/// A padded convolution in QDQ form: `[1, 2, 6, 6] → [1, 4, 6, 6]`.
fn quantised_convolution() -> Graph {
    let scale = |value: f32| Tensor::f32([], vec![value]).unwrap();
    let zero = |values: Values| Tensor::new([], values).unwrap();
    let weights = (0..72).map(|it| (it * 37 % 255 - 127) as i8).collect();
    Graph {
        name: "convolution".into(),
        inputs: vec![Port::fixed("x", Dtype::F32, &[1, 2, 6, 6])],
        outputs: vec![Port::fixed("y", Dtype::F32, &[1, 4, 6, 6])],
        initialisers: [
            ("xs".to_owned(), scale(0.02)),
            ("xz".to_owned(), zero(Values::U8(vec![131]))),
            ("w".to_owned(), Tensor::new([4, 2, 3, 3], Values::I8(weights)).unwrap()),
            ("ws".to_owned(), scale(0.01)),
            ("wz".to_owned(), zero(Values::I8(vec![0]))),
        ]
        .into(),
        nodes: vec![
            Node::new("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
            Node::new("DequantizeLinear", ["q", "xs", "xz"], ["d"]),
            Node::new("DequantizeLinear", ["w", "ws", "wz"], ["v"]),
            Node::new("Conv", ["d", "v"], ["y"])
                .with("pads", Attribute::Ints(vec![1; 4]))
                .with("kernel_shape", Attribute::Ints(vec![3, 3])),
        ],
        opsets: [(String::new(), 17)].into(),
        ..Graph::default()
    }
}

fn rows(count: usize) -> Tensors {
    [("x", Tensor::f32([count, 5], wave(count * 5, 0.37)).unwrap())].into_iter().collect()
}

#[test]
fn a_perceptron_gives_what_its_formula_says() {
    let (graph, inputs) = (perceptron(), rows(2));
    let got = Network::by_rten(&graph, 1).unwrap().run(&inputs).unwrap();
    let (x, w1, b1, w2) = (wave(10, 0.37), wave(40, 0.7), wave(8, 0.3), wave(24, 1.1));
    for row in 0..2 {
        let hidden =
            |h: usize| ((0..5).map(|i| x[row * 5 + i] * w1[i * 8 + h]).sum::<f32>() + b1[h]).max(0.0);
        for out in 0..3 {
            let expected: f32 = (0..8).map(|h| hidden(h) * w2[out * 8 + h]).sum();
            let got = got.get("y").unwrap().as_f32().unwrap()[row * 3 + out];
            assert!((got - expected).abs() < 1e-5, "{row} {out}: {got} {expected}");
        }
    }
}

#[test]
fn rten_agrees_with_the_judge() {
    let image: Tensors = [("x", Tensor::f32([1, 2, 6, 6], wave(72, 0.9)).unwrap())].into_iter().collect();
    for (graph, inputs) in [(perceptron(), rows(7)), (quantised_convolution(), image)] {
        let ours = Network::by_rten(&graph, 2).unwrap().run(&inputs).unwrap();
        if let Some(theirs) = judged(&graph, &inputs) {
            let difference = difference(&ours, &theirs);
            assert!(difference < 2e-5, "{}: {difference}", graph.name);
        }
    }
}

#[test]
fn one_thread_and_many_give_identical_bits() {
    let (graph, inputs) = (perceptron(), rows(33));
    let one = Network::by_rten(&graph, 1).unwrap().run(&inputs).unwrap();
    assert_eq!(one, Network::by_rten(&graph, 4).unwrap().run(&inputs).unwrap());
}

#[test]
fn integers_of_64_bits_and_booleans_pass_through() {
    let graph = Graph {
        inputs: vec![Port::fixed("i", Dtype::I64, &[3])],
        outputs: vec![Port::fixed("o", Dtype::I64, &[3]), Port::fixed("b", Dtype::Bool, &[3])],
        initialisers: [("k".to_owned(), Tensor::i64([], vec![2]).unwrap())].into(),
        nodes: vec![Node::new("Add", ["i", "k"], ["o"]), Node::new("Greater", ["i", "k"], ["b"])],
        opsets: [(String::new(), 17)].into(),
        name: "integers".into(),
        ..Graph::default()
    };
    let network = Network::by_rten(&graph, 1).unwrap();
    let inputs = [("i", Tensor::i64([3], vec![-5, 2, 3]).unwrap())].into_iter().collect();
    let got = network.run(&inputs).unwrap();
    assert_eq!(got.get("o").unwrap().as_i64(), Some(&[-3, 4, 5][..]));
    assert_eq!(got.get("b").unwrap().values(), &Values::Bool(vec![false, false, true]));
    let wide = [("i", Tensor::i64([3], vec![1 << 40, 0, 0]).unwrap())].into_iter().collect();
    assert!(network.run(&wide).unwrap_err().to_string().contains("1099511627776"));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let network = Network::by_rten(&perceptron(), 1).unwrap();
    let message = |inputs: &Tensors| network.run(inputs).unwrap_err().to_string();
    let narrow: Tensors = [("x", Tensor::f32([2, 4], vec![0.0; 8]).unwrap())].into_iter().collect();
    assert_eq!(message(&narrow), "tensor \"x\": expected f32 [batch, 5], got f32 [2, 4]");
    assert_eq!(message(&Tensors::new()), "tensor \"x\": expected f32 [batch, 5], got nothing");
    let mut other = rows(1);
    other.insert("z", Tensor::f32([1], vec![0.0]).unwrap());
    assert!(message(&other).contains("\"z\"") && message(&other).contains("one of the inputs x"));
}

#[test]
fn operators_that_would_be_wrong_are_refused_with_advice() {
    let with = |node: Node| {
        Network::by_rten(&Graph { nodes: vec![node], ..Graph::default() }, 1).err().unwrap().to_string()
    };
    let message = with(Node::new("QLinearConv", ["x"], ["y"]));
    assert!(message.contains("QLinearConv \"y\"") && message.contains("QDQ"), "{message}");
    let message =
        with(Node::new("ConvInteger", ["x"], ["y"]).with("pads", Attribute::Ints(vec![0, 1, 0, 1])));
    assert!(message.contains("zero point"), "{message}");
    let message = with(Node::new("NoSuchOperator", ["x"], ["y"]));
    assert!(message.contains("NoSuchOperator"), "{message}");
}
