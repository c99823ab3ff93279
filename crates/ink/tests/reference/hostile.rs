//! Bytes of the fuzzing corpus and of the attacks, changed at random: refused, or drawings that are measured. Never a panic,
//! never a value that is no number.

use std::{fs, path::Path};

use feature::{Usable, Value};
use ink::{Analysis, Options};

/// Folders of small files, from the root of the project.
const FOLDERS: [&str; 6] = ["json", "inkml", "uci", "table", "look", "../../attacks/ink"];
/// Changed copies of each file.
const ROUNDS: usize = 400;
/// Pieces of text that numbers, names and brackets go wrong with.
const EDGES: [&str; 16] = [
    "-",
    "e",
    "1e999",
    "-0",
    "NaN",
    "inf",
    "99999999999999999999",
    "",
    "\"",
    "[",
    "}",
    "<",
    "&",
    ";",
    "\n\n",
    "\u{feff}",
];

fn files() -> Vec<(String, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut files = Vec::new();
    for folder in FOLDERS {
        let entries = fs::read_dir(corpus.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for path in entries.map(|entry| entry.unwrap().path()) {
            files.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// xorshift64 (Marsaglia 2003).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    /// One change: a byte set, a piece replaced by an edge, a piece doubled, a piece moved, or the end cut off.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        let from = self.below(bytes.len());
        let to = (from + self.below(12)).min(bytes.len());
        match self.below(6) {
            0 if from < bytes.len() => bytes[from] = self.below(256) as u8,
            1 | 2 => drop(bytes.splice(from..to, EDGES[self.below(EDGES.len())].bytes())),
            3 => drop(bytes.splice(from..from, bytes[from..to].to_vec())),
            4 => {
                let piece: Vec<u8> = bytes.drain(from..to).collect();
                let place = self.below(bytes.len());
                drop(bytes.splice(place..place, piece));
            }
            _ if self.below(8) == 0 => bytes.truncate(from),
            _ => {}
        }
    }
}

/// Whether anything could be measured.
fn measured(bytes: &[u8], shown: &str) -> bool {
    let Ok(found) = ink::decode(bytes, &Options::default()) else { return false };
    assert!(!found.is_empty(), "{shown}");
    let usable: Vec<_> =
        found.into_iter().filter_map(|it| it.drawing.ok()).filter_map(|it| Usable::new(it).ok()).collect();
    for drawing in &usable {
        let values = ink::set().measure(&Analysis::new(drawing));
        let finite = |value: &Value| value.measured().is_none_or(f64::is_finite);
        assert!(values.features().iter().all(|it| finite(&it.value)), "{shown}");
    }
    !usable.is_empty()
}

#[test]
fn changed_bytes_of_the_corpus_are_refused_or_measured() {
    let mut draw = Draw(0xD1B5_4A32_D192_ED03);
    let (mut tried, mut read) = (0, 0);
    for (name, whole) in files() {
        for round in 0..ROUNDS {
            let mut bytes = whole.clone();
            for _ in 0..1 + round % 4 {
                draw.change(&mut bytes);
            }
            tried += 1;
            read += usize::from(measured(&bytes, &format!("{name}, round {round}")));
        }
    }
    // A test whose inputs all stop at the first bracket would test nothing.
    assert!(tried > 10_000 && read * 50 > tried, "{read} of {tried} were measured");
}
