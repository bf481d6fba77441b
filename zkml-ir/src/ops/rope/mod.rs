//! `rope::<I8>(x, heads = 32, theta = 10000.0)`: rotary position embedding, composed of primitive nodes.
//!
//! - Shape: x `[.., t, h d]`, heads side by side, d even; the result's too. x is I8, I12 or I16, the result's element is the
//!   turbofish's, its step free: a rescale, as of any quantisation.
//! - Real numbers: of head dimensions i and i + d/2 (`interleaved = true`: 2i and 2i + 1) at position p, the pair is turned by
//!   p theta^(-2i/d), i < d/2. Positions count from `start` (0).
//! - `factor`, `low`, `high`, `original` stretch slow turns as Llama 3 does: with f = original theta^(-2i/d) / 2 pi turns
//!   over the original context, turns f >= high stay, f <= low are divided by the factor, and those between go linearly
//!   from one to the other.
//! - Integers: `x cos + swap(x) sin`, with cosines and signed sines as public constants: round(2^b cos), b = 14, 13 of I16 x,
//!   9 where the result is I8. The rescale takes off their bits and those that x has more than the result, and beside its window
//!   there is room for a shift of 15: with 14 bits it could bring I12 to I8 only by powers of two. They come from
//!   [`crate::tables::real`], so both sides have the same to the bit. Error against real numbers: half a unit of the result, and
//!   2^-b of the pair's length.
//! - Lowering: two products with constants, one rescale for each element; halves are swapped by a free view.
//! - Source: Su et al., "RoFormer", 2021, section 3.2; the stretch: Llama 3.1's reference implementation, 2024.

#[cfg(test)]
mod tests;
mod turns;

use super::add::add;
use super::concat::concat;
use super::mul::by_tensor;
use super::quantize::quantize;
use super::reshape::reshape;
use super::slice::slice;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId, RescaleRule};
use crate::shape::{Shape, MAX_RANK};
use crate::tables::StepBits;
use turns::{Stretch, Turns};

pub struct Rope;

const THETA: f64 = 10_000.0;
/// Positions of a context, and with it the constants: beyond, the angles' table is a mistake.
const MAX_POSITION: i64 = 1 << 17;

impl OpDef for Rope {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn signature(&self) -> Signature {
        let named = &[
            ("heads", ArgKind::Int, false),
            ("theta", ArgKind::Real, false),
            ("interleaved", ArgKind::Bool, false),
            ("start", ArgKind::Int, false),
            ("factor", ArgKind::Real, false),
            ("low", ArgKind::Real, false),
            ("high", ArgKind::Real, false),
            ("original", ArgKind::Real, false),
        ];
        Signature { named, turbofish: true, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let x = call.tensors[0];
        let to = call
            .elem
            .ok_or_else(|| OpError::new(At::Op, "`rope` needs an element type").help("`rope::<I8>(x)`"))?;
        if !matches!(to, Elem::I8 | Elem::I12 | Elem::I16) {
            return Err(OpError::new(At::Turbofish, format!("`rope` gives I8, I12 or I16, got `{to}`")));
        }
        let help = || format!("`rope::<{to}>(quantize::<I12>({}))`", b.label(x, "h"));
        rules::takes(b, "rope", &[Elem::I8, Elem::I12, Elem::I16], x, At::Tensor(0), help)?;
        let interleaved = call.flag("interleaved");
        let (lead, heads, d) = shape(b, call, x, interleaved)?;
        let tokens = lead[lead.len() - 1];
        let turns = turns(call, d, tokens)?;
        let bits = match (b.ty(x).elem, to) {
            (_, Elem::I8) => 9,
            (Elem::I16, _) => 13,
            _ => 14,
        };
        let (cos, sin) = turns.constants(tokens, bits);
        let name = |part: &str| super::attention::join(&call.name, part);

        // The last axis holds what is swapped: two halves, or each pair by itself.
        let inner: &[usize] = if interleaved { &[d / 2, 2] } else { &[2, d / 2] };
        let split = [&lead[..], &[heads], inner].concat();
        let pair = split.len() - if interleaved { 1 } else { 2 };
        let x = reshape(b, x, Shape::new(split), &name("x"));
        let halves = [slice(b, x, pair, 1..2, &name("swap")), slice(b, x, pair, 0..1, &name("swap"))];
        let swapped = concat(b, &halves, pair, &name("swap"))?;
        let mut columns = [vec![], vec![]];
        for p in 0..tokens {
            for k in 0..d {
                let (side, i) = if interleaved { (k % 2, k / 2) } else { (k / (d / 2), k % (d / 2)) };
                columns[0].push(cos[p * d / 2 + i]);
                // The first of a pair loses what the second gains.
                columns[1].push(if side == 0 { -sin[p * d / 2 + i] } else { sin[p * d / 2 + i] });
            }
        }
        let [cos, sin] = columns.map(|values| {
            let dims = [&[tokens, 1][..], inner].concat();
            b.constant(&name("turns"), Elem::I16, Shape::new(dims), values, 1.0 / (1u64 << bits) as f64)
        });
        let moved = |e: OpError| OpError { at: At::Op, ..e };
        let straight = by_tensor(b, x, cos, &name("cos")).map_err(moved)?;
        let across = by_tensor(b, swapped, sin, &name("sin")).map_err(moved)?;
        let sum = add(b, straight, across, &name("turned")).map_err(moved)?;
        // The constants' units come off by the shift, which needs room beside the window.
        let window = Some(if to == Elem::I16 { 17 } else { 16 });
        let y = quantize(b, sum, to, RescaleRule::Calibrated, window, &call.name).map_err(moved)?;
        let dims = [&lead[..], &[heads * d]].concat();
        Ok(vec![reshape(b, y, Shape::new(dims), &call.name)])
    }
}

/// Leading axes with the tokens, heads, and the width of a head.
fn shape(
    b: &GraphBuilder,
    call: &Call,
    x: NodeId,
    interleaved: bool,
) -> Result<(Vec<usize>, usize, usize), OpError> {
    let shape = &b.ty(x).shape;
    let rank = shape.rank();
    let refuse = |at: At, message: String| Err(OpError::new(at, message));
    if !(2..MAX_RANK - 1).contains(&rank) {
        return refuse(
            At::Tensor(0),
            format!("`rope` takes [.., t, h d] of rank 2 to {}, got shape {shape}", MAX_RANK - 2),
        );
    }
    let (lead, last) = shape.dims().split_at(rank - 1);
    let heads = call.int("heads").unwrap_or(1);
    let Some(h) = usize::try_from(heads).ok().filter(|&h| h > 0 && last[0].is_multiple_of(2 * h)) else {
        let at = if call.named.contains_key("heads") { At::Named("heads".into()) } else { At::Tensor(0) };
        return refuse(
            at,
            format!("`rope` turns pairs: {} columns are no {heads} heads of even width", last[0]),
        );
    };
    let d = last[0] / h;
    // Digits of an axis: its odd part, then bits. The pair is the first bit of d, or the last.
    if !interleaved && !d.is_power_of_two() {
        let message = format!("halves of {d} columns are no free view; a head's width is a power of two");
        return refuse(At::Tensor(0), message);
    }
    Ok((lead.to_vec(), h, d))
}

fn turns(call: &Call, d: usize, tokens: usize) -> Result<Turns, OpError> {
    let named = |n: &str| At::Named(n.into());
    let positive = |n: &str, default: f64| {
        let v = call.real(n).unwrap_or(default);
        StepBits::new(v)
            .filter(|_| v >= 1.0)
            .map(StepBits::real)
            .ok_or_else(|| OpError::new(named(n), format!("`{n}` must be at least 1, got {v}")))
    };
    let start = call.int("start").unwrap_or(0);
    if !(0..=MAX_POSITION - tokens as i64).contains(&start) {
        let message = format!("positions {start} to {} are not below {MAX_POSITION}", start + tokens as i64);
        return Err(OpError::new(
            if call.named.contains_key("start") { named("start") } else { At::Tensor(0) },
            message,
        ));
    }
    let names = ["factor", "low", "high", "original"];
    let given: Vec<&str> = names.into_iter().filter(|n| call.named.contains_key(*n)).collect();
    let stretch = match given.len() {
        0 => None,
        4 => {
            let [factor, low, high, original] = names.map(|n| positive(n, 1.0));
            let stretch = Stretch { factor: factor?, low: low?, high: high?, original: original? };
            if stretch.low.at_least(stretch.high) {
                return Err(OpError::new(named("low"), "`low` must be below `high`"));
            }
            Some(stretch)
        }
        _ => {
            let message =
                format!("`factor`, `low`, `high` and `original` go together, got `{}`", given.join("`, `"));
            return Err(OpError::new(named(given[0]), message));
        }
    };
    Ok(Turns { theta: positive("theta", THETA)?, width: d, start: start as usize, stretch })
}
