//! How long a mutated proof is looked at, against an honest one.
//!
//! ```sh
//! cargo bench -p zkml-runtime --bench mutations
//! ```

#[path = "../tests/mutations/bytes.rs"]
mod bytes;
#[path = "../tests/mutations/fields.rs"]
mod fields;
#[path = "../tests/mutations/random.rs"]
mod random;
#[path = "../tests/mutations/subject.rs"]
mod subject;

use random::Random;
use std::time::{Duration, Instant};
use subject::subjects;

/// For each subject.
const MUTATIONS: usize = 2_000;
/// A mutation that seems slow is timed again: what counts is the least of these, since other work on the machine only
/// ever adds.
const REPEATS: usize = 9;

fn time(f: impl FnOnce() -> bool) -> Duration {
    let start = Instant::now();
    std::hint::black_box(f());
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    println!(
        "{:<26} {:>10} {:>12} {:>12} {:>8}  slowest",
        "proof", "honest ms", "median ms", "slowest ms", "ratio"
    );
    let subjects = subjects();
    for s in &subjects {
        let honest = median((0..25).map(|_| time(|| s.read_and_verify(&s.bytes).is_ok())).collect());
        let mut all = Vec::with_capacity(MUTATIONS);
        let (mut slowest, mut what) = (Duration::ZERO, String::new());
        for i in 0..MUTATIONS {
            let mut random = Random::new(i as u64);
            let (how, least) = if i % 2 == 0 {
                let donor = &subjects[random.below(subjects.len())].bytes;
                let (how, bytes) = bytes::mutate(&s.bytes, donor, &mut random);
                (how.to_owned(), least(slowest, || s.read_and_verify(&bytes).is_ok()))
            } else {
                let mut proof = s.proof.clone();
                let how = fields::mutate(&mut proof, &mut random);
                (how, least(slowest, || s.verify(&proof).is_ok()))
            };
            all.push(least);
            if least > slowest {
                (slowest, what) = (least, how);
            }
        }
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        println!(
            "{:<26} {:>10.2} {:>12.2} {:>12.2} {:>8.2}  {what}",
            s.name,
            ms(honest),
            ms(median(all)),
            ms(slowest),
            ms(slowest) / ms(honest)
        );
    }
}

/// One run, or the least of several if it is slower than `slowest`.
fn least(slowest: Duration, mut f: impl FnMut() -> bool) -> Duration {
    let first = time(&mut f);
    if first <= slowest {
        return first;
    }
    (1..REPEATS).map(|_| time(&mut f)).fold(first, Duration::min)
}
