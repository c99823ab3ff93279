//! `inkling assess`: a session in, a report out.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use ::assess::{
    Assessment, Assessor, Intake, Norms, PREVALENCE, Wording, report_json, report_page, report_text,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use study::Task;

use crate::screeners;

/// Assess a session folder, or one recording or drawing.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling assess fixtures/session --out report")]
pub(crate) struct Line {
    /// Folder with session.json, or a single file.
    session: PathBuf,
    /// Ask these screeners, by name of a shipped one or by folder; all shipped ones by default.
    #[arg(long)]
    screener: Vec<String>,
    /// Write report.html and report.json here.
    #[arg(long)]
    out: Option<PathBuf>,
    /// For a single file: what was asked, for example clock.
    #[arg(long, default_value = "unnamed")]
    task: String,
    /// Share of impaired people among those screened, for which a probability is shown.
    #[arg(long, default_value_t = PREVALENCE, value_parser = share)]
    prevalence: f64,
    /// An earlier session of the same participant: the report says what has changed, and what of it is more than noise.
    #[arg(long)]
    previous: Option<PathBuf>,
    /// A table of reference values instead of $INKLING_HOME/norms and the shipped one (columns: norms/README.md).
    #[arg(long)]
    norms: Option<PathBuf>,
    /// Millimetres per device unit, for ink files that do not say.
    #[arg(long)]
    mm_per_unit: Option<f64>,
}

/// A share between 0 and 1, both left out.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if share > 0.0 && share < 1.0 { Ok(share) } else { Err("expected a share between 0 and 1".to_owned()) }
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let intake = Intake { mm_per_unit: line.mm_per_unit, ..Intake::default() };
    let assessor = Assessor::new(screeners::chosen(&line.screener)?, intake);
    let path = &line.session;
    ensure!(path.exists(), "{}: expected a session folder or a file, found nothing there", path.display());
    let read = |path: &Path| -> Result<Assessment> {
        Ok(match path.is_dir() {
            true => assessor.assess_folder(path)?,
            false => assessor.assess_file(path, Task::new(&line.task)?)?,
        })
    };
    let norms = norms(line)?;
    let mut assessment = read(path)?.with_norms(&norms);
    if let Some(previous) = &line.previous {
        let earlier = read(previous).with_context(|| previous.display().to_string())?;
        assessment = assessment.since(&earlier, &norms)?;
    }
    let how = Wording { prevalence: line.prevalence };
    std::io::stdout().write_all(report_text(&assessment, how).as_bytes())?;
    if let Some(folder) = &line.out {
        write_report(&assessment, how, folder).with_context(|| folder.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn norms(line: &Line) -> Result<Norms> {
    let home = std::env::var_os("INKLING_HOME").map(PathBuf::from);
    Ok(match &line.norms {
        Some(path) => Norms::read(path)?,
        None => Norms::of_site(home.as_deref())?,
    })
}

fn write_report(assessment: &Assessment, how: Wording, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("report.html"), report_page(assessment, how))?;
    std::fs::write(folder.join("report.json"), serde_json::to_vec_pretty(&report_json(assessment, how))?)?;
    Ok(())
}
