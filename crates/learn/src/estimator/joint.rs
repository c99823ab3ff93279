//! One line over whichever parts somebody has.
//!
//! For each set of parts a logistic line is fitted on scores that the parts gave to training people whom they were not fitted on, by
//! everybody who has *at least* that set (stacking, Wolpert 1992; one reduced line a pattern of absence instead of invented scores:
//! Saar-Tsechansky & Provost 2007, J Mach Learn Res 8:1623–1657, "Handling missing values when applying classification models").
//! The log-odds of the people a line was fitted on are taken off its intercept, so what comes out is a log likelihood ratio, and
//! ratios of different sets can be compared (Brümmer & du Preez 2006; Nandakumar et al. 2008, IEEE TPAMI 30:342–347, "Likelihood
//! ratio-based biometric score fusion").

use serde::{Deserialize, Serialize};

use super::{Estimator, Lesson, fit::Learned, stack};
use crate::label::{Answers, counted};

/// C of the lines that join: a coefficient a part, there is little to penalise.
const C: f64 = 1.0;

/// Fewest people of each class a line is fitted on: below, a coefficient is an anecdote.
pub(crate) const FEWEST: usize = 10;

/// Scores that parts gave to people they were not fitted on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) impaired: Vec<bool>,
    /// A list of people a part; `None` where somebody does not have it.
    pub(crate) scores: Vec<Vec<Option<f64>>>,
}

/// What a set of parts says together: intercept + share · Σ weight · score of a part, a log likelihood ratio.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Joint {
    /// The parts that are heard, rising.
    pub(crate) parts: Vec<usize>,
    pub(crate) intercept: f64,
    /// What their sum counts for.
    pub(crate) share: f64,
    /// One a part.
    pub(crate) weights: Vec<f64>,
}

impl Joint {
    /// The log likelihood ratio of somebody by the scores of their parts, each of which must be there.
    pub(crate) fn ratio(&self, score: impl Fn(usize) -> f64) -> f64 {
        let terms = self.parts.iter().zip(&self.weights).map(|(&part, weight)| weight * score(part));
        self.intercept + self.share * terms.sum::<f64>()
    }
}

impl Told {
    /// Some of the people, as often as they are named.
    pub(crate) fn of(&self, people: &[usize]) -> Self {
        let part = |of: &Vec<Option<f64>>| people.iter().map(|&it| of[it]).collect();
        Self { impaired: self.labels(people), scores: self.scores.iter().map(part).collect() }
    }

    /// Places of the people who have every part of a set.
    pub(crate) fn having(&self, set: &[usize]) -> Vec<usize> {
        (0..self.impaired.len())
            .filter(|&it| set.iter().all(|&part| self.scores[part][it].is_some()))
            .collect()
    }

    /// People of the class that has fewer with a set.
    fn scarcer(&self, set: &[usize]) -> usize {
        let (healthy, impaired) = counted(&self.labels(&self.having(set)));
        healthy.min(impaired)
    }

    /// Whether enough people of both classes have a set.
    pub(crate) fn enough(&self, set: &[usize]) -> bool {
        self.scarcer(set) >= FEWEST
    }

    pub(crate) fn labels(&self, people: &[usize]) -> Vec<bool> {
        people.iter().map(|&it| self.impaired[it]).collect()
    }

    /// Of a set, the parts that enough people of both classes have together: while there are too few, the part goes whose absence
    /// leaves the most (the last of equals). A single part stays.
    pub(crate) fn heard(&self, set: &[usize]) -> Vec<usize> {
        let mut set = set.to_vec();
        while set.len() > 1 && !self.enough(&set) {
            let without = |place: usize| {
                let rest = set.iter().enumerate().filter(|(it, _)| *it != place);
                rest.map(|(_, &part)| part).collect::<Vec<_>>()
            };
            let rests = (0..set.len()).map(without);
            set = rests.max_by_key(|rest| self.scarcer(rest)).unwrap_or_default();
        }
        set
    }

    /// The line of exactly these parts, each person who has them counting by `weight`; `None` where nobody of a class has.
    pub(crate) fn line(&self, set: &[usize], weight: impl Fn(&Answers) -> Vec<f64>) -> Option<Joint> {
        let people = self.having(set);
        let labels = self.labels(&people);
        let (healthy, impaired) = counted(&labels);
        if healthy == 0 || impaired == 0 {
            return None;
        }
        let column = |&part: &usize| people.iter().filter_map(|&it| self.scores[part][it]).collect();
        let columns: Vec<Vec<f64>> = set.iter().map(column).collect();
        let scales: Vec<(f64, f64)> = columns.iter().map(|it| stack::scale(it)).collect();
        let (design, answers) = (stack::standardised(columns, &scales), Answers::Two(labels));
        let weights = weight(&answers);
        let learned =
            Estimator::Logistic { c: C }.learn(&Lesson::new(&design, &answers, &people), &weights, 0);
        let Learned::Line(line) = learned else { unreachable!("two classes have one line") };
        let weights: Vec<f64> =
            line.coefficients.iter().zip(&scales).map(|(it, scale)| it / scale.1).collect();
        let centre: f64 = weights.iter().zip(&scales).map(|(weight, scale)| weight * scale.0).sum();
        let prior = (impaired as f64 / healthy as f64).ln();
        Some(Joint { parts: set.to_vec(), intercept: line.intercept - centre - prior, share: 1.0, weights })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three parts; the third is had by few.
    fn told() -> Told {
        let impaired: Vec<bool> = (0..60).map(|it| it % 2 == 1).collect();
        let score = |part: usize| {
            let of = |(it, &impaired): (usize, &bool)| {
                let wave = ((it * (part + 3)) as f64).sin();
                (part < 2 || it < 12).then_some(wave + if impaired { 0.8 } else { -0.8 })
            };
            impaired.iter().enumerate().map(of).collect()
        };
        Told { scores: (0..3).map(score).collect(), impaired }
    }

    #[test]
    fn a_part_that_too_few_have_with_the_others_is_not_heard() {
        let told = told();
        assert_eq!((told.heard(&[0, 1]), told.heard(&[0, 1, 2])), (vec![0, 1], vec![0, 1]));
        assert_eq!((told.heard(&[2]), told.heard(&[1, 2])), (vec![2], vec![1]));
    }

    #[test]
    fn a_line_is_the_same_in_any_unit_of_its_scores_and_gives_likelihood_ratios() {
        let told = told();
        let ones = |it: &Answers| vec![1.0; it.len()];
        let line = told.line(&[0, 1], ones).unwrap();
        let mut other = told.clone();
        other.scores[1].iter_mut().flatten().for_each(|it| *it = 100.0 * *it - 7.0);
        let scaled = other.line(&[0, 1], ones).unwrap();
        for it in 0..60 {
            let (a, b) = (
                line.ratio(|part| told.scores[part][it].unwrap()),
                scaled.ratio(|part| other.scores[part][it].unwrap()),
            );
            assert!((a - b).abs() < 1e-9);
        }
        // Healthy people three times over move log-odds by ln 3, and likelihood ratios hardly.
        let places: Vec<usize> =
            (0..60).flat_map(|it| vec![it; if told.impaired[it] { 1 } else { 3 }]).collect();
        let more = told.of(&places).line(&[0, 1], ones).unwrap();
        assert!((more.intercept - line.intercept).abs() < 0.4, "{more:?} {line:?}");
    }
}
