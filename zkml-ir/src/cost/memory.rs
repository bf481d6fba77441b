//! How much memory setup and proof take, from what each of their phases holds.
//!
//! Every term is a buffer of the runtime, named where it is counted. Phases run one after the other, so a peak is the
//! largest of them. `docs/memory.md` holds these figures against measured ones.

use super::pool::Pool;
use crate::elem::Interval;
use crate::layout::{choose_log_rows, Tree};
use crate::lower::Lowered;
use crate::plan::{Axis, Factor, LinExpr, Lookup, Plan, Product, Source, TensorDecl};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bytes that a model takes, by what holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The float weights that the model is calibrated from, if it is. They are the caller's.
    pub floats: u64,
    /// The integer weights, which setup is given and keeps.
    pub weights: u64,
    /// What else setup leaves: weights in slab order, the committed tree, buffers that proofs use again.
    pub held: u64,
    /// The most that setup takes at once, `held` included.
    pub setup: u64,
    /// The most that the first proof takes at once, on top of `weights` and `held`.
    pub prove: u64,
}

/// A word of the base field, an element of the extension, a hash.
const CELL: u64 = 4;
const FELT: u64 = 16;
const HASH: u64 = 32;
/// A float weight, as calibration is given it.
const FLOAT: u64 = 4;
/// The program, the stacks of its threads, graph and plan.
const PROCESS: u64 = 12 << 20;
/// What the allocator keeps of freed memory, as a share of what is in use: measured, between 5 and 13 %.
const KEPT: u64 = 10;

impl Memory {
    /// The largest extension of weights that is kept in memory; larger ones go to a file.
    pub const EXTENSION: u64 = 128 << 20;

    /// Of a plan, and of the plans of the certificate's parts for the same weights, on this many threads.
    pub fn new(plan: &Plan, certificate: &[Lowered], log_blowup: u32, threads: usize) -> Self {
        let log_rows = choose_log_rows(plan);
        let (rows, extended) = (1u64 << log_rows, 1u64 << (log_rows + log_blowup));
        let argument = |plan| Argument { plan, rows, extended, threads: threads as u64 };
        let proof = argument(plan);
        let stays = proof.slab_order() + proof.tree(Tree::Weights) + proof.precomputed();
        let committing = proof.committing();
        let mut pool = Pool::default();
        // One part after the other; without weights there is none.
        let certify = certificate.iter().map(|part| argument(&part.plan).peak(&mut pool)).max().unwrap_or(0);
        Self {
            floats: FLOAT * proof.cells(Tree::Weights),
            weights: proof.stored(),
            held: stays + pool.bytes(),
            setup: stays + certify.max(committing),
            prove: proof.peak(&mut pool),
        }
    }

    /// The most physical memory that a process holds which calibrates the model, sets it up and proves with it.
    pub fn process(&self) -> u64 {
        let used = self.floats + self.weights + self.setup.max(self.held + self.prove);
        PROCESS + used + used / KEPT
    }
}

/// A plan that is proven with columns of `rows` rows, which the blow-up makes `extended`.
struct Argument<'a> {
    plan: &'a Plan,
    rows: u64,
    extended: u64,
    threads: u64,
}

impl<'a> Argument<'a> {
    fn tensors(&self, tree: Tree) -> impl Iterator<Item = &'a TensorDecl> {
        self.plan.tensors.iter().filter(move |t| Tree::of(&t.source) == Some(tree))
    }

    fn cells(&self, tree: Tree) -> u64 {
        self.tensors(tree).map(|t| t.axes.len() as u64).sum()
    }

    fn table_rows(&self) -> u64 {
        self.plan.tables.iter().map(|t| 1u64 << t.log_rows()).sum()
    }

    /// Integer weights in the narrowest of 8, 16 and 32 bits.
    fn stored(&self) -> u64 {
        self.tensors(Tree::Weights).map(|t| t.axes.len() as u64 * width(t.range, &[1, 2])).sum()
    }

    /// The same as `Cells`, of 8 or 32 bits.
    fn slab_order(&self) -> u64 {
        self.tensors(Tree::Weights).map(|t| t.axes.len() as u64 * width(t.range, &[1])).sum()
    }

    /// Twiddles of the evaluation domain and their inverses, inverses for the rows; the columns of the tables.
    fn precomputed(&self) -> u64 {
        let tables: u64 = self.plan.tables.iter().map(|t| (t.arity() as u64) << t.log_rows()).sum();
        CELL * (self.extended + self.rows + tables)
    }

    /// A committed tree: columns, of bytes where their cells are; their extensions, unless they are in a file; hashes down to
    /// one for each row.
    fn tree(&self, tree: Tree) -> u64 {
        let counts = if tree == Tree::Trace { self.table_rows() } else { 0 };
        let columns = (self.cells(tree) + counts).div_ceil(self.rows);
        // There is always a tree of weights and one of the trace.
        match (columns, tree) {
            (0, Tree::Private) => 0,
            _ => {
                let extension = columns.max(1) * CELL * self.extended;
                let filed = tree == Tree::Weights && extension > Memory::EXTENSION;
                let cells = match tree {
                    Tree::Weights => self.slab_order(),
                    _ => columns * CELL * self.rows,
                };
                cells + if filed { 0 } else { extension } + 2 * HASH * self.extended
            }
        }
    }

    /// What committing takes on top of the tree: a block of sixteen extensions, the same row by row, hashes in the making.
    fn committing(&self) -> u64 {
        (2 * 16 * CELL + HASH) * self.extended
    }

    /// The most that one proof takes, on top of the weights and what the pool holds. It leaves its buffers in the pool.
    fn peak(&self, pool: &mut Pool) -> u64 {
        let witness = CELL * (self.cells(Tree::Private) + self.cells(Tree::Trace) + 2 * self.table_rows());
        let committed = witness + self.tree(Tree::Private) + self.tree(Tree::Trace);
        let before = pool.bytes();
        pool.take(&self.fractions());
        let fresh = pool.bytes() - before;
        let later = self.lookup_columns().max(self.sumcheck()).max(self.opening());
        (witness + self.counting()).max(committed + self.committing()).max(committed + fresh + later)
    }

    /// While multiplicities are counted: entries that are computed, of as many lookups as there are threads.
    fn counting(&self) -> u64 {
        let longest = self.plan.lookups.iter().map(|l| l.space.len() as u64 * self.entries(l)).max();
        2 * CELL * self.threads * longest.unwrap_or(0)
    }

    /// Every entry of every lookup that is not constant, as a column of words; bytes are read where they are.
    fn lookup_columns(&self) -> u64 {
        self.plan.lookups.iter().map(|l| CELL * l.space.len() as u64 * self.entries(l)).sum()
    }

    fn entries(&self, l: &Lookup) -> u64 {
        let bytes = |t: &TensorDecl| matches!(t.source, Source::Weight(_)) && width(t.range, &[1]) == 1;
        let words = |e: &&LinExpr| match &e.terms[..] {
            [] => false,
            [term] => !bytes(&self.plan.tensors[term.view.tensor]),
            _ => true,
        };
        l.entries.iter().filter(words).count() as u64
    }

    /// The layers of the two trees of fractions, two elements a fraction. The lookups' own and the sums of their pairs are
    /// computed when they are read. The sumchecks fold into buffers of layers that are done.
    fn fractions(&self) -> Vec<u64> {
        let halves = |from: u64| std::iter::successors(Some(from), |n| Some(n / 2)).take_while(|&n| n > 0);
        halves(self.plan.n_lookups() / 4).chain(halves(self.table_rows())).map(|n| 2 * FELT * n).collect()
    }

    /// Both factors of every product, folded, and eq on the axes that they share. Factors of which nothing is folded are words
    /// until their first variable is bound. While one is folded, the sums of its tasks, in 64 bits for each coordinate and in
    /// the field; as many at once as there are threads.
    fn sumcheck(&self) -> u64 {
        let products =
            self.plan.constraints.iter().flat_map(|c| c.products.iter().map(|p| (p, c.space.axes())));
        let (mut folded, mut sums) = (0, vec![]);
        for (p, axes) in products {
            let batch: usize = shared(p, axes).map(|a| a.vars()).sum();
            let contracted: usize = p.contracted.iter().map(|a| a.vars()).sum();
            let len = 1u64 << (batch + contracted);
            let kept = shared(p, axes).count() + p.contracted.len();
            let whole = [&p.a, &p.b].iter().all(|f| f.axes.len() == kept);
            folded += FELT * (if whole { len } else { 2 * len } + (1u64 << batch));
            sums.push(match whole {
                true => 2 * CELL * len,
                false => self.tasks(&p.a).max(self.tasks(&p.b)) * 3 * FELT * len,
            });
        }
        sums.sort_unstable();
        folded + sums.iter().rev().take(self.threads as usize).sum::<u64>()
    }

    /// Tasks that a fold is split into: steps of its outermost loop, if it reads enough cells.
    fn tasks(&self, f: &Factor) -> u64 {
        let tensors = f.expr.terms.iter().map(|t| &self.plan.tensors[t.view.tensor].axes);
        let tasks = tensors.filter(|axes| axes.len() >= 1 << 16).map(|axes| {
            let outer = axes.axes().iter().map(|a| a.odd as u64).find(|&odd| odd > 1);
            outer.unwrap_or(u64::MAX).min(4 * self.threads)
        });
        tasks.max().unwrap_or(1)
    }

    /// The larger of its two parts. Reduction: for each point at which operands of products are claimed a slab, weighted, and
    /// eq of half its length; operands of equal shape and place share a point, whatever their layer. STARK: prefix sums and their tree, the composition and its tree, quotients, and FRI's layers, each an
    /// eighth of the one before; and V, E and S on the trace.
    fn opening(&self) -> u64 {
        let points = self.plan.constraints.iter().flat_map(|c| {
            let of = |f: &Factor, contracted: &[Axis]| {
                let all: Vec<Axis> = c.space.axes().iter().chain(contracted).copied().collect();
                let shape: Vec<_> = f.axes.iter().map(|&k| (k, all[k].odd, all[k].bits)).collect();
                (self.slab(f), shape)
            };
            c.products.iter().flat_map(move |p| [of(&p.a, &p.contracted), of(&p.b, &p.contracted)])
        });
        let points: BTreeSet<_> = points.collect();
        let reduction: u64 = points.iter().map(|(slab, _)| slab * FELT * 3 / 2).sum();
        let sums = self.extended * (FELT + 2 * HASH);
        let composition = self.extended * (2 * FELT + 2 * HASH);
        let fri = self.extended * (FELT + (FELT + 2 * HASH / 4) * 8 / 7);
        reduction.max(sums + composition + fri + 4 * FELT * self.rows)
    }

    /// Cells of a factor's slab, up to a column.
    fn slab(&self, f: &Factor) -> u64 {
        let tensors = f.expr.terms.iter().map(|t| &self.plan.tensors[t.view.tensor]);
        let bits = tensors.filter(|t| t.is_committed()).map(|t| t.axes.slab_bits()).max();
        bits.map_or(0, |bits| (1u64 << bits).min(self.rows))
    }
}

/// Bytes of the first of `widths` that holds every value of `range`, else of a word.
fn width(range: Interval, widths: &[u64]) -> u64 {
    let holds = |bytes: u64| {
        let reach = 1i64 << (8 * bytes - 1);
        Interval::new(-reach, reach - 1).contains_interval(range)
    };
    widths.iter().copied().find(|&b| holds(b)).unwrap_or(CELL)
}

/// Output axes that both factors have.
fn shared<'a>(p: &'a Product, axes: &'a [Axis]) -> impl Iterator<Item = &'a Axis> {
    axes.iter().enumerate().filter(|(k, _)| p.a.axes.contains(k) && p.b.axes.contains(k)).map(|(_, a)| a)
}
