//! Finds encoders of texts: numbers of tokens are looked up in tables, added, encoded, and perhaps pooled to one vector a text.
//!
//! Blocks, tables and normalisations are found by their form. Mask, positions and pooling are found by what they answer on
//! [`Trial`]s, two batches of two sizes with sequences of several lengths and holes, since every exporter writes them another
//! way.

use super::super::text::{Lookup, Pooling, Role, TextDescription};
use super::Search;
use crate::kernel::rows::Norm;
use crate::{Dim, Dtype, Graph, Port, Tensor, Tensors, Values};

/// What hides a token in every exporter's graphs is added to its score and is at most this.
const HIDDEN: f32 = -9e3;

/// How far the answer of a pooling may be from ours.
const NEAR: f32 = 1e-4;

/// Most positions that are tried.
const MOST_PLACES: usize = 1 << 16;

/// Whether every input is `[batch, tokens]`, and there are numbers of tokens among them.
pub(super) fn is_of_tokens(graph: &Graph) -> bool {
    let is_rank_two = |it: &Port| it.shape.as_ref().is_some_and(|it| it.len() == 2);
    let is_number = |it: &Port| matches!(it.dtype, Dtype::I64 | Dtype::I32);
    graph.inputs.iter().all(is_rank_two) && graph.inputs.iter().any(is_number)
}

/// What goes into the first block: tables that are looked up by the inputs, and what is added at every place.
struct Embedded {
    /// The input of each table and its name.
    tables: Vec<(usize, String)>,
    /// `[places, width]`.
    positions: Vec<f32>,
    norm: Option<Norm>,
}

pub(super) fn text(search: &Search<'_>) -> Result<TextDescription, String> {
    let [output] = &search.graph.outputs[..] else { return Err("has not one output".into()) };
    let ends = search.graph.nodes.iter().rev().filter(|it| it.op == "LayerNormalization");
    let last = ends.filter_map(|it| it.outputs.first()).next().ok_or("has no normalisation")?;
    let (encoder, mask, from) = search.encoder(last).ok_or_else(|| format!("{last:?} ends no blocks"))?;
    let embedded = search.embedded(from).ok_or_else(|| format!("{from:?} is no sum of tables"))?;
    let trials = search.trials(&embedded).ok_or("the lengths of its inputs are not known")?;
    let roles = search.roles(&embedded, mask, &trials)?;
    let pooling = search.pooling(&output.name, last, encoder.width(), (&roles, &trials))?;
    let lookup = |(_, name): &(usize, String)| search.lookup(name);
    let tables = embedded.tables.iter().map(lookup).collect::<Option<Vec<_>>>();
    let tables = tables.ok_or("its tables are no floats")?;
    Ok(TextDescription {
        roles,
        tables,
        positions: embedded.positions,
        norm: embedded.norm,
        encoder,
        pooling,
    })
}

/// Inputs that a graph is tried on.
struct Trial {
    inputs: Tensors,
    /// Of each token, whether it is seen where an input is a mask.
    seen: Vec<bool>,
    batch: usize,
    tokens: usize,
}

impl Search<'_> {
    /// The input that a value is, perhaps in another type of integers.
    fn input(&self, value: &str) -> Option<usize> {
        let value = self.node(value, "Cast").map_or(Some(value), |it| it.input(0))?;
        self.graph.inputs.iter().position(|it| it.name == value)
    }

    /// Whether rows of constants fit every sequence: there is one for all, or sequences have this length and no other.
    fn has_places(&self, places: usize) -> bool {
        let is_fixed = |it: &Port| it.shape.as_ref().is_some_and(|it| it.get(1) == Some(&Dim::Fixed(places)));
        places == 1 || self.graph.inputs.iter().any(is_fixed)
    }

    fn lookup(&self, name: &str) -> Option<Lookup> {
        let table = self.constant(name)?;
        let &[rows, width] = table.shape() else { return None };
        let steps = self.steps.get(name).and_then(|it| it.along(0, rows));
        Some(Lookup { values: table.as_f32()?.to_vec(), width, steps })
    }

    /// What goes into the first block.
    fn embedded(&self, value: &str) -> Option<Embedded> {
        let (norm, sum) = match self.norm(value) {
            Some((norm, sum)) => (Some(norm), sum),
            None => (None, value),
        };
        let (mut open, mut tables, mut rows) = (vec![sum], vec![], vec![]);
        while let Some(term) = open.pop() {
            if let Some(node) = self.node(term, "Add") {
                open.extend([node.input(0)?, node.input(1)?]);
            } else if let Some(table) = self.constant(term) {
                let (places, width) = shape_of_rows(table.shape()).filter(|it| self.has_places(it.0))?;
                rows.push((table.as_f32()?.to_vec(), places, width));
            } else {
                let node = self.node(term, "Gather").filter(|it| it.int("axis", 0) == 0)?;
                let (name, by) = (node.input(0)?, node.input(1)?);
                match self.input(by) {
                    Some(input) => tables.push((input, name.to_owned())),
                    None => rows.push(self.placed(name, by)?),
                }
            }
        }
        tables.sort();
        let width = self.constant(&tables.first()?.1)?.shape()[1];
        Some(Embedded { tables, positions: summed(&rows, width)?, norm })
    }

    /// Rows of a table that are looked up by place: all in their order, or one for all.
    fn placed(&self, table: &str, by: &str) -> Option<(Vec<f32>, usize, usize)> {
        let held = self.constant(table)?;
        let &[rows, width] = held.shape() else { return None };
        let mut is_one = None;
        for trial in self.trials_of(|_| 97)? {
            let numbers = self.probe(by, Dtype::I64, &trial.inputs)?;
            let numbers = numbers.as_i64()?;
            if !numbers.len().is_multiple_of(trial.tokens) {
                return None;
            }
            let in_order = numbers.iter().enumerate().all(|(at, it)| *it == (at % trial.tokens) as i64);
            match is_one {
                _ if in_order && trial.tokens > 1 => {}
                None if numbers.iter().all(|it| *it == numbers[0]) => is_one = Some(numbers[0]),
                Some(one) if numbers.iter().all(|it| *it == one) => {}
                _ => return None,
            }
        }
        let values = held.as_f32()?;
        Some(match is_one {
            Some(one) => (values.chunks_exact(width).nth(usize::try_from(one).ok()?)?.to_vec(), 1, width),
            None => (values.to_vec(), rows, width),
        })
    }

    fn trials(&self, embedded: &Embedded) -> Option<Vec<Trial>> {
        let rows = |input: usize| {
            let table = embedded.tables.iter().find(|(at, _)| *at == input)?;
            Some(self.constant(&table.1)?.shape()[0])
        };
        self.trials_of(|input| rows(input).unwrap_or(0))
    }

    /// Batches to try a graph on; `rows` tells how many numbers an input has, 0 for one that is a mask.
    fn trials_of(&self, rows: impl Fn(usize) -> usize) -> Option<Vec<Trial>> {
        let length = |axis: usize| {
            let fixed = self.graph.inputs.iter().find_map(|it| match it.shape.as_ref()?.get(axis)? {
                Dim::Fixed(it) => Some(*it),
                _ => None,
            });
            fixed.filter(|it| (1..=MOST_PLACES).contains(it)).or(fixed.is_none().then_some(0))
        };
        let (batch, tokens) = (length(0)?, length(1)?);
        let own = |fixed: usize, usual: usize| if fixed == 0 { usual } else { fixed };
        let trial = |(usual_batch, usual_tokens)| {
            let (batch, tokens) = (own(batch, usual_batch), own(tokens, usual_tokens));
            self.trial(batch, tokens, &rows)
        };
        [(2, 5), (3, 4)].into_iter().map(trial).collect()
    }

    fn trial(&self, batch: usize, tokens: usize, rows: &impl Fn(usize) -> usize) -> Option<Trial> {
        // The first token of even sequences and the last of odd ones are seen; of the others every third is not.
        let is_seen = |at: usize| {
            let (sequence, place) = (at / tokens, at % tokens);
            let edge = if sequence.is_multiple_of(2) { 0 } else { tokens - 1 };
            place == edge || !(place + sequence).is_multiple_of(3) && place + 1 < tokens
        };
        let seen: Vec<bool> = (0..batch * tokens).map(is_seen).collect();
        let mut inputs = Tensors::new();
        for (at, port) in self.graph.inputs.iter().enumerate() {
            let rows = rows(at);
            let number = |place: usize| match rows {
                0 => i64::from(seen[place]),
                rows => ((place * 7919 + 13 * at) % rows) as i64,
            };
            let numbers = (0..batch * tokens).map(number);
            let values = match port.dtype {
                Dtype::I64 => Values::I64(numbers.collect()),
                Dtype::I32 => Values::I32(numbers.map(|it| it as i32).collect()),
                Dtype::Bool => Values::Bool(numbers.map(|it| it != 0).collect()),
                Dtype::F32 => Values::F32(numbers.map(|it| it as f32).collect()),
                _ => return None,
            };
            inputs.insert(port.name.clone(), Tensor::new([batch, tokens], values).ok()?);
        }
        Some(Trial { inputs, seen, batch, tokens })
    }

    /// What each input is.
    fn roles(&self, embedded: &Embedded, mask: Option<&str>, trials: &[Trial]) -> Result<Vec<Role>, String> {
        let role = |(at, port): (usize, &Port)| match embedded.tables.iter().position(|it| it.0 == at) {
            Some(table) => Ok(Role::Table(table)),
            None if mask.is_some_and(|it| self.hides(it, trials)) => Ok(Role::Mask),
            None => Err(format!("its input {:?} is neither numbers of a table nor a mask", port.name)),
        };
        let roles = self.graph.inputs.iter().enumerate().map(role).collect::<Result<Vec<_>, _>>()?;
        let masks = roles.iter().filter(|it| **it == Role::Mask).count();
        match (masks, mask) {
            (0, Some(_)) => Err("what it adds to scores is no input's mask".into()),
            (0 | 1, _) if roles.iter().filter(|it| **it != Role::Mask).count() == embedded.tables.len() => {
                Ok(roles)
            }
            _ => Err("has two masks, or two tables of one input".into()),
        }
    }

    /// Whether a value is 0 where a token is seen and [`HIDDEN`] where it is not, `[batch, …, tokens]` or what is spread to it.
    fn hides(&self, value: &str, trials: &[Trial]) -> bool {
        let fits = |trial: &Trial| {
            let got = self.probe(value, Dtype::F32, &trial.inputs)?;
            let &[batch, one, queries, keys] = got.shape() else { return None };
            let (values, shape) = (got.as_f32()?, (batch, one, keys));
            let fits_shape = shape == (trial.batch, 1, trial.tokens) && [1, trial.tokens].contains(&queries);
            let fits = |(at, value): (usize, &f32)| {
                let token = at / (queries * keys) * keys + at % keys;
                if trial.seen[token] { *value == 0.0 } else { *value <= HIDDEN }
            };
            Some(fits_shape && values.iter().enumerate().all(fits))
        };
        trials.iter().all(|it| fits(it) == Some(true))
    }

    /// What becomes of the states on their way to the output.
    fn pooling(
        &self,
        output: &str,
        states: &str,
        width: usize,
        (roles, trials): (&[Role], &[Trial]),
    ) -> Result<Pooling, String> {
        if output == states {
            return Ok(Pooling::None);
        }
        let is_masked = roles.contains(&Role::Mask);
        let fits = |pooling: &Pooling| {
            trials
                .iter()
                .all(|trial| self.pools([output, states], width, (trial, is_masked), *pooling) == Some(true))
        };
        let known =
            [false, true].map(|normalised| [Pooling::Mean { normalised }, Pooling::First { normalised }]);
        let found = known.into_iter().flatten().find(fits);
        found
            .ok_or_else(|| format!("{output:?} is neither its states, nor their mean, nor the first of them"))
    }

    fn pools(
        &self,
        [output, states]: [&str; 2],
        width: usize,
        (trial, is_masked): (&Trial, bool),
        pooling: Pooling,
    ) -> Option<bool> {
        let count = trial.batch * trial.tokens;
        let values: Vec<f32> = (0..count * width).map(|it| (it as f32 * 0.618).sin()).collect();
        let mut given = trial.inputs.clone();
        given.insert(states, Tensor::f32([trial.batch, trial.tokens, width], values.clone()).ok()?);
        let got = self.probe(output, Dtype::F32, &given)?;
        if got.shape() != [trial.batch, width] {
            return Some(false);
        }
        let sequences = values.chunks_exact(trial.tokens * width).zip(trial.seen.chunks_exact(trial.tokens));
        let (mut sums, mut ours) = (vec![0.0; width], vec![0.0; width]);
        let mut all = sequences.zip(got.as_f32()?.chunks_exact(width));
        Some(all.all(|((values, seen), got)| {
            let is_of_all = !is_masked || matches!(pooling, Pooling::First { .. });
            let rows = values.chunks_exact(width).zip(seen).filter(|(_, seen)| **seen || is_of_all);
            pooling.pool(rows.map(|it| it.0), &mut sums, &mut ours);
            ours.iter().zip(got).all(|(ours, got)| (ours - got).abs() <= NEAR)
        }))
    }
}

/// Places and width of rows that are added to every sequence.
fn shape_of_rows(shape: &[usize]) -> Option<(usize, usize)> {
    match *shape {
        [width] => Some((1, width)),
        [places, width] | [1, places, width] => Some((places, width)),
        _ => None,
    }
}

/// The sum of rows at every place; those of one place stand at all.
fn summed(rows: &[(Vec<f32>, usize, usize)], width: usize) -> Option<Vec<f32>> {
    let places = rows.iter().map(|it| it.1).filter(|it| *it > 1).min().unwrap_or(1);
    let mut sum = vec![0.0; places * width];
    for (values, of, wide) in rows {
        if *wide != width {
            return None;
        }
        let from = values.chunks_exact(width.max(1));
        let from: Vec<&[f32]> = if *of == 1 { from.cycle().take(places).collect() } else { from.collect() };
        for (sum, row) in sum.chunks_exact_mut(width.max(1)).zip(from) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
    Some(sum)
}
