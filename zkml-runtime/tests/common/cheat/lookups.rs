//! The lookup argument of a prover that need not be honest.

use super::{base, Deviation, Imbalance};
use num_traits::{One, Zero};
use std::borrow::Cow;
use zkml_ir::plan::Plan;
use zkml_runtime::cells::{materialise, Cells};
use zkml_runtime::claims::{embed, EvalPoint, Functional};
use zkml_runtime::field::{powers, BaseField, F};
use zkml_runtime::gkr::{
    self, block_weights, Fraction, GkrClaims, GkrError, GkrProof, LeafBlock, TableBlock,
};
use zkml_runtime::protocol::Witness;
use zkml_runtime::transcript::Transcript;

/// (lookup, slab, log2 of its cells), the larger first.
fn blocks(plan: &Plan) -> Vec<(usize, usize, u32)> {
    let mut blocks = vec![];
    for (l, lookup) in plan.lookups.iter().enumerate() {
        blocks.extend((0..lookup.space.slabs()).map(|slab| (l, slab, lookup.space.slab_bits())));
    }
    blocks.sort_by_key(|b| std::cmp::Reverse(b.2));
    blocks
}

fn tables(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.tables.len()).collect();
    order.sort_by_key(|&t| std::cmp::Reverse(plan.tables[t].log_rows()));
    order
}

/// By lookup and entry, the values in slab order; by table, how often each row is looked up.
struct Leaves {
    entries: Vec<Vec<Vec<i64>>>,
    counts: Vec<Vec<u32>>,
}

impl Leaves {
    fn new(plan: &Plan, all: &[Cow<Cells>], witness: &Witness) -> Self {
        let column = |l: &zkml_ir::plan::Lookup| {
            let value = |e| materialise(e, &l.space, |t| &plan.tensors[t].axes, |t| &*all[t]);
            l.entries.iter().map(value).collect()
        };
        let entries = plan.lookups.iter().map(column).collect();
        Self { entries, counts: witness.multiplicities.clone() }
    }

    /// Replaces what is no row by the first one, and counts again.
    fn pretend(&mut self, plan: &Plan) {
        let rows: Vec<_> = plan.tables.iter().map(|t| t.columns()).collect();
        self.counts.iter_mut().for_each(|c| c.fill(0));
        for (l, entries) in plan.lookups.iter().zip(&mut self.entries) {
            let (table, rows) = (&plan.tables[l.table], &rows[l.table]);
            for i in 0..l.space.len() {
                let tuple: Vec<i64> = entries.iter().map(|e| e[i]).collect();
                let is_row = |&r: &usize| rows.iter().zip(&tuple).all(|(c, &v)| c[r] as i64 == v);
                let row = table.row_of(&tuple[..table.key_len()]).filter(is_row).unwrap_or(0);
                entries.iter_mut().zip(rows).for_each(|(e, c)| e[i] = c[row] as i64);
                self.counts[l.table][row] += 1;
            }
        }
    }
}

/// Fingerprints: `alpha - sum beta^j e_j - beta^w (table + 1)`, w the widest arity.
pub struct Prints {
    alpha: F,
    betas: Vec<F>,
}

impl Prints {
    pub fn new(plan: &Plan, t: &mut Transcript) -> Self {
        let width = plan.tables.iter().map(|t| t.arity()).max().unwrap_or(0);
        let (alpha, beta) = (t.draw(), t.draw());
        Self { alpha, betas: powers(beta, width + 1) }
    }

    fn constant(&self, table: usize) -> F {
        self.alpha - *self.betas.last().expect("not empty") * embed(table as i64 + 1)
    }

    pub fn prove(
        &self,
        plan: &Plan,
        all: &[Cow<Cells>],
        witness: &Witness,
        deviation: &Deviation,
        t: &mut Transcript,
    ) -> (GkrProof, GkrClaims) {
        let mut leaves = Leaves::new(plan, all, witness);
        let before = t.clone();
        match self.prove_leaves(plan, &leaves, deviation, t) {
            Err(GkrError::NonZeroSum) => {}
            other => return other.expect("lookups"),
        }
        *t = before;
        let (lookup_root, table_root) = (self.lookup_root(plan, &leaves), self.table_root(plan, &leaves));
        leaves.pretend(plan);
        let (mut proof, claims) = self.prove_leaves(plan, &leaves, deviation, t).expect("balanced");
        if deviation.imbalance == Imbalance::Admit {
            (proof.lookup_root, proof.table_root) = (lookup_root, table_root);
        }
        (proof, claims)
    }

    fn prove_leaves(
        &self,
        plan: &Plan,
        leaves: &Leaves,
        deviation: &Deviation,
        t: &mut Transcript,
    ) -> Result<(GkrProof, GkrClaims), GkrError> {
        let field = |v: &Vec<i64>| -> Vec<BaseField> { v.iter().map(|&x| base(x)).collect() };
        let entries: Vec<Vec<Vec<BaseField>>> =
            leaves.entries.iter().map(|l| l.iter().map(field).collect()).collect();
        let block = |(l, slab, log_len): (usize, usize, u32)| LeafBlock {
            log_len,
            constant: self.constant(plan.lookups[l].table),
            columns: entries[l]
                .iter()
                .enumerate()
                .map(|(j, e)| (self.betas[j], &e[slab << log_len..(slab + 1) << log_len]))
                .collect(),
            bytes: vec![],
        };
        let lookups: Vec<LeafBlock> = blocks(plan).into_iter().map(block).collect();

        let column = |c: &Vec<i32>| -> Vec<BaseField> { c.iter().map(|&v| base(v as i64)).collect() };
        let mut rows: Vec<Vec<Vec<BaseField>>> =
            plan.tables.iter().map(|t| t.columns().iter().map(column).collect()).collect();
        (deviation.tables)(&mut rows);
        let counts: Vec<Vec<BaseField>> =
            leaves.counts.iter().map(|m| m.iter().map(|&v| BaseField::from(v)).collect()).collect();
        let block = |t: usize| TableBlock {
            leaves: LeafBlock {
                log_len: plan.tables[t].log_rows(),
                constant: self.constant(t),
                columns: rows[t].iter().enumerate().map(|(j, c)| (self.betas[j], &c[..])).collect(),
                bytes: vec![],
            },
            multiplicity: &counts[t],
        };
        let blocks: Vec<TableBlock> = tables(plan).into_iter().map(block).collect();
        gkr::prove(t, &lookups, &blocks)
    }

    fn print(&self, table: usize, tuple: impl Iterator<Item = i64>) -> F {
        let tuple = tuple.zip(&self.betas).map(|(v, b)| *b * embed(v));
        tuple.fold(self.constant(table), |s, v| s - v)
    }

    /// The lookups' fractions, and `1 / 1` up to a power of two of at least 32.
    fn lookup_root(&self, plan: &Plan, leaves: &Leaves) -> Fraction {
        let mut root = Fraction { numerator: F::zero(), denominator: F::one() };
        let mut n = 0usize;
        for (l, entries) in plan.lookups.iter().zip(&leaves.entries) {
            for i in 0..l.space.len() {
                root = plus(root, F::one(), self.print(l.table, entries.iter().map(|e| e[i])));
            }
            n += l.space.len();
        }
        (n..n.next_power_of_two().max(32)).fold(root, |r, _| plus(r, F::one(), F::one()))
    }

    fn table_root(&self, plan: &Plan, leaves: &Leaves) -> Fraction {
        let mut root = Fraction { numerator: F::zero(), denominator: F::one() };
        for (t, counts) in leaves.counts.iter().enumerate() {
            let columns = plan.tables[t].columns();
            for (row, &n) in counts.iter().enumerate() {
                root = plus(root, embed(-i64::from(n)), self.print(t, columns.iter().map(|c| c[row] as i64)));
            }
        }
        root
    }

    /// The linear claims that the argument leaves, each times the next power of eta.
    pub fn add_claims(
        &self,
        plan: &Plan,
        f: &mut Functional,
        etas: &mut impl Iterator<Item = F>,
        claims: &GkrClaims,
    ) {
        let eta = etas.next().expect("endless");
        let point = &claims.lookups.point;
        let weights = block_weights(blocks(plan).iter().map(|b| b.2), point).expect("fits");
        for ((l, slab, log_len), w) in blocks(plan).into_iter().zip(&weights.blocks) {
            let lookup = &plan.lookups[l];
            let mut slabs = vec![F::zero(); lookup.space.slabs()];
            slabs[slab] = w.weight;
            let low = &point[point.len() - log_len as usize..];
            let at = EvalPoint::slabs(lookup.space.axes(), slabs, low);
            for (j, e) in lookup.entries.iter().enumerate() {
                f.add(-eta * self.betas[j], e, &at);
            }
        }
        let eta = etas.next().expect("endless");
        let order = tables(plan);
        let sizes = order.iter().map(|&t| plan.tables[t].log_rows());
        let weights = block_weights(sizes, &claims.tables.point).expect("fits");
        for (&t, w) in order.iter().zip(&weights.blocks) {
            f.add_multiplicity(t, -eta * w.weight, w.point);
        }
    }
}

fn plus(f: Fraction, numerator: F, denominator: F) -> Fraction {
    Fraction {
        numerator: f.numerator * denominator + numerator * f.denominator,
        denominator: f.denominator * denominator,
    }
}
