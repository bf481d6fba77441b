//! `silu(x)`, x sigmoid(x): the gate of SwiGLU, also called swish.
//!
//! - Shape, element and step: the argument's, which is I8, I12, I16 or U8.
//! - Interval: 0 < sigmoid < 1, so min(x, 0) <= f(x) <= max(x, 0): the argument's with 0 added. The minimum, -0.2785 at x =
//!   -1.2785, is some number of units that only the step tells.
//! - Integers: y = round(f(x * step) / step), no saturation.
//! - Lowering: (SILU, x, y); fused into the table of a quantisation that feeds nothing else.
//! - Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, section 2.

use super::{activation, Call, OpDef, OpError, Signature};
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::tables::Function;

pub struct Silu;

impl OpDef for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let interval = |x: &TensorType| x.interval.union(Interval::point(0));
        activation::in_own_step(b, call, "silu", Op::Map(Function::Silu), interval)
    }
}
