//! Where the network hears speech.

use earshot::Detector;

use crate::{activity::Interval, recording::RATE};

/// Samples of one of the network's frames: 16 ms.
const FRAME: usize = 256;
/// Score in `[0, 1]` from which a frame is speech.
const SPEECH: f32 = 0.5;
/// Frames of lead before each stretch of sound: the network looks back over 48 ms, and remembers.
const LEAD: usize = 12;

/// What the network heard, one answer a frame, `[frames]`; not asked far from any sound.
pub(super) struct Heard(Vec<bool>);

impl Heard {
    /// Asks the network about `sound` and what leads up to it.
    pub(super) fn of(samples: &[f32], sound: &[Interval]) -> Self {
        let mut detector = Detector::default_boxed();
        let mut heard = vec![false; samples.len() / FRAME];
        let mut asked = 0;
        for interval in sound {
            let (from, to) = (frame_at(interval.start.0), (frame_at(interval.end.0) + 1).min(heard.len()));
            let from = from.saturating_sub(LEAD);
            if from > asked {
                detector.reset();
            }
            for frame in from.max(asked)..to {
                let samples = &samples[frame * FRAME..(frame + 1) * FRAME];
                heard[frame] = detector.predict_f32(samples) >= SPEECH;
            }
            asked = asked.max(to);
        }
        Self(heard)
    }

    /// What was heard frame by frame, from the first on.
    pub(super) fn all(frames: Vec<bool>) -> Self {
        Self(frames)
    }

    /// Share of an interval's frames in which speech was heard.
    pub(super) fn share(&self, interval: &Interval) -> f64 {
        let to = (frame_at(interval.end.0) + 1).min(self.0.len());
        let frames = &self.0[frame_at(interval.start.0).min(to)..to];
        frames.iter().filter(|heard| **heard).count() as f64 / frames.len().max(1) as f64
    }
}

fn frame_at(seconds: f64) -> usize {
    (seconds * f64::from(RATE) / FRAME as f64) as usize
}

/// The network along a sound that comes in pieces: asked about every frame, because what will be open is not known.
pub(crate) struct Ear {
    detector: Box<Detector>,
    pending: Vec<f32>,
    /// One answer a frame.
    pub(super) heard: Vec<bool>,
}

impl Ear {
    pub(crate) fn new() -> Self {
        Self {
            detector: Detector::default_boxed(),
            pending: Vec::with_capacity(2 * FRAME),
            heard: Vec::new(),
        }
    }

    /// Takes more samples.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        for piece in samples.chunks(FRAME) {
            self.pending.extend_from_slice(piece);
            if self.pending.len() >= FRAME {
                self.heard.push(self.detector.predict_f32(&self.pending[..FRAME]) >= SPEECH);
                self.pending.drain(..FRAME);
            }
        }
    }
}
