//! Measuring a cohort: every file of its list, and from them the table.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use assess::{Gathered, Intake, Measuring, Shard, measure_cohort, measure_part};

use super::{Format, Line, Speaker};
use crate::progress;

/// The cohort folder that is to be measured, where the line names one.
pub(super) fn folder(paths: &[PathBuf]) -> Option<&Path> {
    match paths {
        [one] if one.join("cohort.json").is_file() => Some(one),
        _ => None,
    }
}

pub(super) fn run(folder: &Path, line: &Line) -> Result<ExitCode> {
    refuse_other_outputs(line)?;
    let intake = Intake { mm_per_unit: line.mm_per_unit, ..Intake::default() };
    let how = Measuring { sets: line.set.clone(), intake };
    let bar = progress::bar(0, "file");
    let tick = |done: usize, of: usize| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    };
    let gathered = match line.shard {
        Some(shard) => measure_part(folder, &how, shard, &tick)?,
        None => measure_cohort(folder, &how, &tick)?,
    };
    bar.finish_and_clear();
    for (file, reason) in &gathered.declined {
        eprintln!("inkling: {file}: declined: {reason}");
    }
    let said = match line.shard {
        Some(shard) => of_part(&gathered, shard, folder),
        None => summary(&gathered, folder),
    };
    std::io::stdout().write_all(said.as_bytes())?;
    Ok(if gathered.declined.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A cohort's numbers have one place and one form, and voices are heard as an assessment hears them.
fn refuse_other_outputs(line: &Line) -> Result<()> {
    let asked = [
        ("--format", line.format != Format::Table),
        ("--write", line.write.is_some()),
        ("--contours", !line.contours.is_empty()),
        ("--plot", line.plot.is_some()),
        ("--speaker", line.speaker != Speaker::All),
        ("--channel", line.channel.is_some()),
    ];
    match asked.iter().find(|(_, is)| *is) {
        Some((option, _)) => bail!(
            "{option} is not for a cohort, whose numbers go to features.parquet in its folder; expected --set, --mm-per-unit, \
             --shard or --jobs"
        ),
        None => Ok(()),
    }
}

fn of_part(gathered: &Gathered, Shard { part, of }: Shard, folder: &Path) -> String {
    format!(
        "part {part} of {of}: {} files measured, {} declined\nwhen all parts are done: inkling measure {}\n",
        gathered.measured,
        gathered.declined.len(),
        folder.display()
    )
}

fn summary(gathered: &Gathered, folder: &Path) -> String {
    let Gathered { people, columns, measured, declined, passed_over, repeated } = gathered;
    let mut text = format!(
        "{people} people, {columns} columns from {measured} files; {} declined\nwritten to {}\n",
        declined.len(),
        folder.join("features.parquet").display()
    );
    for (kind, files) in passed_over {
        text += &format!("not measured: {files} {kind}, which no room reads yet\n");
    }
    if *repeated > 0 {
        text += &format!(
            "{repeated} later sessions are in features-2.parquet and on, by which the audit tells what repeats\n"
        );
    }
    text
}
