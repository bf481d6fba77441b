//! What an opening computes from committed columns: `weighted_sum` of them, `inner_products` with them; and `vector`, the weights
//! that these take; `fri`: folds and the proof of work.

mod combine;
mod fri;
mod vector;

pub use combine::{inner_products, weighted_sum};
pub use fri::{fold, grind};
pub use vector::{eq_table, out_of_domain_weights, Vector};

use crate::Kernels;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "opening.cu", source: include_str!("../../kernels/opening.cu") };
