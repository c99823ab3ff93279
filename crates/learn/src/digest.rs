//! Hashes that say which data, splits and artefact a number belongs to.

use std::sync::OnceLock;

use serde::Serialize;
use sha2::{Digest, Sha256};
use study::FeatureTable;

/// A digest that is computed once. It belongs to the value beside it and says nothing of its own: two are always equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered(OnceLock<String>);

impl Remembered {
    /// The digest, computed by `digest` the first time.
    pub(crate) fn or_compute(&self, digest: impl FnOnce() -> String) -> String {
        self.0.get_or_init(digest).clone()
    }
}

impl PartialEq for Remembered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of the running program; of its version where it cannot be read.
pub(crate) fn of_program() -> String {
    static DIGEST: OnceLock<String> = OnceLock::new();
    let program = || std::fs::read(std::env::current_exe().ok()?).ok();
    let digest = || program().map_or_else(crate::card::software, |bytes| of_bytes(&bytes));
    DIGEST.get_or_init(digest).clone()
}

/// SHA-256 of what serde writes as compact JSON.
pub(crate) fn of_json(value: &impl Serialize) -> String {
    // A map with keys that are no strings is the one thing that cannot be written, and no type of ours has one.
    of_bytes(&serde_json::to_vec(value).expect("our types are plain JSON"))
}

/// SHA-256 over columns, people, labels and the bits of every cell, in the table's order.
pub(crate) fn of_table(table: &FeatureTable) -> String {
    let mut hash = Sha256::new();
    for column in table.columns() {
        hash.update(format!("{}\t{}\n", column.name(), column.unit));
    }
    for (row, person) in table.participants().iter().enumerate() {
        hash.update(format!("{}\t{:?}\n", person.id.reveal(), person.label));
        table.row(row).for_each(|cell| hash.update(cell.unwrap_or(f32::NAN).to_bits().to_le_bytes()));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn a_digest_is_computed_once_and_makes_no_difference() {
        let remembered = Remembered::default();
        assert_eq!(remembered.or_compute(|| "first".to_owned()), "first");
        assert_eq!(remembered.or_compute(|| "second".to_owned()), "first");
        assert_eq!(remembered, Remembered::default());
    }

    #[test]
    fn one_changed_cell_changes_the_hash() {
        let table = synthetic::table(5, 2, 1.0, 1);
        assert_eq!(of_table(&table), of_table(&synthetic::table(5, 2, 1.0, 1)));
        assert_ne!(of_table(&table), of_table(&synthetic::table(5, 2, 1.0, 2)));
        assert_eq!(of_bytes(b"abc")[..8], *"ba7816bf");
    }
}
