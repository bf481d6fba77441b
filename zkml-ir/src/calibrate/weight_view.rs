//! Strided views of weights, so that bounds read the weights where they lie.

use crate::graph::{Graph, NodeId, Op};
use crate::shape::Shape;

/// A weight seen through transpositions, slices and reshapes.
#[derive(Clone, Debug)]
pub(super) struct WeightView {
    pub weight: usize,
    pub dims: Vec<usize>,
    pub strides: Vec<usize>,
    pub offset: usize,
}

impl WeightView {
    /// `None` where the node is no such view: something computed, a concatenation, a reshape of a transposed weight.
    pub fn of(graph: &Graph, id: NodeId) -> Option<Self> {
        let node = graph.node(id);
        if let Op::Weight(weight) = node.op {
            let shape = &node.ty.shape;
            return Some(Self { weight, dims: shape.dims().to_vec(), strides: shape.strides(), offset: 0 });
        }
        let mut view = match node.op {
            Op::Transpose { .. } | Op::Slice { .. } | Op::Reshape => Self::of(graph, node.args[0])?,
            _ => return None,
        };
        match &node.op {
            Op::Transpose { perm } => {
                view.dims = perm.iter().map(|&i| view.dims[i]).collect();
                view.strides = perm.iter().map(|&i| view.strides[i]).collect();
            }
            Op::Slice { axis, start, .. } => {
                view.offset += start * view.strides[*axis];
                view.dims = node.ty.shape.dims().to_vec();
            }
            _ => {
                if view.strides != Shape::new(view.dims.clone()).strides() {
                    return None;
                }
                (view.dims, view.strides) = (node.ty.shape.dims().to_vec(), node.ty.shape.strides());
            }
        }
        Some(view)
    }

    /// The offset in the weight of every row of the view, row-major.
    pub fn rows(&self) -> Vec<usize> {
        let mut offsets = vec![self.offset];
        let lead = self.dims.len().saturating_sub(1);
        for (&d, &s) in self.dims[..lead].iter().zip(&self.strides) {
            offsets = offsets.iter().flat_map(|&o| (0..d).map(move |i| o + i * s)).collect();
        }
        offsets
    }

    /// Extent and stride of the last axis.
    pub fn last(&self) -> (usize, usize) {
        match (self.dims.last(), self.strides.last()) {
            (Some(&d), Some(&s)) => (d, s),
            _ => (1, 0),
        }
    }
}
