//! A trained network on a CPU: tensors in, tensors out.
//!
//! **What comes in.** A network as ONNX ([`Graph::read_onnx`]) or GGUF; weights as safetensors, GGUF, CTranslate2 or our packed
//! form ([`Weights::open`]); named [`Tensors`], also as `.npz`; the pinned description of a file ([`Artifact`]).
//!
//! **What goes out.** Named [`Tensors`] from a [`Network`], whose [`Executor`] does the work: rten for any graph, ONNX Runtime where
//! the user has it (feature `ort`), plans of our own ([`plan`]) for encoders of texts and rows, perceptrons and convolutions, [`Llama`] for language networks, [`whisper`]
//! for spectra. ONNX again ([`Graph::to_onnx`]), also quantised ([`quantize`]), the packed form ([`weights::Packing`]), figures of
//! speed ([`mod@bench`]).
//!
//! **What is refused.** An [`Error`] says where, what was expected and what was found. Sizes are checked before anything is
//! allocated for them; paths that leave a network's folder, pickles, functions and sparse tensors are refused by name. No bytes
//! make a reader panic.
//!
//! This crate knows none of the product's words: no voice, no drawing, no score. Networks can be measured, quantised and
//! replaced alone.
//!
//! # Example
//! ```
//! use neural::{Dtype, Graph, Node, Port};
//!
//! let graph = Graph {
//!     inputs: vec![Port::fixed("x", Dtype::F32, &[1, 2])],
//!     outputs: vec![Port::fixed("y", Dtype::F32, &[1, 2])],
//!     nodes: vec![Node::new("Relu", ["x"], ["y"])],
//!     opsets: [(String::new(), 17)].into(),
//!     name: "one step".into(),
//!     ..Graph::default()
//! };
//! assert_eq!(Graph::from_onnx(graph.to_onnx())?, graph);
//! # Ok::<(), neural::Error>(())
//! ```
#![deny(unsafe_code)] // allowed in `map.rs` and `kernel/*.rs` only; the house's test lists them

mod artifact;
mod assembly;
pub mod bench;
pub mod bert;
mod cache;
mod error;
mod four_bits;
mod graph;
#[allow(clippy::needless_range_loop)] // a tile is walked by two indices, and arrays beside it by one of them
mod kernel;
mod kind;
mod llama;
mod map;
mod network;
mod npz;
mod onnx;
pub mod plan;
mod plan_error;
pub mod quantize;
mod tensor;
mod threads;
mod tokens;
pub mod weights;
pub mod whisper;

pub use artifact::{Artifact, Quantisation, digest};
pub use cache::Cache;
pub use error::Error;
pub use graph::{Attribute, Dim, Graph, Node, Port};
pub use kernel::Isa;
pub use llama::Llama;
pub use network::{Executor, Network, Options};
pub use plan::Precision;
pub use tensor::{Dtype, Tensor, Tensors, Values, softmax};
pub use threads::available_threads;
pub use tokens::Tokens;
pub use weights::Weights;
pub(crate) use {
    plan_error::PlanError,
    weights::{Blocks, Layout, Note},
};
