//! Which layers are left in floating point: the worst first, until the budget holds.

use super::{
    Recipe,
    fidelity::Fidelity,
    rewrite::{Form, Plan},
    samples::Samples,
};
use crate::{Error, Tensors};

/// What is compared, and on what.
pub(super) struct Judge<'a> {
    pub(super) samples: &'a Samples,
    /// Outputs of the network in floating point.
    pub(super) reference: Vec<Tensors>,
    pub(super) threads: usize,
}

/// What the search found.
pub(super) struct Found {
    /// Which layers are quantised.
    pub(super) on: Vec<bool>,
    /// Outputs with this layer alone quantised.
    pub(super) alone: Vec<Option<Fidelity>>,
    pub(super) fidelity: Fidelity,
}

impl Judge<'_> {
    fn fidelity(&self, plan: &Plan<'_>, on: &[bool]) -> Result<Fidelity, Error> {
        let graph = plan.rewritten(on, Form::Judged)?;
        Fidelity::of(&self.reference, &self.samples.run(&graph, self.threads)?)
    }

    /// Quantises each of these layers alone, then all, then all but the worst, until the budget holds.
    ///
    /// # Errors
    /// [`Error::Budget`] where it does not hold with as many weights in floating point as are allowed; what a run fails with.
    pub(super) fn search(&self, plan: &Plan<'_>, may: &[bool], recipe: &Recipe) -> Result<Found, Error> {
        let alone = (0..may.len()).map(|layer| {
            let only: Vec<bool> = (0..may.len()).map(|it| it == layer).collect();
            let asked = may[layer] && (recipe.by_layer || recipe.budget.asks());
            asked.then(|| self.fidelity(plan, &only)).transpose()
        });
        let alone = alone.collect::<Result<Vec<_>, _>>()?;
        let mut worst: Vec<usize> = (0..may.len()).filter(|it| may[*it]).collect();
        worst.sort_by(|a, b| {
            let of = |it: usize| alone[it].map_or(f64::MAX, |it| it.sqnr_db);
            of(*a).total_cmp(&of(*b))
        });
        let mut found = Found { on: may.to_vec(), fidelity: self.fidelity(plan, may)?, alone };
        let budget = &recipe.budget;
        if !budget.asks() {
            return Ok(found);
        }
        let weights = |layer: usize| plan.layers[layer].shape.iter().product::<usize>() as f64;
        let all: f64 = (0..may.len()).map(weights).sum();
        let mut kept: f64 = (0..may.len()).filter(|it| !may[*it]).map(weights).sum();
        for layer in worst.iter().copied() {
            let left = found.on.iter().filter(|it| **it).count();
            if budget.holds(&found.fidelity) || left <= 1 {
                break;
            }
            if kept + weights(layer) > budget.most_kept * all {
                continue; // too large to be left; a smaller one may do
            }
            kept += weights(layer);
            found.on[layer] = false;
            found.fidelity = self.fidelity(plan, &found.on)?;
        }
        if budget.holds(&found.fidelity) {
            return Ok(found);
        }
        let blamed = worst.iter().find(|it| found.on[**it]).or(worst.first());
        Err(refusal(plan, recipe, &found, (blamed.copied(), kept / all)))
    }
}

fn refusal(plan: &Plan<'_>, recipe: &Recipe, found: &Found, (blamed, kept): (Option<usize>, f64)) -> Error {
    let Fidelity { sqnr_db, error } = found.fidelity;
    let alone = |it: usize| found.alone[it].map_or(0.0, |it| it.sqnr_db);
    let blame = blamed.map(|it| format!("{} (alone {:.1} dB)", plan.layers[it].title(), alone(it)));
    Error::Budget {
        budget: recipe.budget.to_string(),
        got: format!(
            "{sqnr_db:.1} dB and {error:.4} with {:.0} % of the weights left in f32, of at most {:.0} %",
            kept * 100.0,
            recipe.budget.most_kept * 100.0
        ),
        blame: blame.unwrap_or_else(|| "no layer".to_owned()),
    }
}
