//! The list of all measures, and the set they form.

use feature::{FeatureSet, Measure};

use crate::{
    analysis::Analysis,
    cepstrum::CepstralPeak,
    formant::Resonances,
    functional::{Colours, LoudnessCourse, Melody, Segments, SourceTilt},
    harmonicity::Harmonicity,
    intensity::Loudness,
    perturbation::{ExactPerturbation, Jitter, Shimmer},
    pitch::Pitch,
    recording::Duration,
    repetition::Repetition,
    rhythm::{PauseDistribution, Pauses, Rates},
    speaker::SecondVoice,
    stability::{Stability, Tremor},
    variability::Variability,
};

/// Every measure of voice, in the order of the dictionary. A measure that is not here does not exist.
pub static MEASURES: &[&dyn Measure<Analysis>] = &[
    &Duration,
    &Pitch,
    &Loudness,
    &Pauses,
    &PauseDistribution,
    &Rates,
    &SecondVoice,
    &Variability,
    &Repetition,
    &Jitter,
    &Shimmer,
    &ExactPerturbation,
    &Harmonicity,
    &Stability,
    &Tremor,
    &CepstralPeak,
    &Resonances,
    &Melody,
    &LoudnessCourse,
    &Colours,
    &SourceTilt,
    &Segments,
];

/// The set `voice@1`.
pub fn set() -> FeatureSet<Analysis> {
    FeatureSet::new("voice", 1, MEASURES)
}

#[cfg(test)]
mod tests {
    use feature::breaches;

    use super::*;
    use crate::{analysis::tests::analysis, synth};

    fn analyses() -> Vec<Analysis> {
        let bursts =
            synth::bursts(&[(0.5, 0.3), (0.7, 0.2), (0.4, 1.2), (0.6, 0.5), (0.9, 0.4), (0.4, 0.3)], 0.001);
        vec![
            analysis(bursts.0),
            analysis(synth::vowel(120.0, &synth::A, 0.3, 1.0)),
            analysis(synth::tone(440.0, 0.1, 0.35)),
            analysis(synth::noise(0.05, 2.0, 1)),
            analysis([synth::silence(2.0), synth::tone(90.0, 0.01, 0.05)].concat()),
        ]
    }

    #[test]
    fn every_measure_keeps_the_contract() {
        assert_eq!(breaches(&set(), &analyses()), [""; 0]);
    }

    #[test]
    fn the_same_sound_gives_the_same_bits() {
        for (first, second) in analyses().iter().zip(&analyses()) {
            assert_eq!(set().measure(first), set().measure(second));
            assert_eq!(first.f0(), second.f0());
            assert_eq!(first.intensity(), second.intensity());
        }
    }

    #[test]
    fn noise_alone_has_neither_pitch_nor_pauses_but_says_why() {
        let values = set().measure(&analysis(synth::noise(0.05, 2.0, 1)));
        let reason = |name: &str| values.value(name).and_then(feature::Value::reason).map(|it| it.as_str());
        assert_eq!(reason("voice.pause.count"), Some("no speech was found"));
        assert_eq!(reason("voice.rate.speech"), Some("no speech was found"));
        assert!(values.number("voice.level.dbfs").is_some());
    }

    #[test]
    fn a_louder_recording_has_the_same_pitch_and_times() {
        let (quiet, _) = synth::bursts(&[(0.5, 0.3), (0.7, 0.6), (0.4, 0.4)], 0.0003);
        let loud = quiet.iter().map(|sample| sample * 2.0).collect();
        let (quiet, loud) = (set().measure(&analysis(quiet)), set().measure(&analysis(loud)));
        for (quiet, loud) in quiet.features().iter().zip(loud.features()) {
            let name = quiet.definition.name;
            // These grow with the sound in proportion or to a power: `functional` tests their law.
            if name.starts_with("voice.loudness") || name.starts_with("voice.flux") {
                continue;
            }
            let gain = if name.starts_with("voice.intensity") || name.starts_with("voice.level") {
                6.0206
            } else {
                0.0
            };
            match (quiet.value.measured(), loud.value.measured()) {
                (Some(quiet), Some(loud)) => {
                    assert!((loud - quiet - gain).abs() < 2e-3, "{name}: {quiet} {loud}")
                }
                (quiet, loud) => assert_eq!(quiet, loud, "{name}"),
            }
        }
    }

    #[test]
    fn the_names_others_rely_on_exist() {
        let names: Vec<&str> = set().definitions().map(|it| it.name).collect();
        for name in [
            "voice.duration",
            "voice.f0.mean",
            "voice.f0.median",
            "voice.f0.sd",
            "voice.f0.min",
            "voice.f0.max",
            "voice.f0.voiced_fraction",
            "voice.intensity.energy_mean",
            "voice.level.dbfs",
            "voice.pause.count",
            "voice.pause.rate",
            "voice.pause.mean",
            "voice.pause.sd",
            "voice.pause.median",
            "voice.pause.longest",
            "voice.pause.ratio",
            "voice.pause_500ms.count",
            "voice.pause.lognormal_mu",
            "voice.pause.lognormal_sigma",
            "voice.rate.speech",
            "voice.rate.articulation",
            "voice.phonation.ratio",
            "voice.latency.first_speech",
            "voice.jitter.local",
            "voice.jitter.local_absolute",
            "voice.jitter.rap",
            "voice.jitter.ppq5",
            "voice.jitter.ddp",
            "voice.jitter.exact",
            "voice.shimmer.local",
            "voice.shimmer.local_db",
            "voice.shimmer.apq3",
            "voice.shimmer.apq5",
            "voice.shimmer.apq11",
            "voice.shimmer.dda",
            "voice.shimmer.exact_db",
            "voice.hnr.mean",
        ] {
            assert!(names.contains(&name), "{name}");
        }
    }
}
