//! `let (a, b) = split(x, axis = 1, parts = 2)` or `split(x, axis = 1, sizes = [64, 32])`.
//!
//! - One result for each part: the slices of the axis in order. Sizes add up to the extent.
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: slices ([`super::slice`]).

use super::slice::{check_axis, slice};
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId};

pub struct Split;

impl OpDef for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn signature(&self) -> Signature {
        let named =
            &[("axis", ArgKind::Int, true), ("parts", ArgKind::Int, false), ("sizes", ArgKind::Ints, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "split", id, At::Tensor(0))?;
        let axis = check_axis("split", call.int("axis").unwrap_or(0), &b.ty(id).shape)?;
        let sizes = sizes(call, b.ty(id).shape.dims()[axis])?;
        let mut start = 0;
        let part = |(i, n): (usize, &usize)| {
            start += n;
            slice(b, id, axis, start - n..start, &format!("{}.{i}", call.name))
        };
        Ok(sizes.iter().enumerate().map(part).collect())
    }
}

/// The extents of the parts.
fn sizes(call: &Call, extent: usize) -> Result<Vec<usize>, OpError> {
    let refuse = |name: &str, message| Err(OpError::new(At::Named(name.into()), message));
    match (call.int("parts"), call.ints("sizes")) {
        (Some(parts), None) if parts < 2 || extent as i64 % parts != 0 => {
            let message = format!("`parts` must be 2 or more and divide {extent}, got {parts}");
            refuse("parts", message)
        }
        (Some(parts), None) => Ok(vec![extent / parts as usize; parts as usize]),
        (None, Some(sizes)) => {
            let sum = sizes.iter().try_fold(0i64, |sum, &n| sum.checked_add(n).filter(|_| n > 0));
            match sum == Some(extent as i64) && sizes.len() > 1 {
                true => Ok(sizes.iter().map(|&n| n as usize).collect()),
                false => refuse(
                    "sizes",
                    format!(
                        "`sizes` must be two or more positive extents that add up to {extent}, got {sizes:?}"
                    ),
                ),
            }
        }
        _ => Err(OpError::new(At::Call, "`split` needs `parts = ..` or `sizes = [..]`, one of them")),
    }
}
