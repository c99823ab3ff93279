//! A person's profile over tasks: how the same feature behaves across whatever they did.
//!
//! Where several tasks share a feature, the tasks that somebody did tell what the ones they did not do would have shown, and
//! better than the median of other people does: nothing has to be filled in, and how much is missing leaves no trace.

use serde::{Deserialize, Serialize};

use super::{Design, Preparation};
use crate::{Training, label::Label, training::People};

/// Statistics of one feature over tasks: mean, standard deviation, 20th and 80th percentile. The last two are the person's
/// quicker and slower tasks without the single worst one.
const STATISTICS: usize = 4;

/// What was learned of profiles: which columns belong together and how their statistics are spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Places in `Preparation::scales` of the columns of each feature.
    features: Vec<Vec<usize>>,
    /// Median, mean and standard deviation of each statistic of each feature.
    spreads: Vec<(f64, f64, f64)>,
}

impl Profile {
    /// Learns the profile of the training people.
    pub(crate) fn of<Y: Label>(preparation: &Preparation, training: &Training<'_, Y>) -> Self {
        let columns = training.0.table.columns();
        let mut names: Vec<&str> = Vec::new();
        let mut features: Vec<Vec<usize>> = Vec::new();
        for (place, (column, _)) in preparation.scales.iter().enumerate() {
            let name = columns[*column].feature.as_str();
            match names.iter().position(|it| *it == name) {
                Some(feature) => features[feature].push(place),
                None => {
                    names.push(name);
                    features.push(vec![place]);
                }
            }
        }
        let statistics = statistics(&features, preparation, &training.0);
        Self { features, spreads: statistics.iter().map(|it| spread(it)).collect() }
    }

    /// The standardised profiles of people; NaN for missing statistics where `gaps` are wanted.
    pub(crate) fn design<Y: Label>(
        &self,
        preparation: &Preparation,
        people: &People<'_, Y>,
        gaps: bool,
    ) -> Design {
        let statistics = statistics(&self.features, preparation, people);
        let cells = statistics.iter().zip(&self.spreads).flat_map(|(values, (median, mean, deviation))| {
            let known = move |value: &f64| if value.is_nan() && !gaps { *median } else { *value };
            values.iter().map(move |value| (known(value) - mean) / deviation)
        });
        Design { people: people.rows.len(), columns: statistics.len(), cells: cells.collect() }
    }
}

/// One list of people a statistic; NaN where somebody did no task with the feature.
fn statistics<Y: Label>(
    features: &[Vec<usize>],
    preparation: &Preparation,
    people: &People<'_, Y>,
) -> Vec<Vec<f64>> {
    let mut all = Vec::with_capacity(features.len() * STATISTICS);
    for columns in features {
        let places: Vec<Vec<f64>> = columns.iter().map(|&it| preparation.measured(it, people)).collect();
        let of_person = |person: usize| {
            let mut done: Vec<f64> = places.iter().map(|it| it[person]).filter(|it| !it.is_nan()).collect();
            summary(&mut done)
        };
        let summaries: Vec<[f64; STATISTICS]> = (0..people.rows.len()).map(of_person).collect();
        all.extend((0..STATISTICS).map(|it| summaries.iter().map(|summary| summary[it]).collect()));
    }
    all
}

/// The statistics of what one person did.
fn summary(done: &mut [f64]) -> [f64; STATISTICS] {
    if done.is_empty() {
        return [f64::NAN; STATISTICS];
    }
    done.sort_unstable_by(f64::total_cmp);
    let n = done.len() as f64;
    let mean = done.iter().sum::<f64>() / n;
    let deviation = (done.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt();
    // Linear between order statistics, as feature::percentile, on what is already sorted.
    let at = |share: f64| {
        let place = share * (n - 1.0);
        let (below, above) = (done[place.floor() as usize], done[place.ceil() as usize]);
        below + (above - below) * place.fract()
    };
    [mean, deviation, at(0.2), at(0.8)]
}

/// Median, mean and standard deviation of a statistic over people.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let known: Vec<f64> = values.iter().copied().filter(|it| !it.is_nan()).collect();
    let median = feature::median(&known).unwrap_or(0.0);
    let n = values.len() as f64;
    let filled = || values.iter().map(|it| if it.is_nan() { median } else { *it });
    let mean = filled().sum::<f64>() / n;
    let deviation = (filled().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt();
    // A feature of one task has no spread over tasks: a column of zeros.
    (median, mean, if deviation > 1e-12 { deviation } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use study::{Block, Task};

    #[test]
    fn a_summary_follows_numpy() {
        // numpy 2: mean, std, percentile 20 and 80 of [4, 1, 3, 10].
        let [mean, deviation, low, high] = summary(&mut [4.0, 1.0, 3.0, 10.0]);
        assert_eq!((mean, low), (4.5, 2.2));
        assert!((deviation - 3.354_101_966_249_684_5).abs() < 1e-12 && (high - 6.4).abs() < 1e-12);
    }

    #[test]
    fn tasks_that_were_not_done_are_left_out_instead_of_filled_in() {
        let plain = synthetic::blocks(30, (4, 2), 1.0, 1);
        let task = Task::new("task-2").unwrap();
        let table = plain.masked(&[Block { row: 5, task: &task }], &"not done".into());
        let everybody = Training::new(&table).unwrap();
        let preparation = Preparation::of(&everybody).unwrap();
        let profile = Profile::of(&preparation, &everybody);
        let statistics = statistics(&profile.features, &preparation, &everybody.0);
        let done: Vec<f64> =
            [0, 1, 3].map(|it| preparation.measured(profile.features[0][it], &everybody.0)[5]).to_vec();
        assert!((statistics[0][5] - done.iter().sum::<f64>() / 3.0).abs() < 1e-12);
        assert_eq!(profile.design(&preparation, &everybody.0, false).columns, 8);
    }
}
