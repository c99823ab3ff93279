//! Sixteen lanes, and which instructions they are made of.

use super::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// Activations in one 32-bit word.
pub(crate) const GROUP: usize = 4;

/// Lanes of every vector: one AVX-512 register, two AVX2 registers or an array.
pub(crate) const WIDTH: usize = 16;

/// A set of instructions that the kernels are compiled for.
///
/// All give the same answers to the bit; they differ in speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// AVX-512 (F, BW, DQ, VL) with VNNI: `vpdpbusd`, 64 products of 8-bit integers an instruction.
    Avx512Vnni,
    /// AVX2 with FMA: `vpmaddubsw`, kept from saturating, and `vpmaddwd`.
    Avx2,
    /// Plain Rust, for any processor; the judge of the other two.
    Scalar,
}

impl Isa {
    /// The sets this processor has.
    #[cfg(test)]
    pub(crate) fn all_available() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Every set, best first.
    pub const ALL: [Isa; 3] = [Isa::Avx512Vnni, Isa::Avx2, Isa::Scalar];

    /// Whether this processor has these instructions.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => Avx512::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Avx2::new().is_some(),
            Isa::Scalar => true,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The best set this processor has.
    pub fn best() -> Isa {
        Isa::ALL.into_iter().find(|isa| isa.is_available()).unwrap_or(Isa::Scalar)
    }

    /// Runs `kernel` compiled for these instructions, or in plain Rust where the processor lacks them: the answer is the
    /// same.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => match Avx512::new() {
                Some(lanes) => lanes.enter(kernel),
                None => Scalar.enter(kernel),
            },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => match Avx2::new() {
                Some(lanes) => lanes.enter(kernel),
                None => Scalar.enter(kernel),
            },
            _ => Scalar.enter(kernel),
        }
    }

    /// Whether [`Lanes::dot`] adds products in pairs that must fit 16 bits.
    pub(crate) fn adds_pairs(self) -> bool {
        self == Isa::Avx2
    }
}

/// Work that is compiled once for every set of instructions.
///
/// Implementations, and all they call with `lanes`, must be `#[inline(always)]`: only what is inlined into
/// [`Lanes::enter`] is compiled for the instructions.
pub(crate) trait Kernel {
    /// What the work gives back.
    type Output;
    /// The work.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Sixteen lanes of `f32` or `i32`. A value of the implementing type proves that the processor has the instructions.
pub(crate) trait Lanes: Copy {
    /// Sixteen `f32`.
    type F: Copy;
    /// Sixteen `i32`.
    type I: Copy;

    /// Most rows of a tile of the matrix product that still fit the registers, and panels of sixteen columns with them.
    const TILE: (usize, usize);
    /// Most rows of a tile whose words go by twos ([`Lanes::dot_both`]): those take more registers.
    const JOINT_ROWS: usize;

    /// Runs a kernel compiled for these instructions.
    fn enter<K: Kernel>(self, kernel: K) -> K::Output;

    fn load(self, from: &[f32; WIDTH]) -> Self::F;
    fn store(self, to: &mut [f32; WIDTH], value: Self::F);
    fn splat(self, value: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The greater; `b` where either is not a number.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The lesser; `b` where either is not a number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The nearest integer, ties to even. The value must fit.
    fn round(self, a: Self::F) -> Self::I;
    fn float(self, a: Self::I) -> Self::F;
    /// 2 to the power of each lane; −126 to 127.
    fn exp2(self, a: Self::I) -> Self::F;

    fn load_i(self, from: &[i32; WIDTH]) -> Self::I;
    fn splat_i(self, value: i32) -> Self::I;
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I;
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I;
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// The bits that stand in both.
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// The same bits as `f32`.
    fn bits(self, a: Self::I) -> Self::F;
    /// All bits moved up by sixteen, zeros from below.
    fn raise(self, a: Self::I) -> Self::I;
    /// All bits moved down by one, zero from above.
    fn halve(self, a: Self::I) -> Self::I;
    /// All bits moved down by four, zeros from above.
    fn nibble(self, a: Self::I) -> Self::I;
    /// Adds to each lane the products of the four unsigned bytes in `a`'s word with the four signed bytes in `b`'s. Exact;
    /// where [`Isa::adds_pairs`], as long as the products 0 and 1, and 2 and 3, add up to a 16-bit integer.
    fn dot(self, sum: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// [`Lanes::dot`] of two words one after the other. Exact; where [`Isa::adds_pairs`], as long as the products 0 and 1 of
    /// both words, and 2 and 3 of both, add up to a 16-bit integer however many of them there are: two multiplications of
    /// bytes then share the one that widens.
    fn dot_both(self, sum: Self::I, a: [Self::I; 2], b: [Self::I; 2]) -> Self::I;
    /// Adds to each lane the products of the two signed 16-bit halves of `a`'s word with those of `b`'s.
    fn pairs(self, sum: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// Writes sixteen values, each −32768 to 32767.
    fn store_halves(self, to: &mut [i16; WIDTH], value: Self::I);
    /// Sixteen unsigned bytes.
    fn load_bytes(self, from: &[u8; WIDTH]) -> Self::I;
    /// Writes sixteen values, each 0 to 255.
    fn store_bytes(self, to: &mut [u8; WIDTH], value: Self::I);
}
