//! `tanh(x)`.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [-(2^15 - 1), 2^15 - 1], of a U8 its
//!   non-negative part.
//! - Step: 2^-15. -1 and 1 saturate alike, so the function stays odd; the error there is 2^-15.
//! - Integers: y = round(2^15 tanh(x * step)), saturating.
//! - Lowering: (TANH, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::tables::Function;

pub struct Tanh;

impl OpDef for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let most = Elem::I16.interval().hi;
        let interval = |x: &TensorType| Interval::new(if x.interval.lo < 0 { -most } else { 0 }, most);
        activation::in_fixed_step(b, call, "tanh", Op::Map(Function::Tanh), 15, interval)
    }
}
