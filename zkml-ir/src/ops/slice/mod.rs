//! `slice(x, axis = 1, range = 0..64)`.
//!
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view; free where the range is a union of slabs or an aligned dyadic block (DESIGN 5.1).

use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::shape::Shape;
use std::ops::Range;

pub struct Slice;

impl OpDef for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn signature(&self) -> Signature {
        let named = &[("axis", ArgKind::Int, true), ("range", ArgKind::Range, true)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "slice", id, At::Tensor(0))?;
        let axis = check_axis("slice", call.int("axis").unwrap_or(0), &b.ty(id).shape)?;
        let (start, end) = call.range("range").unwrap_or_default();
        let extent = b.ty(id).shape.dims()[axis];
        if !(0 <= start && start < end && end <= extent as i64) {
            let message = format!("`range` must be a non-empty part of 0..{extent}, got {start}..{end}");
            return Err(OpError::new(At::Named("range".into()), message));
        }
        Ok(vec![slice(b, id, axis, start as usize..end as usize, &call.name)])
    }
}

/// Adds a slice by a valid range; `attention` composes with it.
pub(super) fn slice(b: &mut GraphBuilder, x: NodeId, axis: usize, range: Range<usize>, name: &str) -> NodeId {
    let t = b.ty(x).clone();
    let mut dims = t.shape.dims().to_vec();
    dims[axis] = range.len();
    let op = Op::Slice { axis, start: range.start, end: range.end };
    b.push(op, vec![x], TensorType { shape: Shape::new(dims), ..t }, name)
}

/// An axis of the shape.
pub(super) fn check_axis(op: &str, axis: i64, shape: &Shape) -> Result<usize, OpError> {
    usize::try_from(axis).ok().filter(|&a| a < shape.rank()).ok_or_else(|| {
        let message = format!("`{op}` has no axis {axis}: shape {shape}");
        OpError::new(At::Named("axis".into()), message)
    })
}
