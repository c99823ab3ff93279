//! Which people were held when: written beside the card, so that another program can judge on the same splits.

use serde::{Deserialize, Serialize};

use super::outer::{Outer, outer};
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
        let fold = |it: &Outer<'_>| {
            let inner = it.training.split(plan.inner, inner_seed(plan, it.repeat, it.fold))?;
            let inner = inner.iter().map(|(_, held)| held.rows().to_vec()).collect();
            Ok(OuterFold { held: it.held.rows().to_vec(), inner })
        };
        let folds = outer(everybody, plan)?;
        let repeats =
            folds.chunk_by(|a, b| a.repeat == b.repeat).map(|folds| folds.iter().map(fold).collect());
        let people = everybody.0.table.participants();
        Ok(Self {
            participants: people.iter().map(|person| person.id.reveal().to_owned()).collect(),
            repeats: repeats.collect::<Result<_, Error>>()?,
        })
    }
}
