//! What an opening computes from committed columns: `weighted_sum` of them, `inner_products` with them; and `vector`, the weights
//! that these take.

mod combine;
mod vector;

pub use combine::{inner_products, weighted_sum};
pub use vector::{eq_table, out_of_domain_weights, Vector};

use crate::Kernels;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "opening.cu", source: include_str!("../../kernels/opening.cu") };
