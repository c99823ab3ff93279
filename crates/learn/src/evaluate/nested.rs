//! Nested cross-validation of estimators on one table.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Family, Plan, Stage,
    outer::{Outer, outer},
    splits::inner_seed,
};
use crate::{
    Error, Estimator, Training,
    calibrate::{Calibration, Calibrator},
    conformal::Ranks,
    estimator::sigmoid,
    metric::{Judged, auc},
    screener::Band,
    seed::derive,
};

/// What one estimator family reached on one table.
#[derive(Debug, Clone)]
pub(crate) struct Nested {
    /// AUC of each outer fold of each repeat; of folds with people of both classes.
    pub(crate) fold_aucs: Vec<f64>,
    /// Calibrated out-of-fold probabilities of everybody, one entry a repeat.
    pub(crate) repeats: Vec<Judged>,
    /// Conformal band of everybody at the plan's error rate, one entry a repeat.
    pub(crate) bands: Vec<Vec<Band>>,
    /// Rows of each group that was left out; empty where folds were drawn.
    pub(crate) groups: Vec<Vec<usize>>,
    /// How often each setting of the grid won the inner search.
    pub(crate) chosen: Vec<usize>,
    /// How each outer fold was calibrated.
    pub(crate) calibrated: Vec<Calibrator>,
}

/// One family on one outer fold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fold {
    /// `None` where the held people are of one class.
    auc: Option<f64>,
    chosen: usize,
    calibrated: Calibrator,
    people: Vec<HeldPerson>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct HeldPerson {
    row: usize,
    probability: f64,
    band: Band,
}

/// Judges each family of the plan on everybody of `everybody`, each person by what was fitted on others.
pub(crate) fn nested(everybody: &Training<'_>, plan: &Plan, stage: &Stage<'_>) -> Result<Vec<Nested>, Error> {
    let folds = outer(everybody, plan)?;
    let progress = stage.steps(folds.len());
    let judge = |it: &Outer<'_>| {
        let seed = inner_seed(plan, it.repeat, it.fold);
        let all = || plan.families.iter().map(|family| outer_fold(family, it, plan, seed)).collect();
        let judged = stage.piece(&format!("{}/{}", it.repeat, it.fold), all);
        progress();
        judged
    };
    let judged: Vec<Vec<Fold>> = folds.par_iter().map(judge).collect::<Result<_, Error>>()?;
    let of_family = |family: usize| {
        let of_fold: Vec<(&Outer<'_>, &Fold)> =
            folds.iter().zip(judged.iter().map(|it| &it[family])).collect();
        gather(&of_fold, everybody.labels(), plan, plan.families[family].grid.len())
    };
    Ok((0..plan.families.len()).map(of_family).collect())
}

/// Chooses a setting and calibrates it on inner folds of the training people, refits on all of them, and judges the held.
pub(crate) fn outer_fold(
    family: &Family,
    Outer { training, held, .. }: &Outer<'_>,
    plan: &Plan,
    seed: u64,
) -> Result<Fold, Error> {
    let Search { chosen, calibration, ranks } = search(family, training, plan, seed)?;
    let fitted = family.grid[chosen].clone().seeded(derive(seed, &[0])).fit(training)?;
    let scores = fitted.scores(held);
    let person = |(&row, &score): (&usize, &f64)| HeldPerson {
        row,
        probability: sigmoid(calibration.log_odds(score)),
        band: ranks.band(score, plan.error_rate),
    };
    let area = auc(&scores, held.labels());
    Ok(Fold {
        auc: area.is_finite().then_some(area),
        chosen,
        calibrated: calibration.kind(),
        people: held.rows().iter().zip(&scores).map(person).collect(),
    })
}

/// What inner folds decide.
pub(crate) struct Search {
    pub(crate) chosen: usize,
    pub(crate) calibration: Calibration,
    ranks: Ranks,
}

/// The setting with the best mean AUC over inner folds (the first of equals), and from its inner out-of-fold scores the
/// calibration and the ranks of the bands.
pub(crate) fn search(
    family: &Family,
    training: &Training<'_>,
    plan: &Plan,
    seed: u64,
) -> Result<Search, Error> {
    let mut aucs = vec![0.0; family.grid.len()];
    let mut scores: Vec<Vec<Vec<f64>>> = vec![vec![]; family.grid.len()];
    let splits = training.split(plan.inner, seed)?;
    for (inner, (inner_training, inner_held)) in splits.iter().enumerate() {
        let seed = derive(seed, &[1 + inner as u64]);
        let grid: Vec<Estimator> = family.grid.iter().map(|it| it.clone().seeded(seed)).collect();
        for (it, fitted) in Estimator::fit_each(&grid, inner_training)?.iter().enumerate() {
            let of_fold = fitted.scores(inner_held);
            aucs[it] += auc(&of_fold, inner_held.labels());
            scores[it].push(of_fold);
        }
    }
    // Differences below a millionth are rounding: the earlier setting, which is the simpler one, stays.
    let better = |best: usize, it: usize| if aucs[it] > aucs[best] + 1e-6 { it } else { best };
    let chosen = (0..aucs.len()).fold(0, better);
    let folds: Vec<(&[f64], &[bool])> =
        scores[chosen].iter().zip(&splits).map(|(scores, (_, held))| (&scores[..], held.labels())).collect();
    let people = folds.iter().flat_map(|(scores, labels)| scores.iter().copied().zip(labels.iter().copied()));
    let ranks = Ranks::of(people);
    Ok(Search { chosen, calibration: Calibration::fit(plan.calibration, &folds)?, ranks })
}

/// Puts the folds of a family together: one judgement of everybody a repeat.
pub(crate) fn gather(folds: &[(&Outer<'_>, &Fold)], labels: &[bool], plan: &Plan, settings: usize) -> Nested {
    let repeat = |folds: &[(&Outer<'_>, &Fold)]| {
        let (mut probabilities, mut bands) =
            (vec![f64::NAN; labels.len()], vec![Band::Indeterminate; labels.len()]);
        for it in folds.iter().flat_map(|(_, fold)| &fold.people) {
            (probabilities[it.row], bands[it.row]) = (it.probability, it.band);
        }
        (Judged::new(probabilities, labels.to_vec()), bands)
    };
    let by_repeat = folds.chunk_by(|a, b| a.0.repeat == b.0.repeat);
    let (repeats, bands) = by_repeat.map(repeat).unzip();
    let mut chosen = vec![0; settings];
    folds.iter().for_each(|(_, fold)| chosen[fold.chosen] += 1);
    let groups = folds.iter().filter(|_| plan.by.is_some()).map(|(it, _)| it.held.rows().to_vec());
    Nested {
        fold_aucs: folds.iter().filter_map(|(_, fold)| fold.auc).collect(),
        repeats,
        bands,
        groups: groups.collect(),
        chosen,
        calibrated: folds.iter().map(|(_, fold)| fold.calibrated).collect(),
    }
}
