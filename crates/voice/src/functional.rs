//! What a recording says of each contour: means, spreads, percentiles, slopes; voiced and unvoiced frames apart.
//!
//! In the style of Eyben et al. 2016 (GeMAPS, *IEEE Transactions on Affective Computing* 7:190–202), with differences that
//! matter here and are meant:
//! - **Only speech counts.** There the statistics over all frames and over unvoiced ones take in silence, so that a long
//!   pause, or the noise of a room, moves the "voice". Here the frames are those within speech; unvoiced means unvoiced speech.
//!   The room has a set of its own, `silence@1`.
//! - **Deviations are sample deviations** (n − 1), and a coefficient of variation is over the magnitude of the mean.
//! - **Slopes are of parts that last 30 ms or more**, after a running mean over three frames, so that they are of melody and
//!   not of rounding.

mod course;
mod segment;

use feature::{Definition, Measure, Reach, Reason, Row, Unit, mean, percentile, standard_deviation};

use crate::{
    analysis::Analysis, contour::Contour, functional::course::Course, rhythm::within, timbre::Timbre,
};

pub(crate) use self::segment::Segments;

const NO_SPEECH: &str = "no speech was found";
const SOURCE: &str = "Eyben et al. 2016, IEEE Transactions on Affective Computing 7:190-202 (in its style); essay of functional.rs";
/// F0 of 0 semitones.
const REFERENCE_HZ: f64 = 27.5;
/// A mean nearer to 0 than this share of the deviation has no coefficient of variation: it would tell the sign of rounding.
const LEAST_MEAN: f64 = 1e-3;

/// Sample standard deviation over the magnitude of the mean, or why there is none.
fn variation(values: &[f64]) -> Result<f64, &'static str> {
    let (spread, middle) =
        standard_deviation(values).zip(mean(values)).ok_or("fewer than two frames have a value")?;
    if middle.abs() > LEAST_MEAN * spread { Ok(spread / middle.abs()) } else { Err("the mean is 0") }
}

const fn defined(
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
        source: SOURCE,
        missing: "no frame of this kind, or the file does not reach the band",
        reach: Reach::SameDevice,
        fragile: crate::fragility::of(name),
    }
}

/// A contour of the spectrum and its statistics: mean and variation over speech, over its voiced and its unvoiced frames.
struct Colour {
    contour: fn(&Timbre) -> &Contour,
    /// Highest frequency that must be in the file.
    needs_hz: f64,
    definitions: [Definition; 6],
}

macro_rules! colour {
    ($stem:literal, $label:literal, $unit:ident, $range:expr, $needs:literal, $contour:expr) => {
        Colour {
            contour: $contour,
            needs_hz: $needs,
            definitions: [
                defined(concat!($stem, ".mean"), $label, Unit::$unit, $range, "mean over frames of speech"),
                defined(
                    concat!($stem, ".cv"),
                    concat!("variation of ", $label),
                    Unit::One,
                    (0.0, 1000.0),
                    "sample standard deviation / |mean| over frames of speech",
                ),
                defined(
                    concat!($stem, ".voiced_mean"),
                    concat!($label, ", voiced"),
                    Unit::$unit,
                    $range,
                    "mean over voiced frames",
                ),
                defined(
                    concat!($stem, ".voiced_cv"),
                    concat!("variation of ", $label, ", voiced"),
                    Unit::One,
                    (0.0, 1000.0),
                    "sample standard deviation / |mean| over voiced frames",
                ),
                defined(
                    concat!($stem, ".unvoiced_mean"),
                    concat!($label, ", unvoiced"),
                    Unit::$unit,
                    $range,
                    "mean over frames of speech that are not voiced",
                ),
                defined(
                    concat!($stem, ".unvoiced_cv"),
                    concat!("variation of ", $label, ", unvoiced"),
                    Unit::One,
                    (0.0, 1000.0),
                    "sample standard deviation / |mean| over frames of speech that are not voiced",
                ),
            ],
        }
    };
}

const COLOURS: [Colour; 9] = [
    colour!("voice.alpha_ratio", "energy of 1-5 kHz over 50-1000 Hz", Decibel, (-50.0, 30.0), 5000.0, |it| {
        &it.alpha_ratio
    }),
    colour!(
        "voice.hammarberg",
        "strongest of 0-2 kHz over strongest of 2-5 kHz",
        Decibel,
        (-30.0, 60.0),
        5000.0,
        |it| &it.hammarberg
    ),
    colour!(
        "voice.slope_0_500",
        "slope of the spectrum, 0-500 Hz",
        DecibelPerHertz,
        (-0.2, 0.3),
        500.0,
        |it| &it.slope_0_500
    ),
    colour!(
        "voice.slope_500_1500",
        "slope of the spectrum, 500-1500 Hz",
        DecibelPerHertz,
        (-0.1, 0.1),
        1500.0,
        |it| &it.slope_500_1500
    ),
    colour!("voice.flux", "change of the spectrum from frame to frame", One, (0.0, 1.0), 5000.0, |it| &it
        .flux),
    colour!("voice.mfcc1", "cepstral coefficient 1", One, (-100.0, 100.0), 8000.0, |it| &it.mfcc[0]),
    colour!("voice.mfcc2", "cepstral coefficient 2", One, (-100.0, 100.0), 8000.0, |it| &it.mfcc[1]),
    colour!("voice.mfcc3", "cepstral coefficient 3", One, (-100.0, 100.0), 8000.0, |it| &it.mfcc[2]),
    colour!("voice.mfcc4", "cepstral coefficient 4", One, (-100.0, 100.0), 8000.0, |it| &it.mfcc[3]),
];

static COLOUR_DEFINITIONS: [Definition; 54] = {
    let mut all = [COLOURS[0].definitions[0]; 54];
    let mut place = 0;
    while place < all.len() {
        all[place] = COLOURS[place / 6].definitions[place % 6];
        place += 1;
    }
    all
};

/// Spectral contours over speech, its voiced and its unvoiced frames.
pub(crate) struct Colours;

/// Which frames lie in speech and which are voiced, `[frames]`.
struct Kinds {
    speech: Vec<bool>,
    voiced: Vec<bool>,
}

impl Kinds {
    fn of(analysis: &Analysis) -> Self {
        let f0 = analysis.f0();
        let speech = f0.iter().map(|(time, _)| within(analysis.speech(), time)).collect();
        Self { speech, voiced: f0.iter().map(|(_, hertz)| hertz.is_some()).collect() }
    }

    /// Values of the frames that `asked` takes by (speech, voiced).
    fn values(&self, contour: &Contour, asked: fn(bool, bool) -> bool) -> Vec<f64> {
        let kinds = self.speech.iter().zip(&self.voiced).enumerate();
        let frames = kinds.filter(|(_, (speech, voiced))| asked(**speech, **voiced));
        frames.filter_map(|(frame, _)| contour.get(frame).map(f64::from)).collect()
    }
}

impl Measure<Analysis> for Colours {
    fn definitions(&self) -> &'static [Definition] {
        &COLOUR_DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        if analysis.speech().is_empty() {
            return row.missing_rest(NO_SPEECH);
        }
        let (timbre, kinds) = (analysis.timbre(), Kinds::of(analysis));
        for Colour { contour, needs_hz, definitions } in &COLOURS {
            if let Some(reason) = analysis.lacks(*needs_hz) {
                definitions.iter().for_each(|it| row.missing(it.name, reason.clone()));
                continue;
            }
            let contour = contour(timbre);
            let speech = kinds.values(contour, |speech, _| speech);
            let voiced = kinds.values(contour, |_, voiced| voiced);
            let unvoiced = kinds.values(contour, |speech, voiced| speech && !voiced);
            let none = ["no frame of speech has a value", "nothing voiced", "no unvoiced frame of speech"];
            for (place, values) in [speech, voiced, unvoiced].iter().enumerate() {
                row.put(definitions[2 * place].name, mean(values).ok_or(none[place]));
                row.put(definitions[2 * place + 1].name, variation(values));
            }
        }
    }
}

/// The statistics of melody and of loudness.
macro_rules! course {
    ($stem:literal, $label:literal, $unit:ident, $range:expr, $slope:ident, $frames:literal) => {
        [
            defined(
                concat!($stem, ".mean"),
                concat!("mean of ", $label),
                Unit::$unit,
                $range,
                concat!("mean over ", $frames),
            ),
            defined(
                concat!($stem, ".cv"),
                concat!("variation of ", $label),
                Unit::One,
                (0.0, 10.0),
                concat!("sample standard deviation / |mean| over ", $frames),
            ),
            defined(
                concat!($stem, ".p20"),
                concat!("20th percentile of ", $label),
                Unit::$unit,
                $range,
                concat!("20th percentile over ", $frames),
            ),
            defined(
                concat!($stem, ".p50"),
                concat!("50th percentile of ", $label),
                Unit::$unit,
                $range,
                concat!("50th percentile over ", $frames),
            ),
            defined(
                concat!($stem, ".p80"),
                concat!("80th percentile of ", $label),
                Unit::$unit,
                $range,
                concat!("80th percentile over ", $frames),
            ),
            defined(
                concat!($stem, ".range"),
                concat!("range of ", $label),
                Unit::$unit,
                (0.0, 100.0),
                concat!("80th less 20th percentile over ", $frames),
            ),
            defined(
                concat!($stem, ".rising_mean"),
                concat!("mean rise of ", $label),
                Unit::$slope,
                (0.0, 500.0),
                "mean of change / time over the rising parts of 30 ms or more of the contour smoothed over three frames",
            ),
            defined(
                concat!($stem, ".rising_sd"),
                concat!("spread of the rises of ", $label),
                Unit::$slope,
                (0.0, 500.0),
                "sample standard deviation of the same",
            ),
            defined(
                concat!($stem, ".falling_mean"),
                concat!("mean fall of ", $label),
                Unit::$slope,
                (-500.0, 0.0),
                "mean of change / time over the falling parts of 30 ms or more of the contour smoothed over three frames",
            ),
            defined(
                concat!($stem, ".falling_sd"),
                concat!("spread of the falls of ", $label),
                Unit::$slope,
                (0.0, 500.0),
                "sample standard deviation of the same",
            ),
        ]
    };
}

/// Writes the ten statistics of `course` under the names of `definitions`.
fn put_course(row: &mut Row<'_>, definitions: &[Definition], course: &Course, none: &'static str) {
    // In order: then every percentile is a look, not a sort.
    let mut values = course.values.clone();
    values.sort_by(f64::total_cmp);
    let values = &values;
    let quantile = |p: f64| percentile(values, p).ok_or(none);
    let range = quantile(80.0).and_then(|high| Ok(high - quantile(20.0)?));
    let [rising, falling] = ["no rising part of 30 ms or more", "no falling part of 30 ms or more"];
    let spread = |slopes: &[f64]| standard_deviation(slopes).ok_or("fewer than two parts of 30 ms or more");
    let results: [Result<f64, &str>; 10] = [
        mean(values).ok_or(none),
        variation(values),
        quantile(20.0),
        quantile(50.0),
        quantile(80.0),
        range,
        mean(&course.rising).ok_or(rising),
        spread(&course.rising),
        mean(&course.falling).ok_or(falling),
        spread(&course.falling),
    ];
    definitions.iter().zip(results).for_each(|(it, result)| row.put(it.name, result));
}

/// F0 on the scale of hearing.
pub(crate) struct Melody;

impl Measure<Analysis> for Melody {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 10] = course!(
            "voice.f0_semitone",
            "pitch re 27.5 Hz",
            Semitone,
            (12.0, 52.0),
            SemitonePerSecond,
            "voiced frames of 12 log2(F0 / 27.5 Hz)"
        );
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let semitone = |hertz: f32| 12.0 * (f64::from(hertz) / REFERENCE_HZ).log2();
        let values: Vec<Option<f64>> = analysis.f0().iter().map(|(_, hertz)| hertz.map(semitone)).collect();
        put_course(row, self.definitions(), &Course::of(&values), "nothing voiced");
    }
}

/// Loudness as the ear hears it, and its peaks.
pub(crate) struct LoudnessCourse;

/// Highest frequency of the bands of loudness.
const LOUDNESS_HZ: f64 = 8000.0;

impl Measure<Analysis> for LoudnessCourse {
    fn definitions(&self) -> &'static [Definition] {
        static DEFINITIONS: [Definition; 11] = {
            let course: [Definition; 10] =
                course!("voice.loudness", "loudness", One, (0.0, 30.0), PerSecond, "frames of speech");
            let peaks = defined(
                "voice.loudness.peak_rate",
                "peaks of loudness a second",
                Unit::PerSecond,
                (0.0, 20.0),
                "maxima of loudness, smoothed over three frames, that stand out on both sides by a tenth of its 95th percentile \
                 / time from the first to the last speech",
            );
            let mut all = [peaks; 11];
            let mut place = 0;
            while place < course.len() {
                all[place] = course[place];
                place += 1;
            }
            all
        };
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let lacking = analysis.lacks(LOUDNESS_HZ);
        let (Some(first), Some(last), None) = (analysis.speech().first(), analysis.speech().last(), &lacking)
        else {
            return row.missing_rest(lacking.unwrap_or(Reason::from(NO_SPEECH)));
        };
        let frames = analysis.timbre().loudness.iter();
        let values: Vec<Option<f64>> = frames
            .map(|(time, value)| value.filter(|_| within(analysis.speech(), time)).map(f64::from))
            .collect();
        put_course(row, self.definitions(), &Course::of(&values), NO_SPEECH);
        let peaks = course::peaks(&values) as f64;
        row.put("voice.loudness.peak_rate", peaks / (last.end.0 - first.start.0));
    }
}

/// Differences of harmonics over voiced frames.
pub(crate) struct SourceTilt;

impl Measure<Analysis> for SourceTilt {
    fn definitions(&self) -> &'static [Definition] {
        const VOICED: &str = "mean over voiced frames, harmonics read over four periods under a Hann window";
        const SPREAD: &str = "sample standard deviation / |mean| of the same";
        static DEFINITIONS: [Definition; 4] = [
            defined(
                "voice.h1_h2.mean",
                "first harmonic over the second",
                Unit::Decibel,
                (-20.0, 30.0),
                VOICED,
            ),
            defined("voice.h1_h2.cv", "variation of H1-H2", Unit::One, (0.0, 1000.0), SPREAD),
            defined(
                "voice.h1_a3.mean",
                "first harmonic over the strongest near F3",
                Unit::Decibel,
                (-20.0, 60.0),
                VOICED,
            ),
            defined("voice.h1_a3.cv", "variation of H1-A3", Unit::One, (0.0, 1000.0), SPREAD),
        ];
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let timbre = analysis.timbre();
        let contours = [(&timbre.h1_h2, "nothing voiced"), (&timbre.h1_a3, "no voiced frame has an F3")];
        for ((contour, none), names) in contours.into_iter().zip(self.definitions().chunks(2)) {
            let values: Vec<f64> = contour.defined().collect();
            row.put(names[0].name, mean(&values).ok_or(none));
            row.put(names[1].name, variation(&values));
        }
    }
}

#[cfg(test)]
mod tests {
    use feature::{FeatureVector, Hertz, Usable, Value};

    use super::*;
    use crate::{
        analysis::tests::analysis,
        measures::set,
        recording::{Damage, Recording, Source},
        synth,
    };

    fn values(samples: Vec<f32>) -> FeatureVector {
        set().measure(&analysis(samples))
    }

    fn reason(values: &FeatureVector, name: &str) -> Option<String> {
        values.value(name).and_then(Value::reason).map(|it| it.to_string())
    }

    #[test]
    fn a_glide_of_an_octave_has_its_slope_and_percentiles() {
        // 110 to 220 Hz in 2 s: 24 to 36 semitones, 6 a second; a fifth of the way in hertz is 132 Hz.
        let values = values(synth::glide(110.0, 220.0, 0.3, 2.0));
        let off = |name: &str, want: f64| (values.number(name).unwrap() - want).abs();
        assert!(off("voice.f0_semitone.rising_mean", 6.0) < 0.1);
        assert!(off("voice.f0_semitone.p20", 12.0 * (132.0f64 / 27.5).log2()) < 0.1);
        assert!(off("voice.f0_semitone.p50", 12.0 * (165.0f64 / 27.5).log2()) < 0.1);
        let range = 12.0 * (198.0f64 / 132.0).log2();
        assert!(off("voice.f0_semitone.range", range) < 0.1);
        assert_eq!(
            reason(&values, "voice.f0_semitone.falling_mean").unwrap(),
            "no falling part of 30 ms or more"
        );
    }

    #[test]
    fn voiced_and_unvoiced_frames_are_told_apart() {
        // A voice of two partials, 20 dB apart; then the same with a hiss in it, too short for a pause.
        let partials = synth::tone(250.0, 0.2, 3.0).into_iter().zip(synth::tone(3000.0, 0.02, 3.0));
        let voice: Vec<f32> = partials.map(|(low, high)| low + high).collect();
        let still = values(voice.clone());
        assert!((still.number("voice.alpha_ratio.voiced_mean").unwrap() + 20.0).abs() < 0.1);
        assert!((still.number("voice.hammarberg.voiced_mean").unwrap() - 20.0).abs() < 0.1);
        let hissing = values([voice.clone(), synth::noise(0.05, 0.12, 3), voice].concat());
        assert!((hissing.number("voice.alpha_ratio.voiced_mean").unwrap() + 20.0).abs() < 0.3);
        // White noise has 6.2 dB (4 kHz of it over 0.95 kHz); the frames at its ends hold some of the voice.
        let noise = hissing.number("voice.alpha_ratio.unvoiced_mean").unwrap();
        assert!((2.0..8.0).contains(&noise), "{noise}");
        assert_eq!(reason(&still, "voice.alpha_ratio.unvoiced_mean").unwrap(), "no unvoiced frame of speech");
    }

    #[test]
    fn louder_speech_is_louder_by_its_law_and_otherwise_the_same() {
        let (quiet, _) = synth::bursts(&[(0.5, 0.3), (0.7, 0.6), (0.4, 0.4)], 0.0003);
        let loud = quiet.iter().map(|sample| sample * 2.0).collect();
        let (quiet, loud) = (values(quiet), values(loud));
        let ratio = |name: &str| loud.number(name).unwrap() / quiet.number(name).unwrap();
        for name in ["voice.loudness.mean", "voice.loudness.p80", "voice.loudness.rising_mean"] {
            assert!((ratio(name) / 4f64.powf(0.33) - 1.0).abs() < 1e-3, "{name}: {}", ratio(name));
        }
        for name in ["voice.flux.mean", "voice.flux.voiced_mean"] {
            assert!((ratio(name) / 2.0 - 1.0).abs() < 1e-3, "{name}: {}", ratio(name));
        }
        for name in ["voice.loudness.cv", "voice.loudness.peak_rate", "voice.flux.cv"] {
            assert!((ratio(name) - 1.0).abs() < 1e-3, "{name}: {}", ratio(name));
        }
    }

    #[test]
    fn syllables_of_vowels_are_peaks_of_loudness_and_stretches_of_voice() {
        let (samples, _) = synth::bursts(&[(0.2, 0.2); 8], 0.0003);
        let values = values(samples);
        let off = |name: &str, want: f64| (values.number(name).unwrap() - want).abs();
        // Eight in the 3 s from the first to the last.
        assert!(off("voice.loudness.peak_rate", 8.0 / 3.0) < 0.1);
        assert!(off("voice.voiced_segment.rate", 8.0 / 3.0) < 0.1);
        assert!(off("voice.voiced_segment.mean", 0.2) < 0.03);
        assert!(off("voice.unvoiced_segment.mean", 0.2) < 0.03 && off("voice.voiced_segment.sd", 0.0) < 0.02);
    }

    #[test]
    fn bands_that_a_telephone_does_not_carry_are_missing_with_the_reason() {
        let samples = synth::vowel(120.0, &synth::A, 0.3, 1.0);
        let made = Recording::from_samples(samples.clone());
        let source = Source { rate: Hertz(8000.0), ..made.source().clone() };
        let recording = Recording::new(samples, source, Damage::default());
        let values = set().measure(&Analysis::new(&Usable::new(recording).unwrap()));
        for name in [
            "alpha_ratio.voiced_mean",
            "hammarberg.mean",
            "mfcc1.mean",
            "flux.mean",
            "loudness.mean",
            "cpps.mean",
        ] {
            let reason = reason(&values, &format!("voice.{name}"));
            assert!(reason.is_some_and(|it| it.contains("nothing above 4000 Hz")), "{name}");
        }
        for name in ["slope_0_500.voiced_mean", "slope_500_1500.mean", "h1_h2.mean", "formant.f1_median"] {
            assert!(values.number(&format!("voice.{name}")).is_some(), "{name}");
        }
    }

    #[test]
    fn a_mean_of_nothing_has_no_variation() {
        assert!((variation(&[-1.0, -2.0, -3.0]).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(variation(&[-1.0, 1.0]), Err("the mean is 0"));
        assert_eq!(variation(&[1.0]), Err("fewer than two frames have a value"));
        assert_eq!(variation(&[0.0, 0.0]), Err("the mean is 0"));
    }
}
