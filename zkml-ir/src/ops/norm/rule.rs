//! What `layer_norm` and `rms_norm` have in common for the language: rows of d <= 4096 entries become I16 in steps of 2^-7,
//! |n| <= 2^7 sqrt(d) rounded up, because one entry of a normalised row holds at most the whole of its square norm d.

use crate::elem::{Elem, Interval};
use crate::graph::{Graph, GraphBuilder, NodeId, Op, Step, TensorType};
use crate::ops::{rules, At, Call, OpError};

/// log2 of the units in one standard deviation.
pub(crate) const UNIT_BITS: u32 = 7;
/// The longest row.
pub(crate) const MAX_ROW: usize = 4096;
const EPSILON: f64 = 1e-5;

/// The rules of the op `name`, whose node `op` makes from epsilon.
pub(crate) fn apply(
    b: &mut GraphBuilder,
    call: &Call,
    name: &str,
    op: fn(f64) -> Op,
) -> Result<Vec<NodeId>, OpError> {
    let id = call.tensors[0];
    let help = || format!("`{name}(quantize::<I12>({}))`", b.label(id, "h"));
    rules::takes(b, name, &[Elem::I8, Elem::I12, Elem::I16], id, At::Tensor(0), help)?;
    let epsilon = call.real("epsilon").unwrap_or(EPSILON);
    if !(epsilon >= 0.0 && epsilon.is_finite()) {
        let message = format!("`epsilon` must not be negative, got {epsilon}");
        return Err(OpError::new(At::Named("epsilon".into()), message));
    }
    let shape = b.ty(id).shape.clone();
    let d = match shape.dims().last() {
        Some(&d) if d <= MAX_ROW => d,
        other => {
            let message = format!(
                "`{name}` takes at most {MAX_ROW} entries in a row, got {}",
                other.map_or("a scalar".to_owned(), |d| d.to_string())
            );
            return Err(OpError::new(At::Tensor(0), message));
        }
    };
    let bound = largest(d);
    let ty = TensorType {
        elem: Elem::I16,
        shape,
        interval: Interval::new(-bound, bound),
        step: Step::constant(1.0 / (1u64 << UNIT_BITS) as f64),
    };
    Ok(vec![b.push(op(epsilon), vec![id], ty, &call.name)])
}

/// Is the node a normalisation that [`super::Norm`] defines? Layer norms of up to 12 bits have relations of their own, with
/// fewer cells.
pub(crate) fn is_wide(graph: &Graph, id: NodeId) -> bool {
    match graph.node(id).op {
        Op::RmsNorm { .. } => true,
        Op::LayerNorm { .. } => graph.ty(graph.node(id).args[0]).elem == Elem::I16,
        _ => false,
    }
}

/// A bound on the Euclidean norm of the rows of a normalisation, for every row of integers; `None` of another node.
///
/// The integer variance is at least the exact one, so the norm of a row before rounding is below 2^7 sqrt(d), as that of the
/// real row is at most sqrt(d). Rounding adds 1/2 to each entry. The gain of [`super::Norm`] is rounded up by at most 1/2 in
/// units of 2^-16, which times the norm of x - mean, at most 2^15 sqrt(d), is sqrt(d) / 4.
pub(crate) fn norm_bound(graph: &Graph, id: NodeId) -> Option<f64> {
    let root = (*graph.ty(id).shape.dims().last()? as f64).sqrt();
    let exact = (1u64 << UNIT_BITS) as f64 * root;
    match graph.node(id).op {
        _ if is_wide(graph, id) => Some(exact + root),
        Op::LayerNorm { .. } => Some(exact + root / 2.0),
        _ => None,
    }
}

/// The least integer that is at least 2^7 sqrt(d), without floating point.
pub(super) fn largest(d: usize) -> i64 {
    let square = (d as i64) << (2 * UNIT_BITS);
    let mut root = (square as f64).sqrt() as i64;
    while root * root < square {
        root += 1;
    }
    while (root - 1) * (root - 1) >= square {
        root -= 1;
    }
    root
}
