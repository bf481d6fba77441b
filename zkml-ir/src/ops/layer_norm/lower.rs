//! LayerNorm over rows of d <= 4096 entries (DESIGN 5.9c), `n = round(2^b (x - mean) / sqrt(variance + epsilon))`.
//!
//! ```text
//! M = floor((2^f sum x + floor(d/2)) / d) = 2^f mu + tau, -2^(f-1) <= tau < 2^(f-1)       c = x - mu
//! V = E + floor(sum c^2 / 2^k) = P V' + t2, 0 <= t2 < P      g = floor(2^G sqrt(d) / sqrt(2^k P (V' + 1)))
//! n = floor(((2^f x - M) g + 2^(s-1)) / 2^s)
//! ```
//!
//! with P = 4^e the power that brings V' into [2^11, 2^13) (or e = 0), f + G = min(23, 16 + b), s = f + G - b, and E =
//! max(1, round(d epsilon / (step^2 2^k))). k and f depend on types alone: the least k with V < 2^29, the least f >= 3
//! with d <= 2^(2f + 2 + k). The mean has f fractional bits because one of whole units would move all of a row whose bulk
//! is a few units, as the rows of trained decoders are.
//!
//! **Why each cell has one value.** mu, tau, t: `2^f sum x + floor(d/2) = d M + t` with t in [0, d), tau in its range. c is
//! virtual. *Direct*, where d |c|^2 <= 2^28: k = 0 and V is an expression. *Blocks* of B entries, B a power of two with
//! B |c|^2 <= 2^29: each block has `sum c^2 = 2^k w + l`, l in RANGE(k), and each row `sum l = 2^k w' + l'`, l' in RANGE(k):
//! then V = E + sum w + w', the exact floor whatever the blocks are. V' and P are fixed by (RSQRT, P, V', g) and t2,
//! P - 1 - t2 in RANGE(16), because the intervals P V'..P (V' + 1) partition [1, 2^29); g by the table; n and its
//! remainder r as of any rescale.
//!
//! **Why nothing wraps.** Let m be the exact mean, D = sum (x - m)^2, S = sum c^2 >= D. Deviations add up to zero, so
//! (x - m)^2 <= (1 - 1/d) D, and |2^f x - M| <= 2^f |x - m| + 1/2. V + 1 <= P (V' + 1) and V > E + S/2^k - 1, so
//! 2^k P (V' + 1) > S + 2^k >= D + 2^k. With h = 2^-(f+1), by Cauchy and Schwarz,
//!
//! ```text
//! |2^f x - M| g <= 2^(f+G) sqrt(d) (sqrt((1 - 1/d) D) + h) / sqrt(D + 2^k) <= 2^(f+G) sqrt(d) sqrt(1 - 1/d + h^2/2^k)
//! ```
//!
//! which is at most 2^(f+G) sqrt(d) <= 2^29 by the choice of f: that is the product's proven bound, far tighter than its
//! factors' intervals. It also bounds n by 2^b sqrt(d), rounded up: the node's interval, in which n is looked up.
//!
//! Cells: n and r per element, three per block, at most 10 per row.

use crate::elem::Interval;
use crate::exec::{self, all_rows};
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, rearrange, sum_last, Value};
use crate::lower::{limb, limbs, LowerError};
use crate::ops::softmax::score_rows::ceil_log2;
use crate::plan::{Axis, LinExpr, Product, Space, TensorId};
use crate::tables::real::{isqrt, Real};
use crate::tables::{Rsqrt, StepBits, Table};
use std::ops::Range;

const MAX_ROW: usize = 4096;
/// `sum c^2` of a block.
const MAX_BLOCK: i64 = 1 << 29;
/// `sum c^2` of a row that needs no blocks.
const MAX_DIRECT: i64 = 1 << 28;
/// Room for E below 2^29.
const MAX_EPSILON: i64 = 1 << 27;
/// f + G
const MAX_GAIN_BITS: u32 = 23;
/// f
const MEAN_BITS: u32 = 3;

/// The numbers of one LayerNorm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LayerNorm {
    d: usize,
    x: Interval,
    out: Interval,
    /// Entries of a block; none where sums are direct.
    block: Option<usize>,
    /// k
    shift: u32,
    epsilon: i64,
    /// f
    mean_bits: u32,
    /// f + G
    gain_bits: u32,
    /// s
    s: u32,
}

fn bit_length(v: i64) -> u32 {
    64 - v.leading_zeros()
}

impl LayerNorm {
    pub fn new(graph: &Graph, params: &Params, id: NodeId) -> Result<Self, LowerError> {
        let node = &graph.nodes[id];
        let unsupported = |what: String| LowerError::Unsupported { node: node.name.clone(), what };
        let Op::LayerNorm { epsilon } = node.op else {
            return Err(LowerError::Malformed { node: node.name.clone(), what: "is no layer norm" });
        };
        let step = |id: NodeId| {
            crate::lower::steps::value(graph, params, id)
                .ok_or_else(|| LowerError::Step { node: graph.nodes[id].name.clone() })
        };
        let d = match node.ty.shape.dims().last() {
            Some(&d) if d <= MAX_ROW => d,
            _ => return Err(unsupported(format!("takes 1 to {MAX_ROW} entries in a row"))),
        };
        let x = graph.ty(node.args[0]).interval;
        let square = x.width() * x.width();
        let direct = square.saturating_mul(d as i64) <= MAX_DIRECT;
        let fits = (0..=d.trailing_zeros()).rev().map(|b| 1usize << b);
        let block = fits.into_iter().find(|&b| square.saturating_mul(b as i64) <= MAX_BLOCK);
        let Some(block) = block else {
            return Err(unsupported(format!("takes at most 14 bits, its argument lies in {x}; quantize it")));
        };
        // The least k that keeps V below 2^29 by the ranges of its cells.
        let reach = |k: u32| {
            let most = (1i64 << bit_length((block as i64 * square) >> k)) - 1;
            (d / block) as i64 * most + 2 * (d / block) as i64 + MAX_EPSILON
        };
        let shift = if direct { 0 } else { (0..=16).find(|&k| reach(k) < Rsqrt::LIMIT).unwrap_or(16) };

        let unit = step(id)?.get();
        let Some(bits) = (1..=16).find(|&b| unit * (1u64 << b) as f64 == 1.0) else {
            return Err(unsupported(format!("has the step {unit}, not 2^-1 to 2^-16")));
        };
        let gain_bits = MAX_GAIN_BITS.min(16 + bits);
        let mean_bits = (MEAN_BITS..).find(|f| d <= 1 << (2 * f + 2 + shift)).unwrap_or(MEAN_BITS);
        let spec = Self {
            d,
            x,
            out: node.ty.interval,
            block: (!direct).then_some(block),
            shift,
            epsilon: epsilon_units(epsilon, d, step(node.args[0])?, shift),
            mean_bits,
            gain_bits,
            s: gain_bits - bits,
        };
        // ceil(2^b sqrt(d))
        let largest = isqrt(((d as u128) << (2 * bits)) - 1) as i64 + 1;
        if !spec.out.contains_interval(Interval::new(-largest, largest)) {
            return Err(unsupported(format!("reaches {largest}, its type holds {}", spec.out)));
        }
        if spec.epsilon > MAX_EPSILON {
            return Err(unsupported("has an epsilon far above any variance of its argument".into()));
        }
        Ok(spec)
    }

    fn table(&self) -> Rsqrt {
        Rsqrt { len: self.d as u32, shift: self.shift, log_gain: self.gain_bits - self.mean_bits }
    }

    /// The same in numbers.
    pub fn recipe(&self) -> exec::LayerNorm {
        exec::LayerNorm {
            d: self.d,
            block: self.block.map(|b| (b, limbs(self.block_bits(b)))),
            shift: self.shift,
            epsilon: self.epsilon,
            mean_bits: self.mean_bits,
            s: self.s,
            gains: self.table().columns().pop().unwrap_or_default(),
        }
    }

    fn square(&self) -> i64 {
        self.x.width() * self.x.width()
    }

    /// Bits of w.
    fn block_bits(&self, block: usize) -> u32 {
        bit_length((block as i64 * self.square()) >> self.shift)
    }

    /// All cells in order of declaration, and n.
    pub fn eval(&self, x: &[i32]) -> (Vec<Vec<i32>>, Vec<i32>) {
        let part = |rows: Range<usize>| self.eval_run(&x[rows.start * self.d..rows.end * self.d]);
        let cells = all_rows(x.len() / self.d, x.len(), part);
        let n = cells[cells.len() - 2].clone();
        (cells, n)
    }

    /// The cells of some rows: n and r come last.
    fn eval_run(&self, x: &[i32]) -> Vec<Vec<i32>> {
        let (d, k, f, rows) = (self.d, self.shift, self.mean_bits, x.len() / self.d);
        let half = 1i64 << (f - 1);
        let blocks = self.block.map_or(0, |b| d / b);
        let parts = self.block.map_or(vec![], |b| limbs(self.block_bits(b)));
        let mut per_row = [(); 9].map(|_| Vec::with_capacity(rows));
        let [mu_c, tau_c, t_c, carry, carry_low, p_c, v_c, g_c, t2_c] = &mut per_row;
        let mut w_c = vec![Vec::with_capacity(rows * blocks); parts.len()];
        let mut l_c = Vec::with_capacity(rows * blocks);
        let (mut n_c, mut r_c) = (Vec::with_capacity(x.len()), Vec::with_capacity(x.len()));
        let table = self.table();
        for x in x.chunks_exact(d) {
            let sum = (x.iter().map(|&x| x as i64).sum::<i64>() << f) + d as i64 / 2;
            let mean = sum.div_euclid(d as i64);
            let mu = (mean + half) >> f;
            mu_c.push(mu as i32);
            tau_c.push((mean + half - (mu << f)) as i32);
            t_c.push(sum.rem_euclid(d as i64) as i32);
            let square = |x: &[i32]| x.iter().map(|&x| (x as i64 - mu) * (x as i64 - mu)).sum::<i64>();
            if let Some(block) = self.block {
                let mut low = 0;
                for x in x.chunks_exact(block) {
                    let q = square(x);
                    parts.iter().zip(&mut w_c).for_each(|(part, c)| c.push(limb(q >> k, *part)));
                    l_c.push((q & ((1 << k) - 1)) as i32);
                    low += q & ((1 << k) - 1);
                }
                carry.push((low >> k) as i32);
                carry_low.push((low & ((1 << k) - 1)) as i32);
            }
            let variance = self.epsilon + (square(x) >> k);
            let (p, v) = Rsqrt::normalise(variance);
            let g = table.gain(p, v);
            p_c.push(p as i32);
            v_c.push(v as i32);
            g_c.push(g as i32);
            t2_c.push((variance - p * v) as i32);
            for &x in x {
                let v = (((x as i64) << f) - mean) * g + (1 << (self.s - 1));
                n_c.push((v >> self.s) as i32);
                r_c.push((v & ((1 << self.s) - 1)) as i32);
            }
        }
        let [mu_c, tau_c, t_c, carry, carry_low, p_c, v_c, g_c, t2_c] = per_row;
        let mut cells = vec![mu_c, tau_c, t_c];
        if self.block.is_some() {
            cells.extend(w_c);
            if k > 0 {
                cells.extend([l_c, carry, carry_low]);
            }
        }
        cells.extend([p_c, v_c, g_c, t2_c, n_c, r_c]);
        cells
    }
}

/// `max(1, round(d epsilon / (step^2 2^k)))`
fn epsilon_units(epsilon: f64, d: usize, step: StepBits, k: u32) -> i64 {
    let Some(epsilon) = StepBits::new(epsilon) else { return 1 };
    let step = step.real();
    let units = epsilon.real().times(Real::int(d as u64)).over(step.times(step)).shifted(-(k as i32));
    units.round().clamp(1, i64::MAX as u64) as i64
}

pub(crate) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let spec = LayerNorm::new(ctx.graph, ctx.params, id)?;
    let x = ctx.affine(ctx.graph.nodes[id].args[0])?.clone();
    let space = x.space.clone();
    let rank = space.axes().len();
    let (rows, axis) = (Space(space.axes()[..rank - 1].to_vec()), space.axes()[rank - 1]);
    let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();

    // 2^f sum x + floor(d/2) - d M - t = 0 with M = 2^f mu + tau; the cell is tau + 2^(f-1).
    let (d, f) = (spec.d as i64, spec.mean_bits);
    let mu = ctx.interval_cell("mu", &rows, spec.x);
    let tau = ctx.range_cell("tau", &rows, f);
    let t = ctx.range_cell("t", &rows, ceil_log2(spec.d as u64));
    if !spec.d.is_power_of_two() {
        let rest = ctx.cells(t).scaled(-1).plus_constant(d - 1);
        ctx.in_range("d - 1 - t", &rows, ceil_log2(spec.d as u64), rest);
    }
    let tau = ctx.cells(tau).plus_constant(-(1 << (f - 1)));
    let mean = ctx.cells(mu).scaled(1 << f).plus(tau);
    let sum = sum_last(&x.lin, axis).scaled(1 << f).plus_constant(d / 2);
    ctx.constraint("mean", &rows, sum.plus(mean.scaled(-d)).plus(ctx.cells(t).scaled(-1)), vec![]);
    let c = x.lin.clone().plus(rearrange(&ctx.cells(mu), &along).scaled(-1));
    let fine = x.lin.scaled(1 << f).plus(rearrange(&mean, &along).scaled(-1));

    // V as an expression and, direct, a product.
    let (variance, squares) = match spec.block {
        Some(block) => (blocks(ctx, &spec, &x, mu, &rows, block)?, vec![]),
        None => (LinExpr::default(), vec![squared(&c, rank - 1, axis, d * spec.square())]),
    };
    let variance = variance.plus_constant(spec.epsilon);

    let table = Table::Rsqrt(spec.table());
    let first = ctx.plan.lookups.len();
    let [p, v, g] = [("p", 0), ("v", 1), ("g", 2)]
        .map(|(role, entry)| ctx.cell_bound_by(role, &rows, table.entry_range(entry), first, entry));
    let [p, v, g] = [p, v, g].map(|t| ctx.cells(t));
    let id_rsqrt = ctx.shared_table(table);
    ctx.lookup("rsqrt", id_rsqrt, &rows, vec![p.clone(), v.clone(), g.clone()]);
    let t2 = ctx.range_cell("t2", &rows, 16);
    let t2 = ctx.cells(t2);
    ctx.in_range("p - 1 - t2", &rows, 16, p.clone().plus_constant(-1).plus(t2.scaled(-1)));

    // V - P V' - t2 = 0
    let row_axes: Vec<usize> = (0..rank - 1).collect();
    let scaled = Product {
        coef: -1,
        contracted: vec![],
        a: factor(&p, &row_axes, rank - 1),
        b: factor(&v, &row_axes, rank - 1),
        proven: None,
    };
    let products = squares.into_iter().chain([scaled]).collect();
    ctx.constraint("variance", &rows, variance.plus(t2.scaled(-1)), products);

    // (2^f x - M) g - 2^s n - r + 2^(s-1) = 0
    let n = ctx.interval_cell("n", &space, spec.out);
    let r = ctx.range_cell("r", &space, spec.s);
    let all: Vec<usize> = (0..rank).collect();
    let bound = isqrt((spec.d as u128) << (2 * spec.gain_bits)) as i64 + 1;
    let gained = Product {
        coef: 1,
        contracted: vec![],
        a: factor(&fine, &all, rank),
        b: factor(&g, &all[..rank - 1], rank),
        proven: Some(Interval::new(-bound, bound)),
    };
    let right = ctx.cells(n).scaled(1 << spec.s).plus(ctx.cells(r));
    ctx.constraint("rescale", &space, right.scaled(-1).plus_constant(1 << (spec.s - 1)), vec![gained]);
    Ok(Value::stored(n, space))
}

/// `sum c^2` over the last axis of c, whose other axes are output axes 0..outer. A square is not negative.
fn squared(c: &LinExpr, outer: usize, axis: Axis, most: i64) -> Product {
    let axes: Vec<usize> = (0..=outer).collect();
    let side = || factor(c, &axes, outer);
    Product { coef: 1, contracted: vec![axis], a: side(), b: side(), proven: Some(Interval::new(0, most)) }
}

/// Cells and relations of the blocks; `floor(sum c^2 / 2^k)` over the rows.
fn blocks(
    ctx: &mut Ctx,
    spec: &LayerNorm,
    x: &Value,
    mu: TensorId,
    rows: &Space,
    block: usize,
) -> Result<LinExpr, LowerError> {
    let (k, outer) = (spec.shift, rows.axes().len());
    let (count, entries) = (Axis::new(spec.d / block), Axis::new(block));
    let space = rows.and(&[count]);
    let full = space.and(&[entries]);
    let split = x.map_views(&full, |v| v.reshape(&x.space, &full));
    let split = split.map_err(|source| LowerError::View { node: ctx.part_name(), source })?;
    let along: Vec<Option<usize>> = (0..outer + 2).map(|i| (i < outer).then_some(i)).collect();
    let c = split.lin.plus(rearrange(&ctx.cells(mu), &along).scaled(-1));

    // sum c^2 - 2^k w - l = 0
    let w = ctx.limb_cells("w", &space, spec.block_bits(block));
    let square = squared(&c, outer + 1, entries, block as i64 * spec.square());
    if k == 0 {
        ctx.constraint("block", &space, w.scaled(-1), vec![square]);
        return Ok(sum_last(&w, count));
    }
    let l = ctx.range_cell("l", &space, k);
    let l = ctx.cells(l);
    ctx.constraint("block", &space, w.scaled(-(1 << k)).plus(l.scaled(-1)), vec![square]);
    // sum l - 2^k w' - l' = 0
    let carry = ctx.range_cell("w'", rows, ceil_log2(count.extent() as u64));
    let low = ctx.range_cell("l'", rows, k);
    let carry = ctx.cells(carry);
    let parts = carry.scaled(1 << k).plus(ctx.cells(low));
    ctx.constraint("carry", rows, sum_last(&l, count).plus(parts.scaled(-1)), vec![]);
    Ok(sum_last(&w, count).plus(carry))
}
