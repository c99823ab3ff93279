//! Where the sound of an M4A file begins.
//!
//! AAC begins with the encoder's delay, 1024 to 2112 samples that are no sound; the file's edit list says how much a
//! player leaves out (ISO/IEC 14496-12, section 8.6.6). Symphonia does not read it, and without it every time in the
//! file would be 20 to 60 ms late.

use std::io::{self, Read, Seek, SeekFrom};

/// Largest movie header read, in bytes; hours of sound need a few megabytes.
const LARGEST: u64 = 32 << 20;

/// Seconds of the first sound track that come before its first sample is played; `None` for other kinds of file and for
/// files that do not say. Leaves `source` at its start.
pub(super) fn lead_in(source: &mut (impl Read + Seek + ?Sized)) -> Option<f64> {
    let movie = movie(source);
    source.seek(SeekFrom::Start(0)).ok()?;
    let movie = movie.ok()??;
    boxes(&movie).filter(|(kind, _)| kind == b"trak").find_map(|(_, track)| of_track(track))
}

/// The contents of the movie header, wherever in the file it stands.
fn movie(source: &mut (impl Read + Seek + ?Sized)) -> io::Result<Option<Vec<u8>>> {
    let mut first = true;
    loop {
        let mut head = [0; 16];
        source.read_exact(&mut head[..8])?;
        let kind = [head[4], head[5], head[6], head[7]];
        if first && &kind != b"ftyp" {
            return Ok(None);
        }
        first = false;
        let mut rest = u64::from(number(&head)).saturating_sub(8);
        if number(&head) == 1 {
            source.read_exact(&mut head[8..])?;
            rest = (u64::from(number(&head[8..])) << 32 | u64::from(number(&head[12..]))).saturating_sub(16);
        }
        if &kind == b"moov" {
            let mut contents = Vec::new();
            source.take(rest.min(LARGEST)).read_to_end(&mut contents)?;
            return Ok(Some(contents));
        }
        source.seek(SeekFrom::Current(i64::try_from(rest).map_err(io::Error::other)?))?;
    }
}

fn of_track(track: &[u8]) -> Option<f64> {
    let media = inside(track, b"mdia")?;
    if inside(media, b"hdlr")?.get(8..12)? != b"soun" {
        return None;
    }
    let header = inside(media, b"mdhd")?;
    let scale = number(header.get(if header.first()? == &1 { 20..24 } else { 12..16 })?);
    let start = first_edit(inside(inside(track, b"edts")?, b"elst")?)?;
    (scale > 0).then(|| start as f64 / f64::from(scale))
}

/// Media time of the first edit that shows media; −1 marks an empty one.
fn first_edit(list: &[u8]) -> Option<u64> {
    let long = list.first()? == &1;
    let (entry, start) = if long { (20, 8) } else { (12, 4) };
    list.get(8..)?.chunks_exact(entry).find_map(|edit| {
        let time = number(&edit[start..]);
        let time =
            if long { u64::from(time) << 32 | u64::from(number(&edit[start + 4..])) } else { time.into() };
        (time < u64::from(i32::MAX.unsigned_abs())).then_some(time)
    })
}

fn inside<'a>(contents: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(contents).find_map(|(found, contents)| (found == *kind).then_some(contents))
}

/// Kind and contents of each box, up to the first that does not fit.
fn boxes(mut contents: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let kind: [u8; 4] = contents.get(4..8)?.try_into().ok()?;
        let (this, rest) = contents.split_at_checked((number(contents) as usize).max(8))?;
        contents = rest;
        Some((kind, &this[8..]))
    })
}

/// The big-endian number that `bytes` begin with; 0 where there are fewer than four.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |four| u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
        [&(contents.len() as u32 + 8).to_be_bytes()[..], kind, contents].concat()
    }

    fn file(scale: u32, start: u32) -> Vec<u8> {
        let header = [&[0; 12][..], &scale.to_be_bytes(), &[0; 8]].concat();
        let media = [boxed(b"mdhd", &header), boxed(b"hdlr", b"\0\0\0\0\0\0\0\0soun")].concat();
        let edits = [&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9][..], &start.to_be_bytes(), &[0, 1, 0, 0]].concat();
        let track = [boxed(b"edts", &boxed(b"elst", &edits)), boxed(b"mdia", &media)].concat();
        [boxed(b"ftyp", b"M4A "), boxed(b"mdat", &[0; 50]), boxed(b"moov", &boxed(b"trak", &track))].concat()
    }

    #[test]
    fn the_edit_list_tells_the_lead_in() {
        assert_eq!(lead_in(&mut Cursor::new(file(44_100, 1024))), Some(1024.0 / 44_100.0));
    }

    #[test]
    fn empty_edits_other_files_and_cut_headers_tell_nothing() {
        assert_eq!(lead_in(&mut Cursor::new(file(44_100, u32::MAX))), None);
        assert_eq!(lead_in(&mut Cursor::new(file(0, 1024))), None);
        assert_eq!(lead_in(&mut Cursor::new(b"RIFF....WAVEfmt ".to_vec())), None);
        let whole = file(44_100, 1024);
        for length in 0..whole.len() - 40 {
            assert_eq!(lead_in(&mut Cursor::new(whole[..length].to_vec())), None, "{length}");
        }
    }
}
