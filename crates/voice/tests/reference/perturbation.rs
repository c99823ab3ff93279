//! The acceptance rows of periods: jitter, shimmer and the harmonics-to-noise ratio, against truth and reference numbers.

use feature::FeatureVector;
use serde_json::Value;
use voice::set;

use crate::{analysis, folder, json, ran};

const VARIABLE: &str = "INKLING_GOLDEN";
/// On this one file the reference itself makes octave errors.
const OCTAVE_ERRORS: &str = "vowel_a_f210_j20_s6";
/// Our names and those of the reference table.
const JITTER: [(&str, &str); 5] = [
    ("voice.jitter.local", "jitter_local"),
    ("voice.jitter.local_absolute", "jitter_local_absolute"),
    ("voice.jitter.rap", "jitter_rap"),
    ("voice.jitter.ppq5", "jitter_ppq5"),
    ("voice.jitter.ddp", "jitter_ddp"),
];
const SHIMMER: [(&str, &str); 6] = [
    ("voice.shimmer.local", "shimmer_local"),
    ("voice.shimmer.local_db", "shimmer_local_dB"),
    ("voice.shimmer.apq3", "shimmer_apq3"),
    ("voice.shimmer.apq5", "shimmer_apq5"),
    ("voice.shimmer.apq11", "shimmer_apq11"),
    ("voice.shimmer.dda", "shimmer_dda"),
];

/// Files whose noise is only rounding or the movement of the pitch itself: there both programs measure how well they
/// interpolate, and need not agree.
const VERY_CLEAN: [&str; 3] = ["glide_100_250", "harm_150_sawlike", "tone_440_m20dBFS"];

/// One file of the reference: its name, our values, and the reference's.
type File = (String, FeatureVector, Value);

/// Each file of the reference that is not silent.
fn files() -> Option<Vec<File>> {
    let golden = folder(VARIABLE)?;
    let summary = json(golden.join("voice/praat/summary.json"));
    let silent = |name: &&String| *name != "silence_2s";
    let measured = |name: &String| {
        let values = set().measure(&analysis(golden.join(format!("voice/wav/{name}.wav"))));
        (name.clone(), values, summary[name].clone())
    };
    Some(summary.as_object().unwrap().keys().filter(silent).map(measured).collect())
}

/// What may be missed in absolute terms: 0.001 of the mean period for times, 0.05 dB, 0.001.
fn absolute(name: &str, reference: &Value) -> f64 {
    match name {
        "jitter_local_absolute" => 0.001 * reference["mean_period"].as_f64().unwrap(),
        "shimmer_local_dB" => 0.05,
        _ => 0.001,
    }
}

#[test]
fn jitter_and_shimmer_agree_with_the_reference() {
    let Some(files) = files() else { return };
    let mut failed = Vec::new();
    for (name, values, reference) in files.iter().filter(|it| it.0 != OCTAVE_ERRORS) {
        let mut worst = 0.0f64;
        for (ours, theirs) in JITTER.iter().chain(&SHIMMER) {
            let Some(want) = reference[theirs].as_f64() else {
                // Noise: the reference finds no period, and a stray one of ours must not make a number of it.
                assert_eq!(values.number(ours), None, "{name}: {ours}");
                continue;
            };
            let got = values.number(ours).unwrap_or(f64::NAN);
            let allowed = (0.1 * want).max(absolute(theirs, reference));
            let share = (got - want).abs() / allowed;
            worst = worst.max(share);
            if share.is_nan() || share > 1.0 {
                failed.push(format!("{name} {ours}: {got:.6}, reference {want:.6}"));
            }
        }
        ran(&format!("perturbation reference {name}"), &format!("at worst {worst:.2} of what is allowed"));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_harmonics_to_noise_ratio_is_the_truth_and_agrees_with_the_reference() {
    let Some(files) = files() else { return };
    let mut failed = Vec::new();
    for (name, values, reference) in &files {
        let Some(got) = values.number("voice.hnr.mean") else {
            assert_eq!(name, "white_noise_m26dB");
            continue;
        };
        let want = reference["hnr_cc_mean"].as_f64().unwrap();
        ran(&format!("hnr reference {name}"), &format!("{got:.2} dB, reference {want:.2} dB"));
        if VERY_CLEAN.contains(&name.as_str()) {
            assert!(got > 37.0, "{name}: {got}");
        } else if (got - want).abs() > 0.3 {
            failed.push(format!("{name}: {got}, reference {want}"));
        }
        if let Some(truth) = name.strip_prefix("hnr_").map(|it| it[..2].parse::<f64>().unwrap()) {
            ran(&format!("hnr truth {name}"), &format!("off by {:.3} dB", got - truth));
            assert!((got - truth).abs() <= 0.5, "{name}: {got}");
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The vowels with a planted truth, in which the reference makes no octave error.
fn vowels() -> Option<(Vec<File>, Value)> {
    let vowel = |name: &str| name.starts_with("vowel_") && name != OCTAVE_ERRORS;
    let files = files()?.into_iter().filter(|it| vowel(&it.0)).collect();
    Some((files, json(folder(VARIABLE)?.join("voice/truth.json"))))
}

/// One exact measure against truth: within a share or a distance of it, and nearer than the reference in three quarters
/// of the vowels where there is something to be near to.
fn near_truth(ours: &str, theirs: &str, allowed: impl Fn(f64) -> f64) {
    let Some((vowels, truth)) = vowels() else { return };
    let (mut nearer, mut planted, mut failed) = (0, 0, Vec::new());
    for (name, values, reference) in &vowels {
        let truth = truth[name][theirs].as_f64().unwrap();
        let (got, other) = (values.number(ours).unwrap(), reference[theirs].as_f64().unwrap());
        ran(&format!("{ours} {name}"), &format!("{got:.5}, truth {truth:.5}, reference {other:.5}"));
        if truth > 0.0 {
            planted += 1;
            nearer += u32::from((got - truth).abs() < (other - truth).abs());
        }
        if (got - truth).abs() > allowed(truth) {
            failed.push(format!("{name}: {got}, truth {truth}"));
        }
    }
    ran(ours, &format!("nearer truth than the reference on {nearer} of {planted}"));
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(4 * nearer >= 3 * planted, "{nearer} of {planted}");
}

#[test]
fn exact_jitter_is_nearer_truth_than_the_reference() {
    near_truth("voice.jitter.exact", "jitter_local", |truth| if truth > 0.0 { 0.2 * truth } else { 0.002 });
}

#[test]
fn exact_shimmer_is_nearer_truth_than_the_reference() {
    near_truth("voice.shimmer.exact_db", "shimmer_local_dB", |_| 0.2);
}
