//! Columns in memory, opened on the CPU.
//!
//! stwo's prover reads the extension of every column three times. With one linear component all three are linear in
//! the columns (DESIGN 5.10): `V`, the samples and the quotients are taken from trace rows, which are fewer and stored in
//! fewer bytes, each with one pass of integer arithmetic. Extensions are read at the queries only.

use rayon::prelude::*;
use stwo::core::channel::{Channel, MerkleChannel};
use stwo::core::circle::CirclePoint;
use stwo::core::fri::FriLayerProof;
use stwo::core::proof_of_work::GrindOps;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;
use stwo::prover::fri::FriProver;
use stwo::prover::poly::circle::CircleCoefficients;
use tracing::{info_span, instrument};

use super::column::Cells;
use super::columns::{Batch, Columns, Samples};
use super::commit::{merkle, CommittedTree, Hashes};
use super::context::ProverContext;
use super::groups::Groups;
use super::kernels::inner_products;
use super::open::ProveError;
use super::sums::{self, TraceColumns};
use super::{composition, quotients, weights};
use crate::pcs::component::MleEval;
use crate::pcs::proof::{FriLayer, OpeningProof};
use crate::pcs::statement::Group;
use crate::pcs::{F, H};

/// Trees in memory while they are opened.
pub(super) struct InMemory<'a> {
    ctx: &'a ProverContext,
    trees: &'a [&'a CommittedTree],
    groups: Groups,
    /// Once the sumcheck is done, until the composition is committed to.
    columns: Option<TraceColumns>,
    /// The prefix sums on the trace domain.
    sums: Vec<BaseColumn>,
    halves: Vec<CircleCoefficients<SimdBackend>>,
    /// Prefix sums, then the composition's halves.
    own: Vec<Own>,
}

/// Columns that the opening itself commits to.
struct Own {
    extended: Vec<BaseColumn>,
    hashes: Hashes,
}

impl<'a> InMemory<'a> {
    pub fn new(ctx: &'a ProverContext, trees: &'a [&'a CommittedTree]) -> Self {
        let groups = Groups::default();
        Self { ctx, trees, groups, columns: None, sums: vec![], halves: vec![], own: vec![] }
    }

    fn commit(&mut self, extended: Vec<BaseColumn>) -> Blake2sHash {
        let hashes = merkle(self.ctx, &extended);
        let root = hashes.root();
        self.own.push(Own { extended, hashes });
        root
    }
}

impl<M> Columns<M> for InMemory<'_>
where
    M: MerkleChannel<H = H>,
    SimdBackend: BackendForChannel<M>,
{
    fn n_columns(&self) -> Vec<usize> {
        self.trees.iter().map(|tree| tree.n_columns()).collect()
    }

    fn roots(&self) -> Vec<Blake2sHash> {
        self.trees.iter().map(|tree| tree.root()).collect()
    }

    fn start(&mut self, groups: &[Group]) -> Result<(), ProveError> {
        self.groups = Groups::new(groups, self.trees);
        Ok(())
    }

    fn round(&mut self) -> Result<[F; 2], ProveError> {
        Ok(self.groups.round(self.trees))
    }

    fn bind(&mut self, r: F) -> Result<(), ProveError> {
        self.groups.bind(r);
        Ok(())
    }

    fn sums(&mut self, claim: &MleEval) -> Result<F, ProveError> {
        let columns = self.columns.insert(sums::columns(claim, self.trees));
        Ok(columns.excess)
    }

    fn commit_sums(&mut self) -> Result<Blake2sHash, ProveError> {
        let columns = self.columns.as_mut().expect("the sums are there");
        self.sums = std::mem::take(&mut columns.sums);
        let extended = self.sums.par_iter().map(|c| self.ctx.extend(c.clone())).collect();
        Ok(self.commit(extended))
    }

    fn commit_composition(&mut self, claim: &MleEval) -> Result<Blake2sHash, ProveError> {
        let TraceColumns { v, e, .. } = self.columns.take().expect("the sums are there");
        let sums = &self.own[0].extended;
        self.halves = composition::halves(self.ctx, claim, [v, e], std::array::from_fn(|k| &sums[k]));
        let extended = self.halves.par_iter().map(|half| self.ctx.evaluate(half)).collect();
        Ok(self.commit(extended))
    }

    #[instrument(skip_all)]
    fn sample(&mut self, previous: CirclePoint<F>, z: CirclePoint<F>) -> Result<Samples, ProveError> {
        let twiddles = &self.ctx.inverse_twiddles;
        let sums: Vec<_> = self.sums.iter().map(|column| Cells::Words(&column.data)).collect();
        let given = self.trees.iter().flat_map(|tree| &tree.columns).map(|column| column.cells());
        let all: Vec<_> = given.chain(sums.iter().copied()).collect();
        let mut values = inner_products(&all, &weights::at(twiddles, z)).into_iter();
        let columns =
            self.trees.iter().map(|tree| values.by_ref().take(tree.n_columns()).collect()).collect();
        let previous = inner_products(&sums, &weights::at(twiddles, previous));
        let current: Vec<F> = values.collect();
        Ok(Samples {
            columns,
            sums: std::array::from_fn(|i| [previous[i], current[i]]),
            composition: std::array::from_fn(|i| self.halves[i].eval_at_point(z)),
        })
    }

    fn answer(
        &mut self,
        channel: &mut M::C,
        batches: &[Batch],
        proof: &mut OpeningProof,
    ) -> Result<(), ProveError> {
        let (ctx, config) = (self.ctx, self.ctx.params.config());
        let own: Vec<&BaseColumn> = self.own.iter().flat_map(|own| &own.extended).collect();
        let quotients = quotients::combine(ctx, self.trees, &own, batches);
        let fri = FriProver::<SimdBackend, M>::commit(channel, config.fri_config, &quotients, &ctx.twiddles);
        proof.nonce = info_span!("grind").in_scope(|| SimdBackend::grind(channel, config.pow_bits));
        channel.mix_u64(proof.nonce);

        let _span = info_span!("decommit").entered();
        let decommitted = fri.decommit(channel);
        let queries = &decommitted.query_positions;
        for tree in self.trees {
            let rows = tree.extension.rows(queries).map_err(|e| ProveError::Extension(e.to_string()))?;
            proof.queried.push(rows);
            proof.paths.push(tree.hashes.decommit(queries, vec![]).1.decommitment.hash_witness);
        }
        for Own { extended, hashes } in self.own.drain(..) {
            let (queried, path) = hashes.decommit(queries, extended.iter().collect());
            proof.queried.push(queried);
            proof.paths.push(path.decommitment.hash_witness);
            extended.into_iter().for_each(|column| ctx.recycle(column));
        }
        let fri = decommitted.fri_proof.proof;
        proof.fri_layers = std::iter::once(fri.first_layer).chain(fri.inner_layers).map(fri_layer).collect();
        proof.last_layer = fri.last_layer_poly.to_vec();
        Ok(())
    }
}

fn fri_layer(layer: FriLayerProof<H>) -> FriLayer {
    FriLayer { root: layer.commitment, witness: layer.fri_witness, path: layer.decommitment.hash_witness }
}
