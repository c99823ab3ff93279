//! `inkling shorten`: the set of tasks that fits into a time and loses least.

use std::process::ExitCode;

use anyhow::{Context, Result};
use assess::{portable, time_feature};
use clap::{Args, ValueEnum};
use learn::{
    Interval, Plan, Settings,
    screener::{ShortTask, Shortened, TimeBudget, shorten},
};
use std::path::PathBuf;
use study::FeatureTable;

use crate::progress::Stages;

/// Find the set of tasks that fits into a time and loses least, and judge the choice on people it did not see.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling shorten cohorts/darwin --seconds 180")]
pub(crate) struct Line {
    /// The cohort folder.
    cohort: PathBuf,
    /// Seconds for all tasks together, each at its median time.
    #[arg(long, default_value_t = 180.0)]
    seconds: f64,
    /// Which features of a task are used.
    #[arg(long, value_enum, default_value_t = Form::All)]
    form: Form,
    /// Outer folds.
    #[arg(long, default_value_t = 5)]
    outer: usize,
    /// Repeats of the outer folds.
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Text for people, JSON for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Form {
    /// Every feature.
    All,
    /// Those that mean the same on any device.
    Portable,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let cohort = crate::cohort::without_holdout(&line.cohort)?;
    let table = cohort.table.as_ref().context("the cohort has no features.csv; measure its files first")?;
    let feature =
        time_feature(table).context("no feature of this cohort says how long a task took")?.to_owned();
    let budget = TimeBudget { seconds: line.seconds, feature };
    let stages = Stages::new();
    let found = shorten(&cohort, &settings(line, table), &budget, &|progress| stages.show(progress))?;
    stages.end();
    match line.format {
        Format::Text => print!("{}", text(&found)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&found)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(line: &Line, table: &FeatureTable) -> Settings {
    let mut settings = Settings::for_table("short@1", table, portable);
    if line.form == Form::Portable && settings.forms.len() > 1 {
        settings.forms.remove(0);
    }
    let plan = Plan { outer: line.outer, repeats: line.repeats, seed: line.seed, ..settings.plan };
    Settings { plan, seed: line.seed, ..settings }
}

fn text(found: &Shortened) -> String {
    let seconds: f64 = found.tasks.iter().map(|it| it.seconds).sum();
    let mut text = format!(
        "{} tasks in {seconds:.0} s of {:.0} s allowed (all tasks: {:.0} s), features: {}\n\n",
        found.tasks.len(),
        found.budget.seconds,
        found.whole_seconds,
        found.form
    );
    text += &format!("{:<14} {:>9} {:>14}\n", "task", "median s", "folds agreeing");
    let row = |it: &ShortTask| {
        format!("{:<14} {:>9.1} {:>13.0}%\n", it.task.to_string(), it.seconds, 100.0 * it.agreed)
    };
    found.tasks.iter().for_each(|it| text += &row(it));
    if !found.others.is_empty() {
        text += "\nchosen by some folds instead\n";
        found.others.iter().for_each(|it| text += &row(it));
    }
    let three = |it: &Interval| format!("{:.3} ({:.3} to {:.3})", it.value, it.low, it.high);
    text += &format!("\nAUC, the choice made anew on each training side  {}\n", three(&found.short_auc));
    text += &format!("AUC, all tasks, same people and folds            {}\n", three(&found.whole_auc));
    text + &format!("change                                           {}\n", three(&found.change))
}
