//! What is absorbed before the first challenge, written down a second time: nothing of it can be left out.

use crate::common::cheat::{opening_messages, prove, transcript, Deviation};
use crate::common::{assert_refused, graph, Fixture};
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_runtime::einsum::{self, EinsumError};
use zkml_runtime::gkr::{self, GkrError, GkrShape};
use zkml_runtime::protocol::{Proof, VerifyError};
use zkml_runtime::transcript::Transcript;

fn roots(proof: &Proof) -> Vec<Blake2sHash> {
    proof.private_root.into_iter().chain([proof.trace_root]).collect()
}

/// Do both arguments hold under this transcript?
fn accepts(f: &Fixture, mut t: Transcript, proof: &Proof) -> bool {
    if let Some(p) = &proof.gkr {
        let plan = f.plan();
        let (mut lookups, mut tables) = (vec![], vec![]);
        for l in &plan.lookups {
            lookups.extend((0..l.space.slabs()).map(|_| l.space.slab_bits()));
        }
        tables.extend(plan.tables.iter().map(|t| t.log_rows()));
        lookups.sort_by_key(|&b| std::cmp::Reverse(b));
        tables.sort_by_key(|&b| std::cmp::Reverse(b));
        let shape = GkrShape::of_blocks(lookups, tables).expect("a shape");
        t.draw_many(2);
        if gkr::verify(&mut t, &shape, p).is_err() {
            return false;
        }
    }
    einsum::verify(&mut t, f.plan(), &proof.einsum).is_ok()
}

/// An honest proof holds under the whole transcript, and under none that lacks or reorders a message.
#[test]
fn every_message_is_absorbed_in_its_place() {
    for model in [graph::mlp_private, graph::mlp, graph::no_lookups, graph::private_types] {
        let f = Fixture::new(model());
        let (statement, proof) = f.prove(1);
        let messages = opening_messages(&f, f.key(), &statement, &roots(&proof));
        assert!(accepts(&f, transcript(&messages, None), &proof));
        for omitted in 0..messages.len() {
            let t = transcript(&messages, Some(omitted));
            assert!(!accepts(&f, t, &proof), "{:?} is not absorbed", messages[omitted].0);
        }
        for first in 1..messages.len() {
            let mut swapped = messages.clone();
            swapped.swap(first - 1, first);
            assert!(!accepts(&f, transcript(&swapped, None), &proof), "message {first}");
        }
    }
}

/// Each word of each message counts.
#[test]
fn every_word_is_absorbed() {
    let f = Fixture::new(graph::mlp_private());
    let (statement, proof) = f.prove(1);
    let messages = opening_messages(&f, f.key(), &statement, &roots(&proof));
    for (i, (tag, words)) in messages.iter().enumerate() {
        for word in 0..words.len() {
            let mut changed = messages.clone();
            changed[i].1[word] ^= 1;
            assert!(!accepts(&f, transcript(&changed, None), &proof), "word {word} of {tag:?}");
        }
    }
}

/// A prover that leaves a message out.
#[test]
fn a_prover_that_omits_a_message_is_refused() {
    for (model, has_lookups) in [(graph::mlp_private(), true), (graph::no_lookups(), false)] {
        let f = Fixture::new(model);
        let (statement, witness) = f.run(1);
        let n = 7 + f.system().has_private() as usize;
        for omitted in 0..n {
            let deviation = Deviation { omit: Some(omitted), ..Deviation::default() };
            let proof = prove(&f, &statement, &witness, deviation);
            let verdict = f.verify(&statement, &proof);
            match has_lookups {
                true => assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 })),
                false => assert_refused!(verdict, VerifyError::Einsum(EinsumError::FinalClaim)),
            }
        }
    }
}
