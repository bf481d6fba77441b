//! Rules that several ops share: element types, intervals that must not wrap, steps that must agree.

use super::{At, OpError};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Step};

/// Refuses an argument whose element type the op does not take; says how to quantise it.
pub(super) fn takes(
    b: &GraphBuilder,
    op: &str,
    elems: &[Elem],
    id: NodeId,
    at: At,
    help: impl FnOnce() -> String,
) -> Result<(), OpError> {
    let elem = b.ty(id).elem;
    if elems.contains(&elem) {
        return Ok(());
    }
    let names: Vec<_> = elems.iter().map(|e| e.name()).collect();
    let list = match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.join(", "),
    };
    Err(OpError::new(at, format!("`{op}` takes {list}, got `{elem}`")).help(help()))
}

/// A view needs cells to look at: an accumulator has none.
pub(super) fn sized(b: &GraphBuilder, op: &str, id: NodeId, at: At) -> Result<(), OpError> {
    if b.ty(id).elem != Elem::Acc {
        return Ok(());
    }
    let message = format!("`{op}` takes a sized element type, got `Acc`");
    Err(OpError::new(at, message).help(format!("quantize first: `{op}(quantize_int8(h), ..)`")))
}

/// Refuses an interval that leaves (-2^30, 2^30), with the arithmetic that led there.
pub(super) fn bounded(interval: Interval, error: impl FnOnce() -> OpError) -> Result<Interval, OpError> {
    if Elem::Acc.interval().contains_interval(interval) {
        Ok(interval)
    } else {
        Err(error())
    }
}

/// The common step of two summands.
pub(super) fn same_step(b: &mut GraphBuilder, op: &str, x: NodeId, y: NodeId) -> Result<Step, OpError> {
    b.unify(x, y).map_err(|e| {
        let side = |id| if b.ty(id).elem == Elem::Acc { "quantize_int8(..)" } else { "quantize::<I16>(..)" };
        OpError::new(At::Call, e.to_string())
            .note(format!("`{op}` needs one step, the real value of one unit, for both sides"))
            .help(format!("bring one side to the other's step: `x {} {}`", sign(op), side(y)))
    })
}

fn sign(op: &str) -> &'static str {
    match op {
        "sub" => "-",
        "concat" => ",",
        _ => "+",
    }
}

/// `2^11` or `2^35.6`.
pub(super) fn power(v: f64) -> String {
    let bits = v.log2();
    let text = format!("{bits:.1}");
    format!("2^{}", text.strip_suffix(".0").filter(|_| bits.fract() == 0.0).unwrap_or(&text))
}
