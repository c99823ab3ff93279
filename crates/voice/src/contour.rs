//! Values over time, one a frame, and the contours of a recording that everything else reads.
//!
//! All contours of an analysis share one grid: a frame every 10 ms, its time the centre of its window, the first at 5 ms.
//! So frame *i* stands for the hundredth of a second from *i* / 100 s on, and a second has a hundred frames whatever the
//! length of the window. Frames near the ends whose window reaches beyond the recording see silence there (pitch) or have
//! no value (intensity).

use feature::Seconds;

use crate::{
    activity::{Activity, Levels},
    check::tone,
    colour::colours,
    intensity,
    pitch::{self, PitchSettings},
    recording::RATE,
    rhythm,
    speaker::Voices,
};

/// When frames are taken: the centre of the first, and the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Centre of the first frame.
    pub first: Seconds,
    /// From one centre to the next.
    pub hop: Seconds,
}

impl Default for Grid {
    /// Every 10 ms, the first in the middle of the first 10 ms.
    fn default() -> Self {
        Self { first: Seconds(0.005), hop: Seconds(0.01) }
    }
}

impl Grid {
    /// Centres of the frames of `samples` samples at 16 kHz, in samples: those that lie within.
    pub(crate) fn centres(self, samples: usize) -> impl ExactSizeIterator<Item = f64> {
        let (first, hop) = (self.first.0 * f64::from(RATE), self.hop.0 * f64::from(RATE));
        // A grid that begins before the sound or does not advance has no frames, rather than endlessly many.
        let sound = first >= 0.0 && hop >= 1.0;
        let frames = if sound { ((samples as f64 - first) / hop + 1.0).max(0.0) as usize } else { 0 };
        (0..frames).map(move |frame| first + frame as f64 * hop)
    }
}

/// One value a frame, `[frames]`, undefined where the formula has none (F0 where nothing is voiced).
#[derive(Debug, Clone)]
pub struct Contour {
    grid: Grid,
    /// NaN where undefined; never leaves this type.
    values: Vec<f32>,
}

impl Contour {
    /// A contour of `values` on `grid`, NaN where undefined.
    pub(crate) fn new(grid: Grid, values: Vec<f32>) -> Self {
        Self { grid, values }
    }

    /// Centre of the first frame, and the step.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of a frame; `None` where it is undefined or there is no such frame.
    pub fn get(&self, frame: usize) -> Option<f32> {
        self.values.get(frame).copied().filter(|value| value.is_finite())
    }

    /// The frame whose centre is nearest to a time in seconds.
    pub fn frame_at(&self, seconds: f64) -> usize {
        ((seconds - self.grid.first.0) / self.grid.hop.0).round().max(0.0) as usize
    }

    /// Time and value of every frame.
    pub fn iter(&self) -> impl Iterator<Item = (Seconds, Option<f32>)> + '_ {
        let Grid { first, hop } = self.grid;
        let time = move |frame: usize| Seconds(first.0 + frame as f64 * hop.0);
        (0..self.len()).map(move |frame| (time(frame), self.get(frame)))
    }

    /// The defined values, in order.
    pub fn defined(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value))
    }
}

/// Contours are equal when they are undefined at the same frames and equal at the others, bit by bit.
impl PartialEq for Contour {
    fn eq(&self, other: &Self) -> bool {
        let bits = |contour: &Self| contour.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        self.grid == other.grid && bits(self) == bits(other)
    }
}

/// Everything that is computed once of a recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contours {
    pub(crate) levels: Levels,
    pub(crate) f0: Contour,
    pub(crate) intensity: Contour,
    pub(crate) activity: Activity,
    pub(crate) syllables: Vec<Seconds>,
    pub(crate) voices: Voices,
    /// Share of the voiced time that is a tone or a hum; `None` where nothing is voiced.
    pub(crate) tone: Option<f64>,
}

impl Contours {
    /// Computes them in the order of their needs: pitch and intensity from samples, activity from pitch, syllables from all;
    /// says after each that it is done.
    pub(crate) fn told(samples: &[f32], done: &mut dyn FnMut(&'static str)) -> Self {
        let f0 = pitch::pitch(samples, &PitchSettings::default());
        done("F0, voicing");
        let intensity = intensity::intensity(samples, Grid::default());
        done("intensity");
        let levels = Levels::of(samples);
        let activity = Activity::of(samples, &levels, &f0);
        done("speech, pauses");
        let syllables = rhythm::nuclei(&intensity, &f0, &activity.speech);
        done("syllables");
        let colours = colours(samples, &f0);
        let voices = Voices::of(&colours, &f0, &activity.speech);
        let tone = tone::share(&colours, &f0);
        done("speakers, tones");
        Self { levels, f0, intensity, activity, syllables, voices, tone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_a_hundred_frames() {
        assert_eq!(Grid::default().centres(16_000).len(), 100);
        assert_eq!(Grid::default().centres(0).len(), 0);
        assert_eq!(Grid::default().centres(79).len(), 0);
        for (first, hop) in [(0.0, 0.0), (-1.0, 0.01), (0.0, f64::NAN)] {
            assert_eq!(Grid { first: Seconds(first), hop: Seconds(hop) }.centres(16_000).len(), 0);
        }
    }

    #[test]
    fn an_undefined_frame_has_no_value() {
        let contour = Contour::new(Grid::default(), vec![120.0, f32::NAN]);
        assert_eq!((contour.get(0), contour.get(1), contour.get(2)), (Some(120.0), None, None));
        assert_eq!(contour.defined().collect::<Vec<_>>(), [120.0]);
        assert_eq!(contour, contour.clone());
    }

    #[test]
    fn a_time_finds_its_frame() {
        let contour = Contour::new(Grid::default(), vec![0.0; 10]);
        assert_eq!((contour.frame_at(0.0), contour.frame_at(0.026)), (0, 2));
    }
}
