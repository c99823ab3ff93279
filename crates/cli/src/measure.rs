//! `inkling measure`: every value of recordings and drawings.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail, ensure};
use assess::{Analysis, Intake, Measured, dictionary, files};
use clap::{Args, ValueEnum};
use feature::{Definition, SetId};
use rayon::prelude::*;

use crate::progress;

/// Measure recordings and drawings: one object, row or block for each.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling measure recordings/ --format csv > values.csv")]
pub(crate) struct Line {
    /// Files, or folders that are searched for files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only these feature sets, for example voice@1,ink@1.
    #[arg(long, value_delimiter = ',')]
    set: Vec<SetId>,
    /// How values are written.
    #[arg(long, default_value = "table")]
    format: Format,
    /// Also write these contours, one CSV a file and contour.
    #[arg(long, value_delimiter = ',', requires = "out")]
    contours: Vec<Contour>,
    /// Folder for contours.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Millimetres per device unit, for ink files that do not say.
    #[arg(long)]
    mm_per_unit: Option<f64>,
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
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Contour {
    /// Fundamental frequency in Hz.
    F0,
    /// Intensity in dB SPL.
    Intensity,
}

/// Files that are measured before their values are written: enough for all cores, and bounded whatever the folder holds.
const CHUNK: usize = 64;

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    check_sets(&line.set)?;
    let found = found(&line.paths)?;
    let intake = Intake { mm_per_unit: line.mm_per_unit, ..Intake::default() };
    let bar = progress::bar(found.len(), "file");
    let mut writer = Writer::new(line);
    writer.begin()?;
    let mut declined = 0;
    for chunk in found.chunks(CHUNK) {
        let measured: Vec<Vec<Measured>> = pool.install(|| {
            let measure = |file: &Found| {
                let received = intake.receive(&file.path, &file.name);
                bar.inc(1);
                received.into_iter().map(Measured::new).collect()
            };
            chunk.par_iter().map(measure).collect()
        });
        for one in measured.iter().flatten() {
            declined += usize::from(one.outcome.is_err());
            if let Err(reason) = &one.outcome {
                bar.suspend(|| eprintln!("inkling: {}: declined: {reason}", one.file));
            }
            writer.write(one)?;
        }
    }
    bar.finish_and_clear();
    writer.end()?;
    Ok(if declined == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A file and what it is called in the output: as the user named it.
struct Found {
    path: PathBuf,
    name: String,
}

fn found(paths: &[PathBuf]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        ensure!(path.exists(), "{}: expected a file or folder, found nothing there", path.display());
        let below = files(path).with_context(|| path.display().to_string())?;
        ensure!(!below.is_empty(), "{}: expected files in this folder, found none", path.display());
        found.extend(below.into_iter().map(|path| Found { name: path.display().to_string(), path }));
    }
    Ok(found)
}

fn check_sets(sets: &[SetId]) -> Result<()> {
    let known: Vec<String> = sets_of(&dictionary());
    for set in sets {
        if !known.contains(&set.to_string()) {
            bail!("unknown feature set {set}; expected one of: {}", known.join(", "));
        }
    }
    Ok(())
}

fn sets_of(dictionary: &[(String, Definition)]) -> Vec<String> {
    let mut sets: Vec<String> = dictionary.iter().map(|(set, _)| set.clone()).collect();
    sets.dedup();
    sets
}

/// Writes in the format that was asked for.
struct Writer<'a> {
    line: &'a Line,
    columns: Vec<Definition>,
    out: io::BufWriter<io::Stdout>,
}

impl<'a> Writer<'a> {
    fn new(line: &'a Line) -> Self {
        let asked = |set: &str| line.set.is_empty() || line.set.iter().any(|it| it.to_string() == set);
        let columns = dictionary().into_iter().filter(|(set, _)| asked(set)).map(|(_, it)| it).collect();
        Self { line, columns, out: io::BufWriter::new(io::stdout()) }
    }

    fn begin(&mut self) -> Result<()> {
        if self.line.format == Format::Csv {
            let header =
                ["file", "quality", "declined"].into_iter().chain(self.columns.iter().map(|it| it.name));
            self.row(&header.map(str::to_owned).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn write(&mut self, measured: &Measured) -> Result<()> {
        if self.left_out(measured) {
            return Ok(());
        }
        self.contours(measured)?;
        match self.line.format {
            Format::Table => write!(self.out, "{}", assess::measured_text(measured))?,
            Format::Json => writeln!(self.out, "{}", serde_json::to_string(measured)?)?,
            Format::Csv => self.row(&self.cells(measured))?,
        }
        Ok(())
    }

    fn left_out(&self, measured: &Measured) -> bool {
        let set = measured.outcome.as_ref().ok().map(|it| it.values.set());
        set.is_some_and(|set| !self.line.set.is_empty() && !self.line.set.contains(set))
    }

    fn cells(&self, measured: &Measured) -> Vec<String> {
        let (quality, declined) = match &measured.outcome {
            Ok(measurement) => (measurement.quality.verdict(), String::new()),
            Err(declined) => (declined.quality.verdict(), declined.to_string()),
        };
        let number = |definition: &Definition| {
            let values = measured.outcome.as_ref().ok().map(|it| &it.values);
            values.and_then(|it| it.number(definition.name)).map(|it| it.to_string()).unwrap_or_default()
        };
        [measured.file.clone(), quality.to_string(), declined]
            .into_iter()
            .chain(self.columns.iter().map(number))
            .collect()
    }

    fn row(&mut self, cells: &[String]) -> Result<()> {
        let mut writer = csv::WriterBuilder::new().from_writer(&mut self.out);
        writer.write_record(cells)?;
        Ok(writer.flush()?)
    }

    fn contours(&self, measured: &Measured) -> Result<()> {
        let (Some(folder), Ok(measurement)) = (&self.line.out, &measured.outcome) else { return Ok(()) };
        let Analysis::Voice(analysis) = &measurement.analysis else { return Ok(()) };
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let stem = Path::new(&measured.file).file_name().unwrap_or_default().to_string_lossy();
        for contour in &self.line.contours {
            let (name, contour) = match contour {
                Contour::F0 => ("f0", analysis.f0()),
                Contour::Intensity => ("intensity", analysis.intensity()),
            };
            write_contour(&folder.join(format!("{stem}.{name}.csv")), contour)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }
}

fn write_contour(path: &Path, contour: &voice::Contour) -> Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["time_s", "value"])?;
    for (time, value) in contour.iter() {
        writer
            .write_record([format!("{:.4}", time.0), value.map(|it| it.to_string()).unwrap_or_default()])?;
    }
    writer.flush().with_context(|| path.display().to_string())
}
