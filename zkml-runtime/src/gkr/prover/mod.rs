//! The prover. Trees are built from the leaves up, then proven from the root down, each layer freed when it is done.
//!
//! * `leaves`: denominators computed from the columns, never stored. `prefix`: data with a constant tail.
//! * `tree`: the layers. `source`: what a sumcheck reads. `split_eq`, `kernel`: the passes over the data.
//! * `layers`: what of it the protocol sees, and what another prover puts in its place. `arrays`, `memory`, `scalars`: here.
//! * `instance`: one tree's part in a sumcheck. This file: both parts together, and the transcript.

mod arrays;
mod instance;
mod kernel;
mod layers;
mod leaves;
mod memory;
mod prefix;
mod scalars;
mod source;
mod split_eq;
mod tree;

use num_traits::{One, Zero};
use stwo::core::channel::Channel;

pub use self::layers::{Arrays, Gate, Layers};
pub use self::scalars::Scalars;
pub use self::source::gate_scalar;

use self::instance::Instance;
use self::leaves::Leaves;
use self::memory::InMemoryTree;
use self::prefix::Scratch;
use super::shape::{in_round, own_rounds, Depths};
use super::verifier::{check_sum, Running};
use super::{GkrClaims, GkrError, GkrLayer, GkrProof, GkrShape, Tree};
use crate::field::{pow2, BaseField, F};
use crate::transcript::{Tag, Transcript};

/// `2^log_len` leaves with `den[i] = constant - sum_j weight_j * column_j[i]`; columns of centred bytes come last.
#[derive(Clone, Debug)]
pub struct LeafBlock<'a> {
    pub log_len: u32,
    pub constant: F,
    /// `(weight, column)`
    pub columns: Vec<(F, &'a [BaseField])>,
    pub bytes: Vec<(F, &'a [i8])>,
}

impl LeafBlock<'_> {
    fn lens(&self) -> impl Iterator<Item = usize> + '_ {
        self.columns.iter().map(|(_, x)| x.len()).chain(self.bytes.iter().map(|(_, x)| x.len()))
    }
}

/// A block of the table tree: leaf i is `-multiplicity[i] / den[i]`.
#[derive(Clone, Debug)]
pub struct TableBlock<'a> {
    pub leaves: LeafBlock<'a>,
    pub multiplicity: &'a [BaseField],
}

/// Proves that the lookups are in the tables with these multiplicities; [`super::verify`] says what the caller has
/// absorbed before. Blocks come in descending order of size, and columns hold canonical words.
pub fn prove<C: Channel + Send>(
    t: &mut Transcript<C>,
    lookups: &[LeafBlock<'_>],
    tables: &[TableBlock<'_>],
) -> Result<(GkrProof, GkrClaims), GkrError> {
    prove_checked(t, lookups, tables, true)
}

/// Without the sum check it makes proofs of false statements, for tests of the verifier.
pub(super) fn prove_checked<C: Channel + Send>(
    t: &mut Transcript<C>,
    lookups: &[LeafBlock<'_>],
    tables: &[TableBlock<'_>],
    check: bool,
) -> Result<(GkrProof, GkrClaims), GkrError> {
    let shape = check_statement(lookups, tables)?;
    // On a thread of the pool small parallel passes run in place, without waking anyone.
    rayon::scope(|_| run(t, &shape, lookups, tables, check))
}

fn check_statement(lookups: &[LeafBlock<'_>], tables: &[TableBlock<'_>]) -> Result<GkrShape, GkrError> {
    let shape =
        GkrShape::of_blocks(lookups.iter().map(|b| b.log_len), tables.iter().map(|b| b.leaves.log_len))?;
    let check = |tree, block, log_len: u32, len: usize| {
        let (expected, got) = (1u64 << log_len, len as u64);
        if got != expected {
            return Err(GkrError::ColumnLength { tree, block, expected, got });
        }
        Ok(())
    };
    for (block, b) in lookups.iter().enumerate() {
        b.lens().try_for_each(|len| check(Tree::Lookups, block, b.log_len, len))?;
    }
    for (block, b) in tables.iter().enumerate() {
        b.leaves.lens().try_for_each(|len| check(Tree::Tables, block, b.leaves.log_len, len))?;
        check(Tree::Tables, block, b.leaves.log_len, b.multiplicity.len())?;
    }
    Ok(shape)
}

fn run<C: Channel>(
    t: &mut Transcript<C>,
    shape: &GkrShape,
    lookups: &[LeafBlock<'_>],
    tables: &[TableBlock<'_>],
    check: bool,
) -> Result<(GkrProof, GkrClaims), GkrError> {
    let depths = shape.depths()?;
    let leaves = Leaves::new(lookups, F::one(), depths.lookups);
    let (lookups, tables) = tracing::info_span!("trees")
        .in_scope(|| (InMemoryTree::lookups(&leaves), InMemoryTree::tables(tables, &depths)));
    descend(t, shape, lookups, tables, check)
}

/// [`prove`] over trees that are kept elsewhere. The lookup tree's lowest layer is that of its denominators
/// ([`Gate::Leaves`]); both are as high as the shape says.
pub fn prove_trees<C: Channel>(
    t: &mut Transcript<C>,
    shape: &GkrShape,
    lookups: impl Layers,
    tables: impl Layers,
) -> Result<(GkrProof, GkrClaims), GkrError> {
    descend(t, shape, lookups, tables, true)
}

fn descend<C: Channel>(
    t: &mut Transcript<C>,
    shape: &GkrShape,
    lookups: impl Layers,
    tables: impl Layers,
    check: bool,
) -> Result<(GkrProof, GkrClaims), GkrError> {
    let depths = shape.depths()?;
    let [lookup_root, table_root] = [lookups.root(), tables.root()];
    if check {
        check_sum(shape, &depths, lookup_root, table_root)?;
    }
    let mut proof = GkrProof { lookup_root, table_root, layers: Vec::with_capacity(depths.layers()) };
    t.absorb_felts(Tag::GkrRoots, &proof.roots());
    let mut lookups = Part { running: Running::new(Tree::Lookups, lookup_root), layers: lookups };
    let mut tables = Part { running: Running::new(Tree::Tables, table_root), layers: tables };
    for layer in 0..depths.layers() {
        proof.layers.push(prove_layer(t, layer, &depths, &mut lookups, &mut tables)?);
    }
    let [lookups, tables] = [lookups.running, tables.running].map(Running::finish);
    Ok((proof, GkrClaims { lookups, tables }))
}

/// A tree on its way down.
struct Part<L> {
    running: Running,
    layers: L,
}

impl<L: Layers> Part<L> {
    /// Its part in a layer's sumcheck, if it takes part.
    fn instance(
        &mut self,
        depths: &Depths,
        layer: usize,
        lambda: F,
    ) -> Result<Option<Instance<'_>>, GkrError> {
        let tree = self.running.tree;
        if depths.own_vars(tree, layer).is_none() {
            return Ok(None);
        }
        let (z, claim) = (self.running.point.clone(), self.running.batched(lambda));
        let instance = match depths.ends_in_leaves(tree, layer) {
            true => Instance::leaves(&mut self.layers, z, claim, lambda),
            false => Instance::fractions(&mut self.layers, z, claim, lambda),
        };
        instance.map(Some)
    }
}

/// One layer of both trees: the sumcheck, the children, and the claims one layer down.
fn prove_layer<C: Channel>(
    t: &mut Transcript<C>,
    layer: usize,
    depths: &Depths,
    lookups: &mut Part<impl Layers>,
    tables: &mut Part<impl Layers>,
) -> Result<GkrLayer, GkrError> {
    let (lambda, gamma) = (t.draw(), t.draw());
    let mut instances = Vec::with_capacity(2);
    instances.extend(lookups.instance(depths, layer, lambda)?.map(|i| (F::one(), i)));
    instances.extend(tables.instance(depths, layer, lambda)?.map(|i| (gamma, i)));

    let mut proof = GkrLayer::default();
    let mut challenges = Vec::with_capacity(layer);
    for round in 0..layer {
        let (r, message) = prove_round(t, round, layer, &mut instances)?;
        proof.rounds.push(message);
        challenges.push(r);
    }

    let mut masks = instances.iter().map(|(_, instance)| instance.mask());
    let mut next = |tree| depths.own_vars(tree, layer).and_then(|_| masks.next()).unwrap_or_default();
    proof.lookup_mask = next(Tree::Lookups);
    proof.table_mask = next(Tree::Tables);
    drop(masks);
    drop(instances);
    t.absorb_felts(Tag::GkrMask, &[&proof.lookup_mask[..], &proof.table_mask[..]].concat());
    let c = t.draw();
    for running in [&mut lookups.running, &mut tables.running] {
        if let Some(own) = depths.own_vars(running.tree, layer) {
            running.descend(proof.mask(running.tree), c, own_rounds(&challenges, own));
        }
    }
    Ok(proof)
}

/// One round: `sum over trees of weight * 2^unused * s_tree(X)`. A tree that sits the round out is constant in X, and
/// its sum over X is what halves the power of two.
fn prove_round<C: Channel>(
    t: &mut Transcript<C>,
    round: usize,
    vars: usize,
    instances: &mut [(F, Instance<'_>)],
) -> Result<(F, [F; 3]), GkrError> {
    let mut s = [F::zero(); 4];
    let takes_part = |instance: &Instance<'_>| in_round(round, vars, instance.own_vars());
    for (weight, instance) in instances.iter_mut() {
        let unused = vars - round - instance.vars_left();
        if takes_part(instance) {
            for (s, c) in s.iter_mut().zip(instance.round()?) {
                *s += *weight * c * pow2(unused);
            }
        } else {
            s[0] += *weight * instance.total() * pow2(unused - 1);
        }
    }
    let message = [s[0], s[2], s[3]];
    t.absorb_felts(Tag::GkrRound, &message);
    let r = t.draw();
    for (_, instance) in instances.iter_mut() {
        if takes_part(instance) {
            instance.bind(r)?;
        }
    }
    Ok((r, message))
}
