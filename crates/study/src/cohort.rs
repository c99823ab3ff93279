//! A cohort folder: `cohort.json`, `participants.csv`, and `features.csv`, `features.parquet` or `submissions.csv`.
//!
//! Numbers are of each person's first session. Where people came again, `features-2.csv` (or `.parquet`) holds the second session of
//! those who did, `features-3` the third, and so on: nothing trains on them, but they tell which features repeat.

mod columnar;
mod rows;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use feature::Unit;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Column, Error, FeatureTable, Participant, ParticipantId, Task};
use rows::Rows;

/// Most cells of a table of features that are read: 400 MB of `f32`, twice a hundred thousand people by five hundred columns.
pub(crate) const MOST_CELLS: usize = 100_000_000;

/// What was decided of a finding of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// What the finding names is taken out before anything is fitted or judged.
    Masked,
    /// Somebody looked and lets it stand.
    Acknowledged,
}

/// A finding of the audit that somebody answered, in the cohort file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Kind of finding: `copied_blocks`.
    pub finding: String,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub note: String,
}

/// `cohort.json`: what the cohort is, where it comes from and what may be done with it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Short name: `darwin`.
    pub name: String,
    /// Paper or page it comes from.
    #[serde(default)]
    pub source: String,
    /// Licence of the data.
    #[serde(default)]
    pub licence: String,
    /// What a reader must know: language, groups, how labels were made.
    #[serde(default)]
    pub description: String,
    /// Whether its people are made up.
    #[serde(default)]
    pub synthetic: bool,
    /// Unit of each feature of `features.csv`.
    #[serde(default)]
    pub units: BTreeMap<String, Unit>,
    /// Findings of the audit that were answered.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

impl Provenance {
    /// What was decided of this kind of finding, if anything.
    pub fn decision(&self, finding: &str) -> Option<Decision> {
        self.answers.iter().find(|answer| answer.finding == finding).map(|answer| answer.decision)
    }
}

/// A row of `submissions.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortSubmission {
    /// Who.
    pub participant: ParticipantId,
    /// Which sitting, as the cohort names it.
    pub session: String,
    /// Day of the sitting, where it is known.
    pub date: Option<Date>,
    /// What was asked.
    pub task: Task,
    /// The file, relative to the cohort folder; `#name` behind it chooses one of several drawings in a file.
    pub file: PathBuf,
}

/// A cohort: what is known of its people, and their numbers or files.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// What it is and where it comes from.
    pub provenance: Provenance,
    /// Its people.
    pub participants: Vec<Participant>,
    /// Their numbers, if the cohort has `features.csv` or `features.parquet`; one row each of the people that file names.
    pub table: Option<FeatureTable>,
    /// Numbers of later sessions: everybody's second one who has one, then the third ones, from `features-2.csv` on.
    pub later: Vec<FeatureTable>,
    /// Their files, if the cohort has `submissions.csv`.
    pub submissions: Vec<CohortSubmission>,
}

impl Cohort {
    /// Reads a cohort folder. Errors name file, line, column, expected and got.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("cohort.json");
        if !path.exists() {
            return Err(Error::NoCohort { path: folder.to_owned() });
        }
        let bytes = std::fs::read(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
        let provenance: Provenance =
            serde_json::from_slice(&bytes).map_err(|source| Error::Json { path, source })?;
        let participants = read_participants(&folder.join("participants.csv"))?;
        let submissions = folder.join("submissions.csv");
        let table = read_table(folder, "features", (&provenance, &participants))?;
        if table.is_none() && !submissions.exists() {
            return Err(Error::NoTable { path: folder.to_owned() });
        }
        let submissions =
            submissions.exists().then(|| read_submissions(&submissions, &participants)).transpose()?;
        let mut later = vec![];
        while let Some(again) = read_table(folder, &later_name(later.len()), (&provenance, &participants))? {
            later.push(again);
        }
        Ok(Self { provenance, participants, table, later, submissions: submissions.unwrap_or_default() })
    }

    /// The cohort with the rows of those people only who have a label, and how many were left out: nobody without one can train
    /// or judge anything.
    pub fn labelled(mut self) -> (Self, usize) {
        let Some(table) = &self.table else { return (self, 0) };
        let known: Vec<usize> =
            (0..table.len()).filter(|&row| table.participants()[row].label.is_some()).collect();
        let left_out = table.len() - known.len();
        if left_out > 0 {
            self.table = Some(table.of_people(&known));
        }
        (self, left_out)
    }

    /// Writes the cohort folder, making it where needed, with numbers as `features.csv`. Cells are written so that they read back
    /// to the same `f32`.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        self.write_but_table(folder)?;
        self.named_tables()
            .try_for_each(|(name, table)| write_features(&folder.join(name).with_extension("csv"), table))
    }

    /// Writes the cohort folder with numbers as `features.parquet`: less than half the size, and read many times faster.
    pub fn write_parquet(&self, folder: &Path) -> Result<(), Error> {
        self.write_but_table(folder)?;
        self.write_columns(folder)
    }

    /// Writes only what measuring adds: `cohort.json` with the units, and the numbers as `features.parquet`. The files that
    /// somebody keeps by hand are left as they are.
    pub fn write_measured(&self, folder: &Path) -> Result<(), Error> {
        self.write_provenance(folder)?;
        self.write_columns(folder)?;
        // What an earlier measuring of more sessions left would be read as theirs.
        for session in self.later.len().. {
            let path = folder.join(later_name(session)).with_extension("parquet");
            if !path.exists() {
                break;
            }
            std::fs::remove_file(&path).map_err(|source| Error::Open { path, source })?;
        }
        Ok(())
    }

    fn write_columns(&self, folder: &Path) -> Result<(), Error> {
        self.named_tables().try_for_each(|(name, table)| {
            columnar::write(&folder.join(name).with_extension("parquet"), table)
        })
    }

    /// Every table with the name of its file.
    fn named_tables(&self) -> impl Iterator<Item = (String, &FeatureTable)> {
        let first = self.table.iter().map(|table| ("features".to_owned(), table));
        first.chain(self.later.iter().enumerate().map(|(session, table)| (later_name(session), table)))
    }

    fn write_provenance(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join("cohort.json");
        let json = serde_json::to_vec_pretty(&self.provenance)
            .map_err(|source| Error::Json { path: path.clone(), source })?;
        std::fs::write(&path, json).map_err(|source| Error::Open { path, source })
    }

    fn write_but_table(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Open { path: folder.to_owned(), source })?;
        self.write_provenance(folder)?;
        rows::write(
            &folder.join("participants.csv"),
            &PARTICIPANT_COLUMNS,
            self.participants.iter().map(participant_row),
        )?;
        if !self.submissions.is_empty() {
            rows::write(
                &folder.join("submissions.csv"),
                &SUBMISSION_COLUMNS,
                self.submissions.iter().map(submission_row),
            )?;
        }
        Ok(())
    }
}

const PARTICIPANT_COLUMNS: [&str; 10] =
    ["id", "label", "age", "sex", "education", "language", "site", "device", "mmse", "moca"];
const SUBMISSION_COLUMNS: [&str; 5] = ["participant", "session", "task", "file", "date"];

/// Name of the file of a later session: the second has place 0.
fn later_name(place: usize) -> String {
    format!("features-{}", place + 2)
}

/// The numbers of a cohort folder by the name of their file, if it has any; two files of numbers are refused.
fn read_table(
    folder: &Path,
    name: &str,
    (provenance, people): (&Provenance, &[Participant]),
) -> Result<Option<FeatureTable>, Error> {
    let of = |ending: &str| folder.join(format!("{name}.{ending}"));
    let (text, parquet) = (of("csv"), of("parquet"));
    match (text.exists(), parquet.exists()) {
        (true, true) => Err(Error::TwoTables { path: folder.to_owned() }),
        (true, false) => read_features(&text, provenance, people).map(Some),
        (false, true) => columnar::read(&parquet, provenance, people).map(Some),
        (false, false) => Ok(None),
    }
}

fn read_participants(path: &Path) -> Result<Vec<Participant>, Error> {
    let mut rows = Rows::open(path, &["id"])?;
    let (mut participants, mut lines) = (Vec::new(), HashMap::new());
    while rows.advance()? {
        let participant = Participant {
            id: rows.required("id", "a participant id", |id| ParticipantId::new(id).ok())?,
            label: rows.optional("label", "healthy, mci, dementia or other", |word| word.parse().ok())?,
            age: rows.optional("age", "years from 0 to 130", |cell| number_within(cell, 130.0))?,
            sex: rows.optional("sex", "female, male or other", |word| word.parse().ok())?,
            education: rows.optional("education", "years from 0 to 40", |cell| number_within(cell, 40.0))?,
            language: rows
                .optional("language", "a language code", |code| Some(crate::Language(code.to_owned())))?,
            site: rows.optional("site", "a site", |site| Some(site.to_owned()))?,
            device: rows.optional("device", "a device", |device| Some(device.to_owned()))?,
            mmse: rows.optional("mmse", "points from 0 to 30", |cell| number_within(cell, 30.0))?,
            moca: rows.optional("moca", "points from 0 to 30", |cell| number_within(cell, 30.0))?,
        };
        if let Some(first) = lines.insert(participant.id.clone(), rows.line()) {
            return Err(Error::DuplicateParticipant {
                place: path.display().to_string(),
                line: rows.line(),
                first,
            });
        }
        participants.push(participant);
    }
    Ok(participants)
}

fn number_within(cell: &str, limit: f64) -> Option<f64> {
    cell.parse().ok().filter(|number| (0.0..=limit).contains(number))
}

fn participant_row(participant: &Participant) -> Vec<String> {
    fn cell(value: Option<impl ToString>) -> String {
        value.map(|it| it.to_string()).unwrap_or_default()
    }
    vec![
        participant.id.reveal().to_owned(),
        cell(participant.label),
        cell(participant.age),
        cell(participant.sex),
        cell(participant.education),
        cell(participant.language.as_ref().map(|it| &it.0)),
        cell(participant.site.as_ref()),
        cell(participant.device.as_ref()),
        cell(participant.mmse),
        cell(participant.moca),
    ]
}

fn read_features(
    path: &Path,
    provenance: &Provenance,
    people: &[Participant],
) -> Result<FeatureTable, Error> {
    let mut rows = Rows::open(path, &["id"])?;
    let names: Vec<String> = rows.header().filter(|name| *name != "id").map(str::to_owned).collect();
    let columns = names.iter().map(|name| column_of(path, name, provenance)).collect::<Result<_, _>>()?;
    let mut filling = Filling::new(path, people, FeatureTable::new(columns)?);
    while rows.advance()? {
        let id = rows.required("id", "a participant id", |id| ParticipantId::new(id).ok())?;
        let cells = names.iter().map(|name| feature_cell(&rows, name)).collect::<Result<Vec<_>, _>>()?;
        filling.push(id, cells, rows.line())?;
    }
    Ok(filling.table)
}

/// A table that is being filled from a file, row by row.
struct Filling<'a> {
    path: &'a Path,
    known: HashMap<&'a ParticipantId, &'a Participant>,
    lines: HashMap<ParticipantId, u64>,
    table: FeatureTable,
}

impl<'a> Filling<'a> {
    fn new(path: &'a Path, people: &'a [Participant], table: FeatureTable) -> Self {
        let known = people.iter().map(|it| (&it.id, it)).collect();
        Self { path, known, lines: HashMap::new(), table }
    }

    /// Adds the row of a person, who must be known and have no row yet.
    fn push(&mut self, id: ParticipantId, cells: Vec<Option<f32>>, line: u64) -> Result<(), Error> {
        let unknown = || Error::UnknownParticipant { path: self.path.to_owned(), line };
        let participant = (*self.known.get(&id).ok_or_else(unknown)?).clone();
        if let Some(first) = self.lines.insert(id, line) {
            return Err(Error::DuplicateParticipant { place: self.path.display().to_string(), line, first });
        }
        let got = (self.table.len() + 1) * cells.len();
        if got > MOST_CELLS {
            return Err(Error::TooManyCells { path: self.path.to_owned(), line, limit: MOST_CELLS });
        }
        self.table.push_cells(participant, cells)
    }
}

fn column_of(path: &Path, name: &str, provenance: &Provenance) -> Result<Column, Error> {
    let cell = |expected, got: &str| Error::Cell {
        path: path.to_owned(),
        line: 1,
        column: name.to_owned(),
        expected,
        got: got.to_owned(),
    };
    let (task, feature) = name.split_once('/').ok_or_else(|| cell("a column named task/feature", name))?;
    let unit =
        provenance.units.get(feature).ok_or_else(|| cell("a unit for the feature in cohort.json", "none"))?;
    Ok(Column::new(Task::new(task)?, feature, *unit))
}

fn feature_cell(rows: &Rows, name: &str) -> Result<Option<f32>, Error> {
    let finite = |cell: &str| cell.parse::<f64>().ok().map(|it| it as f32).filter(|it| it.is_finite());
    rows.optional(name, "a finite number or nothing", finite)
}

fn write_features(path: &Path, table: &FeatureTable) -> Result<(), Error> {
    let names: Vec<String> = table.columns().iter().map(Column::name).collect();
    let header: Vec<&str> = std::iter::once("id").chain(names.iter().map(String::as_str)).collect();
    let row = |row: usize| {
        let cells = table.row(row).map(|cell| cell.map(|number| number.to_string()).unwrap_or_default());
        std::iter::once(table.participants()[row].id.reveal().to_owned()).chain(cells).collect()
    };
    rows::write(path, &header, (0..table.len()).map(row))
}

fn read_submissions(path: &Path, people: &[Participant]) -> Result<Vec<CohortSubmission>, Error> {
    let known: std::collections::HashSet<&ParticipantId> = people.iter().map(|it| &it.id).collect();
    let mut rows = Rows::open(path, &SUBMISSION_COLUMNS[..4])?;
    let mut submissions = Vec::new();
    while rows.advance()? {
        let participant =
            rows.required("participant", "a participant id", |id| ParticipantId::new(id).ok())?;
        if !known.contains(&participant) {
            return Err(Error::UnknownParticipant { path: path.to_owned(), line: rows.line() });
        }
        submissions.push(CohortSubmission {
            participant,
            session: rows.optional("session", "a session", |it| Some(it.to_owned()))?.unwrap_or_default(),
            task: rows.required("task", "a task", |task| Task::new(task).ok())?,
            file: rows.required("file", "a file", |file| Some(PathBuf::from(file)))?,
            date: rows.optional("date", "a day such as 2026-11-24", |day| day.parse().ok())?,
        });
    }
    Ok(submissions)
}

fn submission_row(submission: &CohortSubmission) -> Vec<String> {
    vec![
        submission.participant.reveal().to_owned(),
        submission.session.clone(),
        submission.task.to_string(),
        submission.file.display().to_string(),
        submission.date.map(|day| day.to_string()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Diagnosis;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(participants: &str, features: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let json = r#"{"name": "demo", "units": {"ink.time.total": "s"}}"#;
            std::fs::write(folder.path().join("cohort.json"), json).unwrap();
            std::fs::write(folder.path().join("participants.csv"), participants).unwrap();
            std::fs::write(folder.path().join("features.csv"), features).unwrap();
            Self(folder)
        }

        fn read(&self) -> Result<Cohort, Error> {
            Cohort::read(self.0.path())
        }
    }

    const PEOPLE: &str = "id,label,age,mmse,moca\na,healthy,71,29,\nb,dementia,,18.5,12\n";

    #[test]
    fn a_cohort_reads_and_writes_the_same() {
        let cohort = Folder::new(PEOPLE, "id,clock/ink.time.total\nb,74.1\na,\n").read().unwrap();
        let table = cohort.table.as_ref().unwrap();
        assert_eq!((table.value(0, 0), table.value(1, 0)), (Some(74.1), None));
        assert_eq!(table.participants()[0].label, Some(Diagnosis::Dementia));
        assert_eq!((table.participants()[0].mmse, table.participants()[1].moca), (Some(18.5), None));
        let (text, parquet) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        cohort.write(text.path()).unwrap();
        cohort.write_parquet(parquet.path()).unwrap();
        assert_eq!(Cohort::read(text.path()).unwrap(), cohort);
        assert_eq!(Cohort::read(parquet.path()).unwrap(), cohort);
    }

    #[test]
    fn submissions_read_back_with_their_days() {
        let folder = Folder::new(PEOPLE, "id\n").0;
        let text = "participant,session,task,file,date\na,1,picture,a.wav,2026-11-24\nb,,clock,b.ndjson#2,\n";
        std::fs::write(folder.path().join("submissions.csv"), text).unwrap();
        let cohort = Cohort::read(folder.path()).unwrap();
        assert_eq!(cohort.submissions[0].date.unwrap().to_string(), "2026-11-24");
        assert_eq!((cohort.submissions[1].date, &*cohort.submissions[1].session), (None, ""));
        let again = tempfile::tempdir().unwrap();
        cohort.write(again.path()).unwrap();
        assert_eq!(std::fs::read_to_string(again.path().join("submissions.csv")).unwrap(), text);
        let bad = text.replace("2026-11-24", "24.11.26");
        std::fs::write(folder.path().join("submissions.csv"), bad).unwrap();
        let message = Cohort::read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("line 2, column \"date\": expected a day such as 2026-11-24"), "{message}");
    }

    #[test]
    fn people_without_a_label_can_be_left_out_and_are_counted() {
        let folder = Folder::new("id,label\na,healthy\nb,\n", "id,clock/ink.time.total\nb,74.1\na,31\n");
        let (cohort, left_out) = folder.read().unwrap().labelled();
        let table = cohort.table.unwrap();
        assert_eq!((left_out, table.len(), table.participants()[0].id.reveal()), (1, 1, "a"));
        assert_eq!(cohort.participants.len(), 2);
    }

    #[test]
    fn later_sessions_are_read_and_written_and_old_ones_do_not_stay() {
        let folder = Folder::new(PEOPLE, "id,clock/ink.time.total\na,31\nb,74.1\n");
        let at = folder.0.path();
        std::fs::write(at.join("features-2.csv"), "id,clock/ink.time.total\nb,70.5\n").unwrap();
        std::fs::write(at.join("features-3.csv"), "id,clock/ink.time.total\nb,71\n").unwrap();
        let cohort = folder.read().unwrap();
        assert_eq!((cohort.later.len(), cohort.later[1].value(0, 0)), (2, Some(71.0)));
        let other = tempfile::tempdir().unwrap();
        cohort.write_parquet(other.path()).unwrap();
        assert_eq!(Cohort::read(other.path()).unwrap(), cohort);
        let again = tempfile::tempdir().unwrap();
        cohort.write(again.path()).unwrap();
        assert_eq!(Cohort::read(again.path()).unwrap(), cohort);
        let less = Cohort { later: cohort.later[..1].to_vec(), ..cohort };
        less.write_measured(other.path()).unwrap();
        assert_eq!(Cohort::read(other.path()).unwrap(), less);
    }

    #[test]
    fn two_files_of_numbers_are_refused() {
        let folder = Folder::new(PEOPLE, "id,clock/ink.time.total\nb,74.1\n");
        folder.read().unwrap().write_parquet(folder.0.path()).unwrap();
        let message = folder.read().unwrap_err().to_string();
        assert!(
            message.contains("expected one of features.csv and features.parquet, found both"),
            "{message}"
        );
    }

    #[test]
    fn every_bad_cell_says_where_expected_and_got() {
        let cases = [
            (
                "id,label\na,P\n",
                "id\n",
                r#"line 2, column "label": expected healthy, mci, dementia or other, got "P""#,
            ),
            ("id,mmse\na,31\n", "id\n", r#"column "mmse": expected points from 0 to 30, got "31""#),
            ("id,moca\na,-1\n", "id\n", r#"column "moca": expected points from 0 to 30, got "-1""#),
            ("id,age\na,old\n", "id\n", r#"expected years from 0 to 130, got "old""#),
            ("name\na\n", "id\n", r#"expected a column "id", got: name"#),
            (PEOPLE, "id,clock/ink.time.total\na,x\n", r#"expected a finite number or nothing, got "x""#),
            (PEOPLE, "id,clock/ink.time.total\na,NaN\n", r#"expected a finite number or nothing, got "NaN""#),
            (PEOPLE, "id,total\na,1\n", "expected a column named task/feature"),
            (PEOPLE, "id,clock/ink.other\na,1\n", "expected a unit for the feature in cohort.json"),
            (PEOPLE, "id,clock/ink.time.total\nc,1\n", "line 2: this participant is not in participants.csv"),
            ("id\na\na\n", "id\n", "line 3 was already there at line 2"),
            (PEOPLE, "id,clock/ink.time.total\na,1\na,2\n", "line 3 was already there at line 2"),
            (PEOPLE, "id,clock/ink.time.total\na\n", "1 fields"),
        ];
        for (participants, features, expected) in cases {
            let message = Folder::new(participants, features).read().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\nexpected {expected}");
        }
    }

    #[test]
    fn a_folder_without_a_table_says_what_it_should_hold() {
        let folder = Folder::new(PEOPLE, "");
        std::fs::remove_file(folder.0.path().join("features.csv")).unwrap();
        assert!(
            folder
                .read()
                .unwrap_err()
                .to_string()
                .contains("features.csv, features.parquet or submissions.csv")
        );
    }
}
