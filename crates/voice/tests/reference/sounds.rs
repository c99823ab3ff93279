//! Machines that sound voiced are marked, and voices are not.

use std::fs;

use feature::{Check, Verdict};

use crate::{folder, ran, recording};

#[test]
fn machines_are_marked_and_voices_are_not() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let tone = |path: &std::path::Path| {
        let quality = recording(path.to_owned()).check();
        let finding = quality.finding("voice.tone").unwrap();
        (finding.value.unwrap_or(0.0), finding.verdict)
    };
    for machine in ["en/picovoice_leopard_empty.wav", "noise/noise3.wav"] {
        let (share, verdict) = tone(&data.join("speech").join(machine));
        ran(&format!("machine {machine}"), &format!("{:.0} % of the voiced time", share * 100.0));
        assert_eq!(verdict, Verdict::Marked, "{machine}: {share}");
    }
    let (mut worst, mut count) = (0.0f64, 0);
    for voices in ["en", "en/rtvc", "en/ljspeech", "ko", "disfluency", "vad"] {
        for entry in fs::read_dir(data.join("speech").join(voices)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() || path.ends_with("picovoice_leopard_empty.wav") {
                continue;
            }
            let (share, verdict) = tone(&path);
            assert_eq!(verdict, Verdict::Good, "{}: {share}", path.display());
            (worst, count) = (worst.max(share), count + 1);
        }
    }
    ran("voices are no machines", &format!("{count} files, {:.1} % at most", worst * 100.0));
}

#[test]
fn sustained_vowels_of_the_golden_files_are_voices() {
    let Some(golden) = folder("INKLING_GOLDEN") else { return };
    let mut count = 0;
    for entry in fs::read_dir(golden.join("voice/wav")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("vowel") && !name.starts_with("hnr") && !name.starts_with("espeak") {
            continue;
        }
        let quality = recording(path).check();
        let finding = quality.finding("voice.tone").unwrap();
        assert_eq!(finding.verdict, Verdict::Good, "{name}: {}", finding.message);
        count += 1;
    }
    ran("golden voices are no machines", &format!("{count} files"));
    assert!(count > 10);
}

#[test]
fn free_speech_is_no_train_of_syllables() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let mut reasons = 0;
    for voices in ["en", "en/rtvc", "en/ljspeech", "ko", "disfluency", "vad"] {
        for entry in fs::read_dir(data.join("speech").join(voices)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let values = voice::set().measure(&crate::analysis(path.clone()));
            let reason = values.value("voice.ddk.rate").and_then(feature::Value::reason);
            let reason = reason.unwrap_or_else(|| panic!("{}: a train in free speech", path.display()));
            assert!(reason.as_str().contains("no train"), "{reason}");
            reasons += 1;
        }
    }
    ran("free speech is no train", &format!("{reasons} files"));
}
