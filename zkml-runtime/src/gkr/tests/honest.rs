use num_traits::{One, Zero};

use super::sample::{Rng, Sample};
use crate::field::{eq_table, BaseField, F};
use crate::gkr::{block_weights, prove, verify, GkrProof, LeafBlock, TableBlock};
use crate::transcript::Transcript;

/// Proves, verifies, and compares the claims with the leaves.
fn accepts(sample: &Sample) {
    let shape = sample.shape();
    let mut prover = Transcript::default();
    let (proof, claims) = prove(&mut prover, &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
    let mut verifier = Transcript::default();
    assert_eq!(verify(&mut verifier, &shape, &proof).unwrap(), claims);
    assert_eq!(prover.draw(), verifier.draw(), "both transcripts are in the same state");

    assert_eq!(claims.lookups, sample.true_claim(false, &claims.lookups.point));
    assert_eq!(claims.tables, sample.true_claim(true, &claims.tables.point));
    let (l, t) = (&claims.lookups.point, &claims.tables.point);
    let common = l.len().min(t.len());
    assert_eq!(l[l.len() - common..], t[t.len() - common..], "blocks of one size are opened at one point");

    let felts = proof.to_felts();
    assert_eq!(felts.len(), shape.proof_len().unwrap());
    assert_eq!(GkrProof::from_felts(&shape, &felts).unwrap(), proof);
}

#[test]
fn tiny_trees() {
    for live in [&[0u32][..], &[1], &[1, 0], &[4, 0], &[0; 17], &[3, 3, 2, 0]] {
        for tables in [&[0u32][..], &[2], &[3, 1], &[5]] {
            accepts(&Sample::new(7, live, tables));
        }
    }
}

#[test]
fn full_trees_and_boundaries() {
    // Sizes around powers of two, where the tail vanishes or takes nearly half.
    for lookups in
        [&[5u32][..], &[6, 6], &[9, 0], &[9, 4], &[9, 5, 5], &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]]
    {
        for tables in [&[4u32][..], &[8, 0], &[11]] {
            accepts(&Sample::new(11, lookups, tables));
        }
    }
}

#[test]
fn random_shapes() {
    let mut rng = Rng(2024);
    for seed in 0..60 {
        let mut logs = |count: usize, below: usize| -> Vec<u32> {
            (0..1 + rng.below(count)).map(|_| rng.below(below) as u32).collect()
        };
        let (lookups, tables) = match seed % 3 {
            0 => (logs(12, 9), logs(4, 6)),
            1 => (logs(6, 5), logs(4, 10)),
            _ => (logs(20, 4), logs(3, 4)),
        };
        accepts(&Sample::new(seed, &lookups, &tables));
    }
}

#[test]
fn many_tasks() {
    // Large enough for the parallel passes, with and without a tail.
    accepts(&Sample::new(1, &[14, 13, 12, 3], &[10, 9]));
    accepts(&Sample::new(2, &[8], &[14, 14]));
}

#[test]
fn proofs_do_not_depend_on_the_number_of_threads() {
    let sample = Sample::new(5, &[14, 13, 7, 1], &[12, 3]);
    let prove_on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap()
        })
    };
    let one = prove_on(1);
    assert_eq!(one, prove_on(2));
    assert_eq!(one, prove_on(3));
}

#[test]
fn block_weights_rebuild_the_claims() {
    let sample = Sample::new(3, &[7, 7, 5, 2, 0], &[6, 4, 1]);
    let (_, claims) =
        prove(&mut Transcript::default(), &sample.lookup_blocks(), &sample.table_blocks()).unwrap();
    let at =
        |column: &[_], point: &[F]| eq_table(point).into_iter().zip(column).map(|(e, x)| e * *x).sum::<F>();

    let blocks = sample.lookup_blocks();
    let weights = block_weights(blocks.iter().map(|b| b.log_len), &claims.lookups.point).unwrap();
    let mut denominator = weights.tail;
    for (b, w) in blocks.iter().zip(&weights.blocks) {
        denominator += w.weight * b.columns.iter().fold(b.constant, |den, (e, x)| den - *e * at(x, w.point));
    }
    assert_eq!(denominator, claims.lookups.denominator);

    let blocks = sample.table_blocks();
    let weights = block_weights(blocks.iter().map(|b| b.leaves.log_len), &claims.tables.point).unwrap();
    let (mut numerator, mut denominator) = (F::zero(), weights.tail);
    for (b, w) in blocks.iter().zip(&weights.blocks) {
        let den = b.leaves.columns.iter().fold(b.leaves.constant, |den, (e, x)| den - *e * at(x, w.point));
        denominator += w.weight * den;
        numerator -= w.weight * at(b.multiplicity, w.point);
    }
    assert_eq!((numerator, denominator), (claims.tables.numerator, claims.tables.denominator));
}

#[test]
fn columns_of_bytes_are_columns() {
    let bytes: Vec<i8> = (0..80).map(|i| (i * 83 % 256 - 128) as i8).collect();
    let words: Vec<BaseField> = bytes.iter().map(|&v| BaseField::from(v as i32)).collect();
    let table: Vec<BaseField> = (-128..128).map(BaseField::from).collect();
    let mut multiplicity = vec![BaseField::zero(); 256];
    // 64 leaves and 16, and a block that is smaller than a vector.
    let logs = [(6, 0..64), (4, 64..80), (2, 0..4)];
    logs.iter().for_each(|(_, at)| {
        bytes[at.clone()].iter().for_each(|&v| multiplicity[(v as i32 + 128) as usize] += BaseField::one())
    });
    let mut t = Transcript::default();
    let (constant, weight, other) = (t.draw(), t.draw(), t.draw());
    let leaves = |log_len, columns, bytes| LeafBlock { log_len, constant, columns, bytes };
    let prove = |as_bytes: bool, both: bool| {
        let block = |(log_len, at): &(u32, std::ops::Range<usize>)| {
            let (w, b) = (&words[at.clone()], &bytes[at.clone()]);
            let mut columns = if both { vec![(other, w)] } else { vec![] };
            let mut extra = vec![];
            match as_bytes {
                true => extra.push((weight, b)),
                false => columns.push((weight, w)),
            }
            leaves(*log_len, columns, extra)
        };
        let lookups: Vec<LeafBlock<'_>> = logs.iter().map(block).collect();
        let columns =
            if both { vec![(other, &table[..]), (weight, &table[..])] } else { vec![(weight, &table[..])] };
        let tables = [TableBlock { leaves: leaves(8, columns, vec![]), multiplicity: &multiplicity }];
        prove(&mut Transcript::default(), &lookups, &tables).unwrap()
    };
    for both in [false, true] {
        assert_eq!(prove(true, both), prove(false, both));
    }
}
