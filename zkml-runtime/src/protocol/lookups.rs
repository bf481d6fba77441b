//! Lookups as GKR blocks, and the linear claims that GKR leaves.
//!
//! A tuple `(e_0, e_1, ..)` of table id has the fingerprint `alpha - (e_0 + beta e_1 + beta^2 e_2 + .. + beta^w id)`, w the
//! widest table's arity, so tuples of different tables never meet. Each slab of a lookup's space is a block of leaves.

use super::{System, VerifyError};
use crate::claims::{embed, EvalPoint, Functional};
use crate::field::{eq_table, powers, BaseField, F};
use crate::gkr::{block_weights, GkrClaims, GkrError, GkrShape};
use num_traits::Zero;
use zkml_ir::plan::Plan;

/// A block of lookup leaves: lookup, slab of its space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupBlock {
    pub lookup: usize,
    pub slab: usize,
    pub log_len: u32,
}

/// All blocks, the larger first.
pub fn lookup_blocks(plan: &Plan) -> Vec<LookupBlock> {
    let blocks = plan.lookups.iter().enumerate().flat_map(|(lookup, l)| {
        let log_len = l.space.slab_bits();
        (0..l.space.slabs()).map(move |slab| LookupBlock { lookup, slab, log_len })
    });
    let mut blocks: Vec<_> = blocks.collect();
    blocks.sort_by_key(|b| std::cmp::Reverse(b.log_len));
    blocks
}

/// Tables in the order of their blocks, the larger first.
pub fn table_order(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.tables.len()).collect();
    order.sort_by_key(|&t| std::cmp::Reverse(plan.tables[t].log_rows()));
    order
}

/// `None` if nothing is looked up.
pub fn shape(plan: &Plan) -> Result<Option<GkrShape>, GkrError> {
    if plan.lookups.is_empty() {
        return Ok(None);
    }
    let tables = table_order(plan).into_iter().map(|t| plan.tables[t].log_rows());
    GkrShape::of_blocks(lookup_blocks(plan).iter().map(|b| b.log_len), tables).map(Some)
}

/// The challenges of the fingerprints.
pub struct Fingerprint {
    alpha: F,
    /// `1, beta, .., beta^w`
    betas: Vec<F>,
}

impl Fingerprint {
    pub fn new(plan: &Plan, alpha: F, beta: F) -> Self {
        let width = plan.tables.iter().map(|t| t.arity()).max().unwrap_or(0);
        Self { alpha, betas: powers(beta, width + 1) }
    }

    /// Weight of a tuple's entry.
    pub fn weight(&self, entry: usize) -> F {
        self.betas[entry]
    }

    /// `alpha - beta^w id`. Ids count from 1, so that no tuple is all zeros.
    pub fn constant(&self, table: usize) -> F {
        self.alpha - self.betas[self.betas.len() - 1] * embed(table as i64 + 1)
    }
}

/// Adds GKR's claims to `f`, each times the next power of eta, and returns what they must add up to. The table tree's
/// denominator is no such claim: [`check_tables`].
pub fn claims(
    f: &mut Functional,
    powers: &mut impl Iterator<Item = F>,
    plan: &Plan,
    prints: &Fingerprint,
    gkr: &GkrClaims,
) -> Result<F, GkrError> {
    let mut power = || powers.next().expect("powers do not end");
    let mut value = F::zero();

    // Lookups: denominator = sum_b w_b (constant_b - sum_j beta^j e_j~) + tail.
    let p = power();
    let blocks = lookup_blocks(plan);
    let weights = block_weights(blocks.iter().map(|b| b.log_len), &gkr.lookups.point)?;
    value += p * (gkr.lookups.denominator - weights.tail);
    let mut slabs: Vec<Vec<F>> = plan.lookups.iter().map(|l| vec![F::zero(); l.space.slabs()]).collect();
    for (b, w) in blocks.iter().zip(&weights.blocks) {
        slabs[b.lookup][b.slab] = w.weight;
        value -= p * w.weight * prints.constant(plan.lookups[b.lookup].table);
    }
    for (l, slabs) in plan.lookups.iter().zip(slabs) {
        let low = &gkr.lookups.point[gkr.lookups.point.len() - l.space.slab_bits() as usize..];
        let at = EvalPoint::slabs(l.space.axes(), slabs, low);
        for (j, e) in l.entries.iter().enumerate() {
            f.add(-p * prints.weight(j), e, &at);
        }
    }

    // Tables: numerator = - sum_t w_t multiplicity_t~.
    let p = power();
    let order = table_order(plan);
    let weights = block_weights(order.iter().map(|&t| plan.tables[t].log_rows()), &gkr.tables.point)?;
    for (&t, w) in order.iter().zip(&weights.blocks) {
        f.add_multiplicity(t, -p * w.weight, w.point);
    }
    Ok(value + p * gkr.tables.numerator)
}

/// Evaluates the tables' own columns where their tree ends: they are public, and a commitment to them would have to be trusted.
/// Time: linear in all rows.
pub fn check_tables(system: &System, prints: &Fingerprint, gkr: &GkrClaims) -> Result<(), VerifyError> {
    let plan = system.plan();
    let order = table_order(plan);
    let weights = block_weights(order.iter().map(|&t| plan.tables[t].log_rows()), &gkr.tables.point)?;
    let mut denominator = weights.tail;
    let mut eq: (usize, Vec<F>) = (usize::MAX, vec![]);
    for (&t, w) in order.iter().zip(&weights.blocks) {
        if eq.0 != w.point.len() {
            eq = (w.point.len(), eq_table(w.point));
        }
        let entries = system.tables[t].columns.iter().enumerate();
        let tuple = entries.fold(F::zero(), |s, (j, c)| s + prints.weight(j) * dot(&eq.1, c));
        denominator += w.weight * (prints.constant(t) - tuple);
    }
    match denominator == gkr.tables.denominator {
        true => Ok(()),
        false => Err(VerifyError::TableDenominator),
    }
}

/// `sum eq_i v_i` by coordinate: four products below 2^62 per reduction would overflow 64 bits, two do not.
fn dot(eq: &[F], values: &[BaseField]) -> F {
    let mut sums = [0u128; 4];
    for (e, v) in eq.chunks(2).zip(values.chunks(2)) {
        let mut pair = [0u64; 4];
        for (e, v) in e.iter().zip(v) {
            let e = e.to_m31_array();
            for c in 0..4 {
                pair[c] += e[c].0 as u64 * v.0 as u64;
            }
        }
        for c in 0..4 {
            sums[c] += pair[c] as u128;
        }
    }
    F::from_m31_array(sums.map(|s| BaseField::from_u32_unchecked((s % zkml_ir::elem::P as u128) as u32)))
}
