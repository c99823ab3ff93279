//! Mel bands and cepstral coefficients against the reference program's, at its own settings.

use std::path::Path;

use feature::Hertz;
use voice::{MelScale, MelSettings, mel_power, mfcc};

use crate::{folder, ran, recording};

const NAMES: [&str; 4] = ["espeak_ko", "jfk", "vowel_a_f120_j5_s0", "white_noise_m26dB"];

/// 25 ms under a Hann window in a transform of 512, every 10 ms, 40 bands from 20 Hz to 8 kHz.
fn settings(scale: MelScale) -> MelSettings {
    MelSettings { window: 400, size: 512, hop: 160, bands: 40, low: Hertz(20.0), high: Hertz(8000.0), scale }
}

/// Every number of a reference table, row after row; it holds the first 300 frames.
fn table(golden: &Path, name: &str) -> Vec<f64> {
    let path = golden.join(format!("voice/librosa/{name}.csv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().flat_map(|line| line.split(',').map(|cell| cell.parse::<f64>().unwrap())).collect()
}

fn samples(golden: &Path, name: &str) -> Vec<f32> {
    recording(golden.join(format!("voice/wav/{name}.wav"))).samples().to_vec()
}

/// The greatest of `off` over all pairs.
fn worst(got: &[f32], want: &[f64], off: impl Fn(f64, f64) -> f64) -> f64 {
    assert!(got.len() >= want.len() && want.len() >= 300, "{} {}", got.len(), want.len());
    got.iter().zip(want).map(|(got, want)| off(f64::from(*got), *want)).fold(0.0, f64::max)
}

#[test]
fn mel_power_agrees_with_the_reference() {
    let Some(golden) = folder("INKLING_GOLDEN") else { return };
    for name in NAMES {
        for (scale, file) in [(MelScale::Htk, "mel40_htk_power"), (MelScale::Slaney, "mel40_slaney_power")] {
            let want = table(&golden, &format!("{name}.{file}"));
            let got = mel_power(&samples(&golden, name), &settings(scale));
            // A band of digital silence is 0 in both.
            let worst = worst(&got, &want, |got, want| (got - want).abs() / want.max(1e-12));
            ran(&format!("{file} {name}"), &format!("relative error at most {worst:.1e}"));
            assert!(worst <= 1e-3, "{name} {file}: {worst}");
        }
    }
}

#[test]
fn cepstral_coefficients_agree_with_the_reference() {
    let Some(golden) = folder("INKLING_GOLDEN") else { return };
    for name in NAMES {
        let want = table(&golden, &format!("{name}.mfcc13"));
        let got = mfcc(&samples(&golden, name), &settings(MelScale::Slaney), 13);
        let worst = worst(&got, &want, |got, want| (got - want).abs());
        ran(&format!("mfcc13 {name}"), &format!("off by at most {worst:.5}"));
        assert!(worst <= 0.01, "{name}: {worst}");
    }
}
