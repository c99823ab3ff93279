//! Sound at a lower rate whose band ends sharply at its new limit.
//!
//! Linear prediction fits the whole band it is given: a resampler that rolls off below the limit takes poles away to model
//! its slope. So the band is cut by Fourier transform: blocks that overlap by a quarter, of each the lower part of the
//! spectrum, transformed back at the lower rate; the outer eighths of a block, where it meets its own other end, are dropped
//! (overlap-save: Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 8.7).

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::recording::RATE;

/// Samples of a block at 16 kHz; its outer eighths are 64 ms each.
pub(super) const BLOCK: usize = 8192;
/// Samples from one block to the next.
pub(super) const STEP: usize = BLOCK * 3 / 4;
/// Samples of a block before those it is for.
pub(super) const LEAD: usize = BLOCK / 8;

/// Sound at `rate` samples a second, where `rate` is as near to the wish as blocks allow (exactly 11 kHz).
pub(crate) struct Lowered {
    pub(crate) samples: Vec<f32>,
    pub(crate) rate: f64,
}

/// 16 kHz `samples` at about `wish` samples a second (at most 16 kHz), time 0 staying time 0.
pub(crate) fn lowered(samples: &[f32], wish: f64) -> Lowered {
    let mut lowering = Lowering::new(wish);
    let (rate, wanted) = (lowering.rate(), lowering.count(samples.len()));
    let mut out = Vec::with_capacity(wanted + BLOCK);
    let mut block = vec![0.0; BLOCK];
    for start in (0..samples.len()).step_by(STEP) {
        load(&mut block, samples, start);
        lowering.lower(&block, &mut out);
    }
    out.truncate(wanted);
    Lowered { samples: out, rate }
}

/// Lowers block by block; plans and buffers are made once.
pub(super) struct Lowering {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    long: Vec<f32>,
    spectrum: Vec<Complex32>,
    kept: Vec<Complex32>,
    short: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl Lowering {
    /// To about `wish` samples a second.
    pub(super) fn new(wish: f64) -> Self {
        let eighth = (wish / f64::from(RATE) * LEAD as f64).round().clamp(1.0, LEAD as f64) as usize;
        let mut planner = RealFftPlanner::<f32>::new();
        let (forward, inverse) = (planner.plan_fft_forward(BLOCK), planner.plan_fft_inverse(8 * eighth));
        Self {
            long: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            kept: inverse.make_input_vec(),
            short: inverse.make_output_vec(),
            scratch: vec![Complex32::default(); forward.get_scratch_len().max(inverse.get_scratch_len())],
            forward,
            inverse,
        }
    }

    /// Samples a second of what comes out.
    pub(super) fn rate(&self) -> f64 {
        f64::from(RATE) * self.short.len() as f64 / BLOCK as f64
    }

    /// How many samples so many become.
    pub(super) fn count(&self, samples: usize) -> usize {
        (samples as f64 * self.rate() / f64::from(RATE)).round() as usize
    }

    /// Adds to `out` what the inner three quarters of a `block`, `[BLOCK]`, become.
    pub(super) fn lower(&mut self, block: &[f32], out: &mut Vec<f32>) {
        let (gain, sizes) = (1.0 / BLOCK as f32, "buffers were made by the plan");
        self.long.copy_from_slice(block);
        self.forward
            .process_with_scratch(&mut self.long, &mut self.spectrum, &mut self.scratch)
            .expect(sizes);
        self.kept.iter_mut().zip(&self.spectrum).for_each(|(kept, bin)| *kept = bin * gain);
        // The spectrum ends below the limit.
        *self.kept.last_mut().expect("a block has bins") = Complex32::default();
        self.inverse.process_with_scratch(&mut self.kept, &mut self.short, &mut self.scratch).expect(sizes);
        let eighth = self.short.len() / 8;
        out.extend_from_slice(&self.short[eighth..7 * eighth]);
    }
}

/// Fills a block that begins an eighth before `start`; beyond the ends of the sound lies silence.
fn load(block: &mut [f32], samples: &[f32], start: usize) {
    let skipped = LEAD.saturating_sub(start);
    let from = start + skipped - LEAD;
    let count = (BLOCK - skipped).min(samples.len() - from);
    block.fill(0.0);
    block[skipped..skipped + count].copy_from_slice(&samples[from..from + count]);
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::synth;

    #[test]
    fn a_tone_below_the_limit_keeps_phase_and_level() {
        for (hertz, wish) in [(100.0, 11_000.0), (3000.0, 11_000.0), (5200.0, 11_000.0), (3000.0, 8000.0)] {
            let Lowered { samples, rate } = lowered(&synth::tone(hertz, 0.5, 1.3), wish);
            assert!((rate - wish).abs() < 1e-9 && samples.len() == (1.3 * rate).round() as usize);
            let want = |n: usize| 0.5 * (2.0 * PI * hertz * n as f64 / rate).sin();
            let inner = 500..samples.len() - 500;
            let worst = inner.map(|n| (f64::from(samples[n]) - want(n)).abs()).fold(0.0, f64::max);
            assert!(worst < 2e-3, "{hertz} Hz at {wish}: {worst}");
        }
    }

    #[test]
    fn a_tone_above_the_limit_is_gone() {
        let Lowered { samples, .. } = lowered(&synth::tone(5600.0, 0.5, 1.0), 11_000.0);
        let worst = samples[500..10_500].iter().fold(0.0f32, |worst, it| worst.max(it.abs()));
        assert!(worst < 0.01, "{worst}");
        assert!(lowered(&[], 11_000.0).samples.is_empty());
    }
}
