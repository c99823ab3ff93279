//! What labels that were dealt out anew give, and what more people bring: as on the card of two classes, by the metric that
//! chooses settings.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DRAWS, Fold, judged::Judged, outer_fold, spread};
use crate::{
    Error, Interval, Plan, Training,
    evaluate::{
        Permutation, Stage,
        curve::{REPEATS, at_shares, smaller},
        outer::{Outer, outer},
        permutation::permuted,
    },
    seed::derive,
};

/// One point of the learning curve of three classes or points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradedPoint {
    /// People fitted on: the mean over outer folds.
    pub people: f64,
    /// Macro AUC, or mean absolute error in points, of the same held people at every point, with its 95 % interval.
    pub value: Interval,
}

/// The test of a plan; `None` where it asks for no permutations.
pub(super) fn permutation<Y: Judged>(
    everybody: &Training<'_, Y>,
    plan: &Plan,
    stage: &Stage<'_>,
) -> Result<Option<Permutation>, Error> {
    if plan.permutations == 0 {
        return Ok(None);
    }
    let quick = Plan { repeats: 1, families: vec![Y::quick()], ..plan.clone() };
    let quality = |people: &Training<'_, Y>| {
        let folds = outer(people, &quick)?;
        let each = folds.iter().map(|it| {
            let said = outer_fold(&quick.families[0], it, &quick)?.said;
            Ok(Y::quality(&said.iter().map(|it| it.1).collect::<Vec<_>>(), it.held.labels()))
        });
        // A site that is left out may hold one class only, which has no area.
        let each = each.collect::<Result<Vec<f64>, Error>>()?;
        let known: Vec<f64> = each.into_iter().filter(|it| it.is_finite()).collect();
        feature::mean(&known).ok_or(Error::OneNumber { place: "groups", people: people.len() })
    };
    let mut found = permuted(everybody, &quick, stage, &quality)?;
    found.observed = Y::written(found.observed);
    found.permuted.iter_mut().for_each(|it| *it = Y::written(*it));
    Ok(Some(found))
}

/// The curve of a quick family at the plan's shares of the training people, smallest first. A share that leaves too few people
/// for the inner folds has no point.
pub(super) fn learning_curve<Y: Judged>(
    everybody: &Training<'_, Y>,
    plan: &Plan,
    stage: &Stage<'_>,
) -> Result<Vec<GradedPoint>, Error> {
    let quick = Plan { repeats: plan.repeats.min(REPEATS), families: vec![Y::quick()], ..plan.clone() };
    let folds = outer(everybody, &quick)?;
    at_shares(plan, stage, |share| point(&folds, everybody, (share, &quick), stage))
}

fn point<Y: Judged>(
    folds: &[Outer<'_, Y>],
    everybody: &Training<'_, Y>,
    (share, plan): (f64, &Plan),
    stage: &Stage<'_>,
) -> Result<Option<GradedPoint>, Error> {
    let Some(folds) = folds.iter().map(|it| smaller(it, share, plan)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let judge = |it: &Outer<'_, Y>| {
        stage.piece(&format!("{share}/{}/{}", it.repeat, it.fold), || outer_fold(&plan.families[0], it, plan))
    };
    let judged = folds.par_iter().map(judge).collect::<Result<Vec<Fold<Y>>, Error>>()?;
    let mut said: Vec<(usize, usize, Y::Score)> = vec![];
    for (outer, fold) in folds.iter().zip(&judged) {
        said.extend(fold.said.iter().map(|it| (outer.repeat, it.0, it.1)));
    }
    said.sort_by_key(|it| (it.0, it.1));
    let repeats: Vec<Vec<Y::Score>> =
        said.chunk_by(|a, b| a.0 == b.0).map(|repeat| repeat.iter().map(|it| it.2).collect()).collect();
    let draws = (plan.draws, derive(plan.seed, &[DRAWS]));
    let metrics = spread(&repeats, everybody.labels(), draws, Y::metrics);
    let people = folds.iter().map(|it| it.training.len() as f64).sum::<f64>() / folds.len() as f64;
    Ok(metrics.map(|metrics| GradedPoint { people, value: metrics[Y::HEADLINE] }))
}
