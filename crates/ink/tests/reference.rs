//! Real drawings: every file of `pen` in the folder that `INKLING_DATA` names; without the variable none of them is tested.
//! And hostile ones, always.

#![allow(clippy::unwrap_used)] // a failed test is the message

#[path = "reference/hostile.rs"]
mod hostile;

use std::{env, fs, io::Write, path::PathBuf};

use feature::{Check, Quality, Usable};
use ink::{Analysis, Named, Options};

/// The folder of pen data; `None` (with a visible line) where no data was asked for. Asked for and missing is a failure.
fn pen_data() -> Option<PathBuf> {
    let Some(folder) = env::var_os("INKLING_DATA") else {
        say("skipped: INKLING_DATA is not set");
        return None;
    };
    let folder = PathBuf::from(folder).join("pen");
    assert!(folder.is_dir(), "INKLING_DATA is set, but there is no folder {}", folder.display());
    Some(folder)
}

/// A line that is seen even where the test passes: the test runner holds back only what the print macros write.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The files of a folder of pen data whose names end so, in order.
fn files(folder: &str, ending: &str) -> Option<Vec<PathBuf>> {
    let folder = pen_data()?.join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "no {ending} in {}", folder.display());
    Some(files)
}

fn decode(path: &PathBuf) -> Result<Vec<Named>, ink::Error> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    ink::decode(&fs::read(path).unwrap(), &Options { name, ..Options::default() })
}

/// What became of the drawings of some files.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    drawings: usize,
    refused: usize,
    declined: usize,
    only_in_air: usize,
    measured: usize,
}

/// Decodes, checks and measures all drawings; asserts that every measure has a finite value or a reason.
fn count(paths: &[PathBuf]) -> Counts {
    let mut counts = Counts::default();
    let set = ink::set();
    for named in paths.iter().flat_map(|path| decode(path).unwrap()) {
        counts.drawings += 1;
        let Ok(drawing) = named.drawing else {
            counts.refused += 1;
            continue;
        };
        let Ok(usable) = Usable::new(drawing) else {
            counts.declined += 1;
            continue;
        };
        let vector = set.measure(&Analysis::new(&usable));
        assert!(vector.features().iter().all(|it| match it.value.measured() {
            Some(number) => number.is_finite(),
            None => it.value.reason().is_some_and(|reason| !reason.as_str().is_empty()),
        }));
        if usable.medium().paper().next().is_none() {
            counts.only_in_air += 1;
            continue;
        }
        assert!(vector.features().iter().any(|it| it.value.measured().is_some()), "{}", named.name);
        counts.measured += 1;
    }
    counts
}

fn ran(name: &str, counts: impl std::fmt::Debug) {
    say(&format!("{counts:?}"));
    say(&format!("reference test ran: {name}"));
}

#[test]
fn all_unipen_digits_decode_and_those_below_three_points_are_declined() {
    let Some(paths) = files("unipen_digits", ".ndjson") else { return };
    let counts = count(&paths);
    assert_eq!((counts.drawings, counts.refused), (15_690, 0));
    assert!(counts.declined >= 40 && counts.measured > 15_500, "{counts:?}");
    ran("unipen digits", counts);
}

#[test]
fn all_quick_draw_drawings_decode_and_are_measured() {
    let Some(paths) = files("quickdraw", ".ndjson") else { return };
    let counts = count(&paths);
    assert_eq!(counts, Counts { drawings: 396, refused: 0, declined: 0, only_in_air: 0, measured: 396 });
    ran("quick draw", counts);
}

#[test]
fn all_graphomotor_tables_decode_and_are_measured() {
    let Some(paths) = files("graphomotor/sample_data", ".csv") else { return };
    let counts = count(&paths);
    assert_eq!(counts, Counts { drawings: 5, refused: 0, declined: 0, only_in_air: 0, measured: 5 });
    ran("graphomotor", counts);
}

#[test]
fn uci_spirals_decode_but_for_tests_whose_clock_jumps_back() {
    let Some(mut paths) = files("parkinson_spiral/control", ".txt") else { return };
    paths.extend(files("parkinson_spiral/parkinson", ".txt").unwrap());
    assert_eq!(paths.len(), 77);
    let all: Vec<Named> = paths.iter().flat_map(|path| decode(path).unwrap()).collect();
    for refused in all.iter().filter_map(|named| named.drawing.as_ref().err()) {
        assert!(refused.to_string().contains("goes back in time"), "{refused}");
    }
    ran("uci spirals", count(&paths));
}

#[test]
fn the_check_shows_that_the_tablet_of_patients_p_is_slower_than_that_of_controls() {
    // Rates confound the label of this set; a quality that records them lets an audit find it.
    let Some(controls) = files("parkinson_spiral/control", ".txt") else { return };
    let mut patients = files("parkinson_spiral/parkinson", ".txt").unwrap();
    patients.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("P_"));
    let rate = |path: &PathBuf| {
        let quality: Quality =
            decode(path).unwrap().into_iter().find_map(|it| Some(it.drawing.ok()?.check())).unwrap();
        quality.finding("ink.rate").unwrap().value.unwrap()
    };
    let fast = controls.iter().filter(|path| rate(path) > 130.0).count();
    let slow = patients.iter().filter(|path| rate(path) < 120.0).count();
    assert_eq!((fast, slow, patients.len()), (14, 25, 25));
    ran("uci sampling rates", (fast, slow));
}

#[test]
fn what_is_no_ink_is_refused_by_name() {
    let Some(folder) = pen_data() else { return };
    for (file, words) in [
        ("clockreader/856.isf", "ISF"),
        ("clockreader/856_sqlite.db3", "SQLite"),
        ("clockreader/LICENSE", "plain text"),
        ("graphomotor/LICENSE", "plain text"),
        ("unipen_digits/LICENSE", "plain text"),
        ("parkinson_spiral/readme.txt", "plain text"),
    ] {
        let message = decode(&folder.join(file)).unwrap_err().to_string();
        assert!(message.contains(words), "{file}: {message}");
    }
    ran("what is no ink", "6 refused");
}
