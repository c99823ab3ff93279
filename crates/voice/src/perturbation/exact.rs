//! Period matching below one sample: jitter and shimmer nearer to what the voice did.
//!
//! Marks that follow the waveform see each period through the ringing of the one before, which smooths jitter and turns
//! it into shimmer. Here the ringing is taken away first. Over groups of 24 consecutive periods:
//! 1. linear prediction (Markel & Gray 1976; Hann window, autocorrelation, Levinson–Durbin) removes the resonances, not
//!    all of them: a share of white noise added to the autocorrelation keeps the filter from raising the noise of the
//!    recording above the pulses. What is left of each period is a short pulse;
//! 2. the mean pulse of the group is matched with each of them, three times over, and the place of the greatest
//!    correlation, between samples by a parabola, is the moment of the period;
//! 3. the amplitude of a period is the projection on the mean pulse after a sharper prediction, which leaves less of the
//!    neighbours in it: places want low noise, amplitudes little overlap.
//!
//! Jitter and shimmer follow from moments and amplitudes by the same formulas and limits as the standard names.

use std::f64::consts::PI;

use super::{AMPLITUDE_FACTOR, LENGTH_FACTOR};
use crate::{interpolate::vertex, period::dot};

/// Periods matched with one mean pulse.
const GROUP: usize = 24;
/// Fewest marks of a group.
const FEWEST: usize = 5;
/// Marks left out at either end of a run: a voice that sets in or off is no perturbation.
const ONSET: usize = 2;
/// Order and share of white noise of the prediction that moments are found after.
const PLACES: Prediction = Prediction { order: 10, noise: 0.2 };
/// The same for amplitudes.
const AMPLITUDES: Prediction = Prediction { order: 12, noise: 0.01 };
/// Half the length of the mean pulse, in periods.
const HALF: f64 = 0.45;
/// Furthest that a moment moves in one round, in samples.
const REACH: usize = 3;
/// Rounds of matching.
const ROUNDS: usize = 3;
/// Taps to each side of the interpolation between samples.
const TAPS: usize = 8;

/// Sums over all groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Exact {
    differences: Sum,
    lengths: Sum,
    levels: Sum,
    groups: Groups,
}

/// Running mean.
#[derive(Debug, Clone, Default)]
struct Sum {
    total: f64,
    count: u32,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.total += value;
        self.count += 1;
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total / f64::from(self.count))
    }
}

/// Buffers of a group, used again for the next.
#[derive(Debug, Clone, Default)]
struct Groups {
    windowed: Vec<f32>,
    pulses: Vec<f32>,
    sharp: Vec<f32>,
    one: Vec<f32>,
    mean: Vec<f32>,
}

impl Exact {
    /// Matches the periods of `samples` between `marks`; `periods[i]` lies between marks i and i + 1, NaN where it is
    /// none.
    pub(super) fn add(&mut self, samples: &[f32], marks: &[f64], periods: &[f64]) {
        let mut first = 0;
        while first < marks.len() {
            let length = 1 + steady(&periods[first..]);
            let inner = marks.get(first + ONSET..(first + length).saturating_sub(ONSET));
            self.run(samples, inner.unwrap_or_default());
            first += length;
        }
    }

    /// One run of periods, group by group. The last two marks of a group are the next one's first, so that every pair of
    /// neighbouring periods is in one group.
    fn run(&mut self, samples: &[f32], mut marks: &[f64]) {
        while marks.len() > GROUP {
            self.group(samples, &marks[..GROUP], 1);
            marks = &marks[GROUP - 2..];
        }
        if marks.len() >= FEWEST {
            self.group(samples, marks, 0);
        }
    }

    /// Mean absolute difference of consecutive periods over their mean.
    pub(super) fn jitter(&self) -> Option<f64> {
        Some(self.differences.mean()? / self.lengths.mean()?)
    }

    /// Mean absolute level difference of consecutive periods in dB.
    pub(super) fn shimmer_db(&self) -> Option<f64> {
        self.levels.mean()
    }

    /// Adds one group; the last `shared` pairs of marks are the next one's.
    fn group(&mut self, samples: &[f32], marks: &[f64], shared: usize) {
        let period = (marks[marks.len() - 1] - marks[0]) / (marks.len() - 1) as f64;
        let half = ((HALF * period) as usize).max(6);
        let margin = (1.2 * period) as usize + half + 2 * TAPS + REACH;
        // Marks too near the ends of the recording to see a whole pulse are left out.
        let from = marks.partition_point(|mark| *mark < margin as f64);
        let to = marks.partition_point(|mark| *mark as usize + margin <= samples.len());
        let Some(inside) = marks.get(from..to).filter(|it| it.len() >= FEWEST) else { return };
        let start = inside[0] as usize - margin;
        let sound = &samples[start..inside[inside.len() - 1] as usize + margin];
        let places: Vec<f64> = inside.iter().map(|mark| mark - start as f64).collect();
        let Some((moments, amplitudes)) = self.groups.matched(sound, &places, half) else { return };
        let periods: Vec<f64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for pair in periods.windows(2).filter(|pair| alike(pair, LENGTH_FACTOR)) {
            self.differences.add((pair[1] - pair[0]).abs());
            self.lengths.add(pair[1]);
        }
        let last = amplitudes.len() - if to == marks.len() { shared } else { 0 };
        for pair in amplitudes[..last].windows(2).filter(|pair| alike(pair, AMPLITUDE_FACTOR)) {
            self.levels.add((20.0 * (pair[1] / pair[0]).log10()).abs());
        }
    }
}

/// Whether two values are positive and differ by no more than a factor.
fn alike(pair: &[f64], most: f64) -> bool {
    pair[0] > 0.0 && pair[1] > 0.0 && pair[1] / pair[0] <= most && pair[0] / pair[1] <= most
}

/// How many of the first periods exist and differ little from their neighbours.
fn steady(periods: &[f64]) -> usize {
    if !periods.first().is_some_and(|it| it.is_finite()) {
        return 0;
    }
    1 + periods.windows(2).take_while(|pair| alike(pair, LENGTH_FACTOR)).count()
}

impl Groups {
    /// Moment in samples and amplitude of each of the `marks` of `sound`, matched over `half` samples to each side.
    fn matched(&mut self, sound: &[f32], marks: &[f64], half: usize) -> Option<(Vec<f64>, Vec<f64>)> {
        let period = (marks[marks.len() - 1] - marks[0]) / (marks.len() - 1) as f64;
        let correlation = self.correlation(sound);
        PLACES.whiten(sound, &correlation, &mut self.pulses);
        let to_pulse = self.loudest(marks, period as usize);
        let mut moments: Vec<f64> = marks.iter().map(|mark| mark + to_pulse).collect();
        for _ in 0..ROUNDS {
            average(&self.pulses, &moments, &mut self.one, (half, &mut self.mean));
            for moment in &mut moments {
                *moment = best(&self.pulses, *moment, &self.mean)?;
            }
        }
        AMPLITUDES.whiten(sound, &correlation, &mut self.sharp);
        average(&self.sharp, &moments, &mut self.one, (half, &mut self.mean));
        let norm = f64::from(dot(&self.mean, &self.mean)).max(f64::MIN_POSITIVE);
        let (sharp, one, mean) = (&self.sharp, &mut self.one, &self.mean);
        let mut amplitude = |moment: &f64| {
            read(sharp, *moment, half, one)?;
            Some(f64::from(dot(one, mean)) / norm)
        };
        let amplitudes = moments.iter().map(|moment| amplitude(moment).unwrap_or(f64::NAN)).collect();
        Some((moments, amplitudes))
    }

    /// Autocorrelation of `sound` under a Hann window, `[AMPLITUDES.order + 1]`.
    fn correlation(&mut self, sound: &[f32]) -> Vec<f64> {
        // cos(n t) = 2 cos(t) cos((n − 1) t) − cos((n − 2) t).
        let turn = (2.0 * PI / (sound.len() - 1) as f64).cos();
        let (mut before, mut here) = (turn, 1.0f64);
        self.windowed.clear();
        self.windowed.extend(sound.iter().map(|sample| {
            let weight = (0.5 - 0.5 * here) as f32;
            (before, here) = (here, 2.0 * turn * here - before);
            sample * weight
        }));
        let windowed = &self.windowed;
        let lagged = |lag: usize| f64::from(dot(&windowed[..windowed.len() - lag], &windowed[lag..]));
        (0..=AMPLITUDES.order).map(lagged).collect()
    }

    /// From a mark to where the mean period has its greatest amplitude, at most half a period away.
    fn loudest(&mut self, marks: &[f64], period: usize) -> f64 {
        self.mean.clear();
        self.mean.resize(period, 0.0);
        for mark in marks {
            let from = *mark as usize - period / 2;
            self.mean.iter_mut().zip(&self.pulses[from..]).for_each(|(sum, pulse)| *sum += pulse);
        }
        let louder = |a: &usize, b: &usize| self.mean[*a].abs().total_cmp(&self.mean[*b].abs());
        (0..period).max_by(louder).map_or(0.0, |place| place as f64 - (period / 2) as f64)
    }
}

/// A linear prediction.
struct Prediction {
    order: usize,
    /// White noise added before predicting, as a share of the power of the sound.
    noise: f64,
}

impl Prediction {
    /// What the prediction from `correlation` leaves of `sound`, into `left`, `[sound]`. One tap after the other over the
    /// whole sound, so that the loops are vector instructions.
    fn whiten(&self, sound: &[f32], correlation: &[f64], left: &mut Vec<f32>) {
        let mut noisy = correlation[..=self.order].to_vec();
        noisy[0] = noisy[0] * (1.0 + self.noise) + 1e-12;
        left.clear();
        left.extend_from_slice(sound);
        for (lag, weight) in predictor(&noisy).into_iter().enumerate().skip(1) {
            let weight = weight as f32;
            left[lag..].iter_mut().zip(sound).for_each(|(left, past)| *left += weight * past);
        }
    }
}

/// The filter 1, a1, a2 … whose output has least power, by the recursion of Levinson and Durbin.
fn predictor(correlation: &[f64]) -> Vec<f64> {
    let mut filter = vec![1.0];
    let mut power = correlation[0];
    for order in 1..correlation.len() {
        let off: f64 = filter.iter().enumerate().map(|(place, it)| it * correlation[order - place]).sum();
        let reflection = -off / power;
        filter.push(0.0);
        let mirrored: Vec<f64> = filter.iter().rev().copied().collect();
        filter.iter_mut().zip(mirrored).for_each(|(it, mirror)| *it += reflection * mirror);
        power *= 1.0 - reflection * reflection;
    }
    filter
}

/// Mean of `pulses` around the `moments` under a Hann window, `[2 half + 1]`.
fn average(pulses: &[f32], moments: &[f64], one: &mut Vec<f32>, (half, mean): (usize, &mut Vec<f32>)) {
    mean.clear();
    mean.resize(2 * half + 1, 0.0);
    for moment in moments {
        if read(pulses, *moment, half, one).is_some() {
            mean.iter_mut().zip(&*one).for_each(|(sum, it)| *sum += it);
        }
    }
    let turn = PI / (half + 1) as f64;
    for (place, value) in mean.iter_mut().enumerate() {
        let from_middle = place as f64 - half as f64;
        *value *= (0.5 + 0.5 * (turn * from_middle).cos()) as f32 / moments.len() as f32;
    }
}

/// The moment near `moment` whose surroundings are most like `mean`.
fn best(pulses: &[f32], moment: f64, mean: &[f32]) -> Option<f64> {
    let half = mean.len() / 2;
    let first = (moment.round() as usize).checked_sub(half + REACH + 1)?;
    let around = pulses.get(first..first + mean.len() + 2 * (REACH + 1))?;
    let mut likeness = [0.0f32; 2 * REACH + 3];
    likeness.iter_mut().zip(around.windows(mean.len())).for_each(|(it, here)| *it = dot(here, mean));
    let top = (1..likeness.len() - 1).max_by(|a, b| likeness[*a].total_cmp(&likeness[*b]))?;
    let (offset, _) = vertex(likeness[top - 1], likeness[top], likeness[top + 1]);
    Some((first + half + top) as f64 + f64::from(offset))
}

/// `pulses` at `moment` and `half` whole steps to each side of it, by a Hann-windowed sinc; `None` outside.
fn read(pulses: &[f32], moment: f64, half: usize, into: &mut Vec<f32>) -> Option<()> {
    let (whole, share) = (moment.floor() as usize, moment.fract());
    let first = whole.checked_sub(half + TAPS - 1)?;
    let around = pulses.get(first..whole + half + TAPS + 1)?;
    let weights = sinc(share);
    into.clear();
    into.resize(2 * half + 1, 0.0);
    // Four taps after the other over all places, so that the loop is vector instructions.
    for (taps, first) in weights.chunks_exact(4).zip((0..).step_by(4)) {
        let past = around[first..].windows(4);
        for (value, past) in into.iter_mut().zip(past) {
            *value = *value + taps[0] * past[0] + taps[1] * past[1] + taps[2] * past[2] + taps[3] * past[3];
        }
    }
    Some(())
}

/// Weights of the samples from `TAPS − 1` before to `TAPS` after a place `share` of a step behind a sample. The sine of the
/// sinc only changes its sign from one to the next.
fn sinc(share: f64) -> [f32; 2 * TAPS] {
    let sine = (PI * share).sin();
    let (turn_sine, turn_cosine) = (PI / (TAPS as f64 + 0.5)).sin_cos();
    let first = -(TAPS as f64 - 1.0) - share;
    let (mut hann_sine, mut hann) = (PI * first / (TAPS as f64 + 0.5)).sin_cos();
    let mut weights = [0.0; 2 * TAPS];
    for (tap, weight) in weights.iter_mut().enumerate() {
        let x = PI * (first + tap as f64);
        let sign = if (TAPS + tap).is_multiple_of(2) { 1.0 } else { -1.0 };
        let sinc = if x.abs() < 1e-9 { 1.0 } else { sign * sine / x };
        *weight = (sinc * (0.5 + 0.5 * hann)) as f32;
        (hann_sine, hann) =
            (hann_sine * turn_cosine + hann * turn_sine, hann * turn_cosine - hann_sine * turn_sine);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn the_predictor_of_a_decaying_correlation_is_its_decay() {
        // A first-order process of decay 0.9 has correlation 0.9^k, and 1 − 0.9 z⁻¹ takes it away.
        let filter = predictor(&[1.0, 0.9, 0.81, 0.729]);
        assert!((filter[1] + 0.9).abs() < 1e-12 && filter[2].abs() < 1e-12 && filter[3].abs() < 1e-12);
    }

    #[test]
    fn a_sine_is_read_between_its_samples() {
        let tone = synth::tone(700.0, 0.5, 0.05);
        let mut read_at = Vec::new();
        read(&tone, 300.3, 10, &mut read_at).unwrap();
        assert_eq!(read_at.len(), 21);
        for (place, value) in read_at.iter().enumerate() {
            let t = (290.3 + place as f64) / 16_000.0;
            let want = 0.5 * (2.0 * PI * 700.0 * t).sin();
            assert!((f64::from(*value) - want).abs() < 0.005, "{value} {want}");
        }
        assert!(read(&tone, 3.0, 10, &mut read_at).is_none());
    }

    #[test]
    fn a_group_ends_where_a_period_is_missing_or_doubled() {
        assert_eq!(steady(&[100.0, 101.0, 99.0, f64::NAN, 100.0]), 3);
        assert_eq!(steady(&[100.0, 200.0]), 1);
        assert_eq!((steady(&[f64::NAN, 1.0]), steady(&[])), (0, 0));
    }

    #[test]
    fn nothing_gives_no_number() {
        let mut nothing = Exact::default();
        nothing.add(&[], &[], &[]);
        assert_eq!((nothing.jitter(), nothing.shimmer_db()), (None, None));
    }
}
