//! Shared parts of the examples: options, report, progress, weights, data, and float references.

pub mod digits;
pub mod golden;
pub mod metrics;
pub mod models;
pub mod options;
pub mod progress;
mod random;
pub mod reference;
pub mod report;
pub mod session;
pub mod weights;
