//! How long a room rings after speech: a hint, not a measurement of the room.
//!
//! After a word the level falls as fast as the room lets it, or faster where the word itself fades slowly. The fall is a
//! straight line of dB on time (Sabine 1922); sixty dB of it is the reverberation time. After each stretch of speech, from
//! 5 dB below its end to 6 dB above the floor or 30 dB down, the power still to come is summed (Schroeder 1965: the sum
//! falls as the room does, without the ripple of the level), and a line is fitted to the first three fifths of its fall,
//! where what was cut off does not count yet. Ratnam et al. (2003, *Journal of the Acoustical Society of America* 114,
//! 2877–2892) look for such free decays in speech. The median over the ends is taken. Words that fade make it longer, loud noise hides it: hence a hint.

use feature::{median, percentile};

use crate::activity::{BLOCKS_A_SECOND, Interval, Levels};

/// Where the fall begins and ends, in dB below the loudest of the last 100 ms before it.
const FROM_DB: f64 = 5.0;
const TO_DB: f64 = 30.0;
/// Least height of a fall that is fitted, in dB, and least distance to the floor.
const LEAST_DB: f64 = 10.0;
const FLOOR_DB: f64 = 6.0;
/// Share of the fall of the summed power that is fitted.
const UPPER: f64 = 0.6;
/// Blocks looked at before an end of speech, and after it.
const BEFORE: usize = 3 * BLOCKS_A_SECOND / 10;
const AFTER: usize = 2 * BLOCKS_A_SECOND;
/// Fewest ends with a fall.
const FEWEST: usize = 3;

/// The typical time in seconds in which the sound falls by 60 dB after `speech`; `None` for fewer than three falls.
pub(super) fn time(levels: &Levels, speech: &[Interval]) -> Option<f64> {
    let floor = percentile(&levels.db, 5.0)?;
    let starts = speech.iter().skip(1).map(|it| block(it.start.0)).chain([levels.db.len()]);
    let times: Vec<f64> = speech
        .iter()
        .zip(starts)
        .filter_map(|(it, next)| fall(&levels.db, block(it.end.0), next, floor))
        .collect();
    (times.len() >= FEWEST).then(|| median(&times)).flatten()
}

fn block(seconds: f64) -> usize {
    (seconds * BLOCKS_A_SECOND as f64).round() as usize
}

/// The time of one fall, before block `next`, around the end of speech at block `end`.
fn fall(db: &[f64], end: usize, next: usize, floor: f64) -> Option<f64> {
    let from = end.saturating_sub(BEFORE);
    let around = db.get(from..(end + AFTER).min(next).min(db.len()))?;
    let smooth: Vec<f64> = around.windows(5).map(|five| five.iter().sum::<f64>() / 5.0).collect();
    // The last block before the end that is as loud as anything there: from it on the sound only falls.
    let top = smooth.iter().take(BEFORE).copied().fold(f64::MIN, f64::max);
    let lowest = (top - TO_DB).max(floor + FLOOR_DB);
    let start = smooth.iter().rposition(|level| *level >= top - FROM_DB)?;
    let length = smooth[start..].iter().position(|level| *level < lowest)?;
    let falling = &smooth[start..start + length];
    let height = falling.first()? - falling.last()?;
    let upper = summed(falling, UPPER * height);
    (height >= LEAST_DB && upper.len() > 1)
        .then(|| 60.0 / (-slope(&upper) * BLOCKS_A_SECOND as f64))
        .filter(|time| time.is_finite() && *time > 0.0)
}

/// Level of the power still to come, as far as it has fallen by at most `depth` dB.
fn summed(falling: &[f64], depth: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let mut levels: Vec<f64> = falling
        .iter()
        .rev()
        .map(|level| {
            sum += 10f64.powf(level / 10.0);
            10.0 * sum.log10()
        })
        .collect();
    levels.reverse();
    let top = levels.first().copied().unwrap_or_default();
    levels.into_iter().take_while(|level| *level >= top - depth).collect()
}

/// Slope of the line of least squares through values one step apart, a step.
fn slope(values: &[f64]) -> f64 {
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (mut cross, mut square) = (0.0, 0.0);
    for (place, value) in values.iter().enumerate() {
        let x = place as f64 - middle;
        cross += x * (value - mean);
        square += x * x;
    }
    cross / square.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recording::Recording, synth};

    fn of(samples: Vec<f32>) -> Option<f64> {
        let recording = Recording::from_samples(samples);
        let contours = recording.contours();
        time(&contours.levels, &contours.activity.speech)
    }

    #[test]
    fn a_room_is_heard_by_its_ringing() {
        // Six words of other pitches and colours: each meets the room at other frequencies.
        let word = |n: u32| {
            let colour = if n.is_multiple_of(2) { synth::A } else { synth::I };
            [synth::vowel(95.0 + 17.0 * f64::from(n), &colour, 0.3, 0.5), synth::silence(2.2)].concat()
        };
        let dry: Vec<f32> = (0..6).flat_map(word).collect();
        for want in [0.3, 0.5, 0.8, 1.2] {
            let got = of(synth::reverberant(&dry, want)).unwrap();
            assert!((got / want - 1.0).abs() < 0.35, "{want}: {got}");
        }
    }

    #[test]
    fn longer_ringing_is_longer_in_noise_and_short_pauses_too() {
        let (dry, _) = synth::bursts(&[(0.4, 0.5), (0.6, 0.7), (0.5, 0.4), (0.8, 0.9), (0.3, 0.6)], 0.0);
        let noisy = |sound: Vec<f32>| -> Vec<f32> {
            let noise = synth::noise(0.0005, 10.0, 3);
            sound.iter().zip(noise).map(|(sample, noise)| sample + noise).collect()
        };
        let times = [0.0, 0.3, 0.6, 1.0].map(|time| of(noisy(synth::reverberant(&dry, time))).unwrap_or(9.0));
        assert!(times[0] < 0.2 && times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    }

    #[test]
    fn without_ends_of_speech_nothing_is_known() {
        assert_eq!(of(synth::vowel(120.0, &synth::A, 0.3, 2.0)), None);
        assert_eq!(of(synth::silence(2.0)), None);
    }
}
