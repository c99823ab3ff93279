//! Samples: no sound may break a measure.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inkling_fuzz::samples(bytes));
