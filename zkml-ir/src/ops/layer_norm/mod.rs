//! `layer_norm(x, epsilon = 1e-5)` over the last axis, without gain and bias.
//!
//! - Shape: the argument's, which is I8 or I12, with d <= 4096 entries in a row. Gain and bias are `* g` and `+ b`, or
//!   folded into the matmul that follows.
//! - Element: I16, step 2^-7. Interval: |n| <= 2^7 sqrt(d), rounded up, because one entry of a normalised row holds at most
//!   the whole of its square norm d.
//! - Real numbers: (x - mean) / sqrt(variance + epsilon). Integers: DESIGN 5.9c.
//! - Lowering: cells mu, t, e, P, V', g, t2 for each row, a block sum's three for each 32 entries, n and its remainder.
//! - Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

mod lower;

use super::primitive::{
    Computed, Ctx, FloatArgs, FloatError, Graph, LowerError, Machine, Node, Primitive, RunError, Value, Work,
};
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, Params, Step, TensorType};

pub struct LayerNorm;

/// log2 of the units in one standard deviation.
const UNIT_BITS: u32 = 7;
const MAX_ROW: usize = 4096;
const EPSILON: f64 = 1e-5;

impl OpDef for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("epsilon", ArgKind::Real, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        let help = || format!("`layer_norm(quantize::<I12>({}))`", b.label(id, "h"));
        rules::takes(b, "layer_norm", &[Elem::I8, Elem::I12], id, At::Tensor(0), help)?;
        let epsilon = call.real("epsilon").unwrap_or(EPSILON);
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            let message = format!("`epsilon` must not be negative, got {epsilon}");
            return Err(OpError::new(At::Named("epsilon".into()), message));
        }
        let shape = b.ty(id).shape.clone();
        let d = match shape.dims().last() {
            Some(&d) if d <= MAX_ROW => d,
            other => {
                let message = format!(
                    "`layer_norm` takes at most {MAX_ROW} entries in a row, got {}",
                    other.map_or("a scalar".to_owned(), |d| d.to_string())
                );
                return Err(OpError::new(At::Tensor(0), message));
            }
        };
        let bound = largest(d);
        let ty = TensorType {
            elem: Elem::I16,
            shape,
            interval: Interval::new(-bound, bound),
            step: Step::constant(1.0 / (1u64 << UNIT_BITS) as f64),
        };
        Ok(vec![b.push(Op::LayerNorm { epsilon }, vec![id], ty, &call.name)])
    }
}

/// A bound on the Euclidean norm of a row of n, for every row of integers.
///
/// The integer variance is at least the exact one, so the norm of a row before rounding is below 2^7 sqrt(d), as that of the
/// real row is at most sqrt(d). Rounding adds 1/2 to each entry.
pub(crate) fn norm_bound(d: usize) -> f64 {
    let root = (d as f64).sqrt();
    (1u64 << UNIT_BITS) as f64 * root + root / 2.0
}

/// The least integer that is at least 2^7 sqrt(d), without floating point.
fn largest(d: usize) -> i64 {
    let square = (d as i64) << (2 * UNIT_BITS);
    let mut root = (square as f64).sqrt() as i64;
    while root * root < square {
        root += 1;
    }
    while (root - 1) * (root - 1) >= square {
        root -= 1;
    }
    root
}

impl Primitive for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let (cells, value) = lower::LayerNorm::new(m.graph, m.params, id)?.eval(&m.arg(id, 0));
        Ok(Computed { value, cells })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::LayerNorm { epsilon } = call.node.op else { return Err(call.missing()) };
        Ok(crate::float::rows::layer_norm(call.args[0], epsilon))
    }

    /// With too fine a unit epsilon is more of them than a variance can have.
    fn admits_steps(&self, graph: &Graph, params: &Params, id: NodeId) -> bool {
        lower::LayerNorm::new(graph, params, id).is_ok()
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = 3 * node.ty.shape.len() as u64;
        Work::products(n, n)
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
