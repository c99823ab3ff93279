//! Every container, codec, depth and rate comes out as the same sound.

use std::{fs, path::Path};

use voice::{Limits, Recording, decode, decode_file, set, synth};

use crate::{analysis, folder, ran, recording};

/// The bytes of a WAV file. `tag` 1 is integer PCM, 3 is floating point.
pub(crate) fn wav(tag: u16, channels: u16, rate: u32, bits: u16, sound: &[u8]) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + sound.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(frame)).to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((sound.len() as u32).to_le_bytes());
    bytes.extend(sound);
    bytes
}

/// One second: 1 kHz of peak 0.25 from 0.3 to 0.7 s, as `fixtures/make-formats.sh` makes it.
fn burst() -> Vec<f32> {
    [synth::silence(0.3), synth::tone(1000.0, 0.25, 0.4), synth::silence(0.3)].concat()
}

pub(crate) fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// First and last time in seconds at which a sample exceeds a tenth of full scale.
fn edges(recording: &Recording) -> (f64, f64) {
    let loud = |sample: &f32| sample.abs() > 0.1;
    let place = |at: Option<usize>| at.map_or(f64::NAN, |at| at as f64 / f64::from(voice::RATE));
    let samples = recording.samples();
    (place(samples.iter().position(loud)), place(samples.iter().rposition(loud)))
}

#[test]
fn every_depth_of_wav_holds_the_same_sound() {
    let sound = burst();
    let encode = |bytes: fn(f32) -> Vec<u8>| sound.iter().copied().flat_map(bytes).collect::<Vec<u8>>();
    let cases = [
        (1, 8, 0.005, encode(|x| vec![(x * 127.0 + 128.0).round() as u8])),
        (1, 16, 4e-5, encode(|x| ((x * 32767.0).round() as i16).to_le_bytes().to_vec())),
        (1, 24, 1e-6, encode(|x| ((x * 8_388_607.0).round() as i32).to_le_bytes()[..3].to_vec())),
        (1, 32, 1e-6, encode(|x| ((f64::from(x) * 2_147_483_647.0).round() as i32).to_le_bytes().to_vec())),
        (3, 32, 0.0, encode(|x| x.to_le_bytes().to_vec())),
        (3, 64, 0.0, encode(|x| f64::from(x).to_le_bytes().to_vec())),
    ];
    for (tag, bits, most, bytes) in cases {
        let got = decode(wav(tag, 1, 16_000, bits, &bytes), &Limits::default()).unwrap();
        let worst = got.samples().iter().zip(&sound).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert_eq!(got.samples().len(), sound.len(), "{bits} bits");
        assert_eq!(got.source().bits, Some(u32::from(bits)));
        assert!(worst <= most, "{bits} bits: off by {worst}");
    }
}

#[test]
fn every_codec_keeps_time_and_level() {
    // Lossy codecs smear an edge by a few milliseconds.
    for (name, codec, early, late) in [
        ("flac", "flac", 0.001, 0.001),
        ("mp3", "mp3", 0.012, 0.012),
        ("ogg", "vorbis", 0.012, 0.012),
        ("opus", "opus", 0.012, 0.012),
        ("webm", "opus", 0.012, 0.012),
        ("m4a", "aac", 0.012, 0.012),
    ] {
        let path = fixture(&format!("voice/burst.{name}"));
        let recording = decode_file(&path, &Limits::default()).unwrap();
        let (start, end) = edges(&recording);
        let rms = |from: usize, to: usize| {
            let squares: f64 = recording.samples()[from..to].iter().map(|x| f64::from(*x).powi(2)).sum();
            (squares / (to - from) as f64).sqrt()
        };
        assert_eq!(recording.source().codec, codec);
        assert!((start - 0.3).abs() < early && (end - 0.7).abs() < late, "{name}: {start} to {end}");
        // The MP3 encoder itself lowers the tone by 5 %: other decoders agree.
        assert!((rms(6400, 9600) / (0.25 / 2f64.sqrt()) - 1.0).abs() < 0.06, "{name}: {}", rms(6400, 9600));
        assert!((recording.duration().0 - 1.0).abs() < 0.1, "{name}: {}", recording.duration());
        assert_eq!(recording, decode(fs::read(&path).unwrap(), &Limits::default()).unwrap(), "{name}");
    }
}

#[test]
fn a_narrow_file_is_resampled_and_remembers_its_band() {
    let narrow: Vec<u8> =
        synth::tone(1000.0, 0.25, 1.0).iter().step_by(2).flat_map(|x| x.to_le_bytes()).collect();
    let recording = decode(wav(3, 1, 8000, 32, &narrow), &Limits::default()).unwrap();
    assert_eq!(recording.source().rate.0, 8000.0);
    assert_eq!(recording.highest().0, 4000.0);
    let want = synth::tone(1000.0, 0.25, 1.0);
    let worst = (200..15_800).map(|n| (recording.samples()[n] - want[n]).abs()).fold(0.0, f32::max);
    assert!(worst < 5e-4, "{worst}");
}

#[test]
fn channels_are_averaged() {
    let frames: Vec<u8> =
        burst().iter().flat_map(|x| [*x, 0.0, -x, *x]).flat_map(|x: f32| x.to_le_bytes()).collect();
    let recording = decode(wav(3, 4, 16_000, 32, &frames), &Limits::default()).unwrap();
    assert_eq!(recording.source().channels, 4);
    let worst = recording.samples().iter().zip(burst()).map(|(got, x)| (got - x / 4.0).abs());
    assert!(worst.fold(0.0, f32::max) < 1e-6);
}

#[test]
fn real_files_of_one_utterance_measure_alike() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let formats = data.join("speech/formats");
    let pitch = |name: &str| set().measure(&analysis(formats.join(name))).number("voice.f0.median").unwrap();
    let want = pitch("audio-mono-16-bit-44100Hz.wav");
    for name in [
        "audio-mono-8-bit-44100Hz.wav",
        "audio-mono-24-bit-44100Hz.wav",
        "audio-mono-32-bit-44100Hz.wav",
        "audio-mono-16-bit-44100Hz.flac",
        "audio-stereo-16-bit-44100Hz.wav",
        "audio-stereo-24-bit-44100Hz.flac",
    ] {
        let off = (pitch(name) - want).abs();
        ran(&format!("format {name}"), &format!("median F0 off by {off:.3} Hz"));
        assert!(off < 0.01 * want, "{name}: {off} of {want}");
    }
}

#[test]
fn every_real_recording_decodes() {
    let Some(data) = folder("INKLING_DATA") else { return };
    let table = fs::read_to_string(data.join("speech/PROVENANCE.tsv")).unwrap();
    let mut count = 0;
    for row in table.lines().skip(1) {
        let (name, format) = row.split_once('\t').unwrap();
        let announced =
            format.split_whitespace().find_map(|word| word.strip_suffix('s')?.parse::<f64>().ok());
        if name.contains("8_Channel") {
            let error = decode_file(data.join("speech").join(name), &Limits::default()).unwrap_err();
            assert!(error.to_string().contains("cannot decode this sound track"), "{error}");
            continue;
        }
        let recording = recording(data.join("speech").join(name));
        let announced = announced.unwrap_or(recording.duration().0);
        assert!(
            (recording.duration().0 - announced).abs() < 0.2,
            "{name}: {} {announced}",
            recording.duration()
        );
        assert_eq!(recording.damage().lost_packets, 0, "{name}");
        count += 1;
    }
    ran("real recordings", &format!("{count} files decoded"));
    assert!(count > 30);
}
