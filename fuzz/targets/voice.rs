//! Any bytes as a sound file: refused, or finite samples no longer than allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voice::{Limits, RATE, decode};

fuzz_target!(|bytes: &[u8]| {
    // Files of a fuzzer are small; one that decodes to more than two hours is refused all the same.
    let limits = Limits { max_bytes: 1 << 20, ..Limits::default() };
    if let Ok(recording) = decode(bytes.to_vec(), &limits) {
        assert!(recording.samples().iter().all(|sample| sample.abs() <= 1.0));
        assert!(recording.samples().len() as f64 <= (limits.max_recording.0 + 1.0) * f64::from(RATE));
    }
});
