//! What a file looks like.

use crate::Error;

/// The families of formats; JSON tells Quick, Draw!, UNIPEN and ink JSON apart by its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    InkMl,
    Json,
    Uci,
    Table,
}

/// First bytes of files that people mix up with ink.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG picture"),
    (b"\xFF\xD8\xFF", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"RIFF", "a RIFF file such as WAV sound"),
    (b"OggS", "Ogg sound"),
    (b"fLaC", "FLAC sound"),
    (b"\xFF\xFE", "text in UTF-16 (save it as UTF-8)"),
    (b"\xFE\xFF", "text in UTF-16 (save it as UTF-8)"),
];

/// The bytes as text without a byte order mark; refuses what is no text, by name.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Error> {
    let not_ink = |looks_like: &str| Err(Error::NotInk { looks_like: looks_like.to_owned() });
    if let Some((_, name)) = SIGNATURES.iter().find(|(start, _)| bytes.starts_with(start)) {
        return not_ink(name);
    }
    // Ink Serialized Format has no signature: version 0, then a multi-byte size.
    if bytes.len() > 1 && bytes[0] == 0 {
        return not_ink("binary ink such as Microsoft ISF (export it as InkML)");
    }
    match std::str::from_utf8(bytes) {
        Err(error) => not_ink(&format!("binary bytes: byte {} is no UTF-8 text", error.valid_up_to() + 1)),
        Ok(text) if text.contains('\0') => not_ink("binary bytes: there is a zero byte in it"),
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
    }
}

/// The family of a text.
pub(super) fn format(text: &str) -> Result<Format, Error> {
    let first = text.trim_start().lines().next().unwrap_or("").trim_end();
    match first.chars().next() {
        None => Err(Error::Empty),
        Some('<') => Ok(Format::InkMl),
        Some('{') => Ok(Format::Json),
        Some('[') => {
            Err(Error::NotInk { looks_like: "a JSON list; each drawing is a JSON object".to_owned() })
        }
        Some(_) if super::uci::looks_like(first) => Ok(Format::Uci),
        Some(_) if super::table::looks_like(first) => Ok(Format::Table),
        Some(_) => {
            let start: String = first.chars().take(40).collect();
            Err(Error::NotInk { looks_like: format!("plain text that begins {start:?}") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_foreign_file_is_refused_by_name() {
        let cases: [(&[u8], &str); 7] = [
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"SQLite format 3\0...", "SQLite"),
            (b"\0\xed\x16\x1d", "ISF"),
            (b"%PDF-1.7", "PDF"),
            (b"\xFF\xFE<\0i\0", "UTF-16"),
            (b"t,x,y\n1,2,\xff", "byte 11"),
            (b"t,x\0,y", "zero byte"),
        ];
        for (bytes, word) in cases {
            let message = text(bytes).unwrap_err().to_string();
            assert!(message.contains(word) && message.contains("expected ink"), "{message}");
        }
    }

    #[test]
    fn texts_are_told_apart_by_their_first_line() {
        let cases = [
            ("\n <ink>", Format::InkMl),
            ("{\"word\":1}", Format::Json),
            ("200;204;0;73;910;1732647300;0\n", Format::Uci),
            ("t,x,y\n0,1,2\n", Format::Table),
            ("\"line_number\",\"x\",\"y\"\n", Format::Table),
        ];
        for (text, expected) in cases {
            assert_eq!(format(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_licence_and_an_empty_file_are_no_ink() {
        let message = format("MIT License\n\nCopyright").unwrap_err().to_string();
        assert!(message.contains("plain text that begins \"MIT License\""), "{message}");
        assert_eq!(format(" \n\t"), Err(Error::Empty));
    }
}
