//! Files in, checked media out. A file that cannot be read is declined with the decoder's words, never an error.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use feature::{Declined, Usable};
use ink::Drawing;
use voice::Recording;

/// A recording or a drawing that passed its check.
#[derive(Debug, Clone)]
pub enum Medium {
    /// Sound.
    Voice(Box<Usable<Recording>>),
    /// Strokes.
    Ink(Box<Usable<Drawing>>),
}

/// What came of one recording or drawing of a file.
#[derive(Debug, Clone)]
pub struct Received {
    /// The file's name; `clock.ndjson#3` where it holds several drawings.
    pub name: String,
    /// The medium, or why it cannot be measured.
    pub medium: Result<Medium, Declined>,
}

/// How files are read.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// Longest recording, largest file.
    pub sound: voice::Limits,
    /// Which channels of a recording are read.
    pub channels: voice::Channels,
    /// Millimetres per device unit, for ink files that do not say.
    pub mm_per_unit: Option<f64>,
}

impl Intake {
    /// Everything in the file at `path`, called `name` in what is said of it. Never empty.
    pub fn receive(&self, path: &Path, name: &str) -> Vec<Received> {
        let received = match kind(path) {
            Err(source) => Err(Declined::unreadable("file.open", source.to_string())),
            Ok(Kind::Sound) => Ok(vec![Received { name: name.to_owned(), medium: self.sound(path) }]),
            Ok(Kind::Ink) => self.ink(path, name),
        };
        received.unwrap_or_else(|declined| vec![Received { name: name.to_owned(), medium: Err(declined) }])
    }

    fn sound(&self, path: &Path) -> Result<Medium, Declined> {
        let recording = voice::decode_channels(path, self.channels, &self.sound)
            .map_err(|error| Declined::unreadable("voice.decode", error.to_string()))?;
        Ok(Medium::Voice(Box::new(Usable::new(recording)?)))
    }

    fn ink(&self, path: &Path, name: &str) -> Result<Vec<Received>, Declined> {
        let unreadable = |words: String| Declined::unreadable("ink.decode", words);
        let bytes = read_up_to(path, ink::limit::BYTES).map_err(|error| unreadable(error.to_string()))?;
        let options =
            ink::Options { name: name.to_owned(), mm_per_unit: self.mm_per_unit, ..ink::Options::default() };
        let drawings = ink::decode(&bytes, &options).map_err(|error| unreadable(error.to_string()))?;
        Ok(drawings.into_iter().map(received).collect())
    }
}

fn received(named: ink::Named) -> Received {
    let unreadable = |error: ink::Error| Declined::unreadable("ink.decode", error.to_string());
    let usable = named.drawing.map_err(unreadable).and_then(Usable::new);
    Received { medium: usable.map(|drawing| Medium::Ink(Box::new(drawing))), name: named.name }
}

/// One byte more than the limit, so that the decoder can say that it is over.
fn read_up_to(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

enum Kind {
    Sound,
    Ink,
}

/// Endings that promise sound: such a file goes to the sound decoder even where its bytes do not keep the promise.
const SOUND_ENDINGS: [&str; 14] =
    ["wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "mp4", "aac", "webm", "mka", "mkv", "aif", "aiff"];

/// First bytes of the containers that `voice` reads, and where they stand.
const SOUND_MAGIC: [(usize, &[u8]); 7] = [
    (0, b"RIFF"),
    (0, b"RF64"),
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    (4, b"ftyp"),
    (0, &[0x1a, 0x45, 0xdf, 0xa3]),
];

fn kind(path: &Path) -> std::io::Result<Kind> {
    let mut head = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut head)?;
    let magic =
        SOUND_MAGIC.iter().any(|(place, bytes)| head.get(*place..).is_some_and(|it| it.starts_with(bytes)));
    // An MP3 without a tag starts with eleven set bits, which no text does.
    let frame = matches!(head.as_slice(), [0xff, second, ..] if second & 0xe0 == 0xe0);
    let promised = ending(path).is_some_and(|it| SOUND_ENDINGS.contains(&it.as_str()));
    Ok(if magic || frame || promised { Kind::Sound } else { Kind::Ink })
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|it| it.to_string_lossy().to_lowercase())
}

/// Every file below `path` (or `path` itself), sorted; hidden ones and links that lead nowhere are left out.
pub fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut found, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type()? {
                _ if hidden => {}
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() || entry.path().is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(name: &str, bytes: &[u8]) -> Received {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Intake::default().receive(&path, name).remove(0)
    }

    fn refusal(name: &str, bytes: &[u8]) -> String {
        receive(name, bytes).medium.unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_read_is_declined_with_words() {
        let cases = [
            ("empty.wav", &b""[..], "empty"),
            ("words.wav", b"hello", "expected"),
            ("empty.json", b"", "empty"),
        ];
        for (name, bytes, words) in cases {
            let message = refusal(name, bytes);
            assert!(message.contains(words), "{name}: {message}");
        }
        let missing = Intake::default().receive(Path::new("nowhere.wav"), "nowhere.wav").remove(0);
        assert!(missing.medium.unwrap_err().to_string().contains("No such file"));
    }

    #[test]
    fn sound_and_ink_are_told_by_their_bytes_not_by_their_names() {
        let drawing = ink::synth::circle(20.0, 1.0, 2.0, &ink::synth::Pen::steady());
        assert!(matches!(receive("drawing.txt", drawing.to_json().as_bytes()).medium, Ok(Medium::Ink(_))));
    }

    #[test]
    fn files_are_found_in_order_and_hidden_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["b/2.wav", "a.wav", ".hidden", "b/1.wav"] {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        let names: Vec<_> = files(folder.path())
            .unwrap()
            .iter()
            .map(|it| it.strip_prefix(folder.path()).unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.wav", "b/1.wav", "b/2.wav"].map(PathBuf::from));
    }
}
