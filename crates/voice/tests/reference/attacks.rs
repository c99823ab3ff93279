//! Files made to break decoders (`attacks/voice`), and bytes changed at random (`fuzz/corpus`): refused or kept, never a
//! panic, never more sound than the bytes can hold.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use voice::{Limits, decode};

/// Files that are refused, and words of the message.
const REFUSED: &[(&str, &str)] = &[
    ("adpcm-no-block.wav", "riff (adpcm_ima_wav): block align too small"),
    ("blocks-reversed.flac", "flac: maximum block length is less than the minimum block length"),
    ("box-size-lies.m4a", "isomp4: invalid atom size"),
    ("box-size-small.m4a", "isomp4: invalid atom size"),
    ("box-size-zero.m4a", "unexpected end of file"),
    (
        "chunk-far-away.m4a",
        "the aac track holds no sound: expected at least one sample, got unexpected end of file",
    ),
    ("chunks-lie.m4a", "isomp4: unexpected end of atom"),
    (
        "cluster-size-lies.webm",
        "the opus track holds no sound: expected at least one sample, got an empty track",
    ),
    ("clusters-empty.webm", "mkv (ebml): encountered an unexpected element"),
    ("comment-size-lies.flac", "out of bounds"),
    ("deep-boxes.m4a", "isomp4 (moov): missing mvhd atom"),
    ("deep-elements.webm", "mkv: missing Tracks element"),
    ("deep-meta.m4a", "isomp4 (trak): missing tkhd atom"),
    ("deep-tags.webm", "unexpected end of file"),
    ("ebml-size-lies.webm", "mkv (ebml): no current element"),
    ("ebml-size-zero-width.webm", "mkv (ebml): invalid ebml vint length"),
    ("empty-chunks.wav", "unexpected end of file"),
    ("endless-length.flac", "unexpected end of file"),
    ("extensible-short.wav", "wav: malformed fmt_ext chunk"),
    ("format-size-lies.wav", "riff: chunk length exceeds parent (list) chunk length"),
    ("id3-extended-lies.mp3", "id3v2: extended flags should have a length of 1"),
    ("id3-frame-lies.mp3", "unexpected end of file"),
    ("id3-many.mp3", "core (probe): no suitable format reader found"),
    ("id3-size-lies.mp3", "unexpected end of file"),
    ("lacing-lies.ogg", "unexpected end of file"),
    ("many-bits.wav", "wav: bits per sample for fmt_pcm must be 8, 16, 24 or 32 bits"),
    ("many-channels.wav", "number of channels out of range: expected 1 to 32, got 65535"),
    ("map-from-zero.m4a", "isomp4 (stsc): first_chunk must be >= 1"),
    ("no-timescale.m4a", "isomp4 (mdhd): timescale is zero"),
    ("opus-skip-lies.opus", "the opus track holds no sound"),
    ("opus-tags-lie.opus", "unexpected end of file"),
    ("opus-zero-channels.opus", "unexpected end of file"),
    ("picture-size-lies.flac", "out of bounds"),
    ("rf64-size-lies.wav", "core (probe): no suitable format reader found"),
    ("rf64-table-lies.wav", "core (probe): no suitable format reader found"),
    ("riff-size-zero.wav", "wav: invalid riff length"),
    ("samples-lie.m4a", "isomp4: unexpected end of atom"),
    ("segment-size-lies.webm", "mkv: missing segment element"),
    ("short-format.wav", "wav: malformed fmt chunk"),
    ("streaminfo-size-lies.flac", "flac: invalid stream info block size"),
    ("sync-garbage.flac", "unexpected end of file"),
    ("sync-garbage.mp3", "core (probe): no suitable format reader found"),
    ("times-lie.m4a", "isomp4: unexpected end of atom"),
    ("vorbis-setup-garbage.ogg", "unexpected end of file"),
    ("vorbis-zero-blocks.ogg", "unexpected end of file"),
    ("vorbis-zero-channels.ogg", "unexpected end of file"),
    ("xing-lies.mp3", "core (probe): no suitable format reader found"),
    ("zero-bits.wav", "wav: bits per sample for fmt_pcm must be 8, 16, 24 or 32 bits"),
    ("zero-blocks.flac", "flac: minimum block length is 16 samples"),
    ("zero-channels.wav", "riff: invalid channel count"),
    ("zero-length-pages.ogg", "unexpected end of file"),
    ("zero-rate.flac", "flac: stream sample rate out of bounds"),
    ("zero-rate.wav", "sampling rate out of range: expected 4000 to 384000 Hz, got 0 Hz"),
];

/// Files of which something is kept: seconds at most.
const KEPT: &[(&str, f64)] =
    &[("riff-size-lies.wav", 0.06), ("sync-noise.mp3", 0.05), ("zero-block-align.wav", 0.06)];

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
        let outcome = decode(bytes, &Limits::default());
        assert!(listed.contains(name.as_str()), "{name} is not listed");
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
            if let Ok(recording) = decode(changed, &Limits::default()) {
                assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0), "{name} {round}");
            }
        }
    }
}
