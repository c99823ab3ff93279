//! A graph on its way to be another: new nodes, new initialisers, names that are not taken.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Attribute, Error, Graph, Node, Tensor, Values};

/// A name like `stem` that no value of the graph has.
pub(super) fn fresh(graph: &Graph, stem: &str) -> String {
    unlike(stem, |name| {
        graph.initialisers.contains_key(name)
            || graph.inputs.iter().any(|it| it.name == name)
            || graph.nodes.iter().any(|it| it.outputs.iter().any(|it| it == name))
    })
}

fn unlike(stem: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(stem) {
        return stem.to_owned();
    }
    let numbered = (2..).map(|it| format!("{stem}/{it}"));
    numbered.into_iter().find(|it| !is_taken(it)).expect("numbers do not end")
}

/// Whether a node uses a value, itself or in a graph inside it.
pub(super) fn reads(node: &Node, value: &str) -> bool {
    node.inputs.iter().any(|it| it == value)
        || node.attributes.values().any(|it| match it {
            Attribute::Graph(graph) => {
                graph.nodes.iter().any(|it| reads(it, value))
                    || graph.outputs.iter().any(|it| it.name == value)
            }
            _ => false,
        })
}

/// The graph that is being made.
pub(super) struct Draft {
    pub(super) nodes: Vec<Node>,
    pub(super) initialisers: BTreeMap<String, Tensor>,
    taken: BTreeSet<String>,
}

impl Draft {
    /// Begins with everything of `graph` but its nodes.
    pub(super) fn of(graph: &Graph) -> Self {
        let made = graph.nodes.iter().flat_map(|it| it.outputs.iter().cloned());
        let given = graph.inputs.iter().map(|it| it.name.clone());
        let taken = made.chain(given).chain(graph.initialisers.keys().cloned()).collect();
        Draft { nodes: vec![], initialisers: graph.initialisers.clone(), taken }
    }

    fn name(&mut self, stem: &str) -> String {
        let name = unlike(stem, |it| self.taken.contains(it));
        self.taken.insert(name.clone());
        name
    }

    /// Adds an initialiser; gives its name.
    pub(super) fn constant(&mut self, stem: &str, tensor: Tensor) -> String {
        let name = self.name(stem);
        self.initialisers.insert(name.clone(), tensor);
        name
    }

    /// Adds a single number.
    pub(super) fn number(&mut self, stem: &str, values: Values) -> Result<String, Error> {
        Ok(self.constant(stem, Tensor::new([], values)?))
    }

    /// Adds a node of one output; gives the output's name.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], stem: &str) -> String {
        self.shaped(Node::new(op, inputs.iter().copied(), [""; 0]), stem)
    }

    /// Adds a node that is told something; gives its output's name.
    pub(super) fn shaped(&mut self, mut node: Node, stem: &str) -> String {
        let name = self.name(stem);
        node.name.clone_from(&name);
        node.outputs = vec![name.clone()];
        self.nodes.push(node);
        name
    }

    /// Adds a node of several outputs; gives their names.
    pub(super) fn several<const N: usize>(
        &mut self,
        op: &str,
        input: &str,
        stems: [String; N],
    ) -> [String; N] {
        let names = stems.map(|it| self.name(&it));
        self.nodes.push(Node { name: names[0].clone(), ..Node::new(op, [input], names.clone()) });
        names
    }

    /// The graph, without initialisers that nothing reads.
    pub(super) fn done(self, like: &Graph) -> Graph {
        let Draft { nodes, mut initialisers, .. } = self;
        let used: BTreeSet<&str> = nodes.iter().flat_map(|it| it.inputs.iter().map(String::as_str)).collect();
        let inside: Vec<&Node> = nodes.iter().filter(|it| has_graph(it)).collect();
        initialisers.retain(|name, _| {
            used.contains(name.as_str())
                || like.outputs.iter().any(|it| it.name == *name)
                || inside.iter().any(|it| reads(it, name))
        });
        Graph {
            name: like.name.clone(),
            inputs: like.inputs.clone(),
            outputs: like.outputs.clone(),
            opsets: like.opsets.clone(),
            notes: like.notes.clone(),
            initialisers,
            nodes,
        }
    }
}

fn has_graph(node: &Node) -> bool {
    node.attributes.values().any(|it| matches!(it, Attribute::Graph(_)))
}
