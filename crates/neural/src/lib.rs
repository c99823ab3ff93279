//! A trained network on a CPU: tensors in, tensors out.
#![deny(unsafe_code)]

#[allow(unsafe_code)] // the instructions themselves; decision 13
mod kernel;
mod plan;
mod plan_error;

pub use kernel::Isa;
pub use kernel::peak::Peak;
pub use kernel::rows::{Activation, Norm};
pub use plan::{
    Convolution, ConvolutionDescription, ConvolutionPlan, ConvolutionStep, ConvolutionWorkspace, EncoderBlock, EncoderDescription, EncoderPlan, EncoderWorkspace, Linear, PerceptronPlan, PerceptronWorkspace,
    Precision, Range, Residual, Window,
};
pub use plan_error::PlanError;
