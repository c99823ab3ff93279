//! The colour of voiced sound, every 20 ms: for telling voices apart, and a voice from a machine.
//!
//! Mel-frequency cepstra tell voices apart.
//! Davis, S., & Mermelstein, P. (1980). Comparison of parametric representations for monosyllabic word recognition.
//! *IEEE Transactions on Acoustics, Speech, and Signal Processing* 28, 357–366: log energies of triangular bands, equally
//! wide on the mel scale, and their cosine transform. Only what tells voices apart is kept: coefficients 1 to 12, of
//! voiced frames, because silence and fricatives sound alike in all of us. These are no measures; nothing here is reported.
//!
//! Two shares of power tell a machine. A voice has many harmonics and more than one formant, a tone has one line: the
//! share of the strongest line. A hum lies low: the share above 500 Hz, where the second formant is.

use std::{f64::consts::PI, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::{contour::Contour, recording::RATE};

/// Coefficients kept: 1 to 12. Coefficient 0 is level, which tells distance rather than voice.
pub(crate) const COEFFICIENTS: usize = 12;
/// Cepstra of a frame.
pub(crate) type Cepstrum = [f32; COEFFICIENTS];

/// Triangular bands, and the frequencies between which they lie, in hertz. The upper end is that of a telephone, so that
/// narrow and wide recordings are heard alike.
const BANDS: usize = 20;
const LOWEST_HZ: f64 = 100.0;
const HIGHEST_HZ: f64 = 3800.0;
/// Samples of a frame (32 ms).
const FRAME: usize = 512;
/// Every second frame of the contours: 20 ms.
const STEP: usize = 2;
/// Bins on each side of the strongest that belong to its line: the main lobe of the window, and a little glide.
const LOBE: usize = 3;
/// Below this lies rumble, above it the second formant, in hertz.
const RUMBLE_HZ: f64 = 60.0;
const HIGH_HZ: f64 = 500.0;
/// Added to each band's energy: −120 dB re full scale, so that an empty band has a logarithm.
const FLOOR: f32 = 1e-12;

/// The colour of one voiced frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colour {
    /// The frame of the pitch contour.
    pub(crate) frame: usize,
    /// Coefficients 1 to 12.
    pub(crate) cepstrum: Cepstrum,
    /// Share of the power that lies in the strongest line, in `[0, 1]`.
    pub(crate) line: f32,
    /// Frequency of that line in hertz.
    pub(crate) line_hz: f32,
    /// Share of the power above 500 Hz, in `[0, 1]`.
    pub(crate) high: f32,
}

/// The colours of the voiced frames, in order.
pub(crate) fn colours(samples: &[f32], f0: &Contour) -> Vec<Colour> {
    let mut track = ColourTrack::new();
    for (frame, centre) in f0.grid().centres(samples.len()).enumerate() {
        if f0.get(frame).is_some() {
            track.push(samples, frame, centre);
        }
    }
    track.colours
}

/// Colours taken frame by frame; plan and buffers are made once.
pub(crate) struct ColourTrack {
    plan: Arc<dyn RealToComplex<f32>>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    window: Vec<f32>,
    powers: Vec<f32>,
    bands: Bands,
    cosines: Vec<[f32; BANDS]>,
    colours: Vec<Colour>,
}

impl ColourTrack {
    pub(crate) fn new() -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(FRAME);
        Self {
            frame: plan.make_input_vec(),
            spectrum: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            window: (0..FRAME).map(|n| hann(n) / FRAME as f32).collect(),
            powers: vec![0.0; FRAME / 2 + 1],
            bands: Bands::new(),
            cosines: cosines(),
            colours: Vec::new(),
            plan,
        }
    }

    /// Takes the frame around sample `centre` of `samples`, one of every [`STEP`]; not where it reaches beyond the ends.
    pub(crate) fn push(&mut self, samples: &[f32], frame: usize, centre: f64) {
        let sound = around(samples, centre).filter(|_| frame.is_multiple_of(STEP));
        let Some(sound) = sound else { return };
        for ((value, sample), weight) in self.frame.iter_mut().zip(sound).zip(&self.window) {
            *value = sample * weight;
        }
        self.plan
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("buffers were made by the plan");
        self.powers.iter_mut().zip(&self.spectrum).for_each(|(power, bin)| *power = bin.norm_sqr());
        let cepstrum = transform(&self.bands.logarithms(&self.powers), &self.cosines);
        let (line, line_hz, high) = shares(&self.powers);
        self.colours.push(Colour { frame, cepstrum, line, line_hz, high });
    }

    /// The colours of the frames that `f0` says are voiced.
    pub(crate) fn voiced(&self, f0: &Contour) -> Vec<Colour> {
        self.colours.iter().copied().filter(|colour| f0.get(colour.frame).is_some()).collect()
    }
}

/// Of the power above rumble: the share of the strongest line, its frequency, and the share above 500 Hz.
fn shares(powers: &[f32]) -> (f32, f32, f32) {
    let bin = |hertz: f64| (hertz / bin_hz()).ceil() as usize;
    let rumble = bin(RUMBLE_HZ);
    let total: f32 = powers[rumble..].iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let strongest = (rumble..powers.len()).max_by(|a, b| powers[*a].total_cmp(&powers[*b])).unwrap_or(rumble);
    let near = strongest.saturating_sub(LOBE).max(rumble)..(strongest + LOBE + 1).min(powers.len());
    let share = |powers: &[f32]| powers.iter().sum::<f32>() / total;
    (share(&powers[near]), (strongest as f64 * bin_hz()) as f32, share(&powers[bin(HIGH_HZ)..]))
}

/// The samples of a frame; `None` where it reaches beyond the ends.
fn around(samples: &[f32], centre: f64) -> Option<&[f32]> {
    let start = (centre.round() as usize).checked_sub(FRAME / 2)?;
    samples.get(start..start + FRAME)
}

fn hann(n: usize) -> f32 {
    (0.5 - 0.5 * (2.0 * PI * (n as f64 + 0.5) / FRAME as f64).cos()) as f32
}

/// The weights of each band over the bins it covers.
struct Bands {
    /// First bin and weights of each band, `[BANDS]`.
    weights: Vec<(usize, Vec<f32>)>,
}

impl Bands {
    fn new() -> Self {
        // O'Shaughnessy's mel: 2595 log10(1 + f / 700).
        let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
        let hertz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
        let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
        let edge = |place: usize| hertz(low + (high - low) * place as f64 / (BANDS + 1) as f64);
        let band = |band: usize| triangle([edge(band), edge(band + 1), edge(band + 2)]);
        Self { weights: (0..BANDS).map(band).collect() }
    }

    fn logarithms(&self, powers: &[f32]) -> [f32; BANDS] {
        let mut logarithms = [0.0; BANDS];
        for (value, (first, weights)) in logarithms.iter_mut().zip(&self.weights) {
            let energy: f32 =
                weights.iter().zip(&powers[*first..]).map(|(weight, power)| weight * power).sum();
            *value = (energy + FLOOR).ln();
        }
        logarithms
    }
}

/// From one bin to the next, in hertz.
fn bin_hz() -> f64 {
    f64::from(RATE) / FRAME as f64
}

/// First bin and weights of the triangle that rises from the first edge to the second and falls to the third.
fn triangle([low, middle, high]: [f64; 3]) -> (usize, Vec<f32>) {
    let (first, last) = ((low / bin_hz()).ceil() as usize, (high / bin_hz()).floor() as usize);
    let weight = |bin: usize| {
        let hertz = bin as f64 * bin_hz();
        ((hertz - low) / (middle - low)).min((high - hertz) / (high - middle)).max(0.0) as f32
    };
    (first, (first..=last).map(weight).collect())
}

/// `[COEFFICIENTS, BANDS]`: the cosines of the transform (type II, orthonormal).
fn cosines() -> Vec<[f32; BANDS]> {
    let scale = (2.0 / BANDS as f64).sqrt();
    let value = |k: usize, band: usize| scale * (PI * k as f64 * (band as f64 + 0.5) / BANDS as f64).cos();
    (1..=COEFFICIENTS).map(|k| std::array::from_fn(|band| value(k, band) as f32)).collect()
}

fn transform(logarithms: &[f32; BANDS], cosines: &[[f32; BANDS]]) -> Cepstrum {
    std::array::from_fn(|k| cosines[k].iter().zip(logarithms).map(|(cosine, log)| cosine * log).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pitch::{PitchSettings, pitch},
        synth,
    };

    fn of(samples: &[f32]) -> Vec<Colour> {
        colours(samples, &pitch(samples, &PitchSettings::default()))
    }

    /// Mean distance of the cepstra of two sounds' middle frames.
    fn apart(a: &[f32], b: &[f32]) -> f32 {
        let middle = |samples: &[f32]| of(samples)[20].cepstrum;
        middle(a).iter().zip(middle(b)).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    }

    #[test]
    fn a_tone_is_one_line_and_a_vowel_is_many() {
        assert!(of(&synth::tone(300.0, 0.3, 1.0)).iter().all(|it| it.line > 0.999 && it.high < 0.01));
        assert!(
            of(&synth::vowel(120.0, &synth::A, 0.3, 1.0)).iter().all(|it| it.line < 0.8 && it.high > 0.5)
        );
    }

    #[test]
    fn level_does_not_colour_and_formants_do() {
        let (a, i) = (synth::vowel(120.0, &synth::A, 0.3, 1.0), synth::vowel(120.0, &synth::I, 0.3, 1.0));
        let quiet: Vec<f32> = a.iter().map(|sample| sample * 0.25).collect();
        assert!(apart(&a, &quiet) < 0.02 && apart(&a, &i) > 2.0, "{} {}", apart(&a, &quiet), apart(&a, &i));
    }

    #[test]
    fn what_is_not_voiced_has_no_colour() {
        assert_eq!(of(&synth::silence(1.0)), []);
        assert_eq!(of(&[]), []);
    }
}
