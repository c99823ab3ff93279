//! Convolution of each channel by itself, pooling over windows, means over images and gates.

use super::convolution::{Patches, Scale};
use super::lanes::Isa;
use super::rows::{Activation, Affine};
use super::{Kernel, Lanes, WIDTH};

/// Values of an image, as they lie in memory.
pub(crate) trait Cell: Copy + Default {
    /// Sixteen of them as `f32`, without scale or zero point.
    fn floats<L: Lanes>(lanes: L, from: &[Self; WIDTH]) -> L::F;
    /// Sixteen `f32` as them, by `scale`.
    fn store<L: Lanes>(lanes: L, to: &mut [Self; WIDTH], value: L::F, scale: Scale);
}

impl Cell for f32 {
    #[inline(always)]
    fn floats<L: Lanes>(lanes: L, from: &[f32; WIDTH]) -> L::F {
        lanes.load(from)
    }

    #[inline(always)]
    fn store<L: Lanes>(lanes: L, to: &mut [f32; WIDTH], value: L::F, _: Scale) {
        lanes.store(to, value);
    }
}

impl Cell for u8 {
    #[inline(always)]
    fn floats<L: Lanes>(lanes: L, from: &[u8; WIDTH]) -> L::F {
        lanes.float(lanes.load_bytes(from))
    }

    #[inline(always)]
    fn store<L: Lanes>(lanes: L, to: &mut [u8; WIDTH], value: L::F, scale: Scale) {
        lanes.store_bytes(to, Affine::new(lanes, scale.scale, scale.zero).quantise(lanes, value));
    }
}

/// Sixteen channels, or as many as there are.
#[inline(always)]
fn load<L: Lanes, T: Cell>(lanes: L, values: &[T], width: usize) -> L::F {
    match values.first_chunk().filter(|_| width == WIDTH) {
        Some(whole) => T::floats(lanes, whole),
        None => {
            let mut chunk = [T::default(); WIDTH];
            chunk[..width].copy_from_slice(&values[..width]);
            T::floats(lanes, &chunk)
        }
    }
}

#[inline(always)]
fn store<L: Lanes, T: Cell>(lanes: L, values: &mut [T], width: usize, value: L::F, scale: Scale) {
    match values.first_chunk_mut().filter(|_| width == WIDTH) {
        Some(whole) => T::store(lanes, whole, value, scale),
        None => {
            let mut chunk = [T::default(); WIDTH];
            T::store(lanes, &mut chunk, value, scale);
            values[..width].copy_from_slice(&chunk[..width]);
        }
    }
}

/// Weights of a depthwise convolution: `[taps, channels]`, channels in whole sixteens, already scaled so that
/// `y = Σ (x − zero) · weight · factor + bias`.
///
/// In integers the weights are whole numbers: their sums stay below 2²⁴, so that `f32` holds them exactly.
#[derive(Debug)]
pub(crate) struct Taps {
    pub(crate) weights: Vec<f32>,
    /// Per channel.
    pub(crate) factors: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    /// The input's zero point.
    pub(crate) zero: f32,
}

/// A depthwise convolution of an image.
pub(crate) struct Depthwise<'a, T> {
    pub(crate) image: &'a [T],
    /// `run` is the kernel's width times `channels`.
    pub(crate) patches: &'a Patches,
    pub(crate) taps: &'a Taps,
    pub(crate) channels: usize,
    pub(crate) activation: Activation,
    pub(crate) to: &'a mut [T],
    pub(crate) starts: &'a [usize],
    pub(crate) scale: Scale,
}

impl<T: Cell> Depthwise<'_, T> {
    pub(crate) fn run(self, isa: Isa) {
        isa.run(self);
    }
}

impl<T: Cell> Kernel for Depthwise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let wide = self.channels.next_multiple_of(WIDTH);
        let across = self.patches.run / self.channels;
        for channel in (0..self.channels).step_by(WIDTH) {
            let width = WIDTH.min(self.channels - channel);
            let line = |of: &[f32], at: usize| *of[at..].first_chunk().expect("whole sixteens");
            let (factor, bias) = (line(&self.taps.factors, channel), line(&self.taps.bias, channel));
            let (factor, bias, zero) = (lanes.load(&factor), lanes.load(&bias), lanes.splat(self.taps.zero));
            for (&from, &to) in self.patches.starts.iter().zip(self.starts) {
                let mut sum = lanes.splat(0.0);
                for run in 0..self.patches.runs {
                    let row = &self.image[from + run * self.patches.pitch + channel..];
                    for tap in 0..across {
                        let value = lanes.sub(load(lanes, &row[tap * self.channels..], width), zero);
                        let at = (run * across + tap) * wide + channel;
                        let weight = self.taps.weights[at..].first_chunk().expect("whole sixteens");
                        sum = lanes.fma(value, lanes.load(weight), sum);
                    }
                }
                let value = self.activation.apply(lanes, lanes.fma(sum, factor, bias));
                store(lanes, &mut self.to[to + channel..], width, value, self.scale);
            }
        }
    }
}

/// The greatest value of each window, channel by channel.
pub(crate) fn max_pool<T: Copy + PartialOrd>(
    image: &[T],
    windows: &[Vec<usize>],
    channels: usize,
    (to, starts): (&mut [T], &[usize]),
) {
    for (window, &start) in windows.iter().zip(starts) {
        let Some((&first, rest)) = window.split_first() else { continue };
        let to = &mut to[start..][..channels];
        to.copy_from_slice(&image[first..][..channels]);
        for &from in rest {
            for (to, from) in to.iter_mut().zip(&image[from..][..channels]) {
                *to = if *from > *to { *from } else { *to };
            }
        }
    }
}

/// The mean of each channel over all pixels.
pub(crate) struct Mean<'a, T> {
    pub(crate) image: &'a [T],
    pub(crate) starts: &'a [usize],
    pub(crate) channels: usize,
    pub(crate) scale: Scale,
    /// Channels in whole sixteens.
    pub(crate) to: &'a mut [f32],
}

impl<T: Cell> Mean<'_, T> {
    pub(crate) fn run(self, isa: Isa) {
        isa.run(self);
    }
}

impl<T: Cell> Kernel for Mean<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let factor = lanes.splat(self.scale.scale / self.starts.len().max(1) as f32);
        let zero = lanes.splat(self.scale.zero as f32);
        for channel in (0..self.channels).step_by(WIDTH) {
            let width = WIDTH.min(self.channels - channel);
            let mut sum = lanes.splat(0.0);
            for &start in self.starts {
                let value = load(lanes, &self.image[start + channel..], width);
                sum = lanes.add(sum, lanes.sub(value, zero));
            }
            let to = self.to[channel..].first_chunk_mut().expect("whole sixteens");
            lanes.store(to, lanes.mul(sum, factor));
        }
    }
}

/// Each channel of an image times its gate, from one place to another.
pub(crate) struct Gated<'a, T> {
    pub(crate) image: &'a [T],
    pub(crate) from: &'a [usize],
    pub(crate) channels: usize,
    /// Channels in whole sixteens.
    pub(crate) gates: &'a [f32],
    pub(crate) to: &'a mut [T],
    pub(crate) starts: &'a [usize],
    /// Of what comes and what goes.
    pub(crate) scales: [Scale; 2],
}

impl<T: Cell> Gated<'_, T> {
    pub(crate) fn run(self, isa: Isa) {
        isa.run(self);
    }
}

impl<T: Cell> Kernel for Gated<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let [from_scale, to_scale] = self.scales;
        let (scale, zero) = (lanes.splat(from_scale.scale), lanes.splat(from_scale.zero as f32));
        for channel in (0..self.channels).step_by(WIDTH) {
            let width = WIDTH.min(self.channels - channel);
            let gate = lanes.load(self.gates[channel..].first_chunk().expect("whole sixteens"));
            let gate = lanes.mul(gate, scale);
            for (&from, &to) in self.from.iter().zip(self.starts) {
                let value = lanes.sub(load(lanes, &self.image[from + channel..], width), zero);
                store(lanes, &mut self.to[to + channel..], width, lanes.mul(value, gate), to_scale);
            }
        }
    }
}

/// An image as it comes, `[channels, pixels]`, laid out pixel after pixel; back again by [`Scattered`].
pub(crate) struct Gathered<'a, T> {
    pub(crate) planes: &'a [f32],
    /// Values of one channel.
    pub(crate) pixels: usize,
    pub(crate) to: &'a mut [T],
    pub(crate) starts: &'a [usize],
    pub(crate) scale: Scale,
}

impl<T: Cell> Gathered<'_, T> {
    pub(crate) fn run(self, isa: Isa) {
        isa.run(self);
    }
}

impl<T: Cell> Kernel for Gathered<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        for (channel, plane) in self.planes.chunks_exact(self.pixels.max(1)).enumerate() {
            for (part, starts) in plane.chunks(WIDTH).zip(self.starts.chunks(WIDTH)) {
                let mut cells = [T::default(); WIDTH];
                T::store(lanes, &mut cells, load(lanes, part, part.len()), self.scale);
                for (cell, start) in cells.into_iter().zip(starts) {
                    self.to[start + channel] = cell;
                }
            }
        }
    }
}

/// An image pixel after pixel, as `f32` planes.
pub(crate) struct Scattered<'a, T> {
    pub(crate) image: &'a [T],
    pub(crate) starts: &'a [usize],
    pub(crate) channels: usize,
    pub(crate) scale: Scale,
    pub(crate) planes: &'a mut [f32],
}

impl<T: Cell> Scattered<'_, T> {
    pub(crate) fn run(self, isa: Isa) {
        isa.run(self);
    }
}

impl<T: Cell> Kernel for Scattered<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (scale, zero) = (lanes.splat(self.scale.scale), lanes.splat(self.scale.zero as f32));
        let pixels = self.starts.len();
        for (pixel, &start) in self.starts.iter().enumerate() {
            for channel in (0..self.channels).step_by(WIDTH) {
                let width = WIDTH.min(self.channels - channel);
                let value = load(lanes, &self.image[start + channel..], width);
                let mut values = [0.0; WIDTH];
                lanes.store(&mut values, lanes.mul(lanes.sub(value, zero), scale));
                for (lane, value) in values.into_iter().enumerate().take(width) {
                    self.planes[(channel + lane) * pixels + pixel] = value;
                }
            }
        }
    }
}
