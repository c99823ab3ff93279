//! The natural logarithm of many numbers at once.
//!
//! Spectra are read in decibels, a thousand a frame; the library's logarithm takes them one by one. This one is a few
//! multiplications without a branch, which the compiler does on whole vector registers.

use std::f32::consts::LN_2;

/// Bits of √½: a mantissa between √½ and √2 is nearest to 1.
const ROOT_HALF: u32 = 0x3f35_04f3;
/// Bits of 1.
const ONE: u32 = 0x3f80_0000;

/// ln x to 1e-6 of its size or absolutely, whichever is more, for normal positive x; a finite number for any other.
///
/// With x = m 2ᵉ, ln x = e ln 2 + 2 artanh s, s = (m − 1)/(m + 1), by the series up to s⁹: |s| is at most 0.172, so the first
/// term left out is below 1e-9.
#[inline]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.to_bits().wrapping_add(ONE - ROOT_HALF);
    let exponent = ((bits >> 23) as i32 - 127) as f32;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) + ROOT_HALF);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    let series = 1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z / 9.0)));
    exponent * LN_2 + 2.0 * s * series
}

/// 10 log10 x, as [`ln`].
#[inline]
pub(crate) fn decibels(x: f32) -> f32 {
    10.0 * std::f32::consts::LOG10_E * ln(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_logarithm_over_all_magnitudes() {
        let mut x = 1e-37f64;
        while x < 1e37 {
            let (got, want) = (f64::from(ln(x as f32)), f64::from(x as f32).ln());
            assert!((got - want).abs() < 1e-6 * want.abs().max(1.0), "{x}: {got} {want}");
            x *= 1.000_9;
        }
        assert_eq!((ln(1.0), decibels(1.0)), (0.0, 0.0));
        assert!((decibels(0.001) + 30.0).abs() < 1e-5);
    }

    #[test]
    fn nothing_makes_it_infinite() {
        assert!(
            [0.0, -1.0, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN, 1e-45].iter().all(|x| ln(*x).is_finite())
        );
    }
}
