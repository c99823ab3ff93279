//! `inkling evaluate`: judge estimators on a cohort.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use assess::{card_page, graded_page};
use clap::{Args, ValueEnum};
use learn::{
    Card, Evaluation, Graded, Interval, Plan,
    audit::Finding,
    calibrate::Calibrator,
    card::Reading,
    conformal::Coverage,
    evaluate::{
        By, ClassEvidence, Family, GradedGroup, GradedLook, GradedMetrics, HoldoutLook, Permutation, Target,
        Work, count_graded_look, count_look, evaluate_graded_resuming, evaluate_resuming, look, look_graded,
    },
    metric::{ClassMetrics, PointsMetrics},
};
use study::{Cohort, Holdout};

use crate::progress::Stages;

/// Judge estimators on a cohort by nested cross-validation over people, and write a card.
#[derive(Args)]
#[command(after_help = after_help())]
pub(crate) struct Line {
    /// The cohort folder.
    cohort: PathBuf,
    /// Estimators to judge, listed below; the first heads the card. With --target mmse or moca the default is elastic-net,
    /// extra-trees.
    #[arg(long, value_delimiter = ',')]
    estimator: Vec<String>,
    /// Let every class count as much as any other, however many people it has.
    #[arg(long)]
    balanced: bool,
    /// What is to be told of people.
    #[arg(long, value_enum, default_value = "impaired")]
    target: Asked,
    /// Leave out each site or device whole, instead of folds drawn over people.
    #[arg(long, conflicts_with_all = ["outer", "repeats"])]
    by: Option<Group>,
    /// Outer folds.
    #[arg(long, default_value_t = 5)]
    outer: usize,
    /// Repeats of the outer folds.
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// Inner folds, for settings and calibration.
    #[arg(long, default_value_t = 4)]
    inner: usize,
    /// How scores become probabilities: platt (the default), isotonic, beta, or best (by log loss on inner folds). Only for
    /// the target impaired: nothing else is calibrated.
    #[arg(long, value_parser = calibration)]
    calibration: Option<Calibrator>,
    /// Share of each class that the bands may put on the wrong side, 0.1 by default; the rest is indeterminate. Only for the
    /// target impaired: nothing else has bands.
    #[arg(long)]
    error_rate: Option<f64>,
    /// Permutations of the labels through the whole procedure, of lines alone (logistic, or elastic-net for points); 0 for
    /// none.
    #[arg(long, default_value_t = 99)]
    permutations: usize,
    /// Shares of the training people at which the learning curve has points; none for no curve.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_values_t = [0.2, 0.4, 0.6, 0.8, 1.0])]
    curve: Vec<f64>,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Look at the people set aside by `inkling cohort hold`, too. Every look is counted and printed on the card.
    #[arg(long)]
    holdout: bool,
    /// Threads; all cores by default. The numbers are the same for any.
    #[arg(long)]
    jobs: Option<usize>,
    /// Refuse while a finding of the audit is open.
    #[arg(long)]
    strict: bool,
    /// Folder for card.json, card.html, splits.json and scores.json (graded.json and graded.html for classes and points). While it runs, work.jsonl holds what is finished:
    /// the same line goes on where a killed one was.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Group {
    Site,
    Device,
}

fn calibration(word: &str) -> Result<Calibrator, String> {
    Calibrator::named(word).ok_or_else(|| "expected platt, isotonic, beta or best".to_owned())
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let (whole, holdout) = crate::cohort::with_holdout(&line.cohort)?;
    let cohort = holdout.as_ref().map_or(Cow::Borrowed(&whole), |it| Cow::Owned(it.rest(&whole)));
    if line.holdout && holdout.is_none() {
        bail!("nobody is set aside; expected holdout.json, which inkling cohort hold writes");
    }
    refuse_needless(line)?;
    let plan = plan(line)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    std::fs::create_dir_all(&line.out).with_context(|| line.out.display().to_string())?;
    let stages = Stages::new();
    let watch = |progress| stages.show(progress);
    let path = line.out.join("work.jsonl");
    if let Some(target) = line.target.graded() {
        let work = said(Work::open_graded(&path, &cohort, target, &plan)?, &path);
        let mut graded = pool.install(|| evaluate_graded_resuming(&cohort, target, &plan, &work, &watch))?;
        stages.end();
        refuse_open(line, graded.open_findings().next())?;
        if let Some(holdout) = holdout.filter(|_| line.holdout) {
            graded.holdout = Some(pool.install(|| looked_at_graded(line, (&whole, holdout), target, &plan))?);
        }
        write_graded(line, &graded)?;
        std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let work = said(Work::open(&path, &cohort, &plan)?, &path);
    let mut evaluation = pool.install(|| evaluate_resuming(&cohort, &plan, &work, &watch))?;
    stages.end();
    refuse_open(line, evaluation.card.open_findings().next())?;
    if let Some(holdout) = holdout.filter(|_| line.holdout) {
        evaluation.card.holdout = Some(pool.install(|| looked_at(line, (&whole, holdout), &plan))?);
    }
    write(line, &evaluation)?;
    std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
    print!("{}", summary(&evaluation.card));
    println!("written to {}", line.out.display());
    Ok(ExitCode::SUCCESS)
}

/// Classes and points are neither calibrated nor put into bands: who asks for it is told so.
fn refuse_needless(line: &Line) -> Result<()> {
    let asked = [("--calibration", line.calibration.is_some()), ("--error-rate", line.error_rate.is_some())];
    match asked.iter().find(|it| it.1) {
        Some((flag, _)) if line.target.graded().is_some() => {
            bail!(
                "{flag} is for the target impaired: classes and points are not calibrated and have no bands"
            )
        }
        _ => Ok(()),
    }
}

/// The work that is taken up or was thrown away, said.
fn said(work: Work, path: &Path) -> Work {
    if work.replaced() {
        eprintln!(
            "inkling: {} was of other data, another plan or another program; begun anew",
            path.display()
        );
    }
    if work.taken_up() > 0 {
        eprintln!("inkling: {} finished pieces taken up from {}", work.taken_up(), path.display());
    }
    work
}

/// What is asked of people.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Asked {
    /// Healthy, or impaired (MCI or dementia): a card with every check.
    Impaired,
    /// Healthy, MCI or dementia: graded.json and graded.html.
    Classes,
    /// Points of the Mini-Mental State Examination: graded.json and graded.html.
    Mmse,
    /// Points of the Montreal Cognitive Assessment: graded.json and graded.html.
    Moca,
}

impl Asked {
    fn graded(self) -> Option<Target> {
        match self {
            Self::Impaired => None,
            Self::Classes => Some(Target::Classes),
            Self::Mmse => Some(Target::Mmse),
            Self::Moca => Some(Target::Moca),
        }
    }
}

fn after_help() -> String {
    let list: String = Family::names().map(|(name, what)| format!("  {name:<17}{what}\n")).collect();
    format!("Estimators:\n{list}\nExample:\n  inkling evaluate cohorts/darwin --out judged")
}

fn families(line: &Line) -> Result<Vec<Family>> {
    let default: &[&str] = match line.target {
        Asked::Impaired => &["profile-trees", "extra-trees", "logistic"],
        Asked::Classes => &["extra-trees", "logistic"],
        Asked::Mmse | Asked::Moca => &["elastic-net", "extra-trees"],
    };
    let asked: Vec<&str> = line.estimator.iter().map(String::as_str).collect();
    let names = if asked.is_empty() { default } else { &asked[..] };
    let families = names.iter().map(|name| family(name)).collect::<Result<Vec<_>>>()?;
    Ok(if line.balanced { families.into_iter().map(Family::balanced).collect() } else { families })
}

/// One look at the people set aside. It is written down before its numbers exist.
fn looked_at(line: &Line, (whole, mut holdout): (&Cohort, Holdout), plan: &Plan) -> Result<HoldoutLook> {
    count_look(whole, &mut holdout, plan)?;
    holdout.write(&line.cohort)?;
    Ok(look(whole, &holdout, plan)?)
}

/// The same of three classes or points.
fn looked_at_graded(
    line: &Line,
    (whole, mut holdout): (&Cohort, Holdout),
    target: Target,
    plan: &Plan,
) -> Result<GradedLook> {
    count_graded_look(whole, &mut holdout, target, plan)?;
    holdout.write(&line.cohort)?;
    Ok(look_graded(whole, &holdout, target, plan)?)
}

fn plan(line: &Line) -> Result<Plan> {
    let plain = Plan::default();
    let by = line.by.map(|by| match by {
        Group::Site => By::Site,
        Group::Device => By::Device,
    });
    Ok(Plan {
        outer: line.outer,
        repeats: line.repeats,
        inner: line.inner,
        seed: line.seed,
        families: families(line)?,
        by,
        calibration: line.calibration.unwrap_or(plain.calibration),
        error_rate: line.error_rate.unwrap_or(plain.error_rate),
        permutations: line.permutations,
        curve: line.curve.clone(),
        ..plain
    })
}

fn write(line: &Line, evaluation: &Evaluation) -> Result<()> {
    std::fs::write(line.out.join("card.json"), evaluation.card.to_json()?)?;
    std::fs::write(line.out.join("card.html"), card_page(&evaluation.card))?;
    std::fs::write(line.out.join("splits.json"), serde_json::to_vec(&evaluation.splits)?)?;
    std::fs::write(line.out.join("scores.json"), evaluation.scores.to_json()?)?;
    Ok(())
}

fn family(name: &str) -> Result<Family> {
    Family::named(name).with_context(|| {
        let known: Vec<&str> = Family::names().map(|it| it.0).collect();
        format!("unknown estimator {name:?}; expected one of: {}", known.join(", "))
    })
}

/// Under `--strict`, an open finding of the audit is an error.
fn refuse_open(line: &Line, open: Option<&Finding>) -> Result<()> {
    match open.filter(|_| line.strict) {
        Some(open) => {
            bail!("open finding {}: {} Mask or acknowledge it in cohort.json", open.kind, open.evidence)
        }
        None => Ok(()),
    }
}

fn write_graded(line: &Line, graded: &Graded) -> Result<()> {
    std::fs::write(line.out.join("graded.json"), graded.to_json()?)?;
    std::fs::write(line.out.join("graded.html"), graded_page(graded))?;
    println!("{} people judged, {} left out because it is not known of them", graded.people, graded.left_out);
    for it in &graded.estimators {
        println!("{}\n{}", it.name, of_metrics(&it.metrics));
        println!("  without any measurement\n{}", of_metrics(&it.without_measurement));
        print!("{}", it.each_left_out.iter().map(of_group).collect::<String>());
    }
    print!("{}{}", beside_graded(graded), of_findings(&graded.findings));
    println!("written to {}", line.out.display());
    Ok(())
}

/// What stands beside the headline: permutations, people set aside and the learning curve.
fn beside_graded(graded: &Graded) -> String {
    let what = graded.target.headline();
    let mut text = graded.permutation.as_ref().map(|it| permuted(it, what)).unwrap_or_default();
    if let Some(it) = &graded.holdout {
        for estimator in &it.estimators {
            let line =
                format!("{}, holdout of {} people, look {}\n", estimator.name, it.people, it.looks.len());
            text += &(line + &of_metrics(&estimator.metrics));
        }
    }
    for it in &graded.learning_curve {
        text += &format!("learned from {:.0} people: {what} {}\n", it.people, three(&it.value));
    }
    text
}

fn permuted(it: &Permutation, what: &str) -> String {
    let m = it.permuted.len();
    format!("labels permuted {m} times, {}: {what} {:.3}, p = {:.3}\n", it.family, it.observed, it.p)
}

/// A site or device that was left out whole.
fn of_group(it: &GradedGroup) -> String {
    let (what, bias) = match &it.bias {
        Some(bias) => ("off by", format!(", bias {}", two(bias))),
        None => ("balanced accuracy", String::new()),
    };
    let trained = it.trained_on.unwrap_or(0);
    format!(
        "  left out {} {}: {} people, fitted on {trained}: {what} {}{bias}\n",
        it.by,
        it.group,
        it.people,
        two(&it.value)
    )
}

fn of_metrics(metrics: &GradedMetrics) -> String {
    match metrics {
        GradedMetrics::Classes { metrics, confusion, each } => {
            of_classes(metrics) + &of_confusion(confusion) + &each.iter().map(of_class).collect::<String>()
        }
        GradedMetrics::Points(metrics) => of_points(metrics),
    }
}

fn of_classes(m: &ClassMetrics<Interval>) -> String {
    lines(&[
        ("macro F1", m.macro_f1),
        ("balanced accuracy", m.balanced_accuracy),
        ("macro AUC, each against the others", m.macro_auc),
        ("log-loss", m.log_loss),
    ])
}

fn of_class(it: &ClassEvidence) -> String {
    let m = &it.metrics;
    format!(
        "  {:<14}sensitivity {}, specificity {}, precision {}, AUC {}\n",
        it.class,
        two(&m.sensitivity),
        two(&m.specificity),
        two(&m.precision),
        two(&m.auc)
    )
}

fn of_points(m: &PointsMetrics<Interval>) -> String {
    lines(&[
        ("mean absolute error, points", m.mean_absolute_error),
        ("root mean squared error, points", m.root_mean_squared_error),
        ("Pearson's correlation", m.pearson),
        ("Spearman's correlation", m.spearman),
        ("R2", m.r2),
        ("ICC(2,1), absolute agreement", m.icc),
        ("slope of true on said points", m.slope),
        ("bias, points", m.bias),
        ("lower limit of agreement", m.lower_limit),
        ("upper limit of agreement", m.upper_limit),
    ])
}

fn lines(metrics: &[(&str, Interval)]) -> String {
    let line = |(name, it): &(&str, Interval)| {
        format!("  {name:<36}{:>7.3} ({:.3} to {:.3})\n", it.value, it.low, it.high)
    };
    metrics.iter().map(line).collect()
}

fn of_confusion(table: &[[f64; 3]; 3]) -> String {
    let names = ["healthy", "mci", "dementia"];
    let mut text = format!("  {:<14}{:>10}{:>10}{:>10}\n", "true \\ given", names[0], names[1], names[2]);
    for (name, row) in names.iter().zip(table) {
        text += &format!("  {name:<14}{:>10.1}{:>10.1}{:>10.1}\n", row[0], row[1], row[2]);
    }
    text
}

fn summary(card: &Card) -> String {
    let mut text = format!(
        "{}: {} people, {} healthy, {} MCI, {} dementia\n{:<34} {:>22} {:>18} {:>18}\n",
        card.cohort.name,
        card.cohort.people,
        card.cohort.healthy,
        card.cohort.mci,
        card.cohort.dementia,
        "reading",
        "AUC (95 %)",
        "sensitivity",
        "specificity",
    );
    for it in &card.estimators {
        text += &row(&it.name, "masked", &it.readings.masked);
        text += &row(&it.name, "as published", &it.readings.as_published);
        for (what, reading) in
            [("untouched", &it.readings.untouched), ("missingness only", &it.missingness_only)]
        {
            text += &reading.as_ref().map(|reading| row(&it.name, what, reading)).unwrap_or_default();
        }
    }
    text + &beside(card) + &of_findings(&card.findings)
}

fn of_findings(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let undecided = if finding.open() { "open" } else { "note" };
        let decision = finding.decision.map_or(undecided.to_owned(), |it| format!("{it:?}").to_lowercase());
        format!("finding {} ({decision}): {}\n", finding.kind, finding.evidence)
    };
    findings.iter().map(line).collect()
}

/// What stands beside the headline: groups left out, bands, permutations and the learning curve.
fn beside(card: &Card) -> String {
    let mut text = String::new();
    if let Some(left_out) = &card.left_out {
        for it in &left_out.groups {
            let auc = it
                .auc
                .as_ref()
                .map_or("one class only, no AUC".to_owned(), |auc| format!("AUC {}", three(auc)));
            text += &format!(
                "left out {} {}: {} people, {} impaired, fitted on {}: {auc}\n",
                left_out.by.word(),
                it.name,
                it.people,
                it.impaired,
                it.trained_on
            );
        }
        if left_out.unknown > 0 {
            text +=
                &format!("{} people of no known {} were left aside\n", left_out.unknown, left_out.by.word());
        }
    }
    for it in &card.estimators {
        text += &it.coverage.as_ref().map(|coverage| bands(&it.name, coverage)).unwrap_or_default();
    }
    text += &card.permutation.as_ref().map(|it| permuted(it, "AUC")).unwrap_or_default();
    if let Some(it) = &card.holdout {
        for estimator in &it.estimators {
            text += &row(&estimator.name, &format!("holdout, look {}", it.looks.len()), &estimator.reading);
        }
    }
    for it in &card.learning_curve {
        text += &format!("learned from {:.0} people, logistic: AUC {}\n", it.people, three(&it.auc));
    }
    text
}

fn bands(estimator: &str, it: &Coverage) -> String {
    format!(
        "{estimator}, bands at error rate {}: impaired in low {}, healthy in high {}, indeterminate {}\n",
        it.error_rate,
        two(&it.impaired_in_low),
        two(&it.healthy_in_high),
        two(&it.indeterminate)
    )
}

fn three(it: &Interval) -> String {
    format!("{:.3} ({:.3}-{:.3})", it.value, it.low, it.high)
}

fn two(it: &Interval) -> String {
    format!("{:.2} ({:.2}-{:.2})", it.value, it.low, it.high)
}

fn row(estimator: &str, what: &str, reading: &Reading) -> String {
    let m = &reading.metrics;
    let name = format!("{estimator}, {what}, n {}", reading.people);
    format!("{name:<34} {:>22} {:>18} {:>18}\n", three(&m.auc), two(&m.sensitivity), two(&m.specificity))
}
