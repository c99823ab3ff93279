//! What a recording says where nobody speaks: the room, the microphone and its noise.
//!
//! A screener that tells two groups apart by their rooms has learned nothing of speech. This set, `silence@1`, measures the
//! frames without speech, 50 ms or more from any, and nothing else: whatever can be predicted from it is a confound, and the
//! audit says so. It is never an input of a screener.

use feature::{Definition, FeatureSet, Measure, Reach, Row, Seconds, Unit, mean};

use crate::{
    activity::Interval,
    analysis::Analysis,
    contour::Contour,
    harmonic::Reader,
    intensity::{level_dbfs, mean_square},
    recording::RATE,
    rhythm::within,
    timbre::Timbre,
};

/// How far a frame of silence is from speech, in seconds: the decay of a word is not the room.
const AWAY_S: f64 = 0.05;
/// Fewest frames: a tenth of a second.
const FEWEST: usize = 10;
/// Samples from one frame to the next.
const HOP: usize = RATE as usize / 100;
/// Frames of a look at hum: four periods of 20 Hz, so that 5 Hz apart is apart.
const LOOK: usize = 20;
/// A fifth of a second holds four periods of it.
const LOOK_HZ: f64 = 20.0;
/// Most looks at hum, spread over the silence.
const LOOKS: usize = 50;
/// Harmonics of the mains: up to here 50 and 60 Hz share none.
const HARMONICS: usize = 4;
/// Where the noise beside a harmonic is read, in hertz to each side.
const BESIDE_HZ: f64 = 15.0;

/// The set `silence@1`: frames without speech only, for the audit of rooms and devices.
pub fn silence_set() -> FeatureSet<Analysis> {
    static MEASURES: &[&dyn Measure<Analysis>] = &[&Room];
    FeatureSet::new("silence", 1, MEASURES)
}

/// The one measure of the set.
struct Room;

const fn room(
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
        source: "essay of silence.rs; contours as in voice@1",
        missing: "less than 0.1 s without speech, digital silence, or the file does not reach the band",
        reach: Reach::SameDevice,
        fragile: None,
    }
}

const SHAPE: &str = "mean over frames at least 50 ms from any speech";
const HUM: &str = "10 log10 of the power at the first four harmonics of the mains over the power 15 Hz to their sides, \
                   Hann windows of 0.2 s without speech";

/// Time, level and digital silence, then the shapes in the order of [`SHAPES`], then hum.
static DEFINITIONS: [Definition; 14] = [
    room(
        "silence.time.total",
        "time without speech",
        Unit::Second,
        (0.0, 7200.0),
        "frames at least 50 ms from any speech, 10 ms each",
    ),
    room(
        "silence.level.dbfs",
        "level without speech",
        Unit::Decibel,
        (-120.0, 0.0),
        "10 log10 of the mean square of the samples without speech",
    ),
    room(
        "silence.digital.share",
        "share of silence that is digital zero",
        Unit::One,
        (0.0, 1.0),
        "frames of nothing but zeros / frames without speech",
    ),
    room(
        "silence.alpha_ratio.mean",
        "energy of 1-5 kHz over 50-1000 Hz",
        Unit::Decibel,
        (-60.0, 40.0),
        SHAPE,
    ),
    room(
        "silence.hammarberg.mean",
        "strongest of 0-2 kHz over strongest of 2-5 kHz",
        Unit::Decibel,
        (-40.0, 70.0),
        SHAPE,
    ),
    room(
        "silence.slope_0_500.mean",
        "slope of the spectrum, 0-500 Hz",
        Unit::DecibelPerHertz,
        (-0.3, 0.3),
        SHAPE,
    ),
    room(
        "silence.slope_500_1500.mean",
        "slope of the spectrum, 500-1500 Hz",
        Unit::DecibelPerHertz,
        (-0.1, 0.1),
        SHAPE,
    ),
    room("silence.flux.mean", "change of the spectrum from frame to frame", Unit::One, (0.0, 1.0), SHAPE),
    room("silence.mfcc1.mean", "cepstral coefficient 1", Unit::One, (-100.0, 100.0), SHAPE),
    room("silence.mfcc2.mean", "cepstral coefficient 2", Unit::One, (-100.0, 100.0), SHAPE),
    room("silence.mfcc3.mean", "cepstral coefficient 3", Unit::One, (-100.0, 100.0), SHAPE),
    room("silence.mfcc4.mean", "cepstral coefficient 4", Unit::One, (-100.0, 100.0), SHAPE),
    room(
        "silence.hum.hz50",
        "hum of 50 Hz mains over the noise beside it",
        Unit::Decibel,
        (-20.0, 80.0),
        HUM,
    ),
    room(
        "silence.hum.hz60",
        "hum of 60 Hz mains over the noise beside it",
        Unit::Decibel,
        (-20.0, 80.0),
        HUM,
    ),
];

/// Picks a contour.
type Pick = fn(&Timbre) -> &Contour;

/// Contours of shape, and the highest frequency each needs, in the order of their definitions.
const SHAPES: [(f64, Pick); 9] = [
    (5000.0, |it| &it.alpha_ratio),
    (5000.0, |it| &it.hammarberg),
    (500.0, |it| &it.slope_0_500),
    (1500.0, |it| &it.slope_500_1500),
    (5000.0, |it| &it.flux),
    (8000.0, |it| &it.mfcc[0]),
    (8000.0, |it| &it.mfcc[1]),
    (8000.0, |it| &it.mfcc[2]),
    (8000.0, |it| &it.mfcc[3]),
];

impl Measure<Analysis> for Room {
    fn definitions(&self) -> &'static [Definition] {
        &DEFINITIONS
    }

    fn measure(&self, analysis: &Analysis, row: &mut Row<'_>) {
        let silent = silent(analysis);
        row.put("silence.time.total", silent.len() as f64 / 100.0);
        if silent.len() < FEWEST {
            return row.missing_rest("less than 0.1 s without speech");
        }
        levels(analysis, &silent, row);
        for ((needs_hz, contour), Definition { name, .. }) in SHAPES.iter().zip(&DEFINITIONS[3..]) {
            let frames = silent.iter().filter_map(|frame| contour(analysis.timbre()).get(*frame));
            let values: Vec<f64> = frames.map(f64::from).collect();
            match analysis.lacks(*needs_hz) {
                Some(reason) => row.missing(name, reason),
                None => row.put(name, mean(&values).ok_or("digital silence")),
            }
        }
        row.put("silence.hum.hz50", hum(analysis, &silent, 50.0));
        row.put("silence.hum.hz60", hum(analysis, &silent, 60.0));
    }
}

/// Frames at least [`AWAY_S`] from any speech.
fn silent(analysis: &Analysis) -> Vec<usize> {
    let wide = |it: &Interval| Interval::new(it.start.0 - AWAY_S, it.end.0 + AWAY_S);
    // Widened intervals may overlap; `within` wants them apart.
    let wide = crate::activity::joined(analysis.speech().iter().map(wide), 0.0);
    let inside = |time: Seconds| within(&wide, time);
    let frames = analysis.f0().iter().enumerate();
    frames.filter(|(_, (time, _))| !inside(*time)).map(|(frame, _)| frame).collect()
}

fn levels(analysis: &Analysis, silent: &[usize], row: &mut Row<'_>) {
    let samples = analysis.recording().samples();
    let of = |frame: &usize| &samples[frame * HOP..((frame + 1) * HOP).min(samples.len())];
    let powers: Vec<f64> = silent.iter().map(|frame| mean_square(of(frame))).collect();
    let zeros = powers.iter().filter(|power| **power == 0.0).count();
    let level = mean(&powers).and_then(level_dbfs);
    row.put("silence.level.dbfs", level.ok_or("digital silence"));
    row.put("silence.digital.share", zeros as f64 / silent.len() as f64);
}

/// Power at the harmonics of `mains` over the power beside them, in dB.
fn hum(analysis: &Analysis, silent: &[usize], mains: f64) -> Result<f64, &'static str> {
    let looks: Vec<usize> =
        silent.windows(LOOK).filter(|it| it[LOOK - 1] - it[0] == LOOK - 1).map(|it| it[0]).collect();
    if looks.is_empty() {
        return Err("no 0.2 s without speech");
    }
    let mut reader = Reader::new();
    let (mut at, mut beside) = (0.0, 0.0);
    for first in looks.iter().step_by(looks.len().div_ceil(LOOKS)) {
        reader.load(analysis.recording().samples(), ((first + LOOK / 2) * HOP) as f64, LOOK_HZ);
        for hertz in (1..=HARMONICS).map(|k| k as f64 * mains) {
            at += reader.power(hertz);
            beside += 0.5 * (reader.power(hertz - BESIDE_HZ) + reader.power(hertz + BESIDE_HZ));
        }
    }
    if at > 0.0 && beside > 0.0 { Ok(10.0 * (at / beside).log10()) } else { Err("digital silence") }
}

#[cfg(test)]
mod tests {
    use feature::{Value, breaches};

    use super::*;
    use crate::{analysis::tests::analysis, synth};

    /// A second of voice with 1.5 s of silence on each side, and `noise` over all.
    fn spoken(noise: &[f32]) -> Analysis {
        let mut samples =
            [synth::silence(1.5), synth::vowel(120.0, &synth::A, 0.3, 1.0), synth::silence(1.5)].concat();
        samples.iter_mut().zip(noise).for_each(|(sample, noise)| *sample += noise);
        analysis(samples)
    }

    #[test]
    fn the_set_keeps_the_contract() {
        let short = analysis(synth::vowel(120.0, &synth::A, 0.3, 0.5));
        let analyses = [spoken(&synth::noise(0.001, 4.0, 2)), spoken(&[]), short];
        assert_eq!(breaches(&silence_set(), &analyses), [""; 0]);
        let names = ["silence.mfcc4.mean", "silence.hum.hz60"];
        assert!(names.iter().all(|name| silence_set().definitions().any(|it| it.name == *name)));
    }

    #[test]
    fn the_room_is_measured_and_the_voice_is_not() {
        let noise = synth::noise(0.001, 4.0, 2);
        let values = silence_set().measure(&spoken(&noise));
        let number = |name: &str| values.number(name).unwrap();
        // White noise of root mean square 0.001 has −60 dBFS; 4 kHz of it over 0.95 kHz are 6.2 dB.
        assert!((number("silence.level.dbfs") + 60.0).abs() < 0.3, "{}", number("silence.level.dbfs"));
        assert!(
            (number("silence.alpha_ratio.mean") - 6.2).abs() < 0.6,
            "{}",
            number("silence.alpha_ratio.mean")
        );
        assert!((number("silence.time.total") - 2.9).abs() < 0.1, "{}", number("silence.time.total"));
        assert!(number("silence.slope_500_1500.mean").abs() < 0.002);
        assert!(number("silence.hum.hz50").abs() < 2.0 && number("silence.hum.hz60").abs() < 2.0);
    }

    #[test]
    fn hum_is_told_from_noise_and_50_from_60() {
        for (mains, this, other) in
            [(50.0, "silence.hum.hz50", "silence.hum.hz60"), (60.0, "silence.hum.hz60", "silence.hum.hz50")]
        {
            let hum = synth::harmonics(mains, 4, 0.0003, 4.0);
            let noise: Vec<f32> = hum.iter().zip(synth::noise(0.001, 4.0, 2)).map(|(a, b)| a + b).collect();
            let values = silence_set().measure(&spoken(&noise));
            assert!(values.number(this).unwrap() > 10.0, "{mains} Hz: {:?}", values.number(this));
            assert!(values.number(other).unwrap() < 3.0, "{mains} Hz: {:?}", values.number(other));
        }
    }

    #[test]
    fn digital_silence_has_no_level_and_says_so() {
        let values = silence_set().measure(&spoken(&[]));
        assert_eq!(values.number("silence.digital.share"), Some(1.0));
        let reason = |name: &str| values.value(name).and_then(Value::reason).map(|it| it.to_string());
        assert_eq!(reason("silence.level.dbfs").unwrap(), "digital silence");
        assert_eq!(reason("silence.hum.hz50").unwrap(), "digital silence");
    }
}
