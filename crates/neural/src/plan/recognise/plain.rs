//! A graph as it was before it was quantised: constants where constants were computed, floats where weights had four bits
//! (`MatMulNBits`), and the range of each value that went through integers (`QuantizeLinear`, `DequantizeLinear`) in place of those
//! operators.

use std::collections::BTreeMap;

use super::super::convolution::Range;
use crate::{Attribute, Graph, Node, Tensor, Values, four_bits};

/// A graph without what only changes how its numbers are written.
pub(super) struct Plain {
    pub(super) graph: Graph,
    /// What each value that was quantised can be; holds 0.
    pub(super) ranges: BTreeMap<String, Range>,
    /// Whether any weight or value was quantised.
    pub(super) is_quantised: bool,
}

impl Plain {
    pub(super) fn of(graph: &Graph) -> Plain {
        let mut it = Writing {
            from: graph,
            aliases: BTreeMap::new(),
            quantised: BTreeMap::new(),
            plain: Plain::empty(graph),
        };
        for node in &graph.nodes {
            it.node(node);
        }
        for port in &mut it.plain.graph.outputs {
            if let Some(name) = it.aliases.get(&port.name) {
                port.name.clone_from(name);
            }
        }
        it.plain
    }

    fn empty(graph: &Graph) -> Plain {
        let graph = Graph { nodes: vec![], ..graph.clone() };
        Plain { graph, ranges: BTreeMap::new(), is_quantised: false }
    }
}

/// Where a quantised value comes from.
struct Quantised {
    from: String,
    range: Range,
}

struct Writing<'a> {
    from: &'a Graph,
    /// Values that are others under another name.
    aliases: BTreeMap<String, String>,
    /// Values that are integers here and were not before.
    quantised: BTreeMap<String, Quantised>,
    plain: Plain,
}

impl Writing<'_> {
    fn name(&self, of: &str) -> String {
        self.aliases.get(of).cloned().unwrap_or_else(|| of.to_owned())
    }

    fn node(&mut self, node: &Node) {
        if self.replaced(node).is_none() {
            let inputs = node.inputs.iter().map(|it| self.name(it)).collect();
            self.plain.graph.nodes.push(Node { inputs, ..node.clone() });
        }
    }

    /// Leaves a node out, if it can be.
    fn replaced(&mut self, node: &Node) -> Option<()> {
        let out = node.outputs.first()?.clone();
        match node.op.as_str() {
            "Identity" | "Dropout" => {
                self.aliases.insert(out, self.name(node.input(0)?));
            }
            "Constant" => {
                let Some(Attribute::Tensor(tensor)) = node.attributes.get("value") else { return None };
                self.plain.graph.initialisers.insert(out, tensor.clone());
            }
            "QuantizeLinear" => {
                let from = self.name(node.input(0)?);
                let range = self.range(node)?;
                self.quantised.insert(out, Quantised { from, range });
            }
            "DequantizeLinear" => {
                if let Some(Quantised { from, range }) = self.quantised.get(node.input(0)?) {
                    if !self.plain.graph.initialisers.contains_key(from) {
                        self.plain.ranges.insert(from.clone(), *range);
                    }
                    self.aliases.insert(out, from.clone());
                } else {
                    let tensor = dequantised(node, |it| self.from.initialisers.get(it))?;
                    self.plain.graph.initialisers.insert(out, tensor);
                }
                self.plain.is_quantised = true;
            }
            "MatMulNBits" => {
                let weights = four_bits::weights(self.from, node)?;
                let name = format!("{}/floats", node.input(1)?);
                let made = Node::new("MatMul", [self.name(node.input(0)?), name.clone()], [out]);
                self.plain.graph.nodes.push(Node { name: node.name.clone(), ..made });
                self.plain.graph.initialisers.insert(name, weights);
            }
            _ => return None,
        }
        Some(())
    }

    /// What a value can be that is quantised with one scale and zero point.
    fn range(&self, node: &Node) -> Option<Range> {
        let number = |place| self.from.initialisers.get(node.input(place)?).filter(|it| it.count() == 1);
        let scale = number(1)?.as_f32()?[0];
        let (zero, least) = match number(2).map(Tensor::values) {
            Some(Values::I8(it)) => (f32::from(it[0]), -128.0),
            Some(Values::U8(it)) => (f32::from(it[0]), 0.0),
            None if node.input(2).is_none() => (0.0, 0.0),
            _ => return None,
        };
        Some(Range { low: (least - zero) * scale, high: (least + 255.0 - zero) * scale })
    }
}

/// A constant of integers as floats: `(value − zero) · scale`, by one scale or one along an axis.
fn dequantised<'a>(node: &Node, constant: impl Fn(&str) -> Option<&'a Tensor>) -> Option<Tensor> {
    let values = constant(node.input(0)?)?;
    let scales = constant(node.input(1)?)?.as_f32()?;
    let zeros = match node.input(2) {
        Some(name) => integers(constant(name)?)?,
        None => vec![0; scales.len()],
    };
    let axis = node.int("axis", 1);
    let axis = usize::try_from(if axis < 0 { axis + values.shape().len() as i64 } else { axis }).ok()?;
    let inner: usize = values.shape().get(axis + 1..).map_or(1, |rest| rest.iter().product());
    if zeros.len() != scales.len() || (scales.len() != 1 && values.shape().get(axis) != Some(&scales.len())) {
        return None;
    }
    let of = |at: usize| if scales.len() == 1 { 0 } else { at / inner % scales.len() };
    let value =
        |(at, &value): (usize, &i32)| (i64::from(value) - i64::from(zeros[of(at)])) as f32 * scales[of(at)];
    Tensor::f32(values.shape(), integers(values)?.iter().enumerate().map(value).collect()).ok()
}

fn integers(tensor: &Tensor) -> Option<Vec<i32>> {
    match tensor.values() {
        Values::I8(it) => Some(it.iter().map(|&it| i32::from(it)).collect()),
        Values::U8(it) => Some(it.iter().map(|&it| i32::from(it)).collect()),
        Values::I32(it) => Some(it.clone()),
        _ => None,
    }
}
