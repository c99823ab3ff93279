//! One look at people who were set aside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Cohort, FeatureTable, Holdout};

use super::{
    COPIED, Family, Plan,
    nested::{gather, outer_fold},
    outer::Outer,
    table_of, work,
};
use crate::{Error, Held, Training, audit, card, card::Reading, seed::derive};

/// What a look at the people set aside showed. It is worth what the count of looks leaves of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldoutLook {
    /// When each look was, the first first, in UTC. Their number is the number of this look.
    pub looks: Vec<String>,
    /// People fitted on.
    pub trained_on: usize,
    /// Each estimator, fitted on everybody else, in the order of the plan.
    pub estimators: Vec<HoldoutEvidence>,
}

/// One estimator on the people set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldoutEvidence {
    /// Name of the family.
    pub name: String,
    /// What it reached, copied blocks masked; intervals from drawing the people set aside.
    pub reading: Reading,
}

/// Counts a look at these numbers by this plan and program. Write the holdout before anything is shown.
pub fn count_look(whole: &Cohort, holdout: &mut Holdout, plan: &Plan) -> Result<usize, Error> {
    Ok(holdout.look(&work::key(whole, plan)?))
}

/// Fits every family of the plan on the people who are not set aside, as an outer fold does on its training people, and judges
/// those who are. The look must have been counted ([`count_look`]); one that was not is an error.
pub fn look(whole: &Cohort, holdout: &Holdout, plan: &Plan) -> Result<HoldoutLook, Error> {
    plan.check()?;
    counted(holdout, &work::key(whole, plan)?)?;
    let (rest, held) = sides(whole, holdout)?;
    let (training, held) = (Training::new(&rest)?, Training::new(&held)?);
    training.both_classes("cohort")?;
    held.both_classes("holdout")?;
    let trained_on = training.len();
    let outer = Outer { repeat: 0, fold: 0, training, held: Held(held.0.clone()) };
    let plan = Plan { by: None, ..plan.clone() };
    let judge = |family: &Family| {
        let fold = outer_fold(family, &outer, &plan, derive(plan.seed, &[SEED]))?;
        let nested = gather(&[(&outer, &fold)], held.labels(), &plan, family.grid.len());
        Ok(HoldoutEvidence { name: family.name.clone(), reading: card::reading(&nested, &plan) })
    };
    Ok(HoldoutLook {
        looks: holdout.looks().iter().map(|it| it.at.clone()).collect(),
        trained_on,
        estimators: plan.families.iter().map(judge).collect::<Result<_, Error>>()?,
    })
}

/// Refuses a look by `key` that was not counted.
pub(super) fn counted(holdout: &Holdout, key: &str) -> Result<(), Error> {
    if holdout.looks().last().is_some_and(|it| it.by == key) {
        return Ok(());
    }
    let got = "none by this plan".to_owned();
    Err(Error::BadSetting { what: "holdout", expected: "a look that was counted", got })
}

/// The people who are not set aside, and those who are, copied blocks masked. Copies are looked for in everybody: a block set
/// aside may be a copy of one that is not.
pub(super) fn sides(whole: &Cohort, holdout: &Holdout) -> Result<(FeatureTable, FeatureTable), Error> {
    let table = table_of(whole)?;
    let masked = table.masked(&audit::copied_blocks(&table).concat(), &COPIED.into());
    let side = |held: bool| {
        let people = masked.participants();
        let rows = (0..masked.len()).filter(|&row| holdout.holds(&people[row]) == held);
        masked.of_people(&rows.collect::<Vec<_>>())
    };
    Ok((side(false), side(true)))
}

const SEED: u64 = 0x401d;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use study::Provenance;

    #[test]
    fn a_look_judges_those_set_aside_by_what_was_fitted_on_the_others_and_counts() {
        let table = synthetic::table(120, 3, 1.2, 3);
        let participants = table.participants().to_vec();
        let cohort = Cohort {
            provenance: Provenance::default(),
            participants,
            table: Some(table),
            later: vec![],
            submissions: vec![],
        };
        let mut holdout = Holdout::draw(&cohort, 0.3, 1).unwrap();
        let plan = Plan { families: vec![Family::logistic()], draws: 200, ..Plan::default() };
        let uncounted = look(&cohort, &holdout, &plan).unwrap_err().to_string();
        assert!(uncounted.contains("a look that was counted"), "{uncounted}");
        assert_eq!(count_look(&cohort, &mut holdout, &plan).unwrap(), 1);
        let first = look(&cohort, &holdout, &plan).unwrap();
        let reading = &first.estimators[0].reading;
        assert_eq!((first.trained_on, reading.people, reading.impaired, first.looks.len()), (84, 36, 18, 1));
        assert!(reading.metrics.auc.value > 0.8 && reading.metrics.auc.low < reading.metrics.auc.value);
        count_look(&cohort, &mut holdout, &plan).unwrap();
        let again = look(&cohort, &holdout, &plan).unwrap();
        assert_eq!((again.looks.len(), &again.estimators), (2, &first.estimators));
        assert!(
            super::super::evaluate(&holdout.rest(&cohort), &Plan { repeats: 1, ..plan }, &|_| ())
                .is_ok_and(|it| it.card.cohort.people == 84)
        );
    }
}
