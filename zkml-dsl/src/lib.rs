//! What a user of zkml depends on.

mod atomic;
pub mod weights;

pub use atomic::atomic_write;
