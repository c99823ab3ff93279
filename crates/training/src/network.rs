//! A network of convolutions that can be fitted: forwards, and backwards.

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::product::{Patches, WIDE, convolve, weigh};

/// What a layer does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Layer {
    /// All channels to all under a square window that moves by one, with `pad` pixels of zeros around.
    Convolution { outputs: usize, kernel: usize, pad: usize, rectified: bool },
    /// The greatest of 2 × 2 pixels; a row or column over is left out.
    Pool,
    /// The mean of each channel.
    Mean,
    /// While fitting, this share of the values is set to 0 and the others grow in turn (Srivastava et al. 2014).
    Dropout(f32),
}

/// Height, width and channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Image {
    pub(crate) size: [usize; 2],
    pub(crate) channels: usize,
}

impl Image {
    pub(crate) fn values(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }
}

/// A layer between two images, and where its weights lie among all weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    pub(crate) layer: Layer,
    pub(crate) from: Image,
    pub(crate) to: Image,
    /// `[kernel, kernel, channels, outputs in whole columns]`.
    pub(crate) weights: Range<usize>,
    pub(crate) bias: Range<usize>,
}

/// A network by its layers. Channels between layers are multiples of 16; the last layer's are as many as its classes, in whole
/// columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Architecture {
    pub(crate) stages: Vec<Stage>,
    pub(crate) classes: usize,
}

impl Architecture {
    /// Lays out layers over an input of this size; the last must be a convolution to one pixel.
    pub(crate) fn new(input: Image, layers: &[Layer]) -> Architecture {
        let (mut stages, mut from, mut weights, mut classes) = (Vec::new(), input, 0, 0);
        for &layer in layers {
            let to = outcome(layer, from);
            let inner = match layer {
                Layer::Convolution { kernel, outputs, .. } => {
                    classes = outputs;
                    kernel * kernel * from.channels * to.channels
                }
                _ => 0,
            };
            let bias = if inner > 0 { to.channels } else { 0 };
            let (inner, bias) = (weights..weights + inner, weights + inner..weights + inner + bias);
            weights = bias.end;
            stages.push(Stage { layer, from, to, weights: inner, bias });
            from = to;
        }
        Architecture { stages, classes }
    }

    /// How many weights there are, those of columns that only fill up included.
    pub(crate) fn weights(&self) -> usize {
        self.stages.last().map_or(0, |it| it.bias.end)
    }

    /// Values of an input.
    pub(crate) fn input(&self) -> Image {
        self.stages[0].from
    }

    /// Weights drawn evenly within ±√(6 / inputs) (He et al. 2015), biases 0.
    pub(crate) fn start(&self, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut theta = vec![0.0; self.weights()];
        for stage in &self.stages {
            let Layer::Convolution { outputs, kernel, .. } = stage.layer else { continue };
            let bound = (6.0 / (kernel * kernel * stage.from.channels) as f32).sqrt();
            for row in theta[stage.weights.clone()].chunks_exact_mut(stage.to.channels) {
                row[..outputs].iter_mut().for_each(|it| *it = bound * (2.0 * random.random::<f32>() - 1.0));
            }
        }
        theta
    }

    /// Scores of images, `[images, classes]`; nothing is dropped.
    pub(crate) fn scores(&self, theta: &[f32], images: &[f32]) -> Vec<f32> {
        let trace = self.forward(theta, images, None);
        let last = trace.values.last().map_or(&[][..], |it| it);
        last.chunks_exact(self.classes.next_multiple_of(WIDE))
            .flat_map(|it| &it[..self.classes])
            .copied()
            .collect()
    }

    /// Runs images through all layers and keeps what the way back needs. Where a seed is given, values are dropped.
    pub(crate) fn forward(&self, theta: &[f32], images: &[f32], dropping: Option<u64>) -> Trace {
        let count = images.len() / self.input().values();
        let mut random = dropping.map(ChaCha8Rng::seed_from_u64);
        let mut trace = Trace { count, values: vec![images.to_vec()], kept: vec![] };
        for stage in &self.stages {
            let from = &trace.values[trace.values.len() - 1];
            let (to, kept) = match stage.layer {
                Layer::Convolution { pad, .. } => {
                    let padded = surround(from, stage.from, pad);
                    (stage.convolved(theta, &padded, count), padded)
                }
                Layer::Pool => (stage.pooled(from), vec![]),
                Layer::Mean => (stage.averaged(from), vec![]),
                Layer::Dropout(share) => dropped(from, share, random.as_mut()),
            };
            trace.values.push(to);
            trace.kept.push(kept);
        }
        trace
    }

    /// The slopes of all weights, from those of the scores `[images, classes in whole columns]`.
    pub(crate) fn backward(&self, theta: &[f32], trace: &Trace, slopes: Vec<f32>) -> Vec<f32> {
        let mut gradient = vec![0.0; self.weights()];
        let mut slopes = slopes;
        for (at, stage) in self.stages.iter().enumerate().rev() {
            let (from, to, kept) = (&trace.values[at], &trace.values[at + 1], &trace.kept[at]);
            slopes = match stage.layer {
                Layer::Convolution { rectified, .. } => {
                    if rectified {
                        slopes
                            .iter_mut()
                            .zip(to)
                            .for_each(|(slope, it)| *slope *= f32::from(u8::from(*it > 0.0)));
                    }
                    stage.weighed(kept, &slopes, trace.count, &mut gradient);
                    if at == 0 { vec![] } else { stage.convolved_back(theta, &slopes, trace.count) }
                }
                Layer::Pool => stage.pooled_back(from, to, &slopes),
                Layer::Mean => stage.averaged_back(&slopes),
                Layer::Dropout(_) => slopes.iter().zip(kept).map(|(slope, kept)| slope * kept).collect(),
            };
        }
        gradient
    }
}

/// What was computed on the way forward.
pub(crate) struct Trace {
    pub(crate) count: usize,
    /// The images, then what comes out of each layer.
    pub(crate) values: Vec<Vec<f32>>,
    /// A convolution's input with its border; by what a dropout multiplied.
    kept: Vec<Vec<f32>>,
}

fn outcome(layer: Layer, from: Image) -> Image {
    match layer {
        Layer::Convolution { outputs, kernel, pad, .. } => Image {
            size: from.size.map(|it| it + 2 * pad + 1 - kernel),
            channels: outputs.next_multiple_of(WIDE),
        },
        Layer::Pool => Image { size: from.size.map(|it| it / 2), ..from },
        Layer::Mean => Image { size: [1, 1], ..from },
        Layer::Dropout(_) => from,
    }
}

/// Images with a border of zeros.
fn surround(values: &[f32], image: Image, pad: usize) -> Vec<f32> {
    let ([height, width], channels) = (image.size, image.channels);
    let wide = (width + 2 * pad) * channels;
    let count = values.len() / image.values();
    let mut padded = vec![0.0; count * (height + 2 * pad) * wide];
    for (row, values) in values.chunks_exact(width * channels).enumerate() {
        let (item, row) = (row / height, row % height);
        let at = (item * (height + 2 * pad) + row + pad) * wide + pad * channels;
        padded[at..at + values.len()].copy_from_slice(values);
    }
    padded
}

/// Patches of a square window in `count` images that already have their borders.
fn patches(image: Image, kernel: usize, count: usize) -> Patches {
    let ([height, width], channels) = (image.size, image.channels);
    let place = |row: usize, column: usize| (row * width + column) * channels;
    let of_image = |item: usize| {
        (0..=height - kernel).flat_map(move |row| {
            (0..=width - kernel).map(move |column| item * image.values() + place(row, column))
        })
    };
    let taps = (0..kernel).flat_map(|row| (0..kernel).map(move |column| place(row, column)));
    Patches { starts: (0..count).flat_map(of_image).collect(), taps: taps.collect(), channels }
}

fn dropped(from: &[f32], share: f32, random: Option<&mut ChaCha8Rng>) -> (Vec<f32>, Vec<f32>) {
    let Some(random) = random else { return (from.to_vec(), vec![]) };
    let factor = |_: &f32| if random.random::<f32>() < share { 0.0 } else { 1.0 / (1.0 - share) };
    let kept: Vec<f32> = from.iter().map(factor).collect();
    (from.iter().zip(&kept).map(|(value, kept)| value * kept).collect(), kept)
}

impl Stage {
    fn kernel(&self) -> (usize, usize, bool) {
        match self.layer {
            Layer::Convolution { kernel, pad, rectified, .. } => (kernel, pad, rectified),
            _ => (1, 0, false),
        }
    }

    fn padded(&self) -> Image {
        let (_, pad, _) = self.kernel();
        Image { size: self.from.size.map(|it| it + 2 * pad), ..self.from }
    }

    fn convolved(&self, theta: &[f32], padded: &[f32], count: usize) -> Vec<f32> {
        let (kernel, _, rectified) = self.kernel();
        let mut out = vec![0.0; count * self.to.values()];
        convolve(&patches(self.padded(), kernel, count), padded, &theta[self.weights.clone()], &mut out);
        let least = if rectified { 0.0 } else { f32::NEG_INFINITY };
        for pixel in out.chunks_exact_mut(self.to.channels) {
            pixel
                .iter_mut()
                .zip(&theta[self.bias.clone()])
                .for_each(|(it, bias)| *it = (*it + bias).max(least));
        }
        out
    }

    fn weighed(&self, padded: &[f32], slopes: &[f32], count: usize, gradient: &mut [f32]) {
        let (kernel, ..) = self.kernel();
        let to = &mut gradient[self.weights.clone()];
        weigh(&patches(self.padded(), kernel, count), padded, slopes, to);
        for pixel in slopes.chunks_exact(self.to.channels) {
            gradient[self.bias.clone()].iter_mut().zip(pixel).for_each(|(to, slope)| *to += slope);
        }
    }

    /// A convolution of the slopes with the kernel turned round.
    fn convolved_back(&self, theta: &[f32], slopes: &[f32], count: usize) -> Vec<f32> {
        let (kernel, pad, _) = self.kernel();
        let border = kernel - 1 - pad;
        let padded = surround(slopes, self.to, border);
        let image = Image { size: self.to.size.map(|it| it + 2 * border), ..self.to };
        let mut out = vec![0.0; count * self.from.values()];
        convolve(
            &patches(image, kernel, count),
            &padded,
            &self.turned(&theta[self.weights.clone()]),
            &mut out,
        );
        out
    }

    /// `[taps from the last, outputs, channels]` of `[taps, channels, outputs]`.
    fn turned(&self, weights: &[f32]) -> Vec<f32> {
        let (channels, outputs) = (self.from.channels, self.to.channels);
        let mut turned = Vec::with_capacity(weights.len());
        for tap in weights.chunks_exact(channels * outputs).rev() {
            for output in 0..outputs {
                turned.extend(tap.iter().skip(output).step_by(outputs));
            }
        }
        turned
    }

    /// The four places that go into each place of a pooled image.
    fn pools(&self, count: usize) -> impl Iterator<Item = [usize; 4]> + '_ {
        let ([_, width], channels) = (self.from.size, self.from.channels);
        let [rows, columns] = self.to.size;
        let at = move |item: usize, row: usize, column: usize| {
            item * self.from.values() + (row * width + column) * channels
        };
        (0..count * self.to.values()).map(move |place| {
            let (pixel, channel) = (place / channels, place % channels);
            let (item, row, column) = (pixel / (rows * columns), pixel / columns % rows, pixel % columns);
            [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(down, right)| at(item, 2 * row + down, 2 * column + right) + channel)
        })
    }

    fn pooled(&self, from: &[f32]) -> Vec<f32> {
        let most =
            |places: [usize; 4]| places.map(|it| from[it]).into_iter().fold(f32::NEG_INFINITY, f32::max);
        self.pools(from.len() / self.from.values()).map(most).collect()
    }

    /// All of a slope to the first of the greatest.
    fn pooled_back(&self, from: &[f32], to: &[f32], slopes: &[f32]) -> Vec<f32> {
        let mut back = vec![0.0; from.len()];
        let pools = self.pools(from.len() / self.from.values());
        for ((places, most), slope) in pools.zip(to).zip(slopes) {
            if let Some(first) = places.into_iter().find(|&it| from[it] == *most) {
                back[first] += slope;
            }
        }
        back
    }

    fn averaged(&self, from: &[f32]) -> Vec<f32> {
        let (pixels, channels) = (self.from.size[0] * self.from.size[1], self.from.channels);
        let mut means = vec![0.0; from.len() / pixels];
        for (image, means) in from.chunks_exact(pixels * channels).zip(means.chunks_exact_mut(channels)) {
            for pixel in image.chunks_exact(channels) {
                means.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value);
            }
            means.iter_mut().for_each(|mean| *mean /= pixels as f32);
        }
        means
    }

    fn averaged_back(&self, slopes: &[f32]) -> Vec<f32> {
        let (pixels, channels) = (self.from.size[0] * self.from.size[1], self.from.channels);
        let shared = slopes.chunks_exact(channels).flat_map(|it| std::iter::repeat_n(it, pixels));
        shared.flatten().map(|slope| slope / pixels as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Architecture {
        let convolution = |outputs, pad, rectified| Layer::Convolution { outputs, kernel: 3, pad, rectified };
        let head = Layer::Convolution { outputs: 3, kernel: 1, pad: 0, rectified: false };
        let layers = [
            convolution(16, 1, true),
            Layer::Pool,
            convolution(16, 0, true),
            Layer::Mean,
            Layer::Dropout(0.5),
            head,
        ];
        Architecture::new(Image { size: [9, 8], channels: 4 }, &layers)
    }

    fn images(count: usize) -> Vec<f32> {
        (0..count * 9 * 8 * 4).map(|it| (it as f32 * 0.37).sin()).collect()
    }

    #[test]
    fn shapes_follow_from_the_layers() {
        let sizes: Vec<_> = small().stages.iter().map(|it| (it.to.size, it.to.channels)).collect();
        assert_eq!(
            sizes,
            [([9, 8], 16), ([4, 4], 16), ([2, 2], 16), ([1, 1], 16), ([1, 1], 16), ([1, 1], 16)]
        );
        assert_eq!(small().weights(), (36 * 16 + 16) + (144 * 16 + 16) + (16 * 16 + 16));
        assert_eq!(small().scores(&small().start(1), &images(2)).len(), 6);
    }

    #[test]
    fn slopes_are_those_of_small_steps() {
        let (network, images) = (small(), images(3));
        let mut theta = network.start(5);
        // Away from 0, so that a small step does not cross where the rectifier bends.
        network.stages.iter().for_each(|it| theta[it.bias.clone()].iter_mut().for_each(|bias| *bias = 0.1));
        let wanted: Vec<f32> = (0..48).map(|it| if it % 16 < 3 { (it as f32).cos() } else { 0.0 }).collect();
        let sum = |theta: &[f32]| -> f64 {
            let trace = network.forward(theta, &images, Some(7));
            let last = &trace.values[network.stages.len()];
            last.iter().zip(&wanted).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let trace = network.forward(&theta, &images, Some(7));
        let gradient = network.backward(&theta, &trace, wanted.clone());
        let mut looked = 0;
        for it in (0..theta.len()).step_by(7) {
            let at = |by: f32| {
                let mut there = theta.clone();
                there[it] += by;
                sum(&there)
            };
            let slope = (at(2e-3) - at(-2e-3)) / 4e-3;
            let got = f64::from(gradient[it]);
            assert!((slope - got).abs() < 2e-2 * (1.0 + slope.abs()), "{it}: {slope} {got}");
            looked += usize::from(got.abs() > 1e-3);
        }
        assert!(looked > 100, "{looked}");
    }

    #[test]
    fn images_do_not_meet() {
        let (network, both) = (small(), images(2));
        let theta = network.start(5);
        let (one, two) = both.split_at(both.len() / 2);
        let alone = [network.scores(&theta, one), network.scores(&theta, two)].concat();
        assert_eq!(network.scores(&theta, &both), alone);
    }
}
