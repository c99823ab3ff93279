//! Which people were held when: written beside the card, so that another program can judge on the same splits.

use serde::{Deserialize, Serialize};

use crate::{Error, Plan, Training, seed::derive};

/// Every split of a nested cross-validation, as rows of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits {
    /// Participants of the table by row, as in the cohort.
    pub participants: Vec<String>,
    /// One entry a repeat, each with its outer folds.
    pub repeats: Vec<Vec<OuterFold>>,
}

/// One outer fold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OuterFold {
    /// Rows that judge; everybody else trains.
    pub held: Vec<usize>,
    /// Rows that each inner fold holds out of the training people.
    pub inner: Vec<Vec<usize>>,
}

/// Seed of the outer split of a repeat.
pub(crate) fn outer_seed(plan: &Plan, repeat: usize) -> u64 {
    derive(plan.seed, &[repeat as u64])
}

/// Seed of the inner split of an outer fold.
pub(crate) fn inner_seed(plan: &Plan, repeat: usize, fold: usize) -> u64 {
    derive(plan.seed, &[repeat as u64, fold as u64])
}

impl Splits {
    /// The splits of this plan over these people. [`evaluate`](crate::evaluate()) makes the same ones.
    pub fn draw(everybody: &Training<'_>, plan: &Plan) -> Result<Self, Error> {
        let fold = |repeat, (fold, (training, held)): (usize, (Training<'_>, crate::Held<'_>))| {
            let inner = training.split(plan.inner, inner_seed(plan, repeat, fold))?;
            let inner = inner.iter().map(|(_, held)| held.rows().to_vec()).collect();
            Ok(OuterFold { held: held.rows().to_vec(), inner })
        };
        let repeat = |repeat| {
            let folds = everybody.split(plan.outer, outer_seed(plan, repeat))?;
            folds.into_iter().enumerate().map(|it| fold(repeat, it)).collect()
        };
        let people = everybody.0.table.participants();
        Ok(Self {
            participants: people.iter().map(|person| person.id.reveal().to_owned()).collect(),
            repeats: (0..plan.repeats).map(repeat).collect::<Result<_, Error>>()?,
        })
    }
}
