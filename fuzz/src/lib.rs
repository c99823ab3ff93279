//! What every target does with its bytes: read them, check what was read, measure it, and hold the promises of the rooms.

use feature::{Usable, Value};
use ink::Options;
use libfuzzer_sys::Corpus;
use neural::{Graph, Tensors, Weights};
use voice::{Limits, RATE, Recording};

/// Any bytes as ink. Drawings are refused or not, each by itself; those that are usable are measured.
pub fn drawings(bytes: &[u8]) {
    let Ok(found) = ink::decode(bytes, &Options::default()) else { return };
    assert!(!found.is_empty());
    for drawing in found.into_iter().filter_map(|named| named.drawing.ok()) {
        let Ok(usable) = Usable::new(drawing) else { continue };
        finite(ink::set().measure(&ink::Analysis::new(&usable)).features().iter().map(|it| &it.value));
    }
}

/// Bytes that begin as one format does, so that a target stays with its decoder.
pub fn drawings_that_begin(bytes: &[u8], begins: impl Fn(&str) -> bool) -> Corpus {
    let first = std::str::from_utf8(bytes).ok().and_then(|text| text.trim_start().lines().next());
    if !first.is_some_and(begins) {
        return Corpus::Reject;
    }
    drawings(bytes);
    Corpus::Keep
}

/// Any bytes as a sound file: refused, or samples in range and no longer than allowed.
pub fn sound(bytes: &[u8]) {
    // Files of a fuzzer are small; one that decodes to more than ten minutes is refused all the same.
    let limits = Limits { max_bytes: 1 << 20, max_recording: feature::Seconds(600.0) };
    let Ok(recording) = voice::decode(bytes.to_vec(), &limits) else { return };
    assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0));
    assert!(recording.samples().len() as f64 <= (limits.max_recording.0 + 1.0) * f64::from(RATE));
}

/// Any bytes as 16-bit samples: declined, or every value measured or missing.
pub fn samples(bytes: &[u8]) {
    let sample = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0;
    let recording = Recording::from_samples(bytes.chunks_exact(2).map(sample).collect());
    let Ok(usable) = Usable::new(recording) else { return };
    finite(voice::set().measure(&voice::Analysis::new(&usable)).features().iter().map(|it| &it.value));
}

/// Any bytes as an ONNX file: refused, or a graph that is written and read back as it was.
pub fn graph(bytes: &[u8]) {
    let Ok(graph) = Graph::from_onnx(bytes.to_vec()) else { return };
    let again = graph.to_onnx();
    let read = Graph::from_onnx(again.clone()).expect("what was written can be read");
    assert_eq!(read.to_onnx(), again);
}

/// Any bytes as weights: refused, or every section read as numbers or refused by itself.
pub fn weights(bytes: &[u8]) {
    let Ok(weights) = Weights::from_bytes(bytes.to_vec()) else { return };
    for (name, _) in weights.iter() {
        let _ = (weights.floats(name), weights.tensor(name), weights.row(name, 0));
    }
    let _ = (weights.verify(), neural::whisper_encoder(&weights));
}

/// Any bytes as arrays: refused, or tensors that are written and read back as they were.
pub fn arrays(bytes: &[u8]) {
    let Ok(tensors) = Tensors::from_npz(bytes) else { return };
    let again = tensors.to_npz().expect("element types of NumPy");
    assert_eq!(Tensors::from_npz(&again).expect("what was written can be read").to_npz().ok(), Some(again));
}

fn finite<'a>(values: impl Iterator<Item = &'a Value>) {
    assert!(values.filter_map(Value::measured).all(f64::is_finite));
}
