//! `transpose(x)` swaps the last two axes; `transpose(x, perm = [1, 0, 2])` makes output axis i of input axis `perm[i]`.
//!
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view, free.

use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::shape::Shape;

pub struct Transpose;

impl OpDef for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("perm", ArgKind::Ints, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "transpose", id, At::Tensor(0))?;
        let rank = b.ty(id).shape.rank();
        let perm = match call.ints("perm") {
            Some(p) => check_perm(p, rank)?,
            None if rank < 2 => {
                return Err(OpError::new(At::Tensor(0), "`transpose` needs two axes to swap"))
            }
            None => (0..rank - 2).chain([rank - 1, rank - 2]).collect(),
        };
        Ok(vec![transpose(b, id, perm, &call.name)])
    }
}

/// Adds a transposition by a valid permutation; `attention` composes with it.
pub(super) fn transpose(b: &mut GraphBuilder, x: NodeId, perm: Vec<usize>, name: &str) -> NodeId {
    let t = b.ty(x).clone();
    let shape = Shape::new(perm.iter().map(|&i| t.shape.dims()[i]).collect::<Vec<_>>());
    b.push(Op::Transpose { perm }, vec![x], TensorType { shape, ..t }, name)
}

fn check_perm(perm: &[i64], rank: usize) -> Result<Vec<usize>, OpError> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..rank as i64) {
        return Ok(perm.iter().map(|&i| i as usize).collect());
    }
    let message = format!("`perm` must hold each of 0 to {} once, got {perm:?}", rank.saturating_sub(1));
    Err(OpError::new(At::Named("perm".into()), message))
}
