//! Two people on two channels: whose is whose, and what is left out.

use std::{fs, num::NonZeroUsize, path::Path};

use feature::{Check, Usable, Verdict};
use voice::{Analysis, Channels, Error, Limits, Recording, Speaker, decode_channels, set, synth};

use crate::{folder, formats::wav, ran, recording};

/// A file of two channels of 16-bit sound, as long as the longer, read in a way.
fn read(one: &[f32], other: &[f32], wanted: Channels) -> Result<Recording, Error> {
    let at = |samples: &[f32], n: usize| samples.get(n).copied().unwrap_or(0.0);
    let sample = |x: f32| ((x * 32767.0).round() as i16).to_le_bytes();
    let frames = 0..one.len().max(other.len());
    let bytes: Vec<u8> = frames.flat_map(|n| [sample(at(one, n)), sample(at(other, n))]).flatten().collect();
    // Tests run side by side, and each needs a name of its own.
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("inkling-channels-{}-{count}.wav", std::process::id()));
    fs::write(&path, wav(1, 2, 16_000, 16, &bytes)).unwrap();
    let read = decode_channels(&path, wanted, &Limits::default());
    fs::remove_file(&path).unwrap();
    read
}

const PARTICIPANT: Channels = Channels::Participant(None);

fn channel(number: usize) -> Option<NonZeroUsize> {
    NonZeroUsize::new(number)
}

fn said(recording: &Recording) -> (Verdict, String) {
    let quality = recording.check();
    let finding = quality.finding("voice.channel").unwrap();
    (finding.verdict, finding.message.clone())
}

/// Turns of two people: on each channel one of them, and the other as many dB softer as `crosstalk_db` says.
fn interview(turns: &[(bool, Vec<f32>)], crosstalk_db: f32, gains: [f32; 2]) -> [Vec<f32>; 2] {
    let softer = 10f32.powf(-crosstalk_db / 20.0);
    let length: usize = turns.iter().map(|turn| turn.1.len()).sum();
    let seconds = length as f64 / 16_000.0;
    let floor = |seed| synth::noise(0.0003, seconds, seed);
    let side = |second: bool| {
        let gain = |own: bool| if own == second { 1.0 } else { softer };
        let sound = turns.iter().flat_map(|(own, sound)| sound.iter().map(move |x| x * gain(*own)));
        let floor = floor(if second { 3 } else { 4 });
        sound.zip(floor).map(|(x, noise)| (x + noise) * gains[usize::from(second)]).collect()
    };
    [side(false), side(true)]
}

/// Words of a person who is not there: vowels with silences of 0.3 s.
fn words(hertz: f64, count: usize) -> Vec<f32> {
    let word = |n: usize| {
        [synth::vowel(hertz * (1.0 + 0.02 * (n % 3) as f64), &synth::A, 0.3, 0.5), synth::silence(0.3)]
            .concat()
    };
    (0..count).flat_map(word).collect()
}

fn made_up() -> Vec<(bool, Vec<f32>)> {
    [(false, words(210.0, 2)), (true, words(110.0, 8)), (false, words(210.0, 1)), (true, words(110.0, 6))]
        .to_vec()
}

fn f0(recording: Recording) -> f64 {
    let usable = Usable::new(recording).unwrap();
    let analysis = Analysis::of(&usable, Speaker::Participant).unwrap();
    set().measure(&analysis).number("voice.f0.median").unwrap()
}

#[test]
fn the_participant_is_on_the_channel_with_more_speech_unless_named() {
    let [one, other] = interview(&made_up(), 15.0, [1.0, 0.2]);
    let participant = read(&one, &other, PARTICIPANT).unwrap();
    let (verdict, message) = said(&participant);
    assert!(message.starts_with("channel 2 of 2, the one with more speech"), "{message}");
    assert_eq!(verdict, Verdict::Good);
    assert!((f0(participant) - 112.0).abs() < 3.0);
    let named = read(&one, &other, Channels::Participant(channel(1))).unwrap();
    assert!(said(&named).1.starts_with("channel 1 of 2, as asked for"));
    assert!((f0(named) - 214.0).abs() < 6.0);
}

#[test]
fn nearly_as_much_speech_on_both_is_marked() {
    let turns = [(false, words(210.0, 5)), (true, words(110.0, 6))];
    let [one, other] = interview(&turns, 15.0, [1.0, 1.0]);
    assert_eq!(said(&read(&one, &other, PARTICIPANT).unwrap()).0, Verdict::Marked);
}

#[test]
fn a_room_in_stereo_and_one_sound_twice_are_averaged() {
    let scene: Vec<f32> = made_up().into_iter().flat_map(|turn| turn.1).collect();
    let softer: Vec<f32> = scene.iter().map(|x| 0.5 * x).collect();
    for other in [&scene, &softer] {
        let averaged = read(&scene, other, PARTICIPANT).unwrap();
        assert!(said(&averaged).1.contains("averaged"));
        let mean = read(&scene, other, Channels::Mean).unwrap();
        assert_eq!(averaged.samples(), mean.samples());
        assert!(mean.check().finding("voice.channel").is_none());
    }
}

#[test]
fn a_channel_without_speech_leaves_all_of_it_to_the_other() {
    let hum = synth::noise(0.0003, 12.0, 5);
    let participant = read(&hum, &words(110.0, 14), PARTICIPANT).unwrap();
    assert!(said(&participant).1.starts_with("channel 2 of 2"));
    let usable = Usable::new(participant).unwrap();
    assert_eq!(Analysis::new(&usable).second_share(), Ok(0.0));
}

#[test]
fn one_channel_is_read_as_if_the_other_were_not_there() {
    let (one, other) = (words(110.0, 4), words(210.0, 4));
    let alone = read(&other, &other, Channels::Mean).unwrap();
    let taken = read(&one, &other, Channels::One(NonZeroUsize::new(2).unwrap())).unwrap();
    assert_eq!(alone.samples(), taken.samples());
    assert_eq!(taken.source().channels, 2);
    let missing = read(&one, &other, Channels::Participant(channel(3))).unwrap_err();
    assert!(missing.to_string().contains("expected one of the file's 2, counted from 1, got 3"), "{missing}");
}

#[test]
fn real_people_on_two_channels_are_measured_as_if_alone() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let sound = |name: &str| recording(data.join("speech").join(Path::new(name))).samples().to_vec();
    // Of one sex, so that the sound of their voices alone would not always tell.
    let pairs = [
        ("en/rtvc/3575_00000.mp3", "en/rtvc/8230_00000.mp3"),
        ("en/jfk_16k_mono.wav", "en/rtvc/1320_00000.mp3"),
        ("en/ljspeech/LJ001-0001.wav", "ko/picovoice_leopard_test_ko.wav"),
    ];
    for (one, other) in pairs {
        let (participant, examiner) = (sound(one), sound(other));
        let alone = Usable::new(Recording::from_samples(participant.repeat(2))).unwrap();
        let alone = set().measure(&Analysis::new(&alone));
        let turns = [
            (true, participant.clone()),
            (false, examiner[..examiner.len() / 2].to_vec()),
            (true, participant),
        ];
        for crosstalk_db in [40.0, 20.0, 12.0] {
            let [left, right] = interview(&turns, crosstalk_db, [1.0, 0.5]);
            let taken = read(&left, &right, Channels::Participant(channel(2))).unwrap();
            let usable = Usable::new(taken).unwrap();
            let values = set().measure(&Analysis::of(&usable, Speaker::Participant).unwrap());
            let off = |name: &str| values.number(name).unwrap() / alone.number(name).unwrap() - 1.0;
            let (pitch, rate) = (off("voice.f0.median"), off("voice.rate.articulation"));
            ran(
                &format!("{one} beside {other} at {crosstalk_db} dB"),
                &format!("median F0 {:+.2} %, articulation {:+.2} %", 100.0 * pitch, 100.0 * rate),
            );
            assert!(pitch.abs() < 0.02 && rate.abs() < 0.06, "{one} {crosstalk_db}: {pitch} {rate}");
        }
    }
}
