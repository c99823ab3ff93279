//! `inkling run`: tensors in, tensors out, for any network.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use assess::Networks;
use clap::{Args, ValueEnum};
use neural::{Network, Options, Precision, Tensors, available_threads};

/// Run a network once: named tensors in an .npz file in, named tensors in an .npz file out.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling run network.onnx input.npz --out output.npz")]
pub(crate) struct Line {
    /// An ONNX, GGUF or packed file, or the name of an installed network.
    network: PathBuf,
    /// The inputs, each an array of its name.
    input: PathBuf,
    /// Where the outputs go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Threads to run on; this process's share of the machine unless told.
    #[arg(long)]
    threads: Option<usize>,
    /// What to compute in; the network's own precision unless told.
    #[arg(long)]
    precision: Option<Kind>,
}

/// What plans of our own compute in.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// 32-bit floating point.
    F32,
    /// Weights of 16 bits: half the memory, products in 32 bits.
    Bf16,
    /// 8-bit integers; weights are quantised as the network is opened.
    Int8,
}

impl From<Kind> for Precision {
    fn from(it: Kind) -> Self {
        match it {
            Kind::F32 => Precision::Float,
            Kind::Bf16 => Precision::Bf16,
            Kind::Int8 => Precision::Int8,
        }
    }
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let options = Options::default().on(line.threads.unwrap_or_else(available_threads));
    let options = options.with(line.precision.map(Precision::from));
    let network = Network::open_with(&file_of(&line.network)?, &options)?;
    eprintln!("{}", told(&network));
    let outputs = network.run(&Tensors::read_npz(&line.input)?)?;
    outputs.write_npz(&line.out)?;
    if let Some(most) = neural::bench::peak_mib() {
        eprintln!("memory at most {most:.1} MiB");
    }
    for port in network.outputs() {
        let got = outputs.get(&port.name).with_context(|| format!("no output {:?}", port.name))?;
        println!("{}  {} {:?}", port.name, got.dtype().name(), got.shape());
    }
    Ok(ExitCode::SUCCESS)
}

/// Which executor runs a network, in what, and why not another.
pub(crate) fn told(network: &Network) -> String {
    match (network.precision(), network.reason()) {
        (Some(precision), _) => {
            let remark = network.remark().map_or(String::new(), |it| format!(" ({it})"));
            format!("executor {} in {}{remark}", network.executor(), precision.name())
        }
        (None, Some(reason)) => format!("executor {} ({reason})", network.executor()),
        (None, None) => format!("executor {}", network.executor()),
    }
}

/// A file where there is one of this name, else that of an installed network.
pub(crate) fn file_of(name: &Path) -> Result<PathBuf> {
    match name.to_str().filter(|it| !name.exists() && !it.contains(['/', '.'])) {
        Some(known) => Ok(Networks::here()?.file(known)?),
        None => Ok(name.to_owned()),
    }
}
