//! The demo's own recording: planted pauses in a minute of synthetic speech are found.

use feature::Seconds;
use voice::set;

use crate::{analysis, formats::fixture, json, quantile};

#[test]
fn the_planted_pauses_of_the_demo_are_found() {
    let analysis = analysis(fixture("session/picture.flac"));
    let truth = json(fixture("session/picture.truth.json"));
    let planted: Vec<(f64, f64)> = truth["pauses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["start_s"].as_f64().unwrap(), it["end_s"].as_f64().unwrap()))
        .collect();
    let found = analysis.pauses();
    let mut edges = Vec::new();
    for (start, end) in &planted {
        let middle = Seconds(0.5 * (start + end));
        let pause = found.iter().find(|it| it.contains(middle));
        let pause = pause.unwrap_or_else(|| panic!("{start} to {end} s is not among {found:?}"));
        edges.extend([(pause.start.0 - start).abs(), (pause.end.0 - end).abs()]);
    }
    let (median, worst) = (quantile(edges.clone(), 0.5), quantile(edges, 1.0));
    assert!(median <= 0.01 && worst <= 0.1, "edges off by {median} s, at worst {worst} s");
    // Of 205 counted by hand.
    let syllables = analysis.syllables().len() as f64 / truth["syllables"].as_f64().unwrap();
    assert!((0.9..=1.1).contains(&syllables), "{syllables} of the syllables");
    let values = set().measure(&analysis);
    let latency = values.number("voice.latency.first_speech").unwrap();
    assert!((latency - truth["first_speech_s"].as_f64().unwrap()).abs() < 0.02, "{latency}");
    assert_eq!(values.number("voice.pause.count"), Some(planted.len() as f64));
}
