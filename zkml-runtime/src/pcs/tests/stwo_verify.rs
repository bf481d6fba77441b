//! stwo's own verifier accepts the same proofs: ours is its flow with the checks that it lacks.

use stwo::core::channel::MerkleChannel;
use stwo::core::fri::{FriLayerProof, FriProof};
use stwo::core::pcs::quotients::CommitmentSchemeProof;
use stwo::core::pcs::{CommitmentSchemeVerifier, TreeVec};
use stwo::core::poly::line::LinePoly;
use stwo::core::proof::StarkProof;
use stwo::core::vcs_lifted::verifier::MerkleDecommitmentLifted;
use stwo::core::verifier::{verify, VerificationError};

use super::component::MleEval;
use super::reference::Reference;
use super::*;

pub(super) fn stark_proof(fixture: &Fixture, proof: &OpeningProof) -> StarkProof<H> {
    let decommitment = |path: &Vec<Blake2sHash>| MerkleDecommitmentLifted { hash_witness: path.clone() };
    let mut layers = proof.fri_layers.iter().map(|layer| FriLayerProof {
        fri_witness: layer.witness.clone(),
        decommitment: decommitment(&layer.path),
        commitment: layer.root,
    });
    let single = |values: &[F]| values.iter().map(|&value| vec![value]).collect::<Vec<_>>();
    let mut sampled: Vec<Vec<Vec<F>>> = proof.samples.iter().map(|tree| single(tree)).collect();
    sampled.push(proof.sums_samples.iter().map(|column| column.to_vec()).collect());
    sampled.push(single(&proof.composition_samples));
    let mut commitments = fixture.roots();
    commitments.extend([proof.sums_root, proof.composition_root]);
    StarkProof(CommitmentSchemeProof {
        config: fixture.params.config(),
        commitments: TreeVec::new(commitments),
        sampled_values: TreeVec::new(sampled),
        decommitments: TreeVec::new(proof.paths.iter().map(decommitment).collect()),
        queried_values: TreeVec::new(proof.queried.clone()),
        proof_of_work: proof.nonce,
        fri_proof: FriProof {
            first_layer: layers.next().unwrap(),
            inner_layers: layers.collect(),
            last_layer_poly: LinePoly::new(proof.last_layer.clone()),
        },
    })
}

fn by_stwo(fixture: &Fixture, claim: F, proof: &OpeningProof) -> Result<(), VerificationError> {
    let mut t = fixture.transcript();
    let (rho, value) = reduction::replay(&mut t, &proof.rounds, claim);
    let coefficients = reduction::coefficients(&fixture.groups, &rho, &fixture.n_columns());
    let claim = MleEval { log_rows: fixture.params.log_rows, coefficients, rho, value };
    reduction::end(&mut t, value);
    let (config, log_rows) = (fixture.params.config(), fixture.params.log_rows);
    config.mix_into(t.channel());
    let mut scheme = CommitmentSchemeVerifier::<MC>::new(config);
    for (root, n) in fixture.roots().into_iter().zip(fixture.n_columns()) {
        scheme.commit(root, &vec![log_rows; n], t.channel());
    }
    scheme.commit(proof.sums_root, &[log_rows; 4], t.channel());
    verify(&[&Reference(&claim)], t.channel(), &mut scheme, stark_proof(fixture, proof))
}

#[test]
fn stwo_agrees() {
    for level in SecurityLevel::ALL {
        for n_columns in [&[3][..], &[2, 5], &[1, 2, 3]] {
            let fixture = Fixture::new(21, level, 10, n_columns, 6);
            let proof = fixture.prove();
            fixture.verify(&proof).unwrap();
            by_stwo(&fixture, fixture.claim, &proof).unwrap();
            let error = by_stwo(&fixture, fixture.claim + F::from(BaseField::from(1)), &proof);
            assert!(matches!(error, Err(VerificationError::OodsNotMatching)));
        }
    }
}

/// The transcripts must end in the same state, not only accept the same proofs.
#[test]
fn roots_are_mixed_as_stwo_mixes_them() {
    let (mut a, mut b) = (Transcript::default(), Transcript::default());
    let root = Blake2sHash([3; 32]);
    let mut scheme = CommitmentSchemeVerifier::<MC>::new(SecurityLevel::Proven.pcs_config(8));
    scheme.commit(root, &[8], a.channel());
    MC::mix_root(b.channel(), root);
    assert_eq!(a.draw(), b.draw());
}
