//! `clamp(x, lo = .., hi = ..)`.
//!
//! - Shape, element and step: the argument's, which is I8, I12, I16 or U8. The bounds are real numbers, `lo <= hi`.
//! - Integers: y = clamp(x, a, b) with a = round(lo / step), b = round(hi / step), known when a model is loaded; a bound
//!   that the interval does not hold acts as the nearest value that it does. Against the clamp of real numbers that is
//!   an error of at most half a unit at a bound, none between.
//! - Interval: by the bounds' signs, which are known now. With lo <= 0 <= hi so are a and b, and y lies between 0 and x: the
//!   argument's interval with 0 added, without what a bound of 0 cuts off. With 0 < lo or hi < 0 y may leave the
//!   argument's interval: the element's, up to 0.
//! - Lowering: (CLAMP, x, y), the table of x -> y; fused into the table of a quantisation that feeds nothing else. The cell y
//!   has the type's interval, whatever a and b are: cost depends on types alone.

use super::primitive::*;
use super::{activation, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::Interval;
use crate::graph::{GraphBuilder, TensorType};
use crate::tables::real::Signed;
use crate::tables::StepBits;

pub struct Clamp;

impl OpDef for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn signature(&self) -> Signature {
        Signature {
            named: &[("lo", ArgKind::Real, true), ("hi", ArgKind::Real, true)],
            ..Signature::tensors(&["x"])
        }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (lo, hi) = (call.real("lo").unwrap_or(f64::NAN), call.real("hi").unwrap_or(f64::NAN));
        for (name, v) in [("lo", lo), ("hi", hi)] {
            if !v.is_finite() {
                let message = format!("`{name}` must be a finite number, got {v}");
                return Err(OpError::new(At::Named(name.into()), message));
            }
        }
        if lo > hi {
            let message = format!("`lo` must not be above `hi`, got lo = {lo}, hi = {hi}");
            return Err(OpError::new(At::Named("lo".into()), message));
        }
        let interval = |x: &TensorType| between(x.interval, lo, hi, x.elem.interval());
        activation::in_own_step(b, call, "clamp", Op::Clamp { lo, hi }, interval)
    }
}

/// Of the results, where arguments lie in `x` and `elem` is what there is.
fn between(x: Interval, lo: f64, hi: f64, elem: Interval) -> Interval {
    let all = match (lo > 0.0, hi < 0.0) {
        (false, false) => x.union(Interval::point(0)),
        _ => elem.union(Interval::point(0)),
    };
    let least = if lo >= 0.0 { 0 } else { all.lo };
    let most = if hi <= 0.0 { 0 } else { all.hi };
    Interval::new(least, most)
}

/// The integer bounds; `None` unless the real ones are finite and ascending, as the op's rules have it.
pub(super) fn bounds(lo: f64, hi: f64, step: StepBits, inside: Interval) -> Option<Interval> {
    let end = |v| Some(Signed::of(v)?.units(step.real()).clamp(inside.lo, inside.hi));
    let (a, b) = (end(lo)?, end(hi)?);
    // Rounding is monotone.
    (lo <= hi).then(|| Interval::new(a, b))
}

impl Primitive for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        activation::run(m, id, commits)
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        activation::recipe(m, id).map(Some)
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        activation::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Clamp { lo, hi } = call.node.op else { return Err(call.missing()) };
        Ok(call.map(|v| (v as f64).max(lo).min(hi) as f32))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let Op::Clamp { lo, hi } = node.op else { return Bound::of(node.ty.interval) };
        of[node.args[0]].map(|x| between(x, lo, hi, node.ty.interval))
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
