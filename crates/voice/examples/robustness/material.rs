//! The recordings that are spoiled: real speech, and made vowels and syllables for the measures that need them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use voice::{Limits, decode_file, synth};

use crate::{Failure, spoil::active_power};

/// Peak to which a louder recording is lowered, so that 12 dB more do not clip it: clipping is another fault, with a check of
/// its own.
const PEAK: f32 = 0.25;

/// How often a clip is repeated in speech with pauses, and below how many samples it is one that is.
const TIMES: usize = 5;
const LONGEST: usize = 12 * 16_000;
/// Power of the speech there, and of the noise below it as a share of that: −50 dB.
const LEVEL: f64 = 1e-3;
const FLOOR: f64 = 1e-5;

/// Folders of real speech in `INKLING_DATA/speech`, and what of them is left out with the reason.
const FOLDERS: [&str; 5] = ["disfluency", "en", "en/ljspeech", "en/rtvc", "ko"];
const LEFT_OUT: [(&str, &str); 5] = [
    ("jfk.mp3", "the same speech as jfk_16k_mono.wav"),
    ("LJ001-0001.flac", "the same speech as LJ001-0001.wav"),
    ("LJ001-0001.mp3", "the same speech as LJ001-0001.wav"),
    ("OSR_us_000_0034_8k.wav", "8 kHz: from a telephone already"),
    ("picovoice_leopard_empty.wav", "nobody speaks"),
];

/// One recording before anything happened to it.
#[derive(Clone)]
pub(crate) struct Clip {
    pub(crate) name: String,
    /// 16 kHz, peak at most [`PEAK`].
    pub(crate) samples: Vec<f32>,
}

/// Recordings whose spread a change is held against.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) clips: Vec<Clip>,
}

impl Clip {
    fn new(name: impl Into<String>, mut samples: Vec<f32>) -> Self {
        let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        let gain = if peak > PEAK { PEAK / peak } else { 1.0 };
        samples.iter_mut().for_each(|sample| *sample *= gain);
        Self { name: name.into(), samples }
    }

    fn read(path: &Path, name: String) -> Result<Self, Failure> {
        let recording =
            decode_file(path, &Limits::default()).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self::new(name, recording.samples().to_vec()))
    }
}

/// Speech first, then speech with pauses, then vowels and syllables.
pub(crate) fn groups() -> Result<[Group; 3], Failure> {
    let speech = Group { title: "speech", clips: speech()? };
    let short = speech.clips.iter().filter(|it| it.samples.len() < LONGEST);
    let clips = short.enumerate().map(|(n, clip)| paused(clip, n)).collect();
    let paused = Group { title: "speech with pauses", clips };
    let clips = [vowels()?, trembling(), syllables()].concat();
    Ok([speech, paused, Group { title: "vowels and syllables", clips }])
}

/// One clip five times over with pauses between, over a soft noise: the clips alone are too short for pauses. Pauses are
/// log-normal as in speech (Goldman-Eisler 1968); how long they typically are differs from recording to recording.
fn paused(clip: &Clip, n: usize) -> Clip {
    let mu = -0.9 + 0.12 * (n * 5 % 12) as f64;
    let draws = synth::noise(1.0, 0.01, 900 + n as u64);
    let gain = (LEVEL / active_power(&clip.samples).max(1e-20)).sqrt() as f32;
    let mut samples = Vec::new();
    for uniform in draws.chunks(6).take(TIMES) {
        samples.extend(clip.samples.iter().map(|it| it * gain));
        // The sum of six uniform values of variance 1 is near enough to normal.
        let normal = uniform.iter().map(|it| f64::from(*it)).sum::<f64>() / 6f64.sqrt();
        samples.extend(synth::silence((mu + 0.7 * normal).exp().clamp(0.1, 6.0)));
    }
    let floor = synth::noise((LEVEL * FLOOR).sqrt(), samples.len() as f64 / 16_000.0, 950 + n as u64);
    samples.iter_mut().zip(floor).for_each(|(sample, floor)| *sample += floor);
    Clip::new(format!("{} with pauses", clip.name), samples)
}

fn speech() -> Result<Vec<Clip>, Failure> {
    let root = folder("INKLING_DATA", "real speech")?.join("speech");
    let mut clips = Vec::new();
    for inside in FOLDERS {
        for path in files(&root.join(inside))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if LEFT_OUT.iter().all(|(left_out, _)| *left_out != name) {
                clips.push(Clip::read(&path, format!("{inside}/{name}"))?);
            }
        }
    }
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/session/picture.flac");
    clips.push(Clip::read(&fixture, "fixtures/session/picture.flac".to_owned())?);
    Ok(clips)
}

/// Sustained vowels with known jitter and shimmer.
fn vowels() -> Result<Vec<Clip>, Failure> {
    let root = folder("INKLING_GOLDEN", "the golden vowels")?.join("voice/wav");
    let vowel =
        |path: &PathBuf| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("vowel_"));
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Clip::read(&path, name)
    };
    files(&root)?.into_iter().filter(vowel).map(named).collect()
}

/// Voices of 1.5 to 4.5 s that tremble in pitch and amplitude.
fn trembling() -> Vec<Clip> {
    let voice = |n: u32| {
        let (n, hertz) = (f64::from(n), 100.0 + 8.0 * f64::from(n));
        let (frequency, amplitude) = ((3.5 + 0.4 * n, 0.01 + 0.003 * n), (9.0 - 0.4 * n, 0.05 + 0.015 * n));
        let samples = synth::trembling(hertz, frequency, amplitude, 1.5 + 0.2 * (n * 7.0 % 16.0));
        Clip::new(format!("synth::trembling {hertz:.0} Hz"), samples)
    };
    (0..16).map(voice).collect()
}

/// Pa-ta-ka of 24 syllables: slower and faster, more and less even, slowing down.
fn syllables() -> Vec<Clip> {
    let train = |n: u32| {
        let (period, uneven) = (0.25 - 0.012 * f64::from(n), 0.01 * f64::from(n % 5));
        let late = |k: u32| 1.0 + uneven * (2.4 * f64::from(k)).sin() + 0.01 * f64::from(n % 3 * k) / 3.0;
        let onsets: Vec<f64> =
            (0..24).scan(0.3, |at, k| Some(std::mem::replace(at, *at + period * late(k)))).collect();
        Clip::new(format!("synth::pataka {:.1} a second", 1.0 / period), synth::pataka(&onsets))
    };
    (0..10).map(train).collect()
}

/// The folder a variable names.
fn folder(variable: &str, what: &str) -> Result<PathBuf, Failure> {
    let path = env::var_os(variable)
        .map(PathBuf::from)
        .ok_or(format!("expected {variable} to name the folder with {what}; it is not set"))?;
    if path.is_dir() { Ok(path) } else { Err(format!("{variable}: no folder {}", path.display()).into()) }
}

/// The sound files of one folder by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|it| Some(it.ok()?.path())).filter(|it| it.is_file()).collect();
    paths.sort();
    Ok(paths)
}

/// What of the folders was left out, and why.
pub(crate) fn left_out() -> String {
    LEFT_OUT.map(|(name, why)| format!("`{name}` ({why})")).join(", ")
}
