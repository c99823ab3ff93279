//! The acceptance rows: truth of synthetic files, and reference numbers for them.

use std::path::{Path, PathBuf};

use feature::Seconds;
use voice::{Contour, Grid, Interval, PitchSettings, set};

use crate::{analysis, folder, json, quantile, ran, recording};

const VARIABLE: &str = "INKLING_GOLDEN";

fn wav(golden: &Path, name: &str) -> PathBuf {
    golden.join(format!("voice/wav/{name}.wav"))
}

/// Columns of a reference table without its head, `[rows, columns]`.
fn table(golden: &Path, name: &str) -> Vec<Vec<f64>> {
    let path = golden.join(format!("voice/praat/{name}.csv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |cell: &str| cell.parse().unwrap_or(f64::NAN);
    text.lines().skip(1).map(|line| line.split(',').map(number).collect()).collect()
}

/// The grid of a reference table.
fn grid(rows: &[Vec<f64>]) -> Grid {
    Grid { first: Seconds(rows[0][0]), hop: Seconds(0.01) }
}

fn names(golden: &Path) -> Vec<String> {
    let summary = json(golden.join("voice/praat/summary.json"));
    summary.as_object().unwrap().keys().cloned().collect()
}

fn semitones(got: f64, want: f64) -> f64 {
    (12.0 * (got / want).log2()).abs()
}

#[test]
fn pitch_of_tones_and_glides_is_the_truth() {
    let Some(golden) = folder(VARIABLE) else { return };
    // F0 at the start in hertz, and its rise in hertz a second.
    for (name, start, rise) in
        [("tone_440_m20dBFS", 440.0, 0.0), ("harm_150_sawlike", 150.0, 0.0), ("glide_100_250", 100.0, 50.0)]
    {
        let truth = |time: f64| start + rise * time;
        let recording = recording(wav(&golden, name));
        // A frame whose three periods of the floor reach beyond the file sees another sound than the truth's.
        let inside = 0.02..recording.duration().0 - 0.02;
        let contour = voice::pitch(recording.samples(), &PitchSettings::default());
        let voiced = contour.iter().filter(|(time, _)| inside.contains(&time.0));
        let off: Vec<f64> =
            voiced.map(|(time, got)| semitones(got.map_or(f64::NAN, f64::from), truth(time.0))).collect();
        assert!(off.iter().all(|off| off.is_finite()), "{name}: a frame is unvoiced");
        let (median, p95) = (quantile(off.clone(), 0.5), quantile(off, 0.95));
        ran(&format!("pitch truth {name}"), &format!("median {median:.4} st, 95th percentile {p95:.4} st"));
        assert!(median <= 0.01 && p95 <= 0.03, "{name}: median {median}, 95th percentile {p95}");
    }
}

struct Agreement {
    median: f64,
    gross: f64,
    voicing: f64,
}

/// Contour against a reference of the same times, whose F0 is 0 where unvoiced.
fn agreement(contour: &Contour, rows: &[Vec<f64>]) -> Agreement {
    let got = |frame: usize| contour.get(frame).map_or(0.0, f64::from);
    let pairs: Vec<(f64, f64)> = rows.iter().enumerate().map(|(frame, row)| (got(frame), row[1])).collect();
    let same = pairs.iter().filter(|(got, want)| (*got > 0.0) == (*want > 0.0)).count();
    let off: Vec<f64> = pairs
        .iter()
        .filter(|(got, want)| *got > 0.0 && *want > 0.0)
        .map(|(got, want)| semitones(*got, *want))
        .collect();
    let gross = off.iter().filter(|off| **off > 1.0).count() as f64 / off.len().max(1) as f64;
    let voicing = same as f64 / pairs.len() as f64;
    Agreement { median: if off.is_empty() { 0.0 } else { quantile(off, 0.5) }, gross, voicing }
}

#[test]
fn pitch_agrees_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let mut failed = Vec::new();
    // On this one file the reference itself makes octave errors.
    for name in names(&golden).iter().filter(|name| *name != "vowel_a_f210_j20_s6") {
        let rows = table(&golden, &format!("{name}.f0"));
        let recording = recording(wav(&golden, name));
        let settings = PitchSettings { grid: grid(&rows), ..Default::default() };
        let Agreement { median, gross, voicing } =
            agreement(&voice::pitch(recording.samples(), &settings), &rows);
        ran(
            &format!("pitch reference {name}"),
            &format!("median {median:.4} st, gross {:.2} %, voicing {:.2} %", gross * 100.0, voicing * 100.0),
        );
        let least = if name == "jfk" { 0.92 } else { 0.97 };
        if !(median <= 0.07 && gross <= 0.02 && voicing >= least) {
            failed.push(format!("{name}: median {median}, gross {gross}, voicing {voicing}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn intensity_agrees_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let mut failed = Vec::new();
    for name in names(&golden).iter().filter(|name| *name != "silence_2s") {
        let rows = table(&golden, &format!("{name}.intensity"));
        let recording = recording(wav(&golden, name));
        let contour = voice::intensity(recording.samples(), grid(&rows));
        let off: Vec<f64> = rows
            .iter()
            .enumerate()
            .filter_map(|(frame, row)| Some((f64::from(contour.get(frame)?) - row[1]).abs()))
            .filter(|off| off.is_finite())
            .collect();
        let (median, p95) = (quantile(off.clone(), 0.5), quantile(off.clone(), 0.95));
        let share = off.len() as f64 / rows.len() as f64;
        ran(
            &format!("intensity reference {name}"),
            &format!("median {median:.4} dB, 95th percentile {p95:.4} dB, {:.0} % of frames", share * 100.0),
        );
        if !(median <= 0.01 && p95 <= 0.2) {
            failed.push(format!("{name}: median {median}, 95th percentile {p95}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn levels_are_the_truth_and_agree_with_the_reference() {
    let Some(golden) = folder(VARIABLE) else { return };
    let tone = set().measure(&analysis(wav(&golden, "tone_440_m20dBFS")));
    let off = (tone.number("voice.level.dbfs").unwrap() + 20.0 + 10.0 * 2f64.log10()).abs();
    let truth = json(golden.join("voice/truth.json"));
    let rms = truth["tone_440_m20dBFS"]["rms"].as_f64().unwrap();
    let off_rms = (tone.number("voice.level.dbfs").unwrap() - 20.0 * rms.log10()).abs();
    ran("level truth", &format!("off by {off_rms:.5} dB"));
    assert!(off_rms <= 0.01, "{off} {off_rms}");
    let summary = json(golden.join("voice/praat/summary.json"));
    let mut failed = Vec::new();
    for name in names(&golden).iter().filter(|name| *name != "silence_2s") {
        let want = summary[name]["intensity_mean_energy_dB"].as_f64().unwrap();
        let got = set().measure(&analysis(wav(&golden, name))).number("voice.intensity.energy_mean").unwrap();
        ran(&format!("energy mean {name}"), &format!("off by {:.4} dB", got - want));
        if (got - want).abs() > 0.05 {
            failed.push(format!("{name}: {got} {want}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The pauses of a truth: its key, and the key of the stretches between them.
fn planted(golden: &Path, name: &str) -> Vec<(f64, f64)> {
    let truth = json(golden.join("voice/truth.json"));
    let entry = &truth[name];
    let key = if entry["voiced_intervals"].is_array() { "voiced_intervals" } else { "speech_intervals" };
    let ends: Vec<f64> = entry[key].as_array().unwrap().iter().map(|it| it[1].as_f64().unwrap()).collect();
    let lengths = entry["pauses"].as_array().or(entry["inserted_pauses"].as_array()).unwrap();
    let lengths = lengths.iter().map(|it| it.as_f64().unwrap());
    ends.iter().zip(lengths).map(|(end, length)| (*end, end + length)).collect()
}

#[test]
fn planted_pauses_are_found() {
    let Some(golden) = folder(VARIABLE) else { return };
    for name in ["pauses_known", "pauses_known_noisy", "pauses_espeak"] {
        let analysis = analysis(wav(&golden, name));
        let planted = planted(&golden, name);
        let found = analysis.pauses();
        let mut edges = Vec::new();
        for (start, end) in &planted {
            let overlap = |it: &&Interval| it.end.0.min(*end) - it.start.0.max(*start);
            let best = found.iter().max_by(|a, b| overlap(a).total_cmp(&overlap(b))).expect("pauses");
            assert!(overlap(&best) > 0.5 * (end - start), "{name}: {start}-{end} not found among {found:?}");
            edges.extend([(best.start.0 - start).abs(), (best.end.0 - end).abs()]);
        }
        let frames = (analysis.duration().0 / 0.01) as usize;
        let times = (0..frames).map(|frame| (frame as f64 + 0.5) * 0.01);
        let right = times.filter(|time| {
            let truth = planted.iter().any(|(start, end)| start <= time && time < end);
            truth == found.iter().any(|it| it.contains(Seconds(*time)))
        });
        let accuracy = right.count() as f64 / frames as f64;
        let (median, worst) = (quantile(edges.clone(), 0.5), quantile(edges, 1.0));
        ran(
            &format!("pauses {name}"),
            &format!(
                "{} planted, {} found, edges median {:.1} ms, worst {:.1} ms, frames {:.2} %",
                planted.len(),
                found.len(),
                median * 1e3,
                worst * 1e3,
                accuracy * 100.0
            ),
        );
        assert!(median <= 0.03 && accuracy >= 0.96, "{name}: {found:?} for {planted:?}");
    }
}

#[test]
fn known_pauses_are_counted_and_timed_by_the_measures() {
    let Some(golden) = folder(VARIABLE) else { return };
    for name in ["pauses_known", "pauses_known_noisy"] {
        let values = set().measure(&analysis(wav(&golden, name)));
        let phonation = values.number("voice.phonation.ratio").unwrap();
        ran(&format!("pause measures {name}"), &format!("phonation ratio {phonation:.4}, truth 0.4471"));
        assert_eq!(values.number("voice.pause.count"), Some(5.0), "{name}");
        assert_eq!(values.number("voice.pause_150ms.count"), Some(6.0), "{name}");
        assert!((phonation - 0.447_058_8).abs() < 0.01, "{name}: {phonation}");
    }
}
