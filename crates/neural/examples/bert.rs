//! Writes a BERT as ONNX, from `model.safetensors` and the `config.json` beside it.
//!
//! ```text
//! cargo run --release -p inkling-neural --example bert -- FOLDER states.onnx
//! cargo run --release -p inkling-neural --example bert -- FOLDER sentence.onnx sentence
//! ```

use std::path::Path;

use neural::{
    Weights,
    bert::{Answer, graph},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, out, answer) = match arguments.as_slice() {
        [folder, out] => (Path::new(folder), out, Answer::States),
        [folder, out, which] if which == "sentence" => (Path::new(folder), out, Answer::Sentence),
        _ => return Err("expected FOLDER OUT.onnx [sentence]".into()),
    };
    let weights = Weights::open(&folder.join("model.safetensors"))?;
    let config = std::fs::read_to_string(folder.join("config.json"))?;
    std::fs::write(out, graph(&weights, &config, answer)?.to_onnx())?;
    Ok(())
}
