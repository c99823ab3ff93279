//! Formants: the resonances of the vocal tract, as poles of a linear prediction.
//!
//! The sound is lowered to twice a ceiling of 5500 Hz, its highs raised from 50 Hz on (a first difference, because a voice
//! falls by 6 dB an octave), and cut into frames of 25 ms under a Gaussian window. Linear prediction of order 10 by Burg's
//! method leaves ten poles. One at radius r and angle θ has frequency θ · rate / 2π and bandwidth −ln r · rate / π
//! (Markel & Gray 1976, *Linear Prediction of Speech*). Poles 50 Hz or nearer to either end are no formants; the others, in
//! rising order, are F1, F2 and so on.
//!
//! A file sampled below 11 kHz holds nothing up to that ceiling: then its own limit is the ceiling, and the order follows
//! (two poles for every 1100 Hz). A pole wider than 700 Hz fits the tilt of a spectrum, not a resonance of it: it is passed
//! over, and how often that happened is a measure.

mod burg;
mod lower;
mod root;
mod track;

use std::f64::consts::PI;

use feature::{Definition, Hertz, Measure, Reach, Row, Unit, mean, median, standard_deviation};

use crate::{
    analysis::Analysis,
    contour::{Contour, Grid},
    formant::{burg::Burg, root::Roots},
    recording::{RATE, Recording},
};

pub(crate) use self::{
    lower::{Lowered, lowered},
    track::ResonanceTrack,
};

/// How many formants are kept.
pub(crate) const FORMANTS: usize = 4;
/// Length of the whole window in seconds: twice the 25 ms that its Gaussian lets count.
const WINDOW_S: f64 = 0.05;
/// Corner of the pre-emphasis.
const EMPHASIS_HZ: f64 = 50.0;
/// Nearest that a formant lies to 0 and to the ceiling.
const MARGIN_HZ: f64 = 50.0;
/// Band of one pair of poles.
const PAIR_HZ: f64 = 1100.0;

/// Where formants are sought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FormantSettings {
    /// Highest frequency; the file's own limit where that is lower. 5500 Hz is usual for women, 5000 Hz for men; one
    /// ceiling for all keeps values comparable.
    pub ceiling: Hertz,
    /// Widest pole that is a formant.
    pub widest: Hertz,
    /// When frames are taken.
    pub grid: Grid,
}

impl Default for FormantSettings {
    fn default() -> Self {
        Self { ceiling: Hertz(5500.0), widest: Hertz(700.0), grid: Grid::default() }
    }
}

/// Formants over time, `[frames]` each; undefined where a frame has fewer, and where it was not asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Formants {
    /// F1–F4 in hertz.
    pub frequency: [Contour; FORMANTS],
    /// Their bandwidths in hertz.
    pub bandwidth: [Contour; FORMANTS],
    /// 1 in frames where a pole below 3500 Hz was too wide to be a formant, 0 in the others.
    pub passed_over: Contour,
}

/// Formants of every frame of a recording.
pub fn formants(recording: &Recording, settings: &FormantSettings) -> Formants {
    let raised = Raised::of(recording, settings.ceiling);
    raised.formants(settings, recording.samples().len(), |_| true)
}

/// Sound at twice the ceiling with its highs raised; shared by formants and cepstrum.
pub(crate) struct Raised {
    pub(crate) samples: Vec<f32>,
    pub(crate) rate: f64,
}

/// Poles that passed as formants, `[FORMANTS]`, NaN where there are fewer.
struct Found {
    frequency: [f32; FORMANTS],
    bandwidth: [f32; FORMANTS],
    passed_over: f32,
}

impl Found {
    const NONE: Self =
        Self { frequency: [f32::NAN; FORMANTS], bandwidth: [f32::NAN; FORMANTS], passed_over: f32::NAN };
}

/// Poles above this too wide to be formants do not count as passed over: there they are common and move nothing.
const COUNTED_BELOW_HZ: f64 = 3500.0;

impl Raised {
    /// The sound of `recording` up to `ceiling`, or to its own limit.
    pub(crate) fn of(recording: &Recording, ceiling: Hertz) -> Self {
        let Lowered { mut samples, rate } = lowered(recording.samples(), wish(ceiling, recording.highest()));
        let share = emphasis(rate);
        for n in (1..samples.len()).rev() {
            samples[n] -= share * samples[n - 1];
        }
        Self { samples, rate }
    }

    /// Formants of the frames of `count` samples at 16 kHz that are `asked` for.
    pub(crate) fn formants(
        &self,
        settings: &FormantSettings,
        count: usize,
        asked: impl Fn(usize) -> bool,
    ) -> Formants {
        let centres = settings.grid.centres(count);
        let mut finder = Finder::new(self.rate, settings);
        let mut columns: [Vec<f32>; 2 * FORMANTS + 1] =
            std::array::from_fn(|_| Vec::with_capacity(centres.len()));
        for (frame, centre) in centres.enumerate() {
            let centre = centre * self.rate / f64::from(RATE);
            let found = if asked(frame) { finder.find(&self.samples, centre) } else { Found::NONE };
            let row = found.frequency.iter().chain(&found.bandwidth).chain([&found.passed_over]);
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(*value));
        }
        let [f1, f2, f3, f4, b1, b2, b3, b4, passed_over] =
            columns.map(|values| Contour::new(settings.grid, values));
        Formants { frequency: [f1, f2, f3, f4], bandwidth: [b1, b2, b3, b4], passed_over }
    }
}

/// Samples a second of the sound that formants up to `ceiling` are sought in, where the source ends at `highest`.
fn wish(ceiling: Hertz, highest: Hertz) -> f64 {
    2.0 * ceiling.0.min(highest.0).max(MARGIN_HZ)
}

/// Share of the sample before that pre-emphasis takes away.
fn emphasis(rate: f64) -> f32 {
    (-2.0 * PI * EMPHASIS_HZ / rate).exp() as f32
}

/// Finds formants frame by frame; buffers are made once.
struct Finder {
    rate: f64,
    widest: f64,
    window: Vec<f32>,
    frame: Vec<f32>,
    burg: Burg,
    roots: Roots,
    poles: Vec<(f64, f64)>,
}

impl Finder {
    fn new(rate: f64, settings: &FormantSettings) -> Self {
        let pairs = ((rate / 2.0 / PAIR_HZ).round() as usize).clamp(1, root::MOST / 2);
        let window: Vec<f32> =
            gaussian((WINDOW_S * rate) as usize).iter().map(|weight| *weight as f32).collect();
        Self {
            rate,
            widest: settings.widest.0,
            frame: vec![0.0; window.len()],
            window,
            burg: Burg::new(2 * pairs),
            roots: Roots::new(2 * pairs),
            poles: Vec::with_capacity(2 * pairs),
        }
    }

    fn find(&mut self, samples: &[f32], centre: f64) -> Found {
        self.load(samples, (centre - self.window.len() as f64 / 2.0).round() as isize);
        let polynomial = self.burg.predict(&self.frame);
        let Some(roots) = polynomial.and_then(|polynomial| self.roots.find(polynomial)) else {
            return Found::NONE;
        };
        let rate = self.rate;
        let pole =
            |(re, im): (f64, f64)| (im.atan2(re) * rate / (2.0 * PI), re.hypot(im).ln().abs() * rate / PI);
        let within = MARGIN_HZ..rate / 2.0 - MARGIN_HZ;
        self.poles.clear();
        self.poles.extend(roots.filter(|(_, im)| *im > 0.0).map(pole).filter(|it| within.contains(&it.0)));
        self.poles.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.named()
    }

    /// The poles narrow enough, in order.
    fn named(&self) -> Found {
        let mut found = Found { passed_over: 0.0, ..Found::NONE };
        let mut next = 0;
        for (frequency, bandwidth) in &self.poles {
            if *bandwidth > self.widest {
                found.passed_over = found.passed_over.max(f32::from(*frequency < COUNTED_BELOW_HZ));
            } else if next < FORMANTS {
                (found.frequency[next], found.bandwidth[next]) = (*frequency as f32, *bandwidth as f32);
                next += 1;
            }
        }
        found
    }

    /// The windowed frame; silence beyond the ends.
    fn load(&mut self, samples: &[f32], start: isize) {
        let (length, count) = (self.frame.len() as isize, samples.len() as isize);
        let (from, to) = (start.clamp(0, count), (start + length).clamp(0, count));
        self.frame.fill(0.0);
        let inside = (from - start) as usize..(to - start) as usize;
        let pairs = self.window[inside.clone()].iter().zip(&samples[from as usize..to as usize]);
        self.frame[inside]
            .iter_mut()
            .zip(pairs)
            .for_each(|(place, (weight, sample))| *place = weight * sample);
    }
}

/// A Gaussian of `length` samples that falls to e⁻¹² at its ends, lifted to 0 there (after Boersma 1993, postscript).
pub(crate) fn gaussian(length: usize) -> Vec<f64> {
    let end = (-12f64).exp();
    let place = |n: usize| (n as f64 + 0.5) / length as f64 - 0.5;
    let weight = |n: usize| ((-48.0 * place(n).powi(2)).exp() - end) / (1.0 - end);
    (0..length).map(weight).collect()
}

/// Statistics of the formants over voiced frames.
pub(crate) struct Resonances;

const fn resonance(
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
        source: "Burg 1975; Markel & Gray 1976, Linear Prediction of Speech; Eyben et al. 2016, IEEE Transactions on \
                 Affective Computing 7:190-202",
        missing: "nothing voiced, or no voiced frame has this formant",
        reach: Reach::AnyDevice,
        fragile: crate::fragility::of(name),
    }
}

/// The statistics of one formant: median, mean, coefficient of variation of frequency, the same of bandwidth.
macro_rules! formant {
    ($n:literal, $low:literal, $high:literal) => {
        [
            resonance(
                concat!("voice.formant.f", $n, "_median"),
                concat!("formant ", $n, ", median"),
                Unit::Hertz,
                ($low, $high),
                "median over voiced frames of the frequency of the pole",
            ),
            resonance(
                concat!("voice.formant.f", $n, "_mean"),
                concat!("formant ", $n, ", mean"),
                Unit::Hertz,
                ($low, $high),
                "mean over voiced frames of the frequency of the pole",
            ),
            resonance(
                concat!("voice.formant.f", $n, "_cv"),
                concat!("spread of formant ", $n),
                Unit::One,
                (0.0, 1.0),
                "sample standard deviation / mean of the frequency over voiced frames",
            ),
            resonance(
                concat!("voice.formant.b", $n, "_median"),
                concat!("bandwidth of formant ", $n, ", median"),
                Unit::Hertz,
                (0.0, 700.0),
                "median over voiced frames of the bandwidth of the pole",
            ),
            resonance(
                concat!("voice.formant.b", $n, "_mean"),
                concat!("bandwidth of formant ", $n, ", mean"),
                Unit::Hertz,
                (0.0, 700.0),
                "mean over voiced frames of the bandwidth of the pole",
            ),
            resonance(
                concat!("voice.formant.b", $n, "_cv"),
                concat!("spread of the bandwidth of formant ", $n),
                Unit::One,
                (0.0, 3.0),
                "sample standard deviation / mean of the bandwidth over voiced frames",
            ),
        ]
    };
}

/// Statistics of one formant.
const STATISTICS: usize = 6;

const EACH: [[Definition; STATISTICS]; FORMANTS] = [
    formant!(1, 200.0, 1200.0),
    formant!(2, 500.0, 3500.0),
    formant!(3, 1200.0, 4500.0),
    formant!(4, 2000.0, 5500.0),
];

/// Every formant's definitions in one row, and the share of frames with a pole passed over.
static RESONANCES: [Definition; STATISTICS * FORMANTS + 1] = {
    let last = resonance(
        "voice.formant.passed_over",
        "share of voiced frames with a pole too wide for a formant",
        Unit::One,
        (0.0, 1.0),
        "voiced frames with a pole below 3500 Hz wider than 700 Hz / voiced frames",
    );
    let mut all = [last; STATISTICS * FORMANTS + 1];
    let mut place = 0;
    while place + 1 < all.len() {
        all[place] = EACH[place / STATISTICS][place % STATISTICS];
        place += 1;
    }
    all
};

impl Measure<Analysis> for Resonances {
    fn definitions(&self) -> &'static [Definition] {
        &RESONANCES
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let formants = &analysis.timbre().formants;
        let passed_over: Vec<f64> = formants.passed_over.defined().collect();
        let Some(share) = mean(&passed_over) else {
            return row.missing_rest("nothing voiced");
        };
        row.put("voice.formant.passed_over", share);
        let contours = formants.frequency.iter().zip(&formants.bandwidth);
        for ((frequency, bandwidth), names) in contours.zip(RESONANCES.chunks(STATISTICS)) {
            let none = "no voiced frame has this formant";
            for (contour, names) in [frequency, bandwidth].into_iter().zip(names.chunks(STATISTICS / 2)) {
                let values: Vec<f64> = contour.defined().collect();
                let spread = standard_deviation(&values).zip(mean(&values)).map(|(sd, mean)| sd / mean);
                row.put(names[0].name, median(&values).ok_or(none));
                row.put(names[1].name, mean(&values).ok_or(none));
                row.put(names[2].name, spread.ok_or("fewer than two voiced frames have this formant"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recording::{Damage, Source},
        synth,
    };

    fn medians(samples: Vec<f32>, settings: &FormantSettings) -> [f64; FORMANTS] {
        let found = formants(&Recording::from_samples(samples), settings);
        found.frequency.map(|contour| median(&contour.defined().collect::<Vec<_>>()).unwrap_or(f64::NAN))
    }

    #[test]
    fn the_resonances_of_a_vowel_are_found() {
        for (vowel, f0) in [(synth::A, 90.0), (synth::A, 120.0), (synth::I, 100.0), (synth::I, 120.0)] {
            let found = medians(synth::vowel(f0, &vowel, 0.3, 1.0), &FormantSettings::default());
            for (place, limit) in [(0, 0.08), (1, 0.03), (2, 0.03)] {
                let off = (found[place] / vowel[place].0 - 1.0).abs();
                assert!(off < limit, "F{} of {vowel:?} at {f0} Hz: {}", place + 1, found[place]);
            }
        }
    }

    #[test]
    fn a_louder_vowel_has_the_same_formants() {
        let quiet = synth::vowel(120.0, &synth::A, 0.1, 0.5);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 4.0).collect();
        let settings = FormantSettings::default();
        let (quiet, loud) = (medians(quiet, &settings), medians(loud, &settings));
        assert!(quiet.iter().zip(loud).all(|(a, b)| (a / b - 1.0).abs() < 1e-4), "{quiet:?} {loud:?}");
    }

    #[test]
    fn a_pole_wider_than_a_formant_is_passed_over_and_marked() {
        // Two poles of 100 Hz, and one of 1200 Hz between them.
        let finder = |widest| {
            let settings = FormantSettings { widest: Hertz(widest), ..Default::default() };
            let mut finder = Finder::new(11_000.0, &settings);
            finder.poles = vec![(500.0, 100.0), (1200.0, 1200.0), (2500.0, 100.0), (5000.0, 900.0)];
            finder.named()
        };
        let (strict, lenient) = (finder(700.0), finder(f64::INFINITY));
        assert_eq!((strict.frequency[1], strict.passed_over), (2500.0, 1.0));
        assert_eq!((lenient.frequency[1], lenient.passed_over), (1200.0, 0.0));
        assert!(strict.frequency[2].is_nan());
    }

    #[test]
    fn a_telephone_keeps_the_formants_below_its_limit() {
        let samples = synth::vowel(120.0, &synth::A, 0.3, 1.0);
        let source = Source { rate: Hertz(8000.0), ..Recording::from_samples(Vec::new()).source().clone() };
        let recording = Recording::new(samples, source, Damage::default());
        assert_eq!(Raised::of(&recording, Hertz(5500.0)).rate, 8000.0);
        let found = formants(&recording, &FormantSettings::default()).frequency;
        for (place, limit) in [(0, 0.08), (1, 0.03), (2, 0.03)] {
            let hertz = median(&found[place].defined().collect::<Vec<_>>()).unwrap();
            assert!((hertz / synth::A[place].0 - 1.0).abs() < limit, "F{}: {hertz}", place + 1);
        }
    }

    #[test]
    fn silence_and_nothing_have_no_formants() {
        let settings = FormantSettings::default();
        assert!(medians(synth::silence(0.5), &settings).iter().all(|it| it.is_nan()));
        assert!(medians(Vec::new(), &settings).iter().all(|it| it.is_nan()));
        let odd = FormantSettings { ceiling: Hertz(f64::NAN), ..settings };
        assert!(medians(synth::vowel(120.0, &synth::A, 0.3, 0.3), &odd)[0].is_finite());
        let tiny = FormantSettings { ceiling: Hertz(0.0), ..settings };
        assert!(medians(synth::vowel(120.0, &synth::A, 0.3, 0.3), &tiny)[0].is_nan());
    }
}
