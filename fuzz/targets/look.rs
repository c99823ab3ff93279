//! Any bytes as ink: which format they are, and whatever follows.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inkling_fuzz::drawings(bytes));
