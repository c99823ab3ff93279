//! A graph made of a file's weights: the parts that transformers share, whatever the file calls them.

use std::collections::BTreeMap;

use crate::{Attribute, Error, Graph, Node, Port, Tensor, Weights};

/// ONNX operator set 17: the first with `LayerNormalization`.
pub(crate) const OPSET: i64 = 17;

/// How a file names the parts of a layer, and the ε of its normalisations.
pub(crate) struct Names {
    /// Between a layer's name and that of its part.
    pub(crate) separator: char,
    /// Scale and shift of a normalisation.
    pub(crate) norm: [&'static str; 2],
    pub(crate) epsilon: f32,
}

/// A graph on its way.
pub(crate) struct Build<'a> {
    pub(crate) weights: &'a Weights,
    names: Names,
    nodes: Vec<Node>,
    initialisers: BTreeMap<String, Tensor>,
    pub(crate) width: usize,
    heads: usize,
}

/// Where a product of attention comes from: the layer, the place of its rows among others' in it, and what goes in.
pub(crate) type Part<'a> = (&'a str, usize, &'a str);

impl<'a> Build<'a> {
    /// Nothing yet; `heads` share `width`.
    pub(crate) fn new(weights: &'a Weights, names: Names, heads: usize, width: usize) -> Self {
        Build { weights, names, nodes: Vec::new(), initialisers: BTreeMap::new(), width, heads }
    }

    /// The name of a layer's part.
    fn part(&self, layer: &str, part: &str) -> String {
        format!("{layer}{}{part}", self.names.separator)
    }

    /// The graph, checked.
    pub(crate) fn done(self, name: &str, inputs: Vec<Port>, output: Port) -> Result<Graph, Error> {
        let graph = Graph {
            name: name.to_owned(),
            inputs,
            outputs: vec![output],
            initialisers: self.initialisers,
            nodes: self.nodes,
            opsets: [(String::new(), OPSET)].into(),
            notes: BTreeMap::new(),
        };
        graph.check()?;
        Ok(graph)
    }

    pub(crate) fn node(&mut self, op: &str, inputs: &[&str], output: &str) -> &mut Node {
        let mut node = Node::new(op, inputs.iter().copied(), [output]);
        node.name = output.to_owned();
        self.nodes.push(node);
        self.nodes.last_mut().expect("one was pushed")
    }

    pub(crate) fn constant(&mut self, name: &str, tensor: Tensor) {
        self.initialisers.insert(name.to_owned(), tensor);
    }

    pub(crate) fn number(&mut self, value: f32) -> Result<String, Error> {
        let name = format!("number {value}");
        self.constant(&name, Tensor::f32([], vec![value])?);
        Ok(name)
    }

    /// A weight as it is, as floats.
    pub(crate) fn weight(&mut self, name: &str, shape: &[usize]) -> Result<String, Error> {
        let got = &self.weights.section(name)?.shape;
        if got != shape {
            return Err(Error::tensor(name, format!("{shape:?}"), format!("{got:?}")));
        }
        let floats = self.weights.floats(name)?.into_owned();
        self.constant(name, Tensor::f32(shape, floats)?);
        Ok(name.to_owned())
    }

    /// `x · 0.5 · (1 + erf(x / √2))`, in the form PyTorch exports, which others recognise.
    pub(crate) fn gelu(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let (root, one, half) =
            (self.number(std::f32::consts::SQRT_2)?, self.number(1.0)?, self.number(0.5)?);
        let part = |step: &str| format!("{to}/{step}");
        self.node("Div", &[from, &root], &part("scaled"));
        self.node("Erf", &[&part("scaled")], &part("erf"));
        self.node("Add", &[&part("erf"), &one], &part("raised"));
        self.node("Mul", &[from, &part("raised")], &part("product"));
        self.node("Mul", &[&part("product"), &half], to);
        Ok(())
    }

    /// A normalisation of the last dimension.
    pub(crate) fn norm(&mut self, name: &str, from: &str, to: &str) -> Result<(), Error> {
        let shape = [self.width];
        let [scale, shift] = self.names.norm.map(|it| self.part(name, it));
        let (scale, shift) = (self.weight(&scale, &shape)?, self.weight(&shift, &shape)?);
        let epsilon = Attribute::Float(self.names.epsilon);
        let node = self.node("LayerNormalization", &[from, &scale, &shift], to);
        node.attributes.insert("axis".to_owned(), Attribute::Int(-1));
        node.attributes.insert("epsilon".to_owned(), epsilon);
        Ok(())
    }

    /// Attention by queries, keys and values of these parts, heads side by side again.
    pub(crate) fn attention(
        &mut self,
        name: &str,
        parts: [Part<'_>; 3],
        hidden: Option<&str>,
    ) -> Result<String, Error> {
        let (width, heads) = (self.width, self.heads as i64);
        let split = "split into heads";
        self.constant(split, Tensor::i64([4], vec![0, 0, heads, width as i64 / heads])?);
        self.constant("join heads", Tensor::i64([3], vec![0, 0, width as i64])?);
        let part = |step: &str| format!("{name}/{step}");
        let turns = [("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])];
        for ((which, perm), (layer, place, from)) in turns.into_iter().zip(parts) {
            self.linear(layer, (place, width, width), from, &part(which))?;
            let heads = part(&format!("{which}/heads"));
            self.node("Reshape", &[&part(which), split], &heads);
            let turned = self.node("Transpose", &[&heads], &part(&format!("{which}/turned")));
            turned.attributes.insert("perm".to_owned(), Attribute::Ints(perm.to_vec()));
        }
        let scale = self.number((width as f32 / heads as f32).sqrt())?;
        self.node("MatMul", &[&part("query/turned"), &part("key/turned")], &part("products"));
        self.node("Div", &[&part("products"), &scale], &part("scores"));
        let mut scores = part("scores");
        if let Some(hidden) = hidden {
            self.node("Add", &[&scores, hidden], &part("scores/seen"));
            scores = part("scores/seen");
        }
        let softmax = self.node("Softmax", &[&scores], &part("shares"));
        softmax.attributes.insert("axis".to_owned(), Attribute::Int(-1));
        self.node("MatMul", &[&part("shares"), &part("value/turned")], &part("mixed"));
        let turned = self.node("Transpose", &[&part("mixed")], &part("mixed/turned"));
        turned.attributes.insert("perm".to_owned(), Attribute::Ints(vec![0, 2, 1, 3]));
        self.node("Reshape", &[&part("mixed/turned"), "join heads"], &part("joined"));
        Ok(part("joined"))
    }

    /// A product with a matrix stored `[outputs, inputs]`, of which the rows from `place · outputs` on are taken, and its bias.
    pub(crate) fn linear(
        &mut self,
        name: &str,
        (place, outputs, inputs): (usize, usize, usize),
        from: &str,
        to: &str,
    ) -> Result<(), Error> {
        let [matrix, bias] = ["weight", "bias"].map(|it| self.weights.floats(&self.part(name, it)));
        let (matrix, bias) = (matrix?, bias?);
        let first = place * outputs;
        let (Some(rows), Some(bias)) =
            (matrix.get(first * inputs..(first + outputs) * inputs), bias.get(first..first + outputs))
        else {
            let got = format!("{} weights and {} biases", matrix.len(), bias.len());
            return Err(Error::tensor(name, format!("{} rows of {inputs}", first + outputs), got));
        };
        let turned = transposed(rows, inputs);
        let bias = bias.to_vec();
        self.constant(&format!("{to}/weight"), Tensor::f32([inputs, outputs], turned)?);
        self.constant(&format!("{to}/bias"), Tensor::f32([outputs], bias)?);
        self.node("MatMul", &[from, &format!("{to}/weight")], &format!("{to}/product"));
        self.node("Add", &[&format!("{to}/product"), &format!("{to}/bias")], to);
        Ok(())
    }
}

/// Rows of `columns` values as columns.
pub(crate) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns)).copied().collect()
}
