//! `x - y`.
//!
//! - Shape, elements and step: those of `add`. Interval: the difference of the arguments' intervals.
//! - Real numbers: the difference.
//! - Lowering: virtual, an affine combination.

use super::add::{broadcast, combine, linear};
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, Recipe, RunError,
    Value,
};
use super::{rules, Call, OpDef, OpError, Signature};
use crate::elem::Elem;
use crate::exec::Zip;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};

pub struct Sub;

impl OpDef for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x", "y"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (x, y) = (call.tensors[0], call.tensors[1]);
        let shape = broadcast(b, "sub", x, y)?;
        let interval = linear(b, x, y, "-", b.ty(x).interval - b.ty(y).interval)?;
        let step = rules::same_step(b, "sub", x, y)?;
        Ok(vec![b.push(
            Op::Sub,
            vec![x, y],
            TensorType { elem: Elem::Acc, shape, interval, step },
            &call.name,
        )])
    }
}

impl Primitive for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(m.zip(id, |x, y| x.wrapping_sub(y)))
    }

    fn recipe(&self, _: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Zip(Zip::Sub)))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        Ok(Some(combine(ctx, id, -1)?))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.zip(|a, b| a - b))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let args = &known.graph.node(id).args;
        of[args[0]].zip(&of[args[1]], |a, b| a - b)
    }
}
