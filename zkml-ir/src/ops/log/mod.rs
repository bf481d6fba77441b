//! `log(x)`, the natural logarithm.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [-(2^15 - 1), 2^15 - 1].
//! - Step: 2^-10, or 2^-bits with `bits = 0` to `15`: stated, not derived, as for `exp`. Results reach to 2^(15 - bits) on
//!   either side, with 10 bits from e^-32 to e^32.
//! - Integers: y = round(ln(x * step) / step_y), saturating at 2^15 - 1 of either sign. Where x <= 0 the function has no value:
//!   y is the least, as it is just above 0. Real numbers saturate at the same value.
//! - Lowering: (LOG, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, ArgKind, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op};
use crate::tables::Function;

pub struct Log;

/// -2^5 to 2^5.
const BITS: i64 = 10;
const MOST_BITS: i64 = 15;

impl OpDef for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("bits", ArgKind::Int, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (op, bits) = (Op::Map(Function::Log), activation::bits(call, BITS, MOST_BITS)?);
        let most = Elem::I16.interval().hi;
        activation::in_fixed_step(b, call, "log", op, bits, |_| Interval::new(-most, most))
    }
}
