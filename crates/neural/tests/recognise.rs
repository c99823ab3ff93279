//! The planned executor finds its networks in graphs and agrees with rten, which runs them node by node.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

use std::collections::BTreeMap;

use neural::{
    Attribute, Dim, Dtype, Graph, Isa, Network, Node, Options, Port, Precision, Tensor, Tensors, Values,
    Weights,
};

fn normals(seed: u64, count: usize, deviation: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    (0..count).map(|_| ((0..12).map(|_| next()).sum::<f32>() - 6.0) * deviation).collect()
}

/// A graph on its way.
#[derive(Default)]
struct Build {
    graph: Graph,
    count: usize,
}

impl Build {
    fn constant(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        let name = format!("constant {}", self.graph.initialisers.len());
        self.graph.initialisers.insert(name.clone(), Tensor::f32(shape, values).unwrap());
        name
    }

    fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("constant {}", self.graph.initialisers.len());
        self.graph.initialisers.insert(name.clone(), Tensor::i64([values.len()], values.to_vec()).unwrap());
        name
    }

    fn weight(&mut self, shape: &[usize]) -> String {
        let deviation = if let [inputs, _] = shape { 1.0 / (*inputs as f32).sqrt() } else { 0.1 };
        let values = normals(self.graph.initialisers.len() as u64, shape.iter().product(), deviation);
        self.constant(shape, values)
    }

    fn op(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        self.count += 1;
        let name = format!("value {}", self.count);
        let node = Node::new(op, inputs.iter().copied(), [name.as_str()]);
        self.graph
            .nodes
            .push(attributes.iter().fold(node, |node, (key, value)| node.with(key, value.clone())));
        name
    }

    fn linear(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let (weights, bias) = (self.weight(&[inputs, outputs]), self.weight(&[outputs]));
        let product = self.op("MatMul", &[x, &weights], &[]);
        self.op("Add", &[&bias, &product], &[])
    }

    fn norm(&mut self, x: &str, width: usize) -> String {
        let scale = self.constant(&[width], normals(3, width, 0.2).iter().map(|value| 1.0 + value).collect());
        let shift = self.weight(&[width]);
        let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(1e-5))];
        self.op("LayerNormalization", &[x, &scale, &shift], &attributes)
    }

    fn gelu(&mut self, x: &str) -> String {
        let [root, one, half] =
            [std::f32::consts::SQRT_2, 1.0, 0.5].map(|value| self.constant(&[], vec![value]));
        let scaled = self.op("Div", &[x, &root], &[]);
        let erf = self.op("Erf", &[&scaled], &[]);
        let raised = self.op("Add", &[&erf, &one], &[]);
        let product = self.op("Mul", &[x, &raised], &[]);
        self.op("Mul", &[&product, &half], &[])
    }

    fn attention(&mut self, x: &str, width: usize, heads: usize, scale: f32) -> String {
        let split = self.integers(&[0, 0, heads as i64, (width / heads) as i64]);
        let join = self.integers(&[0, 0, width as i64]);
        let mut head = |order: [i64; 4]| {
            let layer = self.linear(x, width, width);
            let parted = self.op("Reshape", &[&layer, &split], &[]);
            self.op("Transpose", &[&parted], &[("perm", Attribute::Ints(order.to_vec()))])
        };
        let (query, key, value) = (head([0, 2, 1, 3]), head([0, 2, 3, 1]), head([0, 2, 1, 3]));
        let scale = self.constant(&[], vec![scale]);
        let products = self.op("MatMul", &[&query, &key], &[]);
        let scores = self.op("Mul", &[&products, &scale], &[]);
        let shares = self.op("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
        let mixed = self.op("MatMul", &[&shares, &value], &[]);
        let turned = self.op("Transpose", &[&mixed], &[("perm", Attribute::Ints(vec![0, 2, 1, 3]))]);
        let joined = self.op("Reshape", &[&turned, &join], &[]);
        self.linear(&joined, width, width)
    }

    fn widened(&mut self, x: &str, width: usize) -> String {
        let up = self.linear(x, width, 3 * width);
        let wide = self.gelu(&up);
        self.linear(&wide, 3 * width, width)
    }

    fn finish(mut self, input: Vec<Dim>, output: Vec<Dim>, last: &str) -> Graph {
        self.graph.nodes.push(Node::new("Identity", [last], ["y"]));
        let port = |name: &str, shape| Port { name: name.to_owned(), dtype: Dtype::F32, shape: Some(shape) };
        (self.graph.inputs, self.graph.outputs) = (vec![port("x", input)], vec![port("y", output)]);
        (self.graph.opsets, self.graph.notes) = ([(String::new(), 17)].into(), BTreeMap::new());
        self.graph.check().unwrap();
        self.graph
    }
}

const WIDTH: usize = 24;

fn rows(tokens: Dim) -> Vec<Dim> {
    vec![Dim::Named("batch".to_owned()), tokens, Dim::Fixed(WIDTH)]
}

fn encoder(pre_norm: bool, scale: f32) -> Graph {
    let (mut it, mut x) = (Build::default(), "x".to_owned());
    for _ in 0..2 {
        x = if pre_norm {
            let normal = it.norm(&x, WIDTH);
            let attended = it.attention(&normal, WIDTH, 3, scale);
            let x = it.op("Add", &[&x, &attended], &[]);
            let normal = it.norm(&x, WIDTH);
            let widened = it.widened(&normal, WIDTH);
            it.op("Add", &[&widened, &x], &[])
        } else {
            let attended = it.attention(&x, WIDTH, 3, scale);
            let sum = it.op("Add", &[&attended, &x], &[]);
            let x = it.norm(&sum, WIDTH);
            let widened = it.widened(&x, WIDTH);
            let sum = it.op("Add", &[&x, &widened], &[]);
            it.norm(&sum, WIDTH)
        };
    }
    if pre_norm {
        x = it.norm(&x, WIDTH);
    }
    let tokens = || Dim::Named("tokens".to_owned());
    it.finish(rows(tokens()), rows(tokens()), &x)
}

fn spectral() -> Graph {
    let (bands, frames, mut it) = (5, 9, Build::default());
    let mut x = "x".to_owned();
    for (channels, step) in [(bands, 1), (WIDTH, 2)] {
        let kernel = normals(40 + channels as u64, WIDTH * channels * 3, 0.2);
        let (kernel, bias) = (it.constant(&[WIDTH, channels, 3], kernel), it.weight(&[WIDTH]));
        let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
        let attributes = [("kernel_shape", ints(&[3])), ("pads", ints(&[1, 1])), ("strides", ints(&[step]))];
        let made = it.op("Conv", &[&x, &kernel, &bias], &attributes);
        x = it.gelu(&made);
    }
    let turned = it.op("Transpose", &[&x], &[("perm", Attribute::Ints(vec![0, 2, 1]))]);
    let places = it.constant(&[frames, WIDTH], normals(50, frames * WIDTH, 0.5));
    x = it.op("Add", &[&turned, &places], &[]);
    let normal = it.norm(&x, WIDTH);
    let attended = it.attention(&normal, WIDTH, 3, 1.0 / 8.0f32.sqrt());
    x = it.op("Add", &[&x, &attended], &[]);
    let normal = it.norm(&x, WIDTH);
    let widened = it.widened(&normal, WIDTH);
    x = it.op("Add", &[&x, &widened], &[]);
    let input = vec![Dim::Named("batch".to_owned()), Dim::Fixed(bands), Dim::Fixed(2 * frames)];
    it.finish(input, rows(Dim::Fixed(frames)), &x)
}

fn perceptron() -> Graph {
    let mut it = Build::default();
    let (weights, bias) = (it.weight(&[30, 21]), it.weight(&[30]));
    let layer = it.op("Gemm", &["x", &weights, &bias], &[("transB", Attribute::Int(1))]);
    let narrow = it.op("Relu", &[&layer], &[]);
    let last = it.linear(&narrow, 30, 2);
    let shape = |width| vec![Dim::Named("batch".to_owned()), Dim::Fixed(width)];
    it.finish(shape(21), shape(2), &last)
}

fn run(network: &Network, input: &Tensor) -> Tensor {
    let mut inputs = Tensors::new();
    inputs.insert("x", input.clone());
    network.run(&inputs).unwrap().get("y").unwrap().clone()
}

#[test]
fn planned_networks_are_found_and_agree_with_rten() {
    let usual = 1.0 / 8.0f32.sqrt();
    let cases = [
        (encoder(false, usual), vec![3, 11, WIDTH]),
        (encoder(true, usual), vec![1, 50, WIDTH]),
        (spectral(), vec![2, 5, 18]),
        (perceptron(), vec![4, 21]),
    ];
    for (graph, shape) in cases {
        let values = normals(9, shape.iter().product(), 1.0);
        let input = Tensor::f32(shape, values).unwrap();
        let expected = run(&Network::by_rten(&graph, 1).unwrap(), &input);
        for (precision, tolerance) in
            [(Precision::Float, 1e-4), (Precision::Bf16, 0.05), (Precision::Int8, 0.25)]
        {
            let network = Network::by_plan(&graph, precision, Isa::best()).unwrap();
            let got = run(&network, &input);
            assert_eq!(got.shape(), expected.shape());
            let apart =
                got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap()).map(|(a, b)| (a - b).abs());
            let apart = apart.fold(0.0, f32::max);
            assert!(apart < tolerance, "{precision:?}: {apart}");
            assert_eq!(run(&network, &input), got, "a second run in the same memory");
            match Network::packing(&graph, Some(precision)) {
                Ok(packing) => {
                    let weights = Weights::from_bytes(packing.to_bytes().unwrap()).unwrap();
                    let packed = Network::of_weights(&weights, &Options::default()).unwrap();
                    assert_eq!(run(&packed, &input), got, "{precision:?}, packed");
                }
                Err(reason) => assert!(reason.to_string().contains("spectra"), "{reason}"),
            }
        }
    }
}

#[test]
fn what_is_not_exactly_a_planned_network_is_left_to_others() {
    let mut turned = perceptron();
    turned.nodes[1].op = "Sigmoid".to_owned();
    for graph in [encoder(false, 0.5), turned] {
        let refused = Network::by_plan(&graph, Precision::Float, Isa::best()).err().unwrap();
        assert!(refused.to_string().contains("executor rten"), "{refused}");
    }
}

fn convolution(it: &mut Build, x: &str, shape: [usize; 4], stride: i64, groups: usize) -> String {
    let (weights, bias) = (it.weight(&shape), it.weight(&[shape[0]]));
    let pad = (shape[2] / 2) as i64;
    let attributes = [
        ("kernel_shape", Attribute::Ints(vec![shape[2] as i64, shape[3] as i64])),
        ("dilations", Attribute::Ints(vec![1; 2])),
        ("pads", Attribute::Ints(vec![pad; 4])),
        ("strides", Attribute::Ints(vec![stride; 2])),
        ("group", Attribute::Int(groups as i64)),
    ];
    it.op("Conv", &[x, &weights, &bias], &attributes)
}

fn images(channels: usize, side: usize) -> Vec<Dim> {
    vec![Dim::Named("batch".to_owned()), Dim::Fixed(channels), Dim::Fixed(side), Dim::Fixed(side)]
}

/// Convolutions with a residual connection, pooling and a layer over the whole image.
fn digits() -> Graph {
    let mut it = Build::default();
    let first = convolution(&mut it, "x", [16, 2, 3, 3], 1, 1);
    let first = it.op("Relu", &[&first], &[]);
    let second = convolution(&mut it, &first, [16, 16, 3, 3], 1, 1);
    let sum = it.op("Add", &[&first, &second], &[]);
    let sum = it.op("Relu", &[&sum], &[]);
    let window = [("kernel_shape", Attribute::Ints(vec![2; 2])), ("strides", Attribute::Ints(vec![2; 2]))];
    let pooled = it.op("MaxPool", &[&sum], &window);
    let flat = it.op("Flatten", &[&pooled], &[]);
    let wide = it.linear(&flat, 16 * 5 * 5, 24);
    let wide = it.op("Relu", &[&wide], &[]);
    let last = it.linear(&wide, 24, 10);
    it.finish(images(2, 10), vec![Dim::Named("batch".to_owned()), Dim::Fixed(10)], &last)
}

/// A block of MobileNetV3: pointwise, depthwise, squeeze and excite, hard-swish in both spellings, normalisation.
fn mobile() -> Graph {
    let mut it = Build::default();
    let x = convolution(&mut it, "x", [8, 3, 3, 3], 2, 1);
    let x = it.op("HardSwish", &[&x], &[]);
    let wide = convolution(&mut it, &x, [24, 8, 1, 1], 1, 1);
    let parts = [24, 24, 24].map(|width| it.weight(&[width]));
    let variance = it.constant(&[24], vec![0.7; 24]);
    let wide = it.op("BatchNormalization", &[&wide, &parts[0], &parts[1], &parts[2], &variance], &[]);
    let gate = it.op("HardSigmoid", &[&wide], &[("alpha", Attribute::Float(1.0 / 6.0))]);
    let wide = it.op("Mul", &[&wide, &gate], &[]);
    let deep = convolution(&mut it, &wide, [24, 1, 3, 3], 1, 24);
    let deep = it.op("Relu", &[&deep], &[]);
    let mean = it.op("GlobalAveragePool", &[&deep], &[]);
    let narrow = convolution(&mut it, &mean, [8, 24, 1, 1], 1, 1);
    let narrow = it.op("Relu", &[&narrow], &[]);
    let gates = convolution(&mut it, &narrow, [24, 8, 1, 1], 1, 1);
    let gates = it.op("HardSigmoid", &[&gates], &[("alpha", Attribute::Float(1.0 / 6.0))]);
    let deep = it.op("Mul", &[&gates, &deep], &[]);
    let out = convolution(&mut it, &deep, [8, 24, 1, 1], 1, 1);
    let out = it.op("Add", &[&out, &x], &[]);
    let mean = it.op("GlobalAveragePool", &[&out], &[]);
    let flat = it.op("Flatten", &[&mean], &[]);
    let last = it.linear(&flat, 8, 5);
    it.finish(images(3, 16), vec![Dim::Named("batch".to_owned()), Dim::Fixed(5)], &last)
}

/// The graph as a static quantiser writes it: integers around every value that a convolution or layer reads, weights of
/// convolutions with a scale for each channel.
fn quantised(graph: &Graph, input: &Tensor) -> Graph {
    let mut wide = graph.clone();
    let values: Vec<String> = graph.nodes.iter().map(|node| node.outputs[0].clone()).collect();
    wide.outputs =
        values.iter().map(|it| Port { name: it.clone(), dtype: Dtype::F32, shape: None }).collect();
    let all = Network::by_rten(&wide, 1).unwrap();
    let inputs: Tensors = [("x", input.clone())].into_iter().collect();
    let mut seen = all.run(&inputs).unwrap();
    seen.insert("x", input.clone());
    let mut out = Graph { nodes: vec![], ..graph.clone() };
    let around = |out: &mut Graph, name: &str| {
        let values = seen.get(name).unwrap().as_f32().unwrap();
        let (low, high) =
            values.iter().fold((0.0f32, 0.0f32), |(low, high), it| (low.min(*it), high.max(*it)));
        let scale = (high - low) / 255.0;
        let zero = (-low / scale).round() as i32 - 128;
        let at = |part: &str| format!("{name}/{part}");
        out.initialisers.insert(at("scale"), Tensor::f32([], vec![scale]).unwrap());
        out.initialisers.insert(at("zero"), Tensor::new([], Values::I8(vec![zero as i8])).unwrap());
        let given = if name == "x" { "x".to_owned() } else { at("float") };
        out.nodes.push(Node::new("QuantizeLinear", [given, at("scale"), at("zero")], [at("q")]));
        out.nodes.push(Node::new("DequantizeLinear", [at("q"), at("scale"), at("zero")], [at("dq")]));
    };
    around(&mut out, "x");
    for node in &graph.nodes {
        let mut node = node.clone();
        if node.op == "Conv" {
            let (name, weights) = (node.inputs[1].clone(), graph.initialisers[&node.inputs[1]].clone());
            let (each, floats) = (weights.count() / weights.shape()[0], weights.as_f32().unwrap());
            let scales: Vec<f32> = floats
                .chunks(each)
                .map(|it| it.iter().fold(0.0f32, |most, it| most.max(it.abs())) / 127.0)
                .collect();
            let integers =
                floats.iter().enumerate().map(|(at, it)| (it / scales[at / each]).round() as i8).collect();
            out.initialisers.remove(&name);
            out.initialisers
                .insert(format!("{name}/i"), Tensor::new(weights.shape(), Values::I8(integers)).unwrap());
            out.initialisers.insert(format!("{name}/s"), Tensor::f32([scales.len()], scales).unwrap());
            let widen = Node::new("DequantizeLinear", [format!("{name}/i"), format!("{name}/s")], [name]);
            out.nodes.push(widen.with("axis", Attribute::Int(0)));
        }
        for input in &mut node.inputs {
            if input == "x" || values.contains(input) {
                *input = format!("{input}/dq");
            }
        }
        let name = node.outputs[0].clone();
        if name != graph.outputs[0].name {
            node.outputs[0] = format!("{name}/float");
            out.nodes.push(node);
            around(&mut out, &name);
        } else {
            out.nodes.push(node);
        }
    }
    out
}

fn cosine(a: &Tensor, b: &Tensor) -> f64 {
    let (a, b) = (a.as_f32().unwrap(), b.as_f32().unwrap());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn networks_of_convolutions_are_found_in_floats_and_in_the_form_of_quantisers() {
    for (graph, shape) in [(digits(), [3, 2, 10, 10]), (mobile(), [2, 3, 16, 16])] {
        let input = Tensor::f32(shape, normals(5, shape.iter().product(), 1.0)).unwrap();
        let expected = run(&Network::by_rten(&graph, 1).unwrap(), &input);
        let network = Network::of(&graph, 1).unwrap();
        assert_eq!(
            (network.executor(), network.precision()),
            ("planned", Some(Precision::Float)),
            "{:?}",
            network.reason()
        );
        let got = run(&network, &input);
        assert_eq!(got.shape(), expected.shape());
        let apart = got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap()).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-4);
        let half = Network::by_plan(&graph, Precision::Bf16, Isa::best()).unwrap();
        assert!(cosine(&run(&half, &input), &expected) > 0.9999);
        let graph = quantised(&graph, &input);
        let network = Network::of(&graph, 1).unwrap();
        assert_eq!(
            (network.executor(), network.precision()),
            ("planned", Some(Precision::Int8)),
            "{:?}",
            network.reason()
        );
        let theirs = run(&Network::by_rten(&graph, 1).unwrap(), &input);
        let got = run(&network, &input);
        assert!(
            cosine(&got, &theirs) > 0.998 && cosine(&got, &expected) > 0.998,
            "{}",
            cosine(&got, &theirs)
        );
    }
}

#[test]
fn what_is_not_planned_is_run_by_rten_and_says_why() {
    let mut graph = digits();
    graph.nodes[1].op = "Sigmoid".to_owned();
    let network = Network::of(&graph, 1).unwrap();
    assert_eq!(network.executor(), "rten");
    assert!(network.reason().unwrap().contains("Sigmoid"), "{:?}", network.reason());
    let integers = Options::default().with(Some(Precision::Int8));
    let refused = Network::with(&digits(), &integers).err().unwrap().to_string();
    assert!(refused.contains("has no range"), "{refused}");
}

#[test]
fn requests_beside_each_other_have_the_answers_of_requests_alone() {
    let graph = encoder(false, 1.0 / 8.0f32.sqrt());
    let network = Network::with(&graph, &Options::default().with(Some(Precision::Int8))).unwrap();
    let input = |seed: u64| Tensor::f32([2, 9, WIDTH], normals(seed, 18 * WIDTH, 1.0)).unwrap();
    let alone: Vec<Tensor> = (0..6).map(|seed| run(&network, &input(seed))).collect();
    for threads in [2, 3] {
        std::thread::scope(|scope| {
            let network = &network;
            let part = |first: usize| {
                move || {
                    (first..6)
                        .step_by(threads)
                        .map(|seed| (seed, run(network, &input(seed as u64))))
                        .collect::<Vec<_>>()
                }
            };
            let running: Vec<_> = (0..threads).map(|first| scope.spawn(part(first))).collect();
            for (seed, got) in running.into_iter().flat_map(|it| it.join().unwrap()) {
                assert_eq!(got, alone[seed], "{threads} threads");
            }
        });
    }
    let both =
        Tensor::f32([4, 9, WIDTH], [normals(0, 18 * WIDTH, 1.0), normals(1, 18 * WIDTH, 1.0)].concat())
            .unwrap();
    let both = run(&network, &both);
    let half = 18 * WIDTH;
    assert_eq!(both.as_f32().unwrap()[..half], *alone[0].as_f32().unwrap());
    assert_eq!(both.as_f32().unwrap()[half..], *alone[1].as_f32().unwrap());
}
