//! Rhythm of speech: how much neighbouring durations differ.
//!
//! Grabe, E., & Low, E. L. (2002). Durational variability in speech and the rhythm class hypothesis. *Papers in
//! Laboratory Phonology* 7, 515–546. The pairwise variability index compares each duration with the next; normalised by
//! their mean (nPVI) it does not depend on rate, and is used for vowels; raw (rPVI, seconds) it is used for what lies
//! between vowels. As published, nPVI is a hundred times the mean ratio: 0 for a metronome, 40 to 60 for languages.
//!
//! Vowels are not segmented here. What stands for them is stated in each name: stretches of voicing within speech, or the
//! time from one syllable nucleus to the next.

use feature::{Definition, Measure, Reach, Row, Seconds, Unit};

use crate::{activity::Interval, analysis::Analysis, contour::Contour};

/// Fewest pairs that an index is a mean of.
const FEWEST: usize = 5;

/// nPVI of durations in order, pairs within each run only; `None` for fewer than [`FEWEST`] pairs.
fn normalised(runs: &[Vec<f64>]) -> Option<f64> {
    index(runs, |a, b| 100.0 * (a - b).abs() / (0.5 * (a + b)))
}

/// rPVI of durations in order, in their unit.
fn raw(runs: &[Vec<f64>]) -> Option<f64> {
    index(runs, |a, b| (a - b).abs())
}

/// Mean of a difference over all neighbours of each run.
fn index(runs: &[Vec<f64>], difference: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let pairs = runs.iter().flat_map(|run| run.windows(2));
    let all: Vec<f64> = pairs.map(|pair| difference(pair[0], pair[1])).collect();
    (all.len() >= FEWEST).then(|| feature::mean(&all)).flatten()
}

/// Lengths of the voiced stretches of each stretch of speech, and of the voiceless ones between them, in seconds.
fn voiced(f0: &Contour, speech: &[Interval]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    speech.iter().map(|it| runs(f0, it)).unzip()
}

/// The same of one stretch. What is voiceless at its ends has no neighbour on one side and is left out.
fn runs(f0: &Contour, stretch: &Interval) -> (Vec<f64>, Vec<f64>) {
    let (from, to) = (f0.frame_at(stretch.start.0), f0.frame_at(stretch.end.0));
    let voiced: Vec<bool> = (from..to).map(|frame| f0.get(frame).is_some()).collect();
    let lengths =
        |which: bool| move |run: &[bool]| (run[0] == which).then(|| run.len() as f64 * f0.grid().hop.0);
    let Some(first) = voiced.iter().position(|voiced| *voiced) else { return Default::default() };
    let last = voiced.iter().rposition(|voiced| *voiced).unwrap_or(first);
    let of = |which: bool| voiced[first..=last].chunk_by(|a, b| a == b).filter_map(lengths(which)).collect();
    (of(true), of(false))
}

/// Times from one nucleus to the next within each stretch of speech, in seconds.
fn syllables(nuclei: &[Seconds], speech: &[Interval]) -> Vec<Vec<f64>> {
    let within = |it: &Interval| {
        let from = nuclei.partition_point(|time| *time < it.start);
        let to = nuclei.partition_point(|time| *time < it.end);
        nuclei[from..to].windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    };
    speech.iter().map(within).collect()
}

/// Pairwise variability of voicing and syllables.
pub(crate) struct Variability;

const fn pairwise(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    most: f64,
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        label,
        unit,
        range: (0.0, most),
        formula,
        source: "Grabe & Low 2002, Papers in Laboratory Phonology 7:515-546",
        missing: "fewer than five pairs of neighbours without a pause between them",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Variability {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 3] = [
            pairwise(
                "voice.rhythm.npvi",
                "variability of neighbouring voiced stretches",
                Unit::One,
                200.0,
                "100 x mean of |a - b| / ((a + b) / 2) over neighbouring voiced stretches a, b of one stretch of speech",
            ),
            pairwise(
                "voice.rhythm.npvi_syllable",
                "variability of neighbouring syllables",
                Unit::One,
                200.0,
                "100 x mean of |a - b| / ((a + b) / 2) over neighbouring times a, b from nucleus to nucleus without a pause",
            ),
            pairwise(
                "voice.rhythm.rpvi_voiceless",
                "variability of neighbouring voiceless stretches",
                Unit::Second,
                1.0,
                "mean of |a - b| over neighbouring voiceless stretches a, b between voiced ones of one stretch of speech",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let (voiced, voiceless) = voiced(analysis.f0(), analysis.speech());
        let syllables = syllables(analysis.syllables(), analysis.speech());
        let few = "fewer than five pairs of neighbours without a pause between them";
        row.put("voice.rhythm.npvi", normalised(&voiced).ok_or(few));
        row.put("voice.rhythm.npvi_syllable", normalised(&syllables).ok_or(few));
        row.put("voice.rhythm.rpvi_voiceless", raw(&voiceless).ok_or(few));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::tests::analysis, contour::Grid, measures::set, synth};

    #[test]
    fn the_indices_follow_their_formulas() {
        // |0.1 − 0.3| / 0.2 = 1 for each of five pairs.
        let alternating = vec![vec![0.1, 0.3, 0.1, 0.3, 0.1, 0.3]];
        assert!((normalised(&alternating).unwrap() - 100.0).abs() < 1e-9);
        assert!((raw(&alternating).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(normalised(&[vec![0.2; 6]]), Some(0.0));
    }

    #[test]
    fn neighbours_on_two_sides_of_a_pause_are_no_pair() {
        let apart = vec![vec![0.1; 3], vec![0.9; 4]];
        assert_eq!(raw(&apart), Some(0.0));
        assert_eq!(raw(&[vec![0.1; 3], vec![0.9; 3]]), None);
    }

    #[test]
    fn voiced_and_voiceless_stretches_are_measured_between_voices() {
        let mut values = vec![f32::NAN; 40];
        for voiced in [5..10, 12..20, 23..25] {
            values[voiced].fill(120.0);
        }
        let f0 = Contour::new(Grid::default(), values);
        let (voiced, voiceless) = voiced(&f0, &[Interval::new(0.0, 0.4)]);
        let near = |got: &[f64], want: &[f64]| {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-9)
        };
        assert!(near(&voiced[0], &[0.05, 0.08, 0.02]) && near(&voiceless[0], &[0.02, 0.03]), "{voiced:?}");
    }

    #[test]
    fn syllables_of_known_length_have_their_index() {
        // Nuclei lie in the middle of vowels of 0.2 s that follow each other after 0.30 and 0.20 s in turn.
        let pairs: Vec<(f64, f64)> = (0..24).map(|n| (0.15, if n % 2 == 0 { 0.12 } else { 0.06 })).collect();
        let values = set().measure(&analysis(synth::bursts(&pairs, 0.0003).0));
        let want = 100.0 * 0.06 / (0.5 * (0.27 + 0.21));
        let got = values.number("voice.rhythm.npvi_syllable").unwrap();
        assert!((got - want).abs() < 6.0, "{got} {want}");
    }
}
