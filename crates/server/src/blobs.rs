//! Sealed media and reports as files in a folder, named by the BLAKE3 digest of their bytes.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use zeroize::Zeroizing;

use crate::{
    Error, disk,
    seal::{self, Key, Place, Sealer},
};

/// A folder of blobs. Nothing of it is acknowledged before its bytes, its name and the name's folder are on the disk.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    folder: PathBuf,
    #[cfg(test)]
    fault: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

/// A blob that is being written. Dropped unfinished, it leaves nothing.
pub(crate) struct Writing {
    sealer: Option<Sealer<Hashed>>,
    blobs: Blobs,
    path: PathBuf,
    bytes: u64,
}

/// A blob that is safely there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// Its name: hexadecimal BLAKE3 of the sealed bytes.
    pub digest: String,
    /// Length of what was sealed.
    pub bytes: u64,
}

impl Blobs {
    /// Opens the folder, making it where there is none; what was being written when the server last stopped is removed.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let opened = || -> io::Result<()> {
            disk::make_folder(&folder.join("new"))?;
            for entry in fs::read_dir(folder.join("new"))? {
                fs::remove_file(entry?.path())?;
            }
            disk::sync_folder(folder)
        };
        opened().map_err(|source| Error::open(folder, source))?;
        Ok(Self {
            folder: folder.to_owned(),
            #[cfg(test)]
            fault: std::sync::Arc::new(u64::MAX.into()),
        })
    }

    /// Begins a blob that only `key` opens, and only at `place`.
    pub(crate) fn begin(&self, key: &Key, place: &Place<'_>) -> Result<Writing, Error> {
        let path = self.folder.join("new").join(uuid::Uuid::new_v4().to_string());
        let begun = || -> io::Result<_> {
            self.may_fail()?;
            let file = disk::create(&path)?;
            let blobs = self.clone();
            Sealer::new(Hashed { file, hasher: blake3::Hasher::new(), blobs }, key, place)
        };
        let sealer = begun().map_err(|source| {
            let _ = fs::remove_file(&path);
            Error::write(&self.folder, source)
        })?;
        Ok(Writing { sealer: Some(sealer), blobs: self.clone(), path, bytes: 0 })
    }

    /// Seals bytes into a blob.
    pub(crate) fn keep(&self, key: &Key, place: &Place<'_>, plain: &[u8]) -> Result<Kept, Error> {
        let mut writing = self.begin(key, place)?;
        writing.write(plain)?;
        writing.keep()
    }

    /// What a blob holds; a blob whose bytes are not those of its name is an error, never a result.
    pub(crate) fn read(
        &self,
        digest: &str,
        key: &Key,
        place: &Place<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let path = self.path(digest)?;
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Vanished { what: place.0.into() },
            _ => Error::open(&path, source),
        })?;
        let mut file = Hashing { inner: BufReader::new(file), hasher: blake3::Hasher::new() };
        let plain = seal::open_stream(&mut file, key, place)?;
        let same = file.hasher.finalize().to_hex().as_str() == digest;
        same.then_some(plain).ok_or_else(|| Error::Corrupt { what: place.0.into() })
    }

    /// Removes a blob; one that is gone already is no error.
    pub(crate) fn remove(&self, digest: &str) -> Result<(), Error> {
        let path = self.path(digest)?;
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::write(&path, source)),
            _ => Ok(()),
        }
    }

    /// Removes blobs that nothing speaks of and that are older than `age`: of uploads that were never acknowledged.
    pub(crate) fn sweep(&self, known: &BTreeSet<String>, age: Duration) -> Result<usize, Error> {
        let old = |entry: &fs::DirEntry| {
            let modified =
                entry.metadata().and_then(|it| it.modified()).unwrap_or_else(|_| SystemTime::now());
            modified.elapsed().is_ok_and(|it| it >= age)
        };
        let swept = || -> io::Result<usize> {
            let mut removed = 0;
            for entry in fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if is_digest(&name) && !known.contains(&name) && old(&entry) {
                    fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
            Ok(removed)
        };
        swept().map_err(|source| Error::write(&self.folder, source))
    }

    fn path(&self, digest: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(digest);
        is_digest(digest).then_some(path).ok_or_else(|| Error::Corrupt { what: "a blob's name".into() })
    }

    /// In tests, the disk is full after so many operations.
    #[cfg(test)]
    pub(crate) fn fail_after(&self, operations: u64) {
        self.fault.store(operations, std::sync::atomic::Ordering::SeqCst);
    }

    #[cfg(test)]
    fn may_fail(&self) -> io::Result<()> {
        use std::sync::atomic::Ordering::SeqCst;
        let left = self.fault.fetch_update(SeqCst, SeqCst, |it| it.checked_sub(u64::from(it != u64::MAX)));
        left.map(|_| ()).map_err(|_| io::ErrorKind::StorageFull.into())
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    fn may_fail(&self) -> io::Result<()> {
        Ok(())
    }
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

impl Writing {
    /// Seals more of it.
    pub(crate) fn write(&mut self, plain: &[u8]) -> Result<(), Error> {
        let sealer = self.sealer.as_mut().expect("a blob is written before it is kept");
        sealer.write_all(plain).map_err(|source| Error::write(&self.path, source))?;
        self.bytes += plain.len() as u64;
        Ok(())
    }

    /// Bytes, name and folder are on the disk when this returns.
    pub(crate) fn keep(mut self) -> Result<Kept, Error> {
        let sealer = self.sealer.take().expect("a blob is kept once");
        let kept = || -> io::Result<String> {
            let hashed = sealer.finish()?;
            self.blobs.may_fail()?;
            hashed.file.sync_all()?;
            let digest = hashed.hasher.finalize().to_hex().to_string();
            self.blobs.may_fail()?;
            fs::rename(&self.path, self.blobs.folder.join(&digest))?;
            self.blobs.may_fail()?;
            disk::sync_folder(&self.blobs.folder)?;
            Ok(digest)
        };
        let digest = kept().map_err(|source| Error::write(&self.path, source))?;
        Ok(Kept { digest, bytes: self.bytes })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // After a rename there is nothing of this name.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file that is hashed as it is written.
struct Hashed {
    file: File,
    hasher: blake3::Hasher,
    blobs: Blobs,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.blobs.may_fail()?;
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A reader that hashes what goes by.
struct Hashing<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hasher.update(&bytes[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place("media", "someone");

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count() - 1 + fs::read_dir(folder.join("new")).unwrap().count()
    }

    #[test]
    fn every_write_fails_in_turn_and_nothing_is_acknowledged_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (key, plain) = (seal::fresh_key(), vec![5; 200_000]);
        let mut failures = 0;
        loop {
            blobs.fail_after(failures);
            match blobs.keep(&key, &PLACE, &plain) {
                Err(error) => assert!(matches!(error, Error::Full { .. }), "{error}"),
                Ok(kept) => {
                    blobs.fail_after(u64::MAX);
                    assert_eq!(*blobs.read(&kept.digest, &key, &PLACE).unwrap(), plain);
                    break;
                }
            }
            failures += 1;
        }
        assert!(failures > 6, "only {failures} operations can fail");
        // The last failure is that of the folder's sync: its blob is there under its name, unacknowledged, and is swept.
        let swept = blobs.sweep(&BTreeSet::new(), Duration::ZERO).unwrap();
        assert_eq!((swept, entries(folder.path())), (2, 0));
    }

    #[test]
    fn a_flipped_bit_a_cut_and_a_missing_file_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let key = seal::fresh_key();
        let kept = blobs.keep(&key, &PLACE, &[9; 100_000]).unwrap();
        let path = folder.path().join(&kept.digest);
        let bytes = fs::read(&path).unwrap();
        for place in (0..bytes.len()).step_by(4_999) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 64;
            fs::write(&path, flipped).unwrap();
            assert!(matches!(blobs.read(&kept.digest, &key, &PLACE), Err(Error::Corrupt { .. })), "{place}");
        }
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(blobs.read(&kept.digest, &key, &PLACE), Err(Error::Corrupt { .. })));
        blobs.remove(&kept.digest).unwrap();
        assert!(matches!(blobs.read(&kept.digest, &key, &PLACE), Err(Error::Vanished { .. })));
        assert!(blobs.read("../master.key", &key, &PLACE).is_err());
    }
}
