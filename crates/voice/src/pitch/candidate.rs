//! The candidates of one frame: maxima of the corrected autocorrelation.

use std::{f64::consts::PI, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::{
    interpolate::{PHASES, Sinc, vertex},
    pitch::{PitchSettings, samples_in},
};

/// Most candidates of a frame, the unvoiced one included (Boersma 1993, table 1).
pub(super) const MOST: usize = 15;
/// Taps of the windowed sinc that reads the autocorrelation between its lags.
const TAPS: usize = 16;

/// One candidate of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// F0 in hertz; NaN for the unvoiced candidate.
    pub(super) hertz: f32,
    /// log2 of F0, 0 for the unvoiced candidate.
    pub(super) octave: f32,
    /// Strength, with the favour of high candidates.
    pub(super) strength: f32,
}

impl Candidate {
    pub(super) fn unvoiced(strength: f64) -> Self {
        Self { hertz: f32::NAN, octave: 0.0, strength: strength as f32 }
    }

    pub(super) fn is_voiced(&self) -> bool {
        !self.hertz.is_nan()
    }
}

/// Finds candidates frame by frame; plans and buffers are made once.
pub(super) struct Finder {
    settings: PitchSettings,
    loudest: f64,
    window: Vec<f32>,
    /// 1 over the window's own autocorrelation, `[lags]`, normalised at lag 0.
    correction: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    frame: Vec<f32>,
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// Corrected autocorrelation, `[TAPS / 2 + lags + TAPS / 2]`: mirrored before lag 0.
    correlation: Vec<f32>,
    sinc: Sinc,
    found: Vec<Candidate>,
}

impl Finder {
    pub(super) fn new(settings: &PitchSettings, loudest: f64) -> Self {
        let length = samples_in(3.0 / settings.floor.0) as usize;
        let lags = samples_in(1.0 / settings.floor.0) as usize + 2 + TAPS / 2;
        let size = (length + lags).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let (padded, spectrum) = (forward.make_input_vec(), forward.make_output_vec());
        let scratch = vec![Complex32::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        let mut finder = Self {
            settings: *settings,
            loudest,
            window: hann(length),
            correction: vec![1.0; lags],
            forward,
            inverse,
            frame: vec![0.0; length],
            padded,
            spectrum,
            scratch,
            correlation: vec![0.0; TAPS / 2 + lags],
            sinc: Sinc::flat(TAPS),
            found: Vec::with_capacity(lags),
        };
        finder.calibrate();
        finder
    }

    /// The window's own autocorrelation, by the same path as a frame's (equation 8 and figure 1).
    fn calibrate(&mut self) {
        self.frame.fill(1.0);
        self.correlate();
        self.correction = self.correlation[TAPS / 2..].iter().map(|own| 1.0 / own.max(1e-6)).collect();
    }

    /// The greatest amplitude is another from here on.
    pub(super) fn louder(&mut self, loudest: f64) {
        self.loudest = loudest;
    }

    /// Appends the candidates of the frame around sample `centre`, the unvoiced one first, and returns the frame's
    /// greatest amplitude.
    pub(super) fn find(&mut self, samples: &[f32], centre: f64, candidates: &mut Vec<Candidate>) -> f32 {
        let peak = self.load(samples, centre);
        let unvoiced = self.settings.unvoiced(f64::from(peak) / self.loudest);
        candidates.push(Candidate::unvoiced(unvoiced));
        if unvoiced < self.settings.hopeless() && peak > 0.0 {
            self.correlate();
            self.pick(candidates);
        }
        peak
    }

    /// Copies the frame, 0 beyond the ends, takes its mean away and returns its greatest amplitude.
    fn load(&mut self, samples: &[f32], centre: f64) -> f32 {
        let length = self.frame.len() as isize;
        let start = (centre - length as f64 / 2.0).round() as isize;
        let within = |place: isize| place.clamp(0, samples.len() as isize) as usize;
        let (from, to) = (within(start), within(start + length));
        self.frame.fill(0.0);
        let inside = (from as isize - start) as usize;
        let frame = &mut self.frame[inside..inside + to - from];
        frame.copy_from_slice(&samples[from..to]);
        let mean = frame.iter().sum::<f32>() / frame.len().max(1) as f32;
        let mut peak = 0.0f32;
        for sample in frame {
            *sample -= mean;
            peak = peak.max(sample.abs());
        }
        peak
    }

    /// Corrected autocorrelation of the windowed frame, by the squared magnitude of its spectrum.
    fn correlate(&mut self) {
        self.padded.fill(0.0);
        for ((padded, sample), weight) in self.padded.iter_mut().zip(&self.frame).zip(&self.window) {
            *padded = sample * weight;
        }
        let sizes = "buffers were made by the plan";
        self.forward
            .process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch)
            .expect(sizes);
        for bin in &mut self.spectrum {
            *bin = Complex32::new(bin.norm_sqr(), 0.0);
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum, &mut self.padded, &mut self.scratch)
            .expect(sizes);
        let energy = self.padded[0].max(f32::MIN_POSITIVE);
        let (before, after) = self.correlation.split_at_mut(TAPS / 2);
        for ((value, padded), correction) in after.iter_mut().zip(&self.padded).zip(&self.correction) {
            *value = padded / energy * correction;
        }
        for (lag, value) in before.iter_mut().rev().enumerate() {
            *value = after[lag + 1];
        }
    }

    /// The maxima between ceiling and floor, the strongest kept.
    fn pick(&mut self, candidates: &mut Vec<Candidate>) {
        let shortest = (samples_in(1.0 / self.settings.ceiling.0) as usize).max(2);
        let longest = self.correlation.len() - TAPS - 2;
        let least = (0.5 * self.settings.voicing_threshold) as f32;
        self.found.clear();
        for lag in shortest..=longest {
            let [before, here, after] = [lag - 1, lag, lag + 1].map(|lag| self.correlation[TAPS / 2 + lag]);
            if here > least && here > before && here >= after {
                let (lag, height) = self.refine(lag, before, here, after);
                self.found.extend(self.candidate(lag, height));
            }
        }
        self.found.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        self.found.truncate(MOST - 1);
        candidates.extend_from_slice(&self.found);
    }

    fn candidate(&self, lag: f32, height: f32) -> Option<Candidate> {
        let PitchSettings { floor, ceiling, octave_cost, .. } = self.settings;
        let hertz = samples_in(1.0) / f64::from(lag);
        let favour = octave_cost * (hertz / floor.0).log2();
        (floor.0..=ceiling.0).contains(&hertz).then(|| Candidate {
            hertz: hertz as f32,
            octave: hertz.log2() as f32,
            strength: (f64::from(height.min(1.0)) + favour) as f32,
        })
    }

    /// Lag and height of the maximum near `lag`: a parabola finds the place, a windowed sinc reads the autocorrelation
    /// an eighth of a lag to each side of it, and a second parabola over those gives the answer. (A parabola alone errs
    /// by a tenth of a semitone at 400 Hz; the paper interpolates with a sinc throughout.)
    fn refine(&self, lag: usize, before: f32, here: f32, after: f32) -> (f32, f32) {
        let (offset, _) = vertex(before, here, after);
        let place = (lag * PHASES).saturating_add_signed((offset * PHASES as f32).round() as isize);
        let step = PHASES / 2;
        let [left, middle, right] = [place - step, place, place + step].map(|place| self.read(place));
        let (offset, height) = vertex(left, middle, right);
        ((place as f32 + offset * step as f32) / PHASES as f32, height)
    }

    /// The autocorrelation at `place / PHASES` lags.
    fn read(&self, place: usize) -> f32 {
        self.sinc.read(&self.correlation[1..], place)
    }
}

fn hann(length: usize) -> Vec<f32> {
    let angle = |n: usize| 2.0 * PI * (n as f64 + 0.5) / length as f64;
    (0..length).map(|n| (0.5 - 0.5 * angle(n).cos()) as f32).collect()
}
