//! Numbers with a shape: what goes into a network and comes out.

use half::{bf16, f16};

use crate::Error;

/// Dimensions a tensor may have. ONNX sets no limit; nothing in use has more than eight.
pub(crate) const MAX_RANK: usize = 16;

/// What one element of a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// IEEE 16-bit float.
    F16,
    /// 16-bit float with the exponent of `F32`.
    Bf16,
    /// Signed 64-bit integer.
    I64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 16-bit integer.
    I16,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 64-bit integer.
    U64,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 8-bit integer.
    U8,
    /// True or false, one byte each.
    Bool,
    /// Signed 4-bit integer, two in a byte, the first in the low half.
    I4,
    /// Unsigned 4-bit integer, two in a byte, the first in the low half.
    U4,
}

impl Dtype {
    pub(crate) const ALL: [Dtype; 15] = [
        Dtype::F32,
        Dtype::F64,
        Dtype::F16,
        Dtype::Bf16,
        Dtype::I64,
        Dtype::I32,
        Dtype::I16,
        Dtype::I8,
        Dtype::U64,
        Dtype::U32,
        Dtype::U16,
        Dtype::U8,
        Dtype::Bool,
        Dtype::I4,
        Dtype::U4,
    ];

    /// Bytes that `count` elements take.
    pub fn bytes(self, count: usize) -> usize {
        match self {
            Dtype::I4 | Dtype::U4 => count.div_ceil(2),
            Dtype::I8 | Dtype::U8 | Dtype::Bool => count,
            Dtype::F16 | Dtype::Bf16 | Dtype::I16 | Dtype::U16 => count.saturating_mul(2),
            Dtype::F32 | Dtype::I32 | Dtype::U32 => count.saturating_mul(4),
            Dtype::F64 | Dtype::I64 | Dtype::U64 => count.saturating_mul(8),
        }
    }

    /// Its name as NumPy and safetensors would say it: `f32`, `i64`, `bool`.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
            Dtype::I64 => "i64",
            Dtype::I32 => "i32",
            Dtype::I16 => "i16",
            Dtype::I8 => "i8",
            Dtype::U64 => "u64",
            Dtype::U32 => "u32",
            Dtype::U16 => "u16",
            Dtype::U8 => "u8",
            Dtype::Bool => "bool",
            Dtype::I4 => "i4",
            Dtype::U4 => "u4",
        }
    }
}

/// The elements of a tensor in row-major order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is the element type of the same name
pub enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I16(Vec<i16>),
    I8(Vec<i8>),
    U64(Vec<u64>),
    U32(Vec<u32>),
    U16(Vec<u16>),
    U8(Vec<u8>),
    Bool(Vec<bool>),
    /// Two elements a byte, the first in the low half.
    I4(Vec<u8>),
    /// Two elements a byte, the first in the low half.
    U4(Vec<u8>),
}

/// A shape and its elements in row-major order; the number of elements is the product of the shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

/// Elements a shape holds; an error where the product does not fit.
pub(crate) fn elements(at: &str, shape: &[usize]) -> Result<usize, Error> {
    Error::limit(at, MAX_RANK as u64, shape.len() as u64, "dimensions")?;
    let product = shape.iter().try_fold(1_usize, |product, &it| product.checked_mul(it));
    product.ok_or_else(|| {
        Error::malformed(at, "a shape whose elements can be counted in 64 bits", format!("{shape:?}"))
    })
}

impl Values {
    /// The element type.
    pub fn dtype(&self) -> Dtype {
        match self {
            Values::F32(_) => Dtype::F32,
            Values::F64(_) => Dtype::F64,
            Values::F16(_) => Dtype::F16,
            Values::Bf16(_) => Dtype::Bf16,
            Values::I64(_) => Dtype::I64,
            Values::I32(_) => Dtype::I32,
            Values::I16(_) => Dtype::I16,
            Values::I8(_) => Dtype::I8,
            Values::U64(_) => Dtype::U64,
            Values::U32(_) => Dtype::U32,
            Values::U16(_) => Dtype::U16,
            Values::U8(_) => Dtype::U8,
            Values::Bool(_) => Dtype::Bool,
            Values::I4(_) => Dtype::I4,
            Values::U4(_) => Dtype::U4,
        }
    }

    /// Entries of the vector: elements, or bytes for the 4-bit types.
    fn stored(&self) -> usize {
        match self {
            Values::F32(it) => it.len(),
            Values::F64(it) => it.len(),
            Values::F16(it) => it.len(),
            Values::Bf16(it) => it.len(),
            Values::I64(it) => it.len(),
            Values::I32(it) => it.len(),
            Values::I16(it) => it.len(),
            Values::I8(it) => it.len(),
            Values::U64(it) => it.len(),
            Values::U32(it) => it.len(),
            Values::U16(it) => it.len(),
            Values::U8(it) | Values::I4(it) | Values::U4(it) => it.len(),
            Values::Bool(it) => it.len(),
        }
    }

    /// Elements from little-endian bytes, as ONNX, safetensors, npy and CTranslate2 store them.
    ///
    /// # Errors
    /// Where a boolean is neither 0 nor 1, or the bytes are no whole number of elements.
    pub(crate) fn from_le(at: &str, dtype: Dtype, bytes: &[u8]) -> Result<Values, Error> {
        macro_rules! read {
            ($variant:ident, $t:ty) => {{
                const SIZE: usize = size_of::<$t>();
                let (chunks, rest) = bytes.as_chunks::<SIZE>();
                if !rest.is_empty() {
                    let got = format!("{} bytes", bytes.len());
                    return Err(Error::malformed(at, format!("a multiple of {SIZE} bytes"), got));
                }
                Values::$variant(chunks.iter().map(|it| <$t>::from_le_bytes(*it)).collect())
            }};
        }
        Ok(match dtype {
            Dtype::F32 => read!(F32, f32),
            Dtype::F64 => read!(F64, f64),
            Dtype::F16 => read!(F16, f16),
            Dtype::Bf16 => read!(Bf16, bf16),
            Dtype::I64 => read!(I64, i64),
            Dtype::I32 => read!(I32, i32),
            Dtype::I16 => read!(I16, i16),
            Dtype::I8 => read!(I8, i8),
            Dtype::U64 => read!(U64, u64),
            Dtype::U32 => read!(U32, u32),
            Dtype::U16 => read!(U16, u16),
            Dtype::U8 => Values::U8(bytes.to_vec()),
            Dtype::I4 => Values::I4(bytes.to_vec()),
            Dtype::U4 => Values::U4(bytes.to_vec()),
            Dtype::Bool => match bytes.iter().find(|&&it| it > 1) {
                Some(it) => return Err(Error::malformed(at, "booleans of 0 or 1", it.to_string())),
                None => Values::Bool(bytes.iter().map(|&it| it == 1).collect()),
            },
        })
    }

    /// Elements as little-endian bytes.
    pub(crate) fn to_le(&self) -> Vec<u8> {
        macro_rules! write {
            ($it:expr) => {
                $it.iter().flat_map(|it| it.to_le_bytes()).collect()
            };
        }
        match self {
            Values::F32(it) => write!(it),
            Values::F64(it) => write!(it),
            Values::F16(it) => write!(it),
            Values::Bf16(it) => write!(it),
            Values::I64(it) => write!(it),
            Values::I32(it) => write!(it),
            Values::I16(it) => write!(it),
            Values::I8(it) => write!(it),
            Values::U64(it) => write!(it),
            Values::U32(it) => write!(it),
            Values::U16(it) => write!(it),
            Values::U8(it) | Values::I4(it) | Values::U4(it) => it.clone(),
            Values::Bool(it) => it.iter().map(|&it| u8::from(it)).collect(),
        }
    }
}

impl Tensor {
    /// A tensor of this shape.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the values are not as many as the shape holds.
    pub fn new(shape: impl Into<Vec<usize>>, values: Values) -> Result<Self, Error> {
        let shape = shape.into();
        let count = elements("a tensor", &shape)?;
        let stored = if matches!(values.dtype(), Dtype::I4 | Dtype::U4) { count.div_ceil(2) } else { count };
        if values.stored() != stored {
            let got = format!("{} for shape {shape:?}", values.stored());
            return Err(Error::tensor("", format!("{stored} values"), got));
        }
        Ok(Tensor { shape, values })
    }

    /// A tensor of 32-bit floats.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the values are not as many as the shape holds.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Result<Self, Error> {
        Tensor::new(shape, Values::F32(values))
    }

    /// A tensor of 64-bit integers: token ids, masks, shapes.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the values are not as many as the shape holds.
    pub fn i64(shape: impl Into<Vec<usize>>, values: Vec<i64>) -> Result<Self, Error> {
        Tensor::new(shape, Values::I64(values))
    }

    /// A tensor read from little-endian bytes. The bytes are counted before anything is allocated.
    ///
    /// # Errors
    /// [`Error::Malformed`] where they are not as many as the shape holds.
    pub(crate) fn from_le(at: &str, shape: Vec<usize>, dtype: Dtype, bytes: &[u8]) -> Result<Self, Error> {
        let expected = dtype.bytes(elements(at, &shape)?);
        if bytes.len() != expected {
            let expected = format!("{expected} bytes for {} {shape:?}", dtype.name());
            return Err(Error::malformed(at, expected, format!("{} bytes", bytes.len())));
        }
        Ok(Tensor { values: Values::from_le(at, dtype, bytes)?, shape })
    }

    /// Length of each dimension; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.values.dtype()
    }

    /// The elements in row-major order.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The elements, taken out.
    pub fn into_values(self) -> Values {
        self.values
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements as they are, where they are 32-bit floats.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(it) => Some(it),
            _ => None,
        }
    }

    /// The elements as they are, where they are 64-bit integers.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.values {
            Values::I64(it) => Some(it),
            _ => None,
        }
    }

    /// The elements widened to 32-bit floats, where they are floats of 16 or 32 bits.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        match &self.values {
            Values::F32(it) => Some(it.clone()),
            Values::F16(it) => Some(it.iter().map(|it| it.to_f32()).collect()),
            Values::Bf16(it) => Some(it.iter().map(|it| it.to_f32()).collect()),
            _ => None,
        }
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the new shape holds another number of elements.
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self, Error> {
        Tensor::new(shape, self.values)
    }
}

/// Tensors with names, in order: what a network is given and gives back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(Vec<(String, Tensor)>);

impl Tensors {
    /// No tensors yet.
    pub fn new() -> Self {
        Tensors::default()
    }

    /// Adds a tensor, or replaces the one of this name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        match self.0.iter_mut().find(|(it, _)| *it == name) {
            Some(place) => place.1 = tensor,
            None => self.0.push((name, tensor)),
        }
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, tensor)| tensor)
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>> FromIterator<(N, Tensor)> for Tensors {
    fn from_iter<I: IntoIterator<Item = (N, Tensor)>>(pairs: I) -> Self {
        let mut tensors = Tensors::new();
        pairs.into_iter().for_each(|(name, tensor)| tensors.insert(name, tensor));
        tensors
    }
}

/// The shares of scores: exp(score) ÷ Σ exp(score), without overflow, in f64; they sum to 1. No score gives none. `exp` is `libm`'s, so
/// that bits do not depend on the system's.
pub fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised: Vec<f64> = scores.iter().map(|score| libm::exp(f64::from(score - most))).collect();
    let sum: f64 = raised.iter().sum();
    raised.iter().map(|it| it / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_do_not_overflow() {
        let shares = softmax(&[3.0e38, 3.0e38, 0.0]);
        assert_eq!(shares, [0.5, 0.5, 0.0]);
        assert!((softmax(&[1.0, 2.0, -7.0]).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(softmax(&[]).is_empty());
    }

    #[test]
    fn values_must_fill_their_shape() {
        assert!(Tensor::f32([2, 3], vec![0.0; 6]).is_ok());
        assert!(Tensor::f32([2, 3], vec![0.0; 5]).is_err());
        assert!(Tensor::new([3], Values::I4(vec![0; 2])).is_ok());
        assert!(Tensor::f32([0, 7], vec![]).is_ok());
    }

    #[test]
    fn a_shape_that_cannot_be_counted_is_an_error() {
        assert!(Tensor::f32([usize::MAX, 2], vec![]).is_err());
        assert!(Tensor::f32([1; 17], vec![0.0]).is_err());
    }

    #[test]
    fn every_element_type_survives_its_bytes() {
        let all = [
            Values::F32(vec![1.5, -2.0]),
            Values::F64(vec![1.5, -2.0]),
            Values::F16(vec![f16::from_f32(1.5), f16::from_f32(-2.0)]),
            Values::Bf16(vec![bf16::from_f32(1.5), bf16::from_f32(-2.0)]),
            Values::I64(vec![i64::MIN, 7]),
            Values::I32(vec![i32::MIN, 7]),
            Values::I16(vec![i16::MIN, 7]),
            Values::I8(vec![i8::MIN, 7]),
            Values::U64(vec![u64::MAX, 7]),
            Values::U32(vec![u32::MAX, 7]),
            Values::U16(vec![u16::MAX, 7]),
            Values::U8(vec![255, 7]),
            Values::Bool(vec![true, false]),
        ];
        for values in all {
            let back = Tensor::from_le("x", vec![2], values.dtype(), &values.to_le()).unwrap();
            assert_eq!(back.into_values(), values);
        }
    }

    #[test]
    fn a_boolean_of_two_is_refused() {
        assert!(Tensor::from_le("x", vec![1], Dtype::Bool, &[2]).is_err());
    }
}
