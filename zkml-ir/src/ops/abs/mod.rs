//! `abs(x)`.
//!
//! - Shape, element and step: the argument's, which is I8, I12, I16 or U8. Interval: that of the absolute values, cut at the
//!   element's largest.
//! - Integers and real numbers alike: |x|, but the most negative integer, whose opposite the element does not hold, gives the
//!   largest.
//! - Lowering: (ABS, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, Call, OpDef, OpError, Signature};
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::tables::Function;

pub struct Abs;

impl OpDef for Abs {
    fn name(&self) -> &'static str {
        "abs"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let interval = |x: &TensorType| {
            let (all, most) = (activation::abs(x.interval), x.elem.interval().hi);
            Interval::new(all.lo.min(most), all.hi.min(most))
        };
        activation::in_own_step(b, call, "abs", Op::Map(Function::Abs), interval)
    }
}
