//! `square(x)`, x * x.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: `Acc`; the interval is that of the squares, [0, max|x|^2]
//!   where it holds 0; the step is the argument's, squared.
//! - Integers and real numbers alike: exact. No table: `mul` of a node with itself, which commits nothing.
//! - The one difference to `x * x`, whose interval is that of two tensors that know nothing of each other: this one has no
//!   negative part, and what follows may rely on it. [`mul`](super::mul) proves it.
//! - Full I16 is refused: (-2^15)^2 leaves (-2^30, 2^30).

use super::matmul::FACTORS;
use super::mul::{square, too_large};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};

pub struct Square;

impl OpDef for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::takes(b, "square", FACTORS, id, At::Tensor(0), || "`square(quantize_int8(h))`".into())?;
        let x = b.ty(id);
        let interval = rules::bounded(square(x.interval), || too_large(format!("{0} * {0}", x.elem)))?;
        let ty =
            TensorType { elem: Elem::Acc, shape: x.shape.clone(), interval, step: x.step.times(&x.step) };
        Ok(vec![b.push(Op::Mul, vec![id, id], ty, &call.name)])
    }
}
