//! `inkling audit`: what a cohort gives away, and whether published figures can be true together.

use std::{fmt::Write as _, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use learn::{
    Audit, Claim, Interval, Plan, audit,
    audit::{Finding, Severity},
    claim::{ClaimAudit, Printed, Verdict},
};

use crate::progress::Stages;

/// Look for ways in which a cohort gives its labels away.
#[derive(Args)]
#[command(
    after_help = "Example:\n  inkling audit cohorts/darwin",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    /// The cohort folder.
    #[arg(required = true)]
    cohort: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Repeats of the folds, for baselines and suspects.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; all cores by default. The numbers are the same for any.
    #[arg(long)]
    jobs: Option<usize>,
}

#[derive(Subcommand)]
enum Command {
    /// Test whether published figures can all be true of the same people.
    #[command(
        after_help = "Examples:\n  inkling audit claim --n 594 --positives 409 --auc .997 --sensitivity .725 --specificity .722\n  \
                      inkling audit claim --classes 30,20,25 --recalls .80,.55,.72 --accuracy .707 --macro-f1 .80"
    )]
    Claim(Figures),
}

/// Published figures, with the digits they were printed with; none is required.
#[derive(Args)]
struct Figures {
    /// People the figures were made on.
    #[arg(long)]
    n: Option<usize>,
    /// Impaired people among them.
    #[arg(long)]
    positives: Option<usize>,
    /// Area under the ROC curve.
    #[arg(long)]
    auc: Option<Printed>,
    /// Share of impaired people who screen positive: .725, 72.5 or 72.5%.
    #[arg(long)]
    sensitivity: Option<Printed>,
    /// Share of healthy people who screen negative.
    #[arg(long)]
    specificity: Option<Printed>,
    /// Share of people who are screened right.
    #[arg(long)]
    accuracy: Option<Printed>,
    /// Mean of sensitivity and specificity.
    #[arg(long)]
    balanced_accuracy: Option<Printed>,
    /// Share of impaired people among positive screens.
    #[arg(long)]
    ppv: Option<Printed>,
    /// Share of healthy people among negative screens.
    #[arg(long)]
    npv: Option<Printed>,
    /// F1 of the impaired class.
    #[arg(long)]
    f1: Option<Printed>,
    /// Mean F1 of all classes.
    #[arg(long)]
    macro_f1: Option<Printed>,
    /// People of each class, for figures of three classes or more: 30,20,25.
    #[arg(long, value_delimiter = ',')]
    classes: Vec<usize>,
    /// Share of each class that is told right, in the same order: .80,.55,.72.
    #[arg(long, value_delimiter = ',')]
    recalls: Vec<Printed>,
    /// Share of impaired people where the screen would be used, or for which PPV and NPV were printed.
    #[arg(long)]
    prevalence: Option<Printed>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines to read.
    Text,
    /// One object.
    Json,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    if let Some(Command::Claim(figures)) = &line.command {
        return claim(figures);
    }
    let folder = line.cohort.as_ref().context("expected a cohort folder")?;
    let cohort = crate::cohort::without_holdout(folder)?;
    let plan = Plan { repeats: line.repeats, seed: line.seed, ..Plan::audit() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    let stages = Stages::new();
    let audit = pool.install(|| audit(&cohort, &plan, &|progress| stages.show(progress)))?;
    stages.end();
    say(&match line.format {
        Format::Text => text(&audit),
        Format::Json => serde_json::to_string_pretty(&audit)? + "\n",
    })
}

fn claim(figures: &Figures) -> Result<ExitCode> {
    let claim = Claim {
        n: figures.n,
        positives: figures.positives,
        auc: figures.auc,
        sensitivity: figures.sensitivity,
        specificity: figures.specificity,
        accuracy: figures.accuracy,
        balanced_accuracy: figures.balanced_accuracy,
        ppv: figures.ppv,
        npv: figures.npv,
        f1: figures.f1,
        macro_f1: figures.macro_f1,
        prevalence: figures.prevalence,
        classes: figures.classes.clone(),
        recalls: figures.recalls.clone(),
    };
    let audit = claim.audit()?;
    say(&match figures.format {
        Format::Text => claim_text(&audit),
        Format::Json => serde_json::to_string_pretty(&audit)? + "\n",
    })
}

/// Writes to stdout; a reader that has gone is an error that `main` knows, where `print!` would panic.
fn say(text: &str) -> Result<ExitCode> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn claim_text(audit: &ClaimAudit) -> String {
    let mut text = match (audit.consistent, audit.checks.is_empty()) {
        (_, true) => "Nothing could be checked.\n",
        (true, _) => "Nothing here contradicts itself.\n",
        (false, _) => "These figures cannot all be true of the same people.\n",
    }
    .to_owned();
    for it in &audit.checks {
        let verdict = match it.verdict {
            Verdict::Impossible => "IMPOSSIBLE",
            Verdict::Weak => "weak",
            Verdict::Possible => "possible",
            _ => "means",
        };
        let words = wrapped(&it.words);
        let _ = write!(text, "\n{verdict:<10} {}\n{words}", it.check);
    }
    if !audit.unchecked.is_empty() {
        text += "\nNot checked\n";
    }
    for it in &audit.unchecked {
        let _ = writeln!(text, "  {}: {}", it.check, it.reason);
    }
    text
}

fn text(audit: &Audit) -> String {
    let open = audit.open().count();
    let mut text = format!(
        "{}: {} people, {} impaired. {} findings, {open} of them open.\n",
        audit.name,
        audit.people,
        audit.impaired,
        audit.findings.len(),
    );
    for finding in &audit.findings {
        text += &entry(finding);
    }
    text += &baselines(audit);
    text += &repeats(audit);
    if !audit.unchecked.is_empty() {
        text += "\nNot checked\n";
    }
    for it in &audit.unchecked {
        let _ = writeln!(text, "  {}: {}", it.check, it.reason);
    }
    text
}

/// One line that says what was found, and below it the rest of the evidence and what to do.
fn entry(finding: &Finding) -> String {
    let severity = if finding.severity == Severity::Serious { "SERIOUS" } else { "note" };
    let state = match finding.decision {
        Some(decision) => format!(", {decision:?}").to_lowercase(),
        None if finding.open() => ", open".to_owned(),
        None => String::new(),
    };
    let (first, rest) = sentence(&finding.evidence);
    let mut text = format!("\n{severity:<7} {}{state}: {first}\n", finding.kind);
    for words in [rest, &finding.advice].into_iter().filter(|it| !it.is_empty()) {
        text += &wrapped(words);
    }
    text
}

/// The first sentence, and what follows it.
fn sentence(words: &str) -> (&str, &str) {
    words.find(". ").map_or((words, ""), |end| (&words[..=end], words[end + 1..].trim_start()))
}

/// Lines of at most 100 characters below an entry.
fn wrapped(words: &str) -> String {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].chars().count() + word.chars().count() > 99 {
            lines.push(word.to_owned());
        } else {
            let space = if lines[last].is_empty() { "" } else { " " };
            lines[last] += &format!("{space}{word}");
        }
    }
    lines.iter().map(|line| format!("        {line}\n")).collect()
}

/// Most lines of features that repeat; all of them are in the JSON.
const MOST_REPEATS: usize = 20;

fn repeats(audit: &Audit) -> String {
    if audit.repeats.is_empty() {
        return String::new();
    }
    let mut text =
        "\npeople came again  ICC(2,1) (95 %), SEM and minimal detectable change in the feature's unit\n"
            .to_owned();
    for it in audit.repeats.iter().take(MOST_REPEATS) {
        let Interval { value, low, high } = it.icc;
        let _ = writeln!(
            text,
            "{:>6} x {}  {value:>5.2} ({low:.2} to {high:.2})  {:>9.4} {:>9.4}  {}",
            it.people, it.sessions, it.sem, it.minimal_change, it.column
        );
    }
    if audit.repeats.len() > MOST_REPEATS {
        let more = audit.repeats.len() - MOST_REPEATS;
        let _ = writeln!(text, "{:>11} and {more} that repeat better; --format json has all", "");
    }
    text
}

fn baselines(audit: &Audit) -> String {
    let Some(whole) = audit.whole_table else { return String::new() };
    let estimator = audit.plan.families.first().map_or("", |it| it.name.as_str());
    let mut text =
        format!("\n{:<14} {:>7}  AUC (95 %), {estimator}, nested by people\n", "columns", "number");
    let mut row = |name: &str, columns: String, it: &Interval| {
        let _ = writeln!(text, "{name:<14} {columns:>7}  {:.3} ({:.3}-{:.3})", it.value, it.low, it.high);
    };
    row("whole table", audit.columns.to_string(), &whole);
    for it in &audit.baselines {
        row(&it.name, it.columns.len().to_string(), &it.auc);
    }
    text
}
