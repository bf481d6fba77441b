//! `relu(x)`.
//!
//! - Shape, element and step: the argument's, which is I8, I12, I16 or U8. Interval: its non-negative part.
//! - Integers and real numbers alike: max(x, 0), so no rounding.
//! - Lowering: (RELU, x, y); fused into the table of a quantisation that feeds nothing else.

use super::activation;
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, Recipe, RunError,
    Value,
};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};

pub struct Relu;

/// What a table of an elementwise function takes.
pub(super) const TABLED: &[Elem] = &[Elem::I8, Elem::I12, Elem::I16, Elem::U8];

impl OpDef for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::takes(b, "relu", TABLED, id, At::Tensor(0), || "`relu(quantize_int8(h))`".into())?;
        let x = b.ty(id).clone();
        let interval = Interval::new(x.interval.lo.max(0), x.interval.hi.max(0));
        Ok(vec![b.push(Op::Relu, vec![id], TensorType { interval, ..x }, &call.name)])
    }
}

impl Primitive for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        activation::run(m, id, commits)
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        activation::recipe(m, id).map(Some)
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        activation::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.map(|v| v.max(0.0)))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        of[known.graph.node(id).args[0]].map(|a| Interval::new(a.lo.max(0), a.hi.max(0)))
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
