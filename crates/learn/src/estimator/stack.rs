//! Several estimators joined by a line (Wolpert 1992; Breiman 1996, "Stacked regressions").
//!
//! The line is fitted on what each estimator said of training people it was not fitted on: the training people are split once
//! more, by people, and nobody outside them is seen. Then each estimator is fitted again on all of them. Its scores are
//! standardised by the mean and deviation of the scores the line was fitted on.

use serde::{Deserialize, Serialize};

use super::{Estimator, Lesson, Peeled, fit};
use crate::{
    Error, Training,
    label::{Answers, Label},
    prepare::Design,
    training::People,
};
use fit::{Fit, Learned};

/// Probabilities closer to 0 than this are moved there before a logarithm is taken.
const NEVER_CERTAIN: f64 = 1e-6;

/// C of the line that joins: with one or three columns an estimator there is little to penalise.
const C: f64 = 1.0;

/// Fitted members and the line that joins them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stack {
    members: Vec<Fit>,
    /// Mean and deviation of each column that members give.
    scales: Vec<(f64, f64)>,
    joined: Box<Learned>,
}

/// Fits the stack that `peeled` holds.
pub(super) fn fit<Y: Label>(
    peeled: &Peeled<'_>,
    training: &Training<'_, Y>,
    answers: &Answers,
) -> Result<Stack, Error> {
    let Estimator::Stacking { of, folds, seed } = peeled.estimator else {
        unreachable!("only stacks are fitted here")
    };
    let members: Vec<Estimator> = of.iter().map(|member| peeled.member(member)).collect();
    let (mut columns, mut labels, mut rows) = (Vec::<Vec<f64>>::new(), Vec::new(), Vec::new());
    for (inner, held) in training.split(*folds, *seed)? {
        inner.check("stacking")?;
        let fits = fit::each(&members, &inner, &Y::answers(inner.labels()))?;
        let said = columns_of(&fits, &held.0);
        columns.resize(said.len(), vec![]);
        columns.iter_mut().zip(said).for_each(|(all, part)| all.extend(part));
        labels.extend_from_slice(held.labels());
        rows.extend_from_slice(held.rows());
    }
    let scales: Vec<(f64, f64)> = columns.iter().map(|column| scale(column)).collect();
    let (design, told) = (standardised(columns, &scales), Y::answers(&labels));
    let line = match answers {
        Answers::Numbers(_) => Estimator::ElasticNet { c: C, l1_ratio: 0.0 },
        _ => Estimator::Logistic { c: C },
    };
    let joined = line.learn(&Lesson::new(&design, &told, &rows), &peeled.people_weights(&told), 0);
    Ok(Stack { members: fit::each(&members, training, answers)?, scales, joined: Box::new(joined) })
}

impl Stack {
    /// `[people, outputs]`.
    pub(super) fn outputs<Y: Label>(&self, people: &People<'_, Y>) -> Vec<f64> {
        self.joined.outputs(&standardised(columns_of(&self.members, people), &self.scales))
    }
}

/// What members say of people, one list of people a member and output; probabilities of three classes as logarithms.
fn columns_of<Y: Label>(fits: &[Fit], people: &People<'_, Y>) -> Vec<Vec<f64>> {
    let mut columns = Vec::new();
    for fit in fits {
        let said = fit.outputs(people);
        let outputs = said.len() / people.rows.len().max(1);
        for output in 0..outputs {
            let column = said.iter().skip(output).step_by(outputs);
            columns.push(match outputs {
                1 => column.copied().collect(),
                _ => column.map(|share| share.max(NEVER_CERTAIN).ln()).collect(),
            });
        }
    }
    columns
}

/// Mean and deviation of scores; a deviation of 1 where they do not differ.
pub(super) fn scale(column: &[f64]) -> (f64, f64) {
    let mean = feature::mean(column).unwrap_or(0.0);
    (mean, feature::standard_deviation(column).filter(|it| *it > 1e-12).unwrap_or(1.0))
}

/// Scores on their scales, a column each.
pub(super) fn standardised(columns: Vec<Vec<f64>>, scales: &[(f64, f64)]) -> Design {
    let people = columns.first().map_or(0, Vec::len);
    let standard = |(column, (mean, spread)): (&Vec<f64>, &(f64, f64))| {
        column.iter().map(|it| (it - mean) / spread).collect::<Vec<f64>>()
    };
    let cells = columns.iter().zip(scales).flat_map(standard).collect();
    Design { people, columns: columns.len(), cells }
}
