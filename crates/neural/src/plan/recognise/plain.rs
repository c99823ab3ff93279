//! A graph as it was before it was quantised: constants where constants were computed, floats where weights had four bits
//! (`MatMulNBits`), and the range of each value that went through integers in place of those operators: `QuantizeLinear` and
//! `DequantizeLinear`; `DynamicQuantizeLinear`, `MatMulInteger` and the scales that follow; tables whose rows are looked up as
//! integers.
//!
//! The integers themselves are not lost: their scales are kept beside the numbers they stand for, which are whole multiples of
//! them.

use std::collections::BTreeMap;

use super::super::convolution::Range;
use crate::{Attribute, Graph, Node, Tensor, Values, four_bits};

/// A graph without what only changes how its numbers are written.
pub(super) struct Plain<'a> {
    from: &'a Graph,
    /// Its nodes and ports, and the constants that are new; the others are where they were.
    pub(super) graph: Graph,
    /// What each value that was quantised can be; holds 0.
    pub(super) ranges: BTreeMap<String, Range>,
    /// Scales of constants that are signed 8-bit integers times these.
    pub(super) steps: BTreeMap<String, Steps>,
    /// Whether any weight or value was quantised.
    pub(super) is_quantised: bool,
}

/// Scales along an axis, or one for all.
pub(super) struct Steps {
    axis: usize,
    values: Vec<f32>,
}

impl Steps {
    /// One scale for each of `count` places along `axis`; none where they run along another.
    pub(super) fn along(&self, axis: usize, count: usize) -> Option<Vec<f32>> {
        match self.values[..] {
            [one] => Some(vec![one; count]),
            _ if self.axis == axis && self.values.len() == count => Some(self.values.clone()),
            _ => None,
        }
    }
}

impl<'a> Plain<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        let mut it = Writing { aliases: BTreeMap::new(), held: BTreeMap::new(), plain: Plain::empty(graph) };
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

    fn empty(from: &'a Graph) -> Self {
        let graph = Graph {
            name: from.name.clone(),
            inputs: from.inputs.clone(),
            outputs: from.outputs.clone(),
            opsets: from.opsets.clone(),
            ..Graph::default()
        };
        Plain { from, graph, ranges: BTreeMap::new(), steps: BTreeMap::new(), is_quantised: false }
    }

    /// A constant by its name.
    pub(super) fn constant(&self, name: &str) -> Option<&Tensor> {
        self.graph.initialisers.get(name).or_else(|| self.from.initialisers.get(name))
    }
}

/// What a value is that was a number before it became an integer, or is on its way back.
#[derive(Clone)]
enum Held {
    /// Integers of a value on a grid of this range; none where the grid is laid while the network runs.
    Quantised { from: String, range: Option<Range> },
    /// Integers of a constant.
    Codes { constant: String },
    /// Rows of a table of integers, and of its scales, looked up by the same value.
    Rows { constant: String, by: String },
    /// The product of a value's integers and a constant's.
    Product { from: String, constant: String, zero: Option<String> },
    /// The scale of a value's integers.
    Scale { from: String },
    /// The scale of a value's integers times a constant's.
    Factor { from: String, scales: String },
}

struct Writing<'a> {
    /// Values that are others under another name.
    aliases: BTreeMap<String, String>,
    held: BTreeMap<String, Held>,
    plain: Plain<'a>,
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

    fn constant(&self, name: &str) -> Option<&Tensor> {
        self.plain.from.initialisers.get(name)
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
                let range = Some(self.range(node)?);
                self.held.insert(out, Held::Quantised { from, range });
            }
            "DynamicQuantizeLinear" => {
                let from = self.name(node.input(0)?);
                self.held.insert(node.outputs.get(1)?.clone(), Held::Scale { from: from.clone() });
                self.held.insert(out, Held::Quantised { from, range: None });
            }
            "DequantizeLinear" => self.dequantised(node, out)?,
            "Cast" => {
                let held = match self.held.get(node.input(0)?) {
                    Some(it @ (Held::Rows { .. } | Held::Product { .. })) => it.clone(),
                    Some(_) => return None,
                    None => Held::Codes { constant: self.codes(node.input(0)?)? },
                };
                self.held.insert(out, held);
            }
            "Gather" if node.int("axis", 0) == 0 => {
                let (constant, by) = (self.codes(node.input(0)?)?, self.name(node.input(1)?));
                self.held.insert(out, Held::Rows { constant, by });
            }
            "MatMulInteger" => {
                let Held::Quantised { from, range: None } = self.held.get(node.input(0)?)?.clone() else {
                    return None;
                };
                let (constant, zero) = (self.codes(node.input(1)?)?, node.input(3).map(str::to_owned));
                self.held.insert(out, Held::Product { from, constant, zero });
            }
            "Mul" => {
                let (a, b) = (node.input(0)?, node.input(1)?);
                [(a, b), (b, a)].into_iter().find_map(|(of, by)| self.scaled(of, by, &out))?;
            }
            "MatMulNBits" => {
                let weights = four_bits::weights(self.plain.from, node)?;
                let name = format!("{}/floats", node.input(1)?);
                let made = Node::new("MatMul", [self.name(node.input(0)?), name.clone()], [out]);
                self.plain.graph.nodes.push(Node { name: node.name.clone(), ..made });
                self.plain.graph.initialisers.insert(name, weights);
            }
            _ => return None,
        }
        Some(())
    }

    /// The name of a constant of 8-bit integers.
    fn codes(&self, name: &str) -> Option<String> {
        let is_code = |it: &&Tensor| matches!(it.values(), Values::I8(_) | Values::U8(_));
        self.constant(name).filter(is_code).map(|_| name.to_owned())
    }

    fn dequantised(&mut self, node: &Node, out: String) -> Option<()> {
        let of = node.input(0)?;
        match self.held.get(of).cloned() {
            Some(Held::Quantised { from, range }) => {
                if let Some(range) = range.filter(|_| self.plain.constant(&from).is_none()) {
                    self.plain.ranges.insert(from.clone(), range);
                }
                self.aliases.insert(out, from);
            }
            // A table with one scale and zero point, whose rows are looked up as integers.
            Some(Held::Rows { constant, by }) => {
                let table = format!("{out}/table");
                self.number(&constant, (node.input(1)?, node.input(2)), node.int("axis", 1), &table)?;
                self.plain.graph.nodes.push(Node::new("Gather", [table, by], [out]));
            }
            Some(_) => return None,
            None => {
                self.codes(of).or_else(|| self.constant(of).map(|_| of.to_owned()))?;
                self.number(of, (node.input(1)?, node.input(2)), node.int("axis", 1), &out)?;
            }
        }
        self.plain.is_quantised = true;
        Some(())
    }

    /// What is integers times a constant's scales, or on the way there.
    fn scaled(&mut self, of: &str, by: &str, out: &str) -> Option<()> {
        match (self.held.get(of)?.clone(), self.held.get(by).cloned()) {
            (Held::Codes { constant }, None) => {
                let axis = axis_of(self.constant(by)?)?;
                self.number(&constant, (by, None), axis, out)?;
            }
            (Held::Rows { constant, by: place }, None) => {
                // Scales were looked up by a node of their own, which stays and is not used.
                let scales =
                    self.plain.graph.nodes.iter().find(|it| it.outputs.first() == Some(&by.into()))?;
                let is_same = scales.op == "Gather" && scales.input(1) == Some(&place);
                let scales = scales.input(0).filter(|_| is_same)?.to_owned();
                let table = format!("{out}/table");
                self.number(&constant, (&scales, None), 0, &table)?;
                self.plain.graph.nodes.push(Node::new("Gather", [table, place], [out.to_owned()]));
            }
            (Held::Scale { from }, None) => {
                self.constant(by)?;
                self.held.insert(out.to_owned(), Held::Factor { from, scales: by.to_owned() });
                return Some(());
            }
            (Held::Product { from, constant, zero }, Some(Held::Factor { from: same, scales }))
                if from == same =>
            {
                let weights = format!("{out}/weights");
                self.number(&constant, (&scales, zero.as_deref()), -1, &weights)?;
                self.plain.graph.nodes.push(Node::new("MatMul", [from, weights], [out.to_owned()]));
            }
            _ => return None,
        }
        self.plain.is_quantised = true;
        Some(())
    }

    /// What a value can be that is quantised with one scale and zero point.
    fn range(&self, node: &Node) -> Option<Range> {
        let number = |place| self.constant(node.input(place)?).filter(|it| it.count() == 1);
        let scale = number(1)?.as_f32()?[0];
        let (zero, least) = match number(2).map(Tensor::values) {
            Some(Values::I8(it)) => (f32::from(it[0]), -128.0),
            Some(Values::U8(it)) => (f32::from(it[0]), 0.0),
            None if node.input(2).is_none() => (0.0, 0.0),
            _ => return None,
        };
        Some(Range { low: (least - zero) * scale, high: (least + 255.0 - zero) * scale })
    }

    /// A constant of integers as numbers, `(integer − zero) · scale`, by one scale or one along an axis, under a new name.
    fn number(
        &mut self,
        of: &str,
        (scales, zeros): (&str, Option<&str>),
        axis: i64,
        out: &str,
    ) -> Option<()> {
        let (values, scales) = (self.constant(of)?, self.constant(scales)?.as_f32()?);
        let zeros = match zeros {
            Some(name) => integers(self.constant(name)?)?,
            None => vec![0],
        };
        let axis = usize::try_from(if axis < 0 { axis + values.shape().len() as i64 } else { axis }).ok()?;
        let inner: usize = values.shape().get(axis + 1..).map_or(1, |rest| rest.iter().product());
        let fits = |count: usize| count == 1 || values.shape().get(axis) == Some(&count);
        if !fits(zeros.len()) || !fits(scales.len()) {
            return None;
        }
        let of = |at: usize, count: usize| if count == 1 { 0 } else { at / inner % count };
        let code = |(at, &code): (usize, &i32)| i64::from(code) - i64::from(zeros[of(at, zeros.len())]);
        let codes: Vec<i64> = integers(values)?.iter().enumerate().map(code).collect();
        let floats = codes.iter().enumerate().map(|(at, &it)| it as f32 * scales[of(at, scales.len())]);
        let tensor = Tensor::f32(values.shape(), floats.collect()).ok()?;
        let is_code = codes.iter().all(|it| i8::try_from(*it).is_ok());
        if is_code && scales.iter().all(|it| it.is_normal() && *it > 0.0) {
            self.plain.steps.insert(out.to_owned(), Steps { axis, values: scales.to_vec() });
        }
        self.plain.graph.initialisers.insert(out.to_owned(), tensor);
        Some(())
    }
}

/// The axis that scales run along which are multiplied with what they scale.
fn axis_of(scales: &Tensor) -> Option<i64> {
    match *scales.shape() {
        [_, 1] => Some(0),
        [] | [_] | [1, _] => Some(-1),
        _ => None,
    }
}

fn integers(tensor: &Tensor) -> Option<Vec<i32>> {
    match tensor.values() {
        Values::I8(it) => Some(it.iter().map(|&it| i32::from(it)).collect()),
        Values::U8(it) => Some(it.iter().map(|&it| i32::from(it)).collect()),
        Values::I32(it) => Some(it.clone()),
        _ => None,
    }
}
