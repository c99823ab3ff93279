//! Published reference values: where one person's values stand, and whether a change is more than noise.
//!
//! What may be said depends on how good a source is. Grade A gives a percentile by age, education, sex and language; grade B
//! a sentence about a study's groups; grade C the context of a cut-off; grade D nothing. No reference value ever becomes a
//! probability: means of published groups rank people and do not calibrate.

mod change;
mod normal;
mod row;
mod standing;

use std::path::{Path, PathBuf};

use crate::Error;
pub use change::{Change, Changes, Judgement};
use row::Row;
pub use standing::{Standing, Stands};

/// A table of reference values, one source a row.
#[derive(Debug, Clone)]
pub struct Norms {
    rows: Vec<Row>,
}

impl Norms {
    /// The published values that are built into the program (`norms/published@1.csv`).
    pub fn shipped() -> Result<Self, Error> {
        Self::from_csv(Path::new("published@1.csv"), include_bytes!("../../../norms/published@1.csv"))
    }

    /// The values of a site's file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        Self::from_csv(path, &bytes)
    }

    /// The CSV files of `home/norms` in the order of their names, where there are any; else the shipped values.
    pub fn of_site(home: Option<&Path>) -> Result<Self, Error> {
        let Some(folder) = home.map(|home| home.join("norms")).filter(|it| it.is_dir()) else {
            return Self::shipped();
        };
        let open = |source| Error::Open { path: folder.clone(), source };
        let entries = std::fs::read_dir(&folder).map_err(open)?;
        let mut files: Vec<PathBuf> =
            entries.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>().map_err(open)?;
        files.retain(|it| it.extension().is_some_and(|it| it == "csv"));
        files.sort();
        if files.is_empty() {
            return Self::shipped();
        }
        let mut rows = Vec::new();
        for file in files {
            rows.extend(Self::read(&file)?.rows);
        }
        Ok(Self { rows })
    }

    /// Reads a table; `path` is named in errors. See `norms/README.md` for the columns.
    pub fn from_csv(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self { rows: row::rows(path, bytes)? })
    }
}
