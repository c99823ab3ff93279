//! One sitting of one participant: what was handed in, by whom, when.

use std::path::{Component, Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Error, Handedness, Language, ParticipantId, Sex, Task};

/// A file handed in for a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// What was asked.
    pub task: Task,
    /// The file, relative to the session folder.
    pub file: PathBuf,
}

/// A session folder's `session.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Pseudonym of the participant; absent for a bare file.
    #[serde(default)]
    pub participant: Option<ParticipantId>,
    /// Whether the participant is made up. A report then says so in its first line.
    #[serde(default)]
    pub synthetic: bool,
    /// Age in years.
    #[serde(default)]
    pub age: Option<f64>,
    /// Sex as recorded.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// Years of school.
    #[serde(default)]
    pub education: Option<f64>,
    /// Language of the session.
    #[serde(default)]
    pub language: Option<Language>,
    /// The hand the participant writes with.
    #[serde(default)]
    pub handedness: Option<Handedness>,
    /// What it was recorded with.
    #[serde(default)]
    pub device: Option<String>,
    /// Day of the session, `2026-11-24`.
    #[serde(default)]
    pub date: Option<Date>,
    /// What was handed in.
    pub submissions: Vec<Submission>,
}

impl Session {
    /// A session of one file and one task, of nobody known.
    pub fn bare(task: Task, file: PathBuf) -> Self {
        Self {
            participant: None,
            synthetic: false,
            age: None,
            sex: None,
            education: None,
            language: None,
            handedness: None,
            device: None,
            date: None,
            submissions: vec![Submission { task, file }],
        }
    }

    /// Reads `folder/session.json`. A file it names need not exist: that is the intake's finding, not an error of the
    /// session. A file outside the folder is an error.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("session.json");
        let bytes = std::fs::read(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
        let session: Self = serde_json::from_slice(&bytes).map_err(|source| Error::Json { path, source })?;
        session.submissions.iter().try_for_each(Submission::check_inside)?;
        Ok(session)
    }
}

impl Submission {
    fn check_inside(&self) -> Result<(), Error> {
        let inside =
            self.file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let outside =
            || Error::OutsideFolder { task: self.task.to_string(), file: self.file.display().to_string() };
        inside.then_some(()).ok_or_else(outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Session, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("session.json"), json).unwrap();
        Session::read(folder.path())
    }

    #[test]
    fn a_session_reads_what_is_there_and_leaves_the_rest_unknown() {
        let session = read(
            r#"{"age": 74, "date": "2026-11-24", "submissions": [{"task": "clock", "file": "clock.json"}]}"#,
        );
        let session = session.unwrap();
        assert_eq!((session.age, session.sex, session.submissions.len()), (Some(74.0), None, 1));
        assert_eq!(session.date.unwrap().to_string(), "2026-11-24");
    }

    #[test]
    fn a_wrong_type_says_where_and_what_was_expected() {
        let message = read(r#"{"age": "old", "submissions": []}"#).unwrap_err().to_string();
        assert!(
            message.contains("session.json")
                && message.contains("expected f64")
                && message.contains("line 1"),
            "{message}"
        );
    }

    #[test]
    fn a_misspelt_field_is_refused_instead_of_ignored() {
        let message = read(r#"{"agee": 74, "submissions": []}"#).unwrap_err().to_string();
        assert!(message.contains("agee") && message.contains("age"), "{message}");
    }

    #[test]
    fn a_file_outside_the_folder_is_refused() {
        for file in ["../secret.wav", "/etc/passwd"] {
            let json = format!(r#"{{"submissions": [{{"task": "picture", "file": "{file}"}}]}}"#);
            assert!(matches!(read(&json), Err(Error::OutsideFolder { .. })), "{file}");
        }
    }

    #[test]
    fn a_missing_session_file_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let message = Session::read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("session.json"), "{message}");
    }
}
