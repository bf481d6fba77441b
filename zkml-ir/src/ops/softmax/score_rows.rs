//! Rows of scores, for softmax and attention: exponentials whose sum has b bits, whatever the row; b <= 19 is the op's choice.
//!
//! Exponentials of distances to the *maximum* have a sum anywhere in [1, T] times the largest of them. Integers that hold the
//! sum of T equal scores then leave few bits to a row in which one score stands out, and T - 1 small exponentials rounded
//! away are an error that grows with T^2. So distances are taken to a *reference* M instead, the least at or above every
//! score for which the sum stays below 2^b: log-sum-exp in whole units. Sums use all of their bits, and the error grows with T
//! alone.
//!
//! x in [lo, hi], g a power of two (the grain), R = 2^k - 1 >= g (hi - lo), BIG = 3R + 2. For each row the cells M and S, for
//! each score the cells e and f, and
//!
//! ```text
//! (EXP, M - g x_j + BIG [j masked], e_j, f_j)   M - g lo in RANGE(k + 1)
//! sum e = S = S0 + 2^13 S1, S0 in RANGE(13), S1 in RANGE(b - 13)   sum f - 2^b = f0 + 2^16 f1 in RANGE(b + ceil log2 T)
//! ```
//!
//! On unmasked scores the first entry is M - g x_j in [-R, 2R + 1]. The table has no negative index, so M is no less than any
//! g x_j. There e_j = e(d) and f_j = e(d - 1) of the distance d, with e(-1) = 2^b: `sum f` is the sum that M - 1 would have
//! given, or at least 2^b where M - 1 would be below a score. On masked scores the index is at least 2R + 2, where e = f = 0.
//! Sums fall as M rises, so `sum e < 2^b <= sum f` holds for exactly one M, and e, f and S are functions of the scores. A
//! row without unmasked scores has none. The two ways to mask, by place and by key, add BIG each: the entry stays affine,
//! and the table grows to index 8R + 5.
//!
//! Such an M exists within its range: [`scale`] of the exponentials is the largest for which T of them at the distance R + 1
//! stay below 2^b.
//!
//! A key mask is a tensor of zeros and ones; unless its type says so it is looked up as such.

use crate::elem::Interval;
use crate::exec::{by_rows, Attention};
use crate::graph::NodeId;
use crate::lower::ctx::Ctx;
use crate::lower::value::{rearrange, sum_last, Value};
use crate::lower::LowerError;
use crate::plan::{Constant, LinExpr, Space, TensorId, View};
use crate::tables::real::Real;
use crate::tables::{ExpTable, StepBits, Table};
use std::ops::Range;

/// The largest b.
pub(crate) const MAX_SUM_BITS: u32 = 19;
/// Bits of the low digit of a sum.
pub(crate) const DIGIT: u32 = 13;
/// The longest row: sums of its exponentials stay below 2^30, whatever the reference.
pub(crate) const MAX_KEYS: usize = 1 << 11;
/// The largest step of distances, as a real number, at which the reference may be above the maximum: a sum then keeps
/// more than 2^(b-3) of its 2^b units, as (2^b - T/2) exp(-2) - T/2 does for T <= 2^(b-8).
const MAX_STEP: u64 = 2;
/// Distances of narrow scores are taken in finer units, up to so many in one.
const MAX_LOG_GRAIN: u32 = 4;
/// Bits of a distance between scores that narrow scores may be refined to.
const GRAIN_BITS: u32 = 12;

/// What the relations of a row give to the rest of the op.
pub(crate) struct ScoreRows {
    /// Over the space of the scores.
    pub e: TensorId,
    /// The rows: the scores' space without its last axis.
    pub rows: Space,
    /// The digits of `S = S0 + 2^13 S1`, over the rows.
    pub digits: [LinExpr; 2],
}

impl ScoreRows {
    /// S in [0, 2^b).
    pub fn sum(&self) -> LinExpr {
        self.digits[0].clone().plus(self.digits[1].scaled(1 << DIGIT))
    }
}

/// Which keys a query may see.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mask {
    /// Those up to its own place.
    pub causal: bool,
    /// Those less than so many places before it; unless causal, on either side.
    pub window: Option<u32>,
    /// Those that a tensor of flags says.
    pub keys: bool,
}

impl Mask {
    /// By the places of both alone.
    fn places(&self, query: usize, key: usize) -> bool {
        let near = |w: u32| query.abs_diff(key) < w as usize;
        (!self.causal || key <= query) && self.window.is_none_or(near)
    }

    /// The mask by places as a public matrix.
    fn constant(&self) -> Option<Constant> {
        match (self.window, self.causal) {
            (Some(window), causal) => Some(Constant::Band { window, causal }),
            (None, true) => Some(Constant::CausalMask),
            (None, false) => None,
        }
    }
}

/// The numbers of the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spec {
    pub mask: Mask,
    pub table: ExpTable,
    pub keys: usize,
    queries: usize,
    /// g lo.
    least: i64,
    /// k
    bits: u32,
}

/// `x <= 2^ceil_log2(x)`
pub(crate) fn ceil_log2(x: u64) -> u32 {
    x.next_power_of_two().trailing_zeros()
}

/// The bits of a distance, and log2 of the grain, for scores of this width.
fn grain(width: u64) -> (u32, u32) {
    let own = ceil_log2(width + 1).max(1);
    let log_grain = GRAIN_BITS.saturating_sub(own).min(MAX_LOG_GRAIN);
    (own + log_grain, log_grain)
}

/// The table's scale: the largest below 2^b for which `keys` exponentials at distance `reach` stay below 2^b. Where one
/// step of distance is beyond [`MAX_STEP`], `keys` exponentials of distance 0: the reference is then the maximum.
fn scale(keys: usize, mut table: ExpTable, reach: u32) -> u32 {
    let most = (1u32 << table.top_bits) - 1;
    let unit = table.step.real().shifted(-(table.log_grain as i32));
    if unit.at_least(Real::int(MAX_STEP)) {
        return most / keys as u32;
    }
    let mut fits = |scale: u32| {
        table.scale = scale;
        keys as u64 * table.at(reach) as u64 <= most as u64
    };
    if fits(most) {
        return most;
    }
    // The largest that fits: exponentials grow with the scale, and this one fits at any distance.
    let (mut below, mut above) = (most / keys as u32, most);
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if fits(middle) {
            below = middle;
        } else {
            above = middle;
        }
    }
    below
}

/// What a score costs, in steps of the simplest op.
const STEPS: usize = 8;

impl Spec {
    /// The largest distance between scores.
    pub const MAX_RANGE: i64 = 1 << 13;

    /// `dims` are those of the scores, `[.., queries, keys]`, with at most [`MAX_KEYS`] keys; sums of b = `sum_bits`, 16 to
    /// [`MAX_SUM_BITS`].
    pub fn new(scores: Interval, step: StepBits, dims: &[usize], mask: Mask, sum_bits: u32) -> Self {
        let (bits, log_grain) = grain(scores.width() as u64);
        let range = (2 << bits) - 1;
        let masks = mask.constant().is_some() as u32 + mask.keys as u32;
        let keys = dims[dims.len() - 1];
        let mut table = ExpTable {
            scale: 1,
            top_bits: sum_bits,
            log_grain,
            range,
            last: range + masks * Self::big(bits) as u32,
            step,
        };
        table.scale = scale(keys, table, 1 << bits);
        let queries = dims.len().checked_sub(2).map_or(1, |i| dims[i]);
        Self { mask, table, keys, queries, least: scores.lo << log_grain, bits }
    }

    /// What the rows are computed with, and nothing yet of what becomes of them.
    pub fn recipe(&self) -> Attention {
        Attention {
            queries: self.queries,
            keys: self.keys,
            width: 0,
            causal: self.mask.causal,
            window: self.mask.window,
            log_grain: self.table.log_grain,
            sum_bits: self.sum_bits(),
            reach: 1 << self.bits,
            exponentials: self.table.exponentials(),
            digit: DIGIT,
            limb: 0,
            fraction: 0,
        }
    }

    /// b
    pub fn sum_bits(&self) -> u32 {
        self.table.top_bits
    }

    /// More than any unmasked index is from any other.
    fn big(bits: u32) -> i64 {
        (3 << bits) - 1
    }

    /// The cells M, e, f, and the sums of every row, or the first row in which every key is masked.
    pub fn eval(&self, x: &[i32], mask: Option<&[i32]>) -> Result<Rows, usize> {
        let table = self.table.exponentials();
        let part = |rows: Range<usize>| {
            let x = &x[rows.start * self.keys..rows.end * self.keys];
            let Rows { reference, e, nearer, sum } = self.eval_run(rows.start, x, mask, &table)?;
            Ok::<_, usize>(vec![reference, e, nearer, sum])
        };
        let columns = by_rows(x.len() / self.keys, STEPS * x.len(), part)?;
        let Ok([reference, e, nearer, sum]) = <[_; 4]>::try_from(columns) else {
            unreachable!("four columns, whatever the runs")
        };
        Ok(Rows { reference, e, nearer, sum })
    }

    /// The rows from `first` on.
    fn eval_run(&self, first: usize, x: &[i32], mask: Option<&[i32]>, table: &[i32]) -> Result<Rows, usize> {
        let (n, log_grain) = (x.len() / self.keys, self.table.log_grain);
        let mut out = Rows {
            reference: Vec::with_capacity(n),
            e: Vec::with_capacity(x.len()),
            nearer: Vec::with_capacity(x.len()),
            sum: Vec::with_capacity(n),
        };
        let mut distances = Vec::with_capacity(self.keys);
        for (row, x) in x.chunks_exact(self.keys).enumerate() {
            let row = first + row;
            let query = row % self.queries;
            let allowed = |j: usize| self.mask.places(query, j) && mask.is_none_or(|m| m[j] == 1);
            let max = (0..self.keys).filter(|&j| allowed(j)).map(|j| x[j]).max().ok_or(row)?;
            distances.clear();
            distances.extend((0..self.keys).filter(|&j| allowed(j)).map(|j| (max - x[j]) << log_grain));
            let above = self.reference(table, &distances);
            let mut sum = 0;
            for (j, &x) in x.iter().enumerate() {
                let (e, nearer) = match allowed(j) {
                    true => {
                        let d = above + ((max - x) << log_grain) as usize;
                        (table[d], if d == 0 { 1 << self.sum_bits() } else { table[d - 1] })
                    }
                    false => (0, 0),
                };
                sum += e;
                out.e.push(e);
                out.nearer.push(nearer);
            }
            out.reference.push((max << log_grain) + above as i32);
            out.sum.push(sum);
        }
        Ok(out)
    }

    /// How far the reference is above the largest score.
    fn reference(&self, table: &[i32], distances: &[i32]) -> usize {
        let fits = |above: usize| {
            let sum: i64 = distances.iter().map(|&d| table[d as usize + above] as i64).sum();
            (sum < 1 << self.sum_bits(), sum)
        };
        let (fit, sum) = fits(0);
        if fit {
            return 0;
        }
        // Real numbers say where to look, the integers what it is.
        let unit = self.table.step.get() / (1u64 << self.table.log_grain) as f64;
        let guess = (sum as f64 / (1u64 << self.sum_bits()) as f64).ln() / unit;
        let mut above = (guess as usize).clamp(1, 1 << self.bits);
        while !fits(above).0 {
            above += 1;
        }
        while fits(above - 1).0 {
            above -= 1;
        }
        above
    }
}

pub(crate) struct Rows {
    pub reference: Vec<i32>,
    pub e: Vec<i32>,
    pub nearer: Vec<i32>,
    pub sum: Vec<i32>,
}

impl Rows {
    /// The cells that [`lower`] declares, in its order.
    pub fn into_cells(self, spec: &Spec) -> Vec<Vec<i32>> {
        let over = |f: &[i32]| f.iter().map(|&f| f as i64).sum::<i64>() - (1 << spec.sum_bits());
        let f1 = self.nearer.chunks_exact(spec.keys).map(|f| (over(f) >> 16) as i32).collect();
        let s0 = self.sum.iter().map(|s| s & ((1 << DIGIT) - 1)).collect();
        let s1 = self.sum.iter().map(|s| s >> DIGIT).collect();
        vec![self.reference, self.e, self.nearer, f1, s0, s1]
    }
}

/// Declares M, e, f, f1, S0 and S1.
pub(crate) fn lower(
    ctx: &mut Ctx,
    spec: &Spec,
    scores: NodeId,
    mask: Option<NodeId>,
) -> Result<ScoreRows, LowerError> {
    let x = ctx.affine(scores)?.clone();
    let range = ctx.ty(scores).interval;
    let (space, rank) = (x.space.clone(), x.space.axes().len());
    let Some((&keys, lead)) = space.axes().split_last() else {
        return Err(ctx.unsupported("has no axis of keys"));
    };
    if range.width() > Spec::MAX_RANGE {
        return Err(ctx.unsupported(format!("has scores in {range}; the table holds distances up to 2^13")));
    }
    let rows = Space(lead.to_vec());
    let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();
    let mut index = LinExpr::default();
    let big = Spec::big(spec.bits);
    // BIG (1 - allowed) for each kind of mask.
    if let Some(places) = spec.mask.constant() {
        if spec.queries != spec.keys {
            return Err(ctx.unsupported("is masked by place with as many queries as keys only"));
        }
        let square = Space(vec![keys, keys]);
        let c = ctx.constant("causal", &square, Interval::new(0, 1), places);
        let from: Vec<Option<usize>> = (0..rank).map(|i| (i + 2).checked_sub(rank)).collect();
        let c = rearrange(&LinExpr::view(View::identity(c, &square)), &from);
        index = index.plus(c.scaled(-big)).plus_constant(big);
    }
    if let Some(mask) = mask {
        let k = mask_value(ctx, mask, &space)?;
        index = index.plus(k.scaled(-big)).plus_constant(big);
    }
    let references = Interval::new(spec.least, spec.least + (2 << spec.bits) - 1);
    let reference = ctx.interval_cell("reference", &rows, references);
    let distance = x.lin.scaled(-(1 << spec.table.log_grain));
    let index = index.plus(rearrange(&ctx.cells(reference), &along)).plus(distance);

    let table = Table::Exp(spec.table);
    let e = ctx.cell("e", &space, table.entry_range(1), 1);
    let nearer = ctx.cell("nearer", &space, table.entry_range(2), 2);
    let id = ctx.own_table(table);
    ctx.lookup("exp", id, &space, vec![index, ctx.cells(e), ctx.cells(nearer)]);

    let over = sum_last(&ctx.cells(nearer), keys).plus_constant(-(1 << spec.sum_bits()));
    let f1 = ctx.range_cell("f1", &rows, spec.sum_bits() + ceil_log2(spec.keys as u64) - 16);
    let f0 = over.plus(ctx.cells(f1).scaled(-(1 << 16)));
    ctx.in_range("reference is the least", &rows, 16, f0);

    let digits = [("s0", DIGIT), ("s1", spec.sum_bits() - DIGIT)].map(|(role, bits)| {
        let t = ctx.range_cell(role, &rows, bits);
        ctx.cells(t)
    });
    let out = ScoreRows { e, rows, digits };
    let sum = sum_last(&ctx.cells(e), keys).plus(out.sum().scaled(-1));
    ctx.constraint("sum", &out.rows, sum, vec![]);
    Ok(out)
}

fn mask_value(ctx: &mut Ctx, mask: NodeId, space: &Space) -> Result<LinExpr, LowerError> {
    let k: Value = ctx.affine(mask)?.clone();
    if !Interval::new(0, 1).contains_interval(ctx.ty(mask).interval) {
        ctx.in_range("mask", &k.space, 1, k.lin.clone());
    }
    Ok(k.broadcast(space).lin)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the ops rely on for a quotient that fits: a sum is never small.
    #[test]
    fn sums_keep_their_bits() {
        for keys in [1, 2, 16, 32, 33, 64, 255, 512, 1000, 2048] {
            for bits in [14 + ceil_log2(keys as u64).max(4) / 2, MAX_SUM_BITS] {
                let least = ((1u64 << bits) as f64 - keys as f64 / 2.0) * (-2.0f64).exp() - keys as f64 / 2.0;
                assert!(least >= (1u64 << (bits - 3)) as f64, "{keys} {bits}");
                for step in [1e-12, 1e-3, 0.05, 0.7, 1.999, 2.0, 31.9, 1e6] {
                    for scores in [Interval::new(-128, 127), Interval::new(-2048, 2047), Interval::new(0, 0)]
                    {
                        let step = StepBits::new(step).unwrap();
                        let spec = Spec::new(scores, step, &[3, keys], Mask::default(), bits);
                        let (table, far) = (spec.table, 1 << spec.bits);
                        let most = (1u64 << bits) - 1;
                        assert!(table.scale as u64 >= most / keys as u64);
                        // Every row has a reference.
                        let free = table.scale as u64 * keys as u64 <= most;
                        assert!(free || keys as u64 * table.at(far) as u64 <= most);
                        let row: Vec<i32> = (0..keys)
                            .map(|j| if j % 2 == 0 { scores.lo } else { scores.hi } as i32)
                            .collect();
                        for row in [vec![scores.hi as i32; keys], vec![scores.lo as i32; keys], row] {
                            let rows = spec.eval(&row, None).unwrap();
                            let max = (*row.iter().max().unwrap() as i64) << table.log_grain;
                            let m = rows.reference[0] as i64;
                            assert!((max..spec.least + (2 << spec.bits)).contains(&m));
                            let s = rows.sum[0] as u64;
                            assert!(
                                s <= most && s >= if m == max { table.scale as u64 } else { 1 << (bits - 3) }
                            );
                        }
                    }
                }
            }
        }
    }
}
