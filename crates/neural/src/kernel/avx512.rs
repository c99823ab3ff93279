//! Sixteen lanes as one AVX-512 register.

use super::{Kernel, Lanes, WIDTH};
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The proof, if it holds.
    pub(super) fn new() -> Option<Avx512> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("fma");
        all.then_some(Avx512(()))
    }
}

/// Compiles what `kernel` inlines for these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn enter<K: Kernel>(lanes: Avx512, kernel: K) -> K::Output {
    kernel.run(lanes)
}

macro_rules! instructions {
    ($($name:ident($($arg:ident: $t:ty),+) $(-> $out:ty)? = $value:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $t),+) $(-> $out)? {
            // SAFETY: `self` proves the instructions; arrays are as long as a register.
            unsafe { $value }
        }
    )+};
}

impl Lanes for Avx512 {
    type F = __m512;
    type I = __m512i;

    const TILE: (usize, usize) = (12, 2);
    const JOINT_ROWS: usize = 12;

    instructions! {
        load(from: &[f32; WIDTH]) -> __m512 = _mm512_loadu_ps(from.as_ptr());
        store(to: &mut [f32; WIDTH], value: __m512) = _mm512_storeu_ps(to.as_mut_ptr(), value);
        splat(value: f32) -> __m512 = _mm512_set1_ps(value);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        fma(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        round(a: __m512) -> __m512i = _mm512_cvtps_epi32(a);
        float(a: __m512i) -> __m512 = _mm512_cvtepi32_ps(a);
        exp2(a: __m512i) -> __m512 =
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_add_epi32(a, _mm512_set1_epi32(127))));
        load_i(from: &[i32; WIDTH]) -> __m512i = _mm512_loadu_epi32(from.as_ptr());
        splat_i(value: i32) -> __m512i = _mm512_set1_epi32(value);
        add_i(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
        sub_i(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi32(a, b);
        mul_i(a: __m512i, b: __m512i) -> __m512i = _mm512_mullo_epi32(a, b);
        load_bytes(from: &[u8; WIDTH]) -> __m512i =
            _mm512_cvtepu8_epi32(_mm_loadu_si128(from.as_ptr().cast()));
        store_bytes(to: &mut [u8; WIDTH], value: __m512i) =
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(value));
        pairs(sum: __m512i, a: __m512i, b: __m512i) -> __m512i = _mm512_dpwssd_epi32(sum, a, b);
        store_halves(to: &mut [i16; WIDTH], value: __m512i) =
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(value));
        and_i(a: __m512i, b: __m512i) -> __m512i = _mm512_and_si512(a, b);
        bits(a: __m512i) -> __m512 = _mm512_castsi512_ps(a);
        raise(a: __m512i) -> __m512i = _mm512_slli_epi32::<16>(a);
        halve(a: __m512i) -> __m512i = _mm512_srli_epi32::<1>(a);
        nibble(a: __m512i) -> __m512i = _mm512_srli_epi32::<4>(a);
        dot(sum: __m512i, a: __m512i, b: __m512i) -> __m512i = _mm512_dpbusd_epi32(sum, a, b);
    }

    #[inline(always)]
    fn dot_both(self, sum: __m512i, a: [__m512i; 2], b: [__m512i; 2]) -> __m512i {
        self.dot(self.dot(sum, a[0], b[0]), a[1], b[1])
    }

    #[inline(always)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` proves the instructions.
        unsafe { enter(self, kernel) }
    }
}
