//! Explicit probabilities (DESIGN 5.9b): `w = floor(2^n / S)`, `p_j = floor((e_j w + 2^(s-1)) / 2^s)` with s = n - B for a
//! result of step 2^-B, over the rows of [`super::score_rows`]. Their sums have b = 14 + half of log2 T bits, so that the
//! exponentials' rounding, T 2^-(b+1), and that of w, 2^(b-29), cost about the same. n is 29, less what the largest
//! exponential lacks of b bits where all scores lie close together.
//!
//! The one equation `2^n = S w + t` is not enough: S w reaches 2^b 2^17, beyond p, and a wrapped w could pass. So it is a
//! long division in two digits, `S = S0 + 2^13 S1`:
//!
//! ```text
//! S0 w + t = 2^13 c        S1 w + c = 2^(n-13)        t = t0 + 2^13 t1        S - 1 - t = u0 + 2^13 u1
//! t0, u0 in RANGE(13), t1, u1 in RANGE(b - 13), w, c in RANGE(17)
//! ```
//!
//! Each side stays below 2^30 + 2^19. Together they say S w + t = 2^n with 0 <= t < S over the integers: w is the quotient, t
//! the remainder, c = 2^(n-13) - S1 w, and each limb is fixed by its sum. Then e_j <= S (a sum of non-negatives) gives e_j w
//! <= S w <= 2^n, the proven bound of the product that p is rescaled from, and p <= 2^B.
//!
//! w fits: it is at most 2^n over the least sum. A row whose reference is its maximum has the largest exponential in its
//! sum, so w <= 2^(30-b); any other has more than 2^(b-3) ([`score_rows`]), so w < 2^(32-b) <= 2^16.

use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, rearrange, Value};
use crate::lower::{limb, limbs, LowerError};
use crate::ops::softmax::score_rows::{self, ceil_log2, Mask, Rows, Spec, DIGIT, MAX_KEYS};
use crate::plan::{Product, Space};

/// n where the largest exponential has all bits of a sum.
const NUMERATOR_BITS: u32 = 29;
/// Bits of w and of c <= 2^(n-13).
const QUOTIENT_BITS: u32 = 17;

/// b
fn sum_bits(keys: usize) -> u32 {
    14 + ceil_log2(keys as u64).max(4) / 2
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Softmax {
    pub rows: Spec,
    n: u32,
    /// B
    bits: u32,
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
        let bits = (13..=16).find(|&b| unit * (1u64 << b) as f64 == 1.0);
        let bits = bits
            .filter(|&b| node.ty.interval.contains_interval(Interval::new(0, 1 << b)))
            .ok_or_else(|| {
                unsupported(format!("has the step {unit}, not a power 2^-13 to 2^-16 that its type holds"))
            })?;
        let mask = Mask { causal, ..Mask::default() };
        let sum_bits = sum_bits(dims[dims.len() - 1]);
        let rows = Spec::new(scores.interval, step(node.args[0])?, dims, mask, sum_bits);
        let n = NUMERATOR_BITS - sum_bits + rows.table.scale.ilog2() + 1;
        Ok(Self { rows, n, bits })
    }

    /// The shift s.
    fn shift(&self) -> u32 {
        self.n - self.bits
    }

    /// The cells after those of the rows, and p.
    pub fn eval(&self, rows: &Rows) -> (Vec<Vec<i32>>, Vec<i32>) {
        let mask = (1 << DIGIT) - 1;
        let w: Vec<i32> = rows.sum.iter().map(|s| (1 << self.n) / s).collect();
        let by_row = |f: &dyn Fn(i32, i32) -> i32| rows.sum.iter().zip(&w).map(|(&s, &w)| f(s, w)).collect();
        let t = |s: i32, w: i32| (1 << self.n) - s * w;
        let c = |s: i32, w: i32| (1 << (self.n - DIGIT)) - (s >> DIGIT) * w;
        let mut cells: Vec<Vec<i32>> = vec![];
        for part in limbs(QUOTIENT_BITS) {
            cells.push(by_row(&|_, w| limb(w as i64, part)));
        }
        for part in limbs(QUOTIENT_BITS) {
            cells.push(by_row(&|s, w| limb(c(s, w) as i64, part)));
        }
        cells.push(by_row(&|s, w| t(s, w) & mask));
        cells.push(by_row(&|s, w| t(s, w) >> DIGIT));
        cells.push(by_row(&|s, w| (s - 1 - t(s, w)) >> DIGIT));
        let shift = self.shift();
        let mut v = rows.e.clone();
        for (v, w) in v.chunks_exact_mut(self.rows.keys).zip(&w) {
            v.iter_mut().for_each(|v| *v = *v * w + (1 << (shift - 1)));
        }
        let p: Vec<i32> = v.iter().map(|v| v >> shift).collect();
        cells.push(p.clone());
        cells.push(v.iter().map(|v| v & ((1 << shift) - 1)).collect());
        (cells, p)
    }
}

pub(crate) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let spec = Softmax::new(ctx.graph, ctx.params, id)?;
    let rows = score_rows::lower(ctx, &spec.rows, ctx.graph.nodes[id].args[0], None)?;
    let (r, space) = (rows.rows.clone(), Space::from(&ctx.ty(id).shape));
    let (rank, digit, shift) = (space.axes().len(), 1i64 << DIGIT, spec.shift());
    let ([s0, s1], s, high) = (rows.digits.clone(), rows.sum(), spec.rows.sum_bits() - DIGIT);

    let w = ctx.limb_cells("w", &r, QUOTIENT_BITS);
    let c = ctx.limb_cells("c", &r, QUOTIENT_BITS);
    let t0 = ctx.range_cell("t0", &r, DIGIT);
    let t1 = ctx.range_cell("t1", &r, high);
    let u1 = ctx.range_cell("u1", &r, high);
    let t = ctx.cells(t0).plus(ctx.cells(t1).scaled(digit));
    let u0 = s.plus_constant(-1).plus(t.scaled(-1)).plus(ctx.cells(u1).scaled(-digit));
    ctx.in_range("u0", &r, DIGIT, u0);

    let all: Vec<usize> = (0..rank).collect();
    let by_w = |part| Product {
        coef: 1,
        contracted: vec![],
        a: factor(part, &all[..rank - 1], rank - 1),
        b: factor(&w, &all[..rank - 1], rank - 1),
        proven: None,
    };
    let (low, high) = (by_w(&s0), by_w(&s1));
    ctx.constraint("low digit", &r, t.plus(c.scaled(-digit)), vec![low]);
    ctx.constraint("high digit", &r, c.plus_constant(-(1 << (spec.n - DIGIT))), vec![high]);

    // e w - 2^s p - r + 2^(s-1) = 0
    let p = ctx.interval_cell("p", &space, ctx.ty(id).interval);
    let rest = ctx.range_cell("r", &space, shift);
    let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();
    let product = Product {
        coef: 1,
        contracted: vec![],
        a: factor(&ctx.cells(rows.e), &all, rank),
        b: factor(&rearrange(&w, &along), &all, rank),
        proven: Some(Interval::new(0, 1 << spec.n)),
    };
    let linear = ctx.cells(p).scaled(-(1 << shift)).plus(ctx.cells(rest).scaled(-1));
    ctx.constraint("rescale", &space, linear.plus_constant(1 << (shift - 1)), vec![product]);
    Ok(Value::stored(p, space))
}
