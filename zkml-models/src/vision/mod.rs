//! Networks that read images: handwritten digits, and ResNet-18.
//!
//! Behind a ReLU values are U8: all 256 integers are of use, and the rescale's clamp at 0 is the ReLU itself, in one table.

pub mod digits;
pub mod digits_cnn;
pub mod lenet5;
pub mod mlp_digits;
pub mod resnet18;
