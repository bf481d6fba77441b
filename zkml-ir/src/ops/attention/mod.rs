//! `attention(x, w_qkv, w_out, heads = 12, causal = true, b_qkv = .., b_out = .., mask = ..)` and
//! `attention(q, k, v, heads = 12, kv_heads = 4, causal = true, window = 256, mask = ..)`: multi-head attention, composed of
//! primitive nodes.
//!
//! - Shape, first form: x `[.., t, d]` (I8, I12 or I16), w_qkv `[d, 3 h d_k]` with q, k and v side by side, w_out
//!   `[h d_k, o]`, b_qkv `[3 h d_k]`, b_out `[o]`; gives `[.., t, o]`, an `Acc`. Second form: I8 q `[.., tq, h d_k]`, k and v
//!   `[.., tk, h d_k]`; gives the merged heads `[.., tq, h d_k]`, I12. mask: `[tk]` of zeros and ones over the keys. With
//!   `kv_heads` g < h, k and v are `[.., tk, g d_k]`, and h / g query heads share a head of keys and values (grouped queries).
//!   `causal` and `window` (keys less than so many places before the query; without `causal`, on either side) need as many
//!   queries as keys.
//! - Real numbers: softmax(q k^T / sqrt(d_k)) v for each head, with forbidden scores at minus infinity. Error of the core for T
//!   keys and values v, all scores of step u <= 2: half a unit of the result, which is 1/8 of a unit of v, and the width of v's
//!   interval times (T-1) exp(u) 2^-20. It is reached where all but one exponential are rounded away by half a unit. For I8 v
//!   and u <= 1/4, scores up to 512, that is 0.15 units of v for 64 keys, 0.25 for 400 and 0.77 for 2048, the longest row.
//! - Nodes: q, k and v are three products with slices of w_qkv, each quantised to I8 with a step of its own (v is often
//!   several times smaller than q and k, and one step for all would cost it that much resolution); heads by reshape and
//!   transpose; scores to I12 in a window of 16 bits; [`Op::AttentionCore`]; heads merged; the product with w_out.
//! - Source: Vaswani et al., "Attention is all you need", 2017; grouped queries: Ainslie et al., "GQA", 2023; windows:
//!   Beltagy et al., "Longformer", 2020, section 3.

mod core;
mod project;

pub(super) use core::AttentionCore;

use super::matmul::matmul;
use super::mul::by_real;
use super::quantize::quantize;
use super::reshape::reshape;
use super::softmax::check_row;
use super::transpose::transpose;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, RescaleRule, TensorType};
use crate::shape::{Shape, MAX_RANK};

pub struct Attention;

/// Scores are I12: a range of 2^12 units for the table of exponentials.
const SCORE_WINDOW: u32 = 16;

impl OpDef for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn signature(&self) -> Signature {
        let named = &[
            ("heads", ArgKind::Int, true),
            ("kv_heads", ArgKind::Int, false),
            ("causal", ArgKind::Bool, false),
            ("window", ArgKind::Int, false),
            ("b_qkv", ArgKind::Tensor, false),
            ("b_out", ArgKind::Tensor, false),
            ("mask", ArgKind::Tensor, false),
        ];
        Signature { named, ..Signature::tensors(&["x", "w_qkv", "w_out"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        // Weights in second and third place make the first form; computed tensors the second.
        if b.is_weight(call.tensors[1]) && b.is_weight(call.tensors[2]) {
            if call.named.contains_key("kv_heads") {
                let message = "`kv_heads` goes with `attention(q, k, v)`, not with `w_qkv`";
                return Err(OpError::new(At::Named("kv_heads".into()), message));
            }
            return Ok(vec![project::attention(b, call)?]);
        }
        for name in ["b_qkv", "b_out"] {
            if call.named.contains_key(name) {
                let message = format!("`{name}` goes with `attention(x, w_qkv, w_out)`, not with q, k and v");
                return Err(OpError::new(At::Named(name.into()), message));
            }
        }
        let [q, k, v] = [call.tensors[0], call.tensors[1], call.tensors[2]];
        Ok(vec![heads(b, call, q, k, v)?])
    }
}

/// Attention over I8 q, k, v, heads merged.
fn heads(b: &mut GraphBuilder, call: &Call, q: NodeId, k: NodeId, v: NodeId) -> Result<NodeId, OpError> {
    let last = |id: NodeId| b.ty(id).shape.dims().last().copied().unwrap_or(1);
    let width = last(q);
    let heads = check_heads(call, width)?;
    let groups = check_groups(call, heads)?;
    let shared = heads / groups;
    check_qkv(b, q, k, v, shared)?;
    let window = check_window(call)?;
    let name = |part: &str| join(&call.name, part);
    let q = split(b, q, groups, shared, false, &name("q"))?;
    let k = split_shared(b, k, groups, shared, true, &name("k"))?;
    let v = split_shared(b, v, groups, shared, false, &name("v"))?;
    let scores = matmul(b, q, k, &name("scores"))?;
    let scores = by_real(b, scores, 1.0 / ((width / heads) as f64).sqrt(), &name("scores"))?;
    let rule = RescaleRule::Calibrated;
    let scores = quantize(b, scores, Elem::I12, rule, Some(SCORE_WINDOW), &name("scores"))?;
    check_row("attention", &b.ty(scores).shape, call.flag("causal"))?;
    if window.is_some() {
        let dims = b.ty(scores).shape.dims();
        if dims[dims.len() - 2] != dims[dims.len() - 1] {
            let message = format!(
                "`window` needs as many queries as keys: got {} and {}",
                dims[dims.len() - 2],
                dims[dims.len() - 1]
            );
            return Err(OpError::new(At::Named("window".into()), message));
        }
    }
    let mut args = vec![scores, v];
    if let Some(mask) = call.tensor("mask") {
        check_mask(b, mask, scores)?;
        args.push(mask);
    }
    // A weighted mean of rows of v lies in the interval of v.
    let Interval { lo, hi } = b.ty(v).interval;
    let ty = TensorType {
        elem: Elem::I12,
        shape: b.ty(q).shape.clone(),
        interval: Interval::new(lo << FRACTION, ((hi + 1) << FRACTION) - 1),
        step: b.ty(v).step.scaled(1.0 / (1u64 << FRACTION) as f64),
    };
    let op = Op::AttentionCore { causal: call.flag("causal"), window, fraction: FRACTION };
    let core = b.push(op, args, ty, name("heads"));
    Ok(merge(b, core, shared, &name("heads")))
}

/// How many bits finer than the values their mean is. The mean of many values is several times smaller than they are, so
/// their step would cost it as many bits of resolution.
const FRACTION: u32 = 2;

/// `[.., t, g s d_k]` to `[.., g, s, t, d_k]`, or to `[.., g, s, d_k, t]`; without the axis s where it is 1.
fn split(
    b: &mut GraphBuilder,
    x: NodeId,
    groups: usize,
    shared: usize,
    transposed: bool,
    name: &str,
) -> Result<NodeId, OpError> {
    let dims = b.ty(x).shape.dims().to_vec();
    let (lead, last) = dims.split_at(dims.len() - 1);
    let n = lead.len() - 1;
    let heads: &[usize] = if shared == 1 { &[groups] } else { &[groups, shared] };
    let all = [lead, heads, &[last[0] / (groups * shared)]].concat();
    if all.len() > MAX_RANK {
        let message =
            format!("`attention` with grouped queries takes [.., t, d] of rank 4 at most, got {dims:?}");
        return Err(OpError::new(At::Tensor(0), message));
    }
    let split = reshape(b, x, Shape::new(all), name);
    let h = heads.len();
    let tail = if transposed { [n + 1 + h, n] } else { [n, n + 1 + h] };
    let perm = (0..n).chain(n + 1..n + 1 + h).chain(tail).collect();
    Ok(transpose(b, split, perm, name))
}

/// Keys or values, whose heads stretch over the queries that share them.
fn split_shared(
    b: &mut GraphBuilder,
    x: NodeId,
    groups: usize,
    shared: usize,
    transposed: bool,
    name: &str,
) -> Result<NodeId, OpError> {
    let split = split(b, x, groups, 1, transposed, name)?;
    if shared == 1 {
        return Ok(split);
    }
    let mut dims = b.ty(split).shape.dims().to_vec();
    dims.insert(dims.len() - 2, 1);
    if dims.len() > MAX_RANK {
        return Err(OpError::new(
            At::Tensor(1),
            format!("`attention` cannot group heads of rank {}", dims.len()),
        ));
    }
    Ok(reshape(b, split, Shape::new(dims), name))
}

/// `[.., g, s, t, d_k]` (or without s, where it is 1) to `[.., t, g s d_k]`.
fn merge(b: &mut GraphBuilder, x: NodeId, shared: usize, name: &str) -> NodeId {
    let h = if shared == 1 { 1 } else { 2 };
    let n = b.ty(x).shape.rank() - 2 - h;
    let rows = transpose(b, x, (0..n).chain([n + h]).chain(n..n + h).chain([n + h + 1]).collect(), name);
    let dims = b.ty(rows).shape.dims().to_vec();
    let (lead, tail) = dims.split_at(n + 1);
    reshape(b, rows, Shape::new([lead, &[tail.iter().product()]].concat()), name)
}

/// Keys and values have the queries' width over the heads that share them.
fn check_qkv(b: &GraphBuilder, q: NodeId, k: NodeId, v: NodeId, shared: usize) -> Result<(), OpError> {
    for (i, id) in [q, k, v].into_iter().enumerate() {
        let help = || "`attention(quantize_int8(q), ..)`".to_owned();
        rules::takes(b, "attention", &[Elem::I8], id, At::Tensor(i), help)?;
        let shape = &b.ty(id).shape;
        if !(2..MAX_RANK).contains(&shape.rank()) {
            let message = format!("`attention` takes [.., t, d], got shape {shape}");
            return Err(OpError::new(At::Tensor(i), message));
        }
    }
    let (sq, sk, sv) = (&b.ty(q).shape, &b.ty(k).shape, &b.ty(v).shape);
    if sk != sv {
        let message = format!("`attention` needs as many values as keys: {sk} and {sv}");
        return Err(OpError::new(At::Tensor(2), message));
    }
    let outer = |s: &Shape, by: usize| [&s.dims()[..s.rank() - 2], &[s.dims()[s.rank() - 1] * by]].concat();
    if outer(sq, 1) != outer(sk, shared) {
        let each = if shared == 1 { String::new() } else { format!(" over {shared} heads each") };
        let message = format!("`attention` needs queries and keys of equal width{each}: {sq} and {sk}");
        return Err(OpError::new(At::Tensor(1), message));
    }
    Ok(())
}

/// The number of heads, which divides the width.
fn check_heads(call: &Call, width: usize) -> Result<usize, OpError> {
    let heads = call.int("heads").unwrap_or(0);
    let divides = |h: usize| h > 0 && width.is_multiple_of(h);
    if let Some(h) = usize::try_from(heads).ok().filter(|&h| divides(h)) {
        return Ok(h);
    }
    let divisors: Vec<_> = (1..=width).filter(|&h| divides(h)).map(|h| h.to_string()).collect();
    let message = format!("`heads` must divide the width {width}, got {heads}");
    Err(OpError::new(At::Named("heads".into()), message).help(format!("these do: {}", divisors.join(", "))))
}

/// Heads of keys and values: as many as heads, or a divisor of them.
fn check_groups(call: &Call, heads: usize) -> Result<usize, OpError> {
    let Some(groups) = call.int("kv_heads") else { return Ok(heads) };
    usize::try_from(groups).ok().filter(|&g| g > 0 && heads.is_multiple_of(g)).ok_or_else(|| {
        let message = format!("`kv_heads` must divide `heads` = {heads}, got {groups}");
        OpError::new(At::Named("kv_heads".into()), message)
    })
}

fn check_window(call: &Call) -> Result<Option<u32>, OpError> {
    let Some(window) = call.int("window") else { return Ok(None) };
    u32::try_from(window).ok().filter(|&w| w > 0).map(Some).ok_or_else(|| {
        let message = format!("`window` must be positive, got {window}");
        OpError::new(At::Named("window".into()), message)
    })
}

/// A mask is a vector of flags over the keys.
fn check_mask(b: &mut GraphBuilder, mask: NodeId, scores: NodeId) -> Result<(), OpError> {
    let at = At::Named("mask".into());
    let keys = b.ty(scores).shape.dims().last().copied();
    let (elem, shape) = (b.ty(mask).elem, b.ty(mask).shape.clone());
    if elem != Elem::U8 || shape.rank() != 1 || shape.dims().first().copied() != keys {
        let message = format!("`mask` is U8, [{}], got {elem}, {shape}", keys.unwrap_or(0));
        return Err(OpError::new(at, message).note("1 for keys to attend to, 0 for padding"));
    }
    b.flags(mask, Interval::new(0, 1)).map_err(|why| OpError::new(at, why))
}

pub(super) fn join(path: &str, part: &str) -> String {
    if path.is_empty() {
        part.to_owned()
    } else {
        format!("{path}.{part}")
    }
}
