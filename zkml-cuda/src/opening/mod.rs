//! What an opening computes on the device.
//!
//! * `combine`: sums of committed columns, inner products with them; `vector`: the weights that these take;
//! * `reduction`: the sumcheck over all claims; `constraint`: the STARK's one constraint; `samples`: their quotients;
//! * `fri`: layers, their answers to queries, the proof of work; `columns`: all of it, for
//!   [`zkml_runtime::pcs::prove_columns`].

mod columns;
mod combine;
mod constraint;
mod fri;
mod reduction;
mod samples;
mod vector;

pub use columns::DeviceColumns;
pub use combine::{inner_products, weighted_sum};
pub use constraint::{from_coordinates, prefix_sums, quotient, steps, to_coordinates};
pub use fri::{fold, grind};
pub use samples::{sample_quotients, Samples};
pub use vector::{eq_table, out_of_domain_weights, tensor, Vector};

use crate::Kernels;
use cudarc::driver::{CudaSlice, CudaView};

pub(crate) const KERNELS: Kernels =
    Kernels { file: "opening.cu", source: include_str!("../../kernels/opening.cu") };
pub(crate) const STARK: Kernels =
    Kernels { file: "stark.cu", source: include_str!("../../kernels/stark.cu") };

pub(crate) const REDUCTION: Kernels =
    Kernels { file: "reduction.cu", source: include_str!("../../kernels/reduction.cu") };

/// The inverse factors of one layer of the circle FFT, of those of all layers ([`zkml_runtime::pcs::inverse_twiddles`]).
fn layer(inverse_twiddles: &CudaSlice<u32>, k: usize) -> CudaView<'_, u32> {
    let rows = inverse_twiddles.len() + 1;
    let first = rows - (rows >> k);
    inverse_twiddles.slice(first..first + (rows >> (k + 1)))
}
