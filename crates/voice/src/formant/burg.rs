//! Linear prediction by Burg's method.
//!
//! Burg, J. P. (1975). *Maximum entropy spectral analysis*. Dissertation, Stanford; as in Andersen, N. (1974). On the
//! calculation of filter coefficients for maximum entropy spectral analysis. *Geophysics* 39, 69–72. Each order takes the
//! reflection coefficient that leaves the least energy in the forward and backward errors together; it is below 1 in
//! magnitude, so every pole lies inside the unit circle.

/// Lanes of the running sums: what the compiler turns into vector instructions.
const LANES: usize = 8;

/// Predicts frames; buffers are made once.
pub(super) struct Burg {
    order: usize,
    forward: Vec<f32>,
    backward: Vec<f32>,
    coefficients: Vec<f64>,
    previous: Vec<f64>,
}

impl Burg {
    pub(super) fn new(order: usize) -> Self {
        let coefficients = vec![0.0; order + 1];
        Self {
            order,
            forward: Vec::new(),
            backward: Vec::new(),
            previous: coefficients.clone(),
            coefficients,
        }
    }

    /// Coefficients 1, a₁ … aₙ of the prediction error filter of a frame, `[order + 1]`; `None` for a frame without energy or
    /// shorter than the order.
    pub(super) fn predict(&mut self, frame: &[f32]) -> Option<&[f64]> {
        let energy: f32 = frame.iter().map(|sample| sample * sample).sum();
        if !energy.is_normal() || frame.len() <= self.order + 1 {
            return None;
        }
        self.forward.clear();
        self.forward.extend_from_slice(&frame[1..]);
        self.backward.clear();
        self.backward.extend_from_slice(&frame[..frame.len() - 1]);
        self.coefficients.fill(0.0);
        self.coefficients[0] = 1.0;
        for order in 1..=self.order {
            let reflection = reflection(&self.forward, &self.backward)?;
            self.previous.copy_from_slice(&self.coefficients);
            for place in 1..=order {
                self.coefficients[place] += reflection * self.previous[order - place];
            }
            advance(&mut self.forward, &mut self.backward, reflection as f32);
        }
        Some(&self.coefficients)
    }
}

/// −2 Σ f b / Σ (f² + b²); `None` when nothing is left to predict.
fn reflection(forward: &[f32], backward: &[f32]) -> Option<f64> {
    let (mut products, mut squares) = ([0.0f32; LANES], [0.0f32; LANES]);
    let (ahead, behind) = (forward.chunks_exact(LANES), backward.chunks_exact(LANES));
    let tail = ahead.remainder().iter().zip(behind.remainder());
    let (mut product, mut square) = (0.0f64, 0.0f64);
    for (f, b) in tail.map(|(f, b)| (f64::from(*f), f64::from(*b))) {
        product += f * b;
        square += f * f + b * b;
    }
    for (f, b) in ahead.zip(behind) {
        for lane in 0..LANES {
            products[lane] += f[lane] * b[lane];
            squares[lane] += f[lane] * f[lane] + b[lane] * b[lane];
        }
    }
    product += products.iter().map(|it| f64::from(*it)).sum::<f64>();
    square += squares.iter().map(|it| f64::from(*it)).sum::<f64>();
    (square > 0.0).then(|| -2.0 * product / square)
}

/// Errors of the next order: f ← f + k b from the second on, b ← b + k f up to the last but one.
fn advance(forward: &mut Vec<f32>, backward: &mut Vec<f32>, reflection: f32) {
    let last = forward.len() - 1;
    for (f, b) in forward.iter_mut().zip(backward.iter_mut()) {
        let (ahead, behind) = (*f, *b);
        *f = ahead + reflection * behind;
        *b = behind + reflection * ahead;
    }
    forward.copy_within(1.., 0);
    forward.truncate(last);
    backward.truncate(last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn a_resonance_driven_by_noise_is_found() {
        // x[n] = 1.6 x[n−1] − 0.81 x[n−2] + noise.
        let mut sound = synth::noise(0.01, 2.0, 5);
        for n in 2..sound.len() {
            sound[n] += 1.6 * sound[n - 1] - 0.81 * sound[n - 2];
        }
        let mut burg = Burg::new(2);
        let found = burg.predict(&sound).unwrap();
        assert!((found[1] + 1.6).abs() < 0.02 && (found[2] - 0.81).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn louder_sound_has_the_same_filter_and_silence_has_none() {
        let quiet = synth::vowel(120.0, &synth::A, 0.1, 0.05);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 8.0).collect();
        let mut burg = Burg::new(10);
        let first = burg.predict(&quiet).unwrap().to_vec();
        assert_eq!(burg.predict(&loud).unwrap(), first);
        assert!(burg.predict(&[0.0; 500]).is_none() && burg.predict(&[0.5; 11]).is_none());
    }
}
