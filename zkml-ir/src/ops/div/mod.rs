//! `x / 7`, also `div(x, by = 7)`: integer division by a constant, towards minus infinity.
//!
//! - Shape and step: the argument's. Elements: any, even an accumulator with products. `by`: 1 to 2^16; dividing by 1
//!   is the argument itself.
//! - Integers: y = floor(x / c). Real numbers: x / c; y * step lies below it by less than one step.
//! - Interval: from floor(lo / c) to floor(hi / c). Beyond 2^16 integers y has two limbs, and its interval reaches up
//!   to the next power of two. Element: the first of I8, U8, I12, I16, I24 that holds the interval, else `Acc`.
//! - Lowering: `x - c y - t = 0` with y in its interval and t in [0, c). t is looked up in RANGE(log2 c) where c is a
//!   power of two, in a table of c rows for c <= 2^10, else t and c - 1 - t in RANGE(ceil log2 c). Cells: y (two beyond
//!   2^16) and t; as many lookups, one more for c > 2^10 that is no power of two.
//!
//! Over the integers there is one quotient and one remainder, and one pair of limbs of y - floor(lo / c). Nothing
//! wraps: the rule refuses intervals for which x - c y - t, for all x, y and t that cells can be, leaves (-p, p).
//!
//! A real factor, `x * 0.125`, only changes the step and costs nothing. This op is for integers that mean themselves:
//! indices, counts.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, RunError, Value,
};
use super::softmax::score_rows::ceil_log2;
use super::{ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval, P};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::{limb, limbs};
use crate::plan::LinExpr;

pub struct Div;

/// The remainder is one limb.
const MAX_DIVISOR: i64 = 1 << 16;
/// The largest table of remainders of a divisor's own.
const OWN_TABLE: i64 = 1 << 10;
const RESULTS: [Elem; 6] = [Elem::I8, Elem::U8, Elem::I12, Elem::I16, Elem::I24, Elem::Acc];

impl OpDef for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("by", ArgKind::Int, true)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (x, by) = (call.tensors[0], call.int("by").unwrap_or(0));
        if !(1..=MAX_DIVISOR).contains(&by) {
            let message = format!("a tensor is divided by an integer from 1 to {MAX_DIVISOR}, got {by}");
            return Err(OpError::new(At::Named("by".into()), message)
                .help("multiply by a constant, `x * 0.125`: it only changes the step"));
        }
        if by == 1 {
            return Ok(vec![x]);
        }
        let tx = b.ty(x).clone();
        let spec = Spec { by, x: tx.interval };
        if let Err(reach) = spec.fits() {
            return Err(OpError::new(
                At::Tensor(0),
                format!("a tensor in {} is too wide to divide", tx.interval),
            )
            .note(format!("x - {by} y - t reaches {reach}, the field holds (-2^31, 2^31)"))
            .help("quantize first: `quantize::<I16>(h) / 7`"));
        }
        let interval = spec.interval();
        let elem = RESULTS.into_iter().find(|e| e.interval().contains_interval(interval));
        let ty = TensorType { elem: elem.unwrap_or(Elem::Acc), interval, ..tx };
        Ok(vec![b.push(Op::DivInt(by), vec![x], ty, &call.name)])
    }
}

/// The numbers of a division.
#[derive(Clone, Copy, Debug)]
struct Spec {
    by: i64,
    x: Interval,
}

impl Spec {
    fn new(graph: &crate::graph::Graph, id: NodeId) -> Option<Self> {
        let node = graph.node(id);
        match node.op {
            Op::DivInt(by) if (2..=MAX_DIVISOR).contains(&by) => {
                Some(Self { by, x: graph.ty(node.args[0]).interval })
            }
            _ => None,
        }
    }

    fn quotients(&self) -> Interval {
        Interval::new(self.x.lo.div_euclid(self.by), self.x.hi.div_euclid(self.by))
    }

    /// Bits of y's limbs, if it has two.
    fn wide(&self) -> Option<u32> {
        let width = self.quotients().width();
        (width >= 1 << 16).then(|| i64::BITS - width.leading_zeros())
    }

    /// What the cells of y can express.
    fn interval(&self) -> Interval {
        let q = self.quotients();
        self.wide().map_or(q, |bits| Interval::new(q.lo, q.lo + (1 << bits) - 1))
    }

    /// Bits of the remainder.
    fn bits(&self) -> u32 {
        ceil_log2(self.by as u64)
    }

    fn fits(&self) -> Result<(), Interval> {
        let reach = self.x - self.interval().scale(self.by) - Interval::new(0, (1 << self.bits()) - 1);
        match reach.max_abs() < P {
            true => Ok(()),
            false => Err(reach),
        }
    }
}

impl Primitive for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let spec = Spec::new(m.graph, id).ok_or_else(|| m.malformed(id, "is no division"))?;
        let (x, by) = (m.arg(id, 0), spec.by as i32);
        let y: Vec<i32> = x.iter().map(|x| x.div_euclid(by)).collect();
        let mut cells = match spec.wide() {
            None => vec![y.clone()],
            Some(bits) => {
                let from = spec.quotients().lo;
                let part = |p| y.iter().map(|&y| limb(y as i64 - from, p)).collect();
                limbs(bits).into_iter().map(part).collect()
            }
        };
        cells.push(x.iter().map(|x| x.rem_euclid(by)).collect());
        Ok(Computed { value: y, cells })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let spec = Spec::new(ctx.graph, id).ok_or_else(|| ctx.unsupported("is no division"))?;
        let x = ctx.value(ctx.graph.nodes[id].args[0])?.clone();
        let (space, by, bits) = (x.space.clone(), spec.by, spec.bits());
        let y: LinExpr = match spec.wide() {
            Some(bits) => ctx.limb_cells("y", &space, bits).plus_constant(spec.quotients().lo),
            None => {
                let y = ctx.interval_cell("y", &space, spec.quotients());
                ctx.cells(y)
            }
        };
        let t = match by <= OWN_TABLE {
            // RANGE where c is a power of two.
            true => ctx.interval_cell("t", &space, Interval::new(0, by - 1)),
            false => ctx.range_cell("t", &space, bits),
        };
        let t = ctx.cells(t);
        if by > OWN_TABLE && !(by as u64).is_power_of_two() {
            ctx.in_range("t is a remainder", &space, bits, t.scaled(-1).plus_constant(by - 1));
        }
        let linear = x.lin.plus(y.scaled(-by)).plus(t.scaled(-1));
        ctx.constraint("division", &space, linear, x.products);
        Ok(Some(Value::affine(space, y)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::DivInt(by) = call.node.op else { return Err(call.missing()) };
        Ok(call.map(|v| (v as f64 / by as f64) as f32))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let Op::DivInt(by) = node.op else { return Bound::of(node.ty.interval) };
        of[node.args[0]].map(|i| Interval::new(i.lo.div_euclid(by), i.hi.div_euclid(by)))
    }
}
