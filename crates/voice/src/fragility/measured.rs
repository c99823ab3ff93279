//! Written by `make robustness`; see `docs/voice.md`.

use feature::Condition;

/// Feature and the conditions under which it is unstable, in the order of the set.
pub(super) const MEASURED: &[(&str, &[Condition])] = &[];
