//! `-x`.
//!
//! - Shape and step: the argument's. Elements: any; gives `Acc`, because -(-128) is no I8. Interval: negated.
//! - Real numbers: `-x`.
//! - Lowering: virtual, an affine combination.

use super::{Call, OpDef, OpError, Signature};
use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};

pub struct Neg;

impl OpDef for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let x = b.ty(call.tensors[0]).clone();
        let ty = TensorType { elem: Elem::Acc, interval: -x.interval, ..x };
        Ok(vec![b.push(Op::Neg, call.tensors.clone(), ty, &call.name)])
    }
}
