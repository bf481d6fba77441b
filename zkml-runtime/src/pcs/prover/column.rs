//! Columns on the trace domain, in as few bytes as their values need.

use stwo::core::fields::m31::BaseField;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::{PackedBaseField, N_LANES};

use crate::field::packed::of_bytes;

/// Sixteen values of eight bits, centred.
pub(super) type Bytes = [i8; N_LANES];

/// One column. Weights of eight bits stay bytes: an opening reads all columns three times, and memory holds them for good.
#[derive(Clone, Debug)]
pub enum Column {
    Words(BaseColumn),
    Bytes(Vec<i8>),
}

/// Consecutive packed values of a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cells<'a> {
    Words(&'a [PackedBaseField]),
    Bytes(&'a [Bytes]),
}

/// What is read as sixteen field elements.
pub(super) trait Packed: Copy + Sync {
    fn packed(self) -> PackedBaseField;
}

impl Packed for PackedBaseField {
    #[inline(always)]
    fn packed(self) -> PackedBaseField {
        self
    }
}

impl Packed for Bytes {
    #[inline(always)]
    fn packed(self) -> PackedBaseField {
        // SAFETY: either v in [0, 128) or v + p in [p - 128, p).
        unsafe { PackedBaseField::from_simd_unchecked(of_bytes(&self)) }
    }
}

impl Column {
    pub fn rows(&self) -> usize {
        match self {
            Self::Words(c) => c.length,
            Self::Bytes(c) => c.len(),
        }
    }

    pub(super) fn cells(&self) -> Cells<'_> {
        match self {
            Self::Words(c) => Cells::Words(&c.data),
            Self::Bytes(c) => Cells::Bytes(c.as_chunks().0),
        }
    }

    pub fn get(&self, row: usize) -> BaseField {
        match self {
            Self::Words(c) => c.data[row / N_LANES].to_array()[row % N_LANES],
            Self::Bytes(c) => BaseField::from(i32::from(c[row])),
        }
    }

    /// All values, reduced.
    pub fn to_field(&self) -> Vec<BaseField> {
        (0..self.rows()).map(|row| self.get(row)).collect()
    }

    /// As words, reduced: leaves hash words as they lie in memory but are opened reduced, and a zero stored as p would break
    /// its path.
    pub(in crate::pcs) fn reduced(&self) -> BaseColumn {
        let data = match self.cells() {
            Cells::Words(c) => c.iter().map(|&v| PackedBaseField::reduce_simd(v.into_simd())).collect(),
            Cells::Bytes(c) => c.iter().map(|&v| v.packed()).collect(),
        };
        BaseColumn { data, length: self.rows() }
    }
}

impl From<BaseColumn> for Column {
    fn from(column: BaseColumn) -> Self {
        Self::Words(column)
    }
}

impl<'a> Cells<'a> {
    pub fn slice(self, range: std::ops::Range<usize>) -> Self {
        match self {
            Self::Words(c) => Self::Words(&c[range]),
            Self::Bytes(c) => Self::Bytes(&c[range]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stwo::core::fields::m31::P;

    #[test]
    fn bytes_are_field_elements() {
        let column = Column::Bytes((-128..=127).collect());
        let words = column.reduced();
        for (row, v) in (-128i32..=127).enumerate() {
            assert_eq!(column.get(row), BaseField::from(v));
            assert_eq!(words.data[row / N_LANES].to_array()[row % N_LANES], BaseField::from(v));
            assert!(column.get(row).0 < P);
        }
    }
}
