//! `inkling train`: a cohort in, a screener and its card out.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use assess::{card_page, check_disease, portable};
use clap::Args;
use learn::{
    Plan, Settings,
    estimator::Parts,
    evaluate::Family,
    screener::{Joining, SetEvidence},
    train,
};

use crate::progress::Stages;

/// Fit a screener on a cohort, judge it, and write artefact and card.
#[derive(Args)]
#[command(
    after_help = "Example:\n  inkling train cohorts/clinic --name clinic-voice@1\n  inkling train cohorts/clinic --name clinic-fused@1 --estimator fusion\n  inkling assess SESSION --screener clinic-fused@1"
)]
pub(crate) struct Line {
    /// The cohort folder.
    cohort: PathBuf,
    /// Name and version: name@1.
    #[arg(long)]
    name: String,
    /// What the screener is made of. Every part is a calibrated logistic regression, so that a score can be taken apart; what other
    /// estimators would reach is for `inkling evaluate`.
    #[arg(long, default_value = "tasks", value_parser = made_of)]
    estimator: (Parts, Joining),
    /// Folder for screener.json, card.json, card.html, splits.json and scores.json; by default $INKLING_HOME/screeners/NAME,
    /// where assess finds it by its name.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Refits on people drawn with replacement, for the interval of a score.
    #[arg(long, default_value_t = 200)]
    refits: usize,
    /// Share of each class that the bands may put on the wrong side; the rest is indeterminate.
    #[arg(long, default_value_t = 0.1)]
    error_rate: f64,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Names of what a screener can be made of.
const MADE_OF: [(&str, &str, Parts, Joining); 3] = [
    ("tasks", "each task, joined by one correlation", Parts::Task, Joining::Correlation),
    (
        "fusion",
        "each modality (voice, ink), joined by a line for each set of them",
        Parts::Modality,
        Joining::Lines,
    ),
    ("fusion-tasks", "each task, joined by a line for each set of them", Parts::Task, Joining::Lines),
];

fn made_of(name: &str) -> Result<(Parts, Joining), String> {
    if let Some((.., parts, joining)) = MADE_OF.iter().find(|it| it.0 == name) {
        return Ok((*parts, *joining));
    }
    let known: Vec<String> = MADE_OF.iter().map(|(name, what, ..)| format!("{name} ({what})")).collect();
    let known = known.join(", ");
    Err(match Family::named(name) {
        Some(_) => format!(
            "a screener says what moved its score, which {name} cannot; inkling evaluate judges it, and a screener is made of: {known}"
        ),
        None => format!("expected one of: {known}"),
    })
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let cohort = crate::cohort::without_holdout(&line.cohort)?;
    check_disease(&cohort)?;
    let table = cohort
        .table
        .as_ref()
        .context("the cohort has no numbers; `inkling measure` of its folder makes them")?;
    let settings = Settings::for_table(&line.name, table, portable);
    let (parts, joining) = line.estimator;
    let plan = Plan { error_rate: line.error_rate, ..settings.plan.clone() };
    let settings = Settings { refits: line.refits, seed: line.seed, parts, joining, plan, ..settings };
    let stages = Stages::new();
    let trained = train(&cohort, &settings, &|progress| stages.show(progress))?;
    stages.end();
    let folder = &match &line.out {
        Some(folder) => folder.clone(),
        None => assess::home()?.join("screeners").join(&line.name),
    };
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::write(folder.join("screener.json"), trained.screener.to_json()?)?;
    std::fs::write(folder.join("card.json"), trained.card.to_json()?)?;
    std::fs::write(folder.join("card.html"), card_page(&trained.card))?;
    std::fs::write(folder.join("splits.json"), serde_json::to_vec(&trained.splits)?)?;
    std::fs::write(folder.join("scores.json"), trained.scores.to_json()?)?;
    for form in &trained.card.forms {
        form.sets.iter().filter_map(|set| Some((set, words(set)?))).for_each(|(set, words)| {
            let auc = set.metrics.auc;
            println!("{:<10} {words}  AUC {:.3} ({:.3}-{:.3})", form.form, auc.value, auc.low, auc.high);
        });
    }
    println!("written to {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// What a set is called in the summary; single tasks are left to the card.
fn words(set: &SetEvidence) -> Option<String> {
    let operating = &set.operating;
    match operating.modalities.as_slice() {
        [] if operating.tasks.len() == 1 || operating.size == 1 => None,
        [] => Some(format!("{:>2} tasks", operating.size)),
        modalities => Some(modalities.join(" + ")),
    }
}
