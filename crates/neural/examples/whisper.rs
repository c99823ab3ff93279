//! Writes Whisper's encoder or decoder as ONNX, from `model.bin` of CTranslate2.
//!
//! ```text
//! cargo run --release -p inkling-neural --example whisper -- WEIGHTS encoder.onnx
//! cargo run --release -p inkling-neural --example whisper -- WEIGHTS decoder.onnx decoder
//! ```

use std::{path::Path, time::Instant};

use neural::{
    Weights,
    whisper::{decoder_graph, encoder_graph},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (weights, out, make): (_, _, fn(&Weights) -> _) = match arguments.as_slice() {
        [weights, out] => (weights, out, encoder_graph),
        [weights, out, which] if which == "decoder" => (weights, out, decoder_graph),
        _ => return Err("expected WEIGHTS OUT.onnx [decoder]".into()),
    };
    let started = Instant::now();
    let weights = Weights::open(Path::new(weights))?;
    println!("opened in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    weights.verify()?;
    println!("verified after {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let graph = make(&weights)?;
    println!("graph of {} nodes after {:.1} ms", graph.nodes.len(), started.elapsed().as_secs_f64() * 1e3);
    std::fs::write(out, graph.to_onnx())?;
    Ok(())
}
