//! Measures one sound file and prints quality, values and the time each step took.
//!
//! `cargo run --release -p inkling-voice --example measure -- fixtures/session/picture.flac`

use std::{env, error::Error, time::Instant};

use feature::{Usable, Value};
use voice::{Analysis, Limits, decode_file, set};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: measure FILE")?;
    let start = Instant::now();
    let recording = decode_file(path, &Limits::default())?;
    let decoded = start.elapsed();
    let usable = Usable::new(recording).map_err(|declined| declined.to_string())?;
    let checked = start.elapsed();
    let analysis = Analysis::new(&usable);
    analysis.timbre();
    let coloured = start.elapsed();
    let values = set().measure(&analysis);
    let measured = start.elapsed();
    for finding in usable.quality().findings() {
        println!("{:8} {}", finding.verdict, finding.message);
    }
    for feature in values.features() {
        match &feature.value {
            Value::Measured(number) => {
                println!("{} {number:.4} {}", feature.definition.name, feature.definition.unit)
            }
            Value::Missing(reason) => println!("{} missing: {reason}", feature.definition.name),
        }
    }
    eprintln!(
        "decode {decoded:?}, check {:?}, timbre {:?}, measure {:?}",
        checked - decoded,
        coloured - checked,
        measured - coloured
    );
    Ok(())
}
