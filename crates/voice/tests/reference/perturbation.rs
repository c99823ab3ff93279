//! The acceptance rows of periods: jitter, shimmer and the harmonics-to-noise ratio, against truth and reference numbers.

use feature::{FeatureVector, Usable};
use serde_json::Value;
use voice::{Analysis, Recording, set, synth};

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

/// Files without noise of their own: their ratio is that of rounding to 16 bits and of the movement of the pitch itself, and
/// both programs measure how well they interpolate. 0.3 dB at 40 dB is a difference in r of 7 in a million; what is asked of
/// both is that they find no noise: 37 dB or more.
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
            assert!(got > 37.0 && want > 37.0, "{name}: {got}, reference {want}");
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

/// Pulses of a made-up voice: periods and strengths vary around their means, each by itself, by what `seed` draws.
fn pulses(hertz: f64, (jitter, shimmer_db): (f64, f64), seconds: f64, seed: u64) -> Vec<(f64, f64)> {
    // The mean absolute difference of two values drawn evenly within ±w is 2 w / 3, and a uniform value of rms r is within ±r√3.
    let draws = synth::noise(1.0 / 3f64.sqrt(), 1.0, seed);
    let draw = |n: usize| f64::from(draws[n]);
    let mut moment = 0.02;
    let mut pulses = Vec::new();
    for n in 0.. {
        let strength = 10f64.powf(1.5 * shimmer_db * draw(2 * n + 1) / 20.0);
        pulses.push((moment, strength));
        moment += (1.0 + 1.5 * jitter * draw(2 * n)) / hertz;
        if moment > seconds - 0.02 {
            break;
        }
    }
    pulses
}

/// Jitter and shimmer of pulses, by their definitions.
fn planted(pulses: &[(f64, f64)]) -> (f64, f64) {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let periods: Vec<f64> = pulses.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let changes: Vec<f64> = periods.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let levels: Vec<f64> =
        pulses.windows(2).map(|pair| 20.0 * (pair[1].1 / pair[0].1).log10().abs()).collect();
    (mean(&changes) / mean(&periods), mean(&levels))
}

/// The constants of the exact measures were set on the golden vowels. These are others: vowels made here, with other pitches,
/// seeds and formants. What was reached when this was written: jitter nearer truth than the standard names on 29 of 36 and
/// within 30 % on all, shimmer nearer on 19 and within 0.35 dB. The same constants read jitter a quarter low at 178 Hz and a
/// quarter high at 242 Hz; that the whitened pulse of a period still rings into the next would explain it, but is not shown.
/// No less may be reached than that.
#[test]
fn exact_perturbation_of_vowels_that_nothing_was_tuned_on_is_bounded() {
    let mut failed = Vec::new();
    let (mut nearer, mut count) = ([0, 0], 0);
    for (seed, hertz) in (100..).zip([92.0, 118.0, 147.0, 178.0, 205.0, 242.0]) {
        for (vowel, formants) in [("a", &synth::A), ("i", &synth::I)] {
            for (jitter, shimmer_db) in [(0.005, 0.2), (0.012, 0.4), (0.025, 0.8)] {
                let pulses = pulses(hertz, (jitter, shimmer_db), 3.0, seed * 7 + count);
                let truth = planted(&pulses);
                let sound = synth::uneven_vowel(&pulses, formants, 0.4, 3.0);
                let usable = Usable::new(Recording::from_samples(sound)).unwrap();
                let values = set().measure(&Analysis::new(&usable));
                let number = |name: &str| values.number(name).unwrap_or(f64::NAN);
                let exact = (number("voice.jitter.exact"), number("voice.shimmer.exact_db"));
                let standard = (number("voice.jitter.local"), number("voice.shimmer.local_db"));
                nearer[0] += u64::from((exact.0 - truth.0).abs() < (standard.0 - truth.0).abs());
                nearer[1] += u64::from((exact.1 - truth.1).abs() < (standard.1 - truth.1).abs());
                count += 1;
                let shown = format!(
                    "/{vowel}/ {hertz} Hz: jitter {:.5} (truth {:.5}, standard {:.5}), shimmer {:.3} dB ({:.3}, {:.3})",
                    exact.0, truth.0, standard.0, exact.1, truth.1, standard.1
                );
                ran("exact perturbation of a vowel of our own", &shown);
                let near = (exact.0 - truth.0).abs() <= 0.3 * truth.0 && (exact.1 - truth.1).abs() <= 0.35;
                if !near {
                    failed.push(shown);
                }
            }
        }
    }
    ran(
        "exact perturbation",
        &format!("nearer truth than the standard names: {nearer:?} of {count}; outside: {}", failed.len()),
    );
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(4 * nearer[0] >= 3 * count && 2 * nearer[1] > count, "{nearer:?} of {count}");
}
