//! Where the network hears speech.

use earshot::Detector;

use crate::{activity::Interval, recording::RATE};

/// Samples of one of the network's frames: 16 ms.
const FRAME: usize = 256;
/// Score in `[0, 1]` from which a frame is speech.
const SPEECH: f32 = 0.5;
/// Frames of lead before each block: the network looks back over 48 ms, and remembers.
const LEAD: usize = 12;
/// Frames of a block (0.4 s). Each block is heard afresh, so that an answer does not depend on what else was asked: a file, of
/// which only open questions are asked, and a sound that is listened to have the same.
const BLOCK: usize = 24;

/// What the network heard, one answer a frame, `[frames]`; not asked far from any sound.
pub(super) struct Heard(Vec<bool>);

impl Heard {
    /// Asks the network about `sound` and what leads up to it.
    pub(super) fn of(samples: &[f32], sound: &[Interval]) -> Self {
        let frames: Vec<&[f32]> = samples.chunks_exact(FRAME).collect();
        let mut wanted = vec![false; frames.len()];
        for interval in sound {
            let to = (frame_at(interval.end.0) + 1).min(frames.len());
            wanted[frame_at(interval.start.0).min(to)..to].fill(true);
        }
        let mut heard = vec![false; frames.len()];
        let mut detector = Detector::default_boxed();
        for (block, wanted) in wanted.chunks(BLOCK).enumerate() {
            let Some(last) = wanted.iter().rposition(|it| *it) else { continue };
            let start = block * BLOCK;
            detector.reset();
            for frame in start.saturating_sub(LEAD)..=start + last {
                let speech = detector.predict_f32(frames[frame]) >= SPEECH;
                heard[frame] = if frame < start { heard[frame] } else { speech };
            }
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
    /// Hears the lead of the next block.
    ahead: Box<Detector>,
    pending: Vec<f32>,
    /// One answer a frame.
    pub(super) heard: Vec<bool>,
}

impl Ear {
    pub(crate) fn new() -> Self {
        Self {
            detector: Detector::default_boxed(),
            ahead: Detector::default_boxed(),
            pending: Vec::with_capacity(2 * FRAME),
            heard: Vec::new(),
        }
    }

    /// Takes more samples.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        for piece in samples.chunks(FRAME) {
            self.pending.extend_from_slice(piece);
            if self.pending.len() >= FRAME {
                self.frame();
                self.pending.drain(..FRAME);
            }
        }
    }

    /// Hears the pending frame, for its block and for the next one's lead.
    fn frame(&mut self) {
        let frame = &self.pending[..FRAME];
        let place = self.heard.len() % BLOCK;
        self.heard.push(self.detector.predict_f32(frame) >= SPEECH);
        if place >= BLOCK - LEAD {
            self.ahead.predict_f32(frame);
        }
        if place == BLOCK - 1 {
            std::mem::swap(&mut self.detector, &mut self.ahead);
            self.ahead.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    #[test]
    fn whoever_listens_hears_what_a_file_is_asked_about() {
        let sound = [
            synth::noise(0.1, 0.7, 3),
            synth::vowel(120.0, &synth::A, 0.3, 0.9),
            synth::silence(0.3),
            synth::noise(0.02, 0.8, 5),
            synth::vowel(200.0, &synth::I, 0.1, 0.9),
        ]
        .concat();
        let mut ear = Ear::new();
        sound.chunks(999).for_each(|piece| ear.push(piece));
        assert!(ear.heard.contains(&true) && ear.heard.contains(&false));
        // All of it, and parts of it: each frame has one answer.
        let whole = Heard::of(&sound, &[Interval::new(0.0, 3.6)]);
        assert_eq!(whole.0, ear.heard);
        let parts = [(0.6, 0.8), (0.81, 0.83), (2.4, 3.3)].map(|(from, to)| Interval::new(from, to));
        let heard = Heard::of(&sound, &parts);
        for part in &parts {
            assert_eq!(heard.share(part), whole.share(part));
        }
    }
}
