//! `avg_pool(x, kernel = 2, stride = 2, padding = 0)`: the mean of each window; the stride is the kernel's extents unless
//! given. `global_avg_pool(x)`: the mean of each channel, `[C]` or `[N, C]`.
//!
//! - Shape: `[C, H, W]` or `[N, C, H, W]`, with [`super::window`]'s extents. The padding, at most half the kernel, is counted:
//!   every mean is over `KH * KW` values (PyTorch's `count_include_pad = True`).
//! - Elements: I8, I12, I16 or U8; gives `Acc`, the exact sum. Interval: `KH * KW` times the argument's and 0. Step: the
//!   argument's divided by `KH * KW`, so nothing is rounded.
//! - Lowering: small windows whose digits split are sums of views, virtual and free. Else `t[h, ow] = sum_w x[h, w] A[ow, w]` is
//!   committed, A the public 0/1 matrix of the windows along the width: `H * OW` exact cells for each channel, of which
//!   a row of A adds at most KW values (the `proven` bound); and `sum_h t[h, ow] B[oh, h]` is virtual. A single window is
//!   one virtual product with ones. The rules keep the sums in (-2^30, 2^30), so nothing wraps.

use super::max_pool::{geometry, pool, Pool, POOL};
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::views::pick::{exact_copy, Pick};
use super::views::with_zero;
use super::window::{feature_map, Window};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::ops::matmul::FACTORS;
use crate::plan::{Axis, Constant, LinExpr, Product, Space, View};
use crate::shape::Shape;

pub struct AvgPool;
pub struct GlobalAvgPool;

/// The role of the sums along the width.
const COLUMNS: &str = "columns";
/// Entries of a window that are added as views, at most.
const VIEWS: usize = 16;

impl OpDef for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool"
    }

    fn signature(&self) -> Signature {
        Signature { named: POOL, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::takes(b, "avg_pool", FACTORS, id, At::Tensor(0), || {
            "`avg_pool(quantize_int8(h), ..)`".into()
        })?;
        let pool = pool("avg_pool", call, &b.ty(id).shape)?;
        Ok(vec![mean(b, id, pool, &call.name)?])
    }
}

impl OpDef for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "global_avg_pool"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        let help = || "`global_avg_pool(quantize_int8(h))`".into();
        rules::takes(b, "global_avg_pool", FACTORS, id, At::Tensor(0), help)?;
        let shape = &b.ty(id).shape;
        feature_map("global_avg_pool", shape)?;
        let (lead, maps) = shape.dims().split_at(shape.rank() - 2);
        let kernel = [maps[0], maps[1]];
        let pool = Pool { kernel, stride: kernel, padding: [0, 0], shape: Shape::new(lead) };
        Ok(vec![mean(b, id, pool, &call.name)?])
    }
}

fn mean(b: &mut GraphBuilder, x: NodeId, pool: Pool, name: &str) -> Result<NodeId, OpError> {
    let t = b.ty(x);
    let n = pool.kernel[0] * pool.kernel[1];
    let interval = rules::bounded(with_zero(t.interval).scale(n as i64), || {
        OpError::new(At::Call, "sum can leave (-2^30, 2^30)")
            .note(format!("x: {}, {n} values in a window", t.elem))
            .help("narrow `x`: `quantize_int8(h)`")
    })?;
    let ty = TensorType { elem: Elem::Acc, shape: pool.shape, interval, step: t.step.scaled(1.0 / n as f64) };
    let op = Op::AvgPool { kernel: pool.kernel, stride: pool.stride, padding: pool.padding };
    Ok(b.push(op, vec![x], ty, name))
}

/// Of a node that the rules have accepted; `None` of another.
fn of(graph: &Graph, node: &Node) -> Option<(usize, [Window; 2])> {
    let Op::AvgPool { kernel, stride, padding } = node.op else { return None };
    geometry(&graph.ty(*node.args.first()?).shape, kernel, stride, padding)
}

/// `[out, extent]`, 1 where the window reads the position.
fn band(w: &Window) -> Vec<i32> {
    let out = w.out();
    let mut band = vec![0; out * w.extent];
    for (j, &at) in w.index().iter().enumerate().filter(|(_, &at)| (at as usize) < w.extent) {
        band[j % out * w.extent + at as usize] = 1;
    }
    band
}

/// Sums of windows along the middle of `[outer, extent, inner]`.
fn sums<T: Copy + Default + std::ops::AddAssign>(x: &[T], w: &Window, inner: usize) -> Vec<T> {
    let (index, out) = (w.index(), w.out());
    let mut y = vec![T::default(); x.len() / w.extent * out];
    for (x, y) in x.chunks_exact(w.extent * inner).zip(y.chunks_exact_mut(out * inner)) {
        for (j, &at) in index.iter().enumerate().filter(|(_, &at)| (at as usize) < w.extent) {
            let from = &x[at as usize * inner..][..inner];
            y[j % out * inner..][..inner].iter_mut().zip(from).for_each(|(y, &x)| *y += x);
        }
    }
    y
}

impl Primitive for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let Some((_, [rows, columns])) = of(m.graph, m.graph.node(id)) else {
            return Err(m.malformed(id, "is no avg_pool"));
        };
        let t = sums(&m.arg(id, 0), &columns, 1);
        let value = sums(&t, &rows, columns.out());
        Ok(Computed { value, cells: if commits { vec![t] } else { vec![] } })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let Some((_, [rows, columns])) = of(ctx.graph, node) else {
            return Err(ctx.unsupported("is no avg_pool"));
        };
        let (x, to) = (ctx.affine(node.args[0])?.clone(), Space::from(&node.ty.shape));
        let range = with_zero(ctx.ty(node.args[0]).interval);
        if rows.out() * columns.out() == 1 {
            return Ok(Some(single(ctx, &x, to, &rows, &columns)));
        }
        if let Some(lin) = sum_of_views(&x, &rows, &columns) {
            return Ok(Some(Value::affine(to, lin)));
        }
        // t[.., h, ow] = sum_w x[.., h, w] A[ow, w]
        let (h, rank) = (to.axes().len() - 2, to.axes().len());
        let mut t_space = x.space.clone();
        let width = std::mem::replace(&mut t_space.0[h + 1], to.axes()[h + 1]);
        let t_range = range.scale(columns.kernel as i64);
        let a = constant(ctx, Space(vec![to.axes()[h + 1], width]), band(&columns));
        let along: Vec<usize> = (0..=h).chain([rank]).collect();
        let product = sum(vec![width], (&x.lin, &along), (&a, &[h + 1, rank]), rank, Some(t_range));
        let t = exact_copy(ctx, COLUMNS, &t_space, t_range, product);
        // y[.., oh, ow] = sum_h t[.., h, ow] B[oh, h]
        let height = t_space.axes()[h];
        let b = constant(ctx, Space(vec![to.axes()[h], height]), band(&rows));
        let along: Vec<usize> = (0..h).chain([rank, h + 1]).collect();
        let product = sum(vec![height], (&t.lin, &along), (&b, &[h, rank]), rank, Some(node.ty.interval));
        Ok(Some(Value { space: to, lin: LinExpr::default(), products: vec![product] }))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::AvgPool { kernel, stride, padding } = call.node.op else { return Err(call.missing()) };
        let x = call.args[0];
        let (_, [rows, columns]) =
            geometry(&x.shape, kernel, stride, padding).ok_or_else(|| call.missing())?;
        let wide: Vec<f64> = x.data.iter().map(|&v| v as f64).collect();
        let n = (rows.kernel * columns.kernel) as f64;
        let y = sums(&sums(&wide, &columns, 1), &rows, columns.out());
        Ok(y.iter().map(|s| (s / n) as f32).collect())
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let Op::AvgPool { kernel, .. } = node.op else { return Bound::of(node.ty.interval) };
        let x: Interval = with_zero(of[node.args[0]].whole());
        Bound::of(x.scale((kernel[0] * kernel[1]) as i64))
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        let Some((planes, [rows, columns])) = of(graph, node) else { return Work::NONE };
        Work::elementwise(planes * rows.extent * columns.extent)
    }
}

/// `sum_{h, w} x[.., h, w] * ones[h, w]`, the ones where the only window reads.
fn single(ctx: &mut Ctx, x: &Value, to: Space, rows: &Window, columns: &Window) -> Value {
    let axes: Vec<Axis> = x.space.axes().to_vec();
    let lead = axes.len() - 2;
    let maps = axes[lead..].to_vec();
    let (a, b) = (band(rows), band(columns));
    let ones = a.iter().flat_map(|&a| b.iter().map(move |&b| a * b)).collect();
    let ones = constant(ctx, Space(maps.clone()), ones);
    let rank = to.axes().len();
    let along: Vec<usize> = (0..lead).chain([rank, rank + 1]).collect();
    let product = sum(maps, (&x.lin, &along), (&ones, &[rank, rank + 1]), rank, None);
    Value { space: to, lin: LinExpr::default(), products: vec![product] }
}

/// The entries of every window added up, where each is a view.
fn sum_of_views(x: &Value, rows: &Window, columns: &Window) -> Option<LinExpr> {
    if rows.kernel * columns.kernel > VIEWS {
        return None;
    }
    let h = x.space.axes().len() - 2;
    let mut all = LinExpr::default();
    for row in rows.index().chunks_exact(rows.out()) {
        let strip = Pick { axis: h, index: row, dims: &[rows.out()] }.free(x).ok()?;
        for column in columns.index().chunks_exact(columns.out()) {
            let entry = Pick { axis: h + 1, index: column, dims: &[columns.out()] }.free(&strip).ok()?;
            all = all.plus(entry.lin);
        }
    }
    Some(all)
}

fn constant(ctx: &mut Ctx, axes: Space, values: Vec<i32>) -> LinExpr {
    let t = ctx.constant("windows", &axes, Interval::new(0, 1), Constant::Dense(values));
    LinExpr::view(View::identity(t, &axes))
}

/// `sum over contracted of a * b`, each with the axes that it has.
fn sum(
    contracted: Vec<Axis>,
    a: (&LinExpr, &[usize]),
    b: (&LinExpr, &[usize]),
    rank: usize,
    proven: Option<Interval>,
) -> Product {
    let (a, b) = (factor(a.0, a.1, rank), factor(b.0, b.1, rank));
    Product { coef: 1, contracted, a, b, proven }
}
