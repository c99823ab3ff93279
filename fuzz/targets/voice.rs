//! Sound files.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inkling_fuzz::sound(bytes));
