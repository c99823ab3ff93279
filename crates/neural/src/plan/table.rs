//! Rows of numbers that are looked up, in the width they are kept in.

use bytes::Bytes;
use half::bf16;

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
    /// Their upper halves.
    Half,
    /// Signed 8-bit integers, one scale a row.
    Int8,
}

impl Form {
    /// Bytes of a row of this width, with its scale.
    fn row_bytes(self, width: usize) -> Option<usize> {
        match self {
            Form::Float => width.checked_mul(4),
            Form::Half => width.checked_mul(2),
            Form::Int8 => width.checked_add(4),
        }
    }

    fn layout(self) -> &'static str {
        match self {
            Form::Float => "f32-rows@1",
            Form::Half => "bf16-rows@1",
            Form::Int8 => "s8-rows@1",
        }
    }
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
        let form = match precision {
            _ if of.steps.is_some() => Form::Int8,
            Precision::Float => Form::Float,
            Precision::Bf16 => Form::Half,
            Precision::Int8 => Form::Int8,
        };
        let bytes: Vec<u8> = match form {
            Form::Float => of.values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            Form::Half => of.values.iter().flat_map(|it| bf16::from_f32(*it).to_le_bytes()).collect(),
            Form::Int8 => Table::codes(of),
        };
        Table { form, width: of.width, bytes: bytes.into() }
    }

    /// Rows of signed 8-bit integers, then the scales of all.
    fn codes(of: &Lookup) -> Vec<u8> {
        let greatest = |row: &[f32]| row.iter().fold(0.0f32, |most, it| most.max(it.abs())) / 127.0;
        let rows = || of.values.chunks_exact(of.width.max(1));
        let scales = of.steps.clone().unwrap_or_else(|| rows().map(greatest).collect());
        let code = |value: f32, scale: f32| if scale > 0.0 { (value / scale).round() as i8 } else { 0 };
        let codes =
            rows().zip(&scales).flat_map(|(row, scale)| row.iter().map(move |it| code(*it, *scale) as u8));
        codes.chain(scales.iter().flat_map(|it| it.to_le_bytes())).collect()
    }

    /// Name and version of the layout, shape and bytes, as a file holds them.
    pub(crate) fn to_file(&self) -> (&'static str, [usize; 2], Bytes) {
        (self.form.layout(), [self.rows(), self.width], self.bytes.clone())
    }

    /// A table where it lies in a file; none where the bytes are not those of the layout and shape.
    pub(crate) fn of_file(layout: &str, [rows, width]: [usize; 2], bytes: Bytes) -> Option<Table> {
        let form = [Form::Float, Form::Half, Form::Int8].into_iter().find(|it| it.layout() == layout)?;
        let table = Table { form, width, bytes };
        let expected = table.form.row_bytes(width).and_then(|it| it.checked_mul(rows));
        (rows > 0 && width > 0 && expected == Some(table.bytes.len())).then_some(table)
    }

    /// How many there are.
    pub(crate) fn rows(&self) -> usize {
        self.form.row_bytes(self.width).map_or(0, |it| self.bytes.len() / it.max(1))
    }

    /// Values of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Adds a row, which there is, to as many values.
    pub(crate) fn add(&self, row: usize, to: &mut [f32]) {
        match self.form {
            Form::Float => {
                let values = self.bytes[row * 4 * self.width..].as_chunks::<4>().0;
                to.iter_mut().zip(values).for_each(|(to, it)| *to += f32::from_le_bytes(*it));
            }
            Form::Half => {
                let values = self.bytes[row * 2 * self.width..].as_chunks::<2>().0;
                to.iter_mut().zip(values).for_each(|(to, it)| *to += bf16::from_le_bytes(*it).to_f32());
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
        for precision in Precision::ALL {
            let table = Table::pack(precision, &plain);
            assert_eq!(table.rows(), 4);
            for (at, expected) in values.chunks(7).enumerate() {
                let most = if precision == Precision::Float { 1e-6 } else { 1.0 / 254.0 + 1e-6 };
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
