//! Any bytes as ink: refused, or drawings that are refused or not, each by itself.
#![no_main]

use ink::{Options, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = decode(bytes, &Options::default()) {
        assert!(!found.is_empty());
    }
});
