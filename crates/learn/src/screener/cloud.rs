//! How far somebody's values of one task lie from the training people's, all features at once.
//!
//! A value can be within everything that was seen and still be strange beside the others: a slow pen with a short path. The
//! distance of Mahalanobis 1936 sees both, and needs the covariance of the features, which few people give badly; it is shrunk
//! towards a ball by as much as Ledoit & Wolf 2004 ("A well-conditioned estimator for large-dimensional covariance matrices")
//! find best.

use serde::{Deserialize, Serialize};

use super::packed;
use crate::{estimator::Cholesky, prepare::Preparation, training::People};

/// Most people whose values make the covariance: with 5,000 its entries are known to about .014.
const MOST: usize = 5000;

/// A feature that (nearly) never differs would make every other value infinitely far: no direction is narrower than a tenth of a
/// feature's own standard deviation. A choice of the project.
const NARROWEST: f64 = 0.01;

/// The shrunk covariance of standardised logs, whose mean is 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cloud {
    width: usize,
    /// Lower triangle, row by row.
    #[serde(with = "packed")]
    covariance: Vec<f32>,
}

/// How far one person is: the mean square over features, and each feature's share of it.
pub(crate) struct Distance {
    pub(crate) square: f64,
    pub(crate) shares: Vec<f64>,
}

impl Cloud {
    /// The cloud of people by the scales learned of them.
    pub(crate) fn of(preparation: &Preparation, people: &People<'_>) -> Self {
        let rows = people.rows.len().min(MOST);
        let columns: Vec<Vec<f64>> = preparation
            .scales
            .iter()
            .map(|(column, scale)| {
                people.column(*column).take(rows).map(|it| scale.standardised(it)).collect()
            })
            .collect();
        let width = columns.len();
        let mut covariance = shrunk(&columns, rows as f64);
        (0..width).for_each(|it| covariance[it * width + it] += NARROWEST);
        let lower = (0..width).flat_map(|row| covariance[row * width..=row * width + row].to_vec());
        Self { width, covariance: lower.map(|it| it as f32).collect() }
    }

    /// Whether the triangle is as large as its width says and positive definite.
    pub(crate) fn sound(&self, width: usize) -> bool {
        let all: Vec<usize> = (0..width).collect();
        self.width == width && self.covariance.len() == width * (width + 1) / 2 && self.factor(&all).is_some()
    }

    /// The distance of standardised logs, NaN where missing; what is missing is left out of the cloud as well. `None` where
    /// nothing is there.
    pub(crate) fn distance(&self, values: &[f64]) -> Option<Distance> {
        let there: Vec<usize> = (0..values.len()).filter(|&it| !values[it].is_nan()).collect();
        self.distance_by(&self.factor(&there)?, &there, values)
    }

    /// The mean squares of people; `None` where somebody did not do the task.
    pub(crate) fn distances(&self, preparation: &Preparation, people: &People<'_>) -> Vec<Option<f64>> {
        let scales = &preparation.scales;
        let columns: Vec<Vec<f64>> = scales
            .iter()
            .map(|(column, scale)| people.column(*column).map(|it| scale.known(it)).collect())
            .collect();
        let all: Vec<usize> = (0..self.width).collect();
        let whole = self.factor(&all);
        let person = |person: usize| {
            let values: Vec<f64> = columns.iter().map(|column| column[person]).collect();
            let complete = values.iter().all(|it| !it.is_nan());
            let found = match &whole {
                Some(factor) if complete => self.distance_by(factor, &all, &values),
                _ => self.distance(&values),
            };
            Some(found?.square)
        };
        (0..people.rows.len()).map(person).collect()
    }

    fn distance_by(&self, factor: &Cholesky, there: &[usize], values: &[f64]) -> Option<Distance> {
        let known: Vec<f64> = there.iter().map(|&it| values[it]).collect();
        let parts: Vec<f64> = factor.solve(&known).iter().zip(&known).map(|(x, y)| x * y).collect();
        let (sum, mut shares) = (parts.iter().sum::<f64>(), vec![0.0; values.len()]);
        there.iter().zip(&parts).for_each(|(&it, part)| shares[it] = part / sum.max(f64::MIN_POSITIVE));
        (!there.is_empty()).then(|| Distance { square: sum / there.len() as f64, shares })
    }

    /// Cholesky's factor of the covariance of some features.
    fn factor(&self, there: &[usize]) -> Option<Cholesky> {
        let size = there.len();
        let mut matrix = vec![0.0; size * size];
        for (row, &i) in there.iter().enumerate() {
            for (column, &j) in there[..=row].iter().enumerate() {
                matrix[row * size + column] = f64::from(*self.covariance.get(i * (i + 1) / 2 + j)?);
            }
        }
        Cholesky::of(matrix, size)
    }
}

/// Ledoit and Wolf's covariance of columns of mean 0, row-major.
fn shrunk(columns: &[Vec<f64>], people: f64) -> Vec<f64> {
    let width = columns.len();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut sample = vec![0.0; width * width];
    let (mut fourth, mut square) = (0.0, 0.0);
    for row in 0..width {
        for column in 0..=row {
            let cell = product(&columns[row], &columns[column]) / people;
            let squares: f64 = columns[row].iter().zip(&columns[column]).map(|(x, y)| x * x * y * y).sum();
            let times = if row == column { 1.0 } else { 2.0 };
            (fourth, square) = (fourth + times * squares / people, square + times * cell * cell);
            (sample[row * width + column], sample[column * width + row]) = (cell, cell);
        }
    }
    let size = width as f64;
    let mean = (0..width).map(|it| sample[it * width + it]).sum::<f64>() / size;
    let apart = square - size * mean * mean;
    let noise = (fourth - square) / people;
    let share = if apart > 0.0 { (noise.min(apart) / apart).max(0.0) } else { 1.0 };
    for (place, cell) in sample.iter_mut().enumerate() {
        *cell *= 1.0 - share;
        if place % (width + 1) == 0 {
            *cell += share * mean;
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Training, synthetic};

    #[test]
    fn the_shrunk_covariance_is_scikit_learns() {
        // sklearn.covariance.ledoit_wolf([[1, 2], [-1, -1], [2, 1], [-2, -2]], assume_centered=True): shrinkage by hand below.
        let columns = [vec![1.0, -1.0, 2.0, -2.0], vec![2.0, -1.0, 1.0, -2.0]];
        let found = shrunk(&columns, 4.0);
        // S = [[2.5, 2.25], [2.25, 2.5]]; Σ x⁴ / n = 8.5, Σ x²y² / n = 6.25; apart = 10.125, noise = (29.5 − 22.625) / 4.
        let share: f64 = 1.71875 / 10.125;
        assert!(
            (found[0] - 2.5).abs() < 1e-12 && (found[1] - 2.25 * (1.0 - share)).abs() < 1e-12,
            "{found:?}"
        );
    }

    fn cloud() -> (Cloud, Preparation, study::FeatureTable) {
        let table = synthetic::blocks(300, (1, 3), 0.0, 4);
        let everybody = Training::new(&table).unwrap();
        let preparation = Preparation::of(&everybody).unwrap();
        let cloud = Cloud::of(&preparation, &everybody.0);
        (cloud, preparation, table.clone())
    }

    #[test]
    fn distances_of_the_people_themselves_average_one_a_feature() {
        let (cloud, preparation, table) = cloud();
        let all = cloud.distances(&preparation, &Training::new(&table).unwrap().0);
        let mean = all.iter().flatten().sum::<f64>() / 300.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_strange_combination_is_far_although_each_value_is_common_and_the_strange_values_are_named() {
        // Two features that go together, one that does not.
        let columns: Vec<f32> = vec![1.0, 0.95, 1.0, 0.0, 0.0, 1.0];
        let cloud = Cloud { width: 3, covariance: columns };
        let (usual, strange) =
            (cloud.distance(&[1.0, 1.0, 1.0]).unwrap(), cloud.distance(&[1.0, -1.0, 1.0]).unwrap());
        assert!(usual.square < 1.0 && strange.square > 10.0);
        assert!(
            strange.shares[0] + strange.shares[1] > 0.9 && strange.shares[2] < 0.1,
            "{:?}",
            strange.shares
        );
        let without = cloud.distance(&[1.0, f64::NAN, 1.0]).unwrap();
        assert!((without.square - 1.0).abs() < 1e-6 && without.shares[1] == 0.0);
        assert!(cloud.distance(&[f64::NAN; 3]).is_none());
    }

    #[test]
    fn a_triangle_of_another_size_is_not_sound() {
        let (cloud, _, _) = cloud();
        assert!(cloud.sound(3) && !cloud.sound(4));
        assert!(!Cloud { width: 2, covariance: vec![1.0, 2.0, 1.0] }.sound(2), "not positive definite");
    }
}
