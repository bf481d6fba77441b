//! The attention core (DESIGN 5.9b): `o_d = round(2^f N_d / S)` with `N_d = sum_j e_j v_jd`, over the rows of
//! [`crate::ops::softmax::score_rows`]; f is the op's `fraction`.
//!
//! ```text
//! 2^(f+1) N + S = 2 S o + t      t = t0 + 2^11 t1      2S - 1 - t = u0 + 2^11 u1      t0, u0 in RANGE(11), t1, u1 in RANGE(9)
//! ```
//!
//! so 0 <= t < 2S: o is the one quotient floor((2^(f+1) N + S) / 2S), and each limb is fixed by t and S. u0 is virtual. Over
//! the integers because 0 < S < 2^19 and `|o| <= 2^9`: 2 S o stays below 2^29, and so does 2^(f+1) N, as |N| <= S max |v| for
//! exponentials that are not negative. Both sides together stay below p. o is a weighted mean, so it lies in 2^f times the
//! interval of v.

use crate::cost::NAIVE_SOFTMAX_ROWS;
use crate::elem::Interval;
use crate::exec::{all_rows, Attention};
use crate::graph::Params;
use crate::lower::value::{factor, rearrange};
use crate::ops::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, NodeId, Op,
    Primitive, Recipe, RunError, Value, Work,
};
use crate::ops::softmax::score_rows::{self, Mask, Rows, Spec, MAX_KEYS, MAX_SUM_BITS};
use crate::plan::{Product, Space};
use std::ops::Range;

/// Bits of S.
const SUM_BITS: u32 = MAX_SUM_BITS;
const LIMB: u32 = 11;
/// Bits of the high limb of t and of 2S - 1 - t.
const HIGH: u32 = SUM_BITS + 1 - LIMB;
/// f
const MAX_FRACTION: u32 = 8;
/// The largest |o|.
const MAX_RESULT: i64 = 1 << 9;

fn spec(graph: &Graph, params: &Params, id: NodeId) -> Result<Spec, LowerError> {
    let node = &graph.nodes[id];
    let unsupported = |what: String| LowerError::Unsupported { node: node.name.clone(), what };
    let Op::AttentionCore { causal, window, fraction } = node.op else {
        return Err(LowerError::Malformed { node: node.name.clone(), what: "is no attention" });
    };
    let (scores, v) = (graph.ty(node.args[0]), graph.ty(node.args[1]));
    let dims = scores.shape.dims();
    if fraction > MAX_FRACTION || !node.ty.interval.contains_interval(v.interval.scale(1 << fraction)) {
        return Err(LowerError::Malformed {
            node: node.name.clone(),
            what: "has values outside its result's",
        });
    }
    if node.ty.interval.max_abs() > MAX_RESULT {
        return Err(unsupported(format!("has results in {}, at most {MAX_RESULT} fit", node.ty.interval)));
    }
    if dims.last().is_none_or(|&t| t > MAX_KEYS) {
        return Err(unsupported(format!("has rows of more than {MAX_KEYS} scores")));
    }
    let step = crate::lower::steps::value(graph, params, node.args[0])
        .ok_or_else(|| LowerError::Step { node: graph.nodes[node.args[0]].name.clone() })?;
    let mask = Mask { causal, window, keys: node.args.len() > 2 };
    Ok(Spec::new(scores.interval, step, dims, mask, SUM_BITS))
}

/// The cells after those of the rows (o, t0, t1, u1), for values v of `width` columns.
fn eval(spec: &Spec, fraction: u32, rows: &Rows, v: &[i32], width: usize) -> Vec<Vec<i32>> {
    let n = rows.sum.len();
    // Rows of scores that one matrix of v serves.
    let served = n * spec.keys * width / v.len();
    let part = |run: Range<usize>| eval_run(spec, fraction, rows, run, |row| row / served, v, width);
    all_rows(n, rows.e.len() * width, part)
}

fn eval_run(
    spec: &Spec,
    fraction: u32,
    rows: &Rows,
    run: Range<usize>,
    matrix: impl Fn(usize) -> usize,
    v: &[i32],
    width: usize,
) -> Vec<Vec<i32>> {
    let keys = spec.keys;
    let mut out: Vec<Vec<i32>> = (0..4).map(|_| Vec::with_capacity(run.len() * width)).collect();
    let mut acc = vec![0i32; width];
    for row in run {
        let (e, s) = (&rows.e[row * keys..][..keys], rows.sum[row]);
        let v = &v[matrix(row) * keys * width..][..keys * width];
        acc.fill(0);
        for (&e, v) in e.iter().zip(v.chunks_exact(width)).filter(|(e, _)| **e != 0) {
            acc.iter_mut().zip(v).for_each(|(a, &v)| *a += e * v);
        }
        for &n in &acc {
            let sum = (n << (fraction + 1)) + s;
            let (o, t) = (sum.div_euclid(2 * s), sum.rem_euclid(2 * s));
            let u = 2 * s - 1 - t;
            [o, t & ((1 << LIMB) - 1), t >> LIMB, u >> LIMB]
                .iter()
                .zip(&mut out)
                .for_each(|(x, c)| c.push(*x));
        }
    }
    out
}

fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let spec = spec(ctx.graph, ctx.params, id)?;
    let Op::AttentionCore { fraction, .. } = ctx.graph.nodes[id].op else {
        return Err(ctx.unsupported("is no attention"));
    };
    let args = ctx.graph.nodes[id].args.clone();
    let rows = score_rows::lower(ctx, &spec, args[0], args.get(2).copied())?;
    let v = ctx.affine(args[1])?.clone();
    let space = Space::from(&ctx.ty(id).shape);
    let rank = space.axes().len();
    if rank < 2 || v.space.axes().len() != rank || rows.rows.axes() != &space.axes()[..rank - 1] {
        return Err(ctx.unsupported("needs scores [.., tq, tk] and values [.., tk, d]"));
    }

    let s = rows.sum();
    let o = ctx.interval_cell("o", &space, ctx.ty(id).interval);
    let t0 = ctx.range_cell("t0", &space, LIMB);
    let t1 = ctx.range_cell("t1", &space, HIGH);
    let u1 = ctx.range_cell("u1", &space, HIGH);
    let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();
    let wide = rearrange(&s, &along);
    let t = ctx.cells(t0).plus(ctx.cells(t1).scaled(1 << LIMB));
    // u0 = 2S - 1 - t - 2^11 u1
    let u0 = wide.scaled(2).plus_constant(-1).plus(t.scaled(-1)).plus(ctx.cells(u1).scaled(-(1 << LIMB)));
    ctx.in_range("u0", &space, LIMB, u0);

    // 2^(f+1) N + S - 2 S o - t = 0
    let keys = rank;
    let e_axes: Vec<usize> = (0..rank - 1).chain([keys]).collect();
    let v_axes: Vec<usize> = (0..rank - 2).chain([keys, rank - 1]).collect();
    let numerator = Product {
        coef: 2 << fraction,
        contracted: vec![v.space.axes()[rank - 2]],
        a: factor(&ctx.cells(rows.e), &e_axes, rank),
        b: factor(&v.lin, &v_axes, rank),
        proven: Some(ctx.ty(args[1]).interval.union(Interval::point(0)).scale(1 << SUM_BITS)),
    };
    let all: Vec<usize> = (0..rank).collect();
    let quotient = Product {
        coef: -2,
        contracted: vec![],
        a: factor(&s, &all[..rank - 1], rank),
        b: factor(&ctx.cells(o), &all, rank),
        proven: None,
    };
    ctx.constraint("division", &space, wide.plus(t.scaled(-1)), vec![numerator, quotient]);
    Ok(Value::stored(o, space))
}

pub(in crate::ops) struct AttentionCore;

impl Primitive for AttentionCore {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let node = m.graph.node(id);
        let spec = spec(m.graph, m.params, id)?;
        let Op::AttentionCore { fraction, .. } = node.op else {
            return Err(m.malformed(id, "is no attention"));
        };
        let mask = (node.args.len() > 2).then(|| m.arg(id, 2));
        let flag = |k: &i32| (0..=1).contains(k);
        if let Some((index, &value)) =
            mask.as_ref().and_then(|m| m.iter().enumerate().find(|(_, k)| !flag(k)))
        {
            let (name, range) = (m.graph.nodes[node.args[2]].name.clone(), Interval::new(0, 1));
            return Err(RunError::Range { name, index, value: value as i64, range });
        }
        let rows = spec.eval(&m.arg(id, 0), mask.as_deref()).map_err(|row| m.all_masked(id, row))?;
        let width = node.ty.shape.dims().last().copied().unwrap_or(1);
        let own = eval(&spec, fraction, &rows, &m.arg(id, 1), width);
        let mut cells = rows.into_cells(&spec);
        let value = own[0].clone();
        cells.extend(own);
        Ok(Computed { value, cells })
    }

    /// Unless keys are masked by a tensor.
    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        let node = m.graph.node(id);
        let (Op::AttentionCore { causal, window, fraction }, 2) = (&node.op, node.args.len()) else {
            return Ok(None);
        };
        let spec = spec(m.graph, m.params, id)?;
        let recipe = spec.recipe();
        let width = node.ty.shape.dims().last().copied().unwrap_or(1);
        let (causal, window, fraction) = (*causal, *window, *fraction);
        Ok(Some(Recipe::Attention(Attention { width, causal, window, fraction, limb: LIMB, ..recipe })))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::AttentionCore { causal, window, .. } = call.node.op else { return Err(call.missing()) };
        let mask = call.args.get(2).copied();
        crate::float::rows::attention(call.args[0], call.args[1], mask, causal, window)
            .map_err(|row| call.masked(row))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let Op::AttentionCore { fraction, .. } = node.op else { return Bound::of(node.ty.interval) };
        of[node.args[1]].map(|v| v.scale(1 << fraction))
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        let (s, v) = (&graph.ty(node.args[0]).shape, graph.ty(node.args[1]).shape.dims());
        let scores = s.len() as u64;
        let multiply_adds = scores * v[v.len() - 1] as u64;
        // With the scores' own matmul this adds up to `cost::AttentionCost`.
        let naive_rows = multiply_adds + NAIVE_SOFTMAX_ROWS * scores;
        Work { multiply_adds, naive_rows, sumcheck_rows: 2 * scores + 2 * node.ty.shape.len() as u64 }
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
