//! Reading a header from front to back, never past its end.

use crate::Error;

/// Longest name or text a header may hold, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// A place in bytes; each read moves it on.
pub(super) struct Cursor<'a> {
    pub(super) at: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) place: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(at: &'a str, bytes: &'a [u8]) -> Self {
        Cursor { at, bytes, place: 0 }
    }

    pub(super) fn take(&mut self, what: &str, len: u64) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.place..];
        let taken = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let Some(taken) = taken else {
            let at = format!("{}, byte {}", self.at, self.place);
            return Err(Error::malformed(
                at,
                format!("{len} bytes of {what}"),
                format!("{} to the end", rest.len()),
            ));
        };
        self.place += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(what, N as u64)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, Error> {
        Ok(self.array::<1>(what)?[0])
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    pub(super) fn text(&mut self, what: &str, len: u64) -> Result<String, Error> {
        Error::limit(format!("{}, {what}", self.at), MAX_TEXT, len, "bytes")?;
        let place = self.place;
        let bytes = self.take(what, len)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| {
            Error::malformed(format!("{}, byte {place}", self.at), format!("{what} in UTF-8"), "other bytes")
        })
    }
}
