//! Perturbation: how much the voice differs from one period to the next, in length (jitter) and amplitude (shimmer).
//!
//! The standard names follow the published definitions of the reference program (Boersma & Weenink, *Praat: doing
//! phonetics by computer*, manual pages "Voice 2. Jitter" and "Voice 3. Shimmer"), so that studies compare: periods of
//! 0.1 to 20 ms count; neighbours that differ by a factor above 1.3 in length or 1.6 in amplitude are not compared.
//! With periods T, marks where the waveform is most like the period before (`period`), and ⟨ ⟩ the mean over all runs:
//! - local: ⟨|T[i+1] − T[i]|⟩ / ⟨T⟩; local absolute: the same without the division;
//! - rap, ppq5: ⟨|T[i] − mean of the 3 or 5 around i|⟩ / ⟨T⟩; ddp = 3 rap;
//! - shimmer local, apq3, apq5, apq11, dda: the same of amplitudes; local dB: ⟨|20 log10(A[i+1] / A[i])|⟩.
//!
//! Beside them stand `jitter.exact` and `shimmer.exact_db` (`exact`), which on ten synthetic vowels differ from
//! what was planted by half of what the reference's numbers do, and agree with nobody's. On 36 vowels that their constants
//! were not set on, jitter is nearer truth than the standard name on 29 and at most 30 % off, shimmer on 19 and at most
//! 0.35 dB (`tests/reference/perturbation.rs`).
//!
//! All are ratios, never per cent. In speech, as opposed to a sustained vowel, they are also raised by intonation and by
//! the sounds themselves: compare like with like.

mod amplitude;
mod cycle;
mod exact;

use feature::{Definition, Measure, Reach, Row, Unit};

use self::{amplitude::amplitudes, cycle::Cycles, exact::Exact};
use crate::{analysis::Analysis, recording::RATE};

/// Shortest and longest period that counts, in seconds.
const PERIOD_S: (f64, f64) = (0.0001, 0.02);
/// Most that the lengths of neighbouring periods may differ, as a factor.
const LENGTH_FACTOR: f64 = 1.3;
/// Most that the amplitudes of neighbouring periods may differ, as a factor.
const AMPLITUDE_FACTOR: f64 = 1.6;
const NOTHING_VOICED: &str = "nothing voiced";
const TOO_FEW: &str = "too few consecutive periods";

/// Lengths in samples of the periods between `marks`, `[marks − 1]`; NaN where one is too short or too long to be one.
fn periods(marks: &[f64]) -> Vec<f64> {
    let counts = PERIOD_S.0 * f64::from(RATE)..=PERIOD_S.1 * f64::from(RATE);
    let lengths = marks.windows(2).map(|pair| pair[1] - pair[0]);
    lengths.map(|length| if counts.contains(&length) { length } else { f64::NAN }).collect()
}

/// Lengths and amplitudes of all periods, and what matching them below one sample gave.
#[derive(Debug, Clone)]
pub(crate) struct Perturbation {
    /// Places of the marks in samples; NaN before every stretch.
    places: Vec<f64>,
    lengths: Cycles,
    amplitudes: Cycles,
    exact: Exact,
    voiced: bool,
}

impl Perturbation {
    /// Of no sound.
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            lengths: Cycles::new(LENGTH_FACTOR),
            amplitudes: Cycles::new(AMPLITUDE_FACTOR),
            exact: Exact::default(),
            voiced: false,
        }
    }

    /// Adds a stretch of 16 kHz `samples`, which begins at sample `start` of the sound, with its period marks. Its first
    /// period is no neighbour of the last one before.
    pub(crate) fn add(&mut self, samples: &[f32], start: usize, marks: &[f64]) {
        self.places.push(f64::NAN);
        self.places.extend(marks.iter().map(|mark| mark + start as f64));
        let periods = periods(marks);
        self.voiced |= !marks.is_empty();
        self.amplitudes.add(&amplitudes(samples, marks, &periods, LENGTH_FACTOR));
        self.exact.add(samples, marks, &periods);
        self.lengths.add(&periods);
        self.lengths.pad(self.places.len());
    }

    /// The same without the marks at moments (in seconds) that are not `voiced`, as far as periods stand alone: those matched
    /// below one sample were matched in groups.
    pub(crate) fn only(&self, voiced: impl Fn(f64) -> bool) -> Self {
        let mut only = self.clone();
        let unvoiced = self.places.iter().enumerate().filter(|(_, place)| !voiced(**place / f64::from(RATE)));
        for (mark, _) in unvoiced {
            only.amplitudes.drop(mark);
            only.lengths.drop(mark);
            only.lengths.drop(mark.saturating_sub(1));
        }
        only
    }
}

/// Differences in length of neighbouring periods.
pub(crate) struct Jitter;

const fn jitter(
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
        source: "Boersma & Weenink, Praat manual, page Voice 2. Jitter; Davis 1979, Speech and Language 1:271-335",
        missing: "nothing voiced, or too few consecutive periods",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Jitter {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 5] = [
            jitter(
                "voice.jitter.local",
                "jitter",
                Unit::One,
                0.1,
                "mean absolute difference of consecutive periods / mean period",
            ),
            jitter(
                "voice.jitter.local_absolute",
                "jitter in time",
                Unit::Second,
                0.001,
                "mean absolute difference of consecutive periods",
            ),
            jitter(
                "voice.jitter.rap",
                "jitter over three periods",
                Unit::One,
                0.1,
                "mean absolute difference of a period from the mean of it and its two neighbours / mean period",
            ),
            jitter(
                "voice.jitter.ppq5",
                "jitter over five periods",
                Unit::One,
                0.1,
                "mean absolute difference of a period from the mean of the five around it / mean period",
            ),
            jitter(
                "voice.jitter.ddp",
                "jitter of differences",
                Unit::One,
                0.3,
                "mean absolute difference of consecutive differences of consecutive periods / mean period = 3 rap",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let Perturbation { lengths: cycles, voiced, .. } = analysis.perturbation();
        if !voiced {
            return row.missing_rest(NOTHING_VOICED);
        }
        let absolute = cycles.difference().map(|samples| samples / f64::from(RATE));
        let rap = cycles.quotient(3);
        row.put("voice.jitter.local", cycles.local().ok_or(TOO_FEW));
        row.put("voice.jitter.local_absolute", absolute.ok_or(TOO_FEW));
        row.put("voice.jitter.rap", rap.ok_or(TOO_FEW));
        row.put("voice.jitter.ppq5", cycles.quotient(5).ok_or(TOO_FEW));
        row.put("voice.jitter.ddp", rap.map(|rap| 3.0 * rap).ok_or(TOO_FEW));
    }
}

/// Differences in amplitude of neighbouring periods.
pub(crate) struct Shimmer;

const fn shimmer(
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
        source: "Boersma & Weenink, Praat manual, page Voice 3. Shimmer; spec voice, section Acceptance",
        missing: "nothing voiced, or too few consecutive periods",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for Shimmer {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 6] = [
            shimmer(
                "voice.shimmer.local",
                "shimmer",
                Unit::One,
                0.5,
                "mean absolute difference of the amplitudes of consecutive periods / mean amplitude",
            ),
            shimmer(
                "voice.shimmer.local_db",
                "shimmer in dB",
                Unit::Decibel,
                4.0,
                "mean absolute 20 log10 of the ratio of the amplitudes of consecutive periods",
            ),
            shimmer(
                "voice.shimmer.apq3",
                "shimmer over three periods",
                Unit::One,
                0.5,
                "mean absolute difference of an amplitude from the mean of it and its two neighbours / mean amplitude",
            ),
            shimmer(
                "voice.shimmer.apq5",
                "shimmer over five periods",
                Unit::One,
                0.5,
                "mean absolute difference of an amplitude from the mean of the five around it / mean amplitude",
            ),
            shimmer(
                "voice.shimmer.apq11",
                "shimmer over eleven periods",
                Unit::One,
                0.5,
                "mean absolute difference of an amplitude from the mean of the eleven around it / mean amplitude",
            ),
            shimmer(
                "voice.shimmer.dda",
                "shimmer of differences",
                Unit::One,
                1.5,
                "mean absolute difference of consecutive differences of amplitudes / mean amplitude = 3 apq3",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let Perturbation { amplitudes: cycles, voiced, .. } = analysis.perturbation();
        if !voiced {
            return row.missing_rest(NOTHING_VOICED);
        }
        let apq3 = cycles.quotient(3);
        row.put("voice.shimmer.local", cycles.local().ok_or(TOO_FEW));
        row.put("voice.shimmer.local_db", cycles.difference_db().ok_or(TOO_FEW));
        row.put("voice.shimmer.apq3", apq3.ok_or(TOO_FEW));
        row.put("voice.shimmer.apq5", cycles.quotient(5).ok_or(TOO_FEW));
        row.put("voice.shimmer.apq11", cycles.quotient(11).ok_or(TOO_FEW));
        row.put("voice.shimmer.dda", apq3.map(|apq3| 3.0 * apq3).ok_or(TOO_FEW));
    }
}

/// Jitter and shimmer by matching periods below one sample.
pub(crate) struct ExactPerturbation;

const fn exact(
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
        source: "spec voice, section Acceptance; linear prediction: Markel & Gray 1976, Linear Prediction of Speech",
        missing: "nothing voiced, or fewer than five consecutive periods",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

impl Measure<Analysis> for ExactPerturbation {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 2] = [
            exact(
                "voice.jitter.exact",
                "jitter, exact",
                Unit::One,
                0.1,
                "mean absolute difference of consecutive periods / mean period, periods matched below one sample after \
                 linear prediction",
            ),
            exact(
                "voice.shimmer.exact_db",
                "shimmer in dB, exact",
                Unit::Decibel,
                4.0,
                "mean absolute 20 log10 of the ratio of consecutive pulses after linear prediction, each projected on the \
                 mean pulse of 24 periods",
            ),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let Perturbation { exact, voiced, .. } = analysis.perturbation();
        if !voiced {
            return row.missing_rest(NOTHING_VOICED);
        }
        row.put("voice.jitter.exact", exact.jitter().ok_or(TOO_FEW));
        row.put("voice.shimmer.exact_db", exact.shimmer_db().ok_or(TOO_FEW));
    }
}
