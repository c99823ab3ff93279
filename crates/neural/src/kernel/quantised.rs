//! Products of 8-bit integers: activations quantised row by row, weights column by column.

use super::lanes::Isa;
use super::product::{Factors, Plane, Product};
use super::rows::quantise_row;
use super::{GROUP, Kernel, Lanes, WIDTH};

/// Sixteen 32-bit words that start on a cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Line<T>(pub(crate) [T; WIDTH]);

/// A matrix of signed 8-bit weights, one scale a column: `weight ≈ value · scale`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Int8Matrix {
    /// `[inputs, outputs]`, row after row.
    pub(crate) values: Vec<i8>,
    /// Rows: what is multiplied and summed.
    pub(crate) inputs: usize,
    /// One a column.
    pub(crate) scales: Vec<f32>,
}

impl Int8Matrix {
    /// Quantises `[inputs, outputs]` weights, symmetric, column by column. The scale is the least with which no weight is
    /// beyond 127 and no two neighbours of one sign (inputs 0 and 1, 2 and 3, …) are together beyond 127: 255 times their
    /// rounded sum fits 16 bits.
    pub(crate) fn quantise(weights: &[f32], inputs: usize, outputs: usize) -> Int8Matrix {
        let mut scales = vec![0.0f32; outputs];
        for pair in weights.chunks(2 * outputs.max(1)) {
            let (first, second) = pair.split_at(outputs);
            for (column, scale) in scales.iter_mut().enumerate() {
                let (a, b) = (first[column], second.get(column).copied().unwrap_or(0.0));
                let together = if (a < 0.0) == (b < 0.0) { (a + b).abs() } else { a.abs().max(b.abs()) };
                *scale = scale.max(together / 127.0);
            }
        }
        let quantised =
            |(weight, scale): (&f32, &f32)| if *scale > 0.0 { (weight / scale).round() as i8 } else { 0 };
        let values = weights.iter().zip(scales.iter().cycle()).map(quantised).collect();
        Int8Matrix { values, inputs, scales }
    }
}

/// Weights laid out for one set of instructions.
#[derive(Debug, Clone)]
pub(crate) struct Int8Weights {
    isa: Isa,
    inputs: usize,
    outputs: usize,
    /// Words of activations that make one row.
    steps: usize,
    /// `[panels, steps]` lines: for each of sixteen columns, the four weights that meet one word of activations.
    lines: Vec<Line<i32>>,
    /// What was split off the lines, panel after panel, so that their pairs fit 16 bits: the step it belongs to, and a line.
    split: Vec<(usize, Line<i32>)>,
    /// Where each panel's part of `split` starts, and the end of the last.
    starts: Vec<usize>,
    /// Per panel: scales of its columns.
    scales: Vec<Line<f32>>,
    /// Per panel: sums of its columns, by which a zero point is undone.
    sums: Vec<Line<i32>>,
    bias: Vec<Line<f32>>,
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
            lines,
            split,
            starts,
            scales: lines_of(panels, |column| matrix.scales.get(column).copied().unwrap_or(0.0)),
            sums: lines_of(panels, sum),
            bias: lines_of(panels, |column| bias.get(column).copied().unwrap_or(0.0)),
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
fn lines_of<T>(panels: usize, value: impl Fn(usize) -> T) -> Vec<Line<T>> {
    (0..panels).map(|panel| Line(std::array::from_fn(|lane| value(panel * WIDTH + lane)))).collect()
}

/// The four weights of sixteen columns that meet one word.
type Groups = [[i8; GROUP]; WIDTH];

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
    /// Words of one row.
    steps: usize,
    words: Vec<i32>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
}

impl Activations {
    /// Room for `rows` rows of `width` values.
    pub(crate) fn new(isa: Isa, rows: usize, width: usize) -> Activations {
        let steps = width.next_multiple_of(WIDTH) / GROUP;
        Activations {
            isa,
            width,
            steps,
            words: vec![0; rows * steps],
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
        let Activations { width, steps, words, scales, zeros, .. } = self.to;
        for row in 0..self.rows {
            let values = &self.values[row * self.stride..][..*width];
            let words = &mut words[row * *steps..][..*steps];
            (scales[row], zeros[row]) = quantise_row(lanes, values, words);
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
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M] {
        let (steps, weights) = (self.weights.steps, self.weights);
        let words = &self.activations.words[row * steps..(row + M) * steps];
        let lines = &weights.lines[panel * steps..(panel + N) * steps];
        let mut a = [words.as_ptr(); M];
        for (m, a) in a.iter_mut().enumerate() {
            *a = words[m * steps..].as_ptr();
        }
        // SAFETY: each pointer starts a row of `steps` words; `lines` are `N` panels of `steps` lines.
        let mut sums = unsafe { dot_tile::<L, M, N>(lanes, steps, a, lines.as_ptr()) };
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
        let Int8Weights { steps, split, starts, .. } = self.weights;
        for n in 0..N {
            for (step, line) in &split[starts[panel + n]..starts[panel + n + 1]] {
                for m in 0..M {
                    let word = lanes.splat_i(self.activations.words[(row + m) * steps + step]);
                    sums[m][n] = lanes.dot(sums[m][n], word, lanes.load_i(&line.0));
                }
            }
        }
    }
}

/// Sums of products of `M` rows of words with `N` panels, `steps` lines each.
///
/// # Safety
/// Each of `a` points to `steps` words, `b` to `N · steps` lines.
#[inline(always)]
pub(super) unsafe fn dot_tile<L: Lanes, const M: usize, const N: usize>(
    lanes: L,
    steps: usize,
    a: [*const i32; M],
    b: *const Line<i32>,
) -> [[L::I; N]; M] {
    let mut sums = [[lanes.splat_i(0); N]; M];
    for step in 0..steps {
        let mut line = [lanes.splat_i(0); N];
        for (n, line) in line.iter_mut().enumerate() {
            // SAFETY: `n · steps + step` is below `N · steps`.
            *line = lanes.load_i(unsafe { &(*b.add(n * steps + step)).0 });
        }
        for m in 0..M {
            // SAFETY: `step` is below `steps`.
            let word = lanes.splat_i(unsafe { a[m].add(step).read_unaligned() });
            for n in 0..N {
                sums[m][n] = lanes.dot(sums[m][n], word, line[n]);
            }
        }
    }
    sums
}
