//! One layer's sumcheck on the device: a launch for each round, two elements downloaded.

use super::eq::Eq;
use super::tree::{Layer, Leaves};
use super::{failed, host, KERNELS, LANES, LOG_HOST, LOG_LANES};
use crate::felt::Felt;
use crate::launch::{address, launch, Args, Grid, THREADS};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use num_traits::One;
use zkml_runtime::field::{prefix_eq_sum, F};
use zkml_runtime::gkr::{gate_scalar, Arrays, GkrError, Scalars};

/// Blocks that share a pass: the last of them adds their sums up.
const MAX_BLOCKS: usize = 1024;

/// `Leaves` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawLeaves {
    denominators: u64,
    stored: u64,
    tail: Felt,
    mu: Felt,
}

/// `Fractions` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawFractions {
    numerators: u64,
    denominators: u64,
    stored: u64,
    tail: [Felt; 2],
    lambda: Felt,
}

/// `Sums` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawSums {
    partial: u64,
    out: u64,
    done: u64,
}

/// `Folded` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawFolded<const N: usize> {
    data: u64,
    items: u64,
    tail: [Felt; N],
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawLeaves {}
// SAFETY: as above.
unsafe impl DeviceRepr for RawFractions {}
// SAFETY: as above.
unsafe impl DeviceRepr for RawSums {}
// SAFETY: as above.
unsafe impl<const N: usize> DeviceRepr for RawFolded<N> {}

/// A layer as the first round reads it.
pub(super) struct Source<const N: usize> {
    raw: RawSource,
    /// Vectors of items that are stored, and what the others are.
    items: usize,
    tail: [F; N],
}

enum RawSource {
    Leaves(RawLeaves),
    Fractions(RawFractions),
}

impl Source<2> {
    pub fn leaves(device: &Device, leaves: &Leaves, mu: F) -> Self {
        let raw = RawLeaves {
            denominators: address(device, &leaves.denominators),
            stored: leaves.stored as u64,
            tail: F::one().into(),
            mu: mu.into(),
        };
        let items = (leaves.stored / LANES).div_ceil(2);
        Self { raw: RawSource::Leaves(raw), items, tail: [F::one() + mu; 2] }
    }
}

impl Source<4> {
    pub fn fractions(device: &Device, layer: &Layer, lambda: F) -> Self {
        let [n, d] = layer.tail;
        let [numerators, denominators] = layer.addresses(device);
        let raw = RawFractions {
            numerators,
            denominators,
            stored: layer.stored as u64,
            tail: layer.tail.map(Felt::from),
            lambda: lambda.into(),
        };
        let items = (layer.stored / LANES).div_ceil(2);
        Self { raw: RawSource::Fractions(raw), items, tail: [n, n + lambda * d, d, d] }
    }
}

/// Arrays of `2^log_items` vectors, a prefix of which is stored.
pub(super) struct DeviceArrays<'a, const N: usize> {
    device: &'a Device,
    state: State<N>,
    eq: Eq,
    /// The coordinates that are not bound, the next one first.
    z: Vec<F>,
    log_items: u32,
    /// A sum for each block, and how many blocks are done.
    partial: CudaSlice<Felt>,
    done: CudaSlice<u32>,
}

enum State<const N: usize> {
    Source(Source<N>),
    /// Arrays one after the other.
    Folded {
        data: CudaSlice<Felt>,
        items: usize,
        tail: [F; N],
    },
    Host(Scalars<N>),
}

impl<'a, const N: usize> DeviceArrays<'a, N> {
    pub fn new(device: &'a Device, source: Source<N>, z: &[F]) -> Result<Self, CudaError> {
        // SAFETY: it is written before it is read.
        let partial = unsafe { device.alloc("sums", 2 * MAX_BLOCKS)? };
        let log_items = z.len() as u32 - LOG_LANES;
        let (eq, done) = (Eq::new(device, z)?, device.zeros::<u32>("a counter", 1)?);
        Ok(Self { device, state: State::Source(source), eq, z: z.to_vec(), log_items, partial, done })
    }

    /// Runs a pass over pairs of items: `args` are those before the ones that all passes have.
    ///
    /// # Safety
    /// The kernel takes these arguments, pairs, eq, lanes, `out` if there is one, and where sums go.
    unsafe fn pass(
        &self,
        name: &'static str,
        pairs: usize,
        vars: usize,
        args: Args,
        out: Option<&CudaSlice<Felt>>,
    ) -> Result<[F; 2], CudaError> {
        let device = self.device;
        let n = pairs.div_ceil(THREADS / LANES).clamp(1, MAX_BLOCKS);
        let args = args.with(pairs as u64).with(self.eq.raw(device, vars)).buffer(device, &self.eq.lanes);
        let args = match out {
            Some(out) => args.buffer(device, out),
            None => args,
        };
        let sums = device.read_back(2, |out| {
            let sums =
                RawSums { partial: address(device, &self.partial), out, done: address(device, &self.done) };
            // SAFETY: the caller's; two elements are written for each block, and two for all.
            unsafe { launch(device, KERNELS, name, Grid::blocks(n), args.with(sums)) }
        })?;
        Ok([sums[0].into(), sums[1].into()])
    }

    /// Adds the items that no pass visits: on equal items q is constant, and eq sums to one over all pairs.
    fn finish(&self, [q0, q_inf]: [F; 2], pairs: usize, vars: usize, tail: &[F; N]) -> [F; 2] {
        let rest = F::one() - prefix_eq_sum(self.eq.point(vars), pairs as u64);
        [q0 + rest * gate_scalar(tail), q_inf]
    }

    fn evaluate_source(&mut self) -> Result<[F; 2], CudaError> {
        let State::Source(Source { raw, items, tail }) = &self.state else {
            unreachable!("every fold evaluates the next round")
        };
        let (pairs, vars, tail) = (items.div_ceil(2), self.log_items as usize - 1, *tail);
        let sums = match *raw {
            // SAFETY: the kernel's arguments.
            RawSource::Leaves(raw) => unsafe {
                self.pass("gkr_evaluate_leaves", pairs, vars, Args::new().with(raw), None)
            },
            // SAFETY: as above.
            RawSource::Fractions(raw) => unsafe {
                self.pass("gkr_evaluate_fractions", pairs, vars, Args::new().with(raw), None)
            },
        }?;
        Ok(self.finish(sums, pairs, vars, &tail))
    }

    fn fold(&mut self, r: F) -> Result<[F; 2], CudaError> {
        let device = self.device;
        let (name, args, items, tail) = match &self.state {
            State::Source(Source { raw: RawSource::Leaves(raw), items, tail }) => {
                ("gkr_fold_leaves", Args::new().with(*raw), *items, *tail)
            }
            State::Source(Source { raw: RawSource::Fractions(raw), items, tail }) => {
                ("gkr_fold_fractions", Args::new().with(*raw), *items, *tail)
            }
            State::Folded { data, items, tail } => {
                let (data, n) = (address(device, data), *items as u64);
                let raw = RawFolded { data, items: n, tail: tail.map(Felt::from) };
                (if N == 2 { "gkr_fold_2" } else { "gkr_fold_4" }, Args::new().with(raw), *items, *tail)
            }
            State::Host(_) => unreachable!("the host folds by itself"),
        };
        self.log_items -= 1;
        let (pairs, vars) = (items.div_ceil(4), self.log_items as usize - 1);
        // SAFETY: the pass writes all of it: 2 * pairs vectors of each of N arrays.
        let data = unsafe { device.alloc::<Felt>("folded arrays", N * 2 * pairs * LANES) }?;
        // SAFETY: the kernel's arguments.
        let sums = unsafe { self.pass(name, pairs, vars, args.with(Felt::from(r)), Some(&data)) }?;
        let sums = self.finish(sums, pairs, vars, &tail);
        self.state = State::Folded { data, items: 2 * pairs, tail };
        Ok(sums)
    }

    /// Short arrays go to the host.
    fn take_to_host(&mut self) -> Result<(), CudaError> {
        let State::Folded { data, items, tail } = &self.state else { unreachable!("what was folded") };
        let stored = self.device.download(data)?;
        let rows = (0..LANES << self.log_items).map(|row| {
            let value = |k: usize| match row < items * LANES {
                true => stored[k * items * LANES + row].into(),
                false => tail[k],
            };
            std::array::from_fn(value)
        });
        let rows: Vec<[F; N]> = rows.collect();
        self.state = State::Host(Scalars::new(host::by_rounds(rows), &self.z));
        Ok(())
    }
}

impl<const N: usize> Arrays for DeviceArrays<'_, N> {
    fn evaluate(&mut self) -> Result<[F; 2], GkrError> {
        match &mut self.state {
            State::Host(rows) => rows.evaluate(),
            _ => self.evaluate_source().map_err(failed),
        }
    }

    fn bind(&mut self, r: F) -> Result<Option<[F; 2]>, GkrError> {
        if let State::Host(rows) = &mut self.state {
            return rows.bind(r);
        }
        let next = self.fold(r).map_err(failed)?;
        self.z.remove(0);
        if self.log_items < LOG_HOST {
            self.take_to_host().map_err(failed)?;
        }
        Ok(Some(next))
    }

    fn values(&self) -> Vec<F> {
        match &self.state {
            State::Host(rows) => rows.values(),
            _ => unreachable!("all variables are fixed"),
        }
    }
}
