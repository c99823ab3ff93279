//! What is done to a recording: noise, a codec, a telephone line, gain, a room.

use std::{
    f64::consts::PI,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use feature::Condition;
use realfft::RealFftPlanner;
use voice::{Limits, Recording, decode, synth};

use crate::{Failure, material::Clip};

/// One column of the table.
pub(crate) struct Column {
    pub(crate) head: &'static str,
    pub(crate) condition: Condition,
    /// Whether being unstable here makes a measure fragile, or is only shown.
    pub(crate) counts: bool,
    spoil: Spoil,
}

enum Spoil {
    White(f64),
    Babble(f64),
    Mp3,
    Telephone,
    Gain(f64),
    /// RT60 in seconds.
    Room(f64),
}

const fn column(head: &'static str, condition: Condition, counts: bool, spoil: Spoil) -> Column {
    Column { head, condition, counts, spoil }
}

/// Every column, in the order of the table.
pub(crate) const COLUMNS: [Column; 13] = [
    column("white 20 dB", Condition::Noise, true, Spoil::White(20.0)),
    column("white 10", Condition::Noise, false, Spoil::White(10.0)),
    column("white 5", Condition::Noise, false, Spoil::White(5.0)),
    column("babble 20 dB", Condition::Noise, true, Spoil::Babble(20.0)),
    column("babble 10", Condition::Noise, false, Spoil::Babble(10.0)),
    column("babble 5", Condition::Noise, false, Spoil::Babble(5.0)),
    column("MP3", Condition::Compression, true, Spoil::Mp3),
    column("telephone", Condition::Telephone, true, Spoil::Telephone),
    column("−12 dB", Condition::Gain, true, Spoil::Gain(-12.0)),
    column("+12 dB", Condition::Gain, true, Spoil::Gain(12.0)),
    column("room 0.3 s", Condition::Reverberation, true, Spoil::Room(0.3)),
    column("room 0.6", Condition::Reverberation, true, Spoil::Room(0.6)),
    column("room 1.0", Condition::Reverberation, false, Spoil::Room(1.0)),
];

/// Volume of the room in m³ and distance to the microphone in m: an office, and a device on the table.
pub(crate) const VOLUME_M3: f64 = 60.0;
pub(crate) const DISTANCE_M: f64 = 0.5;
/// The first reflection comes this much after the sound itself.
const GAP_S: f64 = 0.0025;
const RATE: f64 = 16_000.0;
/// Voices of the babble.
const VOICES: usize = 6;
/// Band of a telephone line (ITU-T G.712) and the filter that makes it.
const BAND_HZ: (f64, f64) = (300.0, 3400.0);
const TAPS: usize = 513;

impl Column {
    /// Clip `place` of `clips` after it; `voices` are the recordings that babble is made of.
    pub(crate) fn apply(&self, clips: &[Clip], place: usize, voices: &[Clip]) -> Result<Recording, Failure> {
        let samples = &clips[place].samples;
        let made = |samples| Ok(Recording::from_samples(samples));
        match self.spoil {
            Spoil::White(snr_db) => {
                let noise = synth::noise(1.0, samples.len() as f64 / RATE, 100 + place as u64);
                made(mixed(samples, &noise, snr_db))
            }
            Spoil::Babble(snr_db) => made(mixed(samples, &babble(voices, place, samples.len()), snr_db)),
            Spoil::Mp3 => Ok(decode(mp3(samples)?, &Limits::default())?),
            Spoil::Telephone => Ok(decode(telephone(samples), &Limits::default())?),
            Spoil::Gain(db) => made(samples.iter().map(|it| it * 10f64.powf(db / 20.0) as f32).collect()),
            Spoil::Room(rt60_s) => {
                let mut wet = convolved(samples, &room(rt60_s, place as u64));
                wet.truncate(samples.len());
                made(wet)
            }
        }
    }
}

/// Mean square over what is within 30 dB of the loudest 20 ms: the speech without its pauses.
pub(crate) fn active_power(samples: &[f32]) -> f64 {
    let power = |block: &[f32]| {
        block.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / block.len().max(1) as f64
    };
    let blocks: Vec<f64> = samples.chunks(320).map(power).collect();
    let least = blocks.iter().copied().fold(0.0, f64::max) * 1e-3;
    let active: Vec<f64> = blocks.into_iter().filter(|it| *it > least).collect();
    feature::mean(&active).unwrap_or(0.0)
}

/// `noise` added `snr_db` below the speech: power of speech without pauses over power of the whole noise.
fn mixed(samples: &[f32], noise: &[f32], snr_db: f64) -> Vec<f32> {
    let power = noise.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / noise.len().max(1) as f64;
    let gain = (active_power(samples) / power.max(1e-20) * 10f64.powf(-snr_db / 10.0)).sqrt() as f32;
    samples.iter().zip(noise).map(|(sample, noise)| sample + gain * noise).collect()
}

/// Six other recordings at one level, each from its own place on and over again.
fn babble(voices: &[Clip], place: usize, length: usize) -> Vec<f32> {
    let mut sum = vec![0.0; length];
    for voice in 0..VOICES {
        let clip = &voices[(place + 1 + voice * 4) % voices.len()].samples;
        let gain = (1.0 / active_power(clip).max(1e-20)).sqrt() as f32;
        let from = (voice * 7919) % clip.len();
        sum.iter_mut().zip(clip.iter().cycle().skip(from)).for_each(|(sum, it)| *sum += gain * it);
    }
    sum
}

/// MP3 at 64 kb/s, mono, 16 kHz, by ffmpeg's LAME. Through a file: into a pipe the encoder cannot write how much silence it put
/// before the sound.
fn mp3(samples: &[f32]) -> Result<Vec<u8>, Failure> {
    let path = std::env::temp_dir().join(format!("inkling-robustness-{}.mp3", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "f32le", "-ar", "16000", "-ac", "1", "-i", "-"])
        .args(["-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("expected ffmpeg with libmp3lame for the MP3 column: {error}"))?;
    let bytes: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
    ffmpeg.stdin.take().ok_or("ffmpeg has no input")?.write_all(&bytes)?;
    if !ffmpeg.wait()?.success() {
        return Err("expected ffmpeg with libmp3lame for the MP3 column: it could not make one".into());
    }
    let made = fs::read(&path)?;
    fs::remove_file(&path)?;
    Ok(made)
}

/// A WAV file as a telephone line leaves it: 300–3400 Hz, 8 kHz, G.711 μ-law.
fn telephone(samples: &[f32]) -> Vec<u8> {
    let band = convolved(samples, &band_pass());
    // The filter is symmetric: its delay is half its length.
    let line: Vec<u8> = band.iter().skip(TAPS / 2).step_by(2).map(|it| mu_law(*it)).collect();
    mu_law_wave(&line)
}

/// A band pass by the window method (Blackman).
fn band_pass() -> Vec<f64> {
    let low_pass = |hertz: f64, n: f64| {
        let x = 2.0 * hertz / RATE;
        if n == 0.0 { x } else { (PI * x * n).sin() / (PI * n) }
    };
    let window = |n: usize| {
        let x = 2.0 * PI * n as f64 / (TAPS - 1) as f64;
        0.42 - 0.5 * x.cos() + 0.08 * (2.0 * x).cos()
    };
    let tap = |n: usize| {
        let at = n as f64 - (TAPS / 2) as f64;
        window(n) * (low_pass(BAND_HZ.1, at) - low_pass(BAND_HZ.0, at))
    };
    (0..TAPS).map(tap).collect()
}

/// One sample in the code of ITU-T G.711: sign, three bits of segment, four of step, all inverted.
fn mu_law(sample: f32) -> u8 {
    let linear = (f64::from(sample) * 32_768.0).clamp(-32_635.0, 32_635.0) as i32;
    let sign = if linear < 0 { 0x80 } else { 0 };
    // 132 in units of 16 bits is the bias that makes segments powers of two.
    let biased = linear.unsigned_abs() + 132;
    let segment = 24 - biased.leading_zeros();
    let step = (biased >> (segment + 3)) & 0x0F;
    !(sign | ((segment as u8) << 4) | step as u8)
}

/// A WAV of mono μ-law at 8 kHz (format tag 7).
fn mu_law_wave(bytes: &[u8]) -> Vec<u8> {
    let mut wave = Vec::with_capacity(bytes.len() + 60);
    let length = bytes.len() as u32;
    wave.extend(b"RIFF");
    wave.extend((length + 50).to_le_bytes());
    wave.extend(b"WAVEfmt ");
    wave.extend(18u32.to_le_bytes());
    [7u16, 1].iter().for_each(|it| wave.extend(it.to_le_bytes()));
    [8000u32, 8000].iter().for_each(|it| wave.extend(it.to_le_bytes()));
    [1u16, 8, 0].iter().for_each(|it| wave.extend(it.to_le_bytes()));
    wave.extend(b"fact");
    [4u32, length].iter().for_each(|it| wave.extend(it.to_le_bytes()));
    wave.extend(b"data");
    wave.extend(length.to_le_bytes());
    wave.extend(bytes);
    wave
}

/// Direct-to-reverberant ratio in dB: at the critical distance 0.057 √(V / RT60) both are equal (Sabine's formula; Kuttruff 2009,
/// *Room Acoustics*, section 5.1), and the direct sound falls by the square of the distance.
pub(crate) fn direct_over_reverberant_db(rt60_s: f64) -> f64 {
    20.0 * (0.057 * (VOLUME_M3 / rt60_s).sqrt() / DISTANCE_M).log10()
}

/// The impulse response of a room: the sound itself, then noise that falls by 60 dB in `rt60_s` (Polack 1988).
fn room(rt60_s: f64, seed: u64) -> Vec<f64> {
    let noise = synth::noise(1.0, rt60_s, 500 + seed);
    let fall = |n: usize| 10f64.powf(-3.0 * n as f64 / RATE / rt60_s);
    let mut tail: Vec<f64> = noise.iter().enumerate().map(|(n, it)| f64::from(*it) * fall(n)).collect();
    let energy = tail.iter().map(|it| it * it).sum::<f64>().max(1e-20);
    let gain = (10f64.powf(-direct_over_reverberant_db(rt60_s) / 10.0) / energy).sqrt();
    tail.iter_mut().for_each(|it| *it *= gain);
    let mut response = vec![0.0; (GAP_S * RATE) as usize];
    response[0] = 1.0;
    response.extend(tail);
    response
}

/// `samples` through `response`, as long as both; by one Fourier transform.
fn convolved(samples: &[f32], response: &[f64]) -> Vec<f32> {
    let length = samples.len() + response.len();
    let size = length.next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let mut left: Vec<f64> = samples.iter().map(|it| f64::from(*it)).chain([0.0]).collect();
    let mut right = response.to_vec();
    left.resize(size, 0.0);
    right.resize(size, 0.0);
    let (mut spectrum, mut other) = (forward.make_output_vec(), forward.make_output_vec());
    forward.process(&mut left, &mut spectrum).expect("buffers of the plan");
    forward.process(&mut right, &mut other).expect("buffers of the plan");
    spectrum.iter_mut().zip(&other).for_each(|(it, other)| *it *= other);
    // Rounding leaves imaginary parts where a real signal has none.
    spectrum[0].im = 0.0;
    spectrum[size / 2].im = 0.0;
    inverse.process(&mut spectrum, &mut left).expect("buffers of the plan");
    left.iter().take(length).map(|it| (it / size as f64) as f32).collect()
}
