//! The products of a plan during the sumcheck.

use super::fold::Folds;
use super::KERNELS;
use crate::cells::DeviceCells;
use crate::eq;
use crate::felt::Felt;
use crate::launch::{address, grid, launch, Args, Grid, THREADS};
use crate::sums::totals;
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::plan::Plan;
use zkml_runtime::einsum::{EinsumError, Folding, Instance, OutputPools, Products, Shape};
use zkml_runtime::field::F;

/// Blocks that share a product at most.
const SHARES: usize = 64;

/// `Product` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawProduct {
    a: u64,
    b: u64,
    eq: u64,
    vars: u32,
    batch_vars: u32,
    scale: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawProduct {}

/// Products whose factors are on the device.
pub struct DeviceProducts<'a> {
    device: &'a Device,
    products: CudaSlice<RawProduct>,
    n: usize,
    claims: Vec<F>,
    partial: CudaSlice<Felt>,
    /// What the products point to.
    _factors: [CudaSlice<Felt>; 2],
}

impl<'a> DeviceProducts<'a> {
    /// Folds both factors of every product, from the cells of the plan's tensors.
    ///
    /// Memory: 32 bytes for each element of an operand and 16 for each of eq. Time: one pass over the cells.
    pub fn fold<'c>(
        device: &'a Device,
        plan: &'c Plan,
        shape: &Shape<'_>,
        pools: &OutputPools,
        scales: &[F],
        cells: impl Fn(usize) -> &'c DeviceCells,
    ) -> Result<Self, CudaError> {
        let n = shape.instances.len();
        let mut eq_len = 0;
        let batch = |i: &Instance<'_>| {
            eq_len += 1u64 << i.batch_vars;
            (i.batch_point(pools), eq_len - (1 << i.batch_vars))
        };
        let points: Vec<(Vec<F>, u64)> = shape.instances.iter().map(batch).collect();
        // SAFETY: the tables fill all of it.
        let eq = unsafe { device.alloc::<Felt>("eq of batches", eq_len as usize) }?;
        eq::tables(device, points.iter().map(|(p, to)| (&p[..], *to)), &eq)?;
        let len = shape.instances.iter().map(|i| 2usize << i.vars).sum();
        let operands = device.zeros::<Felt>("operands of products", len)?;
        let (mut next, mut next_eq) = (address(device, &operands), address(device, &eq));
        let take = |next: &mut u64, vars: usize| {
            let here = *next;
            *next += (size_of::<Felt>() as u64) << vars;
            here
        };
        let (mut raw, mut folds) = (vec![], Folds::default());
        for (i, &scale) in shape.instances.iter().zip(scales) {
            let [a, b] = [&i.product.a, &i.product.b].map(|factor| (factor, take(&mut next, i.vars)));
            for (factor, at) in [a, b] {
                let folding = Folding::new(i, factor, pools, folds.weights());
                debug_assert_eq!(folding.len, 1 << i.vars);
                folds.add(device, &factor.expr, &folding, at, |t| &plan.tensors[t].axes, &cells)?;
            }
            raw.push(RawProduct {
                a: a.1,
                b: b.1,
                eq: take(&mut next_eq, i.batch_vars),
                vars: i.vars as u32,
                batch_vars: i.batch_vars as u32,
                scale: scale.into(),
            });
        }
        folds.run(device)?;
        let products = device.upload("products", &raw)?;
        // SAFETY: written before it is read.
        let partial = unsafe { device.alloc::<Felt>("shares of products", 3 * SHARES * n) }?;
        let mut this = Self { device, products, n, claims: vec![], partial, _factors: [operands, eq] };
        if n > 0 {
            let args = Args::new().buffer(device, &this.products).buffer(device, &this.partial);
            let blocks = Grid { x: SHARES, y: n, z: 1, shared: 0 };
            // SAFETY: the kernel's arguments; a row of shares for each product.
            unsafe { launch(device, KERNELS, "einsum_claims", blocks, args) }?;
            this.claims = totals(device, &this.partial, SHARES, n)?;
        }
        Ok(this)
    }

    /// Blocks for a round in which `left` variables are not bound.
    fn blocks(&self, left: usize) -> Grid {
        let x = (1usize << (left - 1)).div_ceil(THREADS).min(SHARES);
        Grid { x, y: self.n, z: 1, shared: 0 }
    }
}

fn failed(e: CudaError) -> EinsumError {
    EinsumError::Device(e.to_string())
}

impl Products for DeviceProducts<'_> {
    fn claims(&self) -> Vec<F> {
        self.claims.clone()
    }

    fn round(&mut self, left: usize) -> Result<[F; 3], EinsumError> {
        let blocks = self.blocks(left);
        let args = Args::new().buffer(self.device, &self.products).with(left as u32);
        // SAFETY: the kernel's arguments; three shares for each block.
        unsafe {
            launch(self.device, KERNELS, "einsum_round", blocks, args.buffer(self.device, &self.partial))
        }
        .map_err(failed)?;
        let sums = totals(self.device, &self.partial, blocks.x * blocks.y, 3).map_err(failed)?;
        Ok([sums[0], sums[1], sums[2]])
    }

    fn bind(&mut self, left: usize, r: F) -> Result<(), EinsumError> {
        let args = Args::new().buffer(self.device, &self.products).with(left as u32).with(Felt::from(r));
        // SAFETY: the kernel's arguments; operands have 2^left elements, or are not bound.
        unsafe { launch(self.device, KERNELS, "einsum_bind", self.blocks(left), args) }.map_err(failed)
    }

    fn operands(&self) -> Result<Vec<[F; 2]>, EinsumError> {
        let read = || -> Result<Vec<Felt>, CudaError> {
            // SAFETY: the kernel writes all of it.
            let out = unsafe { self.device.alloc::<Felt>("operands", 2 * self.n) }?;
            let args = Args::new().buffer(self.device, &self.products).with(self.n as u32);
            // SAFETY: the kernel's arguments; two elements for each product.
            unsafe {
                launch(self.device, KERNELS, "einsum_operands", grid(self.n), args.buffer(self.device, &out))
            }?;
            self.device.download(&out)
        };
        let values = read().map_err(failed)?;
        Ok(values[..2 * self.n].as_chunks().0.iter().map(|v: &[Felt; 2]| v.map(F::from)).collect())
    }
}
