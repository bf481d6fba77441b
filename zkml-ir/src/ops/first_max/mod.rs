//! `first_max(x)`, `argmax(x)` and `top_k(x, k = 5)`: which entry along an axis is the largest.
//!
//! - `first_max(x, axis = .., valid = N)`: flags of x's shape, U8, interval [0, 1], step 1: 1 at the first of the
//!   largest entries, 0 elsewhere.
//! - `argmax(x, axis = .., valid = N, keep = true)`: its index, `Acc` in [0, n-1], step 1, without the axis.
//! - `top_k(x, k = 5, axis = .., valid = N)`: `(values, indices)`, each with k entries in place of the axis, larger
//!   values first and, among equal ones, smaller indices. Values keep x's element, interval and step; indices are
//!   `Acc`.
//! - x: any element with at most 2^17 entries along the axis, the last one where none is named. For `first_max` and
//!   `argmax` along the last axis even an accumulator with products, such as the logits `matmul(h, w) + b`: it is
//!   compared as it is, not committed and not quantised. `top_k` takes what needs no product.
//! - `valid = N`: entries from N on are padding and never chosen, whatever they hold.
//! - Real numbers: the same; steps are positive, so the order of integers is that of real values.
//! - Cost for each entry, where d is how far it can lie below the maximum: 2 cells and 2 lookups where x is sized and d
//!   has at most 16 bits; else 3 and 2, or 4 and 3 for more than 16 bits. d spans x's interval, and twice that (one bit
//!   more) where entries are excluded: with `valid`, and in `top_k` from the second round on. `top_k` costs k times
//!   that. One table of 2n rows for all rows of n entries. Constants have n entries: nothing is quadratic in n.
//!
//! [`lower`] says why the flags have one value.

mod choose;
mod lower;
mod top_k;

pub(super) use choose::{Chosen, ChosenIndex};
pub use top_k::TopK;

use super::primitive::{
    Computed, Ctx, FloatArgs, FloatError, Graph, LowerError, Machine, Node, Primitive, RunError, Value, Work,
};
use super::{reduce, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, Step, TensorType};
use lower::Spec;

/// `first_max(x)`
pub struct FirstMax;
/// `argmax(x)`
pub struct ArgMax;

/// The longest row: the table of order has twice as many rows.
const MAX_ROW: usize = 1 << 17;

impl OpDef for FirstMax {
    fn name(&self) -> &'static str {
        "first_max"
    }

    fn signature(&self) -> Signature {
        let named = &[("axis", ArgKind::Int, false), ("valid", ArgKind::Int, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let row = Row::new(b, "first_max", call)?;
        let h = row.round(b, &[], &call.name)?;
        Ok(vec![reduce::from_last(b, h, row.axis, &call.name)])
    }
}

impl OpDef for ArgMax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn signature(&self) -> Signature {
        let named =
            &[("axis", ArgKind::Int, false), ("valid", ArgKind::Int, false), ("keep", ArgKind::Bool, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let from = b.ty(call.tensors[0]).shape.clone();
        let row = Row::new(b, "argmax", call)?;
        let h = row.round(b, &[], &call.name)?;
        let y = choose::index(b, h, &call.name);
        Ok(vec![reduce::keep(b, call, y, &from, &[row.axis])])
    }
}

/// A checked call: the rows to compare.
struct Row<'a> {
    op: &'a str,
    /// With the axis at the end.
    x: NodeId,
    axis: usize,
    valid: usize,
}

impl<'a> Row<'a> {
    fn new(b: &mut GraphBuilder, op: &'a str, call: &Call) -> Result<Self, OpError> {
        let axis = reduce::axis(b, op, call)?;
        let n = b.ty(call.tensors[0]).shape.dims()[axis];
        if n > MAX_ROW {
            let message = format!("`{op}` compares at most {MAX_ROW} entries, got {n}");
            return Err(OpError::new(At::Tensor(0), message));
        }
        let valid = call.int("valid").unwrap_or(n as i64);
        if !(1..=n as i64).contains(&valid) {
            let message = format!("`valid` must be from 1 to {n}, got {valid}");
            return Err(OpError::new(At::Named("valid".into()), message));
        }
        let x = reduce::to_last(b, call.tensors[0], axis, &call.name);
        Ok(Self { op, x, axis, valid: valid as usize })
    }

    /// Flags of the first maximum among the entries that no flag of `earlier` names.
    fn round(&self, b: &mut GraphBuilder, earlier: &[NodeId], name: &str) -> Result<NodeId, OpError> {
        let tx = b.ty(self.x);
        let spec = Spec::new(tx, self.valid, earlier.len());
        if let Err(reach) = spec.fits() {
            return Err(OpError::new(
                At::Tensor(0),
                format!("`{}` cannot compare values in {}", self.op, tx.interval),
            )
            .note(format!("their differences reach {reach}, the field holds (-2^31, 2^31)"))
            .help(format!("quantize first: `{}(quantize::<I16>(h), ..)`", self.op)));
        }
        let ty = TensorType {
            elem: Elem::U8,
            shape: tx.shape.clone(),
            interval: Interval::new(0, 1),
            step: Step::constant(1.0),
        };
        let args = [&[self.x], earlier].concat();
        Ok(b.push(Op::FirstMax { valid: self.valid }, args, ty, name))
    }
}

/// The first of the largest allowed entries of a row.
fn first<T: PartialOrd + Copy>(row: &[T], allowed: impl Fn(usize) -> bool) -> usize {
    let mut best = None;
    for (j, v) in row.iter().enumerate().filter(|(j, _)| allowed(*j)) {
        if best.is_none_or(|b: usize| *v > row[b]) {
            best = Some(j);
        }
    }
    // The rules leave an entry to choose in every round.
    best.unwrap_or(0)
}

impl Primitive for FirstMax {
    fn name(&self) -> &'static str {
        "first_max"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        lower::eval(m, id)
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::FirstMax { valid } = call.node.op else { return Err(call.missing()) };
        let n = call.node.ty.shape.dims().last().copied().unwrap_or(1);
        let mut h = vec![0.0; call.args[0].data.len()];
        for (r, row) in call.args[0].data.chunks_exact(n).enumerate() {
            let free = |j: usize| j < valid && call.args[1..].iter().all(|e| e.data[r * n + j] == 0.0);
            h[r * n + first(row, free)] = 1.0;
        }
        Ok(h)
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        let n = node.ty.shape.len() as u64;
        Work { multiply_adds: 0, naive_rows: n, sumcheck_rows: 2 * n }
    }
}
