//! The prover: commits the trace, runs the three arguments, opens what they claim.

use super::lookups::{self, Fingerprint};
use super::verify::{begin, eta_powers, opening_claim};
use super::{Key, Proof, ProveError, Statement, System};
use crate::cells::{materialise_into, Cells};
use crate::claims::{embed, Functional, PublicValues};
use crate::einsum;
use crate::field::pool::zeroed;
use crate::field::{BaseField, F};
use crate::gkr::{self, LeafBlock, TableBlock};
use crate::pcs::{commit, commit_in, prove_opening_on, Column, CommittedTree, ProverContext, Store};
use crate::transcript::Transcript;
use num_traits::Zero;
use rayon::prelude::*;
use std::sync::Arc;
use stwo::core::channel::MerkleChannel;
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sMerkleChannel, Blake2sMerkleHasher};
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::{BackendForChannel, Column as _};
use zkml_ir::elem::P;
use zkml_ir::layout::{Layout, Placement, Tree};
use zkml_ir::plan::{LinExpr, Lookup, Plan, Source, Space, View};
use zkml_ir::tensor::IntTensor;

/// What the prover knows of one run, by the plan's tensors and tables.
pub struct Witness {
    /// Trace and private-input tensors, row-major; `None` for all others.
    pub tensors: Vec<Option<Vec<i32>>>,
    pub multiplicities: Vec<Vec<u32>>,
}

/// Weights as cells and as a committed tree: made once, borrowed by every proof.
#[derive(Clone)]
pub struct CommittedWeights {
    /// By the model's weights.
    cells: Arc<Vec<Cells>>,
    tree: Arc<CommittedTree>,
    key: Key,
}

impl CommittedWeights {
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The same tree under another system that lays the weights out alike.
    ///
    /// # Panics
    /// If it does not.
    pub fn under(&self, own: &System, other: &System) -> Self {
        assert_eq!(own.weight_placements(), other.weight_placements(), "one tree, two layouts");
        Self { key: Key { digest: other.digest().0, ..self.key.clone() }, ..self.clone() }
    }
}

/// A system with the precomputed parts of the commitment scheme.
pub struct Prover {
    pub system: System,
    context: Arc<ProverContext>,
}

impl Prover {
    pub fn new(system: System) -> Result<Self, ProveError> {
        let context = Arc::new(ProverContext::new(*system.params())?);
        Ok(Self { system, context })
    }

    /// Another system over columns of the same height and level, with what was precomputed for this one.
    ///
    /// # Panics
    /// If its columns are others.
    pub fn with(&self, system: System) -> Self {
        assert_eq!(system.params(), self.context.params(), "one context, two shapes of columns");
        Self { system, context: self.context.clone() }
    }
}

/// Commits a model's weights, given by the model's weight index. Their extension, eight bytes a weight at blow-up 2, is
/// kept in `store`.
pub fn commit_weights(
    prover: &Prover,
    weights: &[IntTensor],
    store: &Store,
) -> Result<CommittedWeights, ProveError> {
    let _span = tracing::info_span!("commit weights").entered();
    let system = &prover.system;
    let mut spaces: Vec<Option<&Space>> = vec![None; weights.len()];
    let mut by_tensor = vec![usize::MAX; system.plan().tensors.len()];
    for (t, decl) in system.plan().tensors.iter().enumerate() {
        if let Source::Weight(i) = decl.source {
            spaces[i] = Some(&decl.axes);
            by_tensor[t] = i;
        }
    }
    let cells: Vec<Cells> = spaces
        .par_iter()
        .zip(weights)
        .map(|(space, w)| Cells::from_tensor(space.expect("every weight is a tensor of the plan"), w))
        .collect();
    let columns = columns(system.layout(), Tree::Weights, |t| &cells[by_tensor[t]], &[]);
    let tree = commit_in(store, columns, &prover.context)?;
    let key = Key {
        root: tree.root().0,
        columns: system.layout().columns_of(Tree::Weights),
        digest: system.digest().0,
    };
    Ok(CommittedWeights { cells: Arc::new(cells), tree: Arc::new(tree), key })
}

/// Proves that the witness, the weights and the statement satisfy the plan.
///
/// The witness is not checked: a wrong one gives a proof that does not verify.
pub fn prove(
    prover: &Prover,
    weights: &CommittedWeights,
    statement: &Statement,
    witness: Witness,
) -> Result<Proof, ProveError> {
    prove_on::<Blake2sMerkleChannel>(Transcript::default(), prover, weights, statement, witness)
}

/// [`prove`] on another channel. The verifier knows one: unless this one draws and grinds alike, it refuses the proof.
pub fn prove_on<MC>(
    mut t: Transcript<MC::C>,
    prover: &Prover,
    weights: &CommittedWeights,
    statement: &Statement,
    witness: Witness,
) -> Result<Proof, ProveError>
where
    MC: MerkleChannel<C: Send, H = Blake2sMerkleHasher>,
    SimdBackend: BackendForChannel<MC>,
{
    let _span = tracing::info_span!("prove").entered();
    let system = &prover.system;
    let (plan, layout) = (system.plan(), system.layout());
    statement.check(system)?;
    let public = PublicValues::cells(plan, &statement.inputs, &statement.outputs);

    let span = tracing::info_span!("commit").entered();
    let Witness { tensors, multiplicities } = witness;
    let own: Vec<Option<Cells>> = tensors
        .into_par_iter()
        .zip(&plan.tensors)
        .map(|(v, t)| v.map(|v| Cells::from_row_major(&t.axes, &v)))
        .collect();
    let cells = |t: usize| match plan.tensors[t].source {
        Source::Weight(i) => &weights.cells[i],
        _ => own[t].as_ref().or(public.get(t)).expect("every tensor has values"),
    };
    let private = match system.has_private() {
        true => Some(commit(columns(layout, Tree::Private, cells, &[]), &prover.context)?),
        false => None,
    };
    let trace = commit(columns(layout, Tree::Trace, cells, &multiplicities), &prover.context)?;
    drop(span);

    let private_root = private.as_ref().map(|t| t.root());
    begin(&mut t, system, &weights.key, statement, [private_root.as_ref(), Some(&trace.root())]);

    let gkr = match system.gkr_shape() {
        None => None,
        Some(_) => {
            let _span = tracing::info_span!("gkr").entered();
            let prints = Fingerprint::new(plan, t.draw(), t.draw());
            let columns = tracing::info_span!("entries").in_scope(|| LookupColumns::new(plan, cells));
            let multiplicities: Vec<Vec<BaseField>> =
                multiplicities.iter().map(|m| m.iter().map(|&v| BaseField::from(v)).collect()).collect();
            let blocks = columns.blocks(plan, &prints);
            let tables = table_blocks(system, &prints, &multiplicities);
            let (proof, claims) = gkr::prove(&mut t, &blocks, &tables)?;
            Some((prints, proof, claims))
        }
    };
    let (einsum, point) = {
        let _span = tracing::info_span!("sumcheck").entered();
        einsum::prove(&mut t, plan, cells)
    };

    let _span = tracing::info_span!("stark").entered();
    let mut functional = Functional::new(plan, layout);
    let mut powers = eta_powers(&mut t);
    let mut value = F::zero();
    if let Some((prints, _, claims)) = &gkr {
        value += lookups::claims(&mut functional, &mut powers, system, prints, claims)
            .expect("the prover's own tables are the tables");
    }
    value += einsum::claims(&mut functional, &mut powers, plan, &einsum, &point);
    let (groups, claim) = opening_claim(system, functional, value, |part| public.eval(plan, part));
    let trees: Vec<&CommittedTree> =
        [Some(&*weights.tree), private.as_ref(), Some(&trace)].into_iter().flatten().collect();
    let opening = prove_opening_on::<MC>(&mut t, &prover.context, &trees, &groups, claim)?;
    let gkr = gkr.map(|(_, proof, _)| proof);
    Ok(Proof { private_root, trace_root: trace.root(), gkr, einsum, opening })
}

/// The columns of a tree: every piece of its tensors, and for the trace of the multiplicities, at its place.
fn columns<'a>(
    layout: &Layout,
    tree: Tree,
    cells: impl Fn(usize) -> &'a Cells,
    multiplicities: &'a [Vec<u32>],
) -> Vec<Column> {
    let tensors = layout.tensors.iter().enumerate().filter_map(|(t, p)| p.as_ref().map(|p| (t, p)));
    let tensors = tensors.filter(|(_, p)| p.tree == tree).map(|(t, p)| (p, Values::Cells(cells(t))));
    let counts = layout.multiplicities.iter().filter(|p| p.tree == tree).zip(multiplicities);
    let items: Vec<(&Placement, Values)> =
        tensors.chain(counts.map(|(p, m)| (p, Values::Counts(m)))).collect();

    let mut by_column: Vec<Vec<(usize, usize)>> = vec![vec![]; layout.columns_of(tree)];
    for (item, (p, _)) in items.iter().enumerate() {
        p.pieces.iter().enumerate().for_each(|(k, piece)| by_column[piece.column].push((item, k)));
    }
    let column = |pieces: Vec<(usize, usize)>| {
        let places = pieces.iter().map(|&(item, k)| {
            let (p, values) = &items[item];
            let len = 1usize << p.bits;
            (values, k * len, p.pieces[k].slot * len..(p.pieces[k].slot + 1) * len)
        });
        let rows = 1 << layout.log_rows;
        if places.clone().all(|(values, ..)| matches!(values, Values::Cells(Cells::I8(_)))) {
            let mut column = vec![0i8; rows];
            places.for_each(|(values, from, to)| values.copy_bytes(from, &mut column[to]));
            return Column::Bytes(column);
        }
        let mut column = BaseColumn::zeros(rows);
        let words = column.as_mut_slice();
        places.for_each(|(values, from, to)| values.copy(from, &mut words[to]));
        Column::Words(column)
    };
    by_column.into_par_iter().map(column).collect()
}

enum Values<'a> {
    Cells(&'a Cells),
    Counts(&'a [u32]),
}

impl Values<'_> {
    /// # Panics
    /// If they are no bytes.
    fn copy_bytes(&self, from: usize, to: &mut [i8]) {
        let Self::Cells(Cells::I8(v)) = self else { unreachable!("bytes") };
        to.copy_from_slice(&v[from..from + to.len()]);
    }

    fn copy(&self, from: usize, to: &mut [BaseField]) {
        let range = from..from + to.len();
        match self {
            Self::Cells(Cells::I8(v)) => {
                to.iter_mut().zip(&v[range]).for_each(|(t, &x)| *t = signed(x as i32))
            }
            Self::Cells(Cells::I32(v)) => to.iter_mut().zip(&v[range]).for_each(|(t, &x)| *t = signed(x)),
            Self::Counts(v) => to.iter_mut().zip(&v[range]).for_each(|(t, &x)| *t = BaseField::from(x)),
        }
    }
}

/// A centred integer as a field element, `|v| < p`.
#[inline(always)]
fn signed(v: i32) -> BaseField {
    BaseField::from_u32_unchecked((v as u32).wrapping_add(((v >> 31) as u32) & P as u32))
}

/// Values of every lookup's entries, in the order of its leaves.
struct LookupColumns<'a> {
    entries: Vec<Vec<Entry<'a>>>,
    /// All words in one piece.
    words: Vec<BaseField>,
}

enum Entry<'a> {
    Constant,
    /// From this place on.
    Words(usize),
    /// Bytes as they are stored: a certificate looks up hundreds of millions of them.
    Bytes(&'a [i8]),
}

impl<'a> LookupColumns<'a> {
    fn new(plan: &'a Plan, cells: impl Fn(usize) -> &'a Cells + Sync) -> Self {
        // What is read where it is, and where the others go.
        let mut len = 0;
        let mut entry = |lookup: &'a Lookup, expr: &'a LinExpr| match (
            &expr.terms[..],
            stored_bytes(plan, lookup, expr, &cells),
        ) {
            ([], _) => Entry::Constant,
            (_, Some(bytes)) => Entry::Bytes(bytes),
            _ => {
                len += lookup.space.len();
                Entry::Words(len - lookup.space.len())
            }
        };
        let entries: Vec<Vec<Entry<'a>>> =
            plan.lookups.iter().map(|l| l.entries.iter().map(|e| entry(l, e)).collect()).collect();
        let mut words = zeroed::<BaseField>(len);
        let mut rest = &mut words[..];
        let mut tasks = vec![];
        for (lookup, entries) in plan.lookups.iter().zip(&entries) {
            for (expr, entry) in lookup.entries.iter().zip(entries) {
                if let Entry::Words(_) = entry {
                    let (out, left) = std::mem::take(&mut rest).split_at_mut(lookup.space.len());
                    rest = left;
                    tasks.push((lookup, expr, out));
                }
            }
        }
        tasks.into_par_iter().for_each_init(Vec::new, |scratch, (lookup, expr, out)| {
            fill_words(plan, lookup, expr, &cells, scratch, out);
        });
        Self { entries, words }
    }

    fn blocks<'s>(&'s self, plan: &Plan, prints: &Fingerprint) -> Vec<LeafBlock<'s>> {
        let block = |b: &lookups::LookupBlock| {
            let lookup = &plan.lookups[b.lookup];
            let range = b.slab << b.log_len..(b.slab + 1) << b.log_len;
            let mut constant = prints.constant(lookup.table);
            let (mut columns, mut bytes) = (vec![], vec![]);
            for (j, (expr, values)) in lookup.entries.iter().zip(&self.entries[b.lookup]).enumerate() {
                match values {
                    Entry::Words(at) => {
                        columns.push((prints.weight(j), &self.words[*at..][range.clone()]));
                    }
                    Entry::Constant => constant -= prints.weight(j) * embed(expr.constant),
                    Entry::Bytes(v) => {
                        constant -= prints.weight(j) * embed(expr.constant);
                        bytes.push((prints.weight(j), &v[range.clone()]));
                    }
                }
            }
            LeafBlock { log_len: b.log_len, constant, columns, bytes }
        };
        lookups::lookup_blocks(plan).iter().map(block).collect()
    }
}

/// The tensor that an entry is, plus a constant: its own cells, if they are in the order of the leaves.
fn stored<'a>(
    plan: &Plan,
    lookup: &Lookup,
    expr: &LinExpr,
    cells: impl Fn(usize) -> &'a Cells,
) -> Option<&'a Cells> {
    let [term] = &expr.terms[..] else { return None };
    let axes = &plan.tensors[term.view.tensor].axes;
    let whole = term.view == View::identity(term.view.tensor, axes) && *axes == lookup.space;
    (term.coef == 1 && term.summed.is_empty() && whole).then(|| cells(term.view.tensor))
}

fn stored_bytes<'a>(
    plan: &Plan,
    lookup: &Lookup,
    expr: &LinExpr,
    cells: impl Fn(usize) -> &'a Cells,
) -> Option<&'a [i8]> {
    match stored(plan, lookup, expr, cells)? {
        Cells::I8(bytes) => Some(bytes),
        Cells::I32(_) => None,
    }
}

fn fill_words<'a>(
    plan: &'a Plan,
    lookup: &Lookup,
    expr: &LinExpr,
    cells: impl Fn(usize) -> &'a Cells,
    scratch: &mut Vec<i64>,
    out: &mut [BaseField],
) {
    if let (Some(stored), 0) = (stored(plan, lookup, expr, &cells), expr.constant) {
        return Values::Cells(stored).copy(0, out);
    }
    materialise_into(scratch, expr, &lookup.space, |t| &plan.tensors[t].axes, &cells);
    let word = |v: i64| BaseField::from_u32_unchecked(v.rem_euclid(P) as u32);
    out.iter_mut().zip(scratch).for_each(|(out, v)| *out = word(*v));
}

fn table_blocks<'s>(
    system: &'s System,
    prints: &Fingerprint,
    multiplicities: &'s [Vec<BaseField>],
) -> Vec<TableBlock<'s>> {
    let plan = system.plan();
    let block = |t: usize| {
        let columns = system.tables[t].columns.iter().enumerate();
        let columns = columns.map(|(j, c)| (prints.weight(j), &c[..])).collect();
        let (log_len, constant) = (plan.tables[t].log_rows(), prints.constant(t));
        let leaves = LeafBlock { log_len, constant, columns, bytes: vec![] };
        TableBlock { leaves, multiplicity: &multiplicities[t] }
    };
    lookups::table_order(plan).into_iter().map(block).collect()
}
