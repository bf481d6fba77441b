//! `rms_norm(x, epsilon = 1e-5, fraction = 7)` over the last axis, without gain.
//!
//! - Shape: the argument's, which is I8, I12 or I16, with d <= 4096 entries in a row. The gain is `* g`, or folded into the
//!   matmul that follows.
//! - Element: I16, step 2^-b with b = `fraction`, 7 to 9. Interval: |n| <= 2^b sqrt(d), rounded up, as of `layer_norm`;
//!   1 more for b > 7.
//! - Real numbers: x / sqrt(mean(x^2) + epsilon). Integers: [`super::norm`]; their error is below half a unit and
//!   2^-9 + 2^-12 of n.
//! - Lowering: cells n and its remainder for each entry, one more where d |x|^2 > 2^28, and at most 27 for each row.
//! - Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.

use super::norm::{self, rule, Norm};
use super::primitive::{
    Computed, Ctx, FloatArgs, FloatError, Graph, LowerError, Machine, Node, Params, Primitive, Recipe,
    RunError, Value, Work,
};
use super::{Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId, Op};

pub struct RmsNorm;

impl OpDef for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn signature(&self) -> Signature {
        rule::SIGNATURE
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        rule::apply(b, call, "rms_norm", |epsilon| Op::RmsNorm { epsilon })
    }
}

impl Primitive for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let (cells, value) = Norm::new(m.graph, m.params, id)?.eval(&m.arg(id, 0));
        Ok(Computed { value, cells })
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::WideNorm(Norm::new(m.graph, m.params, id)?.recipe())))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        norm::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::RmsNorm { epsilon } = call.node.op else { return Err(call.missing()) };
        Ok(crate::float::rows::rms_norm(call.args[0], epsilon))
    }

    /// With too fine a unit epsilon is more of them than a mean of squares can have.
    fn admits_steps(&self, graph: &Graph, params: &Params, id: NodeId) -> bool {
        Norm::new(graph, params, id).is_ok()
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = 2 * node.ty.shape.len() as u64;
        Work::products(n, n)
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
