//! What `layer_norm` and `rms_norm` have in common for the language: rows of d <= 4096 entries become I16 in steps of 2^-b,
//! |n| <= 2^b sqrt(d) rounded up, because one entry of a normalised row holds at most the whole of its square norm d.
//!
//! b is `fraction`, 7 unless given and at most 9. Beside an outlier the rest of a row is small: it keeps the more of its
//! precision the finer n is, where what follows has room for the wider interval.

use crate::elem::{Elem, Interval};
use crate::graph::{Graph, GraphBuilder, NodeId, Op, Step, TensorType};
use crate::ops::{rules, ArgKind, At, Call, OpError, Signature};
use crate::tables::real::isqrt;
use std::ops::RangeInclusive;

/// log2 of the units in one standard deviation, if the call does not say so.
const FRACTION: u32 = 7;
/// What the call may say.
pub(super) const FRACTIONS: RangeInclusive<u32> = FRACTION..=9;
/// The longest row.
pub(crate) const MAX_ROW: usize = 4096;
const EPSILON: f64 = 1e-5;

pub(crate) const SIGNATURE: Signature = Signature {
    named: &[("epsilon", ArgKind::Real, false), ("fraction", ArgKind::Int, false)],
    ..Signature::tensors(&["x"])
};

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
    let at = |message| OpError::new(At::Named("fraction".into()), message);
    let given = call.int("fraction").unwrap_or(FRACTION as i64);
    let Some(fraction) = u32::try_from(given).ok().filter(|b| FRACTIONS.contains(b)) else {
        let (least, most) = (FRACTIONS.start(), FRACTIONS.end());
        return Err(at(format!("`fraction` must be {least} to {most}, got {given}")));
    };
    let bound = largest(&op(epsilon), d, fraction);
    if bound > Elem::I16.interval().hi {
        let message = format!("`{name}` reaches {bound} with {d} entries in a row, I16 holds 32767");
        return Err(at(message).help(format!("`fraction = {}`", fraction - 1)));
    }
    let ty = TensorType {
        elem: Elem::I16,
        shape,
        interval: Interval::new(-bound, bound),
        step: Step::constant(1.0 / (1u64 << fraction) as f64),
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
/// The integer variance is at least the exact one, so the norm of a row before rounding is below 2^b sqrt(d), as that of
/// the real row is at most sqrt(d). Rounding adds 1/2 to each entry. The gain of [`super::Norm`] is rounded up by at most
/// 1/2 in units of 2^(b-23), which times the norm of x - mean, at most 2^15 sqrt(d), is 2^(b-9) sqrt(d); a floor adds 2^-14
/// at most.
pub(crate) fn norm_bound(graph: &Graph, id: NodeId) -> Option<f64> {
    let ty = graph.ty(id);
    let root = (*ty.shape.dims().last()? as f64).sqrt();
    let unit = 1.0 / ty.step.coef;
    match graph.node(id).op {
        _ if is_wide(graph, id) => Some(root * (unit + unit / 512.0 + 0.501)),
        Op::LayerNorm { .. } => Some(unit * root + root / 2.0),
        _ => None,
    }
}

/// |n| is at most this: 2^b sqrt(d), rounded up. Without a mean nothing makes up for the rounding of the gain, which may
/// add 2^(b-9) before n is rounded: 1 more for b > 7.
pub(super) fn largest(op: &Op, d: usize, fraction: u32) -> i64 {
    let root = isqrt(((d as u128) << (2 * fraction)) - 1) as i64 + 1;
    match op {
        Op::RmsNorm { .. } if fraction > FRACTION => root + 1,
        _ => root,
    }
}
