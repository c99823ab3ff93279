//! `inkling dictionary`: what every feature is.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Args, ValueEnum};

/// Show what every feature is: unit, formula, source, and when it is missing.
#[derive(Args)]
#[command(after_help = "Example:\n  inkling dictionary --format markdown > docs/dictionary.md")]
pub(crate) struct Line {
    /// How the dictionary is written.
    #[arg(long, default_value = "markdown")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table for a document.
    Markdown,
    /// An array of objects.
    Json,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    let dictionary = assess::dictionary();
    match line.format {
        Format::Markdown => write!(io::stdout(), "{}", assess::dictionary_markdown(&dictionary))?,
        Format::Json => {
            let definitions: Vec<_> = dictionary.iter().map(|(_, definition)| definition).collect();
            writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&definitions)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
