//! How many channels a WAV file claims, before its reader multiplies by them.
//!
//! Symphonia 0.6.1 computes the size of a frame in 16 bits before it looks at the number of channels, and overflows where
//! that is checked. No recording of a voice has so many channels; the claim is refused before it is handed on.

use std::io::{self, Read, Seek, SeekFrom};

/// Most chunks looked through for the one that tells the format; it is the first or second in honest files.
const MOST_CHUNKS: usize = 1000;

/// The number of channels in the format chunk; `None` for other kinds of file and for files without one. Leaves `source`
/// at its start.
pub(super) fn channels(source: &mut (impl Read + Seek + ?Sized)) -> Option<usize> {
    let found = format(source);
    source.seek(SeekFrom::Start(0)).ok()?;
    found.ok().flatten()
}

fn format(source: &mut (impl Read + Seek + ?Sized)) -> io::Result<Option<usize>> {
    let mut head = [0; 12];
    source.read_exact(&mut head)?;
    if !matches!(&head[..4], b"RIFF" | b"RF64") || &head[8..] != b"WAVE" {
        return Ok(None);
    }
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 8];
        source.read_exact(&mut chunk)?;
        let [k, i, n, d, a, b, c, e] = chunk;
        if &[k, i, n, d] == b"fmt " {
            let mut format = [0; 4];
            source.read_exact(&mut format)?;
            return Ok(Some(usize::from(u16::from_le_bytes([format[2], format[3]]))));
        }
        let size = i64::from(u32::from_le_bytes([a, b, c, e]));
        source.seek(SeekFrom::Current(size + size % 2))?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn file(before: &[u8], channels: u16) -> Vec<u8> {
        [b"RIFF\0\0\0\0WAVE", before, b"fmt \x10\0\0\0\x01\0", &channels.to_le_bytes(), &[0; 12]].concat()
    }

    #[test]
    fn the_format_chunk_tells_the_channels_wherever_it_stands() {
        assert_eq!(channels(&mut Cursor::new(file(b"", 2))), Some(2));
        assert_eq!(channels(&mut Cursor::new(file(b"junk\x03\0\0\0abc\0", 40_000))), Some(40_000));
    }

    #[test]
    fn other_files_and_cut_ones_tell_nothing() {
        assert_eq!(channels(&mut Cursor::new(b"fLaC\0\0\0\x22............".to_vec())), None);
        assert_eq!(channels(&mut Cursor::new(file(b"data\xff\xff\xff\xff", 2))), None);
        for length in 0..22 {
            assert_eq!(channels(&mut Cursor::new(file(b"", 2)[..length].to_vec())), None, "{length}");
        }
    }
}
