//! A table that somebody else wrote: CSV with any of three separators, or Parquet, read row by row.
//!
//! Names of columns are compared without case and without spaces around them: releases of one data set differ in both. `NA`
//! and `NaN` count as empty, which is what R and pandas write for a value that is not known.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::{Field, reader::RowIter},
};

use crate::Error;

/// Words for a value that is not known.
const UNKNOWN: [&str; 4] = ["", "na", "nan", "n/a"];

/// The rows of a table with a header.
pub(super) struct Sheet {
    path: PathBuf,
    header: Vec<String>,
    places: HashMap<String, usize>,
    rows: Rows,
    cells: Vec<String>,
    line: u64,
}

enum Rows {
    Text(Box<csv::Reader<File>>, csv::StringRecord),
    Parquet(Box<RowIter<'static>>),
}

impl Sheet {
    /// Opens a table: Parquet by its ending, else text separated by whichever of comma, semicolon and tab the header has most.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let parquet = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("parquet"));
        let (header, rows) = if parquet { open_parquet(path)? } else { open_text(path)? };
        let plain = |name: &String| name.trim().trim_start_matches('\u{feff}').to_owned();
        let header: Vec<String> = header.iter().map(plain).collect();
        let places = header.iter().enumerate().map(|(place, name)| (name.to_lowercase(), place)).collect();
        Ok(Self { path: path.to_owned(), header, places, rows, cells: vec![], line: 1 })
    }

    /// The same, if it has these columns.
    pub(super) fn with(path: &Path, needed: &[&str]) -> Result<Self, Error> {
        let sheet = Self::open(path)?;
        match needed.iter().find(|column| !sheet.has(column)) {
            Some(column) => Err(Error::MissingColumn {
                path: path.to_owned(),
                column: (*column).to_owned(),
                got: sheet.header.len(),
            }),
            None => Ok(sheet),
        }
    }

    /// Where the table lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.places.contains_key(&column.to_lowercase())
    }

    /// Goes to the next row; `false` after the last.
    pub(super) fn advance(&mut self) -> Result<bool, Error> {
        match &mut self.rows {
            Rows::Text(reader, record) => {
                let failed = |source| Error::Csv { path: self.path.clone(), source };
                if !reader.read_record(record).map_err(failed)? {
                    return Ok(false);
                }
                self.line = record.position().map_or(self.line + 1, csv::Position::line);
                self.cells.clear();
                self.cells.extend(record.iter().map(|cell| cell.trim().to_owned()));
            }
            Rows::Parquet(rows) => {
                let failed = |source| Error::Parquet { path: self.path.clone(), source };
                let Some(row) = rows.next().transpose().map_err(failed)? else { return Ok(false) };
                self.line += 1;
                self.cells = row.into_columns().into_iter().map(|(_, field)| written(field)).collect();
            }
        }
        Ok(true)
    }

    /// Line of the row, counted from 1 with the header.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The cell of a column as it is written; `None` where it is not known or there is no such column.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        self.places.get(&column.to_lowercase()).and_then(|&place| self.at(place))
    }

    /// The cell at a place of the header.
    pub(super) fn at(&self, place: usize) -> Option<&str> {
        let cell = self.cells.get(place)?;
        (!UNKNOWN.iter().any(|it| cell.eq_ignore_ascii_case(it))).then_some(cell.as_str())
    }

    /// The cell of a column, `None` where it is not known; a cell that `read` does not understand is an error.
    pub(super) fn optional<T>(
        &self,
        column: &str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(cell) = self.text(column) else { return Ok(None) };
        read(cell).map(Some).ok_or_else(|| self.bad(column, expected, cell))
    }

    /// The cell of a column that may not be empty.
    pub(super) fn required<T>(
        &self,
        column: &str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        self.optional(column, expected, read)?.ok_or_else(|| self.bad(column, expected, ""))
    }

    /// The error that a cell of this row is not what it should be.
    pub(super) fn bad(&self, column: &str, expected: &'static str, got: &str) -> Error {
        Error::Cell {
            path: self.path.clone(),
            line: self.line,
            column: column.to_owned(),
            expected,
            got: got.to_owned(),
        }
    }
}

fn open_text(path: &Path) -> Result<(Vec<String>, Rows), Error> {
    let open = || File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source });
    let mut first = String::new();
    // A table that is no text has no line to look at, and the reader says so below.
    let _ = BufReader::new(open()?).read_line(&mut first);
    let most = |separator: &u8| first.bytes().filter(|byte| byte == separator).count();
    let separator = [b'\t', b';', b','].into_iter().max_by_key(most).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(open()?);
    let failed = |source| Error::Csv { path: path.to_owned(), source };
    let header = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
    Ok((header, Rows::Text(Box::new(reader), csv::StringRecord::new())))
}

fn open_parquet(path: &Path) -> Result<(Vec<String>, Rows), Error> {
    let failed = |source| Error::Parquet { path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let header = schema.columns().iter().map(|it| it.path().string()).collect();
    Ok((header, Rows::Parquet(Box::new(RowIter::from_file_into(Box::new(reader))))))
}

/// A field as it would stand in a CSV file.
fn written(field: Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.trim().to_owned(),
        Field::Float(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// Years from 0 to 130, as `71`, `71.5`, or CHAT's `71;06.`.
pub(super) fn years(cell: &str) -> Option<f64> {
    let (years, months) = cell.split_once(';').unwrap_or((cell, ""));
    let months = months.trim_end_matches('.').split('.').next().unwrap_or("");
    let months = if months.is_empty() { 0.0 } else { months.parse::<f64>().ok()? };
    let age = years.trim().parse::<f64>().ok()? + months / 12.0;
    (0.0..=130.0).contains(&age).then_some(age)
}

/// A number from 0 to `limit`.
pub(super) fn up_to(limit: f64) -> impl Fn(&str) -> Option<f64> {
    move |cell| cell.parse().ok().filter(|number| (0.0..=limit).contains(number))
}

/// Sex in any of the words that data sets use.
pub(super) fn sex(cell: &str) -> Option<study::Sex> {
    match cell.to_lowercase().as_str() {
        "f" | "female" | "woman" | "w" => Some(study::Sex::Female),
        "m" | "male" | "man" => Some(study::Sex::Male),
        "other" | "x" => Some(study::Sex::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> Sheet {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Sheet::open(file.path()).unwrap()
    }

    #[test]
    fn separators_spaces_and_case_are_those_of_the_file() {
        for text in [
            "ID   ; Age ;mmse\nS001 ; 67 ; NA\n",
            "id,AGE,MMSE\n S001, 67,\n",
            "Id\tage\tmmse\nS001\t67\tnan\n",
        ] {
            let mut sheet = sheet(text);
            assert!(sheet.advance().unwrap());
            assert_eq!(
                (sheet.text("id"), sheet.text("age"), sheet.text("mmse")),
                (Some("S001"), Some("67"), None)
            );
            assert!(!sheet.advance().unwrap());
        }
    }

    #[test]
    fn a_bad_cell_says_line_column_expected_and_got() {
        let mut sheet = sheet("id,age\na,old\n");
        sheet.advance().unwrap();
        let message = sheet.required("age", "years", years).unwrap_err().to_string();
        assert!(message.ends_with(r#"line 2, column "age": expected years, got "old""#), "{message}");
        let message = sheet.required("sex", "a sex", sex).unwrap_err().to_string();
        assert!(message.ends_with(r#"column "sex": expected a sex, got """#), "{message}");
    }

    #[test]
    fn ages_of_chat_have_years_and_months() {
        assert_eq!(
            (years("71;06."), years("66;00."), years("57;"), years("57")),
            (Some(71.5), Some(66.0), Some(57.0), Some(57.0))
        );
        assert_eq!((years("66*"), years("-1"), years("131")), (None, None, None));
    }
}
