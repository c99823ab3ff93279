//! Time of all measures of a two-minute drawing at 240 Hz: `cargo bench -p inkling-ink`.
//!
//! The aim is 5 ms; the slowest case is one stroke without a lift. The fastest run is the least disturbed one.

use std::hint::black_box;
use std::time::Instant;

use feature::{FeatureSet, Usable};
use ink::{Analysis, Drawing, MEASURES, set, synth};

fn main() {
    let pen = synth::Pen { rate_hz: 240.0, tremor_mm: 0.3, ..synth::Pen::natural(1) };
    let clock = synth::Clock { slowness: 3.0, hesitation_s: 2.6, ..synth::Clock::at(11, 5) };
    report("spiral, one stroke", synth::spiral(6.0, 8.0, 120.0, &pen));
    report("clock, many strokes", synth::clock(&clock, &pen));
}

/// Prints everything together, then the analysis and each measure apart.
fn report(what: &str, drawing: Drawing) {
    let (points, span_s) = (drawing.point_count(), drawing.span_s());
    let usable = Usable::new(drawing).expect("a synthetic drawing is usable");
    println!("{what}: {span_s:.0} s, {points} points");
    line("everything", || {
        black_box(set().measure(&Analysis::new(&usable)));
    });
    line("analysis", || {
        black_box(Analysis::new(&usable));
    });
    let analysis = Analysis::new(&usable);
    for one in MEASURES.chunks(1) {
        let set = FeatureSet::new("ink", 1, one);
        line(one[0].definitions()[0].name, || {
            black_box(set.measure(&analysis));
        });
    }
}

/// Prints fastest and median of 101 runs.
fn line(what: &str, run: impl Fn()) {
    let timed_ms = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1000.0
    };
    let mut times_ms: Vec<f64> = (0..101).map(timed_ms).collect();
    times_ms.sort_by(f64::total_cmp);
    println!("  {what:32} {:7.3} ms, median {:7.3} ms", times_ms[0], times_ms[50]);
}
