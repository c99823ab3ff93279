//! Ink JSON, and lines of Quick, Draw! and UNIPEN.
#![no_main]
use libfuzzer_sys::{Corpus, fuzz_target};
fuzz_target!(|bytes: &[u8]| -> Corpus { inkling_fuzz::drawings_that_begin(bytes, |first| first.starts_with('{')) });
