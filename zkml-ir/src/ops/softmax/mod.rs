//! `softmax(x, causal = ..)`: explicit probabilities over the last axis.
//!
//! - Shape: the argument's, which is I8 or I12, with at most 2048 entries in a row; `causal` needs a square `[.., t, t]`
//!   and gives 0 where the key comes after the query.
//! - Element: I16, step 2^-14, interval [0, 2^14]: fine enough for long rows (1/1024 is 16 units), and 1 is exact.
//! - Integers, by DESIGN 5.9b and [`score_rows`]: e_j = round(A exp(-(M - g x_j) u)) with a largest exponential A < 2^b, g
//!   units to a score (16 for I8, 1 for I12), u = step / g, and for each row the least M at or above all g x_j for which S =
//!   sum e < 2^b, b = 14 + floor(max(4, ceil log2 T) / 2); w = floor(2^n / S), p_j = floor((e_j * w + 2^(s-1)) / 2^s) with s =
//!   n - 14, n = 29 - b + the bits of A. As e_j <= S, e_j * w <= 2^n and p_j <= 2^14.
//! - Real numbers: exp(x_j) / sum exp(x). Error for rows of T entries, all inputs: at most (T-1) exp(u) 2^-(b+1) + 2^(b-29) +
//!   2^-15 for u <= 2, reached where all but one exponential are rounded away by half a unit. For u <= 1/4 that is 2^-12 for
//!   16 entries, 2^-10 for 64 and 0.0036 for 2048, less than the 1/256 that 8 bits resolve; I12 scores then reach 512, I8
//!   scores the same, and a row that spans such numbers is a choice of the largest. Beyond u = 2 the reference is the maximum
//!   and A = 2^b / T.
//! - Lowering: cells e, f for each score, M, f1, S0, S1, w, c and the remainder of w for each row, p and its remainder.
//!
//! Attention does not need this: it divides once, after the product with the values.

mod lower;
pub(super) mod score_rows;

use score_rows::MAX_KEYS;

use super::primitive::{
    Computed, Ctx, FloatArgs, FloatError, Graph, LowerError, Machine, Node, Primitive, RunError, Value, Work,
};
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::cost::NAIVE_SOFTMAX_ROWS;
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, Step, TensorType};
use crate::shape::Shape;

pub struct Softmax;

/// log2 of the units in probability 1.
const PROBABILITY_BITS: u32 = 14;

impl OpDef for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("causal", ArgKind::Bool, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (id, causal) = (call.tensors[0], call.flag("causal"));
        let help = || "`softmax(quantize::<I12>(h))`".into();
        rules::takes(b, "softmax", &[Elem::I8, Elem::I12], id, At::Tensor(0), help)?;
        let shape = b.ty(id).shape.clone();
        check_row("softmax", &shape, causal)?;
        let ty = TensorType {
            elem: Elem::I16,
            shape,
            interval: Interval::new(0, 1 << PROBABILITY_BITS),
            step: Step::constant(1.0 / (1u64 << PROBABILITY_BITS) as f64),
        };
        Ok(vec![b.push(Op::Softmax { causal }, vec![id], ty, &call.name)])
    }
}

/// The shape rule of a row of scores.
pub(super) fn check_row(op: &str, scores: &Shape, causal: bool) -> Result<(), OpError> {
    let Some(&keys) = scores.dims().last() else {
        return Err(OpError::new(At::Tensor(0), format!("`{op}` needs an axis to sum over")));
    };
    if keys > MAX_KEYS {
        let message = format!("`{op}` takes at most {MAX_KEYS} scores in a row, got {keys}");
        return Err(OpError::new(At::Tensor(0), message));
    }
    let queries = scores.rank().checked_sub(2).map_or(1, |i| scores.dims()[i]);
    if causal && queries != keys {
        let message = format!("`causal` needs as many queries as keys: got {queries} and {keys}");
        return Err(OpError::new(At::Named("causal".into()), message));
    }
    Ok(())
}

impl Primitive for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let spec = lower::Softmax::new(m.graph, m.params, id)?;
        let rows = spec.rows.eval(&m.arg(id, 0), None).map_err(|row| m.all_masked(id, row))?;
        let (own, p) = spec.eval(&rows);
        let cells = rows.into_cells(&spec.rows).into_iter().chain(own).collect();
        Ok(Computed { value: p, cells })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Softmax { causal } = call.node.op else { return Err(call.missing()) };
        Ok(crate::float::rows::softmax(call.args[0], causal))
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = node.ty.shape.len() as u64;
        Work { multiply_adds: 2 * n, naive_rows: NAIVE_SOFTMAX_ROWS * n, sumcheck_rows: 2 * n }
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
