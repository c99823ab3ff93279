//! Whose voice is measured, and what the report says of a second one.

use std::{fs, path::Path};

use serde_json::Value;
use voice::synth;

use crate::line::{inkling, wav};

/// Vowels of one voice: pitch moves by three semitones, and /a/ and /i/ come in turn, each formant at `size` of its frequency.
fn speaks(hertz: f64, size: f64, syllables: usize) -> Vec<f32> {
    let vowel = |n: usize| {
        let formants = if n.is_multiple_of(2) { synth::A } else { synth::I }.map(|(f, b)| (f * size, b));
        let pitch = hertz * 2f64.powf((n % 4) as f64 / 12.0);
        [synth::vowel(pitch, &formants, 0.3, 0.3), synth::silence(if n % 5 == 4 { 0.4 } else { 0.05 })]
            .concat()
    };
    (0..syllables).flat_map(vowel).collect()
}

fn integer(sample: f32) -> i16 {
    (sample * 32767.0) as i16
}

fn mono(samples: &[f32]) -> Vec<u8> {
    wav(16_000, &samples.iter().copied().map(integer).collect::<Vec<_>>())
}

/// A WAV of two channels of one length.
fn stereo(one: &[f32], other: &[f32]) -> Vec<u8> {
    let frames: Vec<i16> = one.iter().zip(other).flat_map(|(a, b)| [integer(*a), integer(*b)]).collect();
    let mut bytes = wav(16_000, &frames);
    // Channels, bytes a second, bytes a frame.
    bytes[22] = 2;
    bytes[28..32].copy_from_slice(&64_000u32.to_le_bytes());
    bytes[32] = 4;
    bytes
}

/// An interview: an examiner on the first channel, a participant who speaks more on the second, each softly on the other's.
fn interview() -> Vec<u8> {
    let turns = [
        (0, speaks(210.0, 1.16, 6)),
        (1, speaks(110.0, 1.0, 30)),
        (0, speaks(210.0, 1.16, 6)),
        (1, speaks(110.0, 1.0, 20)),
    ];
    let side = |channel: usize| {
        let gain = move |whose: usize| if whose == channel { 1.0 } else { 0.1 };
        turns
            .iter()
            .flat_map(move |(whose, sound)| sound.iter().map(move |x| x * gain(*whose)))
            .collect::<Vec<f32>>()
    };
    stereo(&side(0), &side(1))
}

/// Text, page and `voices` of the JSON of an assessment, on one line each.
fn assessed(sound: &[u8]) -> [String; 3] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("picture.wav");
    fs::write(&file, sound).unwrap();
    let out = folder.path().join("out");
    let said = inkling(["assess".as_ref(), file.as_os_str(), "--out".as_ref(), out.as_os_str()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let report: Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    [line(&said.out), line(&page), report["performed"][0]["voices"].as_str().unwrap().to_owned()]
}

#[test]
fn the_report_says_what_became_of_a_second_voice() {
    let (one, other) = (speaks(110.0, 1.0, 30), speaks(210.0, 1.16, 15));
    let cases = [
        (mono(&speaks(120.0, 1.0, 60)), "One voice was found."),
        (mono(&speaks(120.0, 1.0, 5)), "Whether a second person speaks cannot be told ("),
        (mono(&speaks(120.0, 1.0, 5)), "everything that was heard was measured"),
        (
            mono(&[one.clone(), other.clone(), one, other].concat()),
            "A second voice, taken for the examiner's, was found: 34 % of the time in speech. Its turns were left out",
        ),
        (interview(), "Channel 2 of 2, the one with more speech"),
        (interview(), "A second voice, taken for the examiner's, was found"),
    ];
    for (sound, words) in cases {
        for report in assessed(&sound) {
            assert!(report.replace("&#39;", "'").contains(words), "{words}: {report}");
        }
    }
}

fn measured(file: &Path, more: &[&str]) -> (i32, Value) {
    let mut line = vec!["measure".into(), file.as_os_str().to_owned(), "--format".into(), "json".into()];
    line.extend(more.iter().map(std::ffi::OsString::from));
    let said = inkling(line);
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err)))
}

fn number(measured: &Value, name: &str) -> f64 {
    let values = measured["values"].as_array().unwrap();
    values.iter().find(|it| it["name"] == name).unwrap()["value"].as_f64().unwrap()
}

#[test]
fn the_participant_of_two_channels_is_measured_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("interview.wav");
    fs::write(&file, interview()).unwrap();
    let f0 = |more: &[&str]| number(&measured(&file, more).1, "voice.f0.median");
    let participant = f0(&["--speaker", "participant"]);
    assert!((participant - 119.0).abs() < 8.0, "{participant}");
    assert!((f0(&["--speaker", "participant", "--channel", "1"]) / participant - 210.0 / 110.0).abs() < 0.15);
    // The channels are averaged unless something is asked for, and of an averaged one nothing is said.
    let (_, everybody) = measured(&file, &[]);
    let names = |it: &Value| it["quality"]["findings"].to_string();
    assert!(!names(&everybody).contains("voice.channel"));
    assert!(names(&measured(&file, &["--channel", "2"]).1).contains("channel 2 of 2, as asked for"));
    let (code, declined) = measured(&file, &["--channel", "3"]);
    assert_eq!(code, 1);
    assert!(declined["declined"].as_str().unwrap().contains("expected one of the file's 2"), "{declined}");
}
