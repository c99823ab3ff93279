//! Single harmonics: how fast the voice source falls off.
//!
//! H1 − H2 is the first harmonic over the second in dB, H1 − A3 the first over the strongest near the third formant (Hanson
//! 1997, *Journal of the Acoustical Society of America* 101:466-481; Eyben et al. 2016). Neither is corrected for formants.
//!
//! A frame of fixed length cannot keep the harmonics of every voice apart. Here it is four periods long under a Hann window:
//! then each harmonic lies on a zero of all others, whatever F0 is, and one sum a harmonic reads its amplitude.

use std::f64::consts::PI;

use crate::{
    contour::{Contour, Grid},
    formant::FORMANTS,
    recording::RATE,
};

/// Periods of a frame.
const PERIODS: f64 = 4.0;
/// Places of the window's table.
const PLACES: usize = 4096;
/// How far from a formant its strongest harmonic may lie, as a share of it; the nearest harmonic always counts.
const NEAR: f64 = 0.1;
/// Lanes of the running sums.
const LANES: usize = 8;

/// Differences of harmonics in dB, `[frames]` each; undefined where nothing is voiced or the formant is not known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Harmonics {
    /// H1 − H2.
    pub(crate) h1_h2: Contour,
    /// H1 − A3.
    pub(crate) h1_a3: Contour,
}

impl Harmonics {
    /// Harmonics of 16 kHz `samples` whose pitch is `f0` and whose formants are `formants`, all on one grid.
    pub(crate) fn of(samples: &[f32], f0: &Contour, formants: &[Contour; FORMANTS]) -> Self {
        let mut reader = Reader::new();
        let (mut second, mut third) = (Vec::with_capacity(f0.len()), Vec::with_capacity(f0.len()));
        for (frame, centre) in f0.grid().centres(samples.len()).enumerate() {
            let Some(hertz) = f0.get(frame).map(f64::from) else {
                second.push(f32::NAN);
                third.push(f32::NAN);
                continue;
            };
            reader.load(samples, centre, hertz);
            let first = reader.power(hertz);
            let near = formants[2].get(frame).map(|formant| reader.strongest(hertz, f64::from(formant)));
            second.push(decibels(first, reader.power(2.0 * hertz)));
            third.push(decibels(first, near.unwrap_or(f64::NAN)));
        }
        let contour = |values| Contour::new(Grid::default(), values);
        Self { h1_h2: contour(second), h1_a3: contour(third) }
    }
}

/// 10 log10 of a ratio of powers; NaN where it has none.
fn decibels(above: f64, below: f64) -> f32 {
    let decibels = 10.0 * (above / below).log10();
    if decibels.is_finite() { decibels as f32 } else { f32::NAN }
}

/// Reads harmonics of one frame; table and buffer are made once.
pub(crate) struct Reader {
    hann: Vec<f32>,
    frame: Vec<f32>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let hann = |n: usize| (0.5 - 0.5 * (2.0 * PI * (n as f64 + 0.5) / PLACES as f64).cos()) as f32;
        Self { hann: (0..PLACES).map(hann).collect(), frame: Vec::new() }
    }

    /// Takes four periods around a centre under the window; silence beyond the ends.
    pub(crate) fn load(&mut self, samples: &[f32], centre: f64, hertz: f64) {
        let length = PERIODS * f64::from(RATE) / hertz;
        let first = (centre - length / 2.0).ceil() as isize;
        let end = (centre + length / 2.0).floor() as isize;
        let step = PLACES as f64 / length;
        let place = |n: isize| (((n as f64 - centre) * step) as isize + (PLACES / 2) as isize) as usize;
        let sample = |n: isize| usize::try_from(n).ok().and_then(|n| samples.get(n)).copied().unwrap_or(0.0);
        self.frame.clear();
        self.frame.extend((first..end).map(|n| sample(n) * self.hann[place(n).min(PLACES - 1)]));
        // Zeros up to whole lanes weigh nothing.
        self.frame.resize(self.frame.len().next_multiple_of(LANES), 0.0);
    }

    /// |Σ x e^{−iωn}|² of the frame at `hertz`, with a unit vector for each lane that turns by a whole row of lanes.
    pub(crate) fn power(&self, hertz: f64) -> f64 {
        let omega = 2.0 * PI * hertz / f64::from(RATE);
        let (turn_sin, turn_cos) = omega.sin_cos();
        let (mut cos, mut sin) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (mut c, mut s) = (1.0, 0.0);
        for (cos, sin) in cos.iter_mut().zip(&mut sin) {
            (*cos, *sin) = (c as f32, s as f32);
            (c, s) = (c * turn_cos - s * turn_sin, c * turn_sin + s * turn_cos);
        }
        let (turn_cos, turn_sin) = (c as f32, s as f32);
        let (mut re, mut im) = ([0.0f32; LANES], [0.0f32; LANES]);
        for row in self.frame.chunks_exact(LANES) {
            for lane in 0..LANES {
                re[lane] += row[lane] * cos[lane];
                im[lane] += row[lane] * sin[lane];
                let next = cos[lane] * turn_cos - sin[lane] * turn_sin;
                sin[lane] = cos[lane] * turn_sin + sin[lane] * turn_cos;
                cos[lane] = next;
            }
        }
        let sum = |lanes: [f32; LANES]| lanes.iter().map(|it| f64::from(*it)).sum::<f64>();
        sum(re).powi(2) + sum(im).powi(2)
    }

    /// Power of the strongest harmonic near a formant; NaN where it would lie above 8 kHz.
    fn strongest(&self, hertz: f64, formant: f64) -> f64 {
        let nearest = (formant / hertz).round().max(1.0);
        let first = ((1.0 - NEAR) * formant / hertz).ceil().clamp(1.0, nearest) as usize;
        let last = ((1.0 + NEAR) * formant / hertz).floor().max(nearest) as usize;
        let below = (f64::from(RATE) / 2.0 / hertz) as usize;
        let powers = (first..=last.min(below)).map(|k| self.power(k as f64 * hertz));
        powers.fold(f64::NAN, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    /// A contour of one value on all frames of `seconds`.
    fn steady(value: f64, seconds: f64) -> Contour {
        Contour::new(Grid::default(), vec![value as f32; (seconds * 100.0) as usize])
    }

    fn inner(contour: &Contour) -> Vec<f64> {
        (4..contour.len() - 4).map(|frame| f64::from(contour.get(frame).unwrap())).collect()
    }

    #[test]
    fn harmonics_one_over_k_fall_by_6_db() {
        for hertz in [75.0, 100.0, 150.0, 223.4, 333.3, 480.0] {
            let sound = synth::harmonics(hertz, 30, 0.2, 1.0);
            // The strongest within a tenth of 2500 Hz is the lowest of them.
            let strongest = (0.9 * 2500.0 / hertz).ceil().min((2500.0 / hertz).round());
            let found =
                Harmonics::of(&sound, &steady(hertz, 1.0), &std::array::from_fn(|_| steady(2500.0, 1.0)));
            let off = |contour: &Contour, want: f64| {
                inner(contour).iter().map(|got| (got - want).abs()).fold(0.0, f64::max)
            };
            assert!(off(&found.h1_h2, 6.0206) < 0.1, "{hertz} Hz: {:?}", found.h1_h2);
            if hertz * strongest <= 30.0 * hertz {
                assert!(off(&found.h1_a3, 20.0 * strongest.log10()) < 0.3, "{hertz} Hz: {:?}", found.h1_a3);
            }
        }
    }

    #[test]
    fn louder_has_the_same_differences_and_the_unvoiced_none() {
        let quiet = synth::vowel(120.0, &synth::A, 0.1, 0.5);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 4.0).collect();
        let formants = std::array::from_fn(|_| steady(2440.0, 0.5));
        let of = |samples: &[f32], f0: f64| Harmonics::of(samples, &steady(f0, 0.5), &formants);
        assert_eq!(of(&quiet, 120.0), of(&loud, 120.0));
        let unvoiced = of(&quiet, f64::NAN);
        assert_eq!(unvoiced.h1_h2.defined().count() + unvoiced.h1_a3.defined().count(), 0);
        assert_eq!(of(&synth::silence(0.5), 120.0).h1_h2.defined().count(), 0);
    }
}
