//! Importers: from the layout in which others publish a cohort to a cohort folder of ours. One file each.

mod darwin;

use std::path::Path;

use study::Cohort;

use crate::Error;

/// A published layout that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// `DARWIN.csv` of UCI 732.
    Darwin,
}

/// Reads what lies at `path` in this layout. The answer can be written as a cohort folder.
pub fn import_cohort(layout: Layout, path: &Path) -> Result<Cohort, Error> {
    match layout {
        Layout::Darwin => darwin::import(path),
    }
}
