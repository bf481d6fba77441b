//! What a user of zkml depends on.

mod atomic;

pub use atomic::atomic_write;
