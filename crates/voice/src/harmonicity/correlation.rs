//! Normalised forward cross-correlation of one frame, by three transforms.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::interpolate::{PHASES, Sinc, vertex};

/// One period of the 75 Hz floor in samples: the length of the window, and the longest lag.
const PERIOD: usize = 213;
/// The window and the longest lag: the part of the sound that a frame is about.
pub(super) const FRAME: usize = 2 * PERIOD;
/// Taps of the windowed sinc that reads the correlation between its lags.
const TAPS: usize = 48;
/// Size of the transforms: the frame with its margins fits.
const SIZE: usize = 512;
/// A maximum this much below the greatest, both by parabola, cannot become the greatest when it is read exactly.
const CLOSE: f32 = 0.15;
/// Shortest lag that is a period, in samples: 4 kHz.
const SHORTEST: usize = 4;

/// Correlates frames; plans and buffers are made once.
pub(super) struct Forward {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    frame: Vec<f32>,
    padded: Vec<f32>,
    window: Vec<Complex32>,
    whole: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// Normalised correlation at lags −margin to PERIOD + margin.
    correlation: Vec<f32>,
    /// Squares of the frame's samples.
    squares: Vec<f64>,
    /// Energy of the period from every lag on, `[correlation]`.
    energies: Vec<f64>,
    sinc: Sinc,
}

impl Forward {
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(SIZE), planner.plan_fft_inverse(SIZE));
        let scratch = vec![Complex32::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        Self {
            frame: vec![0.0; FRAME + 2 * (TAPS / 2)],
            padded: forward.make_input_vec(),
            window: forward.make_output_vec(),
            whole: forward.make_output_vec(),
            correlation: vec![0.0; PERIOD + 2 * (TAPS / 2)],
            squares: vec![0.0; FRAME + 2 * (TAPS / 2)],
            energies: vec![0.0; PERIOD + 2 * (TAPS / 2)],
            sinc: Sinc::new(TAPS),
            scratch,
            forward,
            inverse,
        }
    }

    /// Samples before and after the frame that the interpolation needs.
    pub(super) fn margin(&self) -> usize {
        TAPS / 2
    }

    /// Samples of a frame with its margins.
    pub(super) fn length(&self) -> usize {
        self.frame.len()
    }

    /// Takes a frame with its margins, less the mean of the frame, and returns the greatest amplitude of its middle
    /// period.
    pub(super) fn load(&mut self, frame: &[f32]) -> f32 {
        let (inside, margin) = (FRAME, self.margin());
        let mean = frame[margin..margin + inside].iter().sum::<f32>() / inside as f32;
        self.frame.iter_mut().zip(frame).for_each(|(own, sample)| *own = sample - mean);
        let middle = margin + (FRAME - PERIOD) / 2;
        self.frame[middle..middle + PERIOD].iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    /// The greatest correlation of the loaded frame at any lag that is a maximum; `None` where there is none.
    pub(super) fn greatest(&mut self) -> Option<f32> {
        self.correlate();
        let peaks =
            || (self.margin() + SHORTEST..self.margin() + PERIOD).filter_map(|place| self.peak(place));
        let best = peaks().map(|(_, height)| height).reduce(f32::max)?;
        peaks()
            .filter(|(_, height)| *height > best - CLOSE)
            .map(|(place, _)| self.refine(place))
            .reduce(f32::max)
    }

    /// Place and height of a maximum of the parabola around `place`.
    fn peak(&self, place: usize) -> Option<(f32, f32)> {
        let [before, here, after] = [place - 1, place, place + 1].map(|place| self.correlation[place]);
        if !(here > before && here >= after && here > 0.0) {
            return None;
        }
        let (offset, height) = vertex(before, here, after);
        Some((place as f32 + offset, height))
    }

    /// Height of the maximum near `place`: a windowed sinc reads the correlation an eighth of a lag to each side, and a
    /// parabola over those gives the top.
    fn refine(&self, place: f32) -> f32 {
        let place = (place * PHASES as f32).round() as usize;
        let step = PHASES / 8;
        let [left, middle, right] = [place - step, place, place + step].map(|place| self.read(place));
        vertex(left, middle, right).1
    }

    /// The correlation at `place / PHASES`.
    fn read(&self, place: usize) -> f32 {
        self.sinc.read(&self.correlation, place - (TAPS / 2 - 1) * PHASES)
    }

    /// Correlation of the first period of the frame with the frame from every lag on, over the root of both energies.
    fn correlate(&mut self) {
        let margin = self.margin();
        let sizes = "buffers were made by the plan";
        self.padded.fill(0.0);
        self.padded[..PERIOD].copy_from_slice(&self.frame[margin..margin + PERIOD]);
        self.forward
            .process_with_scratch(&mut self.padded, &mut self.window, &mut self.scratch)
            .expect(sizes);
        self.padded.fill(0.0);
        self.padded[..self.frame.len()].copy_from_slice(&self.frame);
        self.forward.process_with_scratch(&mut self.padded, &mut self.whole, &mut self.scratch).expect(sizes);
        for (whole, window) in self.whole.iter_mut().zip(&self.window) {
            *whole *= window.conj() / SIZE as f32;
        }
        self.inverse.process_with_scratch(&mut self.whole, &mut self.padded, &mut self.scratch).expect(sizes);
        self.normalise();
    }

    /// Over the root of the energy of the first period times that of the period a lag later. The energies are a chain, each
    /// made of the one before; the roots and quotients stand apart from it, so that they are taken several at once.
    fn normalise(&mut self) {
        let margin = self.margin();
        for (square, sample) in self.squares.iter_mut().zip(&self.frame) {
            *square = f64::from(*sample) * f64::from(*sample);
        }
        let own: f64 = self.squares[margin..margin + PERIOD].iter().sum();
        let mut energy: f64 = self.squares[..PERIOD].iter().sum();
        let ends = self.squares[PERIOD..].iter().zip(&self.squares);
        for (place, (entering, leaving)) in self.energies.iter_mut().zip(ends) {
            *place = energy;
            energy = (energy + entering - leaving).max(0.0);
        }
        for ((value, energy), product) in self.correlation.iter_mut().zip(&self.energies).zip(&self.padded) {
            let norm = (own * energy).sqrt();
            let quotient = (f64::from(*product) / norm) as f32;
            *value = if norm > 1e-20 { quotient } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_that_repeats_correlates_with_itself_at_its_period() {
        let mut forward = Forward::new();
        let sound = |n: usize| ((n % 100) as f32 * 0.7).sin() * 0.3;
        let frame: Vec<f32> = (0..forward.length()).map(sound).collect();
        forward.load(&frame);
        assert!((forward.greatest().unwrap() - 1.0).abs() < 1e-4);
        // Whatever the transform does, one lag by hand is the same.
        let (lag, margin) = (37, forward.margin());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let first = &forward.frame[margin..margin + PERIOD];
        let later = &forward.frame[margin + lag..margin + lag + PERIOD];
        let by_hand = dot(first, later) / (dot(first, first) * dot(later, later)).sqrt();
        assert!((f64::from(forward.correlation[margin + lag]) - by_hand).abs() < 1e-5);
    }

    #[test]
    fn silence_correlates_with_nothing() {
        let mut forward = Forward::new();
        let silence = vec![0.0; forward.length()];
        assert_eq!((forward.load(&silence), forward.greatest()), (0.0, None));
    }
}
