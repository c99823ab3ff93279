//! `inkling measure`: every value of recordings and drawings, and the numbers of a cohort.

mod beside;
mod cohort;
mod output;

use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail, ensure};
use assess::{Found, Intake, Measured, Shard, Valued, Whose, files, measure_files, sets};
use clap::{Args, ValueEnum};
use feature::SetId;
use voice::Channels;

use crate::progress;
use beside::Beside;
use output::Output;

/// Measure recordings and drawings: one object, row or block for each. Of a cohort folder, make its numbers.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  inkling measure recordings/ --format csv --write values.csv\n  inkling measure cohorts/clinic"
)]
pub(crate) struct Line {
    /// Files, or folders that are searched for files; or one cohort folder, whose features.parquet is made.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only these feature sets, for example voice@1,ink@1. By default each file's own; of a cohort every one, those of rooms, files
    /// and devices for its audit among them.
    #[arg(long, value_delimiter = ',')]
    set: Vec<SetId>,
    /// How values are written.
    #[arg(long, default_value = "table")]
    format: Format,
    /// Write values here instead of to stdout. Run the same line again to go on where it was broken off.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Also write these contours, one CSV a recording and contour; `all` for every one.
    #[arg(long, value_delimiter = ',', requires = "out")]
    contours: Vec<String>,
    /// Folder for contours.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Also draw each recording and drawing as SVG into this folder.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Millimetres per device unit, for ink files that do not say.
    #[arg(long)]
    mm_per_unit: Option<f64>,
    /// Whose voice is measured: everybody's, or only the participant's, who speaks most.
    #[arg(long, default_value = "all")]
    speaker: Speaker,
    /// Only this channel of each recording, counted from 1; with `--speaker participant`: the participant's. Otherwise channels
    /// are averaged, and of two that hold a person each the participant's is the one with more speech.
    #[arg(long)]
    channel: Option<NonZeroUsize>,
    /// Only the I-th of N parts of the files, for example 2/8; the outputs of all parts in order are the output of one run. The
    /// parts of a cohort are taken up when the cohort is measured without this.
    #[arg(long)]
    shard: Option<Shard>,
    /// Threads; all cores by default. The output is the same for any number.
    #[arg(long)]
    jobs: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// For reading: name, value, unit.
    Table,
    /// One JSON object a line.
    Json,
    /// One row a recording or drawing, empty where missing.
    Csv,
    /// The same rows as Parquet; needs --write.
    Parquet,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Speaker {
    /// Everybody who speaks.
    All,
    /// Who speaks most; declined where two cannot be told apart.
    Participant,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    check_sets(&line.set)?;
    if let Some(folder) = cohort::folder(&line.paths) {
        return pool.install(|| cohort::run(folder, line));
    }
    let found = found(&line.paths, line.shard)?;
    let channels = line.channels();
    let intake = Intake { channels, mm_per_unit: line.mm_per_unit, ..Intake::default() };
    let beside = Beside::new(line)?;
    let mut output = Output::open(line, &found)?;
    let bar = progress::bar(found.len(), "file");
    let done = output.done();
    bar.inc(done as u64);
    let work = |file: &Found| {
        let rows = measure(file, &intake, &beside, line);
        bar.inc(1);
        rows
    };
    let mut declined = 0;
    let sink = |rows: Vec<Result<Vec<Valued>>>| {
        let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
        for (file, reason) in
            rows.iter().flatten().filter_map(|it| Some((&it.file, it.outcome.as_ref().err()?)))
        {
            declined += 1;
            bar.suspend(|| eprintln!("inkling: {file}: declined: {reason}"));
        }
        output.write(&rows)
    };
    pool.install(|| measure_files(&found[done..], work, sink))?;
    bar.finish_and_clear();
    output.finish()?;
    Ok(if declined == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Line {
    fn whose(&self) -> Whose {
        match self.speaker {
            Speaker::All => Whose::Everybody,
            Speaker::Participant => Whose::Participant,
        }
    }

    fn channels(&self) -> Channels {
        match (self.speaker, self.channel) {
            (Speaker::Participant, named) => Channels::Participant(named),
            (Speaker::All, Some(channel)) => Channels::One(channel),
            (Speaker::All, None) => Channels::Mean,
        }
    }

    /// Everything asked for beside files, sets and form that changes a value: outputs of different such lines do not mix.
    fn how(&self) -> String {
        format!("{:?} {:?} {:?}", self.whose(), self.channels(), self.mm_per_unit)
    }
}

fn measure(file: &Found, intake: &Intake, beside: &Beside, line: &Line) -> Result<Vec<Valued>> {
    let mut rows = Vec::new();
    for received in intake.receive(&file.path, &file.name) {
        let measured = Measured::of(received, line.whose());
        beside.write(&measured)?;
        rows.extend(measured.valued(&line.set));
    }
    Ok(rows)
}

fn found(paths: &[PathBuf], shard: Option<Shard>) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        ensure!(path.exists(), "{}: expected a file or folder, found nothing there", path.display());
        let below = files(path).with_context(|| path.display().to_string())?;
        ensure!(!below.is_empty(), "{}: expected files in this folder, found none", path.display());
        found.extend(below.into_iter().map(|path| Found { name: path.display().to_string(), path }));
    }
    if let Some(shard) = shard {
        found = found[shard.places(found.len())].to_vec();
    }
    Ok(found)
}

fn check_sets(asked: &[SetId]) -> Result<()> {
    let known: Vec<SetId> = sets().into_iter().map(|(set, _)| set).collect();
    if let Some(unknown) = asked.iter().find(|set| !known.contains(set)) {
        let known: Vec<String> = known.iter().map(SetId::to_string).collect();
        bail!("unknown feature set {unknown}; expected one of: {}", known.join(", "));
    }
    Ok(())
}
