//! The byte format, section by section: words that are no field elements, elements and rounds too many or too few.

use crate::common::{assert_refused, graph, Fixture};
use zkml_runtime::einsum::EinsumError;
use zkml_runtime::field::P;
use zkml_runtime::gkr::GkrError;
use zkml_runtime::pcs::OpeningError;
use zkml_runtime::protocol::{Proof, Statement, VerifyError};
use zkml_runtime::wire::WireError;

const FELT: usize = 16;
const HASH: usize = 32;

/// A run of like elements in a proof's bytes.
#[derive(Clone, Debug)]
struct Section {
    what: &'static str,
    start: usize,
    len: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Field elements; so many bytes are one message of a sumcheck, 0 where it is none.
    Field { round: usize },
    /// A number of elements that follow.
    Count,
    /// Any bytes will do: the transcript or a path finds a change.
    Opaque(Refused),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Challenges,
    Constraint,
    ProofOfWork,
    Merkle,
    Fri,
}

/// The proof's sections, written down from its description.
fn sections(f: &Fixture, p: &Proof) -> Vec<Section> {
    let mut out: Vec<Section> = vec![];
    let mut at = 0;
    let mut push = |what, len: usize, kind| {
        if len > 0 {
            out.push(Section { what, start: at, len, kind });
        }
        at += len;
    };
    let field = Kind::Field { round: 0 };
    let challenges = Kind::Opaque(Refused::Challenges);
    push("private root", if p.private_root.is_some() { HASH } else { 0 }, challenges);
    push("trace root", HASH, challenges);
    if let Some(gkr) = &p.gkr {
        push("lookup roots", 4 * FELT, field);
        for l in &gkr.layers {
            push("lookup rounds", 3 * FELT * l.rounds.len(), Kind::Field { round: 3 * FELT });
            push("lookup masks", FELT * (l.lookup_mask.len() + l.table_mask.len()), field);
        }
    }
    push("einsum sum", FELT, field);
    push("einsum rounds", 3 * FELT * p.einsum.rounds.len(), Kind::Field { round: 3 * FELT });
    push("einsum operands", 2 * FELT * p.einsum.operands.len(), field);
    let o = &p.opening;
    push("opening rounds", 2 * FELT * o.rounds.len(), Kind::Field { round: 2 * FELT });
    push("prefix-sum root", HASH, Kind::Opaque(Refused::Constraint));
    push("composition root", HASH, Kind::Opaque(Refused::Constraint));
    o.samples.iter().for_each(|tree| push("samples", FELT * tree.len(), field));
    push("prefix-sum samples", 8 * FELT, field);
    push("composition samples", 8 * FELT, field);
    for l in &o.fri_layers {
        push("FRI root", HASH, Kind::Opaque(Refused::ProofOfWork));
        push("FRI witnesses", 4, Kind::Count);
        push("FRI witness", FELT * l.witness.len(), field);
        push("FRI siblings", 4, Kind::Count);
        push("FRI path", HASH * l.path.len(), Kind::Opaque(Refused::Fri));
    }
    push("last FRI layer", FELT * o.last_layer.len(), field);
    push("nonce", 8, Kind::Opaque(Refused::ProofOfWork));
    push("queries", 4, Kind::Count);
    o.queried.iter().flatten().for_each(|column| push("queried values", 4 * column.len(), field));
    for path in &o.paths {
        push("siblings", 4, Kind::Count);
        push("path", HASH * path.len(), Kind::Opaque(Refused::Merkle));
    }
    assert_eq!(at, p.to_bytes().len(), "every byte has a section");
    assert_eq!(f.system().has_private(), p.private_root.is_some());
    out
}

struct Bytes {
    f: Fixture,
    statement: Statement,
    bytes: Vec<u8>,
    sections: Vec<Section>,
}

fn models() -> [Bytes; 2] {
    [graph::mlp_private(), graph::no_lookups()].map(|model| {
        let f = Fixture::quick(model);
        let (statement, proof) = f.prove(1);
        let (bytes, sections) = (proof.to_bytes(), sections(&f, &proof));
        Bytes { f, statement, bytes, sections }
    })
}

impl Bytes {
    fn verdict(&self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.f.verify(&self.statement, &Proof::from_bytes(bytes, self.f.system())?)
    }

    fn with_word(&self, at: usize, word: u32) -> Result<(), VerifyError> {
        let mut bytes = self.bytes.clone();
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        assert_ne!(bytes, self.bytes);
        self.verdict(&bytes)
    }

    fn with_range(&self, range: std::ops::Range<usize>, put: &[u8]) -> Result<(), VerifyError> {
        let mut bytes = self.bytes.clone();
        bytes.splice(range, put.iter().copied());
        self.verdict(&bytes)
    }

    fn opaque(&self, refused: Refused, verdict: Result<(), VerifyError>) -> bool {
        use VerifyError::{Einsum, Gkr, Opening};
        match (refused, verdict) {
            (Refused::Challenges, Err(Gkr(GkrError::LayerMismatch { layer: 1 }))) => true,
            (Refused::Challenges, Err(Einsum(EinsumError::FinalClaim))) => !self.f.system().has_private(),
            (Refused::Constraint, Err(Opening(OpeningError::Constraint)))
            | (Refused::ProofOfWork, Err(Opening(OpeningError::ProofOfWork { .. })))
            | (Refused::Merkle, Err(Opening(OpeningError::Merkle { .. })))
            | (Refused::Fri, Err(Opening(OpeningError::Fri(_)))) => true,
            _ => false,
        }
    }
}

#[test]
fn the_sections_are_read_as_they_were_written() {
    for m in models() {
        m.verdict(&m.bytes).expect("an honest proof");
    }
}

/// A word of p is zero in arithmetic and another word on the wire: in every section.
#[test]
fn a_word_equal_to_p() {
    for m in models() {
        for s in &m.sections {
            for at in [s.start, s.start + s.len - 4] {
                for word in [P, u32::MAX] {
                    let verdict = m.with_word(at, word);
                    let expected = match (s.kind, &verdict) {
                        (
                            Kind::Field { .. },
                            Err(VerifyError::Wire(WireError::NotCanonical { offset, word: w })),
                        ) => (*offset, *w) == (at, word),
                        (Kind::Count, Err(VerifyError::Wire(WireError::Length { .. }))) => true,
                        (Kind::Opaque(refused), _) => m.opaque(refused, m.with_word(at, word)),
                        _ => false,
                    };
                    assert!(expected, "{} at {at}: {verdict:?}", s.what);
                }
            }
        }
    }
}

/// Lengths follow from the plan: what is one element short or long is read as the next section, and does not end where
/// the bytes do. A round of a higher degree has an element more, one of a lower degree an element less.
#[test]
fn a_round_too_many_or_too_few_or_of_another_degree() {
    for m in models() {
        for s in &m.sections {
            let Kind::Field { round } = s.kind else { continue };
            for element in [round, FELT, 4].into_iter().filter(|&n| n > 0 && n <= s.len) {
                let end = s.start + s.len;
                let more = m.with_range(end..end, &vec![0; element]);
                assert_refused!(more, VerifyError::Wire(_));
                let fewer = m.with_range(end - element..end, &[]);
                assert_refused!(fewer, VerifyError::Wire(_));
            }
        }
    }
}

/// At the end nothing is read for what is missing, and nothing may follow.
#[test]
fn the_last_section_is_exact() {
    for m in models() {
        let n = m.bytes.len();
        assert_refused!(m.with_range(n..n, &[0; HASH]), VerifyError::Wire(WireError::Trailing { got: HASH }));
        assert_refused!(m.with_range(n - HASH..n, &[]), VerifyError::Wire(WireError::Truncated { .. }));
    }
}
