//! Whole proofs, mutated: every one is refused with a typed error, none panics, none takes memory that does not follow from
//! the statement. How long a refusal takes is measured by `cargo bench -p zkml-runtime --bench mutations`.

#[path = "mutations/allocations.rs"]
mod allocations;
#[path = "mutations/bytes.rs"]
mod bytes;
#[path = "mutations/fields.rs"]
mod fields;
#[path = "mutations/random.rs"]
mod random;
#[path = "mutations/subject.rs"]
mod subject;

use allocations::{peak_of, Counting};
use fields::Kind;
use random::Random;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use subject::{subjects, Subject};
use zkml_runtime::protocol::Proof;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Random mutations over all subjects: half of the bytes, half of the fields.
const RANDOM: usize = 20_000;

/// Holds what became of a mutation against what must become of it.
fn check(
    s: &Subject,
    what: &dyn Fn() -> String,
    run: impl FnOnce() -> Result<(), subject::Refusal>,
    bound: usize,
) {
    let (result, peak) = peak_of(|| catch_unwind(AssertUnwindSafe(run)));
    match result {
        Ok(Err(_)) => {}
        Ok(Ok(())) => panic!("{}: {} is accepted", s.name, what()),
        Err(_) => panic!("{}: {} panics", s.name, what()),
    }
    assert!(peak <= bound, "{}: {} takes {peak} bytes, at most {bound} were expected", s.name, what());
}

/// What an honest proof takes, and the longest proof of the same statement on top.
fn memory_bound(s: &Subject) -> usize {
    let (honest, peak) = peak_of(|| s.read_and_verify(&s.bytes));
    honest.expect("an honest proof");
    peak + Proof::max_bytes(&s.system)
}

/// On every core, each item once.
fn in_parallel(n: usize, f: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    return;
                }
                f(i);
            });
        }
    });
}

#[test]
fn honest_proofs_fit_their_bound() {
    for s in subjects() {
        s.read_and_verify(&s.bytes).unwrap_or_else(|e| panic!("{}: {e:?}", s.name));
        s.verify(&s.proof).unwrap_or_else(|e| panic!("{}: {e:?}", s.name));
        assert!(s.bytes.len() <= Proof::max_bytes(&s.system), "{}", s.name);
    }
}

/// Every field of the structure: its first, middle and last element changed, dropped, doubled and reordered.
#[test]
fn every_field_counts() {
    let tried = AtomicUsize::new(0);
    for s in subjects() {
        let bound = memory_bound(&s);
        let fields = fields::names(&s.proof);
        assert!(fields.len() > 60, "{}: {} fields", s.name, fields.len());
        in_parallel(fields.len(), |field| {
            for kind in Kind::ALL {
                for place in [0.0, 0.5, 1.0] {
                    let mut proof = s.proof.clone();
                    let mut random = Random::new(field as u64);
                    if fields::apply(&mut proof, field, kind, place, &mut random) && proof != s.proof {
                        tried.fetch_add(1, Ordering::Relaxed);
                        let what = || format!("{} {kind:?} at {place}", fields[field]);
                        check(&s, &what, || s.verify(&proof), bound);
                    }
                }
            }
        });
    }
    let tried = tried.into_inner();
    assert!(tried > 5_000, "{tried} mutations were tried");
}

#[test]
fn random_mutations_are_refused() {
    let subjects = subjects();
    let bounds: Vec<usize> = subjects.iter().map(memory_bound).collect();
    let tried = AtomicUsize::new(0);
    // A few mutations change nothing (equal words swapped): others take their place.
    in_parallel(RANDOM + RANDOM / 10, |i| {
        let (k, mut random) = (i % subjects.len(), Random::new(i as u64));
        let s = &subjects[k];
        if (i / subjects.len()).is_multiple_of(2) {
            let donor = &subjects[random.below(subjects.len())].bytes;
            let (how, bytes) = bytes::mutate(&s.bytes, donor, &mut random);
            if bytes != s.bytes {
                tried.fetch_add(1, Ordering::Relaxed);
                check(s, &|| format!("mutation {i}, {how}"), || s.read_and_verify(&bytes), bounds[k]);
            }
        } else {
            let mut proof = s.proof.clone();
            let how = fields::mutate(&mut proof, &mut random);
            if proof != s.proof {
                tried.fetch_add(1, Ordering::Relaxed);
                check(s, &|| format!("mutation {i}, {how}"), || s.verify(&proof), bounds[k]);
            }
        }
    });
    let tried = tried.into_inner();
    assert!(tried >= RANDOM, "{tried} mutations were tried");
}
