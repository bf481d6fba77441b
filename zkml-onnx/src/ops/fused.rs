//! Ops that [`crate::fuse`] puts in the place of several.

use super::{Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::Node;
use crate::ops::elementwise::scaled;
use crate::program::Arg;
use zkml_dsl::Elem;

/// What the names of such ops begin with.
pub const PREFIX: &str = "zk.";

/// `softmax(scale q k^T + mask) v` for each head: inputs q, k, v and perhaps a mask over the keys; attributes heads, causal and
/// scale.
pub const ATTENTION: &str = "zk.Attention";

pub const OPS: &[Op] = &[Op { names: &[ATTENTION], infer: shape, lift: attention }];

fn shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    super::like_first(i)
}

fn attention(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let heads = n.attributes.int("heads").unwrap_or(1);
    let causal = n.attributes.flag("causal", false);
    let mut q = l.read(n, 0)?;
    let width = *l.dims(q)?.last().unwrap_or(&1) as f32 / heads as f32;
    // zkml divides scores by the root of a head's width.
    let scale = n.attributes.float("scale").unwrap_or(1.0) * width.sqrt();
    if (scale - 1.0).abs() > 1e-4 {
        q = scaled(l, q, f64::from(scale))?;
    }
    let (k, v) = (l.read(n, 1)?, l.read(n, 2)?);
    let [q, k, v] = [l.sized(q, &[Elem::I8])?, l.sized(k, &[Elem::I8])?, l.sized(v, &[Elem::I8])?];
    let mask = match n.input(3) {
        None => None,
        Some(m) => {
            let keys = l.dims(k)?;
            let mask = l.get(m)?;
            Some(l.reshaped(mask, &[keys[keys.len() - 2]])?)
        }
    };
    let mut call =
        l.call("attention").arg("heads", Arg::Int(heads)).arg_if(causal, "causal", Arg::Bool(true));
    if let Some(mask) = mask {
        call = call.arg("mask", Arg::Tensor(mask));
    }
    let o = call.of([q, k, v])?;
    l.give(n, 0, o)
}
