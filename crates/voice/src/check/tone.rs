//! Whether what sounds voiced is a voice.
//!
//! A tone has one line where a voice has harmonics. A hum (mains, a motor) has harmonics, but little above 500 Hz, and its
//! pitch stays at one frequency about which it trembles without going anywhere, because noise moves the estimate and no
//! muscle the source. A sustained vowel, even a closed one, and a monotone voice differ from a hum in at least one of the
//! three: they reach higher, or drift, or are clean. The limits lie between the sounds at hand: sustained vowels of a
//! synthesiser with and without jitter, the speech of the reference data and of two synthesisers, a swept tone and a machine
//! (`tests/reference/sounds.rs` runs them).

use feature::{median, percentile};

use crate::{colour::Colour, contour::Contour};

/// Share of the strongest line from which a frame is a tone: all else lies 20 dB below, and where the line may be the
/// fundamental of a closed vowel of a high voice, whose first formant lies on it, 27 dB.
const LINE: f32 = 0.99;
const LOW_LINE: f32 = 0.998;
/// Above this no fundamental stands alone, in hertz.
const FUNDAMENTAL_HZ: f32 = 600.0;
/// Colours of a window: a second.
const WINDOW: usize = 50;
/// Share of power above 500 Hz below which four fifths of a hum's frames lie: −14 dB.
const LOW_SHARE: f64 = 0.04;
/// Most interquartile range, and least typical step in 20 ms, of a hum's pitch, in semitones.
const STEADY_ST: f64 = 0.6;
const TREMBLING_ST: f64 = 0.12;

/// Share of the voiced time that is a tone or a hum; `None` where nothing is voiced.
pub(crate) fn share(colours: &[Colour], f0: &Contour) -> Option<f64> {
    let tones = |window: &[Colour]| match is_hum(window, f0) {
        true => window.len(),
        false => window.iter().filter(|colour| is_tone(colour)).count(),
    };
    let machine: usize = colours.chunks(WINDOW).map(tones).sum();
    (!colours.is_empty()).then(|| machine as f64 / colours.len() as f64)
}

/// Whether a frame is one line.
fn is_tone(colour: &Colour) -> bool {
    colour.line >= if colour.line_hz > FUNDAMENTAL_HZ { LINE } else { LOW_LINE }
}

/// Whether a second of sound is low, steady and trembling.
fn is_hum(window: &[Colour], f0: &Contour) -> bool {
    let pitch = |frame: usize| f0.get(frame).map(|hertz| 12.0 * f64::from(hertz).log2());
    let pitches: Vec<f64> = window.iter().filter_map(|it| pitch(it.frame)).collect();
    let steps: Vec<f64> = window
        .windows(2)
        .filter(|pair| pair[1].frame - pair[0].frame == 2)
        .filter_map(|pair| Some((pitch(pair[1].frame)? - pitch(pair[0].frame)?).abs()))
        .collect();
    let high: Vec<f64> = window.iter().map(|it| f64::from(it.high)).collect();
    let quartiles = (percentile(&pitches, 25.0), percentile(&pitches, 75.0));
    let spread = quartiles.0.zip(quartiles.1).map_or(f64::MAX, |(low, high)| high - low);
    percentile(&high, 80.0).is_some_and(|high| high <= LOW_SHARE)
        && spread <= STEADY_ST
        && median(&steps).is_some_and(|step| step >= TREMBLING_ST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        colour::colours,
        pitch::{PitchSettings, pitch},
        synth,
    };

    fn of(samples: &[f32]) -> Option<f64> {
        let f0 = pitch(samples, &PitchSettings::default());
        share(&colours(samples, &f0), &f0)
    }

    /// 100 Hz and its weak harmonics under noise that has lost its high frequencies.
    fn hum() -> Vec<f32> {
        let (mut slow, mut slower) = (0.0, 0.0);
        let tone = synth::harmonics(100.0, 4, 0.08, 4.0);
        let rumble = synth::noise(1.0, 4.0, 5).into_iter().map(|sample| {
            slow += 0.04 * (sample - slow);
            slower += 0.04 * (slow - slower);
            slower
        });
        tone.iter().zip(rumble).map(|(tone, rumble)| tone + rumble).collect()
    }

    #[test]
    fn tones_sweeps_and_hums_are_machines() {
        assert_eq!(of(&synth::tone(200.0, 0.3, 2.0)), Some(1.0));
        assert!(of(&synth::glide(100.0, 450.0, 0.3, 3.0)).unwrap() > 0.95);
        assert!(of(&hum()).unwrap() > 0.5, "{:?}", of(&hum()));
    }

    #[test]
    fn sustained_vowels_are_voices_whatever_their_pitch() {
        for hertz in [90.0, 120.0, 170.0, 220.0, 280.0] {
            for vowel in [synth::A, synth::I] {
                assert_eq!(of(&synth::vowel(hertz, &vowel, 0.3, 3.0)), Some(0.0), "{hertz}");
            }
        }
    }

    #[test]
    fn nothing_voiced_is_neither() {
        assert_eq!((of(&synth::silence(1.0)), of(&synth::noise(0.1, 1.0, 1))), (None, None));
    }
}
