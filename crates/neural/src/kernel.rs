//! Kernels: what a processor does with sixteen numbers at a time.
//!
//! Every kernel is written once, over the trait [`Lanes`] (sixteen lanes, whatever the registers are), and compiled three
//! times: for AVX-512 with VNNI, for AVX2 and in plain Rust. One order of operations on all three makes their answers equal
//! **to the bit**: integer sums are exact, floating-point sums run over sixteen lanes that are added in one fixed tree, and
//! every product that is added is fused.
//!
//! The integers are unsigned 8-bit activations (one scale and zero point a row) times signed 8-bit weights (one scale a
//! column). `vpdpbusd` multiplies and adds them as they are. AVX2 has `vpmaddubsw`, whose sums of two products saturate at
//! 16 bits. [`quantised::Int8Matrix::quantise`] therefore chooses scales with which no two neighbouring weights of a sign can
//! reach that limit, and whatever weights come from elsewhere are split at packing, so that the sums are exact on all.
#![allow(unsafe_code)] // the instructions themselves; decision 13

pub(crate) mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod blocks;
pub(crate) mod convolution;
pub(crate) mod depthwise;
pub(crate) mod float;
pub(crate) mod half;
pub(crate) mod integer_attention;
pub(crate) mod kept;
mod lanes;
mod lines;
#[cfg(test)]
pub(crate) mod noise;
pub(crate) mod peak;
mod product;
pub(crate) mod quantised;
pub(crate) mod rows;
mod scalar;

pub use lanes::Isa;
pub(crate) use lanes::{GROUP, Kernel, Lanes, WIDTH};
pub(crate) use product::Plane;
