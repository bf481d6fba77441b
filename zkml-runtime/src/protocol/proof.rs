//! A proof and its bytes.

use super::System;
use crate::einsum::{self, EinsumProof};
use crate::gkr::GkrProof;
use crate::pcs::OpeningProof;
use crate::wire::{Reader, WireError, Writer, FELT, HASH};
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_ir::layout::Tree;

/// All that the prover sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Commitment to the private inputs, where the model has any. It is part of the statement.
    pub private_root: Option<Blake2sHash>,
    pub trace_root: Blake2sHash,
    /// Where the model looks anything up.
    pub gkr: Option<GkrProof>,
    pub einsum: EinsumProof,
    pub opening: OpeningProof,
}

impl Proof {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        if let Some(root) = &self.private_root {
            w.hash(root);
        }
        w.hash(&self.trace_root);
        if let Some(gkr) = &self.gkr {
            w.felts(&gkr.to_felts());
        }
        w.felt(self.einsum.sum);
        w.felts(self.einsum.rounds.as_flattened());
        w.felts(self.einsum.operands.as_flattened());
        self.opening.write(&mut w);
        w.into_bytes()
    }

    /// Bytes by part, in the order in which they lie in [`Proof::to_bytes`] but for those of the opening, which is taken apart: what
    /// a proof's size goes to.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        let o = &self.opening;
        let samples: usize = o.samples.iter().map(Vec::len).sum();
        let own = o.sums_samples.as_flattened().len() + o.composition_samples.len();
        let words: usize = o.queried.iter().flatten().map(Vec::len).sum();
        let paths: usize = o.paths.iter().map(Vec::len).sum();
        let fri: usize =
            o.fri_layers.iter().map(|l| HASH + l.witness.len() * FELT + l.path.len() * HASH).sum();
        let known = [
            ("roots", (1 + usize::from(self.private_root.is_some())) * HASH),
            ("lookup argument", self.gkr.as_ref().map_or(0, |g| g.to_felts().len() * FELT)),
            ("einsum rounds", (1 + self.einsum.rounds.as_flattened().len()) * FELT),
            ("einsum operands", self.einsum.operands.as_flattened().len() * FELT),
            ("opening rounds", o.rounds.as_flattened().len() * FELT),
            ("samples", (samples + own) * FELT),
            ("queried cells", words * 4),
            ("Merkle paths", paths * HASH),
            ("FRI", fri + o.last_layer.len() * FELT),
        ];
        let sum: usize = known.iter().map(|(_, n)| n).sum();
        let rest = self.to_bytes().len() - sum;
        known
            .into_iter()
            .chain([("roots of the opening, counts, nonce", rest)])
            .filter(|(_, n)| *n > 0)
            .collect()
    }

    /// No proof for this system is longer: what a server can refuse before it reads it, and what bounds the memory that
    /// reading one takes.
    pub fn max_bytes(system: &System) -> usize {
        let gkr = system.gkr_shape().map_or(0, |s| s.proof_len().expect("checked when the system was made"));
        let shape = einsum::Shape::new(system.plan());
        let felts = gkr + 1 + 3 * shape.rounds + 2 * shape.instances.len();
        let columns: Vec<usize> = system.trees().iter().map(|&t| system.layout().columns_of(t)).collect();
        let roots = 1 + system.has_private() as usize;
        roots * HASH + felts * FELT + OpeningProof::max_bytes(system.params(), &columns)
    }

    /// Reads a proof for this system: every length but those that depend on queries follows from it.
    pub fn from_bytes(bytes: &[u8], system: &System) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let private_root = system.has_private().then(|| r.hash("private root")).transpose()?;
        let trace_root = r.hash("trace root")?;
        let gkr = match system.gkr_shape() {
            None => None,
            Some(shape) => {
                let n = shape.proof_len().expect("checked when the system was made");
                let felts = r.felts("lookup argument", n)?;
                Some(GkrProof::from_felts(shape, &felts).expect("read with the shape's length"))
            }
        };
        let shape = einsum::Shape::new(system.plan());
        let sum = r.felt("einsum sum")?;
        let rounds = chunks(r.felts("einsum rounds", 3 * shape.rounds)?);
        let operands = chunks(r.felts("einsum operands", 2 * shape.instances.len())?);
        let columns: Vec<usize> = system.trees().iter().map(|&t| system.layout().columns_of(t)).collect();
        let opening = OpeningProof::read(&mut r, system.params(), &columns)?;
        r.finish()?;
        Ok(Self { private_root, trace_root, gkr, einsum: EinsumProof { sum, rounds, operands }, opening })
    }

    /// The roots of the trees in the order of [`System::trees`], the weights' from the key.
    pub(super) fn roots(&self, system: &System, weights: Blake2sHash) -> Vec<Blake2sHash> {
        let root = |t: Tree| match t {
            Tree::Weights => Some(weights),
            Tree::Private => self.private_root,
            Tree::Trace => Some(self.trace_root),
        };
        system.trees().into_iter().filter_map(root).collect()
    }
}

fn chunks<const N: usize, T: Copy>(v: Vec<T>) -> Vec<[T; N]> {
    v.chunks_exact(N).map(|c| c.try_into().unwrap_or_else(|_| unreachable!("chunks of N"))).collect()
}
