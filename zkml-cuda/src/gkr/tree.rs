//! Layers of fractions, from the leaves up; given out from the root down.

use super::arrays::{DeviceArrays, Source};
use super::blocks::{self, Block, TableBlock};
use super::{failed, host, KERNELS, LANES, LOG_HOST, LOG_LANES};
use crate::felt::Felt;
use crate::launch::{address, grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use num_traits::{One, Zero};
use zkml_runtime::field::F;
use zkml_runtime::gkr::{Arrays, Fraction, Gate, GkrError, Layers, Scalars};

/// A layer of `2^log` fractions on the device, of which whole vectors are stored; the others equal `tail`.
pub(super) struct Layer {
    pub numerators: CudaSlice<Felt>,
    pub denominators: CudaSlice<Felt>,
    pub stored: usize,
    pub tail: [F; 2],
    pub log: u32,
}

/// The denominators of lookup leaves, likewise; their numerators are one, and so are the denominators of the tail.
pub(super) struct Leaves {
    pub denominators: CudaSlice<Felt>,
    pub stored: usize,
    pub log: u32,
}

/// A tree whose layers are freed when they have been given out.
pub struct DeviceTree<'a> {
    device: &'a Device,
    root: Fraction,
    leaves: Option<Leaves>,
    /// Not yet given out, the lowest first: those of the device, then those of the host.
    layers: Vec<Layer>,
    host: Vec<host::Layer>,
    /// The one that is given out.
    current: Option<Layer>,
}

impl<'a> DeviceTree<'a> {
    /// Over leaves `1 / den` of these blocks and `1 / 1` up to `2^log`.
    ///
    /// # Panics
    /// If a column is not as long as its block, or the blocks are more than `2^log` leaves.
    pub fn lookups(device: &'a Device, blocks: &[Block<'_>], log: u32) -> Result<Self, CudaError> {
        let denominators = blocks::leaves(device, blocks, F::one())?;
        let stored = denominators.len();
        assert!(stored.div_ceil(LANES) <= 1 << (log - LOG_LANES), "the shape has room for all leaves");
        let n = above(stored);
        let next = Layer::new(device, n, log - 1, [F::one() + F::one(), F::one()])?;
        let args = Args::new().buffer(device, &denominators).with(stored as u64).with(Felt::from(F::one()));
        let args = args.buffer(device, &next.numerators).buffer(device, &next.denominators).with(n as u64);
        // SAFETY: n elements are written, `stored` are read.
        unsafe { launch(device, KERNELS, "gkr_add_leaves", grid(n), args) }?;
        let leaves = Leaves { denominators, stored, log };
        Self::over(device, Some(leaves), next)
    }

    /// Over leaves `-multiplicity / den` of these blocks and `0 / 1` up to `2^log`.
    ///
    /// # Panics
    /// As [`DeviceTree::lookups`].
    pub fn tables(device: &'a Device, tables: &[TableBlock<'_>], log: u32) -> Result<Self, CudaError> {
        let numerators: Vec<Block<'_>> = tables.iter().map(TableBlock::numerators).collect();
        let denominators: Vec<Block<'_>> = tables.iter().map(|b| b.leaves.clone()).collect();
        let numerators = blocks::leaves(device, &numerators, F::zero())?;
        let denominators = blocks::leaves(device, &denominators, F::one())?;
        let stored = denominators.len();
        assert!(stored.div_ceil(LANES) <= 1 << (log - LOG_LANES), "the shape has room for all leaves");
        let lowest = Layer { numerators, denominators, stored, tail: [F::zero(), F::one()], log };
        Self::over(device, None, lowest)
    }

    fn over(device: &'a Device, leaves: Option<Leaves>, lowest: Layer) -> Result<Self, CudaError> {
        let mut layers = vec![lowest];
        let last = loop {
            match layers.pop() {
                Some(layer) if layer.log > LOG_HOST + LOG_LANES => {
                    let next = layer.above(device)?;
                    layers.extend([layer, next]);
                }
                Some(layer) => break layer.download(device)?,
                None => unreachable!("a layer was pushed"),
            }
        };
        let mut host = host::above(last);
        let root = match host.pop().as_deref() {
            Some(&[[numerator, denominator]]) => Fraction { numerator, denominator },
            _ => unreachable!("the root is one fraction"),
        };
        Ok(Self { device, root, leaves, layers, host, current: None })
    }

    fn arrays<'s>(&'s mut self, z: &[F], gate: Gate) -> Result<Box<dyn Arrays + 's>, CudaError> {
        self.current = None;
        let device = self.device;
        let lambda = match gate {
            Gate::Leaves { mu } => {
                let leaves = self.leaves.as_ref().expect("lookups have leaves");
                if leaves.log > LOG_HOST + LOG_LANES {
                    return Ok(Box::new(DeviceArrays::<2>::new(
                        device,
                        Source::leaves(device, leaves, mu),
                        z,
                    )?));
                }
                let mut values: Vec<F> = vec![F::one(); 1 << leaves.log];
                let stored = device.download(&leaves.denominators)?;
                values.iter_mut().zip(stored).for_each(|(v, d)| *v = d.into());
                return Ok(Box::new(Scalars::new(host::leaf_rows(&values, mu), z)));
            }
            Gate::Fractions { lambda } => lambda,
        };
        if let Some(layer) = self.host.pop() {
            return Ok(Box::new(Scalars::new(host::fraction_rows(&layer, lambda), z)));
        }
        let layer = self.current.insert(self.layers.pop().expect("a layer for each sumcheck"));
        Ok(Box::new(DeviceArrays::<4>::new(device, Source::fractions(device, layer, lambda), z)?))
    }
}

impl Layers for DeviceTree<'_> {
    fn root(&self) -> Fraction {
        self.root
    }

    fn next<'s>(&'s mut self, z: &[F], gate: Gate) -> Result<Box<dyn Arrays + 's>, GkrError> {
        self.arrays(z, gate).map_err(failed)
    }
}

/// Elements that a layer stores above one that stores these.
fn above(stored: usize) -> usize {
    (stored / LANES).div_ceil(2) * LANES
}

impl Layer {
    fn new(device: &Device, stored: usize, log: u32, tail: [F; 2]) -> Result<Self, CudaError> {
        // SAFETY: whoever makes a layer launches a kernel that writes it.
        let part = || unsafe { device.alloc::<Felt>("a layer of fractions", stored) };
        Ok(Self { numerators: part()?, denominators: part()?, stored, tail, log })
    }

    fn above(&self, device: &Device) -> Result<Self, CudaError> {
        let [n, d] = self.tail;
        let count = above(self.stored);
        let next = Self::new(device, count, self.log - 1, [n * d + n * d, d * d])?;
        let args = Args::new().buffer(device, &self.numerators).buffer(device, &self.denominators);
        let args = args.with(self.stored as u64).with(Felt::from(n)).with(Felt::from(d));
        let args = args.buffer(device, &next.numerators).buffer(device, &next.denominators);
        // SAFETY: `count` elements are written, as many as are stored are read.
        unsafe { launch(device, KERNELS, "gkr_add", grid(count), args.with(count as u64)) }?;
        Ok(next)
    }

    /// All fractions, the tail too.
    fn download(&self, device: &Device) -> Result<host::Layer, CudaError> {
        let mut all = vec![self.tail; 1 << self.log];
        let (n, d) = (device.download(&self.numerators)?, device.download(&self.denominators)?);
        for (f, (n, d)) in all.iter_mut().zip(n.into_iter().zip(d)) {
            *f = [n.into(), d.into()];
        }
        Ok(all)
    }

    pub fn addresses(&self, device: &Device) -> [u64; 2] {
        [address(device, &self.numerators), address(device, &self.denominators)]
    }
}
