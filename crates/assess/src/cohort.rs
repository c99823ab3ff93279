//! Importers: from the layout in which others publish a cohort to a cohort folder of ours. One file each. And the way from a
//! cohort folder of files to its numbers, and to a table of who its people are.
//!
//! Nothing is copied: a cohort folder names the files where they lie. Each importer says in its essay which layout it expects,
//! and was tested on constructed look-alikes only: of the licensed sets nothing is in this repository.

mod adress;
mod adresso;
mod cccnlab;
mod darwin;
mod gathering;
#[cfg(test)]
mod lookalike;
mod manifest;
mod measuring;
mod nhats;
mod pitt;
mod process;
mod sheet;
mod table_one;
mod taukadial;
mod uci_spiral;

use std::path::Path;

pub use gathering::{Imported, Rating};
pub use measuring::{Gathered, Measuring, measure_cohort, measure_part};
pub use table_one::{Characteristic, TableOne, table_one, table_one_html, table_one_text};

use crate::Error;

/// A published layout that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// ADReSS 2020.
    Adress,
    /// ADReSSo 2021.
    Adresso,
    /// Drawings of the CCCN laboratory: several a person with MoCA, or clocks by Shulman score.
    Cccnlab,
    /// `DARWIN.csv` of UCI 732.
    Darwin,
    /// A table of one's own, CSV or Parquet: files or numbers.
    Manifest,
    /// Clock pictures and tables of NHATS.
    Nhats,
    /// The Pitt corpus of DementiaBank.
    Pitt,
    /// PROCESS 2025.
    Process,
    /// TAUKADIAL 2024.
    Taukadial,
    /// Spirals of UCI 395.
    UciSpiral,
}

/// What may be done with recordings of DementiaBank.
const DEMENTIABANK: &str = "DementiaBank: members only, under the ground rules of TalkBank; recordings, transcripts and what identifies a \
                            person may not be passed on. Cite the source in whatever is published.";

/// Reads what lies at `path` in this layout. The answer can be written as a cohort folder.
pub fn import_cohort(layout: Layout, path: &Path) -> Result<Imported, Error> {
    match layout {
        Layout::Adress => adress::import(path),
        Layout::Adresso => adresso::import(path),
        Layout::Cccnlab => cccnlab::import(path),
        Layout::Darwin => darwin::import(path).map(Imported::of),
        Layout::Manifest => manifest::import(path),
        Layout::Nhats => nhats::import(path),
        Layout::Pitt => pitt::import(path),
        Layout::Process => process::import(path),
        Layout::Taukadial => taukadial::import(path),
        Layout::UciSpiral => uci_spiral::import(path),
    }
}
