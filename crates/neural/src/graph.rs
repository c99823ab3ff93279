//! A network as a graph: nodes with an operator, the values between them by name, and the weights.
//!
//! The words are ONNX's (<https://onnx.ai/onnx/repo-docs/IR.html>): a value is produced once, nodes are in an order in which
//! they can be run, an empty name is an optional input that was left out. [`onnx`](crate::onnx) reads and writes it; the
//! planned executor matches it; the quantiser rewrites it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Dtype, Error, Tensor};

/// A length of an input's or output's dimension, as far as the file says it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Dim {
    /// This length.
    Fixed(usize),
    /// Any length, the same wherever this name stands.
    Named(String),
    /// Any length.
    Any,
}

/// An input or output: its name, element type and shape.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Port {
    /// Name of the value.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// The shape; none where the file does not even say the rank.
    pub shape: Option<Vec<Dim>>,
}

/// What a node is told beside its inputs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is the ONNX attribute type of the same name
pub enum Attribute {
    Int(i64),
    Float(f32),
    Text(String),
    Tensor(Tensor),
    Graph(Box<Graph>),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Node {
    /// Its name; may be empty.
    pub name: String,
    /// The operator: `MatMul`.
    pub op: String,
    /// The operator's domain; empty for ONNX's own, `com.microsoft` for ONNX Runtime's.
    pub domain: String,
    /// Values that go in; an empty name is an optional input left out.
    pub inputs: Vec<String>,
    /// Values that come out; an empty name is an output nobody wants.
    pub outputs: Vec<String>,
    /// What it is told beside its inputs.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A whole network.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Graph {
    /// Its name; may be empty.
    pub name: String,
    /// What the caller gives, in order. Initialisers are not inputs.
    pub inputs: Vec<Port>,
    /// What comes out, in order.
    pub outputs: Vec<Port>,
    /// Weights and constants by name.
    pub initialisers: BTreeMap<String, Tensor>,
    /// Operations in an order in which they can be run.
    pub nodes: Vec<Node>,
    /// Version of each operator set, by domain; empty in a subgraph.
    pub opsets: BTreeMap<String, i64>,
    /// Notes of the file, such as licence or preprocessing.
    pub notes: BTreeMap<String, String>,
}

impl Node {
    /// A node of ONNX's own domain without attributes.
    pub fn new<I: Into<String>, O: Into<String>>(
        op: &str,
        inputs: impl IntoIterator<Item = I>,
        outputs: impl IntoIterator<Item = O>,
    ) -> Self {
        Node {
            op: op.to_owned(),
            inputs: inputs.into_iter().map(Into::into).collect(),
            outputs: outputs.into_iter().map(Into::into).collect(),
            ..Node::default()
        }
    }

    /// The same node with this attribute.
    #[must_use]
    pub fn with(mut self, name: &str, attribute: Attribute) -> Self {
        self.attributes.insert(name.to_owned(), attribute);
        self
    }

    /// An integer attribute, or what the operator takes where it is absent.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        match self.attributes.get(name) {
            Some(Attribute::Int(it)) => *it,
            _ => default,
        }
    }

    /// A float attribute, or what the operator takes where it is absent.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        match self.attributes.get(name) {
            Some(Attribute::Float(it)) => *it,
            _ => default,
        }
    }

    /// An attribute of integers; none where absent.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Ints(it)) => Some(it),
            _ => None,
        }
    }

    /// A text attribute; none where absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(it)) => Some(it),
            _ => None,
        }
    }

    /// The value that goes in at this place; none where it was left out.
    pub fn input(&self, place: usize) -> Option<&str> {
        self.inputs.get(place).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// `MatMul "/layer.0/query"`, for messages.
    pub fn title(&self) -> String {
        let name = if self.name.is_empty() { self.outputs.first() } else { Some(&self.name) };
        format!("{} {:?}", self.op, name.map_or("", String::as_str))
    }
}

impl Port {
    /// A port of a shape that is known.
    pub fn fixed(name: &str, dtype: Dtype, shape: &[usize]) -> Self {
        let shape = shape.iter().map(|&it| Dim::Fixed(it)).collect();
        Port { name: name.to_owned(), dtype, shape: Some(shape) }
    }

    /// Checks a tensor against element type, rank and fixed dimensions.
    ///
    /// # Errors
    /// [`Error::Tensor`] naming the port, what it takes and what came.
    pub fn accepts(&self, tensor: &Tensor) -> Result<(), Error> {
        let fits = self.dtype == tensor.dtype()
            && self.shape.as_ref().is_none_or(|shape| {
                shape.len() == tensor.shape().len()
                    && shape.iter().zip(tensor.shape()).all(|(dim, &got)| dim.accepts(got))
            });
        if fits {
            return Ok(());
        }
        let got = format!("{} {:?}", tensor.dtype().name(), tensor.shape());
        Err(Error::tensor(&self.name, self.to_string(), got))
    }
}

impl Dim {
    fn accepts(&self, got: usize) -> bool {
        match self {
            Dim::Fixed(it) => *it == got,
            Dim::Named(_) | Dim::Any => true,
        }
    }
}

impl std::fmt::Display for Dim {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dim::Fixed(it) => write!(out, "{it}"),
            Dim::Named(it) => write!(out, "{it}"),
            Dim::Any => write!(out, "?"),
        }
    }
}

/// Element type and shape: `f32 [batch, 80, 3000]`.
impl std::fmt::Display for Port {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(shape) = &self.shape else { return write!(out, "{} of any shape", self.dtype.name()) };
        let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
        write!(out, "{} [{}]", self.dtype.name(), dims.join(", "))
    }
}

impl Graph {
    /// The version of ONNX's own operator set.
    pub fn opset(&self) -> i64 {
        self.opsets.get("").copied().unwrap_or(0)
    }

    /// The node that produces each value, by its place in [`Graph::nodes`].
    pub fn producers(&self) -> BTreeMap<&str, usize> {
        self.nodes
            .iter()
            .enumerate()
            .flat_map(|(place, node)| node.outputs.iter().map(move |it| (it.as_str(), place)))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// The nodes that use each value, by their place in [`Graph::nodes`].
    pub fn consumers(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut consumers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, node) in self.nodes.iter().enumerate() {
            for input in node.inputs.iter().filter(|it| !it.is_empty()) {
                consumers.entry(input).or_default().push(place);
            }
        }
        consumers
    }

    /// Checks that every value is produced once and before it is used, and that every output exists.
    ///
    /// # Errors
    /// [`Error::Tensor`] naming the value, or [`Error::Malformed`] naming the node.
    pub fn check(&self) -> Result<(), Error> {
        self.check_inside(&BTreeSet::new())
    }

    fn check_inside<'a>(&'a self, outer: &BTreeSet<&'a str>) -> Result<(), Error> {
        let mut known = outer.clone();
        known.extend(self.inputs.iter().map(|it| it.name.as_str()));
        known.extend(self.initialisers.keys().map(String::as_str));
        for node in &self.nodes {
            node.check(&mut known)?;
        }
        match self.outputs.iter().find(|it| !known.contains(it.name.as_str())) {
            Some(it) => Err(Error::tensor(&it.name, "an output that some node produces", "none")),
            None => Ok(()),
        }
    }
}

impl Node {
    fn check<'a>(&'a self, known: &mut BTreeSet<&'a str>) -> Result<(), Error> {
        let used = self.inputs.iter().filter(|it| !it.is_empty());
        if let Some(unknown) = used.into_iter().find(|it| !known.contains(it.as_str())) {
            let expected = format!("a value produced before {} uses it", self.title());
            return Err(Error::tensor(unknown, expected, "none"));
        }
        for attribute in self.attributes.values() {
            if let Attribute::Graph(graph) = attribute {
                graph.check_inside(known)?;
            }
        }
        for output in self.outputs.iter().filter(|it| !it.is_empty()) {
            if !known.insert(output) {
                return Err(Error::tensor(output, "a value that is produced once", "a second producer"));
            }
        }
        Ok(())
    }
}
