//! The command line of Inkling: one file for each subcommand. What a line does is in the libraries; here it is only asked for.
#![forbid(unsafe_code)]

mod assess;
mod audit;
mod bench;
mod cohort;
mod compare;
mod cost;
mod dictionary;
mod evaluate;
mod measure;
mod networks;
mod progress;
mod quantize;
mod run_network;
mod screeners;
mod serve;
mod shorten;
mod train;

use std::process::ExitCode;

use anyhow::Result;
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
    Assess(assess::Line),
    Measure(measure::Line),
    Cohort(cohort::Line),
    Train(train::Line),
    Evaluate(evaluate::Line),
    Audit(audit::Line),
    Compare(compare::Line),
    Shorten(shorten::Line),
    Screeners(screeners::Line),
    Dictionary(dictionary::Line),
    Networks(networks::Line),
    Run(run_network::Line),
    Bench(bench::Line),
    Cost(cost::Line),
    Quantize(quantize::Line),
    Serve(serve::Line),
}

fn main() -> ExitCode {
    match run(&Line::parse().command) {
        Ok(code) => code,
        // A reader that has seen enough (`inkling measure … | head`) is no failure of ours.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inkling: {}", said(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Assess(line) => assess::run(line),
        Command::Measure(line) => measure::run(line),
        Command::Cohort(line) => cohort::run(line),
        Command::Train(line) => train::run(line),
        Command::Evaluate(line) => evaluate::run(line),
        Command::Audit(line) => audit::run(line),
        Command::Compare(line) => compare::run(line),
        Command::Shorten(line) => shorten::run(line),
        Command::Screeners(line) => screeners::run(line),
        Command::Dictionary(line) => dictionary::run(line),
        Command::Networks(line) => networks::run(line),
        Command::Run(line) => run_network::run(line),
        Command::Bench(line) => bench::run(line),
        Command::Cost(line) => cost::run(line),
        Command::Quantize(line) => quantize::run(line),
        Command::Serve(line) => serve::run(line),
    }
}

/// An error and its causes, each once: those of our libraries hold the words of their cause already.
fn said(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        known if known.contains(&cause) => said,
        known => format!("{known}: {cause}"),
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|it| it.downcast_ref::<std::io::Error>())
        .any(|it| it.kind() == std::io::ErrorKind::BrokenPipe)
}
