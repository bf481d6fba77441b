//! FRI, as stwo's `FriProver` runs it, and the proof of work before its queries.

use super::KERNELS;
use crate::commit::{self, Hash, MerkleTree};
use crate::felt::Felt;
use crate::launch::{address, address_of, grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use num_traits::Zero;
use stwo::core::channel::{Blake2sChannel, Channel, MerkleChannel};
use stwo::core::circle::Coset;
use stwo::core::poly::line::{LineDomain, LinePoly};
use stwo::core::vcs::blake2_hash::{Blake2sHash, Blake2sHasher};
use stwo::core::vcs_lifted::blake2_merkle::Blake2sMerkleChannel;
use stwo::core::vcs_lifted::verifier::LOG_PACKED_LEAF_SIZE;
use stwo::prover::backend::CpuBackend;
use stwo::prover::line::LineEvaluation;
use zkml_runtime::field::F;
use zkml_runtime::pcs::Params;

/// Candidates of one launch: some tenths of a millisecond.
const WINDOW: u64 = 1 << 22;
/// Bits of a candidate that are the nonce's low word, as stwo's SIMD backend counts.
const LOW_BITS: u32 = 20;

/// Folds values on the domain of this layer once. Layer 0 is a circle domain's, layer k + 1 that of the line it leaves;
/// `inverse_twiddles` are those of the circle domain ([`zkml_runtime::pcs::inverse_twiddles`]).
pub fn fold(
    device: &Device,
    values: &CudaSlice<Felt>,
    inverse_twiddles: &CudaSlice<u32>,
    layer: usize,
    alpha: F,
) -> Result<CudaSlice<Felt>, CudaError> {
    let factors = super::layer(inverse_twiddles, layer);
    let n = factors.len();
    assert_eq!(values.len(), 2 * n, "values on the layer's domain");
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("a layer of FRI", n) }?;
    let args = Args::new().buffer(device, values).with(address_of(device, &factors)).with(Felt::from(alpha));
    // SAFETY: the kernel's arguments; twice as many values are read.
    unsafe { launch(device, KERNELS, "fri_fold", grid(n), args.buffer(device, &out).with(n as u64)) }?;
    Ok(out)
}

/// The least nonce, in the order of stwo's SIMD backend, that this channel takes for a proof of work of so many bits.
pub fn grind(device: &Device, channel: &Blake2sChannel, bits: u32) -> Result<u64, CudaError> {
    let digest = work_digest(channel, bits);
    let mut first = 0u64;
    loop {
        let best = device.upload("a nonce", &[u64::MAX])?;
        let args = Args::new().with(digest).with(first).with(WINDOW).with(bits).buffer(device, &best);
        // SAFETY: the kernel's arguments.
        unsafe { launch(device, commit::KERNELS, "grind", grid(WINDOW as usize), args) }?;
        match device.download(&best)?[0] {
            u64::MAX => first += WINDOW,
            c => return Ok((c >> LOW_BITS) << 32 | c & ((1 << LOW_BITS) - 1)),
        }
    }
}

/// What a nonce is hashed after: stwo's prefix, the channel's digest and the number of bits.
fn work_digest(channel: &Blake2sChannel, bits: u32) -> Hash {
    let mut hasher = Blake2sHasher::default();
    hasher.update(&Blake2sChannel::POW_PREFIX.to_le_bytes());
    hasher.update(&[0; 12]);
    hasher.update(&channel.digest().0);
    hasher.update(&u32::to_le_bytes(bits));
    let digest = hasher.finalize().0;
    let words = digest.as_chunks::<4>().0;
    Hash(std::array::from_fn(|i| u32::from_le_bytes(words[i])))
}

/// The layers of a run, committed to.
pub(super) struct Fri {
    layers: Vec<Layer>,
    pub last_layer: Vec<F>,
}

struct Layer {
    values: CudaSlice<Felt>,
    tree: MerkleTree,
    root: Blake2sHash,
    fold_step: u32,
    /// log2 of the values that share a leaf.
    log_leaf: u32,
}

/// What the queries ask a layer for: where it lies.
pub(super) struct Answer {
    pub root: Blake2sHash,
    /// Values that the verifier cannot compute.
    pub witness: Vec<u64>,
    /// Hashes that it cannot.
    pub path: Vec<u64>,
}

impl Fri {
    /// Commits to values on the evaluation domain and to what they fold to.
    ///
    /// # Panics
    /// If they are not of low degree.
    pub fn commit(
        device: &Device,
        channel: &mut Blake2sChannel,
        params: &Params,
        inverse_twiddles: &CudaSlice<u32>,
        values: CudaSlice<Felt>,
    ) -> Result<Self, CudaError> {
        let _span = tracing::info_span!("fri").entered();
        let (mut layers, mut values, mut layer) = (vec![], values, 0);
        for fold_step in params.fold_steps() {
            let committed = Layer::new(device, values, fold_step)?;
            Blake2sMerkleChannel::mix_root(channel, committed.root);
            let mut alpha = channel.draw_secure_felt();
            let mut next: Option<CudaSlice<Felt>> = None;
            for _ in 0..fold_step {
                let from = next.as_ref().unwrap_or(&committed.values);
                next = Some(fold(device, from, inverse_twiddles, layer, alpha)?);
                alpha = alpha * alpha;
                layer += 1;
            }
            values = next.expect("a layer is folded at least once");
            layers.push(committed);
        }
        let values: Vec<F> = device.download(&values)?.into_iter().map(F::from).collect();
        let last_layer = last_layer(values, params);
        channel.mix_felts(&last_layer);
        Ok(Self { layers, last_layer })
    }

    /// What the queries, in ascending order, ask each layer for.
    pub fn answers(&self, device: &Device, queries: &[usize]) -> Vec<Answer> {
        let mut queries = queries.to_vec();
        let answer = |layer: &Layer| {
            let answer = layer.answer(device, &queries);
            queries.iter_mut().for_each(|q| *q >>= layer.fold_step);
            queries.dedup();
            answer
        };
        self.layers.iter().map(answer).collect()
    }
}

/// The coefficients of values on the last layer's domain.
fn last_layer(values: Vec<F>, params: &Params) -> Vec<F> {
    let domain = LineDomain::new(Coset::half_odds(values.len().ilog2()));
    let values = LineEvaluation::<CpuBackend>::new(domain, values.into_iter().collect());
    let mut coefficients = values.interpolate().into_ordered_coefficients();
    let bound = 1 << params.config().fri_config.log_last_layer_degree_bound;
    assert!(coefficients.split_off(bound).iter().all(F::is_zero), "values of low degree");
    LinePoly::from_ordered_coefficients(coefficients).to_vec()
}

impl Layer {
    fn new(device: &Device, values: CudaSlice<Felt>, fold_step: u32) -> Result<Self, CudaError> {
        let log = values.len().ilog2();
        let log_leaf = match log >= LOG_PACKED_LEAF_SIZE && fold_step > 1 {
            true => LOG_PACKED_LEAF_SIZE,
            false => 0,
        };
        let tree = MerkleTree::over_elements(device, &values, log_leaf)?;
        let root = tree.root(device)?.into();
        Ok(Self { values, tree, root, fold_step, log_leaf })
    }

    fn answer(&self, device: &Device, queries: &[usize]) -> Answer {
        let first = address(device, &self.values);
        let (mut witness, mut leaves) = (vec![], vec![]);
        for together in queries.chunk_by(|a, b| a >> self.fold_step == b >> self.fold_step) {
            let start = together[0] >> self.fold_step << self.fold_step;
            for position in start..start + (1 << self.fold_step) {
                leaves.push(position >> self.log_leaf);
                if together.binary_search(&position).is_err() {
                    witness.push(first + (position * size_of::<Felt>()) as u64);
                }
            }
        }
        leaves.dedup();
        Answer { root: self.root, witness, path: self.tree.path(device, &leaves) }
    }
}
