//! `x * y` elementwise, and `x * c` by a constant.
//!
//! - Shape: broadcast, so a gain over the last axis or a factor for each row needs no more than its own extent.
//! - Two tensors: I8, I12, I16 or U8 on both sides; gives `Acc`; the interval and the step are products.
//! - An integer constant multiplies the integers: `Acc`, the interval scaled, the step kept.
//! - A positive real constant is a change of step only: element, interval and integers stay.
//! - Lowering: two tensors are an einsum without contracted axes; constants are free.

use super::add::broadcast;
use super::matmul::FACTORS;
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive, Recipe,
    RunError, Value, Work,
};
use super::{rules, Arg, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::exec::Zip;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{Product, Space};

pub struct Mul;

impl OpDef for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn signature(&self) -> Signature {
        Signature {
            tensors: &["x", "y"],
            min_tensors: 1,
            max_tensors: 2,
            named: &[("by", ArgKind::Int, false), ("by", ArgKind::Real, false)],
            turbofish: false,
        }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let node = match (call.tensors[..].as_ref(), call.named.get("by")) {
            (&[x, y], None) => by_tensor(b, x, y, &call.name),
            (&[x], Some(Arg::Int(c))) => by_int(b, x, *c, &call.name),
            (&[x], Some(Arg::Real(c))) => by_real(b, x, *c, &call.name),
            (&[_], _) => Err(OpError::new(At::Call, "`mul` needs two tensors, or one and `by = ..`")),
            _ => Err(OpError::new(At::Named("by".into()), "`mul` takes two tensors or `by`, not both")),
        };
        Ok(vec![node?])
    }
}

/// Adds a product of two tensors; `rope` and `batch_norm` compose with it.
pub(super) fn by_tensor(b: &mut GraphBuilder, x: NodeId, y: NodeId, name: &str) -> Result<NodeId, OpError> {
    for (i, id) in [x, y].into_iter().enumerate() {
        let help = || "quantize first: `quantize_int8(h) * g`".to_owned();
        rules::takes(b, "mul", FACTORS, id, At::Tensor(i), help)?;
    }
    let shape = broadcast(b, "mul", x, y)?;
    let (tx, ty) = (b.ty(x), b.ty(y));
    let interval =
        rules::bounded(tx.interval * ty.interval, || too_large(format!("{} * {}", tx.elem, ty.elem)))?;
    let step = tx.step.times(&ty.step);
    Ok(b.push(Op::Mul, vec![x, y], TensorType { elem: Elem::Acc, shape, interval, step }, name))
}

fn by_int(b: &mut GraphBuilder, x: NodeId, c: i64, name: &str) -> Result<NodeId, OpError> {
    if c == 0 {
        return Err(OpError::new(At::Named("by".into()), "multiplying by 0 leaves nothing to prove"));
    }
    let tx = b.ty(x).clone();
    let interval = rules::bounded(tx.interval.scale(c), || too_large(format!("{c} * {}", tx.interval)))?;
    let ty = TensorType { elem: Elem::Acc, interval, ..tx };
    Ok(b.push(Op::MulInt(c), vec![x], ty, name))
}

/// Adds a change of step; `attention` composes with it.
pub(super) fn by_real(b: &mut GraphBuilder, x: NodeId, c: f64, name: &str) -> Result<NodeId, OpError> {
    if !(c > 0.0 && c.is_finite()) {
        return Err(OpError::new(At::Named("by".into()), format!("a real factor must be positive, got {c}"))
            .help("a negative one is `-x * c`"));
    }
    let tx = b.ty(x).clone();
    let ty = TensorType { step: tx.step.scaled(c), ..tx };
    Ok(b.push(Op::MulReal(c), vec![x], ty, name))
}

pub(super) fn too_large(arithmetic: String) -> OpError {
    OpError::new(At::Call, "product can leave (-2^30, 2^30)")
        .note(arithmetic)
        .help("quantize one side to fewer bits first")
}

impl Primitive for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(m.zip(id, |x, y| x.wrapping_mul(y)))
    }

    fn recipe(&self, _: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Zip(Zip::Mul)))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let args = &ctx.graph.nodes[id].args;
        let space = Space::from(&ctx.ty(id).shape);
        let (x, y) = (ctx.affine(args[0])?.broadcast(&space), ctx.affine(args[1])?.broadcast(&space));
        let mut product = elementwise(1, &x, &y);
        // A square that is declared as one. The two factors are one expression over one set of cells, whose values lie in
        // the argument's interval or, where a view is padded, at 0 (`lower::lower` holds the cells' reach against it). So
        // the product of integers is a square of one of these. A product of two different nodes has no such bound.
        let of = ctx.ty(args[0]).interval.union(Interval::point(0));
        if args[0] == args[1] && ctx.ty(id).interval.lo >= 0 && of.lo < 0 {
            product.proven = Some(square(of));
        }
        Ok(Some(Value { products: vec![product], lin: Default::default(), space }))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.zip(|a, b| a * b))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let args = &known.graph.node(id).args;
        match args[0] == args[1] {
            true => of[args[0]].map(square),
            false => of[args[0]].zip(&of[args[1]], |a, b| a * b),
        }
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = node.ty.shape.len() as u64;
        Work::products(n, 2 * n)
    }
}

/// Of the squares of an interval's values.
pub(super) fn square(x: Interval) -> Interval {
    let x = super::activation::abs(x);
    x * x
}

/// The product of two affine values of one space.
pub(super) fn elementwise(coef: i64, x: &Value, y: &Value) -> Product {
    let axes: Vec<usize> = (0..x.space.axes().len()).collect();
    let side = |v: &Value| factor(&v.lin, &axes, axes.len());
    Product { coef, contracted: vec![], a: side(x), b: side(y), proven: None }
}

/// By an integer constant.
pub(super) struct MulInt;
/// By a real constant: the same integers.
pub(super) struct MulReal;

impl MulInt {
    fn constant(op: &Op) -> i64 {
        match op {
            Op::MulInt(c) => *c,
            _ => 1,
        }
    }
}

impl Primitive for MulInt {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let c = Self::constant(&m.graph.node(id).op);
        Ok(m.map(id, |x| (x as i64).wrapping_mul(c) as i32))
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Scale(Self::constant(&m.graph.node(id).op))))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        Ok(Some(ctx.value(node.args[0])?.scaled(Self::constant(&node.op))))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let c = Self::constant(&call.node.op) as f32;
        Ok(call.map(|v| v * c))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        of[node.args[0]].map(|a| a.scale(Self::constant(&node.op)))
    }
}

impl Primitive for MulReal {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(m.map(id, |x| x))
    }

    fn recipe(&self, _: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Same { copies: 0 }))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        Ok(Some(ctx.value(ctx.graph.nodes[id].args[0])?.clone()))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::MulReal(c) = call.node.op else { return Err(call.missing()) };
        Ok(call.map(|v| v * c as f32))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        of[known.graph.node(id).args[0]].clone()
    }
}
