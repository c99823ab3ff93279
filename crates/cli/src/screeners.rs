//! `inkling screeners`: which screeners are here and what is known of them.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use assess::{Fitted, card_page};
use clap::{Args, Subcommand};

/// Show which screeners are here, and their cards.
#[derive(Args)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Name, cohort and AUC of every screener: the shipped ones, then those in $INKLING_HOME/screeners.
    #[command(after_help = "Example:\n  inkling screeners list")]
    List,
    /// The JSON Schema of card.json, or of graded.json: what each of their fields is.
    #[command(after_help = "Example:\n  inkling screeners schema > docs/card.schema.json")]
    Schema {
        /// Which file.
        #[arg(long, value_enum, default_value = "card")]
        of: Schema,
    },
    /// The card of one screener.
    #[command(after_help = "Example:\n  inkling screeners show handwriting-darwin@1 --out card")]
    Show {
        /// Name of a shipped screener or of one in $INKLING_HOME/screeners, or a folder with screener.json and card.json.
        name: String,
        /// Write card.html and card.json here instead of card.json to stdout.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Schema {
    /// card.json.
    Card,
    /// graded.json.
    Graded,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    match &line.command {
        Command::List => here()?.iter().for_each(|fitted| println!("{}", summary(fitted))),
        Command::Schema { of } => {
            let schema = match of {
                Schema::Card => learn::Card::schema(),
                Schema::Graded => learn::Graded::schema(),
            };
            let schema = serde_json::to_string_pretty(&schema)?;
            writeln!(std::io::stdout(), "{schema}")?;
        }
        Command::Show { name, out } => {
            for fitted in chosen(std::slice::from_ref(name))? {
                show(&fitted, out.as_deref())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(fitted: &Fitted) -> String {
    let (card, screener) = (&fitted.card, &fitted.screener);
    let auc = card.readings.masked.metrics.auc;
    let forms: Vec<&str> = screener.forms().collect();
    format!(
        "{}  {}, {} people, AUC {:.3} ({:.3}-{:.3}), forms: {}",
        screener.name(),
        screener.cohort(),
        card.cohort.people,
        auc.value,
        auc.low,
        auc.high,
        forms.join(", ")
    )
}

fn show(fitted: &Fitted, out: Option<&Path>) -> Result<()> {
    let Some(folder) = out else {
        println!("{}", String::from_utf8(fitted.card.to_json()?)?);
        return Ok(());
    };
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("card.html"), card_page(&fitted.card))?;
    std::fs::write(folder.join("card.json"), fitted.card.to_json()?)?;
    println!("{}", folder.join("card.html").display());
    Ok(())
}

/// Every screener that is here: the shipped ones, then the user's own.
fn here() -> Result<Vec<Fitted>> {
    let mut here = Fitted::shipped()?;
    here.extend(Fitted::below(&assess::home()?.join("screeners"))?);
    Ok(here)
}

/// The screeners of these names or folders; every one that is here where nothing is asked for.
pub(crate) fn chosen(asked: &[String]) -> Result<Vec<Fitted>> {
    let here = here()?;
    if asked.is_empty() {
        return Ok(here);
    }
    asked.iter().map(|name| one(name, &here)).collect()
}

fn one(name: &str, here: &[Fitted]) -> Result<Fitted> {
    if let Some(fitted) = here.iter().find(|it| it.screener.name() == name) {
        return Ok(fitted.clone());
    }
    if Path::new(name).join("screener.json").exists() {
        return Ok(Fitted::read(Path::new(name))?);
    }
    let known: Vec<&str> = here.iter().map(|it| it.screener.name()).collect();
    bail!("no screener {name:?}; expected a folder with screener.json, or one of: {}", known.join(", "))
}
