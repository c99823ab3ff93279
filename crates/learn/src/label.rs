//! What is to be told of a person: two classes, three, or a number.
//!
//! The type of the label runs through [`Training`](crate::Training), [`Held`](crate::Held) and [`Fitted`](crate::estimator::Fitted), so
//! that a calibration of two classes cannot be fitted on a score of a test, nor a probability be read as points.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use study::{Diagnosis, Participant};

use crate::Error;
use sealed::Known;

/// A label: `bool` (`true` is impaired), [`Diagnosis`] (healthy, MCI, dementia) or `f64` (points of a test).
pub trait Label: Known + Copy + PartialEq + Debug + Send + Sync + 'static {
    /// What an estimator says of one person: a number that rises with impairment for `bool`, the probabilities of
    /// healthy, MCI and dementia for [`Diagnosis`], points for `f64`.
    type Score: Copy + PartialEq + Debug + Send + Sync + Serialize + DeserializeOwned;

    /// What an estimator said of one person, of its `[outputs]` numbers.
    #[doc(hidden)]
    fn score(outputs: &[f64]) -> Self::Score;
}

impl Label for bool {
    type Score = f64;

    fn score(outputs: &[f64]) -> f64 {
        outputs[0]
    }
}

impl Label for Diagnosis {
    type Score = [f64; CLASSES];

    fn score(outputs: &[f64]) -> [f64; CLASSES] {
        [outputs[0], outputs[1], outputs[2]]
    }
}

impl Label for f64 {
    type Score = f64;

    fn score(outputs: &[f64]) -> f64 {
        outputs[0]
    }
}

/// Classes of a [`Diagnosis`].
pub(crate) const CLASSES: usize = 3;

/// The labels of some people as estimators use them.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// `true` is impaired.
    Two(Vec<bool>),
    /// 0 healthy, 1 MCI, 2 dementia.
    Three(Vec<u8>),
    /// Points.
    Numbers(Vec<f64>),
}

impl Answers {
    /// Numbers an estimator gives a person.
    pub(crate) fn outputs(&self) -> usize {
        if matches!(self, Self::Three(_)) { CLASSES } else { 1 }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Two(labels) => labels.len(),
            Self::Three(labels) => labels.len(),
            Self::Numbers(labels) => labels.len(),
        }
    }

    /// The class of each person; everybody is of one where the answers are numbers.
    pub(crate) fn classes(&self) -> Vec<usize> {
        match self {
            Self::Two(labels) => labels.iter().map(|&label| usize::from(label)).collect(),
            Self::Three(labels) => labels.iter().map(|&label| usize::from(label)).collect(),
            Self::Numbers(labels) => vec![0; labels.len()],
        }
    }

    /// One number a person and output: 0 or 1 for classes, the points themselves for numbers. `[people, outputs]`.
    pub(crate) fn targets(&self) -> Vec<f64> {
        match self {
            Self::Two(labels) => labels.iter().map(|&label| f64::from(u8::from(label))).collect(),
            Self::Three(labels) => {
                let one = |&label: &u8| (0..CLASSES as u8).map(move |it| f64::from(u8::from(it == label)));
                labels.iter().flat_map(one).collect()
            }
            Self::Numbers(labels) => labels.clone(),
        }
    }
}

/// What the crate asks of labels; nobody outside can name it, so that there are no labels but the three.
pub(crate) mod sealed {
    use super::{Answers, Error};

    /// A label that estimators know.
    pub trait Known: Sized {
        /// The labels as estimators use them.
        fn answers(labels: &[Self]) -> Answers;
        /// The stratum of each person, when they are to be cut into `folds` parts.
        fn strata(labels: &[Self], folds: usize) -> Vec<usize>;
        /// Refuses people from whom nothing can be learned: one class only, one number only.
        fn check(labels: &[Self], place: &'static str) -> Result<(), Error>;
        /// What is needed to learn from people, and what there is.
        fn needed(labels: &[Self]) -> (&'static str, String);
        /// Refuses people who cannot be cut into `folds` parts with something of everything in each.
        fn can_split(labels: &[Self], folds: usize) -> Result<(), Error>;
    }
}

impl Known for bool {
    fn answers(labels: &[Self]) -> Answers {
        Answers::Two(labels.to_vec())
    }

    fn strata(labels: &[Self], _folds: usize) -> Vec<usize> {
        labels.iter().map(|&label| usize::from(label)).collect()
    }

    fn check(labels: &[Self], place: &'static str) -> Result<(), Error> {
        match counted(labels) {
            (healthy, impaired) if healthy == 0 || impaired == 0 => {
                Err(Error::OneClass { place, healthy, impaired })
            }
            _ => Ok(()),
        }
    }

    fn needed(labels: &[Self]) -> (&'static str, String) {
        let (healthy, impaired) = counted(labels);
        ("people of both classes", format!("{healthy} healthy and {impaired} impaired"))
    }

    fn can_split(labels: &[Self], folds: usize) -> Result<(), Error> {
        let (healthy, impaired) = counted(labels);
        if folds == 0 || healthy < folds || impaired < folds {
            return Err(study::Error::TooFewPeople { folds, healthy, impaired }.into());
        }
        Ok(())
    }
}

/// Healthy and impaired people.
pub(crate) fn counted(labels: &[bool]) -> (usize, usize) {
    let impaired = labels.iter().filter(|&&label| label).count();
    (labels.len() - impaired, impaired)
}

/// People of each class.
fn counted_classes(labels: &[Diagnosis]) -> [usize; CLASSES] {
    let mut counts = [0; CLASSES];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

impl Known for Diagnosis {
    fn answers(labels: &[Self]) -> Answers {
        Answers::Three(labels.iter().map(|&label| label as u8).collect())
    }

    fn strata(labels: &[Self], _folds: usize) -> Vec<usize> {
        labels.iter().map(|&label| label as usize).collect()
    }

    fn check(labels: &[Self], place: &'static str) -> Result<(), Error> {
        match counted_classes(labels) {
            [healthy, mci, dementia] if healthy == 0 || mci == 0 || dementia == 0 => {
                Err(Error::ClassMissing { place, healthy, mci, dementia })
            }
            _ => Ok(()),
        }
    }

    fn needed(labels: &[Self]) -> (&'static str, String) {
        let [healthy, mci, dementia] = counted_classes(labels);
        ("people of all three classes", format!("{healthy} healthy, {mci} mci and {dementia} dementia"))
    }

    fn can_split(labels: &[Self], folds: usize) -> Result<(), Error> {
        let [healthy, mci, dementia] = counted_classes(labels);
        let fewest = healthy.min(mci).min(dementia);
        if folds == 0 || fewest < folds {
            return Err(Error::TooFewOfEach { folds, what: "the smallest class", people: fewest });
        }
        Ok(())
    }
}

impl Known for f64 {
    fn answers(labels: &[Self]) -> Answers {
        Answers::Numbers(labels.to_vec())
    }

    /// People next to one another in order of their points, as many as there are folds, are one stratum.
    fn strata(labels: &[Self], folds: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| labels[a].total_cmp(&labels[b]));
        let mut strata = vec![0; labels.len()];
        order.iter().enumerate().for_each(|(rank, &person)| strata[person] = rank / folds.max(1));
        strata
    }

    fn check(labels: &[Self], place: &'static str) -> Result<(), Error> {
        match labels.first() {
            Some(first) if labels.iter().any(|label| label != first) => Ok(()),
            _ => Err(Error::OneNumber { place, people: labels.len() }),
        }
    }

    fn needed(labels: &[Self]) -> (&'static str, String) {
        ("people with different points", format!("{} with the same", labels.len()))
    }

    fn can_split(labels: &[Self], folds: usize) -> Result<(), Error> {
        if folds == 0 || labels.len() < folds {
            return Err(Error::TooFewOfEach { folds, what: "the table", people: labels.len() });
        }
        Ok(())
    }
}

/// A test of cognition whose points a cohort may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Points {
    /// Mini-Mental State Examination, 0 to 30.
    Mmse,
    /// Montreal Cognitive Assessment, 0 to 30.
    Moca,
}

impl Points {
    /// The word in tables: `mmse`, `moca`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mmse => "mmse",
            Self::Moca => "moca",
        }
    }

    /// The points of a person, where they are known.
    pub fn of(self, person: &Participant) -> Option<f64> {
        match self {
            Self::Mmse => person.mmse,
            Self::Moca => person.moca,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_neighbouring_points_are_one_stratum() {
        let points = [30.0, 12.0, 29.0, 20.0, 5.0, 28.0];
        assert_eq!(f64::strata(&points, 2), [2, 0, 2, 1, 0, 1]);
        assert_eq!(f64::strata(&points, 6), [0; 6], "everybody in one where each part gets one person");
    }

    #[test]
    fn targets_are_one_row_a_person() {
        let three = Diagnosis::answers(&[Diagnosis::Dementia, Diagnosis::Healthy]);
        assert_eq!(three.targets(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(bool::answers(&[true, false]).targets(), [1.0, 0.0]);
        assert_eq!((three.outputs(), three.classes()), (3, vec![2, 0]));
    }

    #[test]
    fn labels_that_teach_nothing_are_refused_by_what_there_is() {
        let message = |error: Result<(), Error>| error.unwrap_err().to_string();
        assert_eq!(
            message(Diagnosis::check(&[Diagnosis::Mci, Diagnosis::Healthy], "training")),
            "training: expected people of all three classes, got 1 healthy, 1 mci and 0 dementia"
        );
        assert_eq!(
            message(f64::check(&[28.0, 28.0], "training")),
            "training: expected people with different points, got 2 people with the same"
        );
        assert_eq!(
            message(Diagnosis::can_split(&[Diagnosis::Mci; 4], 3)),
            "3 folds: expected at least 3 people in the smallest class, got 0"
        );
    }
}
