//! Late fusion: an estimator a modality or task, joined by a line over whichever of them somebody has.
//!
//! Each part — what was said, what was drawn — is fitted by itself on the training people who have it, and scores training people
//! whom it was not fitted on; the lines that join are fitted on these out-of-fold scores ([`joint`](super::joint)), each set of
//! parts when somebody with that set is met.
//!
//! So **absence is no evidence**: that a part is missing, or who lacks it, moves nothing, and somebody with no part at all gets a
//! log likelihood ratio of exactly 0. Where too few people showed how the parts of a person go together, those speak that enough
//! people have.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::Column;

use super::{
    ClassWeights, Estimator, Peeled, fit,
    fit::Fit,
    joint::{FEWEST, Joint, Told},
};
use crate::{
    Error, Training,
    label::{Answers, Label},
    prepare::Preparation,
    training::{Held, People},
};

/// What the parts of a late fusion are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Parts {
    /// The rooms that measured: `voice`, `ink` — the first word of a feature's name.
    Modality,
    /// The tasks.
    Task,
}

impl Parts {
    fn name(self, column: &Column) -> &str {
        match self {
            Self::Modality => column.feature.split('.').next().unwrap_or_default(),
            Self::Task => column.task.as_str(),
        }
    }

    /// Columns of each part, in the order of their first column.
    pub(crate) fn of(self, columns: &[Column]) -> Vec<(String, Vec<usize>)> {
        let mut parts: Vec<(String, Vec<usize>)> = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            let name = self.name(column);
            match parts.iter_mut().find(|(known, _)| known == name) {
                Some((_, places)) => places.push(place),
                None => parts.push((name.to_owned(), vec![place])),
            }
        }
        parts
    }
}

/// Fitted parts and what the lines that join them are fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Fusion {
    parts: Vec<Part>,
    told: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<ClassWeights>,
}

/// One modality or task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Part {
    name: String,
    columns: Vec<usize>,
    fit: Fit,
}

/// Fits the fusion that `peeled` holds.
pub(super) fn fit<Y: Label>(
    peeled: &Peeled<'_>,
    training: &Training<'_, Y>,
    answers: &Answers,
) -> Result<Fusion, Error> {
    let Estimator::Fusion { of, by, folds, seed } = peeled.estimator else {
        unreachable!("only fusions are fitted here")
    };
    let (member, named) = (peeled.member(of), by.of(training.0.table.columns()));
    let columns: Vec<Vec<usize>> = named.iter().map(|(_, columns)| columns.clone()).collect();
    let told = out_of_fold(&member, &columns, training.split(*folds, *seed)?)?;
    let mut parts = vec![];
    let mut scores = vec![];
    for (place, (name, columns)) in named.into_iter().enumerate() {
        if !told.enough(&[place]) {
            continue;
        }
        let Some(fit) = fit_part(&member, training, &columns)? else { continue };
        parts.push(Part { name, columns, fit });
        scores.push(told.scores[place].clone());
    }
    if parts.is_empty() {
        return Err(nothing(training, &columns, answers.len()));
    }
    let weights = peeled.weights.cloned();
    Ok(Fusion { parts, told: Told { scores, ..told }, weights })
}

/// Nothing was measured, or of too few people to join anything.
fn nothing<Y: Label>(training: &Training<'_, Y>, columns: &[Vec<usize>], people: usize) -> Error {
    match training.measured_in(&columns.concat()).is_empty() {
        true => Error::NothingMeasured { place: "training".to_owned() },
        false => Error::TooFewToJoin { fewest: FEWEST, people },
    }
}

/// The member on one part of the people who have it; `None` where they are of one class.
fn fit_part<Y: Label>(
    member: &Estimator,
    training: &Training<'_, Y>,
    columns: &[usize],
) -> Result<Option<Fit>, Error> {
    let people = training.measured_in(columns);
    if people.check("fusion").is_err() {
        return Ok(None);
    }
    let preparation = Preparation::of_columns(&people, columns)?;
    let answers = Y::answers(people.labels());
    Ok(fit::prepared(std::slice::from_ref(member), &people, &answers, preparation)?.pop())
}

/// What each part says of training people it was not fitted on.
fn out_of_fold<Y: Label>(
    member: &Estimator,
    columns: &[Vec<usize>],
    sides: Vec<(Training<'_, Y>, Held<'_, Y>)>,
) -> Result<Told, Error> {
    let mut told = Told { scores: vec![vec![]; columns.len()], impaired: vec![] };
    for (inner, held) in sides {
        for (scores, columns) in told.scores.iter_mut().zip(columns) {
            let fit = fit_part(member, &inner, columns)?;
            scores.extend(fit.map_or_else(|| vec![None; held.len()], |fit| said(&fit, columns, &held.0)));
        }
        told.impaired.extend(Y::answers(held.labels()).classes().iter().map(|&class| class > 0));
    }
    Ok(told)
}

/// The score of everybody who has the part.
fn said<Y: Label>(fit: &Fit, columns: &[usize], people: &People<'_, Y>) -> Vec<Option<f64>> {
    people
        .did(columns)
        .into_iter()
        .zip(fit.outputs(people))
        .map(|(did, score)| did.then_some(score))
        .collect()
}

impl Fusion {
    /// The log likelihood ratio of each person; 0 for those who have no part.
    pub(super) fn outputs<Y: Label>(&self, people: &People<'_, Y>) -> Vec<f64> {
        let scores: Vec<Vec<Option<f64>>> =
            self.parts.iter().map(|part| said(&part.fit, &part.columns, people)).collect();
        let mut lines: HashMap<Vec<usize>, Option<Joint>> = HashMap::new();
        let ratio = |person: usize| {
            let set: Vec<usize> = (0..scores.len()).filter(|&it| scores[it][person].is_some()).collect();
            let line = lines.entry(set).or_insert_with_key(|set| self.line(set));
            line.as_ref().map_or(0.0, |it| it.ratio(|part| scores[part][person].unwrap_or_default()))
        };
        (0..people.rows.len()).map(ratio).collect()
    }

    /// The line of a set of parts, or of what can be heard of it; `None` for no parts.
    fn line(&self, set: &[usize]) -> Option<Joint> {
        let weight = |answers: &Answers| match &self.weights {
            Some(weights) => weights.of_people(answers),
            None => vec![1.0; answers.len()],
        };
        let heard = self.told.heard(set);
        (!heard.is_empty()).then(|| self.told.line(&heard, weight)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use feature::{Unit, Value};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use study::{FeatureTable, Task};

    use super::*;
    use crate::{metric::auc, synthetic};

    /// Half impaired; what is said and what is drawn each part the classes by `distance`, two columns each. `has` says who lacks
    /// what.
    fn table(people: usize, (distance, seed): (f64, u64), has: impl Fn(usize) -> [bool; 2]) -> FeatureTable {
        let column = |it: usize| {
            let name = ["voice.a", "voice.b", "ink.a", "ink.b"][it];
            Column::new(Task::new(if it < 2 { "story" } else { "clock" }).unwrap(), name, Unit::Second)
        };
        let mut table = FeatureTable::new((0..4).map(column).collect()).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for person in 0..people {
            let shift = if person % 2 == 1 { distance } else { 0.0 };
            let cells: Vec<f64> = (0..4).map(|_| (synthetic::normal(&mut random) + shift).exp()).collect();
            let value = |(it, cell): (usize, f64)| match has(person)[it / 2] {
                true => Value::Measured(cell),
                false => Value::Missing("not handed in".into()),
            };
            let values = cells.into_iter().enumerate().map(value).collect::<Vec<_>>();
            table.push(synthetic::person(person, person % 2 == 1), values).unwrap();
        }
        table
    }

    /// Of ten couples of a healthy and an impaired person, two lack the voice and one the drawing; healthy or not does not matter.
    fn lacking(person: usize) -> [bool; 2] {
        let couple = person / 2 % 10;
        [couple > 1, couple != 2]
    }

    fn fusion(by: Parts) -> Estimator {
        Estimator::Fusion { of: Box::new(Estimator::Logistic { c: 0.1 }), by, folds: 4, seed: 3 }
    }

    #[test]
    fn both_modalities_together_tell_more_than_each_alone_where_people_lack_one() {
        let (known, others) = (table(400, (0.7, 1), lacking), table(600, (0.7, 2), lacking));
        let area = |estimator: Estimator, columns: &[usize]| {
            let (known, others) = (known.select(columns), others.select(columns));
            let (training, held) = (Training::new(&known).unwrap(), Training::new(&others).unwrap());
            let scores = estimator.fit(&training).unwrap().of_people(&held.0);
            auc(&scores, held.labels())
        };
        let alone = Estimator::Logistic { c: 0.1 };
        let (voice, ink) = (area(alone.clone(), &[0, 1]), area(alone, &[2, 3]));
        let fused = area(fusion(Parts::Modality), &[0, 1, 2, 3]);
        assert!(voice.min(ink) > 0.65 && fused > voice.max(ink) + 0.03, "{fused} of {voice} and {ink}");
        assert_eq!(fused, area(fusion(Parts::Task), &[0, 1, 2, 3]), "the same parts by another name");
    }

    #[test]
    fn who_has_one_part_is_heard_and_who_has_none_is_no_evidence() {
        let (known, others) = (
            table(400, (1.0, 1), lacking),
            table(400, (1.0, 2), |person| {
                [[true, true], [true, false], [false, true], [false, false]][person / 2 % 4]
            }),
        );
        let (training, held) = (Training::new(&known).unwrap(), Training::new(&others).unwrap());
        let scores = fusion(Parts::Modality).fit(&training).unwrap().of_people(&held.0);
        for set in 0..4 {
            let of: Vec<usize> = (0..400).filter(|person| person / 2 % 4 == set).collect();
            let scores: Vec<f64> = of.iter().map(|&it| scores[it]).collect();
            let labels: Vec<bool> = of.iter().map(|&it| held.labels()[it]).collect();
            match set {
                3 => assert!(scores.iter().all(|it| *it == 0.0)),
                _ => assert!(auc(&scores, &labels) > 0.75, "{set}: {}", auc(&scores, &labels)),
            }
        }
    }

    /// Every fifth healthy person lacks the drawing, and every second impaired one: gaps that tell the label.
    #[test]
    fn that_a_part_is_absent_tells_nothing_even_where_it_would() {
        let gaps = |person: usize| [true, !(person / 2).is_multiple_of(if person % 2 == 1 { 2 } else { 5 })];
        let (known, others) = (table(600, (0.0, 1), gaps), table(600, (0.0, 2), gaps));
        let (training, held) = (Training::new(&known).unwrap(), Training::new(&others).unwrap());
        let area = |estimator: Estimator| {
            let scores = estimator.fit(&training).unwrap().of_people(&held.0);
            auc(&scores, held.labels())
        };
        assert!((area(fusion(Parts::Modality)) - 0.5).abs() < 0.06, "{}", area(fusion(Parts::Modality)));
        let seen = Estimator::Boosting {
            rounds: 20,
            rate: 0.2,
            leaves: 4,
            min_samples_leaf: 3,
            missing: crate::estimator::Missing::Direction,
        };
        assert!(area(seen) > 0.57, "the gaps do tell the label");
    }

    #[test]
    fn shuffled_labels_teach_nothing() {
        let area = |seed: u64| {
            let table = table(200, (0.0, seed), lacking);
            let everybody = Training::new(&table).unwrap();
            let (mut scores, mut labels) = (vec![], vec![]);
            for (training, held) in everybody.split(5, seed).unwrap() {
                scores.extend(fusion(Parts::Modality).fit(&training).unwrap().scores(&held));
                labels.extend_from_slice(held.labels());
            }
            auc(&scores, &labels)
        };
        let mean = (0..12).map(area).sum::<f64>() / 12.0;
        assert!((mean - 0.5).abs() < 0.035, "{mean}");
    }

    #[test]
    fn a_set_nobody_showed_is_heard_by_the_largest_of_it_that_somebody_did() {
        // In training nobody has both.
        let known =
            table(400, (1.0, 1), |person| if person / 2 % 2 == 0 { [true, false] } else { [false, true] });
        let others = table(200, (1.0, 2), |_| [true, true]);
        let (training, held) = (Training::new(&known).unwrap(), Training::new(&others).unwrap());
        let scores = fusion(Parts::Modality).fit(&training).unwrap().of_people(&held.0);
        let voice = Training::new(&known).unwrap();
        let voice = fusion(Parts::Modality).fit(&voice).unwrap();
        let alone = others.masked(
            &(0..200).map(|row| study::Block { row, task: &others.columns()[2].task }).collect::<Vec<_>>(),
            &"not handed in".into(),
        );
        assert_eq!(scores, voice.of_people(&Training::new(&alone).unwrap().0), "the first part speaks alone");
        assert!(auc(&scores, held.labels()) > 0.75);
    }

    #[test]
    fn too_few_people_to_join_is_a_clear_error() {
        let table = table(20, (1.0, 1), lacking);
        let error = fusion(Parts::Modality).fit(&Training::new(&table).unwrap()).unwrap_err().to_string();
        assert_eq!(
            error,
            "fusion: expected at least 10 people of each class with one part, got 20 people in all"
        );
    }
}
