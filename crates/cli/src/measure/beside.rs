//! What is written beside the values: contours as CSV and figures as SVG, one file each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use assess::{Analysis, Measured, plot};

use super::Line;

/// Folders for contours and figures, and which contours.
pub(super) struct Beside {
    contours: Vec<String>,
    out: Option<PathBuf>,
    plot: Option<PathBuf>,
}

impl Beside {
    pub(super) fn new(line: &Line) -> Result<Self> {
        for folder in line.out.iter().chain(&line.plot) {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let known = voice::Analysis::CONTOURS;
        if let Some(unknown) = line.contours.iter().find(|it| *it != "all" && !known.contains(&it.as_str())) {
            bail!("unknown contour {unknown:?}; expected all, or some of: {}", known.join(", "));
        }
        Ok(Self { contours: line.contours.clone(), out: line.out.clone(), plot: line.plot.clone() })
    }

    /// Writes what was asked for of one recording or drawing; nothing where it was declined.
    pub(super) fn write(&self, measured: &Measured) -> Result<()> {
        let Ok(measurement) = &measured.outcome else { return Ok(()) };
        // Two files of one name in different folders must not overwrite each other.
        let stem = measured.file.trim_start_matches(['.', '/']).replace(['/', '\\'], "_");
        if let (Some(folder), Analysis::Voice(analysis)) = (&self.out, &measurement.analysis) {
            for (name, contour) in analysis.named_contours().filter(|(name, _)| self.wants(name)) {
                write_contour(&folder.join(format!("{stem}.{name}.csv")), contour)?;
            }
        }
        if let Some(folder) = &self.plot {
            let path = folder.join(format!("{stem}.svg"));
            fs::write(&path, plot(&measurement.analysis)).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.contours.iter().any(|it| it == name || it == "all")
    }
}

fn write_contour(path: &Path, contour: &voice::Contour) -> Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["time_s", "value"])?;
    for (time, value) in contour.iter() {
        writer
            .write_record([format!("{:.4}", time.0), value.map(|it| it.to_string()).unwrap_or_default()])?;
    }
    writer.flush().with_context(|| path.display().to_string())
}
