//! Weights as integers.

use super::{
    grid::{codes as codes_of, scale_that_loses_least},
    layer::{Kind, Layer},
};

/// Inputs that were hardly ever active still count this share of the mean: samples are few.
const LEAST_IMPORTANCE: f64 = 0.01;

/// Greatest magnitude of a 32-bit bias on the grid of its products, with room for what is added to it.
const MOST_BIAS: f64 = (1 << 30) as f64;

/// Codes of four bits.
const LEVELS: f32 = 15.0;

/// Ranges that are tried for a block: 1, 0.95, … 0.6 of the whole, and scales fitted to the codes this many times.
const BLOCK_SHRINKS: [f32; 9] = [1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6];
const FITS: usize = 2;

/// Weights of a layer as integers, in the order of its tensor.
#[derive(Clone, Debug)]
pub(super) enum Coded {
    /// Signed, one scale a channel.
    Eight { codes: Vec<i8>, scales: Vec<f32> },
    /// Unsigned, scale and zero point for every block of a channel.
    Four(Blocked),
}

/// Four-bit weights of a product, channel after channel.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    /// `[outputs, blocks · block]`, filled up with zero points.
    pub(super) codes: Vec<u8>,
    /// `[outputs, blocks]`.
    pub(super) scales: Vec<f32>,
    pub(super) zeros: Vec<u8>,
    /// Weights of a block.
    pub(super) block: usize,
    pub(super) blocks: usize,
}

/// How weights are to be made integers.
pub(super) struct Weighing<'a> {
    /// Mean square of each input, where it is known.
    pub(super) importance: Option<&'a [f64]>,
    /// Whether processors that add pairs with saturation are to count exactly.
    pub(super) pair_safe: bool,
    /// Scale of the grid of activations and the bias, where the bias becomes integers of their product.
    pub(super) bias: Option<(f32, &'a [f32])>,
}

impl Weighing<'_> {
    /// How much each weight of a channel counts, in the order of products.
    fn of(&self, layer: &Layer, channel: usize) -> Vec<f64> {
        let Some(all) = self.importance.filter(|it| it.len() == layer.inputs() && !it.is_empty()) else {
            return vec![1.0; layer.depth()];
        };
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        if mean <= 0.0 {
            return vec![1.0; layer.depth()];
        }
        (0..layer.depth()).map(|k| all[layer.source(channel, k)] + LEAST_IMPORTANCE * mean).collect()
    }
}

impl Weighing<'_> {
    /// Tables are looked up and never multiplied in pairs.
    fn is_pair_safe(&self, layer: &Layer) -> bool {
        self.pair_safe && layer.kind != Kind::Table
    }

    /// The scale of a channel. Weights of zero leave it to the bias, which needs room above and steps that are fine enough.
    fn scale(&self, layer: &Layer, channel: usize, weights: &[f32]) -> f32 {
        let least = self.bias.map_or(0.0, |(input, bias)| {
            (f64::from(bias[channel].abs()) / (f64::from(input) * MOST_BIAS)) as f32
        });
        let best = if weights.iter().all(|it| *it == 0.0) {
            0.0
        } else {
            scale_that_loses_least(weights, &self.of(layer, channel), self.is_pair_safe(layer))
        };
        let scale = best.max(least);
        if scale > f32::MIN_POSITIVE { scale } else { 1.0 }
    }
}

/// Eight bits: a scale for each channel.
pub(super) fn eight(layer: &Layer, values: &[f32], how: &Weighing<'_>) -> Coded {
    let mut codes = vec![0; values.len()];
    let mut scales = Vec::with_capacity(layer.channels());
    for channel in 0..layer.channels() {
        let weights: Vec<f32> = layer.places(channel).map(|it| values[it]).collect();
        let scale = how.scale(layer, channel, &weights);
        let of = codes_of(&weights, scale, how.is_pair_safe(layer));
        layer.places(channel).zip(of).for_each(|(place, code)| codes[place] = code);
        scales.push(scale);
    }
    Coded::Eight { codes, scales }
}

/// Four bits: a scale and a zero point for every `block` weights of a channel.
pub(super) fn four(layer: &Layer, values: &[f32], block: usize, how: &Weighing<'_>) -> Coded {
    let blocks = layer.depth().div_ceil(block);
    let mut coded = Blocked { codes: vec![], scales: vec![], zeros: vec![], block, blocks };
    for channel in 0..layer.channels() {
        let weights: Vec<f32> = layer.places(channel).map(|it| values[it]).collect();
        let importance = how.of(layer, channel);
        for (weights, importance) in weights.chunks(block).zip(importance.chunks(block)) {
            let best = best_block(weights, importance);
            coded.codes.extend(weights.iter().map(|it| best.code(*it)));
            coded.codes.resize(coded.codes.len() + block - weights.len(), best.zero as u8);
            coded.scales.push(best.scale);
            coded.zeros.push(best.zero as u8);
        }
    }
    Coded::Four(coded)
}

/// The grid of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    scale: f32,
    zero: f32,
}

impl Block {
    fn over(low: f32, high: f32) -> Block {
        let scale = (high - low) / LEVELS;
        if scale > f32::MIN_POSITIVE && scale.is_finite() {
            return Block { scale, zero: (-low / scale).round_ties_even().clamp(0.0, LEVELS) };
        }
        Block { scale: 1.0, zero: 0.0 }
    }

    fn code(self, weight: f32) -> u8 {
        ((weight / self.scale).round_ties_even() + self.zero).clamp(0.0, LEVELS) as u8
    }

    fn nearest(self, weight: f32) -> f32 {
        (f32::from(self.code(weight)) - self.zero) * self.scale
    }

    fn loss(self, weights: &[f32], importance: &[f64]) -> f64 {
        let lost =
            |(weight, counts): (&f32, &f64)| f64::from(self.nearest(*weight) - weight).powi(2) * counts;
        weights.iter().zip(importance).map(lost).sum()
    }

    /// The same codes with the scale that fits them best, by least squares.
    fn fitted(self, weights: &[f32], importance: &[f64]) -> Block {
        let (mut product, mut square) = (0.0, 0.0);
        for (weight, counts) in weights.iter().zip(importance) {
            let step = f64::from(f32::from(self.code(*weight)) - self.zero);
            product += counts * step * f64::from(*weight);
            square += counts * step * step;
        }
        let scale = (product / square) as f32;
        if scale > f32::MIN_POSITIVE && scale.is_finite() { Block { scale, ..self } } else { self }
    }
}

fn best_block(weights: &[f32], importance: &[f64]) -> Block {
    let low = weights.iter().copied().fold(0.0, f32::min);
    let high = weights.iter().copied().fold(0.0, f32::max);
    let mut best = Block::over(low, high);
    let mut least = best.loss(weights, importance);
    for share in BLOCK_SHRINKS {
        let mut tried = Block::over(low * share, high * share);
        for _ in 0..=FITS {
            let loss = tried.loss(weights, importance);
            if loss < least {
                (best, least) = (tried, loss);
            }
            tried = tried.fitted(weights, importance);
        }
    }
    best
}

impl Coded {
    /// The real numbers that the integers stand for, in the order of the tensor.
    pub(super) fn values(&self, layer: &Layer) -> Vec<f32> {
        let mut values = vec![0.0; layer.shape.iter().product()];
        for channel in 0..layer.channels() {
            for (k, place) in layer.places(channel).enumerate() {
                values[place] = match self {
                    Coded::Eight { codes, scales } => f32::from(codes[place]) * scales[channel],
                    Coded::Four(it) => it.value(channel, k),
                };
            }
        }
        values
    }

    /// Bits of one code.
    pub(super) fn bits(&self) -> u32 {
        match self {
            Coded::Eight { .. } => 8,
            Coded::Four(_) => 4,
        }
    }
}

impl Blocked {
    fn value(&self, channel: usize, k: usize) -> f32 {
        let block = channel * self.blocks + k / self.block;
        let code = self.codes[channel * self.blocks * self.block + k];
        (f32::from(code) - f32::from(self.zeros[block])) * self.scales[block]
    }

    /// Two codes a byte, the first in the low half; every run of `length` begins a byte.
    pub(super) fn packed(codes: &[u8], length: usize) -> Vec<u8> {
        let byte = |pair: &[u8]| pair[0] | pair.get(1).map_or(0, |it| it << 4);
        codes.chunks(length.max(1)).flat_map(|run| run.chunks(2).map(byte)).collect()
    }
}

/// A bias as integers of the grid of products.
pub(super) fn bias_codes(bias: &[f32], input: f32, scales: &[f32]) -> Vec<i32> {
    let code = |(bias, scale): (&f32, &f32)| {
        let step = f64::from(input * scale);
        (f64::from(*bias) / step).round_ties_even() as i32
    };
    bias.iter().zip(scales).map(code).collect()
}

/// Signal to noise of weights in dB, and none where they are equal.
pub(super) fn weights_db(values: &[f32], coded: &[f32]) -> Option<f64> {
    let square = |it: f32| f64::from(it) * f64::from(it);
    let signal: f64 = values.iter().map(|it| square(*it)).sum();
    let noise: f64 = values.iter().zip(coded).map(|(it, coded)| square(it - coded)).sum();
    (noise > 0.0).then(|| 10.0 * (signal / noise).log10())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::noise::Noise,
        quantize::{grid::MOST, layer::Bias},
    };

    fn layer(kind: Kind, shape: &[usize]) -> Layer {
        let [name, op, input, weights] = ["l", "MatMul", "x", "w"].map(str::to_owned);
        Layer { node: 0, name, op, kind, input, weights, shape: shape.to_vec(), bias: Bias::None }
    }

    const PLAIN: Weighing<'_> = Weighing { importance: None, pair_safe: false, bias: None };

    #[test]
    fn channels_match_their_own_definition_whatever_the_shape() {
        let mut noise = Noise(3);
        for (kind, shape) in [
            (Kind::Product { turned: false }, vec![7, 5]),
            (Kind::Product { turned: true }, vec![5, 7]),
            (Kind::Convolution { groups: 1 }, vec![4, 3, 3, 3]),
            (Kind::Convolution { groups: 6 }, vec![6, 1, 3, 3]),
            (Kind::Table, vec![9, 4]),
        ] {
            let layer = layer(kind, &shape);
            let values = noise.normals(shape.iter().product(), 1.0);
            let Coded::Eight { codes, scales } = eight(&layer, &values, &PLAIN) else { panic!("eight bits") };
            let inner: usize = shape[layer.axis() + 1..].iter().product();
            for (place, value) in values.iter().enumerate() {
                let scale = f64::from(scales[place / inner % shape[layer.axis()]]);
                let naive = (f64::from(*value) / scale).round_ties_even().clamp(-127.0, 127.0);
                assert!((f64::from(codes[place]) - naive).abs() < 1.0 + 1e-9, "{place} of {shape:?}");
                let lost = (f64::from(*value) - f64::from(codes[place]) * scale).abs();
                assert!(
                    lost <= scale / 2.0 * 1.0001 || codes[place].abs() == MOST as i8,
                    "{place} of {shape:?}"
                );
            }
        }
    }

    #[test]
    fn channels_in_another_order_have_the_same_codes_in_that_order() {
        let values = Noise(5).normals(6 * 8, 1.0);
        let turned: Vec<f32> = values.chunks(8).rev().flatten().copied().collect();
        let layer = layer(Kind::Product { turned: true }, &[6, 8]);
        for bits in [8, 4] {
            let of = |values: &[f32]| match bits {
                8 => eight(&layer, values, &PLAIN).values(&layer),
                _ => four(&layer, values, 4, &PLAIN).values(&layer),
            };
            let there: Vec<f32> = of(&turned).chunks(8).rev().flatten().copied().collect();
            assert_eq!(of(&values), there);
        }
    }

    #[test]
    fn a_channel_of_zeros_and_a_single_weight_are_exact() {
        let row = layer(Kind::Product { turned: true }, &[2, 3]);
        let values = [0.0, 0.0, 0.0, 0.3, 0.3, -0.3];
        for coded in [eight(&row, &values, &PLAIN), four(&row, &values, 16, &PLAIN)] {
            let back = coded.values(&row);
            assert_eq!(&back[..3], &[0.0; 3]);
            assert!(back.iter().zip(values).all(|(back, value)| (back - value).abs() < 0.02), "{back:?}");
        }
        let one = layer(Kind::Product { turned: true }, &[1, 1]);
        assert!((eight(&one, &[-0.7], &PLAIN).values(&one)[0] + 0.7).abs() < 1e-6);
        assert!((four(&one, &[-0.7], 32, &PLAIN).values(&one)[0] + 0.7).abs() < 1e-6);
    }

    #[test]
    fn what_is_quantised_already_stays_as_it_is() {
        let layer = layer(Kind::Product { turned: false }, &[32, 4]);
        let values = Noise(11).normals(128, 0.2);
        let of = |values: &[f32]| eight(&layer, values, &PLAIN).values(&layer);
        let once = of(&values);
        let most = once.iter().zip(of(&once)).map(|(it, twice)| (it - twice).abs()).fold(0.0, f32::max);
        assert!(most < 1e-6, "{most}");
    }

    #[test]
    fn four_bits_come_back_within_half_a_step_or_lose_less_in_all() {
        let layer = layer(Kind::Product { turned: true }, &[3, 50]);
        let values = Noise(13).normals(150, 1.0);
        let Coded::Four(coded) = four(&layer, &values, 16, &PLAIN) else { panic!("four bits") };
        assert_eq!((coded.blocks, coded.codes.len(), coded.scales.len()), (4, 3 * 64, 12));
        let loss = |back: &[f32]| -> f32 { values.iter().zip(back).map(|(a, b)| (a - b).powi(2)).sum() };
        let plain: Vec<f32> = values
            .chunks(50)
            .flat_map(|row| row.chunks(16))
            .flat_map(|block| {
                let low = block.iter().copied().fold(0.0, f32::min);
                let grid = Block::over(low, block.iter().copied().fold(0.0, f32::max));
                block.iter().map(move |it| grid.nearest(*it)).collect::<Vec<_>>()
            })
            .collect();
        let back = Coded::Four(coded).values(&layer);
        assert!(loss(&back) <= loss(&plain), "{} {}", loss(&back), loss(&plain));
    }

    #[test]
    fn a_bias_far_above_its_products_still_fits_32_bits() {
        let layer = layer(Kind::Product { turned: true }, &[2, 2]);
        let (values, bias) = ([1e-6, 0.0, 0.0, 0.0], [3e4, 1.0]);
        let how = Weighing { bias: Some((1e-4, &bias)), ..PLAIN };
        let Coded::Eight { scales, .. } = eight(&layer, &values, &how) else { panic!("eight bits") };
        for (code, (bias, scale)) in bias_codes(&bias, 1e-4, &scales).iter().zip(bias.iter().zip(&scales)) {
            assert!(
                (f64::from(*code) * f64::from(1e-4 * scale) / f64::from(*bias) - 1.0).abs() < 1e-3,
                "{code}"
            );
        }
    }

    #[test]
    fn two_codes_share_a_byte_and_runs_begin_anew() {
        assert_eq!(Blocked::packed(&[1, 2, 3, 4, 5, 6], 3), [0x21, 0x03, 0x54, 0x06]);
    }
}
