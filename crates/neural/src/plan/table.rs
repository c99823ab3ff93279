//! Rows of numbers that are looked up, in the width they are kept in.

use bytes::Bytes;

use super::dense::Precision;
use crate::PlanError;

/// A table by its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lookup {
    /// `[rows, width]`.
    pub(crate) values: Vec<f32>,
    pub(crate) width: usize,
    /// Scales, one a row, that the numbers are signed 8-bit integers times, where they come so.
    pub(crate) steps: Option<Vec<f32>>,
}

/// How a table keeps its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// 32-bit floats.
    Float,
    /// Signed 8-bit integers, one scale a row.
    Int8,
}

/// A table ready to be looked up in.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    form: Form,
    width: usize,
    /// Row after row, little-endian; after the rows of integers the scales of all.
    bytes: Bytes,
}

impl Table {
    /// Keeps a table for a plan of this precision: in its own integers where it has them, in integers where the plan has them.
    pub(crate) fn pack(precision: Precision, of: &Lookup) -> Table {
        let form = if precision == Precision::Int8 || of.steps.is_some() { Form::Int8 } else { Form::Float };
        if form == Form::Float {
            let bytes: Vec<u8> = of.values.iter().flat_map(|it| it.to_le_bytes()).collect();
            return Table { form, width: of.width, bytes: bytes.into() };
        }
        let greatest = |row: &[f32]| row.iter().fold(0.0f32, |most, it| most.max(it.abs())) / 127.0;
        let rows = || of.values.chunks_exact(of.width.max(1));
        let scales = of.steps.clone().unwrap_or_else(|| rows().map(greatest).collect());
        let code = |value: f32, scale: f32| if scale > 0.0 { (value / scale).round() as i8 } else { 0 };
        let codes =
            rows().zip(&scales).flat_map(|(row, scale)| row.iter().map(move |it| code(*it, *scale) as u8));
        let bytes: Vec<u8> = codes.chain(scales.iter().flat_map(|it| it.to_le_bytes())).collect();
        Table { form, width: of.width, bytes: bytes.into() }
    }

    /// How many there are.
    pub(crate) fn rows(&self) -> usize {
        self.bytes.len() / self.row_bytes().max(1)
    }

    /// Bytes of a row, with its scale.
    fn row_bytes(&self) -> usize {
        match self.form {
            Form::Float => 4 * self.width,
            Form::Int8 => self.width + 4,
        }
    }

    /// Adds a row, which there is, to as many values.
    pub(crate) fn add(&self, row: usize, to: &mut [f32]) {
        match self.form {
            Form::Float => {
                let values = self.bytes[row * 4 * self.width..].as_chunks::<4>().0;
                to.iter_mut().zip(values).for_each(|(to, it)| *to += f32::from_le_bytes(*it));
            }
            Form::Int8 => {
                let scale = self.bytes[self.rows() * self.width + 4 * row..].first_chunk();
                let scale = f32::from_le_bytes(*scale.expect("every row has a scale"));
                let codes = &self.bytes[row * self.width..];
                to.iter_mut().zip(codes).for_each(|(to, it)| *to += f32::from(*it as i8) * scale);
            }
        }
    }
}

impl Lookup {
    pub(crate) fn check(&self, width: usize) -> Result<(), PlanError> {
        let rows = self.values.len() / width.max(1);
        let lengths = [
            ("width", width, self.width),
            ("values", rows * width, self.values.len()),
            ("steps", rows, self.steps.as_ref().map_or(rows, Vec::len)),
        ];
        match lengths.into_iter().find(|(_, expected, got)| expected != got) {
            Some((of, expected, got)) => Err(PlanError::Shape { what: "table", of, expected, got }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was_or_within_half_a_step_and_integers_stay_what_they_are() {
        let values: Vec<f32> = (0..21).map(|it| (it as f32 * 0.7).sin()).chain([0.0; 7]).collect();
        let row = |table: &Table, at: usize| {
            let mut row = vec![1.0; 7];
            table.add(at, &mut row);
            row.into_iter().map(|it| it - 1.0).collect::<Vec<f32>>()
        };
        let plain = Lookup { values: values.clone(), width: 7, steps: None };
        for precision in [Precision::Float, Precision::Int8] {
            let table = Table::pack(precision, &plain);
            assert_eq!(table.rows(), 4);
            for (at, expected) in values.chunks(7).enumerate() {
                let most = if precision == Precision::Int8 { 1.0 / 254.0 + 1e-6 } else { 1e-6 };
                for (got, expected) in row(&table, at).iter().zip(expected) {
                    assert!((got - expected).abs() <= most, "{precision:?} {got} {expected}");
                }
            }
        }
        let codes: Vec<f32> = (0..14).map(|it| (it - 7) as f32 * if it < 7 { 0.5 } else { 0.25 }).collect();
        let own = Lookup { values: codes.clone(), width: 7, steps: Some(vec![0.5, 0.25]) };
        assert!(own.check(7).is_ok() && own.check(2).is_err());
        let table = Table::pack(Precision::Float, &own);
        assert_eq!([row(&table, 0), row(&table, 1)].concat(), codes);
    }
}
