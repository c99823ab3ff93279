//! Broken, lying and empty files: each is refused or kept as far as it goes, with a message that says where; none makes
//! the decoder panic.

use std::fs;

use feature::{Check, Seconds, Usable, Verdict};
use voice::{Error, Limits, Recording, decode, decode_file, synth};

use crate::formats::{fixture, wav};

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

fn refused(bytes: Vec<u8>) -> String {
    decode(bytes, &Limits::default()).unwrap_err().to_string()
}

fn float_wav(samples: &[f32]) -> Vec<u8> {
    wav(3, 1, 16_000, 32, &samples.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
}

fn mark(recording: &Recording, check: &str) -> (Verdict, String) {
    let quality = recording.check();
    let finding = quality.finding(check).unwrap();
    (finding.verdict, finding.message.clone())
}

#[test]
fn an_empty_file_is_refused() {
    assert_eq!(refused(Vec::new()), "the file is empty: expected audio, got 0 bytes");
}

#[test]
fn a_text_renamed_wav_is_refused_with_its_first_bytes() {
    let message = refused(b"Dear diary, this is no sound at all.".to_vec());
    assert!(message.contains("not a sound file") && message.contains("\"Dear diary, \""), "{message}");
}

#[test]
fn a_missing_file_is_refused_with_its_path() {
    let message = decode_file("/nowhere/voice.wav", &Limits::default()).unwrap_err().to_string();
    assert!(message.contains("/nowhere/voice.wav"), "{message}");
}

#[test]
fn a_truncated_flac_is_kept_as_far_as_it_goes_and_marked() {
    let mut half = bytes("session/picture.flac");
    half.truncate(half.len() / 2);
    let recording = decode(half, &Limits::default()).unwrap();
    let (verdict, message) = mark(&recording, "voice.truncated");
    assert!((20.0..40.0).contains(&recording.duration().0), "{}", recording.duration());
    assert_eq!(verdict, Verdict::Marked);
    assert!(message.contains("breaks off at") && message.contains("of 61.0 s"), "{message}");
}

#[test]
fn a_truncated_file_of_any_kind_is_kept_or_refused() {
    for name in ["flac", "mp3", "ogg", "opus", "webm", "m4a"] {
        let whole = bytes(&format!("voice/burst.{name}"));
        for part in 1..40 {
            let cut = whole[..whole.len() * part / 40].to_vec();
            if let Ok(recording) = decode(cut, &Limits::default()) {
                assert!(recording.duration().0 < 1.1, "{name} {part}");
            }
        }
    }
}

#[test]
fn a_header_that_claims_four_gibibytes_is_not_believed() {
    let mut lying = float_wav(&synth::tone(200.0, 0.3, 1.0));
    lying[4..8].copy_from_slice(&0xFFFF_FFF0u32.to_le_bytes());
    lying[40..44].copy_from_slice(&0xFFFF_FFC0u32.to_le_bytes());
    let recording = decode(lying, &Limits::default()).unwrap();
    let (verdict, message) = mark(&recording, "voice.truncated");
    assert!((recording.duration().0 - 1.0).abs() < 0.08, "{}", recording.duration());
    assert_eq!(verdict, Verdict::Marked, "{message}");
}

#[test]
fn a_wav_of_unknown_length_is_read_to_its_end() {
    let mut streamed = float_wav(&synth::tone(200.0, 0.3, 1.0));
    streamed[4..8].fill(0xFF);
    streamed[40..44].fill(0xFF);
    let recording = decode(streamed, &Limits::default()).unwrap();
    assert!((recording.duration().0 - 1.0).abs() < 0.08, "{}", recording.duration());
    assert_eq!(mark(&recording, "voice.truncated").0, Verdict::Good);
}

#[test]
fn a_track_without_samples_is_refused() {
    let message = refused(float_wav(&[]));
    assert!(message.contains("holds no sound"), "{message}");
}

#[test]
fn samples_that_are_no_numbers_are_marked_and_all_of_them_declined() {
    let mut samples = synth::tone(200.0, 0.3, 1.0);
    samples[800..816].fill(f32::NAN);
    samples[900] = f32::INFINITY;
    let recording = decode(float_wav(&samples), &Limits::default()).unwrap();
    assert!(recording.samples().iter().all(|sample| sample.is_finite()));
    assert_eq!(mark(&recording, "voice.finite").0, Verdict::Marked);
    let recording = decode(float_wav(&[f32::NAN; 16_000]), &Limits::default()).unwrap();
    assert!(Usable::new(recording).is_err());
}

#[test]
fn samples_beyond_full_scale_are_cut_and_marked() {
    let recording = decode(float_wav(&synth::tone(200.0, 40.0, 1.0)), &Limits::default()).unwrap();
    assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0));
    assert_eq!(mark(&recording, "voice.clipping").0, Verdict::Marked);
}

/// STREAMINFO holds the number of samples in 36 bits, the lowest 32 of them at byte 22 of the file.
#[test]
fn ten_hours_are_refused_from_the_header() {
    let mut long = bytes("session/picture.flac");
    long[22..26].copy_from_slice(&(36_000u32 * 16_000).to_be_bytes());
    let error = decode(long, &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::TooLong { told: "in the header", .. }), "{error}");
    assert!(error.to_string().contains("at most 7200.0 s, got 36000.0 s"), "{error}");
}

#[test]
fn a_length_that_no_header_tells_is_refused_at_the_first_packet_past_the_limit() {
    let limits = Limits { max_recording: Seconds(0.4), ..Limits::default() };
    let error = decode(bytes("voice/burst.webm"), &limits).unwrap_err();
    assert!(matches!(error, Error::TooLong { got, .. } if got.0 < 0.5), "{error}");
}

#[test]
fn a_file_larger_than_the_limit_is_refused_unread() {
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    let error = decode_file(fixture("session/picture.flac"), &limits).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1000, .. }), "{error}");
}

#[test]
fn a_rate_no_voice_was_ever_recorded_at_is_refused() {
    let sound = [0u8; 4000];
    for rate in [1, 3999, 384_001, 4_000_000] {
        let message = refused(wav(1, 1, rate, 16, &sound));
        assert!(message.contains("sampling rate out of range"), "{rate}: {message}");
    }
}

#[test]
fn changed_bytes_never_make_the_decoder_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut draw = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut files: Vec<Vec<u8>> = ["flac", "mp3", "ogg", "opus", "webm", "m4a"]
        .map(|name| bytes(&format!("voice/burst.{name}")))
        .to_vec();
    files.push(wav(1, 2, 44_100, 16, &[7; 20_000]));
    for file in files {
        for round in 0..120 {
            let mut changed = file.clone();
            // Half of the rounds aim at the headers, where lengths and counts stand.
            let reach = if round % 2 == 0 { changed.len().min(300) } else { changed.len() };
            for _ in 0..1 + round % 6 {
                changed[draw() % reach] = draw() as u8;
            }
            if let Ok(recording) = decode(changed, &Limits::default()) {
                assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0));
            }
        }
    }
}
