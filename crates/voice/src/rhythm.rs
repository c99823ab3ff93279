//! Speech in time: pauses, syllables, rates. The strongest evidence of dementia in speech lies here.
//!
//! A pause is a silence after speech has begun, at least as long as a threshold. Five thresholds are measured because the
//! literature uses them all: 0.15 s keeps out the closures of stops, 0.25 s is the convention of psycholinguistics, 0.5
//! to 2 s are the word-finding pauses that screening studies count. `voice.pause.*` is 0.25 s; the others carry theirs in
//! the name.
//!
//! Time is counted from the first speech on wherever a rate is meant (`pause.rate`, `rate.speech`), so that a late start,
//! which is a measure of its own, does not slow the speaker down; ratios (`pause.ratio`, `phonation.ratio`) are of the
//! whole recording, as their definitions say.

mod lognormal;
mod syllable;

use feature::{Definition, Measure, Reach, Row, Seconds, Unit, mean, median, standard_deviation};

use crate::{
    activity::{Interval, joined, total},
    analysis::Analysis,
    rhythm::lognormal::LogNormal,
};

pub(crate) use self::syllable::nuclei;

const NO_SPEECH: &str = "no speech was found";
/// Fewest pauses that a distribution is fitted to.
const FEWEST: usize = 5;
/// Shortest pause of the measures that carry no threshold in their name, in seconds (Goldman-Eisler 1968).
const THRESHOLD_S: f64 = 0.25;

/// The pause measures of one threshold. Their names and labels are made from it, so that no pair can disagree.
struct Family {
    shortest_s: f64,
    /// count, rate, mean, sd, median, longest, ratio.
    definitions: [Definition; 7],
}

const fn pause(
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
        source: "Goldman-Eisler 1968, Psycholinguistics; Pastoriza-Dominguez et al. 2022, Speech Communication 136:107-117; \
                 spec voice, section Measures",
        missing: "no speech was found, or too few pauses for the statistic",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

macro_rules! family {
    ($stem:literal, $seconds:literal) => {
        Family {
            shortest_s: $seconds,
            definitions: [
                pause(
                    concat!($stem, ".count"),
                    concat!("pauses of ", $seconds, " s or more"),
                    Unit::Count,
                    2e4,
                    "number of silences of at least the threshold after speech has begun, the last included",
                ),
                pause(
                    concat!($stem, ".rate"),
                    concat!("pauses of ", $seconds, " s or more a minute"),
                    Unit::PerMinute,
                    200.0,
                    "pauses / minutes from the first speech to the end",
                ),
                pause(
                    concat!($stem, ".mean"),
                    concat!("mean pause of ", $seconds, " s or more"),
                    Unit::Second,
                    600.0,
                    "mean length of the pauses",
                ),
                pause(
                    concat!($stem, ".sd"),
                    concat!("spread of pauses of ", $seconds, " s or more"),
                    Unit::Second,
                    600.0,
                    "sample standard deviation of the lengths of the pauses",
                ),
                pause(
                    concat!($stem, ".median"),
                    concat!("median pause of ", $seconds, " s or more"),
                    Unit::Second,
                    600.0,
                    "median length of the pauses",
                ),
                pause(
                    concat!($stem, ".longest"),
                    concat!("longest pause of ", $seconds, " s or more"),
                    Unit::Second,
                    7200.0,
                    "greatest length of the pauses",
                ),
                pause(
                    concat!($stem, ".ratio"),
                    concat!("share of time in pauses of ", $seconds, " s or more"),
                    Unit::One,
                    1.0,
                    "summed length of the pauses / duration of the recording",
                ),
            ],
        }
    };
}

const FAMILIES: [Family; 5] = [
    family!("voice.pause", 0.25),
    family!("voice.pause_150ms", 0.15),
    family!("voice.pause_500ms", 0.5),
    family!("voice.pause_1000ms", 1.0),
    family!("voice.pause_2000ms", 2.0),
];

/// Every family's definitions in one row.
static PAUSES: [Definition; 35] = {
    let mut all = [FAMILIES[0].definitions[0]; 35];
    let mut place = 0;
    while place < all.len() {
        all[place] = FAMILIES[place / 7].definitions[place % 7];
        place += 1;
    }
    all
};

/// Pauses at five thresholds.
pub(crate) struct Pauses;

impl Measure<Analysis> for Pauses {
    fn definitions(&self) -> &'static [Definition] {
        &PAUSES
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let Some(first) = analysis.speech().first() else {
            return row.missing_rest(NO_SPEECH);
        };
        let duration = analysis.duration().0;
        for Family { shortest_s, definitions } in &FAMILIES {
            let lengths = lengths(analysis.pauses(), *shortest_s);
            let minutes = (duration - first.start.0) / 60.0;
            let none = || format!("no pause of {shortest_s} s or more");
            let total = lengths.iter().fold(0.0, |total, length| total + length);
            let longest = lengths.iter().copied().reduce(f64::max);
            let spread = || format!("fewer than two pauses of {shortest_s} s or more");
            row.put(definitions[0].name, lengths.len() as f64);
            row.put(definitions[1].name, lengths.len() as f64 / minutes);
            row.put(definitions[2].name, mean(&lengths).ok_or_else(none));
            row.put(definitions[3].name, standard_deviation(&lengths).ok_or_else(spread));
            row.put(definitions[4].name, median(&lengths).ok_or_else(none));
            row.put(definitions[5].name, longest.ok_or_else(none));
            row.put(definitions[6].name, total / duration);
        }
    }
}

/// Lengths in seconds of the pauses that are long enough. Edges are known to 5 ms, so a pause counts when it is within
/// rounding of the threshold.
fn lengths(pauses: &[Interval], shortest_s: f64) -> Vec<f64> {
    pauses.iter().map(|pause| pause.length().0).filter(|length| *length >= shortest_s - 1e-9).collect()
}

/// The distribution of pause lengths.
pub(crate) struct PauseDistribution;

const fn distribution(name: &'static str, label: &'static str, unit: Unit, range: (f64, f64)) -> Definition {
    Definition {
        name,
        label,
        unit,
        range,
        formula: "maximum likelihood of a log-normal distribution truncated below 0.25 s, fitted to pauses of at least 0.25 s",
        source: "Pastoriza-Dominguez et al. 2022, Speech Communication 136:107-117; moments of the truncated normal: \
                 Cohen 1950, Annals of Mathematical Statistics 21:557-569",
        missing: "fewer than five pauses of 0.25 s or more, or the likelihood has no greatest value",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for PauseDistribution {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 2] = [
            distribution(
                "voice.pause.lognormal_mu",
                "typical log length of pauses",
                Unit::LogSecond,
                (-6.0, 4.0),
            ),
            distribution(
                "voice.pause.lognormal_sigma",
                "spread of log length of pauses",
                Unit::One,
                (0.0, 5.0),
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let lengths = lengths(analysis.pauses(), THRESHOLD_S);
        if lengths.len() < FEWEST {
            return row
                .missing_rest(format!("{} pauses of 0.25 s or more, expected {FEWEST}", lengths.len()));
        }
        match LogNormal::fit(&lengths, THRESHOLD_S) {
            Some(LogNormal { mu, sigma }) => {
                row.put("voice.pause.lognormal_mu", mu);
                row.put("voice.pause.lognormal_sigma", sigma);
            }
            None => row.missing_rest("the likelihood of a truncated log-normal has no greatest value"),
        }
    }
}

/// Rates of syllables, share of speech, runs between pauses, and how long the answer took to begin.
pub(crate) struct Rates;

const fn timing(
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
        source: "de Jong & Wempe 2009, Behavior Research Methods 41:385-390; spec voice, section Measures",
        missing: "no speech was found",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Rates {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 6] = [
            timing(
                "voice.rate.speech",
                "syllables a second, pauses included",
                Unit::SyllablesPerSecond,
                12.0,
                "syllable nuclei / time from the first to the last speech",
            ),
            timing(
                "voice.rate.articulation",
                "syllables a second of speech",
                Unit::SyllablesPerSecond,
                12.0,
                "syllable nuclei / time in speech, silences below 0.15 s counted as speech",
            ),
            timing(
                "voice.phonation.ratio",
                "share of time in speech",
                Unit::One,
                1.0,
                "time in speech, silences below 0.15 s counted as speech / duration of the recording",
            ),
            timing(
                "voice.run.syllables_mean",
                "syllables between pauses",
                Unit::Count,
                1000.0,
                "syllable nuclei / stretches of speech between pauses of at least 0.25 s",
            ),
            timing(
                "voice.run.length_mean",
                "length of speech between pauses",
                Unit::Second,
                600.0,
                "mean length of the stretches of speech between pauses of at least 0.25 s",
            ),
            timing(
                "voice.latency.first_speech",
                "time until the first speech",
                Unit::Second,
                600.0,
                "start of the first speech, from the start of the recording",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let (Some(first), Some(last)) = (analysis.speech().first(), analysis.speech().last()) else {
            return row.missing_rest(NO_SPEECH);
        };
        let spoken = total(analysis.speech()).0;
        let runs = joined(analysis.speech().iter().copied(), THRESHOLD_S);
        let run_lengths: Vec<f64> = runs.iter().map(|it| it.length().0).collect();
        let syllables = analysis.syllables().len() as f64;
        row.put("voice.rate.speech", syllables / (last.end.0 - first.start.0));
        row.put("voice.rate.articulation", syllables / spoken);
        row.put("voice.phonation.ratio", spoken / analysis.duration().0);
        row.put("voice.run.syllables_mean", syllables / runs.len() as f64);
        row.put("voice.run.length_mean", mean(&run_lengths).ok_or(NO_SPEECH));
        row.put("voice.latency.first_speech", first.start.0);
    }
}

/// Whether a time lies in one of the intervals, which are in order.
pub(crate) fn within(intervals: &[Interval], time: Seconds) -> bool {
    let after = intervals.partition_point(|it| it.start <= time);
    after > 0 && intervals[after - 1].contains(time)
}

#[cfg(test)]
mod tests {
    use feature::Value;

    use super::*;
    use crate::{analysis::tests::analysis, measures::set, synth};

    #[test]
    fn planted_pauses_give_their_statistics() {
        let (samples, _) = synth::bursts(&[(1.0, 0.3), (1.0, 0.2), (1.0, 0.7), (1.0, 2.0)], 0.0005);
        let values = set().measure(&analysis(samples));
        let number = |name: &str| values.number(name).unwrap();
        assert_eq!(number("voice.pause.count"), 3.0);
        assert_eq!(number("voice.pause_150ms.count"), 4.0);
        assert_eq!(number("voice.pause_1000ms.count"), 1.0);
        assert!((number("voice.pause.mean") - 1.0).abs() < 0.02);
        assert!((number("voice.pause.median") - 0.7).abs() < 0.02);
        assert!((number("voice.pause.longest") - 2.0).abs() < 0.02);
        assert!((number("voice.pause.ratio") - 3.0 / 7.2).abs() < 0.01);
        assert!((number("voice.pause.rate") - 3.0 / 7.2 * 60.0).abs() < 0.1);
        assert!((number("voice.phonation.ratio") - 4.0 / 7.2).abs() < 0.01);
        assert!((number("voice.run.length_mean") - 4.2 / 3.0).abs() < 0.02);
    }

    #[test]
    fn syllables_are_counted_and_timed() {
        let syllable = (0.2, 0.05);
        let (samples, _) = synth::bursts(&[syllable; 20], 0.0003);
        let values = set().measure(&analysis(samples));
        assert!((values.number("voice.rate.articulation").unwrap() - 4.0).abs() < 0.3);
        assert_eq!(values.number("voice.run.syllables_mean"), Some(20.0));
    }

    #[test]
    fn silence_before_the_answer_is_latency_and_no_pause() {
        let (speech, _) = synth::bursts(&[(1.0, 0.4), (1.0, 0.4)], 0.0);
        let late = [synth::silence(1.5), speech.clone()].concat();
        let (early, late) = (set().measure(&analysis(speech)), set().measure(&analysis(late)));
        let change = |name: &str| late.number(name).unwrap() - early.number(name).unwrap();
        assert!((change("voice.latency.first_speech") - 1.5).abs() < 0.011);
        for same in ["voice.pause.count", "voice.pause.mean", "voice.rate.speech", "voice.pause.rate"] {
            assert!(change(same).abs() < 0.02, "{same} {}", change(same));
        }
    }

    #[test]
    fn what_needs_more_pauses_than_there_are_is_missing_with_its_reason() {
        let (samples, _) = synth::bursts(&[(1.0, 0.4), (1.0, 0.1)], 0.0);
        let values = set().measure(&analysis(samples));
        let reason = |name: &str| values.value(name).and_then(Value::reason).map(|it| it.to_string());
        assert_eq!(reason("voice.pause.sd").unwrap(), "fewer than two pauses of 0.25 s or more");
        assert_eq!(reason("voice.pause_1000ms.mean").unwrap(), "no pause of 1 s or more");
        assert!(reason("voice.pause.lognormal_mu").unwrap().contains("expected 5"));
        assert_eq!(values.number("voice.pause_1000ms.count"), Some(0.0));
    }

    #[test]
    fn a_time_is_found_in_its_interval() {
        let intervals = [Interval::new(0.0, 1.0), Interval::new(2.0, 3.0)];
        let found = [0.0, 0.5, 1.0, 1.5, 2.5, 3.5].map(|time| within(&intervals, Seconds(time)));
        assert_eq!(found, [true, true, false, false, true, false]);
    }
}
