//! Rows of scores, for softmax and attention: the maximum, the exponentials and their sum (DESIGN 5.9b).
//!
//! x in [lo, hi], R = hi - lo, BIG = 2R + 1. For each row the cells M and S, for each score e and z, and
//!
//! ```text
//! (EXP, M - x_j + BIG [j masked], e_j, z_j)   M in [lo, hi]   sum z - 1 in RANGE(ceil log2 T)   S = sum e
//! ```
//!
//! On unmasked scores the first entry is M - x_j in [-R, R]; the table has no negative index, so M is no less than any of
//! them, and z_j = 1 exactly where M = x_j. On masked ones it is at least R + 1, where e = z = 0. So sum z >= 1 says that M
//! *is* the largest unmasked score (and that there is one), and then every e and S are functions of the scores. The two
//! ways to mask, by place and by key, add BIG each: the entry stays affine, and the table grows to index 5R + 2.
//!
//! A key mask is a tensor of zeros and ones; unless its type says so it is looked up as such.

use crate::elem::Interval;
use crate::graph::NodeId;
use crate::lower::ctx::Ctx;
use crate::lower::value::{rearrange, sum_last, Value};
use crate::lower::LowerError;
use crate::plan::{Constant, LinExpr, Space, TensorId, View};
use crate::tables::{ExpTable, StepBits, Table};

/// What the relations of a row give to the rest of the op.
pub(crate) struct ScoreRows {
    /// Over the space of the scores.
    pub e: TensorId,
    /// The rows: the scores' space without its last axis.
    pub rows: Space,
    /// `sum e` over the rows.
    pub sum: LinExpr,
    /// All of S that can be, `T 2^a`.
    pub max_sum: i64,
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
    pub queries: usize,
}

/// `x <= 2^ceil_log2(x)`
pub(crate) fn ceil_log2(x: u64) -> u32 {
    x.next_power_of_two().trailing_zeros()
}

impl Spec {
    /// The largest distance that the table of exponentials covers.
    pub const MAX_RANGE: i64 = 1 << 13;

    pub fn new(scores: Interval, step: StepBits, dims: &[usize], mask: Mask, a: u32) -> Self {
        let range = scores.width() as u32;
        let masks = mask.constant().is_some() as u32 + mask.keys as u32;
        let table = ExpTable { a, range, last: range + masks * (2 * range + 1), step };
        let keys = dims[dims.len() - 1];
        let queries = dims.len().checked_sub(2).map_or(1, |i| dims[i]);
        Self { mask, table, keys, queries }
    }

    fn big(&self) -> i64 {
        2 * self.table.range as i64 + 1
    }

    /// The cells M, e, z and S of every row, in this order, or the first row in which every key is masked.
    pub fn eval(&self, x: &[i32], mask: Option<&[i32]>) -> Result<Rows, usize> {
        let table = self.table.exponentials();
        let n = x.len() / self.keys;
        let mut out = Rows {
            max: Vec::with_capacity(n),
            e: Vec::with_capacity(x.len()),
            z: Vec::with_capacity(x.len()),
            sum: Vec::with_capacity(n),
        };
        for (row, x) in x.chunks_exact(self.keys).enumerate() {
            let query = row % self.queries;
            let allowed = |j: usize| self.mask.places(query, j) && mask.is_none_or(|m| m[j] == 1);
            let max = (0..self.keys).filter(|&j| allowed(j)).map(|j| x[j]).max().ok_or(row)?;
            let mut sum = 0;
            for (j, &x) in x.iter().enumerate() {
                let e = if allowed(j) { table[(max - x) as usize] } else { 0 };
                sum += e;
                out.e.push(e);
                out.z.push((allowed(j) && x == max) as i32);
            }
            out.max.push(max);
            out.sum.push(sum);
        }
        Ok(out)
    }
}

pub(crate) struct Rows {
    pub max: Vec<i32>,
    pub e: Vec<i32>,
    pub z: Vec<i32>,
    pub sum: Vec<i32>,
}

/// Declares M, e, z; S is the caller's.
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
    // BIG (1 - allowed) for each kind of mask.
    if let Some(places) = spec.mask.constant() {
        if spec.queries != spec.keys {
            return Err(ctx.unsupported("is masked by place with as many queries as keys only"));
        }
        let square = Space(vec![keys, keys]);
        let c = ctx.constant("causal", &square, Interval::new(0, 1), places);
        let from: Vec<Option<usize>> = (0..rank).map(|i| (i + 2).checked_sub(rank)).collect();
        let c = rearrange(&LinExpr::view(View::identity(c, &square)), &from);
        index = index.plus(c.scaled(-spec.big())).plus_constant(spec.big());
    }
    if let Some(mask) = mask {
        let k = mask_value(ctx, mask, &space)?;
        index = index.plus(k.scaled(-spec.big())).plus_constant(spec.big());
    }
    let max = ctx.interval_cell("max", &rows, range);
    let distance = rearrange(&ctx.cells(max), &along).plus(x.lin.scaled(-1));
    let index = index.plus(distance);

    let table = Table::Exp(spec.table);
    let e = ctx.cell("e", &space, table.entry_range(1), 1);
    let z = ctx.cell("z", &space, table.entry_range(2), 2);
    let id = ctx.own_table(table);
    ctx.lookup("exp", id, &space, vec![index, ctx.cells(e), ctx.cells(z)]);
    let count = sum_last(&ctx.cells(z), keys).plus_constant(-1);
    ctx.in_range("max is attained", &rows, ceil_log2(spec.keys as u64), count);
    let sum = sum_last(&ctx.cells(e), keys);
    Ok(ScoreRows { e, rows, sum, max_sum: (spec.keys as i64) << spec.table.a })
}

fn mask_value(ctx: &mut Ctx, mask: NodeId, space: &Space) -> Result<LinExpr, LowerError> {
    let k: Value = ctx.affine(mask)?.clone();
    if !Interval::new(0, 1).contains_interval(ctx.ty(mask).interval) {
        ctx.in_range("mask", &k.space, 1, k.lin.clone());
    }
    Ok(k.broadcast(space).lin)
}
