//! Block quantisation of GGML: 32 (or 256) neighbouring weights share a scale.
//!
//! Formulas: `dequantize_row_*` in `ggml-quants.c` (MIT). `d` is the scale, `m` the smallest value, `q` the stored integer.

use half::f16;

use crate::Error;

/// Which blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types)] // their names everywhere
pub enum Blocks {
    /// 4 bits, `d (q − 8)`: 18 bytes for 32 weights.
    Q4_0,
    /// 4 bits, `d q + m`: 20 bytes for 32 weights.
    Q4_1,
    /// 5 bits, `d (q − 16)`: 22 bytes for 32 weights.
    Q5_0,
    /// 5 bits, `d q + m`: 24 bytes for 32 weights.
    Q5_1,
    /// 8 bits, `d q`: 34 bytes for 32 weights.
    Q8_0,
    /// 6 bits, `d s (q − 32)` with a scale `s` for each 16: 210 bytes for 256 weights.
    Q6K,
}

impl Blocks {
    pub(super) const ALL: [Blocks; 6] =
        [Blocks::Q4_0, Blocks::Q4_1, Blocks::Q5_0, Blocks::Q5_1, Blocks::Q8_0, Blocks::Q6K];

    /// Its usual name: `q4_1`.
    pub fn name(self) -> &'static str {
        match self {
            Blocks::Q4_0 => "q4_0",
            Blocks::Q4_1 => "q4_1",
            Blocks::Q5_0 => "q5_0",
            Blocks::Q5_1 => "q5_1",
            Blocks::Q8_0 => "q8_0",
            Blocks::Q6K => "q6_k",
        }
    }

    /// Weights in a block.
    pub fn weights(self) -> usize {
        if self == Blocks::Q6K { 256 } else { 32 }
    }

    /// Bytes of a block.
    pub fn size(self) -> usize {
        match self {
            Blocks::Q4_0 => 18,
            Blocks::Q4_1 => 20,
            Blocks::Q5_0 => 22,
            Blocks::Q5_1 => 24,
            Blocks::Q8_0 => 34,
            Blocks::Q6K => 210,
        }
    }

    /// Bytes that `count` weights of this shape take.
    pub(super) fn bytes(self, at: &str, count: usize, shape: &[usize]) -> Result<usize, Error> {
        let row = shape.last().copied().unwrap_or(1);
        if !row.is_multiple_of(self.weights()) {
            let expected = format!("rows of a multiple of {} weights for {}", self.weights(), self.name());
            return Err(Error::malformed(at, expected, format!("{shape:?}")));
        }
        let bytes = (count / self.weights()).checked_mul(self.size());
        bytes.ok_or_else(|| Error::malformed(at, "a size of 64 bits", format!("{shape:?}")))
    }

    /// The weights as floats. `bytes` is a whole number of blocks; what is over is left out.
    pub fn floats(self, bytes: &[u8]) -> Vec<f32> {
        let mut floats = vec![0.0; bytes.len() / self.size() * self.weights()];
        self.write(bytes, &mut floats);
        floats
    }

    /// The scale of a block, where its first two bytes are that.
    pub(crate) fn scale(self, block: &[u8]) -> f32 {
        half_at(block, if self == Blocks::Q6K { 208 } else { 0 })
    }

    /// The least value of a block, where it stores one.
    pub(crate) fn least(self, block: &[u8]) -> f32 {
        match self {
            Blocks::Q4_1 | Blocks::Q5_1 => half_at(block, 2),
            _ => 0.0,
        }
    }

    /// The weights written into `floats`, as many blocks as fit both.
    pub fn write(self, bytes: &[u8], floats: &mut [f32]) {
        let unpack: fn(&[u8], &mut [f32]) = match self {
            Blocks::Q4_0 => q4_0,
            Blocks::Q4_1 => q4_1,
            Blocks::Q5_0 => q5_0,
            Blocks::Q5_1 => q5_1,
            Blocks::Q8_0 => q8_0,
            Blocks::Q6K => q6_k,
        };
        let blocks = bytes.chunks_exact(self.size());
        blocks.zip(floats.chunks_exact_mut(self.weights())).for_each(|(block, out)| unpack(block, out));
    }
}

fn half_at(block: &[u8], place: usize) -> f32 {
    f16::from_le_bytes([block[place], block[place + 1]]).to_f32()
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    let (low, high) = out.split_at_mut(16);
    for ((byte, low), high) in block[2..].iter().zip(low).zip(high) {
        *low = d * (f32::from(byte & 15) - 8.0);
        *high = d * (f32::from(byte >> 4) - 8.0);
    }
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    let (low, high) = out.split_at_mut(16);
    for ((byte, low), high) in block[4..].iter().zip(low).zip(high) {
        *low = d * f32::from(byte & 15) + m;
        *high = d * f32::from(byte >> 4) + m;
    }
}

/// The 32 integers of five bits: four in `bytes`, the fifth in the bits of `high`.
fn fives(high: &[u8], bytes: &[u8]) -> [f32; 32] {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    let fifth = |place: usize| ((high >> place & 1) << 4) as u8;
    std::array::from_fn(|place| match place {
        0..16 => f32::from(bytes[place] & 15 | fifth(place)),
        _ => f32::from(bytes[place - 16] >> 4 | fifth(place)),
    })
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    let integers = fives(&block[2..6], &block[6..]);
    out.iter_mut().zip(integers).for_each(|(out, q)| *out = d * (q - 16.0));
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    let integers = fives(&block[4..8], &block[8..]);
    out.iter_mut().zip(integers).for_each(|(out, q)| *out = d * q + m);
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    out.iter_mut().zip(&block[2..]).for_each(|(out, q)| *out = d * f32::from(q.cast_signed()));
}

/// Two halves of 128 weights; each has 64 bytes of low bits, 32 of high bits, 8 scales.
fn q6_k(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 208);
    for (half, out) in out.chunks_exact_mut(128).enumerate() {
        let low = &block[half * 64..][..64];
        let high = &block[128 + half * 32..][..32];
        let scales = &block[192 + half * 8..][..8];
        for (place, out) in out.iter_mut().enumerate() {
            let (quarter, l) = (place / 32, place % 32);
            let byte = low[l + 32 * (quarter % 2)];
            let four = if quarter < 2 { byte & 15 } else { byte >> 4 };
            let q = four | (high[l] >> (2 * quarter) & 3) << 4;
            let scale = f32::from(scales[place / 16].cast_signed());
            *out = d * scale * (f32::from(q) - 32.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(value: f32) -> [u8; 2] {
        f16::from_f32(value).to_le_bytes()
    }

    #[test]
    fn four_bit_blocks_hold_the_low_halves_first() {
        let nibbles: Vec<u8> = (0..16).map(|it| it | (15 - it) << 4).collect();
        let floats = Blocks::Q4_0.floats(&[&half(0.5)[..], &nibbles].concat());
        assert_eq!((floats[0], floats[15], floats[16], floats[31]), (-4.0, 3.5, 3.5, -4.0));
        let floats = Blocks::Q4_1.floats(&[&half(2.0)[..], &half(-1.0), &nibbles].concat());
        assert_eq!((floats[0], floats[15], floats[16], floats[31]), (-1.0, 29.0, 29.0, -1.0));
    }

    #[test]
    fn the_fifth_bit_lies_apart() {
        let block = [&half(1.0)[..], &0x8000_0001_u32.to_le_bytes(), &[0x21; 16]].concat();
        let floats = Blocks::Q5_0.floats(&block);
        assert_eq!((floats[0], floats[1], floats[16], floats[31]), (1.0, -15.0, -14.0, 2.0));
        let block = [&half(1.0)[..], &half(0.25), &0x8000_0001_u32.to_le_bytes(), &[0x21; 16]].concat();
        assert_eq!(Blocks::Q5_1.floats(&block)[0], 17.25);
    }

    #[test]
    fn eight_bit_blocks_are_signed() {
        let block = [&half(0.5)[..], &[0x80; 32]].concat();
        assert_eq!(Blocks::Q8_0.floats(&block), vec![-64.0; 32]);
    }

    #[test]
    fn six_bit_blocks_have_sixteen_scales() {
        let mut block = vec![0_u8; 210];
        block[..128].fill(0x10); // low four bits: 0 in the first two quarters, 1 in the others
        block[128..192].fill(0b10_00_00_10); // high two bits: 2 in the first and last quarter
        block[192..208].iter_mut().zip(1..).for_each(|(scale, it)| *scale = it);
        block[208..].copy_from_slice(&half(0.5));
        let floats = Blocks::Q6K.floats(&block);
        assert_eq!(floats[0], 0.0);
        assert_eq!(floats[32], 0.5 * 3.0 * -32.0);
        assert_eq!(floats[64], 0.5 * 5.0 * -31.0);
        assert_eq!(floats[255], 0.5 * 16.0 * 1.0);
    }

    #[test]
    fn rows_must_be_whole_blocks() {
        assert!(Blocks::Q4_1.bytes("w", 96, &[3, 32]).is_ok_and(|it| it == 60));
        assert!(Blocks::Q4_1.bytes("w", 96, &[2, 48]).is_err());
    }
}
