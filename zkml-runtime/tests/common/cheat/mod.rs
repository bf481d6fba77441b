//! A second prover, written from the protocol's description (DESIGN 5.6), that can leave it.
//!
//! Where the crate's prover refuses to open what does not hold, this one opens what does: the verifier is then the one to
//! find the difference.

mod lookups;

use super::forge::cells;
use super::Fixture;
use lookups::Prints;
use num_traits::{One, Zero};
use std::borrow::Cow;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::prover::backend::simd::column::BaseColumn;
use zkml_ir::layout::{Placement, Tree};
use zkml_ir::plan::Plan;
use zkml_runtime::cells::Cells;
use zkml_runtime::claims::{embed, Functional, PieceWeight};
use zkml_runtime::einsum::{self, EinsumPoint, EinsumProof};
use zkml_runtime::field::{eq_table, BaseField, F};
use zkml_runtime::pcs::{commit, prove_opening, CommittedTree, Group, ProverContext, Term};
use zkml_runtime::protocol::{Key, Proof, Statement, Witness};
use zkml_runtime::transcript::{Tag, Transcript};

/// Where a prover leaves the protocol.
pub struct Deviation<'a> {
    /// This message of [`opening_messages`] is not absorbed.
    pub omit: Option<usize>,
    /// The key that the prover claims to prove under.
    pub key: Option<&'a Key>,
    /// What to do where the lookups do not add up.
    pub imbalance: Imbalance,
    /// Changes the rows of the tables that it looks up in.
    pub tables: fn(&mut [Vec<Vec<BaseField>>]),
    /// Changes what the sumcheck sends, before it is absorbed.
    pub einsum: fn(&mut EinsumProof),
    /// Sums the products to what the constants are without the indicator of the stored cells.
    pub leak: bool,
    /// Changes the claims that are opened.
    pub opened: fn(&mut Vec<Group>),
    /// What stands in the rows that no tensor owns, in the trees that the proof commits.
    pub unowned: u32,
}

/// What a prover can do whose cells are in no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imbalance {
    /// Send the roots as they are.
    Admit,
    /// Run the lookup argument on cells that are in the tables, and open those that are committed.
    Pretend,
}

impl Default for Deviation<'_> {
    fn default() -> Self {
        Self {
            omit: None,
            key: None,
            imbalance: Imbalance::Admit,
            tables: |_| (),
            einsum: |_| (),
            leak: false,
            opened: |_| (),
            unowned: 0,
        }
    }
}

/// Everything absorbed before the first challenge, in order.
pub fn opening_messages(
    f: &Fixture,
    key: &Key,
    statement: &Statement,
    roots: &[Blake2sHash],
) -> Vec<(Tag, Vec<u32>)> {
    let hash = |h: &[u8; 32]| -> Vec<u32> {
        h.chunks(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
    };
    let params = f.system().params();
    let config = params.config();
    let mut public = vec![statement.inputs.len() as u32, statement.outputs.len() as u32];
    for v in statement.inputs.iter().map(Option::as_ref).chain(statement.outputs.iter().map(Some)) {
        public.push(v.is_some() as u32);
        if let Some(v) = v {
            public.push(v.shape().rank() as u32);
            public.extend(v.shape().dims().iter().map(|&d| d as u32));
            public.extend(v.to_vec().iter().map(|&x| x as u32));
        }
    }
    let protocol = vec![u32::from_le_bytes(*b"zkml"), 1, f.label as u32];
    let parameters = vec![
        params.level as u32,
        params.log_rows,
        config.pow_bits,
        config.fri_config.log_blowup_factor,
        config.fri_config.log_last_layer_degree_bound,
        config.fri_config.n_queries as u32,
        config.fri_config.fold_step,
        params.log_domain(),
    ];
    let mut messages = vec![
        (Tag::Protocol, protocol),
        (Tag::Parameters, parameters),
        (Tag::ModelDigest, hash(&f.system().digest().0)),
        (Tag::Key, vec![key.columns as u32]),
        (Tag::Root, hash(&key.root)),
        (Tag::PublicValues, public),
    ];
    messages.extend(roots.iter().map(|r| (Tag::Root, hash(&r.0))));
    messages
}

/// The transcript up to the first challenge, less one message.
pub fn transcript(messages: &[(Tag, Vec<u32>)], omit: Option<usize>) -> Transcript {
    let mut t = Transcript::default();
    for (_, (tag, words)) in messages.iter().enumerate().filter(|(i, _)| Some(*i) != omit) {
        t.absorb_words(*tag, words);
    }
    t
}

pub fn prove(f: &Fixture, statement: &Statement, witness: &Witness, deviation: Deviation) -> Proof {
    let (system, plan) = (f.system(), f.plan());
    let ctx = ProverContext::new(*system.params()).expect("parameters");
    let all = cells(f, statement, witness);
    let trees: Vec<CommittedTree> = system
        .trees()
        .into_iter()
        .map(|tree| {
            let unowned = if tree == Tree::Weights { 0 } else { deviation.unowned };
            let columns = columns(f, tree, &all, &witness.multiplicities, base(unowned as i64));
            commit(columns, &ctx).expect("commits")
        })
        .collect();
    let roots: Vec<Blake2sHash> = trees[1..].iter().map(|t| t.root()).collect();
    let key = deviation.key.unwrap_or(f.key());
    let mut t = transcript(&opening_messages(f, key, statement, &roots), deviation.omit);

    let gkr = (!plan.lookups.is_empty()).then(|| {
        let prints = Prints::new(plan, &mut t);
        let (proof, claims) = prints.prove(plan, &all, witness, &deviation, &mut t);
        (prints, proof, claims)
    });
    let (mut sent, at) = einsum::prove(&mut t.clone(), plan, |i| &*all[i]);
    (deviation.einsum)(&mut sent);
    if deviation.leak {
        sent.sum -= leaked(plan, &at);
    }
    // Absorbs what is sent, as the verifier will. What it thinks of it is the verifier's business.
    let mut honest = t.clone();
    let point = match einsum::verify(&mut t, plan, &sent) {
        Ok(point) => point,
        Err(_) => einsum::prove(&mut honest, plan, |i| &*all[i]).1,
    };

    let eta = t.draw();
    let mut etas = std::iter::successors(Some(F::one()), |&p| Some(p * eta));
    let mut functional = Functional::new(plan, system.layout());
    if let Some((prints, _, claims)) = &gkr {
        prints.add_claims(plan, &mut functional, &mut etas, claims);
    }
    einsum::claims(&mut functional, &mut etas, plan, &sent, &point);
    let (_, pieces, _) = functional.finish();
    let at = |tree: Tree| system.trees().iter().position(|&x| x == tree).expect("a tree with columns");
    let mut groups: Vec<Group> = pieces
        .into_iter()
        .map(|g| {
            let term =
                |p: PieceWeight| Term { tree: at(p.tree), column: p.column, slot: p.slot, weight: p.weight };
            Group { point: g.point, terms: g.pieces.into_iter().map(term).collect() }
        })
        .collect();
    (deviation.opened)(&mut groups);
    let truth = value(&trees, &groups);
    let refs: Vec<&CommittedTree> = trees.iter().collect();
    let opening = prove_opening(&mut t, &ctx, &refs, &groups, truth).expect("the truth can be opened");
    Proof {
        private_root: system.has_private().then(|| trees[1].root()),
        trace_root: trees[trees.len() - 1].root(),
        gkr: gkr.map(|(_, proof, _)| proof),
        einsum: sent,
        opening,
    }
}

fn base(v: i64) -> BaseField {
    BaseField::from_u32_unchecked(v.rem_euclid(zkml_ir::elem::P) as u32)
}

/// What the constants of all constraints are in padding, where they have no say: `1 - indicator` of each.
fn leaked(plan: &Plan, at: &EinsumPoint) -> F {
    let gammas = std::iter::successors(Some(F::one()), |&g| Some(g * at.gamma));
    let leak = plan
        .constraints
        .iter()
        .zip(gammas)
        .map(|(c, gamma)| gamma * embed(c.linear.constant) * (F::one() - at.pools.point(c).indicator()));
    leak.fold(F::zero(), |s, v| s + v)
}

/// A tree's columns, piece by piece.
fn columns(
    f: &Fixture,
    tree: Tree,
    all: &[Cow<Cells>],
    multiplicities: &[Vec<u32>],
    unowned: BaseField,
) -> Vec<BaseColumn> {
    let layout = f.system().layout();
    let mut columns = vec![vec![unowned; 1 << layout.log_rows]; layout.columns_of(tree)];
    let mut put = |p: &Placement, value: &dyn Fn(usize) -> BaseField| {
        for (k, piece) in p.pieces.iter().enumerate() {
            for i in 0..1usize << p.bits {
                columns[piece.column][(piece.slot << p.bits) + i] = value((k << p.bits) + i);
            }
        }
    };
    for (placement, cells) in layout.tensors.iter().zip(all) {
        if let Some(p) = placement.as_ref().filter(|p| p.tree == tree) {
            put(p, &|i| base(cells.get(i) as i64));
        }
    }
    for (p, counts) in layout.multiplicities.iter().zip(multiplicities).filter(|(p, _)| p.tree == tree) {
        put(p, &|i| BaseField::from(counts[i]));
    }
    columns.into_iter().map(BaseColumn::from_iter).collect()
}

/// What the claims on committed cells add up to, cell by cell.
fn value(trees: &[CommittedTree], groups: &[Group]) -> F {
    let mut sum = F::zero();
    for g in groups {
        let eq = eq_table(&g.point);
        for term in &g.terms {
            let column = &trees[term.tree].columns()[term.column];
            let start = term.slot << g.point.len();
            let cells = eq.iter().enumerate().map(|(i, e)| *e * column.get(start + i));
            sum += term.weight * cells.fold(F::zero(), |s, v| s + v);
        }
    }
    sum
}
