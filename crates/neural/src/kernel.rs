//! Kernels: what a processor does with sixteen numbers at a time.
//!
//! Every kernel is written once, over the trait [`Lanes`] (sixteen lanes, whatever the registers are), and compiled three
//! times: for AVX-512 with VNNI, for AVX2 and in plain Rust. One order of operations on all three makes their answers equal
//! **to the bit**: integer sums are exact, floating-point sums run over sixteen lanes that are added in one fixed tree, and
//! every product that is added is fused.
//!
//! The integers are unsigned 8-bit activations (one scale and zero point a row) times signed 8-bit weights (one scale a
//! column). `vpdpbusd` multiplies them as they are. AVX2 has only `vpmaddubsw`, whose sums of pairs saturate at 16 bits, so
//! there both are kept as 16-bit integers and `vpmaddwd` does the work, exactly, at the same rate on processors with two
//! integer multipliers.

pub(crate) mod attention;
mod avx2;
mod avx512;
pub(crate) mod float;
mod lanes;
mod product;
pub(crate) mod quantised;
pub(crate) mod rows;
mod scalar;

pub use lanes::Isa;
pub(crate) use product::Plane;
pub(crate) use lanes::{Kernel, Lanes, WIDTH};
