//! Plans: networks of known shape, with weights laid out and memory set aside before the first run.

mod columns;
mod convolution;
mod decoder;
mod dense;
mod encoder;
mod image;
mod packed;
mod perceptron;
mod recognise;
mod stem;
mod table;
mod text;

pub use crate::kernel::rows::{Activation, Norm};
pub use crate::plan_error::PlanError;
pub(crate) use columns::Columns;
pub use convolution::{
    Convolution, ConvolutionDescription, ConvolutionPlan, ConvolutionStep, ConvolutionWorkspace, Range,
};
pub use decoder::Turn;
pub(crate) use decoder::{DecoderBlock, DecoderPlan, DecoderWorkspace};
pub(crate) use dense::Dense;
pub use dense::{Linear, Precision};
pub(crate) use encoder::Block;
pub use encoder::{EncoderBlock, EncoderDescription, EncoderPlan, EncoderWorkspace, Residual};
pub use image::Window;
pub(crate) use packed::Packable;
pub use perceptron::{PerceptronPlan, PerceptronWorkspace};
pub(crate) use recognise::Found;
pub(crate) use stem::{StemPlan, StemWorkspace};
pub(crate) use text::{Pooling, Role, TextPlan, TextWorkspace, Texts};
