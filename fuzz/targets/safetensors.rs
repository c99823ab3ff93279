//! Weights as safetensors.
#![no_main]
use libfuzzer_sys::{Corpus, fuzz_target};
fuzz_target!(|bytes: &[u8]| -> Corpus { inkling_fuzz::safetensors(bytes) });
