//! `sigmoid(x)`, 1 / (1 + exp(-x)).
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [0, 2^15 - 1].
//! - Step: 2^-15, so that a gate `sigmoid(x) * h` keeps what h has. 1 itself is 2^15 units and saturates: the error there is
//!   2^-15, a 64th of half a unit of a reader with 8 bits for [0, 1]; everywhere else it is at most half a unit, 2^-16.
//! - Integers: y = min(2^15 - 1, round(2^15 sigmoid(x * step))).
//! - Lowering: (SIGMOID, x, y); fused into the table of a quantisation that feeds nothing else.

use super::{activation, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op};
use crate::tables::Function;

pub struct Sigmoid;

impl OpDef for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let op = Op::Map(Function::Sigmoid);
        activation::in_fixed_step(b, call, "sigmoid", op, 15, |_| Interval::new(0, Elem::I16.interval().hi))
    }
}
