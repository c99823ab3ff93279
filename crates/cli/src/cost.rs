//! `inkling cost`: what it costs to run a network in fewer bits.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use assess::{
    Candidate, JudgedSet, Scheme, ScreenerNetworks, card_page, cost_by_layer, cost_markdown,
    cost_of_networks, cost_refusal, cost_svg, cost_text, exported, network_markdown, portable_table,
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
  inkling cost digits.onnx --judge held.npz --calibrate rows.npz --out cost --write int8 --most-lost 0.005
  inkling cost digits.onnx digits-int8.onnx --judge held.npz --out cost
  inkling cost darwin --name handwriting-portable@1 --out networks/handwriting-portable@1
  inkling cost networks/*/cost.json > docs/networks-cost.md")]
pub(crate) struct Line {
    /// Networks of the same inputs and classes, the first held against the others; or a cohort folder, whose network of one
    /// hidden layer on portable columns is fitted, exported, quantised and judged out of fold; or tables that were made before
    /// (cost.json), to be put on one page, or one of them to be drawn again with --out.
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
    /// What it was judged on, in words; the name of the file without it.
    #[arg(long, value_name = "WORDS")]
    judged_on: Option<String>,
    /// Folder for cost.json, cost.txt and cost.svg; of a cohort also network.onnx, card.json and card.html.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write the network in this way too, unless it lost too much: `int8` or `int4`.
    #[arg(long, value_name = "WAY", requires = "out")]
    write: Vec<String>,
    /// Most that a way may have lost of AUC or accuracy to be written: the far end of the paired 95 % interval.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    most_lost: f64,
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
    if line.networks.iter().all(|it| it.extension().is_some_and(|it| it == "json")) {
        let tables: Vec<(CostTable, String)> =
            line.networks.iter().map(|it| Ok((read(it)?, figure_of(it)))).collect::<Result<_>>()?;
        match (&tables[..], &line.out) {
            ([(table, _)], Some(_)) => tell(line, table)?,
            (_, Some(_)) => bail!("--out: expected one table to draw again, got {}", tables.len()),
            (tables, None) => print!("{}", cost_markdown(tables)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    match (&line.networks[..], &line.judge) {
        ([cohort], None) if cohort.is_dir() => of_cohort(line, cohort)?,
        (networks, Some(judge)) => of_networks(line, networks, judge)?,
        _ => bail!("expected networks and --judge FILE, one cohort folder, or cost.json files"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The figure beside a table, as a page in a folder beside its root calls it; empty where there is none.
fn figure_of(table: &Path) -> String {
    let figure = table.with_extension("svg");
    if figure.is_file() && figure.is_relative() { format!("../{}", figure.display()) } else { String::new() }
}

fn read(path: &Path) -> Result<CostTable> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

/// Prints the table, and writes it where it was asked for.
fn tell(line: &Line, table: &CostTable) -> Result<()> {
    print!("{}", cost_text(table));
    let Some(out) = &line.out else { return Ok(()) };
    write(out, "cost.json", &(serde_json::to_string_pretty(table)? + "\n"))?;
    write(out, "cost.txt", cost_text(table))?;
    cost_svg(table).map_or(Ok(()), |svg| write(out, "cost.svg", &svg))
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

fn of_networks(line: &Line, networks: &[PathBuf], judge: &Path) -> Result<()> {
    let stem =
        |path: &PathBuf| path.file_stem().map_or(String::new(), |it| it.to_string_lossy().into_owned());
    let given: Vec<Candidate> =
        networks.iter().map(|it| Candidate::read(it, &stem(it))).collect::<Result<_, _>>()?;
    let (set, draws) = (JudgedSet::read(judge)?, (line.draws, line.seed));
    let name = line.name.clone().unwrap_or_else(|| given[0].name.clone());
    let file = judge.file_name().map_or(String::new(), |it| it.to_string_lossy().into_owned());
    let words = (name.as_str(), line.judged_on.as_deref().unwrap_or(&file));
    let Some(calibrate) = &line.calibrate else {
        let mut table = cost_of_networks(&given, &set, words, draws)?;
        timed(line, &given, &mut table)?;
        return tell(line, &table);
    };
    let [network] = &given[..] else {
        bail!("--calibrate makes every way of one network: expected one, got {}", given.len());
    };
    let inputs = Tensors::read_npz(calibrate)?;
    let every = Scheme::every();
    let ways = every.iter().map(|it| it.candidate(&network.graph, &inputs)).collect::<Result<Vec<_>, _>>()?;
    let mut table = cost_of_networks(&ways, &set, words, draws)?;
    timed(line, &ways, &mut table)?;
    tell(line, &table)?;
    let by_layer = |it: &Scheme<'_>| Ok(cost_by_layer((&network.graph, &inputs), it, (&set, draws))?);
    keep(line, (&stem(&networks[0]), &table), &ways, &by_layer)
}

fn of_cohort(line: &Line, folder: &Path) -> Result<()> {
    let mut cohort = Cohort::read(folder)?;
    let table = portable_table(&cohort)?;
    let family = Family::named("mlp").context("expected the family mlp, got none of that name")?;
    let (repeats, draws, seed) = (line.repeats, line.draws, line.seed);
    let plan = Plan { families: vec![family], repeats, draws, seed, ..Plan::default() };
    let name = line.name.clone().unwrap_or_else(|| format!("{} network", cohort.provenance.name));
    let whole = exported(&whole_network(&Training::new(&table)?, &plan)?, &name)?;
    let stages = Stages::new();
    let watch = |progress| stages.show(progress);
    let networks = ScreenerNetworks::fit(&table, &whole, &plan, &watch)?;
    let (ways, mut cost) = (networks.candidates(&Scheme::every())?, networks.cost(&name, &Scheme::every())?);
    timed(line, &ways, &mut cost)?;
    if let Some(out) = &line.out {
        cohort.table = Some(table.clone());
        let mut card = evaluate(&cohort, &plan, &watch)?.card;
        (card.name, card.cost) = (name, Some(cost.clone()));
        card.screener_digest = Some(ways[0].sha256.clone());
        write(out, "card.json", [&card.to_json()?[..], b"\n"].concat())?;
        write(out, "card.html", card_page(&card))?;
        write(out, "card.md", network_markdown(&card, "network.onnx", "make networks"))?;
        write(out, "network.onnx", whole.to_onnx())?;
    }
    stages.end();
    tell(line, &cost)?;
    keep(line, ("network", &cost), &ways, &|it| Ok(networks.cost_by_layer(it)?))
}

/// Writes the ways that were asked for beside the table, unless one may have lost more than it may: then an error says which layer
/// is to blame.
fn keep(
    line: &Line,
    (stem, table): (&str, &CostTable),
    ways: &[Candidate],
    by_layer: &dyn Fn(&Scheme<'_>) -> Result<CostTable>,
) -> Result<()> {
    let mut refused = vec![];
    for name in &line.write {
        let schemes = Scheme::every();
        let found = schemes.iter().zip(ways).zip(&table.rows).find(|((it, _), _)| it.name() == name);
        let Some(((scheme, way), row)) = found.filter(|((_, way), _)| way.untimed.is_none()) else {
            bail!("--write: expected f32, int8 or int4, got {name:?}");
        };
        if row.may_have_lost() <= line.most_lost {
            let out = line.out.as_deref().context("--write needs --out")?;
            write(out, &format!("{stem}-{name}.onnx"), way.graph.to_onnx())?;
        } else {
            refused.push(cost_refusal(row, line.most_lost, &by_layer(scheme)?));
        }
    }
    if refused.is_empty() { Ok(()) } else { bail!("{}", refused.join("\n")) }
}

/// Times all candidates in turns on one thread, and asks of each its memory alone in a process.
fn timed(line: &Line, candidates: &[Candidate], table: &mut CostTable) -> Result<()> {
    if line.seconds <= 0.0 {
        return Ok(());
    }
    let able = || candidates.iter().filter(|it| it.untimed.is_none());
    let networks: Vec<Network> = able().map(|it| Network::of(&it.graph, 1)).collect::<Result<_, _>>()?;
    let networks: Vec<&Network> = networks.iter().collect();
    let inputs = bench::made_up(&candidates[0].graph.inputs, 1, 1)?;
    let each = Duration::from_secs_f64(line.seconds.min(3600.0));
    let timings = bench::interleaved(&networks, &inputs, 1, each)?;
    let rows = table.rows.iter_mut().filter(|it| it.untimed.is_none());
    for ((row, timing), candidate) in rows.zip(timings).zip(able()) {
        let precision = timing.precision.map_or(String::new(), |it| format!(", {it}"));
        row.speed = Some(Speed {
            executor: format!("{}{precision}", timing.executor),
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
