//! Stretches of voice and of none: how many, how long.

use feature::{Definition, Measure, Reach, Row, Unit, mean, standard_deviation};

use crate::{analysis::Analysis, contour::Contour, functional::SOURCE};

/// Lengths in seconds of the voiced stretches, and of the unvoiced ones between them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Runs {
    pub(super) voiced: Vec<f64>,
    pub(super) unvoiced: Vec<f64>,
}

impl Runs {
    pub(super) fn of(f0: &Contour) -> Self {
        let hop = f0.grid().hop.0;
        let voiced: Vec<bool> = f0.iter().map(|(_, hertz)| hertz.is_some()).collect();
        let mut runs = Self::default();
        for run in voiced.chunk_by(|a, b| a == b) {
            let side = if run[0] { &mut runs.voiced } else { &mut runs.unvoiced };
            side.push(run.len() as f64 * hop);
        }
        // What lies before the first voiced frame and after the last is between nothing.
        if voiced.first() == Some(&false) {
            runs.unvoiced.remove(0);
        }
        if voiced.last() == Some(&false) && !runs.voiced.is_empty() {
            runs.unvoiced.pop();
        }
        runs
    }
}

/// Statistics of voiced and unvoiced stretches.
pub(crate) struct Segments;

const fn segment(
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
        source: SOURCE,
        missing: "nothing voiced, or too few stretches for the statistic",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Segments {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 5] = [
            segment(
                "voice.voiced_segment.rate",
                "voiced stretches a second",
                Unit::PerSecond,
                20.0,
                "stretches of voiced frames / time from the first to the last voiced frame",
            ),
            segment(
                "voice.voiced_segment.mean",
                "mean length of voiced stretches",
                Unit::Second,
                60.0,
                "mean length of the stretches of voiced frames",
            ),
            segment(
                "voice.voiced_segment.sd",
                "spread of the length of voiced stretches",
                Unit::Second,
                60.0,
                "sample standard deviation of the same",
            ),
            segment(
                "voice.unvoiced_segment.mean",
                "mean length of unvoiced stretches",
                Unit::Second,
                60.0,
                "mean length of the stretches between voiced ones, pauses included",
            ),
            segment(
                "voice.unvoiced_segment.sd",
                "spread of the length of unvoiced stretches",
                Unit::Second,
                60.0,
                "sample standard deviation of the same",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let Runs { voiced, unvoiced } = Runs::of(analysis.f0());
        if voiced.is_empty() {
            return row.missing_rest("nothing voiced");
        }
        let span: f64 = voiced.iter().chain(&unvoiced).sum();
        let (one, none) = ("only one voiced stretch", "fewer than three voiced stretches");
        row.put("voice.voiced_segment.rate", voiced.len() as f64 / span);
        row.put("voice.voiced_segment.mean", mean(&voiced).ok_or(one));
        row.put("voice.voiced_segment.sd", standard_deviation(&voiced).ok_or(one));
        row.put("voice.unvoiced_segment.mean", mean(&unvoiced).ok_or(one));
        row.put("voice.unvoiced_segment.sd", standard_deviation(&unvoiced).ok_or(none));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contour::Grid;

    fn runs(pattern: &str) -> Runs {
        let value = |c: char| if c == 'v' { 120.0 } else { f32::NAN };
        Runs::of(&Contour::new(Grid::default(), pattern.chars().map(value).collect()))
    }

    #[test]
    fn stretches_are_counted_between_the_first_and_the_last_voice() {
        let Runs { voiced, unvoiced } = runs("..vvv.vv....v...");
        let hundredths = |values: &[f64]| values.iter().map(|it| (it * 100.0).round()).collect::<Vec<_>>();
        assert_eq!(hundredths(&voiced), [3.0, 2.0, 1.0]);
        assert_eq!(hundredths(&unvoiced), [1.0, 4.0]);
    }

    #[test]
    fn no_voice_has_no_stretches() {
        for nothing in ["", ".", "....."] {
            assert_eq!(runs(nothing), Runs::default(), "{nothing}");
        }
        assert_eq!(runs("v").unvoiced, []);
    }
}
