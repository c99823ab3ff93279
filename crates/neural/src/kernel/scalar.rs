//! Sixteen lanes as an array, in plain Rust.

use super::{Kernel, Lanes, WIDTH};
use std::array::from_fn;

/// No instructions beyond the base set: always there.
#[derive(Clone, Copy)]
pub(super) struct Scalar;

macro_rules! lanewise {
    ($($name:ident($($arg:ident: $t:ty),+) -> $out:ty = $value:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($arg: [$t; WIDTH]),+) -> [$out; WIDTH] {
            from_fn(|lane| { $(let $arg = $arg[lane];)+ $value })
        }
    )+};
}

impl Lanes for Scalar {
    type F = [f32; WIDTH];
    type I = [i32; WIDTH];

    const TILE: (usize, usize) = (4, 1);
    const JOINT_ROWS: usize = 4;

    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    lanewise! {
        add(a: f32, b: f32) -> f32 = a + b;
        sub(a: f32, b: f32) -> f32 = a - b;
        mul(a: f32, b: f32) -> f32 = a * b;
        div(a: f32, b: f32) -> f32 = a / b;
        fma(a: f32, b: f32, c: f32) -> f32 = a.mul_add(b, c);
        max(a: f32, b: f32) -> f32 = if a > b { a } else { b };
        min(a: f32, b: f32) -> f32 = if a < b { a } else { b };
        round(a: f32) -> i32 = a.round_ties_even() as i32;
        float(a: i32) -> f32 = a as f32;
        exp2(a: i32) -> f32 = f32::from_bits(((a + 127) as u32) << 23);
        add_i(a: i32, b: i32) -> i32 = a.wrapping_add(b);
        sub_i(a: i32, b: i32) -> i32 = a.wrapping_sub(b);
        mul_i(a: i32, b: i32) -> i32 = a.wrapping_mul(b);
        and_i(a: i32, b: i32) -> i32 = a & b;
        bits(a: i32) -> f32 = f32::from_bits(a as u32);
        raise(a: i32) -> i32 = a << 16;
        halve(a: i32) -> i32 = (a as u32 >> 1) as i32;
        nibble(a: i32) -> i32 = (a as u32 >> 4) as i32;
        pairs(sum: i32, a: i32, b: i32) -> i32 = {
            let low = i32::from(a as i16) * i32::from(b as i16);
            sum.wrapping_add(low).wrapping_add((a >> 16) * (b >> 16))
        };
        dot(sum: i32, a: i32, b: i32) -> i32 = {
            let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
            let product = |at: usize| i32::from(a[at]) * i32::from(b[at] as i8);
            sum.wrapping_add(product(0) + product(1) + product(2) + product(3))
        };
    }

    #[inline(always)]
    fn dot_both(self, sum: Self::I, a: [Self::I; 2], b: [Self::I; 2]) -> Self::I {
        self.dot(self.dot(sum, a[0], b[0]), a[1], b[1])
    }

    #[inline(always)]
    fn load(self, from: &[f32; WIDTH]) -> Self::F {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; WIDTH], value: Self::F) {
        *to = value;
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [value; WIDTH]
    }

    #[inline(always)]
    fn load_i(self, from: &[i32; WIDTH]) -> Self::I {
        *from
    }

    #[inline(always)]
    fn splat_i(self, value: i32) -> Self::I {
        [value; WIDTH]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u8; WIDTH]) -> Self::I {
        from.map(i32::from)
    }

    #[inline(always)]
    fn store_halves(self, to: &mut [i16; WIDTH], value: Self::I) {
        *to = value.map(|value| value as i16);
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8; WIDTH], value: Self::I) {
        *to = value.map(|value| value as u8);
    }
}
