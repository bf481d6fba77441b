//! The data-parallel parts of zkml's prover on an NVIDIA GPU.
//!
//! Nothing of CUDA is needed to build this, and nothing to run it where no device is asked for: driver and compiler are
//! loaded when [`Device::open`] looks for them, and kernels (`kernels/`) are compiled then, for the card that is there.
//!
//! * [`Device`]: the card, its memory, its compiled kernels;
//! * [`Kernels`]: the sources, one file for each part of the prover;
//! * [`cells`]: tensors, what is looked up and committed of them; [`commit`]: extensions of columns, and Merkle trees; [`gkr`]: the LogUp argument's trees; [`opening`]: combinations of
//!   columns; [`einsum`]: the batched sumcheck;
//! * [`trace`]: a model's run; [`prover`]: whole proofs of all these;
//! * [`eq`]: tables of many points; [`gather`]: what queries read;
//! * [`felt`]: elements of the extension field as they lie in the card's memory.

mod blocks;
mod cache;
pub mod cells;
mod column;
pub mod commit;
mod device;
pub mod einsum;
pub mod eq;
mod error;
pub mod felt;
pub mod gather;
pub mod gkr;
mod kernels;
mod launch;
mod loops;
mod mailbox;
pub mod opening;
pub mod prover;
mod sums;
pub mod trace;

pub use cells::DeviceCells;
pub use column::Column;
pub use device::{compile_ptx, Device};
pub use error::CudaError;
pub use kernels::Kernels;
