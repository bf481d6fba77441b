//! A prover that leaves one message out of its transcript: each message of the whole proof in turn, for good or just
//! for the challenges that follow it. Before that, what is absorbed is written down a second time from DESIGN 5.6.

use crate::common::channel::{Message, Omission, OmittingChannel, OmittingMerkleChannel};
use crate::common::cheat::opening_messages;
use crate::common::{graph, Fixture};
use stwo::core::fri::FriVerificationError as Fri;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_runtime::einsum::EinsumError;
use zkml_runtime::field::F;
use zkml_runtime::gkr::GkrError;
use zkml_runtime::pcs::{OpeningError, Part};
use zkml_runtime::protocol::{self, Proof, Statement, VerifyError};
use zkml_runtime::transcript::{Tag, Transcript};

/// A message by its place in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Label, parameters, digest, key, public values, root of the private inputs.
    Opening,
    TraceRoot,
    GkrRoots,
    GkrRound {
        layer: usize,
    },
    GkrMask {
        layer: usize,
        last: bool,
    },
    OutputClaim,
    EinsumRound,
    OperandClaims,
    OpeningClaim,
    OpeningRound,
    OpeningValue,
    Config,
    /// Of a tree that is opened.
    Root,
    SumsRoot,
    CompositionRoot,
    Samples,
    FriRoot {
        layer: usize,
        last: bool,
    },
    LastLayer,
    Nonce,
}

/// A message, its content where the proof holds it.
type Item = (What, Option<Message>);

fn tagged(tag: Tag, felts: &[F]) -> Option<Message> {
    let words: Vec<u32> = felts.iter().flat_map(|f| f.to_m31_array()).map(|m| m.0).collect();
    Some(tagged_words(tag, words))
}

fn tagged_words(tag: Tag, words: Vec<u32>) -> Message {
    Message::Words([vec![tag as u32, words.len() as u32], words].concat())
}

/// Everything that an honest prover absorbs, in order.
fn items(f: &Fixture, statement: &Statement, proof: &Proof) -> Vec<Item> {
    let roots: Vec<Blake2sHash> = proof.private_root.into_iter().chain([proof.trace_root]).collect();
    let opening = opening_messages(f, f.key(), statement, &roots);
    let mut items: Vec<Item> =
        opening.into_iter().map(|(tag, words)| (What::Opening, Some(tagged_words(tag, words)))).collect();
    items.last_mut().expect("messages").0 = What::TraceRoot;
    if let Some(gkr) = &proof.gkr {
        let [l, t] = [gkr.lookup_root, gkr.table_root];
        let roots = [l.numerator, l.denominator, t.numerator, t.denominator];
        items.push((What::GkrRoots, tagged(Tag::GkrRoots, &roots)));
        for (layer, l) in gkr.layers.iter().enumerate() {
            let round = |r| (What::GkrRound { layer }, tagged(Tag::GkrRound, r));
            items.extend(l.rounds.iter().map(|r| round(r)));
            let mask = [&l.lookup_mask[..], &l.table_mask].concat();
            let last = layer + 1 == gkr.layers.len();
            items.push((What::GkrMask { layer, last }, tagged(Tag::GkrMask, &mask)));
        }
    }
    let e = &proof.einsum;
    items.push((What::OutputClaim, tagged(Tag::OutputClaim, &[e.sum])));
    items.extend(e.rounds.iter().map(|r| (What::EinsumRound, tagged(Tag::EinsumRound, r))));
    items.push((What::OperandClaims, tagged(Tag::OperandClaims, e.operands.as_flattened())));

    let o = &proof.opening;
    // Claim and value follow from what was absorbed before: they are not sent.
    items.push((What::OpeningClaim, None));
    items.extend(o.rounds.iter().map(|r| (What::OpeningRound, tagged(Tag::OpeningRound, r))));
    items.push((What::OpeningValue, None));
    let config = f.system().params().config();
    let fri = config.fri_config;
    let parameters = [
        F::from_u32_unchecked(
            config.pow_bits,
            fri.log_blowup_factor,
            fri.n_queries as u32,
            fri.log_last_layer_degree_bound,
        ),
        F::from_u32_unchecked(fri.fold_step, f.system().params().log_domain(), 0, 0),
    ];
    items.push((What::Config, Some(Message::Felts(parameters.to_vec()))));
    let root = |r: &Blake2sHash| Some(Message::Root(*r));
    items.push((What::Root, root(&Blake2sHash(f.key().root))));
    items.extend(roots.iter().map(|r| (What::Root, root(r))));
    items.push((What::SumsRoot, root(&o.sums_root)));
    items.push((What::CompositionRoot, root(&o.composition_root)));
    let samples =
        o.samples.iter().flatten().chain(o.sums_samples.as_flattened()).chain(&o.composition_samples);
    items.push((What::Samples, Some(Message::Felts(samples.copied().collect()))));
    for (layer, l) in o.fri_layers.iter().enumerate() {
        let last = layer + 1 == o.fri_layers.len();
        items.push((What::FriRoot { layer, last }, root(&l.root)));
    }
    items.push((What::LastLayer, Some(Message::Felts(o.last_layer.clone()))));
    items.push((What::Nonce, Some(Message::Words(vec![o.nonce as u32, (o.nonce >> 32) as u32]))));
    items
}

/// What the verifier says of a proof that was made without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    GkrLayer(usize),
    TableDenominator,
    FinalClaim,
    Constraint,
    ProofOfWork,
    FirstFriLayer,
    InnerFriLayer(usize),
    LastFriLayer,
    /// The prover answered other queries, as many or not.
    Queries,
}

impl Refusal {
    fn is(self, error: &VerifyError) -> bool {
        use VerifyError::{Einsum, Gkr, Opening};
        match (self, error) {
            (Self::GkrLayer(at), Gkr(GkrError::LayerMismatch { layer })) => *layer == at,
            (Self::InnerFriLayer(at), Opening(OpeningError::Fri(e))) => {
                matches!(e, Fri::InnerLayerCommitmentInvalid { inner_layer, .. } if *inner_layer == at)
            }
            (Self::TableDenominator, VerifyError::TableDenominator)
            | (Self::FinalClaim, Einsum(EinsumError::FinalClaim))
            | (Self::Constraint, Opening(OpeningError::Constraint))
            | (Self::ProofOfWork, Opening(OpeningError::ProofOfWork { .. }))
            | (Self::FirstFriLayer, Opening(OpeningError::Fri(Fri::FirstLayerCommitmentInvalid { .. })))
            | (Self::LastFriLayer, Opening(OpeningError::Fri(Fri::LastLayerEvaluationsInvalid)))
            | (Self::Queries, Opening(OpeningError::Merkle { tree: 0, .. })) => true,
            (Self::Queries, Opening(OpeningError::Length { part, .. })) => {
                *part == Part::QueriedValues { tree: 0, column: 0 }
            }
            _ => false,
        }
    }
}

/// Left out, a message changes every later challenge: the verifier refuses at the first check that depends on one.
fn left_out(what: What, proof: &Proof) -> Refusal {
    let sumcheck = match proof.einsum.rounds.len() {
        0 => Refusal::Constraint,
        _ => Refusal::FinalClaim,
    };
    match what {
        What::Opening | What::TraceRoot if proof.gkr.is_none() => sumcheck,
        // Layer 0 has no rounds: what it says holds at every challenge.
        What::Opening | What::TraceRoot | What::GkrRoots => Refusal::GkrLayer(1),
        What::GkrRound { layer } => Refusal::GkrLayer(layer),
        What::GkrMask { layer, last: false } => Refusal::GkrLayer(layer + 1),
        What::GkrMask { last: true, .. } | What::OutputClaim | What::EinsumRound => sumcheck,
        What::OperandClaims | What::OpeningClaim | What::OpeningRound | What::OpeningValue => {
            Refusal::Constraint
        }
        What::Config | What::Root | What::SumsRoot | What::CompositionRoot => Refusal::Constraint,
        What::Samples | What::FriRoot { .. } | What::LastLayer => Refusal::ProofOfWork,
        What::Nonce => Refusal::Queries,
    }
}

/// Absorbed late, a message is missed by the challenges before the next one alone. `None`: these have no effect, or
/// there are none, and the proof is the honest one.
fn late(what: What, proof: &Proof) -> Option<Refusal> {
    Some(match what {
        What::Opening => return None,
        What::TraceRoot if proof.gkr.is_none() => left_out(what, proof),
        // The fractions add up under every alpha and beta, but the tables' are the verifier's own.
        What::TraceRoot => Refusal::TableDenominator,
        // Layer 0 has no rounds.
        What::GkrRoots => return None,
        What::OutputClaim | What::OpeningClaim | What::OpeningValue | What::Config | What::Root => {
            return None
        }
        // A single constraint: its random coefficient is the zeroth power.
        What::SumsRoot => return None,
        // It is missed by the point in the leaves and by the output challenges, which the sumcheck of a single product
        // without batch axes does not name.
        What::GkrMask { last: true, .. } if proof.einsum.operands.len() == 1 => Refusal::Constraint,
        // Where there is one claim, eta is not used.
        What::OperandClaims if proof.gkr.is_none() && proof.einsum.operands.is_empty() => return None,
        What::GkrRound { .. } | What::GkrMask { .. } | What::EinsumRound => left_out(what, proof),
        What::OperandClaims | What::OpeningRound | What::CompositionRoot => left_out(what, proof),
        What::Samples => Refusal::FirstFriLayer,
        What::FriRoot { layer, last: false } => Refusal::InnerFriLayer(layer),
        What::FriRoot { last: true, .. } => Refusal::LastFriLayer,
        What::LastLayer | What::Nonce => left_out(what, proof),
    })
}

/// With and without lookups, products and private inputs; the first has every part. They are small: the prover runs
/// once for each of their messages.
const MODELS: [graph::Build; 3] = [graph::no_lookups_private, graph::no_lookups, graph::no_products];

fn prove_on(f: &Fixture, channel: OmittingChannel) -> (Statement, Proof) {
    let (statement, witness) = f.run(1);
    let t = Transcript::on(channel);
    let proof = protocol::prove_on::<OmittingMerkleChannel>(t, &f.prover, &f.committed, &statement, witness);
    (statement, proof.expect("true under its own challenges"))
}

/// A channel that omits nothing is the protocol's, and what it is given is all of the proof but the answers to queries.
#[test]
fn every_message_of_a_proof_is_absorbed() {
    for model in MODELS.into_iter().chain([graph::mlp_private as graph::Build, graph::attention_masked]) {
        let f = Fixture::quick(model());
        let channel = OmittingChannel::default();
        let record = channel.record();
        let (statement, proof) = prove_on(&f, channel);
        assert_eq!(proof, f.prove(1).1);
        f.verify(&statement, &proof).expect("an honest proof");
        let record = record.lock().expect("proven").clone();
        let items = items(&f, &statement, &proof);
        assert_eq!(record.len(), items.len());
        for ((what, expected), got) in items.into_iter().zip(record) {
            match (expected, got) {
                (Some(expected), got) => assert_eq!(got, expected, "{what:?}"),
                (None, Message::Words(words)) => assert_eq!(words[..2], [Tag::OpeningClaim as u32, 4]),
                (None, got) => panic!("{what:?}: {got:?}"),
            }
        }
    }
}

#[test]
fn no_message_can_be_left_out() {
    for model in MODELS {
        let f = Fixture::quick(model());
        let (statement, honest) = f.prove(1);
        for (at, (what, _)) in items(&f, &statement, &honest).into_iter().enumerate() {
            let (_, proof) = prove_on(&f, OmittingChannel::new(at, Omission::Never));
            let verdict = f.verify(&statement, &proof);
            let expected = left_out(what, &honest);
            assert!(verdict.as_ref().is_err_and(|e| expected.is(e)), "{at}, {what:?}: {verdict:?}");
        }
    }
}

#[test]
fn no_message_can_be_absorbed_late() {
    for model in MODELS {
        let f = Fixture::quick(model());
        let (statement, honest) = f.prove(1);
        for (at, (what, _)) in items(&f, &statement, &honest).into_iter().enumerate() {
            let (_, proof) = prove_on(&f, OmittingChannel::new(at, Omission::Late));
            match late(what, &honest) {
                None => assert!(proof == honest, "{at}, {what:?}"),
                Some(expected) => {
                    let verdict = f.verify(&statement, &proof);
                    assert!(verdict.as_ref().is_err_and(|e| expected.is(e)), "{at}, {what:?}: {verdict:?}");
                }
            }
        }
    }
}
