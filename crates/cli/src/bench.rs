//! `inkling bench`: how long a network takes.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use neural::{
    Graph, Network, Options, Precision,
    bench::{self, Timing},
};
use serde_json::json;

use crate::run_network::{Kind, told};

/// Time a network: CPU time, latency, memory, and the share of what this processor can do.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling bench network.onnx --threads 1 --batch 1,8 --format json")]
pub(crate) struct Line {
    /// An ONNX, GGUF or packed file, or the name of an installed network.
    network: PathBuf,
    /// Threads to run on.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// What our own plan computes in; the network's own precision unless told.
    #[arg(long)]
    precision: Option<Kind>,
    /// Items a run; several for several rows.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    batch: Vec<usize>,
    /// Length of input dimensions that have none and are not the batch: tokens, frames.
    #[arg(long, default_value_t = 128)]
    length: usize,
    /// Run this too, in turns on the same inputs (INKLING_ORT names its library).
    #[arg(long)]
    against: Option<Peer>,
    /// Seconds for each network and batch.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How to print it.
    #[arg(long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    Onnxruntime,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    if line.threads == 0 || line.batch.contains(&0) {
        bail!("expected at least one thread and one item a run, got none");
    }
    let path = crate::run_network::file_of(&line.network)?;
    let options = Options::default().on(line.threads).with(line.precision.map(Precision::from));
    // Packed and language networks are no graphs: they are timed, and their operations are not counted.
    let is_packed = path.extension().is_some_and(|it| it == "inkpack" || it == "gguf" || it == "bin");
    let graph = if is_packed { None } else { Some(Graph::read_onnx(&path)?) };
    let mut networks = vec![match &graph {
        Some(graph) => Network::with(graph, &options)?,
        None => Network::open_with(&path, &options)?,
    }];
    eprintln!("{}", told(&networks[0]));
    if let Some(Peer::Onnxruntime) = line.against {
        let graph =
            graph.as_ref().context("expected an ONNX file to run by ONNX Runtime, got another kind")?;
        networks.push(onnxruntime(graph, line.threads)?);
    }
    let networks: Vec<&Network> = networks.iter().collect();
    let (peak, each) = (bench::peak(), Duration::from_secs_f64(line.seconds.clamp(0.0, 3600.0)));
    let mut timings = Vec::new();
    for &batch in &line.batch {
        let inputs = bench::made_up(networks[0].inputs(), batch, line.length)?;
        let operations = graph.as_ref().and_then(|graph| bench::operations(graph, &inputs).ok());
        let timed = bench::interleaved(&networks, &inputs, batch, each)?;
        timings.extend(timed.into_iter().map(|it| match operations {
            Some(operations) => it.with_operations(operations, peak),
            None => it,
        }));
    }
    match line.format {
        Format::Json => println!("{}", as_json(line, peak, &timings)?),
        Format::Table => print!("{}", as_table(peak, &timings)),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "ort")]
fn onnxruntime(graph: &Graph, threads: usize) -> Result<Network> {
    let library = std::env::var_os("INKLING_ORT").filter(|it| !it.is_empty());
    let library = library.context(
        "expected INKLING_ORT to name the library of ONNX Runtime (libonnxruntime.so…), got nothing",
    )?;
    Ok(Network::by_onnxruntime(graph, std::path::Path::new(&library), threads)?)
}

#[cfg(not(feature = "ort"))]
fn onnxruntime(_: &Graph, _: usize) -> Result<Network> {
    None.context("this program was built without ONNX Runtime; build it with: cargo build --release -p inkling-cli --features ort")
}

fn as_json(line: &Line, peak: bench::Peak, timings: &[Timing]) -> Result<String> {
    let peaks = json!({ "float_gop_per_s": peak.float / 1e9, "int8_gop_per_s": peak.int8 / 1e9 });
    let all = json!({
        "network": line.network.display().to_string(),
        "threads": line.threads,
        "core_peak": peaks,
        "timings": timings,
    });
    Ok(serde_json::to_string_pretty(&all)?)
}

fn as_table(peak: bench::Peak, timings: &[Timing]) -> String {
    let mut text = format!(
        "peak of one core: {:.0} Gop/s on f32, {:.0} on int8\n{:12} {:>5} {:>6} {:>10} {:>11} {:>9} {:>9} {:>10} {:>9} {:>6}\n",
        peak.float / 1e9,
        peak.int8 / 1e9,
        "executor",
        "batch",
        "runs",
        "CPU ms min",
        "CPU ms med.",
        "wall ms",
        "p99 ms",
        "items/s",
        "peak MiB",
        "share"
    );
    for it in timings {
        let share = it.peak_share.map_or("-".to_owned(), |it| format!("{:.0}%", it * 100.0));
        let memory = it.peak_mib.map_or("-".to_owned(), |it| format!("{it:.0}"));
        text += &format!(
            "{:12} {:5} {:6} {:10.3} {:11.3} {:9.3} {:9.3} {:10.1} {:>9} {:>6}\n",
            [Some(it.executor.as_str()), it.precision].into_iter().flatten().collect::<Vec<_>>().join(" "),
            it.batch,
            it.runs,
            it.cpu_ms_min,
            it.cpu_ms_median,
            it.wall_ms_median,
            it.p99_ms,
            it.items_per_cpu_s,
            memory,
            share
        );
    }
    text
}
