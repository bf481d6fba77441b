//! `layer_norm(x, epsilon = 1e-5, fraction = 7)` over the last axis, without gain and bias.
//!
//! - Shape: the argument's, which is I8, I12 or I16, with d <= 4096 entries in a row. Gain and bias are `* g` and `+ b`, or
//!   folded into the matmul that follows.
//! - Element: I16, step 2^-b with b = `fraction`, 7 to 9. Interval: |n| <= 2^b sqrt(d), rounded up, because one entry of a
//!   normalised row holds at most the whole of its square norm d.
//! - Real numbers: (x - mean) / sqrt(variance + epsilon). Integers: DESIGN 5.9c.
//! - Lowering of I8 and I12: cells mu, t, e, P, V', g, t2 for each row, a block sum's three for each 32 entries, n and its
//!   remainder. Of I16: [`super::norm`], with a cell more for each entry; its error is below half a unit and 2^-9 + 2^-12
//!   of n for all rows, those of a few units and those with outliers included.
//! - Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

mod lower;

use super::norm::{self, rule, Norm};
use super::primitive::{
    Computed, Ctx, FloatArgs, FloatError, Graph, LowerError, Machine, Node, Params, Primitive, Recipe,
    RunError, Value, Work,
};
use super::{Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId, Op};

pub struct LayerNorm;

impl OpDef for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn signature(&self) -> Signature {
        rule::SIGNATURE
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        rule::apply(b, call, "layer_norm", |epsilon| Op::LayerNorm { epsilon })
    }
}

impl Primitive for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let (cells, value) = match rule::is_wide(m.graph, id) {
            true => Norm::new(m.graph, m.params, id)?.eval(&m.arg(id, 0)),
            false => lower::LayerNorm::new(m.graph, m.params, id)?.eval(&m.arg(id, 0)),
        };
        Ok(Computed { value, cells })
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(match rule::is_wide(m.graph, id) {
            true => Some(Recipe::WideNorm(Norm::new(m.graph, m.params, id)?.recipe())),
            false => Some(Recipe::LayerNorm(lower::LayerNorm::new(m.graph, m.params, id)?.recipe())),
        })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        match rule::is_wide(ctx.graph, id) {
            true => norm::lower(ctx, id).map(Some),
            false => lower::lower(ctx, id).map(Some),
        }
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::LayerNorm { epsilon } = call.node.op else { return Err(call.missing()) };
        Ok(crate::float::rows::layer_norm(call.args[0], epsilon))
    }

    /// With too fine a unit epsilon is more of them than a variance can have.
    fn admits_steps(&self, graph: &Graph, params: &Params, id: NodeId) -> bool {
        match rule::is_wide(graph, id) {
            true => Norm::new(graph, params, id).is_ok(),
            false => lower::LayerNorm::new(graph, params, id).is_ok(),
        }
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = 3 * node.ty.shape.len() as u64;
        Work::products(n, n)
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
