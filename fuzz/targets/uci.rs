//! Spirals as UCI keeps them.
#![no_main]
use libfuzzer_sys::{Corpus, fuzz_target};
fuzz_target!(|bytes: &[u8]| -> Corpus {
    inkling_fuzz::drawings_that_begin(bytes, |first| first.split(';').count() == 7)
});
