//! `inkling cohort`: bring a cohort in, and show what it holds.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use assess::{Layout, import_cohort};
use clap::{Args, Subcommand, ValueEnum};
use study::{Cohort, Holdout};

/// Bring a cohort in, and show what it holds.
#[derive(Args)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Turn a published data set into a cohort folder.
    #[command(after_help = "Example:\n  inkling cohort import darwin DARWIN.csv --out cohorts/darwin")]
    Import {
        /// The layout of the data set.
        layout: Published,
        /// The file or folder as published.
        path: PathBuf,
        /// The cohort folder to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Set people aside: evaluate, train and audit never see them, and every look at them is counted.
    #[command(after_help = "Example:\n  inkling cohort hold cohorts/darwin --share 0.2 --seed 1")]
    Hold {
        /// The cohort folder; holdout.json is written there.
        cohort: PathBuf,
        /// Share of each class.
        #[arg(long, default_value_t = 0.2)]
        share: f64,
        /// Seed of the draw.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Show people, tasks and what is known of a cohort folder.
    #[command(after_help = "Example:\n  inkling cohort show cohorts/darwin")]
    Show {
        /// The cohort folder.
        cohort: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Published {
    /// DARWIN.csv, UCI 732: 174 people, 25 handwriting tasks.
    Darwin,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    match &line.command {
        Command::Import { layout: Published::Darwin, path, out } => {
            let cohort = import_cohort(Layout::Darwin, path)?;
            cohort.write(out)?;
            writeln!(io::stdout(), "{}\nwritten to {}", summary(&cohort), out.display())?;
        }
        Command::Hold { cohort, share, seed } => hold(cohort, *share, *seed)?,
        Command::Show { cohort } => writeln!(io::stdout(), "{}", summary(&Cohort::read(cohort)?))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn hold(folder: &Path, share: f64, seed: u64) -> Result<()> {
    let (cohort, holdout) = with_holdout(folder)?;
    if let Some(before) = holdout {
        let looks = before.looks().len();
        bail!(
            "{}: {} people are set aside already, with {looks} looks at them",
            folder.display(),
            before.len()
        );
    }
    let holdout = Holdout::draw(&cohort, share, seed)?;
    holdout.write(folder)?;
    writeln!(
        io::stdout(),
        "{} people set aside, {} left",
        holdout.len(),
        holdout.rest(&cohort).participants.len()
    )?;
    Ok(())
}

/// A cohort with everybody in it, and who of them is set aside.
pub(crate) fn with_holdout(folder: &Path) -> Result<(Cohort, Option<Holdout>)> {
    let cohort = Cohort::read(folder)?;
    let holdout = Holdout::read(folder, &cohort)?;
    Ok((cohort, holdout))
}

/// A cohort without the people who are set aside.
pub(crate) fn without_holdout(folder: &Path) -> Result<Cohort> {
    let (cohort, holdout) = with_holdout(folder)?;
    Ok(holdout.map_or_else(|| cohort.clone(), |it| it.rest(&cohort)))
}

fn summary(cohort: &Cohort) -> String {
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for participant in &cohort.participants {
        *labels.entry(participant.label.map_or("unlabelled", |label| label.word())).or_default() += 1;
    }
    let labels: Vec<String> = labels.iter().map(|(label, count)| format!("{count} {label}")).collect();
    let provenance = &cohort.provenance;
    let mut lines = vec![
        format!("{}: {} participants ({})", provenance.name, cohort.participants.len(), labels.join(", ")),
        format!("source   {}", provenance.source),
        format!("licence  {}", provenance.licence),
    ];
    if let Some(table) = &cohort.table {
        lines.push(format!("table    {} tasks, {} columns", table.tasks().len(), table.columns().len()));
    }
    if !cohort.submissions.is_empty() {
        lines.push(format!("files    {} submissions", cohort.submissions.len()));
    }
    lines.extend(
        provenance
            .answers
            .iter()
            .map(|it| format!("finding  {}: {:?}, {}", it.finding, it.decision, it.note)),
    );
    lines.join("\n")
}
