//! `matmul(x, w)`.
//!
//! - Shape: `[.., m, k] x [k, n]` gives `[.., m, n]`; with equal leading axes `[.., m, k] x [.., k, n]` gives `[.., m, n]`. The
//!   last of the right side's leading axes may be 1 and stretch: `[b, g, m, k] x [b, 1, k, n]`, as grouped queries need.
//! - Elements: I8, I12, I16 or U8 on both sides; gives `Acc`. Interval: k times the product of the arguments' intervals.
//! - Real numbers: the matrix product. Step: the product of the arguments' steps.
//! - Lowering: an einsum. The result is virtual: never committed, a linear combination of the cells of what rescales it.
//! - Source: Thaler, "Time-optimal interactive proofs for circuit evaluation", 2013, for the sumcheck.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive, Recipe,
    RunError, Value, Work,
};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::calibrate::bounds;
use crate::cost::MatMulDims;
use crate::elem::{Elem, Interval, ACC_LIMIT};
use crate::exec::kernel;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{Product, Space};
use crate::shape::Shape;

pub struct MatMul;

/// What a product takes: cells, not accumulators.
pub(super) const FACTORS: &[Elem] = &[Elem::I8, Elem::I12, Elem::I16, Elem::U8];

impl OpDef for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x", "w"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        Ok(vec![matmul(b, call.tensors[0], call.tensors[1], &call.name)?])
    }
}

/// Adds a product; `attention` composes with it.
pub(super) fn matmul(b: &mut GraphBuilder, x: NodeId, w: NodeId, name: &str) -> Result<NodeId, OpError> {
    let help_x = || format!("`matmul(quantize_int8(h), {})`", b.label(w, "w"));
    rules::takes(b, "matmul", FACTORS, x, At::Tensor(0), help_x)?;
    let help_w = || format!("`matmul({}, quantize_int8(h))`", b.label(x, "x"));
    rules::takes(b, "matmul", FACTORS, w, At::Tensor(1), help_w)?;
    let (shape, k) = shape_rule(&b.ty(x).shape, &b.ty(w).shape)?;
    let interval = interval_rule(b, x, w, k)?;
    let step = b.ty(x).step.times(&b.ty(w).step);
    Ok(b.push(Op::MatMul, vec![x, w], TensorType { elem: Elem::Acc, shape, interval, step }, name))
}

/// The result's shape and the contracted extent.
fn shape_rule(x: &Shape, w: &Shape) -> Result<(Shape, usize), OpError> {
    for (i, s) in [x, w].into_iter().enumerate() {
        if s.rank() < 2 {
            let message = format!("`matmul` takes matrices, got shape {s}");
            return Err(OpError::new(At::Tensor(i), message)
                .help("`reshape(x, shape = [1, k])` makes a row of a vector"));
        }
    }
    let (x_lead, x_mat) = x.dims().split_at(x.rank() - 2);
    let (w_lead, w_mat) = w.dims().split_at(w.rank() - 2);
    if x_mat[1] != w_mat[0] {
        let message =
            format!("`matmul` needs equal inner dimensions: expected {} rows, got {}", x_mat[1], w_mat[0]);
        return Err(OpError::new(At::Tensor(1), message).note(format!("{x} x {w}")));
    }
    // Extents of 1 at the end of the right side's leading axes stretch.
    let fixed = w_lead.iter().rposition(|&d| d != 1).map_or(0, |i| i + 1);
    let stretches = w_lead.len() == x_lead.len() && w_lead[..fixed] == x_lead[..fixed];
    if !w_lead.is_empty() && !stretches {
        let message = format!("`matmul` needs equal leading axes: expected {x_lead:?}, got {w_lead:?}");
        return Err(OpError::new(At::Tensor(1), message).note(format!("{x} x {w}")));
    }
    Ok((Shape::new([x_lead, &[x_mat[0], w_mat[1]]].concat()), x_mat[1]))
}

fn interval_rule(b: &GraphBuilder, x: NodeId, w: NodeId, k: usize) -> Result<Interval, OpError> {
    let (tx, tw) = (b.ty(x), b.ty(w));
    rules::bounded((tx.interval * tw.interval).scale(k as i64), || {
        let (nx, nw) = (b.label(x, "left"), b.label(w, "right"));
        let (mx, mw) = (tx.interval.max_abs() as f64, tw.interval.max_abs() as f64);
        let error = OpError::new(At::Call, "sum can leave (-2^30, 2^30)").note(format!(
            "{nx}: {}, {nw}: {}, k = {k}: {k} * {} * {} = {}",
            tx.elem,
            tw.elem,
            rules::power(mx),
            rules::power(mw),
            rules::power(k as f64 * mx * mw)
        ));
        // The wider operand first; the right one, usually a weight, among equals.
        let (name, wide, other) = if mw >= mx { (nw, tw.elem, mx) } else { (nx, tx.elem, mw) };
        let fits = |e: &&Elem| {
            let most = e.interval().max_abs() as f64;
            e.interval().hi < wide.interval().hi && k as f64 * other * most < ACC_LIMIT as f64
        };
        match [Elem::I12, Elem::I8].iter().find(fits) {
            Some(narrow) => error.help(format!("narrow `{name}` to {narrow}")),
            None => error.help("narrow both sides, or split `k`: quantize partial sums and add them"),
        }
    })
}

impl Primitive for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(Computed::virtual_(kernel::matmul(m.operand(id, 0), m.operand(id, 1))))
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        let (a, b) = (m.shape(id, 0), m.shape(id, 1));
        let (k, n) = (a.dims()[a.rank() - 1], b.dims()[b.rank() - 1]);
        let batches = b.dims()[..b.rank() - 2].iter().product();
        Ok(Some(Recipe::MatMul { batches, m: a.len() / k / batches, k, n }))
    }

    /// `c[.., i, j] = sum_k a[.., i, k] b[.., k, j]`; b without leading axes serves every batch.
    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let args = &ctx.graph.nodes[id].args;
        let (a, b) = (ctx.affine(args[0])?, ctx.affine(args[1])?);
        let space = Space::from(&ctx.ty(id).shape);
        // Output axes 0..rank, the contracted axis is number rank.
        let (rank, ra, rb) = (space.axes().len(), a.space.axes().len(), b.space.axes().len());
        let a_axes: Vec<usize> = (0..ra - 1).chain([rank]).collect();
        let b_axes: Vec<usize> = (0..rb - 2).chain([rank, rank - 1]).collect();
        let product = Product {
            coef: 1,
            contracted: vec![a.space.axes()[ra - 1]],
            a: factor(&a.lin, &a_axes, rank),
            b: factor(&b.lin, &b_axes, rank),
            proven: None,
        };
        Ok(Some(Value { space, lin: Default::default(), products: vec![product] }))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(crate::float::matmul::matmul(call.args[0], call.args[1], &call.node.ty.shape))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        bounds::product(known, known.graph.node(id), of)
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        let (a, b) = (graph.ty(node.args[0]).shape.dims(), graph.ty(node.args[1]).shape.dims());
        let (k, n) = (a[a.len() - 1] as u64, b[b.len() - 1] as u64);
        // A shared right operand is read once for all rows; one of its own for each batch, once each.
        let rows: u64 = a[..a.len() - 1].iter().map(|&d| d as u64).product();
        let batch: u64 = b[..b.len() - 2].iter().map(|&d| d as u64).product();
        let d = MatMulDims::new(rows / batch, k, n);
        Work::products(batch * d.naive_trace_rows(), batch * d.sumcheck_trace_rows())
    }
}
