//! Finds what stands before a perceptron: functions of single columns, back to the inputs.

use std::collections::BTreeMap;

use super::super::columns::{ColumnStep, Columns, Function, Operand};
use super::Search;
use crate::{Dim, Dtype, Tensor};

/// More steps than this are not followed.
const MOST_STEPS: usize = 64;

/// What makes `value`, `[batch, width]`, of the graph's inputs, all of that shape; none where anything else takes part.
pub(super) fn columns(search: &Search<'_>, value: &str, width: usize) -> Option<Columns> {
    let of_width = |shape: &[Dim]| shape.len() == 2 && shape[1] == Dim::Fixed(width);
    let inputs = &search.graph.inputs;
    if !inputs.iter().all(|port| port.shape.as_deref().is_some_and(of_width)) {
        return None;
    }
    let mut walk = Walk { search, width, steps: vec![], made: BTreeMap::new() };
    match walk.operand(value)? {
        Operand::Step(last) if last + 1 == walk.steps.len() => Some(Columns { width, steps: walk.steps }),
        _ => None,
    }
}

struct Walk<'a, 'b> {
    search: &'b Search<'a>,
    width: usize,
    steps: Vec<ColumnStep>,
    /// Steps by the value they make.
    made: BTreeMap<&'a str, usize>,
}

impl Walk<'_, '_> {
    fn operand(&mut self, value: &str) -> Option<Operand> {
        let inputs = &self.search.graph.inputs;
        if let Some(at) = inputs.iter().position(|port| port.name == value) {
            return (inputs[at].dtype == Dtype::F32).then_some(Operand::Input(at));
        }
        if let Some(tensor) = self.search.constant(value) {
            return self.constant(tensor);
        }
        match self.made.get(value) {
            Some(step) => Some(Operand::Step(*step)),
            None => self.step(value),
        }
    }

    /// One value for all columns, or one for each.
    fn constant(&self, tensor: &Tensor) -> Option<Operand> {
        let values = tensor.as_f32()?;
        let is_row = tensor.shape().last() == Some(&self.width) && tensor.shape().len() <= 2;
        match values {
            [one] => Some(Operand::Constant(vec![*one; self.width])),
            _ if is_row && values.len() == self.width => Some(Operand::Constant(values.to_vec())),
            _ => None,
        }
    }

    fn step(&mut self, value: &str) -> Option<Operand> {
        let (name, at) = self.search.producers.get_key_value(value)?;
        let node = &self.search.graph.nodes[*at];
        let (function, count) = Function::named(&node.op).filter(|_| node.domain.is_empty())?;
        let mut operands = vec![];
        for place in 0..count {
            let name = node.input(place)?;
            let is_mask = function == Function::Choose && place == 0;
            operands.push(if is_mask { self.mask(name)? } else { self.operand(name)? });
        }
        if self.steps.len() >= MOST_STEPS {
            return None;
        }
        self.steps.push(ColumnStep { function, operands });
        self.made.insert(name, self.steps.len() - 1);
        Some(Operand::Step(self.steps.len() - 1))
    }

    /// What chooses is a boolean input.
    fn mask(&self, value: &str) -> Option<Operand> {
        let is = |port: &crate::Port| port.name == value && port.dtype == Dtype::Bool;
        self.search.graph.inputs.iter().position(is).map(Operand::Input)
    }
}
