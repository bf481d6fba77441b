//! `softmax(x, causal = ..)`: explicit probabilities over the last axis.
//!
//! - Shape: the argument's, which is I8 or I12, with at most 4096 entries in a row; `causal` needs a square `[.., t, t]`
//!   and gives 0 where the key comes after the query.
//! - Element: I16, step 2^-14, interval [0, 2^14]: fine enough for long rows (1/1024 is 16 units), and 1 is exact.
//! - Integers, by DESIGN 5.9b: e_j = round(2^a exp(-(max - x_j) * step)), S = sum e, w = floor(2^29 / S),
//!   p_j = floor((e_j * w + 2^14) / 2^15). As e_j <= S, e_j * w <= 2^29 and p_j <= 2^14.
//! - Real numbers: exp(x_j) / sum exp(x).
//! - Lowering: cells e, z for each score, M, S, w and its remainder for each row, p and its remainder.
//!
//! Attention does not need this: it divides once, after the product with the values.

use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, Step, TensorType};
use crate::shape::Shape;

pub struct Softmax;

/// log2 of the units in probability 1.
const PROBABILITY_BITS: u32 = 14;
/// The longest row: it leaves 2^9 units for the largest exponential.
pub(super) const MAX_ROW: usize = 4096;

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
    if keys > MAX_ROW {
        let message = format!("`{op}` takes at most {MAX_ROW} scores in a row, got {keys}");
        return Err(OpError::new(At::Tensor(0), message));
    }
    let queries = scores.rank().checked_sub(2).map_or(1, |i| scores.dims()[i]);
    if causal && queries != keys {
        let message = format!("`causal` needs as many queries as keys: got {queries} and {keys}");
        return Err(OpError::new(At::Named("causal".into()), message));
    }
    Ok(())
}
