//! Files as memory: mapped, so that a network opens in microseconds and pages come in as they are used.
//!
//! One of the two places of this crate where `unsafe` is allowed (the other is `kernel/`); why is in decision 0014.
#![allow(unsafe_code)]

use std::{fs::File, path::Path};

use bytes::Bytes;
use memmap2::Mmap;

use crate::Error;

/// The bytes of a file, mapped read-only. Slices of them keep the mapping alive.
///
/// # Errors
/// [`Error::File`] where it cannot be opened or mapped.
pub(crate) fn map(path: &Path) -> Result<Bytes, Error> {
    let file = File::open(path).map_err(Error::file(path))?;
    if file.metadata().map_err(Error::file(path))?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private to this process's reading and never written. What `Mmap::map` asks of its caller is that
    // nobody shortens or rewrites the file while it is mapped. Files of the store are written under another name, checked, and
    // renamed into place (`Packing::write`, `store`), never changed; for a user's own file the documentation of
    // `Weights::open` asks for the same. Every value read through the slice is checked as untrusted input in any case, so a
    // changed file can give wrong numbers or end the process, and not reach memory outside the mapping.
    let mapped = unsafe { Mmap::map(&file) }.map_err(Error::file(path))?;
    Ok(Bytes::from_owner(mapped))
}
