//! `quantize_int8(h)` and `quantize::<E>(h)`: back to a sized element type.
//!
//! - Shape: the argument's. Element: I8, or the turbofish's I8, I12, I16 or U8.
//! - Integers: q = floor((m*acc + 2^(s-1)) / 2^s), y = clamp(q) to the element type; (m, s) is a load-time parameter, one
//!   for each instance. Interval: that of the element type.
//! - Real numbers: the identity. Step: free, or `step(acc) * 2^s / m` where `scale =` (out/acc) or `shift =` pins (m, s).
//! - Lowering: cells q, r, y; `m*acc = 2^s*q + r - 2^(s-1)`; r in [0, 2^s); (CLAMP, q, y) over the window of q.
//! - Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//!   Inference", 2018, section 2.2; soundness by DESIGN 5.9.
//!
//! # Windows
//!
//! q lies in a signed window of w bits, fixed at compile time. The identity holds modulo p; it holds over the integers if
//! no two values of its sides differ by p or more. With acc in its declared interval and the whole window for q that is
//!
//!   m * max|acc| + 2^(s+w-1) + 2^(s-1) < p,
//!
//! so s + w <= 31 and m <= 2^30 / max|acc| or so. A small ratio m / 2^s needs a large s, and so a narrow window, while a
//! wide window admits the weights whose L1 norm is far above what real data gives: |q| <= ratio * max|acc| over the *actual*
//! weights must fit it (completeness, checked by [`crate::calibrate::completeness`]). For I8 a window of 16 bits leaves
//! s <= 15: ratios down to 2^-15, and room for accumulators 256 times the largest unclamped one. That serves all sums up
//! to |acc| = 2^26, which is k = 4096 for I8 x I8. Beyond, [`scale::default_window`] gives up a bit of window for each bit
//! of shift: real sums of that depth use a sixteenth of their interval or less, which the rule assumes. Wider targets
//! start from 20 bits, or from what the accumulator needs where that is less (at least 16: one table, half the cells).
//! `window =` overrides.
//!
//! m has `30 - log2 max|acc|` bits: 6 at 768 * 2^14. Calibration loses nothing by that: it makes the free step exactly
//! `step(acc) * 2^s / m`, so a coarse m costs a little resolution and no accuracy. Not so where the result's step is tied to
//! another tensor's: a weight behind the accumulator takes up the difference, but behind a product of two activations there is
//! none. Of I16 times I12 into a window of 20 bits m is 1 or 2, and the ratio up to a third off; the accuracy report shows it
//! as noise of that tensor's own. Such summands want few bits and a narrow window: `quantize::<I16>(gate * c, window = 16)` of
//! two I12, where a gate is at most 1, has m of seven bits.
//!
//! A remainder is one limb (s <= 16) unless the types say that more could be needed: [`scale::remainder_limbs`].

pub(crate) mod lower;
pub mod scale;

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, Recipe, RunError,
    Value,
};
use super::{At, Call, OpDef, OpError, Signature};
use crate::calibrate::bounds::saturate;
use crate::elem::Elem;
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op, Rescale, RescaleRule, StepKind, TensorType};
use crate::ops::ArgKind::{Int, Real};
pub(crate) use lower::ONE_TABLE;
use scale::Admissible;

/// `quantize_int8(h)`
pub struct QuantizeInt8;
/// `quantize::<I12>(h)`
pub struct Quantize;

const NAMED: &[(&str, super::ArgKind, bool)] =
    &[("scale", Real, false), ("shift", Int, false), ("window", Int, false)];

impl OpDef for QuantizeInt8 {
    fn name(&self) -> &'static str {
        "quantize_int8"
    }

    fn signature(&self) -> Signature {
        Signature { named: NAMED, ..Signature::tensors(&["h"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        from_call(b, call, Elem::I8)
    }
}

impl OpDef for Quantize {
    fn name(&self) -> &'static str {
        "quantize"
    }

    fn signature(&self) -> Signature {
        Signature { named: NAMED, turbofish: true, ..Signature::tensors(&["h"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let to = call.elem.ok_or_else(|| {
            OpError::new(At::Op, "`quantize` needs an element type").help("`quantize::<I8>(h)`")
        })?;
        if matches!(to, Elem::I24 | Elem::Acc) {
            let message = format!("`quantize` gives I8, I12, I16 or U8, got `{to}`");
            return Err(OpError::new(At::Turbofish, message));
        }
        from_call(b, call, to)
    }
}

fn from_call(b: &mut GraphBuilder, call: &Call, to: Elem) -> Result<Vec<NodeId>, OpError> {
    let window = call.int("window").map(|w| check_window(w, to)).transpose()?;
    let rule = rule_of(call)?;
    Ok(vec![quantize(b, call.tensors[0], to, rule, window, &call.name)?])
}

fn check_window(window: i64, to: Elem) -> Result<u32, OpError> {
    let least = scale::least_window(to);
    if (least as i64..=22).contains(&window) {
        return Ok(window as u32);
    }
    Err(OpError::new(
        At::Named("window".into()),
        format!("`window` for {to} must be from {least} to 22 bits, got {window}"),
    ))
}

fn rule_of(call: &Call) -> Result<RescaleRule, OpError> {
    let named = |n: &str| At::Named(n.into());
    match (call.real("scale"), call.int("shift")) {
        (Some(_), Some(_)) => {
            Err(OpError::new(named("shift"), "`scale` and `shift` pin the same thing: give one of them"))
        }
        (Some(x), None) if !(x > 0.0 && x.is_finite()) => {
            Err(OpError::new(named("scale"), format!("`scale` must be positive, got {x}"))
                .note("scale = out / acc"))
        }
        (Some(x), None) => Ok(RescaleRule::Scale(x)),
        (None, Some(s)) if !(0..=scale::MAX_SHIFT as i64).contains(&s) => Err(OpError::new(
            named("shift"),
            format!("`shift` must be from 0 to {}, got {s}", scale::MAX_SHIFT),
        )),
        (None, Some(s)) => Ok(RescaleRule::Shift(s as u32)),
        (None, None) => Ok(RescaleRule::Calibrated),
    }
}

/// Adds a quantisation of `h`; other ops compose with it.
pub(crate) fn quantize(
    b: &mut GraphBuilder,
    h: NodeId,
    to: Elem,
    rule: RescaleRule,
    window: Option<u32>,
    name: &str,
) -> Result<NodeId, OpError> {
    let acc = b.ty(h).clone();
    let window = window.unwrap_or_else(|| scale::default_window(acc.interval, to));
    let admissible = Admissible::new(acc.interval, to, window);
    if !admissible.covers() {
        return Err(OpError::new(At::Op, "no admissible scale")
            .note(format!(
                "accumulator in {}, window of {window} bits: m * max|acc| + 2^(s+{}) must stay below 2^31",
                acc.interval,
                window - 1
            ))
            .help("narrow the accumulator's operands, or set `window`"));
    }
    let step = match pinned(&admissible, rule)? {
        Some(r) => acc.step.scaled(1.0 / scale::ratio(r)),
        None => b.fresh_step(name, StepKind::Quantized),
    };
    let param = b.declare_rescale(name.to_owned(), b.graph().nodes.len(), rule);
    let ty = TensorType { elem: to, shape: acc.shape, interval: to.interval(), step };
    Ok(b.push(Op::Quantize { to, param, window }, vec![h], ty, name))
}

/// The rescale that the rule pins.
pub fn pinned(admissible: &Admissible, rule: RescaleRule) -> Result<Option<Rescale>, OpError> {
    let (at, target) = match rule {
        RescaleRule::Calibrated => return Ok(None),
        RescaleRule::Scale(x) => ("scale", x),
        RescaleRule::Shift(s) => ("shift", 1.0 / (1u64 << s) as f64),
    };
    let exact = |r: &Rescale| at == "scale" || scale::ratio(*r) == target;
    if let Some(r) = admissible.choose(target).filter(exact) {
        return Ok(Some(r));
    }
    let (least, most) = admissible.ratios().expect("covers");
    let range = match at {
        "scale" => format!("admissible: {least:.3e} to {most:.3e}"),
        _ => format!("admissible: 0 to {}", -least.log2()),
    };
    Err(OpError::new(At::Named(at.into()), format!("no admissible scale at `{at} = {}`", pin_text(rule)))
        .note(format!("accumulator in {}, window of {} bits", admissible.acc, admissible.window))
        .note(range))
}

fn pin_text(rule: RescaleRule) -> String {
    match rule {
        RescaleRule::Scale(x) => x.to_string(),
        RescaleRule::Shift(s) => s.to_string(),
        RescaleRule::Calibrated => String::new(),
    }
}

impl Primitive for Quantize {
    fn name(&self) -> &'static str {
        "quantize"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let spec = lower::Quantize::new(m.graph, m.params, id, m.fused[id])?;
        let acc = m.arg(id, 0);
        let window = spec.window;
        let got = spec.eval(&acc).map_err(|index| RunError::Window {
            name: m.graph.node(id).name.clone(),
            index,
            value: acc[index] as i64,
            window,
        })?;
        Ok(Computed { value: got.y, cells: got.cells })
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Rescale(lower::Quantize::new(m.graph, m.params, id, m.fused[id])?.recipe())))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower::lower(ctx, id)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.args[0].data.clone())
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let Op::Quantize { param, .. } = node.op else { return Bound::of(node.ty.interval) };
        let r = (known.rescale)(param);
        let q = |a: Interval| Interval::new(scale::rescale(a.lo, r), scale::rescale(a.hi, r));
        of[node.args[0]].map(|a| saturate(q(a), node.ty.interval))
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
