//! The folder an ONNX file lies in, for weights that are kept beside it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use crate::{Error, artifact::is_inside};

/// Where external bytes may lie: in this folder or below it, nowhere else.
pub(super) struct Folder {
    root: Option<PathBuf>,
}

impl Folder {
    /// The folder of a file that was read from disk; none for bytes from elsewhere.
    pub(super) fn new(root: Option<PathBuf>) -> Self {
        Folder { root }
    }

    /// The bytes a tensor's `location`, `offset` and `length` point to. `expected` is what its shape asks for, and no more than
    /// that is read.
    ///
    /// # Errors
    /// [`Error::Refused`] for a path that leaves the folder, by `..`, root or symbolic link; [`Error::Malformed`] where the
    /// file does not hold what was promised.
    pub(super) fn bytes(
        &self,
        at: &str,
        entries: &HashMap<&str, &str>,
        expected: usize,
    ) -> Result<Vec<u8>, Error> {
        let path = self.path(at, entries.get("location").copied().unwrap_or_default())?;
        let number = |key: &str| match entries.get(key) {
            None => Ok(None),
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| Error::malformed(at, format!("a number as {key}"), format!("{text:?}"))),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if length.is_some_and(|it| it != expected as u64) {
            let got = format!("length {}", length.unwrap_or_default());
            return Err(Error::malformed(at, format!("{expected} bytes for its shape"), got));
        }
        let mut file = File::open(&path).map_err(Error::file(&path))?;
        let size = file.metadata().map_err(Error::file(&path))?.len();
        if offset.checked_add(expected as u64).is_none_or(|end| end > size) {
            let got = format!("{size} bytes in {}", path.display());
            return Err(Error::malformed(at, format!("{expected} bytes from {offset}"), got));
        }
        let mut bytes = vec![0; expected];
        file.seek(SeekFrom::Start(offset)).map_err(Error::file(&path))?;
        file.read_exact(&mut bytes).map_err(Error::file(&path))?;
        Ok(bytes)
    }

    fn path(&self, at: &str, location: &str) -> Result<PathBuf, Error> {
        let Some(root) = &self.root else {
            return Err(Error::refused(
                at,
                "its values lie in another file, and only bytes were given; open the file by path",
            ));
        };
        let outside = || Error::refused(at, format!("the path {location:?} leaves the network's folder"));
        if !is_inside(location.as_ref()) {
            return Err(outside());
        }
        let path = root.join(location);
        let real = fs::canonicalize(&path).map_err(Error::file(&path))?;
        let root = fs::canonicalize(root).map_err(Error::file(root))?;
        if real.starts_with(root) { Ok(real) } else { Err(outside()) }
    }
}
