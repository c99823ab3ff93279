//! `inkling run`: tensors in, tensors out, for any network.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use assess::Networks;
use clap::Args;
use neural::{Network, Tensors};

/// Run a network once: named tensors in an .npz file in, named tensors in an .npz file out.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling run network.onnx input.npz --out output.npz")]
pub(crate) struct Line {
    /// An ONNX file, or the name of an installed network.
    network: PathBuf,
    /// The inputs, each an array of its name.
    input: PathBuf,
    /// Where the outputs go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Threads to run on; this process's share of the machine unless told.
    #[arg(long)]
    threads: Option<usize>,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let network = Network::open(&file_of(&line.network)?, threads(line.threads))?;
    let outputs = network.run(&Tensors::read_npz(&line.input)?)?;
    outputs.write_npz(&line.out)?;
    for port in network.outputs() {
        let got = outputs.get(&port.name).with_context(|| format!("no output {:?}", port.name))?;
        println!("{}  {} {:?}", port.name, got.dtype().name(), got.shape());
    }
    Ok(ExitCode::SUCCESS)
}

fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

/// A file where there is one of this name, else that of an installed network.
pub(crate) fn file_of(name: &Path) -> Result<PathBuf> {
    match name.to_str().filter(|it| !name.exists() && !it.contains(['/', '.'])) {
        Some(known) => Ok(Networks::here()?.file(known)?),
        None => Ok(name.to_owned()),
    }
}
