//! What can be fitted: one enum, one verb.

mod cholesky;
mod logistic;
mod trees;

use std::cell::OnceCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Held, Training,
    prepare::{Design, Preparation, Profile},
    training::People,
};
use logistic::{Line, Problem};
use trees::{Forest, Growth};

pub(crate) use cholesky::Cholesky;
pub(crate) use logistic::{log_loss, sigmoid};

/// An estimator with its settings. [`fit`](Self::fit) owns every step: imputation, logarithm, scale, coefficients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "estimator", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Estimator {
    /// Logistic regression with an L2 penalty on standardised logs; `c` as in scikit-learn (larger penalises less).
    Logistic {
        /// Inverse strength of the penalty, above 0.
        c: f64,
    },
    /// Extremely randomised trees with Gini impurity.
    ExtraTrees {
        /// Number of trees.
        trees: usize,
        /// Fewest people a leaf may hold.
        min_samples_leaf: usize,
        /// Columns tried at each node.
        max_features: MaxFeatures,
        /// Seed of the forest.
        seed: u64,
    },
    /// Another estimator, fitted on each person's profile instead of single cells: mean, standard deviation, 20th and 80th
    /// percentile of each feature over the tasks they did. For tables in which several tasks share features.
    Profile {
        /// The estimator; not a profile itself.
        of: Box<Estimator>,
    },
}

/// How many columns a node tries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MaxFeatures {
    /// The square root of their number, rounded down.
    Sqrt,
    /// This share of them, rounded down, at least one.
    Share(f64),
}

impl MaxFeatures {
    fn of(self, columns: usize) -> usize {
        let tries = match self {
            Self::Sqrt => (columns as f64).sqrt(),
            Self::Share(share) => columns as f64 * share,
        };
        (tries as usize).clamp(1, columns)
    }
}

impl Estimator {
    /// Fits on the training people; one class only is an error.
    pub fn fit(&self, training: &Training<'_>) -> Result<Fitted, Error> {
        let mut fitted = Self::fit_each(std::slice::from_ref(self), training)?;
        Ok(fitted.swap_remove(0))
    }

    /// Fits several settings on the same people, sharing what does not depend on them.
    pub(crate) fn fit_each(settings: &[Self], training: &Training<'_>) -> Result<Vec<Fitted>, Error> {
        training.both_classes("training")?;
        settings.iter().try_for_each(Self::check)?;
        let cells = Preparation::of(training)?;
        let labels = training.labels();
        let design = cells.apply(&training.0);
        let problem = OnceCell::new();
        let profiled = OnceCell::new();
        let fit = |setting: &Self| match setting {
            Self::Profile { of } => {
                let (profile, design) = profiled.get_or_init(|| {
                    let profile = Profile::of(&cells, training);
                    let design = profile.apply(&cells, &training.0);
                    (profile, design)
                });
                let learned = of.learn(design, labels, &OnceCell::new());
                Fitted { preparation: cells.clone(), profile: Some(profile.clone()), learned }
            }
            _ => {
                let learned = setting.learn(&design, labels, &problem);
                Fitted { preparation: cells.clone(), profile: None, learned }
            }
        };
        Ok(settings.iter().map(fit).collect())
    }

    fn learn<'a>(&self, design: &'a Design, labels: &'a [bool], problem: &OnceCell<Problem<'a>>) -> Learned {
        match *self {
            Self::Profile { ref of } => of.learn(design, labels, problem),
            Self::Logistic { c } => {
                let problem = problem.get_or_init(|| Problem::new(design, labels));
                let Line { intercept, coefficients } = problem.solve(c);
                Learned::Logistic { intercept, coefficients }
            }
            Self::ExtraTrees { trees, min_samples_leaf, max_features, seed } => {
                let tries = max_features.of(design.columns);
                let growth = Growth { trees, leaf: min_samples_leaf, tries, seed };
                Learned::ExtraTrees(Forest::grow(design, labels, growth))
            }
        }
    }

    /// The same settings with another seed; unchanged where nothing is drawn.
    pub(crate) fn seeded(mut self, new: u64) -> Self {
        match &mut self {
            Self::ExtraTrees { seed, .. } => *seed = new,
            Self::Profile { of } => **of = of.clone().seeded(new),
            Self::Logistic { .. } => {}
        }
        self
    }

    fn check(&self) -> Result<(), Error> {
        let bad = |what, expected, got: &dyn ToString| {
            Err(Error::BadSetting { what, expected, got: got.to_string() })
        };
        match *self {
            Self::Profile { ref of } if matches!(**of, Self::Profile { .. }) => {
                bad("profile", "an estimator that is no profile", &"a profile")
            }
            Self::Profile { ref of } => of.check(),
            Self::Logistic { c } if !(c.is_finite() && c > 0.0) => bad("c", "a number above 0", &c),
            Self::ExtraTrees { trees: 0, .. } => bad("trees", "at least one", &0),
            Self::ExtraTrees { min_samples_leaf: 0, .. } => bad("min_samples_leaf", "at least one", &0),
            _ => Ok(()),
        }
    }
}

/// What an estimator learned: scales and coefficients or trees. Saved and loaded by serde, to the same bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    preparation: Preparation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    learned: Learned,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Learned {
    Logistic { intercept: f64, coefficients: Vec<f64> },
    ExtraTrees(Forest),
}

impl Fitted {
    /// One number a held person, higher for impaired: log-odds of a logistic regression, probability of a forest. Not yet
    /// calibrated. The held people must come from a table with the same columns.
    pub fn scores(&self, held: &Held<'_>) -> Vec<f64> {
        self.of_people(&held.0)
    }

    fn of_people(&self, people: &People<'_>) -> Vec<f64> {
        let design = match &self.profile {
            Some(profile) => profile.apply(&self.preparation, people),
            None => self.preparation.apply(people),
        };
        match &self.learned {
            Learned::Logistic { intercept, coefficients } => design.linear(*intercept, coefficients),
            Learned::ExtraTrees(forest) => forest.probabilities(&design),
        }
    }

    /// Intercept and coefficients (of standardised logs) of a logistic regression; `None` for a forest.
    pub fn coefficients(&self) -> Option<(f64, &[f64])> {
        match &self.learned {
            Learned::Logistic { intercept, coefficients } => Some((*intercept, coefficients)),
            Learned::ExtraTrees(_) => None,
        }
    }
}

/// A logistic regression on prepared columns: what a screener is made of.
pub(crate) fn logistic_line(design: &Design, labels: &[bool], cs: &[f64]) -> Vec<(f64, Vec<f64>)> {
    let problem = Problem::new(design, labels);
    let line = |&c: &f64| {
        let Line { intercept, coefficients } = problem.solve(c);
        (intercept, coefficients)
    };
    cs.iter().map(line).collect()
}

/// The contract: every estimator × every check.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::auc, synthetic};
    use feature::{Unit, Value};
    use study::{Column, FeatureTable, Task};

    fn all() -> [Estimator; 3] {
        let trees = Estimator::ExtraTrees {
            trees: 40,
            min_samples_leaf: 1,
            max_features: MaxFeatures::Sqrt,
            seed: 5,
        };
        let profile = Estimator::Profile { of: Box::new(Estimator::Logistic { c: 0.1 }) };
        [Estimator::Logistic { c: 0.1 }, trees, profile]
    }

    fn scores(estimator: &Estimator, table: &FeatureTable, rows: &[usize]) -> Vec<f64> {
        let everybody = Training::new(table).unwrap();
        estimator.fit(&everybody).unwrap().of_people(&Training::new(&table.of_people(rows)).unwrap().0)
    }

    #[test]
    fn fitting_again_forgets_and_a_seed_reproduces() {
        let (a, b) = (synthetic::table(40, 5, 1.0, 1), synthetic::table(50, 5, 1.0, 2));
        for estimator in all() {
            let first = estimator.fit(&Training::new(&a).unwrap()).unwrap();
            estimator.fit(&Training::new(&b).unwrap()).unwrap();
            assert_eq!(estimator.fit(&Training::new(&a).unwrap()).unwrap(), first, "{estimator:?}");
        }
    }

    #[test]
    fn what_is_saved_is_what_is_loaded() {
        let table = synthetic::table(40, 5, 1.0, 1);
        for estimator in all() {
            let fitted = estimator.fit(&Training::new(&table).unwrap()).unwrap();
            let json = serde_json::to_string(&fitted).unwrap();
            assert_eq!(serde_json::from_str::<Fitted>(&json).unwrap(), fitted, "{estimator:?}");
        }
    }

    #[test]
    fn the_order_of_people_does_not_matter() {
        let table = synthetic::table(60, 5, 1.5, 1);
        let backwards: Vec<usize> = (0..60).rev().collect();
        let turned = table.of_people(&backwards);
        for (estimator, tolerance) in all().iter().zip([1e-9, 0.35, 1e-9]) {
            let (there, back) = (
                scores(estimator, &table, &backwards),
                scores(estimator, &turned, &(0..60).collect::<Vec<_>>()),
            );
            for (x, y) in there.iter().zip(&back) {
                assert!((x - y).abs() <= tolerance, "{estimator:?}: {x} {y}");
            }
        }
    }

    #[test]
    fn missing_cells_get_a_finite_score() {
        let table = synthetic::table(40, 3, 1.0, 1);
        let task = Task::new("task-1").unwrap();
        let blocks: Vec<_> = (0..10).map(|row| study::Block { row, task: &task }).collect();
        let masked = table.masked(&blocks, &"left out".into());
        for estimator in all() {
            let scores = scores(&estimator, &masked, &(0..40).collect::<Vec<_>>());
            assert!(scores.iter().all(|score| score.is_finite()), "{estimator:?}");
        }
    }

    #[test]
    fn one_class_and_nothing_measured_are_clear_errors() {
        let table = synthetic::table(20, 2, 1.0, 1);
        let healthy = table.of_people(&[0, 2, 4, 6]);
        let empty = table.masked(
            &(0..20)
                .flat_map(|row| table.tasks().into_iter().map(move |task| study::Block { row, task }))
                .collect::<Vec<_>>(),
            &"nothing".into(),
        );
        for estimator in all() {
            let error = estimator.fit(&Training::new(&healthy).unwrap()).unwrap_err();
            assert_eq!(
                error.to_string(),
                "training: expected people of both classes, got 4 healthy and 0 impaired"
            );
            let error = estimator.fit(&Training::new(&empty).unwrap()).unwrap_err();
            assert!(matches!(error, Error::NothingMeasured { .. }), "{estimator:?}");
        }
    }

    #[test]
    fn constant_columns_are_harmless() {
        let plain = synthetic::table(40, 2, 1.0, 1);
        let mut columns = plain.columns().to_vec();
        columns.push(Column::new(Task::new("task-9").unwrap(), "demo.time.f0", Unit::Second));
        let mut table = FeatureTable::new(columns).unwrap();
        for row in 0..40 {
            let values = plain.row(row).map(|cell| Value::Measured(f64::from(cell.unwrap())));
            table.push(plain.participants()[row].clone(), values.chain([Value::Measured(7.3)])).unwrap();
        }
        let rows: Vec<usize> = (0..40).collect();
        for estimator in all() {
            let constant = scores(&estimator, &table, &rows);
            assert!(constant.iter().all(|score| score.is_finite()), "{estimator:?}");
            assert!(auc(&constant, Training::new(&table).unwrap().labels()) > 0.7);
        }
        let (with, without) = (scores(&all()[0], &table, &rows), scores(&all()[0], &plain, &rows));
        assert!(with.iter().zip(&without).all(|(x, y)| (x - y).abs() < 1e-9));
    }

    #[test]
    fn a_profile_of_a_profile_is_refused() {
        let table = synthetic::table(20, 2, 1.0, 1);
        let profile = Estimator::Profile { of: Box::new(Estimator::Logistic { c: 1.0 }) };
        let twice = Estimator::Profile { of: Box::new(profile) };
        let error = twice.fit(&Training::new(&table).unwrap()).unwrap_err().to_string();
        assert_eq!(error, "profile: expected an estimator that is no profile, got a profile");
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let table = synthetic::table(20, 2, 1.0, 1);
        let forest = |trees, min_samples_leaf| Estimator::ExtraTrees {
            trees,
            min_samples_leaf,
            max_features: MaxFeatures::Share(0.5),
            seed: 0,
        };
        for estimator in
            [Estimator::Logistic { c: 0.0 }, Estimator::Logistic { c: f64::NAN }, forest(0, 1), forest(1, 0)]
        {
            let error = estimator.fit(&Training::new(&table).unwrap()).unwrap_err();
            assert!(matches!(error, Error::BadSetting { .. }), "{estimator:?}");
        }
    }
}
