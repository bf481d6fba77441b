//! A run whose cells and trees are in memory.

use super::columns::columns;
use super::lookups::{table_blocks, LookupColumns};
use super::{CommittedWeights, Prover, Run, Witness};
use crate::cells::Cells;
use crate::claims::PublicValues;
use crate::einsum::{self, EinsumPoint, EinsumProof};
use crate::field::{BaseField, F};
use crate::gkr::{self, GkrClaims, GkrProof};
use crate::pcs::{commit, prove_opening_on, CommittedTree, Group, OpeningProof};
use crate::protocol::{Fingerprint, ProveError};
use crate::transcript::Transcript;
use rayon::prelude::*;
use stwo::core::channel::MerkleChannel;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sMerkleHasher;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;
use zkml_ir::layout::Tree;
use zkml_ir::plan::{Plan, Source, TensorDecl};

/// Cells of all tensors, and the trees over what a run commits to.
pub(super) struct InMemory<'a> {
    prover: &'a Prover,
    weights: &'a CommittedWeights,
    public: &'a PublicValues,
    own: Vec<Option<Cells>>,
    multiplicities: Vec<Vec<u32>>,
    private: Option<CommittedTree>,
    trace: CommittedTree,
}

impl<'a> InMemory<'a> {
    pub fn new(
        prover: &'a Prover,
        weights: &'a CommittedWeights,
        public: &'a PublicValues,
        witness: Witness,
    ) -> Result<Self, ProveError> {
        let _span = tracing::info_span!("commit").entered();
        let (system, context) = (&prover.system, &prover.context);
        let (plan, layout) = (system.plan(), system.layout());
        let Witness { tensors, multiplicities } = witness;
        let own = run_cells(plan, tensors);
        let (private, trace) = {
            let cells = cells(prover, weights, public, &own);
            let private = match system.has_private() {
                true => Some(commit(columns(layout, Tree::Private, &cells, &[]), context)?),
                false => None,
            };
            (private, commit(columns(layout, Tree::Trace, &cells, &multiplicities), context)?)
        };
        Ok(Self { prover, weights, public, own, multiplicities, private, trace })
    }
}

/// The cells of a witness's tensors.
pub fn run_cells(plan: &Plan, tensors: Vec<Option<Vec<i32>>>) -> Vec<Option<Cells>> {
    let cells = |(v, t): (Option<Vec<i32>>, &TensorDecl)| v.map(|v| Cells::from_row_major(&t.axes, &v));
    tensors.into_par_iter().zip(&plan.tensors).map(cells).collect()
}

/// The cells of every tensor.
fn cells<'c>(
    prover: &'c Prover,
    weights: &'c CommittedWeights,
    public: &'c PublicValues,
    own: &'c [Option<Cells>],
) -> impl Fn(usize) -> &'c Cells + Sync {
    let tensors = &prover.system.plan().tensors;
    move |t| match tensors[t].source {
        Source::Weight(i) => &weights.cells[i],
        _ => own[t].as_ref().or(public.get(t)).expect("every tensor has values"),
    }
}

impl<M> Run<M> for InMemory<'_>
where
    M: MerkleChannel<C: Send, H = Blake2sMerkleHasher>,
    SimdBackend: BackendForChannel<M>,
{
    fn roots(&self) -> (Option<Blake2sHash>, Blake2sHash) {
        (self.private.as_ref().map(CommittedTree::root), self.trace.root())
    }

    fn look_up(
        &mut self,
        t: &mut Transcript<M::C>,
        prints: &Fingerprint,
    ) -> Result<(GkrProof, GkrClaims), ProveError> {
        let plan = self.prover.system.plan();
        let cells = cells(self.prover, self.weights, self.public, &self.own);
        let columns = tracing::info_span!("entries").in_scope(|| LookupColumns::new(plan, cells));
        let words = |m: &Vec<u32>| m.iter().map(|&v| BaseField::from(v)).collect();
        let multiplicities: Vec<Vec<BaseField>> = self.multiplicities.iter().map(words).collect();
        let blocks = columns.blocks(plan, prints);
        let tables = table_blocks(&self.prover.system, prints, &multiplicities);
        Ok(gkr::prove(t, &blocks, &tables)?)
    }

    fn multiply(&mut self, t: &mut Transcript<M::C>) -> Result<(EinsumProof, EinsumPoint), ProveError> {
        let cells = cells(self.prover, self.weights, self.public, &self.own);
        Ok(einsum::prove(t, self.prover.system.plan(), cells))
    }

    fn open(
        &mut self,
        t: &mut Transcript<M::C>,
        groups: &[Group],
        claim: F,
    ) -> Result<OpeningProof, ProveError> {
        let trees = [Some(&*self.weights.tree), self.private.as_ref(), Some(&self.trace)];
        let trees: Vec<&CommittedTree> = trees.into_iter().flatten().collect();
        Ok(prove_opening_on::<M>(t, &self.prover.context, &trees, groups, claim)?)
    }
}
