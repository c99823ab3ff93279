//! Nested cross-validation of estimators on one table.

use rayon::prelude::*;

use super::{
    Family, Plan,
    splits::{inner_seed, outer_seed},
};
use crate::{
    Error, Estimator, Held, Platt, Training,
    estimator::sigmoid,
    metric::{Judged, auc},
    seed::derive,
};

/// What one estimator family reached on one table.
#[derive(Debug, Clone)]
pub(crate) struct Nested {
    /// AUC of each outer fold of each repeat.
    pub(crate) fold_aucs: Vec<f64>,
    /// Calibrated out-of-fold probabilities of everybody, one entry a repeat.
    pub(crate) repeats: Vec<Judged>,
    /// How often each setting of the grid won the inner search.
    pub(crate) chosen: Vec<usize>,
}

/// One family on one outer fold.
struct Fold {
    auc: f64,
    chosen: usize,
    probabilities: Vec<(usize, f64)>,
}

/// Judges each family of the plan on everybody of `everybody`, each person by what was fitted on others.
///
/// `tick` is called after each outer fold.
pub(crate) fn nested(
    everybody: &Training<'_>,
    plan: &Plan,
    tick: &(dyn Fn() + Sync),
) -> Result<Vec<Nested>, Error> {
    let mut units = Vec::new();
    for repeat in 0..plan.repeats {
        let folds = everybody.split(plan.outer, outer_seed(plan, repeat))?;
        units.extend(folds.into_iter().enumerate().map(|(fold, sides)| (repeat, fold, sides)));
    }
    let judge = |(repeat, fold, (training, held)): &(usize, usize, (Training<'_>, Held<'_>))| {
        let seed = inner_seed(plan, *repeat, *fold);
        let judged =
            plan.families.iter().map(|it| outer_fold(it, training, held, (plan.inner, seed))).collect();
        tick();
        judged
    };
    let judged: Vec<Vec<Fold>> = units.par_iter().map(judge).collect::<Result<_, Error>>()?;
    let of_family = |family: usize| {
        let folds: Vec<&Fold> = judged.iter().map(|folds| &folds[family]).collect();
        gather(&folds, everybody.labels(), (plan.outer, plan.families[family].grid.len()))
    };
    Ok((0..plan.families.len()).map(of_family).collect())
}

/// Chooses a setting and calibrates it on inner folds of the training people, refits on all of them, and judges the held.
fn outer_fold(
    family: &Family,
    training: &Training<'_>,
    held: &Held<'_>,
    (folds, seed): (usize, u64),
) -> Result<Fold, Error> {
    let (chosen, platt) = search(family, training, folds, seed)?;
    let fitted = family.grid[chosen].clone().seeded(derive(seed, &[0])).fit(training)?;
    let scores = fitted.scores(held);
    let probability = |score: &f64| sigmoid(platt.log_odds(*score));
    Ok(Fold {
        auc: auc(&scores, held.labels()),
        chosen,
        probabilities: held.rows().iter().copied().zip(scores.iter().map(probability)).collect(),
    })
}

/// The setting with the best mean AUC over inner folds (the first of equals) and the calibration of its inner out-of-fold
/// scores.
fn search(
    family: &Family,
    training: &Training<'_>,
    folds: usize,
    seed: u64,
) -> Result<(usize, Platt), Error> {
    let mut aucs = vec![0.0; family.grid.len()];
    let mut scores: Vec<Vec<f64>> = vec![vec![]; family.grid.len()];
    let mut labels = Vec::new();
    for (inner, (inner_training, inner_held)) in training.split(folds, seed)?.iter().enumerate() {
        let seed = derive(seed, &[1 + inner as u64]);
        let grid: Vec<Estimator> = family.grid.iter().map(|it| it.clone().seeded(seed)).collect();
        for (it, fitted) in Estimator::fit_each(&grid, inner_training)?.iter().enumerate() {
            let of_fold = fitted.scores(inner_held);
            aucs[it] += auc(&of_fold, inner_held.labels());
            scores[it].extend(of_fold);
        }
        labels.extend_from_slice(inner_held.labels());
    }
    // Differences below a millionth are rounding: the earlier setting, which is the simpler one, stays.
    let better = |best: usize, it: usize| if aucs[it] > aucs[best] + 1e-6 { it } else { best };
    let chosen = (0..aucs.len()).fold(0, better);
    Ok((chosen, Platt::fit(&scores[chosen], &labels)?))
}

/// Puts the folds of a family together: one judgement of everybody a repeat.
fn gather(folds: &[&Fold], labels: &[bool], (outer, settings): (usize, usize)) -> Nested {
    let repeat = |folds: &[&Fold]| {
        let mut probabilities = vec![f64::NAN; labels.len()];
        folds.iter().flat_map(|fold| &fold.probabilities).for_each(|&(row, p)| probabilities[row] = p);
        Judged::new(probabilities, labels.to_vec())
    };
    let mut chosen = vec![0; settings];
    folds.iter().for_each(|fold| chosen[fold.chosen] += 1);
    Nested {
        fold_aucs: folds.iter().map(|fold| fold.auc).collect(),
        repeats: folds.chunks(outer).map(repeat).collect(),
        chosen,
    }
}
