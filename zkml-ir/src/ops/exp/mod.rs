//! `exp(x)`.
//!
//! - Shape: the argument's, which is I8, I12, I16 or U8. Element: I16, interval [0, 2^15 - 1].
//! - Step: 2^-14, or 2^-bits with `bits = 0` to `14`. The argument's real range is not known when a model is compiled, so
//!   the result's step is stated, not derived: 2^-14 keeps e^0 = 2^14 exact and suits arguments up to ln 2; fewer bits
//!   reach further, to (15 - bits) * ln 2.
//! - Integers: y = min(2^15 - 1, round(exp(x * step) / step_y)): saturating above, 0 far below.
//! - Lowering: (EXP, x, y); fused into the table of a quantisation that feeds nothing else.

use super::activation;
use super::primitive::{
    Computed, Ctx, FloatArgs, FloatError, LowerError, Machine, Primitive, Recipe, RunError, Value,
};
use super::{ArgKind, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op};

pub struct Exp;

const BITS: i64 = 14;

impl OpDef for Exp {
    fn name(&self) -> &'static str {
        "exp"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("bits", ArgKind::Int, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let bits = activation::bits(call, BITS, BITS)?;
        activation::in_fixed_step(b, call, "exp", Op::Exp, bits, |_| {
            Interval::new(0, Elem::I16.interval().hi)
        })
    }
}

impl Primitive for Exp {
    fn name(&self) -> &'static str {
        "exp"
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
        Ok(call.map(f32::exp))
    }

    fn reads_steps(&self) -> bool {
        true
    }
}
