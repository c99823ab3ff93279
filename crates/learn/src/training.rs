//! People to fit on and people to judge by, kept apart by type.
//!
//! Nested cross-validation is recursion: [`Training::split`] cuts people into pairs of [`Training`] and [`Held`]; the
//! training side can be cut again, the held side cannot, and nothing can be fitted on it.

use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use study::{FeatureTable, stratified_folds};

use crate::Error;

/// Rows of a table with their labels; what the two sides of a split have in common.
#[derive(Debug, Clone)]
pub(crate) struct People<'a> {
    pub(crate) table: &'a FeatureTable,
    /// Rows of `table`. A draw with replacement holds rows more than once.
    pub(crate) rows: Vec<usize>,
    /// One entry a row of `rows`; `true` is impaired.
    pub(crate) labels: Vec<bool>,
}

impl<'a> People<'a> {
    fn of(&self, places: impl Iterator<Item = usize>) -> Self {
        let places: Vec<usize> = places.collect();
        Self {
            table: self.table,
            rows: places.iter().map(|&place| self.rows[place]).collect(),
            labels: places.iter().map(|&place| self.labels[place]).collect(),
        }
    }

    /// The cells of one column in the order of the people; NaN where missing.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        self.rows.iter().map(move |&row| self.table.value(row, column).map_or(f64::NAN, f64::from))
    }

    /// Of whom at least one of these columns is measured.
    pub(crate) fn did(&self, columns: &[usize]) -> Vec<bool> {
        let measured = |&row: &usize| columns.iter().any(|&column| self.table.value(row, column).is_some());
        self.rows.iter().map(measured).collect()
    }

    /// Healthy and impaired people.
    pub(crate) fn classes(&self) -> (usize, usize) {
        let impaired = self.labels.iter().filter(|&&label| label).count();
        (self.labels.len() - impaired, impaired)
    }
}

/// People to fit on. Everything that is estimated — medians, scales, coefficients, trees — comes from here.
#[derive(Debug, Clone)]
pub struct Training<'a>(pub(crate) People<'a>);

/// People to judge by: they give features to what was fitted on others, and labels to metrics.
///
/// What compiles for training people …
/// ```
/// # fn fit(training: learn::Training<'_>) -> Result<(), learn::Error> {
/// let estimator = learn::Estimator::Logistic { c: 1.0 };
/// estimator.fit(&training)?;
/// training.split(5, 1)?;
/// # Ok(()) }
/// ```
/// … does not for held ones: no estimator fits on them, and they cannot be split.
/// ```compile_fail
/// # fn leak(held: learn::Held<'_>) -> Result<(), learn::Error> {
/// let estimator = learn::Estimator::Logistic { c: 1.0 };
/// estimator.fit(&held)?; // expected `&Training`, found `&Held`
/// # Ok(()) }
/// ```
/// ```compile_fail
/// # fn leak(held: learn::Held<'_>) -> Result<(), learn::Error> {
/// held.split(5, 1)?; // no method named `split`
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Held<'a>(pub(crate) People<'a>);

impl<'a> Training<'a> {
    /// Everybody of a table. A person without a label and a person in two rows are refused.
    pub fn new(table: &'a FeatureTable) -> Result<Self, Error> {
        let mut first_row = HashMap::new();
        for (row, person) in table.participants().iter().enumerate() {
            if let Some(first) = first_row.insert(&person.id, row) {
                return Err(Error::SamePersonTwice { row, first });
            }
        }
        let label = |(row, person): (usize, &study::Participant)| {
            person.label.map(study::Diagnosis::impaired).ok_or(Error::NoLabel { row })
        };
        let labels = table.participants().iter().enumerate().map(label).collect::<Result<_, _>>()?;
        Ok(Self(People { table, rows: (0..table.len()).collect(), labels }))
    }

    /// Cuts the people into `folds` parts, stratified by class, each held once while the rest trains.
    ///
    /// Someone who was drawn more than once is still one person: all their copies fall on one side.
    pub fn split(&self, folds: usize, seed: u64) -> Result<Vec<(Training<'a>, Held<'a>)>, Error> {
        let mut place_of = HashMap::new();
        let mut labels = Vec::new();
        for (&row, &label) in self.0.rows.iter().zip(&self.0.labels) {
            place_of.entry(row).or_insert_with(|| {
                labels.push(label);
                labels.len() - 1
            });
        }
        let mut fold_of = vec![0; labels.len()];
        for (fold, people) in stratified_folds(&labels, folds, seed)?.iter().enumerate() {
            people.iter().for_each(|&person| fold_of[person] = fold);
        }
        let side = |fold: usize, held: bool| {
            let places = 0..self.0.rows.len();
            self.0.of(places.filter(|&place| (fold_of[place_of[&self.0.rows[place]]] == fold) == held))
        };
        Ok((0..folds).map(|fold| (Training(side(fold, false)), Held(side(fold, true)))).collect())
    }

    /// As many people drawn with replacement (Efron 1979), each class by itself so that neither can vanish.
    pub fn drawn(&self, seed: u64) -> Training<'a> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut places = Vec::with_capacity(self.len());
        for class in [false, true] {
            let of_class: Vec<usize> = (0..self.len()).filter(|&it| self.0.labels[it] == class).collect();
            places.extend((0..of_class.len()).map(|_| of_class[random.random_range(0..of_class.len())]));
        }
        places.sort_unstable();
        Training(self.0.of(places.into_iter()))
    }

    /// The people of whom at least one of these columns is measured.
    pub(crate) fn measured_in(&self, columns: &[usize]) -> Training<'a> {
        let did = self.0.did(columns);
        Training(self.0.of((0..self.len()).filter(|&place| did[place])))
    }

    /// Number of people, counting someone drawn twice twice.
    pub fn len(&self) -> usize {
        self.0.rows.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.rows.is_empty()
    }

    /// Rows of the table the people come from.
    pub fn rows(&self) -> &[usize] {
        &self.0.rows
    }

    /// Labels in the order of [`rows`](Self::rows); `true` is impaired.
    pub fn labels(&self) -> &[bool] {
        &self.0.labels
    }

    /// Share of impaired people; NaN where there is nobody.
    pub fn prevalence(&self) -> f64 {
        self.0.classes().1 as f64 / self.len() as f64
    }

    /// Refuses people of only one class.
    pub(crate) fn both_classes(&self, place: &'static str) -> Result<(), Error> {
        match self.0.classes() {
            (healthy, impaired) if healthy == 0 || impaired == 0 => {
                Err(Error::OneClass { place, healthy, impaired })
            }
            _ => Ok(()),
        }
    }
}

impl Held<'_> {
    /// Number of people.
    pub fn len(&self) -> usize {
        self.0.rows.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.rows.is_empty()
    }

    /// Rows of the table the people come from.
    pub fn rows(&self) -> &[usize] {
        &self.0.rows
    }

    /// Labels in the order of [`rows`](Self::rows), for metrics; `true` is impaired.
    pub fn labels(&self) -> &[bool] {
        &self.0.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    fn apart(training: &Training<'_>, held: &Held<'_>) {
        assert!(held.rows().iter().all(|row| !training.rows().contains(row)));
    }

    #[test]
    fn nobody_is_on_two_sides_at_either_depth() {
        let table = synthetic::table(60, 3, 1.0, 1);
        let everybody = Training::new(&table).unwrap();
        for (training, held) in everybody.split(5, 1).unwrap() {
            apart(&training, &held);
            assert_eq!(training.len() + held.len(), 60);
            for (inner, inner_held) in training.split(4, 2).unwrap() {
                apart(&inner, &inner_held);
                apart(&inner, &held);
                assert!(inner_held.rows().iter().all(|row| training.rows().contains(row)));
            }
        }
    }

    #[test]
    fn someone_drawn_twice_stays_on_one_side() {
        let table = synthetic::table(60, 3, 1.0, 1);
        let drawn = Training::new(&table).unwrap().drawn(7);
        assert_eq!((drawn.len(), drawn.prevalence()), (60, 0.5));
        for (training, held) in drawn.split(4, 1).unwrap() {
            apart(&training, &held);
        }
    }

    #[test]
    fn people_without_a_label_or_with_two_rows_are_refused() {
        let mut table = synthetic::table(4, 1, 1.0, 1);
        let again = table.participants()[1].clone();
        table.push(again, [feature::Value::Measured(1.0)]).unwrap();
        assert!(matches!(Training::new(&table), Err(Error::SamePersonTwice { row: 4, first: 1 })));
        let mut table = synthetic::table(4, 1, 1.0, 1);
        let unknown = study::Participant::new(study::ParticipantId::new("new").unwrap());
        table.push(unknown, [feature::Value::Measured(1.0)]).unwrap();
        assert!(matches!(Training::new(&table), Err(Error::NoLabel { row: 4 })));
    }

    #[test]
    fn one_class_or_too_few_people_cannot_be_split() {
        let table = synthetic::table(6, 1, 1.0, 1);
        let everybody = Training::new(&table).unwrap();
        assert!(matches!(everybody.split(5, 1), Err(Error::Study(study::Error::TooFewPeople { .. }))));
    }
}
