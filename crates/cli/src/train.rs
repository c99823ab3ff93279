//! `inkling train`: a cohort in, a screener and its card out.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use assess::{card_page, check_disease, portable};
use clap::Args;
use learn::{Plan, Settings, train};

use crate::progress::Stages;

/// Fit a screener on a cohort, judge it, and write artefact and card.
#[derive(Args)]
#[command(
    after_help = "Example:\n  inkling train cohorts/clinic --name clinic-voice@1\n  inkling assess SESSION --screener clinic-voice@1"
)]
pub(crate) struct Line {
    /// The cohort folder.
    cohort: PathBuf,
    /// Name and version: name@1.
    #[arg(long)]
    name: String,
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

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let cohort = crate::cohort::without_holdout(&line.cohort)?;
    check_disease(&cohort)?;
    let table = cohort
        .table
        .as_ref()
        .context("the cohort has no numbers; `inkling measure` of its folder makes them")?;
    let settings = Settings::for_table(&line.name, table, portable);
    let plan = Plan { error_rate: line.error_rate, ..settings.plan.clone() };
    let settings = Settings { refits: line.refits, seed: line.seed, plan, ..settings };
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
        for set in form.sets.iter().filter(|set| set.operating.tasks.len() != 1) {
            let auc = set.metrics.auc;
            let size = set.operating.size;
            println!(
                "{:<10} {size:>2} tasks  AUC {:.3} ({:.3}-{:.3})",
                form.form, auc.value, auc.low, auc.high
            );
        }
    }
    println!("written to {}", folder.display());
    Ok(ExitCode::SUCCESS)
}
