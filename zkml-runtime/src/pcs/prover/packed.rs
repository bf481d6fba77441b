//! Vectors over the extension field: packed by sixteen while they are long, scalar once they are short.

use num_traits::Zero;
use rayon::prelude::*;
use stwo::prover::backend::simd::column::{BaseColumn, SecureColumn};
use stwo::prover::backend::simd::m31::{LOG_N_LANES, N_LANES};
use stwo::prover::backend::simd::qm31::PackedSecureField;

use crate::pcs::{eq, F};

const LOG_LANES: usize = LOG_N_LANES as usize;

/// Pairs of packed vectors that one task handles.
const TASK: usize = 256;

/// `eq(point, .)` for points of at least four coordinates.
pub(super) fn eq_table(point: &[F]) -> Vec<PackedSecureField> {
    let (first, rest) = point.split_at(LOG_LANES);
    let first = eq::table(first).try_into().expect("sixteen entries");
    let mut table = vec![PackedSecureField::zero(); 1 << rest.len()];
    table[0] = PackedSecureField::from_array(first);
    for (k, &coordinate) in rest.iter().enumerate() {
        let coordinate = PackedSecureField::broadcast(coordinate);
        for i in (0..1usize << k).rev() {
            let high = table[i] * coordinate;
            let low = table[i] - high;
            (table[2 * i], table[2 * i + 1]) = low.interleave(high);
        }
    }
    table
}

/// Coordinates of packed elements, each a column of its own.
pub(super) fn to_coordinates(data: Vec<PackedSecureField>) -> [BaseColumn; 4] {
    let length = data.len() * N_LANES;
    SecureColumn { data, length }.into_secure_column_by_coords().columns
}

/// A vector of a power-of-two length.
pub(super) enum Vector {
    /// At least two packed elements.
    Packed(Vec<PackedSecureField>),
    Scalar(Vec<F>),
}

impl Vector {
    pub fn from_packed(data: Vec<PackedSecureField>) -> Self {
        match data.as_slice() {
            [only] => Self::Scalar(only.to_array().to_vec()),
            _ => Self::Packed(data),
        }
    }

    /// `eq(point, .)`, of any number of coordinates.
    pub fn eq(point: &[F]) -> Self {
        if point.len() > LOG_LANES {
            Self::from_packed(eq_table(point))
        } else {
            Self::Scalar(eq::table(point))
        }
    }

    /// Neighbours `(a, b)` become `f(a, b)`.
    fn halve(
        self,
        packed: impl Fn(PackedSecureField, PackedSecureField) -> PackedSecureField + Sync,
        scalar: impl Fn(F, F) -> F,
    ) -> Self {
        match self {
            Self::Packed(data) => Self::from_packed(
                data.par_chunks(2)
                    .with_min_len(TASK)
                    .map(|pair| {
                        let (even, odd) = pair[0].deinterleave(pair[1]);
                        packed(even, odd)
                    })
                    .collect(),
            ),
            Self::Scalar(data) => {
                Self::Scalar(data.chunks_exact(2).map(|pair| scalar(pair[0], pair[1])).collect())
            }
        }
    }

    /// Binds the lowest variable: `a + r (b - a)`.
    pub fn bind(self, r: F) -> Self {
        let packed_r = PackedSecureField::broadcast(r);
        self.halve(|a, b| a + packed_r * (b - a), |a, b| a + r * (b - a))
    }

    /// Sums the lowest variable out: `a + b`.
    pub fn sum_out(self) -> Self {
        self.halve(|a, b| a + b, |a, b| a + b)
    }

    /// `sum_i weights[i] * self[2i]` and `sum_i weights[i] * self[2i + 1]`, with half as many weights.
    pub fn dot_pairs(&self, weights: &Self) -> [F; 2] {
        match (self, weights) {
            (Self::Packed(data), Self::Packed(weights)) => dot_packed(data, weights),
            (Self::Packed(data), Self::Scalar(weights)) => {
                let weights = weights.as_slice().try_into().expect("half of two packed elements");
                dot_packed(data, &[PackedSecureField::from_array(weights)])
            }
            (Self::Scalar(data), Self::Scalar(weights)) => data
                .chunks_exact(2)
                .zip(weights)
                .fold([F::zero(); 2], |[even, odd], (pair, &w)| [even + w * pair[0], odd + w * pair[1]]),
            (Self::Scalar(_), Self::Packed(_)) => unreachable!("weights are half as long"),
        }
    }
}

fn dot_packed(data: &[PackedSecureField], weights: &[PackedSecureField]) -> [F; 2] {
    let zero = || [PackedSecureField::zero(); 2];
    data.par_chunks(2 * TASK)
        .zip(weights.par_chunks(TASK))
        .map(|(data, weights)| {
            data.chunks_exact(2).zip(weights).fold(zero(), |[even, odd], (pair, &w)| {
                let (a, b) = pair[0].deinterleave(pair[1]);
                [even + w * a, odd + w * b]
            })
        })
        .reduce(zero, |a, b| [a[0] + b[0], a[1] + b[1]])
        .map(|sum| sum.to_array().into_iter().sum())
}
