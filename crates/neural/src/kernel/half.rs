//! Products with weights of 16 bits: the upper halves of 32-bit floats (bfloat16), which take half the memory.
//!
//! Every weight is widened as it is read and products are added in 32 bits, so that the answer is to the bit that of
//! [`FloatWeights`](super::float::FloatWeights) of the rounded weights. Two rows stand in one line of words, the first in the lower halves.

use bytes::Bytes;
use half::bf16;

use super::float::{FloatFactors, Right};
use super::lanes::Isa;
use super::lines::{LINE, Lines};
use super::product::{Plane, Product};
use super::quantised::Line;
use super::{Lanes, WIDTH};

/// Rows in one line.
const ROWS: usize = 2;

/// Weights as panels of sixteen columns.
#[derive(Debug, Clone)]
pub(crate) struct HalfWeights {
    pub(super) isa: Isa,
    pub(super) inputs: usize,
    outputs: usize,
    /// `[panels, inputs / 2]`, rounded up.
    lines: Lines<i32>,
    pub(super) bias: Lines<f32>,
}

impl HalfWeights {
    /// Rounds `[inputs, outputs]` weights to the nearest, ties to even, and lays them out with one bias a column.
    pub(crate) fn pack(isa: Isa, weights: &[f32], inputs: usize, bias: &[f32]) -> HalfWeights {
        let outputs = bias.len();
        let panels = outputs.div_ceil(WIDTH);
        let bits = |row: usize, column: usize| match row < inputs && column < outputs {
            true => bf16::from_f32(weights[row * outputs + column]).to_bits(),
            false => 0,
        };
        let word = |row: usize, column: usize| {
            (u32::from(bits(row, column)) | u32::from(bits(row + 1, column)) << 16) as i32
        };
        let line =
            |panel: usize, row: usize| Line(std::array::from_fn(|lane| word(row, panel * WIDTH + lane)));
        let rows = || (0..inputs).step_by(ROWS);
        let value = |column: usize| bias.get(column).copied().unwrap_or(0.0);
        HalfWeights {
            isa,
            inputs,
            outputs,
            lines: (0..panels).flat_map(|panel| rows().map(move |row| line(panel, row))).collect(),
            bias: (0..panels)
                .map(|panel| Line(std::array::from_fn(|lane| value(panel * WIDTH + lane))))
                .collect(),
        }
    }

    /// Bytes of [`HalfWeights::to_file`]; none where they cannot be counted.
    pub(crate) fn file_bytes(inputs: usize, outputs: usize) -> Option<usize> {
        outputs.div_ceil(WIDTH).checked_mul(inputs.div_ceil(ROWS).checked_add(1)?)?.checked_mul(LINE)
    }

    /// Everything a product needs, to be mapped: the lines, then the bias of each panel.
    pub(crate) fn to_file(&self) -> Vec<u8> {
        let mut bytes = vec![];
        self.lines.to_file(&mut bytes);
        self.bias.to_file(&mut bytes);
        bytes
    }

    /// What [`HalfWeights::to_file`] gave, used where it lies; none where the bytes are not as many as the shape asks for.
    pub(crate) fn of_file(isa: Isa, [inputs, outputs]: [usize; 2], bytes: &Bytes) -> Option<HalfWeights> {
        let whole = HalfWeights::file_bytes(inputs, outputs).filter(|it| *it == bytes.len())?;
        let rest = whole - outputs.div_ceil(WIDTH) * LINE;
        let (lines, bias) = (Lines::of_file(bytes.slice(..rest)), Lines::of_file(bytes.slice(rest..)));
        Some(HalfWeights { isa, inputs, outputs, lines, bias })
    }

    /// Inputs and outputs.
    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.inputs, self.outputs]
    }

    /// The weights of one column, `[inputs]`.
    pub(crate) fn column(&self, column: usize, out: &mut [f32]) {
        let (panel, lane) = (column / WIDTH, column % WIDTH);
        let lines = &self.lines[panel * self.inputs.div_ceil(ROWS)..];
        for (out, line) in out.chunks_mut(ROWS).zip(lines) {
            let word = line.0[lane] as u32;
            out.iter_mut()
                .zip([word << 16, word & UPPER as u32])
                .for_each(|(out, bits)| *out = f32::from_bits(bits));
        }
    }

    pub(super) fn columns(&self) -> Halves<'_> {
        Halves { lines: &self.lines, panel: self.inputs.div_ceil(ROWS) }
    }

    /// `plane = values · weights + bias`, for `rows` rows of `values`, `stride` apart.
    pub(crate) fn multiply(&self, values: &[f32], stride: usize, rows: usize, plane: &mut Plane<'_>) {
        let least = self.outputs.next_multiple_of(WIDTH);
        assert!(plane.stride.is_multiple_of(WIDTH) && plane.stride >= least, "stride of the plane");
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

/// The upper half of a word.
const UPPER: i32 = 0xffff_0000_u32 as i32;

/// Columns of 16-bit floats, two rows a line.
#[derive(Clone, Copy)]
pub(super) struct Halves<'a> {
    lines: &'a [Line<i32>],
    /// Lines of a panel.
    panel: usize,
}

impl Right for Halves<'_> {
    const ROWS: usize = ROWS;
    type Read<L: Lanes> = L::I;

    #[inline(always)]
    fn holds(self, panels: usize, rows: usize) -> bool {
        rows.div_ceil(ROWS) <= self.panel && panels * self.panel <= self.lines.len()
    }

    #[inline(always)]
    unsafe fn read<L: Lanes>(self, lanes: L, panel: usize, step: usize) -> L::I {
        // SAFETY: the caller's promise: the line is there.
        lanes.load_i(unsafe { &self.lines.get_unchecked(panel * self.panel + step).0 })
    }

    #[inline(always)]
    fn row<L: Lanes>(lanes: L, read: L::I, place: usize) -> L::F {
        match place {
            0 => lanes.bits(lanes.raise(read)),
            _ => lanes.bits(lanes.and_i(read, lanes.splat_i(UPPER))),
        }
    }

    /// Words and what they are widened to stand beside the sums.
    #[inline(always)]
    fn tile_rows<L: Lanes>() -> usize {
        L::JOINT_ROWS
    }
}

#[cfg(test)]
mod tests {
    use super::super::float::FloatWeights;
    use super::super::noise::Noise;
    use super::super::rows::Activation;
    use super::*;

    #[test]
    fn products_are_those_of_rounded_floats_to_the_bit_on_every_isa_and_from_a_file() {
        let mut noise = Noise(12);
        for (rows, inputs, outputs) in
            [(1, 1, 1), (3, 17, 5), (13, 40, 33), (26, 64, 50), (0, 4, 4), (2, 0, 3)]
        {
            let (values, weights) = (noise.normals(rows * inputs, 1.0), noise.normals(inputs * outputs, 1.0));
            let bias = noise.normals(outputs, 1.0);
            let rounded: Vec<f32> = weights.iter().map(|it| bf16::from_f32(*it).to_f32()).collect();
            let stride = outputs.next_multiple_of(WIDTH);
            let run = |multiply: &dyn Fn(&mut Plane<'_>)| {
                let mut out = vec![0.5; rows * stride];
                multiply(&mut Plane { values: &mut out, stride, activation: Activation::Gelu, add: true });
                out
            };
            let judge = FloatWeights::pack(Isa::Scalar, &rounded, inputs, &bias);
            let expected = run(&|plane| judge.multiply(&values, inputs, rows, plane));
            for isa in Isa::all_available() {
                let laid = HalfWeights::pack(isa, &weights, inputs, &bias);
                assert_eq!(run(&|plane| laid.multiply(&values, inputs, rows, plane)), expected, "{isa:?}");
                let bytes = Bytes::from(laid.to_file());
                let read = HalfWeights::of_file(isa, [inputs, outputs], &bytes).unwrap();
                assert_eq!(run(&|plane| read.multiply(&values, inputs, rows, plane)), expected, "{isa:?}");
                assert!(HalfWeights::of_file(isa, [inputs + 2, outputs + 16], &bytes).is_none());
                for column in 0..outputs {
                    let mut got = vec![0.0; inputs];
                    laid.column(column, &mut got);
                    let expected: Vec<f32> = rounded.iter().skip(column).step_by(outputs).copied().collect();
                    assert_eq!(got, expected);
                }
            }
        }
    }
}
