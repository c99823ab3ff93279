//! Period marks: one moment in each period of the voice, the same moment in every one.
//!
//! The definition is the published one of the reference program's manual (Boersma & Weenink, *Praat: doing phonetics by
//! computer*, page "Sound & Pitch: To PointProcess (cc)"). In every voiced stretch of the pitch contour, with T0 the
//! period that the contour gives at a moment (in a straight line between its frames):
//! 1. the first mark is the greatest amplitude within T0 / 2 of the middle of the stretch (on the side of zero that ten
//!    periods before and after favour, where the two sides differ by less than 5 %);
//! 2. from a mark, the next one is looked for 0.8 to 1.2 T0 further, to the right and to the left, where the period
//!    around it is most like the period around the mark: where the normalised cross-correlation of the two is greatest;
//! 3. a mark whose correlation is 0.45 or less, the voicing threshold of pitch, is stepped over but not kept.
//!
//! The manual keeps marks above 0.3 and one beyond the edge of a stretch above 0.7. Our contour calls a few more frames
//! voiced at the edges of running speech (22 of 1100 on a speech of 1961), where neither period nor mark is sure; with
//! the stricter threshold and without marks beyond the edge, jitter there agrees with the reference's.
//! Stretches begin and end where a whole frame of pitch (three periods of 75 Hz) lies within the recording.
//!
//! The greatest correlation is placed between samples by a parabola through it and its neighbours.

use std::ops::RangeInclusive;

use crate::{contour::Contour, interpolate::vertex, recording::RATE};

/// Where the next mark may lie, in periods from the last.
const NEAREST: f64 = 0.8;
/// See [`NEAREST`].
const FURTHEST: f64 = 1.2;
/// Correlation that a mark must exceed to be kept.
const KEPT: f32 = 0.45;
/// Share of the higher peak from which on the peak on the other side of zero is nearly as high.
const NEARLY: f32 = 0.95;
/// Periods to each side that then decide.
const AROUND: usize = 10;
/// Half a frame of pitch in seconds: three periods of its floor.
const HALF_FRAME_S: f64 = 1.5 / 75.0;
/// Marks of neighbouring stretches are no nearer than half the shortest period that is looked for, in samples.
const APART: f64 = 16.0;

/// Period marks of 16 kHz `samples` whose pitch is `f0`: places in samples, not whole, strictly rising. Gain does not
/// change them.
pub(crate) fn marks(samples: &[f32], f0: &Contour) -> Vec<f64> {
    let level = without_offset(samples);
    let mut marks: Vec<f64> = Vec::new();
    let duration = samples.len() as f64 / f64::from(RATE);
    for stretch in stretches(f0, HALF_FRAME_S..=duration - HALF_FRAME_S) {
        let found = Stretch { samples: &level, f0, first: stretch.0, last: stretch.1 }.marks();
        let free = marks.last().map_or(f64::NEG_INFINITY, |last| last + APART);
        marks.extend(found.into_iter().filter(|mark| *mark > free));
    }
    marks
}

/// The samples with their mean taken away, so that the first mark is a peak of the voice and not of the offset.
fn without_offset(samples: &[f32]) -> Vec<f32> {
    let mean = samples.iter().map(|it| f64::from(*it)).sum::<f64>() / samples.len().max(1) as f64;
    samples.iter().map(|sample| sample - mean as f32).collect()
}

/// First and last frame of every run of voiced frames whose times in seconds lie `within`.
pub(crate) fn stretches(f0: &Contour, within: RangeInclusive<f64>) -> Vec<(usize, usize)> {
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    let voiced =
        f0.iter().enumerate().filter(|(_, (time, hertz))| hertz.is_some() && within.contains(&time.0));
    for (frame, _) in voiced {
        match stretches.last_mut() {
            Some((_, last)) if *last + 1 == frame => *last = frame,
            _ => stretches.push((frame, frame)),
        }
    }
    stretches
}

/// One voiced stretch of a recording.
struct Stretch<'a> {
    samples: &'a [f32],
    f0: &'a Contour,
    first: usize,
    last: usize,
}

/// A mark that was looked for: where it is, and how like its neighbour the period around it is.
#[derive(Debug, Clone, Copy)]
struct Found {
    place: f64,
    likeness: f32,
}

impl Stretch<'_> {
    fn marks(&self) -> Vec<f64> {
        let Some(first) = self.peak() else { return Vec::new() };
        let mut marks = self.follow(first, -1.0);
        marks.reverse();
        marks.push(first);
        marks.extend(self.follow(first, 1.0));
        marks
    }

    /// Place in samples of a frame number, which need not be whole.
    fn place(&self, frame: f64) -> f64 {
        let grid = self.f0.grid();
        (grid.first.0 + frame * grid.hop.0) * f64::from(RATE)
    }

    /// The period at a place, in samples.
    fn period(&self, place: f64) -> f64 {
        let grid = self.f0.grid();
        let frame = (place / f64::from(RATE) - grid.first.0) / grid.hop.0;
        let frame = frame.clamp(self.first as f64, self.last as f64);
        let (below, share) = (frame as usize, frame.fract());
        let hertz = |frame: usize| {
            f64::from(self.f0.get(frame.min(self.last)).expect("frames of a stretch are voiced"))
        };
        f64::from(RATE) / (hertz(below) * (1.0 - share) + hertz(below + 1) * share)
    }

    /// The greatest amplitude within half a period of the middle, above zero or below it as the sound's peaks are.
    fn peak(&self) -> Option<f64> {
        let middle = self.place((self.first + self.last) as f64 / 2.0);
        let half = self.period(middle) / 2.0;
        let from = (middle - half).max(0.0) as usize;
        let to = ((middle + half) as usize + 1).min(self.samples.len());
        if from >= to {
            return None;
        }
        let upward = self.is_upward(from, to);
        let height = |place: usize| if upward { self.samples[place] } else { -self.samples[place] };
        (from..to).max_by(|a, b| height(*a).total_cmp(&height(*b))).map(|peak| peak as f64)
    }

    /// Whether the peaks from `from` to before `to` are higher above zero than below. Where they are nearly the same, the
    /// noise of one period would decide; then the periods around it do.
    fn is_upward(&self, from: usize, to: usize) -> bool {
        let (high, low) = self.samples[from..to].iter().fold((0.0, 0.0), heights);
        if f32::min(high, low) < NEARLY * f32::max(high, low) {
            return high > low;
        }
        let length = to - from;
        let periods = (0..=2 * AROUND).filter_map(|n| (from + n * length).checked_sub(AROUND * length));
        let (high, low) = periods.filter_map(|start| self.samples.get(start..start + length)).fold(
            (0.0f32, 0.0f32),
            |(high, low), period| {
                let (above, below) = period.iter().fold((0.0, 0.0), heights);
                (high + above, low + below)
            },
        );
        high >= low
    }

    /// The marks from `start`, which is not among them, to the edge of the stretch; `way` is 1 or −1.
    fn follow(&self, start: f64, way: f64) -> Vec<f64> {
        let (from, to) = (self.place(self.first as f64 - 0.5), self.place(self.last as f64 + 0.5));
        let mut marks = Vec::new();
        let mut here = start;
        while let Some(Found { place, likeness }) = self.next(here, way) {
            if !(from..=to).contains(&place) {
                break;
            }
            marks.extend((likeness > KEPT).then_some(place));
            here = place;
        }
        marks
    }

    /// The place a period from `here` where the sound is most like the sound around `here`; `None` at the ends of the
    /// recording.
    fn next(&self, here: f64, way: f64) -> Option<Found> {
        let period = self.period(here);
        let half = (period / 2.0).round() as usize;
        let centre = here.round() as usize;
        let window = self.samples.get(centre.checked_sub(half)?..=centre + half)?;
        let ends = [here + way * NEAREST * period, here + way * FURTHEST * period];
        let first = (ends[0].min(ends[1]).floor() as usize).checked_sub(1)?.max(half);
        let last = (ends[0].max(ends[1]).ceil() as usize + 1).min(self.samples.len().checked_sub(half + 1)?);
        // Near the ends of the recording nothing is left to look through.
        last.checked_sub(first + 2)?;
        let likeness = likenesses(window, self.samples.get(first - half..=last + half)?);
        let best =
            (1..likeness.len().checked_sub(1)?).max_by(|a, b| likeness[*a].total_cmp(&likeness[*b]))?;
        let (offset, top) = vertex(likeness[best - 1], likeness[best], likeness[best + 1]);
        let place = (first + best) as f64 + f64::from(offset) + (here - centre as f64);
        Some(Found { place, likeness: top })
    }
}

/// The greatest height above and below zero, with one more sample.
fn heights((high, low): (f32, f32), sample: &f32) -> (f32, f32) {
    (high.max(*sample), low.max(-sample))
}

/// Normalised cross-correlation of `window` with every stretch of `sound` of its length, `[sound − window + 1]`.
fn likenesses(window: &[f32], sound: &[f32]) -> Vec<f32> {
    let square = |it: &f32| f64::from(*it) * f64::from(*it);
    let own: f64 = window.iter().map(square).sum();
    let length = window.len();
    let mut energy: f64 = sound[..length].iter().map(square).sum();
    let mut likenesses = Vec::with_capacity(sound.len() - length + 1);
    for (lag, here) in sound.windows(length).enumerate() {
        let norm = (own * energy).sqrt();
        likenesses.push(if norm > 1e-20 { (f64::from(dot(window, here)) / norm) as f32 } else { 0.0 });
        let entering = sound.get(lag + length).map_or(0.0, square);
        energy = (energy + entering - square(&sound[lag])).max(0.0);
    }
    likenesses
}

/// Σ a b in sixteen lanes: a loop the compiler turns into vector instructions.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a_parts, b_parts) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_parts.zip(b_parts) {
        for lane in 0..16 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pitch::{PitchSettings, pitch},
        synth,
    };

    fn of(samples: &[f32]) -> Vec<f64> {
        marks(samples, &pitch(samples, &PitchSettings::default()))
    }

    #[test]
    fn a_second_of_120_hz_has_a_mark_a_period() {
        let marks = of(&synth::harmonics(120.0, 20, 0.2, 1.0));
        // 120, less those within 20 ms of the ends.
        assert!((113..=117).contains(&marks.len()), "{}", marks.len());
        let period = 16_000.0 / 120.0;
        assert!(marks.windows(2).all(|pair| (pair[1] - pair[0] - period).abs() < 0.02));
    }

    #[test]
    fn the_periods_of_a_glide_are_those_of_its_formula() {
        // f0(t) = 100 + 50 t has t(n) = −2 + √(4 + n / 25) for its n-th period.
        let marks = of(&synth::glide(100.0, 250.0, 0.3, 3.0));
        let phase = |mark: f64| (mark / 16_000.0 + 2.0).powi(2) * 25.0;
        let steps = marks.windows(2).map(|pair| phase(pair[1]) - phase(pair[0]));
        assert!(steps.clone().all(|step| (step - 1.0).abs() < 0.01), "{:?}", steps.reduce(f64::max));
    }

    #[test]
    fn neither_gain_nor_an_offset_moves_a_mark() {
        let quiet = synth::vowel(140.0, &synth::A, 0.1, 0.6);
        let loud: Vec<f32> = quiet.iter().map(|sample| sample * 4.0).collect();
        let lifted: Vec<f32> = quiet.iter().map(|sample| sample + 0.25).collect();
        assert_eq!(of(&quiet), of(&loud));
        let (marks, lifted) = (of(&quiet), of(&lifted));
        assert_eq!(marks.len(), lifted.len());
        assert!(marks.iter().zip(lifted).all(|(a, b)| (a - b).abs() < 0.05));
    }

    #[test]
    fn noise_and_silence_have_no_marks() {
        assert!(of(&synth::silence(1.0)).is_empty());
        assert!(of(&synth::noise(0.05, 1.0, 3)).len() < 20);
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn a_contour_whose_samples_are_gone_has_no_marks() {
        let contour = pitch(&synth::tone(200.0, 0.3, 1.0), &PitchSettings::default());
        assert!(contour.defined().count() > 90 && marks(&[], &contour).is_empty());
    }

    #[test]
    fn marks_rise_through_speech_that_starts_and_stops() {
        let marks = of(&synth::bursts(&[(0.3, 0.05), (0.2, 0.02), (0.4, 0.3)], 0.001).0);
        assert!(marks.len() > 90 && marks.windows(2).all(|pair| pair[1] > pair[0]));
    }
}
