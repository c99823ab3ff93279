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
    /// Size of the file.
    pub bytes: u64,
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
        let media = match kind(path) {
            Err(source) => Err(Declined::unreadable("file.open", source.to_string())),
            Ok(Kind::Sound) => self.sound(path).map(|medium| vec![(name.to_owned(), Ok(medium))]),
            Ok(Kind::Ink) => self.ink(path, name),
        };
        let bytes = std::fs::metadata(path).map_or(0, |it| it.len());
        let media = media.unwrap_or_else(|declined| vec![(name.to_owned(), Err(declined))]);
        media.into_iter().map(|(name, medium)| Received { name, medium, bytes }).collect()
    }

    /// Everything in the bytes of a file called `name`, as [`receive`](Self::receive) says it: nothing touches a disk.
    pub fn receive_bytes(&self, bytes: Vec<u8>, name: &str) -> Vec<Received> {
        let size = bytes.len() as u64;
        let media = match kind_of(&bytes[..bytes.len().min(HEAD)], Path::new(name)) {
            Kind::Sound => voice::decode_bytes(bytes, self.channels, &self.sound)
                .map_err(|error| Declined::unreadable("voice.decode", error.to_string()))
                .and_then(heard)
                .map(|medium| vec![(name.to_owned(), Ok(medium))]),
            Kind::Ink => self.drawn(&bytes[..bytes.len().min(ink::limit::BYTES + 1)], name),
        };
        let media = media.unwrap_or_else(|declined| vec![(name.to_owned(), Err(declined))]);
        media.into_iter().map(|(name, medium)| Received { name, medium, bytes: size }).collect()
    }

    fn sound(&self, path: &Path) -> Result<Medium, Declined> {
        let recording = voice::decode_channels(path, self.channels, &self.sound)
            .map_err(|error| Declined::unreadable("voice.decode", error.to_string()))?;
        heard(recording)
    }

    fn ink(&self, path: &Path, name: &str) -> Result<Vec<Named>, Declined> {
        let bytes = read_up_to(path, ink::limit::BYTES)
            .map_err(|error| Declined::unreadable("ink.decode", error.to_string()))?;
        self.drawn(&bytes, name)
    }

    fn drawn(&self, bytes: &[u8], name: &str) -> Result<Vec<Named>, Declined> {
        let options =
            ink::Options { name: name.to_owned(), mm_per_unit: self.mm_per_unit, ..ink::Options::default() };
        let drawings = ink::decode(bytes, &options)
            .map_err(|error| Declined::unreadable("ink.decode", error.to_string()))?;
        Ok(drawings.into_iter().map(checked).collect())
    }
}

fn heard(recording: Recording) -> Result<Medium, Declined> {
    Ok(Medium::Voice(Box::new(Usable::new(recording)?)))
}

/// A medium of a file with its name, or why it cannot be measured.
type Named = (String, Result<Medium, Declined>);

fn checked(named: ink::Named) -> Named {
    let unreadable = |error: ink::Error| Declined::unreadable("ink.decode", error.to_string());
    let usable = named.drawing.map_err(unreadable).and_then(Usable::new);
    (named.name, usable.map(|drawing| Medium::Ink(Box::new(drawing))))
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

/// Whether the bytes of a file of this name are read as sound; else they are read as drawings.
pub fn is_sound(bytes: &[u8], name: &str) -> bool {
    matches!(kind_of(&bytes[..bytes.len().min(HEAD)], Path::new(name)), Kind::Sound)
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

/// Bytes that tell a kind.
const HEAD: usize = 16;

fn kind(path: &Path) -> std::io::Result<Kind> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(kind_of(&head, path))
}

fn kind_of(head: &[u8], path: &Path) -> Kind {
    let magic =
        SOUND_MAGIC.iter().any(|(place, bytes)| head.get(*place..).is_some_and(|it| it.starts_with(bytes)));
    // An MP3 without a tag starts with eleven set bits, which no text does.
    let frame = matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0);
    let promised = ending(path).is_some_and(|it| SOUND_ENDINGS.contains(&it.as_str()));
    if magic || frame || promised { Kind::Sound } else { Kind::Ink }
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
    fn bytes_are_received_as_their_file_is() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/session"));
        for name in ["picture.flac", "clock.json"] {
            let (path, intake) = (folder.join(name), Intake::default());
            let (file, bytes) =
                (intake.receive(&path, name), intake.receive_bytes(std::fs::read(&path).unwrap(), name));
            assert_eq!(format!("{file:?}"), format!("{bytes:?}"), "{name}");
        }
        let refused = Intake::default().receive_bytes(b"hello".to_vec(), "words.wav").remove(0);
        assert!(refused.medium.unwrap_err().to_string().contains("expected"));
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
