//! `inkling cohort`: bring a cohort in, and show what it holds.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;
use assess::{Layout, import_cohort};
use clap::{Args, Subcommand, ValueEnum};
use study::Cohort;

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
        Command::Show { cohort } => writeln!(io::stdout(), "{}", summary(&Cohort::read(cohort)?))?,
    }
    Ok(ExitCode::SUCCESS)
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
