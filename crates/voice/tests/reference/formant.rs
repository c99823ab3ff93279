//! Formants against the truth of synthetic vowels and against reference numbers; clarity against reference numbers.

use std::path::Path;

use feature::{Hertz, Seconds};
use serde_json::Value;
use voice::{Contour, FormantSettings, Grid, formants, set};

use crate::{analysis, folder, json, quantile, ran, recording};

const VARIABLE: &str = "INKLING_GOLDEN";

fn wav(golden: &Path, name: &str) -> std::path::PathBuf {
    golden.join(format!("voice/wav/{name}.wav"))
}

/// Time and value columns of a reference table, NaN where a cell is empty.
fn table(golden: &Path, name: &str) -> Vec<Vec<f64>> {
    let path = golden.join(format!("voice/praat/{name}.csv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |cell: &str| cell.parse().unwrap_or(f64::NAN);
    text.lines().skip(1).map(|line| line.split(',').map(number).collect()).collect()
}

/// The vowels whose truth is known and whose F0 is at most 120 Hz.
fn low_vowels(truth: &Value) -> Vec<(String, Vec<f64>)> {
    let low = |it: &&(String, &Value)| it.1["formants"].is_array() && it.1["f0"].as_f64().unwrap() <= 120.0;
    let entries: Vec<(String, &Value)> =
        truth.as_object().unwrap().iter().map(|(name, it)| (name.clone(), it)).collect();
    let hertz = |it: &Value| it["formants"].as_array().unwrap().iter().map(|f| f.as_f64().unwrap()).collect();
    entries.iter().filter(low).map(|(name, it)| (name.clone(), hertz(it))).collect()
}

#[test]
fn formants_of_low_vowels_are_the_truth() {
    let Some(golden) = folder(VARIABLE) else { return };
    let vowels = low_vowels(&json(golden.join("voice/truth.json")));
    assert!(vowels.len() >= 10);
    let mut failed = Vec::new();
    for (name, truth) in vowels {
        let values = set().measure(&analysis(wav(&golden, &name)));
        let off =
            |n: usize| values.number(&format!("voice.formant.f{n}_median")).unwrap() / truth[n - 1] - 1.0;
        let (f1, f2, f3) = (off(1), off(2), off(3));
        let shown = format!("F1 {:+.2} %, F2 {:+.2} %, F3 {:+.2} %", f1 * 100.0, f2 * 100.0, f3 * 100.0);
        ran(&format!("formants truth {name}"), &shown);
        let third = if name.starts_with("vowel_u") { 0.08 } else { 0.03 };
        if !(f1.abs() <= 0.08 && f2.abs() <= 0.03 && f3.abs() <= third) {
            failed.push(format!("{name}: {shown}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Medians of our frames and of the reference's where both are defined and `voiced`, and the median of the difference of
/// frames as a share.
fn compared(ours: &Contour, rows: &[Vec<f64>], column: usize, voiced: &[bool]) -> (f64, f64) {
    let pairs: Vec<(f64, f64)> = (0..rows.len())
        .filter(|frame| voiced[*frame])
        .filter_map(|frame| Some((f64::from(ours.get(frame)?), rows[frame][column])))
        .filter(|pair| pair.1.is_finite())
        .collect();
    let median = |of: fn(&(f64, f64)) -> f64| quantile(pairs.iter().map(of).collect(), 0.5);
    (median(|it| it.0) / median(|it| it.1) - 1.0, median(|it| (it.0 / it.1 - 1.0).abs()))
}

#[test]
fn formants_agree_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let summary = json(golden.join("voice/praat/summary.json"));
    let speech = |name: &&String| *name == "jfk" || name.contains("espeak") || name.starts_with("vowel_");
    let mut failed = Vec::new();
    for name in summary.as_object().unwrap().keys().filter(speech) {
        let (rows, pitch) =
            (table(&golden, &format!("{name}.formant")), table(&golden, &format!("{name}.f0")));
        let grid = Grid { first: Seconds(rows[0][0]), hop: Seconds(0.01) };
        // The reference names every pole a formant, however wide.
        let settings = FormantSettings { grid, widest: Hertz(f64::INFINITY), ..Default::default() };
        let found = formants(&recording(wav(&golden, name)), &settings);
        let nearest = |time: f64| ((time - pitch[0][0]) / 0.01).round().max(0.0) as usize;
        let voiced: Vec<bool> =
            rows.iter().map(|row| pitch.get(nearest(row[0])).is_some_and(|it| it[1] > 0.0)).collect();
        let found: Vec<(f64, f64)> =
            (0..4).map(|n| compared(&found.frequency[n], &rows, n + 1, &voiced)).collect();
        let shown: Vec<String> = found
            .iter()
            .enumerate()
            .map(|(n, (off, frames))| format!("F{} {:+.2} % ({:.2} %)", n + 1, off * 100.0, frames * 100.0))
            .collect();
        ran(&format!("formants reference {name}"), &format!("median (frames): {}", shown.join(", ")));
        if !found.iter().all(|(off, frames)| off.abs() <= 0.01 && *frames <= 0.01) {
            failed.push(format!("{name}: {shown:?}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn medians_of_the_measures_agree_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let summary = json(golden.join("voice/praat/summary.json"));
    for (name, entry) in summary.as_object().unwrap() {
        if !(name == "jfk" || name.starts_with("espeak") || name.starts_with("vowel_a")) {
            continue;
        }
        let values = set().measure(&analysis(wav(&golden, name)));
        let off = |n: usize| {
            let want = entry[format!("F{n}_median_voiced")].as_f64().unwrap();
            100.0 * (values.number(&format!("voice.formant.f{n}_median")).unwrap() / want - 1.0)
        };
        ran(
            &format!("formant medians {name}"),
            &format!("F1 {:+.2} %, F2 {:+.2} %, F3 {:+.2} %, F4 {:+.2} %", off(1), off(2), off(3), off(4)),
        );
    }
}

#[test]
fn clarity_agrees_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let summary = json(golden.join("voice/praat/summary.json"));
    let mut compared = 0;
    for (name, entry) in summary.as_object().unwrap() {
        let Some(want) = entry["cpps_dB"].as_f64() else { continue };
        let got = set().measure(&analysis(wav(&golden, name))).number("voice.cpps.mean").unwrap();
        ran(&format!("clarity {name}"), &format!("{got:.2} dB, off by {:+.2} dB", got - want));
        assert!((got - want).abs() <= 1.0, "{name}: {got} {want}");
        compared += 1;
    }
    assert!(compared >= 4, "{compared} files have a number");
}
