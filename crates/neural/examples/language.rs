//! Figures of a language network: perplexity of a text, tokens a second, memory.
//!
//! ```text
//! cargo run --release -p inkling-neural --example language -- NETWORK.gguf fixtures/text/harbour.txt stored
//! ```
//! The third word is `stored` (as the file has it), `float` or `int8`. One thread.

use std::{path::Path, time::Instant};

use neural::{Error, Llama, Precision, Tokens, Weights};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, text, precision] = arguments.as_slice() else {
        return Err("expected NETWORK.gguf TEXT stored|float|int8".into());
    };
    let precision = match precision.as_str() {
        "stored" => None,
        "float" => Some(Precision::Float),
        "int8" => Some(Precision::Int8),
        other => return Err(format!("expected stored, float or int8, got {other}").into()),
    };
    let started = Instant::now();
    let weights = Weights::open(Path::new(network))?;
    let (tokens, llama) = (Tokens::of(&weights)?, Llama::open(&weights, precision)?);
    println!("opened in {:.2} s", started.elapsed().as_secs_f64());
    perplexity(&llama, &tokens.encode(&std::fs::read_to_string(text)?)?)?;
    continuation(&llama, &tokens)?;
    println!("peak memory {} MiB", peak_mib());
    Ok(())
}

/// e to the mean negative log-probability of all tokens after the first.
fn perplexity(llama: &Llama, tokens: &[u32]) -> Result<(), Error> {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let logs = llama.log_probabilities(tokens)?;
    let mean = -logs.iter().sum::<f64>() / logs.len() as f64;
    let (taken, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "perplexity {:.4} of {} tokens; read at {:.0} tokens/s ({cpu:.2} CPU s)",
        mean.exp(),
        tokens.len(),
        tokens.len() as f64 / taken
    );
    Ok(())
}

fn continuation(llama: &Llama, tokens: &Tokens) -> Result<(), Error> {
    const COUNT: usize = 64;
    let given = tokens.encode("The ferry leaves the harbour at seven in the morning, when")?;
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let found = llama.continued(&given, COUNT, None)?;
    let (taken, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "wrote at {:.1} tokens/s ({:.1} by CPU time): {:?}",
        found.len() as f64 / taken,
        found.len() as f64 / cpu,
        tokens.decode(&found)?
    );
    Ok(())
}

/// User and system time of this process; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
