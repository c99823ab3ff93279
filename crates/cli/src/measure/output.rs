//! Where values go: stdout, or a file that a later run can take up again.

use std::io::{self, BufWriter, Stdout, Write};

use anyhow::{Result, bail};
use assess::{Columns, Ending, Found, Journal, Valued, measured_text};

use super::{Format, Line};

/// Rows in the form that was asked for.
pub(super) enum Output {
    /// To be read or piped.
    Shown { format: Format, columns: Columns, out: BufWriter<Stdout> },
    /// To be kept.
    Kept(Box<Journal>),
}

impl Output {
    pub(super) fn open(line: &Line, found: &[Found]) -> Result<Self> {
        let Some(path) = &line.write else { return Self::shown(line) };
        let ending = match line.format {
            Format::Json => Ending::Json,
            Format::Csv => Ending::Csv,
            Format::Parquet => Ending::Parquet,
            Format::Table => bail!("--write expects --format json, csv or parquet, got table"),
        };
        Ok(Self::Kept(Box::new(Journal::open(path, ending, (&line.set, &line.how()), found)?)))
    }

    fn shown(line: &Line) -> Result<Self> {
        let (format, columns) = (line.format, Columns::new(&line.set));
        let mut out = BufWriter::new(io::stdout());
        match format {
            Format::Parquet => bail!("--format parquet expects --write FILE"),
            Format::Csv => write_csv(&mut out, &columns.header())?,
            Format::Table | Format::Json => {}
        }
        Ok(Self::Shown { format, columns, out })
    }

    /// Files whose rows an earlier run has written.
    pub(super) fn done(&self) -> usize {
        match self {
            Self::Shown { .. } => 0,
            Self::Kept(journal) => journal.done(),
        }
    }

    pub(super) fn write(&mut self, rows: &[Vec<Valued>]) -> Result<()> {
        match self {
            Self::Kept(journal) => Ok(journal.write(rows)?),
            Self::Shown { format, columns, out } => {
                for valued in rows.iter().flatten() {
                    match format {
                        Format::Table => write!(out, "{}", measured_text(valued))?,
                        Format::Json => writeln!(out, "{}", serde_json::to_string(valued)?)?,
                        Format::Csv | Format::Parquet => write_csv(out, &columns.row(valued))?,
                    }
                }
                Ok(out.flush()?)
            }
        }
    }

    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::Kept(journal) => Ok(journal.finish()?),
            Self::Shown { mut out, .. } => Ok(out.flush()?),
        }
    }
}

fn write_csv(out: &mut impl Write, cells: &[String]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(cells)?;
    Ok(writer.flush()?)
}
