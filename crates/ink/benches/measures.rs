//! Processor time of all measures of a two-minute drawing at 240 Hz: `cargo bench -p inkling-ink`.
//!
//! The aim is 5 ms; the slowest case is one stroke without a lift.

use std::time::Instant;

use feature::Usable;
use ink::{Analysis, Drawing, set, synth};

fn main() {
    let pen = synth::Pen { rate_hz: 240.0, tremor_mm: 0.3, ..synth::Pen::natural(1) };
    let clock = synth::Clock { slowness: 3.0, hesitation_s: 2.6, ..synth::Clock::at(11, 5) };
    report("spiral, one stroke", synth::spiral(6.0, 8.0, 120.0, &pen));
    report("clock, many strokes", synth::clock(&clock, &pen));
}

/// Prints the median of 101 runs of resampling, derivatives and every measure.
fn report(what: &str, drawing: Drawing) {
    let (points, span_s) = (drawing.point_count(), drawing.span_s());
    let usable = Usable::new(drawing).expect("a synthetic drawing is usable");
    let mut times_ms: Vec<f64> = (0..101).map(|_| once_ms(&usable)).collect();
    times_ms.sort_by(f64::total_cmp);
    println!(
        "{what}: {span_s:.0} s, {points} points: {:.2} ms, slowest {:.2} ms",
        times_ms[50], times_ms[100]
    );
}

fn once_ms(usable: &Usable<Drawing>) -> f64 {
    let start = Instant::now();
    let vector = set().measure(&Analysis::new(usable));
    assert!(vector.number("ink.time.total").is_some());
    start.elapsed().as_secs_f64() * 1000.0
}
