//! UCI 395: spirals of people with Parkinson's disease and of controls on one kind of tablet (Isenkul, Sakar & Kursun 2014).
//!
//! ```text
//! control/C_0001.txt …    parkinson/P_02100001.txt, H_P000-0001.txt …     X;Y;Z;Pressure;GripAngle;Timestamp;TestID
//! ```
//! A file holds up to three tests: 0 static spiral, 1 dynamic spiral (the pattern blinks), 2 circular motion. The disease is not
//! one of cognition, so the label is `other` and no screener is fitted on it; it is here because its audit is a lesson:
//! the sampling rate differs between the classes.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use study::{Diagnosis, Participant, Provenance};

use super::gathering::{Gathering, Imported, below, ending, lies_in, person, stem};
use crate::Error;

const EXPECTED: &str = "control/*.txt and parkinson/*.txt of X;Y;Z;Pressure;GripAngle;Timestamp;TestID";

/// Tests, and what the tasks are called here.
const TASKS: [(&str, &str); 3] = [("0", "spiral"), ("1", "spiral-dynamic"), ("2", "circle-motion")];

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let mut gathering = Gathering::default();
    for file in below(root, EXPECTED)?.iter().filter(|it| ending(it) == "txt") {
        let label = match (lies_in(root, file, "control"), lies_in(root, file, "parkinson")) {
            (true, false) => Diagnosis::Healthy,
            (false, true) => Diagnosis::Other,
            _ => continue,
        };
        let one = Participant { label: Some(label), ..person(&stem(file), file)? };
        let id = one.id.clone();
        gathering.person(one, file)?;
        for test in tests(file)? {
            let known = TASKS.iter().find(|(number, _)| *number == test);
            let (_, task) = known.ok_or_else(|| Error::Layout {
                path: file.clone(),
                expected: "a TestID of 0, 1 or 2".to_owned(),
                got: test.clone(),
            })?;
            gathering.file(&id, "1", task, Path::new(&format!("{}#{test}", file.display())))?;
        }
    }
    gathering.finish(provenance(), root, EXPECTED)
}

/// The tests of a file, each once.
fn tests(file: &Path) -> Result<BTreeSet<String>, Error> {
    let open = |source| Error::Open { path: file.to_owned(), source };
    let mut tests = BTreeSet::new();
    for (place, line) in BufReader::new(File::open(file).map_err(open)?).lines().enumerate() {
        let line = line.map_err(open)?;
        if line.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.trim().split(';').collect();
        let test = fields.last().filter(|_| fields.len() == 7).ok_or_else(|| Error::Cell {
            path: file.to_owned(),
            line: place as u64 + 1,
            column: "TestID".to_owned(),
            expected: "seven numbers with semicolons between",
            got: line.chars().take(60).collect(),
        })?;
        tests.insert((*test).to_owned());
    }
    Ok(tests)
}

fn provenance() -> Provenance {
    Provenance {
        name: "uci-spiral".to_owned(),
        source: "Isenkul, Sakar, Kursun 2014, Improved spiral test using digitized graphics tablet for monitoring Parkinson's \
                 disease, ICEHTM 2014; UCI Machine Learning Repository 395"
            .to_owned(),
        licence: "UCI's usual CC BY 4.0, not confirmed for this set".to_owned(),
        description: "Spirals of 62 people with Parkinson's disease (label other: no disease of cognition) and 15 controls. Known \
                      confound: sampling rate and canvas differ between the classes. No screener is fitted on it."
            .to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests_of_import {
    use super::super::lookalike::{Folder, refusal};
    use super::*;

    #[test]
    fn each_test_of_a_file_is_a_task() {
        let folder = Folder::new();
        folder.text(
            "control/C_0901.txt",
            "200;204;0;73;910;1000;0\n201;204;0;80;910;1007;0\n200;204;0;73;910;2000;1\n",
        );
        folder.text("parkinson/P_0901.txt", "200;204;0;73;910;1000;2\n\n");
        let cohort = import(folder.path()).unwrap().cohort;
        let tasks: Vec<&str> = cohort.submissions.iter().map(|it| it.task.as_str()).collect();
        assert_eq!(tasks, ["spiral", "spiral-dynamic", "circle-motion"]);
        assert!(cohort.submissions[1].file.ends_with("control/C_0901.txt#1"));
        assert_eq!(cohort.participants[1].label, Some(Diagnosis::Other));
    }

    #[test]
    fn unknown_tests_and_short_lines_are_refused() {
        let folder = Folder::new();
        folder.text("control/C_0901.txt", "200;204;0;73;910;1000;7\n");
        assert!(refusal(import, &folder).contains("expected a TestID of 0, 1 or 2, got 7"));
        folder.text("control/C_0901.txt", "200;204;0;73\n");
        assert!(refusal(import, &folder).contains("line 1, column \"TestID\": expected seven numbers"));
        let folder = Folder::new();
        folder.text("spirals/C_0901.txt", "200;204;0;73;910;1000;0\n");
        assert!(refusal(import, &folder).contains("control/*.txt and parkinson/*.txt"));
    }
}
