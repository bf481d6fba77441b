//! `gelu(x)`, the Gaussian error linear unit.
//!
//! - Shape, element and step: the argument's, which is I8, I12, I16 or U8.
//! - Real numbers: f(x) = x Phi(x). With `tanh = true` GPT-2's form, f(x) = x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2,
//!   which differs by less than 5e-4, below half a unit of I8. Integers: y = clamp(round(f(x * step) / step)).
//! - Interval: min(x, 0) <= f(x) <= max(x, 0), so the argument's with 0 added.
//! - Lowering: (GELU, x, y); fused into the table of a quantisation that feeds nothing else.
//! - Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.

use super::activation;
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, Recipe, RunError,
    Value,
};
use super::{ArgKind, Call, OpDef, OpError, Signature};
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op};
use crate::tables::Function;

pub struct Gelu;

impl OpDef for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("tanh", ArgKind::Bool, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let op = if call.flag("tanh") { Op::Map(Function::GeluTanh) } else { Op::Gelu };
        activation::in_own_step(b, call, "gelu", op, |x| x.interval.union(Interval::point(0)))
    }
}

impl Primitive for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
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
        Ok(call.map(|v| crate::float::gelu(v as f64) as f32))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        of[known.graph.node(id).args[0]].map(|a| a.union(Interval::point(0)))
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
