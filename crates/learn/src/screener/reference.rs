//! The training people as a new person is compared with them: evidence and distance of each, out of fold, part by part.
//!
//! Kept by person and part (task or modality), so that whichever parts somebody has, they are compared with people on the same parts,
//! and the line of these parts can be fitted when it is asked for. No ids and no values are kept, and the order is that of shuffled
//! folds.

use serde::{Deserialize, Serialize};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    fit::Shown,
    fusion::{Evidence, Joining, alone, correlated},
    packed,
};
use crate::{
    conformal::Ranks,
    estimator::{Joint, Told},
};

/// Most people kept of each class: ranks among a thousand are finer than any error rate asks for.
const MOST: usize = 1000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    impaired: Vec<bool>,
    /// Out-of-fold log likelihood ratios, `[people, tasks]`.
    #[serde(with = "packed")]
    ratios: Vec<f32>,
    /// Out-of-fold mean squares of the distance, likewise.
    #[serde(with = "packed")]
    squares: Vec<f32>,
}

impl Reference {
    pub(crate) fn of(shown: &Shown) -> Self {
        let mut left = [MOST; 2];
        let kept = |&person: &usize| {
            let left = &mut left[usize::from(shown.labels[person])];
            let keep = *left > 0;
            *left = left.saturating_sub(1);
            keep
        };
        let people: Vec<usize> = (0..shown.labels.len()).filter(kept).collect();
        let packed = |evidence: &Evidence| {
            let of_person = |&person: &usize| {
                evidence.iter().map(move |task| task[person].map_or(MISSING, |it| it as f32))
            };
            people.iter().flat_map(of_person).collect()
        };
        Self {
            impaired: people.iter().map(|&person| shown.labels[person]).collect(),
            ratios: packed(&shown.evidence),
            squares: packed(&shown.distances),
        }
    }

    /// What serde cannot see: that there is a number for each person and task.
    pub(crate) fn fits(&self, tasks: usize) -> bool {
        let cells = self.impaired.len() * tasks;
        self.ratios.len() == cells && self.squares.len() == cells
    }

    /// How many healthy and impaired people did all of these tasks.
    pub(crate) fn people(&self, tasks: &[usize], all: usize) -> (usize, usize) {
        let impaired = self.did(&self.ratios, tasks, all).filter(|it| it.0).count();
        (self.did(&self.ratios, tasks, all).count() - impaired, impaired)
    }

    /// What these of `all` parts say together.
    pub(crate) fn joint(&self, parts: &[usize], all: usize, (joining, rho): (Joining, f64)) -> Joint {
        match joining {
            Joining::Correlation => correlated(parts, rho),
            Joining::Lines => line(&self.told(all), parts),
        }
    }

    /// The same by people drawn with replacement, each class by itself: one for each of `draws`. Nothing is drawn where one
    /// correlation joins, since every refit has its own.
    pub(crate) fn redrawn(&self, joint: &Joint, all: usize, draws: usize) -> Vec<Joint> {
        let told = self.told(all);
        let mut classes: [Vec<usize>; 2] = Default::default();
        let having = told.having(&joint.parts);
        having.iter().for_each(|&it| classes[usize::from(told.impaired[it])].push(it));
        let draw = |draw: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(draw as u64);
            let mut one = |of: &Vec<usize>| -> Vec<usize> {
                (0..of.len()).map(|_| of[random.random_range(0..of.len())]).collect()
            };
            let people = classes.each_ref().map(&mut one).concat();
            let drawn = told.of(&people);
            drawn.line(&joint.parts, ones).unwrap_or_else(|| joint.clone())
        };
        (0..draws).map(draw).collect()
    }

    /// Joint evidence of the people who have all of these of `all` parts. Where lines join, each fifth of the people is joined by a
    /// line fitted on the others: nobody's own label is in their rank.
    pub(crate) fn ranks(&self, parts: &[usize], all: usize, (joining, rho): (Joining, f64)) -> Ranks {
        let told = self.told(all);
        let having = told.having(parts);
        let whole = self.joint(parts, all, (joining, rho));
        let crossed: Vec<Joint> = match joining {
            Joining::Lines if parts.len() > 1 => (0..CROSSED)
                .map(|held| {
                    let others: Vec<usize> = having
                        .iter()
                        .enumerate()
                        .filter(|(it, _)| it % CROSSED != held)
                        .map(|(_, &it)| it)
                        .collect();
                    told.of(&others).line(parts, ones).unwrap_or_else(|| whole.clone())
                })
                .collect(),
            _ => vec![whole],
        };
        let of = |(place, &person): (usize, &usize)| {
            let joint = &crossed[place % crossed.len()];
            (joint.ratio(|part| told.scores[part][person].unwrap_or_default()), told.impaired[person])
        };
        Ranks::of(having.iter().enumerate().map(of))
    }

    /// The out-of-fold evidence as lines are fitted on it.
    fn told(&self, all: usize) -> Told {
        let rows = || self.ratios.chunks_exact(all.max(1));
        let score = |part: usize| {
            rows().map(|row| (row[part] > MISSING).then(|| f64::from(row[part]))).collect::<Vec<_>>()
        };
        Told { impaired: self.impaired.clone(), scores: (0..all).map(score).collect() }
    }

    /// The mean square that all but the share `turned_away` of the people who did these tasks stay within: at least as many
    /// as conformal ranks ask for, or all of them where they are few. `None` where nobody did them all.
    pub(crate) fn limit(&self, tasks: &[usize], all: usize, turned_away: f64) -> Option<f64> {
        let mean = |it: (bool, Vec<f64>)| it.1.iter().sum::<f64>() / it.1.len() as f64;
        let mut squares: Vec<f64> = self.did(&self.squares, tasks, all).map(mean).collect();
        squares.sort_unstable_by(f64::total_cmp);
        let within = ((1.0 - turned_away) * (squares.len() + 1) as f64).ceil() as usize;
        squares.get(within.min(squares.len()).checked_sub(1)?).copied()
    }

    /// Class and numbers of each person who did all of these tasks.
    fn did<'a>(
        &'a self,
        cells: &'a [f32],
        tasks: &'a [usize],
        all: usize,
    ) -> impl Iterator<Item = (bool, Vec<f64>)> + 'a {
        let person = move |(&impaired, row): (&bool, &[f32])| {
            let numbers: Vec<f64> = tasks.iter().map(|&task| f64::from(row[task])).collect();
            // What is missing is marked by a number no ratio and no square can be.
            numbers.iter().all(|it| *it > f64::from(MISSING)).then_some((impaired, numbers))
        };
        self.impaired.iter().zip(cells.chunks_exact(all.max(1))).filter_map(person)
    }
}

/// The line of parts, or of those that enough people have together; one part counts as it is.
fn line(told: &Told, parts: &[usize]) -> Joint {
    let heard = told.heard(parts);
    let first = heard.first().copied().unwrap_or_default();
    let line = (heard.len() > 1).then(|| told.line(&heard, ones)).flatten();
    line.unwrap_or_else(|| alone(first))
}

fn ones(answers: &crate::label::Answers) -> Vec<f64> {
    vec![1.0; answers.len()]
}

/// Parts of the people whose ranks are by a line fitted on the others.
const CROSSED: usize = 5;

/// Marks a task that was not done: equal to itself, unlike NaN, so that artefacts can be compared.
const MISSING: f32 = f32::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> Reference {
        let evidence =
            vec![vec![Some(-1.0), Some(0.5), Some(2.0), None], vec![Some(-2.0), Some(0.25), None, Some(1.0)]];
        let distances =
            vec![vec![Some(1.0), Some(4.0), Some(2.0), None], vec![Some(3.0), Some(2.0), None, Some(1.0)]];
        Reference::of(&Shown { evidence, distances, labels: vec![false, false, true, true] })
    }

    #[test]
    fn people_are_compared_on_the_tasks_that_were_done() {
        let it = reference();
        assert_eq!((it.people(&[0], 2), it.people(&[1], 2), it.people(&[0, 1], 2)), ((2, 1), (2, 1), (2, 0)));
        // Of the healthy people one has evidence of at least 0 on the first task; of the impaired one, none at most 0.
        assert_eq!(it.ranks(&[0], 2, (Joining::Correlation, 0.0)).p(0.0), (2.0 / 3.0, 0.5));
        assert_eq!(it.limit(&[0, 1], 2, 0.01), Some(3.0));
        assert!(it.fits(2) && !it.fits(3));
    }

    #[test]
    fn the_limit_leaves_out_the_share_that_was_asked_for() {
        let distances = vec![(1..=99).map(|it| Some(f64::from(it))).collect()];
        let evidence = vec![vec![Some(0.0); 99]];
        let it =
            Reference::of(&Shown { evidence, distances, labels: (0..99).map(|it| it % 2 == 0).collect() });
        assert_eq!((it.limit(&[0], 1, 0.1), it.limit(&[0], 1, 0.001)), (Some(90.0), Some(99.0)));
        assert_eq!(Reference::default().limit(&[0], 1, 0.1), None);
    }
}
