//! What a user of zkml depends on.
//!
//! ```
//! use zkml_dsl::prelude::*;
//!
//! #[zk_model(H = 256)]
//! fn mlp(x: Tensor<I8, 1, 784>, w1: Weight<I8, 784, H>, b1: Weight<I24, H>, w2: Weight<I8, H, 10>)
//!     -> Tensor<Acc, 1, 10>
//! {
//!     let h = matmul(x, w1) + b1;
//!     let h = relu(quantize_int8(h));
//!     matmul(h, w2)
//! }
//!
//! // Models call models; their dimensions follow from the arguments.
//! #[zk_model]
//! fn ensemble(x: Tensor<I8, 1, 784>, nets: [mlp::Weights; 2]) -> Tensor<Acc, 1, 10> {
//!     quantize_int8(mlp(x, nets[0])) + quantize_int8(mlp(x, nets[1]))
//! }
//! ```
//!
//! A model that is only known at run time is built with a [`Builder`]: the same ops, the same checks, the same proofs.

pub mod builder;
pub mod dynamic;
pub mod engine;
pub mod prelude;
pub mod typed;
pub mod units;
pub mod weights;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use builder::Builder;
pub use dynamic::{DynamicInstance, DynamicModel};
pub use typed::{Error, WeightProblem};
pub use zkml_ir::elem::Elem;
pub use zkml_macros::zk_model;
pub use zkml_runtime::artifact::FORMAT_VERSION;
pub use zkml_runtime::atomic_write;
