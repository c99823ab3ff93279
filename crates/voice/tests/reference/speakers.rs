//! Two people joined from real recordings are told apart, and one is not made two.

use std::path::Path;

use feature::Usable;
use voice::{Analysis, Recording, Speaker, set};

use crate::{folder, ran, recording};

const NAMES: [&str; 6] = ["1320_00000", "3575_00000", "6829_00000", "8230_00000", "p240_00000", "p260_00000"];

fn sound(data: &Path, name: &str) -> Vec<f32> {
    recording(data.join("speech").join(name)).samples().to_vec()
}

fn usable(samples: Vec<f32>) -> Usable<Recording> {
    Usable::new(Recording::from_samples(samples)).unwrap()
}

fn share(samples: Vec<f32>) -> f64 {
    let values = set().measure(&Analysis::new(&usable(samples)));
    values.number("voice.speaker.second_share").unwrap_or(f64::NAN)
}

/// Time in speech of a sound alone.
fn spoken(samples: &[f32]) -> f64 {
    let values = set().measure(&Analysis::new(&usable(samples.to_vec())));
    values.number("voice.phonation.ratio").unwrap() * samples.len() as f64
}

#[test]
fn two_speakers_have_their_shares() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let sounds = NAMES.map(|name| sound(&data, &format!("en/rtvc/{name}.mp3")));
    let (mut worst, mut count) = (0.0f64, 0);
    for a in 0..NAMES.len() {
        for b in 0..a {
            let (one, other) = (&sounds[a], &sounds[b]);
            // How often each speaks, 20 s at least: one after the other, in turns, and the other a third as much.
            let cases = [
                ("joined", [one.repeat(4), other.repeat(4)].concat(), 1.0),
                ("in turns", [one.clone(), other.clone()].concat().repeat(4), 1.0),
                ("a third", [one.repeat(6), other.repeat(2)].concat().repeat(2), 3.0),
            ];
            for (case, samples, times) in cases {
                let (more, less) = (spoken(one) * times, spoken(other));
                let want = more.min(less) / (more + less);
                let off = (share(samples) - want).abs();
                assert!(off <= 0.1, "{} and {} {case}: share off by {off}", NAMES[a], NAMES[b]);
                (worst, count) = (worst.max(off), count + 1);
            }
        }
    }
    ran("two speakers", &format!("{count} pairs, share off by {:.1} points at most", worst * 100.0));
}

#[test]
fn one_speaker_has_no_second() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let mut singles: Vec<(String, Vec<f32>)> =
        NAMES.map(|name| (name.to_owned(), sound(&data, &format!("en/rtvc/{name}.mp3")).repeat(4))).to_vec();
    for name in ["en/jfk_16k_mono.wav", "en/OSR_us_000_0034_8k.wav"] {
        singles.push((name.to_owned(), sound(&data, name)));
    }
    let reader = ["1", "2", "4", "8"].map(|n| sound(&data, &format!("en/ljspeech/LJ001-000{n}.wav")));
    singles.push(("ljspeech".to_owned(), reader.concat()));
    for (name, samples) in singles {
        let share = share(samples);
        ran(&format!("one speaker {name}"), &format!("second share {:.1} %", share * 100.0));
        assert!(share <= 0.05, "{name}: {share}");
    }
}

#[test]
fn the_participant_alone_is_measured_as_if_nobody_else_had_spoken() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let (one, other) = (sound(&data, "en/rtvc/3575_00000.mp3"), sound(&data, "en/rtvc/8230_00000.mp3"));
    let both = [one.repeat(4), other.repeat(2)].concat().repeat(2);
    let pitch = |analysis: &Analysis| set().measure(analysis).number("voice.f0.median").unwrap();
    let alone = pitch(&Analysis::new(&usable(one.repeat(4))));
    let both = usable(both);
    let participant = Analysis::of(&both, Speaker::Participant).unwrap();
    let off = 12.0 * (pitch(&participant) / alone).log2().abs();
    let mixed = 12.0 * (pitch(&Analysis::new(&both)) / alone).log2().abs();
    ran("participant alone", &format!("median F0 off by {off:.2} st, with both {mixed:.2} st"));
    assert!(off < 0.2 && mixed > off, "{off} {mixed}");
    assert_eq!(set().measure(&participant).number("voice.speaker.second_share"), Some(0.0));
}

/// Real voices of seven people, English and Korean, each long enough for one of two.
fn others(data: &Path) -> Vec<(&'static str, Vec<f32>)> {
    let joined = |names: &[&str]| names.iter().flat_map(|name| sound(data, name)).collect::<Vec<f32>>();
    let disfluent =
        ["words", "um", "internalsil", "long", "cutoff"].map(|it| format!("disfluency/mfa_{it}.flac"));
    vec![
        ("disfluent", joined(&disfluent.each_ref().map(String::as_str))),
        ("jfk", joined(&["en/jfk_16k_mono.wav"]).repeat(2)),
        ("telephone", joined(&["en/OSR_us_000_0034_8k.wav"])),
        ("ljspeech", joined(&["en/ljspeech/LJ001-0001.wav", "en/ljspeech/LJ001-0004.wav"]).repeat(2)),
        ("fleurs", joined(&["en/fleurs_sonar_1.wav"]).repeat(4)),
        ("librispeech", joined(&["en/picovoice_leopard_test.wav"]).repeat(4)),
        ("korean", joined(&["ko/picovoice_leopard_test_ko.wav"]).repeat(5)),
        ("korean commands", joined(&["ko/picovoice_rhino_test_within_context_ko.wav"]).repeat(5)),
    ]
}

/// Distance and clearness were set on other voices; how long a second voice must speak to be believed was set on these, each
/// alone, so that none is taken for two. The pairs set nothing. When this was written 20 of 28 were found, 3 left open and 5
/// missed, all five with one quiet reader.
#[test]
fn pairs_that_no_limit_was_set_on_are_mostly_told_apart() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let others = others(&data);
    let (mut doubled, mut off, mut untold) = (0, Vec::new(), 0);
    for (name, samples) in &others {
        let share = share(samples.clone());
        doubled += usize::from(share > 0.05);
        ran(&format!("one speaker {name}"), &format!("second share {:.1} %", 100.0 * share));
    }
    for a in 0..others.len() {
        for b in 0..a {
            let ((one_name, one), (other_name, other)) = (&others[a], &others[b]);
            // In turns of a few seconds, as an interview has them.
            let half = |sound: &[f32], second: bool| {
                let middle = sound.len() / 2;
                if second { sound[middle..].to_vec() } else { sound[..middle].to_vec() }
            };
            let both = [half(one, false), half(other, false), half(one, true), half(other, true)].concat();
            let (more, less) = (spoken(one), spoken(other));
            let want = more.min(less) / (more + less);
            let got = share(both);
            ran(
                &format!("two speakers {one_name} and {other_name}"),
                &format!("share {got:.3}, truth {want:.3}"),
            );
            untold += usize::from(got.is_nan());
            off.push((got - want).abs());
        }
    }
    let within = off.iter().filter(|off| **off <= 0.1).count();
    let total = off.len();
    ran(
        "pairs of voices that set no limit",
        &format!(
            "{within} of {total} pairs within 10 points, {untold} left open; {doubled} of {} single ones taken for two",
            others.len()
        ),
    );
    assert!(within >= 20 && doubled == 0, "{within} of {total} pairs, {doubled} single ones doubled");
}
