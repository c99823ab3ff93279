//! One look at people who were set aside, of three classes or points.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Cohort, Holdout};

use super::{DRAWS, GradedMetrics, Target, judged::Judged, outer_fold, spread};
use crate::{
    Error, Held, Plan, Training,
    evaluate::{holdout, outer::Outer, work},
    label::Points,
    seed::derive,
};

/// What a look at the people set aside showed. It is worth what the count of looks leaves of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradedLook {
    /// When each look was, the first first, in UTC. Their number is the number of this look.
    pub looks: Vec<String>,
    /// People fitted on.
    pub trained_on: usize,
    /// People set aside of whom what was asked is known.
    pub people: usize,
    /// Each estimator, fitted on everybody else, in the order of the plan.
    pub estimators: Vec<GradedHoldout>,
}

/// One estimator on the people set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradedHoldout {
    /// Name of the family.
    pub name: String,
    /// What it reached, copied blocks masked; intervals from drawing the people set aside.
    pub metrics: GradedMetrics,
}

/// Counts a look at these numbers by this plan and program. Write the holdout before anything is shown.
pub fn count_graded_look(
    whole: &Cohort,
    holdout: &mut Holdout,
    target: Target,
    plan: &Plan,
) -> Result<usize, Error> {
    Ok(holdout.look(&work::key_graded(whole, target, plan)?))
}

/// Fits every family of the plan on the people who are not set aside, as an outer fold does on its training people, and judges
/// those who are. The look must have been counted ([`count_graded_look`]); one that was not is an error.
pub fn look_graded(
    whole: &Cohort,
    holdout: &Holdout,
    target: Target,
    plan: &Plan,
) -> Result<GradedLook, Error> {
    plan.check()?;
    holdout::counted(holdout, &work::key_graded(whole, target, plan)?)?;
    let (rest, held) = holdout::sides(whole, holdout)?;
    let points = |of: Points| -> Result<GradedLook, Error> {
        let side = |table| Training::by_points(table, of);
        judged(side(&rest)?, side(&held)?, holdout, plan)
    };
    match target {
        Target::Classes => {
            judged(Training::by_diagnosis(&rest)?, Training::by_diagnosis(&held)?, holdout, plan)
        }
        Target::Mmse => points(Points::Mmse),
        Target::Moca => points(Points::Moca),
    }
}

fn judged<Y: Judged>(
    training: Training<'_, Y>,
    held: Training<'_, Y>,
    holdout: &Holdout,
    plan: &Plan,
) -> Result<GradedLook, Error> {
    training.check("cohort")?;
    held.check("holdout")?;
    let (trained_on, people) = (training.len(), held.len());
    let outer = Outer { repeat: 0, fold: 0, training, held: Held(held.0) };
    let truth = outer.held.labels();
    let draws = (plan.draws, derive(plan.seed, &[DRAWS]));
    let estimators = plan.families.iter().map(|family| {
        let said = vec![outer_fold(family, &outer, plan)?.said.iter().map(|it| it.1).collect()];
        let none = || Error::OneNumber { place: "holdout", people };
        let intervals = spread(&said, truth, draws, Y::metrics).ok_or_else(none)?;
        Ok(GradedHoldout { name: family.name.clone(), metrics: Y::gathered(&intervals, &said, truth) })
    });
    Ok(GradedLook {
        looks: holdout.looks().iter().map(|it| it.at.clone()).collect(),
        trained_on,
        people,
        estimators: estimators.collect::<Result<_, Error>>()?,
    })
}
