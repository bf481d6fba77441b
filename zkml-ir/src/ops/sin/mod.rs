//! `sin(x)`.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [-(2^15 - 1), 2^15 - 1].
//! - Step: 2^-15. -1 and 1 saturate alike; the error there is 2^-15.
//! - Integers: y = round(2^15 sin(x * step)), saturating, x in radians. Angles of 2^20 and more, whose units
//!   are whole turns, count as zero; those of real numbers too.
//! - Lowering: (SIN, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op};
use crate::tables::Function;

pub struct Sin;

impl OpDef for Sin {
    fn name(&self) -> &'static str {
        "sin"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let most = Elem::I16.interval().hi;
        activation::in_fixed_step(b, call, "sin", Op::Map(Function::Sin), 15, |_| Interval::new(-most, most))
    }
}
