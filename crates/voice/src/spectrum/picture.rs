//! A spectrogram as fine as its figure.

use crate::{
    recording::{RATE, Recording},
    spectrum::{FRAME, Frames, SIZE, hamming},
};

/// Most frames averaged in one column: more change nothing that can be seen.
const MOST: usize = 8;
/// Where the scale ends, in dB: below the rounding of 16 bits.
const FLOOR_DB: f32 = -120.0;

/// Log magnitude in dB re a sine of full scale, `[rows, columns]` row after row, the lowest frequency first; rows are equal
/// parts of 0 to [`Recording::highest`], columns equal parts of the recording. At least −120 dB. Computed on demand, for
/// figures: a column is the mean power of at most eight frames spread over it, a row the greatest of its bins.
pub fn spectrogram(recording: &Recording, columns: usize, rows: usize) -> Vec<f32> {
    let samples = recording.samples();
    let mut frames = Frames::new(hamming(FRAME), SIZE);
    let width = samples.len() as f64 / columns as f64;
    let looks = ((width / (FRAME / 2) as f64).ceil() as usize).clamp(1, MOST);
    let mut picture = vec![FLOOR_DB; rows * columns];
    let mut mean = vec![0.0f32; SIZE / 2 + 1];
    for column in 0..columns {
        mean.fill(0.0);
        for look in 0..looks {
            let centre = (column as f64 + (look as f64 + 0.5) / looks as f64) * width;
            let power = frames.power(samples, centre);
            mean.iter_mut().zip(power).for_each(|(mean, power)| *mean += power / looks as f32);
        }
        for row in 0..rows {
            let power = strongest(&mean, row, rows, recording.highest().0);
            picture[row * columns + column] = (10.0 * power.log10()).max(FLOOR_DB);
        }
    }
    picture
}

/// The greatest of the bins that fall into a row; the nearest bin where rows are finer than bins.
fn strongest(power: &[f32], row: usize, rows: usize, highest: f64) -> f32 {
    let bin = |row: usize| row as f64 / rows as f64 * highest * SIZE as f64 / f64::from(RATE);
    let first = (bin(row).round() as usize).min(power.len() - 1);
    let end = (bin(row + 1).round() as usize).clamp(first + 1, power.len());
    power[first..end].iter().copied().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn a_tone_is_a_line_at_its_frequency_and_level() {
        let recording =
            Recording::from_samples([synth::tone(1000.0, 0.1, 1.0), synth::silence(1.0)].concat());
        let (columns, rows) = (20, 80);
        let picture = spectrogram(&recording, columns, rows);
        let at = |row: usize, column: usize| picture[row * columns + column];
        // Rows of 100 Hz: 1 kHz is where row 10 begins, −20 dB re a sine of full scale.
        assert!((at(10, 5) + 20.0).abs() < 0.1, "{}", at(10, 5));
        assert!(at(40, 5) < -70.0 && at(10, 15) == FLOOR_DB);
    }

    #[test]
    fn a_picture_of_nothing_is_dark_or_empty() {
        let nothing = Recording::from_samples(Vec::new());
        assert_eq!(spectrogram(&nothing, 2, 2), [FLOOR_DB; 4]);
        assert_eq!(spectrogram(&nothing, 0, 5), []);
    }
}
