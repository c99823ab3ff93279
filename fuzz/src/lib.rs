//! What every target does with its bytes: read them, check what was read, measure it, and hold the promises of the rooms.

use feature::{Usable, Value};
use ink::Options;
use libfuzzer_sys::Corpus;
use neural::{
    Graph, Isa, Llama, Network, Options, Precision, Tensors, Tokens, Weights,
    whisper::{Turn, Whisper, decoder_graph, encoder_graph},
};
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

/// Any bytes as weights: refused, or every section read as numbers or refused by itself; and whatever network they are.
pub fn weights(bytes: &[u8]) {
    let Ok(weights) = Weights::from_bytes(bytes.to_vec()) else { return };
    for (name, _) in weights.iter() {
        let _ = (weights.floats(name), weights.tensor(name), weights.row(name, 0));
    }
    let _ = (weights.verify(), encoder_graph(&weights), decoder_graph(&weights));
    let _ = (Tokens::of(&weights), Whisper::packing(&weights, Precision::Int8).map(|it| it.to_bytes()));
    if let Ok(network) = Network::of_weights(&weights, &Options::default()) {
        let _ = neural::bench::made_up(network.inputs(), 1, 2).and_then(|it| network.run(&it));
    }
    if let Ok(llama) = Llama::open(&weights, None) {
        let _ = llama.log_probabilities(&[0, 1]);
    }
    for precision in [None, Some(Precision::Int8)] {
        if let Ok(whisper) = Whisper::open(&weights, precision, Isa::best()) {
            answer(&whisper);
        }
    }
}

/// A spectrum of nothing, and the first token.
fn answer(whisper: &Whisper) {
    let [spectrum, mut states] =
        [whisper.spectrum(), whisper.states()].map(|it| vec![0.0; it.iter().product()]);
    let (mut room, mut source, mut cache) = (whisper.workspace(1), whisper.source(), whisper.cache());
    whisper.encode(&mut room, &spectrum, &mut states).expect("lengths are its own");
    whisper.take_in(&mut room, &states, &mut source).expect("states are its own");
    let turn = Turn { tokens: &[0], cache: &mut cache, source: &source };
    whisper.read(&mut room, &mut [turn]).expect("there is a token and a place");
    assert_eq!(whisper.logits(&mut room, 0..1).expect("it was read").count(), 1);
}

/// Bytes that begin as one kind of weights does, so that a target stays with its reader.
pub fn weights_that_begin(bytes: &[u8], begins: &[u8]) -> Corpus {
    if !bytes.starts_with(begins) {
        return Corpus::Reject;
    }
    weights(bytes);
    Corpus::Keep
}

/// Bytes that begin as safetensors: a length that fits, then JSON.
pub fn safetensors(bytes: &[u8]) -> Corpus {
    if bytes.get(8) != Some(&b'{') {
        return Corpus::Reject;
    }
    weights(bytes);
    Corpus::Keep
}

/// Packed weights whose header has its digest, whatever was changed in it: else no change would be looked at.
pub fn packed(bytes: &[u8]) -> Corpus {
    const PRELUDE: usize = 48;
    let Some(length) = bytes.get(12..16).and_then(|it| it.try_into().ok()).map(u32::from_le_bytes) else {
        return Corpus::Reject;
    };
    let end = PRELUDE.saturating_add(length as usize);
    let Some(header) = bytes.get(PRELUDE..end).filter(|_| bytes.starts_with(b"INKLPACK")) else {
        return Corpus::Reject;
    };
    let digest = neural::digest(header);
    let byte = |at: usize| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).expect("hexadecimal digits");
    let mut whole = bytes.to_vec();
    (0..32).for_each(|at| whole[16 + at] = byte(at));
    weights(&whole);
    Corpus::Keep
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
