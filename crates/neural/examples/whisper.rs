//! Writes Whisper's encoder as ONNX, from `model.bin` of CTranslate2 or our packed form.
//!
//! ```text
//! cargo run --release -p inkling-neural --example whisper -- WEIGHTS encoder.onnx
//! ```

use std::{path::Path, time::Instant};

use neural::{Weights, whisper_encoder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, out] = arguments.as_slice() else { return Err("expected WEIGHTS OUT.onnx".into()) };
    let started = Instant::now();
    let weights = Weights::open(Path::new(weights))?;
    println!("opened in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    weights.verify()?;
    println!("verified after {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let graph = whisper_encoder(&weights)?;
    println!("graph of {} nodes after {:.1} ms", graph.nodes.len(), started.elapsed().as_secs_f64() * 1e3);
    std::fs::write(out, graph.to_onnx())?;
    Ok(())
}
