//! A table of one's own: what is known of people, and beside it their files or their numbers, as CSV or Parquet.
//!
//! ```text
//! id, label, age, sex, education, language, site, device, mmse, moca     one row a person or a file; all but id may be left out
//! … task, file, session, date                      a row a file: paths from the table's folder; session and date may be left out
//! … clock/ink.time.total, picture/own.value [ms]   a row a person: task/feature, with a unit where the dictionary has none
//! ```
//! `participant` and `subject` stand for `id`. Rows of one person must not contradict one another.

use std::path::Path;

use feature::Unit;
use study::{Cohort, Column, Diagnosis, FeatureTable, Language, Participant, Provenance, Task};

use super::{
    gathering::{Gathering, Imported, person},
    sheet::{Sheet, sex, up_to, years},
};
use crate::{Error, dictionary};

/// Names of the column of pseudonyms.
const IDS: [&str; 3] = ["id", "participant", "subject"];

/// Most cells of a table of numbers: as many as a cohort folder may hold.
const MOST_CELLS: usize = 100_000_000;

pub(super) fn import(path: &Path) -> Result<Imported, Error> {
    let sheet = Sheet::open(path)?;
    let id = IDS.into_iter().find(|it| sheet.has(it)).ok_or_else(|| Error::MissingColumn {
        path: path.to_owned(),
        column: "id".to_owned(),
        got: sheet.header().len(),
    })?;
    let numbers: Vec<usize> =
        (0..sheet.header().len()).filter(|&it| sheet.header()[it].contains('/')).collect();
    match (sheet.has("file"), numbers.is_empty()) {
        (true, true) => files(sheet, id),
        (false, false) => table(sheet, id, &numbers),
        (with_files, _) => Err(Error::Layout {
            path: path.to_owned(),
            expected: "a column file beside task, or columns named task/feature".to_owned(),
            got: if with_files { "both" } else { "neither" }.to_owned(),
        }),
    }
}

fn files(mut sheet: Sheet, id: &str) -> Result<Imported, Error> {
    let path = sheet.path().to_owned();
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut gathering = Gathering::default();
    while sheet.advance()? {
        let one = known(&sheet, id)?;
        let (who, task) = (one.id.clone(), sheet.required("task", "a task", |it| Task::new(it).ok())?);
        let named = sheet.required("file", "a file", |it| Some(it.to_owned()))?;
        let file = folder.join(&named);
        if !super::gathering::chosen_drawing(&file).0.is_file() {
            return Err(sheet.bad("file", "a file below the folder of the table", &named));
        }
        let date = sheet.optional("date", "a day such as 2026-11-24", |it| it.parse().ok())?;
        let session = sheet.text("session").unwrap_or_default().to_owned();
        gathering.person(one, &path)?;
        gathering.dated(&who, (&session, date), task.as_str(), &file)?;
    }
    gathering.finish(provenance(&path), &path, "a row a file")
}

/// What a row says of a person.
fn known(sheet: &Sheet, id: &str) -> Result<Participant, Error> {
    let text = |column: &str| sheet.text(column).map(str::to_owned);
    let who = sheet.required(id, "a participant id", |it| Some(it.to_owned()))?;
    Ok(Participant {
        label: sheet.optional("label", "healthy, mci, dementia or other", |it| {
            it.to_lowercase().parse::<Diagnosis>().ok()
        })?,
        age: sheet.optional("age", "years from 0 to 130", years)?,
        sex: sheet.optional("sex", "female, male or other", sex)?,
        education: sheet.optional("education", "years from 0 to 40", up_to(40.0))?,
        language: text("language").map(Language),
        site: text("site"),
        device: text("device"),
        mmse: sheet.optional("mmse", "points from 0 to 30", up_to(30.0))?,
        moca: sheet.optional("moca", "points from 0 to 30", up_to(30.0))?,
        ..person(&who, sheet.path())?
    })
}

fn table(mut sheet: Sheet, id: &str, numbers: &[usize]) -> Result<Imported, Error> {
    let path = sheet.path().to_owned();
    let dictionary = dictionary();
    let column = |&place: &usize| column(&sheet, place, &dictionary);
    let columns: Vec<Column> = numbers.iter().map(column).collect::<Result<_, _>>()?;
    let mut provenance = provenance(&path);
    for column in &columns {
        let unit = provenance.units.insert(column.feature.clone(), column.unit).unwrap_or(column.unit);
        if unit != column.unit {
            return Err(Error::Layout {
                path,
                expected: format!("one unit of {}", column.feature),
                got: format!("{unit} and {}", column.unit),
            });
        }
    }
    let mut table = FeatureTable::new(columns)?;
    let mut seen = std::collections::HashMap::new();
    while sheet.advance()? {
        let one = known(&sheet, id)?;
        if let Some(first) = seen.insert(one.id.clone(), sheet.line()) {
            let place = path.display().to_string();
            return Err(study::Error::DuplicateParticipant { place, line: sheet.line(), first }.into());
        }
        if (table.len() + 1) * numbers.len() > MOST_CELLS {
            let line = sheet.line();
            return Err(study::Error::TooManyCells { path, line, limit: MOST_CELLS }.into());
        }
        let cells = numbers.iter().map(|&place| number(&sheet, place)).collect::<Result<Vec<_>, _>>()?;
        table.push_cells(one, cells)?;
    }
    let participants = table.participants().to_vec();
    Ok(Imported::of(Cohort {
        provenance,
        participants,
        table: Some(table),
        later: vec![],
        submissions: vec![],
    }))
}

fn number(sheet: &Sheet, place: usize) -> Result<Option<f32>, Error> {
    let Some(cell) = sheet.at(place) else { return Ok(None) };
    let number = cell.parse::<f64>().ok().map(|it| it as f32).filter(|it| it.is_finite());
    number.map(Some).ok_or_else(|| sheet.bad(&sheet.header()[place], "a finite number or nothing", cell))
}

/// The column of `task/feature` or `task/feature [unit]`.
fn column(
    sheet: &Sheet,
    place: usize,
    dictionary: &[(String, feature::Definition)],
) -> Result<Column, Error> {
    let name = &sheet.header()[place];
    let (bare, stated) = match name.split_once('[') {
        Some((bare, unit)) => (bare.trim(), Some(unit.trim_end_matches(']').trim())),
        None => (name.as_str(), None),
    };
    let (task, feature) = bare.split_once('/').unwrap_or((bare, ""));
    let unit = match stated {
        Some(unit) => Some(unit.parse::<Unit>().map_err(study::Error::from)?),
        None => dictionary.iter().find(|(_, it)| it.name == feature).map(|(_, it)| it.unit),
    };
    let unit = unit.ok_or_else(|| {
        sheet.bad(name, "a unit behind a feature that the dictionary lacks, as in clock/own.time [s]", bare)
    })?;
    Ok(Column::new(Task::new(task.trim())?, feature.trim(), unit))
}

fn provenance(path: &Path) -> Provenance {
    let name = super::gathering::stem(path);
    Provenance {
        name,
        source: "not stated".to_owned(),
        licence: "not stated".to_owned(),
        description: "Imported from a table of its owner's.".to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookalike::Folder;
    use super::*;

    fn imported(text: &str) -> Result<Imported, Error> {
        let folder = Folder::new();
        folder.text("manifest.csv", text);
        folder.tone("sound/a.wav");
        folder.tone("sound/b.wav");
        import(&folder.path().join("manifest.csv"))
    }

    #[test]
    fn a_row_a_file_names_people_once_and_sessions_by_day() {
        let text = "participant,label,age,sex,education,language,site,device,mmse,session,date,task,file\n\
                    p1,Healthy,70,F,12,ko,Seoul,phone,29,first,2026-01-05,picture,sound/a.wav\n\
                    p1,healthy,70,F,12,ko,Seoul,phone,29,second,2027-01-05,picture,sound/b.wav\n";
        let cohort = imported(text).unwrap().cohort;
        let one = &cohort.participants[0];
        assert_eq!(
            (cohort.participants.len(), one.mmse, one.site.as_deref()),
            (1, Some(29.0), Some("Seoul"))
        );
        assert_eq!(cohort.submissions[1].date.unwrap().to_string(), "2027-01-05");
    }

    #[test]
    fn a_row_a_person_takes_units_from_the_dictionary_or_the_header() {
        let text = "id,label,clock/ink.time.total,clock/own.delay [ms]\np1,mci,31.5,\n";
        let message = imported(text).unwrap_err().to_string();
        assert!(message.contains("unknown unit") && message.contains("ms"), "{message}");
        let cohort = imported("id,label,clock/ink.time.total,clock/own.delay [s]\np1,mci,31.5,\np2,,,0.2\n")
            .unwrap()
            .cohort;
        let table = cohort.table.as_ref().unwrap();
        assert_eq!((table.value(0, 0), table.value(0, 1), table.value(1, 1)), (Some(31.5), None, Some(0.2)));
        assert_eq!(table.columns()[1].unit, Unit::Second);
        let out = tempfile::tempdir().unwrap();
        Imported::of(cohort.clone()).write(out.path()).unwrap();
        assert_eq!(Cohort::read(out.path()).unwrap(), cohort);
    }

    #[test]
    fn parquet_reads_as_csv_does() {
        let csv = imported("id,label,clock/ink.time.total\np1,mci,31.5\np2,healthy,\n").unwrap().cohort;
        let folder = tempfile::tempdir().unwrap();
        csv.write_parquet(folder.path()).unwrap();
        let cohort = import(&folder.path().join("features.parquet")).unwrap().cohort;
        let (read, written) = (cohort.table.unwrap(), csv.table.unwrap());
        assert_eq!(read.columns(), written.columns());
        assert_eq!((read.value(0, 0), read.value(1, 0)), (Some(31.5), None));
    }

    #[test]
    fn every_bad_row_says_where_expected_and_got() {
        let cases = [
            ("name,task,file\n", r#"expected a column "id""#),
            (
                "id,task\np,picture\n",
                "expected a column file beside task, or columns named task/feature, got neither",
            ),
            ("id,file,clock/ink.time.total\n", "got both"),
            (
                "id,task,file\np,picture,sound/c.wav\n",
                r#"line 2, column "file": expected a file below the folder of the table, got "sound/c.wav""#,
            ),
            ("id,file\np,sound/a.wav\n", r#"column "task": expected a task, got """#),
            (
                "id,label,task,file\np,sick,picture,sound/a.wav\n",
                r#"expected healthy, mci, dementia or other, got "sick""#,
            ),
            ("id,date,task,file\np,5.1.26,picture,sound/a.wav\n", "expected a day such as 2026-11-24"),
            (
                "id,label,task,file\np,mci,picture,sound/a.wav\np,healthy,clock,sound/b.wav\n",
                "one label and one sex",
            ),
            ("id,task,file\n", "0 people and 0 files"),
            ("id,clock/own.delay\np,1\n", "a unit behind a feature that the dictionary lacks"),
            ("id,clock/ink.time.total\np,fast\n", r#"expected a finite number or nothing, got "fast""#),
            ("id,clock/ink.time.total\np,1\np,2\n", "line 3 was already there at line 2"),
        ];
        for (text, expected) in cases {
            let message = imported(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\nexpected {expected}");
        }
    }
}
