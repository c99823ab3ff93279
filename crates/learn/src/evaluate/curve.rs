//! How the AUC grows with the people to learn from: whether more of them would help.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Family, Plan, Stage,
    nested::{gather, outer_fold},
    outer::{Outer, outer},
    splits::inner_seed,
};
use crate::{Error, Interval, Training, card, label::Label, seed::derive};

/// Repeats of the outer folds: enough for a curve, a fifth of what the headline has.
pub(super) const REPEATS: usize = 2;

/// One point of the learning curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// People fitted on: the mean over outer folds.
    pub people: f64,
    /// AUC of the same held people at every point, with its 95 % interval from drawing them.
    pub auc: Interval,
}

/// The curve of a quick family at the plan's shares of the training people, smallest first. A share that leaves fewer
/// people of a class than the inner folds need has no point.
pub(crate) fn learning_curve(
    everybody: &Training<'_>,
    plan: &Plan,
    stage: &Stage<'_>,
) -> Result<Vec<CurvePoint>, Error> {
    let repeats = plan.repeats.min(REPEATS);
    let quick = Plan { repeats, families: vec![Family::logistic()], ..plan.clone() };
    let folds = outer(everybody, &quick)?;
    at_shares(plan, stage, |share| point(&folds, everybody, (share, &quick), stage))
}

/// The points that there are at the plan's shares.
pub(super) fn at_shares<P>(
    plan: &Plan,
    stage: &Stage<'_>,
    mut point: impl FnMut(f64) -> Result<Option<P>, Error>,
) -> Result<Vec<P>, Error> {
    let progress = stage.steps(plan.curve.len());
    let mut points = vec![];
    for &share in &plan.curve {
        points.extend(point(share)?);
        progress();
    }
    Ok(points)
}

fn point(
    folds: &[Outer<'_>],
    everybody: &Training<'_>,
    (share, plan): (f64, &Plan),
    stage: &Stage<'_>,
) -> Result<Option<CurvePoint>, Error> {
    let Some(folds) = folds.iter().map(|it| smaller(it, share, plan)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let judge = |it: &Outer<'_>| {
        let seed = inner_seed(plan, it.repeat, it.fold);
        let name = format!("{share}/{}/{}", it.repeat, it.fold);
        stage.piece(&name, || outer_fold(&plan.families[0], it, plan, seed))
    };
    let judged = folds.par_iter().map(judge).collect::<Result<Vec<_>, Error>>()?;
    let pairs: Vec<_> = folds.iter().zip(&judged).collect();
    let nested = gather(&pairs, everybody.labels(), plan, plan.families[0].grid.len());
    let people = folds.iter().map(|it| it.training.len() as f64).sum::<f64>() / folds.len() as f64;
    Ok(Some(CurvePoint { people, auc: card::reading(&nested, plan).metrics.auc }))
}

/// The fold with a share of its training people; `None` where they are too few for the inner folds.
pub(super) fn smaller<'a, Y: Label>(of: &Outer<'a, Y>, share: f64, plan: &Plan) -> Option<Outer<'a, Y>> {
    let seed = derive(plan.seed, &[SEED, of.repeat as u64, of.fold as u64]);
    let training = of.training.part(share, seed);
    let Outer { repeat, fold, .. } = *of;
    Y::can_split(training.labels(), plan.inner).ok()?;
    Some(Outer { repeat, fold, training, held: of.held.clone() })
}

const SEED: u64 = 0xc0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn the_curve_rises_with_people_and_ends_at_all_of_them() {
        let table = synthetic::table(200, 12, 0.45, 1);
        let plan = Plan { curve: vec![0.02, 0.1, 0.4, 1.0], draws: 100, ..Plan::default() };
        let points = learning_curve(&Training::new(&table).unwrap(), &plan, &Stage::silent()).unwrap();
        let people: Vec<f64> = points.iter().map(|it| it.people).collect();
        assert_eq!(people, [16.0, 64.0, 160.0], "two people of each class are too few for four inner folds");
        assert!(points[2].auc.value > points[0].auc.value + 0.02, "{points:?}");
        assert!(points.iter().all(|it| it.auc.low < it.auc.high));
    }
}
