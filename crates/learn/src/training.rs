//! People to fit on and people to judge by, kept apart by type.
//!
//! Nested cross-validation is recursion: [`Training::split`] cuts people into pairs of [`Training`] and [`Held`]; the
//! training side can be cut again, the held side cannot, and nothing can be fitted on it.

use std::collections::{BTreeMap, HashMap};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use study::{Diagnosis, FeatureTable, Participant, dealt_folds};

use crate::{
    Error,
    label::{Label, Points, counted},
};

/// Rows of a table with their labels; what the two sides of a split have in common.
#[derive(Debug, Clone)]
pub(crate) struct People<'a, Y = bool> {
    pub(crate) table: &'a FeatureTable,
    /// Rows of `table`. A draw with replacement holds rows more than once.
    pub(crate) rows: Vec<usize>,
    /// One entry a row of `rows`.
    pub(crate) labels: Vec<Y>,
}

impl<'a, Y: Label> People<'a, Y> {
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
}

impl People<'_> {
    /// Healthy and impaired people.
    pub(crate) fn classes(&self) -> (usize, usize) {
        counted(&self.labels)
    }
}

/// People to fit on. Everything that is estimated — medians, scales, coefficients, trees — comes from here.
///
/// The label is `bool` (impaired or not) unless said otherwise.
#[derive(Debug, Clone)]
pub struct Training<'a, Y = bool>(pub(crate) People<'a, Y>);

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
pub struct Held<'a, Y = bool>(pub(crate) People<'a, Y>);

impl<'a> Training<'a> {
    /// Everybody of a table, impaired or not. A person without a label and a person in two rows are refused.
    pub fn new(table: &'a FeatureTable) -> Result<Self, Error> {
        let labels = diagnoses(table)?.into_iter().map(Diagnosis::impaired).collect();
        Ok(Self(People { table, rows: (0..table.len()).collect(), labels }))
    }

    /// Share of impaired people; NaN where there is nobody.
    pub fn prevalence(&self) -> f64 {
        self.0.classes().1 as f64 / self.len() as f64
    }

    /// Refuses people of only one class.
    pub(crate) fn both_classes(&self, place: &'static str) -> Result<(), Error> {
        self.check(place)
    }
}

impl<'a> Training<'a, Diagnosis> {
    /// Everybody of a table by diagnosis. A person without one of the three labels and a person in two rows are refused.
    pub fn by_diagnosis(table: &'a FeatureTable) -> Result<Self, Error> {
        let labels = diagnoses(table)?;
        if let Some(row) = labels.iter().position(|it| *it == Diagnosis::Other) {
            return Err(Error::NoLabel { row });
        }
        Ok(Self(People { table, rows: (0..table.len()).collect(), labels }))
    }
}

impl<'a> Training<'a, f64> {
    /// The people whose points are known; the others are left out. A person in two rows is refused.
    pub fn by_points(table: &'a FeatureTable, points: Points) -> Result<Self, Error> {
        one_row_each(table)?;
        let known = |(row, person): (usize, &Participant)| Some((row, points.of(person)?));
        let (rows, labels) = table.participants().iter().enumerate().filter_map(known).unzip();
        Ok(Self(People { table, rows, labels }))
    }
}

/// The label of everybody.
fn diagnoses(table: &FeatureTable) -> Result<Vec<Diagnosis>, Error> {
    one_row_each(table)?;
    let label = |(row, person): (usize, &Participant)| person.label.ok_or(Error::NoLabel { row });
    table.participants().iter().enumerate().map(label).collect()
}

fn one_row_each(table: &FeatureTable) -> Result<(), Error> {
    let mut first_row = HashMap::new();
    for (row, person) in table.participants().iter().enumerate() {
        if let Some(first) = first_row.insert(&person.id, row) {
            return Err(Error::SamePersonTwice { row, first });
        }
    }
    Ok(())
}

/// Who trains and who judges.
type Sides<'a, Y> = (Training<'a, Y>, Held<'a, Y>);

impl<'a, Y: Label> Training<'a, Y> {
    /// Cuts the people into `folds` parts, stratified by class (or by rank of points), each held once while the rest trains.
    ///
    /// Someone who was drawn more than once is still one person: all their copies fall on one side.
    pub fn split(&self, folds: usize, seed: u64) -> Result<Vec<Sides<'a, Y>>, Error> {
        let mut place_of = HashMap::new();
        let mut labels = Vec::new();
        for (&row, &label) in self.0.rows.iter().zip(&self.0.labels) {
            place_of.entry(row).or_insert_with(|| {
                labels.push(label);
                labels.len() - 1
            });
        }
        Y::can_split(&labels, folds)?;
        let mut fold_of = vec![0; labels.len()];
        for (fold, people) in dealt_folds(&Y::strata(&labels, folds), folds, seed).iter().enumerate() {
            people.iter().for_each(|&person| fold_of[person] = fold);
        }
        let side = |fold: usize, held: bool| {
            let places = 0..self.0.rows.len();
            self.0.of(places.filter(|&place| (fold_of[place_of[&self.0.rows[place]]] == fold) == held))
        };
        Ok((0..folds).map(|fold| (Training(side(fold, false)), Held(side(fold, true)))).collect())
    }

    /// As many people drawn with replacement (Efron 1979), each class by itself so that none can vanish.
    pub fn drawn(&self, seed: u64) -> Training<'a, Y> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut places_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let strata = Y::strata(&self.0.labels, self.len());
        strata.iter().enumerate().for_each(|(place, &it)| places_of.entry(it).or_default().push(place));
        let mut places = Vec::with_capacity(self.len());
        for of_class in places_of.values() {
            places.extend((0..of_class.len()).map(|_| of_class[random.random_range(0..of_class.len())]));
        }
        places.sort_unstable();
        Training(self.0.of(places.into_iter()))
    }

    /// The people of whom at least one of these columns is measured.
    pub(crate) fn measured_in(&self, columns: &[usize]) -> Training<'a, Y> {
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
    pub fn labels(&self) -> &[Y] {
        &self.0.labels
    }

    /// Refuses people from whom nothing can be learned.
    pub(crate) fn check(&self, place: &'static str) -> Result<(), Error> {
        Y::check(&self.0.labels, place)
    }
}

impl<Y: Label> Held<'_, Y> {
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
    pub fn labels(&self) -> &[Y] {
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
