//! Products of 8-bit integers: activations quantised row by row, weights column by column.

use bytes::Bytes;

use super::lanes::Isa;
use super::lines::{LINE, Lines};
use super::product::{Factors, Plane, Product};
use super::rows::quantise_row;
use super::{GROUP, Kernel, Lanes, WIDTH};

/// Sixteen 32-bit words that start on a cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Line<T>(pub(crate) [T; WIDTH]);

/// How many products of a packed column can be added within 16 bits, whatever the activations.
const PAIRS: i32 = 2;
/// The same of two words after one another: their products can share 16 bits.
const FOURS: i32 = 4;

/// A matrix of signed 8-bit weights, one scale a column: `weight ≈ value · scale`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Int8Matrix {
    /// `[inputs, outputs]`, row after row.
    pub(crate) values: Vec<i8>,
    /// Rows: what is multiplied and summed.
    pub(crate) inputs: usize,
    /// One a column.
    pub(crate) scales: Vec<f32>,
    /// Whether there were integers and they could not be taken, because pairs of them leave 16 bits.
    pub(crate) is_again: bool,
}

impl Int8Matrix {
    /// `[inputs, outputs]` weights: the integers they are where their scales are given and their pairs fit 16 bits on every
    /// processor, else quantised.
    pub(crate) fn of(weights: &[f32], inputs: usize, outputs: usize, steps: Option<&[f32]>) -> Int8Matrix {
        let Some(scales) = steps.filter(|it| it.len() == outputs) else {
            return Int8Matrix::quantise(weights, inputs, outputs);
        };
        let code = |(weight, scale): (&f32, &f32)| (weight / scale).round() as i8;
        let values: Vec<i8> = weights.iter().zip(scales.iter().cycle()).map(code).collect();
        let matrix = Int8Matrix { values, inputs, scales: scales.to_vec(), is_again: false };
        match matrix.fits_pairs() {
            true => matrix,
            false => Int8Matrix { is_again: true, ..Int8Matrix::quantise(weights, inputs, outputs) },
        }
    }

    /// Whether no two neighbouring weights of a column and a sign are together beyond what 16 bits hold of their products.
    fn fits_pairs(&self) -> bool {
        let outputs = self.scales.len().max(1);
        self.values.chunks(2 * outputs).all(|rows| {
            let (first, second) = rows.split_at(outputs.min(rows.len()));
            first
                .iter()
                .zip(second)
                .all(|(a, b)| (-128..=128).contains(&(i16::from(*a) + i16::from(*b))) || (*a < 0) != (*b < 0))
        })
    }

    /// Quantises `[inputs, outputs]` weights, symmetric, column by column. The scale is the least with which those of the
    /// four weights whose products share 16 bits ([`Lanes::dot_both`]) that have one sign are together at most 126, rounded
    /// 128: 255 times that fits.
    pub(crate) fn quantise(weights: &[f32], inputs: usize, outputs: usize) -> Int8Matrix {
        const MOST: f32 = 126.0;
        let mut scales = vec![0.0f32; outputs];
        for words in weights.chunks(2 * GROUP * outputs.max(1)) {
            for (column, scale) in scales.iter_mut().enumerate() {
                let weight = |row: usize| words.get(row * outputs + column).copied().unwrap_or(0.0);
                for pair in [0, 2] {
                    let four = [pair, pair + 1, pair + GROUP, pair + GROUP + 1].map(weight);
                    let above: f32 = four.iter().map(|weight| weight.max(0.0)).sum();
                    let below: f32 = four.iter().map(|weight| weight.min(0.0)).sum();
                    *scale = scale.max(above.max(-below) / MOST);
                }
            }
        }
        let quantised =
            |(weight, scale): (&f32, &f32)| if *scale > 0.0 { (weight / scale).round() as i8 } else { 0 };
        let values = weights.iter().zip(scales.iter().cycle()).map(quantised).collect();
        Int8Matrix { values, inputs, scales, is_again: false }
    }
}

/// Weights laid out for one set of instructions.
#[derive(Debug, Clone)]
pub(crate) struct Int8Weights {
    pub(super) isa: Isa,
    inputs: usize,
    outputs: usize,
    /// Words of activations that make one row.
    pub(super) steps: usize,
    /// `[panels, steps]` lines: for each of sixteen columns, the four weights that meet one word of activations.
    pub(super) lines: Lines<i32>,
    /// What was split off the lines, panel after panel, so that their pairs fit 16 bits: the step it belongs to, and a line.
    split: Vec<(usize, Line<i32>)>,
    /// Where each panel's part of `split` starts, and the end of the last.
    starts: Vec<usize>,
    /// Whether the products of words 0 and 1, 2 and 3, … can share 16 bits.
    pub(super) is_joint: bool,
    /// As [`Int8Matrix::is_again`].
    pub(crate) is_again: bool,
    /// Per panel: scales of its columns.
    pub(super) scales: Lines<f32>,
    /// Per panel: sums of its columns, by which a zero point is undone.
    pub(super) sums: Lines<i32>,
    pub(super) bias: Lines<f32>,
}

impl Int8Weights {
    /// Lays out `matrix` with one bias a column for `isa`.
    pub(crate) fn pack(isa: Isa, matrix: &Int8Matrix, bias: &[f32]) -> Int8Weights {
        let (inputs, outputs) = (matrix.inputs, matrix.scales.len());
        let steps = inputs.next_multiple_of(WIDTH) / GROUP;
        let panels = outputs.div_ceil(WIDTH);
        let weight = |row: usize, column: usize| {
            if row < inputs && column < outputs { matrix.values[row * outputs + column] } else { 0 }
        };
        let group = |step: usize, column: usize| std::array::from_fn(|k| weight(step * GROUP + k, column));
        let (mut lines, mut split, mut starts) = (Vec::with_capacity(panels * steps), vec![], vec![0]);
        let is_joint = (0..steps / 2).all(|both| {
            let fit = |column| shares(group(2 * both, column), group(2 * both + 1, column));
            (0..outputs).all(fit)
        });
        for panel in 0..panels {
            for step in 0..steps {
                let groups = std::array::from_fn(|lane| group(step, panel * WIDTH + lane));
                let (line, rest) = if isa.adds_pairs() { parted(groups) } else { (groups, None) };
                lines.push(words_of(line));
                split.extend(rest.map(|rest| (step, words_of(rest))));
            }
            starts.push(split.len());
        }
        let sum = |column| (0..inputs).map(|row| i32::from(weight(row, column))).sum();
        Int8Weights {
            isa,
            inputs,
            outputs,
            steps,
            lines: lines.into(),
            split,
            starts,
            is_joint,
            is_again: matrix.is_again,
            scales: lines_of(panels, |column| matrix.scales.get(column).copied().unwrap_or(0.0)),
            sums: lines_of(panels, sum),
            bias: lines_of(panels, |column| bias.get(column).copied().unwrap_or(0.0)),
        }
    }

    /// Bytes of [`Int8Weights::to_file`]; none where they cannot be counted.
    pub(crate) fn file_bytes(inputs: usize, outputs: usize) -> Option<usize> {
        let (steps, panels) = (inputs.checked_next_multiple_of(WIDTH)? / GROUP, outputs.div_ceil(WIDTH));
        panels.checked_mul(steps.checked_add(3)?)?.checked_add(1)?.checked_mul(LINE)
    }

    /// Everything a product needs, to be mapped: a line whose first word is [`PAIRS`] or [`FOURS`], the lines, then per panel scales, sums
    /// and bias. None where something was split off, which our own quantisation never asks for.
    pub(crate) fn to_file(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(Int8Weights::file_bytes(self.inputs, self.outputs)?);
        Lines::from(vec![Line([if self.is_joint { FOURS } else { PAIRS }; WIDTH])]).to_file(&mut bytes);
        self.lines.to_file(&mut bytes);
        self.scales.to_file(&mut bytes);
        self.sums.to_file(&mut bytes);
        self.bias.to_file(&mut bytes);
        self.split.is_empty().then_some(bytes)
    }

    /// What [`Int8Weights::to_file`] gave, used where it lies; none where the bytes are not those of the shape.
    pub(crate) fn of_file(isa: Isa, [inputs, outputs]: [usize; 2], bytes: &Bytes) -> Option<Int8Weights> {
        let whole = Int8Weights::file_bytes(inputs, outputs).filter(|it| *it == bytes.len())?;
        let fit = Lines::<i32>::of_file(bytes.slice(..LINE))[0].0[0];
        if ![PAIRS, FOURS].contains(&fit) {
            return None;
        }
        let panels = outputs.div_ceil(WIDTH);
        let rest = whole - 3 * panels * LINE;
        let part = |at: usize| bytes.slice(rest + at * panels * LINE..rest + (at + 1) * panels * LINE);
        Some(Int8Weights {
            isa,
            inputs,
            outputs,
            steps: inputs.next_multiple_of(WIDTH) / GROUP,
            lines: Lines::of_file(bytes.slice(LINE..rest)),
            is_joint: fit == FOURS,
            is_again: false,
            split: Vec::new(),
            starts: vec![0; panels + 1],
            scales: Lines::of_file(part(0)),
            sums: Lines::of_file(part(1)),
            bias: Lines::of_file(part(2)),
        })
    }

    /// Inputs and outputs.
    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.inputs, self.outputs]
    }

    /// The weights of one column as numbers, `[inputs]`.
    pub(crate) fn column(&self, column: usize, out: &mut [f32]) {
        let (panel, lane) = (column / WIDTH, column % WIDTH);
        let scale = self.scales[panel].0[lane];
        let lines = &self.lines[panel * self.steps..(panel + 1) * self.steps];
        for (out, line) in out.chunks_mut(GROUP).zip(lines) {
            for (out, byte) in out.iter_mut().zip(line.0[lane].to_le_bytes()) {
                *out = f32::from(byte as i8) * scale;
            }
        }
    }

    /// Columns, rounded up to whole panels.
    pub(crate) fn stride(&self) -> usize {
        self.outputs.next_multiple_of(WIDTH)
    }

    /// `plane = activations · weights + bias`, for the first `rows` rows of both.
    pub(crate) fn multiply(&self, activations: &Activations, rows: usize, plane: &mut Plane<'_>) {
        assert_eq!(
            (activations.isa, activations.width),
            (self.isa, self.inputs),
            "activations of other weights"
        );
        assert!(rows <= activations.scales.len(), "{rows} rows of {}", activations.scales.len());
        assert!(plane.stride.is_multiple_of(WIDTH) && plane.stride >= self.stride(), "stride of the plane");
        self.isa.run(Product { factors: Int8Factors { activations, weights: self }, sink: plane, rows });
    }
}

/// One value a column, by panels.
fn lines_of<T>(panels: usize, value: impl Fn(usize) -> T) -> Lines<T> {
    (0..panels).map(|panel| Line(std::array::from_fn(|lane| value(panel * WIDTH + lane)))).collect()
}

/// The four weights of sixteen columns that meet one word.
type Groups = [[i8; GROUP]; WIDTH];

/// Whether the products of these weights with any two words can be added in pairs of both within 16 bits.
fn shares(first: [i8; GROUP], second: [i8; GROUP]) -> bool {
    [0, 2].into_iter().all(|pair| {
        let four = [first[pair], first[pair + 1], second[pair], second[pair + 1]].map(i32::from);
        let (above, below): (i32, i32) =
            (four.iter().map(|it| *it.max(&0)).sum(), four.iter().map(|it| *it.min(&0)).sum());
        above <= 128 && below >= -128
    })
}

fn words_of(groups: Groups) -> Line<i32> {
    Line(groups.map(|group| i32::from_le_bytes(group.map(|weight| weight as u8))))
}

/// Splits a line into one whose pairs cannot leave 16 bits whatever the activations, and the rest, if any.
fn parted(mut groups: Groups) -> (Groups, Option<Groups>) {
    let mut rest = [[0; GROUP]; WIDTH];
    for (group, rest) in groups.iter_mut().zip(&mut rest) {
        for (pair, rest) in group.chunks_exact_mut(2).zip(rest.chunks_exact_mut(2)) {
            let sum = i16::from(pair[0]) + i16::from(pair[1]);
            let beyond = sum - sum.clamp(-128, 128);
            if beyond != 0 && (pair[0] < 0) == (pair[1] < 0) {
                rest[1] = beyond as i8;
                pair[1] -= rest[1];
            }
        }
    }
    (groups, (rest != [[0; GROUP]; WIDTH]).then_some(rest))
}

/// Rows of unsigned 8-bit activations, each with its scale and zero point: `activation ≈ (value − zero) · scale`.
#[derive(Debug)]
pub(crate) struct Activations {
    isa: Isa,
    width: usize,
    /// Bytes of one row, in whole sixteens.
    stride: usize,
    bytes: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
}

impl Activations {
    /// Room for `rows` rows of `width` values.
    pub(crate) fn new(isa: Isa, rows: usize, width: usize) -> Activations {
        let stride = width.next_multiple_of(WIDTH);
        Activations {
            isa,
            width,
            stride,
            bytes: vec![0; rows * stride],
            scales: vec![0.0; rows],
            zeros: vec![0; rows],
        }
    }

    /// Quantises rows of `values`, `stride` apart, from the first row on.
    pub(crate) fn quantise(&mut self, values: &[f32], stride: usize, rows: usize) {
        self.isa.run(Quantise { to: self, values, stride, rows });
    }
}

struct Quantise<'a> {
    to: &'a mut Activations,
    values: &'a [f32],
    stride: usize,
    rows: usize,
}

impl Kernel for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Activations { width, stride, bytes, scales, zeros, .. } = self.to;
        for row in 0..self.rows {
            let values = &self.values[row * self.stride..][..*width];
            let bytes = &mut bytes[row * *stride..][..*stride];
            (scales[row], zeros[row]) = quantise_row(lanes, values, bytes);
        }
    }
}

#[derive(Clone, Copy)]
struct Int8Factors<'a> {
    activations: &'a Activations,
    weights: &'a Int8Weights,
}

impl Factors for Int8Factors<'_> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.weights.scales.len()
    }

    #[inline(always)]
    fn rows<L: Lanes>(&self) -> usize {
        if self.weights.is_joint { L::JOINT_ROWS } else { L::TILE.0 }
    }

    #[inline(always)]
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M] {
        let (steps, weights) = (self.weights.steps, self.weights);
        let stride = self.activations.stride;
        let bytes = &self.activations.bytes[row * stride..(row + M) * stride];
        let lines = &weights.lines[panel * steps..(panel + N) * steps];
        let mut a = [bytes.as_ptr(); M];
        for (m, a) in a.iter_mut().enumerate() {
            *a = bytes[m * stride..].as_ptr();
        }
        let (zero, b) = ([[lanes.splat_i(0); N]; M], (lines.as_ptr(), steps));
        // SAFETY: each pointer starts a row of `steps` words; `lines` are `N` panels of `steps` lines.
        let mut sums = unsafe { dot_tile::<L, M, N>(lanes, (steps, weights.is_joint), a, b, zero) };
        if !weights.split.is_empty() {
            self.add_split(lanes, row, panel, &mut sums);
        }
        let mut tile = [[lanes.splat(0.0); N]; M];
        for n in 0..N {
            let (scale, sum) =
                (lanes.load(&weights.scales[panel + n].0), lanes.load_i(&weights.sums[panel + n].0));
            let bias = lanes.load(&weights.bias[panel + n].0);
            for m in 0..M {
                let zero = lanes.splat_i(self.activations.zeros[row + m]);
                let exact = lanes.float(lanes.sub_i(sums[m][n], lanes.mul_i(zero, sum)));
                let scale = lanes.mul(lanes.splat(self.activations.scales[row + m]), scale);
                tile[m][n] = lanes.fma(exact, scale, bias);
            }
        }
        tile
    }
}

impl Int8Factors<'_> {
    /// Adds what was split off the lines.
    #[inline(always)]
    fn add_split<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
        sums: &mut [[L::I; N]; M],
    ) {
        let Int8Weights { split, starts, .. } = self.weights;
        for n in 0..N {
            for (step, line) in &split[starts[panel + n]..starts[panel + n + 1]] {
                for m in 0..M {
                    let bytes = &self.activations.bytes[(row + m) * self.activations.stride + step * GROUP..];
                    let word =
                        lanes.splat_i(i32::from_le_bytes(*bytes.first_chunk().expect("a word of the row")));
                    sums[m][n] = lanes.dot(sums[m][n], word, lanes.load_i(&line.0));
                }
            }
        }
    }
}

/// Adds to `sums` the products of `M` rows of words with `N` panels, `steps` lines each, `apart` lines from panel to panel;
/// by twos where weights and `steps` let words share 16 bits.
///
/// # Safety
/// Each of `a` points to `4 · steps` bytes, `b` to `(N − 1) · apart + steps` lines.
#[inline(always)]
pub(super) unsafe fn dot_tile<L: Lanes, const M: usize, const N: usize>(
    lanes: L,
    (steps, is_joint): (usize, bool),
    a: [*const u8; M],
    (b, apart): (*const Line<i32>, usize),
    mut sums: [[L::I; N]; M],
) -> [[L::I; N]; M] {
    let both = if is_joint { steps - steps % 2 } else { 0 };
    for step in (0..both).step_by(2) {
        let mut lines = [[lanes.splat_i(0); 2]; N];
        for (n, lines) in lines.iter_mut().enumerate() {
            // SAFETY: `step + 1` is below `steps`, `n` below `N`.
            let (first, second) = unsafe { (&*b.add(n * apart + step), &*b.add(n * apart + step + 1)) };
            *lines = [lanes.load_i(&first.0), lanes.load_i(&second.0)];
        }
        for m in 0..M {
            let a = a[m].cast::<i32>();
            // SAFETY: `step + 1` is below `steps`. Two reads: one of both words is taken apart in other registers.
            let words = unsafe { [a.add(step).read_unaligned(), a.add(step + 1).read_unaligned()] };
            let words = [lanes.splat_i(words[0]), lanes.splat_i(words[1])];
            for n in 0..N {
                sums[m][n] = lanes.dot_both(sums[m][n], words, lines[n]);
            }
        }
    }
    for step in both..steps {
        let mut lines = [lanes.splat_i(0); N];
        for (n, line) in lines.iter_mut().enumerate() {
            // SAFETY: `step` is below `steps`, `n` below `N`.
            *line = lanes.load_i(unsafe { &(*b.add(n * apart + step)).0 });
        }
        for m in 0..M {
            // SAFETY: `step` is below `steps`.
            let word = lanes.splat_i(unsafe { a[m].cast::<i32>().add(step).read_unaligned() });
            for n in 0..N {
                sums[m][n] = lanes.dot(sums[m][n], word, lines[n]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::super::rows::Activation;
    use super::*;

    /// Rows, inputs, outputs: no whole panels, tails of every height, nothing at all.
    const SHAPES: [(usize, usize, usize); 10] = [
        (1, 1, 1),
        (3, 17, 5),
        (7, 33, 65),
        (13, 64, 48),
        (25, 100, 33),
        (2, 500, 16),
        (5, 16, 80),
        (0, 8, 8),
        (4, 8, 0),
        (31, 3, 130),
    ];

    /// Activations with scale 1, so that every product of sums below 2²⁴ is exact in `f32`.
    fn bytes(isa: Isa, rows: usize, width: usize, mut byte: impl FnMut() -> u8, zero: i32) -> Activations {
        let mut it = Activations::new(isa, rows, width);
        it.bytes.fill_with(&mut byte);
        (it.scales, it.zeros) = (vec![1.0; rows], vec![zero; rows]);
        it
    }

    fn product(activations: &Activations, weights: &Int8Weights, rows: usize) -> Vec<f32> {
        let mut values = vec![f32::NAN; rows * weights.stride()];
        let mut plane =
            Plane { values: &mut values, stride: weights.stride(), activation: Activation::None, add: false };
        weights.multiply(activations, rows, &mut plane);
        let whole = values.chunks_exact(weights.stride().max(1));
        whole.flat_map(|row| &row[..weights.outputs]).copied().collect()
    }

    /// The definition, in 64-bit integers.
    fn reference(activations: &Activations, matrix: &Int8Matrix, rows: usize) -> Vec<f32> {
        let outputs = matrix.scales.len();
        let value = |row: usize, k: usize| {
            i64::from(activations.bytes[row * activations.stride + k]) - i64::from(activations.zeros[row])
        };
        let weight = |k: usize, column: usize| i64::from(matrix.values[k * outputs + column]);
        let sum =
            |row, column| (0..matrix.inputs).map(|k| value(row, k) * weight(k, column)).sum::<i64>() as f32;
        (0..rows)
            .flat_map(|row| (0..outputs).map(move |column| (row, column)))
            .map(|(r, c)| sum(r, c))
            .collect()
    }

    fn matrix(inputs: usize, outputs: usize, mut weight: impl FnMut() -> i8) -> Int8Matrix {
        let values = (0..inputs * outputs).map(|_| weight()).collect();
        Int8Matrix { values, inputs, scales: vec![1.0; outputs], is_again: false }
    }

    #[test]
    fn sums_are_exact_over_odd_shapes_and_zero_points_on_every_isa() {
        let mut noise = Noise(1);
        for ((rows, inputs, outputs), zero) in
            SHAPES.into_iter().zip([0, 128, 255, 7, 100].into_iter().cycle())
        {
            let matrix = matrix(inputs, outputs, || noise.integer(-128, 127) as i8);
            for isa in Isa::all_available() {
                let activations = bytes(isa, rows, inputs, || noise.integer(0, 255) as u8, zero);
                let weights = Int8Weights::pack(isa, &matrix, &vec![0.0; outputs]);
                let got = product(&activations, &weights, rows);
                assert_eq!(got, reference(&activations, &matrix, rows), "{isa:?} {rows}x{inputs}x{outputs}");
            }
        }
    }

    #[test]
    fn no_pair_saturates_at_the_edges() {
        for (activation, weight) in [(255, 127), (255, -128), (255, -127), (0, -128), (128, 127)] {
            let matrix = matrix(500, 17, || weight);
            for isa in Isa::all_available() {
                let activations = bytes(isa, 6, 500, || activation, 0);
                let got = product(&activations, &Int8Weights::pack(isa, &matrix, &[0.0; 17]), 6);
                assert_eq!(got, vec![500.0 * f32::from(activation) * f32::from(weight); 6 * 17], "{isa:?}");
            }
        }
    }

    #[test]
    fn parts_of_a_line_add_up_and_fit() {
        for a in -128..=127i8 {
            for b in -128..=127i8 {
                let (line, rest) = parted([[a, b, b, a]; WIDTH]);
                let rest = rest.unwrap_or([[0; GROUP]; WIDTH]);
                for (k, whole) in [a, b, b, a].into_iter().enumerate() {
                    assert_eq!(i32::from(line[3][k]) + i32::from(rest[3][k]), i32::from(whole));
                }
                for pair in [&line[3][..2], &line[3][2..], &rest[3][..2], &rest[3][2..]] {
                    let reach =
                        |sign: i32| pair.iter().map(|w| (i32::from(*w) * sign).max(0) * 255).sum::<i32>();
                    assert!(reach(1) <= 32767 && reach(-1) <= 32768, "{a} {b}: {pair:?}");
                }
            }
        }
    }

    #[test]
    fn our_own_quantisation_needs_no_split_and_is_within_half_a_step() {
        let mut noise = Noise(3);
        for (inputs, outputs) in [(384, 48), (1, 3), (77, 19)] {
            let mut weights = noise.normals(inputs * outputs, 0.1);
            weights[0] = 3.0;
            let matrix = Int8Matrix::quantise(&weights, inputs, outputs);
            assert!(Int8Weights::pack(Isa::Avx2, &matrix, &vec![0.0; outputs]).split.is_empty());
            for (at, weight) in weights.iter().enumerate() {
                let scale = matrix.scales[at % outputs];
                assert!((f32::from(matrix.values[at]) * scale - weight).abs() <= scale * 0.5001);
            }
        }
        assert_eq!(Int8Matrix::quantise(&[0.0; 6], 3, 2).values, [0; 6]);
    }

    #[test]
    fn weights_of_a_file_give_the_same_bits_and_columns_near_what_was_quantised() {
        let (inputs, outputs) = (37, 21);
        let mut noise = Noise(6);
        let (weights, bias) = (noise.normals(inputs * outputs, 0.1), noise.normals(outputs, 1.0));
        let matrix = Int8Matrix::quantise(&weights, inputs, outputs);
        let values = noise.normals(3 * inputs, 1.0);
        for isa in Isa::all_available() {
            let laid = Int8Weights::pack(isa, &matrix, &bias);
            let bytes = Bytes::from(laid.to_file().unwrap());
            assert_eq!(Int8Weights::file_bytes(inputs, outputs), Some(bytes.len()));
            let read = Int8Weights::of_file(isa, [inputs, outputs], &bytes).unwrap();
            assert!(Int8Weights::of_file(isa, [inputs, outputs + 16], &bytes).is_none());
            let mut activations = Activations::new(isa, 3, inputs);
            activations.quantise(&values, inputs, 3);
            assert_eq!(product(&activations, &read, 3), product(&activations, &laid, 3), "{isa:?}");
            for column in 0..outputs {
                let mut got = vec![0.0; inputs];
                read.column(column, &mut got);
                for (row, got) in got.iter().enumerate() {
                    let apart = (got - weights[row * outputs + column]).abs();
                    assert!(apart <= matrix.scales[column] * 0.5001, "{column} {row}");
                }
            }
        }
    }

    #[test]
    fn rows_are_quantised_within_half_a_step_and_zero_is_exact() {
        let mut noise = Noise(4);
        for width in [1, 5, 16, 33, 100] {
            let mut values = noise.normals(3 * width, 2.0);
            values[0] = 0.0;
            values[width..2 * width].fill(0.0);
            for isa in Isa::all_available() {
                let mut it = Activations::new(isa, 3, width);
                it.quantise(&values, width, 3);
                for (at, value) in values.iter().enumerate() {
                    let (row, k) = (at / width, at % width);
                    let byte = it.bytes[row * it.stride + k];
                    let back = (i32::from(byte) - it.zeros[row]) as f32 * it.scales[row];
                    assert!((back - value).abs() <= it.scales[row] * 0.501, "{isa:?} {value} {back}");
                    assert!(*value != 0.0 || back == 0.0);
                }
            }
        }
    }

    #[test]
    fn every_isa_gives_the_same_bits_and_a_row_does_not_depend_on_others() {
        let (rows, inputs, outputs) = (29, 130, 70);
        let mut noise = Noise(5);
        let values = noise.normals(rows * inputs, 1.0);
        let matrix = Int8Matrix::quantise(&noise.normals(inputs * outputs, 0.1), inputs, outputs);
        let bias = noise.normals(outputs, 1.0);
        let run = |isa, values: &[f32]| {
            let rows = values.len() / inputs;
            let mut activations = Activations::new(isa, rows, inputs);
            activations.quantise(values, inputs, rows);
            product(&activations, &Int8Weights::pack(isa, &matrix, &bias), rows)
        };
        let expected = run(Isa::Scalar, &values);
        for isa in Isa::all_available() {
            assert_eq!(run(isa, &values), expected, "{isa:?}");
            for row in [0, 13, rows - 1] {
                let alone = run(isa, &values[row * inputs..][..inputs]);
                assert_eq!(alone, expected[row * outputs..][..outputs], "{isa:?} row {row}");
            }
        }
    }
}
