//! Packed weights, and the Whisper they are.
#![no_main]
use libfuzzer_sys::{Corpus, fuzz_target};
fuzz_target!(|bytes: &[u8]| -> Corpus { inkling_fuzz::packed(bytes) });
