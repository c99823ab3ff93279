//! Sixteen lanes as two AVX2 registers.

use super::{Kernel, Lanes, WIDTH};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof, if it holds.
    pub(super) fn new() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }
}

/// Compiles what `kernel` inlines for these instructions.
#[target_feature(enable = "avx2,fma")]
fn enter<K: Kernel>(lanes: Avx2, kernel: K) -> K::Output {
    kernel.run(lanes)
}

/// Both halves of sixteen `f32`.
type F = [__m256; 2];
/// Both halves of sixteen `i32`.
type I = [__m256i; 2];

/// Functions of whole vectors, by the instruction for one half.
macro_rules! halves {
    ($($name:ident($($arg:ident: $t:ty),+) -> $out:ty = $value:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $t),+) -> $out {
            // Twice, not a closure: a closure that is not inlined is not compiled for the instructions.
            let low = {
                $(let $arg = $arg[0];)+
                // SAFETY: `self` proves the instructions.
                unsafe { $value }
            };
            let high = {
                $(let $arg = $arg[1];)+
                // SAFETY: `self` proves the instructions.
                unsafe { $value }
            };
            [low, high]
        }
    )+};
}

impl Lanes for Avx2 {
    type F = F;
    type I = I;

    const TILE: (usize, usize) = (6, 1);
    const JOINT_ROWS: usize = 4;

    halves! {
        add(a: F, b: F) -> F = _mm256_add_ps(a, b);
        sub(a: F, b: F) -> F = _mm256_sub_ps(a, b);
        mul(a: F, b: F) -> F = _mm256_mul_ps(a, b);
        div(a: F, b: F) -> F = _mm256_div_ps(a, b);
        fma(a: F, b: F, c: F) -> F = _mm256_fmadd_ps(a, b, c);
        max(a: F, b: F) -> F = _mm256_max_ps(a, b);
        min(a: F, b: F) -> F = _mm256_min_ps(a, b);
        round(a: F) -> I = _mm256_cvtps_epi32(a);
        float(a: I) -> F = _mm256_cvtepi32_ps(a);
        exp2(a: I) -> F =
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(a, _mm256_set1_epi32(127))));
        add_i(a: I, b: I) -> I = _mm256_add_epi32(a, b);
        sub_i(a: I, b: I) -> I = _mm256_sub_epi32(a, b);
        mul_i(a: I, b: I) -> I = _mm256_mullo_epi32(a, b);
        and_i(a: I, b: I) -> I = _mm256_and_si256(a, b);
        bits(a: I) -> F = _mm256_castsi256_ps(a);
        raise(a: I) -> I = _mm256_slli_epi32::<16>(a);
        halve(a: I) -> I = _mm256_srli_epi32::<1>(a);
        nibble(a: I) -> I = _mm256_srli_epi32::<4>(a);
        pairs(sum: I, a: I, b: I) -> I = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
        dot(sum: I, a: I, b: I) -> I =
            _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
    }

    #[inline(always)]
    fn dot_both(self, sum: I, a: [I; 2], b: [I; 2]) -> I {
        let mut out = sum;
        for at in 0..2 {
            // SAFETY: `self` proves the instructions.
            out[at] = unsafe {
                let first = _mm256_maddubs_epi16(a[0][at], b[0][at]);
                let both = _mm256_add_epi16(first, _mm256_maddubs_epi16(a[1][at], b[1][at]));
                _mm256_add_epi32(sum[at], _mm256_madd_epi16(both, _mm256_set1_epi16(1)))
            };
        }
        out
    }

    #[inline(always)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` proves the instructions.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; WIDTH]) -> F {
        let from = from.as_ptr();
        // SAFETY: `self` proves the instructions; the array holds both halves.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; WIDTH], value: F) {
        let to = to.as_mut_ptr();
        // SAFETY: `self` proves the instructions; the array holds both halves.
        unsafe {
            _mm256_storeu_ps(to, value[0]);
            _mm256_storeu_ps(to.add(8), value[1]);
        }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F {
        // SAFETY: `self` proves the instructions.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load_i(self, from: &[i32; WIDTH]) -> I {
        let from = from.as_ptr().cast();
        // SAFETY: `self` proves the instructions; the array holds both halves.
        unsafe { [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))] }
    }

    #[inline(always)]
    fn splat_i(self, value: i32) -> I {
        // SAFETY: `self` proves the instructions.
        unsafe { [_mm256_set1_epi32(value); 2] }
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u8; WIDTH]) -> I {
        // SAFETY: `self` proves the instructions; the array is one register.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            [_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(bytes))]
        }
    }

    #[inline(always)]
    fn store_halves(self, to: &mut [i16; WIDTH], value: I) {
        // SAFETY: `self` proves the instructions; `to` is 32 bytes.
        unsafe {
            let parts = _mm256_packs_epi32(value[0], value[1]);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(parts));
        }
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8; WIDTH], value: I) {
        // SAFETY: `self` proves the instructions; `to` is 16 bytes.
        unsafe {
            let halves = _mm256_packs_epi32(value[0], value[1]);
            let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
            let bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(halves, halves), order);
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_castsi256_si128(bytes));
        }
    }
}
