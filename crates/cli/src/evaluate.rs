//! `inkling evaluate`: judge estimators on a cohort.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use assess::card_page;
use clap::Args;
use learn::{Card, Family, Interval, Plan, Reading, evaluate};
use study::Cohort;

use crate::progress::Stages;

/// Judge estimators on a cohort by nested cross-validation over people, and write a card.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling evaluate cohorts/darwin --out judged")]
pub(crate) struct Line {
    /// The cohort folder.
    cohort: PathBuf,
    /// Estimators to judge; the first heads the card.
    #[arg(long, value_delimiter = ',', default_value = "profile-trees,extra-trees,logistic")]
    estimator: Vec<String>,
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
    let families = line.estimator.iter().map(|name| family(name)).collect::<Result<_>>()?;
    let plan = Plan { outer, repeats, inner, seed, families, ..Plan::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    let stages = Stages::new();
    let evaluation = pool.install(|| evaluate(&cohort, &plan, &|progress| stages.show(progress)))?;
    stages.end();
    let card = &evaluation.card;
    if let Some(open) = card.open_findings().next().filter(|_| line.strict) {
        bail!("open finding {}: {} Mask or acknowledge it in cohort.json", open.kind, open.evidence);
    }
    std::fs::create_dir_all(&line.out).with_context(|| line.out.display().to_string())?;
    std::fs::write(line.out.join("card.json"), card.to_json()?)?;
    std::fs::write(line.out.join("card.html"), card_page(card))?;
    std::fs::write(line.out.join("splits.json"), serde_json::to_vec(&evaluation.splits)?)?;
    std::fs::write(line.out.join("scores.json"), evaluation.scores.to_json()?)?;
    print!("{}", summary(card));
    println!("written to {}", line.out.display());
    Ok(ExitCode::SUCCESS)
}

fn family(name: &str) -> Result<Family> {
    Family::named(name).with_context(|| {
        format!("unknown estimator {name:?}; expected one of: profile-trees, extra-trees, logistic")
    })
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
    for finding in &card.findings {
        let undecided = if finding.open() { "open" } else { "note" };
        let decision = finding.decision.map_or(undecided.to_owned(), |it| format!("{it:?}").to_lowercase());
        text += &format!("finding {} ({decision}): {}\n", finding.kind, finding.evidence);
    }
    text
}

fn row(estimator: &str, what: &str, reading: &Reading) -> String {
    let three = |it: &Interval| format!("{:.3} ({:.3}-{:.3})", it.value, it.low, it.high);
    let two = |it: &Interval| format!("{:.2} ({:.2}-{:.2})", it.value, it.low, it.high);
    let m = &reading.metrics;
    let name = format!("{estimator}, {what}, n {}", reading.people);
    format!("{name:<34} {:>22} {:>18} {:>18}\n", three(&m.auc), two(&m.sensitivity), two(&m.specificity))
}
