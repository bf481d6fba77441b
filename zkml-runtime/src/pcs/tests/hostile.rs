//! Every check of the verifier, made to fail.

use stwo::core::circle::CirclePoint;
use stwo::core::fri::FriVerificationError as Fri;
use stwo::core::vcs_lifted::verifier::MerkleVerificationError as Merkle;

use super::*;

fn one() -> F {
    F::from(BaseField::from(1))
}

/// What the verifier says of an honest proof after a change.
fn refused(change: impl FnOnce(&mut OpeningProof)) -> OpeningError {
    let fixture = Fixture::small();
    let mut proof = fixture.prove();
    change(&mut proof);
    fixture.verify(&proof).unwrap_err()
}

macro_rules! assert_refused {
    ($change:expr, $($expected:tt)+) => {{
        let error = refused($change);
        assert!(matches!(error, $($expected)+), "{error:?}");
    }};
}

#[test]
fn a_false_claim() {
    let fixture = Fixture::small();
    let proof = fixture.prove();
    let error = fixture.verify_claim(&fixture.groups, fixture.claim + one(), &proof).unwrap_err();
    assert!(matches!(error, OpeningError::Constraint), "{error:?}");

    let trees: Vec<&CommittedTree> = fixture.trees.iter().collect();
    let claim = fixture.claim + one();
    let result = prove_opening(&mut fixture.transcript(), &fixture.ctx, &trees, &fixture.groups, claim);
    assert!(matches!(result, Err(ProveError::FalseClaim)));
}

#[test]
fn another_statement() {
    let fixture = Fixture::small();
    let proof = fixture.prove();
    let changes: [fn(&mut Vec<Group>); 6] = [
        |groups| groups[0].terms[0].weight += one(),
        |groups| {
            let group = groups.iter_mut().find(|g| !g.point.is_empty()).unwrap();
            group.point[0] += one();
        },
        |groups| {
            let group = groups.iter_mut().find(|g| g.point.len() < 7).unwrap();
            group.terms[0].slot ^= 1;
        },
        |groups| {
            let term = &mut groups[0].terms[0];
            (term.tree, term.column) = (term.tree ^ 1, 0);
        },
        |groups| {
            let term = &mut groups[0].terms[0];
            term.column = usize::from(term.column == 0);
        },
        |groups| {
            groups.pop();
        },
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut groups = fixture.groups.clone();
        change(&mut groups);
        let error = fixture.verify_claim(&groups, fixture.claim, &proof).unwrap_err();
        assert!(matches!(error, OpeningError::Constraint), "{i}: {error:?}");
    }
}

#[test]
fn a_statement_about_nothing() {
    let fixture = Fixture::small();
    let proof = fixture.prove();
    let term = Term { tree: 0, column: 0, slot: 0, weight: one() };
    let group = |term, t: usize| Group { point: vec![one(); t], terms: vec![term] };
    let cases = [
        (group(term, 8), StatementError::Point { group: 0, max: 7, got: 8 }),
        (group(Term { tree: 2, ..term }, 7), StatementError::Tree { group: 0, term: 0, expected: 2, got: 2 }),
        (
            group(Term { column: 3, ..term }, 7),
            StatementError::Column { group: 0, term: 0, expected: 3, got: 3 },
        ),
        (group(Term { slot: 4, ..term }, 5), StatementError::Slot { group: 0, term: 0, expected: 4, got: 4 }),
    ];
    for (group, expected) in cases {
        let error = fixture.verify_claim(&[group], fixture.claim, &proof).unwrap_err();
        assert!(matches!(error, OpeningError::Statement(got) if got == expected), "{error:?}");
    }
    let verify = |roots: &[_], n_columns: &[_]| {
        let t = &mut fixture.transcript();
        verify_opening(t, &fixture.params, roots, n_columns, &fixture.groups, fixture.claim, &proof)
    };
    let cases = [
        (verify(&[], &[]), StatementError::NoTrees),
        (verify(&fixture.roots(), &[3, 0]), StatementError::NoColumns { tree: 1 }),
        (verify(&fixture.roots(), &[3]), StatementError::Trees { expected: 2, got: 1 }),
    ];
    for (result, expected) in cases {
        assert!(matches!(result, Err(OpeningError::Statement(got)) if got == expected));
    }
}

#[test]
fn another_root() {
    let fixture = Fixture::small();
    let proof = fixture.prove();
    for tree in 0..2 {
        let mut roots = fixture.roots();
        roots[tree].0[0] ^= 1;
        let (t, n_columns) = (&mut fixture.transcript(), fixture.n_columns());
        let error =
            verify_opening(t, &fixture.params, &roots, &n_columns, &fixture.groups, fixture.claim, &proof)
                .unwrap_err();
        assert!(matches!(error, OpeningError::Constraint), "{error:?}");
    }
}

#[test]
fn another_transcript_or_level() {
    let fixture = Fixture::small();
    let proof = fixture.prove();
    let (roots, n_columns) = (fixture.roots(), fixture.n_columns());
    let verify = |t: &mut Transcript, params: &Params| {
        verify_opening(t, params, &roots, &n_columns, &fixture.groups, fixture.claim, &proof).unwrap_err()
    };
    let error = verify(&mut Transcript::default(), &fixture.params);
    assert!(matches!(error, OpeningError::Constraint), "{error:?}");
    // The parameters are in the transcript: fewer queries do not make an honest proof.
    let params = Params { level: SecurityLevel::Proven, ..fixture.params };
    let error = verify(&mut fixture.transcript(), &params);
    assert!(matches!(error, OpeningError::Constraint), "{error:?}");
}

#[test]
fn changed_messages_of_the_reduction() {
    for round in 0..7 {
        for k in 0..2 {
            assert_refused!(|p| p.rounds[round][k] += one(), OpeningError::Constraint);
        }
    }
}

#[test]
fn changed_roots_and_samples() {
    assert_refused!(|p| p.sums_root.0[31] ^= 128, OpeningError::Constraint);
    assert_refused!(|p| p.composition_root.0[0] ^= 1, OpeningError::Constraint);
    assert_refused!(|p| p.samples[0][0] += one(), OpeningError::Constraint);
    assert_refused!(|p| p.sums_samples[0][0] += one(), OpeningError::Constraint);
    assert_refused!(|p| p.sums_samples[3][1] += one(), OpeningError::Constraint);
    assert_refused!(|p| p.composition_samples[0] += one(), OpeningError::Constraint);
    assert_refused!(|p| p.composition_samples[7] += one(), OpeningError::Constraint);
}

#[test]
fn changed_fri_messages() {
    assert_refused!(|p| p.fri_layers[0].root.0[0] ^= 1, OpeningError::ProofOfWork { expected: 16 });
    assert_refused!(|p| p.last_layer[0] += one(), OpeningError::ProofOfWork { expected: 16 });
    assert_refused!(|p| p.nonce ^= 1 << 40, OpeningError::ProofOfWork { expected: 16 });
    assert_refused!(
        |p| p.fri_layers[0].witness[0] += one(),
        OpeningError::Fri(Fri::FirstLayerCommitmentInvalid { error: Merkle::RootMismatch })
    );
    assert_refused!(
        |p| p.fri_layers[0].path[0].0[0] ^= 1,
        OpeningError::Fri(Fri::FirstLayerCommitmentInvalid { error: Merkle::RootMismatch })
    );
}

#[test]
fn changed_decommitments() {
    for tree in 0..4 {
        assert_refused!(
            |p| p.queried[tree][0][0] += BaseField::from(1),
            OpeningError::Merkle { tree: got, source: Merkle::RootMismatch } if got == tree
        );
        assert_refused!(
            |p| p.paths[tree][0].0[5] ^= 1,
            OpeningError::Merkle { tree: got, source: Merkle::RootMismatch } if got == tree
        );
        assert_refused!(
            |p| p.paths[tree].clear(),
            OpeningError::Merkle { tree: got, source: Merkle::WitnessTooShort } if got == tree
        );
        assert_refused!(
            |p| p.paths[tree].push(Default::default()),
            OpeningError::Merkle { tree: got, source: Merkle::WitnessTooLong } if got == tree
        );
    }
}

#[test]
fn words_that_are_no_field_elements() {
    let bad = BaseField::from_u32_unchecked(P);
    let felt = F::from_m31_array([BaseField::from(0), bad, bad, bad]);
    assert_refused!(|p| p.rounds[3][1] = felt, OpeningError::NotCanonical { part: Part::Rounds });
    assert_refused!(
        |p| p.samples[1][1] = felt,
        OpeningError::NotCanonical { part: Part::Samples { tree: 1 } }
    );
    assert_refused!(
        |p| p.sums_samples[0][0] = felt,
        OpeningError::NotCanonical { part: Part::Samples { tree: 2 } }
    );
    assert_refused!(
        |p| p.composition_samples[5] = felt,
        OpeningError::NotCanonical { part: Part::Samples { tree: 3 } }
    );
    assert_refused!(
        |p| p.fri_layers[0].witness[2] = felt,
        OpeningError::NotCanonical { part: Part::FriWitness { layer: 0 } }
    );
    assert_refused!(|p| p.last_layer[1] = felt, OpeningError::NotCanonical { part: Part::LastLayer });
    assert_refused!(
        |p| p.queried[3][7][0] = BaseField::from_u32_unchecked(u32::MAX),
        OpeningError::NotCanonical { part: Part::QueriedValues { tree: 3, column: 7 } }
    );
}

/// Drops the last element, then doubles it: both lengths are refused, and named.
macro_rules! assert_length {
    ($proof:ident => $field:expr, $expected:pat) => {{
        assert_refused!(|$proof| _ = $field.pop(), $expected);
        assert_refused!(
            |$proof| {
                let last = $field.last().unwrap().clone();
                $field.push(last);
            },
            $expected
        );
    }};
}

#[test]
fn dropped_and_doubled_elements() {
    use OpeningError::{Fri as FriError, Length};
    assert_length!(p => p.rounds, Length { part: Part::Rounds, expected: 7, .. });
    assert_length!(p => p.samples, Length { part: Part::SampledTrees, expected: 2, .. });
    assert_length!(p => p.samples[0], Length { part: Part::Samples { tree: 0 }, expected: 3, .. });
    assert_length!(p => p.samples[1], Length { part: Part::Samples { tree: 1 }, expected: 2, .. });
    assert_length!(p => p.fri_layers, Length { part: Part::FriLayers, .. });
    assert_length!(p => p.last_layer, Length { part: Part::LastLayer, .. });
    assert_length!(p => p.queried, Length { part: Part::QueriedTrees, expected: 4, .. });
    assert_length!(p => p.queried[2], Length { part: Part::QueriedColumns { tree: 2 }, expected: 4, .. });
    assert_length!(
        p => p.queried[3][1],
        Length { part: Part::QueriedValues { tree: 3, column: 1 }, .. }
    );
    assert_length!(p => p.paths, Length { part: Part::Paths, expected: 4, .. });
    assert_length!(p => p.fri_layers[0].witness, FriError(Fri::FirstLayerEvaluationsInvalid));
    assert_length!(
        p => p.fri_layers[0].path,
        FriError(Fri::FirstLayerCommitmentInvalid { error: Merkle::WitnessTooShort | Merkle::WitnessTooLong })
    );
}

#[test]
fn inner_fri_layers() {
    let fixture = Fixture::new(3, SecurityLevel::Conjectured96, 13, &[2], 3);
    let proof = fixture.prove();
    assert_eq!(proof.fri_layers.len(), 3);
    let refused = |change: fn(&mut OpeningProof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        fixture.verify(&proof).unwrap_err()
    };
    let error = refused(|p| p.fri_layers[2].witness[0] += one());
    let invalid = |error| Fri::InnerLayerCommitmentInvalid { inner_layer: 1, error };
    assert_eq!(error.to_string(), invalid(Merkle::RootMismatch).to_string());
    let error = refused(|p| _ = p.fri_layers[1].witness.pop());
    assert!(matches!(error, OpeningError::Fri(Fri::InnerLayerEvaluationsInvalid { inner_layer: 0 })));
    let error = refused(|p| _ = p.fri_layers.remove(1));
    assert!(matches!(error, OpeningError::Length { part: Part::FriLayers, expected: 3, got: 2 }));
}

/// Forges an opening of a claim, and asks the verifier.
fn forged(
    log_rows: u32,
    off_by: F,
    alter: impl FnOnce(&component::MleEval, CirclePoint<F>, &mut OpeningProof),
) -> OpeningError {
    let mut fixture = Fixture::new(4, SecurityLevel::Conjectured96, log_rows, &[3, 2], 2);
    fixture.groups.iter_mut().flat_map(|g| &mut g.terms).for_each(|term| (term.tree, term.column) = (0, 0));
    fixture.claim = naive(&fixture.trees, &fixture.groups) + off_by;
    let trees: Vec<&CommittedTree> = fixture.trees.iter().collect();
    let t = &mut fixture.transcript();
    let proof = prover::forge_opening(t, &fixture.ctx, &trees, &fixture.groups, fixture.claim, alter);
    fixture.verify(&proof).unwrap_err()
}

#[test]
fn a_false_claim_carried_through() {
    let error = forged(9, one(), |_, _, _| ());
    assert!(matches!(error, OpeningError::Constraint), "{error:?}");
}

/// The samples of the composition are made to fit the false claim. What they are samples of, FRI finds out.
#[test]
fn a_false_claim_with_samples_to_match() {
    let fit = |claim: &component::MleEval, z: CirclePoint<F>, proof: &mut OpeningProof| {
        let join = |k: usize| F::from_partial_evals(proof.sums_samples.map(|column| column[k]));
        let quotient = claim.quotient_at(z, &proof.samples, join(0), join(1)).unwrap();
        let composition = &proof.composition_samples;
        let half = |k: usize| F::from_partial_evals(std::array::from_fn(|i| composition[4 * k + i]));
        let x = z.repeated_double(claim.log_rows - 1).x;
        proof.composition_samples[0] += quotient - half(0) - x * half(1);
    };
    let error = forged(9, one(), fit);
    let expected = Fri::FirstLayerCommitmentInvalid { error: Merkle::RootMismatch };
    assert_eq!(error.to_string(), OpeningError::Fri(expected).to_string());
}

/// A column without claims is sampled all the same, and its sample is checked.
#[test]
fn a_false_sample_of_an_unclaimed_column() {
    let error = forged(9, F::from(BaseField::from(0)), |_, _, proof| proof.samples[1][1] += one());
    let expected = Fri::FirstLayerCommitmentInvalid { error: Merkle::RootMismatch };
    assert_eq!(error.to_string(), OpeningError::Fri(expected).to_string());
}

#[test]
fn trees_of_other_parameters_are_refused() {
    let fixture = Fixture::small();
    let params = Params { level: SecurityLevel::ProvenCompact, ..fixture.params };
    let ctx = ProverContext::new(params).unwrap();
    let trees: Vec<&CommittedTree> = fixture.trees.iter().collect();
    let result = prove_opening(&mut fixture.transcript(), &ctx, &trees, &fixture.groups, fixture.claim);
    let error = ProveError::Params { tree: 0, expected: params, got: fixture.params };
    assert_eq!(result.unwrap_err().to_string(), error.to_string());
}
