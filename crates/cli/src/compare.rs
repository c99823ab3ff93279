//! `inkling compare`: two cards side by side.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use assess::{Compared, Judged, PREVALENCE, compared_page, compared_text};
use clap::{Args, ValueEnum};

/// Put two cards side by side, and say which differences are beyond chance where both judged the same people.
#[derive(Args)]
#[command(
    after_help = "Example:\n  inkling compare judged screeners/handwriting-darwin@1 --out compared.html"
)]
pub(crate) struct Line {
    /// A card.json, or a folder that holds it; scores.json beside it makes the comparison paired.
    a: PathBuf,
    /// The other.
    b: PathBuf,
    /// What to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write to this file instead of stdout; a page where it ends in .html.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Share of impaired people among those screened.
    #[arg(long, default_value_t = PREVALENCE, value_parser = crate::assess::share)]
    prevalence: f64,
    /// Draws of people for intervals.
    #[arg(long, default_value_t = 2000)]
    draws: usize,
    /// Seed of the draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
    Html,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let read = |path: &PathBuf| Judged::read(path).with_context(|| path.display().to_string());
    let compared = Compared::new(read(&line.a)?, read(&line.b)?, line.prevalence, (line.draws, line.seed));
    let page = line.out.as_ref().is_some_and(|it| it.extension().is_some_and(|it| it == "html"));
    let written = match line.format {
        Format::Text if page => compared_page(&compared),
        Format::Text => compared_text(&compared),
        Format::Json => serde_json::to_string_pretty(&compared.json())? + "\n",
        Format::Html => compared_page(&compared),
    };
    match &line.out {
        Some(path) => std::fs::write(path, written).with_context(|| path.display().to_string())?,
        None => std::io::stdout().write_all(written.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}
