//! Plans: networks of known shape, with weights laid out and memory set aside before the first run.

mod dense;
mod encoder;
mod perceptron;

pub use dense::{Linear, Precision};
pub use encoder::{EncoderBlock, EncoderDescription, EncoderPlan, EncoderWorkspace, Residual};
pub use perceptron::{PerceptronPlan, PerceptronWorkspace};
