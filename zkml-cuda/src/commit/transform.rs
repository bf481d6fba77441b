//! The circle FFT (Circle STARKs, section 4.2), on many columns at once.

use super::KERNELS;
use crate::launch::{launch, Args, Grid};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::CanonicCoset;
use zkml_runtime::pcs::{inverse_twiddles, twiddles};

/// Layers that a pass over neighbours does, unless the others are too many for one pass more.
const LOW: u32 = 12;
/// Layers above them.
const HIGH: u32 = 9;
/// The largest low part: a piece of 32 KiB, of the 48 that a block may have.
const MAX_LOW: u32 = 13;
/// Neighbours of every piece that the pass over the high layers takes, `NEIGHBOURS` of the kernels.
const NEIGHBOURS: usize = 16;
const WORD: usize = size_of::<u32>();

/// From values on a domain of `2^log_n` points to values on one of `2^log_m`.
pub struct Transform {
    log_n: u32,
    log_m: u32,
    low: u32,
    pub(crate) inverse: CudaSlice<u32>,
    pub(crate) forward: CudaSlice<u32>,
    /// `1 / 2^log_n`
    scale: u32,
}

impl Transform {
    pub fn new(device: &Device, log_n: u32, log_m: u32) -> Result<Self, CudaError> {
        let low = log_n.min(LOW.max(log_m.saturating_sub(HIGH)));
        if low > MAX_LOW {
            return Err(CudaError::Rows { most: MAX_LOW + HIGH, got: log_m });
        }
        let half = |log: u32| CanonicCoset::new(log).half_coset();
        let words = |factors: Vec<BaseField>| factors.into_iter().map(|f| f.0).collect::<Vec<u32>>();
        Ok(Self {
            log_n,
            log_m,
            low,
            inverse: device.upload("twiddles", &words(inverse_twiddles(half(log_n))))?,
            forward: device.upload("twiddles", &words(twiddles(half(log_m))))?,
            scale: BaseField::from(1usize << log_n).inverse().0,
        })
    }

    /// Three passes: 9 words of memory traffic for a word of `columns` at blow-up 2.
    pub fn extend(
        &self,
        device: &Device,
        columns: &CudaSlice<u32>,
        n_columns: usize,
    ) -> Result<CudaSlice<u32>, CudaError> {
        let Self { log_n, log_m, low, .. } = *self;
        let low_grid = |log: u32| Grid { x: 1 << (log - low), y: n_columns, z: 1, shared: WORD << low };
        let high_grid = Grid {
            x: (1 << low) / NEIGHBOURS,
            y: n_columns,
            z: 1,
            shared: (WORD * NEIGHBOURS) << (log_m - low),
        };
        // SAFETY: each is written whole before it is read.
        let (halfway, out) = unsafe {
            let halfway = device.alloc::<u32>("coefficients", n_columns << log_n)?;
            (halfway, device.alloc::<u32>("an extension", n_columns << log_m)?)
        };
        let first = Args::new().buffer(device, columns).buffer(device, &halfway);
        let first = first.buffer(device, &self.inverse).with(log_n).with(low);
        let second = Args::new().buffer(device, &halfway).buffer(device, &out).buffer(device, &self.inverse);
        let second = second.buffer(device, &self.forward).with(log_n).with(log_m).with(low).with(self.scale);
        let third = Args::new().buffer(device, &out).buffer(device, &self.forward).with(log_m).with(low);
        // SAFETY: the kernels' arguments; blocks cover all columns, and shared memory holds their pieces.
        unsafe {
            launch(device, KERNELS, "fft_inverse_low", low_grid(log_n), first)?;
            launch(device, KERNELS, "fft_high", high_grid, second)?;
            launch(device, KERNELS, "fft_forward_low", low_grid(log_m), third)?;
        }
        Ok(out)
    }
}
