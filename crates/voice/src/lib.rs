//! Sound to measures of speaking, by formula.
//!
//! **What comes in.** A sound file of any common kind (WAV, FLAC, MP3, Ogg Vorbis, Opus, M4A, WebM), any rate from 4 to
//! 384 kHz, any number of channels: [`decode`] for bytes, [`decode_file`] for a path, [`decode_channels`] for one channel of it
//! or the participant's of two.
//!
//! **What goes out.**
//! - [`Recording`]: mono, 16 kHz, finite samples in `[-1, 1]`, time 0 the first sample of the file; and what the file was
//!   ([`Source`]) and lacked ([`Damage`]).
//! - [`Quality`](feature::Quality), from [`Check`](feature::Check): level, clipping, offset, signal-to-noise ratio,
//!   bandwidth, dropouts, speech fraction, length; reverberation, a second speaker, tones and hums.
//! - [`Analysis`]: contours ([`Contour`]) of pitch and intensity every 10 ms, speech, pauses and syllables as times.
//! - [`Analysis::of`] leaves the turns of a second [`Speaker`] out, where two can be told apart; [`Live`] measures all of
//!   the set while the sound comes in, and holds five seconds of it at most.
//! - [`Timbre`]: contours of spectrum, formants and clarity, computed at the first call.
//! - [`set`]: the feature set `voice@1`, every value of it a number with a unit or a reason; [`silence_set`]: the same of the room,
//!   from frames without speech.
//!
//! **What is refused.** [`decode`] returns an [`Error`] for a file that is empty, too large or too long
//! ([`Limits`]), of no known kind, or without a single sample. A file that breaks off is kept as far as it goes and
//! marked. [`Usable`](feature::Usable) declines less than 0.3 s, nothing finite, nothing above −70 dBFS. Everything else
//! is measured. No bytes make it panic.
//!
//! # Example
//! ```
//! use feature::Usable;
//! use voice::{Analysis, Recording, set, synth};
//!
//! // Two vowels of a second each, with pauses of 0.6 and 0.4 s, over soft noise. A file: `voice::decode_file(path, …)?`.
//! let (samples, _) = synth::bursts(&[(1.0, 0.6), (1.0, 0.4)], 0.0005);
//! let recording = Recording::from_samples(samples);
//!
//! let usable = Usable::new(recording).expect("loud and long enough");
//! let analysis = Analysis::new(&usable);
//! assert_eq!(analysis.pauses().len(), 2);
//!
//! let values = set().measure(&analysis);
//! assert_eq!(values.number("voice.pause.count"), Some(2.0));
//! assert!((values.number("voice.f0.median").unwrap() - 120.0).abs() < 1.0);
//! ```
//!
//! # How it is made
//! noun → decode → check → subjects → measures → synth. Each subject file holds its formula, its measures and their
//! tests: `pitch` (Boersma 1993), `intensity`, `activity` (when somebody speaks), `rhythm` (pauses, syllables, rates),
//! `variability` (of neighbouring durations), `repetition` (pa-ta-ka), `speaker` (whose voice it is), `perturbation` (jitter,
//! shimmer, on the marks of `period`), `harmonicity`, `stability` (sustained vowels),
//! `spectrum` (mel bands, loudness, tilt, flux), `formant` (Burg 1975), `harmonic`, `cepstrum` (clarity), `functional` (what
//! is said of a contour), `silence` (the room).
//! [`MEASURES`] is the one list of them. A contour is computed once and shared by check and measures. Signals are `f32`,
//! sums over them `f64`. There are no threads: callers run one recording a thread.
//!
//! Where to go next: `feature` for values and sets, `assess` for what is made of them, `voice::synth` for sound with known
//! answers.
#![forbid(unsafe_code)]

mod activity;
mod analysis;
mod cepstrum;
mod channel;
mod check;
mod colour;
mod contour;
mod decode;
mod error;
mod formant;
mod fragility;
mod functional;
mod harmonic;
mod harmonicity;
mod intensity;
mod interpolate;
mod live;
mod measures;
mod period;
mod perturbation;
mod pitch;
mod recording;
mod repetition;
mod resample;
mod rhythm;
mod silence;
mod speaker;
mod spectrum;
mod stability;
mod steps;
pub mod synth;
mod timbre;
mod variability;

pub use activity::Interval;
pub use analysis::Analysis;
pub use channel::{Channels, decode_channels};
pub use contour::{Contour, Grid};
pub use decode::{Limits, decode, decode_file};
pub use error::Error;
pub use formant::{FormantSettings, Formants, formants};
pub use intensity::intensity;
pub use live::{Live, Snapshot};
pub use measures::{MEASURES, set};
pub use pitch::{PitchSettings, pitch};
pub use recording::{Broken, Damage, RATE, Recording, Source};
pub use silence::silence_set;
pub use speaker::Speaker;
pub use spectrum::{MelScale, MelSettings, mel_power, mfcc, spectrogram};
pub use steps::steps;
pub use timbre::Timbre;
