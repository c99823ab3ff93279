//! Finished pieces of a long evaluation, kept in a file so that a kill costs one piece and not the night.
//!
//! One line a piece, written as soon as it is done. A line that was cut short is dropped and computed again; numbers are
//! written so that they read back to the same bit, so a card made in two runs is the card made in one. The first line is a key
//! of data, plan and program: where it differs nothing of the file is used.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use study::Cohort;

use super::{Plan, Target, table_of};
use crate::{Error, digest};

/// Where finished pieces are kept. It may be shared by threads.
#[derive(Debug, Default)]
pub struct Work {
    found: HashMap<String, Box<RawValue>>,
    file: Option<(PathBuf, Mutex<File>)>,
    replaced: bool,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Key {
    key: String,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct Piece<T> {
    piece: String,
    found: T,
}

impl Work {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Takes up the work of an evaluation of this cohort by this plan in `path`, or begins it.
    ///
    /// The file belongs to the evaluation whose key it holds: SHA-256 of the plan, the numbers, the people and the running
    /// program. Work of any other is thrown away, and [`replaced`](Self::replaced) says so.
    pub fn open(path: &Path, cohort: &Cohort, plan: &Plan) -> Result<Self, Error> {
        Self::of_key(path, &key(cohort, plan)?)
    }

    /// The same for an evaluation of three classes or points.
    pub fn open_graded(path: &Path, cohort: &Cohort, target: Target, plan: &Plan) -> Result<Self, Error> {
        Self::of_key(path, &key_graded(cohort, target, plan)?)
    }

    fn of_key(path: &Path, key: &str) -> Result<Self, Error> {
        let written = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::File { path: path.to_owned(), source }),
        };
        let (found, whole) = pieces(&written, key);
        let work = Self { found, file: None, replaced: whole == 0 && !written.is_empty() };
        work.onto(path, key, whole)
    }

    /// Opens the file to write after its first `whole` bytes, with the key where these are none.
    fn onto(mut self, path: &Path, key: &str, whole: usize) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        if whole == 0 {
            file.write_all(line(&Key { key: key.to_owned() }).as_bytes()).map_err(failed)?;
        }
        self.file = Some((path.to_owned(), Mutex::new(file)));
        Ok(self)
    }

    /// Number of pieces that were there.
    pub fn taken_up(&self) -> usize {
        self.found.len()
    }

    /// Whether the file held the work of another evaluation, which is gone.
    pub fn replaced(&self) -> bool {
        self.replaced
    }

    /// The piece of this name: read if it was there, else computed and kept.
    pub(crate) fn piece<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        compute: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(found) = self.found.get(name).and_then(|it| serde_json::from_str(it.get()).ok()) {
            return Ok(found);
        }
        let found = compute()?;
        if let Some((path, file)) = &self.file {
            let line = line(&Piece { piece: name.to_owned(), found: &found });
            // A thread that panicked while it wrote left a torn line at worst, which the next reader drops.
            let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            file.write_all(line.as_bytes()).map_err(|source| Error::File { path: path.clone(), source })?;
        }
        Ok(found)
    }
}

fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("our types are plain JSON");
    line.push('\n');
    line
}

/// SHA-256 of the numbers, people, plan and program.
pub(super) fn key(cohort: &Cohort, plan: &Plan) -> Result<String, Error> {
    let table = table_of(cohort)?;
    let people: Vec<String> = table
        .participants()
        .iter()
        .map(|it| format!("{:?} {:?} {:?}", it.site, it.device, it.label))
        .collect();
    Ok(digest::of_json(&(digest::of_table(&table), people, plan, digest::of_program())))
}

/// The same of three classes or points.
pub(super) fn key_graded(cohort: &Cohort, target: Target, plan: &Plan) -> Result<String, Error> {
    let table = table_of(cohort)?;
    let points: Vec<String> =
        table.participants().iter().map(|it| format!("{:?} {:?}", it.mmse, it.moca)).collect();
    Ok(digest::of_json(&(key(cohort, plan)?, target, points)))
}

/// The whole lines of a file with this key, and how many bytes they are; nothing and 0 where the key is another.
fn pieces(written: &str, key: &str) -> (HashMap<String, Box<RawValue>>, usize) {
    let mut lines = written.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let mut found = HashMap::new();
    let Some(first) = lines.next() else { return (found, 0) };
    if serde_json::from_str::<Key>(first).ok().is_none_or(|it| it.key != key) {
        return (found, 0);
    }
    let mut whole = first.len();
    for line in lines {
        let Ok(piece) = serde_json::from_str::<Piece<Box<RawValue>>>(line) else { break };
        found.insert(piece.piece, piece.found);
        whole += line.len();
    }
    (found, whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate::Family, synthetic};
    use study::Provenance;

    fn cohort(seed: u64) -> Cohort {
        let table = Some(synthetic::table(10, 1, 1.0, seed));
        Cohort {
            provenance: Provenance::default(),
            participants: vec![],
            table,
            later: vec![],
            submissions: vec![],
        }
    }

    fn opened(path: &Path) -> Work {
        Work::open(path, &cohort(1), &Plan::default()).unwrap()
    }

    #[test]
    fn a_piece_is_computed_once_over_two_runs_to_the_same_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work.jsonl");
        let third: f64 = 1.0 / 3.0;
        assert_eq!(opened(&path).piece("masked/0/1", || Ok(third)).unwrap(), third);
        let again = opened(&path);
        assert_eq!((again.taken_up(), again.replaced()), (1, false));
        let got: f64 = again.piece("masked/0/1", || panic!("it was there")).unwrap();
        assert_eq!(got.to_bits(), third.to_bits());
    }

    #[test]
    fn a_torn_line_is_dropped_and_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work.jsonl");
        let work = opened(&path);
        (0..3).for_each(|it| assert_eq!(work.piece(&format!("p/{it}"), || Ok(it)).unwrap(), it));
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        let again = opened(&path);
        assert_eq!(again.taken_up(), 2);
        again.piece("p/2", || Ok(2)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }

    #[test]
    fn other_data_and_another_plan_begin_anew_and_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work.jsonl");
        opened(&path).piece("p", || Ok(1)).unwrap();
        let other = Work::open(&path, &cohort(2), &Plan::default()).unwrap();
        assert_eq!((other.taken_up(), other.replaced()), (0, true));
        drop(other);
        assert!(opened(&path).replaced(), "the first work is gone");
        let plan = Plan { families: vec![Family::logistic()], ..Plan::default() };
        assert!(Work::open(&path, &cohort(1), &plan).unwrap().replaced());
        let graded = |target| Work::open_graded(&path, &cohort(1), target, &plan).unwrap().replaced();
        assert_eq!([Target::Mmse, Target::Mmse, Target::Moca].map(graded), [true, false, true]);
    }
}
