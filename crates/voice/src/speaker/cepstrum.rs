//! The colour of voiced sound, for telling voices apart: mel-frequency cepstra of frames 20 ms apart.
//!
//! Davis, S., & Mermelstein, P. (1980). Comparison of parametric representations for monosyllabic word recognition.
//! *IEEE Transactions on Acoustics, Speech, and Signal Processing* 28, 357–366: log energies of triangular bands, equally
//! wide on the mel scale, and their cosine transform. Only what tells voices apart is kept: coefficients 1 to 12, of
//! voiced frames, because silence and fricatives sound alike in all of us. These are no measures; nothing here is reported.

use std::f64::consts::PI;

use realfft::RealFftPlanner;

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
/// Added to each band's energy: −100 dB re full scale, so that an empty band has a logarithm.
const FLOOR: f32 = 1e-10;

/// Cepstra of the voiced frames: the frame of the pitch contour, and the coefficients, in order.
pub(crate) fn voiced_cepstra(samples: &[f32], f0: &Contour) -> Vec<(usize, Cepstrum)> {
    let plan = RealFftPlanner::new().plan_fft_forward(FRAME);
    let (mut frame, mut spectrum) = (plan.make_input_vec(), plan.make_output_vec());
    let mut scratch = plan.make_scratch_vec();
    let (bands, cosines) = (Bands::new(), cosines());
    let window: Vec<f32> = (0..FRAME).map(|n| hann(n) / FRAME as f32).collect();
    let mut found = Vec::new();
    for place in (0..f0.len()).step_by(STEP).filter(|place| f0.get(*place).is_some()) {
        let Some(sound) = around(samples, f0, place) else { continue };
        for ((value, sample), weight) in frame.iter_mut().zip(sound).zip(&window) {
            *value = sample * weight;
        }
        plan.process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
            .expect("buffers were made by the plan");
        let powers: Vec<f32> = spectrum.iter().take(bands.reach).map(|bin| bin.norm_sqr()).collect();
        found.push((place, transform(&bands.logarithms(&powers), &cosines)));
    }
    found
}

/// The samples of a frame; `None` where it reaches beyond the ends.
fn around<'a>(samples: &'a [f32], f0: &Contour, place: usize) -> Option<&'a [f32]> {
    let grid = f0.grid();
    let centre = (grid.first.0 + place as f64 * grid.hop.0) * f64::from(RATE);
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
    /// Bins below the upper end.
    reach: usize,
}

impl Bands {
    fn new() -> Self {
        // O'Shaughnessy's mel: 2595 log10(1 + f / 700).
        let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
        let hertz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
        let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
        let edge = |place: usize| hertz(low + (high - low) * place as f64 / (BANDS + 1) as f64);
        let weights = (0..BANDS).map(|band| triangle([edge(band), edge(band + 1), edge(band + 2)])).collect();
        Self { weights, reach: (HIGHEST_HZ / bin_hz()).ceil() as usize + 1 }
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
