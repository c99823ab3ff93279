//! All of the measuring in its order, one step after the other: what the benchmark times.

use std::slice;

use feature::{Declined, FeatureSet, Usable};

use crate::{analysis::Analysis, measures::MEASURES, recording::Recording};

/// Computes every contour and every measure of a recording anew and calls `done` after each with its name: contours in words,
/// a measure by its first feature. Nothing that was computed before is used, and nothing is kept.
///
/// # Errors
/// The findings of a recording that cannot be measured.
pub fn steps(recording: &Recording, done: &mut dyn FnMut(&'static str)) -> Result<(), Declined> {
    let recording = recording.afresh();
    recording.contours_told(done);
    let usable = Usable::new(recording)?;
    done("other findings");
    let analysis = Analysis::new(&usable);
    done("level");
    analysis.timbre_told(done);
    analysis.marks();
    done("period marks");
    analysis.perturbation();
    done("periods matched");
    analysis.hnr();
    done("HNR");
    for measure in MEASURES {
        FeatureSet::new("voice", 1, slice::from_ref(measure)).measure(&analysis);
        done(measure.definitions()[0].name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn every_step_is_told_once_and_the_measures_come_last() {
        let recording = Recording::from_samples(synth::bursts(&[(0.5, 0.3), (0.7, 0.6)], 0.001).0);
        let mut told = Vec::new();
        steps(&recording, &mut |step| told.push(step)).unwrap();
        let measures: Vec<&str> = MEASURES.iter().map(|it| it.definitions()[0].name).collect();
        assert_eq!(told.split_off(told.len() - measures.len()), measures);
        assert_eq!(told[0], "F0, voicing");
        assert!(["HNR", "CPPS", "formants", "period marks"].iter().all(|it| told.contains(it)));
    }

    #[test]
    fn what_cannot_be_measured_is_declined() {
        assert!(steps(&Recording::from_samples(synth::silence(1.0)), &mut |_| {}).is_err());
    }
}
