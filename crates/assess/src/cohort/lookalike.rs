//! Folders that look like licensed data sets and hold nothing of them: tones, invented ids, invented numbers.

use std::path::Path;

use super::Imported;
use crate::Error;

/// A folder that is gone when the test ends.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, making its folders.
    pub(super) fn text(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Something that stands where a recording would: importers look at names, measuring at bytes.
    pub(super) fn tone(&self, path: &str) {
        self.text(path, "stands for a tone");
    }
}

/// What an importer says of a folder that is not of its layout.
pub(super) fn refusal(import: fn(&Path) -> Result<Imported, Error>, folder: &Folder) -> String {
    import(folder.path()).unwrap_err().to_string()
}
