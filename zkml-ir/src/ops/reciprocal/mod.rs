//! `reciprocal(x)`, 1 / x.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [-(2^15 - 1), 2^15 - 1], its non-negative
//!   part where the argument's is.
//! - Step: 2^-8, or 2^-bits with `bits = 0` to `30`: stated, not derived, as for `exp`. Results reach up to 2^(15 - bits);
//!   arguments around c are served best by 14 + log2(c) bits.
//! - Integers: y = round(1 / (x * step) / step_y), saturating at 2^15 - 1 of either sign; 1/0 is the largest, 2^15 - 1. Real
//!   numbers saturate at the same values.
//! - Lowering: (RECIPROCAL, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, ArgKind, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::tables::Function;

pub struct Reciprocal;

/// 2^-8 to 2^7.
const BITS: i64 = 8;
const MOST_BITS: i64 = 30;

impl OpDef for Reciprocal {
    fn name(&self) -> &'static str {
        "reciprocal"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("bits", ArgKind::Int, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (op, bits) = (Op::Map(Function::Reciprocal), activation::bits(call, BITS, MOST_BITS)?);
        let most = Elem::I16.interval().hi;
        let interval = |x: &TensorType| Interval::new(if x.interval.lo < 0 { -most } else { 0 }, most);
        activation::in_fixed_step(b, call, "reciprocal", op, bits, interval)
    }
}
