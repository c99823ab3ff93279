//! Products with weights in blocks of 32 inputs that share a scale, four or eight bits each, as GGUF files hold them.
//!
//! Activations are quantised block by block too, signed and symmetric (Q8 of GGML), so that one large value spoils no more than
//! its own block. Four-bit weights stay four bits in memory: a word holds the first half of a block in its low nibbles and the
//! second half in its high nibbles, just as the file does.

use super::lanes::Isa;
use super::product::{Factors, Plane, Product};
use super::quantised::Line;
use super::{GROUP, Lanes, WIDTH};
use crate::Blocks;

/// Inputs that share a scale.
pub(crate) const BLOCK: usize = 32;

/// Words of activations in a block.
const WORDS: usize = BLOCK / GROUP;

/// Weights `[outputs, inputs]` in blocks along the inputs, laid out in panels of sixteen outputs.
#[derive(Debug, Clone)]
pub(crate) struct BlockWeights {
    isa: Isa,
    /// Blocks in a row.
    blocks: usize,
    panels: usize,
    /// Whether the weights have four bits and a least value, or eight bits and none.
    is_four: bool,
    /// `[panels, blocks, 4 or 8]`: for each of sixteen outputs a word of the file. Eight-bit weights are raised by 128.
    lines: Vec<Line<i32>>,
    /// `[panels, blocks]`.
    scales: Vec<Line<f32>>,
    /// `[panels, blocks]`: what is added for each unit of activation.
    least: Vec<Line<f32>>,
}

impl BlockWeights {
    /// Whether this kind of blocks is computed as it is.
    pub(crate) fn takes(kind: Blocks) -> bool {
        matches!(kind, Blocks::Q4_0 | Blocks::Q4_1 | Blocks::Q8_0)
    }

    /// Lays out `outputs` rows of whole blocks of a kind it takes, one row after another in `bytes`.
    pub(crate) fn pack(isa: Isa, kind: Blocks, bytes: &[u8], outputs: usize) -> BlockWeights {
        let rows: Vec<&[u8]> = bytes.chunks_exact((bytes.len() / outputs.max(1)).max(1)).collect();
        let blocks = rows.first().map_or(0, |row| row.len() / kind.size());
        let block =
            |row: usize, block: usize| rows.get(row).map(|row| &row[block * kind.size()..][..kind.size()]);
        let (panels, is_four) = (outputs.div_ceil(WIDTH), kind != Blocks::Q8_0);
        let words = if is_four { WORDS / 2 } else { WORDS };
        let (mut lines, mut scales, mut least) = (vec![], vec![], vec![]);
        for (panel, at) in (0..panels).flat_map(|panel| (0..blocks).map(move |at| (panel, at))) {
            let of = |lane: usize| block(panel * WIDTH + lane, at);
            lines.extend(
                (0..words).map(|word| Line(std::array::from_fn(|lane| word_of(kind, of(lane), word)))),
            );
            scales.push(Line(std::array::from_fn(|lane| of(lane).map_or(0.0, |it| kind.scale(it)))));
            least.push(Line(std::array::from_fn(|lane| of(lane).map_or(0.0, |it| lowest(kind, it)))));
        }
        BlockWeights { isa, blocks, panels, is_four, lines, scales, least }
    }

    /// Outputs, rounded up to whole panels.
    pub(crate) fn stride(&self) -> usize {
        self.panels * WIDTH
    }

    /// `plane = activations · weightsᵀ`, for the first `rows` rows of both.
    pub(crate) fn multiply(&self, activations: &BlockActivations, rows: usize, plane: &mut Plane<'_>) {
        assert_eq!(activations.blocks, self.blocks, "activations of other weights");
        assert!(rows * self.blocks <= activations.scales.len(), "{rows} rows");
        assert!(plane.stride.is_multiple_of(WIDTH) && plane.stride >= self.stride(), "stride of the plane");
        self.isa.run(Product { factors: BlockFactors { activations, weights: self }, sink: plane, rows });
    }
}

/// Four bytes of a block's integers; eight-bit weights become unsigned.
fn word_of(kind: Blocks, block: Option<&[u8]>, word: usize) -> i32 {
    let Some(block) = block else { return 0 };
    let integers = &block[kind.size() - if kind == Blocks::Q8_0 { BLOCK } else { BLOCK / 2 }..];
    let bytes: [u8; GROUP] = std::array::from_fn(|at| integers[word * GROUP + at]);
    let flip = if kind == Blocks::Q8_0 { 0x80 } else { 0 };
    i32::from_le_bytes(bytes.map(|it| it ^ flip))
}

/// What a weight of integer 0 is worth: Q4_1 stores it, Q4_0 has −8 scales, Q8_0 was raised by 128.
fn lowest(kind: Blocks, block: &[u8]) -> f32 {
    match kind {
        Blocks::Q4_1 => kind.least(block),
        Blocks::Q8_0 => -128.0 * kind.scale(block),
        _ => -8.0 * kind.scale(block),
    }
}

/// Rows of signed 8-bit activations with a scale for each 32.
#[derive(Debug, Default)]
pub(crate) struct BlockActivations {
    blocks: usize,
    words: Vec<i32>,
    scales: Vec<f32>,
    /// Sum of each block's integers.
    sums: Vec<f32>,
}

impl BlockActivations {
    /// Quantises rows of `width` values, a multiple of 32: `scale = greatest / 127`.
    pub(crate) fn quantise(&mut self, values: &[f32], width: usize) {
        self.blocks = width / BLOCK;
        self.words.clear();
        self.scales.clear();
        self.sums.clear();
        for block in values.as_chunks::<BLOCK>().0 {
            self.push(block);
        }
    }

    fn push(&mut self, block: &[f32; BLOCK]) {
        /// 1.5 · 2²³: adding it leaves the nearest integer, ties to even, in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let greatest =
            block.iter().fold(0.0_f32, |most, value| if value.abs() > most { value.abs() } else { most });
        let scale = greatest / 127.0;
        let inverse = if scale > f32::MIN_POSITIVE && scale.is_finite() { 1.0 / scale } else { 0.0 };
        let integers = block.map(|value| (value * inverse + ROUND).to_bits() as i8);
        self.words.extend(
            integers.as_chunks::<GROUP>().0.iter().map(|it| i32::from_le_bytes(it.map(|it| it as u8))),
        );
        self.scales.push(scale);
        self.sums.push(integers.iter().map(|&it| i32::from(it)).sum::<i32>() as f32);
    }
}

#[derive(Clone, Copy)]
struct BlockFactors<'a> {
    activations: &'a BlockActivations,
    weights: &'a BlockWeights,
}

impl Factors for BlockFactors<'_> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.weights.panels
    }

    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // several arrays at one place
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M] {
        let blocks = self.weights.blocks;
        let mut sums = [[lanes.splat(0.0); N]; M];
        for block in 0..blocks {
            for n in 0..N {
                let at = (panel + n) * blocks + block;
                let dots = if self.weights.is_four {
                    self.fours::<L, M>(lanes, row, block, at)
                } else {
                    self.eights::<L, M>(lanes, row, block, at)
                };
                let scale = lanes.load(&self.weights.scales[at].0);
                let least = lanes.load(&self.weights.least[at].0);
                for m in 0..M {
                    let of = (row + m) * blocks + block;
                    let (unit, sum) = (self.activations.scales[of], self.activations.sums[of]);
                    let exact = lanes.mul(lanes.float(dots[m]), scale);
                    let exact = lanes.fma(least, lanes.splat(sum), exact);
                    sums[m][n] = lanes.fma(exact, lanes.splat(unit), sums[m][n]);
                }
            }
        }
        sums
    }
}

impl BlockFactors<'_> {
    /// Sums of products of a block of four-bit weights with `M` rows.
    #[inline(always)]
    fn fours<L: Lanes, const M: usize>(&self, lanes: L, row: usize, block: usize, at: usize) -> [L::I; M] {
        let low = lanes.splat_i(0x0f0f_0f0f);
        let lines = &self.weights.lines[at * WORDS / 2..][..WORDS / 2];
        let mut dots = [lanes.splat_i(0); M];
        for (step, line) in lines.iter().enumerate() {
            let line = lanes.load_i(&line.0);
            let (first, second) = (lanes.and_i(line, low), lanes.and_i(lanes.nibble(line), low));
            for (m, dot) in dots.iter_mut().enumerate() {
                let words = self.words(row + m, block);
                *dot = lanes.dot(*dot, first, lanes.splat_i(words[step]));
                *dot = lanes.dot(*dot, second, lanes.splat_i(words[step + WORDS / 2]));
            }
        }
        dots
    }

    /// Sums of products of a block of eight-bit weights with `M` rows. Where products are added in pairs of 16 bits, a weight
    /// is halved and its lowest bit multiplied apart: 2 · 127 · 127 fits.
    #[inline(always)]
    fn eights<L: Lanes, const M: usize>(&self, lanes: L, row: usize, block: usize, at: usize) -> [L::I; M] {
        let (high, low) = (lanes.splat_i(0x7f7f_7f7f), lanes.splat_i(0x0101_0101));
        let lines = &self.weights.lines[at * WORDS..][..WORDS];
        let mut dots = [lanes.splat_i(0); M];
        for (step, line) in lines.iter().enumerate() {
            let line = lanes.load_i(&line.0);
            for (m, dot) in dots.iter_mut().enumerate() {
                let word = lanes.splat_i(self.words(row + m, block)[step]);
                if self.weights.isa.adds_pairs() {
                    let halves = lanes.dot(lanes.splat_i(0), lanes.and_i(lanes.halve(line), high), word);
                    *dot = lanes.add_i(*dot, lanes.add_i(halves, halves));
                    *dot = lanes.dot(*dot, lanes.and_i(line, low), word);
                } else {
                    *dot = lanes.dot(*dot, line, word);
                }
            }
        }
        dots
    }

    #[inline(always)]
    fn words(&self, row: usize, block: usize) -> &[i32; WORDS] {
        let words = &self.activations.words[(row * self.weights.blocks + block) * WORDS..];
        words.first_chunk().expect("every row has its blocks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rows::Activation;

    fn bytes(kind: Blocks, outputs: usize, blocks: usize) -> Vec<u8> {
        let mut state = 11_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let half = |value: f32| half::f16::from_f32(value).to_le_bytes();
        let block = |_| {
            let mut block: Vec<u8> = (0..kind.size()).map(|_| random()).collect();
            let (scale, least) = (f32::from(block[0]), f32::from(block[2]));
            block[..2].copy_from_slice(&half(0.01 + scale / 4096.0));
            if kind == Blocks::Q4_1 {
                block[2..4].copy_from_slice(&half(least / -512.0));
            }
            block
        };
        (0..outputs * blocks).flat_map(block).collect()
    }

    fn product(isa: Isa, kind: Blocks, values: &[f32], outputs: usize, width: usize) -> Vec<f32> {
        let rows = values.len() / width;
        let weights = BlockWeights::pack(isa, kind, &bytes(kind, outputs, width / BLOCK), outputs);
        let (mut activations, stride) = (BlockActivations::default(), weights.stride());
        activations.quantise(values, width);
        let mut out = vec![f32::NAN; rows * stride];
        let mut plane = Plane { values: &mut out, stride, activation: Activation::None, add: false };
        weights.multiply(&activations, rows, &mut plane);
        out.chunks_exact(stride).flat_map(|row| &row[..outputs]).copied().collect()
    }

    #[test]
    fn products_are_those_of_the_dequantised_weights_on_every_set_of_instructions() {
        for kind in [Blocks::Q4_0, Blocks::Q4_1, Blocks::Q8_0] {
            for (rows, outputs, width) in [(1, 16, 32), (1, 70, 96), (5, 33, 64), (13, 48, 160), (3, 1, 32)] {
                // Integers up to 127 with a block's greatest exactly 127: activations quantise without error.
                let value =
                    |at: usize| if at.is_multiple_of(32) { 127.0 } else { (at * 37 % 255) as f32 - 127.0 };
                let values: Vec<f32> = (0..rows * width).map(value).collect();
                let weights = kind.floats(&bytes(kind, outputs, width / BLOCK));
                let judge = Isa::Scalar;
                let got = product(judge, kind, &values, outputs, width);
                for (at, got) in got.iter().enumerate() {
                    let (row, out) = (at / outputs, at % outputs);
                    let terms = (0..width)
                        .map(|k| f64::from(values[row * width + k]) * f64::from(weights[out * width + k]));
                    let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), it| (sum + it, size + it.abs()));
                    assert!(
                        (f64::from(*got) - sum).abs() <= 3e-6 * size,
                        "{kind:?} {row} {out}: {got} {sum}"
                    );
                }
                for isa in Isa::all_available() {
                    assert_eq!(product(isa, kind, &values, outputs, width), got, "{isa:?} {kind:?}");
                }
            }
        }
    }

    #[test]
    fn rows_do_not_depend_on_one_another() {
        let values: Vec<f32> = (0..7 * 64).map(|it| (it as f32 * 0.7).sin()).collect();
        let all = product(Isa::best(), Blocks::Q4_1, &values, 40, 64);
        for (row, values) in values.chunks_exact(64).enumerate() {
            assert_eq!(product(Isa::best(), Blocks::Q4_1, values, 40, 64), all[row * 40..][..40]);
        }
    }

    #[test]
    fn rows_of_zeros_and_of_what_is_no_number_stay_in_their_row() {
        let mut values = vec![0.0; 64];
        values[32..].fill(f32::NAN);
        let got = product(Isa::best(), Blocks::Q8_0, &values, 16, 32);
        assert_eq!(got[..16], [0.0; 16]);
    }
}
