//! Openings end to end.

mod honest;
mod hostile;
mod mutations;
mod reference;
mod stwo_verify;

use stwo::core::fields::m31::{BaseField, P};
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::Column;

use super::*;
use crate::security::SecurityLevel;
use crate::transcript::{Tag, Transcript};

/// SplitMix64: enough for tests.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn base(&mut self) -> BaseField {
        BaseField::from_u32_unchecked((self.next() % u64::from(P)) as u32)
    }

    fn felt(&mut self) -> F {
        F::from_m31_array(std::array::from_fn(|_| self.base()))
    }

    fn columns(&mut self, n: usize, log_rows: u32) -> Vec<BaseColumn> {
        (0..n).map(|_| (0..1 << log_rows).map(|_| self.base()).collect()).collect()
    }
}

/// Committed trees and claims on them.
struct Fixture {
    params: Params,
    ctx: ProverContext,
    trees: Vec<CommittedTree>,
    groups: Vec<Group>,
    claim: F,
}

impl Fixture {
    fn new(seed: u64, level: SecurityLevel, log_rows: u32, n_columns: &[usize], n_groups: usize) -> Self {
        let rng = &mut Rng(seed);
        let params = Params { log_rows, level };
        let ctx = ProverContext::new(params).unwrap();
        let trees: Vec<CommittedTree> =
            n_columns.iter().map(|&n| commit(rng.columns(n, log_rows), &ctx).unwrap()).collect();
        let groups: Vec<Group> = (0..n_groups).map(|_| group(rng, log_rows as usize, n_columns)).collect();
        let claim = naive(&trees, &groups);
        Self { params, ctx, trees, groups, claim }
    }

    /// Two trees, so small that thousands of verifications are cheap.
    fn small() -> Self {
        Self::new(1, SecurityLevel::Conjectured96, 7, &[3, 2], 4)
    }

    fn roots(&self) -> Vec<Blake2sHash> {
        self.trees.iter().map(CommittedTree::root).collect()
    }

    fn n_columns(&self) -> Vec<usize> {
        self.trees.iter().map(CommittedTree::n_columns).collect()
    }

    /// As a caller would leave it: the roots are in.
    fn transcript(&self) -> Transcript {
        let mut t = Transcript::default();
        self.roots().iter().for_each(|root| t.absorb_hash(Tag::Root, root));
        t
    }

    fn prove(&self) -> OpeningProof {
        let trees: Vec<&CommittedTree> = self.trees.iter().collect();
        prove_opening(&mut self.transcript(), &self.ctx, &trees, &self.groups, self.claim).unwrap()
    }

    fn verify(&self, proof: &OpeningProof) -> Result<(), OpeningError> {
        self.verify_claim(&self.groups, self.claim, proof)
    }

    fn verify_claim(&self, groups: &[Group], claim: F, proof: &OpeningProof) -> Result<(), OpeningError> {
        let (roots, n_columns) = (self.roots(), self.n_columns());
        verify_opening(&mut self.transcript(), &self.params, &roots, &n_columns, groups, claim, proof)
    }
}

fn group(rng: &mut Rng, log_rows: usize, n_columns: &[usize]) -> Group {
    let t = rng.below(log_rows + 1);
    let half = F::from(BaseField::from(1 << 30));
    let point = (0..t)
        .map(|_| match rng.below(8) {
            0 => F::from(BaseField::from(0)),
            1 => F::from(BaseField::from(1)),
            2 => half,
            _ => rng.felt(),
        })
        .collect();
    let terms = (0..1 + rng.below(6))
        .map(|_| {
            let tree = rng.below(n_columns.len());
            let (column, slot) = (rng.below(n_columns[tree]), rng.below(1 << (log_rows - t)));
            Term { tree, column, slot, weight: rng.felt() }
        })
        .collect();
    Group { point, terms }
}

/// The claim by its definition.
fn naive(trees: &[CommittedTree], groups: &[Group]) -> F {
    let mut sum = F::from(BaseField::from(0));
    for Group { point, terms } in groups {
        for term in terms {
            let column = trees[term.tree].columns()[term.column].to_field();
            for lo in 0..1usize << point.len() {
                let cell = column[term.slot << point.len() | lo];
                sum += term.weight * eq::at_index(point, lo) * cell;
            }
        }
    }
    sum
}
