//! What the whole procedure finds where there is nothing to find (Ojala & Garriga 2010, "Permutation tests for studying
//! classifier performance"): search, calibration and judgement repeated on labels dealt out anew.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Family, Plan, Stage, nested};
use crate::{Error, Training, label::Label, metric::auc, seed::derive};

/// A permutation test of the nested procedure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Permutation {
    /// The family that was fitted. A quick one stands for all: whether the table tells the labels at all does not hang on it.
    pub family: String,
    /// What the labels as they are give in one repeat, the mean over outer folds: the AUC; of three classes the mean of each
    /// against the others; of points the mean absolute error.
    pub observed: f64,
    /// The same of each permutation, in the order drawn: what a histogram shows.
    pub permuted: Vec<f64>,
    /// (b + 1) / (m + 1), where b of m permutations are as good as the labels as they are (Phipson & Smyth 2010: never 0).
    pub p: f64,
}

/// The test of a plan; `None` where it asks for no permutations.
pub(crate) fn permutation(
    everybody: &Training<'_>,
    plan: &Plan,
    stage: &Stage<'_>,
) -> Result<Option<Permutation>, Error> {
    if plan.permutations == 0 {
        return Ok(None);
    }
    let quick = Plan { repeats: 1, families: vec![Family::logistic()], ..plan.clone() };
    let area = |people: &Training<'_>| {
        let nested = nested(people, &quick, &Stage::silent())?.swap_remove(0);
        let pooled = &nested.repeats[0];
        Ok(feature::mean(&nested.fold_aucs).unwrap_or_else(|| auc(&pooled.probabilities, &pooled.labels)))
    };
    permuted(everybody, &quick, stage, &area).map(Some)
}

/// The test of the first family of a plan, by a quality of which more is better.
pub(super) fn permuted<Y: Label>(
    everybody: &Training<'_, Y>,
    plan: &Plan,
    stage: &Stage<'_>,
    quality: &(dyn Fn(&Training<'_, Y>) -> Result<f64, Error> + Sync),
) -> Result<Permutation, Error> {
    let observed = stage.piece("observed", || quality(everybody))?;
    let progress = stage.steps(plan.permutations);
    let one = |number: usize| {
        let seed = derive(plan.seed, &[SEED, number as u64]);
        let found = stage.piece(&number.to_string(), || quality(&everybody.shuffled(plan.by, seed)));
        progress();
        found
    };
    let permuted: Vec<f64> = (0..plan.permutations).into_par_iter().map(one).collect::<Result<_, Error>>()?;
    let reached = permuted.iter().filter(|it| **it >= observed - 1e-12).count();
    let p = (reached + 1) as f64 / (permuted.len() + 1) as f64;
    Ok(Permutation { family: plan.families[0].name.clone(), observed, permuted, p })
}

const SEED: u64 = 0x9e;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    fn tested(distance: f64, seed: u64) -> Permutation {
        let table = synthetic::table(40, 2, distance, seed);
        let plan = Plan { permutations: 19, seed, ..Plan::default() };
        permutation(&Training::new(&table).unwrap(), &plan, &Stage::silent()).unwrap().unwrap()
    }

    #[test]
    fn what_the_table_tells_is_rarer_than_any_permutation() {
        let found = tested(1.5, 1);
        assert_eq!((found.p, found.permuted.len()), (0.05, 19));
        let mean = found.permuted.iter().sum::<f64>() / 19.0;
        assert!((mean - 0.5).abs() < 0.12 && found.observed > 0.8, "{mean} {}", found.observed);
    }

    #[test]
    fn where_there_is_nothing_every_p_value_is_as_likely_as_any_other() {
        let small = (10..30).filter(|&seed| tested(0.0, seed).p <= 0.25);
        // 5 of 20 expected; 11 or more have a chance of 4 in a thousand.
        assert!(small.count() <= 10);
    }

    #[test]
    fn no_permutations_no_test() {
        let table = synthetic::table(40, 2, 1.0, 1);
        let found = permutation(&Training::new(&table).unwrap(), &Plan::default(), &Stage::silent());
        assert!(found.unwrap().is_none());
    }
}
