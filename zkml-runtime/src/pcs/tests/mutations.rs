//! Damaged bytes are refused with an error, whatever they say.

use super::*;
use crate::wire::{Reader, WireError};

#[derive(Debug)]
enum Refusal {
    Wire(WireError),
    Opening(#[allow(dead_code)] OpeningError),
}

fn check(fixture: &Fixture, bytes: &[u8]) -> Result<(), Refusal> {
    let mut reader = Reader::new(bytes);
    let proof =
        OpeningProof::read(&mut reader, &fixture.params, &fixture.n_columns()).map_err(Refusal::Wire)?;
    reader.finish().map_err(Refusal::Wire)?;
    fixture.verify(&proof).map_err(Refusal::Opening)
}

#[test]
fn every_truncation_is_noticed() {
    let fixture = Fixture::small();
    let bytes = fixture.prove().to_bytes();
    check(&fixture, &bytes).unwrap();
    for len in (0..bytes.len()).filter(|len| len % 7 == 0 || len + 64 > bytes.len()) {
        let error = check(&fixture, &bytes[..len]).unwrap_err();
        assert!(matches!(error, Refusal::Wire(WireError::Truncated { .. })), "{len}: {error:?}");
    }
}

#[test]
fn extra_bytes_are_noticed() {
    let fixture = Fixture::small();
    let mut bytes = fixture.prove().to_bytes();
    bytes.push(0);
    let error = check(&fixture, &bytes).unwrap_err();
    assert!(matches!(error, Refusal::Wire(WireError::Trailing { got: 1 })), "{error:?}");
}

#[test]
fn random_bytes_never_panic() {
    mutate(&Fixture::small(), 4000);
}

#[test]
fn nor_do_they_with_inner_fri_layers() {
    mutate(&Fixture::new(2, SecurityLevel::Conjectured96, 13, &[2, 1, 1], 3), 300);
}

fn mutate(fixture: &Fixture, n: usize) {
    let honest = fixture.prove().to_bytes();
    let rng = &mut Rng(11);
    for i in 0..n {
        let mut bytes = honest.clone();
        for _ in 0..1 + rng.below(3) {
            let at = rng.below(bytes.len());
            match rng.below(3) {
                0 => bytes[at] ^= 1 << rng.below(8),
                1 => bytes[at] = [0, 0xff, 0x7f, 0x80][rng.below(4)],
                // A whole word, which also reaches the stated lengths.
                _ => {
                    let word = [0, 1, P, u32::MAX, 1 << 31, rng.next() as u32][rng.below(6)];
                    let at = at & !3;
                    if let Some(bytes) = bytes.get_mut(at..at + 4) {
                        bytes.copy_from_slice(&word.to_le_bytes());
                    }
                }
            }
        }
        if bytes != honest {
            assert!(check(fixture, &bytes).is_err(), "mutation {i}");
        }
    }
}

#[test]
fn random_strings_never_panic() {
    let fixture = Fixture::small();
    let rng = &mut Rng(12);
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..rng.below(20_000)).map(|_| (rng.next() & 0x3f) as u8).collect();
        check(&fixture, &bytes).unwrap_err();
    }
}
