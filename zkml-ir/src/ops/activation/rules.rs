//! Rules that ops by a table share.

use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, Step, TensorType};
use crate::ops::relu::TABLED;
use crate::ops::{rules, At, Call, OpError};

/// Adds a node with the shape, element and step of its argument.
pub(crate) fn in_own_step(
    b: &mut GraphBuilder,
    call: &Call,
    name: &str,
    op: Op,
    interval: impl FnOnce(&TensorType) -> Interval,
) -> Result<Vec<NodeId>, OpError> {
    let x = argument(b, call, name)?;
    let ty = TensorType { interval: interval(&x), ..x };
    Ok(vec![b.push(op, vec![call.tensors[0]], ty, &call.name)])
}

/// Adds a node of I16 in units of `2^-bits`.
pub(crate) fn in_fixed_step(
    b: &mut GraphBuilder,
    call: &Call,
    name: &str,
    op: Op,
    bits: u32,
    interval: impl FnOnce(&TensorType) -> Interval,
) -> Result<Vec<NodeId>, OpError> {
    let x = argument(b, call, name)?;
    let step = Step::constant(1.0 / (1u64 << bits) as f64);
    let ty = TensorType { elem: Elem::I16, interval: interval(&x), shape: x.shape, step };
    Ok(vec![b.push(op, vec![call.tensors[0]], ty, &call.name)])
}

fn argument(b: &GraphBuilder, call: &Call, name: &str) -> Result<TensorType, OpError> {
    let id = call.tensors[0];
    rules::takes(b, name, TABLED, id, At::Tensor(0), || format!("`{name}(quantize_int8(h))`"))?;
    Ok(b.ty(id).clone())
}

/// The named argument `bits`, from 0 to `most`.
pub(crate) fn bits(call: &Call, default: i64, most: i64) -> Result<u32, OpError> {
    let bits = call.int("bits").unwrap_or(default);
    match (0..=most).contains(&bits) {
        true => Ok(bits as u32),
        false => {
            let message = format!("`bits` must be from 0 to {most}, got {bits}");
            Err(OpError::new(At::Named("bits".into()), message))
        }
    }
}
