//! Hashes that say which data, splits and artefact a number belongs to.

use serde::Serialize;
use sha2::{Digest, Sha256};
use study::FeatureTable;

/// SHA-256 in hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn one_changed_cell_changes_the_hash() {
        let table = synthetic::table(5, 2, 1.0, 1);
        assert_eq!(of_table(&table), of_table(&synthetic::table(5, 2, 1.0, 1)));
        assert_ne!(of_table(&table), of_table(&synthetic::table(5, 2, 1.0, 2)));
        assert_eq!(of_bytes(b"abc")[..8], *"ba7816bf");
    }
}
