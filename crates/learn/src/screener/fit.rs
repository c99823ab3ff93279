//! Fitting the parts of one form — tasks, or modalities — and what joins them.
//!
//! One set of inner folds serves three purposes in turn, each on scores of people that were not fitted on: it chooses each
//! task's C, it calibrates the task, and it finds ρ. The first and the last use calibrations crossed over folds, because ρ
//! chosen on calibrations that have seen the same people makes joint scores about a fifth too sure (on DARWIN the calibration
//! slope of 25 joined tasks was .83 before, and is .98 with crossed calibrations).

use study::Task;

use super::{
    cloud::Cloud,
    fusion::{Evidence, fit_rho},
};
use crate::{
    Error, Held, Training,
    calibrate::Platt,
    estimator::{log_loss, logistic_line},
    metric::logit,
    prepare::Preparation,
    seed::derive,
    training::People,
};

/// C of each task's logistic regression is chosen among these.
const CS: [f64; 5] = [0.001, 0.01, 0.1, 1.0, 10.0];

/// A part of a form — a task, or a modality over all tasks: the columns that are used.
#[derive(Debug, Clone)]
pub(crate) struct PartColumns {
    /// The tasks they are of.
    pub(crate) tasks: Vec<Task>,
    /// Name of the modality, where that is what the part is.
    pub(crate) modality: Option<String>,
    pub(crate) columns: Vec<usize>,
}

/// A fitted part: log likelihood ratio = baseline + Σ coefficient · standardised log.
#[derive(Debug, Clone)]
pub(crate) struct PartFit {
    pub(crate) preparation: Preparation,
    pub(crate) c: f64,
    pub(crate) baseline: f64,
    pub(crate) coefficients: Vec<f64>,
    /// People who have the part.
    pub(crate) people: usize,
    /// How their values lie; a refit has none.
    pub(crate) cloud: Option<Cloud>,
}

/// A fitted form.
#[derive(Debug, Clone)]
pub(crate) struct FormFit {
    pub(crate) parts: Vec<PartFit>,
    pub(crate) rho: f64,
}

/// Fits every part of a form on the people who have it, calibrates each on inner out-of-fold scores, and finds ρ on the same.
///
/// `like` is an earlier fit whose scales and C are kept: what a refit for an interval does.
pub(crate) fn fit_form(
    training: &Training<'_>,
    parts: &[PartColumns],
    (folds, seed): (usize, u64),
    like: Option<&FormFit>,
) -> Result<FormFit, Error> {
    Ok(fit_form_shown(training, parts, (folds, seed), like)?.0)
}

/// The inner out-of-fold evidence that a form was joined on; `labels` in the order of the evidence.
pub(crate) struct Shown {
    pub(crate) evidence: Evidence,
    /// Mean squares of the inner held people's distances, as [`Cloud`] has them.
    pub(crate) distances: Evidence,
    pub(crate) labels: Vec<bool>,
}

/// [`fit_form`] with the evidence that it calibrated and joined on.
pub(crate) fn fit_form_shown(
    training: &Training<'_>,
    parts: &[PartColumns],
    (folds, seed): (usize, u64),
    like: Option<&FormFit>,
) -> Result<(FormFit, Shown), Error> {
    let splits = training.split(folds, seed)?;
    let (mut fitted, mut evidence, mut distances) = (Vec::new(), Evidence::new(), Evidence::new());
    for (it, part) in parts.iter().enumerate() {
        let (fit, out_of_fold) = fit_part(training, part, &splits, like.map(|fit| &fit.parts[it]))?;
        fitted.push(fit);
        evidence.push(out_of_fold.ratios);
        distances.push(out_of_fold.squares);
    }
    // The order of the evidence is that of the folds, not of the people.
    let labels: Vec<bool> = splits.iter().flat_map(|(_, held)| held.labels()).copied().collect();
    let rho = fit_rho(&evidence, &labels, (logit(training.prevalence()), derive(seed, &[RHO])));
    Ok((FormFit { parts: fitted, rho }, Shown { evidence, distances, labels }))
}

const RHO: u64 = 0x40;

type Split<'a> = (Training<'a>, Held<'a>);

/// What inner folds say of the people they held, in the order of the folds; `None` where somebody did not do the task.
struct OutOfFold {
    /// Calibrated log likelihood ratios.
    ratios: Vec<Option<f64>>,
    /// Mean squares of distances; empty for a refit.
    squares: Vec<Option<f64>>,
}

/// One part's fit, and what inner folds say of the people they held.
fn fit_part(
    training: &Training<'_>,
    part: &PartColumns,
    splits: &[Split<'_>],
    like: Option<&PartFit>,
) -> Result<(PartFit, OutOfFold), Error> {
    let cs = like.map_or(CS.to_vec(), |fit| vec![fit.c]);
    // One list of folds a C; each fold has a score and a label a person, NaN where they did not do the task.
    let mut scores: Vec<Vec<Vec<f64>>> = vec![vec![]; cs.len()];
    let mut squares = vec![];
    for (inner, held) in splits {
        let lines = lines(inner, &part.columns, &cs, like)?;
        let did = held.0.did(&part.columns);
        if like.is_none() {
            let cloud = Cloud::of(&lines.preparation, &inner.measured_in(&part.columns).0);
            squares.extend(cloud.distances(&lines.preparation, &held.0));
        }
        let design = lines.preparation.apply(&held.0);
        for ((intercept, coefficients), scores) in lines.lines.iter().zip(&mut scores) {
            let of_fold = design.linear(*intercept, coefficients);
            scores.push(
                of_fold.iter().zip(&did).map(|(score, did)| if *did { *score } else { f64::NAN }).collect(),
            );
        }
    }
    let labels: Vec<&[bool]> = splits.iter().map(|(_, held)| held.labels()).collect();
    let crossed = scores.iter().map(|scores| Crossed::of(scores, &labels)).collect::<Result<Vec<_>, _>>()?;
    let best = (0..cs.len()).min_by(|&a, &b| crossed[a].loss.total_cmp(&crossed[b].loss)).unwrap_or(0);
    let platt = calibration(scores[best].iter().zip(labels.iter().copied()))?;
    let did = training.measured_in(&part.columns);
    let prior = logit(did.prevalence());
    let Lines { preparation, mut lines } = lines(training, &part.columns, &cs[best..=best], like)?;
    let (intercept, mut coefficients) = lines.swap_remove(0);
    coefficients.iter_mut().for_each(|coefficient| *coefficient *= platt.slope);
    let baseline = platt.log_odds(intercept) - prior;
    let ratios = crossed[best].log_odds.iter().map(|it| (!it.is_nan()).then_some(it - prior)).collect();
    let cloud = like.is_none().then(|| Cloud::of(&preparation, &did.0));
    let fit = PartFit { preparation, c: cs[best], baseline, coefficients, people: did.len(), cloud };
    Ok((fit, OutOfFold { ratios, squares }))
}

/// Log-odds of each fold's people by a calibration on the other folds: nothing of theirs is in their own evidence, or ρ
/// and C would be chosen on numbers that are too good.
struct Crossed {
    /// In the order of the folds; NaN where somebody did not do the task.
    log_odds: Vec<f64>,
    loss: f64,
}

impl Crossed {
    fn of(scores: &[Vec<f64>], labels: &[&[bool]]) -> Result<Self, Error> {
        let mut crossed = Self { log_odds: vec![], loss: 0.0 };
        for fold in 0..scores.len() {
            let others = scores.iter().zip(labels.iter().copied()).enumerate().filter(|(it, _)| *it != fold);
            let platt = calibration(others.map(|(_, pair)| pair))?;
            for (score, label) in scores[fold].iter().zip(labels[fold]) {
                let log_odds = platt.log_odds(*score);
                if !score.is_nan() {
                    crossed.loss += log_loss(log_odds, *label);
                }
                crossed.log_odds.push(log_odds);
            }
        }
        Ok(crossed)
    }
}

/// Platt's calibration of the people of some folds who did the task.
fn calibration<'a>(folds: impl Iterator<Item = (&'a Vec<f64>, &'a [bool])>) -> Result<Platt, Error> {
    let people = folds.flat_map(|(scores, labels)| scores.iter().zip(labels));
    let did = people.filter(|(score, _)| !score.is_nan()).map(|(score, label)| (*score, *label));
    let (scores, labels): (Vec<f64>, Vec<bool>) = did.unzip();
    Platt::fit(&scores, &labels)
}

/// What one training side learned of a task: scales, and a line a C.
struct Lines {
    preparation: Preparation,
    lines: Vec<(f64, Vec<f64>)>,
}

/// Logistic regressions of the people who did the task, one a C.
fn lines(
    training: &Training<'_>,
    columns: &[usize],
    cs: &[f64],
    like: Option<&PartFit>,
) -> Result<Lines, Error> {
    let did = training.measured_in(columns);
    did.both_classes("task")?;
    let preparation = match like {
        Some(fit) => fit.preparation.clone(),
        None => Preparation::of_columns(&did, columns)?,
    };
    let lines = logistic_line(&preparation.apply(&did.0), did.labels(), cs);
    Ok(Lines { preparation, lines })
}

impl PartFit {
    /// Mean square of each person's distance; `None` where they did not do the task, and all for a refit.
    pub(crate) fn squares(&self, people: &People<'_>) -> Vec<Option<f64>> {
        let nothing = || vec![None; people.rows.len()];
        self.cloud.as_ref().map_or_else(nothing, |it| it.distances(&self.preparation, people))
    }

    /// Log likelihood ratio of each person; `None` where they did not do the task.
    pub(crate) fn log_ratios(&self, people: &People<'_>, columns: &[usize]) -> Vec<Option<f64>> {
        let ratios = self.preparation.apply(people).linear(self.baseline, &self.coefficients);
        ratios.into_iter().zip(people.did(columns)).map(|(ratio, did)| did.then_some(ratio)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::auc, synthetic};
    use study::{Block, FeatureTable};

    fn tasks(table: &FeatureTable) -> Vec<PartColumns> {
        let columns = |task: &Task| PartColumns {
            tasks: vec![task.clone()],
            modality: None,
            columns: table.columns_of(task),
        };
        table.tasks().into_iter().map(columns).collect()
    }

    #[test]
    fn evidence_for_noise_is_none_although_the_fit_finds_some() {
        let table = synthetic::blocks(60, (1, 20), 0.0, 3);
        let everybody = Training::new(&table).unwrap();
        let splits = everybody.split(4, 1).unwrap();
        let (_, out_of_fold) = fit_part(&everybody, &tasks(&table)[0], &splits, None).unwrap();
        let labels: Vec<bool> = splits.iter().flat_map(|(_, held)| held.labels().to_vec()).collect();
        let honest: Vec<f64> = out_of_fold.ratios.into_iter().flatten().collect();
        let design = Preparation::of(&everybody).unwrap().apply(&everybody.0);
        let (intercept, coefficients) = logistic_line(&design, everybody.labels(), &[1.0]).swap_remove(0);
        assert!(auc(&design.linear(intercept, &coefficients), everybody.labels()) > 0.7);
        assert!((auc(&honest, &labels) - 0.5).abs() < 0.2);
        assert!(honest.iter().all(|ratio| ratio.abs() < 1.5), "noise must not be believed: {honest:?}");
    }

    #[test]
    fn people_who_did_not_do_a_task_have_no_ratio_and_do_not_move_its_scales() {
        let plain = synthetic::blocks(60, (2, 2), 1.0, 3);
        let first = tasks(&plain)[0].tasks[0].clone();
        let blocks: Vec<_> = (0..10).map(|row| Block { row, task: &first }).collect();
        let table = plain.masked(&blocks, &"not done".into());
        let everybody = Training::new(&table).unwrap();
        let fit = fit_form(&everybody, &tasks(&table), (4, 1), None).unwrap();
        let columns = &tasks(&table)[0].columns;
        let ratios = fit.parts[0].log_ratios(&everybody.0, columns);
        assert!(ratios[..10].iter().all(Option::is_none) && ratios[10..].iter().all(Option::is_some));
        assert_eq!((fit.parts[0].people, fit.parts[1].people), (50, 60));
        assert!(fit.parts[0].preparation.scales.iter().all(|(_, scale)| scale.always));
    }

    #[test]
    fn a_refit_keeps_scales_and_c_and_moves_the_coefficients() {
        let table = synthetic::blocks(60, (2, 3), 1.0, 3);
        let everybody = Training::new(&table).unwrap();
        let fit = fit_form(&everybody, &tasks(&table), (4, 1), None).unwrap();
        let again = fit_form(&everybody.drawn(9), &tasks(&table), (4, 2), Some(&fit)).unwrap();
        for (fit, again) in fit.parts.iter().zip(&again.parts) {
            assert_eq!((&fit.preparation, fit.c), (&again.preparation, again.c));
            assert_ne!(fit.coefficients, again.coefficients);
        }
    }
}
