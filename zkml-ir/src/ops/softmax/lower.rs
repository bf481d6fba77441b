//! Explicit probabilities (DESIGN 5.9b): `w = floor(2^29 / S)`, `p_j = floor((e_j w + 2^(s-1)) / 2^s)` with s = 29 - b for
//! a result of step 2^-b, over the rows of [`super::score_rows`] with a = 13.
//!
//! The one equation `2^29 = S w + t` of the design is not enough: S w reaches 2^13 T * 2^17, beyond p, and a wrapped w
//! could pass for T > 4 or so. So it is a long division in two digits, `S = S0 + 2^13 S1`:
//!
//! ```text
//! sum e = S0 + 2^13 S1        S0 w + t = 2^13 c        S1 w + c = 2^16        t = t0 + 2^13 t1
//! S - 1 - t = u0 + 2^13 u1    S0, t0, t1, u0, u1 in RANGE(13), S1 in RANGE(ceil log2 (T + 1)), w, c in RANGE(17)
//! ```
//!
//! Each side stays below 2^30 + 2^26 for T <= 4096. Together they say S w + t = 2^29 with 0 <= t < S over the integers: w
//! is the quotient, t the remainder, c = 2^16 - S1 w, and each limb is fixed by its sum. Then e_j <= S (a sum of
//! non-negatives) gives e_j w <= S w <= 2^29, the proven bound of the product that p is rescaled from, and p <= 2^b.

use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, rearrange, Value};
use crate::lower::{limb, limbs, LowerError};
use crate::ops::softmax::score_rows::{self, ceil_log2, Mask, Rows, Spec};
use crate::plan::{Product, Space};

/// log2 of the largest exponential: the floor of w costs a probability 2^(13 - 29) at most.
const EXP_BITS: u32 = 13;
const NUMERATOR_BITS: u32 = 29;
const LIMB: u32 = 13;
/// Bits of w <= 2^29 / 2^13 and of c <= 2^(29 - 13), both ends included.
const QUOTIENT_BITS: u32 = NUMERATOR_BITS - EXP_BITS + 1;
const MAX_KEYS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Softmax {
    pub rows: Spec,
    /// The shift s.
    s: u32,
}

impl Softmax {
    pub fn new(graph: &Graph, params: &Params, id: NodeId) -> Result<Self, LowerError> {
        let node = &graph.nodes[id];
        let unsupported = |what: String| LowerError::Unsupported { node: node.name.clone(), what };
        let Op::Softmax { causal } = node.op else {
            return Err(LowerError::Malformed { node: node.name.clone(), what: "is no softmax" });
        };
        let scores = graph.ty(node.args[0]);
        let dims = scores.shape.dims();
        if dims.last().is_none_or(|&t| t > MAX_KEYS) {
            return Err(unsupported(format!("has rows of more than {MAX_KEYS} scores")));
        }
        let step = |id: NodeId| {
            crate::lower::steps::value(graph, params, id)
                .ok_or_else(|| LowerError::Step { node: graph.nodes[id].name.clone() })
        };
        let unit = step(id)?.get();
        let bits = (NUMERATOR_BITS - 16..NUMERATOR_BITS).find(|&b| unit * (1u64 << b) as f64 == 1.0);
        let bits = bits
            .filter(|&b| node.ty.interval.contains_interval(Interval::new(0, 1 << b)))
            .ok_or_else(|| {
                unsupported(format!("has the step {unit}, not a power 2^-13 to 2^-16 that its type holds"))
            })?;
        let rows = Spec::new(
            scores.interval,
            step(node.args[0])?,
            dims,
            Mask { causal, ..Mask::default() },
            EXP_BITS,
        );
        Ok(Self { rows, s: NUMERATOR_BITS - bits })
    }

    /// The cells after those of the rows (M, e, z), and p.
    pub fn eval(&self, rows: &Rows) -> (Vec<Vec<i32>>, Vec<i32>) {
        let mask = (1 << LIMB) - 1;
        let w: Vec<i32> = rows.sum.iter().map(|s| (1 << NUMERATOR_BITS) / s).collect();
        let by_row = |f: &dyn Fn(i32, i32) -> i32| rows.sum.iter().zip(&w).map(|(&s, &w)| f(s, w)).collect();
        let t = |s: i32, w: i32| (1 << NUMERATOR_BITS) - s * w;
        let c = |s: i32, w: i32| (1 << (NUMERATOR_BITS - LIMB)) - (s >> LIMB) * w;
        let mut cells: Vec<Vec<i32>> = vec![by_row(&|s, _| s & mask), by_row(&|s, _| s >> LIMB)];
        for part in limbs(QUOTIENT_BITS) {
            cells.push(by_row(&|_, w| limb(w as i64, part)));
        }
        for part in limbs(QUOTIENT_BITS) {
            cells.push(by_row(&|s, w| limb(c(s, w) as i64, part)));
        }
        cells.push(by_row(&|s, w| t(s, w) & mask));
        cells.push(by_row(&|s, w| t(s, w) >> LIMB));
        cells.push(by_row(&|s, w| (s - 1 - t(s, w)) >> LIMB));
        let half = 1 << (self.s - 1);
        let mut v = rows.e.clone();
        for (v, w) in v.chunks_exact_mut(self.rows.keys).zip(&w) {
            v.iter_mut().for_each(|v| *v = *v * w + half);
        }
        let p: Vec<i32> = v.iter().map(|v| v >> self.s).collect();
        cells.push(p.clone());
        cells.push(v.iter().map(|v| v & ((1 << self.s) - 1)).collect());
        (cells, p)
    }
}

pub(crate) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let spec = Softmax::new(ctx.graph, ctx.params, id)?;
    let rows = score_rows::lower(ctx, &spec.rows, ctx.graph.nodes[id].args[0], None)?;
    let (r, space) = (rows.rows.clone(), Space::from(&ctx.ty(id).shape));
    let (rank, limb) = (space.axes().len(), 1i64 << LIMB);

    let s0 = ctx.range_cell("s0", &r, LIMB);
    let s1 = ctx.range_cell("s1", &r, ceil_log2(spec.rows.keys as u64 + 1));
    let (s0, s1) = (ctx.cells(s0), ctx.cells(s1));
    let s = s0.clone().plus(s1.scaled(limb));
    ctx.constraint("sum", &r, rows.sum.plus(s.scaled(-1)), vec![]);

    let w = ctx.limb_cells("w", &r, QUOTIENT_BITS);
    let c = ctx.limb_cells("c", &r, QUOTIENT_BITS);
    let t0 = ctx.range_cell("t0", &r, LIMB);
    let t1 = ctx.range_cell("t1", &r, LIMB);
    let u1 = ctx.range_cell("u1", &r, LIMB);
    let t = ctx.cells(t0).plus(ctx.cells(t1).scaled(limb));
    let u0 = s.plus_constant(-1).plus(t.scaled(-1)).plus(ctx.cells(u1).scaled(-limb));
    ctx.in_range("u0", &r, LIMB, u0);

    let all: Vec<usize> = (0..rank).collect();
    let by_w = |digit| Product {
        coef: 1,
        contracted: vec![],
        a: factor(digit, &all[..rank - 1], rank - 1),
        b: factor(&w, &all[..rank - 1], rank - 1),
        proven: None,
    };
    let (low, high) = (by_w(&s0), by_w(&s1));
    ctx.constraint("low digit", &r, t.plus(c.scaled(-limb)), vec![low]);
    ctx.constraint("high digit", &r, c.plus_constant(-(1 << (NUMERATOR_BITS - LIMB))), vec![high]);

    // e w - 2^s p - r + 2^(s-1) = 0
    let p = ctx.interval_cell("p", &space, ctx.ty(id).interval);
    let rest = ctx.range_cell("r", &space, spec.s);
    let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();
    let product = Product {
        coef: 1,
        contracted: vec![],
        a: factor(&ctx.cells(rows.e), &all, rank),
        b: factor(&rearrange(&w, &along), &all, rank),
        proven: Some(Interval::new(0, 1 << NUMERATOR_BITS)),
    };
    let linear = ctx.cells(p).scaled(-(1 << spec.s)).plus(ctx.cells(rest).scaled(-1));
    ctx.constraint("rescale", &space, linear.plus_constant(1 << (spec.s - 1)), vec![product]);
    Ok(Value::stored(p, space))
}
