//! A crate outside the workspace.

use zkml_dsl::prelude::*;
use zkml_test_layers::block;

/// ```
/// use zkml_dsl::prelude::*;
///
/// #[zk_model]
/// fn layer(x: Tensor<I8, 2, 4>, w: Weight<I8, 4, 4>) -> Tensor<I8, 2, 4> {
///     quantize_int8(matmul(x, w))
/// }
///
/// #[zk_model]
/// fn two(x: Tensor<I8, 2, 4>, a: layer::Weights, b: layer::Weights) -> Tensor<I8, 2, 4> {
///     layer(layer(x, a), b)
/// }
///
/// assert!(two::with(two::Dims {}).is_ok());
/// ```
#[zk_model]
pub fn model(x: Tensor<I8, 4, 16>, h: [block::Weights; 2]) -> Tensor<I8, 4, 16> {
    block(block(x, h[0]), h[1])
}
