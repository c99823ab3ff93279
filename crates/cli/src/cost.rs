//! `inkling cost`: what it costs to run a network in fewer bits.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use assess::{
    Candidate, JudgedSet, Scheme, card_page, cost_of_networks, cost_of_screener, cost_svg, cost_text,
    exported, network_markdown, portable_table,
};
use clap::Args;
use learn::{
    Plan, Training,
    cost::{CostTable, Speed},
    evaluate,
    evaluate::{Family, whole_network},
};
use neural::{Network, Tensors, bench};
use study::Cohort;

use crate::progress::Stages;

/// What it costs to run a network in fewer bits: how good it still is, paired with itself, beside size and speed.
#[derive(Args)]
#[command(after_help = "Examples:
  inkling cost digits.onnx digits-int8.onnx --judge held.npz --out cost
  inkling cost darwin --name handwriting-portable@1 --out networks/handwriting-portable@1")]
pub(crate) struct Line {
    /// Networks of the same inputs and classes, the first held against the others; or a cohort folder, whose network of one
    /// hidden layer on portable columns is fitted, exported, quantised and judged out of fold.
    #[arg(required = true)]
    networks: Vec<PathBuf>,
    /// Items to judge networks on: an .npz file with their inputs, `class` and `person`.
    #[arg(long, value_name = "FILE")]
    judge: Option<PathBuf>,
    /// Make bf16, 8-bit and 4-bit ways of the one network, by the inputs in this .npz file.
    #[arg(long, value_name = "FILE", requires = "judge")]
    calibrate: Option<PathBuf>,
    /// What the network is called.
    #[arg(long)]
    name: Option<String>,
    /// Folder for cost.json, cost.txt and cost.svg; of a cohort also network.onnx, card.json and card.html.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Repeats of the outer folds, of a cohort.
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// Draws of people for intervals.
    #[arg(long, default_value_t = 2000)]
    draws: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds to time each network; 0 to time none.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let table = match (&line.networks[..], &line.judge) {
        ([cohort], None) if cohort.is_dir() => of_cohort(line, cohort)?,
        (networks, Some(judge)) => of_networks(line, networks, judge)?,
        _ => bail!("expected networks and --judge FILE, or one cohort folder"),
    };
    if let Some(out) = &line.out {
        write(out, "cost.json", &(serde_json::to_string_pretty(&table)? + "\n"))?;
        write(out, "cost.txt", &cost_text(&table))?;
        if let Some(svg) = cost_svg(&table) {
            write(out, "cost.svg", &svg)?;
        }
    }
    print!("{}", cost_text(&table));
    Ok(ExitCode::SUCCESS)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

fn of_networks(line: &Line, networks: &[PathBuf], judge: &Path) -> Result<CostTable> {
    let stem =
        |path: &PathBuf| path.file_stem().map_or(String::new(), |it| it.to_string_lossy().into_owned());
    let mut candidates: Vec<Candidate> =
        networks.iter().map(|it| Candidate::read(it, &stem(it))).collect::<Result<_, _>>()?;
    if let Some(calibrate) = &line.calibrate {
        candidates = made(&candidates, &Tensors::read_npz(calibrate)?)?;
    }
    let set = JudgedSet::read(judge)?;
    let name = line.name.clone().unwrap_or_else(|| candidates[0].name.clone());
    let judged_on = judge.file_name().map_or(String::new(), |it| it.to_string_lossy().into_owned());
    let mut table = cost_of_networks(&candidates, &set, (&name, &judged_on), (line.draws, line.seed))?;
    timed(line, &candidates, &mut table)?;
    Ok(table)
}

fn of_cohort(line: &Line, folder: &Path) -> Result<CostTable> {
    let mut cohort = Cohort::read(folder)?;
    let table = portable_table(&cohort)?;
    let family = Family::named("mlp").context("expected the family mlp, got none of that name")?;
    let (repeats, draws, seed) = (line.repeats, line.draws, line.seed);
    let plan = Plan { families: vec![family], repeats, draws, seed, ..Plan::default() };
    let name = line.name.clone().unwrap_or_else(|| format!("{} network", cohort.provenance.name));
    let whole = exported(&whole_network(&Training::new(&table)?, &plan)?, &name)?;
    let stages = Stages::new();
    let watch = |progress| stages.show(progress);
    let schemes = Scheme::every();
    let (mut cost, candidates) = cost_of_screener(&name, (&table, &whole), (&plan, &schemes), &watch)?;
    timed(line, &candidates, &mut cost)?;
    if let Some(out) = &line.out {
        cohort.table = Some(table);
        let mut card = evaluate(&cohort, &plan, &watch)?.card;
        (card.name, card.cost) = (name, Some(cost.clone()));
        card.screener_digest = Some(candidates[0].sha256.clone());
        write(out, "card.json", &(String::from_utf8(card.to_json()?)? + "\n"))?;
        write(out, "card.html", &card_page(&card))?;
        write(out, "card.md", &network_markdown(&card, "network.onnx", "make networks"))?;
        let path = out.join("network.onnx");
        std::fs::write(&path, whole.to_onnx()).with_context(|| path.display().to_string())?;
    }
    stages.end();
    Ok(cost)
}

/// A network in every way, by inputs like those it will see.
fn made(networks: &[Candidate], inputs: &Tensors) -> Result<Vec<Candidate>> {
    let [network] = networks else {
        bail!("--calibrate makes every way of one network: expected one, got {}", networks.len());
    };
    let of = |it: &Scheme<'_>| Ok(Candidate::of((it.make)(&network.graph, inputs)?, it.name, &it.how));
    Scheme::every().iter().map(of).collect()
}

/// Times all candidates in turns on one thread, and asks of each its memory alone in a process.
fn timed(line: &Line, candidates: &[Candidate], table: &mut CostTable) -> Result<()> {
    if line.seconds <= 0.0 {
        return Ok(());
    }
    let networks: Vec<Network> =
        candidates.iter().map(|it| Network::of(&it.graph, 1)).collect::<Result<_, _>>()?;
    let networks: Vec<&Network> = networks.iter().collect();
    let inputs = bench::made_up(&candidates[0].graph.inputs, 1, 1)?;
    let each = Duration::from_secs_f64(line.seconds.min(3600.0));
    let timings = bench::interleaved(&networks, &inputs, 1, each)?;
    for ((row, timing), candidate) in table.rows.iter_mut().zip(timings).zip(candidates) {
        row.speed = Some(Speed {
            executor: timing.executor,
            cpu_ms_median: timing.cpu_ms_median,
            p99_ms: timing.p99_ms,
            peak_mib: alone(candidate)?,
        });
    }
    Ok(())
}

/// Greatest memory of a process that runs this network and nothing else.
fn alone(candidate: &Candidate) -> Result<Option<f64>> {
    let path = std::env::temp_dir().join(format!("inkling-cost-{}.onnx", std::process::id()));
    std::fs::write(&path, candidate.graph.to_onnx()).with_context(|| path.display().to_string())?;
    let ran = Command::new(std::env::current_exe()?)
        .arg("bench")
        .arg(&path)
        .args(["--seconds", "0.05", "--format", "json"])
        .output();
    let _ = std::fs::remove_file(&path); // a file of ours that nobody needs again
    let ran = ran?;
    if !ran.status.success() {
        bail!("timing alone: {}", String::from_utf8_lossy(&ran.stderr).trim());
    }
    let said: serde_json::Value = serde_json::from_slice(&ran.stdout)?;
    Ok(said["timings"][0]["peak_mib"].as_f64())
}
