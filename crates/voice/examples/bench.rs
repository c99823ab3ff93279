//! The processor time of every contour and every measure of one sound file, warm: `make bench-voice`.
//!
//! `cargo run --release -p inkling-voice --example bench -- FILE [RUNS]`. Each step's time is the least of the runs, which other
//! work on the machine disturbs least; the total is the processor time that the system accounted for a whole run, the median.

use std::{
    env,
    error::Error,
    fs,
    time::{Duration, Instant},
};

use voice::{Limits, decode_file, steps};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: bench FILE [RUNS]")?;
    let runs: usize = env::args().nth(2).map_or(Ok(15), |it| it.parse())?;
    let mut decoding = Vec::new();
    let mut whole = Vec::new();
    let mut least: Vec<(&'static str, Duration)> = Vec::new();
    for _ in 0..=runs {
        let (start, before) = (Instant::now(), processor());
        let recording = decode_file(&path, &Limits::default())?;
        decoding.push(start.elapsed());
        let mut times = Vec::new();
        let mut last = Instant::now();
        steps(&recording, &mut |step| {
            times.push((step, last.elapsed()));
            last = Instant::now();
        })
        .map_err(|declined| declined.to_string())?;
        whole.push(before.zip(processor()).map_or(start.elapsed(), |(before, after)| after - before));
        if least.is_empty() {
            least.clone_from(&times);
        }
        least.iter_mut().zip(times).for_each(|(least, (_, time))| least.1 = least.1.min(time));
    }
    let seconds = decode_file(&path, &Limits::default())?.duration().0;
    println!("{path}, {seconds:.1} s of sound; ms, least of {runs} warm runs");
    line("decoding", decoding.into_iter().min().unwrap_or_default());
    let (measures, contours): (Vec<_>, Vec<_>) =
        least.iter().partition(|(step, _)| step.starts_with("voice."));
    contours.iter().for_each(|(step, time)| line(step, *time));
    // Those below a millisecond are statistics of contours: one line for all of them.
    let (long, short): (Vec<_>, Vec<_>) = measures.iter().partition(|(_, time)| *time >= LONG);
    long.iter().for_each(|(step, time)| line(step, *time));
    line(&format!("{} other measures", short.len()), short.iter().map(|(_, time)| *time).sum());
    // The first run pays for pages and plans.
    whole.remove(0);
    whole.sort();
    let median = whole[whole.len() / 2];
    println!(
        "warm total {:.3} s of processor time, median of {runs} ({:.3}-{:.3})",
        median.as_secs_f64(),
        whole[0].as_secs_f64(),
        whole[whole.len() - 1].as_secs_f64()
    );
    Ok(())
}

/// A measure that takes longer has a line of its own.
const LONG: Duration = Duration::from_millis(1);

fn line(step: &str, time: Duration) {
    println!("  {step:<28}{:8.2}", 1e3 * time.as_secs_f64());
}

/// Time this process has had on a processor, where the system tells (Linux).
fn processor() -> Option<Duration> {
    let told = fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(Duration::from_nanos(told.split(' ').next()?.parse().ok()?))
}
