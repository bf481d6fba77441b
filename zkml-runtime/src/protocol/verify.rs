//! The verifier: no weights, no re-execution, no prover code.

use super::lookups::{self, Fingerprint};
use super::{Key, Proof, Statement, System, VerifyError};
use crate::claims::{Functional, PublicPart, PublicValues};
use crate::einsum;
use crate::field::{is_canonical, F};
use crate::gkr;
use crate::pcs::{verify_opening, Group, Term};
use crate::transcript::{Tag, Transcript};
use num_traits::{One, Zero};
use stwo::core::channel::Channel;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_ir::layout::Tree;

/// Accepts if the model of `system`, with the weights committed in `key`, gives the statement's outputs on its inputs.
pub fn verify(system: &System, key: &Key, statement: &Statement, proof: &Proof) -> Result<(), VerifyError> {
    let _span = tracing::info_span!("verify").entered();
    check_key(system, key)?;
    statement.check(system)?;
    if proof.private_root.is_some() != system.has_private() {
        let (expected, got) = (system.has_private(), proof.private_root.is_some());
        return Err(VerifyError::PrivateRoot { expected, got });
    }
    let plan = system.plan();
    let mut t = Transcript::default();
    let roots = [proof.private_root.as_ref(), Some(&proof.trace_root)];
    begin(&mut t, system, key, statement, roots);

    let lookups = match (system.gkr_shape(), &proof.gkr) {
        (None, None) => None,
        (Some(shape), Some(p)) => {
            let prints = Fingerprint::new(plan, t.draw(), t.draw());
            Some((prints, gkr::verify(&mut t, shape, p)?))
        }
        (e, g) => return Err(VerifyError::LookupArgument { expected: e.is_some(), got: g.is_some() }),
    };
    let e = &proof.einsum;
    let felts = std::iter::once(&e.sum).chain(e.rounds.as_flattened()).chain(e.operands.as_flattened());
    if !felts.into_iter().all(|f| is_canonical(*f)) {
        return Err(VerifyError::NotCanonical { part: "einsum" });
    }
    let point = einsum::verify(&mut t, plan, e)?;

    let mut functional = Functional::new(plan, system.layout());
    let mut powers = eta_powers(&mut t);
    let mut value = F::zero();
    if let Some((prints, claims)) = &lookups {
        value += lookups::claims(&mut functional, &mut powers, plan, prints, claims)?;
        lookups::check_tables(system, prints, claims)?;
    }
    value += einsum::claims(&mut functional, &mut powers, plan, e, &point);
    let public = PublicValues::new(plan, &statement.inputs, &statement.outputs);
    let (groups, claim) = opening_claim(system, functional, value, |part| public.eval(plan, part));

    let roots = proof.roots(system, Blake2sHash(key.root));
    let columns: Vec<usize> = system.trees().iter().map(|&t| system.layout().columns_of(t)).collect();
    verify_opening(&mut t, system.params(), &roots, &columns, &groups, claim, &proof.opening)?;
    Ok(())
}

/// Is this a key of this system?
pub fn check_key(system: &System, key: &Key) -> Result<(), VerifyError> {
    if key.digest != system.digest().0 {
        return Err(VerifyError::KeyDigest {
            expected: system.digest().to_string(),
            got: Blake2sHash(key.digest).to_string(),
        });
    }
    let expected = system.layout().columns_of(Tree::Weights);
    if key.columns != expected {
        return Err(VerifyError::KeyShape { rows: system.layout().log_rows, expected, got: key.columns });
    }
    Ok(())
}

/// Absorbs what comes before the first challenge. `roots`: of the private inputs, if there are any, and of the trace.
pub(super) fn begin<C: Channel>(
    t: &mut Transcript<C>,
    system: &System,
    key: &Key,
    statement: &Statement,
    roots: [Option<&Blake2sHash>; 2],
) {
    system.absorb(key, t);
    statement.absorb(t);
    roots.into_iter().flatten().for_each(|root| t.absorb_hash(Tag::Root, root));
}

/// `1, eta, eta^2, ..`: drawn after every claim was absorbed.
pub(super) fn eta_powers<C: Channel>(t: &mut Transcript<C>) -> impl Iterator<Item = F> + use<C> {
    let eta = t.draw();
    std::iter::successors(Some(F::one()), move |&p| Some(p * eta))
}

/// What is left for the commitments once constants and public tensors are taken off.
pub(super) fn opening_claim(
    system: &System,
    functional: Functional,
    value: F,
    eval: impl Fn(&PublicPart) -> F,
) -> (Vec<Group>, F) {
    let (constant, groups, public) = functional.finish();
    let known = public.iter().map(eval).fold(constant, |s, v| s + v);
    let trees = system.trees();
    let index = |t: Tree| trees.iter().position(|&x| x == t).expect("a placed tensor's tree has columns");
    let groups = groups
        .into_iter()
        .map(|g| Group {
            point: g.point,
            terms: g
                .pieces
                .into_iter()
                .map(|p| Term { tree: index(p.tree), column: p.column, slot: p.slot, weight: p.weight })
                .collect(),
        })
        .collect();
    (groups, value - known)
}
