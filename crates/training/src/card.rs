//! What a network was fitted on, how well it does, and how to fit it again: `card.json` and `card.md`.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, Result};
use learn::{Interval, recognition::RecognitionMetrics};
use neural::Artifact;
use serde::Serialize;

use crate::{fit::Schedule, pen::Sifted};

/// Everything that travels with a network that ships.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Card {
    /// The file: digest, licence, shapes, how its input is made.
    pub(crate) artifact: Artifact,
    pub(crate) purpose: String,
    pub(crate) software: String,
    pub(crate) architecture: String,
    /// What each score is of.
    pub(crate) classes: Vec<String>,
    pub(crate) fitted_on: FittedOn,
    pub(crate) schedule: Schedule,
    pub(crate) judged: Vec<Judgement>,
    /// What the card does not show, in words.
    pub(crate) limits: Vec<String>,
    /// What fits it again, to the same bytes.
    pub(crate) command: String,
}

/// Published data and what became of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FittedOn {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) licence: String,
    pub(crate) sifted: Sifted,
    pub(crate) split: String,
    pub(crate) items: usize,
    pub(crate) people: usize,
}

/// How well it does on people it was not fitted on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Judgement {
    pub(crate) on: String,
    pub(crate) items: usize,
    pub(crate) people: usize,
    /// 95 % intervals over draws of people.
    pub(crate) metrics: RecognitionMetrics<Interval>,
    /// Accuracy on each part of them that has a name.
    pub(crate) parts: Vec<Part>,
}

/// Accuracy on some of the items; too few people for an interval.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) items: usize,
    pub(crate) people: usize,
    pub(crate) accuracy: f64,
}

fn left_out(it: &Sifted) -> String {
    format!(
        "{}; left out: {} of donors whose labels are out of step, {} copies, {} without ink; {} writers share a drawing with another",
        it.lines, it.out_of_step, it.copies, it.empty, it.joined
    )
}

impl Card {
    /// Writes both files into the network's folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| path.display().to_string())
        };
        put("card.json", serde_json::to_string_pretty(self)? + "\n")?;
        put("card.md", self.markdown())
    }

    fn markdown(&self) -> String {
        let (file, fitted) = (&self.artifact, &self.fitted_on);
        let mut text = format!("# {}\n\n{}\n\n", file.name, self.purpose);
        for judged in &self.judged {
            let _ = writeln!(
                text,
                "**{}**: {} items of {} people, 95 % intervals over draws of people.\n",
                judged.on, judged.items, judged.people
            );
            let _ = writeln!(text, "| metric | value |\n|---|---|");
            for (name, it) in judged.metrics.named() {
                let _ = writeln!(
                    text,
                    "| {} | {:.4} ({:.4}–{:.4}) |",
                    name.replace('_', " "),
                    it.value,
                    it.low,
                    it.high
                );
            }
            if !judged.parts.is_empty() {
                let _ = writeln!(text, "\n| part | people | items | accuracy |\n|---|---|---|---|");
            }
            for part in &judged.parts {
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {:.4} |",
                    part.name, part.people, part.items, part.accuracy
                );
            }
            text.push('\n');
        }
        let _ = writeln!(text, "## What it is not\n");
        self.limits.iter().for_each(|it| text.push_str(&format!("- {it}\n")));
        let rows = [
            ("fitted on", format!("{} ({}), {}", fitted.name, fitted.source, fitted.licence)),
            ("lines of the data", left_out(&fitted.sifted)),
            ("items, people", format!("{}, {}", fitted.items, fitted.people)),
            ("split", fitted.split.clone()),
            ("network", self.architecture.clone()),
            ("classes", self.classes.join(", ")),
            ("licence of the weights", file.licence.clone()),
            ("file", format!("`{}`, {} bytes, SHA-256 `{}`", file.file.display(), file.bytes, file.sha256)),
            ("made by", self.software.clone()),
            ("again", format!("`{}`", self.command)),
        ];
        let _ = writeln!(text, "\n## Where it comes from\n\n| | |\n|---|---|");
        rows.iter().for_each(|(name, it)| text.push_str(&format!("| {name} | {it} |\n")));
        for (name, it) in file.shapes.iter().chain(&file.preprocessing) {
            let _ = writeln!(text, "| `{name}` | {it} |");
        }
        text
    }
}
