//! The projections around the heads: q, k, v from x, and the output's.

use super::super::add::add;
use super::super::matmul::matmul;
use super::super::quantize::quantize;
use super::super::slice::slice;
use super::{check_heads, heads, join};
use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId, RescaleRule};
use crate::ops::{At, Call, OpError};

/// The widest window that leaves shifts of one limb (16 bits) to products of any depth. What is projected is normalised,
/// so q, k and v use little of their accumulators' intervals and need no longer shifts.
const WINDOW: u32 = 15;

pub(super) fn attention(b: &mut GraphBuilder, call: &Call) -> Result<NodeId, OpError> {
    let [x, w_qkv, w_out] = [call.tensors[0], call.tensors[1], call.tensors[2]];
    let width = check_shapes(b, call, x, w_qkv)?;
    check_heads(call, width)?;
    let mut qkv = [0; 3];
    for (i, part) in ["q", "k", "v"].into_iter().enumerate() {
        let name = join(&call.name, part);
        let columns = i * width..(i + 1) * width;
        let w = slice(b, w_qkv, 1, columns.clone(), &name);
        let mut h = matmul(b, x, w, &name).map_err(|e| qkv_error(b, e, w_qkv))?;
        if let Some(bias) = call.tensor("b_qkv") {
            let bias = slice(b, bias, 0, columns, &name);
            h = add(b, h, bias, &name).map_err(|e| moved(e, At::Named("b_qkv".into())))?;
        }
        qkv[i] = quantize(b, h, Elem::I8, RescaleRule::Calibrated, Some(WINDOW), &name)
            .map_err(|e| moved(e, At::Op))?;
    }
    let merged = heads(b, call, qkv[0], qkv[1], qkv[2])?;
    let name = join(&call.name, "out");
    let out = matmul(b, merged, w_out, &name).map_err(|e| moved(e, At::Tensor(2)))?;
    match call.tensor("b_out") {
        Some(bias) => add(b, out, bias, &name).map_err(|e| moved(e, At::Named("b_out".into()))),
        None => Ok(out),
    }
}

/// The common width of q, k and v.
fn check_shapes(b: &GraphBuilder, call: &Call, x: NodeId, w_qkv: NodeId) -> Result<usize, OpError> {
    let (sx, sw) = (&b.ty(x).shape, &b.ty(w_qkv).shape);
    if !(2..=5).contains(&sx.rank()) {
        return Err(OpError::new(At::Tensor(0), format!("`attention` takes [.., t, d], got shape {sx}")));
    }
    let d = sx.dims()[sx.rank() - 1];
    let columns = match *sw.dims() {
        [rows, columns] if rows == d && columns % 3 == 0 => columns,
        _ => {
            let message = format!("`attention` needs `w_qkv` of shape [{d}, 3 * width], got {sw}");
            return Err(OpError::new(At::Tensor(1), message));
        }
    };
    if let Some(bias) = call.tensor("b_qkv") {
        let shape = &b.ty(bias).shape;
        if shape.dims() != [columns] {
            let message = format!("`b_qkv` must have shape [{columns}], got {shape}");
            return Err(OpError::new(At::Named("b_qkv".into()), message));
        }
    }
    Ok(columns / 3)
}

/// The product's own complaint, in terms of `attention`.
fn qkv_error(b: &GraphBuilder, mut e: OpError, w_qkv: NodeId) -> OpError {
    e.message = e.message.replace("`matmul`", "`attention`");
    if e.at == At::Tensor(0) {
        e.help = Some(format!("`attention(quantize_int8(h), {}, ..)`", b.label(w_qkv, "w_qkv")));
    }
    e
}

fn moved(mut e: OpError, at: At) -> OpError {
    e.message = e.message.replace("`matmul`", "`attention`");
    e.at = at;
    e
}
