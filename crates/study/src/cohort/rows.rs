//! Reading and writing CSV so that each refusal names file, line and column.

use std::{collections::HashMap, fs::File, path::Path};

use crate::Error;

/// The rows of a CSV file with a header.
pub(super) struct Rows {
    path: std::path::PathBuf,
    reader: csv::Reader<File>,
    places: HashMap<String, usize>,
    record: csv::StringRecord,
}

impl Rows {
    /// Opens a file that has at least the columns `needed`.
    pub(super) fn open(path: &Path, needed: &[&str]) -> Result<Self, Error> {
        let failed = |source| Error::Csv { path: path.to_owned(), source };
        let file = File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = reader.headers().map_err(failed)?.clone();
        if let Some(column) = needed.iter().find(|column| !header.iter().any(|it| it == **column)) {
            let got = header.iter().collect::<Vec<_>>().join(", ");
            return Err(Error::MissingColumn { path: path.to_owned(), column: (*column).to_owned(), got });
        }
        let places = header.iter().enumerate().map(|(place, name)| (name.to_owned(), place)).collect();
        Ok(Self { path: path.to_owned(), reader, places, record: header })
    }

    /// The names of the columns; call it before the first [`advance`](Self::advance).
    pub(super) fn header(&self) -> impl Iterator<Item = &str> {
        self.record.iter()
    }

    /// Goes to the next row; `false` after the last.
    pub(super) fn advance(&mut self) -> Result<bool, Error> {
        let Self { path, reader, record, .. } = self;
        reader.read_record(record).map_err(|source| Error::Csv { path: path.clone(), source })
    }

    /// Line of the current row, counted from 1 with the header.
    pub(super) fn line(&self) -> u64 {
        self.record.position().map_or(1, csv::Position::line)
    }

    /// The current row's cell of `column`, `None` where it is empty or the column is not there.
    pub(super) fn optional<T>(
        &self,
        column: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let cell = self.places.get(column).and_then(|&place| self.record.get(place)).unwrap_or_default();
        if cell.is_empty() {
            return Ok(None);
        }
        parse(cell).map(Some).ok_or_else(|| self.bad(column, expected, cell))
    }

    /// The current row's cell of `column`, which may not be empty.
    pub(super) fn required<T>(
        &self,
        column: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        self.optional(column, expected, parse)?.ok_or_else(|| self.bad(column, expected, ""))
    }

    fn bad(&self, column: &str, expected: &'static str, got: &str) -> Error {
        let (path, column, got) = (self.path.clone(), column.to_owned(), got.to_owned());
        Error::Cell { path, line: self.line(), column, expected, got }
    }
}

/// Writes `header` and `rows`.
pub(super) fn write(
    path: &Path,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Error> {
    let failed = |source| Error::Csv { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_path(path).map_err(failed)?;
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        writer.write_record(row).map_err(failed)?;
    }
    writer.flush().map_err(|source| Error::Open { path: path.to_owned(), source })
}
