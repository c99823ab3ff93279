//! Syllables said over and over, as fast and evenly as one can: diadochokinesis (DDK), "pa-ta-ka-pa-ta-ka".
//!
//! Onsets of syllables lie half way up in power to each peak of level; the longest run of them without a break is the train. Rate and
//! regularity are those of its intervals (Fletcher 1972, *Journal of Speech and Hearing Research* 15, 763–770, time by
//! count; Rusz et al. 2011, *Journal of the Acoustical Society of America* 129, 350–367, rate and regularity).
//!
//! A recording is a train only when it sounds like one: nine syllables or more (three times pa-ta-ka), which fill half of
//! the speech, two to eleven a second, and **repeat**: what follows a syllable resembles what followed the one three
//! before. Free speech has neither even intervals nor a repeating level, and gets a reason in place of numbers, because a
//! rate of free speech under this name would be taken for a motor measure.

use std::ops::Range;

use feature::{Definition, Measure, Reach, Row, Unit, mean, standard_deviation};

use crate::{
    activity::{BLOCKS_A_SECOND, total},
    analysis::Analysis,
};

/// Blocks over which level is smoothed: 40 ms, longer than the burst of a stop and shorter than a vowel.
const SMOOTH: usize = 8;
/// How far level falls and rises between syllables, in dB.
const DIP_DB: f64 = 4.0;
/// A syllable is at most this far below the loudest, in dB.
const DEEPEST_DB: f64 = 25.0;
/// Shortest and longest interval of a train, in seconds: 11 and 2 syllables a second.
const SHORTEST_S: f64 = 0.09;
const LONGEST_S: f64 = 0.5;
/// An interval this many times the median of the train breaks it: a breath.
const BREAK: f64 = 2.0;
/// Fewest syllables of a train.
const FEWEST: usize = 9;
/// Share of the time in speech that a train fills at least.
const FILLED: f64 = 0.5;
/// Most standard deviation of intervals over their mean, a choice of the project: above it a train cannot be told from free
/// speech, and its rate would be no motor measure.
const UNEVEN: f64 = 0.35;
/// Least correlation of the course of level with itself three syllables later (the free speech that
/// `tests/reference` runs reached 0.62), and points of a course.
const ALIKE: f64 = 0.75;
const POINTS: usize = 20;

/// A train of syllables: onsets in seconds.
struct Train {
    intervals: Vec<f64>,
}

impl Train {
    /// The train of a recording, or why it holds none.
    fn of(analysis: &Analysis) -> Result<Self, String> {
        let level = smooth(&analysis.recording().contours().levels.db);
        let onsets = onsets(&level);
        let run = longest(&onsets);
        let onsets = &onsets[run];
        if onsets.len() < FEWEST {
            return Err(format!(
                "no train of repeated syllables: {} in a row, expected {FEWEST}",
                onsets.len()
            ));
        }
        let intervals: Vec<f64> = onsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let train = Self { intervals };
        let spoken = total(analysis.speech()).0;
        let filled = train.length() / spoken.max(f64::MIN_POSITIVE);
        if filled < FILLED {
            return Err(format!(
                "no train of repeated syllables: the longest run fills {filled:.2} of the speech, expected {FILLED}"
            ));
        }
        if train.unevenness() > UNEVEN {
            return Err(format!(
                "no train of repeated syllables: intervals vary by {:.2} of their mean, expected at most {UNEVEN}",
                train.unevenness()
            ));
        }
        match alike(&level, onsets) {
            alike if alike < ALIKE => {
                Err(format!("no train of repeated syllables: level repeats to {alike:.2}, expected {ALIKE}"))
            }
            _ => Ok(train),
        }
    }

    /// From the first onset to the last, in seconds.
    fn length(&self) -> f64 {
        self.intervals.iter().sum()
    }

    /// Standard deviation of the intervals over their mean.
    fn unevenness(&self) -> f64 {
        let mean = mean(&self.intervals).unwrap_or(f64::NAN);
        standard_deviation(&self.intervals).unwrap_or(0.0) / mean
    }
}

/// Level in dB as a running mean over [`SMOOTH`] blocks of power, one a block, centred.
fn smooth(db: &[f64]) -> Vec<f64> {
    let powers: Vec<f64> = db.iter().map(|db| 10f64.powf(db / 10.0)).collect();
    let around = |block: usize| {
        let near = &powers[block.saturating_sub(SMOOTH / 2)..(block + SMOOTH / 2 + 1).min(powers.len())];
        10.0 * (near.iter().sum::<f64>() / near.len() as f64).log10()
    };
    (0..powers.len()).map(around).collect()
}

/// Onset of each syllable in seconds: half way up to each peak.
fn onsets(level: &[f64]) -> Vec<f64> {
    let loudest = level.iter().copied().fold(f64::MIN, f64::max);
    rises(level)
        .into_iter()
        .filter(|rise| level[rise.end] >= loudest - DEEPEST_DB)
        .filter_map(|rise| half_way(level, rise))
        .collect()
}

/// From each valley to the peak after it, where both are [`DIP_DB`] apart.
fn rises(level: &[f64]) -> Vec<Range<usize>> {
    let mut rises = Vec::new();
    let (mut valley, mut peak, mut rising) = (0, 0, false);
    for (block, here) in level.iter().enumerate() {
        if rising && *here > level[peak] {
            peak = block;
        } else if rising && *here < level[peak] - DIP_DB {
            rises.push(valley..peak);
            (valley, rising) = (block, false);
        } else if !rising && *here < level[valley] {
            valley = block;
        } else if !rising && *here > level[valley] + DIP_DB {
            (peak, rising) = (block, true);
        }
    }
    if rising {
        rises.push(valley..peak);
    }
    rises
}

/// Where power rises through half of the peak's, to a fraction of a block. (Power and not dB: the burst of a stop is a
/// steep rise in dB, from nothing, to a level that the vowel exceeds tenfold.)
fn half_way(level: &[f64], rise: Range<usize>) -> Option<f64> {
    let power = |block: usize| 10f64.powf(level[block] / 10.0);
    let half = 0.5 * power(rise.end);
    let below = rise.rev().find(|block| power(*block) <= half)?;
    let share = (half - power(below)) / (power(below + 1) - power(below));
    Some((below as f64 + 0.5 + share) / BLOCKS_A_SECOND as f64)
}

/// The longest run of onsets without a break.
fn longest(onsets: &[f64]) -> Range<usize> {
    let mut best = 0..0;
    let mut start = 0;
    for place in 0..onsets.len() {
        let next = onsets.get(place + 1).map_or(f64::MAX, |next| next - onsets[place]);
        let typical = (onsets[place] - onsets[start]) / (place - start).max(1) as f64;
        let long = place - start >= 3 && next > BREAK * typical;
        if !(SHORTEST_S..=LONGEST_S).contains(&next) || long {
            if place + 1 - start > best.len() {
                best = start..place + 1;
            }
            start = place + 1;
        }
    }
    best
}

/// Correlation of the course of level over each syllable with that of the third syllable before.
fn alike(level: &[f64], onsets: &[f64]) -> f64 {
    let loudest = level.iter().copied().fold(f64::MIN, f64::max);
    let courses: Vec<Vec<f64>> =
        onsets.windows(2).map(|pair| course(level, pair[0], pair[1], loudest - DEEPEST_DB)).collect();
    let pairs = courses.iter().zip(courses.iter().skip(3));
    let values: Vec<(f64, f64)> = pairs.flat_map(|(a, b)| a.iter().copied().zip(b.iter().copied())).collect();
    correlation(&values)
}

/// Level at [`POINTS`] places equally far from each other between two times, at least `least`: syllables of other lengths
/// have the same course, and what noise does in a closure does not count.
fn course(level: &[f64], from: f64, to: f64, least: f64) -> Vec<f64> {
    let place = |n: usize| (from + (to - from) * n as f64 / POINTS as f64) * BLOCKS_A_SECOND as f64;
    (0..POINTS).filter_map(|n| level.get(place(n) as usize)).map(|level| level.max(least)).collect()
}

/// Pearson's correlation; 0 where one side does not vary.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len().max(1) as f64;
    let (a, b) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / count, sum.1 + pair.1 / count));
    let (mut cross, mut squares) = (0.0, (0.0, 0.0));
    for (x, y) in pairs {
        cross += (x - a) * (y - b);
        squares = (squares.0 + (x - a).powi(2), squares.1 + (y - b).powi(2));
    }
    let norm = (squares.0 * squares.1).sqrt();
    if norm > 0.0 { cross / norm } else { 0.0 }
}

/// Rate and regularity of repeated syllables.
pub(crate) struct Repetition;

const fn repeated(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    range: (f64, f64),
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        label,
        unit,
        range,
        formula,
        source: "Fletcher 1972, Journal of Speech and Hearing Research 15:763-770; Rusz et al. 2011, Journal of the \
                 Acoustical Society of America 129:350-367",
        missing: "the recording is no train of nine or more repeated syllables",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Repetition {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 4] = [
            repeated(
                "voice.ddk.rate",
                "repeated syllables a second",
                Unit::PerSecond,
                (2.0, 11.0),
                "intervals of the longest train / its length from first to last onset",
            ),
            repeated(
                "voice.ddk.unevenness",
                "unevenness of repeated syllables",
                Unit::One,
                (0.0, 0.35),
                "sample standard deviation of the intervals / their mean",
            ),
            repeated(
                "voice.ddk.slowing",
                "slowing of repeated syllables",
                Unit::One,
                (-1.0, 1.0),
                "mean interval of the second half / mean interval of the first half - 1",
            ),
            repeated(
                "voice.ddk.syllables",
                "syllables in the longest train",
                Unit::Count,
                (9.0, 1000.0),
                "onsets in the longest run without a break",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let train = match Train::of(analysis) {
            Ok(train) => train,
            Err(reason) => return row.missing_rest(reason),
        };
        let (first, second) = train.intervals.split_at(train.intervals.len() / 2);
        let half = |half: &[f64]| mean(half).unwrap_or(f64::NAN);
        row.put("voice.ddk.rate", train.intervals.len() as f64 / train.length());
        row.put("voice.ddk.unevenness", train.unevenness());
        row.put("voice.ddk.slowing", half(second) / half(first) - 1.0);
        row.put("voice.ddk.syllables", train.intervals.len() as f64 + 1.0);
    }
}

#[cfg(test)]
mod tests {
    use crate::{analysis::tests::analysis, measures::set, synth};

    /// Onsets from 0.3 s on, each `interval(n)` after the one before.
    fn onsets_of(count: usize, interval: impl Fn(usize) -> f64) -> Vec<f64> {
        let next = |at: &mut f64, n: usize| {
            let here = *at;
            *at += interval(n);
            Some(here)
        };
        (0..count).scan(0.3, next).collect()
    }

    fn over_noise(mut samples: Vec<f32>, rms: f64) -> Vec<f32> {
        let noise = synth::noise(rms, samples.len() as f64 / 16_000.0, 9);
        samples.iter_mut().zip(noise).for_each(|(sample, noise)| *sample += noise);
        samples
    }

    fn measured(samples: Vec<f32>) -> feature::FeatureVector {
        set().measure(&analysis(samples))
    }

    #[test]
    fn a_known_rate_is_measured_in_silence_and_noise() {
        for rate in [3.0, 4.5, 5.7, 6.5, 7.5] {
            for noise in [0.0001, 0.003] {
                let samples = over_noise(synth::pataka(&onsets_of(30, |_| 1.0 / rate)), noise);
                let values = measured(samples);
                let got = values
                    .number("voice.ddk.rate")
                    .unwrap_or_else(|| panic!("{rate} {noise}: {:?}", values.value("voice.ddk.rate")));
                assert!((got / rate - 1.0).abs() < 0.01, "{rate} {noise}: {got}");
                let uneven = values.number("voice.ddk.unevenness").unwrap();
                assert!(uneven < 0.04, "{rate} {noise}: {uneven}");
                assert_eq!(values.number("voice.ddk.syllables"), Some(30.0));
            }
        }
    }

    #[test]
    fn unevenness_and_slowing_are_those_of_the_making() {
        // Intervals d (1 ± 0.15) in turn: their standard deviation is 0.15 d √(n / (n − 1)), n = 29, the odd one more.
        let uneven = |n: usize| if n.is_multiple_of(2) { 0.23 } else { 0.17 };
        let values = measured(over_noise(synth::pataka(&onsets_of(30, uneven)), 0.0003));
        let got = values.number("voice.ddk.unevenness");
        let got = got.unwrap_or_else(|| panic!("{:?}", values.value("voice.ddk.unevenness")));
        assert!((got - 0.152).abs() < 0.02, "{got}");
        let slowing = |n: usize| if n < 15 { 0.18 } else { 0.216 };
        let values = measured(over_noise(synth::pataka(&onsets_of(31, slowing)), 0.0003));
        let got = values.number("voice.ddk.slowing");
        let got = got.unwrap_or_else(|| panic!("{:?}", values.value("voice.ddk.slowing")));
        assert!((got - 0.2).abs() < 0.02, "{got}");
    }

    #[test]
    fn a_breath_ends_a_train_and_the_longest_counts() {
        let breath = |n: usize| if n == 11 { 0.9 } else { 0.18 };
        let values = measured(over_noise(synth::pataka(&onsets_of(40, breath)), 0.0003));
        assert_eq!(values.number("voice.ddk.syllables"), Some(28.0));
    }

    #[test]
    fn what_is_no_train_says_why() {
        let cases = [
            (synth::vowel(120.0, &synth::A, 0.3, 3.0), "in a row, expected 9"),
            (synth::bursts(&[(0.5, 0.3), (0.7, 0.6), (0.4, 0.4)], 0.001).0, "in a row, expected 9"),
            (synth::pataka(&onsets_of(6, |_| 0.2)), "in a row, expected 9"),
        ];
        for (samples, words) in cases {
            let values = measured(samples);
            let reason = values.value("voice.ddk.rate").and_then(feature::Value::reason).unwrap();
            assert!(reason.as_str().contains(words), "{reason}");
        }
    }
}
