//! A screener: calibrated logistic regressions of its parts — single tasks, or all that one room measured — joined over whichever
//! parts are there.
//!
//! Every part is linear in standardised logs, so that a score can be taken apart: baseline plus one contribution a feature,
//! and nothing left over. Parts are joined late, by their evidence; a part that is absent is left out, not filled in.
//!
//! ```text
//! part        ln LR = baseline + Σ coefficient · standardised log          (Platt's calibration folded in)
//! person      ln LR = Σ over k parts / (1 + (k − 1)·ρ)                     (screener/fusion.rs), or
//!             ln LR = intercept + Σ weight · part, a line a set of parts   (estimator/joint.rs, by screener/reference.rs)
//! interval    the same from each of the stored refits, middle 95 %         (screener/refits.rs)
//! band        ln LR beyond a cut, and ranked so among the training people  (screener/reference.rs, conformal.rs)
//! outside     mean squared distance of Mahalanobis over k parts            (screener/cloud.rs)
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
    Error, Settings, Training,
    bootstrap::percentiles,
    card::software,
    digest::{self, Remembered},
    estimator::{Joint, Parts},
    evaluate::{Progress, Watch},
    metric::{Interval, logit},
    prepare::Scale,
    seed::derive,
    train::FormSettings,
};
use cloud::Cloud;
use fit::{FormFit, PartColumns, fit_form, fit_form_shown};
use reference::Reference;
use refits::Refits;

pub use fusion::Joining;
pub use honest::{FormEvidence, SetEvidence};
pub(crate) use honest::{Honest, honest};
pub use score::{
    Aside, Band, Contribution, CutPoint, Distance, Farthest, Measurements, Operating, Outcome, Outside,
    Ranked, Score,
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
    #[serde(default, skip_serializing_if = "is_correlation")]
    joining: Joining,
    #[serde(rename = "tasks")]
    parts: Vec<PartLine>,
    reference: Reference,
    refits: Refits,
    operating: Vec<Operating>,
}

fn is_correlation(joining: &Joining) -> bool {
    *joining == Joining::Correlation
}

/// One part: log likelihood ratio = baseline + Σ coefficient · standardised log. It is of a task or of a modality, whose features
/// name their own task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modality: Option<String>,
    people: usize,
    c: f64,
    baseline: f64,
    features: Vec<FeatureLine>,
    cloud: Cloud,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureLine {
    /// Its task, where the part is not of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
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
    /// missing: [`train()`](crate::train()) sees to that.
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
        let mut tasks: Vec<&Task> = vec![];
        for (task, _) in self.lines(form) {
            if !tasks.contains(&task) {
                tasks.push(task);
            }
        }
        tasks
    }

    /// Features that a form needs at a task; empty where it cannot score the task.
    pub fn features(&self, form: &str, task: &Task) -> Vec<&str> {
        self.lines(form).filter(|(of, _)| *of == task).map(|(_, line)| line.feature.as_str()).collect()
    }

    /// What a form joins: modalities, such as `voice` and `ink`; empty where it joins tasks.
    pub fn modalities(&self, form: &str) -> Vec<&str> {
        let form = self.forms.iter().filter(|it| it.name == form);
        form.flat_map(|it| &it.parts).filter_map(|it| it.modality.as_deref()).collect()
    }

    fn lines(&self, form: &str) -> impl Iterator<Item = (&Task, &FeatureLine)> {
        self.forms.iter().filter(move |it| it.name == form).flat_map(|it| &it.parts).flat_map(PartLine::each)
    }

    /// Share of impaired people among those it was fitted on.
    pub fn study_prevalence(&self) -> f64 {
        self.impaired as f64 / self.people as f64
    }

    /// Scores what was measured of one person with a form.
    ///
    /// Inconclusive where every known part lacks a feature that all training people had, where the values lie farther from the
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
        let (lacking, usable): (Vec<_>, Vec<_>) = known
            .into_iter()
            .map(|it| (it.lacking(measured), it))
            .partition(|(lacking, _)| lacking.is_some());
        let usable: Vec<Known<'_>> = usable.into_iter().map(|it| it.1).collect();
        let mut asides: Vec<Aside> = lacking
            .into_iter()
            .filter_map(|(reason, it)| Some(Aside { tasks: it.tasks(measured), reason: reason? }))
            .collect();
        if usable.is_empty() {
            let reasons = asides.into_iter().map(|it| it.reason).collect();
            return Ok(Outcome::Inconclusive { score: None, reasons });
        }
        let joint = form.joint(&usable);
        let (heard, unheard): (Vec<_>, Vec<_>) =
            usable.into_iter().partition(|it| joint.parts.contains(&it.place));
        asides.extend(unheard.iter().map(|it| it.aside(measured)));
        let score = Score { aside: asides, ..self.score_of(form, (&heard, &joint), measured) };
        let reasons = self.doubts(&score);
        Ok(if reasons.is_empty() {
            Outcome::Scored(score)
        } else {
            Outcome::Inconclusive { score: Some(score), reasons }
        })
    }

    /// The score of the parts that can be used.
    fn score_of(
        &self,
        form: &Form,
        (heard, joint): (&[Known<'_>], &Joint),
        measured: &Measurements,
    ) -> Score {
        let places: Vec<Vec<f64>> = heard.iter().map(|it| it.places(measured)).collect();
        let baselines = heard.iter().zip(&joint.weights).map(|(it, weight)| weight * it.line.baseline);
        let baseline = joint.intercept + joint.share * baselines.sum::<f64>();
        let contributions = contributions((heard, joint), &places, measured);
        let log_ratio = baseline + contributions.iter().map(|it| it.amount).sum::<f64>();
        let refits = form.refitted((heard, joint), &places);
        let Interval { value, low, high } = percentiles(log_ratio, refits.into_iter());
        // The middle 95 % of refits may lie to one side of the fit itself; the interval always holds the score.
        let likelihood_ratio =
            Interval { value: value.exp(), low: low.min(value).exp(), high: high.max(value).exp() };
        let mut tasks: Vec<Task> = vec![];
        heard.iter().flat_map(|it| it.tasks(measured)).for_each(|it| {
            if !tasks.contains(&it) {
                tasks.push(it);
            }
        });
        let modalities: Vec<String> = heard.iter().filter_map(|it| it.line.modality.clone()).collect();
        let (ranked, band) = self.ranked(form, joint, log_ratio);
        Score {
            screener: self.name.clone(),
            digest: self.digest(),
            form: form.name.clone(),
            likelihood_ratio,
            log_odds: log_ratio + logit(self.study_prevalence()),
            study_prevalence: self.study_prevalence(),
            band,
            ranked,
            distance: self.distance(form, heard, measured),
            operating: form.operating_of(&tasks, &modalities),
            tasks,
            modalities,
            baseline,
            contributions,
            outside: heard.iter().flat_map(|it| it.outside(measured)).collect(),
            aside: vec![],
        }
    }

    /// How a log likelihood ratio ranks among the training people on the same parts, and the band it is in.
    fn ranked(&self, form: &Form, joint: &Joint, log_ratio: f64) -> (Ranked, Band) {
        let (parts, all) = (&joint.parts, form.parts.len());
        let ranks = form.reference.ranks(parts, all, (form.joining, form.rho));
        let (p_healthy, p_impaired) = ranks.p(log_ratio);
        let (healthy, impaired) = form.reference.people(parts, all);
        let ranked = Ranked { error_rate: self.error_rate, p_healthy, p_impaired, healthy, impaired };
        (ranked, Band::of(log_ratio, self.cuts, ranks.band(log_ratio, self.error_rate)))
    }

    /// How far all values together lie from the training people.
    fn distance(&self, form: &Form, heard: &[Known<'_>], measured: &Measurements) -> Distance {
        let parts = places_of(heard);
        let limit = form.reference.limit(&parts, form.parts.len(), self.turned_away);
        let mut farthest: Vec<Farthest> = vec![];
        let mut sum = 0.0;
        for known in heard {
            let Some(found) = known.line.cloud.distance(&known.standardised(measured)) else { continue };
            sum += found.square;
            let one = |((task, line), share): ((&Task, &FeatureLine), &f64)| Farthest {
                task: task.clone(),
                feature: line.feature.clone(),
                share: share * found.square,
            };
            farthest.extend(known.line.each().zip(&found.shares).map(one));
        }
        farthest.iter_mut().for_each(|it| it.share /= sum.max(f64::MIN_POSITIVE));
        farthest.retain(|it| it.share >= NAMED);
        farthest.sort_by(|a, b| b.share.total_cmp(&a.share));
        let value = (sum / heard.len() as f64).sqrt();
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

fn places_of(known: &[Known<'_>]) -> Vec<usize> {
    known.iter().map(|it| it.place).collect()
}

/// A part of a form, with its place there and where its values begin in a refit.
struct Known<'a> {
    line: &'a PartLine,
    place: usize,
    offset: usize,
}

impl Known<'_> {
    /// Why the part cannot be used: a feature that all training people had is missing.
    fn lacking(&self, measured: &Measurements) -> Option<String> {
        let lacking = self.line.each().filter(|(_, line)| line.scale.always).find_map(|(task, line)| {
            match measured.value(task, &line.feature) {
                Some(Value::Measured(_)) => None,
                Some(Value::Missing(reason)) => {
                    Some(format!("{task}: {} is missing: {reason}", line.feature))
                }
                None => Some(format!("{task}: {} was not measured", line.feature)),
            }
        });
        let any = self.line.each().any(|(task, line)| number(measured, task, line).is_some());
        lacking.or_else(|| (!any).then(|| format!("{}: none of its features was measured", self.line.name())))
    }

    /// Its tasks of which something was measured.
    fn tasks(&self, measured: &Measurements) -> Vec<Task> {
        let mut tasks: Vec<Task> = vec![];
        for (task, _) in self.line.each() {
            if measured.tasks().any(|it| it == task) && !tasks.contains(task) {
                tasks.push(task.clone());
            }
        }
        tasks
    }

    /// Why the part is not heard beside the others.
    fn aside(&self, measured: &Measurements) -> Aside {
        let reason = format!(
            "{}: too few of the screener's people have it together with the rest, so how they go together is not known",
            self.line.name()
        );
        Aside { tasks: self.tasks(measured), reason }
    }

    /// Standardised logs of the features however far out, as a distance takes them; NaN where one is missing.
    fn standardised(&self, measured: &Measurements) -> Vec<f64> {
        let value = |(task, line)| number(measured, task, line).unwrap_or(f64::NAN);
        // Tables hold f32, and so did the people the cloud is of.
        self.line.each().map(|it| it.1.scale.known(f64::from(value(it) as f32))).collect()
    }

    /// Standardised logs of the features; the median's place where one is missing.
    fn places(&self, measured: &Measurements) -> Vec<f64> {
        let value = |(task, line)| number(measured, task, line).unwrap_or(f64::NAN);
        self.line.each().map(|it| it.1.scale.place(value(it))).collect()
    }

    /// The measured values below or above everything the training people showed.
    fn outside(&self, measured: &Measurements) -> Vec<Outside> {
        let outside = |(task, line): (&Task, &FeatureLine)| {
            let value = number(measured, task, line)?;
            let (low, high) = line.scale.range;
            let (task, feature, unit) = (task.clone(), line.feature.clone(), line.unit);
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
        self.line.each().filter_map(outside).collect()
    }
}

/// The number of a feature, if it was measured.
fn number(measured: &Measurements, task: &Task, line: &FeatureLine) -> Option<f64> {
    measured.value(task, &line.feature).and_then(Value::measured)
}

/// Every feature's part of the log likelihood ratio, the largest first.
fn contributions(
    (heard, joint): (&[Known<'_>], &Joint),
    places: &[Vec<f64>],
    measured: &Measurements,
) -> Vec<Contribution> {
    let of_part = |((known, weight), places): ((&Known<'_>, &f64), &Vec<f64>)| {
        let share = joint.share * weight;
        let one = |((task, line), place): ((&Task, &FeatureLine), &f64)| Contribution {
            task: task.clone(),
            feature: line.feature.clone(),
            unit: line.unit,
            value: number(measured, task, line),
            training_mean: line.scale.centre(),
            healthy: line.healthy,
            amount: share * line.coefficient * place,
        };
        known.line.each().zip(places).map(one).collect::<Vec<_>>()
    };
    let mut all: Vec<Contribution> = heard.iter().zip(&joint.weights).zip(places).flat_map(of_part).collect();
    all.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    all
}

/// The log likelihood ratio that a refit gives one part of the same person.
fn of_refit(refit: &[f32], (known, places): (&Known<'_>, &Vec<f64>)) -> f64 {
    let values = &refit[known.offset..known.offset + places.len() + 1];
    let sum: f64 = values[1..].iter().zip(places).map(|(value, place)| f64::from(*value) * place).sum();
    f64::from(values[0]) + sum
}

impl PartLine {
    /// Every feature with its task.
    fn each(&self) -> impl Iterator<Item = (&Task, &FeatureLine)> {
        self.features.iter().filter_map(|line| Some((line.task.as_ref().or(self.task.as_ref())?, line)))
    }

    /// Whether somebody did the task of a feature; where the part is a modality, whether the feature was looked for as well, since
    /// another room may have measured the same task.
    fn begun(&self, measured: &Measurements, task: &Task, line: &FeatureLine) -> bool {
        match self.task {
            Some(_) => measured.tasks().any(|it| it == task),
            None => measured.value(task, &line.feature).is_some(),
        }
    }

    /// The task, or the modality.
    fn name(&self) -> &str {
        self.task.as_ref().map(Task::as_str).or(self.modality.as_deref()).unwrap_or_default()
    }
}

impl Form {
    fn fit(
        training: &Training<'_>,
        form: &FormSettings,
        settings: &Settings,
        watch: Watch<'_>,
    ) -> Result<Self, Error> {
        let columns = form.columns(training, settings.parts)?;
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
        let parts = columns.iter().zip(&fit.parts).map(|(it, fit)| PartLine::of(training, it, fit)).collect();
        Ok(Self {
            name: form.name.clone(),
            rho: fit.rho,
            joining: settings.joining,
            parts,
            reference: Reference::of(&shown),
            refits: Refits::of(&refits),
            operating: vec![],
        })
    }

    /// What the parts somebody has say together.
    fn joint(&self, usable: &[Known<'_>]) -> Joint {
        self.reference.joint(&places_of(usable), self.parts.len(), (self.joining, self.rho))
    }

    /// The log likelihood ratios that refits give the same person. A refit has its own ρ; where lines join, each is joined by a line
    /// of its own draw of people.
    fn refitted(&self, (heard, joint): (&[Known<'_>], &Joint), places: &[Vec<f64>]) -> Vec<f64> {
        let refits: Vec<&[f32]> = self.refits.each(self.width()).collect();
        let lines = match self.joining {
            Joining::Lines if heard.len() > 1 => {
                self.reference.redrawn(joint, self.parts.len(), refits.len())
            }
            _ => vec![],
        };
        let of = |(number, refit): (usize, &&[f32])| {
            let ratios: Vec<f64> = heard.iter().zip(places).map(|it| of_refit(refit, it)).collect();
            match lines.get(number) {
                Some(line) => {
                    line.ratio(|part| ratios[heard.iter().position(|it| it.place == part).unwrap_or(0)])
                }
                None => fusion::fuse(ratios.into_iter(), f64::from(refit[0])),
            }
        };
        refits.iter().enumerate().map(of).collect()
    }

    /// Values of one refit: ρ, and for each part the baseline and the coefficients.
    fn width(&self) -> usize {
        1 + self.parts.iter().map(|line| 1 + line.features.len()).sum::<usize>()
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
        let scales = || self.parts.iter().flat_map(|line| &line.features).map(|line| &line.scale);
        if !scales().all(|scale| scale.floor > 0.0 && scale.deviation > 0.0) {
            return bad("floors and deviations above 0".to_owned(), &"one that is not");
        }
        if !self.reference.fits(self.parts.len()) {
            return bad(format!("a reference of {} parts", self.parts.len()), &"another number");
        }
        if self.parts.iter().any(|it| it.name().is_empty() || it.each().count() != it.features.len()) {
            return bad("a task or modality for each part, a task for each feature".to_owned(), &"none");
        }
        if !self.parts.iter().all(|line| line.cloud.sound(line.features.len())) {
            return bad("clouds as wide as their parts and positive definite".to_owned(), &"one that is not");
        }
        if !(0.0..=1.0).contains(&self.rho) {
            return bad("rho from 0 to 1".to_owned(), &self.rho);
        }
        Ok(())
    }

    /// The parts of which something was measured.
    fn known(&self, measured: &Measurements) -> Vec<Known<'_>> {
        let mut offset = 1;
        let mut known = Vec::new();
        for (place, line) in self.parts.iter().enumerate() {
            if line.each().any(|(task, it)| line.begun(measured, task, it)) {
                known.push(Known { line, place, offset });
            }
            offset += 1 + line.features.len();
        }
        known
    }

    /// The evidence for exactly these tasks or modalities, or for random sets of the nearest smaller number of tasks.
    fn operating_of(&self, tasks: &[Task], modalities: &[String]) -> Option<Operating> {
        let exact = self.operating.iter().find(|it| match modalities {
            [] => it.tasks == tasks,
            _ => it.modalities == modalities,
        });
        let size = if modalities.is_empty() { tasks.len() } else { modalities.len() };
        let smaller = self.operating.iter().filter(|it| it.tasks.is_empty() && it.size <= size);
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

impl PartLine {
    fn of(training: &Training<'_>, columns: &PartColumns, fit: &fit::PartFit) -> Self {
        let table = training.0.table;
        let task = columns.modality.is_none().then(|| columns.tasks[0].clone());
        let own = |column: usize| task.is_none().then(|| table.columns()[column].task.clone());
        let feature = |((column, scale), coefficient): (&(usize, Scale), &f64)| FeatureLine {
            task: own(*column),
            feature: table.columns()[*column].feature.clone(),
            unit: table.columns()[*column].unit,
            scale: scale.clone(),
            coefficient: *coefficient,
            healthy: healthy(training, *column),
        };
        Self {
            features: fit.preparation.scales.iter().zip(&fit.coefficients).map(feature).collect(),
            task,
            modality: columns.modality.clone(),
            people: fit.people,
            c: fit.c,
            baseline: fit.baseline,
            cloud: fit.cloud.clone().unwrap_or_else(|| Cloud::of(&fit.preparation, &training.0)),
        }
    }
}

impl FormSettings {
    /// The columns of each part that has any of the form's features. A form that names no feature takes all of them. Parts that too
    /// few people of a class have are left out.
    fn columns(&self, training: &Training<'_>, by: Parts) -> Result<Vec<PartColumns>, Error> {
        let table = training.0.table;
        let wanted = |column: &usize| {
            let feature = &table.columns()[*column].feature;
            self.features.is_empty() || self.features.contains(feature)
        };
        let part = |(name, columns): (String, Vec<usize>)| {
            let columns: Vec<usize> = columns.into_iter().filter(wanted).collect();
            let mut tasks: Vec<Task> = vec![];
            for task in columns.iter().map(|&it| &table.columns()[it].task) {
                if !tasks.contains(task) {
                    tasks.push(task.clone());
                }
            }
            let modality = (by == Parts::Modality).then_some(name);
            let (healthy, impaired) = training.measured_in(&columns).0.classes();
            (healthy.min(impaired) >= FEWEST).then_some(PartColumns { tasks, modality, columns })
        };
        let parts: Vec<PartColumns> = by.of(table.columns()).into_iter().filter_map(part).collect();
        match parts.is_empty() {
            true => Err(Error::NothingMeasured { place: format!("form {}", self.name) }),
            false => Ok(parts),
        }
    }
}

/// Fewest people of each class who must have a part: with fewer no fold can be fitted and calibrated.
const FEWEST: usize = 16;
