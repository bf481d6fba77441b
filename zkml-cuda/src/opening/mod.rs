//! What an opening computes from committed columns: `weighted_sum` of them, `inner_products` with them; and `vector`, the weights
//! that these take; `constraint`: the STARK's one constraint;
//! `fri`: folds and the proof of work.

mod combine;
mod constraint;
mod fri;
mod vector;

pub use combine::{inner_products, weighted_sum};
pub use constraint::{prefix_sums, quotient, steps, to_coordinates};
pub use fri::{fold, grind};
pub use vector::{eq_table, out_of_domain_weights, Vector};

use crate::Kernels;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "opening.cu", source: include_str!("../../kernels/opening.cu") };
pub(crate) const STARK: Kernels =
    Kernels { file: "stark.cu", source: include_str!("../../kernels/stark.cu") };
