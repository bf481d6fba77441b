//! `relu(x)`.
//!
//! - Shape, element and step: the argument's, which is I8, I12, I16 or U8. Interval: its non-negative part.
//! - Integers and real numbers alike: max(x, 0), so no rounding.
//! - Lowering: (RELU, x, y); fused into the table of a quantisation that feeds nothing else.

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
