//! A screener: calibrated logistic regressions of single tasks, joined over whichever tasks are there.
//!
//! Every part is linear in standardised logs, so that a score can be taken apart: baseline plus one contribution a feature,
//! and nothing left over. Tasks are joined late, by their evidence; a task that was not done is left out, not filled in.
//!
//! ```text
//! task        ln LR = baseline + Σ coefficient · standardised log          (Platt's calibration folded in)
//! person      ln LR = Σ over k tasks / (1 + (k − 1)·ρ)                     (screener/fusion.rs)
//! interval    the same from each of the stored refits, middle 95 %         (screener/refits.rs)
//! band        ln LR beyond a cut, and ranked so among the training people  (screener/reference.rs, conformal.rs)
//! outside     mean squared distance of Mahalanobis over k tasks            (screener/cloud.rs)
//! probability odds(prevalence) · LR                                        (Score::probability_at)
//! ```
//!
//! The likelihood ratio is what travels: the study's own share of impaired people is taken out of it when it is fitted, and
//! the share where the screener is used comes in only when a caller states it.

mod cloud;
mod fit;
mod fusion;
mod honest;
mod packed;
mod reference;
mod refits;
mod score;
mod shorten;

use feature::{Unit, Value};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use study::Task;

use crate::{
    Error, FormSettings, Settings, Training,
    bootstrap::percentiles,
    card::software,
    digest::{self, Remembered},
    evaluate::{Progress, Watch},
    metric::{Interval, logit},
    prepare::Scale,
    seed::derive,
};
use cloud::Cloud;
use fit::{FormFit, TaskColumns, fit_form, fit_form_shown};
use reference::Reference;
use refits::Refits;

pub use honest::{FormEvidence, SetEvidence};
pub(crate) use honest::{Honest, honest};
pub use score::{
    Band, Contribution, CutPoint, Distance, Farthest, Measurements, Operating, Outcome, Outside, Ranked,
    Score,
};
pub use shorten::{ShortTask, Shortened, TimeBudget, shorten};

/// A fitted screener. Written to and read from `screener.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screener {
    /// `name@version`.
    name: String,
    /// Program and version that fitted it.
    software: String,
    /// Name of the cohort it was fitted on.
    cohort: String,
    /// People it was fitted on, and how many of them are impaired.
    people: usize,
    impaired: usize,
    /// Likelihood ratios that part low, indeterminate and high.
    cuts: (f64, f64),
    /// Share of each class that a band may put on the wrong side.
    error_rate: f64,
    /// Share of people like the training people about whom nothing is concluded because they look unlike them.
    turned_away: f64,
    forms: Vec<Form>,
    /// Digest of everything above: hashing the refits for every score would cost more than the score.
    #[serde(skip)]
    digest: Remembered,
}

/// One set of features with everything fitted on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    rho: f64,
    tasks: Vec<TaskLine>,
    reference: Reference,
    refits: Refits,
    operating: Vec<Operating>,
}

/// One task: log likelihood ratio = baseline + Σ coefficient · standardised log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskLine {
    task: Task,
    people: usize,
    c: f64,
    baseline: f64,
    features: Vec<FeatureLine>,
    cloud: Cloud,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureLine {
    feature: String,
    unit: Unit,
    scale: Scale,
    coefficient: f64,
    healthy: Option<Percentiles>,
}

/// 5th, 25th, 50th, 75th and 95th percentile of the healthy training people's values, in the column's unit.
type Percentiles = [f64; 5];

impl Screener {
    /// Fits every form of the settings on the training people, with refits for intervals. Copied blocks must already be
    /// missing: [`train`](crate::train) sees to that.
    pub fn fit(training: &Training<'_>, settings: &Settings, watch: Watch<'_>) -> Result<Self, Error> {
        settings.check()?;
        training.both_classes("training")?;
        let form = |form: &FormSettings| Form::fit(training, form, settings, watch);
        let (healthy, impaired) = training.0.classes();
        Ok(Self {
            name: settings.name.clone(),
            software: software(),
            cohort: settings.cohort.clone(),
            people: healthy + impaired,
            impaired,
            cuts: settings.cuts,
            error_rate: settings.plan.error_rate,
            turned_away: settings.turned_away,
            forms: settings.forms.iter().map(form).collect::<Result<_, _>>()?,
            digest: Remembered::default(),
        })
    }

    /// Stores how the bands did out of fold, so that a score can say it.
    pub(crate) fn with_evidence(mut self, evidence: &[FormEvidence]) -> Self {
        for (form, evidence) in self.forms.iter_mut().zip(evidence) {
            form.operating = evidence.sets.iter().map(|set| set.operating.clone()).collect();
        }
        self.digest = Remembered::default();
        self
    }

    /// Reads `screener.json` and checks that its parts fit together.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let place = "screener.json";
        let screener: Self = serde_json::from_slice(json).map_err(|source| Error::Json { place, source })?;
        screener.forms.iter().try_for_each(Form::check)?;
        Ok(screener)
    }

    /// What is written to `screener.json`.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|source| Error::Json { place: "screener.json", source })
    }

    /// SHA-256 of the artefact: of the bytes that [`to_json`](Self::to_json) writes.
    pub fn digest(&self) -> String {
        self.digest.or_compute(|| digest::of_json(self))
    }

    /// `name@version`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the cohort it was fitted on.
    pub fn cohort(&self) -> &str {
        &self.cohort
    }

    /// Names of its forms, the first the one its card is headed by.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        self.forms.iter().map(|form| form.name.as_str())
    }

    /// Tasks that a form can score; empty for an unknown form.
    pub fn tasks(&self, form: &str) -> Vec<&Task> {
        let lines = self.forms.iter().filter(|it| it.name == form).flat_map(|it| &it.tasks);
        lines.map(|line| &line.task).collect()
    }

    /// Features that a form needs at a task; empty where it cannot score the task.
    pub fn features(&self, form: &str, task: &Task) -> Vec<&str> {
        let lines = self.forms.iter().filter(|it| it.name == form).flat_map(|it| &it.tasks);
        let features = lines.filter(|line| &line.task == task).flat_map(|line| &line.features);
        features.map(|line| line.feature.as_str()).collect()
    }

    /// Share of impaired people among those it was fitted on.
    pub fn study_prevalence(&self) -> f64 {
        self.impaired as f64 / self.people as f64
    }

    /// Scores what was measured of one person with a form.
    ///
    /// Inconclusive where every known task lacks a feature that all training people had, where the values lie farther from the
    /// training people than all but the settings' share of them do, or where the interval of the likelihood ratio spans both
    /// cuts. Not
    /// applicable where no task is known. Tasks the screener does not know are left aside.
    pub fn score(&self, measured: &Measurements, form: &str) -> Result<Outcome, Error> {
        let Some(form) = self.forms.iter().find(|it| it.name == form) else {
            let known = self.forms().collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownForm { screener: self.name.clone(), known, got: form.to_owned() });
        };
        let known: Vec<Known<'_>> = form.known(measured);
        if known.is_empty() {
            let tasks = measured.tasks().map(Task::as_str).collect::<Vec<_>>().join(", ");
            let reason = match tasks.as_str() {
                "" => "nothing was measured".to_owned(),
                tasks => format!("{} has no screener for this task: {tasks}", self.name),
            };
            return Ok(Outcome::NotApplicable { reason });
        }
        let lacking: Vec<String> = known.iter().filter_map(|it| it.lacking(measured)).collect();
        let usable: Vec<&Known<'_>> = known.iter().filter(|it| it.lacking(measured).is_none()).collect();
        if usable.is_empty() {
            return Ok(Outcome::Inconclusive { score: None, reasons: lacking });
        }
        let score = self.score_of(form, &usable, measured);
        let reasons = self.doubts(&score);
        Ok(if reasons.is_empty() {
            Outcome::Scored(score)
        } else {
            Outcome::Inconclusive { score: Some(score), reasons }
        })
    }

    /// The score of the tasks that can be used.
    fn score_of(&self, form: &Form, usable: &[&Known<'_>], measured: &Measurements) -> Score {
        let places: Vec<Vec<f64>> = usable.iter().map(|it| it.places(measured)).collect();
        let share = fusion::share(usable.len() as f64, form.rho);
        let baseline = share * usable.iter().map(|it| it.line.baseline).sum::<f64>();
        let contributions = contributions(usable, &places, measured, share);
        let log_ratio = baseline + contributions.iter().map(|it| it.amount).sum::<f64>();
        let refits = form.refits.each(form.width()).map(|refit| of_refit(refit, usable, &places));
        let Interval { value, low, high } = percentiles(log_ratio, refits);
        // The middle 95 % of refits may lie to one side of the fit itself; the interval always holds the score.
        let likelihood_ratio =
            Interval { value: value.exp(), low: low.min(value).exp(), high: high.max(value).exp() };
        let tasks: Vec<Task> = usable.iter().map(|it| it.line.task.clone()).collect();
        let (ranked, band) = self.ranked(form, usable, log_ratio);
        Score {
            screener: self.name.clone(),
            digest: self.digest(),
            form: form.name.clone(),
            likelihood_ratio,
            log_odds: log_ratio + logit(self.study_prevalence()),
            study_prevalence: self.study_prevalence(),
            band,
            ranked,
            distance: self.distance(form, usable, measured),
            operating: form.operating_of(&tasks),
            tasks,
            baseline,
            contributions,
            outside: usable.iter().flat_map(|it| it.outside(measured)).collect(),
        }
    }

    /// How a log likelihood ratio ranks among the training people on the same tasks, and the band it is in.
    fn ranked(&self, form: &Form, usable: &[&Known<'_>], log_ratio: f64) -> (Ranked, Band) {
        let (tasks, all) = (places_of(usable), form.tasks.len());
        let ranks = form.reference.ranks(&tasks, all, form.rho);
        let (p_healthy, p_impaired) = ranks.p(log_ratio);
        let (healthy, impaired) = form.reference.people(&tasks, all);
        let ranked = Ranked { error_rate: self.error_rate, p_healthy, p_impaired, healthy, impaired };
        (ranked, Band::of(log_ratio, self.cuts, ranks.band(log_ratio, self.error_rate)))
    }

    /// How far all values together lie from the training people.
    fn distance(&self, form: &Form, usable: &[&Known<'_>], measured: &Measurements) -> Distance {
        let tasks = places_of(usable);
        let limit = form.reference.limit(&tasks, form.tasks.len(), self.turned_away);
        let mut farthest: Vec<Farthest> = vec![];
        let mut sum = 0.0;
        for known in usable {
            let Some(found) = known.line.cloud.distance(&known.standardised(measured)) else { continue };
            sum += found.square;
            let one = |(line, share): (&FeatureLine, &f64)| Farthest {
                task: known.line.task.clone(),
                feature: line.feature.clone(),
                share: share * found.square,
            };
            farthest.extend(known.line.features.iter().zip(&found.shares).map(one));
        }
        farthest.iter_mut().for_each(|it| it.share /= sum.max(f64::MIN_POSITIVE));
        farthest.retain(|it| it.share >= NAMED);
        farthest.sort_by(|a, b| b.share.total_cmp(&a.share));
        let value = (sum / usable.len() as f64).sqrt();
        Distance { value, limit: limit.map(f64::sqrt), farthest }
    }

    /// Why a score should not be believed.
    fn doubts(&self, score: &Score) -> Vec<String> {
        let mut doubts = Vec::new();
        doubts.extend(score.distance.doubt(self.turned_away));
        let Interval { low, high, .. } = score.likelihood_ratio;
        if low < self.cuts.0 && high >= self.cuts.1 {
            doubts.push(format!(
                "the 95 % interval of the likelihood ratio, {low:.2} to {high:.1}, spans both cuts ({} and {})",
                self.cuts.0, self.cuts.1
            ));
        }
        doubts
    }
}

/// Share of a distance from which a feature is named.
const NAMED: f64 = 0.1;

fn places_of(usable: &[&Known<'_>]) -> Vec<usize> {
    usable.iter().map(|it| it.place).collect()
}

/// A task of a form, with its place there and where its values begin in a refit.
struct Known<'a> {
    line: &'a TaskLine,
    place: usize,
    offset: usize,
}

impl Known<'_> {
    /// Why the task cannot be used: a feature that all training people had is missing.
    fn lacking(&self, measured: &Measurements) -> Option<String> {
        let task = &self.line.task;
        let lacking = self.line.features.iter().filter(|line| line.scale.always).find_map(|line| {
            match measured.value(task, &line.feature) {
                Some(Value::Measured(_)) => None,
                Some(Value::Missing(reason)) => {
                    Some(format!("{task}: {} is missing: {reason}", line.feature))
                }
                None => Some(format!("{task}: {} was not measured", line.feature)),
            }
        });
        let any = self.line.features.iter().any(|line| number(measured, task, line).is_some());
        lacking.or_else(|| (!any).then(|| format!("{task}: none of its features was measured")))
    }

    /// Standardised logs of the features however far out, as a distance takes them; NaN where one is missing.
    fn standardised(&self, measured: &Measurements) -> Vec<f64> {
        let value = |line: &FeatureLine| number(measured, &self.line.task, line).unwrap_or(f64::NAN);
        // Tables hold f32, and so did the people the cloud is of.
        self.line.features.iter().map(|line| line.scale.known(f64::from(value(line) as f32))).collect()
    }

    /// Standardised logs of the features; the median's place where one is missing.
    fn places(&self, measured: &Measurements) -> Vec<f64> {
        let place = |line: &FeatureLine| {
            line.scale.place(number(measured, &self.line.task, line).unwrap_or(f64::NAN))
        };
        self.line.features.iter().map(place).collect()
    }

    /// The measured values below or above everything the training people showed.
    fn outside(&self, measured: &Measurements) -> Vec<Outside> {
        let outside = |line: &FeatureLine| {
            let value = number(measured, &self.line.task, line)?;
            let (low, high) = line.scale.range;
            let (task, feature, unit) = (self.line.task.clone(), line.feature.clone(), line.unit);
            // Tables hold f32: a value that was itself an end of the range must not fall outside it by rounding.
            let rounded = f64::from(value as f32);
            (rounded < low || rounded > high).then_some(Outside {
                task,
                feature,
                unit,
                value,
                range: line.scale.range,
            })
        };
        self.line.features.iter().filter_map(outside).collect()
    }
}

/// The number of a feature, if it was measured.
fn number(measured: &Measurements, task: &Task, line: &FeatureLine) -> Option<f64> {
    measured.value(task, &line.feature).and_then(Value::measured)
}

/// Every feature's part of the log likelihood ratio, the largest first.
fn contributions(
    usable: &[&Known<'_>],
    places: &[Vec<f64>],
    measured: &Measurements,
    share: f64,
) -> Vec<Contribution> {
    let of_task = |(known, places): (&&Known<'_>, &Vec<f64>)| {
        let task = known.line.task.clone();
        let lines = known.line.features.iter().zip(places.clone());
        let one = move |(line, place): (&FeatureLine, f64)| Contribution {
            task: task.clone(),
            feature: line.feature.clone(),
            unit: line.unit,
            value: number(measured, &task, line),
            training_mean: line.scale.centre(),
            healthy: line.healthy,
            amount: share * line.coefficient * place,
        };
        lines.map(one).collect::<Vec<_>>()
    };
    let mut all: Vec<Contribution> = usable.iter().zip(places).flat_map(of_task).collect();
    all.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    all
}

/// The log likelihood ratio that a refit gives the same person.
fn of_refit(refit: &[f32], usable: &[&Known<'_>], places: &[Vec<f64>]) -> f64 {
    let one = |(known, places): (&&Known<'_>, &Vec<f64>)| {
        let values = &refit[known.offset..known.offset + places.len() + 1];
        let sum: f64 = values[1..].iter().zip(places).map(|(value, place)| f64::from(*value) * place).sum();
        f64::from(values[0]) + sum
    };
    fusion::fuse(usable.iter().zip(places).map(one), f64::from(refit[0]))
}

impl Form {
    fn fit(
        training: &Training<'_>,
        form: &FormSettings,
        settings: &Settings,
        watch: Watch<'_>,
    ) -> Result<Self, Error> {
        let columns = form.columns(training)?;
        let (fit, shown) = fit_form_shown(training, &columns, (settings.inner, settings.seed), None)?;
        let done = std::sync::atomic::AtomicUsize::new(0);
        let refit = |draw: usize| {
            let seed = derive(settings.seed, &[REFITS, draw as u64]);
            let again = fit_form(&training.drawn(seed), &columns, (settings.inner, seed), Some(&fit));
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            watch(Progress { stage: "refits", done, of: settings.refits });
            again
        };
        let refits: Vec<FormFit> =
            (0..settings.refits).into_par_iter().map(refit).collect::<Result<_, _>>()?;
        let tasks = columns.iter().zip(&fit.tasks).map(|(it, fit)| TaskLine::of(training, it, fit)).collect();
        let (name, rho, refits) = (form.name.clone(), fit.rho, Refits::of(&refits));
        Ok(Self { name, rho, tasks, reference: Reference::of(&shown), refits, operating: vec![] })
    }

    /// Values of one refit: ρ, and for each task the baseline and the coefficients.
    fn width(&self) -> usize {
        1 + self.tasks.iter().map(|line| 1 + line.features.len()).sum::<usize>()
    }

    /// What serde cannot see: that the refits are as wide as the tasks, and that nothing divides by zero.
    fn check(&self) -> Result<(), Error> {
        let (width, len) = (self.width(), self.refits.len());
        let bad = |expected: String, got: &dyn ToString| {
            let place = format!("screener.json, form {}", self.name);
            Err(Error::BadArtefact { place, expected, got: got.to_string() })
        };
        if !len.is_multiple_of(width) {
            return bad(format!("refits of {width} values each"), &format!("{len} values"));
        }
        let scales = || self.tasks.iter().flat_map(|line| &line.features).map(|line| &line.scale);
        if !scales().all(|scale| scale.floor > 0.0 && scale.deviation > 0.0) {
            return bad("floors and deviations above 0".to_owned(), &"one that is not");
        }
        if !self.reference.fits(self.tasks.len()) {
            return bad(format!("a reference of {} tasks", self.tasks.len()), &"another number");
        }
        if !self.tasks.iter().all(|line| line.cloud.sound(line.features.len())) {
            return bad("clouds as wide as their tasks and positive definite".to_owned(), &"one that is not");
        }
        if !(0.0..=1.0).contains(&self.rho) {
            return bad("rho from 0 to 1".to_owned(), &self.rho);
        }
        Ok(())
    }

    /// The tasks of which something was measured.
    fn known(&self, measured: &Measurements) -> Vec<Known<'_>> {
        let mut offset = 1;
        let mut known = Vec::new();
        for (place, line) in self.tasks.iter().enumerate() {
            if measured.tasks().any(|task| task == &line.task) {
                known.push(Known { line, place, offset });
            }
            offset += 1 + line.features.len();
        }
        known
    }

    /// The evidence for exactly these tasks, or for random sets of the nearest smaller number of tasks.
    fn operating_of(&self, tasks: &[Task]) -> Option<Operating> {
        let exact = self.operating.iter().find(|it| it.tasks == tasks);
        let smaller = self.operating.iter().filter(|it| it.tasks.is_empty() && it.size <= tasks.len());
        exact.or(smaller.max_by_key(|it| it.size)).cloned()
    }
}

const REFITS: u64 = 0x4ef1;

/// `None` where no healthy person has the value.
fn healthy(training: &Training<'_>, column: usize) -> Option<Percentiles> {
    let cells = training.0.column(column).zip(training.labels());
    let healthy: Vec<f64> =
        cells.filter(|(cell, label)| !**label && !cell.is_nan()).map(|(cell, _)| cell).collect();
    let at = |p| feature::percentile(&healthy, p);
    Some([at(5.0)?, at(25.0)?, at(50.0)?, at(75.0)?, at(95.0)?])
}

impl TaskLine {
    fn of(training: &Training<'_>, columns: &TaskColumns, fit: &fit::TaskFit) -> Self {
        let table = training.0.table;
        let feature = |((column, scale), coefficient): (&(usize, Scale), &f64)| FeatureLine {
            feature: table.columns()[*column].feature.clone(),
            unit: table.columns()[*column].unit,
            scale: scale.clone(),
            coefficient: *coefficient,
            healthy: healthy(training, *column),
        };
        Self {
            task: columns.task.clone(),
            people: fit.people,
            c: fit.c,
            baseline: fit.baseline,
            features: fit.preparation.scales.iter().zip(&fit.coefficients).map(feature).collect(),
            cloud: fit.cloud.clone().unwrap_or_else(|| Cloud::of(&fit.preparation, &training.0)),
        }
    }
}

impl FormSettings {
    /// The columns of each task that has any of the form's features. A form that names no feature takes all of them. Tasks done
    /// by too few people of a class are left out.
    fn columns(&self, training: &Training<'_>) -> Result<Vec<TaskColumns>, Error> {
        let table = training.0.table;
        let wanted = |column: &usize| {
            let feature = &table.columns()[*column].feature;
            self.features.is_empty() || self.features.contains(feature)
        };
        let task = |task: &Task| {
            let columns: Vec<usize> = table.columns_of(task).into_iter().filter(wanted).collect();
            let (healthy, impaired) = training.measured_in(&columns).0.classes();
            (healthy.min(impaired) >= FEWEST).then(|| TaskColumns { task: task.clone(), columns })
        };
        let tasks: Vec<TaskColumns> = table.tasks().into_iter().filter_map(task).collect();
        match tasks.is_empty() {
            true => Err(Error::NothingMeasured { place: format!("form {}", self.name) }),
            false => Ok(tasks),
        }
    }
}

/// Fewest people of each class who must have done a task: with fewer no fold can be fitted and calibrated.
const FEWEST: usize = 16;
