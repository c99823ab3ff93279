//! Products of 32-bit floating-point numbers.

use super::lanes::Isa;
use super::product::{Factors, Plane, Product};
use super::quantised::Line;
use super::{Lanes, WIDTH};

/// Weights as panels of sixteen columns.
#[derive(Debug, Clone)]
pub(crate) struct FloatWeights {
    isa: Isa,
    inputs: usize,
    outputs: usize,
    /// `[panels, inputs]`.
    lines: Vec<Line<f32>>,
    bias: Vec<Line<f32>>,
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

    /// Columns, rounded up to whole panels.
    pub(crate) fn stride(&self) -> usize {
        self.outputs.next_multiple_of(WIDTH)
    }

    /// `plane = values · weights + bias`, for `rows` rows of `values`, `stride` apart.
    pub(crate) fn multiply(&self, values: &[f32], stride: usize, rows: usize, plane: &mut Plane<'_>) {
        assert!(plane.stride.is_multiple_of(WIDTH) && plane.stride >= self.stride(), "stride of the plane");
        let b = Columns { values: self.lines.as_flattened_lines(), step: WIDTH, panel: WIDTH * self.inputs };
        let factors = FloatFactors {
            a: values,
            stride,
            depth: self.inputs,
            b,
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

/// A right factor: sixteen columns of a panel stand together.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) values: &'a [f32],
    /// Values from one row to the next.
    pub(super) step: usize,
    /// Values from one panel to the next.
    pub(super) panel: usize,
}

/// `a · b + bias`.
#[derive(Clone, Copy)]
pub(super) struct FloatFactors<'a> {
    pub(super) a: &'a [f32],
    /// Values from one row of `a` to the next.
    pub(super) stride: usize,
    /// Products in each sum.
    pub(super) depth: usize,
    pub(super) b: Columns<'a>,
    pub(super) panels: usize,
    /// One line a panel, or none.
    pub(super) bias: &'a [Line<f32>],
}

impl Factors for FloatFactors<'_> {
    #[inline(always)]
    fn panels(&self) -> usize {
        self.panels
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
        let last = panel + N - 1;
        assert!(depth == 0 || last * b.panel + (depth - 1) * b.step + WIDTH <= b.values.len(), "panels");
        let mut sums = [[lanes.splat(0.0); N]; M];
        for k in 0..depth {
            let mut line = [lanes.splat(0.0); N];
            for (n, line) in line.iter_mut().enumerate() {
                let at = (panel + n) * b.panel + k * b.step;
                // SAFETY: the greatest `at`, asserted above, leaves a whole line.
                *line = lanes.load(unsafe { &*b.values.as_ptr().add(at).cast() });
            }
            for m in 0..M {
                // SAFETY: each of `a` starts `depth` values.
                let value = lanes.splat(unsafe { *a[m].add(k) });
                for n in 0..N {
                    sums[m][n] = lanes.fma(value, line[n], sums[m][n]);
                }
            }
        }
        self.biased(lanes, panel, sums)
    }
}

impl FloatFactors<'_> {
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
