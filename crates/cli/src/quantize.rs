//! `inkling quantize`: a network of small integers, and what it cost.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use neural::{
    Graph, Network, digest,
    quantize::{Budget, Calibration, Quantised, Recipe, Samples, Scheme, quantise},
};
use serde_json::json;

/// Quantise a network to 8-bit or 4-bit integers, say what it cost by layer, and refuse when a budget fails.
#[derive(Args)]
#[command(after_help = "Examples:
  inkling quantize net.onnx --calibrate rows.npz --out net-int8.onnx --least-sqnr 30
  inkling quantize net.onnx --scheme dynamic --out net-int8.onnx
  inkling quantize net.onnx --scheme int4 --calibrate rows.npz --out net-int4.onnx --format json")]
pub(crate) struct Line {
    /// An ONNX file in floating point, or the name of an installed network.
    network: PathBuf,
    /// Where the quantised network goes; beside it, as .inkpack, the same for our own plan, where it has one.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What becomes integers.
    #[arg(long, default_value = "static")]
    scheme: Kind,
    /// Inputs to calibrate on: an .npz file with an array for each input; several times for several files.
    #[arg(long, value_name = "NPZ")]
    calibrate: Vec<PathBuf>,
    /// Inputs to judge the cost on; those of --calibrate without it.
    #[arg(long, value_name = "NPZ")]
    held: Vec<PathBuf>,
    /// How ranges of activations are chosen (static).
    #[arg(long, default_value = "min-max")]
    method: Method,
    /// Percent of values inside the range (--method percentile).
    #[arg(long, default_value_t = 99.99)]
    percentile: f64,
    /// Activations as signed codes around 0, as some accelerators ask (static).
    #[arg(long)]
    signed: bool,
    /// A range for each row, so that answers do not depend on the batch (dynamic).
    #[arg(long)]
    by_row: bool,
    /// Weights that share a scale: 16, 32, 64 or 128 (int4).
    #[arg(long, default_value_t = 32)]
    block: usize,
    /// Move what is hard to quantise from activations into weights: 0 to 1; 0.5 is usual.
    #[arg(long, value_name = "ALPHA")]
    equalise: Option<f64>,
    /// Do not move the means of outputs back by the bias.
    #[arg(long)]
    no_bias_correction: bool,
    /// Finer 8-bit weights that saturate in other programs on processors without VNNI.
    #[arg(long)]
    full_range: bool,
    /// Leave this layer in floating point; several times for several.
    #[arg(long, value_name = "LAYER")]
    keep: Vec<String>,
    /// Least signal to quantisation noise of the outputs, in dB; layers are left in floating point until it holds.
    #[arg(long, value_name = "DB")]
    least_sqnr: Option<f64>,
    /// Greatest difference of an output over its greatest magnitude; likewise.
    #[arg(long, value_name = "SHARE")]
    most_error: Option<f64>,
    /// Share of the weights that may be left in floating point for that.
    #[arg(long, value_name = "SHARE", default_value_t = 0.25)]
    most_kept: f64,
    /// Do not quantise each layer alone to say what it costs by itself.
    #[arg(long)]
    quick: bool,
    /// Threads that samples are run on.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How to print what became of each layer.
    #[arg(long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// 8-bit weights and activations, ranges from samples
    Static,
    /// 8-bit weights and activations, ranges as they come
    Dynamic,
    /// 4-bit weights of products
    Int4,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    MinMax,
    Percentile,
    Entropy,
    SquaredError,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    if line.threads == 0 {
        bail!("expected at least one thread, got none");
    }
    let path = crate::run_network::file_of(&line.network)?;
    let graph = Graph::read_onnx(&path)?;
    let samples = |paths: &[PathBuf]| match paths {
        [] => Ok(None),
        paths => Samples::read(&graph, paths).map(Some),
    };
    let (calibrate, held) = (samples(&line.calibrate)?, samples(&line.held)?);
    if held.is_some() && calibrate.is_none() {
        bail!("--held needs --calibrate: expected samples to calibrate on, got none");
    }
    let source = fs::read(&path).with_context(|| path.display().to_string())?;
    let made = quantise(&graph, &line.recipe(digest(&source)), calibrate.as_ref(), held.as_ref())?;
    let bytes = made.graph.to_onnx();
    write(&line.out, &bytes)?;
    let packed = line.out.with_extension("inkpack");
    match Network::packing(&made.graph, None) {
        Ok(packing) => {
            packing.write(&packed)?;
            eprintln!("packed for our plan: {}", packed.display());
        }
        Err(reason) => eprintln!("not packed for our plan: {reason}"),
    }
    match line.format {
        Format::Json => println!("{}", as_json(&made, [source.len(), bytes.len()])?),
        Format::Table => print!("{}", as_table(&made, [source.len(), bytes.len()])?),
    }
    Ok(ExitCode::SUCCESS)
}

impl Line {
    fn recipe(&self, of: String) -> Recipe {
        let calibration = match self.method {
            Method::MinMax => Calibration::MinMax,
            Method::Percentile => Calibration::Percentile(self.percentile),
            Method::Entropy => Calibration::Entropy,
            Method::SquaredError => Calibration::SquaredError,
        };
        let scheme = match self.scheme {
            Kind::Static => Scheme::Static { calibration, signed: self.signed },
            Kind::Dynamic => Scheme::Dynamic { rows: self.by_row },
            Kind::Int4 => Scheme::Weights { block: self.block },
        };
        Recipe {
            keep: self.keep.clone(),
            equalise: self.equalise,
            correct_bias: !self.no_bias_correction,
            pair_safe: !self.full_range,
            budget: Budget {
                least_sqnr_db: self.least_sqnr,
                most_error: self.most_error,
                most_kept: self.most_kept,
            },
            by_layer: !self.quick,
            of: Some(of),
            threads: self.threads,
            ..Recipe::new(scheme)
        }
    }
}

/// Under another name first: whoever has the old file open keeps it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, bytes).with_context(|| path.display().to_string())?;
    fs::rename(&part, path).with_context(|| path.display().to_string())
}

fn as_json(made: &Quantised, [before, after]: [usize; 2]) -> Result<String> {
    let all = json!({
        "record": made.record,
        "fidelity": made.fidelity,
        "bytes": { "before": before, "after": after },
        "layers": made.layers,
    });
    Ok(serde_json::to_string_pretty(&all)?)
}

fn as_table(made: &Quantised, [before, after]: [usize; 2]) -> Result<String> {
    let width = made.layers.iter().map(|it| it.name.chars().count()).max().unwrap_or(0).max(5);
    let mut text = String::new();
    writeln!(
        text,
        "{:width$}  {:9} {:>9} {:>4} {:>10} {:>10} {:>9}  kept in f32",
        "layer", "operator", "weights", "bits", "weights dB", "output dB", "error"
    )?;
    for it in &made.layers {
        let number =
            |it: Option<f64>, digits: usize| it.map_or("-".to_owned(), |it| format!("{it:.digits$}"));
        let (db, error) = (it.alone.map(|it| it.sqnr_db), it.alone.map(|it| it.error));
        writeln!(
            text,
            "{:width$}  {:9} {:>9} {:>4} {:>10} {:>10} {:>9}  {}",
            it.name,
            it.op,
            it.weights,
            it.bits,
            number(it.weights_db, 1),
            number(db, 1),
            number(error, 4),
            it.kept.as_deref().unwrap_or("")
        )?;
    }
    if let Some(it) = made.fidelity {
        writeln!(
            text,
            "outputs: {:.1} dB signal to quantisation noise, greatest error {:.4}",
            it.sqnr_db, it.error
        )?;
    }
    writeln!(text, "{}: {before} bytes became {after}", made.record.scheme)?;
    Ok(text)
}
