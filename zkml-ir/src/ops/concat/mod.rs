//! `concat(a, b, .., axis = 0)`.
//!
//! - Shape: equal but for the axis, whose extents add up. Elements: equal, not `Acc`. Interval: the union.
//! - Step: one for all; see [`crate::graph::Steps`] for which of them gives way.
//! - Lowering: a view; free where offsets and lengths are aligned (DESIGN 5.1).

use super::slice::check_axis;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::shape::Shape;

pub struct Concat;

impl OpDef for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn signature(&self) -> Signature {
        Signature {
            tensors: &["a", "b", ".."],
            min_tensors: 2,
            max_tensors: 256,
            named: &[("axis", ArgKind::Int, false)],
            turbofish: false,
        }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let first = b.ty(call.tensors[0]).clone();
        let axis = check_axis("concat", call.int("axis").unwrap_or(0), &first.shape)?;
        let (mut extent, mut interval, mut step) = (0, first.interval, first.step.clone());
        for (i, &id) in call.tensors.iter().enumerate() {
            rules::sized(b, "concat", id, At::Tensor(i))?;
            let t = b.ty(id).clone();
            if t.elem != first.elem {
                let message =
                    format!("`concat` needs equal elements: expected {}, got {}", first.elem, t.elem);
                return Err(
                    OpError::new(At::Tensor(i), message).help(format!("`quantize::<{}>(..)`", first.elem))
                );
            }
            if !agree(&t.shape, &first.shape, axis) {
                let message = format!(
                    "`concat` needs equal shapes but for axis {axis}: {} and {}",
                    first.shape, t.shape
                );
                return Err(OpError::new(At::Tensor(i), message));
            }
            extent += t.shape.dims()[axis];
            interval = interval.union(t.interval);
            step = rules::same_step(b, "concat", call.tensors[0], id)?;
        }
        let mut dims = first.shape.dims().to_vec();
        dims[axis] = extent;
        let ty = TensorType { elem: first.elem, shape: Shape::new(dims), interval, step };
        Ok(vec![b.push(Op::Concat { axis }, call.tensors.clone(), ty, &call.name)])
    }
}

fn agree(a: &Shape, b: &Shape, axis: usize) -> bool {
    a.rank() == b.rank() && (0..a.rank()).all(|i| i == axis || a.dims()[i] == b.dims()[i])
}
