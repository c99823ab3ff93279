//! The mel scale: what an ear resolves. Bands, loudness and cepstral coefficients.

use std::f64::consts::PI;

use feature::Hertz;

use crate::{
    recording::RATE,
    spectrum::{Frames, SIZE, logarithm::ln},
};

/// Bands of the contours (Eyben et al. 2016).
const BANDS: usize = 26;
/// Coefficients of the contours.
const COEFFICIENTS: usize = 4;
/// Liftering: coefficient n is weighed by 1 + L/2 sin(πn/L) (Young et al., *The HTK Book* 3.4, section 5.6).
const LIFTER: f64 = 22.0;
/// Power below which a band is taken as empty: 20 dB below the rounding of 16 bits, so that only digital silence meets it.
const FLOOR: f32 = 1e-14;
/// Cube-root compression (Stevens's law as in Hermansky 1990, with the exponent of the spec).
const COMPRESSION: f32 = 0.33;
/// Least power of [`mfcc`] before its logarithm.
const LEAST: f32 = 1e-10;

/// How hertz become mel, and how high the bands' triangles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelScale {
    /// 2595 log10(1 + f/700) (O'Shaughnessy 1987; *The HTK Book*), triangles of height 1.
    Htk,
    /// Linear to 1 kHz and logarithmic above (Slaney 1998, Auditory Toolbox), triangles of area 1.
    Slaney,
}

impl MelScale {
    fn mel(self, hertz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
            Self::Slaney if hertz < 1000.0 => hertz * 3.0 / 200.0,
            Self::Slaney => 15.0 + 27.0 * (hertz / 1000.0).ln() / 6.4f64.ln(),
        }
    }

    fn hertz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < 15.0 => mel * 200.0 / 3.0,
            Self::Slaney => 1000.0 * ((mel - 15.0) / 27.0 * 6.4f64.ln()).exp(),
        }
    }
}

/// How [`mel_power`] and [`mfcc`] cut and weigh the sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MelSettings {
    /// Samples of a frame, under a periodic Hann window.
    pub window: usize,
    /// Samples of the transform, at least `window`.
    pub size: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Number of bands.
    pub bands: usize,
    /// Lower edge of the lowest band.
    pub low: Hertz,
    /// Upper edge of the highest band.
    pub high: Hertz,
    /// Scale and height of the bands.
    pub scale: MelScale,
}

/// Triangular bands on a power spectrum, stored as their non-zero weights.
struct Bank {
    /// First bin, and place of the first weight, of each band; one entry more for the end.
    bands: Vec<(usize, usize)>,
    weights: Vec<f32>,
}

impl Bank {
    fn new(settings: &MelSettings) -> Self {
        let MelSettings { scale, .. } = settings;
        let (low, high) = (scale.mel(settings.low.0), scale.mel(settings.high.0));
        let step = (high - low) / (settings.bands + 1) as f64;
        let edge = |band: usize| scale.hertz(low + band as f64 * step);
        let hertz = |bin: usize| bin as f64 * f64::from(RATE) / settings.size as f64;
        let mut bank = Self { bands: Vec::with_capacity(settings.bands + 1), weights: Vec::new() };
        for band in 0..settings.bands {
            let [left, middle, right] = [edge(band), edge(band + 1), edge(band + 2)];
            let height = if *scale == MelScale::Slaney { 2.0 / (right - left) } else { 1.0 };
            let weight = |f: f64| ((f - left) / (middle - left)).min((right - f) / (right - middle)) * height;
            let first = (0..=settings.size / 2).find(|bin| hertz(*bin) > left).unwrap_or(0);
            bank.bands.push((first, bank.weights.len()));
            let inside = (first..=settings.size / 2).take_while(|bin| hertz(*bin) < right);
            bank.weights.extend(inside.map(|bin| weight(hertz(bin)) as f32));
        }
        bank.bands.push((0, bank.weights.len()));
        bank
    }

    /// Power in each band, `[bands]`.
    fn apply(&self, power: &[f32], out: &mut [f32]) {
        for (out, pair) in out.iter_mut().zip(self.bands.windows(2)) {
            let ((first, start), (_, end)) = (pair[0], pair[1]);
            let weights = &self.weights[start..end];
            *out = weights.iter().zip(&power[first..]).map(|(weight, power)| weight * power).sum();
        }
    }
}

/// Cosine transform (DCT-II) of the logarithms of bands, `[coefficients, bands]` of weights.
struct Cosines {
    weights: Vec<f32>,
    bands: usize,
}

impl Cosines {
    /// Weights gain(n) cos(πn(k + ½)/bands) of coefficients n in `range`.
    fn new(range: std::ops::Range<usize>, bands: usize, gain: impl Fn(f64) -> f64) -> Self {
        let weight = |n: f64, k: usize| gain(n) * (PI * n * (k as f64 + 0.5) / bands as f64).cos();
        let row = |n: usize| (0..bands).map(move |k| (n as f64, k));
        let weights = range.flat_map(row).map(|(n, k)| weight(n, k) as f32).collect();
        Self { weights, bands }
    }

    fn apply(&self, logs: &[f32], out: &mut [f32]) {
        for (out, row) in out.iter_mut().zip(self.weights.chunks_exact(self.bands)) {
            *out = row.iter().zip(logs).map(|(weight, log)| weight * log).sum();
        }
    }
}

/// What an ear makes of one spectrum.
pub(super) struct Heard {
    /// Σ over 26 mel bands of (equal-loudness weight · power)^0.33.
    pub(super) loudness: f32,
    /// Coefficients 1–4.
    pub(super) mfcc: [f32; COEFFICIENTS],
}

/// Loudness and cepstral coefficients, frame by frame.
pub(super) struct Hearing {
    bank: Bank,
    /// Equal-loudness weight of each band to the power of the compression.
    weights: [f32; BANDS],
    cosines: Cosines,
    logs: [f32; BANDS],
}

impl Hearing {
    pub(super) fn new() -> Self {
        let settings = MelSettings {
            window: 0,
            size: SIZE,
            hop: 0,
            bands: BANDS,
            low: Hertz(20.0),
            high: Hertz(8000.0),
            scale: MelScale::Htk,
        };
        let MelSettings { scale, low, high, .. } = settings;
        let step = (scale.mel(high.0) - scale.mel(low.0)) / (BANDS + 1) as f64;
        let centre = |band: usize| scale.hertz(scale.mel(low.0) + (band + 1) as f64 * step);
        let weights =
            std::array::from_fn(|band| equal_loudness(centre(band)).powf(f64::from(COMPRESSION)) as f32);
        // The HTK Book, equations 5.13 and 5.14.
        let gain = |n: f64| (2.0 / BANDS as f64).sqrt() * (1.0 + LIFTER / 2.0 * (PI * n / LIFTER).sin());
        let cosines = Cosines::new(1..COEFFICIENTS + 1, BANDS, gain);
        Self { bank: Bank::new(&settings), weights, cosines, logs: [0.0; BANDS] }
    }

    pub(super) fn hear(&mut self, power: &[f32]) -> Heard {
        self.bank.apply(power, &mut self.logs);
        self.logs.iter_mut().for_each(|power| *power = ln(power.max(FLOOR)));
        let floor = ln(FLOOR);
        let heard = |log: f32| if log > floor { (COMPRESSION * log).exp() } else { 0.0 };
        let loudness = self.logs.iter().zip(self.weights).map(|(log, weight)| weight * heard(*log)).sum();
        let mut mfcc = [0.0; COEFFICIENTS];
        self.cosines.apply(&self.logs, &mut mfcc);
        Heard { loudness, mfcc }
    }
}

/// Sensitivity of the ear in power, re 1 kHz: the 40 dB equal-loudness curve of Hermansky 1990 (*Journal of the Acoustical
/// Society of America* 87:1738-1752, equations 6 and 7, with the term for bands above 5 kHz).
fn equal_loudness(hertz: f64) -> f64 {
    let curve = |hertz: f64| {
        let square = (2.0 * PI * hertz).powi(2);
        let rise = (square + 56.8e6) * square * square;
        rise / ((square + 6.3e6).powi(2) * (square + 0.38e9) * (square.powi(3) + 9.58e26))
    };
    curve(hertz) / curve(1000.0)
}

/// Power in mel bands of 16 kHz `samples`, `[frames, bands]` one frame after the other. Frame k is centred at sample
/// k · hop, with silence beyond the ends; there are samples / hop + 1 frames. A hop, window or number of bands of 0, a
/// `size` below the window, or bands out of order or above 8 kHz give none.
pub fn mel_power(samples: &[f32], settings: &MelSettings) -> Vec<f32> {
    let &MelSettings { window, size, hop, bands, low, high, .. } = settings;
    let edges = low.0 >= 0.0 && low.0 < high.0 && high.0 <= f64::from(RATE) / 2.0;
    if hop == 0 || window == 0 || bands == 0 || size < window || !edges {
        return Vec::new();
    }
    let hann = |n: usize| 0.5 - 0.5 * (2.0 * PI * n as f64 / window as f64).cos();
    let mut frames = Frames::unscaled((0..window).map(hann).collect(), size);
    let bank = Bank::new(settings);
    let mut out = vec![0.0; (samples.len() / hop + 1) * bands];
    for (frame, row) in out.chunks_exact_mut(bands).enumerate() {
        bank.apply(frames.power(samples, (frame * hop) as f64), row);
    }
    out
}

/// Mel-frequency cepstral coefficients 0 to `count` − 1 of 16 kHz `samples`, `[frames, count]`: orthonormal DCT-II of 10
/// log10 of [`mel_power`], of which no value counts as less than 1e-10 (the definition of the reference program, for
/// comparisons; the contours use natural logarithms and a lifter).
pub fn mfcc(samples: &[f32], settings: &MelSettings, count: usize) -> Vec<f32> {
    let mut logs = mel_power(samples, settings);
    if logs.is_empty() {
        return logs;
    }
    logs.iter_mut().for_each(|power| *power = 10.0 * power.max(LEAST).log10());
    let bands = settings.bands as f64;
    let gain = |n: f64| if n == 0.0 { (1.0 / bands).sqrt() } else { (2.0 / bands).sqrt() };
    let cosines = Cosines::new(0..count, settings.bands, gain);
    let mut out = vec![0.0; logs.len() / settings.bands * count];
    let rows = logs.chunks_exact(settings.bands).zip(out.chunks_exact_mut(count.max(1)));
    rows.for_each(|(logs, row)| cosines.apply(logs, row));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    fn settings(scale: MelScale) -> MelSettings {
        MelSettings {
            window: 400,
            size: 512,
            hop: 160,
            bands: 40,
            low: Hertz(20.0),
            high: Hertz(8000.0),
            scale,
        }
    }

    #[test]
    fn mel_and_hertz_are_inverse_and_1_khz_is_where_it_should_be() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hertz in [20.0, 440.0, 1000.0, 7999.0] {
                assert!((scale.hertz(scale.mel(hertz)) - hertz).abs() < 1e-9);
            }
        }
        // 1000 mel are 1000 Hz by definition of the unit, to its printed constants; 15 mel in Slaney's.
        assert!((MelScale::Htk.mel(1000.0) - 1000.0).abs() < 0.02);
        assert_eq!(MelScale::Slaney.mel(1000.0), 15.0);
    }

    #[test]
    fn neighbouring_triangles_of_height_one_share_a_tone_wholly() {
        // Left and right slope of neighbours add to 1 at every frequency between the first and last centre.
        let bank = Bank::new(&settings(MelScale::Htk));
        let mut out = [0.0; 40];
        for bin in [20, 57, 200] {
            let mut power = [0.0; 257];
            power[bin] = 1.0;
            bank.apply(&power, &mut out);
            assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{bin}");
        }
    }

    #[test]
    fn a_flat_spectrum_has_no_shape() {
        let cosines = Cosines::new(1..5, BANDS, |_| 1.0);
        let mut out = [1.0; 4];
        cosines.apply(&[7.0; BANDS], &mut out);
        assert!(out.iter().all(|it| it.abs() < 1e-4), "{out:?}");
        // A half wave over the bands is the first coefficient alone: Σ cos² is half the bands.
        let wave: Vec<f32> =
            (0..BANDS).map(|k| (PI * (k as f64 + 0.5) / BANDS as f64).cos() as f32).collect();
        cosines.apply(&wave, &mut out);
        assert!((out[0] - 13.0).abs() < 1e-4 && out[1..].iter().all(|it| it.abs() < 1e-4), "{out:?}");
    }

    #[test]
    fn the_ear_hears_1_khz_better_than_hum() {
        assert_eq!(equal_loudness(1000.0), 1.0);
        assert!(equal_loudness(60.0) < 0.01 && equal_loudness(3500.0) > 1.0 && equal_loudness(7900.0) < 1.0);
    }

    #[test]
    fn the_loudness_of_one_band_is_its_formula() {
        let mut hearing = Hearing::new();
        let (first, place) = hearing.bank.bands[12];
        let mut power = [0.0; SIZE / 2 + 1];
        power[first + 2] = 0.04;
        let mut bands = [0.0; BANDS];
        hearing.bank.apply(&power, &mut bands);
        assert!((bands[12] - 0.04 * hearing.bank.weights[place + 2]).abs() < 1e-7);
        let want: f32 =
            bands.iter().zip(hearing.weights).map(|(band, weight)| weight * band.powf(0.33)).sum();
        assert!((hearing.hear(&power).loudness / want - 1.0).abs() < 1e-5);
    }

    #[test]
    fn settings_that_mean_nothing_give_nothing() {
        let tone = synth::tone(440.0, 0.1, 0.1);
        let good = settings(MelScale::Htk);
        assert_eq!(mel_power(&tone, &good).len(), 11 * 40);
        assert_eq!(mfcc(&tone, &good, 13).len(), 11 * 13);
        assert_eq!((mfcc(&tone, &good, 0).len(), mel_power(&[], &good).len()), (0, 40));
        let bad = [
            MelSettings { hop: 0, ..good },
            MelSettings { size: 100, ..good },
            MelSettings { bands: 0, ..good },
            MelSettings { high: Hertz(9000.0), ..good },
            MelSettings { low: Hertz(f64::NAN), ..good },
        ];
        assert!(bad.iter().all(|bad| mfcc(&tone, bad, 13).is_empty()));
    }
}
