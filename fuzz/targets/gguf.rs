//! Weights as GGUF, and the language network they are.
#![no_main]
use libfuzzer_sys::{Corpus, fuzz_target};
fuzz_target!(|bytes: &[u8]| -> Corpus { inkling_fuzz::weights_that_begin(bytes, b"GGUF") });
