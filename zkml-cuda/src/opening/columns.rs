//! Columns on the device, opened: [`zkml_runtime::pcs`] runs the protocol over them.

use super::fri::Fri;
use super::reduction::Reduction;
use super::{
    eq_table, from_coordinates, grind, inner_products, out_of_domain_weights, prefix_sums, quotient,
    sample_quotients, steps, tensor, to_coordinates, weighted_sum, Samples as OnDevice,
};
use crate::commit::{evaluate, interpolate, Committed, Committer};
use crate::felt::Felt;
use crate::{gather, Column, CudaError, Device};
use cudarc::driver::{CudaSlice, CudaView};
use num_traits::Zero;
use std::collections::BTreeSet;
use stwo::core::channel::{Blake2sChannel, Channel};
use stwo::core::circle::CirclePoint;
use stwo::core::queries::draw_queries;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sMerkleChannel;
use zkml_runtime::field::F;
use zkml_runtime::pcs::{
    layer_coordinates, Batch, Columns, Group, MleEval, OpeningProof, ProveError, Samples,
};

/// Trees on the device while they are opened.
pub struct DeviceColumns<'a> {
    device: &'a Device,
    committer: &'a Committer,
    trees: &'a [&'a Committed],
    reduction: Option<Reduction<'a>>,
    /// V and E on the trace rows, by coordinates.
    claimed: Option<[CudaSlice<u32>; 2]>,
    /// The prefix sums, by coordinates; their columns until they are committed to.
    sums: Option<CudaSlice<u32>>,
    /// Prefix sums, and the halves of the composition with their coefficients for columns.
    own: Vec<Committed>,
}

impl<'a> DeviceColumns<'a> {
    pub fn new(device: &'a Device, committer: &'a Committer, trees: &'a [&'a Committed]) -> Self {
        Self { device, committer, trees, reduction: None, claimed: None, sums: None, own: vec![] }
    }

    fn rows(&self) -> usize {
        1 << self.committer.params().log_rows
    }

    /// The columns of all trees, counted through.
    fn given(&self) -> Vec<CudaView<'a, u32>> {
        self.trees.iter().flat_map(|tree| columns(&tree.columns, self.rows())).collect()
    }

    fn reduction(&mut self) -> &mut Reduction<'a> {
        self.reduction.as_mut().expect("the sumcheck has begun")
    }

    fn compute_sums(&mut self, claim: &MleEval) -> Result<F, CudaError> {
        self.reduction = None;
        let device = self.device;
        let given = self.given();
        let weights = claim.coefficients.iter().flatten();
        let terms: Vec<(F, Column<'_>)> =
            weights.zip(&given).filter(|(w, _)| !w.is_zero()).map(|(&w, c)| (w, Column::Words(c))).collect();
        let v = weighted_sum(device, &terms, self.rows())?;
        let e = eq_table(device, &claim.index_point())?;
        let mean = claim.value * claim.rows_inverse();
        let sums = prefix_sums(device, &steps(device, &v, &e, mean)?)?;
        self.claimed = Some([to_coordinates(device, &v)?, to_coordinates(device, &e)?]);
        self.sums = Some(to_coordinates(device, &sums)?);
        // The last element of the coset is the conjugate of its first, and lies beside it.
        let last = sums.slice(1..2);
        let last: Vec<Felt> = device.download_view(&last)?;
        Ok(last[0].into())
    }

    fn extend_sums(&mut self) -> Result<Blake2sHash, CudaError> {
        let sums = self.sums.take().expect("the sums are there");
        let extension = self.committer.transform.extend(self.device, &sums, 4)?;
        self.commit(sums, extension)
    }

    fn commit(
        &mut self,
        columns: CudaSlice<u32>,
        extension: CudaSlice<u32>,
    ) -> Result<Blake2sHash, CudaError> {
        let committed = self.committer.committed(self.device, columns, extension)?;
        let root = committed.root;
        self.own.push(committed);
        Ok(root)
    }

    /// The halves of the constraint's quotient: coefficients, column after column, and their extension.
    fn compose(&mut self, claim: &MleEval) -> Result<Blake2sHash, CudaError> {
        let (device, committer) = (self.device, self.committer);
        let (domains, params) = (&committer.domains, committer.params());
        let [v, e] = self.claimed.take().expect("the sums are there");
        let extend = |columns| committer.transform.extend(device, columns, 4);
        let (v, e, s) = (extend(&v)?, extend(&e)?, &self.own[0].extension);
        let log_n = params.log_rows + 1;
        let mean = claim.value * claim.rows_inverse();
        let values = quotient(device, [s, &v, &e], log_n, mean, domains.vanishing)?;
        let coefficients = to_coordinates(device, &values)?;
        interpolate(device, &coefficients, &domains.composition, log_n)?;
        // Four coordinates of low halves, then of high ones.
        let n = self.rows();
        // SAFETY: the copies write all of it.
        let mut halves = unsafe { device.alloc::<u32>("halves of the composition", 8 * n) }?;
        for k in 0..4 {
            for half in 0..2 {
                let (from, to) = ((2 * k + half) * n, (4 * half + k) * n);
                device.copy(&coefficients.slice(from..from + n), &mut halves.slice_mut(to..to + n))?;
            }
        }
        let logs = [params.log_rows, params.log_domain()];
        let extension = evaluate(device, &halves, &committer.transform.forward, logs)?;
        self.commit(halves, extension)
    }

    fn sample_all(&self, previous: CirclePoint<F>, z: CirclePoint<F>) -> Result<Samples, CudaError> {
        let (device, rows) = (self.device, self.rows());
        let inverse = &self.committer.transform.inverse;
        let sums = || columns(&self.own[0].columns, rows);
        let all: Vec<CudaView<'_, u32>> = self.given().into_iter().chain(sums()).collect();
        let at_z = out_of_domain_weights(device, inverse, z)?;
        let mut values = inner_products(device, &words(&all), &at_z)?.into_iter();
        let by_tree = |tree: &&Committed| values.by_ref().take(tree.columns.len() / rows).collect();
        let by_tree: Vec<Vec<F>> = self.trees.iter().map(by_tree).collect();
        let current: Vec<F> = values.collect();
        let before = out_of_domain_weights(device, inverse, previous)?;
        let before = inner_products(device, &words(&sums()), &before)?;
        // Coefficient i counts the product of the layers' coordinates at the bits of i.
        let basis = tensor(device, &layer_coordinates(z, rows.ilog2() as usize))?;
        let halves = columns(&self.own[1].columns, rows);
        let composition = inner_products(device, &words(&halves), &basis)?;
        Ok(Samples {
            columns: by_tree,
            sums: std::array::from_fn(|i| [before[i], current[i]]),
            composition: std::array::from_fn(|i| composition[i]),
        })
    }

    /// The sum of all quotients on the evaluation domain.
    fn combine(&self, batches: &[Batch]) -> Result<CudaSlice<Felt>, CudaError> {
        let (device, committer, rows) = (self.device, self.committer, self.rows());
        let (domains, params) = (&committer.domains, committer.params());
        let given = self.given();
        let domain = rows << params.level.log_blowup();
        let own: Vec<CudaView<'_, u32>> = self
            .own
            .iter()
            .flat_map(|own| columns(&own.extension, domain))
            .map(|c| c.slice(..rows))
            .collect();
        let pick = |all: &'_ [CudaView<'_, u32>], terms: &[(usize, F)]| {
            let terms: Vec<(F, Column<'_>)> =
                terms.iter().map(|&(i, w)| (w, Column::Words(&all[i]))).collect();
            weighted_sum(device, &terms, rows)
        };
        let mut samples = vec![];
        for batch in batches {
            let given = match batch.given.is_empty() {
                true => None,
                false => {
                    let sum = to_coordinates(device, &pick(&given, &batch.given)?)?;
                    Some(committer.transform.extend(device, &sum, 4)?)
                }
            };
            let own = pick(&own, &batch.own)?;
            samples.push(OnDevice { own, given, a: batch.a, b: batch.b, point: batch.point });
        }
        let values = sample_quotients(device, &samples, &domains.points)?;
        let coefficients = to_coordinates(device, &values)?;
        interpolate(device, &coefficients, &domains.rows, params.log_rows)?;
        let logs = [params.log_rows, params.log_domain()];
        let extension = evaluate(device, &coefficients, &committer.transform.forward, logs)?;
        from_coordinates(device, &extension)
    }

    fn answer_queries(
        &mut self,
        channel: &mut Blake2sChannel,
        batches: &[Batch],
        proof: &mut OpeningProof,
    ) -> Result<(), CudaError> {
        let (device, params) = (self.device, self.committer.params());
        let config = params.config();
        let quotients = self.combine(batches)?;
        let fri = Fri::commit(device, channel, params, &self.committer.domains.all, quotients)?;
        proof.last_layer = fri.last_layer.clone();
        let span = tracing::info_span!("grind").entered();
        proof.nonce = grind(device, channel, config.pow_bits)?;
        channel.mix_u64(proof.nonce);
        drop(span);

        let _span = tracing::info_span!("decommit").entered();
        let drawn = draw_queries(channel, params.log_domain(), config.fri_config.n_queries);
        let queries: Vec<usize> = drawn.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let trees = || self.trees.iter().copied().chain(&self.own);
        for tree in trees() {
            proof.queried.push(gather::words(device, &tree.extension, 1 << params.log_domain(), &queries)?);
        }
        let paths: Vec<Vec<u64>> = trees().map(|tree| tree.tree.path(device, &queries)).collect();
        let layers = fri.answers(device, &queries);
        let all: Vec<u64> = paths.iter().chain(layers.iter().map(|l| &l.path)).flatten().copied().collect();
        // SAFETY: both are of what these trees and layers hold.
        let (hashes, elements) = unsafe {
            let witnesses: Vec<u64> = layers.iter().flat_map(|l| &l.witness).copied().collect();
            (gather::hashes(device, &all)?, gather::elements(device, &witnesses)?)
        };
        let (mut hashes, mut elements) = (hashes.into_iter().map(Blake2sHash::from), elements.into_iter());
        for path in &paths {
            proof.paths.push(hashes.by_ref().take(path.len()).collect());
        }
        for layer in layers {
            proof.fri_layers.push(zkml_runtime::pcs::FriLayer {
                root: layer.root,
                witness: elements.by_ref().take(layer.witness.len()).collect(),
                path: hashes.by_ref().take(layer.path.len()).collect(),
            });
        }
        Ok(())
    }
}

/// Columns of this many rows that lie one after the other.
fn columns(all: &CudaSlice<u32>, rows: usize) -> Vec<CudaView<'_, u32>> {
    (0..all.len() / rows).map(|c| all.slice(c * rows..(c + 1) * rows)).collect()
}

fn words<'a>(columns: &'a [CudaView<'a, u32>]) -> Vec<Column<'a>> {
    columns.iter().map(Column::Words).collect()
}

fn failed(e: CudaError) -> ProveError {
    ProveError::Device(e.to_string())
}

impl Columns<Blake2sMerkleChannel> for DeviceColumns<'_> {
    fn n_columns(&self) -> Vec<usize> {
        self.trees.iter().map(|tree| tree.columns.len() / self.rows()).collect()
    }

    fn roots(&self) -> Vec<Blake2sHash> {
        self.trees.iter().map(|tree| tree.root).collect()
    }

    fn start(&mut self, groups: &[Group]) -> Result<(), ProveError> {
        let log_rows = self.committer.params().log_rows as usize;
        let reduction = Reduction::new(self.device, self.trees, log_rows, groups).map_err(failed)?;
        self.reduction = Some(reduction);
        Ok(())
    }

    fn round(&mut self) -> Result<[F; 2], ProveError> {
        self.reduction().round().map_err(failed)
    }

    fn bind(&mut self, r: F) -> Result<(), ProveError> {
        self.reduction().bind(r).map_err(failed)
    }

    fn sums(&mut self, claim: &MleEval) -> Result<F, ProveError> {
        let _span = tracing::info_span!("sums").entered();
        self.compute_sums(claim).map_err(failed)
    }

    fn commit_sums(&mut self) -> Result<Blake2sHash, ProveError> {
        self.extend_sums().map_err(failed)
    }

    fn commit_composition(&mut self, claim: &MleEval) -> Result<Blake2sHash, ProveError> {
        let _span = tracing::info_span!("composition").entered();
        self.compose(claim).map_err(failed)
    }

    fn sample(&mut self, previous: CirclePoint<F>, z: CirclePoint<F>) -> Result<Samples, ProveError> {
        let _span = tracing::info_span!("sample").entered();
        self.sample_all(previous, z).map_err(failed)
    }

    fn answer(
        &mut self,
        channel: &mut Blake2sChannel,
        batches: &[Batch],
        proof: &mut OpeningProof,
    ) -> Result<(), ProveError> {
        let _span = tracing::info_span!("answer").entered();
        self.answer_queries(channel, batches, proof).map_err(failed)
    }
}
