//! What can be missing, and what can go wrong.

use cudarc::driver::DriverError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum CudaError {
    #[error("no CUDA driver: expected libcuda.so, which comes with the NVIDIA driver, where libraries are looked for")]
    NoDriver,
    #[error("no CUDA compiler: expected libnvrtc.so, which comes with the CUDA toolkit, where libraries are looked for")]
    NoCompiler,
    #[error("no CUDA device number {ordinal}: the driver sees {count}")]
    NoDevice { ordinal: usize, count: usize },
    #[error("{what} needs {needed} bytes on the device, {free} are free")]
    Memory { what: &'static str, needed: usize, free: usize },
    #[error("the kernels of `{file}` do not compile for {arch}:\n{log}")]
    Compile { file: &'static str, arch: String, log: String },
    #[error("columns are extended to 2^{got} rows; the device's transforms take at most 2^{most}")]
    Rows { most: u32, got: u32 },
    #[error("a factor has {got} loops or folded axes; the device's folds take at most {most}")]
    Loops { most: usize, got: usize },
    #[error("expected {expected} words, a whole number of columns, got {got}")]
    Columns { expected: usize, got: usize },
    #[error("{what}: {source}")]
    Driver { what: &'static str, source: DriverError },
}

impl CudaError {
    /// For `map_err`: what was being done when the driver failed.
    pub(crate) fn driver(what: &'static str) -> impl FnOnce(DriverError) -> Self {
        move |source| Self::Driver { what, source }
    }
}
