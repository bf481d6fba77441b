//! `select(c, a, b)`: a where the flag c is 1, b where it is 0.
//!
//! - Shape: broadcast of all three. c: flags, U8 with step 1 in [0, 1] (a comparison's, a first maximum's; an input or
//!   weight becomes flags by being used as such). a and b: any element whose value needs no product, one step for both,
//!   as for `+`. Gives `Acc`; the interval is the union of those of a and b.
//! - Real numbers: the same. No rounding.
//! - Lowering: virtual, one product over an axis t of two, `sum_t f_t g_t` with f = (c, 1 - c) and g = (a, b). No cell.
//!
//! c is 0 or 1: its cells are bounded, and its value is one of them. So one f_t is 1, the other 0, and the sum is a or
//! b: the product's bound, the union of their intervals. (`b + c (a - b)` is the same number, but intervals would add
//! up.)

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Node, Primitive, RunError,
    Value, Work,
};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::exec::layout;
use crate::graph::{Graph, GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{Axis, AxisMap, BitMap, Constant, LinExpr, Product, Space, Term, View};

pub struct Select;

impl OpDef for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["c", "a", "b"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let [c, x, y] = [call.tensors[0], call.tensors[1], call.tensors[2]];
        if b.ty(c).elem != Elem::U8 {
            let message = format!("`select` takes flags, U8 in [0, 1], got `{}`", b.ty(c).elem);
            return Err(OpError::new(At::Tensor(0), message)
                .help("`greater(x, y)` and the like give flags".to_string()));
        }
        let (sc, sx, sy) = (&b.ty(c).shape, &b.ty(x).shape, &b.ty(y).shape);
        let shape = sx.broadcast(sy).and_then(|s| s.broadcast(sc)).ok_or_else(|| {
            let message = format!("`select` needs shapes that broadcast: {sc}, {sx} and {sy}");
            OpError::new(At::Call, message)
        })?;
        b.flags(c, Interval::new(0, 1)).map_err(|why| OpError::new(At::Tensor(0), why))?;
        let step = rules::same_step(b, "select", x, y)?;
        let interval = b.ty(x).interval.union(b.ty(y).interval);
        let ty = TensorType { elem: Elem::Acc, shape, interval, step };
        Ok(vec![b.push(Op::Select, call.tensors.clone(), ty, &call.name)])
    }
}

/// `first` at t = 0 and `second` at t = 1 of a new last axis t of two; `odd` is the constant (0, 1) over that axis
/// alone.
fn pair(first: &LinExpr, second: &LinExpr, odd: &LinExpr) -> LinExpr {
    let embed = |e: &LinExpr, at: bool| -> Vec<Term> {
        let half = AxisMap::Digits { odd: vec![], bits: vec![BitMap::Select(at)] };
        let view =
            |v: &View| View { axes: v.axes.iter().cloned().chain([half.clone()]).collect(), ..v.clone() };
        e.terms.iter().map(|t| Term { view: view(&t.view), ..t.clone() }).collect()
    };
    let terms = [embed(first, false), embed(second, true)].concat();
    let step = second.constant - first.constant;
    let e = LinExpr { terms, constant: first.constant };
    if step == 0 {
        e
    } else {
        e.plus(odd.scaled(step))
    }
}

impl Primitive for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let out = &m.graph.ty(id).shape;
        // Broadcast one after the other: zip's first argument decides nothing here.
        let zero = vec![0; out.len()];
        let full = |i: usize| layout::zip(&zero, out, &m.arg(id, i), m.shape(id, i), out, |_, v| v);
        let value =
            full(0).into_iter().zip(full(1)).zip(full(2)).map(|((c, a), b)| if c == 1 { a } else { b });
        Ok(Computed::virtual_(value.collect()))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let (space, rank) = (Space::from(&node.ty.shape), node.ty.shape.rank());
        if !Interval::new(0, 1).contains_interval(ctx.ty(node.args[0]).interval) {
            return Err(ctx.unsupported("selects by what is no flag"));
        }
        let full = |i: usize| ctx.affine(node.args[i]).map(|v| v.broadcast(&space).lin);
        let [c, a, b] = [full(0)?, full(1)?, full(2)?];
        let two = Space(vec![Axis::new(2)]);
        let odd = ctx.constant("side", &two, Interval::new(0, 1), Constant::Dense(vec![0, 1]));
        let along: Vec<Option<usize>> = (0..=rank).map(|i| (i == rank).then_some(0)).collect();
        let odd = LinExpr::view(View::identity(odd, &two).rearrange(&along));
        let axes: Vec<usize> = (0..=rank).collect();
        let not_c = c.scaled(-1).plus_constant(1);
        let product = Product {
            coef: 1,
            contracted: two.0,
            a: factor(&pair(&c, &not_c, &odd), &axes, rank),
            b: factor(&pair(&a, &b, &odd), &axes, rank),
            proven: Some(node.ty.interval),
        };
        Ok(Some(Value { space, lin: LinExpr::default(), products: vec![product] }))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let out = &call.node.ty.shape;
        let zero = crate::float::FloatTensor::new(out.clone(), vec![0.0; out.len()]);
        let full = |i: usize| crate::float::layout::zip(&zero, call.args[i], out, |_, v| v);
        let sides = full(1).into_iter().zip(full(2));
        Ok(full(0).into_iter().zip(sides).map(|(c, (a, b))| if c != 0.0 { a } else { b }).collect())
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let args = &known.graph.node(id).args;
        of[args[1]].zip(&of[args[2]], Interval::union)
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = node.ty.shape.len() as u64;
        Work::products(2 * n, 4 * n)
    }
}
