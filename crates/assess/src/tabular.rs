//! Values as rows: CSV, and Parquet made from it.

use std::{fs::File, path::Path, sync::Arc};

use feature::{Definition, SetId};
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DoubleType},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

use crate::{Error, measurement::Valued, measurement::sets};

/// Columns before the features.
const LEAD: [&str; 4] = ["file", "set", "quality", "declined"];

/// Rows that become one group of a Parquet file: what is held in memory at once.
const GROUP: usize = 1024;

/// The columns of a table of values: what it is of, then one column a feature of the sets asked for.
#[derive(Debug, Clone)]
pub struct Columns {
    features: Vec<Definition>,
}

impl Columns {
    /// The columns of these sets; of every room's own set where none is asked for.
    pub fn new(asked: &[SetId]) -> Self {
        let own = |set: &SetId| matches!(set.name.as_str(), "voice" | "ink");
        let wanted = |set: &SetId| if asked.is_empty() { own(set) } else { asked.contains(set) };
        let features = sets().into_iter().filter(|(set, _)| wanted(set)).flat_map(|(_, it)| it).collect();
        Self { features }
    }

    /// The names of the columns.
    pub fn header(&self) -> Vec<String> {
        LEAD.into_iter().chain(self.features.iter().map(|it| it.name)).map(str::to_owned).collect()
    }

    /// One row; a value that is missing is an empty cell (its reason is in the JSON form).
    pub fn row(&self, valued: &Valued) -> Vec<String> {
        let (set, quality, declined) = match &valued.outcome {
            Ok((quality, values)) => (values.set().to_string(), quality.verdict(), String::new()),
            Err(declined) => (String::new(), declined.quality.verdict(), declined.to_string()),
        };
        let number = |definition: &Definition| {
            let values = valued.outcome.as_ref().ok().map(|(_, values)| values);
            values.and_then(|it| it.number(definition.name)).map(|it| it.to_string()).unwrap_or_default()
        };
        let lead = [valued.file.clone(), set, quality.to_string(), declined];
        lead.into_iter().chain(self.features.iter().map(number)).collect()
    }
}

/// Turns a CSV of values into Parquet, a group of rows at a time. The leading columns are text, the features doubles; empty cells
/// are null.
pub(crate) fn parquet_of_csv(from: &Path, to: &Path) -> Result<(), Error> {
    let csv_failed = |source| Error::Csv { path: from.to_owned(), source };
    let failed = |source| Error::Parquet { path: to.to_owned(), source };
    let mut reader = csv::Reader::from_path(from).map_err(csv_failed)?;
    let names: Vec<String> = reader.headers().map_err(csv_failed)?.iter().map(str::to_owned).collect();
    let schema = Arc::new(parse_message_type(&message(&names)).map_err(failed)?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let file = File::create(to).map_err(|source| Error::Open { path: to.to_owned(), source })?;
    let mut writer = SerializedFileWriter::new(file, schema, properties).map_err(failed)?;
    let mut records = reader.records();
    loop {
        let rows = records.by_ref().take(GROUP).collect::<Result<Vec<_>, _>>().map_err(csv_failed)?;
        if rows.is_empty() {
            break;
        }
        let mut group = writer.next_row_group().map_err(failed)?;
        for column in 0..names.len() {
            write_column(&mut group, &rows, column).map_err(failed)?;
        }
        group.close().map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    Ok(())
}

/// The schema in Parquet's own words. Feature names have dots, which the grammar takes as part of a name.
fn message(names: &[String]) -> String {
    let field = |(place, name): (usize, &String)| match place {
        place if place < LEAD.len() => format!("optional binary {name} (UTF8);"),
        _ => format!("optional double {name};"),
    };
    format!("message values {{ {} }}", names.iter().enumerate().map(field).collect::<Vec<_>>().join(" "))
}

fn write_column(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[csv::StringRecord],
    column: usize,
) -> Result<(), parquet::errors::ParquetError> {
    let Some(mut writer) = group.next_column()? else { return Ok(()) };
    let cells = || rows.iter().map(|row| row.get(column).unwrap_or_default());
    let defined: Vec<i16> = cells().map(|cell| i16::from(!cell.is_empty())).collect();
    let filled = || cells().filter(|cell| !cell.is_empty());
    if column < LEAD.len() {
        let values: Vec<ByteArray> = filled().map(|cell| ByteArray::from(cell.as_bytes().to_vec())).collect();
        writer.typed::<ByteArrayType>().write_batch(&values, Some(&defined), None)?;
    } else {
        // Every cell was written from a finite f64 by `Columns::row`; Rust prints so that it reads back to the same bits.
        let values: Vec<f64> = filled().filter_map(|cell| cell.parse().ok()).collect();
        writer.typed::<DoubleType>().write_batch(&values, Some(&defined), None)?;
    }
    writer.close()
}

#[cfg(test)]
mod tests {
    use parquet::{file::reader::FileReader, file::serialized_reader::SerializedFileReader, record::Field};

    use super::*;

    #[test]
    fn parquet_holds_what_the_csv_held_and_nulls_where_it_was_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (csv, parquet) = (folder.path().join("a.csv"), folder.path().join("a.parquet"));
        let rows: String =
            (0..3000).map(|n| format!("f{n},voice@1,good,,{},\n", f64::from(n) / 3.0)).collect();
        std::fs::write(&csv, format!("file,set,quality,declined,voice.f0.mean,ink.time.total\n{rows}"))
            .unwrap();
        parquet_of_csv(&csv, &parquet).unwrap();
        let reader = SerializedFileReader::new(File::open(&parquet).unwrap()).unwrap();
        assert_eq!(
            (reader.metadata().num_row_groups(), reader.metadata().file_metadata().num_rows()),
            (3, 3000)
        );
        for (n, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let cells: Vec<(String, Field)> = row.unwrap().into_columns();
            assert_eq!(cells[0].1, Field::Str(format!("f{n}")));
            assert_eq!((&cells[3].1, &cells[5].1), (&Field::Null, &Field::Null));
            assert_eq!(cells[4], ("voice.f0.mean".to_owned(), Field::Double(n as f64 / 3.0)));
        }
    }
}
