//! Lines of sixteen words: in memory of our own, or in a mapped file where they already lie so.

use std::ops::Deref;

use bytemuck::{Pod, Zeroable};
use bytes::Bytes;

use super::WIDTH;
use super::quantised::Line;

/// Bytes of a line.
pub(crate) const LINE: usize = WIDTH * size_of::<i32>();

// SAFETY: a line is sixteen words without padding (64 bytes, aligned to 64), and every pattern of bits is one.
unsafe impl<T: Zeroable> Zeroable for Line<T> {}
// SAFETY: as above; `T` is a word in both uses, `f32` and `i32`.
unsafe impl<T: Word> Pod for Line<T> {}

/// What a line has sixteen of.
pub(crate) trait Word: Pod {
    /// From the order of bytes in a file.
    fn of_file(bytes: [u8; 4]) -> Self;
    /// To the order of bytes in a file.
    fn to_file(self) -> [u8; 4];
}

macro_rules! words {
    ($($word:ty)+) => {$(
        impl Word for $word {
            fn of_file(bytes: [u8; 4]) -> Self {
                <$word>::from_le_bytes(bytes)
            }

            fn to_file(self) -> [u8; 4] {
                self.to_le_bytes()
            }
        }
    )+};
}

words!(f32 i32);

/// Lines one after another.
#[derive(Debug, Clone)]
pub(crate) enum Lines<T> {
    /// Laid out here.
    Own(Vec<Line<T>>),
    /// Bytes that start at a multiple of 64 and are whole lines in this processor's order.
    Mapped(Bytes),
}

impl<T: Word> Lines<T> {
    /// Lines as a file has them: used where they lie if that is possible, else copied. What is over a whole line is left out.
    pub(crate) fn of_file(bytes: Bytes) -> Lines<T> {
        let whole = bytes.slice(..bytes.len() / LINE * LINE);
        if cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, Line<T>>(&whole).is_ok() {
            return Lines::Mapped(whole);
        }
        let line = |bytes: &[u8; LINE]| {
            let mut words = bytes.as_chunks::<4>().0.iter();
            Line(std::array::from_fn(|_| T::of_file(*words.next().expect("sixteen words of four bytes"))))
        };
        Lines::Own(whole.as_chunks::<LINE>().0.iter().map(line).collect())
    }

    /// Writes the lines as a file holds them.
    pub(crate) fn to_file(&self, bytes: &mut Vec<u8>) {
        if cfg!(target_endian = "little") {
            bytes.extend_from_slice(bytemuck::cast_slice(self));
        } else {
            bytes.extend(self.iter().flat_map(|line| line.0).flat_map(T::to_file));
        }
    }
}

impl<T: Word> Deref for Lines<T> {
    type Target = [Line<T>];

    #[inline(always)]
    fn deref(&self) -> &[Line<T>] {
        match self {
            Lines::Own(lines) => lines,
            Lines::Mapped(bytes) => bytemuck::cast_slice(bytes),
        }
    }
}

impl<T> From<Vec<Line<T>>> for Lines<T> {
    fn from(lines: Vec<Line<T>>) -> Self {
        Lines::Own(lines)
    }
}

impl<T> FromIterator<Line<T>> for Lines<T> {
    fn from_iter<I: IntoIterator<Item = Line<T>>>(lines: I) -> Self {
        Lines::Own(lines.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_file_are_used_where_they_lie_or_copied_and_are_the_same() {
        let lines: Lines<i32> = (0..3).map(|at| Line([at * 1000 - 7; WIDTH])).collect();
        let mut room = vec![0; 4 * LINE];
        let start = room.as_ptr().align_offset(64);
        let mut bytes = vec![];
        lines.to_file(&mut bytes);
        assert_eq!(bytes.len(), 3 * LINE);
        room[start..start + 3 * LINE].copy_from_slice(&bytes);
        let room = Bytes::from(room);
        let aligned = Lines::<i32>::of_file(room.slice(start..start + 3 * LINE));
        assert!(matches!(aligned, Lines::Mapped(_)) && aligned[..] == lines[..]);
        let mut shifted = vec![0; start + 1];
        shifted.extend(bytes);
        let shifted = Lines::<i32>::of_file(Bytes::from(shifted).slice(start + 1..));
        assert!(shifted[..] == lines[..]);
        assert!(Lines::<f32>::of_file(Bytes::from_static(&[0; 63])).is_empty());
    }
}
