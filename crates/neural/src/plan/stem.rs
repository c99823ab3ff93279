//! What stands before an encoder of spectra: two convolutions over time and positions.

use super::dense::{Dense, Linear, Precision, Rows};
use super::encoder::GROUP;
use crate::PlanError;
use crate::kernel::quantised::Activations;
use crate::kernel::rows::Activation;
use crate::kernel::{Isa, Plane, WIDTH};

/// Frames under a kernel.
const TAPS: usize = 3;

/// Two convolutions over time with GELU after each, three frames wide with one of zeros on either side, the second with
/// step 2, as linear layers of three frames; and what is added to each frame (Whisper's, Radford et al. 2022).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stem {
    /// `[3 · bands, width]`.
    pub(crate) first: Linear,
    /// `[3 · width, width]`.
    pub(crate) second: Linear,
    /// `[frames, width]`.
    pub(crate) positions: Vec<f32>,
}

/// A stem ready to run.
#[derive(Debug)]
pub(crate) struct StemPlan {
    isa: Isa,
    first: Dense,
    second: Dense,
    positions: Vec<f32>,
    bands: usize,
    width: usize,
}

/// The memory of one run of a stem.
#[derive(Debug)]
pub(crate) struct StemWorkspace {
    /// `[1 + 2 · frames + 1, bands]`: the spectrum turned, zeros before and after.
    turned: Vec<f32>,
    /// `[1 + 2 · frames + 1, width]`.
    wide: Vec<f32>,
    /// Quantised rows of either layer.
    activations: [Activations; 2],
    /// `[GROUP, width]` in whole panels.
    group: Vec<f32>,
}

impl StemPlan {
    pub(crate) fn new(stem: &Stem, precision: Precision, isa: Isa) -> Result<StemPlan, PlanError> {
        let (bands, width) = (stem.first.inputs / TAPS, stem.first.outputs());
        stem.first.check("first convolution", bands * TAPS, width)?;
        stem.second.check("second convolution", width * TAPS, width)?;
        let whole = stem.positions.len() / width.max(1) * width;
        if whole != stem.positions.len() {
            let got = stem.positions.len();
            return Err(PlanError::Shape { what: "positions", of: "values", expected: whole, got });
        }
        let pack = |layer| Dense::pack(isa, precision, layer);
        let (first, second) = (pack(&stem.first), pack(&stem.second));
        Ok(StemPlan { isa, first, second, positions: stem.positions.clone(), bands, width })
    }

    /// A stem of layers that are laid out and fit each other and the positions.
    pub(crate) fn of_layers(isa: Isa, [first, second]: [Dense; 2], positions: Vec<f32>) -> StemPlan {
        let [taps, width] = first.shape();
        StemPlan { isa, first, second, positions, bands: taps / TAPS, width }
    }

    /// Frames that come out.
    pub(crate) fn frames(&self) -> usize {
        self.positions.len() / self.width.max(1)
    }

    pub(crate) fn bands(&self) -> usize {
        self.bands
    }

    pub(crate) fn workspace(&self) -> StemWorkspace {
        let rows = 2 * self.frames() + 2;
        StemWorkspace {
            turned: vec![0.0; rows * self.bands],
            wide: vec![0.0; rows * self.width],
            activations: [self.bands, self.width]
                .map(|width| Activations::new(self.isa, GROUP, TAPS * width)),
            group: vec![0.0; GROUP * self.width.next_multiple_of(WIDTH)],
        }
    }

    /// `[bands, 2 · frames]` to `[frames, width]`.
    pub(crate) fn run(&self, workspace: &mut StemWorkspace, input: &[f32], output: &mut [f32]) {
        let StemWorkspace { turned, wide, activations: [narrow, broad], group } = workspace;
        let (frames, bands, width) = (self.frames(), self.bands, self.width);
        for (band, values) in input.chunks_exact((2 * frames).max(1)).enumerate() {
            for (frame, value) in values.iter().enumerate() {
                turned[(frame + 1) * bands + band] = *value;
            }
        }
        let inside = width..(2 * frames + 1) * width;
        let rows = Rows { values: turned, stride: bands, count: 2 * frames };
        self.convolve(&self.first, rows, (narrow, group), &mut wide[inside]);
        let rows = Rows { values: wide, stride: 2 * width, count: frames };
        self.convolve(&self.second, rows, (broad, group), output);
        for (value, place) in output.iter_mut().zip(&self.positions) {
            *value += place;
        }
    }

    /// A convolution whose patches are rows that overlap: `rows.stride` values from patch to patch.
    fn convolve(&self, layer: &Dense, rows: Rows<'_>, room: (&mut Activations, &mut [f32]), to: &mut [f32]) {
        let (activations, group) = room;
        let stride = self.width.next_multiple_of(WIDTH);
        for (first, to) in (0..rows.count).step_by(GROUP).zip(to.chunks_mut(GROUP * self.width)) {
            let count = GROUP.min(rows.count - first);
            let values = &rows.values[first * rows.stride..];
            let mut plane = Plane { values: group, stride, activation: Activation::Gelu, add: false };
            layer.multiply(Rows { values, count, ..rows }, activations, &mut plane);
            for (to, from) in to.chunks_exact_mut(self.width).zip(group.chunks_exact(stride)) {
                to.copy_from_slice(&from[..self.width]);
            }
        }
    }
}
