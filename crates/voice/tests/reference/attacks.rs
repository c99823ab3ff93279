//! Files made to break decoders (`attacks/voice`), and bytes changed at random (`fuzz/corpus`): refused or kept, never a
//! panic, never more sound than the bytes can hold.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use voice::{Limits, decode};

/// Files that are refused, and words of the message.
const REFUSED: &[(&str, &str)] = &[];

/// Files of which something is kept: seconds at most.
const KEPT: &[(&str, f64)] = &[];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("README.md") && !path.ends_with("make.py"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_attack_is_refused_with_its_words_or_kept_within_bounds() {
    let listed: BTreeSet<&str> = REFUSED.iter().map(|it| it.0).chain(KEPT.iter().map(|it| it.0)).collect();
    for (name, bytes) in files("attacks/voice") {
        let outcome = std::panic::catch_unwind(|| decode(bytes, &Limits::default()));
        let Ok(outcome) = outcome else {
            println!("OUTCOME PANIC {name}");
            continue;
        };
        if listed.is_empty() {
            match &outcome {
                Ok(recording) => println!("OUTCOME (\"{name}\", {:.3}),", recording.duration().0),
                Err(error) => println!("OUTCOME (\"{name}\", \"{error}\"),"),
            }
            continue;
        }
        assert!(
            listed.contains(name.as_str()),
            "{name} is not listed: {:?}",
            outcome.map(|it| it.duration())
        );
        match outcome {
            Ok(recording) => {
                let most = KEPT.iter().find(|it| it.0 == name).map(|it| it.1);
                let most = most.unwrap_or_else(|| panic!("{name} is kept: {}", recording.duration()));
                assert!(recording.duration().0 <= most, "{name}: {}", recording.duration());
                assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0), "{name}");
            }
            Err(error) => {
                let words = REFUSED.iter().find(|it| it.0 == name).map(|it| it.1);
                let words = words.unwrap_or_else(|| panic!("{name} is refused: {error}"));
                assert!(error.to_string().contains(words), "{name}: {error}");
            }
        }
    }
}

#[test]
fn every_listed_attack_is_there() {
    let there: BTreeSet<String> = files("attacks/voice").into_iter().map(|it| it.0).collect();
    for name in REFUSED.iter().map(|it| it.0).chain(KEPT.iter().map(|it| it.0)) {
        assert!(there.contains(name), "{name}");
    }
}

/// Numbers that lengths and counts are wrong with.
const EDGES: [u8; 6] = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF];

#[test]
fn changed_bytes_of_the_corpus_are_refused_or_kept() {
    let mut state = 0xD1B5_4A32_D192_ED03u64;
    let mut draw = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize
    };
    for (name, whole) in files("fuzz/corpus/voice") {
        for round in 0..500 {
            let mut changed = whole.clone();
            let reach = if round % 3 == 0 { changed.len() } else { changed.len().min(400) };
            for _ in 0..1 + round % 5 {
                let value = if round % 2 == 0 { EDGES[draw() % EDGES.len()] } else { draw() as u8 };
                let (from, length) = (draw() % reach, 1 + draw() % 4);
                let to = (from + length).min(changed.len());
                changed[from..to].fill(value);
            }
            if round % 7 == 0 {
                changed.truncate(draw() % changed.len());
            }
            let copy = changed.clone();
            let Ok(outcome) = std::panic::catch_unwind(|| decode(copy, &Limits::default())) else {
                println!("PANICS {name} {round}");
                continue;
            };
            if let Ok(recording) = outcome {
                assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0), "{name} {round}");
            }
        }
    }
}
