//! What must not matter does not: when a recording begins, how much silence follows, how many threads there are.

use std::thread;

use feature::{FeatureVector, Usable};
use voice::{Analysis, Recording, set, synth};

use crate::{folder, formats::fixture, quantile, ran, recording};

fn measured(samples: Vec<f32>) -> FeatureVector {
    set().measure(&Analysis::new(&Usable::new(Recording::from_samples(samples)).unwrap()))
}

/// Words of four colours and pitches in soft noise: speech enough for every measure of time.
fn speech() -> Vec<f32> {
    let word = |n: u32| {
        let colour = if n.is_multiple_of(2) { synth::A } else { synth::I };
        let (pitch, pause) = (110.0 + 9.0 * f64::from(n % 4), 0.08 + 0.11 * f64::from(n % 5));
        [synth::vowel(pitch, &colour, 0.3, 0.22 + 0.03 * f64::from(n % 3)), synth::silence(pause)].concat()
    };
    let mut samples: Vec<f32> = (0..30).flat_map(word).collect();
    let floor = synth::noise(0.0003, samples.len() as f64 / 16_000.0, 4);
    samples.iter_mut().zip(floor).for_each(|(sample, noise)| *sample += noise);
    samples
}

/// Statistics over voiced frames, which no silence can change.
const VOICED_MEDIANS: &[&str] = &["voice.f0.median", "voice.f0.mean"];
/// Measures of time that begin with the first word.
const TIMES: &[&str] =
    &["voice.pause.mean", "voice.pause.median", "voice.rate.articulation", "voice.rhythm.npvi"];

fn alike(plain: &FeatureVector, changed: &FeatureVector, names: &[&str], within: f64) {
    for name in names {
        let (plain, changed) = (plain.number(name).unwrap(), changed.number(name).unwrap());
        assert!((changed / plain - 1.0).abs() <= within, "{name}: {plain} {changed}");
    }
}

#[test]
fn a_delay_of_whole_hops_changes_only_when() {
    let plain = measured(speech());
    for hops in [1, 7, 100] {
        let late = measured([synth::noise(0.0003, 0.01 * f64::from(hops), 8), speech()].concat());
        alike(&plain, &late, VOICED_MEDIANS, 0.001);
        alike(&plain, &late, TIMES, 0.03);
        let [plain, late] = [&plain, &late].map(|it| it.number("voice.latency.first_speech").unwrap());
        assert!((late - plain - 0.01 * f64::from(hops)).abs() < 0.0101, "{hops}: {plain} {late}");
    }
}

#[test]
fn silence_at_the_end_is_one_more_pause_and_lowers_the_level() {
    let plain = measured(speech());
    let longer = measured([speech(), synth::noise(0.0003, 3.0, 8)].concat());
    alike(&plain, &longer, VOICED_MEDIANS, 0.001);
    alike(&plain, &longer, &["voice.rate.articulation", "voice.rhythm.npvi"], 0.03);
    let level = |values: &FeatureVector| values.number("voice.level.dbfs").unwrap();
    let seconds = speech().len() as f64 / 16_000.0;
    assert!((level(&plain) - level(&longer) - 10.0 * ((seconds + 3.0) / seconds).log10()).abs() < 0.02);
}

#[test]
fn many_threads_give_the_same_bits_as_one() {
    let sounds = [speech(), synth::pataka(&(0..24).map(|n| 0.2 * f64::from(n)).collect::<Vec<_>>())];
    let alone: Vec<FeatureVector> = sounds.iter().cloned().map(measured).collect();
    thread::scope(|scope| {
        let many: Vec<_> = (0..6)
            .map(|n| {
                let sound = sounds[n % 2].clone();
                scope.spawn(move || measured(sound))
            })
            .collect();
        for (n, each) in many.into_iter().enumerate() {
            assert_eq!(each.join().unwrap(), alone[n % 2]);
        }
    });
}

#[test]
fn two_threads_may_ask_one_recording_at_once() {
    let recording = Recording::from_samples(speech());
    let values = thread::scope(|scope| {
        let ask = || set().measure(&Analysis::new(&Usable::new(recording.clone()).unwrap()));
        [scope.spawn(ask), scope.spawn(ask)].map(|it| it.join().unwrap())
    });
    assert_eq!(values[0], values[1]);
}

/// The same recording listened to in pieces of a telephone's size, against the whole file.
fn against_the_file(name: &str, samples: &[f32]) {
    let usable = Usable::new(Recording::from_samples(samples.to_vec())).unwrap();
    let whole = Analysis::new(&usable);
    let mut live = voice::Live::new(&voice::PitchSettings::default(), feature::Hertz(16_000.0));
    let mut held = 0.0f64;
    for piece in samples.chunks(320) {
        live.push(piece);
        held = held.max(live.held().0);
    }
    let end = live.finish();
    let values = set().measure(&whole);
    let semitones = match (end.values.number("voice.f0.median"), values.number("voice.f0.median")) {
        (Some(live), Some(whole)) => 12.0 * (live / whole).log2().abs(),
        (live, whole) => {
            assert_eq!(live, whole, "{name}");
            0.0
        }
    };
    let level = |values: &FeatureVector| values.number("voice.level.dbfs").unwrap();
    let decibels = (level(&end.values) - level(&values)).abs();
    let (live, file) = (end.analysis.pauses(), whole.pauses());
    assert_eq!(live.len(), file.len(), "{name}: {live:?} {file:?}");
    let edges = live.iter().zip(file);
    let off: Vec<f64> =
        edges.flat_map(|(a, b)| [(a.start.0 - b.start.0).abs(), (a.end.0 - b.end.0).abs()]).collect();
    let worst = if off.is_empty() { 0.0 } else { quantile(off, 1.0) };
    ran(
        &format!("live {name}"),
        &format!("pauses {worst:.4} s, F0 {semitones:.5} st, level {decibels:.6} dB off; {held:.2} s held"),
    );
    assert!(worst <= 0.02 && semitones <= 0.02 && decibels <= 0.05 && held <= 5.0, "{name}");
}

#[test]
fn what_was_listened_to_is_what_the_file_says() {
    against_the_file("picture", recording(fixture("session/picture.flac")).samples());
    let Some(golden) = folder("INKLING_GOLDEN") else { return };
    for name in ["jfk", "espeak_en-us", "espeak_ko", "pauses_known", "pauses_known_noisy", "pauses_espeak"] {
        against_the_file(name, recording(golden.join(format!("voice/wav/{name}.wav"))).samples());
    }
}
