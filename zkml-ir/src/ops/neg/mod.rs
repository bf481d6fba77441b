//! `-x`.
//!
//! - Shape and step: the argument's. Elements: any; gives `Acc`, because -(-128) is no I8. Interval: negated.
//! - Real numbers: `-x`.
//! - Lowering: virtual, an affine combination.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, Recipe, RunError,
    Value,
};
use super::{Call, OpDef, OpError, Signature};
use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};

pub struct Neg;

impl OpDef for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let x = b.ty(call.tensors[0]).clone();
        let ty = TensorType { elem: Elem::Acc, interval: -x.interval, ..x };
        Ok(vec![b.push(Op::Neg, call.tensors.clone(), ty, &call.name)])
    }
}

impl Primitive for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(m.map(id, i32::wrapping_neg))
    }

    fn recipe(&self, _: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Scale(-1)))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        Ok(Some(ctx.value(ctx.graph.nodes[id].args[0])?.scaled(-1)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.map(|v| -v))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        of[known.graph.node(id).args[0]].map(|a| -a)
    }
}
