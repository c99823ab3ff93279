//! DARWIN: 174 people, 25 handwriting tasks, 18 features each (Cilia et al. 2022, UCI 732).
//!
//! The file has one row a person and columns `air_time1 … total_time25`. Its three times are milliseconds and become
//! seconds; pen-downs are counts; every other measure stays in the units of its tablet, whose size its authors do not
//! state ([`Unit::Darwin`]). Blocks that repeat another person's exactly are kept here and marked as masked in
//! `cohort.json`, so that an evaluation takes them out by default and can still show the file as it was published.

use std::path::Path;

use feature::{Unit, Value};
use study::{
    Answer, Cohort, Column, Decision, Diagnosis, FeatureTable, Language, Participant, ParticipantId,
    Provenance, Task,
};

use crate::Error;

/// The tasks of the protocol, 1 to 25.
const TASKS: u32 = 25;

/// The measures of a task, in the file's order, named as `ink@1` names them behind `ink.darwin.`.
const FEATURES: [&str; 18] = [
    "air_time",
    "disp_index",
    "gmrt_in_air",
    "gmrt_on_paper",
    "max_x_extension",
    "max_y_extension",
    "mean_acc_in_air",
    "mean_acc_on_paper",
    "mean_gmrt",
    "mean_jerk_in_air",
    "mean_jerk_on_paper",
    "mean_speed_in_air",
    "mean_speed_on_paper",
    "num_of_pendown",
    "paper_time",
    "pressure_mean",
    "pressure_var",
    "total_time",
];

/// Reads `DARWIN.csv`. A missing column or a cell that is no number is an error naming line and column.
pub(super) fn import(path: &Path) -> Result<Cohort, Error> {
    let failed = |source| Error::Csv { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let header = reader.headers().map_err(failed)?.clone();
    let place = |column: &str| {
        header.iter().position(|it| it == column).ok_or_else(|| Error::MissingColumn {
            path: path.to_owned(),
            column: column.to_owned(),
            got: header.len(),
        })
    };
    let (id, class) = (place("ID")?, place("class")?);
    let cells = cells();
    let places = cells.iter().map(|cell| place(&cell.column)).collect::<Result<Vec<_>, _>>()?;
    let mut table = FeatureTable::new(columns(&cells)?)?;
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let row = Record { path, line: record.position().map_or(0, csv::Position::line), record: &record };
        let participant = row.participant(id, class)?;
        let values = cells.iter().zip(&places).map(|(cell, &place)| row.value(cell, place));
        table.push(participant, values.collect::<Result<Vec<_>, _>>()?)?;
    }
    Ok(Cohort {
        provenance: provenance(),
        participants: table.participants().to_vec(),
        table: Some(table),
        later: vec![],
        submissions: vec![],
    })
}

/// A column of the file and what it becomes.
struct Cell {
    column: String,
    task: u32,
    feature: &'static str,
}

fn cells() -> Vec<Cell> {
    let of_task = |task| FEATURES.map(|feature| Cell { column: format!("{feature}{task}"), task, feature });
    (1..=TASKS).flat_map(of_task).collect()
}

fn columns(cells: &[Cell]) -> Result<Vec<Column>, Error> {
    let column = |cell: &Cell| {
        let task = Task::new(&format!("darwin-{}", cell.task))?;
        Ok(Column::new(task, &format!("ink.darwin.{}", cell.feature), unit(cell.feature)))
    };
    cells.iter().map(column).collect()
}

fn unit(feature: &str) -> Unit {
    match feature {
        "air_time" | "paper_time" | "total_time" => Unit::Second,
        "num_of_pendown" => Unit::Count,
        _ => Unit::Darwin,
    }
}

struct Record<'a> {
    path: &'a Path,
    line: u64,
    record: &'a csv::StringRecord,
}

impl Record<'_> {
    fn participant(&self, id: usize, class: usize) -> Result<Participant, Error> {
        let label = match self.record.get(class) {
            Some("P") => Diagnosis::Dementia,
            Some("H") => Diagnosis::Healthy,
            got => return Err(self.bad("class", "P or H", got)),
        };
        let id = ParticipantId::new(self.record.get(id).unwrap_or_default())?;
        let language = Some(Language("it".to_owned()));
        Ok(Participant { label: Some(label), language, ..Participant::new(id) })
    }

    fn value(&self, cell: &Cell, place: usize) -> Result<Value, Error> {
        let got = self.record.get(place);
        let number = got.and_then(|it| it.trim().parse::<f64>().ok()).filter(|it| it.is_finite());
        let number = number.ok_or_else(|| self.bad(&cell.column, "a finite number", got))?;
        let milliseconds = unit(cell.feature) == Unit::Second;
        Ok(Value::Measured(if milliseconds { number / 1000.0 } else { number }))
    }

    fn bad(&self, column: &str, expected: &'static str, got: Option<&str>) -> Error {
        Error::Cell {
            path: self.path.to_owned(),
            line: self.line,
            column: column.to_owned(),
            expected,
            got: got.unwrap_or("nothing").to_owned(),
        }
    }
}

fn provenance() -> Provenance {
    Provenance {
        name: "darwin".to_owned(),
        source: "Cilia, De Gregorio, De Stefano, Fontanella, Marcelli, Parziale 2022, Engineering Applications of \
                 Artificial Intelligence 111:104822; UCI Machine Learning Repository 732"
            .to_owned(),
        licence: "CC BY 4.0".to_owned(),
        description: "Handwriting of people with Alzheimer's disease and of healthy people, Italian, 25 tasks on one \
                      tablet. Age, sex and schooling of each person are not in the file. Task 24 is a clock at 11:05."
            .to_owned(),
        synthetic: false,
        units: FEATURES.iter().map(|feature| (format!("ink.darwin.{feature}"), unit(feature))).collect(),
        answers: vec![Answer {
            finding: "copied_blocks".to_owned(),
            decision: Decision::Masked,
            note: "blocks identical to another person's of the same class are taken as missing".to_owned(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(
        cell: impl Fn(&str, usize) -> String,
        rows: usize,
        drop: Option<&str>,
    ) -> tempfile::NamedTempFile {
        let names: Vec<String> = std::iter::once("ID".to_owned())
            .chain(cells().into_iter().map(|cell| cell.column))
            .chain(["class".to_owned()])
            .filter(|name| Some(name.as_str()) != drop)
            .collect();
        let line = |row: usize| names.iter().map(|name| cell(name, row)).collect::<Vec<_>>().join(",");
        let lines: Vec<String> = std::iter::once(names.join(",")).chain((0..rows).map(line)).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        file
    }

    fn plain(name: &str, row: usize) -> String {
        match name {
            "ID" => format!("id_{row}"),
            "class" => if row.is_multiple_of(2) { "P" } else { "H" }.to_owned(),
            _ => "1500".to_owned(),
        }
    }

    #[test]
    fn times_become_seconds_and_the_rest_keeps_its_unit() {
        let cohort = import(file(plain, 2, None).path()).unwrap();
        let table = cohort.table.unwrap();
        assert_eq!((table.len(), table.columns().len(), table.tasks().len()), (2, 450, 25));
        let column = |name: &str| table.columns().iter().position(|it| it.name() == name).unwrap();
        let (time, speed) =
            (column("darwin-24/ink.darwin.air_time"), column("darwin-3/ink.darwin.mean_speed_in_air"));
        assert_eq!((table.value(0, time), table.columns()[time].unit), (Some(1.5), Unit::Second));
        assert_eq!((table.value(0, speed), table.columns()[speed].unit), (Some(1500.0), Unit::Darwin));
        assert_eq!(table.participants()[1].label, Some(Diagnosis::Healthy));
    }

    #[test]
    fn a_file_without_a_column_or_with_a_bad_cell_says_which() {
        let message = |file: tempfile::NamedTempFile| import(file.path()).unwrap_err().to_string();
        let missing = message(file(plain, 2, Some("paper_time7")));
        assert!(missing.contains(r#"expected a column "paper_time7""#), "{missing}");
        let label =
            message(file(|name, row| if name == "class" { "Q".into() } else { plain(name, row) }, 2, None));
        assert!(label.contains("line 2") && label.contains(r#"expected P or H, got "Q""#), "{label}");
        let cell = message(file(
            |name, row| if name == "gmrt_in_air3" { "x".into() } else { plain(name, row) },
            1,
            None,
        ));
        assert!(cell.contains("gmrt_in_air3") && cell.contains("a finite number"), "{cell}");
    }

    #[test]
    fn an_imported_cohort_reads_back() {
        let cohort = import(file(plain, 4, None).path()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        cohort.write(folder.path()).unwrap();
        assert_eq!(Cohort::read(folder.path()).unwrap(), cohort);
    }
}
