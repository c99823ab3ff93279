//! From interleaved frames of a file to one sound at 16 kHz.

use std::num::NonZeroUsize;

use crate::{
    channel::Channels,
    decode::{Layout, Tally},
    error::Error,
    recording::{Damage, Recording, Source},
    resample::Resampler,
};

/// What is taken of each frame.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pick {
    /// The mean of all channels.
    Mean,
    /// One channel, counted from 0.
    One(usize),
}

/// One sound in the making: picked, tallied, resampled.
pub(super) struct Lane {
    pick: Pick,
    tally: Tally,
    resampler: Resampler,
    mono: Vec<f32>,
}

/// The lanes for the channels that are `wanted` of a file: the mean; one channel; or, of a file with two channels that may
/// hold a person each, the mean and both.
pub(super) fn lanes(wanted: Channels, layout: Layout) -> Result<Vec<Lane>, Error> {
    let asked = match wanted {
        Channels::Mean => None,
        Channels::One(channel) => Some(channel.get()),
        Channels::Participant(channel) => channel.map(NonZeroUsize::get),
    };
    if let Some(wanted) = asked.filter(|asked| *asked > layout.channels) {
        return Err(Error::NoChannel { wanted, got: layout.channels });
    }
    let picks = match (wanted, asked) {
        (Channels::Participant(_), _) if layout.channels == 2 => {
            vec![Pick::Mean, Pick::One(0), Pick::One(1)]
        }
        (_, Some(channel)) => vec![Pick::One(channel - 1)],
        (_, None) => vec![Pick::Mean],
    };
    Ok(picks.into_iter().map(|pick| Lane::new(pick, layout)).collect())
}

impl Lane {
    fn new(pick: Pick, layout: Layout) -> Self {
        let tally = Tally::new(if pick == Pick::Mean { layout.channels } else { 1 });
        Self { pick, tally, resampler: Resampler::new(layout.rate), mono: Vec::new() }
    }

    /// Takes interleaved frames of so many `channels`.
    pub(super) fn take(&mut self, frames: &[f32], channels: usize) {
        let picked = match self.pick {
            Pick::Mean => 0..channels,
            Pick::One(channel) => channel..channel + 1,
        };
        self.mono.clear();
        let frames = frames.chunks_exact(channels);
        self.mono.extend(frames.map(|frame| self.tally.mean(&frame[picked.clone()])));
        self.resampler.push(&self.mono);
    }

    /// Takes silence in the place of frames that were lost.
    pub(super) fn silence(&mut self, frames: usize) {
        self.mono.clear();
        self.mono.resize(frames, 0.0);
        self.resampler.push(&self.mono);
    }

    /// The recording of it; what is counted of samples is filled into `damage`.
    pub(super) fn finish(self, source: Source, damage: Damage) -> Recording {
        let (clipped, not_finite) = (self.tally.clipped(), self.tally.not_finite());
        let mut samples = self.resampler.finish();
        samples.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        Recording::new(samples, source, Damage { clipped, not_finite, ..damage })
    }
}
