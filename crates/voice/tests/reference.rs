//! Against truth and against reference numbers, where these are to be had, and against files made here.
//!
//! `INKLING_GOLDEN` and `INKLING_DATA` name the folders of reference numbers and of real recordings. Unset, the tests that
//! want them say so and pass; set to a folder that is not there, they fail.

// A failed test is the message, in the functions that tests share as well.
#![allow(clippy::unwrap_used)]

#[path = "reference/attacks.rs"]
mod attacks;
#[path = "reference/channels.rs"]
mod channels;
#[path = "reference/formant.rs"]
mod formant;
#[path = "reference/formats.rs"]
mod formats;
#[path = "reference/golden.rs"]
mod golden;
#[path = "reference/hostile.rs"]
mod hostile;
#[path = "reference/live.rs"]
mod live;
#[path = "reference/perturbation.rs"]
mod perturbation;
#[path = "reference/properties.rs"]
mod properties;
#[path = "reference/robustness.rs"]
mod robustness;
#[path = "reference/session.rs"]
mod session;
#[path = "reference/sounds.rs"]
mod sounds;
#[path = "reference/speakers.rs"]
mod speakers;
#[path = "reference/spectrum.rs"]
mod spectrum;

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use feature::Usable;
use serde_json::Value;
use voice::{Analysis, Limits, Recording};

/// The folder a variable names; `None` with a visible line when it is unset.
fn folder(variable: &str) -> Option<PathBuf> {
    let Some(path) = env::var_os(variable).map(PathBuf::from) else {
        say(&format!("skipped: {variable} is not set"));
        return None;
    };
    assert!(path.is_dir(), "{variable} is set to {}, which is no folder", path.display());
    Some(path)
}

/// Says on standard output that a reference test really ran, and what it reached.
fn ran(name: &str, reached: &str) {
    say(&format!("reference test ran: {name} ({reached})"));
}

/// Writes past the capture of the test harness, which hides what passing tests print.
fn say(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn json(path: PathBuf) -> Value {
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn recording(path: PathBuf) -> Recording {
    voice::decode_file(&path, &Limits::default())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn analysis(path: PathBuf) -> Analysis {
    let shown = path.display().to_string();
    let usable = Usable::new(recording(path)).unwrap_or_else(|declined| panic!("{shown}: {declined}"));
    Analysis::new(&usable)
}

/// Value at a share `[0, 1]` of the sorted values.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or(f64::NAN)
}
