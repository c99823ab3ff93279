//! Many files: every core, output in the order of the files, bounded memory, and a run that was broken off goes on.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, Write},
    path::{Path, PathBuf},
};

use feature::SetId;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    measurement::Valued,
    tabular::{Columns, parquet_of_csv},
};

/// Files that are under way for each thread: enough that none waits for a slow neighbour, few enough to hold.
const AHEAD: usize = 4;

/// A file and what it is called in the output.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called: as the user named it.
    pub name: String,
}

/// Does `work` on every file with all threads of the current pool, and hands what comes of it to `sink` in the order of the
/// files. At most a few files a thread are held at once, whatever their number. An error of `sink` ends it.
pub fn measure_files<F: Sync, R: Send, E>(
    files: &[F],
    work: impl Fn(&F) -> R + Sync,
    mut sink: impl FnMut(Vec<R>) -> Result<(), E>,
) -> Result<(), E> {
    let chunks = files.chunks(AHEAD * rayon::current_num_threads());
    chunks.map(|chunk| chunk.par_iter().map(&work).collect()).try_for_each(&mut sink)
}

/// The form in which values are written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// One JSON object a line.
    Json,
    /// One row a recording or drawing.
    Csv,
    /// The same rows as Parquet.
    Parquet,
}

/// How far a file of values is; lies beside it until it is whole.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    /// Hash of what was asked: files, sets, how they are measured, form and version of the program.
    asked: String,
    /// Files whose rows are written.
    files: usize,
    /// Length of the output then; anything beyond is of a file that was broken off.
    bytes: u64,
}

/// A file of values that is written file by file and can be taken up again where it was broken off.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    ending: Ending,
    columns: Columns,
    out: File,
    progress: Progress,
}

impl Journal {
    /// Opens `path` for the values of `files`: new, or where an earlier run of the same question stopped. An output that is whole
    /// and one of another question are refused. Asked for are sets, and in any words what else changes a value.
    pub fn open(
        path: &Path,
        ending: Ending,
        (sets, how): (&[SetId], &str),
        files: &[Found],
    ) -> Result<Self, Error> {
        let asked = asked(ending, (sets, how), files);
        let columns = Columns::new(sets);
        let (left, rows) = (sidecar(path, "progress"), rows_path(path, ending));
        let begun = left.exists().then(|| read_progress(&left)).transpose()?;
        match &begun {
            Some(begun) if begun.asked != asked => return Err(Error::OtherRun { path: path.to_owned() }),
            None if path.exists() => return Err(Error::AlreadyThere { path: path.to_owned() }),
            _ => {}
        }
        let failed = |source| Error::Open { path: rows.clone(), source };
        let mut out =
            OpenOptions::new().create(true).write(true).truncate(false).open(&rows).map_err(failed)?;
        // Fewer bytes than were noted: somebody took the rows away. What was noted of them is worth nothing.
        let held = out.metadata().map_err(failed)?.len();
        let begun = begun.filter(|begun| begun.bytes <= held);
        let progress = begun.unwrap_or(Progress { asked, files: 0, bytes: 0 });
        out.set_len(progress.bytes).map_err(failed)?;
        out.seek(std::io::SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), ending, columns, out, progress };
        if journal.progress.bytes == 0 && ending != Ending::Json {
            let header = journal.columns.header();
            journal.append(&csv_line(&header))?;
        }
        Ok(journal)
    }

    /// Files whose rows were written by an earlier run.
    pub fn done(&self) -> usize {
        self.progress.files
    }

    /// Adds the rows of the next files, and notes how far that is once they are on disk.
    pub fn write(&mut self, files: &[Vec<Valued>]) -> Result<(), Error> {
        let mut text = Vec::new();
        for valued in files.iter().flatten() {
            match self.ending {
                Ending::Json => {
                    serde_json::to_writer(&mut text, valued).map_err(|source| self.json_failed(source))?;
                    text.push(b'\n');
                }
                Ending::Csv | Ending::Parquet => text.extend(csv_line(&self.columns.row(valued))),
            }
        }
        self.progress.files += files.len();
        self.append(&text)
    }

    /// Makes the output whole: for Parquet it is made now from the rows, which stay until nothing refers to them.
    pub fn finish(self) -> Result<(), Error> {
        let remove = |path: PathBuf| fs::remove_file(&path).map_err(|source| Error::Open { path, source });
        let rows = rows_path(&self.path, self.ending);
        if self.ending == Ending::Parquet {
            parquet_of_csv(&rows, &self.path)?;
        }
        remove(sidecar(&self.path, "progress"))?;
        if self.ending == Ending::Parquet { remove(rows) } else { Ok(()) }
    }

    fn append(&mut self, text: &[u8]) -> Result<(), Error> {
        let failed = |source| Error::Open { path: self.path.clone(), source };
        self.out.write_all(text).and_then(|()| self.out.sync_data()).map_err(failed)?;
        self.progress.bytes += text.len() as u64;
        let left = sidecar(&self.path, "progress");
        let json = serde_json::to_vec(&self.progress).map_err(|source| self.json_failed(source))?;
        // Written aside and renamed, so that a run that is broken off here leaves the old note or the new one.
        let fresh = sidecar(&self.path, "progress.new");
        let open = |source| Error::Open { path: left.clone(), source };
        fs::write(&fresh, json).and_then(|()| fs::rename(&fresh, &left)).map_err(open)
    }

    fn json_failed(&self, source: serde_json::Error) -> Error {
        Error::Json { path: self.path.clone(), source }
    }
}

fn asked(ending: Ending, (sets, how): (&[SetId], &str), files: &[Found]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {ending:?} {sets:?} {how:?}\n", env!("CARGO_PKG_VERSION")));
    files.iter().for_each(|file| hash.update(format!("{}\n", file.name)));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_progress(path: &Path) -> Result<Progress, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| Error::Json { path: path.to_owned(), source })
}

/// `values.csv` → `values.csv.progress`.
fn sidecar(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Where rows are gathered: the output itself, or a CSV beside a Parquet file, which can only be written at once.
fn rows_path(path: &Path, ending: Ending) -> PathBuf {
    if ending == Ending::Parquet { sidecar(path, "rows") } else { path.to_owned() }
}

/// One line of CSV.
pub(crate) fn csv_line(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).expect("a vector takes every record");
    writer.into_inner().expect("a vector can be flushed")
}

/// A part of many files: which of how many, counted from 1. The outputs of all parts in their order are the output of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub part: usize,
    /// Of how many.
    pub of: usize,
}

impl Shard {
    /// The places of `files` files that are its own.
    pub fn places(self, files: usize) -> std::ops::Range<usize> {
        let edge = |part: usize| part * files / self.of;
        edge(self.part - 1)..edge(self.part)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// `2/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |(part, of): (&str, &str)| Some(Self { part: part.parse().ok()?, of: of.parse().ok()? });
        let shard = text.split_once('/').and_then(parse).filter(|it| (1..=it.of).contains(&it.part));
        shard.ok_or_else(|| "expected I/N with I from 1 to N, for example 2/8".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use feature::Declined;

    use super::*;

    fn files(count: usize) -> Vec<Found> {
        (0..count).map(|n| Found { path: PathBuf::from("x"), name: format!("f{n}") }).collect()
    }

    fn rows(file: &Found) -> Vec<Valued> {
        vec![Valued {
            file: file.name.clone(),
            outcome: Err(Declined::unreadable("file.open", "no, \"none\"")),
        }]
    }

    fn run(path: &Path, ending: Ending, files: &[Found], stop_after: Option<usize>) -> Result<(), Error> {
        let mut journal = Journal::open(path, ending, (&[], ""), files)?;
        for file in files.iter().skip(journal.done()).take(stop_after.unwrap_or(usize::MAX)) {
            journal.write(&[rows(file)])?;
        }
        if stop_after.is_none() { journal.finish() } else { Ok(()) }
    }

    #[test]
    fn a_run_that_was_broken_off_ends_as_one_that_was_not() {
        for ending in [Ending::Json, Ending::Csv, Ending::Parquet] {
            let folder = tempfile::tempdir().unwrap();
            let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
            run(&whole, ending, &files(9), None).unwrap();
            run(&broken, ending, &files(9), Some(4)).unwrap();
            // Half a row of the fifth file had reached the disk.
            let mut half = OpenOptions::new().append(true).open(rows_path(&broken, ending)).unwrap();
            half.write_all(b"f4,vo").unwrap();
            run(&broken, ending, &files(9), None).unwrap();
            assert_eq!(fs::read(&whole).unwrap(), fs::read(&broken).unwrap(), "{ending:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{ending:?} leaves files behind");
        }
    }

    #[test]
    fn rows_that_are_gone_are_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
        run(&whole, Ending::Parquet, &files(9), None).unwrap();
        run(&broken, Ending::Parquet, &files(9), Some(4)).unwrap();
        fs::remove_file(rows_path(&broken, Ending::Parquet)).unwrap();
        run(&broken, Ending::Parquet, &files(9), None).unwrap();
        assert_eq!(fs::read(&whole).unwrap(), fs::read(&broken).unwrap());
    }

    #[test]
    fn a_whole_output_and_another_question_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values.csv");
        run(&path, Ending::Csv, &files(3), Some(1)).unwrap();
        assert!(matches!(run(&path, Ending::Csv, &files(4), None), Err(Error::OtherRun { .. })));
        run(&path, Ending::Csv, &files(3), None).unwrap();
        assert!(matches!(run(&path, Ending::Csv, &files(3), None), Err(Error::AlreadyThere { .. })));
    }

    #[test]
    fn rows_come_in_the_order_of_the_files() {
        let mut names = Vec::new();
        let sink = |rows: Vec<Vec<Valued>>| -> Result<(), Error> {
            names.extend(rows.into_iter().flatten().map(|it| it.file));
            Ok(())
        };
        measure_files(&files(100), rows, sink).unwrap();
        assert_eq!(names, files(100).iter().map(|it| it.name.clone()).collect::<Vec<_>>());
    }
}
