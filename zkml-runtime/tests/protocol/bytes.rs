//! Proof bytes cut, extended and altered: always a typed error, never a panic, never accepted.

use crate::common::{assert_refused, graph, Fixture};
use std::panic::{catch_unwind, AssertUnwindSafe};
use zkml_runtime::field::P;
use zkml_runtime::protocol::{Proof, Statement, VerifyError};
use zkml_runtime::wire::WireError;

fn read_and_verify(f: &Fixture, statement: &Statement, bytes: &[u8]) -> Result<(), VerifyError> {
    let run = || f.verify(statement, &Proof::from_bytes(bytes, f.system())?);
    catch_unwind(AssertUnwindSafe(run)).expect("a typed error")
}

fn models() -> [fn() -> graph::Model; 3] {
    [graph::mlp_private, graph::targets, graph::no_lookups]
}

#[test]
fn a_proof_cut_anywhere_is_truncated() {
    for model in models() {
        let f = Fixture::new(model());
        let bytes = f.prove(1).1.to_bytes();
        for cut in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
            let read = Proof::from_bytes(&bytes[..cut], f.system());
            assert!(matches!(read, Err(WireError::Truncated { .. })), "cut at {cut}");
        }
    }
}

#[test]
fn nothing_follows_a_proof() {
    for model in models() {
        let f = Fixture::new(model());
        let bytes = f.prove(1).1.to_bytes();
        for n in [1, 4, 97] {
            let longer = [&bytes[..], &vec![0; n]].concat();
            let Err(WireError::Trailing { got }) = Proof::from_bytes(&longer, f.system()) else {
                panic!("{n} bytes follow");
            };
            assert_eq!(got, n);
        }
        let twice = [&bytes[..], &bytes].concat();
        assert!(matches!(Proof::from_bytes(&twice, f.system()), Err(WireError::Trailing { .. })));
    }
}

#[test]
fn altered_bytes_are_refused() {
    for (m, model) in models().into_iter().enumerate() {
        let f = Fixture::new(model());
        let (statement, proof) = f.prove(1);
        let bytes = proof.to_bytes();
        let mut s = 0x9E37_79B9_7F4A_7C15u64 + m as u64;
        let mut next = |n: usize| {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            (s >> 11) as usize % n
        };
        for i in 0..667 {
            let mut altered = bytes.clone();
            let at = next(bytes.len() / 4) * 4;
            match next(5) {
                0 => altered[at + next(4)] ^= 1 << next(8),
                1 => altered[at..at + 4].copy_from_slice(&P.to_le_bytes()),
                2 => altered[at..at + 4].copy_from_slice(&(next(1 << 32) as u32).to_le_bytes()),
                3 => altered[at..at + 4].fill(0xff),
                _ => {
                    let other = next(bytes.len() / 4) * 4;
                    (0..4).for_each(|k| altered.swap(at + k, other + k));
                }
            }
            if altered != bytes {
                let verdict = read_and_verify(&f, &statement, &altered);
                assert!(verdict.is_err(), "mutation {i} at byte {at} is accepted");
            }
        }
    }
}

/// The first kilobyte holds roots and the lookup argument, the last the longest paths: every byte of both.
#[test]
fn every_bit_of_the_ends_counts() {
    let f = Fixture::new(graph::mlp_private());
    let (statement, proof) = f.prove(1);
    let bytes = proof.to_bytes();
    let n = bytes.len();
    for at in (0..1024).chain(n - 256..n) {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(read_and_verify(&f, &statement, &altered).is_err(), "byte {at}");
    }
}

#[test]
fn bytes_of_one_model_are_not_those_of_another() {
    let (f, other) = (Fixture::new(graph::mlp()), Fixture::new(graph::residual()));
    let (statement, proof) = f.prove(1);
    assert!(read_and_verify(&other, &statement, &proof.to_bytes()).is_err());
    let (statement, proof) = other.prove(1);
    assert!(read_and_verify(&f, &statement, &proof.to_bytes()).is_err());
    for empty in [&[][..], &[0; 3], &[0; 64]] {
        let verdict = read_and_verify(&f, &statement, empty);
        assert_refused!(verdict, VerifyError::Wire(WireError::Truncated { .. }));
    }
}
