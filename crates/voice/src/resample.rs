//! Any sampling rate to 16 kHz, band-limited, with time 0 staying time 0.
//!
//! Polyphase windowed sinc (Smith, *Digital Audio Resampling*, CCRMA 2002; Kaiser window, Kaiser & Schafer 1980). Sound
//! is pushed in pieces of any size; only the reach of the kernel is kept.
//!
//! With `up / down` the ratio of the rates in lowest terms, output n lies at input n · down / up: a whole sample and one of
//! `up` phases between it and the next. Each phase has its row of weights, made once. The kernel is symmetric about its
//! place, so there is no delay to correct; beyond the ends of the sound it reads zeros. Up to 6.9 kHz the response is flat,
//! and from 8 kHz on it is 70 dB down (for lower input rates, the same shares of their Nyquist frequency).

use std::f64::consts::PI;

use crate::recording::RATE;

/// Zero crossings of the sinc on each side: with [`BETA`] a transition of about 1.1 kHz at a 16 kHz output.
const CROSSINGS: f64 = 32.0;
/// Kaiser's β for 70 dB of stop band: 0.1102 (70 − 8.7).
const BETA: f64 = 6.755;
/// Middle of the transition, as a share of the lower Nyquist frequency, so that the stop band begins there.
const CUTOFF: f64 = 0.933;
/// Most kernel phases kept. Rates that need more use the nearest: at most 1/4096 of a sample off, below −70 dB.
const MAX_PHASES: u64 = 2048;
/// Samples taken before those no longer needed are dropped.
const DROP: usize = 1 << 15;

/// A converter from one rate to 16 kHz.
pub(crate) struct Resampler {
    out: Vec<f32>,
    kernel: Option<Kernel>,
    pending: Vec<f32>,
    /// Input samples already dropped from the front of `pending`.
    dropped: u64,
    seen: u64,
    /// Place of the next output among the inputs: a whole sample and `rest / up` of one.
    whole: u64,
    rest: u64,
}

struct Kernel {
    /// `[phases + 1, taps]`, each row summing to 1.
    rows: Vec<f32>,
    phases: u64,
    taps: usize,
    /// Outputs for every `down` inputs.
    up: u64,
    down: u64,
}

impl Resampler {
    /// A converter from `rate` Hz.
    pub(crate) fn new(rate: u32) -> Self {
        let kernel = (rate != RATE).then(|| Kernel::new(rate));
        let before = kernel.as_ref().map_or(0, |kernel| kernel.taps / 2 - 1);
        Self { out: Vec::new(), kernel, pending: vec![0.0; before], dropped: 0, seen: 0, whole: 0, rest: 0 }
    }

    /// Takes more samples at the input rate.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.seen += samples.len() as u64;
        if self.kernel.is_none() {
            self.out.extend_from_slice(samples);
            return;
        }
        self.pending.extend_from_slice(samples);
        self.convert(usize::MAX);
    }

    /// The 16 kHz sound: as many samples as the input's length in time, rounded.
    pub(crate) fn finish(mut self) -> Vec<f32> {
        if let Some(Kernel { taps, up, down, .. }) = self.kernel {
            let wanted = (self.seen * up + down / 2) / down;
            self.pending.resize(self.pending.len() + taps, 0.0);
            self.convert(wanted as usize);
        }
        self.out
    }

    fn convert(&mut self, wanted: usize) {
        let Some(kernel) = &self.kernel else { return };
        let end = self.dropped + self.pending.len() as u64;
        while self.whole + kernel.taps as u64 <= end && self.out.len() < wanted {
            let start = (self.whole - self.dropped) as usize;
            self.out.push(dot(kernel.row(self.rest), &self.pending[start..start + kernel.taps]));
            self.rest += kernel.down;
            self.whole += self.rest / kernel.up;
            self.rest %= kernel.up;
        }
        let spent = (self.whole - self.dropped) as usize;
        if spent > DROP && spent <= self.pending.len() {
            self.pending.drain(..spent);
            self.dropped = self.whole;
        }
    }
}

impl Kernel {
    fn new(rate: u32) -> Self {
        let shared = divisor(rate, RATE);
        let (up, down) = (u64::from(RATE / shared), u64::from(rate / shared));
        let lower = f64::from(RATE.min(rate)) / f64::from(rate);
        let half = (CROSSINGS / lower).ceil() as usize;
        let (phases, taps) = (up.min(MAX_PHASES), 2 * half);
        let rows =
            (0..=phases).flat_map(|phase| row(phase as f64 / phases as f64, half, CUTOFF * lower)).collect();
        Self { rows, phases, taps, up, down }
    }

    fn row(&self, rest: u64) -> &[f32] {
        let phase = (rest * self.phases + self.up / 2) / self.up;
        let start = phase as usize * self.taps;
        &self.rows[start..start + self.taps]
    }
}

/// One kernel row, `[2 half]`: the weights of the inputs around a place `phase` past the middle one.
fn row(phase: f64, half: usize, cutoff: f64) -> Vec<f32> {
    let at = |tap: usize| tap as f64 - (half as f64 - 1.0) - phase;
    let weights: Vec<f64> =
        (0..2 * half).map(|tap| sinc(cutoff * at(tap)) * kaiser(BETA, at(tap) / half as f64)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// sin πx / πx.
fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Kaiser's window at `x` in `[-1, 1]`, not normalised; 0 outside.
pub(crate) fn kaiser(beta: f64, x: f64) -> f64 {
    if x.abs() > 1.0 { 0.0 } else { bessel(beta * (1.0 - x * x).sqrt()) }
}

/// Modified Bessel function of order zero, by its power series.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-12 * sum {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// Eight running sums, so that the compiler may use vector registers without reordering one sum.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in chunks_a.zip(chunks_b) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}

/// Greatest common divisor (Euclid).
fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let count = (seconds * f64::from(rate)) as usize;
        (0..count).map(|n| (0.5 * (2.0 * PI * hertz * n as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn resampled(samples: &[f32], rate: u32, piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate);
        samples.chunks(piece).for_each(|samples| resampler.push(samples));
        resampler.finish()
    }

    #[test]
    fn a_tone_keeps_its_phase_and_level_from_any_rate() {
        for rate in [8_000, 11_025, 22_050, 32_000, 44_100, 44_101, 48_000, 96_000] {
            let (got, want) = (resampled(&tone(1000.0, rate, 0.5), rate, 1152), tone(1000.0, RATE, 0.5));
            assert!(got.len().abs_diff(want.len()) <= 1, "{rate}: {} samples", got.len());
            let worst = (500..7500).map(|n| (got[n] - want[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 5e-4, "{rate}: off by {worst}");
        }
    }

    #[test]
    fn a_tone_above_the_new_limit_is_gone() {
        let left = resampled(&tone(9000.0, 48_000, 0.5), 48_000, 4096);
        let worst = left[200..7800].iter().fold(0.0f32, |worst, sample| worst.max(sample.abs()));
        assert!(worst < 5e-4, "{worst}");
    }

    #[test]
    fn the_size_of_the_pieces_does_not_matter() {
        let sound = tone(700.0, 44_100, 2.0);
        let whole = resampled(&sound, 44_100, sound.len());
        assert_eq!(whole, resampled(&sound, 44_100, 7));
        assert_eq!(whole, resampled(&sound, 44_100, 40_000));
    }

    #[test]
    fn a_constant_stays_a_constant() {
        let flat = resampled(&vec![0.25; 48_000], 48_000, 1000);
        assert!(flat[100..15_900].iter().all(|sample| (sample - 0.25).abs() < 1e-6));
    }
}
