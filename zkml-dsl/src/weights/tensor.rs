//! Dense float tensors.

use zkml_ir::shape::Shape;

/// A dense float tensor, row-major, in real units.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatTensor {
    pub shape: Shape,
    pub data: Vec<f32>,
}
