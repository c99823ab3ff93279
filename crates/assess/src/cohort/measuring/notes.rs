//! `measured.jsonl`: what came of every file, a line each, behind a line that says what was asked. A part of a cohort has notes of
//! its own, `measured-2-of-8.jsonl`, which measuring the whole takes up.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use feature::{SetId, Value};
use serde::{Deserialize, Serialize};
use study::Task;

use crate::{Error, Shard};

/// Where the values of every file are noted.
pub(super) const NOTES: &str = "measured.jsonl";

/// One line of the notes: what came of one submission.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// Row of `submissions.csv`, counted from 1.
    pub(super) row: usize,
    pub(super) file: String,
    pub(super) task: Task,
    pub(super) session: String,
    /// Quality marks, where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) marks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) declined: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) values: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) missing: BTreeMap<String, String>,
}

/// The first line of the notes: what was asked.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
pub(super) struct Question {
    pub(super) asked: String,
    pub(super) sets: Vec<SetId>,
}

impl Note {
    pub(super) fn value(&self, feature: &str) -> Value {
        let missing = || match (&self.declined, self.missing.get(feature)) {
            (Some(_), _) => "declined".to_owned(),
            (None, Some(reason)) => reason.clone(),
            (None, None) => "not measured".to_owned(),
        };
        self.values.get(feature).map_or_else(|| Value::Missing(missing().into()), |it| Value::Measured(*it))
    }
}

/// `measured.jsonl`, which is written as files are measured.
pub(super) struct Notes {
    path: PathBuf,
    out: File,
    pub(super) notes: Vec<Note>,
}

/// Name of the notes of a part.
pub(super) fn notes_of(shard: Shard) -> String {
    format!("measured-{}-of-{}.jsonl", shard.part, shard.of)
}

impl Notes {
    /// Opens the notes `name` of a question: new, or behind the last whole line of an earlier run.
    pub(super) fn open(folder: &Path, name: &str, question: &Question, most: usize) -> Result<Self, Error> {
        let path = folder.join(name);
        let open = |source| Error::Open { path: path.clone(), source };
        let (whole, notes) = if path.exists() { read_notes(&path, question, most)? } else { (0, vec![]) };
        let mut out =
            OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(open)?;
        out.set_len(whole).map_err(open)?;
        out.seek(SeekFrom::End(0)).map_err(open)?;
        let mut opened = Self { path, out, notes };
        if whole == 0 {
            let line = opened.line(question)?;
            opened.append(&line)?;
        }
        Ok(opened)
    }

    /// Takes up the notes of parts that were measured by themselves: as many as go on where these end. Parts of a part, or of other
    /// numbers of parts, do not matter; those of another question are refused.
    pub(super) fn take_up(&mut self, folder: &Path, question: &Question, files: usize) -> Result<(), Error> {
        for part in parts_of(folder)? {
            let places = part.places(files);
            if places.start > self.notes.len() || places.end <= self.notes.len() {
                continue;
            }
            let (_, mut found) = read_notes(&folder.join(notes_of(part)), question, places.len())?;
            if places.start + found.len() > self.notes.len() {
                self.add(found.split_off(self.notes.len() - places.start))?;
            }
        }
        Ok(())
    }

    pub(super) fn add(&mut self, fresh: Vec<Note>) -> Result<(), Error> {
        let mut text = Vec::new();
        for note in &fresh {
            text.extend(self.line(note)?);
        }
        self.notes.extend(fresh);
        self.append(&text)
    }

    fn line(&self, what: &impl Serialize) -> Result<Vec<u8>, Error> {
        let failed = |source| Error::Json { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(what).map_err(failed)?;
        line.push(b'\n');
        Ok(line)
    }

    fn append(&mut self, text: &[u8]) -> Result<(), Error> {
        let open = |source| Error::Open { path: self.path.clone(), source };
        self.out.write_all(text).and_then(|()| self.out.sync_data()).map_err(open)
    }
}

/// The parts of which a folder has notes, by where they begin.
fn parts_of(folder: &Path) -> Result<Vec<Shard>, Error> {
    let open = |source| Error::Open { path: folder.to_owned(), source };
    let mut parts: Vec<Shard> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(open)? {
        let name = entry.map_err(open)?.file_name();
        let middle = name.to_str().and_then(|it| it.strip_prefix("measured-")?.strip_suffix(".jsonl"));
        parts.extend(middle.and_then(|it| it.replace("-of-", "/").parse::<Shard>().ok()));
    }
    parts.sort_by(|a, b| ((a.part - 1) * b.of).cmp(&((b.part - 1) * a.of)).then(a.of.cmp(&b.of)));
    Ok(parts)
}

/// The whole lines of earlier notes and where they end. A last line that was broken off is left out; notes of another question
/// are refused.
fn read_notes(path: &Path, question: &Question, most: usize) -> Result<(u64, Vec<Note>), Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(open)?);
    let (mut whole, mut notes, mut line) = (0, Vec::new(), Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(open)?;
        if !line.ends_with(b"\n") {
            return Ok((whole, notes));
        }
        if whole == 0 {
            let asked: Option<Question> = serde_json::from_slice(&line).ok();
            if asked.as_ref() != Some(question) {
                return Err(Error::OtherQuestion { path: path.to_owned() });
            }
        } else {
            let failed = |source| Error::Json { path: path.to_owned(), source };
            notes.push(serde_json::from_slice(&line).map_err(failed)?);
        }
        if notes.len() > most {
            return Err(Error::OtherQuestion { path: path.to_owned() });
        }
        whole += read as u64;
    }
}
