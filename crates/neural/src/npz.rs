//! Named tensors as NumPy's `.npz`: a zip of `.npy` arrays.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3. The header is read by
//! hand, because it is a Python literal and needs no more than three keys of it.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Cursor, Read, Seek, Write},
    path::Path,
};

use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    Dtype, Error, Tensor, Tensors,
    tensor::{MAX_RANK, elements},
};

/// Arrays in one file.
const MAX_ARRAYS: u64 = 10_000;

/// Bytes of all arrays of one file.
const MAX_BYTES: u64 = 1 << 30;

/// Bytes of one array that may come of any number of compressed ones.
const FREE_BYTES: u64 = 16 << 20;

/// Above [`FREE_BYTES`] an array may be at most this many times as long as what it is unpacked from. Numbers that were measured
/// never compress so well; zeros do, a thousandfold.
const MAX_RATIO: u64 = 100;

/// Longest header of an array.
const MAX_HEADER: u64 = 64 << 10;

impl Tensors {
    /// Reads an `.npz` file.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Malformed`], [`Error::TooLarge`] and [`Error::Refused`] naming the array: objects (pickles),
    /// big-endian and structured arrays are refused, arrays over the limits are not unpacked.
    pub fn read_npz(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        read(&path.display().to_string(), BufReader::new(file))
    }

    /// Reads the bytes of an `.npz` file.
    ///
    /// # Errors
    /// As [`Tensors::read_npz`].
    pub fn from_npz(bytes: &[u8]) -> Result<Self, Error> {
        read("npz", Cursor::new(bytes))
    }

    /// Writes an `.npz` file, compressed; the same tensors give the same bytes.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written; [`Error::Refused`] for element types NumPy does not have.
    pub fn write_npz(&self, path: &Path) -> Result<(), Error> {
        let file = File::create(path).map_err(Error::file(path))?;
        let written = self.write(BufWriter::new(file))?;
        written.map(drop).map_err(Error::file(path))
    }

    /// The bytes of an `.npz` file.
    ///
    /// # Errors
    /// [`Error::Refused`] for element types NumPy does not have.
    pub fn to_npz(&self) -> Result<Vec<u8>, Error> {
        let written = self.write(Cursor::new(Vec::new()))?;
        written.map(Cursor::into_inner).map_err(Error::file("memory"))
    }

    fn write<W: Write + Seek>(&self, out: W) -> Result<std::io::Result<W>, Error> {
        let headers =
            self.iter().map(|(name, tensor)| header(name, tensor)).collect::<Result<Vec<_>, _>>()?;
        Ok(write(out, self, &headers))
    }
}

fn write<W: Write + Seek>(out: W, tensors: &Tensors, headers: &[Vec<u8>]) -> std::io::Result<W> {
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for ((name, tensor), header) in tensors.iter().zip(headers) {
        zip.start_file(format!("{name}.npy"), options)?;
        zip.write_all(header)?;
        zip.write_all(&tensor.values().to_le())?;
    }
    let mut out = zip.finish()?;
    out.flush()?;
    Ok(out)
}

fn header(name: &str, tensor: &Tensor) -> Result<Vec<u8>, Error> {
    let known = DESCRIPTIONS.iter().find(|(_, dtype)| *dtype == tensor.dtype()).map(|(text, _)| *text);
    let Some(descr) = known else {
        let reason = format!("NumPy has no {}; convert it to f32 first", tensor.dtype().name());
        return Err(Error::refused(format!("array {name:?}"), reason));
    };
    let lengths: String = tensor.shape().iter().map(|it| format!("{it},")).collect();
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    Ok(bytes)
}

fn read(at: &str, file: impl Read + Seek) -> Result<Tensors, Error> {
    let broken = |it: zip::result::ZipError| Error::malformed(at, "a zip of arrays", it.to_string());
    let mut zip = ZipArchive::new(file).map_err(broken)?;
    Error::limit(at, MAX_ARRAYS, zip.len() as u64, "arrays")?;
    let (mut tensors, mut total) = (Tensors::new(), 0);
    for place in 0..zip.len() {
        let entry = zip.by_index(place).map_err(broken)?;
        let name = entry.name().map_err(broken)?.trim_end_matches(".npy").to_owned();
        let at = format!("array {name:?}");
        if tensors.get(&name).is_some() {
            return Err(Error::malformed(at, "a name that stands once", "a second array of this name"));
        }
        let packed = entry.compressed_size();
        let tensor = array(&at, entry, packed, &mut total)?;
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// Element types by NumPy's descriptions.
const DESCRIPTIONS: &[(&str, Dtype)] = &[
    ("<f4", Dtype::F32),
    ("<f8", Dtype::F64),
    ("<f2", Dtype::F16),
    ("<i8", Dtype::I64),
    ("<i4", Dtype::I32),
    ("<i2", Dtype::I16),
    ("|i1", Dtype::I8),
    ("<u8", Dtype::U64),
    ("<u4", Dtype::U32),
    ("<u2", Dtype::U16),
    ("|u1", Dtype::U8),
    ("|b1", Dtype::Bool),
];

fn array(at: &str, mut from: impl Read, packed: u64, total: &mut u64) -> Result<Tensor, Error> {
    let (dtype, shape, is_fortran) = described(at, &header_text(at, &mut from)?)?;
    let expected = dtype.bytes(elements(at, &shape)?) as u64;
    *total = total.saturating_add(expected);
    Error::limit(at, MAX_BYTES, *total, "bytes in all")?;
    Error::limit(
        at,
        FREE_BYTES.max(packed.saturating_mul(MAX_RATIO)),
        expected,
        "bytes for its packed size",
    )?;
    let mut bytes = Vec::new();
    let read = from.take(expected + 1).read_to_end(&mut bytes);
    read.map_err(|it| Error::malformed(at, format!("{expected} bytes"), it.to_string()))?;
    let tensor = Tensor::from_le(at, shape, dtype, &bytes)?;
    if is_fortran { Ok(transposed(tensor, &bytes)) } else { Ok(tensor) }
}

fn header_text(at: &str, from: &mut impl Read) -> Result<String, Error> {
    let broken = |it: std::io::Error| Error::malformed(at, "the header of an array", it.to_string());
    let mut prelude = [0; 8];
    from.read_exact(&mut prelude).map_err(broken)?;
    let (b"\x93NUMPY", [version, _]) = (&prelude[..6], &prelude[6..]) else {
        return Err(Error::malformed(at, "an .npy array", prelude.escape_ascii().to_string()));
    };
    let mut length = [0; 4];
    let width = if *version == 1 { 2 } else { 4 };
    from.read_exact(&mut length[..width]).map_err(broken)?;
    let length = u64::from(u32::from_le_bytes(length));
    Error::limit(format!("{at}, header"), MAX_HEADER, length, "bytes")?;
    let mut text = String::new();
    from.take(length).read_to_string(&mut text).map_err(broken)?;
    Ok(text)
}

/// Element type, shape and whether the first index runs fastest, of `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
fn described(at: &str, text: &str) -> Result<(Dtype, Vec<usize>, bool), Error> {
    let descr = value_of(at, text, "descr")?;
    if descr.contains('O') || descr.starts_with('[') {
        let reason = "objects and structures are pickles or mixtures and are not read; save one array of numbers a name";
        return Err(Error::refused(at, reason));
    }
    let plain = descr.trim_matches(['\'', '"']);
    let same =
        |it: &str| it == plain || it.replace('|', "<") == plain || it.replace(['<', '|'], "=") == plain;
    let dtype = DESCRIPTIONS.iter().find(|(it, _)| same(it)).map(|(_, dtype)| *dtype);
    let dtype =
        dtype.ok_or_else(|| Error::malformed(at, "little-endian numbers or booleans", descr.to_owned()))?;
    let is_fortran = match value_of(at, text, "fortran_order")? {
        "True" => true,
        "False" => false,
        other => return Err(Error::malformed(at, "fortran_order True or False", other.to_owned())),
    };
    Ok((dtype, shape(at, value_of(at, text, "shape")?)?, is_fortran))
}

/// What stands behind a key, up to the comma that ends it: brackets are not entered more than one level.
fn value_of<'a>(at: &str, text: &'a str, key: &str) -> Result<&'a str, Error> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let after = quoted.iter().find_map(|it| text.split_once(it.as_str())).map(|(_, after)| after);
    let value = after.and_then(|it| it.trim_start().strip_prefix(':')).map(str::trim_start);
    let end = |it: &str| match it.chars().next() {
        Some('(') => it.find(')').map(|end| end + 1),
        Some('[') => Some(it.len()),
        _ => it.find([',', '}']),
    };
    let value = value.and_then(|it| Some(it[..end(it)?].trim_end()));
    value.ok_or_else(|| {
        Error::malformed(
            at,
            format!("a header with {key:?}"),
            format!("{:?}", &text.chars().take(80).collect::<String>()),
        )
    })
}

fn shape(at: &str, text: &str) -> Result<Vec<usize>, Error> {
    let inside = text.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let wrong = || Error::malformed(at, "a shape like (2, 3)", text.to_owned());
    let lengths = inside.ok_or_else(wrong)?.split(',').map(str::trim).filter(|it| !it.is_empty());
    let shape = lengths.map(|it| it.parse().map_err(|_| wrong())).collect::<Result<Vec<usize>, _>>()?;
    Error::limit(at, MAX_RANK as u64, shape.len() as u64, "dimensions")?;
    Ok(shape)
}

/// The array in row-major order, of bytes in which the first index runs fastest.
fn transposed(tensor: Tensor, bytes: &[u8]) -> Tensor {
    let (shape, size) = (tensor.shape().to_vec(), tensor.dtype().bytes(1));
    let mut strides = vec![size; shape.len()];
    for place in 1..shape.len() {
        strides[place] = strides[place - 1] * shape[place - 1];
    }
    let mut index = vec![0; shape.len()];
    let mut rows = Vec::with_capacity(bytes.len());
    for _ in 0..tensor.count() {
        let from: usize = index.iter().zip(&strides).map(|(at, stride)| at * stride).sum();
        rows.extend(&bytes[from..from + size]);
        for place in (0..shape.len()).rev() {
            index[place] += 1;
            if index[place] < shape[place] {
                break;
            }
            index[place] = 0;
        }
    }
    Tensor::from_le("array", shape, tensor.dtype(), &rows).unwrap_or(tensor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Values;

    fn npy(header: &str, values: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values);
        bytes
    }

    fn one(header: &str, values: &[u8]) -> Result<Tensor, Error> {
        array("x", npy(header, values).as_slice(), 1000, &mut 0)
    }

    #[test]
    fn tensors_survive_being_written_and_read() {
        let tensors: Tensors = [
            ("mel", Tensor::f32([2, 3], vec![1.0, -0.0, f32::MAX, 4.0, 5.0, 6.0]).unwrap()),
            ("ids", Tensor::i64([3], vec![i64::MIN, 0, 7]).unwrap()),
            ("scalar", Tensor::new([], Values::Bool(vec![true])).unwrap()),
            ("none", Tensor::f32([0, 4], vec![]).unwrap()),
        ]
        .into_iter()
        .collect();
        let bytes = tensors.to_npz().unwrap();
        assert_eq!(Tensors::from_npz(&bytes).unwrap(), tensors);
        assert_eq!(bytes, tensors.to_npz().unwrap());
    }

    #[test]
    fn an_array_in_fortran_order_is_turned() {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let tensor = one(header, &[1, 4, 2, 5, 3, 6]).unwrap();
        assert_eq!((tensor.shape(), tensor.values()), (&[2, 3][..], &Values::U8(vec![1, 2, 3, 4, 5, 6])));
    }

    #[test]
    fn what_is_not_an_array_of_numbers_is_refused_with_a_reason() {
        let cases = [
            ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "pickle"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "structures"),
            ("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "little-endian"),
            ("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }", "fortran_order"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "shape"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9,), }", "counted"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999,), }", "at most"),
            ("{'descr': '<f4', 'fortran_order': False, }", "\"shape\""),
            ("((((((((", "\"descr\""),
        ];
        for (header, words) in cases {
            let message = one(header, &[0; 4]).unwrap_err().to_string();
            assert!(message.contains(words), "{header}: {message}");
        }
    }

    #[test]
    fn too_few_and_too_many_bytes_are_errors() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
        assert!(one(header, &[0; 8]).is_ok());
        assert!(one(header, &[0; 7]).is_err());
        assert!(one(header, &[0; 9]).is_err());
    }
}
