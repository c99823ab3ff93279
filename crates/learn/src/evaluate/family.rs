//! Which settings each named family of estimators chooses among.

use super::Family;
use crate::{
    Estimator,
    estimator::{ClassWeights, Kernel, MaxFeatures, Missing, Parts},
};

/// A name, what it is, and its family.
type Entry = (&'static str, &'static str, fn() -> Vec<Estimator>);

/// Every family there is. Settings stand from the simplest to the most eager: of equals the first is chosen.
const FAMILIES: [Entry; 13] = [
    ("logistic", "logistic regression, L2 penalty (two or three classes)", logistic),
    ("elastic-net", "line with absolute and squared penalty (classes or points)", elastic_net),
    ("svm-linear", "linear support vector machine (two classes)", || {
        svm(&[Kernel::Linear], &[0.001, 0.01, 0.1])
    }),
    ("svm-rbf", "support vector machine with a Gaussian kernel (two classes)", svm_rbf),
    ("extra-trees", "300 extremely randomised trees (classes or points)", extra_trees),
    ("random-forest", "300 trees on people drawn with replacement (classes or points)", random_forest),
    ("boosting", "gradient boosting of small trees (classes or points)", boosting),
    ("mlp", "network of one hidden layer (classes or points)", mlp),
    ("stacking", "elastic-net, extra-trees and boosting joined by a line (classes or points)", stacking),
    (
        "fusion",
        "logistic on each modality, joined so that an absent one is no evidence (two classes)",
        || fusion(Parts::Modality),
    ),
    (
        "fusion-tasks",
        "logistic on each task, joined so that an absent one is no evidence (two classes)",
        || fusion(Parts::Task),
    ),
    ("profile-trees", "extra-trees on each person's profile over tasks (classes or points)", profile_trees),
    (
        "profile-logistic",
        "logistic on each person's profile over tasks (two or three classes)",
        profile_logistic,
    ),
];

impl Family {
    /// The family of this name; [`names`](Self::names) says which there are.
    pub fn named(name: &str) -> Option<Self> {
        let (_, _, grid) = FAMILIES.iter().find(|(of, ..)| *of == name)?;
        Some(Self { name: name.to_owned(), grid: grid() })
    }

    /// Every name with what it stands for.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        FAMILIES.iter().map(|(name, what, _)| (*name, *what))
    }

    fn of(name: &'static str, grid: Vec<Estimator>) -> Self {
        Self { name: name.to_owned(), grid }
    }

    /// The same settings with every class counting as much as any other; for classes only.
    pub fn balanced(self) -> Self {
        let weighted = |of| Estimator::Weighted { weights: ClassWeights::Balanced, of: Box::new(of) };
        Self {
            name: format!("{}, classes balanced", self.name),
            grid: self.grid.into_iter().map(weighted).collect(),
        }
    }

    /// Logistic regression; C over four decades, from strong to weak penalty.
    pub fn logistic() -> Self {
        Self::of("logistic", logistic())
    }

    /// Lines with a penalty on absolute and squared coefficients.
    pub fn elastic_net() -> Self {
        Self::of("elastic-net", elastic_net())
    }

    /// 300 extremely randomised trees; leaves of at least 1 or 3 people, the root or a fifth of the columns tried.
    pub fn extra_trees() -> Self {
        Self::of("extra-trees", extra_trees())
    }

    /// The same trees on each person's profile over tasks.
    pub fn profile_trees() -> Self {
        Self::of("profile-trees", profile_trees())
    }
}

fn logistic() -> Vec<Estimator> {
    [0.0003, 0.003, 0.03, 0.3, 3.0].map(|c| Estimator::Logistic { c }).to_vec()
}

fn elastic_net() -> Vec<Estimator> {
    let net = |(c, l1_ratio)| Estimator::ElasticNet { c, l1_ratio };
    [(0.03, 0.5), (0.1, 0.5), (0.3, 0.5), (0.1, 1.0), (0.3, 1.0)].map(net).to_vec()
}

fn svm(kernels: &[Kernel], cs: &[f64]) -> Vec<Estimator> {
    kernels.iter().flat_map(|&kernel| cs.iter().map(move |&c| Estimator::Svm { c, kernel })).collect()
}

fn svm_rbf() -> Vec<Estimator> {
    svm(&[0.3, 1.0].map(|gamma| Kernel::Rbf { gamma }), &[0.3, 1.0, 3.0])
}

/// A forest's settings but for what sort of forest it is.
fn forests(of: fn(MaxFeatures, usize) -> Estimator) -> Vec<Estimator> {
    let (root, fifth) = (MaxFeatures::Sqrt, MaxFeatures::Share(0.2));
    vec![of(root, 1), of(root, 3), of(fifth, 1), of(fifth, 3)]
}

fn extra_trees() -> Vec<Estimator> {
    forests(|max_features, min_samples_leaf| Estimator::ExtraTrees {
        trees: 300,
        min_samples_leaf,
        max_features,
        seed: 0,
    })
}

fn random_forest() -> Vec<Estimator> {
    forests(|max_features, min_samples_leaf| Estimator::RandomForest {
        trees: 300,
        min_samples_leaf,
        max_features,
        seed: 0,
    })
}

/// Stumps of three leaves or trees of eight, a few rounds or many; the smaller numbers of rounds cost nothing extra.
fn boosting() -> Vec<Estimator> {
    let of = |(leaves, rounds)| Estimator::Boosting {
        rounds,
        rate: 0.1,
        leaves,
        min_samples_leaf: 5,
        missing: Missing::Median,
    };
    [(3, 50), (3, 150), (8, 50), (8, 150)].map(of).to_vec()
}

fn mlp() -> Vec<Estimator> {
    let of = |penalty| Estimator::Mlp { hidden: 16, penalty, steps: 200, seed: 0 };
    [30.0, 3.0, 0.3].map(of).to_vec()
}

/// One setting: what is joined has a fixed, middling setting each, because a search inside a search inside a search costs more
/// than it finds.
fn stacking() -> Vec<Estimator> {
    let of = vec![elastic_net().swap_remove(1), extra_trees().swap_remove(1), boosting().swap_remove(1)];
    vec![Estimator::Stacking { of, folds: 4, seed: 0 }]
}

/// Three penalties from strong to weak.
fn fusion(by: Parts) -> Vec<Estimator> {
    let of = |c| Estimator::Fusion { of: Box::new(Estimator::Logistic { c }), by, folds: 4, seed: 0 };
    [0.003, 0.03, 0.3].map(of).to_vec()
}

fn profile(of: Estimator) -> Estimator {
    Estimator::Profile { of: Box::new(of) }
}

fn profile_trees() -> Vec<Estimator> {
    extra_trees().into_iter().map(profile).collect()
}

fn profile_logistic() -> Vec<Estimator> {
    logistic().into_iter().map(profile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_found_by_their_names() {
        assert_eq!(Family::named("logistic").unwrap(), Family::logistic());
        assert_eq!(Family::named("extra-trees").unwrap().grid.len(), 4);
        assert!(Family::named("oracle").is_none());
        assert!(Family::names().all(|(name, _)| !Family::named(name).unwrap().grid.is_empty()));
    }
}
