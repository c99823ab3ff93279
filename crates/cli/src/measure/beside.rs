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
    /// The folders that were asked for: names are what lies below them.
    roots: Vec<String>,
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
        let root = |path: &PathBuf| {
            if path.is_dir() { path.clone() } else { path.parent().unwrap_or(path).to_owned() }
        };
        let roots = line.paths.iter().map(|path| root(path).display().to_string()).collect();
        Ok(Self { contours: line.contours.clone(), out: line.out.clone(), plot: line.plot.clone(), roots })
    }

    /// Writes what was asked for of one recording or drawing; nothing where it was declined.
    pub(super) fn write(&self, measured: &Measured) -> Result<()> {
        let Ok(measurement) = &measured.outcome else { return Ok(()) };
        let stem = self.stem(&measured.file);
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

    /// The name below the folder asked for, on one level: two files of one name in different folders must not overwrite each
    /// other.
    fn stem(&self, file: &str) -> String {
        let below =
            self.roots.iter().filter_map(|root| file.strip_prefix(root.as_str())).min_by_key(|it| it.len());
        below.unwrap_or(file).trim_start_matches(['.', '/']).replace(['/', '\\'], "_")
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
