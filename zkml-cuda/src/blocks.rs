//! Jobs of different sizes in one launch.

use crate::launch::Args;
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};

/// A job that a kernel finds by its block ([`Work`]).
pub(crate) trait Blocks: DeviceRepr + Copy {}

/// Adds a job to this round of launches: those of later rounds read what earlier ones wrote.
pub(crate) fn push_in_round<T>(rounds: &mut Vec<Vec<T>>, round: usize, job: T) {
    if rounds.len() <= round {
        rounds.resize_with(round + 1, Vec::new);
    }
    rounds[round].push(job);
}

/// Jobs on the device, and the blocks of threads that each of them has: `job_of` of the kernels finds a block's.
pub(crate) struct Work<T> {
    jobs: CudaSlice<T>,
    /// The first block of each, and the number of all.
    starts: CudaSlice<u32>,
    n: u32,
    pub blocks: usize,
}

impl<T: Blocks> Work<T> {
    pub fn new(device: &Device, jobs: &[T], blocks: impl Fn(&T) -> usize) -> Result<Self, CudaError> {
        let mut starts = vec![0u32];
        let mut all = 0;
        for job in jobs {
            all += blocks(job);
            starts.push(u32::try_from(all).expect("fewer than 2^32 blocks"));
        }
        Ok(Self {
            jobs: device.upload("jobs", jobs)?,
            starts: device.upload("blocks of jobs", &starts)?,
            n: jobs.len() as u32,
            blocks: all,
        })
    }

    /// The first arguments of a kernel: jobs, starts, how many jobs.
    pub fn args(&self, device: &Device) -> Args<'_> {
        Args::new().buffer(device, &self.jobs).buffer(device, &self.starts).with(self.n)
    }
}
