//! Bytes of a sound file to a [`Recording`].
//!
//! One path for every container: open → next packet → decode → average the channels, or take some → resample. Only the finished 16 kHz
//! sound grows; everything else is of constant size, so two hours of a 96 kHz file need no more than two hours at 16 kHz.
//!
//! **Time 0 stays time 0.** What a codec puts before the sound is left out: MP3 and Vorbis say it in their headers, Opus in
//! its pre-skip, M4A in its edit list (`edit`). A packet that cannot be decoded becomes silence of its length.
//!
//! **A broken file is kept as far as it goes.** A recording that was cut off by an empty battery may be all there is of a
//! session. Where it ends is told by [`Damage::broken`], and the check marks it; only a file without a single sample is an
//! error. A WAV whose header promises more than the file holds is such a file; one that says it does not know its length
//! (as programs write that stream) is not.
//!
//! **Nothing is believed.** Lengths in headers reserve no memory, rates and channels are checked before they are used, the
//! length is counted as it grows, and 200 bad packets in a row end the file.

mod codec;
mod edit;
mod lane;
mod tally;
mod wave;

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use feature::{Hertz, Seconds};
use symphonia::core::{
    errors::Error as Fault,
    formats::{FormatReader, Track, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream},
    packet::Packet,
};

use self::lane::Lane;
pub(crate) use self::tally::Tally;
use crate::{
    channel::Channels,
    decode::codec::Codec,
    error::Error,
    recording::{Broken, Damage, Recording, Source},
};

/// Packets that may fail one after the other before the rest of the file is given up.
const MOST_LOST: u64 = 200;
/// Most channels of a file.
const MOST_CHANNELS: usize = 32;
/// A sound this much shorter than announced ends early, in seconds: codec delays and lost last packets are shorter.
const SHORT: f64 = 0.15;

/// How much sound is accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Longest recording. Refused from the header where it tells, otherwise at the first packet past it.
    pub max_recording: Seconds,
    /// Largest file in bytes.
    pub max_bytes: u64,
}

impl Limits {
    /// Sampling rates accepted, in hertz: telephone codecs down to 4 kHz, converters up to 384 kHz.
    pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
}

impl Default for Limits {
    /// Two hours, 4 GiB.
    fn default() -> Self {
        Self { max_recording: Seconds(2.0 * 3600.0), max_bytes: 4 << 30 }
    }
}

/// Decodes the bytes of a WAV, FLAC, MP3, Ogg (Vorbis, Opus), M4A (AAC-LC) or WebM file.
///
/// # Errors
/// A file that is empty, too large, too long, of no known kind, without a sound track or without a single sample. A file
/// that breaks off later is kept as far as it goes, and [`Damage::broken`] tells.
pub fn decode(bytes: Vec<u8>, limits: &Limits) -> Result<Recording, Error> {
    Ok(heard_bytes(bytes, limits, Channels::Mean)?.mean_or_only())
}

/// Decodes a file as [`decode`] does, reading it piece by piece.
///
/// # Errors
/// As [`decode`], and when the file cannot be opened.
pub fn decode_file(path: impl AsRef<Path>, limits: &Limits) -> Result<Recording, Error> {
    Ok(heard(path.as_ref(), limits, Channels::Mean)?.mean_or_only())
}

/// The sound of a file, with the channels that are wanted.
pub(crate) fn heard(path: &Path, limits: &Limits, wanted: Channels) -> Result<Heard, Error> {
    let (file, size, start) = open(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    decode_source(Box::new(file), (size, &start), limits, wanted)
}

/// The sound of a file's bytes, with the channels that are wanted.
pub(crate) fn heard_bytes(bytes: Vec<u8>, limits: &Limits, wanted: Channels) -> Result<Heard, Error> {
    let (size, start) = (bytes.len() as u64, printable(&bytes));
    decode_source(Box::new(Cursor::new(bytes)), (size, &start), limits, wanted)
}

/// The sound of a file.
pub(crate) enum Heard {
    /// The mean of its channels, or the one that was wanted.
    One(Recording),
    /// The mean of its two channels, and each of them.
    Pair {
        /// The mean.
        mean: Recording,
        /// The first and the second channel.
        each: Box<[Recording; 2]>,
    },
}

impl Heard {
    fn mean_or_only(self) -> Recording {
        match self {
            Self::One(recording) | Self::Pair { mean: recording, .. } => recording,
        }
    }
}

/// The file, its size, and its first bytes for a message.
fn open(path: &Path) -> io::Result<(File, u64, String)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut start = [0; 12];
    let read = file.read(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((file, size, printable(&start[..read])))
}

/// The first bytes as a message may show them.
fn printable(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(12)];
    format!("\"{}\"", start.escape_ascii())
}

fn decode_source(
    source: Box<dyn MediaSource>,
    (size, start): (u64, &str),
    limits: &Limits,
    wanted: Channels,
) -> Result<Heard, Error> {
    if size == 0 {
        return Err(Error::Empty);
    }
    if size > limits.max_bytes {
        return Err(Error::TooLarge { limit: limits.max_bytes, got: size });
    }
    let mut stream = Stream::open(source, size, start)?;
    let announced = stream.announced();
    // A header that claims more than there are bytes lies about the length, not about the sound.
    let believed = announced.map(|claim| Seconds(claim.0.min(stream.held().map_or(f64::MAX, |held| held.0))));
    if let Some(got) = believed.filter(|got| *got > limits.max_recording) {
        return Err(Error::TooLong { limit: limits.max_recording, got, told: "in the header" });
    }
    let mut intake = Intake::new(wanted);
    let cause = loop {
        match stream.next(&mut intake) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(Halt::Refused(error)) => return Err(error),
            Err(Halt::Broken(cause)) => break Some(cause),
        }
        if let Some(got) = Some(intake.length()).filter(|got| *got > limits.max_recording) {
            return Err(Error::TooLong { limit: limits.max_recording, got, told: "and more to come" });
        }
    };
    finish(stream, intake, announced, cause)
}

/// Why no further packet comes, other than the end.
enum Halt {
    Refused(Error),
    Broken(String),
}

/// The sound of all that was taken in, or the reason why there is none.
fn finish(
    stream: Stream,
    intake: Intake,
    announced: Option<Seconds>,
    cause: Option<String>,
) -> Result<Heard, Error> {
    let codec = stream.codec.name().to_owned();
    if intake.frames == 0 {
        let cause = cause.unwrap_or_else(|| "an empty track".to_owned());
        return Err(Error::NoSamples { codec, cause });
    }
    let (broken, Layout { rate, channels }) = (broken(announced, intake.length(), cause), intake.layout);
    let container = stream.format.format_info().short_name;
    let (rate, bits, bytes) = (Hertz(f64::from(rate)), stream.bits, stream.size);
    let source = Source { container, codec, rate, channels, bits, bytes };
    let damage = Damage { lost_packets: stream.lost, broken, ..Damage::default() };
    let recordings: Vec<Recording> =
        intake.lanes.into_iter().map(|lane| lane.finish(source.clone(), damage.clone())).collect();
    Ok(match <[Recording; 3]>::try_from(recordings) {
        Ok([mean, one, other]) => Heard::Pair { mean, each: Box::new([one, other]) },
        Err(mut one) => Heard::One(one.swap_remove(0)),
    })
}

/// Whether the sound ends early.
fn broken(announced: Option<Seconds>, got: Seconds, cause: Option<String>) -> Option<Broken> {
    let short = announced.is_some_and(|announced| got.0 < announced.0 - SHORT);
    match (short, cause) {
        (true, cause) => {
            Some(Broken { announced, cause: cause.unwrap_or_else(|| "the file ends early".into()) })
        }
        (false, Some(cause)) if announced.is_none() => Some(Broken { announced, cause }),
        _ => None,
    }
}

/// An opened file: its packets, and the decoder for them.
struct Stream {
    format: Box<dyn FormatReader>,
    track: Track,
    codec: Codec,
    bits: Option<u32>,
    size: u64,
    lost: u64,
    lost_in_a_row: u64,
    /// Seconds of decoded sound still to be left out at the start.
    lead_in_s: f64,
    frames: Vec<f32>,
}

impl Stream {
    fn open(mut source: Box<dyn MediaSource>, size: u64, start: &str) -> Result<Self, Error> {
        if let Some(got) = wave::channels(&mut *source).filter(|got| *got > MOST_CHANNELS) {
            return Err(Error::Channels { got });
        }
        let lead_in_s = edit::lead_in(&mut *source).unwrap_or(0.0);
        let stream = MediaSourceStream::new(source, Default::default());
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, Default::default(), Default::default())
            .map_err(|fault| Error::NotAudio { got: start.to_owned(), cause: fault.to_string() })?;
        let container = format.format_info().short_name;
        let track = format.default_track(TrackType::Audio).cloned().ok_or(Error::NoTrack { container })?;
        let parameters = track.codec_params.as_ref().and_then(|it| it.audio());
        let parameters = parameters.ok_or(Error::NoTrack { container })?;
        let codec = Codec::new(parameters)?;
        let bits = codec.bits(parameters);
        let (lost, lost_in_a_row, frames) = (0, 0, Vec::new());
        Ok(Self { format, track, codec, bits, size, lost, lost_in_a_row, lead_in_s, frames })
    }

    /// The length the header tells.
    fn announced(&self) -> Option<Seconds> {
        let parameters = self.track.codec_params.as_ref()?.audio()?;
        let rate = f64::from(parameters.sample_rate.filter(|rate| *rate > 0)?);
        match (self.track.num_frames, self.track.duration, self.track.time_base) {
            (Some(frames), _, _) => Some(Seconds(frames as f64 / rate)),
            (None, Some(duration), Some(base)) => Some(Seconds(base.calc_duration(duration)?.as_secs_f64())),
            _ => None,
        }
    }

    /// The most sound the file's bytes can hold, where samples lie in it as they are.
    fn held(&self) -> Option<Seconds> {
        let parameters = self.track.codec_params.as_ref()?.audio()?;
        let rate = parameters.sample_rate.filter(|rate| *rate > 0)?;
        let bits = self.codec.is_plain().then_some(self.bits).flatten()?;
        let channels = parameters.channels.as_ref()?.count();
        let bytes_a_second = f64::from(bits.max(8)) / 8.0 * channels as f64 * f64::from(rate);
        Some(Seconds(self.size as f64 / bytes_a_second))
    }

    /// Decodes one packet into `intake`; false at the end.
    fn next(&mut self, intake: &mut Intake) -> Result<bool, Halt> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(false),
            // Samples as they are simply end with the file; whether too early, the announced length tells.
            Err(Fault::IoError(fault))
                if self.codec.is_plain() && fault.kind() == io::ErrorKind::UnexpectedEof =>
            {
                return Ok(false);
            }
            // The next of several chained tracks: another recording, which is not this one.
            Err(Fault::ResetRequired) => return Err(Halt::Broken("a second track follows".to_owned())),
            Err(fault) => return Err(Halt::Broken(fault.to_string())),
        };
        if packet.track_id != self.track.id {
            return Ok(true);
        }
        match self.codec.decode(&packet, &mut self.frames) {
            Ok(layout) => {
                self.lost_in_a_row = 0;
                self.leave_out_lead_in(layout);
                intake.take(layout, &self.frames)?;
            }
            Err(cause) => self.lose(&packet, intake, cause)?,
        }
        Ok(true)
    }

    /// Drops what the edit list leaves out from the start of the first decoded frames.
    fn leave_out_lead_in(&mut self, layout: Layout) {
        let rate = f64::from(layout.rate.max(1));
        let wanted = (self.lead_in_s * rate).round() as usize;
        let left_out = wanted.min(self.frames.len() / layout.channels.max(1));
        self.frames.drain(..left_out * layout.channels);
        self.lead_in_s -= left_out as f64 / rate;
    }

    /// A packet that cannot be decoded becomes silence of its length, so that what follows keeps its time.
    fn lose(&mut self, packet: &Packet, intake: &mut Intake, cause: String) -> Result<(), Halt> {
        self.lost += 1;
        self.lost_in_a_row += 1;
        if self.lost_in_a_row > MOST_LOST {
            return Err(Halt::Broken(cause));
        }
        if let Some(base) = self.track.time_base.filter(|_| intake.is_open()) {
            let seconds = base.calc_duration(packet.dur).map_or(0.0, |time| time.as_secs_f64()).min(1.0);
            intake.silence((seconds * f64::from(intake.layout.rate)) as usize);
        }
        Ok(())
    }
}

/// Rate and channels of decoded frames.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Layout {
    rate: u32,
    channels: usize,
}

/// Where decoded frames go. Opened by the first of them, which tells rate and channels.
struct Intake {
    wanted: Channels,
    layout: Layout,
    frames: u64,
    /// One for each sound that is made of the file; none before it is open.
    lanes: Vec<Lane>,
}

impl Intake {
    fn new(wanted: Channels) -> Self {
        Self { wanted, layout: Layout { rate: 1, channels: 0 }, frames: 0, lanes: Vec::new() }
    }

    fn is_open(&self) -> bool {
        !self.lanes.is_empty()
    }

    fn open(&mut self, layout: Layout) -> Result<(), Error> {
        let Layout { rate, channels } = layout;
        if !Limits::RATES.contains(&rate) {
            return Err(Error::Rate { got: rate });
        }
        if !(1..=MOST_CHANNELS).contains(&channels) {
            return Err(Error::Channels { got: channels });
        }
        self.layout = layout;
        self.lanes = lane::lanes(self.wanted, layout)?;
        Ok(())
    }

    /// Takes interleaved `frames`. A layout that changes midway ends the recording.
    fn take(&mut self, layout: Layout, frames: &[f32]) -> Result<(), Halt> {
        if frames.is_empty() {
            return Ok(());
        }
        if !self.is_open() {
            self.open(layout).map_err(Halt::Refused)?;
        }
        if layout != self.layout {
            return Err(Halt::Broken(format!(
                "rate or channels change from {} Hz, {} to {} Hz, {}",
                self.layout.rate, self.layout.channels, layout.rate, layout.channels
            )));
        }
        self.frames += (frames.len() / layout.channels) as u64;
        self.lanes.iter_mut().for_each(|lane| lane.take(frames, layout.channels));
        Ok(())
    }

    fn silence(&mut self, frames: usize) {
        self.frames += frames as u64;
        self.lanes.iter_mut().for_each(|lane| lane.silence(frames));
    }

    fn length(&self) -> Seconds {
        Seconds(self.frames as f64 / f64::from(self.layout.rate))
    }
}
