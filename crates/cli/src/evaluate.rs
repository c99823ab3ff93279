//! `inkling evaluate`: judge estimators on a cohort.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use assess::card_page;
use clap::{Args, ValueEnum};
use learn::{
    Card, ClassMetrics, Family, Finding, Graded, GradedMetrics, Interval, Plan, PointsMetrics, Reading,
    Target, evaluate, evaluate_graded,
};
use study::Cohort;

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
    /// What is to be told of people.
    #[arg(long, value_enum, default_value = "impaired")]
    target: Asked,
    /// Outer folds.
    #[arg(long, default_value_t = 5)]
    outer: usize,
    /// Repeats of the outer folds.
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// Inner folds, for settings and calibration.
    #[arg(long, default_value_t = 4)]
    inner: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; all cores by default. The numbers are the same for any.
    #[arg(long)]
    jobs: Option<usize>,
    /// Refuse while a finding of the audit is open.
    #[arg(long)]
    strict: bool,
    /// Folder for card.json, card.html, splits.json and scores.json.
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let cohort = Cohort::read(&line.cohort)?;
    let (outer, repeats, inner, seed) = (line.outer, line.repeats, line.inner, line.seed);
    let families = families(line)?;
    let plan = Plan { outer, repeats, inner, seed, families, ..Plan::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    let stages = Stages::new();
    if let Some(target) = line.target.graded() {
        let graded =
            pool.install(|| evaluate_graded(&cohort, target, &plan, &|progress| stages.show(progress)))?;
        stages.end();
        return write_graded(line, &graded);
    }
    let evaluation = pool.install(|| evaluate(&cohort, &plan, &|progress| stages.show(progress)))?;
    stages.end();
    let card = &evaluation.card;
    refuse_open(line, card.open_findings().next())?;
    std::fs::create_dir_all(&line.out).with_context(|| line.out.display().to_string())?;
    std::fs::write(line.out.join("card.json"), card.to_json()?)?;
    std::fs::write(line.out.join("card.html"), card_page(card))?;
    std::fs::write(line.out.join("splits.json"), serde_json::to_vec(&evaluation.splits)?)?;
    std::fs::write(line.out.join("scores.json"), evaluation.scores.to_json()?)?;
    print!("{}", summary(card));
    println!("written to {}", line.out.display());
    Ok(ExitCode::SUCCESS)
}

/// What is asked of people.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Asked {
    /// Healthy, or impaired (MCI or dementia): a card with every check.
    Impaired,
    /// Healthy, MCI or dementia: graded.json.
    Classes,
    /// Points of the Mini-Mental State Examination: graded.json.
    Mmse,
    /// Points of the Montreal Cognitive Assessment: graded.json.
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
    names.iter().map(|name| family(name)).collect()
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

fn write_graded(line: &Line, graded: &Graded) -> Result<ExitCode> {
    refuse_open(line, graded.open_findings().next())?;
    std::fs::create_dir_all(&line.out).with_context(|| line.out.display().to_string())?;
    let path = line.out.join("graded.json");
    std::fs::write(&path, serde_json::to_vec_pretty(graded)?)?;
    println!("{} people judged, {} left out because it is not known of them", graded.people, graded.left_out);
    for it in &graded.estimators {
        println!("{}\n{}", it.name, of_metrics(&it.metrics));
        println!("  without any measurement\n{}", of_metrics(&it.without_measurement));
    }
    print!("{}", of_findings(&graded.findings));
    println!("written to {}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn of_metrics(metrics: &GradedMetrics) -> String {
    match metrics {
        GradedMetrics::Classes { metrics, confusion } => of_classes(metrics) + &of_confusion(confusion),
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

fn of_points(m: &PointsMetrics<Interval>) -> String {
    lines(&[
        ("mean absolute error, points", m.mean_absolute_error),
        ("root mean squared error, points", m.root_mean_squared_error),
        ("Pearson's correlation", m.pearson),
        ("Spearman's correlation", m.spearman),
        ("R2", m.r2),
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
    text + &of_findings(&card.findings)
}

fn of_findings(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let undecided = if finding.open() { "open" } else { "note" };
        let decision = finding.decision.map_or(undecided.to_owned(), |it| format!("{it:?}").to_lowercase());
        format!("finding {} ({decision}): {}\n", finding.kind, finding.evidence)
    };
    findings.iter().map(line).collect()
}

fn row(estimator: &str, what: &str, reading: &Reading) -> String {
    let three = |it: &Interval| format!("{:.3} ({:.3}-{:.3})", it.value, it.low, it.high);
    let two = |it: &Interval| format!("{:.2} ({:.2}-{:.2})", it.value, it.low, it.high);
    let m = &reading.metrics;
    let name = format!("{estimator}, {what}, n {}", reading.people);
    format!("{name:<34} {:>22} {:>18} {:>18}\n", three(&m.auc), two(&m.sensitivity), two(&m.specificity))
}
