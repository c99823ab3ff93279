//! The walls and habits of ARCHITECTURE.md, read from the workspace itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What each room may use. A room that is not named here has no place in the house.
const WALLS: &[(&str, &[&str])] = &[
    ("feature", &[]),
    ("study", &["feature"]),
    ("voice", &["feature"]),
    ("ink", &["feature"]),
    ("neural", &[]),
    ("perceive", &["feature", "voice", "ink", "neural"]),
    ("training", &["feature", "study", "ink", "learn", "neural", "perceive"]),
    ("learn", &["feature", "study"]),
    ("assess", &["feature", "study", "voice", "ink", "learn", "neural"]),
    ("server", &["feature", "study", "neural", "assess"]),
    ("cli", &["feature", "study", "voice", "ink", "learn", "neural", "assess", "server"]),
];

const SERVER_ONLY: &[&str] =
    &["tokio", "axum", "hyper", "sqlx", "reqwest", "tonic", "async-trait", "async-std", "smol"];

const BANNED: &[&str] = &[
    "util",
    "utils",
    "common",
    "helper",
    "helpers",
    "misc",
    "base",
    "core",
    "types",
    "manager",
    "handler",
    "processor",
    "service",
    "context",
    "data",
    "info",
    "wrapper",
    "mod",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Direct dependencies of each of our packages, development ones left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().trim_start_matches("inkling-").to_owned();
    let of_package = |package: &Value| {
        let built_in = |it: &&Value| it["kind"].as_str() != Some("dev");
        package["dependencies"].as_array().unwrap().iter().filter(built_in).map(name).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|it| (name(it), of_package(it))).collect()
}

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for krate in fs::read_dir(root().join("crates")).unwrap() {
        walk(&krate.unwrap().path().join("src"), &mut found);
    }
    found
}

#[test]
fn every_room_uses_only_the_rooms_below_it() {
    let walls: BTreeMap<&str, BTreeSet<&str>> =
        WALLS.iter().map(|(room, uses)| (*room, uses.iter().copied().collect())).collect();
    for (room, uses) in dependencies() {
        let allowed = walls.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no place in the house"));
        let ours = uses.iter().filter(|it| walls.contains_key(it.as_str()));
        for used in ours {
            assert!(allowed.contains(used.as_str()), "wall broken: {room} uses {used}");
        }
    }
}

#[test]
fn nouns_cannot_see_who_was_measured_and_learn_cannot_see_what() {
    let dependencies = dependencies();
    for noun in ["voice", "ink"] {
        assert!(!dependencies[noun].contains("study"), "{noun} sees study");
    }
    for medium in ["voice", "ink"] {
        assert!(!dependencies["learn"].contains(medium), "learn sees {medium}");
    }
}

#[test]
fn no_room_but_the_server_is_async() {
    for (room, uses) in dependencies().into_iter().filter(|it| it.0 != "server") {
        for name in SERVER_ONLY {
            assert!(!uses.contains(*name), "{room} uses {name}");
        }
    }
}

/// The one room that may map files and call vector instructions, and where (decision 0014).
const UNSAFE: &[&str] = &["crates/neural/src/map.rs", "crates/neural/src/kernel"];

#[test]
fn every_crate_forbids_unsafe_code_but_neural_where_it_is_listed() {
    for krate in fs::read_dir(root().join("crates")).unwrap() {
        let krate = krate.unwrap().path();
        let entry =
            ["src/lib.rs", "src/main.rs"].map(|name| krate.join(name)).into_iter().find(|it| it.exists());
        let entry = entry.unwrap();
        let lint =
            if krate.ends_with("neural") { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        assert!(fs::read_to_string(&entry).unwrap().contains(lint), "{}", entry.display());
    }
    for path in sources() {
        let place = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let allows = fs::read_to_string(&path).unwrap().contains("allow(unsafe_code)");
        let listed = UNSAFE.iter().any(|it| place.starts_with(it));
        assert!(!allows || listed, "{place} allows unsafe code and is not on the list");
    }
}

#[test]
fn files_have_good_names_and_bounded_length() {
    for path in sources() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!BANNED.contains(&stem), "find a better name for {}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let product = text.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]")).count();
        assert!(product <= 700, "{} has {product} lines; the limit is 700", path.display());
    }
}

#[test]
fn every_room_is_in_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (room, _) in dependencies() {
        assert!(text.contains(&format!("crates/{room}`")), "ARCHITECTURE.md does not know crates/{room}");
    }
}
