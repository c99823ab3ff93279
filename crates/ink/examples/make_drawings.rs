//! Writes the synthetic drawings of `fixtures/session`: `cargo run -p inkling-ink --example make_drawings -- DIR`.

use std::{env, fs, path::PathBuf, process::ExitCode};

use ink::synth::{Clock, Pen, clock, spiral};

/// A clock at 11:05 without its 7, drawn slowly and with long pauses.
fn slow_clock() -> Clock {
    Clock { missing: vec![7], slowness: 1.45, hesitation_s: 2.35, latency_s: 4.2, ..Clock::at(11, 5) }
}

fn main() -> ExitCode {
    let Some(folder) = env::args().nth(1).map(PathBuf::from) else {
        eprintln!("which folder? for example: make_drawings fixtures/session");
        return ExitCode::from(2);
    };
    let trembling = Pen { tremor_hz: 6.0, tremor_mm: 0.45, ..Pen::natural(11) };
    let drawings = [
        ("clock.json", clock(&slow_clock(), &Pen { wander_mm: 0.32, ..Pen::natural(7) })),
        ("spiral.json", spiral(4.5, 10.0, 24.0, &trembling)),
    ];
    for (name, drawing) in drawings {
        let path = folder.join(name);
        if let Err(error) = fs::write(&path, drawing.to_json()) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{}: {:.1} s, {} points", path.display(), drawing.span_s(), drawing.point_count());
    }
    ExitCode::SUCCESS
}
