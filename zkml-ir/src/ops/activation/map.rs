//! [`Op::Map`]: functions without parameters.

use crate::elem::Interval;
use crate::float;
use crate::ops::primitive::*;
use crate::tables::Function;

pub(crate) struct Map(Function);

impl Map {
    pub fn of(f: Function) -> &'static Self {
        match f {
            Function::Relu => &Self(Function::Relu),
            Function::Gelu => &Self(Function::Gelu),
            Function::Exp => &Self(Function::Exp),
            Function::Sigmoid => &Self(Function::Sigmoid),
            Function::Silu => &Self(Function::Silu),
            Function::Tanh => &Self(Function::Tanh),
            Function::GeluTanh => &Self(Function::GeluTanh),
            Function::Rsqrt => &Self(Function::Rsqrt),
            Function::Reciprocal => &Self(Function::Reciprocal),
            Function::Abs => &Self(Function::Abs),
            Function::Identity => &Self(Function::Identity),
            Function::Sqrt => &Self(Function::Sqrt),
            Function::Log => &Self(Function::Log),
            Function::Sin => &Self(Function::Sin),
            Function::Cos => &Self(Function::Cos),
        }
    }
}

impl Primitive for Map {
    fn name(&self) -> &'static str {
        match self.0 {
            Function::GeluTanh => "gelu",
            Function::Rsqrt => "rsqrt",
            f => f.name(),
        }
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        super::run(m, id, commits)
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        super::recipe(m, id).map(Some)
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        super::lower(ctx, id).map(Some)
    }

    /// Where the function has a pole, what is beyond the largest result is that, as among the integers: it is known, because
    /// the step is a constant.
    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let ty = &call.node.ty;
        let most = match self.0 {
            Function::Rsqrt | Function::Reciprocal | Function::Log => ty.step.coef * ty.interval.hi as f64,
            _ => f64::MAX,
        };
        Ok(call.map(|v| float::function(self.0, v as f64).max(-most).min(most) as f32))
    }

    /// Of functions in their argument's step; the others' depends on the step.
    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let x = &of[node.args[0]];
        match self.0 {
            Function::Relu => x.map(|x| Interval::new(x.lo.max(0), x.hi.max(0))),
            Function::Gelu | Function::GeluTanh | Function::Silu => x.map(|x| x.union(Interval::point(0))),
            Function::Abs => x.map(abs),
            Function::Identity => x.clone(),
            _ => Bound::of(node.ty.interval),
        }
    }

    fn reads_steps(&self) -> bool {
        true
    }
}

/// Of absolute values.
pub(crate) fn abs(x: Interval) -> Interval {
    let least = if x.contains(0) { 0 } else { x.lo.saturating_abs().min(x.hi.saturating_abs()) };
    Interval::new(least, x.max_abs())
}
