//! A shorter test that loses little: the best set of tasks that fits into a given time.
//!
//! Choosing tasks on the people by whom the choice is then judged makes any set look good. So the choice is part of the
//! fit: each outer training side chooses its own set on its inner out-of-fold evidence, the held people are scored by that
//! set, and the figure that comes out is that of the *procedure*. What a user would then take is the set chosen once more
//! on everybody; how often the folds agreed on each task says how much that set was luck.
//!
//! The search is forward selection with exchanges: at each step the task joins that lifts the inner AUC of the joined
//! evidence most and still fits; then single exchanges are made while they lift it. Of all sets on the way the best is kept,
//! the shorter of equals.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use study::Task;

use super::{
    fit::{PartColumns, Shown, fit_form_shown},
    fusion::fuse,
};
use crate::{
    Error, Held, Settings, Training, audit,
    bootstrap::{drawn, percentiles},
    estimator::{Parts, sigmoid},
    evaluate::{COPIED, Outer, Progress, Watch, inner_seed, outer, table_of},
    metric::{Interval, Judged, auc, logit},
    seed::derive,
    train::FormSettings,
};

/// How long a test may take, and which feature says how long a task took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeBudget {
    /// Seconds for all tasks together, each at the median of the training people.
    pub seconds: f64,
    /// The feature of each task that holds its time in seconds, for example `ink.time.total`.
    pub feature: String,
}

impl TimeBudget {
    fn check(&self) -> Result<(), Error> {
        match self.seconds.is_finite() && self.seconds > 0.0 {
            true => Ok(()),
            false => Err(Error::BadSetting {
                what: "seconds",
                expected: "a time above 0",
                got: self.seconds.to_string(),
            }),
        }
    }
}

/// A task of the set, with what it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShortTask {
    /// The task.
    pub task: Task,
    /// Median time of everybody who did it, seconds.
    pub seconds: f64,
    /// Share of outer folds that chose it.
    pub agreed: f64,
}

/// The best small set of tasks and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shortened {
    /// Name of the form whose features were used.
    pub form: String,
    /// The time allowed.
    pub budget: TimeBudget,
    /// The set chosen on everybody, in the order of the table.
    pub tasks: Vec<ShortTask>,
    /// Other tasks that at least one outer fold chose, by falling agreement.
    pub others: Vec<ShortTask>,
    /// AUC of choosing and fitting within each training side: mean over outer folds and repeats, interval over people.
    pub short_auc: Interval,
    /// AUC of all tasks on the same splits.
    pub whole_auc: Interval,
    /// Short minus whole, paired by people.
    pub change: Interval,
    /// Median time of all tasks, seconds.
    pub whole_seconds: f64,
}

/// Finds the best set of a cohort's tasks within a time, and judges the finding by nested cross-validation. Copied blocks
/// are missing, as in [`train`](crate::train()). The first form of the settings is used.
pub fn shorten(
    cohort: &study::Cohort,
    settings: &Settings,
    budget: &TimeBudget,
    watch: Watch<'_>,
) -> Result<Shortened, Error> {
    settings.check()?;
    budget.check()?;
    let table = &*table_of(cohort)?;
    let masked = table.masked(&audit::copied_blocks(table).concat(), &COPIED.into());
    let everybody = Training::new(&masked)?;
    everybody.both_classes("cohort")?;
    let form = &settings.forms[0];
    let search = Search {
        tasks: form.columns(&everybody, Parts::Task)?,
        times: times(&everybody, form, budget)?,
        budget,
    };
    let folds = search.folds(&everybody, settings, watch)?;
    let inner = (settings.plan.inner, settings.seed);
    let (_, shown) = fit_form_shown(&everybody, &search.tasks, inner, None)?;
    let seconds = search.medians(&everybody);
    let chosen = search.choose(&shown, &seconds, folds_rho(&folds));
    Ok(search.shortened(&everybody, settings, (chosen, seconds, &folds)))
}

/// The column that holds the time of each task of the form.
fn times(everybody: &Training<'_>, form: &FormSettings, budget: &TimeBudget) -> Result<Vec<usize>, Error> {
    let columns = everybody.0.table.columns();
    let time = |it: &PartColumns| {
        let found = columns.iter().position(|at| it.tasks.contains(&at.task) && at.feature == budget.feature);
        found.ok_or_else(|| Error::NoTime { task: it.tasks[0].clone(), feature: budget.feature.clone() })
    };
    form.columns(everybody, Parts::Task)?.iter().map(time).collect()
}

struct Search<'a> {
    tasks: Vec<PartColumns>,
    times: Vec<usize>,
    budget: &'a TimeBudget,
}

/// One outer fold: the set that its training side chose, and the held people's log likelihood ratios by that set and by all.
struct Fold {
    repeat: usize,
    rho: f64,
    chosen: Vec<usize>,
    rows: Vec<usize>,
    short: Vec<f64>,
    whole: Vec<f64>,
}

impl Search<'_> {
    fn folds(
        &self,
        everybody: &Training<'_>,
        settings: &Settings,
        watch: Watch<'_>,
    ) -> Result<Vec<Fold>, Error> {
        let plan = &settings.plan;
        let units = outer(everybody, plan)?;
        let (done, of) = (AtomicUsize::new(0), units.len());
        let judge = |Outer { repeat, fold, training, held }: &Outer<'_>| {
            let seed = inner_seed(plan, *repeat, *fold);
            let fold = Fold { repeat: *repeat, ..self.fold(training, held, (plan.inner, seed))? };
            watch(Progress { stage: "shorter tests", done: 1 + done.fetch_add(1, Ordering::Relaxed), of });
            Ok(fold)
        };
        units.par_iter().map(judge).collect()
    }

    fn fold(&self, training: &Training<'_>, held: &Held<'_>, inner: (usize, u64)) -> Result<Fold, Error> {
        let (fit, shown) = fit_form_shown(training, &self.tasks, inner, None)?;
        let chosen = self.choose(&shown, &self.medians(training), fit.rho);
        let ratios: Vec<Vec<Option<f64>>> =
            self.tasks.iter().zip(&fit.parts).map(|(it, fit)| fit.log_ratios(&held.0, &it.columns)).collect();
        let all: Vec<usize> = (0..self.tasks.len()).collect();
        let joined =
            |set: &[usize]| (0..held.rows().len()).map(|it| join(&ratios, set, it, fit.rho)).collect();
        let (short, whole) = (joined(&chosen), joined(&all));
        Ok(Fold { repeat: 0, rho: fit.rho, chosen, rows: held.rows().to_vec(), short, whole })
    }

    /// Median seconds of each task over the people who did it.
    fn medians(&self, people: &Training<'_>) -> Vec<f64> {
        let median = |&column: &usize| {
            let known: Vec<f64> = people.0.column(column).filter(|it| it.is_finite()).collect();
            feature::median(&known).unwrap_or(f64::INFINITY)
        };
        self.times.iter().map(median).collect()
    }

    /// The set with the best inner AUC that fits the time; sorted. The quickest task alone where none fits.
    fn choose(&self, shown: &Shown, seconds: &[f64], rho: f64) -> Vec<usize> {
        let mut best = Candidate { set: vec![], auc: 0.5 };
        let mut here = best.clone();
        while let Some(next) = self.step(&here, shown, (seconds, rho)) {
            here = self.exchanged(next, shown, (seconds, rho));
            if here.auc > best.auc + 1e-9 {
                best = here.clone();
            }
        }
        if best.set.is_empty() {
            best.set =
                (0..seconds.len()).min_by(|&a, &b| seconds[a].total_cmp(&seconds[b])).into_iter().collect();
        }
        best.set
    }

    /// The best set with one more task; `None` where no further task fits.
    fn step(&self, from: &Candidate, shown: &Shown, (seconds, rho): (&[f64], f64)) -> Option<Candidate> {
        let more = (0..self.tasks.len()).filter(|task| !from.set.contains(task));
        self.best(more.map(|task| with(&from.set, task)), shown, (seconds, rho))
    }

    /// Exchanges one task for another while that lifts the AUC.
    fn exchanged(&self, mut from: Candidate, shown: &Shown, (seconds, rho): (&[f64], f64)) -> Candidate {
        loop {
            let others: Vec<usize> = (0..self.tasks.len()).filter(|task| !from.set.contains(task)).collect();
            let exchanges = from.set.iter().flat_map(|&out| {
                let rest: Vec<usize> = from.set.iter().copied().filter(|&task| task != out).collect();
                others.iter().map(move |&task| with(&rest, task))
            });
            match self.best(exchanges, shown, (seconds, rho)) {
                Some(better) if better.auc > from.auc + 1e-9 => from = better,
                _ => return from,
            }
        }
    }

    fn best(
        &self,
        sets: impl Iterator<Item = Vec<usize>>,
        shown: &Shown,
        (seconds, rho): (&[f64], f64),
    ) -> Option<Candidate> {
        let fits = |set: &Vec<usize>| set.iter().map(|&it| seconds[it]).sum::<f64>() <= self.budget.seconds;
        let judged = |set: Vec<usize>| {
            let scores: Vec<f64> =
                (0..shown.labels.len()).map(|person| join(&shown.evidence, &set, person, rho)).collect();
            Candidate { auc: auc(&scores, &shown.labels), set }
        };
        let first_best = |best: Candidate, it: Candidate| if it.auc > best.auc + 1e-9 { it } else { best };
        sets.filter(fits).map(judged).reduce(first_best)
    }

    fn shortened(
        &self,
        everybody: &Training<'_>,
        settings: &Settings,
        (chosen, seconds, folds): (Vec<usize>, Vec<f64>, &[Fold]),
    ) -> Shortened {
        let agreed = |task: usize| {
            folds.iter().filter(|fold| fold.chosen.contains(&task)).count() as f64 / folds.len() as f64
        };
        let short = |task: usize| ShortTask {
            task: self.tasks[task].tasks[0].clone(),
            seconds: seconds[task],
            agreed: agreed(task),
        };
        let left = (0..self.tasks.len()).filter(|task| !chosen.contains(task));
        let mut others: Vec<ShortTask> = left.map(short).filter(|it| it.agreed > 0.0).collect();
        others.sort_by(|a, b| b.agreed.total_cmp(&a.agreed));
        let [short_auc, whole_auc, change] = compared(everybody, settings, folds);
        Shortened {
            form: settings.forms[0].name.clone(),
            budget: self.budget.clone(),
            tasks: chosen.into_iter().map(short).collect(),
            others,
            short_auc,
            whole_auc,
            change,
            whole_seconds: seconds.iter().sum(),
        }
    }
}

#[derive(Debug, Clone)]
struct Candidate {
    set: Vec<usize>,
    auc: f64,
}

/// A set with one more task, sorted.
fn with(set: &[usize], task: usize) -> Vec<usize> {
    let mut set = [set, &[task]].concat();
    set.sort_unstable();
    set
}

/// Joint log likelihood ratio of one person's tasks of a set.
fn join(ratios: &[Vec<Option<f64>>], set: &[usize], person: usize, rho: f64) -> f64 {
    fuse(set.iter().filter_map(|&task| ratios[task][person]), rho)
}

/// The mean ρ of the folds: what the choice on everybody is made with.
fn folds_rho(folds: &[Fold]) -> f64 {
    folds.iter().map(|fold| fold.rho).sum::<f64>() / folds.len() as f64
}

/// AUC of the short set, of all tasks, and their difference: values over folds, intervals over drawn people.
fn compared(everybody: &Training<'_>, settings: &Settings, folds: &[Fold]) -> [Interval; 3] {
    let (plan, labels) = (&settings.plan, everybody.labels());
    let pick = |fold: &Fold, short: bool| if short { fold.short.clone() } else { fold.whole.clone() };
    let judged = |short: bool| -> Vec<Judged> {
        let prior = logit(everybody.prevalence());
        let repeat = |folds: &[Fold]| {
            let mut probabilities = vec![f64::NAN; labels.len()];
            for fold in folds {
                let scores = pick(fold, short);
                fold.rows.iter().zip(scores).for_each(|(&row, it)| probabilities[row] = sigmoid(it + prior));
            }
            Judged::new(probabilities, labels.to_vec())
        };
        folds.chunk_by(|a, b| a.repeat == b.repeat).map(repeat).collect()
    };
    let over_folds = |short: bool| {
        let of_fold = |fold: &Fold| {
            let held: Vec<bool> = fold.rows.iter().map(|&row| labels[row]).collect();
            auc(&pick(fold, short), &held)
        };
        folds.iter().map(of_fold).sum::<f64>() / folds.len() as f64
    };
    let (short, whole) = (judged(true), judged(false));
    let seed = derive(settings.seed, &[DRAWS]);
    let of_draw = |draw: usize| {
        let weights = drawn(labels.len(), seed, draw);
        let mean = |repeats: &[Judged]| {
            repeats.iter().map(|it| it.curve(&weights).auc()).sum::<f64>() / repeats.len() as f64
        };
        (mean(&short), mean(&whole))
    };
    let draws: Vec<(f64, f64)> = (0..plan.draws).into_par_iter().map(of_draw).collect();
    let (at_short, at_whole) = (over_folds(true), over_folds(false));
    [
        percentiles(at_short, draws.iter().map(|it| it.0)),
        percentiles(at_whole, draws.iter().map(|it| it.1)),
        percentiles(at_short - at_whole, draws.iter().map(|it| it.0 - it.1)),
    ]
}

const DRAWS: u64 = 0x5407;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, synthetic};
    use feature::Value;
    use study::{Cohort, FeatureTable, Provenance};

    /// Eight tasks of one time each, all telling the same; task 6 and 7 take a hundred times as long.
    fn cohort(distance: f64) -> Cohort {
        let plain = synthetic::table(80, 8, distance, 5);
        let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
        for (row, person) in plain.participants().iter().enumerate() {
            let slow = |(task, cell): (usize, Option<f32>)| {
                Value::Measured(f64::from(cell.unwrap()) * if task < 6 { 1.0 } else { 100.0 })
            };
            table.push(person.clone(), plain.row(row).enumerate().map(slow)).unwrap();
        }
        let provenance = Provenance { name: "made-up".into(), synthetic: true, ..Provenance::default() };
        Cohort { provenance, participants: vec![], table: Some(table), later: vec![], submissions: vec![] }
    }

    fn settings() -> Settings {
        let plan = Plan { repeats: 2, draws: 200, ..Plan::default() };
        Settings { plan, ..Settings::new("short@1") }
    }

    fn budget(seconds: f64) -> TimeBudget {
        TimeBudget { seconds, feature: "demo.time.f0".into() }
    }

    #[test]
    fn a_set_fits_its_time_and_leaves_out_what_takes_too_long() {
        let found = shorten(&cohort(0.8), &settings(), &budget(6.0), &|_| ()).unwrap();
        let seconds: f64 = found.tasks.iter().map(|it| it.seconds).sum();
        assert!(!found.tasks.is_empty() && seconds <= 6.0, "{seconds} s");
        assert!(found.tasks.iter().chain(&found.others).all(|it| it.seconds < 50.0), "{:?}", found.tasks);
        assert!(found.whole_seconds > 200.0 && found.short_auc.value > 0.6);
        assert!(found.change.low <= found.change.value && found.change.value <= found.change.high);
    }

    #[test]
    fn choosing_among_noise_is_judged_as_noise() {
        let found = shorten(&cohort(0.0), &settings(), &budget(6.0), &|_| ()).unwrap();
        assert!((found.short_auc.value - 0.5).abs() < 0.13, "{:?}", found.short_auc);
    }

    #[test]
    fn where_nothing_fits_the_quickest_task_is_taken() {
        let found = shorten(&cohort(0.8), &settings(), &budget(0.01), &|_| ()).unwrap();
        assert_eq!(found.tasks.len(), 1);
    }

    #[test]
    fn a_table_without_times_is_refused() {
        let budget = TimeBudget { feature: "ink.time.total".into(), ..budget(6.0) };
        let error = shorten(&cohort(0.8), &settings(), &budget, &|_| ()).unwrap_err();
        assert!(error.to_string().contains("ink.time.total"), "{error}");
    }
}
