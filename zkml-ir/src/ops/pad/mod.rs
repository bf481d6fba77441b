//! `pad(x, axis = 1, before = 1, after = 1)`: zeros around an axis; a side that is not given has none.
//!
//! - Element and step: the argument's, which is not `Acc`. Interval: the argument's and 0.
//! - Lowering: a gather with empty rows ([`super::gather`]), free where the part is aligned in the whole.

use super::gather::gather;
use super::slice::check_axis;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId};

pub struct Pad;

/// Zeros on one side, at most.
const MAX: i64 = 1 << 16;

impl OpDef for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn signature(&self) -> Signature {
        let named =
            &[("axis", ArgKind::Int, true), ("before", ArgKind::Int, false), ("after", ArgKind::Int, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "pad", id, At::Tensor(0))?;
        let axis = check_axis("pad", call.int("axis").unwrap_or(0), &b.ty(id).shape)?;
        let side = |name: &str| match call.int(name).unwrap_or(0) {
            n if (0..=MAX).contains(&n) => Ok(n as usize),
            n => {
                let message = format!("`{name}` must be in 0..={MAX}, got {n}");
                Err(OpError::new(At::Named(name.into()), message))
            }
        };
        let (before, after) = (side("before")?, side("after")?);
        let extent = b.ty(id).shape.dims()[axis] as u32;
        let zeros = |n: usize| std::iter::repeat_n(extent, n);
        let index = zeros(before).chain(0..extent).chain(zeros(after)).collect();
        Ok(vec![gather(b, id, axis, index, &call.name)])
    }
}
