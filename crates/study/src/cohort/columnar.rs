//! `features.parquet`: an `id` of text and one column of numbers a feature, read and written a group of rows at a time.
//!
//! Numbers may be floats or integers of 32 or 64 bits, as other programs write them; ours are 32-bit floats, which is what a
//! table holds. A null is a missing value; a NaN or an infinity is refused as it is in CSV.

use std::{fs::File, path::Path, sync::Arc};

use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as Physical},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, ByteArrayType, DataType, FloatType},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::{FileReader, RowGroupReader},
        serialized_reader::SerializedFileReader,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};

use super::{Filling, MOST_CELLS, Provenance, column_of};
use crate::{Column, Error, FeatureTable, Participant, ParticipantId};

/// The column of pseudonyms.
const ID: &str = "id";

/// Rows of a group that is written.
const GROUP: usize = 4096;

/// Reads `features.parquet` of a cohort whose people and units are known.
pub(super) fn read(
    path: &Path,
    provenance: &Provenance,
    people: &[Participant],
) -> Result<FeatureTable, Error> {
    let failed = |source| Error::Parquet { path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let metadata = reader.metadata().file_metadata();
    let names: Vec<String> =
        metadata.schema_descr().columns().iter().map(|it| it.path().string().replace('"', "")).collect();
    let missing = || Error::MissingColumn {
        path: path.to_owned(),
        column: ID.to_owned(),
        got: names.iter().take(8).cloned().collect::<Vec<_>>().join(", "),
    };
    let id = names.iter().position(|name| name == ID).ok_or_else(missing)?;
    // The header says how much is to come: what is too much is refused before it is held.
    let rows = usize::try_from(metadata.num_rows()).unwrap_or(usize::MAX);
    if rows.saturating_mul(names.len() - 1) > MOST_CELLS {
        return Err(Error::TooManyCells { path: path.to_owned(), line: rows as u64, limit: MOST_CELLS });
    }
    let features = names.iter().filter(|name| *name != ID).map(|name| column_of(path, name, provenance));
    let mut filling = Filling::new(path, people, FeatureTable::new(features.collect::<Result<_, _>>()?)?);
    let mut line = 1;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(failed)?;
        line = read_group(&*group, (&names, id), &mut filling, line)?;
    }
    Ok(filling.table)
}

/// Adds the rows of one group; `line` counts rows as CSV does, the header being the first.
fn read_group(
    group: &dyn RowGroupReader,
    (names, id): (&[String], usize),
    filling: &mut Filling<'_>,
    mut line: u64,
) -> Result<u64, Error> {
    let path = filling.path;
    let failed = |source| Error::Parquet { path: path.to_owned(), source };
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let (mut ids, mut columns) = (Vec::new(), Vec::new());
    for (place, name) in names.iter().enumerate() {
        let column = group.get_column_reader(place).map_err(failed)?;
        if place == id {
            ids = texts(column, rows).map_err(failed)?.ok_or_else(|| wrong(path, name, "text", "numbers"))?;
        } else {
            let cells = numbers(column, rows).map_err(failed)?;
            columns.push((name, cells.ok_or_else(|| wrong(path, name, "numbers", "another type"))?));
        }
    }
    for row in 0..rows {
        line += 1;
        let cell = |column: &str, expected, got: String| Error::Cell {
            path: path.to_owned(),
            line,
            column: column.to_owned(),
            expected,
            got,
        };
        let text = ids[row].as_deref().unwrap_or_default();
        let id = ParticipantId::new(text).map_err(|_| cell(ID, "a participant id", text.to_owned()))?;
        let number = |(name, cells): &(&String, Vec<Option<f64>>)| match cells[row].map(|it| it as f32) {
            Some(number) if !number.is_finite() => {
                Err(cell(name, "a finite number or nothing", number.to_string()))
            }
            number => Ok(number),
        };
        filling.push(id, columns.iter().map(number).collect::<Result<_, _>>()?, line)?;
    }
    Ok(line)
}

fn wrong(path: &Path, column: &str, expected: &'static str, got: &str) -> Error {
    Error::ColumnType { path: path.to_owned(), column: column.to_owned(), expected, got: got.to_owned() }
}

/// Cells of a column of text; `None` where it is of another type.
fn texts(column: ColumnReader, rows: usize) -> Result<Option<Vec<Option<String>>>, ParquetError> {
    let ColumnReader::ByteArrayColumnReader(mut reader) = column else { return Ok(None) };
    let cells = cells(&mut reader, rows)?;
    let text = |it: ByteArray| String::from_utf8_lossy(it.data()).into_owned();
    Ok(Some(cells.into_iter().map(|cell| cell.map(text)).collect()))
}

/// Cells of a column of numbers; `None` where it is of another type.
fn numbers(column: ColumnReader, rows: usize) -> Result<Option<Vec<Option<f64>>>, ParquetError> {
    let wide = |cells: Vec<Option<f32>>| cells.into_iter().map(|it| it.map(f64::from)).collect();
    Ok(match column {
        ColumnReader::FloatColumnReader(mut reader) => Some(wide(cells(&mut reader, rows)?)),
        ColumnReader::DoubleColumnReader(mut reader) => Some(cells(&mut reader, rows)?),
        ColumnReader::Int32ColumnReader(mut reader) => {
            Some(cells(&mut reader, rows)?.into_iter().map(|it| it.map(f64::from)).collect())
        }
        ColumnReader::Int64ColumnReader(mut reader) => {
            Some(cells(&mut reader, rows)?.into_iter().map(|it| it.map(|it| it as f64)).collect())
        }
        _ => None,
    })
}

/// One cell a row, `None` where it is null.
fn cells<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut values, mut levels): (Vec<T::T>, Vec<i16>) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, _, _) = reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!("expected {rows} rows in a column, got {read}")));
        }
        read += records;
    }
    let mut values = values.into_iter();
    // A required column has no levels: all is there.
    Ok(match levels.is_empty() {
        true => values.map(Some).collect(),
        false => levels.iter().map(|level| if *level > 0 { values.next() } else { None }).collect(),
    })
}

/// Writes a table: `id` as text, every column as optional floats.
pub(super) fn write(path: &Path, table: &FeatureTable) -> Result<(), Error> {
    let failed = |source| Error::Parquet { path: path.to_owned(), source };
    let open = |source| Error::Open { path: path.to_owned(), source };
    let schema = Arc::new(schema(table.columns()).map_err(failed)?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    // Written aside and renamed: a table that was broken off must not pass for one.
    let aside = path.with_extension("parquet.new");
    let file = File::create(&aside).map_err(open)?;
    let mut writer = SerializedFileWriter::new(file, schema, properties).map_err(failed)?;
    for first in (0..table.len()).step_by(GROUP) {
        let rows = first..(first + GROUP).min(table.len());
        let mut group = writer.next_row_group().map_err(failed)?;
        write_group(&mut group, table, rows).map_err(failed)?;
        group.close().map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    std::fs::rename(&aside, path).map_err(open)
}

fn schema(columns: &[Column]) -> Result<Type, ParquetError> {
    let id = Type::primitive_type_builder(ID, Physical::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_converted_type(ConvertedType::UTF8)
        .build()?;
    let mut fields = vec![Arc::new(id)];
    for column in columns {
        let name = column.name();
        let number =
            Type::primitive_type_builder(&name, Physical::FLOAT).with_repetition(Repetition::OPTIONAL);
        fields.push(Arc::new(number.build()?));
    }
    Type::group_type_builder("features").with_fields(fields).build()
}

fn write_group(
    group: &mut SerializedRowGroupWriter<'_, File>,
    table: &FeatureTable,
    rows: std::ops::Range<usize>,
) -> Result<(), ParquetError> {
    if let Some(mut writer) = group.next_column()? {
        let id = |row: usize| ByteArray::from(table.participants()[row].id.reveal().as_bytes().to_vec());
        let ids: Vec<ByteArray> = rows.clone().map(id).collect();
        writer.typed::<ByteArrayType>().write_batch(&ids, None, None)?;
        writer.close()?;
    }
    for column in 0..table.columns().len() {
        let Some(mut writer) = group.next_column()? else { break };
        let cells: Vec<Option<f32>> = rows.clone().map(|row| table.value(row, column)).collect();
        let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
        let values: Vec<f32> = cells.into_iter().flatten().collect();
        writer.typed::<FloatType>().write_batch(&values, Some(&levels), None)?;
        writer.close()?;
    }
    Ok(())
}
