//! What ops that reduce an axis share: which axis, moving it to the end, keeping it with extent 1.

use super::reshape::reshape;
use super::slice::check_axis;
use super::transpose::transpose;
use super::{ArgKind, At, Call, OpError};
use crate::graph::{GraphBuilder, NodeId};
use crate::shape::Shape;

/// `axis = ..` and `keep = true`.
pub(super) const AXIS: &[(&str, ArgKind, bool)] =
    &[("axis", ArgKind::Int, false), ("keep", ArgKind::Bool, false)];

/// The axis of a call, the last one where it names none.
pub(super) fn axis(b: &GraphBuilder, op: &str, call: &Call) -> Result<usize, OpError> {
    let shape = &b.ty(call.tensors[0]).shape;
    match call.int("axis") {
        Some(a) => check_axis(op, a, shape),
        None => shape.rank().checked_sub(1).ok_or_else(|| no_axis(op)),
    }
}

pub(super) fn no_axis(op: &str) -> OpError {
    OpError::new(At::Tensor(0), format!("`{op}` needs an axis, got a tensor without any"))
}

/// x with the axis at the end, the others in their order: a view.
pub(super) fn to_last(b: &mut GraphBuilder, x: NodeId, axis: usize, name: &str) -> NodeId {
    let rank = b.ty(x).shape.rank();
    match axis + 1 == rank {
        true => x,
        false => transpose(b, x, (0..rank).filter(|&i| i != axis).chain([axis]).collect(), name),
    }
}

/// The inverse of [`to_last`].
pub(super) fn from_last(b: &mut GraphBuilder, x: NodeId, axis: usize, name: &str) -> NodeId {
    let rank = b.ty(x).shape.rank();
    match axis + 1 == rank {
        true => x,
        false => transpose(b, x, (0..axis).chain([rank - 1]).chain(axis..rank - 1).collect(), name),
    }
}

/// The shape without its last axis.
pub(super) fn rows(shape: &Shape) -> Shape {
    let dims = shape.dims();
    Shape::new(&dims[..dims.len().saturating_sub(1)])
}

/// A reduced tensor with extents of 1 where `axes` were, if the call asks for it: a view.
pub(super) fn keep(
    b: &mut GraphBuilder,
    call: &Call,
    reduced: NodeId,
    from: &Shape,
    axes: &[usize],
) -> NodeId {
    if !call.flag("keep") {
        return reduced;
    }
    let extent = |(i, &d)| if axes.contains(&i) { 1 } else { d };
    let dims: Vec<usize> = from.dims().iter().enumerate().map(extent).collect();
    reshape(b, reduced, Shape::new(dims), &call.name)
}
