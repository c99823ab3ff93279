//! Our own form: sections of bytes laid out for the kernels, mapped and used where they lie.
//!
//! | place | what |
//! |---|---|
//! | 0 | `INKLPACK` |
//! | 8 | version, `u32` little-endian: 1 |
//! | 12 | length of the header in bytes, `u32` little-endian |
//! | 16 | SHA-256 of the header |
//! | 48 | the header: JSON, `{"sections": [{"name", "shape", "layout", "start", "len", "sha256"}], "notes": {…}}` |
//! | … | sections in order of the header, each at a multiple of 64; what has two names stands once |
//!
//! The header's digest is checked at opening, a section's when [`Weights::verify`] is called.

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Claim, Layout, Note, Weights, cursor::Cursor};
use crate::{Error, artifact::digest};

const MAGIC: &[u8; 8] = b"INKLPACK";
const VERSION: u32 = 1;

/// Every section begins at a multiple of this: a cache line, and the width of AVX-512.
const ALIGNMENT: u64 = 64;

/// Bytes before the header.
const PRELUDE: u64 = 48;

/// Longest header: some hundred thousand sections.
const MAX_HEADER: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    sections: Vec<Entry>,
    #[serde(default)]
    notes: BTreeMap<String, Note>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    layout: String,
    start: u64,
    len: u64,
    sha256: String,
}

pub(super) fn read(at: &str, bytes: Bytes) -> Result<Weights, Error> {
    let header = header(at, &bytes)?;
    let mut weights = Weights { bytes, notes: header.notes, ..Weights::default() };
    for it in header.sections {
        if !it.start.is_multiple_of(ALIGNMENT) {
            let got = format!("byte {}", it.start);
            return Err(Error::malformed(
                format!("section {:?}", it.name),
                "a start at a multiple of 64",
                got,
            ));
        }
        let layout = it.layout.parse()?;
        weights.add(it.name, Claim { shape: it.shape, layout, start: it.start, len: it.len })?;
    }
    Ok(weights)
}

fn header(at: &str, bytes: &[u8]) -> Result<Header, Error> {
    let mut cursor = Cursor::new(at, bytes);
    cursor.take("magic", MAGIC.len() as u64)?;
    let version = cursor.u32("version")?;
    if version != VERSION {
        let got = format!("version {version}; pack the network again with this program");
        return Err(Error::malformed(at, format!("packed weights of version {VERSION}"), got));
    }
    let len = u64::from(cursor.u32("length of the header")?);
    Error::limit(format!("{at}, header"), MAX_HEADER, len, "bytes")?;
    let expected = hexadecimal(cursor.take("digest", 32)?);
    let header = cursor.take("header", len)?;
    let got = digest(header);
    if got != expected {
        return Err(Error::Digest { at: format!("{at}, header"), expected, got });
    }
    serde_json::from_slice(header)
        .map_err(|it| Error::malformed(format!("{at}, header"), "a header", it.to_string()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

impl Weights {
    /// Checks every section of a packed file against the digest in its header. Files of other kinds have none and pass; their
    /// whole file is pinned by its [`Artifact`](crate::Artifact).
    ///
    /// # Errors
    /// [`Error::Digest`] naming the section that differs.
    pub fn verify(&self) -> Result<(), Error> {
        if !self.bytes.starts_with(MAGIC) {
            return Ok(());
        }
        for it in header("packed weights", &self.bytes)?.sections {
            let got = digest(&self.bytes(&it.name)?);
            if got != it.sha256 {
                return Err(Error::Digest { at: format!("section {:?}", it.name), expected: it.sha256, got });
            }
        }
        Ok(())
    }
}

/// A section on its way: name, shape, layout, bytes.
type Held = (String, Vec<usize>, Layout, Bytes);

/// Sections on their way into a packed file.
#[derive(Clone, Debug, Default)]
pub struct Packing {
    sections: Vec<Held>,
    notes: BTreeMap<String, Note>,
}

impl Packing {
    /// Nothing yet.
    pub fn new() -> Self {
        Packing::default()
    }

    /// Every weight of another file as it is, only aligned, and its notes; one of two names once.
    ///
    /// # Errors
    /// [`Error::Tensor`] where a weight cannot be had.
    pub fn of(weights: &Weights) -> Result<Self, Error> {
        let mut packing = Packing { notes: weights.notes.clone(), ..Packing::default() };
        for (name, section) in weights.iter() {
            packing.push(name, &section.shape, section.layout.clone(), weights.bytes(name)?)?;
        }
        Ok(packing)
    }

    /// Adds a section: bytes of this shape and layout.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the bytes are not as many as shape and layout ask for, or the name stands already.
    pub fn push(
        &mut self,
        name: &str,
        shape: &[usize],
        layout: Layout,
        bytes: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let (at, bytes) = (format!("section {name:?}"), bytes.into());
        if let Some(expected) = layout.bytes(&at, shape)?
            && expected != bytes.len()
        {
            let expected = format!("{expected} bytes for {layout} {shape:?}");
            return Err(Error::malformed(at, expected, format!("{} bytes", bytes.len())));
        }
        if self.sections.iter().any(|(it, ..)| it == name) {
            return Err(Error::malformed(at, "a name that stands once", "a second section of this name"));
        }
        self.sections.push((name.to_owned(), shape.to_vec(), layout, bytes));
        Ok(())
    }

    /// Adds a note.
    pub fn note(&mut self, key: &str, note: Note) {
        self.notes.insert(key.to_owned(), note);
    }

    /// Writes the packed file: under another name, then renamed into place, so that nobody maps half a file.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written; [`Error::TooLarge`] where the header would be over its limit.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let prelude = self.prelude()?;
        let beside = path.with_extension(format!("part-{}", std::process::id()));
        let written = fs::File::create(&beside).and_then(|file| {
            let mut out = std::io::BufWriter::new(file);
            self.stream(&prelude, &mut out)?;
            out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&beside, path)
        });
        written.inspect_err(|_| drop(fs::remove_file(&beside))).map_err(Error::file(path))
    }

    /// The packed file as bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the header would be over its limit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.stream(&self.prelude()?, &mut bytes).map_err(Error::file("memory"))?;
        Ok(bytes)
    }

    fn stream(&self, prelude: &[u8], out: &mut impl Write) -> std::io::Result<()> {
        let mut place = prelude.len() as u64;
        out.write_all(prelude)?;
        for ((_, _, _, bytes), start) in self.sections.iter().zip(self.starts(place)) {
            if start < place {
                continue; // stands there already, under another name
            }
            out.write_all(&[0; ALIGNMENT as usize][..(start - place) as usize])?;
            out.write_all(bytes)?;
            place = start + bytes.len() as u64;
        }
        Ok(())
    }

    /// Where each section starts, the first from `place` on. The same bytes under two names start at the same place.
    fn starts(&self, mut place: u64) -> Vec<u64> {
        let mut known = BTreeMap::new();
        let start = |(_, _, _, bytes): &Held| {
            let next = place.next_multiple_of(ALIGNMENT);
            let start = match bytes.len() {
                0 => next,
                len => *known.entry((bytes.as_ptr(), len)).or_insert(next),
            };
            place = place.max(start + bytes.len() as u64);
            start
        };
        self.sections.iter().map(start).collect()
    }

    /// Everything before the sections. Starts depend on the header's length and the header holds the starts: it is given room
    /// for the longest numbers and filled with spaces, which JSON allows.
    fn prelude(&self) -> Result<Vec<u8>, Error> {
        let digests: Vec<String> = self.sections.iter().map(|(.., bytes)| digest(bytes)).collect();
        let room = self.json(u64::MAX / 2, &digests).len() as u64;
        Error::limit("header", MAX_HEADER, room, "bytes")?;
        let mut header = self.json(PRELUDE + room, &digests);
        header.resize(room as usize, b' ');
        let mut prelude = MAGIC.to_vec();
        prelude.extend(VERSION.to_le_bytes());
        prelude.extend((room as u32).to_le_bytes());
        prelude.extend(crate::artifact::sha256(&header));
        prelude.extend(header);
        Ok(prelude)
    }

    fn json(&self, place: u64, digests: &[String]) -> Vec<u8> {
        let entry = |(((name, shape, layout, bytes), start), sha256): ((&Held, u64), &String)| Entry {
            name: name.clone(),
            shape: shape.clone(),
            layout: layout.to_string(),
            start,
            len: bytes.len() as u64,
            sha256: sha256.clone(),
        };
        let sections = self.sections.iter().zip(self.starts(place)).zip(digests).map(entry).collect();
        let header = Header { sections, notes: self.notes.clone() };
        serde_json::to_vec(&header).expect("names, numbers and texts are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dtype;

    fn packing() -> Packing {
        let mut packing = Packing::new();
        let floats: Vec<u8> = [1.0_f32, -2.5, 3.0].iter().flat_map(|it| it.to_le_bytes()).collect();
        packing.push("none", &[0], Layout::Plain(Dtype::I8), vec![]).unwrap();
        packing.push("bias", &[3], Layout::Plain(Dtype::F32), floats).unwrap();
        packing.push("weight", &[5, 7], Layout::Own("panels@1".into()), vec![7; 100]).unwrap();
        packing.note("heads", Note::Int(8));
        packing
    }

    #[test]
    fn what_was_packed_is_read_back_and_borrowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ink");
        packing().write(&path).unwrap();
        let weights = Weights::open(&path).unwrap();
        weights.verify().unwrap();
        let floats = weights.floats("bias").unwrap();
        assert!(matches!(floats, std::borrow::Cow::Borrowed([1.0, -2.5, 3.0])), "copied: {floats:?}");
        assert_eq!(weights.section("weight").unwrap().layout, Layout::Own("panels@1".into()));
        assert_eq!(weights.bytes("weight").unwrap().as_ptr().align_offset(64), 0);
        assert_eq!(weights.notes()["heads"], Note::Int(8));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a part was left behind");
        assert_eq!(fs::read(&path).unwrap(), packing().to_bytes().unwrap());
    }

    #[test]
    fn every_changed_byte_of_header_and_sections_is_found() {
        let bytes = packing().to_bytes().unwrap();
        let len = bytes.len();
        for place in (0..len).filter(|it| *it < 400 || *it > len - 100) {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let found = Weights::from_bytes(changed).and_then(|it| it.verify());
            assert!(found.is_err(), "byte {place} of {len}");
        }
    }

    #[test]
    fn a_section_needs_the_bytes_of_its_shape_and_a_name_of_its_own() {
        let mut packing = packing();
        assert!(packing.push("short", &[3], Layout::Plain(Dtype::F32), vec![0; 11]).is_err());
        assert!(packing.push("bias", &[0], Layout::Plain(Dtype::F32), vec![]).is_err());
    }
}
