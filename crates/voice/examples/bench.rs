//! The processor time of every contour and every measure of one sound file, warm: `make bench-voice`.
//!
//! `cargo run --release -p inkling-voice --example bench -- FILE [RUNS]`. Times are of the processor, not of the clock: the
//! median of the runs, of each step and of all.

use std::{env, error::Error, time::Duration};

use voice::{Limits, decode_file, steps};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: bench FILE [RUNS]")?;
    let runs: usize = env::args().nth(2).map_or(Ok(15), |it| it.parse())?;
    let mut decoding = Vec::new();
    let mut whole = Vec::new();
    let mut each: Vec<(&'static str, Vec<Duration>)> = Vec::new();
    for _ in 0..=runs {
        let start = processor();
        let recording = decode_file(&path, &Limits::default())?;
        decoding.push(processor() - start);
        let mut times = Vec::new();
        let mut last = processor();
        steps(&recording, &mut |step| {
            let now = processor();
            times.push((step, now - last));
            last = now;
        })
        .map_err(|declined| declined.to_string())?;
        whole.push(processor() - start);
        if each.is_empty() {
            each = times.iter().map(|(step, _)| (*step, Vec::new())).collect();
        }
        each.iter_mut().zip(times).for_each(|(each, (_, time))| each.1.push(time));
    }
    let seconds = decode_file(&path, &Limits::default())?.duration().0;
    println!("{path}, {seconds:.1} s of sound; ms of processor time, median of {runs} warm runs");
    line("decoding", median(decoding));
    let steps = each.into_iter().map(|(step, times)| (step, median(times)));
    let (measures, contours): (Vec<_>, Vec<_>) = steps.partition(|(step, _)| step.starts_with("voice."));
    contours.iter().for_each(|(step, time)| line(step, *time));
    // Those below a millisecond are statistics of contours: one line for all of them.
    let (long, short): (Vec<_>, Vec<_>) = measures.iter().partition(|(_, time)| *time >= LONG);
    long.iter().for_each(|(step, time)| line(step, *time));
    line(&format!("{} other measures", short.len()), short.iter().map(|(_, time)| *time).sum());
    let (least, most) = (whole.iter().skip(1).min().copied(), whole.iter().skip(1).max().copied());
    let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
    println!(
        "warm total {:.3} s of processor time, median of {runs} ({:.3}-{:.3})",
        median(whole).as_secs_f64(),
        seconds(least),
        seconds(most)
    );
    Ok(())
}

/// The median of all but the first, which pays for pages and plans.
fn median(mut times: Vec<Duration>) -> Duration {
    times.remove(0);
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A measure that takes longer has a line of its own.
const LONG: Duration = Duration::from_millis(1);

fn line(step: &str, time: Duration) {
    println!("  {step:<28}{:8.2}", 1e3 * time.as_secs_f64());
}

/// Time this thread has had on a processor: what other programs do does not count.
#[cfg(unix)]
fn processor() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Time of the wall clock, where the system does not tell.
#[cfg(not(unix))]
fn processor() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
