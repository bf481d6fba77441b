//! True claims are accepted, and agree with the definition.

use super::*;
use crate::security::{MAX_LOG_ROWS, MIN_LOG_ROWS};
use crate::wire::Reader;

fn accepts(fixture: &Fixture) {
    let proof = fixture.prove();
    fixture.verify(&proof).unwrap();
    let bytes = proof.to_bytes();
    let mut reader = Reader::new(&bytes);
    let read = OpeningProof::read(&mut reader, &fixture.params, &fixture.n_columns()).unwrap();
    reader.finish().unwrap();
    assert_eq!(read, proof);
}

#[test]
fn random_claims_on_one_two_and_three_trees() {
    for (seed, n_columns) in
        [&[1][..], &[5], &[2, 3], &[1, 1], &[3, 1, 4], &[17, 2, 1]].into_iter().enumerate()
    {
        for log_rows in MIN_LOG_ROWS..11 {
            let seed = seed as u64 * 100 + u64::from(log_rows);
            accepts(&Fixture::new(seed, SecurityLevel::Conjectured96, log_rows, n_columns, 7));
        }
    }
}

#[test]
fn every_security_level() {
    for level in SecurityLevel::ALL {
        for log_rows in [MIN_LOG_ROWS, 9, 12] {
            accepts(&Fixture::new(u64::from(log_rows), level, log_rows, &[4, 3], 9));
        }
    }
}

#[test]
fn no_claims_at_all() {
    let fixture = Fixture::new(5, SecurityLevel::Conjectured96, 6, &[2], 0);
    assert_eq!(fixture.claim, F::from(BaseField::from(0)));
    accepts(&fixture);
}

#[test]
fn many_terms_on_one_slot_and_every_point_length() {
    let mut fixture = Fixture::new(6, SecurityLevel::Conjectured96, 10, &[3, 2], 0);
    let rng = &mut Rng(7);
    for t in 0..=10 {
        let point = (0..t).map(|_| rng.felt()).collect();
        let slot = (1 << (10 - t)) - 1;
        let term = |rng: &mut Rng| Term { tree: 1, column: 1, slot, weight: rng.felt() };
        fixture.groups.push(Group { point, terms: vec![term(rng), term(rng)] });
    }
    fixture.claim = naive(&fixture.trees, &fixture.groups);
    accepts(&fixture);
}

#[test]
fn columns_of_zeros_in_either_form() {
    let params = Params { log_rows: 8, level: SecurityLevel::Conjectured96 };
    let ctx = ProverContext::new(params).unwrap();
    let rng = &mut Rng(8);
    let unreduced = |value| (0..256).map(|_| BaseField::from_u32_unchecked(value)).collect::<BaseColumn>();
    let trees = vec![commit(vec![unreduced(0), unreduced(P)], &ctx).unwrap()];
    let groups: Vec<Group> = (0..5).map(|_| group(rng, 8, &[2])).collect();
    let claim = naive(&trees, &groups);
    accepts(&Fixture { params, ctx, trees, groups, claim });
}

#[test]
fn proofs_do_not_depend_on_the_number_of_threads() {
    let prove = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Fixture::new(9, SecurityLevel::Proven, 12, &[9, 5], 12).prove().to_bytes())
    };
    let one = prove(1);
    assert_eq!(one, prove(2));
    assert_eq!(one, prove(3));
}

#[test]
fn heights_out_of_range_are_refused() {
    for got in [0, MIN_LOG_ROWS - 1, MAX_LOG_ROWS + 1, u32::MAX] {
        let params = Params { log_rows: got, level: SecurityLevel::Proven };
        let error = ParamsError { min: MIN_LOG_ROWS, max: MAX_LOG_ROWS, got };
        assert_eq!(ProverContext::new(params).err(), Some(error));
        let fixture = Fixture::small();
        let result = verify_opening(
            &mut fixture.transcript(),
            &params,
            &fixture.roots(),
            &fixture.n_columns(),
            &[],
            fixture.claim,
            &fixture.prove(),
        );
        assert!(matches!(result, Err(OpeningError::Params(e)) if e == error));
    }
}

#[test]
fn misshapen_columns_are_refused() {
    let ctx = ProverContext::new(Params { log_rows: 7, level: SecurityLevel::Conjectured96 }).unwrap();
    assert_eq!(commit::<BaseColumn>(vec![], &ctx).err(), Some(CommitError::NoColumns));
    let mut columns = Rng(1).columns(2, 7);
    columns.extend(Rng(1).columns(1, 6));
    assert_eq!(commit(columns, &ctx).err(), Some(CommitError::Rows { column: 2, expected: 128, got: 64 }));
}
