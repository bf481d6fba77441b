//! `cos(x)`.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [-(2^15 - 1), 2^15 - 1].
//! - Step: 2^-15. -1 and 1 saturate alike; the error there is 2^-15.
//! - Integers: y = round(2^15 cos(x * step)), saturating, x in radians. Angles of 2^20 and more, whose units
//!   are whole turns, count as zero; those of real numbers too.
//! - Lowering: (COS, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op};
use crate::tables::Function;

pub struct Cos;

impl OpDef for Cos {
    fn name(&self) -> &'static str {
        "cos"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let most = Elem::I16.interval().hi;
        activation::in_fixed_step(b, call, "cos", Op::Map(Function::Cos), 15, |_| Interval::new(-most, most))
    }
}
