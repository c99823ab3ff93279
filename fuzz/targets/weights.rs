//! Weights of every kind: safetensors, GGUF, CTranslate2, packed.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|bytes: &[u8]| inkling_fuzz::weights(bytes));
