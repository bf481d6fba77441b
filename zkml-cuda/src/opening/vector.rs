//! Vectors over the extension field.

use super::{layer, KERNELS};
use crate::felt::{felts, Felt};
use crate::launch::{address_of, grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use num_traits::One;
use stwo::core::circle::CirclePoint;
use stwo::core::fields::m31::BaseField;
use zkml_runtime::field::{self, F};
use zkml_runtime::pcs::layer_coordinates;

/// `eq(point, .)`, the first coordinate for the most significant bit.
pub fn eq_table(device: &Device, point: &[F]) -> Result<CudaSlice<Felt>, CudaError> {
    let (high, low) = point.split_at(point.len() / 2);
    outer_product(device, &field::eq_table(high), &field::eq_table(low))
}

/// The products of the coordinates at the bits of each index, the first coordinate at the least significant bit.
pub fn tensor(device: &Device, coordinates: &[F]) -> Result<CudaSlice<Felt>, CudaError> {
    let (low, high) = coordinates.split_at(coordinates.len() / 2);
    let products = |coordinates: &[F]| {
        coordinates.iter().fold(vec![F::one()], |mut table, &c| {
            table.extend(table.clone().into_iter().map(|v| v * c));
            table
        })
    };
    outer_product(device, &products(high), &products(low))
}

/// `high[i] low[j]`, j fastest.
fn outer_product(device: &Device, high: &[F], low: &[F]) -> Result<CudaSlice<Felt>, CudaError> {
    let table = |values: &[F]| device.upload("a factor of a table", &felts(values));
    let (tables, n) = ([table(high)?, table(low)?], high.len() * low.len());
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("a table of products", n) }?;
    let args = Args::new().buffer(device, &tables[0]).buffer(device, &tables[1]).with(low.len().ilog2());
    // SAFETY: the kernel's arguments; the tables are of the halves of an index.
    unsafe { launch(device, KERNELS, "eq_product", grid(n), args.buffer(device, &out).with(n as u64)) }?;
    Ok(out)
}

/// The weights w with `f(z) = sum_i w_i f_i` for every column f of `2^b` rows, from the inverse factors of the circle FFT
/// ([`zkml_runtime::pcs::inverse_twiddles`]): a launch for each variable.
pub fn out_of_domain_weights(
    device: &Device,
    inverse_twiddles: &CudaSlice<u32>,
    z: CirclePoint<F>,
) -> Result<CudaSlice<Felt>, CudaError> {
    let rows = inverse_twiddles.len() + 1;
    let log_rows = rows.ilog2() as usize;
    let coordinates = layer_coordinates(z, log_rows);
    let mut weights = device.upload("weights", &[Felt::from(F::from(BaseField::from(rows).inverse()))])?;
    for k in (0..log_rows).rev() {
        let layer = layer(inverse_twiddles, k);
        let n = layer.len();
        // SAFETY: the kernel writes all of it.
        let next = unsafe { device.alloc::<Felt>("weights", 2 * n) }?;
        let args = Args::new().buffer(device, &weights).with(address_of(device, &layer));
        let args = args.with(Felt::from(coordinates[k])).buffer(device, &next).with(n as u64);
        // SAFETY: the kernel's arguments; n weights and factors are read, twice as many weights written.
        unsafe { launch(device, KERNELS, "split_weights", grid(n), args) }?;
        weights = next;
    }
    Ok(weights)
}

/// A vector of a power-of-two length, whose lowest variable is bound first.
pub struct Vector(pub CudaSlice<Felt>);

impl Vector {
    /// Binds the lowest variable: `a + r (b - a)`.
    pub fn bind(&self, device: &Device, r: F) -> Result<Self, CudaError> {
        let n = self.0.len() / 2;
        // SAFETY: the kernel writes all of it.
        let out = unsafe { device.alloc::<Felt>("a vector", n) }?;
        let args = Args::new().buffer(device, &self.0).with(Felt::from(r)).buffer(device, &out);
        // SAFETY: the kernel's arguments; twice as many elements are read.
        unsafe { launch(device, KERNELS, "bind_lowest", grid(n), args.with(n as u64)) }?;
        Ok(Self(out))
    }
}
