//! Whisper on our plan with real weights: what 8-bit integers cost, and what a start costs.
//!
//! ```text
//! cargo run --release -p inkling-assess --example whisper_cost -- quality FOLDER RECORDING "what is said in it"
//! cargo run --release -p inkling-assess --example whisper_cost -- cold FOLDER
//! ```
//! FOLDER is what `inkling networks fetch whisper-base` prints. `quality` compares INT8, as it is packed, with floats from the
//! same weights: states of the encoder, and logits where the text is given token by token (teacher forcing). `cold` opens the
//! packed file, takes half a minute of sound in and gives the logits of the first word, twice. `make bench-whisper` runs both.

use std::path::Path;
use std::time::Instant;

use cpu_time::ProcessTime;
use neural::{
    Cache, Isa, Precision, Tokens, Weights,
    whisper::{Turn, Whisper, Workspace},
};
use voice::{Limits, MelScale, MelSettings};

/// Start of transcript, English, transcribe, no timestamps: how a multilingual Whisper is asked (Radford et al. 2022, figure 1).
const PROMPT: [u32; 4] = [50_258, 50_259, 50_359, 50_363];

/// Samples of the half minute that Whisper hears at 16 kHz.
const SAMPLES: usize = 480_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["quality", folder, recording, text] => quality(Path::new(folder), Path::new(recording), text),
        ["cold", folder] => cold(Path::new(folder)),
        _ => Err("expected: quality FOLDER RECORDING TEXT, or: cold FOLDER".into()),
    }
}

/// The spectrum of Whisper's preprocessing: 80 mel bands (Slaney) of frames of 25 ms every 10 ms, log10 held to 8 below the
/// greatest, (x + 4) / 4 (`whisper/audio.py`, MIT). `[bands, 3000]`. Sound beyond its ends is silence, where theirs is
/// mirrored: the first and last frame differ a little.
fn spectrum(mut samples: Vec<f32>, bands: usize) -> Vec<f32> {
    samples.resize(SAMPLES, 0.0);
    let scale = MelScale::Slaney;
    let (low, high) = (feature::Hertz(0.0), feature::Hertz(8000.0));
    let settings = MelSettings { window: 400, size: 400, hop: 160, bands, low, high, scale };
    let mut power = voice::mel_power(&samples, &settings);
    power.truncate(SAMPLES / 160 * bands);
    power.iter_mut().for_each(|it| *it = it.max(1e-10).log10());
    let most = power.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let value = |it: f32| (it.max(most - 8.0) + 4.0) / 4.0;
    (0..bands).flat_map(|band| power.iter().skip(band).step_by(bands)).map(|it| value(*it)).collect()
}

/// A network with all it needs to answer.
struct Heard {
    whisper: Whisper,
    room: Workspace,
    states: Vec<f32>,
    source: Cache,
}

impl Heard {
    fn open(path: &Path, precision: Option<Precision>) -> Result<Self, Failure> {
        let whisper = Whisper::open(&Weights::open(path)?, precision, Isa::best())?;
        let states = vec![0.0; whisper.states().iter().product()];
        Ok(Heard { room: whisper.workspace(1), source: whisper.source(), states, whisper })
    }

    fn hear(&mut self, spectrum: &[f32]) -> Result<(), Failure> {
        self.whisper.encode(&mut self.room, spectrum, &mut self.states)?;
        Ok(self.whisper.take_in(&mut self.room, &self.states, &mut self.source)?)
    }

    /// Logits after each token, read one by one.
    fn read(&mut self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, Failure> {
        let (mut cache, mut logits) = (self.whisper.cache(), vec![]);
        for token in tokens.chunks(1) {
            let turn = Turn { tokens: token, cache: &mut cache, source: &self.source };
            self.whisper.read(&mut self.room, &mut [turn])?;
            logits.extend(self.whisper.logits(&mut self.room, 0..1)?.map(<[f32]>::to_vec));
        }
        Ok(logits)
    }
}

fn quality(folder: &Path, recording: &Path, text: &str) -> Result<(), Failure> {
    let recording = voice::decode_file(recording, &Limits::default())?;
    let words = Tokens::read(&folder.join("tokenizer.json"))?.encode(&format!(" {text}"))?;
    let tokens = [&PROMPT[..], &words].concat();
    let mut float = Heard::open(&folder.join("model.bin"), Some(Precision::Float))?;
    let mut int8 = Heard::open(&folder.join("model.inkpack"), None)?;
    let spectrum = spectrum(recording.samples().to_vec(), float.whisper.spectrum()[0]);
    let mut answers = Vec::new();
    for heard in [&mut float, &mut int8] {
        let cpu = ProcessTime::now();
        heard.whisper.encode(&mut heard.room, &spectrum, &mut heard.states)?;
        let encoded = cpu.elapsed();
        heard.whisper.take_in(&mut heard.room, &heard.states, &mut heard.source)?;
        let taken = cpu.elapsed();
        answers.push(heard.read(&tokens)?);
        let ms = |it: std::time::Duration| it.as_secs_f64() * 1e3;
        println!(
            "{:?}: encoder {:.0} CPU ms, source {:.0}, a token {:.2}",
            heard.whisper.precision(),
            ms(encoded),
            ms(taken - encoded),
            ms(cpu.elapsed() - taken) / tokens.len() as f64
        );
    }
    println!("encoder, int8 against float: cosine {:.5}", cosine(&float.states, &int8.states));
    compare("decoder and encoder, int8 against float", &answers[0], &answers[1], &tokens);
    int8.whisper.take_in(&mut int8.room, &float.states, &mut int8.source)?;
    compare("decoder alone, int8 against float", &answers[0], &int8.read(&tokens)?, &tokens);
    Ok(())
}

/// Cosine of the logits, least and mean over tokens; how often both like the same token best; how often that is the text's.
fn compare(what: &str, float: &[Vec<f32>], int8: &[Vec<f32>], tokens: &[u32]) {
    let cosines: Vec<f64> = float.iter().zip(int8).map(|(a, b)| cosine(a, b)).collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(f64::INFINITY, f64::min);
    let agree = float.iter().zip(int8).filter(|(a, b)| best(a) == best(b)).count();
    let said = |of: &[Vec<f32>]| {
        let asked = PROMPT.len() - 1;
        of[asked..].iter().zip(&tokens[asked + 1..]).filter(|(row, next)| best(row) == **next).count()
    };
    println!(
        "{what}: cosine of logits mean {mean:.5}, least {least:.5}; same best token {agree} of {}; best is the text's {} \
         (float {}) of {}",
        float.len(),
        said(int8),
        said(float),
        tokens.len() - PROMPT.len()
    );
}

fn cold(folder: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    let ms = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
    let mut heard = Heard::open(&folder.join("model.inkpack"), None)?;
    println!(
        "ready after {:.1} ms, {:.1} CPU ms",
        ms(started),
        ProcessTime::now().as_duration().as_secs_f64() * 1e3
    );
    let [bands, frames] = heard.whisper.spectrum();
    let spectrum: Vec<f32> = (0..bands * frames).map(|it| (it as f32 * 0.37).sin() * 0.5).collect();
    for which in ["first", "second"] {
        let (wall, cpu) = (Instant::now(), ProcessTime::now());
        heard.hear(&spectrum)?;
        let logits = heard.read(&PROMPT)?;
        let (wall, cpu) = (ms(wall), cpu.elapsed().as_secs_f64() * 1e3);
        println!("{which} answer in {wall:.0} ms, {cpu:.0} CPU ms (best token {})", best(&logits[3]));
    }
    for line in std::fs::read_to_string("/proc/self/status")?.lines() {
        if line.starts_with("VmHWM") || line.starts_with("Rss") {
            println!("{line}");
        }
    }
    Ok(())
}

/// The first of the greatest.
fn best(logits: &[f32]) -> u32 {
    let greater = |best: (usize, f32), (at, it): (usize, &f32)| if *it > best.1 { (at, *it) } else { best };
    logits.iter().enumerate().fold((0, f32::NEG_INFINITY), greater).0 as u32
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
