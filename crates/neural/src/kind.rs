//! What kind of file it is, by its first bytes; what cannot be read is refused by name, with what to do.

use crate::Error;

/// Kinds of files that networks and weights come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Safetensors,
    Gguf,
    CTranslate2,
    Packed,
    Npz,
}

const PICKLE: &str = "a pickle can run any program when it is opened, and is never read here; convert it once, where you trust \
                      it, with safetensors.torch.save_file or torch.onnx.export";

/// The kind of these bytes.
///
/// # Errors
/// [`Error::Refused`] for pickles, TensorFlow and HDF5 files, which are known and not read; [`Error::Malformed`] for others.
pub(crate) fn kind(at: &str, bytes: &[u8]) -> Result<Kind, Error> {
    let word = |from: usize| {
        bytes.get(from..from + 4).map_or(0, |it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
    };
    Ok(match bytes {
        [b'G', b'G', b'U', b'F', ..] => Kind::Gguf,
        [b'I', b'N', b'K', b'L', b'P', b'A', b'C', b'K', ..] => Kind::Packed,
        [_, _, _, _, _, _, _, _, b'{', ..] => Kind::Safetensors,
        [b'P', b'K', 3 | 5, 4 | 6, ..] if is_torch(bytes) => {
            return Err(Error::refused(format!("{at} (PyTorch)"), PICKLE));
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Kind::Npz,
        [0x80, 2..=5, ..] => return Err(Error::refused(format!("{at} (pickle)"), PICKLE)),
        [0x89, b'H', b'D', b'F', ..] => {
            return Err(Error::refused(format!("{at} (HDF5)"), "not read; export the network as ONNX"));
        }
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => {
            return Err(Error::refused(
                format!("{at} (TensorFlow Lite)"),
                "not read; export the network as ONNX",
            ));
        }
        _ if (1..=16).contains(&word(0)) && bytes.len() > 16 && bytes[6..].contains(&0) => Kind::CTranslate2,
        _ => {
            let got = format!(
                "a file that begins with {:?}",
                bytes.get(..8).unwrap_or(bytes).escape_ascii().to_string()
            );
            return Err(Error::malformed(at, "safetensors, GGUF, CTranslate2, npz or packed weights", got));
        }
    })
}

/// A zip whose first names are those of `torch.save`: `NAME/data.pkl`.
fn is_torch(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    head.windows(8).any(|it| it == b"data.pkl" || it == b"/version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_are_refused_by_name_with_advice() {
        let torch = [b"PK\x03\x04".as_slice(), &[0; 26], b"archive/data.pkl"].concat();
        for bytes in [torch.as_slice(), b"\x80\x02}q\x00"] {
            let message = kind("weights.pt", bytes).unwrap_err().to_string();
            assert!(message.contains("weights.pt") && message.contains("safetensors"), "{message}");
        }
    }

    #[test]
    fn other_files_are_refused_with_their_first_bytes() {
        let message = kind("x", b"\x89HDF\r\n").unwrap_err().to_string();
        assert!(message.contains("HDF5") && message.contains("ONNX"), "{message}");
        let message = kind("x", b"Dear diary").unwrap_err().to_string();
        assert!(message.contains("Dear"), "{message}");
        assert!(kind("x", b"").is_err());
    }
}
