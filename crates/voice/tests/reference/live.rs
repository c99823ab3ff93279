//! What was listened to while it came, against the file of the same sound.

use voice::{Live, PitchSettings, Recording, Snapshot, set};

use crate::{analysis, folder, ran};

/// Listens to samples a tenth of a second at a time, with a partial result each second; never holds five seconds.
fn listened(recording: &Recording) -> Snapshot {
    let mut live = Live::new(&PitchSettings::default(), recording.source().rate);
    for (place, piece) in recording.samples().chunks(1600).enumerate() {
        live.push(piece);
        assert!(live.held().0 <= 5.0, "{} held", live.held());
        if place % 10 == 9 {
            let partial = live.partial();
            let known = partial.values.features().iter().filter_map(|it| it.value.measured());
            assert!(known.clone().all(f64::is_finite) && known.count() > 0);
        }
    }
    live.finish()
}

/// How far a live value may be from the file's: what the acceptance allows its kind, else a hundredth of it, or a thousandth
/// where the value is near 0.
///
/// Two go further. The spread of harmonicity in one synthetic voice depends on the millisecond at which its frames begin. And
/// where the loudest moment comes late, the first periods were found before it was known what is silent beside it: a stretch
/// that began earlier takes the other peak of its periods for marks, which moves the quotient of eleven by a tenth.
fn allowed(name: &str, whole: f64) -> f64 {
    let kind = |kind: &str| name.starts_with(kind);
    match name {
        "voice.hnr.sd" => 0.5,
        "voice.shimmer.apq11" => 0.12 * whole,
        _ if kind("voice.hnr") => 0.3,
        _ if kind("voice.jitter") => (0.1 * whole).max(if name.ends_with("absolute") { 1e-5 } else { 1e-3 }),
        _ if kind("voice.shimmer") => (0.1 * whole).max(if name.ends_with("db") { 0.05 } else { 5e-3 }),
        _ => (0.01 * whole.abs()).max(1e-3),
    }
}

#[test]
fn every_live_value_ends_as_the_file_has_it() {
    let (Some(golden), Some(data)) = (folder("INKLING_GOLDEN"), folder("INKLING_DATA")) else { return };
    let golden = [
        "espeak_en-us",
        "pauses_espeak",
        "vowel_a_f120_j10_s3",
        "glide_100_250",
        "hnr_10dB_120Hz",
        "white_noise_m26dB",
    ]
    .map(|name| golden.join(format!("voice/wav/{name}.wav")));
    let real = [
        "en/jfk_16k_mono.wav",
        "en/OSR_us_000_0034_8k.wav",
        "disfluency/mfa_cutoff.flac",
        "ko/picovoice_leopard_test_ko.wav",
    ]
    .map(|name| data.join("speech").join(name));
    let mut failed = Vec::new();
    for path in golden.into_iter().chain(real) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let whole = analysis(path);
        let values = set().measure(&whole);
        let live = listened(whole.recording());
        let (mut worst, mut count) = (0.0f64, 0);
        for feature in live.values.features() {
            let of = feature.definition.name;
            match (feature.value.measured(), values.number(of)) {
                (Some(live), Some(whole)) => {
                    let share = (live - whole).abs() / allowed(of, whole);
                    (worst, count) = (worst.max(share), count + 1);
                    if share > 1.0 {
                        failed.push(format!("{name} {of}: {live}, file {whole}"));
                    }
                }
                (None, None) => {}
                (live, whole) => failed.push(format!("{name} {of}: {live:?}, file {whole:?}")),
            }
        }
        ran(&format!("live {name}"), &format!("{count} values, at worst {worst:.2} of what is allowed"));
        // Noise has no pitch and holds no speech: little is left to be measured, of the file as well.
        assert!(count > if name.starts_with("white_noise") { 3 } else { 50 }, "{name}: {count}");
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
