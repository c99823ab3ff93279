//! How high the sound reaches.

use realfft::RealFftPlanner;

use crate::recording::{RATE, Recording};

/// Samples of a frame: 32 ms, bins of 31 Hz.
const FRAME: usize = 512;
/// Most frames looked at, spread over the recording: the average of so many no longer changes.
const FRAMES: usize = 400;
/// How far below its strongest bin the average spectrum may be and still count, in dB.
const DEEPEST_DB: f32 = 65.0;

/// The highest frequency at which the average power spectrum is within 65 dB of its strongest bin, in hertz; `None` for
/// less than a frame, and for silence.
pub(super) fn bandwidth(recording: &Recording) -> Option<f64> {
    let spectrum = average(recording.samples())?;
    let strongest = spectrum.iter().copied().fold(0.0, f32::max);
    let least = strongest * 10f32.powf(-DEEPEST_DB / 10.0);
    let highest = spectrum.iter().rposition(|power| *power > least)?;
    Some((highest as f64 * f64::from(RATE) / FRAME as f64).min(recording.highest().0))
}

/// Mean power spectrum of Hann frames, `[FRAME / 2 + 1]`.
fn average(samples: &[f32]) -> Option<Vec<f32>> {
    let step = (samples.len() / FRAMES).max(FRAME);
    let plan = RealFftPlanner::new().plan_fft_forward(FRAME);
    let (mut frame, mut spectrum) = (plan.make_input_vec(), plan.make_output_vec());
    let mut scratch = plan.make_scratch_vec();
    let window: Vec<f32> = (0..FRAME).map(hann).collect();
    let mut sums = vec![0.0f32; spectrum.len()];
    for start in (0..(samples.len() + 1).saturating_sub(FRAME)).step_by(step) {
        let weighted = samples[start..].iter().zip(&window).map(|(sample, weight)| sample * weight);
        frame.iter_mut().zip(weighted).for_each(|(place, sample)| *place = sample);
        plan.process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
            .expect("buffers were made by the plan");
        sums.iter_mut().zip(&spectrum).for_each(|(sum, bin)| *sum += bin.norm_sqr());
    }
    sums.iter().any(|sum| *sum > 0.0).then_some(sums)
}

fn hann(n: usize) -> f32 {
    0.5 - 0.5 * (2.0 * std::f32::consts::PI * (n as f32 + 0.5) / FRAME as f32).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn noise_reaches_the_top_and_a_tone_does_not() {
        let of = |samples| bandwidth(&Recording::from_samples(samples));
        assert!(of(synth::noise(0.1, 1.0, 1)).unwrap() > 7900.0);
        assert!(of(synth::tone(1000.0, 0.1, 1.0)).unwrap() < 1300.0);
        assert_eq!((of(synth::silence(1.0)), of(vec![0.1; 100])), (None, None));
    }
}
