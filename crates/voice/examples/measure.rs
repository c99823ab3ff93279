//! Measures one sound file and prints quality, values and the processor time each step took.
//!
//! `cargo run --release -p inkling-voice --example measure -- fixtures/session/picture.flac`

use std::{
    env,
    error::Error,
    fs, slice,
    time::{Duration, Instant},
};

use feature::{FeatureSet, Usable, Value};
use voice::{Analysis, Limits, MEASURES, decode_file, set};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: measure FILE")?;
    let start = Instant::now();
    let recording = decode_file(path, &Limits::default())?;
    let decoded = spent(start);
    let usable = Usable::new(recording).map_err(|declined| declined.to_string())?;
    let checked = spent(start);
    let analysis = Analysis::new(&usable);
    analysis.timbre();
    let coloured = spent(start);
    let values = set().measure(&analysis);
    let measured = spent(start);
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
    each_measure(&Analysis::new(&usable));
    Ok(())
}

/// The time of each measure, named by its first feature; what measures share falls on the first that needs it.
fn each_measure(analysis: &Analysis) {
    for measure in MEASURES {
        let start = Instant::now();
        FeatureSet::new("voice", 1, slice::from_ref(measure)).measure(analysis);
        eprintln!("  {} {:?}", measure.definitions()[0].name, start.elapsed());
    }
}

/// Time this process has had on a processor, where the system tells (Linux); else the time since `start`.
fn spent(start: Instant) -> Duration {
    let told = fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}
