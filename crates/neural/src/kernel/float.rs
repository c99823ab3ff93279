//! Products of 32-bit floating-point numbers.

use bytes::Bytes;

use super::lanes::Isa;
use super::lines::{LINE, Lines};
use super::product::{Factors, Plane, Product};
use super::quantised::Line;
use super::{Lanes, WIDTH};

/// Weights as panels of sixteen columns.
#[derive(Debug, Clone)]
pub(crate) struct FloatWeights {
    pub(super) isa: Isa,
    pub(super) inputs: usize,
    outputs: usize,
    /// `[panels, inputs]`.
    pub(super) lines: Lines<f32>,
    pub(super) bias: Lines<f32>,
}

impl FloatWeights {
    /// Lays out `[inputs, outputs]` weights, row after row, with one bias a column.
    pub(crate) fn pack(isa: Isa, weights: &[f32], inputs: usize, bias: &[f32]) -> FloatWeights {
        let outputs = bias.len();
        let panels = outputs.div_ceil(WIDTH);
        let pick = |of: &[f32], panel: usize| {
            Line(std::array::from_fn(|lane| {
                let column = panel * WIDTH + lane;
                if column < outputs { of[column] } else { 0.0 }
            }))
        };
        let line = |panel, row: usize| pick(&weights[row * outputs..][..outputs], panel);
        let lines = (0..panels).flat_map(|panel| (0..inputs).map(move |row| line(panel, row))).collect();
        FloatWeights {
            isa,
            inputs,
            outputs,
            lines,
            bias: (0..panels).map(|panel| pick(bias, panel)).collect(),
        }
    }

    /// Bytes of [`FloatWeights::to_file`]; none where they cannot be counted.
    pub(crate) fn file_bytes(inputs: usize, outputs: usize) -> Option<usize> {
        outputs.div_ceil(WIDTH).checked_mul(inputs.checked_add(1)?)?.checked_mul(LINE)
    }

    /// Everything a product needs, to be mapped: the lines, then the bias of each panel.
    pub(crate) fn to_file(&self) -> Vec<u8> {
        let mut bytes = vec![];
        self.lines.to_file(&mut bytes);
        self.bias.to_file(&mut bytes);
        bytes
    }

    /// What [`FloatWeights::to_file`] gave, used where it lies; none where the bytes are not as many as the shape asks for.
    pub(crate) fn of_file(isa: Isa, [inputs, outputs]: [usize; 2], bytes: &Bytes) -> Option<FloatWeights> {
        let whole = FloatWeights::file_bytes(inputs, outputs).filter(|it| *it == bytes.len())?;
        let rest = whole - outputs.div_ceil(WIDTH) * LINE;
        let (lines, bias) = (Lines::of_file(bytes.slice(..rest)), Lines::of_file(bytes.slice(rest..)));
        Some(FloatWeights { isa, inputs, outputs, lines, bias })
    }

    pub(super) fn columns(&self) -> Columns<'_> {
        Columns { values: self.lines.as_flattened_lines(), step: WIDTH, panel: WIDTH * self.inputs }
    }

    /// Inputs and outputs.
    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.inputs, self.outputs]
    }

    /// The weights of one column, `[inputs]`.
    pub(crate) fn column(&self, column: usize, out: &mut [f32]) {
        let (panel, lane) = (column / WIDTH, column % WIDTH);
        for (out, line) in out.iter_mut().zip(&self.lines[panel * self.inputs..(panel + 1) * self.inputs]) {
            *out = line.0[lane];
        }
    }

    /// Columns, rounded up to whole panels.
    pub(crate) fn stride(&self) -> usize {
        self.outputs.next_multiple_of(WIDTH)
    }

    /// `plane = values · weights + bias`, for `rows` rows of `values`, `stride` apart.
    pub(crate) fn multiply(&self, values: &[f32], stride: usize, rows: usize, plane: &mut Plane<'_>) {
        assert!(plane.stride.is_multiple_of(WIDTH) && plane.stride >= self.stride(), "stride of the plane");
        let factors = FloatFactors {
            a: values,
            stride,
            depth: self.inputs,
            b: self.columns(),
            panels: self.bias.len(),
            bias: &self.bias,
        };
        self.isa.run(Product { factors, sink: plane, rows });
    }
}

/// Lines as plain numbers.
trait Flat {
    fn as_flattened_lines(&self) -> &[f32];
}

impl Flat for [Line<f32>] {
    fn as_flattened_lines(&self) -> &[f32] {
        // SAFETY: a line is sixteen `f32` without padding (64 bytes, aligned to 64).
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len() * WIDTH) }
    }
}

/// A right factor: sixteen columns of a panel stand together, row after row, in the width they are kept in.
pub(super) trait Right: Copy {
    /// Rows that one read gives.
    const ROWS: usize;
    /// What a read gives.
    type Read<L: Lanes>: Copy;

    /// Whether there are so many panels of so many rows.
    fn holds(self, panels: usize, rows: usize) -> bool;
    /// Reads rows `step · ROWS` on of a panel.
    ///
    /// # Safety
    /// [`Right::holds`] more panels than `panel` and more rows than `step · ROWS`.
    unsafe fn read<L: Lanes>(self, lanes: L, panel: usize, step: usize) -> Self::Read<L>;
    /// The row at this place of what was read.
    fn row<L: Lanes>(lanes: L, read: Self::Read<L>, place: usize) -> L::F;
    /// Most rows of a tile.
    fn tile_rows<L: Lanes>() -> usize;
}

/// Columns of 32-bit floats.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) values: &'a [f32],
    /// Values from one row to the next.
    pub(super) step: usize,
    /// Values from one panel to the next.
    pub(super) panel: usize,
}

impl Right for Columns<'_> {
    const ROWS: usize = 1;
    type Read<L: Lanes> = L::F;

    #[inline(always)]
    fn holds(self, panels: usize, rows: usize) -> bool {
        let last = |count: usize| count.saturating_sub(1);
        panels * rows == 0 || last(panels) * self.panel + last(rows) * self.step + WIDTH <= self.values.len()
    }

    #[inline(always)]
    unsafe fn read<L: Lanes>(self, lanes: L, panel: usize, step: usize) -> L::F {
        // SAFETY: the caller's promise: a whole line begins here.
        lanes.load(unsafe { &*self.values.as_ptr().add(panel * self.panel + step * self.step).cast() })
    }

    #[inline(always)]
    fn row<L: Lanes>(_: L, read: L::F, _: usize) -> L::F {
        read
    }

    #[inline(always)]
    fn tile_rows<L: Lanes>() -> usize {
        L::TILE.0
    }
}

/// Adds to `sums` the products of `depth` values from each of `a` with the rows of `N` panels from `panel` on, after `first`
/// rows.
///
/// # Safety
/// Each of `a` points to `depth` values; `b` holds `panel + N` panels of `first · ROWS + depth` rows.
#[inline(always)]
pub(super) unsafe fn fma_tile<L: Lanes, B: Right, const M: usize, const N: usize>(
    lanes: L,
    depth: usize,
    a: [*const f32; M],
    (b, panel, first): (B, usize, usize),
    mut sums: [[L::F; N]; M],
) -> [[L::F; N]; M] {
    for step in 0..depth.div_ceil(B::ROWS) {
        // SAFETY: the step has a row below `depth`, the panels are below `panel + N`.
        let read: [_; N] = std::array::from_fn(|n| unsafe { b.read(lanes, panel + n, first + step) });
        for place in 0..B::ROWS.min(depth - step * B::ROWS) {
            let line = read.map(|read| B::row(lanes, read, place));
            for m in 0..M {
                // SAFETY: below `depth`.
                let value = lanes.splat(unsafe { *a[m].add(step * B::ROWS + place) });
                for n in 0..N {
                    sums[m][n] = lanes.fma(value, line[n], sums[m][n]);
                }
            }
        }
    }
    sums
}

/// `a · b + bias`.
#[derive(Clone, Copy)]
pub(super) struct FloatFactors<'a, B> {
    pub(super) a: &'a [f32],
    /// Values from one row of `a` to the next.
    pub(super) stride: usize,
    /// Products in each sum.
    pub(super) depth: usize,
    pub(super) b: B,
    pub(super) panels: usize,
    /// One line a panel, or none.
    pub(super) bias: &'a [Line<f32>],
}

impl<B: Right> Factors for FloatFactors<'_, B> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.panels
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
        let FloatFactors { depth, stride, b, .. } = *self;
        let mut a = [self.a.as_ptr(); M];
        for (m, a) in a.iter_mut().enumerate() {
            *a = self.a[(row + m) * stride..][..depth].as_ptr();
        }
        assert!(b.holds(panel + N, depth), "panels");
        // SAFETY: each of `a` starts `depth` values; the panels were asserted.
        let sums =
            unsafe { fma_tile::<L, B, M, N>(lanes, depth, a, (b, panel, 0), [[lanes.splat(0.0); N]; M]) };
        self.biased(lanes, panel, sums)
    }
}

impl<B: Right> FloatFactors<'_, B> {
    #[inline(always)]
    fn biased<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        panel: usize,
        mut sums: [[L::F; N]; M],
    ) -> [[L::F; N]; M] {
        if !self.bias.is_empty() {
            for n in 0..N {
                let bias = lanes.load(&self.bias[panel + n].0);
                for row in &mut sums {
                    row[n] = lanes.add(row[n], bias);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::super::rows::Activation;
    use super::*;

    fn product(weights: &FloatWeights, values: &[f32], rows: usize, plane: (&mut [f32], Activation, bool)) {
        let (values_out, activation, add) = plane;
        let mut plane = Plane { values: values_out, stride: weights.stride(), activation, add };
        weights.multiply(values, weights.inputs, rows, &mut plane);
    }

    #[test]
    fn products_are_near_the_definition_and_equal_on_every_isa() {
        let mut noise = Noise(2);
        for (rows, inputs, outputs) in
            [(1, 1, 1), (3, 17, 5), (13, 40, 33), (26, 64, 50), (0, 4, 4), (2, 0, 3)]
        {
            let (values, weights) = (noise.normals(rows * inputs, 1.0), noise.normals(inputs * outputs, 1.0));
            let (bias, before) = (noise.normals(outputs, 1.0), noise.normals(rows * 64, 1.0));
            let mut judge: Option<Vec<f32>> = None;
            for isa in Isa::ALL.into_iter().rev().filter(|isa| isa.is_available()) {
                let packed = FloatWeights::pack(isa, &weights, inputs, &bias);
                let mut got = before[..rows * packed.stride()].to_vec();
                product(&packed, &values, rows, (&mut got, Activation::None, true));
                for (row, column) in (0..rows).flat_map(|row| (0..outputs).map(move |column| (row, column))) {
                    let term = |k: usize| {
                        f64::from(values[row * inputs + k]) * f64::from(weights[k * outputs + column])
                    };
                    let at = row * packed.stride() + column;
                    let expected = (0..inputs).map(term).sum::<f64>() + f64::from(bias[column] + before[at]);
                    assert!((f64::from(got[at]) - expected).abs() < 2e-5, "{isa:?} {} {expected}", got[at]);
                }
                assert_eq!(*judge.get_or_insert_with(|| got.clone()), got, "{isa:?}");
            }
        }
    }
}
