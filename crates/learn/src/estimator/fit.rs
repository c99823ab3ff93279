//! From training people to what was learned, sharing between settings what does not depend on them.

use std::cell::{OnceCell, RefCell};

use serde::{Deserialize, Serialize};

use super::{
    Estimator, Kernel, Line, Missing, Peeled, Problem,
    boosting::{self, Bins, Boosted},
    elastic,
    fusion::{self, Fusion},
    logistic::gram,
    mlp::{Mlp, Shape},
    multinomial,
    stack::{self, Stack},
    svm::{self, Machine},
    trees::{Cutting, Forest, Growth},
};
use crate::{
    Error, Training,
    label::{Answers, Label},
    prepare::{Design, Preparation, Profile},
    training::People,
};

/// What was learned, with what was learned of the columns before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fit {
    /// One estimator on prepared columns.
    One {
        preparation: Preparation,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        profile: Option<Profile>,
        learned: Learned,
    },
    /// Several, joined.
    Stack(Stack),
    /// Each part by itself, joined.
    Fusion(Fusion),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Learned {
    /// Log-odds, a distance to the border, or points.
    Line(Line),
    /// One line a class.
    Lines(Vec<Line>),
    Machine(Machine),
    Forest(Forest),
    Boosted {
        boosted: Boosted,
        missing: Missing,
    },
    Mlp(Mlp),
}

impl Learned {
    /// `[people, outputs]`.
    pub(super) fn outputs(&self, design: &Design) -> Vec<f64> {
        match self {
            Self::Line(line) => design.linear(line.intercept, &line.coefficients),
            Self::Lines(lines) => multinomial::shares(design, lines),
            Self::Machine(machine) => machine.outputs(design),
            Self::Forest(forest) => forest.outputs(design),
            Self::Boosted { boosted, .. } => boosted.outputs(design),
            Self::Mlp(mlp) => mlp.outputs(design),
        }
    }

    fn of_lines(mut lines: Vec<Line>) -> Self {
        if lines.len() == 1 { Self::Line(lines.swap_remove(0)) } else { Self::Lines(lines) }
    }
}

impl Fit {
    /// `[people, outputs]`.
    pub(super) fn outputs<Y: Label>(&self, people: &People<'_, Y>) -> Vec<f64> {
        match self {
            Self::Stack(stack) => stack.outputs(people),
            Self::Fusion(fusion) => fusion.outputs(people),
            Self::One { preparation, profile, learned } => {
                let gaps = matches!(learned, Learned::Boosted { missing: Missing::Direction, .. });
                learned.outputs(&design(preparation, profile.as_ref(), people, gaps))
            }
        }
    }

    pub(super) fn line(&self) -> Option<&Line> {
        match self {
            Self::One { learned: Learned::Line(line), .. } => Some(line),
            _ => None,
        }
    }
}

/// Prepared columns; a missing value is the median's place, or NaN where `gaps` are wanted.
fn design<Y: Label>(
    preparation: &Preparation,
    profile: Option<&Profile>,
    people: &People<'_, Y>,
    gaps: bool,
) -> Design {
    match profile {
        Some(profile) => profile.design(preparation, people, gaps),
        None => preparation.design(people, gaps),
    }
}

/// Fits each setting. The settings were checked.
pub(super) fn each<Y: Label>(
    settings: &[Estimator],
    training: &Training<'_, Y>,
    answers: &Answers,
) -> Result<Vec<Fit>, Error> {
    prepared(settings, training, answers, Preparation::of(training)?)
}

/// The same on the columns that were prepared.
pub(super) fn prepared<Y: Label>(
    settings: &[Estimator],
    training: &Training<'_, Y>,
    answers: &Answers,
    preparation: Preparation,
) -> Result<Vec<Fit>, Error> {
    let profile = OnceCell::new();
    // Single cells or profiles, without gaps or with them.
    let designs: [OnceCell<Design>; 4] = Default::default();
    let lessons: [OnceCell<Lesson<'_>>; 4] = Default::default();
    let rounds = settings.iter().map(|it| Peeled::of(it).rounds()).max().unwrap_or(0);
    let fit = |setting: &Estimator| {
        let peeled = Peeled::of(setting);
        match peeled.estimator {
            Estimator::Stacking { .. } => return Ok(Fit::Stack(stack::fit(&peeled, training, answers)?)),
            Estimator::Fusion { .. } => return Ok(Fit::Fusion(fusion::fit(&peeled, training, answers)?)),
            _ => {}
        }
        let profile = peeled.profile.then(|| profile.get_or_init(|| Profile::of(&preparation, training)));
        let gaps = matches!(peeled.estimator, Estimator::Boosting { missing: Missing::Direction, .. });
        let place = 2 * usize::from(peeled.profile) + usize::from(gaps);
        let design = designs[place].get_or_init(|| design(&preparation, profile, &training.0, gaps));
        let lesson = lessons[place].get_or_init(|| Lesson::new(design, answers, training.rows()));
        let weights = peeled.people_weights(answers);
        let learned = peeled.estimator.learn(lesson, &weights, rounds);
        Ok(Fit::One { preparation: preparation.clone(), profile: profile.cloned(), learned })
    };
    settings.iter().map(fit).collect()
}

/// People to learn from, with what several settings need of them.
pub(super) struct Lesson<'a> {
    pub(super) design: &'a Design,
    pub(super) answers: &'a Answers,
    /// The table's row of each person: someone drawn twice has the same one twice.
    pub(super) rows: &'a [usize],
    narrow: OnceCell<Vec<f32>>,
    gram: OnceCell<Vec<f64>>,
    kernel: RefCell<Option<(f64, Vec<f64>)>>,
    bins: OnceCell<Bins>,
    problem: OnceCell<Problem<'a>>,
    grown: RefCell<Vec<Grown>>,
}

/// Boosting of the most rounds any setting asks for, by what it was grown by.
type Grown = (boosting::Growth, Vec<f64>, Boosted);

impl<'a> Lesson<'a> {
    pub(super) fn new(design: &'a Design, answers: &'a Answers, rows: &'a [usize]) -> Self {
        Self {
            design,
            answers,
            rows,
            narrow: OnceCell::new(),
            gram: OnceCell::new(),
            kernel: RefCell::new(None),
            bins: OnceCell::new(),
            problem: OnceCell::new(),
            grown: RefCell::new(vec![]),
        }
    }

    fn gram(&self) -> &[f64] {
        self.gram.get_or_init(|| gram(self.design))
    }

    fn forest(&self, weights: &[f64], growth: Growth) -> Learned {
        let columns = self.narrow.get_or_init(|| self.design.narrow());
        Learned::Forest(Forest::grow(columns, self.answers, weights, growth))
    }

    /// Rounds of boosting: fewer are the beginning of more.
    fn boosted(&self, weights: &[f64], growth: boosting::Growth, (rounds, most): (usize, usize)) -> Boosted {
        let mut grown = self.grown.borrow_mut();
        if let Some((.., boosted)) = grown.iter().find(|(by, on, _)| *by == growth && on == weights) {
            return boosted.first(rounds);
        }
        let bins = self.bins.get_or_init(|| Bins::of(self.design));
        let boosted = Boosted::grow(bins, self.answers, weights, (growth, most.max(rounds)));
        let first = boosted.first(rounds);
        grown.push((growth, weights.to_vec(), boosted));
        first
    }

    fn machine(&self, labels: &[bool], limits: &[f64], kernel: Kernel) -> Learned {
        match kernel {
            Kernel::Linear => Learned::Line(svm::linear(self.design, self.gram(), labels, limits)),
            Kernel::Rbf { gamma } => {
                let width = gamma / self.design.columns as f64;
                let mut kept = self.kernel.borrow_mut();
                // Grids go through every C of a gamma before the next.
                if kept.as_ref().is_none_or(|(of, _)| *of != width) {
                    *kept = Some((width, svm::gaussian(self.gram(), self.design.people, width)));
                }
                let kernel = kept.as_ref().map_or(&[][..], |(_, kernel)| kernel);
                Learned::Machine(Machine::fit(self.design, (kernel, width), labels, limits))
            }
        }
    }
}

impl Peeled<'_> {
    fn rounds(&self) -> usize {
        match self.estimator {
            Estimator::Boosting { rounds, .. } => *rounds,
            _ => 0,
        }
    }

    /// A member of a stack or fusion, its people counting as those of the whole unless it says otherwise.
    pub(super) fn member(&self, member: &Estimator) -> Estimator {
        match self.weights {
            Some(weights) if Peeled::of(member).weights.is_none() => {
                Estimator::Weighted { weights: weights.clone(), of: Box::new(member.clone()) }
            }
            _ => member.clone(),
        }
    }

    /// How much each person counts.
    pub(super) fn people_weights(&self, answers: &Answers) -> Vec<f64> {
        self.weights.map_or_else(|| vec![1.0; answers.len()], |weights| weights.of_people(answers))
    }
}

impl Estimator {
    /// Learns from prepared people; `most` are the rounds of boosting worth growing at once. Wrappers were peeled off, stacks and fusions
    /// do not come here, and what an estimator cannot tell was refused.
    pub(super) fn learn(&self, lesson: &Lesson<'_>, weights: &[f64], most: usize) -> Learned {
        let (design, answers) = (lesson.design, lesson.answers);
        match (self, answers) {
            (Self::Logistic { c }, Answers::Two(labels)) => {
                let problem = lesson.problem.get_or_init(|| Problem::new(design, labels));
                Learned::Line(problem.solve(*c, weights))
            }
            (Self::Logistic { c }, Answers::Three(labels)) => {
                Learned::Lines(multinomial::lines(design, labels, weights, *c))
            }
            (&Self::ElasticNet { c, l1_ratio }, _) => {
                Learned::of_lines(elastic::lines(design, answers, weights, elastic::Penalty { c, l1_ratio }))
            }
            (Self::Svm { c, kernel }, Answers::Two(labels)) => {
                let limits: Vec<f64> = weights.iter().map(|weight| c * weight).collect();
                lesson.machine(labels, &limits, *kernel)
            }
            (&Self::ExtraTrees { trees, min_samples_leaf: leaf, max_features, seed }, _) => {
                let tries = max_features.of(design.columns);
                lesson.forest(weights, Growth { cutting: Cutting::Random, trees, leaf, tries, seed })
            }
            (&Self::RandomForest { trees, min_samples_leaf: leaf, max_features, seed }, _) => {
                let tries = max_features.of(design.columns);
                lesson.forest(weights, Growth { cutting: Cutting::Best, trees, leaf, tries, seed })
            }
            (&Self::Boosting { rounds, rate, leaves, min_samples_leaf: leaf, missing }, _) => {
                let growth = boosting::Growth { rate, leaves, leaf, l2: 0.0 };
                Learned::Boosted { boosted: lesson.boosted(weights, growth, (rounds, most)), missing }
            }
            (&Self::Mlp { hidden, penalty, steps, seed }, _) => {
                Learned::Mlp(Mlp::fit(lesson, weights, Shape { hidden, penalty, steps, seed }))
            }
            (
                Self::Stacking { .. } | Self::Fusion { .. } | Self::Profile { .. } | Self::Weighted { .. },
                _,
            )
            | (Self::Logistic { .. } | Self::Svm { .. }, _) => {
                unreachable!("wrappers were peeled off and the target was checked")
            }
        }
    }
}
