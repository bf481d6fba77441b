//! `sqrt(x)`.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [0, 2^15 - 1].
//! - Step: 2^-8, or 2^-bits with `bits = 0` to `30`: stated, not derived, as for `exp`. Results reach up to 2^(15 - bits);
//!   arguments up to c are served best by 15 - log2(c) / 2 bits.
//! - Integers: y = min(2^15 - 1, round(sqrt(x * step) / step_y)), 0 for x < 0; real numbers too are 0 there. Arguments below a
//!   unit are lost: the root of a quantised square should have as many bits as it can, I16.
//! - Lowering: (SQRT, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, ArgKind, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op};
use crate::tables::Function;

pub struct Sqrt;

/// 2^-8 to 2^7.
const BITS: i64 = 8;
const MOST_BITS: i64 = 30;

impl OpDef for Sqrt {
    fn name(&self) -> &'static str {
        "sqrt"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("bits", ArgKind::Int, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (op, bits) = (Op::Map(Function::Sqrt), activation::bits(call, BITS, MOST_BITS)?);
        activation::in_fixed_step(b, call, "sqrt", op, bits, |_| Interval::new(0, Elem::I16.interval().hi))
    }
}
