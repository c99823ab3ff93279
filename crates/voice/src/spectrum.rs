//! The short-time spectrum, and the contours that are read off it in one pass.
//!
//! A frame is 20 ms under a Hamming window, every 10 ms, padded to 512 samples: bins of 31.25 Hz. One plan and one set of
//! buffers serve all frames, and of each frame only a handful of numbers is kept: six thousand frames of a minute leave
//! nine contours, no spectrogram. [`spectrogram`] makes one on demand, no finer than its figure.
//!
//! Power is scaled so that a sine of amplitude a that lies on a bin has power a² there.
//!
//! Eyben, F., et al. (2016). The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice research and affective
//! computing. *IEEE Transactions on Affective Computing* 7(2), 190–202. The set here is in its style and claims no identity.

pub(crate) mod logarithm;
mod mel;
mod picture;
mod shape;

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex64};

use crate::{
    contour::{Contour, Grid},
    recording::RATE,
    spectrum::{mel::Hearing, shape::Shape},
};

pub use self::{
    mel::{MelScale, MelSettings, mel_power, mfcc},
    picture::spectrogram,
};

/// Samples of a frame: 20 ms.
const FRAME: usize = 320;
/// Samples of the transform.
const SIZE: usize = 512;
/// From one bin to the next, in hertz.
const BIN_HZ: f64 = RATE as f64 / SIZE as f64;

/// Contours of the spectrum, `[frames]` each, on the grid of all contours. Where a frame is digital silence the ratios and
/// slopes are undefined, and the others are what silence gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spectrum {
    pub(crate) loudness: Contour,
    pub(crate) mfcc: [Contour; 4],
    pub(crate) alpha_ratio: Contour,
    pub(crate) hammarberg: Contour,
    pub(crate) slope_0_500: Contour,
    pub(crate) slope_500_1500: Contour,
    pub(crate) flux: Contour,
}

impl Spectrum {
    /// The contours of 16 kHz `samples`.
    pub(crate) fn of(samples: &[f32]) -> Self {
        let mut read = SpectrumTrack::new();
        Grid::default().centres(samples.len()).for_each(|centre| read.push(samples, centre));
        read.contours()
    }
}

/// The contours of the spectrum, taken frame by frame.
pub(crate) struct SpectrumTrack {
    frames: Frames,
    hearing: Hearing,
    shape: Shape,
    columns: [Vec<f32>; 10],
}

impl SpectrumTrack {
    pub(crate) fn new() -> Self {
        let frames = Frames::new(hamming(FRAME), SIZE);
        Self { frames, hearing: Hearing::new(), shape: Shape::new(), columns: Default::default() }
    }

    /// Takes the next frame, around sample `centre` of `samples`.
    pub(crate) fn push(&mut self, samples: &[f32], centre: f64) {
        let power = self.frames.power(samples, centre);
        let heard = self.hearing.hear(power);
        let shape = self.shape.read(power);
        let [mfcc1, mfcc2, mfcc3, mfcc4] = heard.mfcc;
        let row = [heard.loudness, mfcc1, mfcc2, mfcc3, mfcc4, shape.alpha_ratio, shape.hammarberg];
        let row = row.into_iter().chain([shape.slope_0_500, shape.slope_500_1500, shape.flux]);
        self.columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }

    /// The contours so far.
    pub(crate) fn contours(&self) -> Spectrum {
        let [loudness, mfcc1, mfcc2, mfcc3, mfcc4, alpha_ratio, hammarberg, low, high, flux] =
            self.columns.each_ref().map(|values| Contour::new(Grid::default(), values.clone()));
        let mfcc = [mfcc1, mfcc2, mfcc3, mfcc4];
        Spectrum { loudness, mfcc, alpha_ratio, hammarberg, slope_0_500: low, slope_500_1500: high, flux }
    }
}

/// Power spectra frame by frame; plan and buffers are made once. The transform is in double precision: what lies 80 dB below
/// the strongest partial of a frame is still right to a thousandth.
pub(crate) struct Frames {
    window: Vec<f64>,
    plan: Arc<dyn RealToComplex<f64>>,
    padded: Vec<f64>,
    bins: Vec<Complex64>,
    scratch: Vec<Complex64>,
    power: Vec<f32>,
}

impl Frames {
    /// Frames under `window`, padded to `size` samples; power is scaled by the square of the window's mean gain, so that
    /// a sine of amplitude a on a bin has power a². `size` is at least the window's length.
    pub(crate) fn new(window: Vec<f64>, size: usize) -> Self {
        let gain = 2.0 / window.iter().sum::<f64>();
        Self::unscaled(window.iter().map(|weight| weight * gain).collect(), size)
    }

    /// Frames whose power is |Σ w x e^{−iωn}|².
    fn unscaled(window: Vec<f64>, size: usize) -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(size);
        let (padded, bins, scratch) =
            (plan.make_input_vec(), plan.make_output_vec(), plan.make_scratch_vec());
        let power = vec![0.0; bins.len()];
        Self { window, plan, padded, bins, scratch, power }
    }

    /// Power spectrum of the frame around sample `centre`, `[size / 2 + 1]`; beyond the ends there is silence.
    pub(crate) fn power(&mut self, samples: &[f32], centre: f64) -> &[f32] {
        self.load(samples, (centre - self.window.len() as f64 / 2.0).round() as isize);
        self.plan
            .process_with_scratch(&mut self.padded, &mut self.bins, &mut self.scratch)
            .expect("buffers were made by the plan");
        for (power, bin) in self.power.iter_mut().zip(&self.bins) {
            *power = bin.norm_sqr() as f32;
        }
        &self.power
    }

    fn load(&mut self, samples: &[f32], start: isize) {
        let (length, count) = (self.window.len() as isize, samples.len() as isize);
        let (from, to) = (start.clamp(0, count), (start + length).clamp(0, count));
        self.padded.fill(0.0);
        let inside = (from - start) as usize..(to - start) as usize;
        let weights = self.window[inside.clone()].iter();
        let pairs = weights.zip(&samples[from as usize..to as usize]);
        self.padded[inside]
            .iter_mut()
            .zip(pairs)
            .for_each(|(place, (weight, sample))| *place = weight * f64::from(*sample));
    }
}

/// Hamming's window, 0.54 − 0.46 cos (Harris 1978), symmetric about the middle of `length` samples.
fn hamming(length: usize) -> Vec<f64> {
    let angle = |n: usize| 2.0 * std::f64::consts::PI * (n as f64 + 0.5) / length as f64;
    (0..length).map(|n| 0.54 - 0.46 * angle(n).cos()).collect()
}

/// Bins from `low` to `high` hertz, both included.
fn bins(low: f64, high: f64) -> std::ops::Range<usize> {
    (low / BIN_HZ).ceil() as usize..(high / BIN_HZ).floor() as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    fn spectrum(samples: &[f32]) -> Spectrum {
        Spectrum::of(samples)
    }

    /// All ten contours.
    fn contours(spectrum: &Spectrum) -> Vec<&Contour> {
        let Spectrum { loudness, mfcc, alpha_ratio, hammarberg, slope_0_500, slope_500_1500, flux } =
            spectrum;
        mfcc.iter().chain([loudness, alpha_ratio, hammarberg, slope_0_500, slope_500_1500, flux]).collect()
    }

    /// Values of the frames that do not touch the ends.
    fn inner(contour: &Contour) -> Vec<f64> {
        (3..contour.len() - 3).map(|frame| f64::from(contour.get(frame).unwrap())).collect()
    }

    fn tones(tones: &[(f64, f64)], seconds: f64) -> Vec<f32> {
        let parts: Vec<Vec<f32>> = tones.iter().map(|(hertz, a)| synth::tone(*hertz, *a, seconds)).collect();
        (0..parts[0].len()).map(|n| parts.iter().map(|part| part[n]).sum()).collect()
    }

    #[test]
    fn two_tones_give_alpha_ratio_and_hammarberg_index() {
        // 500 Hz and 3 kHz lie on bins, 80 to 1 in power: 10 log10(1/80) and 10 log10 80.
        for ratio in [1.0f64, 80.0, 1000.0] {
            let spectrum = spectrum(&tones(&[(500.0, 0.2), (3000.0, 0.2 / ratio.sqrt())], 0.5));
            let decibels = 10.0 * ratio.log10();
            assert!(inner(&spectrum.alpha_ratio).iter().all(|got| (got + decibels).abs() < 0.1), "{ratio}");
            assert!(inner(&spectrum.hammarberg).iter().all(|got| (got - decibels).abs() < 0.1), "{ratio}");
        }
    }

    #[test]
    fn a_tilted_spectrum_has_its_slope() {
        // A pulse a² / (a² + t²) has the magnitude e^{−2π a |f|}: 20 log10(e) 2π a dB a hertz, a straight line.
        for db_per_hz in [-0.01, -0.03, -0.05] {
            let width = -db_per_hz / (20.0 * std::f64::consts::LOG10_E * 2.0 * std::f64::consts::PI);
            let pulse = |n: usize| {
                let t = (n as f64 + 0.5 - 880.0) / f64::from(RATE);
                (0.5 * width * width / (width * width + t * t)) as f32
            };
            let spectrum = spectrum(&(0..1760).map(pulse).collect::<Vec<_>>());
            let (low, high) = (spectrum.slope_0_500.get(5).unwrap(), spectrum.slope_500_1500.get(5).unwrap());
            for got in [low, high] {
                assert!((f64::from(got) / db_per_hz - 1.0).abs() < 0.02, "{got} for {db_per_hz}");
            }
        }
    }

    #[test]
    fn a_steady_tone_has_no_flux() {
        for hertz in [250.0, 440.0, 1000.0, 1234.5, 3333.3] {
            let flux = inner(&spectrum(&synth::tone(hertz, 0.1, 0.5)).flux);
            assert!(flux.iter().all(|flux| *flux < 1e-4), "{hertz} Hz: {flux:?}");
        }
    }

    #[test]
    fn louder_changes_only_loudness_and_flux() {
        let quiet = synth::vowel(120.0, &synth::A, 0.1, 0.5);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 4.0).collect();
        let (quiet, loud) = (spectrum(&quiet), spectrum(&loud));
        assert_eq!((&quiet.alpha_ratio, &quiet.hammarberg), (&loud.alpha_ratio, &loud.hammarberg));
        for (quiet, loud) in
            quiet.mfcc.iter().chain([&quiet.slope_0_500]).zip(loud.mfcc.iter().chain([&loud.slope_0_500]))
        {
            assert!(inner(quiet).iter().zip(inner(loud)).all(|(a, b)| (a - b).abs() < 1e-3));
        }
        let pairs = |of: fn(&Spectrum) -> &Contour| inner(of(&quiet)).into_iter().zip(inner(of(&loud)));
        // Sixteen times the power is 16^0.33 the loudness, four times the amplitude four times the flux.
        assert!(pairs(|it| &it.loudness).all(|(a, b)| (b / a / 16f64.powf(0.33) - 1.0).abs() < 1e-4));
        assert!(pairs(|it| &it.flux).all(|(a, b)| (b - 4.0 * a).abs() < 1e-6));
    }

    #[test]
    fn silence_has_no_ratios_and_nothing_is_infinite() {
        let spectrum = spectrum(&synth::silence(0.5));
        assert_eq!(spectrum.alpha_ratio.defined().count() + spectrum.slope_0_500.defined().count(), 0);
        assert!(spectrum.loudness.defined().all(|loudness| loudness == 0.0));
        assert!(contours(&spectrum).iter().all(|contour| contour.len() == 50));
        assert!(contours(&Spectrum::of(&[])).iter().all(|contour| contour.is_empty()));
    }
}
