//! DARWIN itself, where `INKLING_DATA` says it is.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use feature::{Unit, Value};
use learn::{Plan, audit::copied_blocks, evaluate};
use study::{Column, Diagnosis, FeatureTable, Participant, ParticipantId, Task};

use crate::people::{cohort, quick};

/// The data folder, or `None` with a visible line where none is named. A folder that is named must be there.
fn data(test: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("INKLING_DATA") else {
        say("skipped: INKLING_DATA is not set");
        return None;
    };
    let folder = PathBuf::from(folder);
    assert!(
        folder.join("darwin/DARWIN.csv").exists(),
        "INKLING_DATA is set, but {} has no darwin",
        folder.display()
    );
    say(&format!("reference test ran: {test}"));
    Some(folder)
}

/// Writes past the capture of the test harness, which hides what passing tests print.
fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn darwin(folder: &Path) -> FeatureTable {
    let mut reader = csv::Reader::from_path(folder.join("darwin/DARWIN.csv")).unwrap();
    let columns = reader.headers().unwrap().iter().skip(1).take(450).map(column).collect();
    let mut table = FeatureTable::new(columns).unwrap();
    for row in reader.records().map(Result::unwrap) {
        let label = if &row[451] == "P" { Diagnosis::Dementia } else { Diagnosis::Healthy };
        let person =
            Participant { label: Some(label), ..Participant::new(ParticipantId::new(&row[0]).unwrap()) };
        let values: Vec<Value> = (1..451).map(|it| Value::Measured(row[it].parse().unwrap())).collect();
        table.push(person, values).unwrap();
    }
    table
}

/// The unit does not matter to the preparation.
fn column(name: &str) -> Column {
    let feature = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let task = Task::new(&format!("darwin-{}", &name[feature.len()..])).unwrap();
    Column::new(task, &format!("ink.darwin.{feature}"), Unit::Darwin)
}

#[test]
fn every_copied_block_of_darwin_is_found_and_no_other() {
    let Some(folder) = data("copied blocks of DARWIN") else { return };
    let table = darwin(&folder);
    let groups = copied_blocks(&table);
    let name = |row: usize, task: &str| (table.participants()[row].id.reveal().to_owned(), task.to_owned());
    let found: BTreeSet<_> = groups.iter().flatten().map(|it| name(it.row, it.task.as_str())).collect();
    let mut expected = BTreeSet::new();
    for row in csv::Reader::from_path(folder.join("darwin/imputed_mask.csv")).unwrap().records() {
        let row = row.unwrap();
        let marked = (1..=25).filter(|&task| &row[task] == "1");
        expected.extend(marked.map(|task| (row[0].to_owned(), format!("darwin-{task}"))));
    }
    assert_eq!((groups.len(), found.len()), (43, 220));
    assert_eq!(found, expected);
    let label = |row: usize| table.participants()[row].label;
    assert!(groups.iter().all(|group| group.iter().all(|it| label(it.row) == label(group[0].row))));
}

#[test]
fn darwin_reads_as_scikit_learn_reads_it() {
    let Some(folder) = data("readings of DARWIN") else { return };
    let plan = Plan { repeats: 4, ..quick(4) };
    let card = evaluate(&cohort(darwin(&folder)), &plan, &|_| ()).unwrap().card;
    let untouched = card.readings.untouched.clone().unwrap();
    assert_eq!((card.readings.masked.people, card.readings.masked.impaired), (174, 89));
    assert_eq!((untouched.people, untouched.impaired), (137, 61));
    // scikit-learn, 10 × 5 folds: logistic regression .935 as published, .918 masked, .955 untouched; the mask alone .65.
    let known = [
        (&card.readings.as_published, 0.935, 0.02),
        (&card.readings.masked, 0.918, 0.02),
        (&untouched, 0.955, 0.02),
        (card.missingness_only.as_ref().unwrap(), 0.65, 0.03),
    ];
    for (reading, expected, tolerance) in known {
        let auc = reading.metrics.auc.value;
        assert!((auc - expected).abs() < tolerance, "{auc} against {expected}");
    }
}
