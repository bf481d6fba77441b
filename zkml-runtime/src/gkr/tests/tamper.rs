use num_traits::{One, Zero};

use super::sample::{Rng, Sample};
use crate::field::{BaseField, F};
use crate::gkr::prover::prove_checked;
use crate::gkr::{block_weights, prove, verify, GkrError, GkrProof, GkrShape, LeafBlock, Tree};
use crate::transcript::Transcript;

fn sample() -> Sample {
    Sample::new(9, &[6, 5, 5, 2, 0], &[4, 3])
}

fn check(shape: &GkrShape, proof: &GkrProof) -> Result<(), GkrError> {
    verify(&mut Transcript::default(), shape, proof).map(|_| ())
}

/// What an honest prover says, and what the verifier says to one that does not check the sum.
fn refused(sample: &Sample) -> (GkrError, GkrError) {
    let (lookups, tables) = (sample.lookup_blocks(), sample.table_blocks());
    let honest = prove(&mut Transcript::default(), &lookups, &tables).unwrap_err();
    let (forged, _) = prove_checked(&mut Transcript::default(), &lookups, &tables, false).unwrap();
    (honest, check(&sample.shape(), &forged).unwrap_err())
}

#[test]
fn a_wrong_multiplicity_does_not_sum_to_zero() {
    let mut sample = sample();
    sample.tables[1].multiplicity[3] += BaseField::one();
    assert_eq!(refused(&sample), (GkrError::NonZeroSum, GkrError::NonZeroSum));
}

#[test]
fn a_value_outside_the_table_does_not_sum_to_zero() {
    for block in [0, 3] {
        let mut sample = sample();
        let rows = sample.lookups[block..].iter_mut().find(|r| !r.columns.is_empty()).unwrap();
        rows.columns[0][0] += BaseField::one();
        assert_eq!(refused(&sample), (GkrError::NonZeroSum, GkrError::NonZeroSum));
    }
}

#[test]
fn a_lookup_in_the_wrong_table_does_not_sum_to_zero() {
    let mut sample = sample();
    sample.lookups[1].id ^= 1;
    assert_eq!(refused(&sample), (GkrError::NonZeroSum, GkrError::NonZeroSum));
}

#[test]
fn another_number_of_live_leaves_does_not_sum_to_zero() {
    let sample = sample();
    let (proof, _) =
        prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
    let mut shape = sample.shape();
    shape.lookup_leaves -= 1;
    assert_eq!(check(&shape, &proof), Err(GkrError::NonZeroSum));
}

#[test]
fn a_zero_denominator_is_refused() {
    let zero = [BaseField::zero()];
    let mut sample = sample();
    sample.lookups.truncate(1);
    // den = 1 - 1 * 1
    let one = [BaseField::one(); 2];
    let bad = LeafBlock { log_len: 1, constant: F::one(), columns: vec![(F::one(), &one)], bytes: vec![] };
    let tables = sample.table_blocks();
    let mut lookups = sample.lookup_blocks();
    lookups.push(bad.clone());
    let expected = GkrError::ZeroDenominator(Tree::Lookups);
    assert_eq!(prove(&mut Transcript::default(), &lookups, &tables).unwrap_err(), expected);
    let (proof, _) = prove_checked(&mut Transcript::default(), &lookups, &tables, false).unwrap();
    let logs = |blocks: &[LeafBlock<'_>]| blocks.iter().map(|b| b.log_len).collect::<Vec<_>>();
    let shape = GkrShape::of_blocks(logs(&lookups), tables.iter().map(|b| b.leaves.log_len)).unwrap();
    assert_eq!(check(&shape, &proof), Err(expected));

    let mut tables = sample.table_blocks();
    tables.push(crate::gkr::TableBlock {
        leaves: LeafBlock { log_len: 0, columns: vec![(F::one(), &one[..1])], ..bad },
        multiplicity: &zero,
    });
    let lookups = sample.lookup_blocks();
    let expected = GkrError::ZeroDenominator(Tree::Tables);
    assert_eq!(prove(&mut Transcript::default(), &lookups, &tables).unwrap_err(), expected);
}

/// Where an element of the flat form is: none for the roots, else the layer.
fn layers_of_elements(proof: &GkrProof) -> Vec<Option<usize>> {
    let mut at = vec![None; 4];
    for (layer, l) in proof.layers.iter().enumerate() {
        at.extend(vec![Some(layer); 3 * l.rounds.len() + l.lookup_mask.len() + l.table_mask.len()]);
    }
    at
}

#[test]
fn every_element_is_bound() {
    for sample in [sample(), Sample::new(4, &[3, 1], &[8, 2])] {
        let shape = sample.shape();
        let (proof, _) =
            prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
        let (felts, at) = (proof.to_felts(), layers_of_elements(&proof));
        assert_eq!(felts.len(), at.len());
        for (i, layer) in at.into_iter().enumerate() {
            for delta in [F::one(), F::from_u32_unchecked(0, 0, 0, 1)] {
                let mut felts = felts.clone();
                felts[i] += delta;
                let expected = layer.map_or(GkrError::NonZeroSum, |layer| GkrError::LayerMismatch { layer });
                let changed = GkrProof::from_felts(&shape, &felts).unwrap();
                assert_eq!(check(&shape, &changed), Err(expected), "element {i}");
            }
        }
    }
}

#[test]
fn another_transcript_is_refused() {
    let sample = sample();
    let (proof, _) =
        prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
    let mut t = Transcript::default();
    t.draw();
    t.absorb_words(crate::transcript::Tag::Protocol, &[1]);
    assert_eq!(verify(&mut t, &sample.shape(), &proof), Err(GkrError::LayerMismatch { layer: 1 }));
}

#[test]
fn wrong_lengths_are_refused() {
    let sample = sample();
    let shape = sample.shape();
    let (proof, _) =
        prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
    let felts = proof.to_felts();
    let expected = felts.len();
    for got in [0, expected - 1, expected + 1] {
        let mut cut = felts.clone();
        cut.resize(got, F::zero());
        let error = GkrError::ProofLength { expected, got };
        assert_eq!(GkrProof::from_felts(&shape, &cut), Err(error));
    }
    let layers = proof.layers.len();

    let mut bad = proof.clone();
    bad.layers.pop();
    assert_eq!(check(&shape, &bad), Err(GkrError::LayerCount { expected: layers, got: layers - 1 }));
    let mut bad = proof.clone();
    bad.layers[3].rounds.push([F::zero(); 3]);
    assert_eq!(check(&shape, &bad), Err(GkrError::RoundCount { layer: 3, expected: 3, got: 4 }));
    let mut bad = proof.clone();
    bad.layers[2].lookup_mask.pop();
    let error = |tree, expected, got| Err(GkrError::MaskLength { layer: 2, tree, expected, got });
    assert_eq!(check(&shape, &bad), error(Tree::Lookups, 4, 3));
    let mut bad = proof.clone();
    bad.layers[2].table_mask.push(F::zero());
    let expected = proof.layers[2].table_mask.len();
    assert_eq!(check(&shape, &bad), error(Tree::Tables, expected, expected + 1));
}

#[test]
fn words_of_p_and_above_are_refused() {
    let sample = sample();
    let shape = sample.shape();
    let (proof, _) =
        prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
    for word in [crate::field::P, u32::MAX] {
        let mut bad = proof.clone();
        bad.table_root.denominator = F::from_u32_unchecked(0, 0, word, 0);
        assert_eq!(check(&shape, &bad), Err(GkrError::NotCanonical { index: 3 }));
        assert_eq!(GkrProof::from_felts(&shape, &bad.to_felts()), Err(GkrError::NotCanonical { index: 3 }));
    }
}

#[test]
fn the_verifier_never_panics() {
    let mut rng = Rng(77);
    for i in 0..300 {
        let shape = GkrShape {
            lookup_leaves: rng.word() as u64 >> (i % 32),
            table_leaves: rng.word() as u64 >> (i % 29),
        };
        let Ok(len) = shape.proof_len() else { continue };
        let felts: Vec<F> =
            (0..len).map(|_| F::from_u32_unchecked(rng.word() >> 1, i, 0, rng.word() >> 2)).collect();
        let mut proof = GkrProof::from_felts(&shape, &felts).unwrap();
        assert!(check(&shape, &proof).is_err());
        // A sum that holds, so that the layers are reached.
        proof.table_root.numerator = F::zero();
        proof.table_root.denominator = F::one();
        let tail = (1u64 << (proof.layers[0].rounds.len() as u64 + shape.depths().unwrap().lookups as u64))
            - shape.lookup_leaves;
        proof.lookup_root.denominator = F::one();
        proof.lookup_root.numerator = F::from(tail as u32);
        assert!(matches!(check(&shape, &proof), Err(GkrError::LayerMismatch { .. })));
    }
}

#[test]
fn shapes_out_of_bounds_are_refused() {
    let shape = |lookup_leaves, table_leaves| GkrShape { lookup_leaves, table_leaves }.proof_len();
    assert_eq!(shape(0, 1), Err(GkrError::Empty(Tree::Lookups)));
    assert_eq!(shape(1, 0), Err(GkrError::Empty(Tree::Tables)));
    assert!(shape(1 << 30, 1 << 30).is_ok());
    let got = (1 << 30) + 1;
    assert_eq!(shape(got, 1), Err(GkrError::TooManyLeaves { tree: Tree::Lookups, got }));
    assert_eq!(shape(1, u64::MAX), Err(GkrError::TooManyLeaves { tree: Tree::Tables, got: u64::MAX }));

    assert_eq!(GkrShape::of_blocks([3, 4], [1]), Err(GkrError::BlockOrder { block: 1, expected: 3, got: 4 }));
    assert_eq!(
        GkrShape::of_blocks([30, 30], [1]),
        Err(GkrError::TooManyLeaves { tree: Tree::Lookups, got: 1 << 31 })
    );
    assert!(GkrShape::of_blocks([1], [u32::MAX]).is_err());

    let point = [F::one(); 6];
    assert_eq!(block_weights([5, 5, 0], &point), Err(GkrError::PointTooShort { coordinates: 6 }));
    assert_eq!(block_weights([7], &point), Err(GkrError::PointTooShort { coordinates: 6 }));
    assert!(block_weights([u32::MAX], &point).is_err());
}

#[test]
fn a_column_of_the_wrong_length_is_refused() {
    let sample = sample();
    let (mut lookups, tables) = (sample.lookup_blocks(), sample.table_blocks());
    let column = [BaseField::zero(); 63];
    lookups[0].columns.push((F::one(), &column));
    let error = GkrError::ColumnLength { tree: Tree::Lookups, block: 0, expected: 64, got: 63 };
    assert_eq!(prove(&mut Transcript::default(), &lookups, &tables).unwrap_err(), error);
}
