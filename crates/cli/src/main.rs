//! The command line of Inkling: one file for each subcommand. What a line does is in the libraries; here it is only asked for.
#![forbid(unsafe_code)]

mod cohort;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Screens for dementia and mild cognitive impairment from speech and drawing, on a CPU. It does not diagnose.
#[derive(Parser)]
#[command(name = "inkling", version, propagate_version = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Cohort(cohort::Line),
}

fn main() -> ExitCode {
    let outcome = match Line::parse().command {
        Command::Cohort(line) => cohort::run(&line),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("inkling: {error:#}");
            ExitCode::FAILURE
        }
    }
}
