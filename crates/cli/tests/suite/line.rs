//! Running the program as a person would.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What a run of the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `inkling` with these arguments.
pub(crate) fn inkling<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Said {
    said(Command::new(env!("CARGO_BIN_EXE_inkling")).args(arguments))
}

/// Runs `inkling` with this folder as its home.
pub(crate) fn inkling_at(home: &Path, arguments: &[&str]) -> Said {
    said(Command::new(env!("CARGO_BIN_EXE_inkling")).env("INKLING_HOME", home).args(arguments))
}

/// Runs `inkling` in this folder.
pub(crate) fn inkling_in(folder: &Path, arguments: &[&str]) -> Said {
    said(Command::new(env!("CARGO_BIN_EXE_inkling")).current_dir(folder).args(arguments))
}

fn said(command: &mut Command) -> Said {
    let output: Output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The session that ships with the project.
pub(crate) fn session() -> PathBuf {
    root().join("fixtures/session")
}

/// The folder named by an environment variable, for a reference test. Unset: says so, and the test ends. Set but missing: fails.
pub(crate) fn reference(variable: &str, test: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os(variable) else {
        say(&format!("skipped: {variable} is not set ({test})"));
        return None;
    };
    let folder = PathBuf::from(folder);
    assert!(folder.is_dir(), "{variable} is {}, expected a folder", folder.display());
    say(&format!("reference test ran: {test}"));
    Some(folder)
}

/// Writes past the capture of the test harness, which hides what passing tests print.
pub(crate) fn say(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A small WAV of 16-bit mono sound.
pub(crate) fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    wav_of((1, 16), rate, (&bytes, bytes.len() as u32))
}

/// A WAV whose header says what it likes: format tag and bits, rate, and data with the length the header claims.
pub(crate) fn wav_of((tag, bits): (u16, u16), rate: u32, (bytes, claimed): (&[u8], u32)) -> Vec<u8> {
    let block = bits / 8;
    let mut wav = b"RIFF".to_vec();
    wav.extend(claimed.saturating_add(36).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend(tag.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * u32::from(block)).to_le_bytes());
    wav.extend(block.to_le_bytes());
    wav.extend(bits.to_le_bytes());
    wav.extend(b"data");
    wav.extend(claimed.to_le_bytes());
    wav.extend(bytes);
    wav
}

/// A tone of half a second, loud enough to be measured.
pub(crate) fn tone() -> Vec<u8> {
    let sample = |n: u32| (8000.0 * (f64::from(n) * 200.0 * std::f64::consts::TAU / 16000.0).sin()) as i16;
    wav(16000, &(0..8000).map(sample).collect::<Vec<_>>())
}
