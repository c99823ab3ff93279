//! What a screener is worth for people it was not fitted on: the whole fit, nested in cross-validation.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::Task;

use super::{
    Band, CutPoint, Operating,
    fit::{PartColumns, fit_form_shown},
    fusion::{Joining, random_set},
    reference::Reference,
};
use crate::{
    Error, Settings, Training,
    bootstrap::{Spread, drawn, percentiles, spread},
    conformal::{Coverage, Ranks},
    estimator::{Joint, sigmoid},
    evaluate::{Outer, Progress, Watch, inner_seed, outer},
    metric::{Interval, Judged, Metrics, auc, logit},
    seed::derive,
    train::FormSettings,
};

/// Evidence for one form of a screener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FormEvidence {
    /// Name of the form.
    pub form: String,
    /// Its features; empty where it takes every feature of the table.
    pub features: Vec<String>,
    /// Each task alone, random sets of a few sizes, and all tasks together.
    pub sets: Vec<SetEvidence>,
}

/// Evidence for one set of tasks, or an average over random sets of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetEvidence {
    /// Which tasks, and sensitivity and specificity at both cuts.
    #[serde(flatten)]
    pub operating: Operating,
    /// Every metric; `auc.value` is the mean over outer folds and repeats.
    pub metrics: Metrics<Interval>,
    /// Standard deviation of the AUC over outer folds and repeats (of the mean over sets where there are several).
    pub auc_fold_sd: f64,
}

/// Out-of-fold evidence of one form: what every set of tasks is judged from.
pub(crate) struct Honest {
    parts: Vec<PartColumns>,
    labels: Vec<bool>,
    outer: usize,
    folds: Vec<Fold>,
}

/// One outer fold: how parts are joined, the training side's own out-of-fold people, the held rows, and of these each part's log
/// likelihood ratio and squared distance.
struct Fold {
    joining: (Joining, f64),
    reference: Reference,
    rows: Vec<usize>,
    ratios: Vec<Vec<Option<f64>>>,
    squares: Vec<Vec<Option<f64>>>,
}

/// Fits the form on each outer training side and lets it score the held people.
pub(crate) fn honest(
    everybody: &Training<'_>,
    form: &FormSettings,
    settings: &Settings,
    (stage, watch): (&'static str, Watch<'_>),
) -> Result<Honest, Error> {
    let (parts, plan) = (form.columns(everybody, settings.parts)?, &settings.plan);
    let units = outer(everybody, plan)?;
    let (done, of) = (AtomicUsize::new(0), units.len());
    let judge = |Outer { repeat, fold, training, held }: &Outer<'_>| {
        let seed = inner_seed(plan, *repeat, *fold);
        let (fit, shown) = fit_form_shown(training, &parts, (plan.inner, seed), None)?;
        let ratios =
            parts.iter().zip(&fit.parts).map(|(it, fit)| fit.log_ratios(&held.0, &it.columns)).collect();
        let squares = fit.parts.iter().map(|fit| fit.squares(&held.0)).collect();
        watch(Progress { stage, done: 1 + done.fetch_add(1, Ordering::Relaxed), of });
        let (joining, reference) = ((settings.joining, fit.rho), Reference::of(&shown));
        Ok(Fold { joining, reference, rows: held.rows().to_vec(), ratios, squares })
    };
    let folds = units.par_iter().map(judge).collect::<Result<_, Error>>()?;
    Ok(Honest {
        parts,
        labels: everybody.labels().to_vec(),
        outer: units.iter().filter(|it| it.repeat == 0).count(),
        folds,
    })
}

/// What a set of tasks reached: people judged, fold AUCs, one judgement a repeat.
pub(crate) struct OfSet {
    pub(crate) fold_aucs: Vec<f64>,
    pub(crate) repeats: Vec<Judged>,
}

impl Honest {
    /// All parts together.
    pub(crate) fn whole(&self) -> OfSet {
        self.of_set(&(0..self.parts.len()).collect::<Vec<_>>())
    }

    /// People without any part of the set are left out of it where it is one part; in a larger set they count with a
    /// likelihood ratio of 1, as the screener would have to.
    fn of_set(&self, set: &[usize]) -> OfSet {
        let prior =
            logit(self.labels.iter().filter(|&&label| label).count() as f64 / self.labels.len() as f64);
        let mut fold_aucs = Vec::new();
        let repeat = |folds: &[Fold]| {
            let mut ratios: Vec<Option<f64>> = vec![None; self.labels.len()];
            for fold in folds {
                let of_fold = fold.of_set(set);
                let judged =
                    fold.rows.iter().zip(&of_fold).filter_map(|(&row, it)| Some(((*it)?, self.labels[row])));
                let (scores, labels): (Vec<f64>, Vec<bool>) = judged.unzip();
                fold_aucs.push(auc(&scores, &labels));
                fold.rows.iter().zip(of_fold).for_each(|(&row, ratio)| ratios[row] = ratio);
            }
            let known = ratios
                .iter()
                .zip(&self.labels)
                .filter_map(|(it, label)| Some((sigmoid((*it)? + prior), *label)));
            let (probabilities, labels) = known.unzip();
            Judged::new(probabilities, labels)
        };
        let repeats = self.folds.chunks(self.outer).map(repeat).collect();
        fold_aucs.retain(|auc| auc.is_finite());
        OfSet { fold_aucs, repeats }
    }

    /// The evidence for each part, for random sets, and for all parts.
    pub(crate) fn evidence(&self, form: &FormSettings, settings: &Settings) -> FormEvidence {
        let all = self.parts.len();
        let mut random = ChaCha8Rng::seed_from_u64(derive(settings.seed, &[SETS]));
        let mut sets: Vec<(bool, Vec<Vec<usize>>)> = (0..all).map(|task| (true, vec![vec![task]])).collect();
        let sizes = [1, 2, 3, 5, 10, 15, 20].into_iter().filter(|&size| size < all);
        sets.extend(sizes.map(|size| (false, (0..20).map(|_| random_set(all, size, &mut random)).collect())));
        if all > 1 {
            sets.push((true, vec![(0..all).collect()]));
        }
        let sets =
            sets.into_par_iter().map(|(named, sets)| self.set_evidence(named, &sets, settings)).collect();
        FormEvidence { form: form.name.clone(), features: form.features.clone(), sets }
    }

    /// Metrics of one set, or their means over sets of one size.
    fn set_evidence(&self, named: bool, sets: &[Vec<usize>], settings: &Settings) -> SetEvidence {
        let each: Vec<OfSet> = sets.iter().map(|set| self.of_set(set)).collect();
        let prior =
            logit(self.labels.iter().filter(|&&label| label).count() as f64 / self.labels.len() as f64);
        let cuts = [settings.cuts.0, settings.cuts.1].map(|cut| sigmoid(cut.ln() + prior));
        let seed = derive(settings.seed, &[SETS, 1]);
        // Twenty sets share the draws that one set gets: their mean is no noisier.
        let draws = (settings.plan.draws / each.len()).max(100);
        let spreads: Vec<Spread> =
            each.iter().filter_map(|it| spread(&it.repeats, &cuts, (draws, seed))).collect();
        let average = |part: &dyn Fn(&Spread) -> Interval| mean_interval(spreads.iter().map(part));
        let arrays: Vec<_> = spreads.iter().map(|it| it.metrics.array()).collect();
        let mut metrics = Metrics::of_array(std::array::from_fn(|metric| {
            mean_interval(arrays.iter().map(|it| it[metric]))
        }));
        let fold_aucs: Vec<f64> = (0..self.folds.len())
            .filter_map(|fold| {
                feature::mean(
                    &each.iter().filter_map(|it| it.fold_aucs.get(fold).copied()).collect::<Vec<_>>(),
                )
            })
            .collect();
        metrics.auc.value = feature::mean(&fold_aucs).unwrap_or(metrics.auc.value);
        let cut = |place: usize, likelihood_ratio: f64| CutPoint {
            likelihood_ratio,
            sensitivity: average(&|it| it.cuts[place].0),
            specificity: average(&|it| it.cuts[place].1),
        };
        let named: &[usize] = if named { &sets[0] } else { &[] };
        let (tasks, modalities) = self.names(named);
        let people = each[0].repeats[0].labels.len();
        let (lower, upper) = (cut(0, settings.cuts.0), cut(1, settings.cuts.1));
        let (coverage, turned_away) = self.bands_of_sets(sets, settings);
        let operating =
            Operating { tasks, modalities, size: sets[0].len(), people, lower, upper, coverage, turned_away };
        SetEvidence {
            operating,
            metrics,
            auc_fold_sd: feature::standard_deviation(&fold_aucs).unwrap_or(0.0),
        }
    }
}

impl Honest {
    /// The tasks of a set, and the names of its modalities where these are the parts.
    fn names(&self, set: &[usize]) -> (Vec<Task>, Vec<String>) {
        let (mut tasks, mut names) = (Vec::new(), vec![]);
        for part in set.iter().map(|&it| &self.parts[it]) {
            part.tasks.iter().for_each(|it| {
                if !tasks.contains(it) {
                    tasks.push(it.clone());
                }
            });
            names.extend(part.modality.clone());
        }
        (tasks, names)
    }
}

const SETS: u64 = 0x5e7;

/// Everybody's bands, and who would have been turned away, one list a repeat; people who did none of the tasks are left out.
struct Bands {
    labels: Vec<bool>,
    bands: Vec<Vec<Band>>,
    /// Share of repeats in which each person would have been turned away.
    turned_away: Vec<f64>,
}

impl Honest {
    /// Coverage of the bands and share turned away: means over sets.
    fn bands_of_sets(
        &self,
        sets: &[Vec<usize>],
        settings: &Settings,
    ) -> (Option<Coverage>, Option<Interval>) {
        let draws = ((settings.plan.draws / sets.len()).max(100), derive(settings.seed, &[SETS, 2]));
        let each: Vec<(Coverage, Interval)> = sets
            .iter()
            .map(|set| self.bands(set, settings))
            .filter(|it| it.labels.contains(&true) && it.labels.contains(&false))
            .map(|it| {
                let coverage = Coverage::of(&it.bands, &it.labels, settings.plan.error_rate, draws);
                (coverage, mean_of(&it.turned_away, draws))
            })
            .collect();
        if each.is_empty() {
            return (None, None);
        }
        let mean = |part: fn(&Coverage) -> Interval| mean_interval(each.iter().map(|it| part(&it.0)));
        let coverage = Coverage {
            error_rate: settings.plan.error_rate,
            impaired_in_low: mean(|it| it.impaired_in_low),
            healthy_in_high: mean(|it| it.healthy_in_high),
            indeterminate: mean(|it| it.indeterminate),
        };
        (Some(coverage), Some(mean_interval(each.iter().map(|it| it.1))))
    }

    /// What the screener of each outer fold would have said of the people it held, with the tasks of a set.
    fn bands(&self, set: &[usize], settings: &Settings) -> Bands {
        let did = |fold: &Fold, person: usize| -> Vec<usize> {
            set.iter().copied().filter(|&task| fold.ratios[task][person].is_some()).collect()
        };
        let repeats = self.folds.len() / self.outer;
        let mut said: Vec<Vec<Band>> = vec![vec![]; self.labels.len()];
        let mut away = vec![0.0; self.labels.len()];
        for fold in &self.folds {
            let mut known: HashMap<Vec<usize>, (Joint, Ranks, Option<f64>)> = HashMap::new();
            for (person, &row) in fold.rows.iter().enumerate() {
                let tasks = did(fold, person);
                if tasks.is_empty() {
                    continue;
                }
                let all = self.parts.len();
                let (joint, ranks, limit) = known.entry(tasks).or_insert_with_key(|tasks| {
                    let joint = fold.reference.joint(tasks, all, fold.joining);
                    let limit = fold.reference.limit(&joint.parts, all, settings.turned_away);
                    let ranks = fold.reference.ranks(&joint.parts, all, fold.joining);
                    (joint, ranks, limit)
                });
                let of =
                    |numbers: &[Vec<Option<f64>>], part: usize| numbers[part][person].unwrap_or_default();
                let ratio = joint.ratio(|part| of(&fold.ratios, part));
                let ranked = ranks.band(ratio, settings.plan.error_rate);
                said[row].push(Band::of(ratio, settings.cuts, ranked));
                let squares = joint.parts.iter().map(|&part| of(&fold.squares, part));
                let square = squares.sum::<f64>() / joint.parts.len() as f64;
                let beyond = limit.is_some_and(|limit| square > limit);
                away[row] += if beyond { 1.0 / repeats as f64 } else { 0.0 };
            }
        }
        // Somebody did the same tasks in every repeat, so their lists are all of one length or empty.
        let rows: Vec<usize> = (0..said.len()).filter(|&row| said[row].len() == repeats).collect();
        let of_repeat = |repeat: usize| rows.iter().map(|&row| said[row][repeat]).collect();
        Bands {
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            bands: (0..repeats).map(of_repeat).collect(),
            turned_away: rows.iter().map(|&row| away[row]).collect(),
        }
    }
}

/// The mean with its 95 % interval from drawing people.
fn mean_of(values: &[f64], (draws, seed): (usize, u64)) -> Interval {
    let mean = |weights: &[u32]| {
        let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum();
        sum / values.len() as f64
    };
    let each = (0..draws).map(|draw| mean(&drawn(values.len(), seed, draw)));
    percentiles(mean(&vec![1; values.len()]), each)
}

impl Fold {
    /// Joint log likelihood ratio of each held person.
    fn of_set(&self, set: &[usize]) -> Vec<Option<f64>> {
        let mut joints: HashMap<Vec<usize>, Joint> = HashMap::new();
        let person = |person: usize| {
            let known: Vec<usize> =
                set.iter().copied().filter(|&part| self.ratios[part][person].is_some()).collect();
            if known.is_empty() {
                return (set.len() > 1).then_some(0.0);
            }
            let joint = joints
                .entry(known)
                .or_insert_with_key(|known| self.reference.joint(known, self.ratios.len(), self.joining));
            Some(joint.ratio(|part| self.ratios[part][person].unwrap_or_default()))
        };
        (0..self.rows.len()).map(person).collect()
    }
}

/// Means of values and of ends: what several sets or repeats say on average.
fn mean_interval(intervals: impl Iterator<Item = Interval>) -> Interval {
    let (mut sum, mut n) = (Interval { value: 0.0, low: 0.0, high: 0.0 }, 0.0);
    for it in intervals {
        sum = Interval { value: sum.value + it.value, low: sum.low + it.low, high: sum.high + it.high };
        n += 1.0;
    }
    Interval { value: sum.value / n, low: sum.low / n, high: sum.high / n }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four people in two folds of one repeat; the second of them did only the second task.
    fn judged() -> Honest {
        let task = |name: &str| PartColumns {
            tasks: vec![Task::new(name).unwrap()],
            modality: None,
            columns: vec![],
        };
        let fold = |rows: [usize; 2], ratios: [[Option<f64>; 2]; 2]| Fold {
            joining: (Joining::Correlation, 0.5),
            reference: Reference::default(),
            rows: rows.to_vec(),
            ratios: ratios.map(|it| it.to_vec()).to_vec(),
            squares: vec![],
        };
        let folds = vec![
            fold([0, 1], [[Some(-1.0), None], [Some(-0.5), Some(0.4)]]),
            fold([2, 3], [[Some(-2.0), Some(2.0)], [None, None]]),
        ];
        Honest { parts: vec![task("a"), task("b")], labels: vec![false, true, false, true], outer: 2, folds }
    }

    #[test]
    fn a_single_task_judges_only_those_who_did_it() {
        let first = judged().of_set(&[0]);
        assert_eq!(first.repeats[0].labels, [false, false, true]);
        assert_eq!(first.fold_aucs, [1.0], "a fold of one class has no area");
        assert_eq!(judged().of_set(&[1]).repeats[0].labels, [false, true]);
    }

    #[test]
    fn a_set_joins_what_each_person_did() {
        let both = judged().whole();
        assert_eq!((both.repeats[0].labels.len(), both.fold_aucs.as_slice()), (4, [1.0, 1.0].as_slice()));
        // Person 0: (−1 − 0.5) / 1.5; the others have one task, which counts as it is. Prevalence is one half.
        let expected = [-1.0, 0.4, -2.0, 2.0].map(sigmoid);
        let got = &both.repeats[0].probabilities;
        assert!(got.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-12), "{got:?}");
    }
}
