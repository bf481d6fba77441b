//! Linear combinations of base-field columns with extension-field weights, the bulk of an opening's arithmetic.
//!
//! Products of two 31-bit words are summed as 64-bit words, four to a reduction. Even and odd lanes of a packed
//! vector are multiplied apart, since that is how the hardware widens.

use std::simd::{Simd, ToBytes};

use num_traits::Zero;
use rayon::prelude::*;
use stwo::core::fields::m31::{BaseField, P};
use stwo::prover::backend::simd::m31::{PackedBaseField, N_LANES};
use stwo::prover::backend::simd::qm31::PackedSecureField;

use super::column::{Bytes, Cells, Packed};
use crate::pcs::F;

type Wide = Simd<u64, 8>;

const LOW: Wide = Wide::from_array([0xffff_ffff; 8]);
const MODULUS: Wide = Wide::from_array([P as u64; 8]);

/// Packed vectors summed at a time: their accumulators stay in the first-level cache.
const BLOCK: usize = 32;

/// Packed vectors of a column taken at a time for an inner product: the weights stay in the first-level cache.
const RUN: usize = 32;

/// Products whose sum, added to a partly reduced word, stays below 2^64: 4 (2^31 - 1)^2 + 2^34.
const BURST: usize = 4;

#[inline(always)]
fn widen(x: PackedBaseField) -> [Wide; 2] {
    let words = Wide::from_ne_bytes(x.into_simd().to_ne_bytes());
    [words & LOW, words >> 32]
}

/// The product of the low halves.
#[inline(always)]
fn product(a: Wide, b: Wide) -> Wide {
    (a & LOW) * (b & LOW)
}

/// Below 2^64 to below 2^34, equal modulo p = 2^31 - 1.
#[inline(always)]
fn reduce_partly(x: Wide) -> Wide {
    (x & MODULUS) + (x >> 31)
}

/// Sixteen sums in the extension field: per coordinate, even and odd lanes.
#[derive(Clone, Copy)]
struct Sums([[Wide; 2]; 4]);

impl Sums {
    const ZERO: Self = Self([[Wide::from_array([0; 8]); 2]; 4]);

    #[inline(always)]
    fn add(&mut self, [even, odd]: [Wide; 2], weight: &[[Wide; 2]; 4]) {
        for (sum, weight) in self.0.iter_mut().zip(weight) {
            sum[0] += product(even, weight[0]);
            sum[1] += product(odd, weight[1]);
        }
    }

    #[inline(always)]
    fn reduce(&mut self) {
        self.0.iter_mut().flatten().for_each(|sum| *sum = reduce_partly(*sum));
    }

    /// Partly reduced sums to packed elements.
    #[inline(always)]
    fn pack(self) -> PackedSecureField {
        PackedSecureField::from_packed_m31s(self.0.map(|lanes| {
            // Below 2^34 to at most p + 8, which fits a word and two conditional subtractions.
            let [even, odd] = lanes.map(reduce_partly);
            let words = even | odd << 32;
            PackedBaseField::reduce_simd(Simd::from_ne_bytes(words.to_ne_bytes()))
        }))
    }

    /// The sum of all lanes of partly reduced sums.
    #[inline(always)]
    fn total(self) -> F {
        F::from_m31_array(self.0.map(|[even, odd]| {
            // Sixteen words below 2^34.
            BaseField::reduce((even + odd).to_array().into_iter().sum())
        }))
    }
}

fn broadcast(weight: F) -> [[Wide; 2]; 4] {
    weight.to_m31_array().map(|word| [Wide::splat(u64::from(word.0)); 2])
}

/// A run of cells and its weight.
#[derive(Clone, Copy)]
pub(super) struct Weighted<'a> {
    pub cells: Cells<'a>,
    pub weight: F,
}

/// The terms by how their cells are stored.
#[derive(Default)]
struct Terms<'a> {
    words: Vec<(&'a [PackedBaseField], F)>,
    bytes: Vec<(&'a [Bytes], F)>,
}

impl<'a> Terms<'a> {
    fn new(terms: &[Weighted<'a>]) -> Self {
        let mut this = Self::default();
        for term in terms {
            match term.cells {
                Cells::Words(cells) => this.words.push((cells, term.weight)),
                Cells::Bytes(cells) => this.bytes.push((cells, term.weight)),
            }
        }
        this
    }
}

/// `sum over terms of weight * cells`, element by element.
pub(super) fn weighted_sum(n_packed: usize, terms: &[Weighted<'_>]) -> Vec<PackedSecureField> {
    let terms = &Terms::new(terms);
    let mut out = vec![PackedSecureField::zero(); n_packed];
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(i, out)| weighted_sum_block(i * BLOCK, terms, out));
    out
}

fn weighted_sum_block(start: usize, terms: &Terms<'_>, out: &mut [PackedSecureField]) {
    let mut sums = [Sums::ZERO; BLOCK];
    let sums = &mut sums[..out.len()];
    add_all(start, &terms.words, sums);
    add_all(start, &terms.bytes, sums);
    out.iter_mut().zip(sums).for_each(|(out, sums)| *out = sums.pack());
}

fn add_all<T: Packed>(start: usize, terms: &[(&[T], F)], sums: &mut [Sums]) {
    let (bursts, rest) = terms.as_chunks::<BURST>();
    for burst in bursts {
        add_terms(sums, burst.map(|t| &t.0[start..]), burst.map(|t| broadcast(t.1)));
    }
    for term in rest {
        add_terms(sums, [&term.0[start..]], [broadcast(term.1)]);
    }
}

#[inline(always)]
fn add_terms<T: Packed, const N: usize>(sums: &mut [Sums], cells: [&[T]; N], weights: [[[Wide; 2]; 4]; N]) {
    let cells = cells.map(|cells| &cells[..sums.len()]);
    for (i, sums) in sums.iter_mut().enumerate() {
        for k in 0..N {
            sums.add(widen(cells[k][i].packed()), &weights[k]);
        }
        sums.reduce();
    }
}

/// Weights of the low bits of a row, laid out for [`fold`].
pub(super) struct FoldWeights(Vec<[[Wide; 2]; 4]>);

impl FoldWeights {
    pub fn new(weights: &[PackedSecureField]) -> Self {
        Self(weights.iter().map(|w| w.into_packed_m31s().map(widen)).collect())
    }
}

/// `sum over lo of weights[lo] * cells[hi, lo]` for every `hi`.
pub(super) fn fold(cells: Cells<'_>, weights: &FoldWeights) -> Vec<F> {
    let n = weights.0.len();
    match cells {
        Cells::Words(cells) => cells.chunks_exact(n).map(|run| fold_run(run, weights)).collect(),
        Cells::Bytes(cells) => cells.chunks_exact(n).map(|run| fold_run(run, weights)).collect(),
    }
}

#[inline(always)]
fn fold_run<T: Packed>(run: &[T], weights: &FoldWeights) -> F {
    let mut sums = Sums::ZERO;
    for (cells, weights) in run.chunks(BURST).zip(weights.0.chunks(BURST)) {
        for (&x, w) in cells.iter().zip(weights) {
            sums.add(widen(x.packed()), w);
        }
        sums.reduce();
    }
    sums.total()
}

/// `sum_i weights[i] * column[i]` for every column.
pub(super) fn inner_products(columns: &[Cells<'_>], weights: &[PackedSecureField]) -> Vec<F> {
    let zeros = || vec![F::zero(); columns.len()];
    weights
        .par_chunks(RUN)
        .enumerate()
        .map(|(i, weights)| {
            let run = i * RUN..i * RUN + weights.len();
            let weights = FoldWeights::new(weights);
            let product = |column: &Cells<'_>| match column {
                Cells::Words(cells) => fold_run(&cells[run.clone()], &weights),
                Cells::Bytes(cells) => fold_run(&cells[run.clone()], &weights),
            };
            columns.iter().map(product).collect::<Vec<F>>()
        })
        .reduce(zeros, |a, b| a.into_iter().zip(b).map(|(a, b)| a + b).collect())
}

/// The number of packed vectors of `2^log_len` elements.
pub(super) const fn packed_len(log_len: usize) -> usize {
    (1 << log_len) / N_LANES
}

#[cfg(test)]
mod tests {
    use stwo::prover::backend::simd::column::BaseColumn;

    use super::*;
    use crate::transcript::Transcript;

    // The largest words, zero in both of its forms, and ordinary ones.
    fn columns(n: usize, len: usize) -> Vec<BaseColumn> {
        let word = |i: usize| match i % 5 {
            0 => P - 1,
            1 => 0,
            2 => P,
            _ => (i as u32).wrapping_mul(2654435761) >> 1,
        };
        let pack = |c: usize, i: usize| {
            PackedBaseField::from_array(std::array::from_fn(|j| {
                BaseField::from_u32_unchecked(word(c * 7 + i * N_LANES + j).min(P))
            }))
        };
        let column = |c| BaseColumn { data: (0..len / N_LANES).map(|i| pack(c, i)).collect(), length: len };
        (0..n).map(column).collect()
    }

    fn weights(n: usize) -> Vec<F> {
        let mut weights = Transcript::default().draw_many(n);
        weights[0] = F::from_u32_unchecked(P - 1, P - 1, P - 1, P - 1);
        weights
    }

    fn cell(column: &BaseColumn, i: usize) -> F {
        F::from(column.data[i / N_LANES].to_array()[i % N_LANES])
    }

    #[test]
    fn weighted_sums_are_sums() {
        let len = 37 * N_LANES;
        for n in [1, 3, 4, 9] {
            let (columns, weights) = (columns(n, len), weights(n));
            let terms: Vec<Weighted<'_>> = columns
                .iter()
                .zip(&weights)
                .map(|(c, &weight)| Weighted { cells: Cells::Words(&c.data), weight })
                .collect();
            let got = weighted_sum(len / N_LANES, &terms);
            for i in 0..len {
                let expected: F = columns.iter().zip(&weights).map(|(c, &w)| w * cell(c, i)).sum();
                assert_eq!(got[i / N_LANES].to_array()[i % N_LANES], expected);
            }
        }
    }

    #[test]
    fn folds_are_inner_products() {
        for log in [4, 5, 6, 8] {
            let (column, weights) = (&columns(1, 1 << 10)[0], weights(1 << log));
            let packed: Vec<PackedSecureField> = weights
                .chunks(N_LANES)
                .map(|w| PackedSecureField::from_array(w.try_into().unwrap()))
                .collect();
            let got = fold(Cells::Words(&column.data), &FoldWeights::new(&packed));
            for (hi, got) in got.into_iter().enumerate() {
                let expected: F = (0..1 << log).map(|lo| weights[lo] * cell(column, hi << log | lo)).sum();
                assert_eq!(got, expected);
            }
        }
    }

    #[test]
    fn bytes_are_summed_like_words() {
        use crate::pcs::prover::column::Column;
        let bytes =
            |c: usize| Column::Bytes((0..64 * N_LANES).map(|i| (i * 37 + c * 101 + i / 7) as i8).collect());
        let (bytes, words): (Vec<Column>, Vec<Column>) =
            (0..9).map(|c| (bytes(c), Column::Words(bytes(c).reduced()))).unzip();
        let weights = weights(9);
        let all = |columns: &[Column]| {
            let terms: Vec<Weighted<'_>> = columns
                .iter()
                .zip(&weights)
                .map(|(c, &weight)| Weighted { cells: c.cells(), weight })
                .collect();
            let sums: Vec<[F; N_LANES]> =
                weighted_sum(64, &terms).into_iter().map(|s| s.to_array()).collect();
            let cells: Vec<Cells<'_>> = columns.iter().map(Column::cells).collect();
            let packed: Vec<PackedSecureField> =
                (0..64).map(|i| PackedSecureField::broadcast(weights[i % 9])).collect();
            (sums, inner_products(&cells, &packed), fold(cells[3], &FoldWeights::new(&packed[..16])))
        };
        assert_eq!(all(&bytes), all(&words));
    }
}
