//! Why a file could not become a recording.

use std::{io, path::PathBuf};

use feature::Seconds;

/// A file that could not be decoded: where, what was expected, what was found.
///
/// These are faults of the *file*. A recording that decodes but is too short, too quiet or clipped is no error: its
/// [`Quality`](feature::Quality) says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be opened or its size not be read.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No bytes at all.
    #[error("the file is empty: expected audio, got 0 bytes")]
    Empty,
    /// More bytes than [`Limits::max_bytes`](crate::Limits::max_bytes).
    #[error("the file is too large: expected at most {limit} bytes, got {got}")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
        /// The size of the file in bytes.
        got: u64,
    },
    /// Longer than [`Limits::max_recording`](crate::Limits::max_recording).
    #[error("the recording is too long: expected at most {:.1}, got {got:.1} {told}", limit)]
    TooLong {
        /// The longest recording accepted.
        limit: Seconds,
        /// The length that was announced, or the first time past the limit.
        got: Seconds,
        /// Where that was learnt: the header, or the audio itself.
        told: &'static str,
    },
    /// No container we know.
    #[error(
        "not a sound file: expected WAV, FLAC, MP3, Ogg, M4A or WebM, got a file that begins with {got} ({cause})"
    )]
    NotAudio {
        /// The first bytes, printable.
        got: String,
        /// What the reader of containers said.
        cause: String,
    },
    /// A container without a sound track.
    #[error("the {container} file has no sound track")]
    NoTrack {
        /// Short name of the container.
        container: &'static str,
    },
    /// A sound track in a codec we do not decode.
    #[error("cannot decode this sound track: expected PCM, FLAC, MP3, Vorbis, Opus or AAC-LC, got {got}")]
    Codec {
        /// What was found.
        got: String,
    },
    /// A sampling rate outside [`RATES`](crate::Limits::RATES).
    #[error("sampling rate out of range: expected 4000 to 384000 Hz, got {got} Hz")]
    Rate {
        /// The rate in hertz.
        got: u32,
    },
    /// No channels, or more than 32.
    #[error("number of channels out of range: expected 1 to 32, got {got}")]
    Channels {
        /// The number of channels.
        got: usize,
    },
    /// A channel that the file does not have.
    #[error("no such channel: expected one of the file's {got}, counted from 1, got {wanted}")]
    NoChannel {
        /// The channel that was wanted.
        wanted: usize,
        /// The number of channels.
        got: usize,
    },
    /// A readable header with no sound behind it.
    #[error("the {codec} track holds no sound: expected at least one sample, got {cause}")]
    NoSamples {
        /// Short name of the codec.
        codec: String,
        /// What ended the track.
        cause: String,
    },
}
