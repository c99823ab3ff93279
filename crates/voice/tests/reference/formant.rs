//! Formants against the truth of synthetic vowels and against reference numbers; clarity against reference numbers.

use std::path::Path;

use feature::{Hertz, Seconds, median};
use serde_json::Value;
use voice::{Contour, FormantSettings, Grid, formants, set};

use crate::{analysis, folder, json, ran, recording};

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

/// How our frames compare with the reference's where both are defined and `voiced`, as shares.
struct Agreement {
    /// Our median over theirs, less 1.
    median: f64,
    /// Median of the difference of frames.
    frames: f64,
    /// Frames more than a tenth apart.
    apart: f64,
}

fn agreement(ours: &Contour, rows: &[Vec<f64>], column: usize, voiced: &[bool]) -> Agreement {
    let pairs: Vec<(f64, f64)> = (0..rows.len())
        .filter(|frame| voiced[*frame])
        .filter_map(|frame| Some((f64::from(ours.get(frame)?), rows[frame][column])))
        .filter(|pair| pair.1.is_finite())
        .collect();
    let all = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
    let off = all(|it| (it.0 / it.1 - 1.0).abs());
    let apart = off.iter().filter(|off| **off > 0.1).count() as f64 / off.len() as f64;
    Agreement {
        median: median(&all(|it| it.0)).unwrap() / median(&all(|it| it.1)).unwrap() - 1.0,
        frames: median(&off).unwrap(),
        apart,
    }
}

/// Ceilings within 0.3 % of 5500 Hz, as near as the lowered sound allows. What a median moves from one to the next, the sound
/// does not settle.
const NEIGHBOURS: [f64; 4] = [5484.375, 5492.1875, 5507.8125, 5515.625];

/// In this synthetic speech many frames hold a pole so wide that the last hertz of the band decides whether it is the first
/// or the second formant, and the medians of both lie in the gap between the two kinds: they may lie as much further off as
/// they sway between neighbouring ceilings.
const SWAYS: [&str; 1] = ["espeak_en-us"];

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
        let nearest = |time: f64| ((time - pitch[0][0]) / 0.01).round().max(0.0) as usize;
        let voiced: Vec<bool> =
            rows.iter().map(|row| pitch.get(nearest(row[0])).is_some_and(|it| it[1] > 0.0)).collect();
        let sound = recording(wav(&golden, name));
        let under = |ceiling: f64| {
            let found = formants(&sound, &FormantSettings { ceiling: Hertz(ceiling), ..settings });
            [0, 1, 2, 3].map(|n| agreement(&found.frequency[n], &rows, n + 1, &voiced))
        };
        let (found, swayed) = (under(5500.0), NEIGHBOURS.map(under));
        for n in 0..4 {
            let Agreement { median, frames, apart } = found[n];
            let sway = swayed.iter().map(|it| (it[n].median - median).abs()).fold(0.0, f64::max);
            let shown = format!(
                "{:+.2} % (frames {:.2} %, apart {:.1} %, sway {:.2} %)",
                100.0 * median,
                100.0 * frames,
                100.0 * apart,
                100.0 * sway
            );
            ran(&format!("formants reference {name}"), &format!("F{} {shown}", n + 1));
            let room = if SWAYS.contains(&name.as_str()) { 0.01 + sway } else { 0.01 };
            if !(frames <= 0.01 && median.abs() <= room) {
                failed.push(format!("{name} F{}: {shown}", n + 1));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Medians over the frames we call voiced, of every pole and of those narrow enough, against the reference's summary.
#[test]
fn medians_of_the_measures_agree_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let summary = json(golden.join("voice/praat/summary.json"));
    for (name, entry) in summary.as_object().unwrap() {
        if !(name == "jfk" || name.starts_with("espeak") || name.starts_with("vowel_a")) {
            continue;
        }
        let analysis = analysis(wav(&golden, name));
        let lenient = FormantSettings { widest: Hertz(f64::INFINITY), ..Default::default() };
        let poles = formants(analysis.recording(), &lenient);
        let values = set().measure(&analysis);
        let shown: Vec<String> = (1..5)
            .map(|n| {
                let want = entry[format!("F{n}_median_voiced")].as_f64().unwrap();
                let voiced = (0..analysis.f0().len()).filter(|frame| analysis.f0().get(*frame).is_some());
                let every: Vec<f64> =
                    voiced.filter_map(|frame| poles.frequency[n - 1].get(frame).map(f64::from)).collect();
                let narrow = values.number(&format!("voice.formant.f{n}_median")).unwrap();
                // In steady vowels no pole is too wide, and both kinds of medians are the reference's.
                assert!(
                    !name.starts_with("vowel") || (narrow / want - 1.0).abs() < 0.01,
                    "{name} F{n}: {narrow}"
                );
                let [every, narrow] =
                    [median(&every).unwrap(), narrow].map(|hertz| 100.0 * (hertz / want - 1.0));
                format!("{every:+.2} % ({narrow:+.2} %)")
            })
            .collect();
        ran(&format!("formant medians {name}"), &format!("every pole (narrow): F1-F4 {}", shown.join(", ")));
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
