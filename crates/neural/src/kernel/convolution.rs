//! Convolution of images that stand pixel after pixel (height, width, channels), without copying patches: a row of a patch
//! is contiguous, so a patch is as many runs as the kernel is high, and the loop of the matrix product walks them.

use super::float::{FloatWeights, Right, fma_tile};
use super::half::HalfWeights;
use super::lanes::Isa;
use super::product::{Factors, Product, Sink};
use super::quantised::{Int8Matrix, Int8Weights, Line, dot_tile};
use super::rows::{Activation, Affine};
use super::{GROUP, Lanes, WIDTH};

/// Where the patches of an image start and how they lie.
#[derive(Debug, Clone)]
pub(crate) struct Patches {
    /// Value at which each output pixel's patch starts.
    pub(crate) starts: Vec<usize>,
    /// Runs of a patch: the kernel's height.
    pub(crate) runs: usize,
    /// Values of a run, in whole words: the kernel's width times the channels.
    pub(crate) run: usize,
    /// Values from one run to the next: a row of the image.
    pub(crate) pitch: usize,
}

impl Patches {
    /// The first value beyond every patch.
    fn end(&self) -> usize {
        self.starts
            .iter()
            .max()
            .map_or(0, |start| start + self.runs.saturating_sub(1) * self.pitch + self.run)
    }
}

/// Quantised values: `value ≈ (byte − zero) · scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub(crate) scale: f32,
    pub(crate) zero: i32,
}

/// Where output pixels go, and what is done to them on the way.
pub(crate) struct Pixels<'a, T> {
    pub(crate) values: &'a mut [T],
    /// Value at which each pixel starts.
    pub(crate) starts: &'a [usize],
    /// Values of a pixel, in whole words.
    pub(crate) channels: usize,
    pub(crate) activation: Activation,
    /// An image of as many pixels that is added first: its values and where its pixels start.
    pub(crate) add: Option<(&'a [T], &'a [usize])>,
}

/// Pixels as bytes: what comes out and what is added.
struct Bytes<'a> {
    pixels: Pixels<'a, u8>,
    to: Scale,
    add: Scale,
}

impl Sink for Bytes<'_> {
    #[inline(always)]
    fn put<L: Lanes, const M: usize, const N: usize>(
        &mut self,
        lanes: L,
        (row, panel): (usize, usize),
        tile: [[L::F; N]; M],
    ) {
        let to = Affine::new(lanes, self.to.scale, self.to.zero);
        for (m, values) in tile.into_iter().enumerate() {
            for (n, mut value) in values.into_iter().enumerate() {
                let from = (panel + n) * WIDTH;
                let width = WIDTH.min(self.pixels.channels - from);
                if let Some((image, starts)) = self.pixels.add {
                    let mut bytes = [0; WIDTH];
                    bytes[..width].copy_from_slice(&image[starts[row + m] + from..][..width]);
                    let apart = lanes.sub_i(lanes.load_bytes(&bytes), lanes.splat_i(self.add.zero));
                    value = lanes.fma(lanes.float(apart), lanes.splat(self.add.scale), value);
                }
                let value = to.quantise(lanes, self.pixels.activation.apply(lanes, value));
                let place = &mut self.pixels.values[self.pixels.starts[row + m] + from..];
                match place.first_chunk_mut().filter(|_| width == WIDTH) {
                    Some(place) => lanes.store_bytes(place, value),
                    None => {
                        let mut bytes = [0; WIDTH];
                        lanes.store_bytes(&mut bytes, value);
                        place[..width].copy_from_slice(&bytes[..width]);
                    }
                }
            }
        }
    }
}

/// Pixels as `f32`.
struct Floats<'a>(Pixels<'a, f32>);

impl Sink for Floats<'_> {
    #[inline(always)]
    fn put<L: Lanes, const M: usize, const N: usize>(
        &mut self,
        lanes: L,
        (row, panel): (usize, usize),
        tile: [[L::F; N]; M],
    ) {
        for (m, values) in tile.into_iter().enumerate() {
            for (n, mut value) in values.into_iter().enumerate() {
                let from = (panel + n) * WIDTH;
                let width = WIDTH.min(self.0.channels - from);
                let mut floats = [0.0; WIDTH];
                if let Some((image, starts)) = self.0.add {
                    floats[..width].copy_from_slice(&image[starts[row + m] + from..][..width]);
                    value = lanes.add(value, lanes.load(&floats));
                }
                lanes.store(&mut floats, self.0.activation.apply(lanes, value));
                self.0.values[self.0.starts[row + m] + from..][..width].copy_from_slice(&floats[..width]);
            }
        }
    }
}

/// Kernels of a convolution in integers, for images of one scale.
#[derive(Debug)]
pub(crate) struct Int8Kernels {
    weights: Int8Weights,
    /// Per panel: the input's zero point times the columns' sums.
    shifts: Vec<Line<i32>>,
    /// Per panel: the input's scale times the columns'.
    scales: Vec<Line<f32>>,
}

impl Int8Kernels {
    /// Quantises and lays out `[runs · run, outputs]` weights, or takes the integers they are by these scales.
    pub(crate) fn pack(
        isa: Isa,
        weights: &[f32],
        steps: Option<&[f32]>,
        bias: &[f32],
        from: Scale,
    ) -> Int8Kernels {
        let matrix = Int8Matrix::of(weights, weights.len() / bias.len().max(1), bias.len(), steps);
        let weights = Int8Weights::pack(isa, &matrix, bias);
        let shifts = weights.sums.iter().map(|line| Line(line.0.map(|sum| sum * from.zero))).collect();
        let scales = weights.scales.iter().map(|line| Line(line.0.map(|scale| scale * from.scale))).collect();
        Int8Kernels { weights, shifts, scales }
    }

    /// Whether there were integers that could not be taken.
    pub(crate) fn is_again(&self) -> bool {
        self.weights.is_again
    }

    /// Convolves `image` into `pixels`; `scales` are those of what comes out and of what is added.
    pub(crate) fn convolve(
        &self,
        image: &[u8],
        patches: &Patches,
        pixels: Pixels<'_, u8>,
        scales: [Scale; 2],
    ) {
        assert!(patches.end() <= image.len(), "patches beyond the image");
        assert!(patches.runs * patches.run / GROUP <= self.weights.steps, "patches of other kernels");
        let factors = Int8Factors { image, patches, kernels: self };
        let (rows, [to, add]) = (patches.starts.len(), scales);
        self.weights.isa.run(Product { factors, sink: &mut Bytes { pixels, to, add }, rows });
    }
}

#[derive(Clone, Copy)]
struct Int8Factors<'a> {
    image: &'a [u8],
    patches: &'a Patches,
    kernels: &'a Int8Kernels,
}

impl Factors for Int8Factors<'_> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.kernels.scales.len()
    }

    #[inline(always)]
    fn rows<L: Lanes>(&self) -> usize {
        if self.is_joint() { L::JOINT_ROWS } else { L::TILE.0 }
    }

    #[inline(always)]
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M] {
        let (weights, patches) = (&self.kernels.weights, self.patches);
        let (apart, steps) = (weights.steps, patches.run / GROUP);
        let mut sums = [[lanes.splat_i(0); N]; M];
        for run in 0..patches.runs {
            let mut a = [self.image.as_ptr(); M];
            for (m, a) in a.iter_mut().enumerate() {
                // SAFETY: no patch ends beyond the image (asserted before).
                *a = unsafe { self.image.as_ptr().add(patches.starts[row + m] + run * patches.pitch) };
            }
            let b = weights.lines[panel * apart + run * steps..(panel + N) * apart].as_ptr();
            // SAFETY: runs lie in the image (asserted before); the lines of `N` panels follow `b`, less those of earlier runs.
            sums = unsafe { dot_tile::<L, M, N>(lanes, (steps, self.is_joint()), a, (b, apart), sums) };
        }
        let mut tile = [[lanes.splat(0.0); N]; M];
        for n in 0..N {
            let scale = lanes.load(&self.kernels.scales[panel + n].0);
            let shift = lanes.load_i(&self.kernels.shifts[panel + n].0);
            let bias = lanes.load(&weights.bias[panel + n].0);
            for m in 0..M {
                tile[m][n] = lanes.fma(lanes.float(lanes.sub_i(sums[m][n], shift)), scale, bias);
            }
        }
        tile
    }
}

impl Int8Factors<'_> {
    /// Whether words go by twos: the weights let them, and no run begins in the middle of two.
    #[inline(always)]
    fn is_joint(&self) -> bool {
        self.kernels.weights.is_joint && (self.patches.run / GROUP).is_multiple_of(2)
    }
}

/// Kernels of a convolution in floating point, `[runs · run, outputs]`, in the width they are kept in.
#[derive(Debug)]
pub(crate) enum FloatKernels {
    Whole(FloatWeights),
    Half(HalfWeights),
}

impl FloatKernels {
    pub(crate) fn convolve(&self, image: &[f32], patches: &Patches, pixels: Pixels<'_, f32>) {
        assert!(patches.end() <= image.len(), "patches beyond the image");
        match self {
            FloatKernels::Whole(it) => {
                let (b, bias) = (it.columns(), &it.bias[..]);
                FloatFactors { image, patches, b, bias, depth: it.inputs }.run(it.isa, pixels);
            }
            FloatKernels::Half(it) => {
                let (b, bias) = (it.columns(), &it.bias[..]);
                FloatFactors { image, patches, b, bias, depth: it.inputs }.run(it.isa, pixels);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct FloatFactors<'a, B> {
    image: &'a [f32],
    patches: &'a Patches,
    b: B,
    bias: &'a [Line<f32>],
    /// Values of a patch.
    depth: usize,
}

impl<B: Right> FloatFactors<'_, B> {
    fn run(self, isa: Isa, pixels: Pixels<'_, f32>) {
        let Patches { runs, run, .. } = *self.patches;
        assert!(
            runs * run <= self.depth && (runs < 2 || run.is_multiple_of(B::ROWS)),
            "patches of other kernels"
        );
        let rows = self.patches.starts.len();
        isa.run(Product { factors: self, sink: &mut Floats(pixels), rows });
    }
}

impl<B: Right> Factors for FloatFactors<'_, B> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.bias.len()
    }

    #[inline(always)]
    fn rows<L: Lanes>(&self) -> usize {
        B::tile_rows::<L>()
    }

    #[inline(always)]
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M] {
        let patches = self.patches;
        let mut sums = [[lanes.splat(0.0); N]; M];
        for n in 0..N {
            let bias = lanes.load(&self.bias[panel + n].0);
            for row in &mut sums {
                row[n] = bias;
            }
        }
        assert!(self.b.holds(panel + N, self.depth), "panels");
        for run in 0..patches.runs {
            let mut a = [self.image.as_ptr(); M];
            for (m, a) in a.iter_mut().enumerate() {
                // SAFETY: no patch ends beyond the image (asserted before).
                *a = unsafe { self.image.as_ptr().add(patches.starts[row + m] + run * patches.pitch) };
            }
            let b = (self.b, panel, run * patches.run / B::ROWS);
            // SAFETY: runs lie in the image and end within `depth` rows (both asserted before).
            sums = unsafe { fma_tile::<L, B, M, N>(lanes, patches.run, a, b, sums) };
        }
        sums
    }
}
