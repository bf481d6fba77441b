//! Elements of the extension field as they lie in the card's memory: the four coordinates, sixteen bytes.

use cudarc::driver::{DeviceRepr, ValidAsZeroBits};
use zkml_runtime::field::{BaseField, F};

/// An element of the extension field: `qm31` of `kernels/field.cuh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(16))]
pub struct Felt(pub [u32; 4]);

// SAFETY: four words, as the kernels declare it, and any words will do.
unsafe impl DeviceRepr for Felt {}
// SAFETY: zero is zero.
unsafe impl ValidAsZeroBits for Felt {}

impl From<F> for Felt {
    fn from(f: F) -> Self {
        Self(f.to_m31_array().map(|c| c.0))
    }
}

impl From<Felt> for F {
    fn from(f: Felt) -> Self {
        F::from_m31_array(f.0.map(BaseField::from_u32_unchecked))
    }
}

/// A slice as the card takes it.
pub fn felts(values: &[F]) -> Vec<Felt> {
    values.iter().map(|&v| v.into()).collect()
}
