//! What a part of a graph answers. Masks, positions and pooling are written in dozens of ways; what they compute is small, and
//! is found by computing it.

use std::collections::BTreeSet;

use super::Search;
use crate::{Graph, Network, Port, Tensor, Tensors};

impl Search<'_> {
    /// The values that a value hangs on, up to those that are `given`; itself included.
    pub(super) fn ancestors(&self, value: &str, given: &Tensors) -> BTreeSet<String> {
        let (mut found, mut open) = (BTreeSet::new(), vec![value.to_owned()]);
        while let Some(name) = open.pop() {
            if given.get(&name).is_some() || !found.insert(name.clone()) {
                continue;
            }
            if let Some(&at) = self.producers.get(name.as_str()) {
                open.extend(self.graph.nodes[at].inputs.iter().filter(|it| !it.is_empty()).cloned());
            }
        }
        found
    }

    /// A value as the graph computes it from what is given: inputs, or values on the way. None where that does not suffice.
    pub(super) fn probe(&self, value: &str, dtype: crate::Dtype, given: &Tensors) -> Option<Tensor> {
        if let Some(known) = given.get(value).or_else(|| self.constant(value)) {
            return Some(known.clone());
        }
        let wanted = self.ancestors(value, given);
        let nodes = self.graph.nodes.iter().filter(|it| it.outputs.iter().any(|it| wanted.contains(it)));
        let nodes: Vec<_> = nodes.cloned().collect();
        let used: BTreeSet<&str> = nodes.iter().flat_map(|it| it.inputs.iter().map(String::as_str)).collect();
        let given = given.iter().filter(|(name, _)| used.contains(name));
        let given: Tensors = given.map(|(name, tensor)| (name, tensor.clone())).collect();
        let port = |(name, tensor): (&str, &Tensor)| Port::fixed(name, tensor.dtype(), tensor.shape());
        let constant = |name: &&str| Some(((*name).to_owned(), self.constant(name)?.clone()));
        let part = Graph {
            inputs: given.iter().map(port).collect(),
            outputs: vec![Port { name: value.to_owned(), dtype, shape: None }],
            initialisers: used.iter().filter_map(constant).collect(),
            nodes,
            opsets: self.graph.opsets.clone(),
            ..Graph::default()
        };
        part.check().ok()?;
        Network::by_rten(&part, 1).ok()?.run(&given).ok()?.get(value).cloned()
    }
}
