//! The prover: commits the trace, runs the three arguments, opens what they claim.

mod columns;
mod in_memory;
mod lookups;
mod weights;

pub use in_memory::run_cells;
pub use lookups::stored_entry;
pub use weights::{commit_weights, weight_cells, CommittedWeights};

use super::lookups::{claims, Fingerprint};
use super::verify::{begin, eta_powers, opening_claim};
use super::{Key, Proof, ProveError, Statement, System};
use crate::claims::{Functional, PublicValues};
use crate::einsum::{self, EinsumPoint, EinsumProof};
use crate::field::F;
use crate::gkr::{GkrClaims, GkrProof};
use crate::pcs::{Group, OpeningProof, ProverContext};
use crate::transcript::Transcript;
use in_memory::InMemory;
use num_traits::Zero;
use std::sync::Arc;
use stwo::core::channel::MerkleChannel;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sMerkleChannel, Blake2sMerkleHasher};
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;

/// What the prover knows of one run, by the plan's tensors and tables.
pub struct Witness {
    /// Trace and private-input tensors, row-major; `None` for all others.
    pub tensors: Vec<Option<Vec<i32>>>,
    pub multiplicities: Vec<Vec<u32>>,
}

/// A system with the precomputed parts of the commitment scheme.
pub struct Prover {
    pub system: System,
    context: Arc<ProverContext>,
}

impl Prover {
    pub fn new(system: System) -> Result<Self, ProveError> {
        let context = Arc::new(ProverContext::new(*system.params())?);
        Ok(Self { system, context })
    }

    /// Another system over columns of the same height and level, with what was precomputed for this one.
    ///
    /// # Panics
    /// If its columns are others.
    pub fn with(&self, system: System) -> Self {
        assert_eq!(system.params(), self.context.params(), "one context, two shapes of columns");
        Self { system, context: self.context.clone() }
    }
}

/// One run of a model, wherever its cells and trees are kept, committed to. [`prove_run`] runs the protocol over it, in the
/// order of these functions.
pub trait Run<M: MerkleChannel> {
    /// Of the private inputs, if the model has any, and of the trace.
    fn roots(&self) -> (Option<Blake2sHash>, Blake2sHash);

    /// The LogUp argument ([`crate::gkr`]) of all lookups, for a model that has some.
    fn look_up(
        &mut self,
        t: &mut Transcript<M::C>,
        prints: &Fingerprint,
    ) -> Result<(GkrProof, GkrClaims), ProveError>;

    /// The batched sumcheck ([`crate::einsum`]) of all products.
    fn multiply(&mut self, t: &mut Transcript<M::C>) -> Result<(EinsumProof, EinsumPoint), ProveError>;

    /// Opens the trees of the system, in their order ([`crate::pcs`]).
    fn open(
        &mut self,
        t: &mut Transcript<M::C>,
        groups: &[Group],
        claim: F,
    ) -> Result<OpeningProof, ProveError>;
}

/// Proves that the witness, the weights and the statement satisfy the plan.
///
/// The witness is not checked: a wrong one gives a proof that does not verify.
pub fn prove(
    prover: &Prover,
    weights: &CommittedWeights,
    statement: &Statement,
    witness: Witness,
) -> Result<Proof, ProveError> {
    prove_on::<Blake2sMerkleChannel>(Transcript::default(), prover, weights, statement, witness)
}

/// [`prove`] on another channel. The verifier knows one: unless this one draws and grinds alike, it refuses the proof.
pub fn prove_on<M>(
    t: Transcript<M::C>,
    prover: &Prover,
    weights: &CommittedWeights,
    statement: &Statement,
    witness: Witness,
) -> Result<Proof, ProveError>
where
    M: MerkleChannel<C: Send, H = Blake2sMerkleHasher>,
    SimdBackend: BackendForChannel<M>,
{
    let _span = tracing::info_span!("prove").entered();
    let public = statement.public(&prover.system)?;
    let mut run = InMemory::new(prover, weights, &public, witness)?;
    prove_run::<M>(t, &prover.system, weights.key(), statement, &public, &mut run)
}

/// [`prove`] of a run that is kept elsewhere. `public` are the statement's values ([`Statement::public`]).
pub fn prove_run<M: MerkleChannel>(
    mut t: Transcript<M::C>,
    system: &System,
    key: &Key,
    statement: &Statement,
    public: &PublicValues,
    run: &mut impl Run<M>,
) -> Result<Proof, ProveError> {
    let plan = system.plan();
    let (private_root, trace_root) = run.roots();
    begin(&mut t, system, key, statement, [private_root.as_ref(), Some(&trace_root)]);

    let gkr = match system.gkr_shape() {
        None => None,
        Some(_) => {
            let _span = tracing::info_span!("gkr").entered();
            let prints = Fingerprint::new(plan, t.draw(), t.draw());
            let (proof, claims) = run.look_up(&mut t, &prints)?;
            Some((prints, proof, claims))
        }
    };
    let (einsum, point) = tracing::info_span!("sumcheck").in_scope(|| run.multiply(&mut t))?;

    let _span = tracing::info_span!("stark").entered();
    let span = tracing::info_span!("claims").entered();
    let mut functional = Functional::new(plan, system.layout());
    let mut powers = eta_powers(&mut t);
    let mut value = F::zero();
    if let Some((prints, _, of_tree)) = &gkr {
        value += claims(&mut functional, &mut powers, plan, prints, of_tree)?;
    }
    value += einsum::claims(&mut functional, &mut powers, plan, &einsum, &point);
    drop(span);
    let (groups, claim) = tracing::info_span!("public values")
        .in_scope(|| opening_claim(system, functional, value, |part| public.eval(plan, part)));
    let opening = run.open(&mut t, &groups, claim)?;
    let gkr = gkr.map(|(_, proof, _)| proof);
    Ok(Proof { private_root, trace_root, gkr, einsum, opening })
}
