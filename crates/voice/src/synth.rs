//! Sound with known answers: tones, glides, stacks, noise, vowels and bursts, all at 16 kHz mono.
//!
//! Every function is a closed formula or a seeded generator, so that a test can say what must be measured.

use std::f64::consts::PI;

use crate::recording::RATE;

/// Formants of a vowel: centre frequency and bandwidth in hertz, lowest first.
pub type Formants = [(f64, f64)];

/// /a/ of an adult male (Peterson & Barney 1952, table II, with bandwidths of a synthesiser).
pub const A: [(f64, f64); 4] = [(730.0, 60.0), (1090.0, 90.0), (2440.0, 120.0), (3400.0, 175.0)];
/// /i/ of the same table.
pub const I: [(f64, f64); 4] = [(270.0, 60.0), (2290.0, 90.0), (3010.0, 120.0), (3600.0, 175.0)];

fn count(seconds: f64) -> usize {
    (seconds * f64::from(RATE)).round() as usize
}

fn time(sample: usize) -> f64 {
    sample as f64 / f64::from(RATE)
}

/// `seconds` of silence.
pub fn silence(seconds: f64) -> Vec<f32> {
    vec![0.0; count(seconds)]
}

/// A sine of `hertz` and peak `amplitude`.
pub fn tone(hertz: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    (0..count(seconds)).map(|n| (amplitude * (2.0 * PI * hertz * time(n)).sin()) as f32).collect()
}

/// A sine whose frequency goes in a straight line from `from` to `to` hertz.
pub fn glide(from: f64, to: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    let cycles = |t: f64| from * t + 0.5 * (to - from) / seconds * t * t;
    (0..count(seconds)).map(|n| (amplitude * (2.0 * PI * cycles(time(n))).sin()) as f32).collect()
}

/// Harmonics 1 to `harmonics` of `hertz`, the k-th with amplitude `amplitude / k`; those above 8 kHz are left out.
pub fn harmonics(hertz: f64, harmonics: usize, amplitude: f64, seconds: f64) -> Vec<f32> {
    let heard: Vec<f64> =
        (1..=harmonics).map(|k| k as f64).filter(|k| k * hertz < f64::from(RATE) / 2.0).collect();
    let value = |t: f64| heard.iter().map(|k| (2.0 * PI * k * hertz * t).sin() / k).sum::<f64>();
    (0..count(seconds)).map(|n| (amplitude * value(time(n))) as f32).collect()
}

/// A voice that trembles: harmonics 1 to 10 of `hertz`, the k-th with amplitude 0.1 / k. Frequency and amplitude are each
/// multiplied by 1 + depth · sin(2π rate t): `frequency` and `amplitude` are rate in hertz and depth.
pub fn trembling(hertz: f64, frequency: (f64, f64), amplitude: (f64, f64), seconds: f64) -> Vec<f32> {
    let angle = |rate: f64, t: f64| 2.0 * PI * rate * t;
    // The integral of the frequency: its sine becomes (1 − cos) / (2π rate).
    let swing = |t: f64| frequency.1 / (2.0 * PI * frequency.0) * (1.0 - angle(frequency.0, t).cos());
    let tone = |t: f64| {
        (1..=10).map(|k| (angle(f64::from(k) * hertz, t + swing(t))).sin() / f64::from(k)).sum::<f64>()
    };
    let loud = |t: f64| 0.1 * (1.0 + amplitude.1 * angle(amplitude.0, t).sin());
    (0..count(seconds)).map(|n| (loud(time(n)) * tone(time(n))) as f32).collect()
}

/// White noise of root mean square `rms`, uniformly distributed; the same for the same `seed`.
pub fn noise(rms: f64, seconds: f64, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = move || {
        // xorshift64* (Vigna 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    };
    // A uniform value in [-1, 1] has mean square 1/3.
    (0..count(seconds)).map(|_| (rms * 3f64.sqrt() * (2.0 * draw() - 1.0)) as f32).collect()
}

/// A vowel: an impulse train of `hertz` through second-order resonators in cascade (Klatt 1980), scaled to peak
/// `amplitude`, faded in and out over 10 ms.
pub fn vowel(hertz: f64, formants: &Formants, amplitude: f64, seconds: f64) -> Vec<f32> {
    voiced(pulses(hertz, seconds), formants, amplitude)
}

/// A vowel as [`vowel`] makes it, of the pulses given: the moment in seconds and the strength of each. Moments lie between
/// samples: a pulse is a sinc under a Hann window of 32 samples. So jitter and shimmer are known.
pub fn uneven_vowel(pulses: &[(f64, f64)], formants: &Formants, amplitude: f64, seconds: f64) -> Vec<f32> {
    const REACH: isize = 16;
    let mut sound = vec![0.0; count(seconds)];
    for (moment, strength) in pulses {
        let place = moment * f64::from(RATE);
        for n in place.floor() as isize - REACH..=place.floor() as isize + REACH {
            let x = n as f64 - place;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) };
            let weight = 0.5 + 0.5 * (PI * x / (REACH + 1) as f64).cos();
            if let Some(sample) = usize::try_from(n).ok().and_then(|n| sound.get_mut(n)) {
                *sample += strength * sinc * weight;
            }
        }
    }
    let (pole, mut last) = (source_pole(), 0.0);
    for sample in &mut sound {
        last = pole * last + *sample;
        *sample = last;
    }
    voiced(sound, formants, amplitude)
}

/// A source through its formants, scaled and faded.
fn voiced(mut sound: Vec<f64>, formants: &Formants, amplitude: f64) -> Vec<f32> {
    for (centre, width) in formants {
        resonate(&mut sound, *centre, *width);
    }
    let peak = sound.iter().fold(1e-12f64, |peak, value| peak.max(value.abs()));
    let mut samples: Vec<f32> = sound.iter().map(|value| (value / peak * amplitude) as f32).collect();
    fade(&mut samples, 0.01);
    samples
}

/// The pole of the slope of a voice source: a low pass at 100 Hz.
fn source_pole() -> f64 {
    (-2.0 * PI * 100.0 / f64::from(RATE)).exp()
}

/// An impulse train with the slope of a voice source: each impulse through a one-pole low pass at 100 Hz.
fn pulses(hertz: f64, seconds: f64) -> Vec<f64> {
    let (pole, mut last) = (source_pole(), 0.0);
    let sample = |n: usize| {
        let period = |n: f64| (n / f64::from(RATE) * hertz).floor();
        let fires = n == 0 || period(n as f64) > period(n as f64 - 1.0);
        last = pole * last + f64::from(u8::from(fires));
        last
    };
    (0..count(seconds)).map(sample).collect()
}

fn resonate(sound: &mut [f64], centre: f64, width: f64) {
    let radius = (-PI * width / f64::from(RATE)).exp();
    let first = 2.0 * radius * (2.0 * PI * centre / f64::from(RATE)).cos();
    let second = -radius * radius;
    let (mut one, mut two) = (0.0, 0.0);
    for sample in sound {
        let out = (1.0 - first - second) * *sample + first * one + second * two;
        (two, one) = (one, out);
        *sample = out;
    }
}

/// Fades `samples` in and out over `seconds` with a raised cosine.
pub fn fade(samples: &mut [f32], seconds: f64) {
    let (length, ramp) = (samples.len(), count(seconds).min(samples.len() / 2));
    for n in 0..ramp {
        let gain = (0.5 - 0.5 * (PI * n as f64 / ramp as f64).cos()) as f32;
        samples[n] *= gain;
        samples[length - 1 - n] *= gain;
    }
}

/// Vowels and pauses in turn: for each pair, `speech_s` seconds of /a/ at 120 Hz, then `pause_s` seconds of silence, all
/// over white noise of root mean square `noise_rms`. The second value is each pause as start and end in seconds.
pub fn bursts(pairs: &[(f64, f64)], noise_rms: f64) -> (Vec<f32>, Vec<(f64, f64)>) {
    let (mut samples, mut pauses) = (Vec::new(), Vec::new());
    for (speech_s, pause_s) in pairs {
        samples.extend(vowel(120.0, &A, 0.3, *speech_s));
        let start = time(samples.len());
        samples.extend(silence(*pause_s));
        pauses.push((start, time(samples.len())));
    }
    let floor = noise(noise_rms, time(samples.len()), 11);
    samples.iter_mut().zip(floor).for_each(|(sample, noise)| *sample += noise);
    (samples, pauses)
}

/// `dry` in a room that rings: convolved with noise that falls by 60 dB in `seconds` (Polack 1988), as loud as the
/// sound itself; 0 leaves it dry.
pub fn reverberant(dry: &[f32], seconds: f64) -> Vec<f32> {
    let decay = |n: usize| 10f64.powf(-3.0 * time(n) / seconds);
    let tail: Vec<f64> =
        noise(1.0, seconds, 29).iter().enumerate().map(|(n, x)| f64::from(*x) * decay(n)).collect();
    let norm = tail.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
    // A fifth of the reflections tell their slope as well as all of them, in a fifth of the time.
    let kept: Vec<(usize, f64)> =
        tail.iter().enumerate().skip(1).step_by(5).map(|(n, x)| (n, x / norm * 5f64.sqrt())).collect();
    let mut wet: Vec<f64> = dry.iter().map(|sample| f64::from(*sample)).collect();
    for (n, weight) in kept {
        let reflected = dry.iter().take(dry.len().saturating_sub(n));
        wet[n.min(dry.len())..].iter_mut().zip(reflected).for_each(|(wet, x)| *wet += weight * f64::from(*x));
    }
    wet.iter().map(|sample| (0.5 * sample) as f32).collect()
}

/// Syllables of a diadochokinetic task, "pa-ta-ka-pa-ta-ka", one beginning at each of `onsets` seconds: a closure, a
/// burst of noise (6, 10 and 8 ms at rising level, for p, t and k), 15 ms of nothing, and /a/ at 120 Hz until 40 % of the
/// time to the next is left for the closure. The last is as long as the one before. Onsets are those of the vowels.
pub fn pataka(onsets: &[f64]) -> Vec<f32> {
    let gap = |n: usize| onsets.get(n + 1).map(|next| next - onsets[n]);
    let period = |n: usize| gap(n).or_else(|| gap(n.checked_sub(1)?)).unwrap_or(0.2);
    let end = onsets.last().map_or(0.0, |last| last + 2.0 * period(onsets.len() - 1));
    let mut samples = silence(end);
    for (n, onset) in onsets.iter().enumerate() {
        let (burst_s, level) = [(0.006, 0.02), (0.010, 0.05), (0.008, 0.04)][n % 3];
        put(&mut samples, onset - 0.015 - burst_s, &noise(level, burst_s, n as u64 + 1));
        put(&mut samples, *onset, &vowel(120.0, &A, 0.3, 0.6 * period(n)));
    }
    samples
}

/// Adds `part` to `samples` from `start` seconds on, as far as they go.
fn put(samples: &mut [f32], start: f64, part: &[f32]) {
    let start = count(start.max(0.0)).min(samples.len());
    samples[start..].iter_mut().zip(part).for_each(|(sample, part)| *sample += part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intensity::mean_square;

    #[test]
    fn noise_has_the_level_asked_for_and_repeats() {
        let first = noise(0.05, 2.0, 3);
        assert!((mean_square(&first).sqrt() - 0.05).abs() < 0.0005);
        assert_eq!(first, noise(0.05, 2.0, 3));
        assert_ne!(first, noise(0.05, 2.0, 4));
    }

    #[test]
    fn a_vowel_has_its_peak_and_length() {
        let samples = vowel(120.0, &A, 0.4, 0.5);
        let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert_eq!(samples.len(), 8000);
        assert!((0.3..=0.4).contains(&peak), "{peak}");
    }

    #[test]
    fn bursts_know_their_pauses() {
        let (samples, pauses) = bursts(&[(0.5, 0.3), (0.4, 1.0)], 0.0);
        assert_eq!(samples.len(), count(2.2));
        assert_eq!(pauses, [(0.5, 0.8), (1.2, 2.2)]);
    }
}
