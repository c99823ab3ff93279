//! `inkling cohort`: bring a cohort in, and show who is in it.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail, ensure};
use assess::{Imported, Layout, import_cohort, table_one, table_one_html, table_one_text};
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
    /// Turn a data set into a cohort folder. Nothing is copied: the folder names the files where they lie.
    #[command(
        after_help = "Examples:\n  inkling cohort import darwin DARWIN.csv --out cohorts/darwin\n  inkling cohort import csv manifest.csv --name clinic --out cohorts/clinic"
    )]
    Import(Import),
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
    /// Show who is in a cohort folder, class by class: the first table of a paper.
    #[command(after_help = "Example:\n  inkling cohort show cohorts/darwin")]
    Show {
        /// The cohort folder.
        cohort: PathBuf,
        /// How to print.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

#[derive(Args)]
struct Import {
    /// The layout of the data set; docs/cohorts.md describes each.
    layout: Published,
    /// The file or folder as published.
    path: PathBuf,
    /// The cohort folder to write.
    #[arg(long)]
    out: PathBuf,
    /// Name of the cohort; the layout's own, or the table's name, by default.
    #[arg(long)]
    name: Option<String>,
    /// Where it comes from: paper or page.
    #[arg(long)]
    source: Option<String>,
    /// What may be done with it.
    #[arg(long)]
    licence: Option<String>,
    /// What a reader must know: groups, language, how labels were made.
    #[arg(long)]
    description: Option<String>,
    /// Its people are made up.
    #[arg(long)]
    synthetic: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table to read.
    Text,
    /// One object.
    Json,
    /// One page.
    Html,
}

#[derive(Clone, Copy, ValueEnum)]
enum Published {
    /// ADReSS 2020: picture descriptions, train and test folders.
    Adress,
    /// ADReSSo 2021: picture descriptions, sound alone.
    Adresso,
    /// Drawings of the CCCN laboratory: three a person with MoCA, or clocks by Shulman score.
    Cccnlab,
    /// A table of one's own, CSV or Parquet: a row a file, or a row a person with task/feature columns.
    Csv,
    /// DARWIN.csv, UCI 732: 174 people, 25 handwriting tasks.
    Darwin,
    /// NHATS: clock pictures and tables by round.
    Nhats,
    /// The Pitt corpus of DementiaBank: Control and Dementia folders.
    Pitt,
    /// PROCESS 2025: dem-info.csv and three recordings a person.
    Process,
    /// TAUKADIAL 2024: groundtruth.csv and three recordings a person.
    Taukadial,
    /// Spirals of Parkinson's disease, UCI 395.
    UciSpiral,
}

impl Published {
    fn layout(self) -> Layout {
        match self {
            Self::Adress => Layout::Adress,
            Self::Adresso => Layout::Adresso,
            Self::Cccnlab => Layout::Cccnlab,
            Self::Csv => Layout::Manifest,
            Self::Darwin => Layout::Darwin,
            Self::Nhats => Layout::Nhats,
            Self::Pitt => Layout::Pitt,
            Self::Process => Layout::Process,
            Self::Taukadial => Layout::Taukadial,
            Self::UciSpiral => Layout::UciSpiral,
        }
    }
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    match &line.command {
        Command::Import(import) => {
            let imported = import.imported()?;
            imported.write(&import.out)?;
            let text = table_one_text(&table_one(&imported.cohort));
            writeln!(io::stdout(), "{text}written to {}", import.out.display())?;
        }
        Command::Show { cohort, format } => {
            let table = table_one(&Cohort::read(cohort)?);
            let text = match format {
                Format::Text => table_one_text(&table),
                Format::Json => serde_json::to_string_pretty(&table)? + "\n",
                Format::Html => table_one_html(&table),
            };
            write!(io::stdout(), "{text}")?;
        }
        Command::Hold { cohort, share, seed } => hold(cohort, *share, *seed)?,
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
    let cohort = labelled(Cohort::read(folder)?);
    let holdout = Holdout::read(folder, &cohort)?;
    Ok((cohort, holdout))
}

/// A cohort without the people who are set aside.
pub(crate) fn without_holdout(folder: &Path) -> Result<Cohort> {
    let (cohort, holdout) = with_holdout(folder)?;
    Ok(match holdout {
        Some(holdout) => holdout.rest(&cohort),
        None => cohort,
    })
}

impl Import {
    /// The cohort with whatever the line says of it.
    fn imported(&self) -> Result<Imported> {
        for name in ["features.csv", "features.parquet", "submissions.csv", "measured.jsonl"] {
            let there = self.out.join(name);
            ensure!(
                !there.exists(),
                "{}: expected an empty folder, found a cohort; remove it or import elsewhere",
                there.display()
            );
        }
        let mut imported = import_cohort(self.layout.layout(), &self.path)?;
        let provenance = &mut imported.cohort.provenance;
        for (stated, place) in [
            (&self.name, &mut provenance.name),
            (&self.source, &mut provenance.source),
            (&self.licence, &mut provenance.licence),
            (&self.description, &mut provenance.description),
        ] {
            if let Some(stated) = stated {
                place.clone_from(stated);
            }
        }
        provenance.synthetic |= self.synthetic;
        Ok(imported)
    }
}

/// The cohort with the people who have a label; says how many have none.
pub(crate) fn labelled(cohort: Cohort) -> Cohort {
    let (cohort, left_out) = cohort.labelled();
    if left_out > 0 {
        eprintln!("inkling: {left_out} people have no label and are left out");
    }
    cohort
}
