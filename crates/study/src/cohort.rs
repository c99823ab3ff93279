//! A cohort folder: `cohort.json`, `participants.csv`, and `features.csv` or `submissions.csv`.

mod rows;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use feature::{Unit, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Column, Error, FeatureTable, Participant, ParticipantId, Task};
use rows::Rows;

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
    /// What was asked.
    pub task: Task,
    /// The file, relative to the cohort folder.
    pub file: PathBuf,
}

/// A cohort: what is known of its people, and their numbers or files.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// What it is and where it comes from.
    pub provenance: Provenance,
    /// Its people.
    pub participants: Vec<Participant>,
    /// Their numbers, if the cohort has `features.csv`; one row each of the people that file names.
    pub table: Option<FeatureTable>,
    /// Their files, if the cohort has `submissions.csv`.
    pub submissions: Vec<CohortSubmission>,
}

impl Cohort {
    /// Reads a cohort folder. Errors name file, line, column, expected and got.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("cohort.json");
        let bytes = std::fs::read(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
        let provenance: Provenance =
            serde_json::from_slice(&bytes).map_err(|source| Error::Json { path, source })?;
        let participants = read_participants(&folder.join("participants.csv"))?;
        let (features, submissions) = (folder.join("features.csv"), folder.join("submissions.csv"));
        if !features.exists() && !submissions.exists() {
            return Err(Error::NoTable { path: folder.to_owned() });
        }
        let table =
            features.exists().then(|| read_features(&features, &provenance, &participants)).transpose()?;
        let submissions =
            submissions.exists().then(|| read_submissions(&submissions, &participants)).transpose()?;
        Ok(Self { provenance, participants, table, submissions: submissions.unwrap_or_default() })
    }

    /// Writes the cohort folder, making it where needed. Cells are written so that they read back to the same `f32`.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Open { path: folder.to_owned(), source })?;
        let path = folder.join("cohort.json");
        let json = serde_json::to_vec_pretty(&self.provenance)
            .map_err(|source| Error::Json { path: path.clone(), source })?;
        std::fs::write(&path, json).map_err(|source| Error::Open { path, source })?;
        rows::write(
            &folder.join("participants.csv"),
            &PARTICIPANT_COLUMNS,
            self.participants.iter().map(participant_row),
        )?;
        if let Some(table) = &self.table {
            write_features(&folder.join("features.csv"), table)?;
        }
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
const SUBMISSION_COLUMNS: [&str; 4] = ["participant", "session", "task", "file"];

fn read_participants(path: &Path) -> Result<Vec<Participant>, Error> {
    let mut rows = Rows::open(path, &["id"])?;
    let (mut participants, mut lines) = (Vec::new(), HashMap::new());
    while rows.advance()? {
        let participant = Participant {
            id: rows.required("id", "a participant id", |id| ParticipantId::new(id).ok())?,
            label: rows.optional("label", "healthy, mci or dementia", |word| word.parse().ok())?,
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
    let known: HashMap<&ParticipantId, &Participant> = people.iter().map(|it| (&it.id, it)).collect();
    let mut rows = Rows::open(path, &["id"])?;
    let names: Vec<String> = rows.header().filter(|name| *name != "id").map(str::to_owned).collect();
    let columns = names.iter().map(|name| column_of(path, name, provenance)).collect::<Result<_, _>>()?;
    let (mut table, mut lines) = (FeatureTable::new(columns)?, HashMap::new());
    while rows.advance()? {
        let id = rows.required("id", "a participant id", |id| ParticipantId::new(id).ok())?;
        let unknown = || Error::UnknownParticipant { path: path.to_owned(), line: rows.line() };
        let participant = (*known.get(&id).ok_or_else(unknown)?).clone();
        if let Some(first) = lines.insert(id, rows.line()) {
            return Err(Error::DuplicateParticipant {
                place: path.display().to_string(),
                line: rows.line(),
                first,
            });
        }
        let values = names.iter().map(|name| feature_cell(&rows, name)).collect::<Result<Vec<_>, _>>()?;
        table.push(participant, values)?;
    }
    Ok(table)
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

fn feature_cell(rows: &Rows, name: &str) -> Result<Value, Error> {
    let finite = |cell: &str| cell.parse::<f64>().ok().filter(|number| number.is_finite());
    let number = rows.optional(name, "a finite number or nothing", finite)?;
    Ok(number.map_or_else(|| Value::Missing("empty cell".into()), Value::Measured))
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
    let mut rows = Rows::open(path, &SUBMISSION_COLUMNS)?;
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
        let folder = tempfile::tempdir().unwrap();
        cohort.write(folder.path()).unwrap();
        assert_eq!(Cohort::read(folder.path()).unwrap(), cohort);
    }

    #[test]
    fn every_bad_cell_says_where_expected_and_got() {
        let cases = [
            (
                "id,label\na,P\n",
                "id\n",
                r#"line 2, column "label": expected healthy, mci or dementia, got "P""#,
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
        assert!(folder.read().unwrap_err().to_string().contains("features.csv or submissions.csv"));
    }
}
