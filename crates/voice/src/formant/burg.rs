//! Linear prediction by Burg's method.
//!
//! Burg, J. P. (1975). *Maximum entropy spectral analysis*. Dissertation, Stanford; as in Andersen, N. (1974). On the
//! calculation of filter coefficients for maximum entropy spectral analysis. *Geophysics* 39, 69–72. Each order takes the
//! reflection coefficient that leaves the least energy in the forward and backward errors together; it is below 1 in
//! magnitude, so every pole lies inside the unit circle.

/// Lanes of the running sums: what the compiler turns into vector instructions.
const LANES: usize = 8;

/// Forward and backward errors of one order. At order m both hold the errors of the samples from the m-th on, the backward
/// ones a sample late, so that what is multiplied stands side by side.
#[derive(Default)]
struct Errors {
    forward: Vec<f32>,
    backward: Vec<f32>,
}

/// Σ f b and Σ (f² + b²) of one order.
struct Sums {
    product: f64,
    squares: f64,
}

/// Predicts frames; buffers are made once.
pub(super) struct Burg {
    order: usize,
    now: Errors,
    next: Errors,
    coefficients: Vec<f64>,
    previous: Vec<f64>,
}

impl Burg {
    pub(super) fn new(order: usize) -> Self {
        let coefficients = vec![0.0; order + 1];
        let (now, next) = (Errors::default(), Errors::default());
        Self { order, now, next, previous: coefficients.clone(), coefficients }
    }

    /// Coefficients 1, a₁ … aₙ of the prediction error filter of a frame, `[order + 1]`; `None` for a frame without energy or
    /// shorter than the order.
    pub(super) fn predict(&mut self, frame: &[f32]) -> Option<&[f64]> {
        let energy: f32 = frame.iter().map(|sample| sample * sample).sum();
        if !energy.is_normal() || frame.len() <= self.order + 1 {
            return None;
        }
        for errors in [&mut self.now, &mut self.next] {
            errors.forward.resize(frame.len(), 0.0);
            errors.backward.resize(frame.len(), 0.0);
        }
        self.now.forward.copy_from_slice(frame);
        self.now.backward.copy_from_slice(frame);
        self.coefficients.fill(0.0);
        self.coefficients[0] = 1.0;
        // A step with reflection 0 only sets the backward errors a sample late.
        let mut sums = self.advance(0.0, frame.len());
        for order in 1..=self.order {
            let reflection = (sums.squares > 0.0).then(|| -2.0 * sums.product / sums.squares)?;
            self.previous.copy_from_slice(&self.coefficients);
            for place in 1..=order {
                self.coefficients[place] += reflection * self.previous[order - place];
            }
            if order < self.order {
                sums = self.advance(reflection as f32, frame.len() - order);
            }
        }
        Some(&self.coefficients)
    }

    /// The errors of the next order from the first `length` of this: f′[n] = f[n + 1] + k b[n + 1], b′[n] = b[n] + k f[n];
    /// and their sums.
    fn advance(&mut self, reflection: f32, length: usize) -> Sums {
        let (count, blocks) = (length - 1, (length - 1) / LANES);
        let (mut products, mut squares) = ([0.0f32; LANES], [0.0f32; LANES]);
        for start in (0..blocks).map(|block| block * LANES) {
            let (f, b) =
                (&self.now.forward[start..=start + LANES], &self.now.backward[start..=start + LANES]);
            let forward = &mut self.next.forward[start..start + LANES];
            let backward = &mut self.next.backward[start..start + LANES];
            for lane in 0..LANES {
                let ahead = f[lane + 1] + reflection * b[lane + 1];
                let behind = b[lane] + reflection * f[lane];
                (forward[lane], backward[lane]) = (ahead, behind);
                products[lane] += ahead * behind;
                squares[lane] += ahead * ahead + behind * behind;
            }
        }
        for n in blocks * LANES..count {
            let ahead = self.now.forward[n + 1] + reflection * self.now.backward[n + 1];
            let behind = self.now.backward[n] + reflection * self.now.forward[n];
            (self.next.forward[n], self.next.backward[n]) = (ahead, behind);
            products[n % LANES] += ahead * behind;
            squares[n % LANES] += ahead * ahead + behind * behind;
        }
        std::mem::swap(&mut self.now, &mut self.next);
        let sum = |lanes: [f32; LANES]| lanes.iter().map(|it| f64::from(*it)).sum::<f64>();
        Sums { product: sum(products), squares: sum(squares) }
    }
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
