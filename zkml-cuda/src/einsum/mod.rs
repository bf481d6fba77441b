//! The batched einsum sumcheck on the device: [`zkml_runtime::einsum`] runs the protocol over it.
//!
//! * `products`: a plan's products and their rounds; `fold`: their factors, from the cells of tensors.

mod fold;
mod products;

pub use products::DeviceProducts;

use crate::Kernels;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "einsum.cu", source: include_str!("../../kernels/einsum.cu") };
pub(crate) const FOLD: Kernels = Kernels { file: "fold.cu", source: include_str!("../../kernels/fold.cu") };
