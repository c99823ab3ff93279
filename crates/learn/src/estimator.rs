//! What can be fitted: one enum, one verb.

mod boosting;
mod cholesky;
#[cfg(test)]
mod contract;
mod elastic;
mod fit;
mod fusion;
#[cfg(test)]
mod golden;
mod joint;
mod lbfgs;
mod logistic;
mod mlp;
mod multinomial;
mod perceptron;
mod stack;
mod svm;
mod trees;

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Held, Training,
    label::{Answers, Label},
    prepare::Design,
    training::People,
};
use fit::{Fit, Lesson};
use logistic::{Line, Problem};

pub(crate) use cholesky::Cholesky;
pub use fusion::Parts;
pub(crate) use joint::{Joint, Told};
pub(crate) use logistic::{log_loss, sigmoid};
pub use perceptron::{Perceptron, PreparedColumn};

/// An estimator with its settings. [`fit`](Self::fit) owns every step: imputation, logarithm, scale, coefficients.
///
/// What each can tell: two classes, three classes (healthy, MCI, dementia), or points. Asked for something else it answers with
/// [`Error::NotForTarget`].
///
/// | estimator | two | three | points |
/// |---|---|---|---|
/// | `Logistic` | yes | yes | no |
/// | `ElasticNet`, `ExtraTrees`, `RandomForest`, `Boosting`, `Mlp`, `Stacking` | yes | yes | yes |
/// | `Svm`, `Fusion` | yes | no | no |
///
/// A missing value counts as the median of the training people, for every estimator, unless [`Boosting`](Self::Boosting) is
/// told otherwise by [`Missing`]; a missing part of a [`Fusion`](Self::Fusion) counts as nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "estimator", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Estimator {
    /// Logistic regression with an L2 penalty on standardised logs; `c` as in scikit-learn (larger penalises less).
    Logistic {
        /// Inverse strength of the penalty, above 0.
        c: f64,
    },
    /// A line with an elastic net penalty: logistic for classes, least squares for points.
    ElasticNet {
        /// Inverse strength of the penalty, above 0.
        c: f64,
        /// Share of the penalty that is absolute (lasso) instead of squared (ridge): 0 to 1.
        l1_ratio: f64,
    },
    /// A support vector machine.
    Svm {
        /// What a wrong side costs, above 0.
        c: f64,
        /// How people are compared.
        kernel: Kernel,
    },
    /// Extremely randomised trees with Gini impurity (squared error for points).
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
    /// A random forest: each tree on people drawn with replacement, each cut the best of its column.
    RandomForest {
        /// Number of trees.
        trees: usize,
        /// Fewest people a leaf may hold.
        min_samples_leaf: usize,
        /// Columns tried at each node.
        max_features: MaxFeatures,
        /// Seed of the forest.
        seed: u64,
    },
    /// Gradient boosting of small trees on binned columns.
    Boosting {
        /// Trees (of each class where there are three).
        rounds: usize,
        /// Share of each tree that is added, above 0.
        rate: f64,
        /// Most leaves of a tree, at least 2.
        leaves: usize,
        /// Fewest people a leaf may hold.
        min_samples_leaf: usize,
        /// Where people without a value go.
        missing: Missing,
    },
    /// A network of one hidden layer.
    Mlp {
        /// Units of the hidden layer.
        hidden: usize,
        /// Strength of the penalty on squared weights: scikit-learn's α.
        penalty: f64,
        /// Most steps of L-BFGS; how many are taken is found inside the training people.
        steps: usize,
        /// Seed of the first weights, and of the people set aside to find the number of steps.
        seed: u64,
    },
    /// Other estimators, joined by a penalised line on what they said of training people they were not fitted on (Wolpert
    /// 1992, "Stacked generalization").
    Stacking {
        /// The estimators; none a stack itself.
        of: Vec<Estimator>,
        /// Folds of the training people for the scores the line is fitted on, at least 2.
        folds: usize,
        /// Seed of these folds.
        seed: u64,
    },
    /// Late fusion: another estimator on each modality or task by itself, joined on out-of-fold scores by a logistic line for each
    /// set of parts that people have. A log likelihood ratio comes out; a part that is absent is no evidence.
    Fusion {
        /// The estimator of each part; neither a stack nor a fusion itself.
        of: Box<Estimator>,
        /// What a part is.
        by: Parts,
        /// Folds of the training people for the scores the lines are fitted on, at least 2.
        folds: usize,
        /// Seed of these folds.
        seed: u64,
    },
    /// Another estimator, fitted on each person's profile instead of single cells: mean, standard deviation, 20th and 80th
    /// percentile of each feature over the tasks they did. For tables in which several tasks share features.
    Profile {
        /// The estimator; neither a profile nor a stack itself.
        of: Box<Estimator>,
    },
    /// Another estimator, its people counting by class.
    Weighted {
        /// How much people of each class count.
        weights: ClassWeights,
        /// The estimator; not weighted itself.
        of: Box<Estimator>,
    },
}

/// How a support vector machine compares two people.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kernel {
    /// By the product of their prepared columns.
    Linear,
    /// By exp(−gamma / columns · squared distance); on standardised columns a gamma of 1 is scikit-learn's `scale`.
    Rbf {
        /// Above 0; larger sees only closer people.
        gamma: f64,
    },
}

/// Where boosting sends people without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Missing {
    /// They count as the median: that a value is missing leaves no trace a tree could learn.
    Median,
    /// Each cut learns the better side for them (Chen & Guestrin 2016). Where a study's gaps depend on the class, so will the
    /// score: compare the reading *missingness only*.
    Direction,
}

/// How much people count by their class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClassWeights {
    /// Every class as much as any other: people / (classes · people of the class) (King & Zeng 2001; scikit-learn's `balanced`).
    Balanced,
    /// One weight a class, above 0: healthy and impaired, or healthy, MCI and dementia.
    Given(Vec<f64>),
}

impl ClassWeights {
    /// The weight of each person.
    fn of_people(&self, answers: &Answers) -> Vec<f64> {
        let classes = answers.classes();
        let mut counts = [0.0; crate::label::CLASSES];
        classes.iter().for_each(|&class| counts[class] += 1.0);
        let present = if answers.outputs() > 1 { crate::label::CLASSES } else { 2 };
        let weight = |&class: &usize| match self {
            Self::Balanced => classes.len() as f64 / (present as f64 * counts[class]),
            Self::Given(weights) => weights[class],
        };
        classes.iter().map(weight).collect()
    }
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
    /// Fits on the training people; one class only, or one number of points only, is an error.
    pub fn fit<Y: Label>(&self, training: &Training<'_, Y>) -> Result<Fitted<Y>, Error> {
        let mut fitted = Self::fit_each(std::slice::from_ref(self), training)?;
        Ok(fitted.swap_remove(0))
    }

    /// Fits several settings on the same people, sharing what does not depend on them.
    pub(crate) fn fit_each<Y: Label>(
        settings: &[Self],
        training: &Training<'_, Y>,
    ) -> Result<Vec<Fitted<Y>>, Error> {
        training.check("training")?;
        let answers = Y::answers(training.labels());
        settings.iter().try_for_each(|it| it.check(&answers))?;
        let fits = fit::each(settings, training, &answers)?;
        Ok(fits.into_iter().map(|fit| Fitted { fit, label: PhantomData }).collect())
    }

    /// The same settings with another seed; unchanged where nothing is drawn.
    pub(crate) fn seeded(mut self, new: u64) -> Self {
        match &mut self {
            Self::ExtraTrees { seed, .. } | Self::RandomForest { seed, .. } | Self::Mlp { seed, .. } => {
                *seed = new
            }
            Self::Profile { of } | Self::Weighted { of, .. } => **of = of.clone().seeded(new),
            Self::Fusion { of, seed, .. } => {
                *seed = new;
                **of = of.clone().seeded(crate::seed::derive(new, &[0]));
            }
            Self::Stacking { of, seed, .. } => {
                *seed = new;
                let member = |(place, it): (usize, &Self)| {
                    it.clone().seeded(crate::seed::derive(new, &[place as u64]))
                };
                *of = of.iter().enumerate().map(member).collect();
            }
            Self::Logistic { .. } | Self::ElasticNet { .. } | Self::Svm { .. } | Self::Boosting { .. } => {}
        }
        self
    }

    /// The word in settings and messages.
    fn name(&self) -> &'static str {
        match self {
            Self::Logistic { .. } => "logistic",
            Self::ElasticNet { .. } => "elastic-net",
            Self::Svm { .. } => "svm",
            Self::ExtraTrees { .. } => "extra-trees",
            Self::RandomForest { .. } => "random-forest",
            Self::Boosting { .. } => "boosting",
            Self::Mlp { .. } => "mlp",
            Self::Stacking { .. } => "stacking",
            Self::Fusion { .. } => "fusion",
            Self::Profile { .. } => "profile",
            Self::Weighted { .. } => "weighted",
        }
    }

    /// Refuses settings without sense, and what the estimator cannot tell.
    fn check(&self, answers: &Answers) -> Result<(), Error> {
        self.check_target(answers)?;
        match self {
            Self::Profile { of } => match **of {
                Self::Profile { .. } => bad("profile", "an estimator that is no profile", &"a profile"),
                Self::Stacking { .. } => bad("profile", "an estimator that is no stack", &"a stack"),
                Self::Fusion { .. } => bad("profile", "an estimator that is no fusion", &"a fusion"),
                _ => of.check(answers),
            },
            Self::Weighted { weights, of } => {
                if matches!(**of, Self::Weighted { .. }) {
                    return bad("weighted", "an estimator that is not weighted", &"a weighted one");
                }
                weights.check(answers)?;
                of.check(answers)
            }
            Self::Stacking { of, folds, .. } => {
                let nested = of.iter().any(|it| Peeled::of(it).joins());
                match (of.len(), *folds) {
                    (0, _) => bad("stacking", "at least one estimator", &"none"),
                    (_, 0 | 1) => bad("stacking: folds", "at least two", folds),
                    _ if nested => bad("stacking", "estimators that join no others", &"a stack or fusion"),
                    _ => of.iter().try_for_each(|it| it.check(answers)),
                }
            }
            Self::Fusion { folds: 0 | 1, .. } => bad("fusion: folds", "at least two", &"fewer"),
            Self::Fusion { of, .. } if Peeled::of(of).joins() => {
                bad("fusion", "an estimator that joins no others", &"a stack or fusion")
            }
            Self::Fusion { of, .. } => of.check(answers),
            _ => self.check_numbers(answers.len()),
        }
    }

    fn check_target(&self, answers: &Answers) -> Result<(), Error> {
        let got = match answers {
            Answers::Two(_) => return Ok(()),
            Answers::Three(_) => "three",
            Answers::Numbers(_) => "points",
        };
        let expected = match self {
            Self::Svm { .. } | Self::Fusion { .. } => "two classes",
            Self::Logistic { .. } | Self::Weighted { .. } if got == "points" => "classes",
            _ => return Ok(()),
        };
        Err(Error::NotForTarget { estimator: self.name(), expected, got })
    }

    fn check_numbers(&self, people: usize) -> Result<(), Error> {
        let positive = |number: f64| number.is_finite() && number > 0.0;
        match *self {
            Self::Logistic { c } | Self::ElasticNet { c, .. } | Self::Svm { c, .. } if !positive(c) => {
                bad("c", "a number above 0", &c)
            }
            Self::ElasticNet { l1_ratio, .. } if !(0.0..=1.0).contains(&l1_ratio) => {
                bad("l1_ratio", "a number from 0 to 1", &l1_ratio)
            }
            Self::Svm { kernel: Kernel::Rbf { gamma }, .. } if !positive(gamma) => {
                bad("gamma", "a number above 0", &gamma)
            }
            Self::Svm { .. } if people > svm::MOST_PEOPLE => {
                bad("svm", "at most 10000 training people, for its kernel matrix", &people)
            }
            Self::ExtraTrees { trees: 0, .. } | Self::RandomForest { trees: 0, .. } => {
                bad("trees", "at least one", &0)
            }
            Self::ExtraTrees { min_samples_leaf: 0, .. }
            | Self::RandomForest { min_samples_leaf: 0, .. }
            | Self::Boosting { min_samples_leaf: 0, .. } => bad("min_samples_leaf", "at least one", &0),
            Self::Boosting { rounds: 0, .. } => bad("rounds", "at least one", &0),
            Self::Boosting { leaves: leaves @ (0 | 1), .. } => bad("leaves", "at least two", &leaves),
            Self::Boosting { rate, .. } if !positive(rate) => bad("rate", "a number above 0", &rate),
            Self::Mlp { hidden: 0, .. } => bad("hidden", "at least one unit", &0),
            Self::Mlp { steps: 0, .. } => bad("steps", "at least one", &0),
            Self::Mlp { penalty, .. } if !(penalty.is_finite() && penalty >= 0.0) => {
                bad("penalty", "a number of at least 0", &penalty)
            }
            _ => Ok(()),
        }
    }
}

impl ClassWeights {
    fn check(&self, answers: &Answers) -> Result<(), Error> {
        let Self::Given(weights) = self else { return Ok(()) };
        let classes = if answers.outputs() > 1 { crate::label::CLASSES } else { 2 };
        let positive = weights.iter().all(|weight| weight.is_finite() && *weight > 0.0);
        match positive && weights.len() == classes {
            true => Ok(()),
            false => bad("class weights", "one number above 0 a class", &format!("{weights:?}")),
        }
    }
}

fn bad(what: &'static str, expected: &'static str, got: &dyn ToString) -> Result<(), Error> {
    Err(Error::BadSetting { what, expected, got: got.to_string() })
}

/// An estimator without what is wrapped around it.
struct Peeled<'a> {
    profile: bool,
    weights: Option<&'a ClassWeights>,
    estimator: &'a Estimator,
}

impl<'a> Peeled<'a> {
    fn of(estimator: &'a Estimator) -> Self {
        match estimator {
            Estimator::Profile { of } => Self { profile: true, ..Self::of(of) },
            Estimator::Weighted { weights, of } => Self { weights: Some(weights), ..Self::of(of) },
            _ => Self { profile: false, weights: None, estimator },
        }
    }

    /// Whether it joins other estimators.
    fn joins(&self) -> bool {
        matches!(self.estimator, Estimator::Stacking { .. } | Estimator::Fusion { .. })
    }
}

/// What an estimator learned: scales and coefficients or trees. Saved and loaded by serde, to the same bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Fitted<Y = bool> {
    fit: Fit,
    #[serde(skip)]
    label: PhantomData<Y>,
}

impl<Y: Label> Fitted<Y> {
    /// What is said of each held person. Two classes: a number that is higher for impaired (log-odds, the distance to a
    /// machine's border, or a forest's probability), not yet calibrated. Three: probabilities of healthy, MCI and dementia.
    /// Points: points. The held people must come from a table with the same columns.
    pub fn scores(&self, held: &Held<'_, Y>) -> Vec<Y::Score> {
        self.of_people(&held.0)
    }

    fn of_people(&self, people: &People<'_, Y>) -> Vec<Y::Score> {
        let outputs = self.fit.outputs(people);
        let width = outputs.len() / people.rows.len().max(1);
        outputs.chunks_exact(width.max(1)).map(Y::score).collect()
    }
}

impl Fitted {
    /// Intercept and coefficients (of standardised logs) of a line; `None` for everything else.
    pub fn coefficients(&self) -> Option<(f64, &[f64])> {
        self.fit.line().map(|line| (line.intercept, line.coefficients.as_slice()))
    }

    /// The network, where it is one on single cells, with how it prepares them; `None` for everything else. Its log-odds are
    /// what [`scores`](Self::scores) gives.
    pub fn perceptron(&self) -> Option<Perceptron> {
        Perceptron::of(&self.fit)
    }
}

/// A logistic regression on prepared columns: what a screener is made of.
pub(crate) fn logistic_line(design: &Design, labels: &[bool], cs: &[f64]) -> Vec<(f64, Vec<f64>)> {
    let (problem, weights) = (Problem::new(design, labels), vec![1.0; labels.len()]);
    let line = |&c: &f64| {
        let Line { intercept, coefficients } = problem.solve(c, &weights);
        (intercept, coefficients)
    };
    cs.iter().map(line).collect()
}

/// Scores to shares that sum to 1, without overflow; ln Σ exp(score).
pub(crate) fn softmax(scores: &mut [f64]) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|score| *score = (*score - largest).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    largest + sum.ln()
}
