//! Which measures a reader in a hurry sees first. Every other measure follows below, whatever it is.

/// Names in the order of the report.
pub(crate) const KEY: [&str; 15] = [
    "voice.pause.rate",
    "voice.pause.mean",
    "voice.pause.longest",
    "voice.pause.ratio",
    "voice.rate.speech",
    "voice.rate.articulation",
    "voice.f0.median",
    "voice.latency.first_speech",
    "ink.time.total",
    "ink.time.air",
    "ink.time.paper",
    "ink.pen.downs",
    "ink.speed.paper_mean",
    "ink.tremor.peak",
    "ink.pressure.mean",
];

/// Whether a measure is shown first.
pub(crate) fn is_key(name: &str) -> bool {
    KEY.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_measure_is_in_the_dictionary() {
        let dictionary = crate::dictionary();
        for name in KEY {
            assert!(dictionary.iter().any(|(_, definition)| definition.name == name), "{name}");
        }
    }
}
