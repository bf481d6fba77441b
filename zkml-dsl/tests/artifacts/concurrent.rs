//! One model and one key, used by several threads at once.

use super::{graph, model};
use std::sync::Barrier;
use std::thread;
use zkml_dsl::engine::{verify, Error, Model, Proof, VerifierKey};
use zkml_ir::elem::Elem;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

const fn shared<T: Send + Sync>() {}
const _: () = {
    shared::<Model>();
    shared::<VerifierKey>();
};

const THREADS: usize = 4;
const INPUTS: usize = 3;

type Proven = (Vec<IntTensor>, Proof);

/// Different for each n.
fn input(n: usize) -> IntTensor {
    let values: Vec<i32> = (0..8).map(|i| (37 * n + 101 * i + n * i * i) as i32 % 256 - 128).collect();
    IntTensor::new(Shape::new([2, 4]), Elem::I8, &values).unwrap()
}

fn prove(model: &Model, x: &IntTensor) -> Proven {
    model.prove(std::slice::from_ref(x)).unwrap()
}

/// `f` of every item, each thread on its own share, all of them starting together.
fn at_once<T: Sync, R: Send>(items: &[T], f: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let (start, share) = (Barrier::new(THREADS), items.len() / THREADS);
    let work = |thread: usize| {
        start.wait();
        (thread * share..(thread + 1) * share).map(|i| f(i, &items[i])).collect::<Vec<R>>()
    };
    let work = &work;
    thread::scope(|s| {
        let threads: Vec<_> = (0..THREADS).map(|t| s.spawn(move || work(t))).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    })
}

#[test]
fn threads_share_a_model_and_a_key() {
    let (graph, model) = (graph("net", false), model("net", false));
    let inputs: Vec<IntTensor> = (0..THREADS * INPUTS).map(input).collect();
    let expected: Vec<Proven> = inputs.iter().map(|x| prove(&model, x)).collect();
    let proven = at_once(&inputs, |_, x| prove(&model, x));
    for (i, ((y, proof), (expected_y, expected))) in proven.iter().zip(&expected).enumerate() {
        assert_eq!(y, expected_y, "outputs of input {i}");
        assert!(proof.to_bytes() == expected.to_bytes(), "the proof of input {i} depends on other threads");
    }

    // A key that no one has used yet: every thread finds it unready.
    let key = VerifierKey::from_bytes(&model.verifier_key().to_bytes(), "net").unwrap();
    let check = |x: usize, i: usize| {
        let (y, proof) = &proven[i];
        verify(&graph, &key, &[Some(inputs[x].clone())], y, proof).map_err(Box::new)
    };
    let verdicts = at_once(&proven, |i, _| (check(i, i), check((i + 1) % proven.len(), i)));
    for (i, (own, other)) in verdicts.into_iter().enumerate() {
        own.unwrap_or_else(|e| panic!("input {i}: {e}"));
        assert!(
            other.is_err_and(|e| matches!(*e, Error::Artifact(_))),
            "the proof of input {i} passes for another"
        );
    }
}
