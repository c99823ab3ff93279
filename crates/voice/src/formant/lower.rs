//! Sound at a lower rate whose band ends sharply at its new limit.
//!
//! Linear prediction fits the whole band it is given: a resampler that rolls off below the limit takes poles away to model
//! its slope. So the band is cut by Fourier transform: blocks that overlap by a quarter, of each the lower part of the
//! spectrum, transformed back at the lower rate; the outer eighths of a block, where it meets its own other end, are dropped
//! (overlap-save: Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 8.7).

use realfft::{RealFftPlanner, num_complex::Complex32};

use crate::recording::RATE;

/// Samples of a block at 16 kHz; its outer eighths are 64 ms each.
const BLOCK: usize = 8192;

/// Sound at `rate` samples a second, where `rate` is as near to the wish as blocks allow (exactly 11 kHz).
pub(crate) struct Lowered {
    pub(crate) samples: Vec<f32>,
    pub(crate) rate: f64,
}

/// 16 kHz `samples` at about `wish` samples a second (at most 16 kHz), time 0 staying time 0.
pub(crate) fn lowered(samples: &[f32], wish: f64) -> Lowered {
    let eighth =
        (wish / f64::from(RATE) * (BLOCK / 8) as f64).round().clamp(1.0, (BLOCK / 8) as f64) as usize;
    let block = 8 * eighth;
    let rate = f64::from(RATE) * block as f64 / BLOCK as f64;
    let wanted = (samples.len() as f64 * rate / f64::from(RATE)).round() as usize;
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(BLOCK), planner.plan_fft_inverse(block));
    let (mut long, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let (mut kept, mut short) = (inverse.make_input_vec(), inverse.make_output_vec());
    let mut scratch = vec![Complex32::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
    let (gain, sizes) = (1.0 / BLOCK as f32, "buffers were made by the plan");
    let mut out = Vec::with_capacity(wanted + block);
    for start in (0..).map(|block| block * BLOCK * 3 / 4).take_while(|start| *start < samples.len()) {
        load(&mut long, samples, start);
        forward.process_with_scratch(&mut long, &mut spectrum, &mut scratch).expect(sizes);
        kept.iter_mut().zip(&spectrum).for_each(|(kept, bin)| *kept = bin * gain);
        // The spectrum ends below the limit.
        kept[block / 2] = Complex32::default();
        inverse.process_with_scratch(&mut kept, &mut short, &mut scratch).expect(sizes);
        out.extend_from_slice(&short[eighth..7 * eighth]);
    }
    out.truncate(wanted);
    Lowered { samples: out, rate }
}

/// Fills a block that begins an eighth before `start`; beyond the ends of the sound lies silence.
fn load(long: &mut [f32], samples: &[f32], start: usize) {
    let lead = BLOCK / 8;
    let skipped = lead.saturating_sub(start);
    let from = start + skipped - lead;
    let count = (BLOCK - skipped).min(samples.len() - from);
    long.fill(0.0);
    long[skipped..skipped + count].copy_from_slice(&samples[from..from + count]);
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
