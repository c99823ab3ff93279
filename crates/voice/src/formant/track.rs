//! Formants and clarity of a sound that comes in pieces.
//!
//! Both are read off the lowered sound and need no pitch, so every frame is read as it comes, and those without pitch are
//! left out when it is known. Blocks are those of a whole file, and so are the values, to the bit.

use feature::Hertz;

use super::{
    FORMANTS, Finder, FormantSettings, Formants, Found, emphasis,
    lower::{BLOCK, LEAD, Lowering, STEP},
    wish,
};
use crate::{
    cepstrum::{self, Cepstrum},
    contour::{Contour, Grid},
    recording::RATE,
};

/// Samples of the lowered sound to each side of a centre that the longest window reaches (clarity, 512), rounded up.
const REACH: usize = 520;

/// Formants and cepstral peaks of all frames so far.
pub(crate) struct ResonanceTrack {
    lowering: Lowering,
    share: f32,
    /// 16 kHz samples that are not lowered yet, and the lead before them.
    heard: Vec<f32>,
    seen: usize,
    /// Lowered sound before its highs are raised: the last sample of what was raised.
    last: f32,
    /// Raised sound, and the place of its first sample.
    raised: Vec<f32>,
    start: usize,
    finder: Finder,
    cepstrum: Cepstrum,
    found: Vec<Found>,
    cpps: Vec<f32>,
    /// Whether the source reaches the band of clarity.
    reaches: bool,
}

impl ResonanceTrack {
    /// A track of no sound yet, of a source that holds nothing above `highest`.
    pub(crate) fn new(highest: Hertz) -> Self {
        let settings = FormantSettings::default();
        let lowering = Lowering::new(wish(settings.ceiling, highest));
        let rate = lowering.rate();
        Self {
            share: emphasis(rate),
            heard: vec![0.0; LEAD],
            seen: 0,
            last: 0.0,
            raised: Vec::new(),
            start: 0,
            finder: Finder::new(rate, &settings),
            cepstrum: Cepstrum::new(rate),
            found: Vec::new(),
            cpps: Vec::new(),
            reaches: highest.0 >= cepstrum::NEEDS_HZ,
            lowering,
        }
    }

    /// Takes more samples at 16 kHz.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.heard.extend_from_slice(samples);
        self.seen += samples.len();
        while self.heard.len() >= BLOCK {
            self.lower();
        }
        let whole = self.start + self.raised.len();
        self.read(whole.saturating_sub(REACH) as f64);
    }

    /// Takes the end: silence lies beyond it.
    pub(crate) fn end(&mut self) {
        let wanted = self.lowering.count(self.seen);
        while self.start + self.raised.len() < wanted {
            self.heard.resize(BLOCK.max(self.heard.len()), 0.0);
            self.lower();
        }
        self.raised.truncate(wanted - self.start);
        self.read(f64::INFINITY);
    }

    /// Frames read so far.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Formants and cepstral peaks at the frames where `f0` is voiced, undefined at the others and at those to come.
    pub(crate) fn contours(&self, f0: &Contour) -> (Formants, Contour) {
        let voiced = |frame: &usize| f0.get(*frame).is_some();
        let contour = |value: &dyn Fn(usize) -> Option<f32>| {
            let values = (0..f0.len()).map(|frame| Some(frame).filter(voiced).and_then(value));
            Contour::new(f0.grid(), values.map(|value| value.unwrap_or(f32::NAN)).collect())
        };
        let found = |read: &dyn Fn(&Found) -> f32| contour(&|frame| self.found.get(frame).map(read));
        let formants = Formants {
            frequency: std::array::from_fn::<_, FORMANTS, _>(|n| found(&|it| it.frequency[n])),
            bandwidth: std::array::from_fn::<_, FORMANTS, _>(|n| found(&|it| it.bandwidth[n])),
            passed_over: found(&|it| it.passed_over),
        };
        (formants, contour(&|frame| self.cpps.get(frame).copied()))
    }

    /// Frequencies of the formants at the frames from `first` on that stand beside those of `f0`, voiced or not.
    pub(crate) fn frequencies(&self, first: usize, f0: &Contour) -> [Contour; FORMANTS] {
        let value =
            |frame: usize, n: usize| self.found.get(first + frame).map_or(f32::NAN, |it| it.frequency[n]);
        std::array::from_fn(|n| Contour::new(f0.grid(), (0..f0.len()).map(|frame| value(frame, n)).collect()))
    }

    /// Lowers and raises the next block.
    fn lower(&mut self) {
        let from = self.raised.len();
        self.lowering.lower(&self.heard[..BLOCK], &mut self.raised);
        self.heard.drain(..STEP);
        for sample in &mut self.raised[from..] {
            let here = *sample;
            *sample -= self.share * self.last;
            self.last = here;
        }
    }

    /// Reads the frames of the sound so far whose centre lies before lowered sample `end`, and lets go of what none to
    /// come reaches.
    fn read(&mut self, end: f64) {
        let rate = self.lowering.rate();
        let grid = Grid::default();
        for centre in grid.centres(self.seen).skip(self.found.len()) {
            let centre = centre * rate / f64::from(RATE);
            if centre >= end {
                break;
            }
            let here = centre - self.start as f64;
            self.found.push(self.finder.find(&self.raised, here));
            let clarity = self.reaches.then(|| self.cepstrum.prominence(&self.raised, here));
            self.cpps.push(clarity.unwrap_or(f32::NAN));
        }
        let next = (grid.first.0 + self.found.len() as f64 * grid.hop.0) * rate;
        let spent = (next as usize).saturating_sub(REACH + self.start).min(self.raised.len());
        self.raised.drain(..spent);
        self.start += spent;
    }
}
