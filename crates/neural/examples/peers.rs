//! Writes the networks of `make bench-peers` as ONNX, with weights of a fixed sequence: a perceptron 450-256-64-2, a plain CNN
//! and an encoder of MiniLM's shape (6 blocks, width 384, 12 heads, 128 tokens or any number).

use std::path::Path;

use neural::{Attribute, Dim, Dtype, Error, Graph, Node, Port, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    for graph in [perceptron()?, convolutions()?, encoder()?] {
        std::fs::write(Path::new(&folder).join(format!("{}.onnx", graph.name)), graph.to_onnx())?;
    }
    Ok(())
}

/// A graph on its way, with the values that were named last.
struct Build {
    graph: Graph,
    seed: u64,
}

impl Build {
    fn new(name: &str, input: &[Dim]) -> Self {
        let input = Port { name: "x".into(), dtype: Dtype::F32, shape: Some(input.to_vec()) };
        let graph = Graph {
            name: name.into(),
            inputs: vec![input],
            opsets: [(String::new(), 17)].into(),
            ..Graph::default()
        };
        Build { graph, seed: 1 }
    }

    /// Evenly spread values whose standard deviation keeps the scale of what is multiplied.
    fn weights(&mut self, shape: &[usize], inputs: usize) -> Result<String, Error> {
        let spread = (3.0 / inputs as f32).sqrt();
        let mut next = || {
            self.seed =
                self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.seed >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * spread
        };
        let values = (0..shape.iter().product()).map(|_| next()).collect();
        Ok(self.constant(Tensor::f32(shape, values)?))
    }

    fn constant(&mut self, tensor: Tensor) -> String {
        let name = format!("constant{}", self.graph.initialisers.len());
        self.graph.initialisers.insert(name.clone(), tensor);
        name
    }

    fn node(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        let name = format!("{}{}", op.to_lowercase(), self.graph.nodes.len());
        let mut node = Node::new(op, inputs.iter().copied(), [name.as_str()]);
        node.attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.graph.nodes.push(node);
        name
    }

    fn linear(&mut self, from: &str, inputs: usize, outputs: usize) -> Result<String, Error> {
        let (weight, bias) = (self.weights(&[inputs, outputs], inputs)?, self.weights(&[outputs], 300)?);
        let product = self.node("MatMul", &[from, &weight], &[]);
        Ok(self.node("Add", &[&product, &bias], &[]))
    }

    fn done(mut self, last: &str, shape: &[Dim]) -> Graph {
        self.graph.outputs =
            vec![Port { name: last.to_owned(), dtype: Dtype::F32, shape: Some(shape.to_vec()) }];
        self.graph
    }
}

fn batch() -> Dim {
    Dim::Named("batch".into())
}

fn perceptron() -> Result<Graph, Error> {
    let mut build = Build::new("perceptron", &[batch(), Dim::Fixed(450)]);
    let mut last = "x".to_owned();
    for (place, pair) in [450, 256, 64, 2].windows(2).enumerate() {
        last = build.linear(&last, pair[0], pair[1])?;
        if place < 2 {
            last = build.node("Relu", &[&last], &[]);
        }
    }
    Ok(build.done(&last, &[batch(), Dim::Fixed(2)]))
}

/// Convolutions 3 × 3 with ReLU on 64 × 64 pixels, each pair halving the picture; 0.4 GOP.
fn convolutions() -> Result<Graph, Error> {
    let mut build = Build::new("convolutions", &[batch(), Dim::Fixed(1), Dim::Fixed(64), Dim::Fixed(64)]);
    let mut last = "x".to_owned();
    let layers =
        [(1, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 128, 2)];
    for (inputs, outputs, step) in layers {
        let (kernel, bias) =
            (build.weights(&[outputs, inputs, 3, 3], inputs * 9)?, build.weights(&[outputs], 300)?);
        let attributes = [("pads", vec![1; 4]), ("strides", vec![step; 2]), ("kernel_shape", vec![3; 2])];
        let attributes = attributes.map(|(key, values)| (key, Attribute::Ints(values)));
        let made = build.node("Conv", &[&last, &kernel, &bias], &attributes);
        last = build.node("Relu", &[&made], &[]);
    }
    let pooled = build.node("GlobalAveragePool", &[&last], &[]);
    let flat = build.node("Flatten", &[&pooled], &[]);
    let last = build.linear(&flat, 128, 10)?;
    Ok(build.done(&last, &[batch(), Dim::Fixed(10)]))
}

fn encoder() -> Result<Graph, Error> {
    let (width, heads, hidden) = (384, 12, 1536);
    let shape = [batch(), Dim::Named("tokens".into()), Dim::Fixed(width)];
    let mut build = Build::new("encoder", &shape);
    let mut last = "x".to_owned();
    for _ in 0..6 {
        let mixed = attention(&mut build, &last, width, heads)?;
        let sum = build.node("Add", &[&last, &mixed], &[]);
        let attended = norm(&mut build, &sum, width)?;
        let up = build.linear(&attended, width, hidden)?;
        let active = gelu(&mut build, &up)?;
        let down = build.linear(&active, hidden, width)?;
        let sum = build.node("Add", &[&attended, &down], &[]);
        last = norm(&mut build, &sum, width)?;
    }
    Ok(build.done(&last, &shape))
}

fn norm(build: &mut Build, from: &str, width: usize) -> Result<String, Error> {
    let (scale, shift) =
        (build.constant(Tensor::f32([width], vec![1.0; width])?), build.weights(&[width], 300)?);
    let axis = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(1e-12))];
    Ok(build.node("LayerNormalization", &[from, &scale, &shift], &axis))
}

fn gelu(build: &mut Build, from: &str) -> Result<String, Error> {
    let [root, one, half] = [std::f32::consts::SQRT_2, 1.0, 0.5].map(|it| Tensor::f32([], vec![it]));
    let (root, one, half) = (build.constant(root?), build.constant(one?), build.constant(half?));
    let scaled = build.node("Div", &[from, &root], &[]);
    let erf = build.node("Erf", &[&scaled], &[]);
    let raised = build.node("Add", &[&erf, &one], &[]);
    let product = build.node("Mul", &[from, &raised], &[]);
    Ok(build.node("Mul", &[&product, &half], &[]))
}

fn attention(build: &mut Build, from: &str, width: usize, heads: usize) -> Result<String, Error> {
    let split = build.constant(Tensor::i64([4], vec![0, 0, heads as i64, (width / heads) as i64])?);
    let join = build.constant(Tensor::i64([3], vec![0, 0, width as i64])?);
    let scale = build.constant(Tensor::f32([], vec![((width / heads) as f32).sqrt()])?);
    let turned = |build: &mut Build, from: &str, order: [i64; 4]| {
        build.node("Transpose", &[from], &[("perm", Attribute::Ints(order.to_vec()))])
    };
    let mut parts = Vec::new();
    for order in [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]] {
        let projected = build.linear(from, width, width)?;
        let split = build.node("Reshape", &[&projected, &split], &[]);
        parts.push(turned(build, &split, order));
    }
    let products = build.node("MatMul", &[&parts[0], &parts[1]], &[]);
    let scores = build.node("Div", &[&products, &scale], &[]);
    let shares = build.node("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
    let mixed = build.node("MatMul", &[&shares, &parts[2]], &[]);
    let mixed = turned(build, &mixed, [0, 2, 1, 3]);
    let joined = build.node("Reshape", &[&mixed, &join], &[]);
    build.linear(&joined, width, width)
}
